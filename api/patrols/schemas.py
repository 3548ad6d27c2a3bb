"""What the patrols domain sends and takes."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.fields import CatalogueCode, OfficeCode, line


class Secrecy(StrEnum):
    """Whether those inspected know of a round."""

    open = "open"  # 明查
    secret = "secret"  # noqa: S105 - 暗访: seen only by its walkers and by those who manage patrols, until it is published


class Manner(StrEnum):
    """What a round is for."""

    staged = "staged"  # 阶段检查
    dynamic = "dynamic"  # 动态督查


class Progress(StrEnum):
    """How a stop of a round stands."""

    due = "due"
    visited = "visited"
    missed = "missed"  # the round is over and nobody was there


class RoundFields(BaseModel):
    """A round as it is sent."""

    model_config = ConfigDict(extra="forbid")

    code: OfficeCode = Field(description="short code, unique; it stays")
    title: Annotated[str, line(120, 1)]
    secrecy: Secrecy = Secrecy.open
    manner: Manner = Manner.dynamic
    starts_on: date
    ends_on: date = Field(description="last day; what nobody visited until then is missed")
    points: list[OfficeCode] = Field(default=[], max_length=2000, description="codes, in the order of the route")
    all_due: bool = Field(default=False, description="add every point that is due by the last day")
    walkers: list[uuid.UUID] = Field(default=[], max_length=100, description="ids of the users who go")
    note: Annotated[str, line(500)] = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on lies before starts_on")
        if len(set(self.points)) < len(self.points):
            raise ValueError("a point stands twice in the route")
        return self


class StopView(BaseModel):
    """A stop of a round."""

    point: str
    name: str
    progress: Progress
    visit_id: uuid.UUID | None


class RoundView(BaseModel):
    """A round as it stands."""

    id: uuid.UUID
    code: str
    title: str
    secrecy: Secrecy
    manner: Manner
    starts_on: date
    ends_on: date
    note: str
    published_at: datetime | None
    walkers: list[uuid.UUID]
    stops: list[StopView]
    due: int
    visited: int
    missed: int
    revision: int


class VisitStart(BaseModel):
    """A visit that begins."""

    model_config = ConfigDict(extra="forbid")

    point: OfficeCode
    round: OfficeCode | None = Field(default=None, description="code of the round; null: outside of any")


class CheckFields(BaseModel):
    """What an inspector says of an item."""

    model_config = ConfigDict(extra="forbid")

    item: OfficeCode
    passed: bool
    note: Annotated[str, line(500)] = ""
    violation: CatalogueCode | None = Field(
        default=None, description="which of the item's classes the failure is; without it the first, if there is one"
    )


class VisitEnd(BaseModel):
    """A visit that ends."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, line(500)] = ""
    checks: list[CheckFields] = Field(default=[], max_length=200)
    captures: list[uuid.UUID] = Field(
        default=[], max_length=200, description="photos of it, beside those that its inspector sent for its point"
    )


class CheckView(BaseModel):
    """An item that was looked at."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    passed: bool
    note: str
    issue_id: uuid.UUID | None


class VisitView(BaseModel):
    """A visit as it stands."""

    id: uuid.UUID
    round: str | None
    point: str
    user_id: uuid.UUID
    standard: str | None
    started_at: datetime
    finished_at: datetime | None
    note: str
    checks: list[CheckView]
    captures: list[uuid.UUID]


class DueView(BaseModel):
    """When a point is to be visited again."""

    point: str
    name: str
    community: str
    category: str
    every_days: int | None
    last_visit_at: datetime | None
    due_on: date | None = Field(description="null: it is not patrolled")
    is_due: bool


class ChecklistItem(BaseModel):
    """An item that an inspector has to look at, since no model sees it."""

    code: str
    zh: str
    en: str
    classes: list[str]
    deduction: float


class Deduction(BaseModel):
    """What an item costs a point."""

    item: str
    zh: str
    en: str
    findings: int
    points: float = Field(description="taken off, its limit kept")
    issues: list[str] = Field(description="numbers of the issues behind it")
    checks: int = Field(description="failed checks behind it")


class PointScore(BaseModel):
    """The mock score of a point as it stands now."""

    point: str
    name: str
    community: str
    category: str
    score: float = Field(description="of 100; what is open now and what the last check of each item said")
    last_visit_at: datetime | None = Field(description="null: nobody was there, so the score says little")
    deductions: list[Deduction]


class GroupScore(BaseModel):
    """The mean score of a community's or a category's points."""

    name: str
    points: int
    score: float
    visited: int = Field(description="points that somebody has visited")


class Fix(BaseModel):
    """What brings points when it is put right."""

    point: str
    name: str
    item: str
    zh: str
    en: str
    gain: float = Field(description="points of the place's score")
    issues: list[str]


class ScoreSummary(BaseModel):
    """The office's mock score."""

    standard: str | None
    example: bool
    score: float | None
    communities: list[GroupScore]
    categories: list[GroupScore]
    fix_first: list[Fix] = Field(description="the largest gains first")
