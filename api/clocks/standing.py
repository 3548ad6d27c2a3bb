"""How a case stands against its limits, computed from what has happened to it: no clock, database or settings in here.

The time for putting a thing right runs from the moment the case is opened for good until it is reported as done. It
stands still while the case is suspended and while the office verifies; a case sent back goes on with what was left. An
extension moves its end. Each other step (dispatch, accept, verify, arrive) has a clock of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from api.clocks.limits import ClockRules, Step, length
from detector.taxonomy import Clock

OFFICE = ""  # the subdistrict itself: no department's hours, the default ones


class Pace(StrEnum):
    """How a deadline stands."""

    running = "running"
    warning = "warning"  # four fifths of the limit have passed
    overdue = "overdue"


class Phase(StrEnum):
    """What a case waits for. Which state of a case is which phase, the table of states says."""

    idle = "idle"  # only suspected: no clock runs
    dispatch = "dispatch"
    accept = "accept"
    rectify = "rectify"
    verify = "verify"
    suspended = "suspended"  # the clocks stand still
    ended = "ended"


RUNNING = frozenset((Phase.dispatch, Phase.accept, Phase.rectify))
OWN_CLOCK = {Phase.dispatch: Step.dispatch, Phase.accept: Step.accept, Phase.verify: Step.verify}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """From this moment on the case was in this phase."""

    at: datetime
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A department that was whistled for."""

    department: str
    at: datetime
    arrived_at: datetime | None
    ended_at: datetime | None = None  #: the whistle was ended, whoever had come


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What has happened to a case, as far as its clocks care."""

    class_code: str
    department: str  #: who puts it right; its hours count
    turns: Sequence[Turn]  #: oldest first
    extended_to: datetime | None = None  #: the moment until which more time was granted
    calls: Sequence[Call] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One step that must be done in time. Moments are in UTC."""

    step: str  #: a `Step`, or what the class calls its own, e.g. "fence"
    department: str  #: whose hours count; empty for the subdistrict's
    clock: Clock
    since: datetime  #: when its clock started
    extended_to: datetime | None  #: the extension that is in it
    warn_at: datetime
    due_at: datetime  #: where its clock stands still: as if it went on at once
    stopped_at: datetime | None  #: done, or standing still, since then
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a case stands at one moment."""

    phase: Phase
    deadlines: tuple[Deadline, ...]
    due_at: datetime | None  #: by when it must be put right; none while suspected or suspended
    step_due_at: datetime | None  #: by when what comes next must happen; none while nothing runs
    overdue: bool  #: one of the deadlines has passed before its step was done


def stand(case: Case, at: datetime, rules: ClockRules) -> Standing:
    """Say how a case stands `at` a moment."""
    life = _this_life(case.turns)
    if not life:
        phase = case.turns[-1].phase if case.turns else Phase.idle
        return Standing(phase=phase, deadlines=(), due_at=None, step_due_at=None, overdue=False)
    phase = life[-1].phase
    putting_right = _putting_right(case, life, at, rules)
    step = _step(case, life, at, rules)
    called = [_arrival(case, call, at, rules) for call in case.calls if call.at >= life[0].at]
    found = (*([step] if step else []), *putting_right, *called)
    return Standing(
        phase=phase,
        deadlines=found,
        due_at=putting_right[-1].due_at if putting_right and phase is not Phase.suspended else None,
        step_due_at=step.due_at if step else _next(putting_right, at) if phase is Phase.rectify else None,
        overdue=any(one.pace is Pace.overdue for one in found),
    )


def _this_life(turns: Sequence[Turn]) -> list[Turn]:
    """Give the turns since the case was last opened, none going back in time; none where no clock has started."""
    life: list[Turn] = []
    for turn in turns:
        if turn.phase is Phase.idle or (life and life[-1].phase is Phase.ended):
            life = []
        if life:
            life.append(Turn(at=max(turn.at, life[-1].at), phase=turn.phase))
        elif turn.phase not in (Phase.idle, Phase.ended):
            life.append(turn)
    return life


@dataclass(frozen=True, slots=True, kw_only=True)
class _Time:
    """The stretches in which a clock ran; the last one may be open."""

    closed: list[tuple[datetime, datetime]]
    since: datetime | None  #: the open stretch
    stopped_at: datetime  #: end of the last closed stretch, or the start of the open one


def _time(life: Sequence[Turn], runs: frozenset[Phase]) -> _Time:
    closed: list[tuple[datetime, datetime]] = []
    since: datetime | None = None
    for turn in life:
        if turn.phase in runs:
            since = since or turn.at
        elif since is not None:
            closed.append((since, turn.at))
            since = None
    return _Time(closed=closed, since=since, stopped_at=since or (closed[-1][1] if closed else life[0].at))


def _putting_right(case: Case, life: list[Turn], at: datetime, rules: ClockRules) -> list[Deadline]:
    time = _time(life, RUNNING)
    limits = rules.of_class(case.class_code)
    found = []
    for place, limit in enumerate(limits):
        last = place == len(limits) - 1
        found.append(
            _deadline(
                step=limit.step,
                department=case.department,
                clock=limit.clock,
                since=life[0].at,
                extended_to=case.extended_to if last else None,
                amount=length(limit, rules.office.hours_of(case.department)),
                time=time,
                at=at,
                rules=rules,
            )
        )
    return found


def _step(case: Case, life: list[Turn], at: datetime, rules: ClockRules) -> Deadline | None:
    """Give the deadline of the step at hand, where it has a clock of its own."""
    phase = life[-1].phase
    step = OWN_CLOCK.get(phase)
    if step is None:
        return None
    first = len(life) - 1
    while first and life[first - 1].phase in (phase, Phase.suspended):
        first -= 1
    turns = life[first:]
    while turns[0].phase is not phase:
        turns = turns[1:]
    department = case.department if step is Step.accept else OFFICE
    limit = rules.of_step(step, case.class_code)
    return _deadline(
        step=step,
        department=department,
        clock=limit.clock,
        since=turns[0].at,
        extended_to=None,
        amount=length(limit, rules.office.hours_of(department)),
        time=_time(turns, frozenset((phase,))),
        at=at,
        rules=rules,
    )


def _arrival(case: Case, call: Call, at: datetime, rules: ClockRules) -> Deadline:
    limit = rules.of_step(Step.arrive, case.class_code)
    ended = call.arrived_at or call.ended_at or (case.turns[-1].at if case.turns[-1].phase is Phase.ended else None)
    time = (
        _Time(closed=[], since=call.at, stopped_at=call.at)
        if ended is None
        else _Time(closed=[(call.at, max(call.at, ended))], since=None, stopped_at=max(call.at, ended))
    )
    return _deadline(
        step=Step.arrive,
        department=call.department,
        clock=limit.clock,
        since=call.at,
        extended_to=None,
        amount=length(limit, rules.office.hours_of(call.department)),
        time=time,
        at=at,
        rules=rules,
    )


def _deadline(
    *,
    step: str,
    department: str,
    clock: Clock,
    since: datetime,
    extended_to: datetime | None,
    amount: timedelta,
    time: _Time,
    at: datetime,
    rules: ClockRules,
) -> Deadline:
    warn_at = _when(time, rules.limits.warn_at * amount, department, clock, rules)
    due_at = _when(time, amount, department, clock, rules)
    if extended_to is not None and extended_to > due_at:
        warn_at = max(warn_at, _before(since, extended_to, department, clock, rules))
        due_at = extended_to.astimezone(UTC)
    stopped_at = time.stopped_at if time.since is None else None
    pace = Pace.running
    if (stopped_at or at) > due_at:
        pace = Pace.overdue
    elif stopped_at is None and at >= warn_at:
        pace = Pace.warning
    return Deadline(
        step=step,
        department=department,
        clock=clock,
        since=since,
        extended_to=extended_to,
        warn_at=warn_at,
        due_at=due_at,
        stopped_at=stopped_at,
        pace=pace,
    )


def _when(time: _Time, amount: timedelta, department: str, clock: Clock, rules: ClockRules) -> datetime:
    """Give the moment at which a clock that ran in these stretches has run for `amount`."""
    left = amount
    for start, end in time.closed:
        passed = rules.office.between(start, end, department, clock)
        if passed >= left:
            return rules.office.after(start, left, department, clock)
        left -= passed
    return rules.office.after(time.since or time.stopped_at, left, department, clock)


def _before(since: datetime, end: datetime, department: str, clock: Clock, rules: ClockRules) -> datetime:
    """Give the moment at which a share of `warn_at` of the time up to `end` has passed."""
    whole = rules.office.between(since, end, department, clock)
    return min(end, rules.office.after(since, rules.limits.warn_at * whole, department, clock, within=end - since))


def _next(found: Sequence[Deadline], at: datetime) -> datetime | None:
    """Give the first of several limits that has not passed, or the last one."""
    ahead = [one.due_at for one in found if one.due_at >= at]
    return min(ahead) if ahead else found[-1].due_at if found else None
