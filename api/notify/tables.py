"""Tables of the notify domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Webhook(Identified, Table):
    """A place outside that is told. Its address may hold a robot's key, so address and secret lie sealed."""

    __tablename__ = "webhooks"

    name: Mapped[str] = mapped_column(sa.String(80))
    template: Mapped[str] = mapped_column(sa.String(12))  # a `Template`
    language: Mapped[str] = mapped_column(sa.String(2))
    address: Mapped[str] = mapped_column(sa.String(300))  # as people see it
    sealed_url: Mapped[str] = mapped_column(sa.Text)
    sealed_secret: Mapped[str | None] = mapped_column(sa.Text)
    sealed_old_secret: Mapped[str | None] = mapped_column(sa.Text)  # still signs until:
    old_secret_until: Mapped[datetime | None]
    kinds: Mapped[list[Any]] = mapped_column(sa.JSON)  # of events; empty: all
    filters: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # classes, communities, departments, points: lists
    active: Mapped[bool] = mapped_column(default=True)
    made_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)

    failing_since: Mapped[datetime | None]  # null: the last delivery went well
    disabled_at: Mapped[datetime | None]  # by us, after a long failure
    ready_at: Mapped[datetime | None]  # not before; keeps pace with a robot's limit and spares a place that is down
    lease_until: Mapped[datetime | None]  # one delivery at a time
    removed_at: Mapped[datetime | None]  # its log stays


class Delivery(Identified, Table):
    """One message on its way to one webhook or one mailbox; the id is what a receiver knows a repetition by."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "notice"),
        sa.Index("ix_deliveries_waiting", "channel", "state", "not_before"),
        sa.Index("ix_deliveries_of_webhook", "webhook_id", "state", "not_before"),
    )

    channel: Mapped[str] = mapped_column(sa.String(8))  # a `Channel`
    webhook_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("webhooks.id"))
    user_id: Mapped[uuid.UUID | None]  # whose mailbox
    notice: Mapped[str] = mapped_column(sa.String(80))  # what it is about; nobody is told the same thing twice
    kind: Mapped[str] = mapped_column(sa.String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # a `Notice`, in no language
    state: Mapped[str] = mapped_column(sa.String(10))  # a `DeliveryState`
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)  # since it was last sent by hand
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(sa.String(80))
    ended_at: Mapped[datetime | None]  # delivered, or given up
    error: Mapped[str | None] = mapped_column(sa.String(20))  # a `Failure`, of the last attempt


class Attempt(Identified, Table):
    """One try to deliver."""

    __tablename__ = "delivery_attempts"

    delivery_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("deliveries.id"), index=True)
    at: Mapped[datetime]
    took_ms: Mapped[int]
    status: Mapped[int | None]  # HTTP's or SMTP's
    error: Mapped[str | None] = mapped_column(sa.String(20))  # a `Failure`
    answer: Mapped[str] = mapped_column(sa.String(500))  # the first of it
