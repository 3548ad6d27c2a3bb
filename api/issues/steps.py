"""What people do to issues: each step checked against the table of transitions, taken, and written into the log."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.audit import service as audit
from api.database import now
from api.errors import Conflict, Forbidden, Stale, Unfit
from api.issues.reach import get_issue, may
from api.issues.schemas import Extension, Possible, Step, Verdict
from api.issues.tables import AfterPhoto, Issue, Sighting, Whistle
from api.issues.transitions import (
    ENDED,
    HANDLED,
    SUSPECTED,
    TRANSITIONS,
    UNFINISHED,
    Action,
    Condition,
    Need,
    State,
    Transition,
    allowed,
)
from api.points import service as points
from api.routing import service as routing
from detector.taxonomy import Taxonomy

SUBJECT = "issue"
_FIELDS = frozenset(Need) - {Need.after_photo}  # the needs that are fields of `Step`
_HOLDS_POINT = (Action.merge, Action.change_class, Action.reopen)  # these may make or end the open issue of a class


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


def step(
    session: Session,
    number_or_id: str,
    wanted: Step,
    caller: Caller,
    taxonomy: Taxonomy,
    *,
    zone: tzinfo,
    revision: int | None,
) -> Issue:
    """Do something to an issue, if it is still at `revision` (None: whatever it is at).

    Args:
        zone: the office's, in which a routing rule's days are counted.

    Raises:
        NotFound, Stale; Conflict: the state does not allow it; Forbidden: the role does not; Unfit: something that the
        step takes is missing or makes no sense.
    """
    issue, other = _hold(session, number_or_id, wanted, caller.scope(Permission.view_issues))
    rule = TRANSITIONS[wanted.action]
    if not may(session, caller, rule.permission, issue):
        raise Forbidden(f"To {wanted.action} {issue.number} needs the permission {rule.permission} where it is.")
    if revision is not None and issue.revision != revision:
        raise Stale(f"{issue.number} is at revision {issue.revision} now. Read it again, then repeat your step.")
    check_state(rule, issue)
    _check_needs(session, rule, wanted, issue)
    doing = _Doing(
        session=session, caller=caller, issue=issue, wanted=wanted, taxonomy=taxonomy, zone=zone, other=other
    )
    done = _EFFECTS.get(wanted.action, _nothing_more)(doing)
    to = done.to or rule.to or State(issue.state)
    move(
        session, issue, to, wanted.action, by=caller.user_id, words=wanted.note.strip(), capture_id=done.capture_id,
        data=done.data,
    )  # fmt: skip
    session.flush()
    return issue


def check_state(rule: Transition, issue: Issue) -> None:
    """Make sure that an issue is where a step may start.

    Raises:
        Conflict: it is not.
    """
    if issue.merged_into is not None:
        raise Conflict(f"{issue.number} is merged: another issue has taken it over, and goes on in its place.")
    if issue.state not in rule.since:
        since = ", ".join(sorted(rule.since))
        raise Conflict(f"{issue.number} is {issue.state}; to {rule.action} it must be {since}.")
    if rule.only_if is not None and not holds(rule.only_if, issue):
        raise Conflict(f"{issue.number}: to {rule.action}, this must hold: {rule.only_if.replace('_', ' ')}.")


def holds(condition: Condition, issue: Issue) -> bool:
    """Say whether a condition holds of an issue."""
    if condition is Condition.extension_requested:
        return issue.extension == Extension.requested
    return issue.supervised == (condition is Condition.supervised)


def possible(session: Session, caller: Caller, issue: Issue) -> list[Possible]:
    """Give what a caller may do to an issue now, and what each of it needs and takes."""
    state = State(issue.state)
    found = [TRANSITIONS[one] for one in allowed(state, lambda permission: may(session, caller, permission, issue))]
    return [
        Possible(
            action=rule.action, to=rule.to or state, needs=_needs_now(session, caller, issue, rule), takes=rule.takes
        )
        for rule in found
        if rule.only_if is None or holds(rule.only_if, issue)
    ]


def _needs_now(session: Session, caller: Caller, issue: Issue, rule: Transition) -> tuple[Need, ...]:
    """Give what an action needs of this caller on this issue as it stands."""
    needs = set(rule.needs)
    if rule.action is Action.close and not may(session, caller, Permission.waive_after_photo, issue):
        needs.add(Need.after_photo)
    if rule.action is Action.sign_off and issue.after_verdict == Verdict.still_seen:
        needs.add(Need.note)
    if Need.after_photo in needs and after_photos(session, issue):
        needs.discard(Need.after_photo)
    return tuple(one for one in Need if one in needs)


def _hold(session: Session, number_or_id: str, wanted: Step, within: Scope) -> tuple[Issue, Issue | None]:
    """Lock the issue, and the one it is merged into: first their points, then themselves, each in one order for all."""
    found = get_issue(session, number_or_id, within=within)
    other = get_issue(session, wanted.into, within=within) if wanted.action is Action.merge and wanted.into else None
    if wanted.action in _HOLDS_POINT:
        for point_id in sorted({one.point_id for one in (found, other) if one is not None}):
            points.hold_point(session, point_id)
    for one in sorted({one.id for one in (found, other) if one is not None}):
        session.get_one(Issue, one, with_for_update=True, populate_existing=True)
    return found, other


def _check_needs(session: Session, rule: Transition, wanted: Step, issue: Issue) -> None:
    given = {name for name in _FIELDS if _is_given(getattr(wanted, name))}
    for name in rule.needs:
        if name is Need.after_photo:
            if not after_photos(session, issue):
                raise Unfit(f"To {rule.action} an issue, send a photo that shows it put right first.")
        elif name not in given:
            how = "say why in `note`" if name is Need.note else f"give `{name}`"
            raise Unfit(f"To {rule.action} an issue, {how}.")
    foreign = sorted(given - set(rule.needs) - set(rule.takes))
    if foreign:
        raise Unfit(f"To {rule.action} an issue takes no {', '.join(f'`{name}`' for name in foreign)}.")
    if wanted.until is not None and wanted.until <= now():
        raise Unfit(f"until: {wanted.until.isoformat()} has passed already.")


def _is_given(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def after_photos(session: Session, issue: Issue) -> list[AfterPhoto]:
    """Give the after-photos that count, newest first."""
    query = sa.select(AfterPhoto).where(AfterPhoto.issue_id == issue.id, AfterPhoto.spent.is_(False))
    return list(session.scalars(query.order_by(AfterPhoto.id.desc())))


# What each action does besides moving the issue.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doing:
    """A step that is being taken."""

    session: Session
    caller: Caller
    issue: Issue
    wanted: Step
    taxonomy: Taxonomy
    zone: tzinfo
    other: Issue | None  #: the issue that stays, of a merge


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What a step did beyond the table."""

    data: dict[str, Any] | None = None
    capture_id: uuid.UUID | None = None
    to: State | None = None  #: where the table leaves it open


