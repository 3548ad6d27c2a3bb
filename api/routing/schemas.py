"""What the routing domain sends and takes."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.fields import CatalogueCode, OfficeCode, line


class RuleFields(BaseModel):
    """A rule as it is sent, and as one row of an import."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "code": "MARKET-DIRT",
                    "category": "wet_market",
                    "kind": "sanitation",
                    "post": "MK-01",
                    "department": "sanitation_service",
                    "since": "2026-01-01",
                    "note": "市场督导员先到场",
                }
            ]
        },
    )

    code: OfficeCode = Field(description="short code, unique")
    point: OfficeCode | None = Field(default=None, description="only at this point")
    community: Annotated[str, line(80, 1)] | None = Field(default=None, description="only in this community")
    category: CatalogueCode | None = Field(default=None, description="only at places of this category")
    kind: CatalogueCode | None = Field(default=None, description="only for this kind of problem")
    violation: CatalogueCode | None = Field(default=None, description="only for this class of violation")
    post: OfficeCode | None = Field(default=None, description="the post that answers")
    department: CatalogueCode | None = Field(default=None, description="the department that acts")
    since: date | None = Field(default=None, description="first day on which it holds")
    until: date | None = Field(default=None, description="last day on which it holds")
    note: Annotated[str, line(200)] = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if sum(one is not None for one in (self.point, self.community, self.category)) > 1:
            raise ValueError("give at most one of point, community, category")
        if self.kind is not None and self.violation is not None:
            raise ValueError("give at most one of kind, violation")
        if self.post is None and self.department is None:
            raise ValueError("give a post, a department or both")
        if self.since and self.until and self.until < self.since:
            raise ValueError("until lies before since")
        return self


class RuleView(RuleFields):
    """A rule as it is kept."""

    model_config = ConfigDict(extra="ignore")

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    revision: int


class Place(StrEnum):
    """How near to a point something speaks, nearest first."""

    point = "point"
    community = "community"
    category = "category"
    anywhere = "anywhere"


class Problem(StrEnum):
    """How narrowly something speaks of a problem, narrowest first."""

    violation = "violation"
    kind = "kind"
    any = "any"


class Source(StrEnum):
    """Where an answer comes from."""

    rule = "rule"
    point_department = "point_department"  # the point's own department for the kind
    specific_post = "specific_post"  # the point's specific responsible post
    first_post = "first_post"  # the point's first responsible post
    catalogue = "catalogue"  # the class's first department in the taxonomy


class Verdict(StrEnum):
    """What became of an answer."""

    both = "both"  # it gives the post and the department
    post = "post"  # it gives the post
    department = "department"  # it gives the department
    outranked = "outranked"  # something more specific was first
    not_in_force = "not_in_force"  # its days are over or have not come


class Considered(BaseModel):
    """One answer that was considered, in the order of consideration."""

    source: Source
    rule: str | None = Field(default=None, description="code of the rule")
    place: Place
    problem: Problem
    post: str | None = Field(description="code of the post that it names")
    department: str | None = Field(description="code of the department that it names, or that its post belongs to")
    since: date | None = None
    until: date | None = None
    verdict: Verdict


class Explanation(BaseModel):
    """Who answers for a class of violation at a point on a day, and why."""

    point: str
    violation: str
    on: date
    post: str | None = Field(description="code of the post; null: nobody is named, see that the point gets a post")
    department: str
    because: str
    considered: list[Considered]
