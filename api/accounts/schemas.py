"""What the accounts domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Role(StrEnum):
    """What a caller may do; each role may all that the ones before it may."""

    viewer = "viewer"  # look
    inspector = "inspector"  # send photos
    reviewer = "reviewer"  # decide about issues
    admin = "admin"  # points, keys, everything

    def covers(self, needed: "Role") -> bool:
        """Say whether this role may what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Caller(BaseModel):
    """Who is asking."""

    model_config = ConfigDict(frozen=True)

    key_id: uuid.UUID
    name: str
    role: Role


class NewKey(BaseModel):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Front desk"])
    role: Role = Role.inspector


class KeyView(BaseModel):
    """A key as it is listed: never the key itself."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class MadeKey(KeyView):
    """A key just made; the only time it is shown."""

    key: str
