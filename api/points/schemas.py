"""What the points domain sends and takes."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.fields import CatalogueCode, OfficeCode, line

MOST_DAYS = 366  # between two assessments of a point


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
                    "no_parking": False,
                    "departments": {"parking": "property_management"},
                    "assess_every_days": 7,
                }
            ]
        },
    )

    code: OfficeCode = Field(description="short code, unique")
    name: Annotated[str, line(120, 1)]
    category: Annotated[str, line(48, 1)] = Field(description="one of the taxonomy's place categories")
    community: Annotated[str, line(80, 1)]
    address: Annotated[str, line(200)] = ""
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False, description="degrees, WGS-84")
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False, description="degrees, WGS-84")
    no_parking: bool = Field(default=False, description="nobody may park here: a vehicle is a suspected violation")
    first_post: OfficeCode | None = Field(
        default=None, description="post of the first responsible person, e.g. the community's first secretary"
    )
    specific_post: OfficeCode | None = Field(
        default=None, description="post of the specific responsible person, e.g. the line leader"
    )
    departments: dict[CatalogueCode, CatalogueCode] = Field(
        default={}, description="departments that act here in place of the catalogue's, by code of the kind"
    )
    assess_every_days: int | None = Field(
        default=7, ge=1, le=MOST_DAYS, description="a patrol is due so many days after the last; null: never"
    )


class PointView(PointFields):
    """A point as it is kept."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: uuid.UUID
    has_zone_picture: bool = Field(description="a picture shows the zone to be looked at: /points/CODE/zone")
    created_at: datetime
    updated_at: datetime
    revision: int
