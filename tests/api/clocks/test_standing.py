"""How a case stands: pauses, extensions, steps with their clocks, whistles, and laws that hold for any history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.clocks.hours import Hours, read_office_hours
from api.clocks.limits import ClockRules, Step, read_limits
from api.clocks.standing import Call, Case, Pace, Phase, Standing, Turn, stand
from api.errors import Misconfigured
from detector import read_taxonomy, shipped
from detector.taxonomy import Clock

CHINA = ZoneInfo("Asia/Shanghai")
TAXONOMY = read_taxonomy(shipped("datasets/taxonomy.yaml"))
OFFICE = read_office_hours(shipped("datasets/office_hours.yaml"))
RULES = ClockRules(taxonomy=TAXONOMY, office=OFFICE, limits=read_limits(shipped("datasets/clocks.yaml"), TAXONOMY))


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def case(*turns: tuple[str, Phase], code: str = "exposed_garbage", department: str = "sanitation_service") -> Case:
    return Case(class_code=code, department=department, turns=[Turn(at=china(at), phase=phase) for at, phase in turns])


def at(moment: str, of: Case, rules: ClockRules = RULES) -> Standing:
    return stand(of, china(moment), rules)


OPENED = ("2026-11-23 09:00", Phase.dispatch)  # a Monday; the limit is four working hours
SENT = ("2026-11-23 09:10", Phase.accept)
TAKEN = ("2026-11-23 09:30", Phase.rectify)


def test_what_is_only_suspected_has_no_clock():
    found = at("2026-11-23 10:00", case(("2026-11-23 09:00", Phase.idle)))

    assert (Phase.idle, (), None, None, False) == (
        found.phase,
        found.deadlines,
        found.due_at,
        found.step_due_at,
        found.overdue,
    )


@pytest.mark.parametrize(
    ("turns", "step", "step_due"),
    [
        ([OPENED], "dispatch", "2026-11-23 09:30"),
        ([OPENED, SENT], "accept", "2026-11-23 10:10"),
        ([OPENED, SENT, TAKEN], "fix", "2026-11-23 15:00"),
    ],
)
def test_each_step_has_a_clock_and_the_whole_has_one(turns, step, step_due):
    found = at("2026-11-23 09:30", case(*turns))

    assert step == found.deadlines[0].step
    assert china(step_due) == found.step_due_at
    assert china("2026-11-23 15:00") == found.due_at


def test_the_clock_stands_still_while_the_case_is_suspended():
    suspended = case(OPENED, TAKEN, ("2026-11-23 10:00", Phase.suspended))
    resumed = case(OPENED, TAKEN, ("2026-11-23 10:00", Phase.suspended), ("2026-11-25 16:00", Phase.rectify))

    found = at("2026-11-25 15:00", suspended)
    assert (None, None, False) == (found.due_at, found.step_due_at, found.overdue)
    assert china("2026-11-26 10:00") == at("2026-11-25 16:00", resumed).due_at  # three of four hours were left


def test_the_departments_clock_stands_still_while_the_office_looks():
    looked_at = case(OPENED, TAKEN, ("2026-11-23 11:00", Phase.verify))
    sent_back = case(OPENED, TAKEN, ("2026-11-23 11:00", Phase.verify), ("2026-11-24 09:00", Phase.rectify))

    waiting = at("2026-11-24 10:00", looked_at)
    assert ["verify", "fix"] == [one.step for one in waiting.deadlines]
    assert china("2026-11-24 11:00") == waiting.step_due_at  # one working day
    assert not waiting.overdue
    assert china("2026-11-24 11:00") == at("2026-11-24 09:00", sent_back).due_at  # two hours were left


def test_done_in_time_stays_in_time_and_done_late_stays_late():
    in_time = case(OPENED, TAKEN, ("2026-11-23 14:59", Phase.verify), ("2026-11-24 09:00", Phase.ended))
    late = case(OPENED, TAKEN, ("2026-11-23 15:01", Phase.verify), ("2026-11-24 09:00", Phase.ended))

    assert not at("2027-01-01 00:00", in_time).overdue
    assert at("2027-01-01 00:00", late).overdue


def test_an_extension_moves_the_end_and_never_takes_time_away():
    extended = replace(case(OPENED, TAKEN), extended_to=china("2026-11-24 15:00"))
    shorter = replace(case(OPENED, TAKEN), extended_to=china("2026-11-23 10:00"))

    found = at("2026-11-23 15:30", extended)
    assert (china("2026-11-24 15:00"), False) == (found.due_at, found.overdue)
    assert china("2026-11-24 10:48") == found.deadlines[-1].warn_at  # four fifths of eleven hours
    assert china("2026-11-23 15:00") == at("2026-11-23 11:00", shorter).due_at


def test_opened_again_it_has_its_whole_time_again():
    again = case(OPENED, TAKEN, ("2026-11-23 10:00", Phase.ended), ("2026-11-24 09:00", Phase.dispatch))

    assert china("2026-11-24 15:00") == at("2026-11-24 09:00", again).due_at


def test_each_department_that_is_whistled_for_has_its_own_arrival():
    calls = [
        Call(department="enforcement", at=china("2026-11-23 09:40"), arrived_at=china("2026-11-23 10:00")),
        Call(department="traffic_police", at=china("2026-11-23 09:40"), arrived_at=None),
    ]
    found = at("2026-11-23 11:50", replace(case(OPENED, TAKEN), calls=calls))

    arrivals = {one.department: one.pace for one in found.deadlines if one.step == Step.arrive}
    assert {"enforcement": Pace.running, "traffic_police": Pace.overdue} == arrivals
    assert found.overdue


def test_a_class_may_be_quicker_than_the_usual_and_on_the_calendar():
    collapse = case(("2026-11-28 03:00", Phase.dispatch), code="collapse", department="municipal_works")

    found = at("2026-11-28 03:09", collapse)
    assert china("2026-11-28 03:10") == found.step_due_at
    assert china("2026-11-28 04:00") == found.due_at


@pytest.mark.parametrize(
    ("moment", "fence", "fix"),
    [
        ("2026-11-23 09:47", Pace.running, Pace.running),
        ("2026-11-23 09:48", Pace.warning, Pace.running),
        ("2026-11-23 10:01", Pace.overdue, Pace.running),
        ("2026-11-23 16:36", Pace.overdue, Pace.warning),
        ("2026-11-23 18:00", Pace.overdue, Pace.warning),
        ("2026-11-23 18:01", Pace.overdue, Pace.overdue),
    ],
)
def test_each_limit_of_a_class_has_its_own_clock_and_warns_at_four_fifths(moment, fence, fix):
    found = at(moment, case(("2026-11-23 09:00", Phase.rectify), code="manhole_damage", department="municipal_works"))

    assert [("fence", fence), ("fix", fix)] == [(one.step, one.pace) for one in found.deadlines]


def test_a_changed_calendar_changes_what_is_due():
    rest = RULES.office.model_copy(update={"extra_days_off": frozenset([china("2026-11-23 00:00").date()])})

    assert china("2026-11-24 15:00") == at("2026-11-23 10:00", case(OPENED), replace(RULES, office=rest)).due_at


def test_a_class_that_the_catalogue_has_dropped_has_steps_but_no_limit():
    found = at("2026-11-23 09:10", case(OPENED, code="unheard_of"))

    assert found.due_at is None
    assert china("2026-11-23 09:30") == found.step_due_at


# Laws. Histories are wild: any order of phases, any gaps, over holidays and year ends, in working and calendar time.
MOMENTS = st.datetimes(datetime(2026, 9, 1), datetime(2027, 3, 1)).map(lambda one: one.replace(tzinfo=UTC))
CODES = st.sampled_from(["exposed_garbage", "rubble", "collapse", "manhole_damage"])
GAPS = st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(list(Phase))), min_size=1, max_size=8)


@st.composite
def histories(draw) -> Case:
    moment = draw(MOMENTS)
    turns = []
    for minutes, phase in draw(GAPS):
        moment += timedelta(minutes=minutes)
        turns.append(Turn(at=moment, phase=phase))
    return Case(class_code=draw(CODES), department="municipal_works", turns=turns)


@given(of=histories(), later=st.integers(0, 10**5))
def test_any_history_can_be_told(of, later):
    last = of.turns[-1]
    found = stand(of, last.at + timedelta(minutes=later), RULES)

    assert last.phase == found.phase
    for one in found.deadlines:
        assert one.since <= one.warn_at <= one.due_at
        assert one.stopped_at is None or one.stopped_at >= one.since
    if last.phase in (Phase.suspended, Phase.idle):
        assert found.step_due_at is None
        assert found.due_at is None


@given(of=histories(), minutes=st.integers(0, 10**4), more=st.integers(0, 10**4))
def test_what_is_overdue_stays_overdue_while_nothing_happens(of, minutes, more):
    now = of.turns[-1].at + timedelta(minutes=minutes)
    before = stand(of, now, RULES)
    after = stand(of, now + timedelta(minutes=more), RULES)

    assert [one.due_at for one in before.deadlines] == [one.due_at for one in after.deadlines]
    for early, late in zip(before.deadlines, after.deadlines, strict=True):
        assert list(Pace).index(early.pace) <= list(Pace).index(late.pace)


@given(opened=MOMENTS, ran=st.integers(0, 300), paused=st.integers(1, 20_000), code=CODES)
def test_a_pause_moves_the_limit_by_exactly_the_time_that_it_took(opened, ran, paused, code):
    stop = opened + timedelta(minutes=ran)
    resume = stop + timedelta(minutes=paused)
    turns = [Turn(at=opened, phase=Phase.rectify)]
    plain = Case(class_code=code, department="municipal_works", turns=turns)
    broken = replace(plain, turns=[*turns, Turn(at=stop, phase=Phase.suspended), Turn(at=resume, phase=Phase.rectify)])

    for one, other in zip(stand(plain, resume, RULES).deadlines, stand(broken, resume, RULES).deadlines, strict=True):
        if one.due_at <= stop:
            assert one.due_at == other.due_at
            continue
        left = OFFICE.between(stop, one.due_at, one.department, one.clock)
        assert left == OFFICE.between(resume, other.due_at, one.department, one.clock)


@given(opened=MOMENTS, more=st.integers(0, 10**4) | st.integers(0, 10**7), code=CODES)
def test_an_extension_ends_when_it_was_granted_to(opened, more, code):
    plain = Case(class_code=code, department="municipal_works", turns=[Turn(at=opened, phase=Phase.rectify)])
    until = opened + timedelta(minutes=more)

    before, after = (stand(one, opened, RULES).deadlines[-1] for one in (plain, replace(plain, extended_to=until)))
    assert max(before.due_at, until) == after.due_at
    assert after.since <= after.warn_at <= after.due_at


@given(start=MOMENTS, minutes=st.integers(0, 5000), later=st.integers(0, 5000), more=st.integers(0, 5000))
def test_working_time_never_runs_backwards(start, minutes, later, more):
    def due(begun: datetime, amount: int) -> datetime:
        return OFFICE.after(begun, timedelta(minutes=amount), "enforcement", Clock.working)

    assert due(start, minutes) <= due(start, minutes + more)
    assert due(start, minutes) <= due(start + timedelta(minutes=later), minutes)


@given(start=MOMENTS, first=st.integers(0, 10**5), second=st.integers(0, 10**5))
def test_two_stretches_of_working_time_add_up(start, first, second):
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)

    def between(one: datetime, other: datetime) -> timedelta:
        return OFFICE.between(one, other, "enforcement", Clock.working)

    assert between(start, end) == between(start, middle) + between(middle, end)


@given(start=MOMENTS, hours=st.integers(1, 2000))
def test_an_office_that_never_rests_works_on_calendar_time(start, hours):
    """China has had no summer time since 1991: every day has 24 hours, also at the ends of years."""
    always = Hours(days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), spans=("00:00-24:00",), holidays=False)
    office = OFFICE.model_copy(update={"default": always})

    working = office.after(start, timedelta(hours=hours), "enforcement", Clock.working)
    assert office.after(start, timedelta(hours=hours), "enforcement", Clock.calendar) == working


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (("dispatch: {minutes: 30}", "dispatch: {minutes: 0}"), "greater than 0"),
        (("dispatch: {minutes: 30}", "dispatch: {minutes: 30, hours: 1}"), "exactly one"),
        (("  collapse:", "  colapse:"), "colapse is not in the catalogue"),
        (("warn_at: 0.8", "warn_at: 1.8"), "less than 1"),
        (("steps:", "steps: ["), "cannot be read as YAML"),
    ],
)
def test_limits_that_cannot_be_are_refused_with_the_file_and_the_reason(tmp_path, changed, reason):
    path = tmp_path / "clocks.yaml"
    path.write_text(shipped("datasets/clocks.yaml").read_text(encoding="utf-8").replace(*changed), encoding="utf-8")

    with pytest.raises(Misconfigured, match=reason) as caught:
        read_limits(path, TAXONOMY)

    assert str(path) in str(caught.value)
