"""When an office works, and how long a stretch of time is in working time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import holidays
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from api.errors import Misconfigured
from api.fields import ZoneName
from detector.taxonomy import Clock

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$")]

MOST = timedelta(days=3 * 366)  # a limit that ends later than this is a mistake in the data


class Hours(BaseModel):
    """The week of an office."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: tuple[Day, ...] = Field(min_length=1)
    spans: tuple[Span, ...] = Field(min_length=1)
    holidays: bool = Field(default=True, description="rests on public holidays, works on adjusted working days")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        edges = [edge for span in self.minutes for edge in span]
        if edges != sorted(set(edges)):
            raise ValueError(f"spans {', '.join(self.spans)} must follow one another without overlap")
        if edges[-1] > 24 * 60:
            raise ValueError(f"spans {', '.join(self.spans)} go beyond 24:00")
        return self

    @cached_property
    def minutes(self) -> tuple[tuple[int, int], ...]:
        """Give the spans as minutes since midnight."""
        return tuple((_minutes(span[:5]), _minutes(span[6:])) for span in self.spans)

    @cached_property
    def day_length(self) -> timedelta:
        """Give the working time of one day: what a limit of one working day means."""
        return timedelta(minutes=sum(end - start for start, end in self.minutes))


class OfficeHours(BaseModel):
    """The hours of all departments, with the holidays of the country."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: ZoneName
    country: str
    default: Hours
    departments: dict[str, Hours] = Field(default_factory=dict)
    extra_working_days: frozenset[date] = frozenset()
    extra_days_off: frozenset[date] = frozenset()

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str) -> str:
        if value not in holidays.list_supported_countries():
            raise ValueError(f"{value!r} is not a country whose holidays are known")
        return value

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _public(self) -> holidays.HolidayBase:
        return holidays.country_holidays(self.country)  # years are filled in as they are asked for

    def hours_of(self, department: str) -> Hours:
        """Give the hours of a department."""
        return self.departments.get(department, self.default)

    def works_on(self, day: date, hours: Hours) -> bool:
        """Say whether an office with these hours works on a day."""
        if day in self.extra_days_off:
            return False
        if day in self.extra_working_days:
            return True
        if not hours.holidays:
            return DAYS[day.weekday()] in hours.days
        if day in self._public:
            return False
        return DAYS[day.weekday()] in hours.days or day in self._public.weekend_workdays

    def after(
        self, start: datetime, amount: timedelta, department: str, clock: Clock, *, within: timedelta = MOST
    ) -> datetime:
        """Give the moment at which `amount` of a department's time has passed since `start`, in UTC.

        Raises:
            ValueError: `start` has no zone, or more than `within` would have to pass, by default three years.
        """
        _require_zone(start)
        if clock is Clock.calendar:
            return start.astimezone(UTC) + amount
        left = amount
        for opens, closes in self._spans_from(start, self.hours_of(department), start + within):
            begin = max(opens, start.astimezone(UTC))
            if closes - begin >= left:
                return begin + left
            left -= max(timedelta(), closes - begin)
        raise ValueError(f"{amount} of working time after {start} lies more than {within.days} days away")

    def between(self, start: datetime, end: datetime, department: str, clock: Clock) -> timedelta:
        """Give how much of a department's time lies between two moments; nothing where `end` is not after `start`."""
        _require_zone(start)
        _require_zone(end)
        if end <= start:
            return timedelta()
        if clock is Clock.calendar:
            return end - start
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        passed = timedelta()
        for opens, closes in self._spans_from(start, self.hours_of(department), end):
            passed += max(timedelta(), min(closes, end) - max(opens, start))
        return passed

    def _spans_from(self, start: datetime, hours: Hours, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the office's working spans in UTC, from the day of `start` to the day of `end`."""
        first = start.astimezone(self._zone).date()
        days = (end.astimezone(self._zone).date() - first).days
        for day in (first + timedelta(days=count) for count in range(days + 1)):
            if self.works_on(day, hours):
                midnight = datetime.combine(day, time(), self._zone)
                for opens, closes in hours.minutes:
                    yield (
                        (midnight + timedelta(minutes=opens)).astimezone(UTC),
                        (midnight + timedelta(minutes=closes)).astimezone(UTC),
                    )


def read_office_hours(path: Path) -> OfficeHours:
    """Read the office hours.

    Raises:
        Misconfigured: with file and reason.
    """
    try:
        return OfficeHours.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Misconfigured(f"{path}: {wrong}") from error


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _require_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone has no working time")
