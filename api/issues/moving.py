"""The one way in which an issue changes its state, and in which anything done to it comes into the log."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.database import now
from api.issues.tables import AfterPhoto, Issue, Whistle
from api.issues.transitions import (
    ENDED,
    SUSPECTED,
    State,
)

SUBJECT = "issue"  # of the audit log


def note(
    session: Session,
    issue: Issue,
    action: str,
    before: State | None,
    after: State | None,
    *,
    by: uuid.UUID | None = None,
    words: str = "",
    capture_id: uuid.UUID | None = None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Write into the log what was done to an issue."""
    entry = audit.Entry(
        subject_kind=SUBJECT,
        subject_id=issue.id,
        action=action,
        by_user_id=by,
        before=before,
        after=after,
        note=words,
        capture_id=capture_id,
        data=data or {},
        at=at or now(),
    )
    audit.append(session, entry)


def move(
    session: Session,
    issue: Issue,
    to: State,
    action: str,
    *,
    by: uuid.UUID | None = None,
    words: str = "",
    capture_id: uuid.UUID | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Bring an issue into a state, which may be the one that it is in, and write it down."""
    before, at = State(issue.state), now()
    if to is not before:
        issue.state, issue.state_since = to, at
        if before is State.suspended:
            issue.pauses = [*issue.pauses[:-1], [issue.pauses[-1][0], at.isoformat()]]
        elif to is State.suspended:
            issue.pauses = [*issue.pauses, [at.isoformat(), None]]
        if to in ENDED:
            issue.closed_at = at
            open_whistle = sa.update(Whistle).where(Whistle.issue_id == issue.id, Whistle.ended_at.is_(None))
            session.execute(open_whistle.values(ended_at=at))
            if issue.due_at is not None:  # whether it was in time can be read from the log for ever
                data = {**(data or {}), "due_at": issue.due_at.isoformat()}
        elif before in ENDED:
            _begin_again(session, issue)
        if to is State.open and before in SUSPECTED | ENDED:
            issue.clock_started_at = at
    issue.revision += 1
    note(session, issue, action, before, to, by=by, words=words, capture_id=capture_id, data=data, at=at)


def _begin_again(session: Session, issue: Issue) -> None:
    """Open anew what had ended; who is in charge stays known, what was promised or proved before does not count."""
    issue.closed_at = None
    issue.reopened_count += 1
    issue.extension = issue.extended_to = issue.due_at = issue.step_due_at = None
    issue.pauses = []
    spend_after_photos(session, issue)


def spend_after_photos(session: Session, issue: Issue) -> None:
    """Let the after-photos that were sent so far prove nothing any more."""
    issue.after_verdict = None
    session.execute(sa.update(AfterPhoto).where(AfterPhoto.issue_id == issue.id).values(spent=True))


def after_photos(session: Session, issue: Issue) -> list[AfterPhoto]:
    """Give the after-photos that count, newest first."""
    query = sa.select(AfterPhoto).where(AfterPhoto.issue_id == issue.id, AfterPhoto.spent.is_(False))
    return list(session.scalars(query.order_by(AfterPhoto.id.desc())))


def open_issue_of(session: Session, point_id: uuid.UUID, class_code: str) -> Issue | None:
    """Give the one unfinished issue of a point and class, locked; None where there is none."""
    query = sa.select(Issue).where(
        Issue.point_id == point_id, Issue.class_code == class_code, Issue.closed_at.is_(None)
    )
    return session.scalars(query.with_for_update()).one_or_none()
