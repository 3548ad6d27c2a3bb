"""Who is told what: the rules as data, read from `datasets/notices.yaml`."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import Misconfigured
from api.notify.schemas import EventKind
from detector.taxonomy import Code


class Who(StrEnum):
    """What somebody is for an issue."""

    holder = "holder"
    deputies = "deputies"
    superior = "superior"
    specific = "specific"
    first = "first"
    handlers = "handlers"
    secretaries = "secretaries"
    line_leaders = "line_leaders"
    supervisors = "supervisors"
    reviewers = "reviewers"
    admins = "admins"
    escalated = "escalated"


class Span(BaseModel):
    """A stretch of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minutes: float = Field(gt=0, le=24 * 60)

    @property
    def length(self) -> timedelta:
        """Give it as a length."""
        return timedelta(minutes=self.minutes)


class Rule(BaseModel):
    """One line: on these events tell these people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: tuple[EventKind, ...] = Field(min_length=1)
    to: tuple[Who, ...] = Field(min_length=1)
    if_state: tuple[Code, ...] = Field(default=(), description="states of the issue after the event; none: any")


class Storm(BaseModel):
    """How many notices about one point are told one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notices: int = Field(ge=1, le=1000)
    within: Span


class NoticeRules(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...]
    storm: Storm
    late_after: Span

    def told(self, kind: str, state: str | None) -> list[Who]:
        """Give who is told of an event, each once."""
        found = [
            who
            for rule in self.rules
            if names(rule.when, kind) and (not rule.if_state or state in rule.if_state)
            for who in rule.to
        ]
        return list(dict.fromkeys(found))


def names(kinds: tuple[str, ...] | list[str], kind: str) -> bool:
    """Say whether a list of kinds, such as `issue.*`, names one."""
    return any(one == kind or (one.endswith(".*") and kind.startswith(one[:-1])) for one in kinds)


def read_rules(path: Path) -> NoticeRules:
    """Read the rules.

    Raises:
        Misconfigured: with file and reason.
    """
    try:
        return NoticeRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Misconfigured(f"{path}: {wrong}") from error
