"""What people do to issues: each step checked against the table of transitions, taken, and written into the log."""

from datetime import timedelta, tzinfo

from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.database import now
from api.errors import Conflict, Forbidden, Stale, Unfit
from api.issues import moving
from api.issues.effects import EFFECTS, Doing, nothing_more
from api.issues.reach import get_issue, may
from api.issues.schemas import Extension, Possible, Step, Verdict
from api.issues.tables import Issue
from api.issues.transitions import (
    TRANSITIONS,
    Action,
    Condition,
    Need,
    State,
    Transition,
    allowed,
)
from api.points import service as points
from detector.taxonomy import Taxonomy

LONGEST = timedelta(days=366)  # an extension or a suspension beyond is a slip of the pen
_FIELDS = frozenset(Need) - {Need.after_photo}  # the needs that are fields of `Step`
_HOLDS_POINT = (Action.merge, Action.change_class, Action.reopen)  # these may make or end the open issue of a class


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
    doing = Doing(session=session, caller=caller, issue=issue, wanted=wanted, taxonomy=taxonomy, zone=zone, other=other)
    done = EFFECTS.get(wanted.action, nothing_more)(doing)
    to = done.to or rule.to or State(issue.state)
    moving.move(
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
    if Need.after_photo in needs and moving.after_photos(session, issue):
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
            if not moving.after_photos(session, issue):
                raise Unfit(f"To {rule.action} an issue, send a photo that shows it put right first.")
        elif name not in given:
            how = "say why in `note`" if name is Need.note else f"give `{name}`"
            raise Unfit(f"To {rule.action} an issue, {how}.")
    foreign = sorted(given - set(rule.needs) - set(rule.takes))
    if foreign:
        raise Unfit(f"To {rule.action} an issue takes no {', '.join(f'`{name}`' for name in foreign)}.")
    if wanted.until is not None and wanted.until <= now():
        raise Unfit(f"until: {wanted.until.isoformat()} has passed already.")
    if wanted.until is not None and wanted.until > now() + LONGEST:
        raise Unfit(f"until: {wanted.until.isoformat()} is over a year away; give a day within {LONGEST.days} days.")


def _is_given(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None
