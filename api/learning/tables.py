"""Tables of the learning domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class ChosenThreshold(Identified, Table):
    """Thresholds that somebody chose for a violation class under one version of the model, in place of its card's.

    Another version is as sure of other things: it begins with its own card's again.
    """

    __tablename__ = "chosen_thresholds"
    __table_args__ = (sa.UniqueConstraint("model", "class_code"),)

    model: Mapped[str] = mapped_column(sa.String(140))  # name/version
    class_code: Mapped[str] = mapped_column(sa.String(48))
    automatic: Mapped[float]
    review: Mapped[float]
    chosen_at: Mapped[datetime]
    chosen_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    why: Mapped[str] = mapped_column(sa.String(500))


class Training(Identified, Table):
    """A training that somebody, Label Studio or the schedule asked for; one at a time."""

    __tablename__ = "trainings"
    __table_args__ = (sa.UniqueConstraint("open"),)

    asked_at: Mapped[datetime]
    because: Mapped[str] = mapped_column(sa.String(16))
    asked_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    verdicts: Mapped[int]  # captures decided since the training before
    state: Mapped[str] = mapped_column(sa.String(12))
    open: Mapped[bool | None]  # true while it waits or runs, else null: never two at once
    started_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]  # when its worker last looked at it
    host: Mapped[str | None] = mapped_column(sa.String(80))  # on which machine it runs
    process: Mapped[int | None]  # its id there
    step: Mapped[str | None] = mapped_column(sa.String(120))
    done: Mapped[int] = mapped_column(default=0)
    of: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    version: Mapped[str | None] = mapped_column(sa.String(64))
    verdict: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    error: Mapped[str | None] = mapped_column(sa.String(500))
