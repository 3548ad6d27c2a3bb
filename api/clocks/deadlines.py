"""The clock of an issue: what must have happened by when. Computed, never stored: a changed calendar changes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from api.clocks.hours import Hours, OfficeHours
from detector.taxonomy import Limit, ViolationClass

WARN_AT = 0.8  # share of the limit


class Pace(StrEnum):
    """How a deadline stands."""

    running = "running"
    warning = "warning"  # four fifths of the limit have passed
    overdue = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One step that must be done in time."""

    step: str  #: code of the step, e.g. "fence" or "fix"
    due_at: datetime  #: in UTC
    pace: Pace


def deadlines(entry: ViolationClass, started_at: datetime, at: datetime, office: OfficeHours) -> list[Deadline]:
    """Give the deadlines of an issue of a class whose clock started at `started_at`, as they stand `at` a moment.

    The hours are those of the class's first department, who has to act.
    """
    department = entry.departments[0]
    hours = office.hours_of(department)
    found = []
    for limit in entry.limits:
        amount = length(limit, hours)
        due = office.after(started_at, amount, department, limit.clock)
        passed = office.between(started_at, at, department, limit.clock)
        pace = Pace.overdue if at > due else Pace.warning if passed >= WARN_AT * amount else Pace.running
        found.append(Deadline(step=limit.step, due_at=due, pace=pace))
    return found


def length(limit: Limit, hours: Hours) -> timedelta:
    """Give a limit's length on its own clock; a working day is as long as the office works on one day."""
    if limit.days is not None:
        return limit.days * (hours.day_length if limit.clock == "working" else timedelta(days=1))
    return timedelta(minutes=limit.minutes or 0, hours=limit.hours or 0)
