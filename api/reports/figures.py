"""Counts over cases, all of them in SQL. What each figure means is said once, in `Counts` and in `_flags`."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.issues import service as issues
from api.issues.transitions import State
from api.reports.schemas import Counts, Scope
from api.reports.tables import Case
from detector.taxonomy import Taxonomy

Yes = sa.ColumnElement[bool]
Column = sa.ColumnElement[Any] | InstrumentedAttribute[Any]

CLASS, CATEGORY, COMMUNITY = Case.class_code, Case.category, Case.community
DEPARTMENT, POST, POINT = Case.department, Case.post_id, Case.point_id
NOTHING = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From when to when is counted, and how things are seen from."""

    start: datetime
    end: datetime  #: the first moment after it
    seen_at: datetime  #: the moment of counting; what falls due later is not overdue yet

    @property
    def edge(self) -> datetime:
        """Give the moment at which the stretch is over, or now where it is not over yet."""
        return min(self.end, self.seen_at)


def kind_of(taxonomy: Taxonomy) -> sa.ColumnElement[str]:
    """Give the kind of a case as a column; a class that the catalogue has dropped is its own kind."""
    kinds = {code: kind.code for code, kind in taxonomy.kind_of.items()}
    return sa.case(kinds, value=Case.class_code, else_=Case.class_code)


def where(scope: Scope) -> list[Yes]:
    """Give the conditions that a scope means."""
    found: list[Yes] = []
    if scope.community:
        found.append(Case.community == scope.community)
    if scope.department:
        found.append(Case.department == scope.department)
    return found


def count(session: Session, stretch: Stretch, conditions: Sequence[Yes]) -> Counts:
    """Count everything that meets the conditions."""
    return _counted(session, stretch, conditions, sa.literal("")).get("", Counts())


def count_by(session: Session, stretch: Stretch, conditions: Sequence[Yes], key: Column) -> dict[Any, Counts]:
    """Count by a column; a value for which nothing happened is left out."""
    found = _counted(session, stretch, conditions, key)
    return {name: counts for name, counts in found.items() if counts != NOTHING}


def _counted(session: Session, stretch: Stretch, conditions: Sequence[Yes], key: Column) -> dict[Any, Counts]:
    rows = _touched(stretch, conditions, key)
    names = [name for name in Counts.model_fields if name in rows.c]
    sums = [sa.func.coalesce(sa.func.sum(rows.c[name]), 0).label(name) for name in names]
    mean = sa.func.avg(rows.c.worked_s).label("mean_s")
    medians = _medians(session, rows)
    found = {}
    for row in session.execute(sa.select(rows.c.key, *sums, mean).group_by(rows.c.key)).mappings():
        figures: dict[str, Any] = {name: int(row[name]) for name in names}
        figures |= {"mean_h": _hours(row["mean_s"]), "median_h": _hours(medians.get(row["key"]))}
        found[row["key"]] = Counts(**figures)
    return found


def _touched(stretch: Stretch, conditions: Sequence[Yes], key: Column) -> sa.Subquery:
    """Give the cases that touch the stretch, with 0 or 1 for each figure."""
    live = issues.deadlines_of_unfinished().subquery()
    due = sa.case((Case.ended_at.is_(None), live.c.due_at), else_=Case.due_at)
    flags = _flags(stretch, due)
    closed = flags["closed"]
    columns = [sa.case((flag, 1), else_=0).label(name) for name, flag in flags.items()]
    worked = sa.case((closed, Case.worked_s)).label("worked_s")
    touched = sa.and_(Case.started_at < stretch.end, sa.or_(Case.ended_at.is_(None), Case.ended_at >= stretch.start))
    return (
        sa.select(key.label("key"), worked, *columns)
        .outerjoin(live, live.c.id == Case.issue_id)
        .where(touched, *conditions)
        .subquery()
    )


def _flags(stretch: Stretch, due: sa.ColumnElement[Any]) -> dict[str, Yes]:
    """Say of each figure which cases it counts."""

    def within(moment: Any) -> Yes:
        return sa.and_(moment >= stretch.start, moment < stretch.end)

    closed = sa.and_(Case.ending == State.closed.value, within(Case.ended_at), Case.opened_at.is_not(None))
    opened = within(Case.opened_at)
    mistaken = Case.ending.in_((State.rejected.value, State.merged.value))
    was_due = sa.and_(
        Case.opened_at.is_not(None), within(due), sa.or_(Case.done_at.is_(None), Case.done_at >= stretch.start),
        sa.or_(Case.ended_at.is_(None), sa.not_(mistaken), Case.ended_at > due),
    )  # fmt: skip
    late = sa.and_(due < stretch.edge, sa.or_(Case.done_at.is_(None), Case.done_at > due))
    unfinished = sa.and_(Case.opened_at < stretch.end, sa.or_(Case.ended_at.is_(None), Case.ended_at >= stretch.end))
    return {
        "found": sa.and_(Case.ordinal == 1, within(Case.started_at)),
        "reopened": sa.and_(Case.ordinal > 1, within(Case.started_at)),
        "opened": opened,
        "due": was_due,
        "closed": closed,
        "closed_in_time": sa.and_(closed, sa.or_(due.is_(None), Case.done_at <= due)),
        "overdue": sa.and_(was_due, late),
        "rejected": sa.and_(Case.ending == State.rejected.value, within(Case.ended_at)),
        "merged": sa.and_(Case.ending == State.merged.value, within(Case.ended_at)),
        "rectified": sa.and_(opened, Case.ending == State.closed.value, Case.ended_at < stretch.end),
        "unfinished": unfinished,
        "overdue_at_end": sa.and_(unfinished, late),
        "notified": sa.and_(opened, Case.notified_by.is_not(None)),
    }


