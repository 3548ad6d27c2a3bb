"""The clock of an issue: what must have happened by when. Computed, never stored: a changed calendar changes it."""

from dataclasses import dataclass
from datetime import datetime

from api.clocks.hours import OfficeHours
from api.clocks.limits import length
from api.clocks.standing import Pace
from detector.taxonomy import ViolationClass

WARN_AT = 0.8  # share of the limit


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
