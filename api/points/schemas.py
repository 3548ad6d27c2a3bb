"""What the points domain sends and takes."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PointCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]

_PLAIN = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"  # no control characters, and nothing that XML (a workbook) cannot hold


def _line(most: int, least: int = 0) -> object:
    """Give the constraints of a single line of text."""
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most, pattern=_PLAIN)


class PointFields(BaseModel):
    """A point as it is sent, and as one row of an import."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "code": "DH-P01",
                    "name": "翠宁社区翠拥华庭东门",
                    "category": "residential_estate",
                    "community": "翠宁社区",
                    "address": "翠宁路 1 号",
                    "longitude": 114.1421,
                    "latitude": 22.5683,
                    "responsible_post": "翠宁社区第一书记",
                    "responsible_person": "",
                    "no_parking": False,
                }
            ]
        },
    )

    code: PointCode = Field(description="short code, unique")
    name: Annotated[str, _line(120, 1)]
    category: Annotated[str, _line(48, 1)] = Field(description="one of the taxonomy's place categories")
    community: Annotated[str, _line(80, 1)]
    address: Annotated[str, _line(200)] = ""
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False, description="degrees, WGS-84")
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False, description="degrees, WGS-84")
    responsible_post: Annotated[str, _line(80, 1)] = Field(description="the post that answers, e.g. 社区第一书记")
    responsible_person: Annotated[str, _line(80)] = ""
    no_parking: bool = Field(default=False, description="nobody may park here: a vehicle is a suspected violation")


class PointView(PointFields):
    """A point as it is kept."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    revision: int


class ImportOutcome(BaseModel):
    """What an import changed."""

    created: int
    updated: int
    unchanged: int
