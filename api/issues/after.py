"""After-photos: what is sent to show an issue put right, and what the model says of it. Only a person signs off."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.captures.tables import Capture
from api.database import now
from api.errors import Conflict
from api.issues import steps
from api.issues.schemas import Verdict
from api.issues.tables import AfterPhoto, Issue, Sighting
from api.issues.transitions import AT_WORK, State


def add_after_photo(session: Session, issue_id: uuid.UUID, capture: Capture, *, by: uuid.UUID | None) -> AfterPhoto:
    """Let a capture, which the model has not looked at yet, show an issue put right.

    Sending the same photo again changes nothing.

    Raises:
        Conflict: the issue is not at work, or the same photo has been sent before, as proof of something.
    """
    issue = session.get_one(Issue, issue_id, with_for_update=True, populate_existing=True)
    known = session.scalars(sa.select(AfterPhoto).where(AfterPhoto.capture_id == capture.id)).one_or_none()
    if known is not None and known.issue_id == issue.id and not known.spent:
        return known
    if issue.state not in AT_WORK:
        raise Conflict(f"{issue.number} is {issue.state}; nothing is to be put right.")
    if known is not None or _was_seen(session, capture.id):
        raise Conflict(f"{capture.filename}: this very photo was sent before. Take one of the place as it is now.")
    made = AfterPhoto(
        issue_id=issue.id, capture_id=capture.id, sent_at=now(), by_user_id=by, verdict=Verdict.waiting, confidence=None
    )
    session.add(made)
    issue.after_verdict = Verdict.waiting
    issue.revision += 1
    state = State(issue.state)
    steps.note(session, issue, "after_photo", state, state, by=by, capture_id=capture.id)
    session.flush()
    return made


def _was_seen(session: Session, capture_id: uuid.UUID) -> bool:
    return session.scalar(sa.select(Sighting.id).where(Sighting.capture_id == capture_id).limit(1)) is not None
