"""Issues: the door for other domains. What may happen to them is in `recording` and `steps`; here they are read.

Takes a session, never commits.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Scope
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.issues.after import add_after_photo, cannot_judge
from api.issues.reach import get_issue, inside, may
from api.issues.recording import Numbering, Seen, Told, record, report
from api.issues.reviewing import Reviewed, settle_review
from api.issues.steps import SUBJECT, possible, step
from api.issues.tables import AfterPhoto, Issue, Sighting
from api.issues.transitions import AT_WORK, State
from api.paging import Window, cut
from api.points import service as points
from detector.taxonomy import Taxonomy

__all__ = [
    "Filter",
    "Numbering",
    "Reviewed",
    "Seen",
    "Told",
    "add_after_photo",
    "at_work",
    "cannot_judge",
    "deadlines_of_unfinished",
    "get_issue",
    "inside",
    "issues_by_id",
    "list_after_photos",
    "list_events",
    "list_issues",
    "list_sightings",
    "may",
    "possible",
    "record",
    "report",
    "settle_review",
    "step",
    "summarise",
    "unfinished_by_point",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which issues are asked for; what is None does not narrow."""

    states: Sequence[State] | None = None
    classes: Sequence[str] | None = None
    point: str | None = None  #: code or id
    community: str | None = None
    category: str | None = None
    capture_id: uuid.UUID | None = None


def list_issues(session: Session, window: Window, wanted: Filter, *, within: Scope) -> tuple[list[Issue], str | None]:
    """Give one page of the issues within a scope, newest first."""
    query = sa.select(Issue).where(inside(within))
    if wanted.states is not None:
        query = query.where(Issue.state.in_(wanted.states))
    if wanted.classes is not None:
        query = query.where(Issue.class_code.in_(wanted.classes))
    if wanted.point:
        query = query.where(Issue.point_id == points.get_point(session, wanted.point, within=within).id)
    if wanted.community or wanted.category:
        query = query.where(Issue.point_id.in_(points.ids_where(community=wanted.community, category=wanted.category)))
    if wanted.capture_id:
        query = query.where(Issue.id.in_(sa.select(Sighting.issue_id).where(Sighting.capture_id == wanted.capture_id)))
    return cut(session, query, Issue, window)


def list_sightings(session: Session, issue_id: uuid.UUID, window: Window) -> tuple[list[Sighting], str | None]:
    """Give one page of an issue's sightings, newest first."""
    return cut(session, sa.select(Sighting).where(Sighting.issue_id == issue_id), Sighting, window)


def list_events(session: Session, issue_id: uuid.UUID, window: Window) -> tuple[list[AuditEvent], str | None]:
    """Give one page of what was done to an issue, newest first."""
    return audit.list_events(session, window, audit.Filter(subject_kind=SUBJECT, subject_id=issue_id))


def list_after_photos(session: Session, issue_id: uuid.UUID) -> list[AfterPhoto]:
    """Give the photos that were sent to show an issue put right, newest first."""
    query = sa.select(AfterPhoto).where(AfterPhoto.issue_id == issue_id).order_by(AfterPhoto.id.desc())
    return list(session.scalars(query))


def issues_by_id(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Issue]:
    """Give the issues with these ids."""
    return {row.id: row for row in session.scalars(sa.select(Issue).where(Issue.id.in_(set(ids))))}


def at_work(session: Session, *, within: Scope) -> list[Issue]:
    """Give the issues that are certain and not ended, oldest first: what an assessor would find today."""
    query = sa.select(Issue).where(Issue.state.in_(AT_WORK), inside(within))
    return list(session.scalars(query.order_by(Issue.id)))


def unfinished_by_point(session: Session, *, within: Scope) -> dict[uuid.UUID, dict[State, int]]:
    """Count the unfinished issues of each point within a scope that has any, by state."""
    counted: dict[uuid.UUID, dict[State, int]] = defaultdict(dict)
    query = sa.select(Issue.point_id, Issue.state, sa.func.count()).where(Issue.closed_at.is_(None), inside(within))
    for point_id, state, count in session.execute(query.group_by(Issue.point_id, Issue.state)):
        counted[point_id][State(state)] = count
    return dict(counted)


def summarise(session: Session, taxonomy: Taxonomy, *, within: Scope) -> dict[str, Any]:
    """Count the issues within a scope by state, and the unfinished ones by kind and by point."""
    here = inside(within)
    by_state = dict.fromkeys(State, 0)
    by_state.update(
        {
            State(state): count
            for state, count in session.execute(
                sa.select(Issue.state, sa.func.count()).where(here).group_by(Issue.state)
            )
        }
    )
    unfinished = sa.and_(Issue.closed_at.is_(None), here)
    by_kind: dict[str, int] = {kind.code: 0 for kind in taxonomy.kinds}
    for code, count in session.execute(
        sa.select(Issue.class_code, sa.func.count()).where(unfinished).group_by(Issue.class_code)
    ):
        if code in taxonomy.kind_of:  # an old issue may be of a class that the catalogue has dropped
            by_kind[taxonomy.kind_of[code].code] += count
    affected = session.scalar(sa.select(sa.func.count(sa.distinct(Issue.point_id))).where(unfinished)) or 0
    return {"by_state": by_state, "open_by_kind": by_kind, "points_with_open": affected}


def deadlines_of_unfinished() -> sa.Select[uuid.UUID, datetime | None]:
    """Give the query of id and deadline of each unfinished issue, for other domains to join."""
    return sa.select(Issue.id, Issue.due_at).where(Issue.closed_at.is_(None))