def _nothing_more(_: _Doing) -> _Done:
    return _Done()


def _assign(doing: _Doing) -> _Done:
    issue, wanted = doing.issue, doing.wanted
    entry = doing.taxonomy.classes.get(issue.class_code)
    department = wanted.department or issue.department or (entry.departments[0] if entry else None)
    known = [one.code for one in doing.taxonomy.departments]
    if department not in known:
        raise Unfit(f"department: {department!r} is not one of {', '.join(known)}.")
    if department != issue.department:  # the post that the rules named belongs to another
        issue.department, issue.post_id = department, None
    return _Done(data={"department": department})


def _ask_extension(doing: _Doing) -> _Done:
    assert doing.wanted.until is not None
    doing.issue.extension, doing.issue.extended_to = Extension.requested, doing.wanted.until
    return _Done(data={"until": doing.wanted.until.isoformat()})


def _grant_extension(doing: _Doing) -> _Done:
    issue = doing.issue
    issue.extended_to = doing.wanted.until or issue.extended_to
    assert issue.extended_to is not None  # it was asked for
    issue.extension = Extension.granted
    return _Done(data={"until": issue.extended_to.isoformat()})


def _refuse_extension(doing: _Doing) -> _Done:
    doing.issue.extension, doing.issue.extended_to = Extension.refused, None
    return _Done()


def _rectify(doing: _Doing) -> _Done:
    photos = after_photos(doing.session, doing.issue)
    return _Done(capture_id=photos[0].capture_id, data={"captures": [str(one.capture_id) for one in photos]})


def _sign_off(doing: _Doing) -> _Done:
    if doing.issue.after_verdict == Verdict.still_seen and not doing.wanted.note.strip():
        raise Unfit("The model still sees it on the after-photo. To sign it off all the same, say why in `note`.")
    return _Done(data={"verdict": doing.issue.after_verdict})


def _refuse(doing: _Doing) -> _Done:
    spend_after_photos(doing.session, doing.issue)
    return _Done()


def _close(doing: _Doing) -> _Done:
    photos = after_photos(doing.session, doing.issue)
    if not photos and not may(doing.session, doing.caller, Permission.waive_after_photo, doing.issue):
        raise Forbidden(
            f"To close {doing.issue.number} without a photo that shows it put right needs the permission "
            f"{Permission.waive_after_photo}. Send such a photo first."
        )
    return _Done(data={"after_photo_waived": not photos}, capture_id=photos[0].capture_id if photos else None)


