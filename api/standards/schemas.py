"""What the standards domain sends and takes."""

import uuid
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.fields import CatalogueCode, OfficeCode, line

FULL_SCORE = 100.0  # points, of a place where nothing is wrong
MOST_ITEMS = 1_000


class Item(BaseModel):
    """One item of a standard, and one row of an import."""

    model_config = ConfigDict(extra="forbid")

    code: OfficeCode
    category: CatalogueCode | None = Field(default=None, description="place category; null: everywhere")
    zh: Annotated[str, line(200, 1)]
    en: Annotated[str, line(200)] = ""
    classes: list[CatalogueCode] = Field(
        default=[], max_length=20, description="classes of violation that offend against it; none: a check by hand"
    )
    deduction: float = Field(gt=0, le=FULL_SCORE, allow_inf_nan=False, description="points for each finding")
    most: float | None = Field(
        default=None, gt=0, le=FULL_SCORE, allow_inf_nan=False, description="points at most; null: as often as found"
    )


class ClassOff(BaseModel):
    """A class of violation that is not assessed on some days."""

    model_config = ConfigDict(extra="forbid")

    violation: CatalogueCode
    since: date | None = Field(default=None, description="first day on which it is off; null: from the beginning")
    until: date | None = Field(default=None, description="last day on which it is off; null: to the end")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("until lies before since")
        return self

    def covers(self, on: date) -> bool:
        """Say whether the class is off on a day."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


class StandardFields(BaseModel):
    """A version of the standard as it is sent, and as a file holds it."""

    model_config = ConfigDict(extra="forbid")

    code: OfficeCode
    zh: Annotated[str, line(120, 1)]
    en: Annotated[str, line(120)] = ""
    since: date = Field(description="first day on which it is in force")
    example: bool = Field(default=False, description="shipped to start with: nobody's official text")
    items: list[Item] = Field(max_length=MOST_ITEMS)
    classes_off: list[ClassOff] = Field(default=[], max_length=200)


class StandardView(StandardFields):
    """A version as it is kept."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    revision: int
