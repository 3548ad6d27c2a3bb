"""Whistles (社区吹哨、部门报到): a community calls departments to an issue; each arrives, acts, and is rated."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.clocks.limits import ClockRules, Step, length
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, Unfit
from api.issues import moving
from api.issues.reach import get_issue, may
from api.issues.tables import Issue, Whistle, WhistleCall
from api.issues.transitions import AT_WORK, State


def blow(
    session: Session, number: str, departments: Sequence[str], note: str, caller: Caller, clocks: ClockRules
) -> Whistle:
    """Call departments to an issue; each has to arrive within the limit of the clocks.

    Raises:
        NotFound, Forbidden; Unfit: a department is unknown; Conflict: nothing is to be done, or a whistle is open.
    """
    issue = _held(session, number, caller)
    _require(session, caller, Permission.whistle, issue)
    known = {one.code for one in clocks.taxonomy.departments}
    unknown = [one for one in departments if one not in known]
    if unknown:
        raise Unfit(f"departments: {unknown[0]!r} is not one of {', '.join(sorted(known))}.")
    if issue.state not in AT_WORK:
        raise Conflict(f"{issue.number} is {issue.state}; nobody has anything to do there.")
    if _open_whistle(session, issue) is not None:
        raise Conflict(f"A whistle is open on {issue.number} already; end it, or wait for those who were called.")
    at = now()
    made = Whistle(issue_id=issue.id, note=note, called_at=at, by_user_id=caller.user_id, ended_at=None)
    session.add(made)
    session.flush()
    allowed = clocks.of_step(Step.arrive, issue.class_code)
    for code in dict.fromkeys(departments):
        hours = clocks.office.hours_of(code)
        due = clocks.office.after(at, length(allowed, hours), code, allowed.clock)
        session.add(WhistleCall(whistle_id=made.id, issue_id=issue.id, department=code, due_at=due))
    _note(session, issue, "whistle", caller, note, {"departments": list(dict.fromkeys(departments))})
    return made


def arrive(session: Session, number: str, department: str, caller: Caller) -> WhistleCall:
    """Take note that a department has come.

    Raises:
        NotFound, Forbidden; Conflict: it has come already.
    """
    issue, call = _called(session, number, department, caller)
    _require_department(caller, issue, department)
    if call.arrived_at is not None:
        raise Conflict(f"{department} has arrived at {issue.number} already.")
    call.arrived_at, call.arrived_by = now(), caller.user_id
    late = call.arrived_at > call.due_at
    _note(session, issue, "whistle_arrived", caller, "", {"department": department, "late": late})
    return call


def finish(session: Session, number: str, department: str, outcome: str, caller: Caller) -> WhistleCall:
    """Take note that a department has done its part.

    Raises:
        NotFound, Forbidden; Conflict: it has not come yet, or has done its part already.
    """
    issue, call = _called(session, number, department, caller)
    _require_department(caller, issue, department)
    if call.arrived_at is None or call.finished_at is not None:
        raise Conflict(f"{department} has {'finished' if call.finished_at else 'not arrived'} at {issue.number}.")
    call.finished_at, call.outcome = now(), outcome
    _note(session, issue, "whistle_finished", caller, outcome, {"department": department})
    return call


def end(session: Session, number: str, note: str, caller: Caller) -> Whistle:
    """End the whistle, whoever has come; from then on the departments can be rated.

    Raises:
        NotFound, Forbidden; Conflict: no whistle is open.
    """
    issue = _held(session, number, caller)
    _require(session, caller, Permission.whistle, issue)
    whistle = _open_whistle(session, issue)
    if whistle is None:
        raise Conflict(f"No whistle is open on {issue.number}.")
    whistle.ended_at = now()
    _note(session, issue, "whistle_ended", caller, note, {})
    return whistle


def rate(session: Session, number: str, department: str, rating: int, note: str, caller: Caller) -> WhistleCall:
    """Rate a department, 1 (poor) to 5, once the issue is closed or the whistle has ended; once only.

    Raises:
        NotFound, Forbidden; Conflict: it is too early, or the department was rated already.
    """
    issue, call = _called(session, number, department, caller)
    _require(session, caller, Permission.whistle, issue)
    whistle = session.get_one(Whistle, call.whistle_id)
    if whistle.ended_at is None and issue.state != State.closed:
        raise Conflict(
            f"{issue.number} is {issue.state}; rate {department} once it is closed or the whistle has ended."
        )
    if call.rating is not None:
        raise Conflict(f"{department} was rated for {issue.number} already.")
    call.rating, call.rating_note, call.rated_at = rating, note, now()
    _note(session, issue, "whistle_rated", caller, note, {"department": department, "rating": rating})
    return call


def list_whistles(session: Session, issue_id: uuid.UUID) -> list[tuple[Whistle, list[WhistleCall]]]:
    """Give the whistles of an issue with the departments called, newest first."""
    calls = list(
        session.scalars(sa.select(WhistleCall).where(WhistleCall.issue_id == issue_id).order_by(WhistleCall.id))
    )
    found = session.scalars(sa.select(Whistle).where(Whistle.issue_id == issue_id).order_by(Whistle.id.desc()))
    return [(one, [call for call in calls if call.whistle_id == one.id]) for one in found]


def _held(session: Session, number: str, caller: Caller) -> Issue:
    found = get_issue(session, number, within=caller.scope(Permission.view_issues))
    return session.get_one(Issue, found.id, with_for_update=True, populate_existing=True)


def _called(session: Session, number: str, department: str, caller: Caller) -> tuple[Issue, WhistleCall]:
    """Give the issue, locked, and the newest call of a department to it."""
    issue = _held(session, number, caller)
    query = sa.select(WhistleCall).where(WhistleCall.issue_id == issue.id, WhistleCall.department == department)
    call = session.scalars(query.order_by(WhistleCall.id.desc()).limit(1)).one_or_none()
    if call is None:
        raise NotFound(f"{department[:48]!r} was not called to {issue.number}.")
    return issue, call


def _open_whistle(session: Session, issue: Issue) -> Whistle | None:
    query = sa.select(Whistle).where(Whistle.issue_id == issue.id, Whistle.ended_at.is_(None))
    return session.scalars(query).one_or_none()


def _require(session: Session, caller: Caller, permission: Permission, issue: Issue) -> None:
    if not may(session, caller, permission, issue):
        raise Forbidden(f"This needs the permission {permission} where {issue.number} is.")


def _require_department(caller: Caller, issue: Issue, department: str) -> None:
    """Only a department itself says that it has come; being in charge of the place is not enough."""
    if not caller.scope(Permission.handle_issues).covers(department=department):
        raise Forbidden(f"This needs the permission {Permission.handle_issues} for {department}, at {issue.number}.")


def _note(session: Session, issue: Issue, action: str, caller: Caller, words: str, data: dict[str, object]) -> None:
    session.flush()
    issue.revision += 1
    state = State(issue.state)
    moving.note(session, issue, action, state, state, by=caller.user_id, words=words, data=data)
