"""The life of an issue as one table: from where, by which action, to where, who may, and what it takes.

Everything that depends on the life of issues reads this table: the service, what the API says one may do now, the
buttons of the console, and the diagram in the docs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from api.accounts.roles import Permission


class State(StrEnum):
    """Where an issue stands."""

    lead = "lead"  # 线索: told by somebody outside, nobody has looked at it
    in_review = "in_review"  # 待审核: doubtful, a person is asked
    open = "open"  # 已立案
    dispatched = "dispatched"  # 已派遣: a department and a post have been named
    accepted = "accepted"  # 已签收: they know
    in_progress = "in_progress"  # 处理中
    suspended = "suspended"  # 挂账: the clock stands still
    rectified = "rectified"  # 已反馈待核查: put right, a person has to look
    closed = "closed"  # 已结案
    rejected = "rejected"  # 误报
    merged = "merged"  # 重复: another issue has taken over


SUSPECTED = frozenset((State.lead, State.in_review))
AT_WORK = frozenset((State.open, State.dispatched, State.accepted, State.in_progress, State.suspended, State.rectified))
ENDED = frozenset((State.closed, State.rejected, State.merged))
UNFINISHED = SUSPECTED | AT_WORK
RUNNING = AT_WORK - {State.suspended, State.rectified}  # the clock of the department runs
HANDLED = frozenset((State.dispatched, State.accepted, State.in_progress))  # somebody was sent


class Action(StrEnum):
    """What people do to issues."""

    take_up = "take_up"
    confirm = "confirm"
    reject = "reject"
    merge = "merge"
    change_class = "change_class"
    dispatch = "dispatch"
    transfer = "transfer"
    return_ = "return"
    accept = "accept"
    start = "start"
    request_extension = "request_extension"
    grant_extension = "grant_extension"
    refuse_extension = "refuse_extension"
    suspend = "suspend"
    resume = "resume"
    rectify = "rectify"
    sign_off = "sign_off"
    refuse = "refuse"
    close = "close"
    reopen = "reopen"
    supervise = "supervise"
    unsupervise = "unsupervise"
    mark_notified = "mark_notified"


class Need(StrEnum):
    """What an action takes besides its name; the names are those of the fields of `Step`."""

    note = "note"  # why
    after_photo = "after_photo"  # a photo that shows it put right, sent before; no field of `Step`
    department = "department"  # who shall do it; without one, whoever answers for the class at that point
    until = "until"  # the moment asked for or granted
    into = "into"  # the number of the issue that stays
    violation = "violation"  # code of the class that it is in truth
    level = "level"  # who notified it: province, city or district


class Condition(StrEnum):
    """What must hold of the issue besides its state."""

    extension_requested = "extension_requested"
    supervised = "supervised"
    not_supervised = "not_supervised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One thing that may be done."""

    action: Action
    since: frozenset[State]  #: states it may start from
    to: State | None  #: None: the state stays as it is
    permission: Permission  #: without it nobody may
    needs: tuple[Need, ...] = ()  #: without these it is refused
    takes: tuple[Need, ...] = ()  #: these may be given too
    only_if: Condition | None = None


def _table(*rows: Transition) -> dict[Action, Transition]:
    return {row.action: row for row in rows}


def _row(
    action: Action,
    since: State | frozenset[State],
    to: State | None,
    permission: Permission,
    *needs: Need,
    takes: tuple[Need, ...] = (),
    only_if: Condition | None = None,
) -> Transition:
    states = since if isinstance(since, frozenset) else frozenset((since,))
    return Transition(
        action=action, since=states, to=to, permission=permission, needs=needs, takes=takes, only_if=only_if
    )


_REVIEW = Permission.review_issues
_DISPATCH = Permission.dispatch_issues
_HANDLE = Permission.handle_issues
_DECIDE = Permission.decide_extensions
_CLOSE = Permission.close_issues
_SUPERVISE = Permission.supervise_issues
_NOTE = (Need.note,)
_ASKED = Condition.extension_requested

TRANSITIONS = _table(
    # Is it true?
    _row(Action.take_up, State.lead, State.in_review, _REVIEW, takes=_NOTE),
    _row(Action.confirm, SUSPECTED, State.open, _REVIEW, takes=_NOTE),
    _row(Action.reject, UNFINISHED - {State.rectified}, State.rejected, _REVIEW, Need.note),
    _row(Action.merge, UNFINISHED, State.merged, _REVIEW, Need.into, takes=_NOTE),
    _row(Action.change_class, UNFINISHED, None, _REVIEW, Need.violation, takes=_NOTE),
    # Who does it?
    _row(Action.dispatch, State.open, State.dispatched, _DISPATCH, takes=(Need.department, Need.note)),
    _row(Action.transfer, HANDLED, State.dispatched, _DISPATCH, Need.department, Need.note),
    _row(Action.return_, frozenset((State.dispatched, State.accepted)), State.open, _HANDLE, Need.note),
    _row(Action.accept, State.dispatched, State.accepted, _HANDLE, takes=_NOTE),
    _row(Action.start, State.accepted, State.in_progress, _HANDLE, takes=_NOTE),
    # It takes longer.
    _row(Action.request_extension, HANDLED, None, _HANDLE, Need.until, Need.note),
    _row(Action.grant_extension, HANDLED, None, _DECIDE, takes=(Need.until, Need.note), only_if=_ASKED),
    _row(Action.refuse_extension, HANDLED, None, _DECIDE, Need.note, only_if=_ASKED),
    _row(Action.suspend, State.in_progress, State.suspended, _DECIDE, Need.note),
    _row(Action.resume, State.suspended, State.in_progress, _DECIDE, takes=_NOTE),
    # Is it put right?
    _row(Action.rectify, State.in_progress, State.rectified, _HANDLE, Need.after_photo, takes=_NOTE),
    _row(Action.sign_off, State.rectified, State.closed, _CLOSE, takes=_NOTE),
    _row(Action.refuse, State.rectified, State.in_progress, _CLOSE, Need.note),
    _row(Action.close, AT_WORK - {State.rectified}, State.closed, _CLOSE, Need.note),
    _row(Action.reopen, State.closed, State.open, _CLOSE, Need.note),
    # Who looks on?
    _row(Action.supervise, UNFINISHED, None, _SUPERVISE, Need.note, only_if=Condition.not_supervised),
    _row(Action.unsupervise, UNFINISHED, None, _SUPERVISE, takes=_NOTE, only_if=Condition.supervised),
    _row(Action.mark_notified, UNFINISHED | {State.closed}, None, _SUPERVISE, Need.level, takes=_NOTE),
)


def allowed(state: State, may: Callable[[Permission], bool]) -> list[Action]:
    """Give what somebody may do to an issue in `state`, if the rest holds too."""
    return [step.action for step in TRANSITIONS.values() if state in step.since and may(step.permission)]
