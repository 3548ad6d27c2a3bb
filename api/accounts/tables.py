"""Tables of the accounts domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class User(Identified, Table):
    """Somebody, or some machine, that acts here. Never deleted: what was done keeps its name."""

    __tablename__ = "users"

    login: Mapped[str] = mapped_column(sa.String(80), unique=True)  # folded, see `service.fold`
    name: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[str] = mapped_column(sa.String(8))  # person or service
    phone: Mapped[str | None] = mapped_column(sa.String(32))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    language: Mapped[str | None] = mapped_column(sa.String(2))  # null: as the browser says
    active: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))  # Argon2id; null: signs in by key or link only
    must_change_password: Mapped[bool]  # somebody else chose it
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change, grants included; the ETag


class Grant(Identified, Table):
    """A role that a user has, everywhere or within one community, department or point."""

    __tablename__ = "grants"
    __table_args__ = (sa.UniqueConstraint("user_id", "role", "scope_kind", "scope_value"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(sa.String(20))
    scope_kind: Mapped[str] = mapped_column(sa.String(12))
    scope_value: Mapped[str] = mapped_column(sa.String(80))  # empty where the grant holds everywhere
    created_at: Mapped[datetime]


class ApiKey(Identified, Table):
    """A key that a user signs in with; only its SHA-256 is kept (the key itself has 256 random bits)."""

    __tablename__ = "api_keys"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    permissions: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # null: all that its user may
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]  # to the minute: not every request may cost a write
    revoked_at: Mapped[datetime | None]


class SignInCode(Identified, Table):
    """A short-lived code that signs one browser in once, so that nobody has to copy a key into a page."""

    __tablename__ = "sign_in_codes"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInSession(Identified, Table):
    """A browser that has signed in; only the SHA-256 of its token is kept. Rows stay 30 days after their end."""

    __tablename__ = "sign_in_sessions"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    key_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("api_keys.id"))  # signed in with: its limits hold
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    network: Mapped[str] = mapped_column(sa.String(64))  # an IPv4 address, or the first 64 bits of an IPv6 one
    agent: Mapped[str] = mapped_column(sa.String(200))  # what the browser says that it is
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]  # to the minute
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInAttempts(Table):
    """Failed attempts to sign in, by name and by address; see `throttle`."""

    __tablename__ = "sign_in_attempts"

    subject: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
