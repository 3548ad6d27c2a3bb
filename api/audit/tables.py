"""Tables of the log. It points at nothing by foreign key: the log outlives what it speaks of."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Table

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class AuditEvent(Table):
    """One thing that was done. The database itself refuses to change or to delete a row."""

    __tablename__ = "audit_events"

    seq: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)  # 1, 2, 3… in order of commits
    at: Mapped[datetime]
    by_user_id: Mapped[uuid.UUID | None]  # null: the system itself
    subject_kind: Mapped[str] = mapped_column(sa.String(24))  # "issue", "user", "point"…
    subject_id: Mapped[uuid.UUID]
    action: Mapped[str] = mapped_column(sa.String(40))
    before: Mapped[str | None] = mapped_column(sa.String(40))  # the state before, where the subject has states
    after: Mapped[str | None] = mapped_column(sa.String(40))
    note: Mapped[str] = mapped_column(sa.String(2000), default="")  # what a person said about it
    capture_id: Mapped[uuid.UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)  # whatever else belongs to this action
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))

    __table_args__ = (
        sa.Index("ix_audit_events_subject", "subject_kind", "subject_id", "seq"),
        sa.Index("ix_audit_events_at", "at"),
        sa.Index("ix_audit_events_by", "by_user_id", "seq"),
    )


class AuditHead(Table):
    """The end of the chain: one row, held by whoever is adding to it until that transaction ends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Number)
    hash: Mapped[str] = mapped_column(sa.String(64))
