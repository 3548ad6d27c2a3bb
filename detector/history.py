"""Which version was current when, by whose hand and why: one JSON line a step, only ever added."""

import os
import pwd
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import AliasChoices, AwareDatetime, ConfigDict, Field, ValidationError

from detector.card import Record
from detector.durable import append_line

HISTORY_FILE = "HISTORY.jsonl"


class Action(StrEnum):
    """Why the pointer moved."""

    seed = "seed"  # the first version, copied from the installation
    adopt = "adopt"  # a newer installation brought a newer version
    promote = "promote"  # somebody asked for it
    rollback = "rollback"  # somebody asked for the one before


class Step(Record):
    """The pointer moved once."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # later versions may say more

    when: AwareDatetime
    before: str | None = Field(
        validation_alias=AliasChoices("from", "before"),
        serialization_alias="from",
        description="the version that was current; None: there was none",
    )
    to: str
    action: Action
    who: str = Field(description="account on the operating system, or the user's name on the page")
    why: str = ""


def step(action: Action, *, before: str | None, to: str, why: str, who: str | None = None) -> Step:
    """Give the step that is being taken now, by `who` or by the account of this process."""
    when = datetime.now(UTC).replace(microsecond=0)
    return Step(when=when, before=before, to=to, action=action, who=who or _account(), why=why)


def _account() -> str:
    """Give the account's name, not what the environment says of it; its number where it has no name (containers)."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def read_steps(folder: Path) -> list[Step]:
    """Read the steps, oldest first; none where there is no file.

    A line that makes no sense is passed over: one cut off by a power failure must not stand in the way of going back.
    """
    path = folder / HISTORY_FILE
    if not path.is_file():
        return []
    steps = []
    for line in path.read_bytes().splitlines():
        try:
            steps.append(Step.model_validate_json(line))
        except ValidationError:
            continue
    return steps


def add_step(folder: Path, taken: Step) -> None:
    """Write a step down; it is on the disk when this returns."""
    append_line(folder / HISTORY_FILE, taken.model_dump_json(by_alias=True))


def versions_before(steps: Sequence[Step], current: str | None) -> list[str]:
    """Give the versions that going back leads through, the last one first.

    A rollback takes its step back instead of adding one, so that the next leads further. A pointer moved by hand, which
    no step tells of, counts as a promotion.
    """
    stack: list[str] = []
    told: str | None = None
    for one in steps:
        if told not in (None, one.before):
            stack.append(str(told))
        if one.action is not Action.rollback:
            stack += [one.before] if one.before else []
        elif stack:
            stack.pop()
        told = one.to
    if told not in (None, current):
        stack.append(str(told))
    while stack and stack[-1] == current:  # only where somebody wrote into the history
        stack.pop()
    return stack[::-1]


def in_force_since(steps: Sequence[Step], current: str) -> datetime | None:
    """Say since when `current` is in force; None where the last step tells of another version."""
    return steps[-1].when if steps and steps[-1].to == current else None
