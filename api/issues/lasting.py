"""Sightings that last: what a camera goes on seeing, until it is gone. Never commits."""

import uuid
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.issues import after, moving
from api.issues.tables import Issue, Sighting
from api.issues.transitions import AT_WORK, State


def still_there(session: Session, capture_id: uuid.UUID, class_code: str, until: datetime) -> None:
    """Keep a camera's sighting alive: the same thing was still there at `until`. Whoever reads the issue sees it.

    No step of the issue's life: its revision, by which people notice each other's changes, stays.
    """
    sighting = _sighting(session, capture_id, class_code)
    if sighting is None or sighting.ended_at is not None:
        return
    if sighting.last_seen_at is None or sighting.last_seen_at < until:
        sighting.last_seen_at = until
    session.execute(
        sa.update(Issue)
        .where(Issue.id == sighting.issue_id, Issue.last_seen_at < until, Issue.closed_at.is_(None))
        .values(last_seen_at=until)
    )


def gone(
    session: Session, capture_id: uuid.UUID, class_code: str, at: datetime, *, after_capture_id: uuid.UUID | None
) -> Issue | None:
    """End a camera's sighting: it was gone at `at`. Give its issue; None where there is none.

    Args:
        after_capture_id: the picture that shows the place empty, which then proposes that the issue is put right; only
            a person signs that off. None: something else of the kind is still there, or nobody knows why it ended.
    """
    sighting = _sighting(session, capture_id, class_code)
    if sighting is None:
        return None
    issue = session.get_one(Issue, sighting.issue_id, with_for_update=True, populate_existing=True)
    if sighting.ended_at is not None:
        return issue
    sighting.last_seen_at = max(sighting.last_seen_at or sighting.seen_at, at)
    sighting.ended_at = at
    if issue.closed_at is None:
        issue.last_seen_at = max(issue.last_seen_at, at)
    seconds = round((at - sighting.seen_at).total_seconds())
    state = State(issue.state)
    issue.revision += 1
    moving.note(session, issue, "gone", state, state, capture_id=after_capture_id or capture_id,
               data={"since": sighting.seen_at.isoformat(), "until": at.isoformat(), "seconds": seconds})  # fmt: skip
    if after_capture_id is not None and state in AT_WORK:
        after.propose_clean(session, issue, after_capture_id)
    session.flush()
    return issue


def closed_though_there(session: Session, capture_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], datetime]:
    """Give when people closed the issues of cameras' sightings that go on: (capture, class) -> closed at.

    An issue that was rejected is none of these: people have said that it is nothing wrong.
    """
    query = sa.select(Sighting.capture_id, Sighting.class_code, Issue.closed_at)
    query = query.join(Issue, Issue.id == Sighting.issue_id)
    query = query.where(Sighting.capture_id.in_(capture_ids), Sighting.ended_at.is_(None), Issue.state == State.closed)
    return {(row.capture_id, row.class_code): row.closed_at for row in session.execute(query)}


def end_with_issue(session: Session, capture_id: uuid.UUID, class_code: str, at: datetime) -> None:
    """End a camera's sighting at the moment its issue was closed: what is still there after that is another one."""
    sighting = _sighting(session, capture_id, class_code)
    if sighting is not None and sighting.ended_at is None:
        sighting.last_seen_at = sighting.ended_at = at
        session.flush()


def _sighting(session: Session, capture_id: uuid.UUID, class_code: str) -> Sighting | None:
    return session.scalar(sa.select(Sighting).filter_by(capture_id=capture_id, class_code=class_code))
