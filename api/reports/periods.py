"""Stretches of whole days on the office's calendar: a day, an ISO week, a month, a stage from one day to another."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from api.errors import Unfit

LONGEST_DAYS = 3 * 366  # of a stage; what is longer is more than one bulletin


class Span(StrEnum):
    """How a period was named; it decides what its bulletin is called."""

    day = "day"
    week = "week"
    month = "month"
    stage = "stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days, both ends included, on the clock of the office."""

    span: Span
    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        """Refuse what is no stretch of time.

        Raises:
            Unfit: it ends before it begins, or is longer than `LONGEST_DAYS`.
        """
        if self.last < self.first:
            raise Unfit(f"The period ends on {self.last}, before it begins on {self.first}.")
        if self.days > LONGEST_DAYS:
            raise Unfit(f"The period has {self.days} days; the most is {LONGEST_DAYS}. Ask for a shorter one.")

    @property
    def days(self) -> int:
        """Give its length in days."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """Give its first moment, in UTC."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """Give the first moment after it, in UTC."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone).astimezone(UTC)

    @property
    def code(self) -> str:
        """Give its name as it is typed: 2026-11-23, 2026-W47, 2026-11, or 2026-11-01..2026-11-23."""
        if self.span is Span.day:
            return self.first.isoformat()
        if self.span is Span.week:
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02d}"
        if self.span is Span.month:
            return f"{self.first:%Y-%m}"
        return f"{self.first}..{self.last}"

    def before(self) -> Self:
        """Give the period before it of the same length; before a month comes the whole month before.

        Raises:
            Unfit: the calendar has nothing before it.
        """
        try:
            last = self.first - timedelta(days=1)
            first = last.replace(day=1) if self.span is Span.month else self.first - timedelta(days=self.days)
        except OverflowError as error:
            raise Unfit(f"There is no calendar before {self.first}.") from error
        return type(self)(span=self.span, first=first, last=last, zone=self.zone)


def period_of(
    zone: ZoneInfo,
    *,
    day: str | None = None,
    week: str | None = None,
    month: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Period:
    """Give the period that one of the ways names: `day`, `week`, `month`, or `since` with `until`.

    Raises:
        Unfit: none, or more than one way is used, or what it names is not on the calendar.
    """
    named = [name for name, text in (("day", day), ("week", week), ("month", month)) if text]
    if since or until:
        named.append("from and to")
    if len(named) != 1:
        found = f"{' and '.join(named)} were given" if named else "none was given"
        raise Unfit(f"Name one period: a day, a week, a month, or from and to; {found}.")
    if day:
        first = _day("day", day)
        return Period(span=Span.day, first=first, last=first, zone=zone)
    if week:
        return _week(week, zone)
    if month:
        return _month(month, zone)
    if not (since and until):
        raise Unfit("A stage needs both its first day (from) and its last day (to), such as 2026-11-01.")
    return Period(span=Span.stage, first=_day("from", since), last=_day("to", until), zone=zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Give the day that a moment falls on, on the office's clock."""
    return moment.astimezone(zone).date()


def _day(name: str, text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return _within(date.fromisoformat(text))
    except ValueError as error:
        raise Unfit(f"{name}: {text[:20]!r} is not a day such as 2026-11-23.") from error


def _week(text: str, zone: ZoneInfo) -> Period:
    found = re.fullmatch(r"(\d{4})-?W?-?(\d{1,2})", text, re.ASCII | re.IGNORECASE)
    try:
        if found is None:
            raise ValueError
        monday = _within(date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except ValueError as error:
        raise Unfit(f"week: {text[:20]!r} is not an ISO week such as 2026-47.") from error
    return Period(span=Span.week, first=monday, last=monday + timedelta(days=6), zone=zone)


def _month(text: str, zone: ZoneInfo) -> Period:
    found = re.fullmatch(r"(\d{4})-(\d{1,2})", text, re.ASCII)
    try:
        if found is None:
            raise ValueError
        first = _within(date(int(found[1]), int(found[2]), 1))
    except ValueError as error:
        raise Unfit(f"month: {text[:20]!r} is not a month such as 2026-11.") from error
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Period(span=Span.month, first=first, last=last, zone=zone)


def _within(day: date) -> date:
    """Refuse years that no office has known, at whose edges arithmetic with dates ends."""
    if not 1970 <= day.year <= 9000:
        raise ValueError
    return day
