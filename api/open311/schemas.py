"""What the office sees of requests from outside."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RequestView(BaseModel):
    """A request as it was filed; who filed it is asked for apart."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: uuid.UUID
    service_request_id: str = Field(validation_alias="reference", examples=["7K3M9QX2AB"])
    jurisdiction: str
    service_code: str
    issue: str = Field(default="", description="number of the issue that it became part of")
    requested_at: datetime
    description: str
    address: str
    longitude: float | None = Field(description="degrees, WGS-84, as the requester said")
    latitude: float | None
    distance_m: float | None
    media_url: str = Field(description="as the requester said it; nobody has looked where it leads")
    capture_id: uuid.UUID | None
    attributes: dict[str, Any]


class RequesterView(BaseModel):
    """Who filed a request, as far as they said."""

    model_config = ConfigDict(from_attributes=True)

    first_name: str
    last_name: str
    email: str
    phone: str
    device_id: str
    account_id: str
