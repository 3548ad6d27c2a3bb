"""Tables of the accounts domain."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class ApiKey(Identified, Table):
    """A key that a person or a machine signs in with; only its SHA-256 is kept (the key itself has 256 random bits)."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(sa.String(80))
    role: Mapped[str] = mapped_column(sa.String(20))
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInCode(Identified, Table):
    """A short-lived code that signs one browser in once, so that nobody has to copy a key into a page."""

    __tablename__ = "sign_in_codes"

    key_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("api_keys.id"))
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
