"""Figures for those who look at the whole office: what is due, where it piles up, how it went day by day."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.accounts.schemas import Scope
from api.database import now
from api.issues.listing import is_overdue
from api.issues.reach import inside
from api.issues.tables import Issue
from api.issues.transitions import AT_WORK, State
from api.points import service as points


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the office."""

    day: date
    opened: int  #: issues recorded on it
    closed: int  #: issues closed on it, without those that were rejected or merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How the unfinished stand at this moment."""

    at_work: int
    suspected: int
    overdue: int
    due_today: int  #: of those not overdue
    by_community: dict[str, int]


def standing_now(session: Session, zone: ZoneInfo, *, within: Scope) -> Now:
    """Count the unfinished issues within a scope; today ends at midnight in the office's zone."""
    at = now()
    tonight = _midnight(at.astimezone(zone).date() + timedelta(days=1), zone)
    late = sa.func.coalesce(is_overdue(), sa.false())
    tonight_due = sa.and_(Issue.due_at < tonight, sa.not_(late), Issue.state != State.rectified)
    query = sa.select(
        Issue.point_id,
        sa.func.count(),
        sa.func.sum(sa.case((Issue.state.in_(AT_WORK), 1), else_=0)),
        sa.func.sum(sa.case((late, 1), else_=0)),
        sa.func.sum(sa.case((tonight_due, 1), else_=0)),
    ).where(Issue.closed_at.is_(None), inside(within))
    rows = session.execute(query.group_by(Issue.point_id)).all()
    places = points.points_by_id(session, [row[0] for row in rows])
    by_community: dict[str, int] = {}
    for point_id, count, *_ in rows:
        name = places[point_id].community
        by_community[name] = by_community.get(name, 0) + count
    total, at_work, overdue, due_today = (sum(row[at] for row in rows) for at in range(1, 5))
    return Now(
        at_work=at_work,
        suspected=total - at_work,
        overdue=overdue,
        due_today=due_today,
        by_community=dict(sorted(by_community.items(), key=lambda one: (-one[1], one[0]))),
    )


def day_by_day(session: Session, zone: ZoneInfo, days: int, *, within: Scope) -> list[Day]:
    """Give the last days, today included, the oldest first."""
    today = now().astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    edges = [_midnight(one, zone) for one in dates]
    # An id is a UUIDv7: those of a moment and later are not below the one that the moment begins with.
    since = uuid.UUID(int=int(edges[0].timestamp() * 1000) << 80)
    recorded = sa.and_(Issue.id >= since, Issue.opened_at >= edges[0])
    opened = _counted(session, Issue.opened_at, edges, recorded, within)
    ended = sa.and_(Issue.closed_at >= edges[0], Issue.state == State.closed)
    closed = _counted(session, Issue.closed_at, edges, ended, within)
    return [Day(day=one, opened=opened.get(at, 0), closed=closed.get(at, 0)) for at, one in enumerate(dates)]


def _counted(
    session: Session,
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    edges: Sequence[datetime],
    which: sa.ColumnElement[bool],
    within: Scope,
) -> dict[int, int]:
    """Count issues by the last of the edges that their moment is not before."""
    place = sa.case(*((moment >= edge, at) for at, edge in reversed(list(enumerate(edges)))), else_=-1)
    rows = sa.select(place.label("place")).where(which, inside(within)).subquery()
    query = sa.select(rows.c.place, sa.func.count()).group_by(rows.c.place)
    return {place: count for place, count in session.execute(query)}  # noqa: C416 - rows are no pairs for mypy


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
