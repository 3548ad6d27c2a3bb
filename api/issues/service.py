"""Issues: what may happen to them. Takes a session, never commits.

`record` is the one function by which a violation becomes an issue, whoever saw it.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, Stale, Unfit
from api.issues.schemas import Step
from api.issues.tables import Issue, IssueCounter, IssueEvent, Sighting
from api.issues.transitions import ENDED, TRANSITIONS, State
from api.paging import Window, cut
from api.points import service as points
from detector.rules import Certainty, Violation
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How issues are numbered and how long a closed one may come back."""

    prefix: str  #: of the numbers, e.g. DH
    repeat_window: timedelta  #: seen again so soon after closing, the old issue is reopened


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where and when the violations of one capture were seen."""

    capture_id: uuid.UUID
    point_id: uuid.UUID
    at: datetime


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
    if surest.confidence > issue.confidence:
        issue.confidence, issue.cover_capture_id = surest.confidence, seen.capture_id
    if issue.state == State.in_review and state is State.open:
        _move(session, issue, State.open, "seen_clearly", capture_id=seen.capture_id)
    else:
        issue.revision += 1
    session.flush()
    return issue


def _open_issue(
    session: Session, seen: Seen, code: str, state: State, surest: Violation, numbering: Numbering
) -> Issue:
    """Give the open issue of a point and class, locked: the one that is there, a reopened one, or a new one."""
    here = (Issue.point_id == seen.point_id, Issue.class_code == code)
    lookup = sa.select(Issue).where(*here, Issue.closed_at.is_(None)).with_for_update()
    found = session.scalars(lookup).one_or_none()
    if found is not None:
        return found
    reopened = _reopen(session, seen, here, state, numbering)
    if reopened is not None:
        return reopened
    at = now()
    values = {
        "number": _next_number(session, numbering.prefix),
        "point_id": seen.point_id,
        "class_code": code,
        "state": state,
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
    issue = session.scalars(lookup).one()  # another worker may have been first; then it is that one's
    if made is not None:
        _note(session, issue, "opened", None, state, capture_id=seen.capture_id)
    return issue


def _reopen(
    session: Session, seen: Seen, here: tuple[sa.ColumnElement[bool], ...], state: State, numbering: Numbering
) -> Issue | None:
    """Open the issue again that was closed here within the repeat window; None where there is none."""
    recent = (
        sa.select(Issue)
        .where(*here, Issue.state == State.closed, Issue.closed_at > now() - numbering.repeat_window)
        .order_by(Issue.closed_at.desc())
        .limit(1)
        .with_for_update()
    )
    found = session.scalars(recent).one_or_none()
    if found is None:
        return None
    try:
        with session.begin_nested():
            found.closed_at = None
            found.reopened_count += 1
            _move(session, found, state, "reopened", capture_id=seen.capture_id)
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


def _move(
    session: Session,
    issue: Issue,
    to: State,
    action: str,
    *,
    by: uuid.UUID | None = None,
    note: str = "",
    capture_id: uuid.UUID | None = None,
) -> None:
    """Change the state and write down that it changed."""
    before, issue.state = State(issue.state), to
    issue.revision += 1
    if to is State.open:
        issue.clock_started_at = now()
    _note(session, issue, action, before, to, by=by, note=note, capture_id=capture_id)


def _note(
    session: Session,
    issue: Issue,
    action: str,
    before: State | None,
    after: State,
    *,
    by: uuid.UUID | None = None,
    note: str = "",
    capture_id: uuid.UUID | None = None,
) -> None:
    session.add(
        IssueEvent(
            issue_id=issue.id,
            at=now(),
            action=action,
            from_state=before,
            to_state=after,
            by_user_id=by,
            note=note,
            capture_id=capture_id,
        )
    )


def step(session: Session, issue_id: str, wanted: Step, caller: Caller, *, revision: int | None) -> Issue:
    """Do something to an issue, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale; Conflict: the state does not allow it; Forbidden: the roles do not; Unfit: a note is missing.
    """
    found = get_issue(session, issue_id, within=caller.scope(Permission.view_issues))
    issue = session.get(Issue, found.id, with_for_update=True, populate_existing=True)
    assert issue is not None
    rule = TRANSITIONS[wanted.action]
    if not may(session, caller, rule.needs, issue):
        raise Forbidden(f"To {wanted.action} {issue.number} needs the permission {rule.needs} where it is.")
    if revision is not None and issue.revision != revision:
        raise Stale(f"{issue.number} is at revision {issue.revision} now. Read it again, then repeat your step.")
    if issue.state not in rule.since:
        since = ", ".join(sorted(rule.since))
        raise Conflict(f"{issue.number} is {issue.state}; to {wanted.action} it must be {since}.")
    if rule.needs_note and not wanted.note.strip():
        raise Unfit(f"To {wanted.action} an issue, say why in `note`.")
    issue.closed_at = now() if rule.to in ENDED else None
    _move(session, issue, rule.to, wanted.action, by=caller.user_id, note=wanted.note.strip())
    session.flush()
    return issue


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on issues that a scope sets."""
    return sa.true() if scope.everywhere else Issue.point_id.in_(points.ids_where(within=scope))


def may(session: Session, caller: Caller, permission: Permission, issue: Issue) -> bool:
    """Say whether a caller may do this to an issue, where it is."""
    here = sa.select(Issue.id).where(Issue.id == issue.id, inside(caller.scope(permission)))
    return session.scalar(here) is not None


def get_issue(session: Session, number_or_id: str, *, within: Scope) -> Issue:
    """Give an issue by its number or its id.

    Raises:
        NotFound: there is no such issue within the scope.
    """
    found = session.scalar(sa.select(Issue).where(Issue.number == number_or_id, inside(within)))
    if found is None:
        try:
            found = session.scalar(sa.select(Issue).where(Issue.id == uuid.UUID(number_or_id), inside(within)))
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no issue {number_or_id[:64]!r}.")
    return found


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


def list_events(session: Session, issue_id: uuid.UUID, window: Window) -> tuple[list[IssueEvent], str | None]:
    """Give one page of the steps in an issue's life, newest first."""
    return cut(session, sa.select(IssueEvent).where(IssueEvent.issue_id == issue_id), IssueEvent, window)


def unfinished_by_point(session: Session, *, within: Scope) -> dict[uuid.UUID, dict[State, int]]:
    """Count the open issues, and those in review, of each point within a scope that has any."""
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
