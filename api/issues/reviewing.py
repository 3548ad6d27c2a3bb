"""What reviewers' verdict on a picture means for the issues that it shows."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.issues import moving
from api.issues.recording import Numbering, Seen, record
from api.issues.schemas import Source
from api.issues.tables import Issue, Sighting
from api.issues.transitions import SUSPECTED, State
from api.points import service as points
from detector.rules import Certainty, Reason, Violation

CONFIRMED = "confirmed"
REFUTED = "refuted"
_UNTOUCHED = SUSPECTED | {State.open}  # nobody was sent yet: a mistake may still be taken back by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What people say that a capture shows."""

    capture_id: uuid.UUID
    point_id: uuid.UUID
    at: datetime  #: when the capture was taken
    boxes: dict[str, list[tuple[float, float, float, float]]]  #: violation -> boxes in pixels of the upright original
    model: str  #: whose boxes were judged
    by_user_id: uuid.UUID | None  #: None: somebody in Label Studio
    by_name: str


def settle_review(session: Session, said: Reviewed, numbering: Numbering) -> list[Issue]:
    """Confirm what people saw too, take back what they did not, open what the model missed.

    Settling a second time, with another outcome too, leaves what the latest says. An issue on which somebody works
    already is never taken back by itself: its sighting is marked, and the log says so.
    """
    points.hold_point(session, said.point_id)
    sightings = list(session.scalars(sa.select(Sighting).filter_by(capture_id=said.capture_id)))
    touched = [_judge(session, one, said) for one in sightings]
    missed = said.boxes.keys() - {one.class_code for one in sightings}
    violations = [
        Violation(
            code=code, box=box, confidence=1.0, certainty=Certainty.automatic, reason=Reason.reviewed, model=said.model
        )
        for code in sorted(missed)
        for box in said.boxes[code]
    ]
    seen = Seen(capture_id=said.capture_id, point_id=said.point_id, at=said.at, source=Source.hand)
    for issue in record(session, seen, violations, numbering):
        moving.note(session, issue, "seen_by_reviewer", State(issue.state), State(issue.state), by=said.by_user_id,
                   words=said.by_name, capture_id=said.capture_id)  # fmt: skip
        touched.append(issue)
    session.execute(
        sa.update(Sighting)
        .where(Sighting.capture_id == said.capture_id, Sighting.class_code.in_(missed))
        .values(verdict=CONFIRMED)
    )
    session.flush()
    return touched


def _judge(session: Session, sighting: Sighting, said: Reviewed) -> Issue:
    issue = session.get(Issue, sighting.issue_id, with_for_update=True, populate_existing=True)
    assert issue is not None
    before, sighting.verdict = sighting.verdict, CONFIRMED if sighting.class_code in said.boxes else REFUTED
    session.flush()
    if before == sighting.verdict:
        return issue
    state = State(issue.state)
    to, action = state, "confirmed_again"
    if sighting.verdict == CONFIRMED:
        if state in SUSPECTED:
            to, action = State.open, "confirm"
        elif state is State.rejected and moving.open_issue_of(session, issue.point_id, issue.class_code) is None:
            to, action = State.open, "reopened"
    elif state in _UNTOUCHED and not _stands(session, issue):
        to, action = State.rejected, "reject"
    else:
        action = "sighting_refuted"
    moving.move(session, issue, to, action, by=said.by_user_id, words=said.by_name, capture_id=said.capture_id)
    return issue


def _stands(session: Session, issue: Issue) -> bool:
    """Say whether something other than refuted sightings speaks for the issue."""
    others = sa.select(Sighting.id).where(
        Sighting.issue_id == issue.id, sa.or_(Sighting.verdict.is_(None), Sighting.verdict != REFUTED)
    )
    return session.scalar(others.limit(1)) is not None
