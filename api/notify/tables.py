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


class Message(Identified, Table):
    """Something in somebody's inbox."""

    __tablename__ = "messages"
    __table_args__ = (sa.UniqueConstraint("user_id", "notice"), sa.Index("ix_messages_unread", "user_id", "read_at"))

    user_id: Mapped[uuid.UUID]
    notice: Mapped[str] = mapped_column(sa.String(80))  # nobody is told the same thing twice
    kind: Mapped[str] = mapped_column(sa.String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # a `Notice`, in no language
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Preference(Table):
    """How somebody wants to be told; without a row: everything in the inbox, nothing by e-mail."""

    __tablename__ = "notify_preferences"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mail: Mapped[list[Any]] = mapped_column(sa.JSON)  # kinds that come by e-mail as well, `issue.*` too
    muted: Mapped[list[Any]] = mapped_column(sa.JSON)  # kinds that do not come at all


class Flow(Table):
    """How much somebody was told of one thing lately, so that a storm becomes one digest."""

    __tablename__ = "notify_flows"

    target: Mapped[str] = mapped_column(sa.String(48), primary_key=True)  # user:ID or webhook:ID
    topic: Mapped[str] = mapped_column(sa.String(48), primary_key=True)  # point:CODE
    since: Mapped[datetime]
    count: Mapped[int]


class Held(Identified, Table):
    """A notice that waits to become part of a digest."""

    __tablename__ = "notify_held"
    __table_args__ = (sa.UniqueConstraint("target", "notice"),)

    target: Mapped[str] = mapped_column(sa.String(48))
    topic: Mapped[str] = mapped_column(sa.String(48))
    notice: Mapped[str] = mapped_column(sa.String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    release_at: Mapped[datetime] = mapped_column(index=True)


class Alarm(Identified, Table):
    """A moment at which a clock of an issue says something, once."""

    __tablename__ = "alarms"
    __table_args__ = (
        sa.UniqueConstraint("issue_id", "run", "what", "level"),
        sa.Index("ix_alarms_waiting", "fired_at", "at"),
    )

    issue_id: Mapped[uuid.UUID]
    run: Mapped[str] = mapped_column(sa.String(160))  # which clock since when: a calendar that moves does not change it
    step: Mapped[str] = mapped_column(sa.String(48))
    department: Mapped[str] = mapped_column(sa.String(48))
    what: Mapped[str] = mapped_column(sa.String(12))  # an `AlarmKind`
    level: Mapped[int]  # of escalation, from 1; else 0
    at: Mapped[datetime]
    fired_at: Mapped[datetime | None]


class Progress(Table):
    """How far a follower of the log is, and what it last worked with. Its row is locked by whoever is at it."""

    __tablename__ = "notify_progress"

    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    mark: Mapped[str] = mapped_column(sa.String(64), default="")  # hash of the data files
