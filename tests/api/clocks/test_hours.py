"""Working time: when an office works, and when a limit is over."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.clocks.hours import Hours, OfficeHours, read_office_hours
from api.errors import Misconfigured
from detector import shipped
from detector.taxonomy import Clock

CHINA = ZoneInfo("Asia/Shanghai")
OFFICE = read_office_hours(shipped("datasets/office_hours.yaml"))


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def working(start: str, amount: timedelta, office: OfficeHours = OFFICE) -> datetime:
    return office.after(china(start), amount, "enforcement", Clock.working)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23 09:00", 2, "2026-11-23 11:00"),
        ("2026-11-23 11:00", 2, "2026-11-23 15:00"),  # over the noon break
        ("2026-11-23 17:00", 2, "2026-11-24 10:00"),  # over the night
        ("2026-11-27 17:00", 2, "2026-11-30 10:00"),  # over the weekend
        ("2026-11-28 03:00", 1, "2026-11-30 10:00"),  # reported on a Saturday night
        ("2026-09-30 17:30", 1, "2026-10-08 09:30"),  # over National Day
        ("2026-10-10 09:00", 1, "2026-10-10 10:00"),  # a Saturday that is an adjusted working day
        ("2026-11-23 12:30", 7, "2026-11-24 12:00"),  # exactly one working day, begun in the break
    ],
)
def test_limits_in_working_time_pass_over_nights_weekends_and_holidays(start, hours, due):
    found = working(start, timedelta(hours=hours))

    assert china(due) == found
    assert UTC == found.tzinfo


def test_calendar_time_counts_every_hour():
    due = OFFICE.after(china("2026-10-01 23:30"), timedelta(hours=1), "municipal_works", Clock.calendar)

    assert china("2026-10-02 00:30") == due


def test_a_department_may_work_on_holidays():
    office = OFFICE.model_copy(
        update={"departments": {"enforcement": Hours(days=("thu",), spans=("00:00-24:00",), holidays=False)}}
    )

    assert office.works_on(date(2026, 10, 1), office.hours_of("enforcement"))
    assert not office.works_on(date(2026, 10, 1), office.hours_of("publicity"))


def test_the_office_knows_better_than_the_calendar():
    office = OFFICE.model_copy(
        update={
            "extra_days_off": frozenset([date(2026, 11, 23)]),
            "extra_working_days": frozenset([date(2026, 11, 22)]),
        }
    )

    assert china("2026-11-24 10:00") == working("2026-11-23 09:00", timedelta(hours=1), office)
    assert china("2026-11-22 10:00") == working("2026-11-22 09:00", timedelta(hours=1), office)


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)),
    minutes=st.integers(1, 5000),
)
def test_what_after_adds_between_finds_again(start, minutes):
    amount = timedelta(minutes=minutes)
    begun = start.replace(tzinfo=UTC)
    due = OFFICE.after(begun, amount, "enforcement", Clock.working)

    assert amount == OFFICE.between(begun, due, "enforcement", Clock.working)


def test_a_moment_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="zone"):
        OFFICE.after(datetime(2026, 11, 23), timedelta(hours=1), "enforcement", Clock.working)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ('spans: ["14:00-18:00", "09:00-12:00"]', "must follow one another"),
        ('spans: ["09:00-24:30"]', "beyond 24:00"),
        ('spans: ["9-12"]', "pattern"),
        ("holidayz: false", "not permitted"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_the_file_and_the_reason(tmp_path, changed, reason):
    path = tmp_path / "hours.yaml"
    text = shipped("datasets/office_hours.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace('  spans: ["09:00-12:00", "14:00-18:00"]', f"  {changed}"), encoding="utf-8")

    with pytest.raises(Misconfigured, match=reason) as caught:
        read_office_hours(path)

    assert str(path) in str(caught.value)
