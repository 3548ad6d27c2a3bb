"""What the log sends."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AuditEventView(BaseModel):
    """One thing that was done."""

    model_config = ConfigDict(from_attributes=True)

    seq: int = Field(description="1, 2, 3… without gaps, in the order in which things became durable")
    at: datetime
    by_user_id: uuid.UUID | None = Field(description="null: the system itself")
    subject_kind: str = Field(examples=["issue"])
    subject_id: uuid.UUID
    action: str = Field(examples=["dispatch"])
    before: str | None = Field(description="the state before, where the subject has states")
    after: str | None
    note: str
    capture_id: uuid.UUID | None
    data: dict[str, Any] = Field(description="whatever else belongs to this action")
    previous_hash: str
    hash: str = Field(description="SHA-256 over the canonical form of the event, `previous_hash` included")


class HeadView(BaseModel):
    """The end of the chain; whoever notes it down elsewhere can prove later that nothing before it was touched."""

    model_config = ConfigDict(from_attributes=True)

    seq: int
    hash: str
