"""How issues come about: `record` is the one function by which a violation becomes an issue, whoever saw it."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.database import now
from api.issues import steps
from api.issues.schemas import Source
from api.issues.tables import Issue, IssueCounter, Sighting
from api.issues.transitions import SUSPECTED, State
from api.points import service as points
from api.routing import service as routing
from detector.rules import Certainty, Violation
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How issues are numbered and how long a closed one may come back."""

    prefix: str  #: of the numbers, e.g. DH
    repeat_window: timedelta  #: seen again so soon after closing, the old issue is reopened
    taxonomy: Taxonomy  #: the catalogue, which routing falls back on
    zone: tzinfo  #: the office's, in which a routing rule's days are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where and when the violations of one capture were seen."""

    capture_id: uuid.UUID
    point_id: uuid.UUID
    at: datetime
    source: Source = Source.photo


def record(session: Session, seen: Seen, violations: Sequence[Violation], numbering: Numbering) -> list[Issue]:
    """Turn what one capture shows into sightings on the open issues of its point, opening them where none is.

    All boxes of a class on a capture are one sighting. Recording a capture a second time changes nothing.
    """
    # One holding an issue and wanting a number, another holding the number and wanting that issue, would be a deadlock.
    points.hold_point(session, seen.point_id)
    by_class: dict[str, list[Violation]] = defaultdict(list)
    for violation in violations:
        by_class[violation.code].append(violation)
    known = set(session.scalars(sa.select(Sighting.class_code).where(Sighting.capture_id == seen.capture_id)))
    return [_record_class(session, seen, code, by_class[code], numbering) for code in sorted(by_class.keys() - known)]


def _record_class(session: Session, seen: Seen, code: str, found: list[Violation], numbering: Numbering) -> Issue:
    surest = max(found, key=lambda one: (one.certainty is Certainty.automatic, one.confidence))
    state = State.open if surest.certainty is Certainty.automatic else State.in_review
    issue = _open_issue(session, seen, code, state, surest, numbering)
    session.add(
        Sighting(
            issue_id=issue.id,
            capture_id=seen.capture_id,
            class_code=code,
            source=seen.source,
            seen_at=seen.at,
            confidence=surest.confidence,
            certainty=surest.certainty,
            reason=surest.reason,
            boxes=[
                {"box": [round(edge, 1) for edge in one.box], "confidence": round(one.confidence, 4)} for one in found
            ],
            model=surest.model,
        )
    )
    issue.sighting_count += 1
    issue.first_seen_at = min(issue.first_seen_at, seen.at)
    issue.last_seen_at = max(issue.last_seen_at, seen.at)
    if issue.confidence is None or surest.confidence > issue.confidence:
        issue.confidence, issue.cover_capture_id = surest.confidence, seen.capture_id
    if issue.state in SUSPECTED and state is State.open:
        steps.move(session, issue, State.open, "seen_clearly", capture_id=seen.capture_id)
    else:
        issue.revision += 1
    session.flush()
    return issue


def _open_issue(
    session: Session, seen: Seen, code: str, state: State, surest: Violation, numbering: Numbering
) -> Issue:
    """Give the open issue of a point and class, locked: the one that is there, a reopened one, or a new one."""
    found = steps.open_issue_of(session, seen.point_id, code)
    if found is not None:
        return found
    reopened = _reopen(session, seen, code, state, numbering)
    if reopened is not None:
        return reopened
    at = now()
    answers = routing.route(
        session,
        point=points.points_by_id(session, [seen.point_id])[seen.point_id],
        class_code=code,
        on=at.astimezone(numbering.zone).date(),
        taxonomy=numbering.taxonomy,
    )
    values = {
        "department": answers.department,
        "post_id": answers.post_id,
        "number": _next_number(session, numbering.prefix),
        "point_id": seen.point_id,
        "class_code": code,
        "state": state,
        "state_since": at,
        "source": seen.source,
        "opened_at": at,
        "clock_started_at": at if state is State.open else None,
        "first_seen_at": seen.at,
        "last_seen_at": seen.at,
        "sighting_count": 0,
        "confidence": surest.confidence,
        "cover_capture_id": seen.capture_id,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = session.execute(
        insert(Issue)
        .values(values)
        .on_conflict_do_nothing(index_elements=["point_id", "class_code"], index_where=Issue.closed_at.is_(None))
        .returning(Issue.id)
    ).scalar_one_or_none()
    issue = steps.open_issue_of(session, seen.point_id, code)  # another may have been first; then it is that one's
    assert issue is not None
    if made is not None:
        steps.note(session, issue, "opened", None, state, capture_id=seen.capture_id, at=at)
    return issue


def _reopen(session: Session, seen: Seen, code: str, state: State, numbering: Numbering) -> Issue | None:
    """Open the issue again that was closed here within the repeat window; None where there is none."""
    recent = (
        sa.select(Issue)
        .where(
            Issue.point_id == seen.point_id,
            Issue.class_code == code,
            Issue.state == State.closed,
            Issue.closed_at > now() - numbering.repeat_window,
        )
        .order_by(Issue.closed_at.desc())
        .limit(1)
        .with_for_update()
    )
    found = session.scalars(recent).one_or_none()
    if found is None:
        return None
    try:
        with session.begin_nested():
            steps.move(session, found, state, "reopened", capture_id=seen.capture_id)
            session.flush()
    except sa.exc.IntegrityError:  # another worker has just opened one here
        session.expire_all()
        return None
    return found


def _next_number(session: Session, prefix: str) -> str:
    """Give the next number of the year, e.g. DH-2026-000123; a number may stay unused, none is given twice."""
    year = now().year
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    last = session.execute(
        insert(IssueCounter)
        .values(year=year, last=1)
        .on_conflict_do_update(index_elements=["year"], set_={"last": IssueCounter.last + 1})
        .returning(IssueCounter.last)
    ).scalar_one()
    return f"{prefix}-{year}-{last:06d}"
