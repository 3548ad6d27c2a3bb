"""Table of the answers that were given to requests with an `Idempotency-Key`."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Table


class KeptAnswer(Table):
    """What was answered, kept in the same transaction as what was done."""

    __tablename__ = "kept_answers"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    asked: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 of the path and the body
    status: Mapped[int | None]  # of HTTP; null only within the transaction that is at work
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(sa.Text, default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)