def _medians(session: Session, rows: sa.Subquery) -> dict[Any, float]:
    """Give the median working time by key, in seconds: the mean of the one or two in the middle."""
    ranked = (
        sa.select(
            rows.c.key,
            rows.c.worked_s,
            sa.func.row_number().over(partition_by=rows.c.key, order_by=rows.c.worked_s).label("place"),
            sa.func.count().over(partition_by=rows.c.key).label("all"),
        )
        .where(rows.c.worked_s.is_not(None))
        .subquery()
    )
    middle = ranked.c.place.in_(((ranked.c["all"] + 1) // 2, (ranked.c["all"] + 2) // 2))
    query = sa.select(ranked.c.key, sa.func.avg(ranked.c.worked_s)).where(middle).group_by(ranked.c.key)
    return {key: float(seconds) for key, seconds in session.execute(query)}


def _hours(seconds: Any) -> float | None:
    return None if seconds is None else float(seconds) / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """How often a class came at a point."""

    point_id: uuid.UUID
    class_code: str
    times: int


def repeated(
    session: Session, stretch: Stretch, conditions: Sequence[Yes], at_least: int, most: int = 50
) -> list[Repeated]:
    """Give the points and classes with so many cases opened in the stretch, the most frequent first."""
    times = sa.func.count()
    query = (
        sa.select(Case.point_id, Case.class_code, times)
        .where(Case.opened_at >= stretch.start, Case.opened_at < stretch.end, _not_mistaken(), *conditions)
        .group_by(Case.point_id, Case.class_code)
        .having(times >= at_least)
        .order_by(times.desc(), Case.point_id, Case.class_code)
        .limit(most)
    )
    return [Repeated(point_id=row[0], class_code=row[1], times=row[2]) for row in session.execute(query)]


def _not_mistaken() -> Yes:
    return sa.or_(Case.ending.is_(None), Case.ending == State.closed.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The issues behind a figure."""

    numbers: list[str]  #: the newest first
    count: int


def evidence(session: Session, stretch: Stretch, conditions: Sequence[Yes], figure: str, most: int) -> Evidence:
    """Give the issues that a figure counts; `repeated` besides those of `Counts`."""
    if figure == "repeated":
        rows = _again(stretch, conditions, Case.number)
        chosen = sa.select(rows.c.key)
    else:
        rows = _touched(stretch, conditions, Case.number)
        chosen = sa.select(rows.c.key).where(rows.c[figure] == 1)
    chosen = chosen.distinct()
    count = session.scalar(sa.select(sa.func.count()).select_from(chosen.subquery())) or 0
    return Evidence(numbers=list(session.scalars(chosen.order_by(rows.c.key.desc()).limit(most))), count=count)


def repeated_by(session: Session, stretch: Stretch, conditions: Sequence[Yes], key: Column) -> dict[Any, int]:
    """Count by a column the cases that came again at a point and of a class within the stretch."""
    rows = _again(stretch, conditions, key)
    query = sa.select(rows.c.key, sa.func.count()).group_by(rows.c.key)
    return {row[0]: row[1] for row in session.execute(query)}


def _again(stretch: Stretch, conditions: Sequence[Yes], key: Column) -> sa.Subquery:
    """Give the cases of the stretch that were not the first at their point and of their class in it."""
    place = sa.func.row_number().over(partition_by=(Case.point_id, Case.class_code), order_by=(Case.opened_at, Case.id))
    every = (
        sa.select(key.label("key"), place.label("place"))
        .where(Case.opened_at >= stretch.start, Case.opened_at < stretch.end, _not_mistaken(), *conditions)
        .subquery()
    )
    return sa.select(every).where(every.c.place > 1).subquery()


def latest(session: Session, stretch: Stretch, conditions: Sequence[Yes]) -> Case:
    """Give the case that was opened last in the stretch; there must be one."""
    opened = (Case.opened_at >= stretch.start, Case.opened_at < stretch.end)
    query = sa.select(Case).where(*opened, _not_mistaken(), *conditions).order_by(Case.opened_at.desc(), Case.id.desc())
    return session.scalars(query.limit(1)).one()


def proved(session: Session, stretch: Stretch, conditions: Sequence[Yes], most: int) -> list[Case]:
    """Give cases closed in the stretch with a photo that proves it: those that superiors notified first."""
    closed = (Case.ending == State.closed.value, Case.ended_at >= stretch.start, Case.ended_at < stretch.end)
    query = sa.select(Case).where(*closed, Case.after_capture_id.is_not(None), Case.opened_at.is_not(None), *conditions)
    order = (Case.notified_by.is_(None), Case.ordinal.desc(), Case.ended_at.desc(), Case.id)
    return list(session.scalars(query.order_by(*order).limit(most)))


def worst(session: Session, stretch: Stretch, conditions: Sequence[Yes], most: int) -> list[Case]:
    """Give cases open at the end of the stretch: notified ones first, then what came back, then the oldest."""
    unfinished = sa.or_(Case.ended_at.is_(None), Case.ended_at >= stretch.end)
    query = sa.select(Case).where(Case.opened_at < stretch.end, unfinished, *conditions)
    order = (Case.notified_by.is_(None), Case.ordinal.desc(), Case.opened_at, Case.id)
    return list(session.scalars(query.order_by(*order).limit(most)))
