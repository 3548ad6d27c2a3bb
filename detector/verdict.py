"""What the comparison with the model in force said of a version: a file beside its card. Decided elsewhere."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AwareDatetime, Field, StringConstraints, ValidationError, model_validator

from detector.card import Name, Record, Share, Version
from detector.durable import write_whole
from detector.errors import ModelRefused

VERDICT_FILE = "verdict.yaml"
MAX_VERDICT_BYTES = 1_000_000


class Decision(StrEnum):
    """How a version came out of the comparison."""

    accepted = "accepted"
    rejected = "rejected"
    unjudged = "unjudged"  # never compared; there is no file


class Change(Record):
    """A class before and after, mAP50 on the same pictures."""

    name: Name
    before: Share | None = Field(description="of the version in force then; None: it did not judge the class")
    after: Share | None = Field(description="of the version judged; None: it does not judge the class")


class Verdict(Record):
    """Accepted or rejected, against which version, on which pictures, and why."""

    decision: Decision
    reasons: list[str] = Field(min_length=1, description="each a sentence; for a class with its name, before, after")
    against: Version = Field(description="the version that was in force")
    validation_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="hash of the frozen set of labelled pictures on which both were measured"
    )
    judged_at: AwareDatetime
    changes: list[Change] = Field(default_factory=list)
    fresh_pictures: int = Field(default=0, ge=0, description="reviewed pictures of points that were never learned from")
    fresh: list[Change] = Field(default_factory=list, description="before and after on these")

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if self.decision is Decision.unjudged:
            raise ValueError("a verdict accepts or rejects; leave the file away where nothing was compared")
        return self


def read_verdict(folder: Path) -> Verdict | None:
    """Read the verdict on the version in `folder`; None where it was never compared.

    Raises:
        ModelRefused: there is a file, but it cannot be read or says what cannot be.
    """
    path = folder / VERDICT_FILE
    if not path.exists():
        return None
    try:
        if path.stat().st_size > MAX_VERDICT_BYTES:
            raise ModelRefused(f"{path} is larger than {MAX_VERDICT_BYTES} bytes; that is no verdict.")
        return Verdict.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "verdict"
        raise ModelRefused(f"{path}: {where}: {first['msg']}. Judge the version again.") from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ModelRefused(f"{path} cannot be read as YAML: {error}. Judge the version again.") from error


def write_verdict(folder: Path, verdict: Verdict) -> Path:
    """Keep the verdict beside the card of the version in `folder`; give the file."""
    path = folder / VERDICT_FILE
    said = verdict.model_dump(mode="json") | {"judged_at": _second(verdict.judged_at)}
    write_whole(path, yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110))
    return path


def _second(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