def _reopen(doing: _Doing) -> _Done:
    issue = doing.issue
    there = open_issue_of(doing.session, issue.point_id, issue.class_code)
    if there is not None:
        raise Conflict(f"{there.number} is open there for the same already; work on that one.")
    return _Done()


def open_issue_of(session: Session, point_id: uuid.UUID, class_code: str) -> Issue | None:
    """Give the one unfinished issue of a point and class, locked; None where there is none."""
    query = sa.select(Issue).where(
        Issue.point_id == point_id, Issue.class_code == class_code, Issue.closed_at.is_(None)
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _merge(doing: _Doing) -> _Done:
    assert doing.other is not None
    if doing.other.id == doing.issue.id:
        raise Unfit(f"into: {doing.issue.number} cannot be merged into itself.")
    if doing.other.state not in UNFINISHED:
        raise Conflict(f"{doing.other.number} is {doing.other.state}; only an unfinished issue takes another one over.")
    return _Done(data=_merge_into(doing, doing.other))


def _merge_into(doing: _Doing, into: Issue) -> dict[str, Any]:
    """Let `into` have the sightings of an issue, which ends."""
    issue = doing.issue
    doing.session.execute(sa.update(Sighting).where(Sighting.issue_id == issue.id).values(issue_id=into.id))
    into.sighting_count += issue.sighting_count
    issue.sighting_count = 0
    into.first_seen_at = min(into.first_seen_at, issue.first_seen_at)
    into.last_seen_at = max(into.last_seen_at, issue.last_seen_at)
    if into.cover_capture_id is None or (issue.confidence or 0.0) > (into.confidence or 0.0):
        into.confidence, into.cover_capture_id = issue.confidence, issue.cover_capture_id
    issue.merged_into = into.id
    into.revision += 1
    state = State(into.state)
    note(doing.session, into, "took_over", state, state, data={"number": issue.number, "id": str(issue.id)})
    return {"into": into.number}


def _change_class(doing: _Doing) -> _Done:
    issue, code = doing.issue, doing.wanted.violation
    assert code is not None
    if code not in doing.taxonomy.classes:
        raise Unfit(f"violation: {code!r} is not in the catalogue.")
    if code == issue.class_code:
        raise Conflict(f"{issue.number} is of the class {code} already.")
    data = {"from": issue.class_code, "violation": code}
    there = open_issue_of(doing.session, issue.point_id, code)
    if there is not None:
        return _Done(data=data | _merge_into(doing, there), to=State.merged)
    issue.class_code = code
    return _route_anew(doing, data)


def _route_anew(doing: _Doing, data: dict[str, Any]) -> _Done:
    """Let whoever answers for the new class have the issue; where others have been sent for it, it must be sent anew.

    Once it has been put right, or stands still, it stays with those who have it.
    """
    issue, state = doing.issue, State(doing.issue.state)
    if state in (State.suspended, State.rectified):
        return _Done(data=data)
    answers = routing.route(
        doing.session,
        point=points.points_by_id(doing.session, [issue.point_id])[issue.point_id],
        class_code=issue.class_code,
        on=now().astimezone(doing.zone).date(),
        taxonomy=doing.taxonomy,
    )
    elsewhere = answers.department != issue.department
    if state in HANDLED and not elsewhere:
        return _Done(data=data)
    issue.department, issue.post_id = answers.department, answers.post_id
    return _Done(data=data | {"department": answers.department}, to=State.open if state in HANDLED else None)


def _supervise(doing: _Doing) -> _Done:
    doing.issue.supervised = doing.wanted.action is Action.supervise
    return _Done()


def _mark_notified(doing: _Doing) -> _Done:
    doing.issue.notified_by = doing.wanted.level
    return _Done(data={"level": doing.wanted.level})


_EFFECTS: dict[Action, Callable[[_Doing], _Done]] = {
    Action.merge: _merge,
    Action.change_class: _change_class,
    Action.dispatch: _assign,
    Action.transfer: _assign,
    Action.request_extension: _ask_extension,
    Action.grant_extension: _grant_extension,
    Action.refuse_extension: _refuse_extension,
    Action.rectify: _rectify,
    Action.sign_off: _sign_off,
    Action.refuse: _refuse,
    Action.close: _close,
    Action.reopen: _reopen,
    Action.supervise: _supervise,
    Action.unsupervise: _supervise,
    Action.mark_notified: _mark_notified,
}
