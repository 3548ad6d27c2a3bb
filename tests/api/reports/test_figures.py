"""Figures against a second count over the log, run by run, on both databases."""

from datetime import date, timedelta

import pytest

from api.accounts.schemas import EVERYWHERE
from api.reports import cases, figures, routes, service
from api.reports.figures import Stretch
from api.reports.periods import Period, period_of
from api.reports.schemas import Scope
from tests.api.reports.campaign import Campaign, recount, tell


@pytest.fixture
def played(fresh_office, monkeypatch) -> Campaign:
    campaign = Campaign(fresh_office, monkeypatch)
    campaign.play(170)
    return campaign


def weeks(campaign: Campaign) -> list[Period]:
    zone = campaign.office.context.settings.zone
    return [period_of(zone, week=f"2026-{week}") for week in range(40, 45)]


def test_every_figure_is_what_the_log_says(played: Campaign) -> None:
    context = played.office.context
    read = cases.catch_up(context.database, routes.calendar_of(context))
    runs = tell(played)
    at = played.at + timedelta(hours=1)
    met = 0
    for period in weeks(played):
        stretch = Stretch(start=period.start, end=period.end, seen_at=at)
        with context.database.read() as session:
            whole = figures.count(session, stretch, [])
            by_community = figures.count_by(session, stretch, [], figures.COMMUNITY)
            by_class = figures.count_by(session, stretch, [], figures.CLASS)
        expected = recount(played, runs, period, at)
        met += expected["closed"]

        assert pytest.approx(expected) == {name: getattr(whole, name) for name in expected}
        for community, counts in by_community.items():
            own = recount(played, [one for one in runs if one.point.community == community], period, at)
            assert pytest.approx(own) == {name: getattr(counts, name) for name in own}
        for code, counts in by_class.items():
            own = recount(played, [one for one in runs if one.code == code], period, at)
            assert pytest.approx(own) == {name: getattr(counts, name) for name in own}
    assert 100 <= read
    assert 10 < met
    assert any(not one.first for one in runs)

    again = cases.catch_up(context.database, routes.calendar_of(context))
    assert 0 == again


def test_the_bulletin_says_the_same_and_can_be_read_anew(played: Campaign) -> None:
    context = played.office.context
    calendar, desk = routes.calendar_of(context), routes.desk_of(context)
    period = weeks(played)[1]
    cases.catch_up(context.database, calendar)

    def whole():
        with context.database.read() as session:
            return service.compile_bulletin(session, desk, period, Scope(), service.within(EVERYWHERE))

    first = whole()
    with context.database.write() as session:
        cases.forget(session)
    cases.catch_up(context.database, calendar)
    second = whole()

    assert first.model_copy(update={"made_at": second.made_at}) == second
    expected = recount(played, tell(played), period, second.made_at)
    assert pytest.approx(expected) == {name: getattr(second.total, name) for name in expected}
    assert second.total.opened == sum(one.counts.opened for one in second.by_kind)
    assert second.total.opened == sum(one.counts.opened for one in second.by_point)
    assert [one.period.period().code for one in second.trend][-2:] == ["2026-W40", "2026-W41"]


@pytest.mark.parametrize(
    ("named", "first", "last", "code", "before"),
    [
        ({"day": "2026-11-23"}, date(2026, 11, 23), date(2026, 11, 23), "2026-11-23", "2026-11-22"),
        ({"week": "2026-47"}, date(2026, 11, 16), date(2026, 11, 22), "2026-W47", "2026-W46"),
        ({"week": "2027-W1"}, date(2027, 1, 4), date(2027, 1, 10), "2027-W01", "2026-W53"),
        ({"month": "2026-2"}, date(2026, 2, 1), date(2026, 2, 28), "2026-02", "2026-01"),
        ({"month": "2024-02"}, date(2024, 2, 1), date(2024, 2, 29), "2024-02", "2024-01"),
        (
            {"since": "2026-11-01", "until": "2026-11-10"},
            date(2026, 11, 1),
            date(2026, 11, 10),
            "2026-11-01..2026-11-10",
            "2026-10-22..2026-10-31",
        ),
    ],
)
def test_a_period_is_whole_days_on_the_offices_clock(played_zone, named, first, last, code, before) -> None:
    period = period_of(played_zone, **named)

    assert (first, last, code) == (period.first, period.last, period.code)
    assert before == period.before().code
    assert period.before().end == period.start
    assert 16 == period.start.hour  # midnight in Shanghai


@pytest.fixture
def played_zone():
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")
