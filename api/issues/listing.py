"""Which issues are asked for, and in which order; a million of them are narrowed by indexes, never read through.

The indexes that these queries rest on stand in `tables.py`; `benchmarks/scale.py` measures them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.database import now
from api.issues.reach import inside
from api.issues.tables import Issue, Sighting
from api.issues.transitions import UNFINISHED, State
from api.paging import Window, cut, cut_by_moment
from api.points import service as points
from detector.taxonomy import Taxonomy

MOST_COUNTED = 10_001


class Sort(StrEnum):
    """In which order a list is given."""

    newest = "newest"
    oldest = "oldest"
    due = "due"  # the unfinished, what is due first coming first
    seen = "seen"  # what was seen last coming first


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which issues are asked for; what is None does not narrow."""

    states: Sequence[State] | None = None
    classes: Sequence[str] | None = None
    point: str | None = None  #: code or id
    community: str | None = None
    category: str | None = None
    department: str | None = None  #: code
    capture_id: uuid.UUID | None = None
    source: str | None = None  #: a `Source`
    overdue: bool = False
    due_before: datetime | None = None  #: the unfinished that are due before this moment
    text: str | None = None  #: in the number, the point's names, the name of the class, or what people told
    text_classes: Sequence[str] = ()  #: the classes whose name holds the text, see `classes_named`
    sort: Sort = Sort.newest


def list_issues(session: Session, window: Window, wanted: Filter, *, within: Scope) -> tuple[list[Issue], str | None]:
    """Give one page of the issues within a scope."""
    query = _chosen(session, wanted, within)
    if wanted.sort is Sort.due:
        return cut_by_moment(session, query, Issue, Issue.due_at, window)
    if wanted.sort is Sort.seen:
        return cut_by_moment(session, query, Issue, Issue.last_seen_at, window, latest_first=True)
    return cut(session, query, Issue, window, oldest_first=wanted.sort is Sort.oldest)


def count_issues(session: Session, wanted: Filter, *, within: Scope) -> int:
    """Count what a list would give, but no further than `MOST_COUNTED`: nobody scrolls through more."""
    found = _chosen(session, wanted, within).with_only_columns(Issue.id).limit(MOST_COUNTED)
    return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def _chosen(session: Session, wanted: Filter, within: Scope) -> sa.Select[Issue]:
    query = sa.select(Issue).where(inside(within), *_conditions(session, wanted, within))
    return query.where(Issue.closed_at.is_(None), Issue.due_at.is_not(None)) if wanted.sort is Sort.due else query


def classes_named(text: str, taxonomy: Taxonomy) -> list[str]:
    """Give the classes whose name, in either language, holds a text."""
    wanted = text.casefold()
    return [code for code, one in taxonomy.classes.items() if wanted in one.zh or wanted in one.en.casefold()]


def _conditions(session: Session, wanted: Filter, within: Scope) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.states is not None:
        found.append(Issue.state.in_(wanted.states))
        if UNFINISHED.issuperset(wanted.states):  # says nothing new, but then they are looked for among the few
            found.append(Issue.closed_at.is_(None))
    if wanted.classes is not None:
        found.append(Issue.class_code.in_(wanted.classes))
    if wanted.department:
        found.append(Issue.department == wanted.department)
    if wanted.point:
        found.append(Issue.point_id == points.get_point(session, wanted.point, within=within).id)
    if wanted.community or wanted.category:
        found.append(Issue.point_id.in_(points.ids_where(community=wanted.community, category=wanted.category)))
    if wanted.capture_id:
        seen = sa.select(Sighting.issue_id).where(Sighting.capture_id == wanted.capture_id)
        found.append(Issue.id.in_(seen))
    return [*found, *_more_conditions(wanted)]


def _more_conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    """Give what depends on nothing but the issue itself and what was told of it."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.source:
        found.append(Issue.source == wanted.source)
    if wanted.overdue:
        found += [Issue.closed_at.is_(None), is_overdue()]
    if wanted.due_before:
        found += [Issue.closed_at.is_(None), Issue.due_at < wanted.due_before]
    if wanted.text:
        found.append(_says(wanted.text, wanted.text_classes))
    return found


def _says(text: str, classes: Sequence[str]) -> sa.ColumnElement[bool]:
    told = sa.select(Sighting.issue_id).where(Sighting.note != "", Sighting.note.icontains(text, autoescape=True))
    said: list[sa.ColumnElement[bool]] = [
        Issue.point_id.in_(points.ids_where(text=text)),
        Issue.class_code.in_(classes),
        Issue.id.in_(told),
    ]
    if any(one.isdigit() for one in text):
        said.append(Issue.number.icontains(text, autoescape=True))
    return sa.or_(*said)


def ids_where(*, ended: bool | None = None, within: Scope = EVERYWHERE) -> sa.Select[uuid.UUID]:
    """Give the query of the ids of issues that have ended or not, for other domains to filter by."""
    query = sa.select(Issue.id).where(inside(within))
    if ended is None:
        return query
    return query.where(Issue.closed_at.is_not(None) if ended else Issue.closed_at.is_(None))


def is_overdue() -> sa.ColumnElement[bool]:
    """Give the condition that an issue is late; what was put right in time may wait for its sign-off."""
    return Issue.due_at < sa.case((Issue.state == State.rectified, Issue.state_since), else_=now())
