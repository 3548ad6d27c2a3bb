"""What the office's bulletins say beside the figures, and the rules of the talk list: `datasets/bulletin.yaml`."""

from functools import cache
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from api.errors import Misconfigured
from api.reports.periods import Span
from api.reports.schemas import Measure, Subject

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600, pattern=r"^[^\x00-\x1f]*$")
]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Read):
    """A text in both languages."""

    zh: Line
    en: Line

    def say(self, language: str) -> str:
        """Give the text in a language."""
        return self.en if language == "en" else self.zh


class Rankings(_Read):
    """Who is compared."""

    at_least: int = Field(ge=1, le=10_000)
    show: int = Field(ge=1, le=50)


class Repeats(_Read):
    """When a problem counts as one that keeps coming back."""

    window_days: int = Field(ge=1, le=1096)
    at_least: int = Field(ge=2, le=100)


class TalkRule(Text):
    """Who is called to a talk: one measure of one kind of subject reaches a limit inside a window."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    subject: Subject
    measure: Measure
    at_least: float = Field(gt=0)
    of_at_least: int | None = Field(
        default=None, ge=1, description="of a share: cases due, below which it says nothing"
    )
    window_days: int = Field(ge=1, le=1096)

    @model_validator(mode="after")
    def _share_is_a_share(self) -> Self:
        is_share = self.measure is Measure.overdue_share
        if is_share and (self.at_least > 1 or self.of_at_least is None):
            raise ValueError(f"rule {self.code}: a share lies between 0 and 1 and needs `of_at_least`")
        if not is_share and self.of_at_least is not None:
            raise ValueError(f"rule {self.code}: `of_at_least` belongs to a share only")
        return self


class Wording(_Read):
    """The whole file."""

    office: Text
    titles: dict[Span, Text]
    addressed_to: Text
    requirements: list[Text] = Field(max_length=20)
    rankings: Rankings
    typical_cases: int = Field(ge=0, le=50)
    trend_periods: int = Field(ge=2, le=24)
    repeats: Repeats
    talks: list[TalkRule] = Field(max_length=50)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [span for span in Span if span not in self.titles]
        if missing:
            raise ValueError(f"titles: nothing for {', '.join(missing)}")
        codes = [rule.code for rule in self.talks]
        if len(set(codes)) < len(codes):
            raise ValueError("talks: two rules have the same code")
        return self


@cache
def read_wording(path: Path) -> Wording:
    """Read the file, once in the life of a process.

    Raises:
        Misconfigured: with file and reason.
    """
    try:
        return Wording.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Misconfigured(f"{path}: {wrong}") from error
