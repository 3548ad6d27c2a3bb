"""How long each step of a case may take and who hears when it takes longer: data, read from `datasets/clocks.yaml`."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.clocks.hours import Hours, OfficeHours
from api.errors import Misconfigured
from detector.taxonomy import Allowance, Clock, Code, Limit, Taxonomy


class Step(StrEnum):
    """The steps that every case has a limit for; a class of violation may bring more, such as `fence`."""

    dispatch = "dispatch"
    accept = "accept"
    rectify = "fix"  # as the catalogue of violations has always called it
    verify = "verify"
    arrive = "arrive"


class Steps(BaseModel):
    """The limits of one class that differ from the usual ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dispatch: Allowance | None = None
    accept: Allowance | None = None
    rectify: Allowance | None = None
    verify: Allowance | None = None
    arrive: Allowance | None = None


class UsualSteps(BaseModel):
    """The limits of every class that has none of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dispatch: Allowance
    accept: Allowance
    verify: Allowance
    arrive: Allowance


class Escalation(BaseModel):
    """Who hears that a step is overdue, and how long after it fell due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Allowance | None = None
    to: tuple[Code, ...] = Field(min_length=1)


class StepLimits(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: UsualSteps
    classes: dict[Code, Steps] = Field(default_factory=dict)
    warn_at: Annotated[float, Field(gt=0, lt=1)] = 0.8
    escalation: tuple[Escalation, ...] = ()

    def climbed(self, level: int) -> int:
        """Give how many posts up a step of escalation (from 1) looks for a superior: one more each time it is named."""
        return max(1, sum("superior" in one.to for one in self.escalation[:level]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRules:
    """Everything that decides when something is due. A change of any of it changes what is shown."""

    taxonomy: Taxonomy
    office: OfficeHours
    limits: StepLimits

    def of_step(self, step: Step, class_code: str) -> Allowance:
        """Give the limit of a step other than putting right, for a class of violation."""
        own: Allowance | None = getattr(self.limits.classes.get(class_code), step.name, None)
        usual: Allowance = getattr(self.limits.steps, step.name)
        return own or usual

    def of_class(self, class_code: str) -> list[Limit]:
        """Give the limits for putting right, in the order in which they fall due; none where the class is unknown."""
        own = self.limits.classes.get(class_code)
        if own is not None and own.rectify is not None:
            return [Limit(step=Step.rectify, **own.rectify.model_dump())]
        entry = self.taxonomy.classes.get(class_code)
        return list(entry.limits) if entry else []


def length(allowed: Allowance, hours: Hours) -> timedelta:
    """Give how long a limit is on its own clock; a working day is as long as the office works on one day."""
    if allowed.days is not None:
        return allowed.days * (hours.day_length if allowed.clock is Clock.working else timedelta(days=1))
    return timedelta(minutes=allowed.minutes or 0, hours=allowed.hours or 0)


def read_limits(path: Path, taxonomy: Taxonomy) -> StepLimits:
    """Read the limits and hold them against the catalogue.

    Raises:
        Misconfigured: with file and reason.
    """
    try:
        limits = StepLimits.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Misconfigured(f"{path}: {wrong}") from error
    unknown = sorted(set(limits.classes) - set(taxonomy.classes))
    if unknown:
        raise Misconfigured(f"{path}: classes: {', '.join(unknown)} is not in the catalogue of violations")
    return limits
