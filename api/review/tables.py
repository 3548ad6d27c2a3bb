"""Tables of the review domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class LabelProject(Identified, Table):
    """The Label Studio project that pictures are sent to. One is in force; earlier ones keep their cases."""

    __tablename__ = "label_projects"

    url: Mapped[str] = mapped_column(sa.String(300))  # of the server, without a path
    project: Mapped[int]  # Label Studio's number
    our_url: Mapped[str] = mapped_column(sa.String(300))  # under which Label Studio and its users reach us
    token: Mapped[str] = mapped_column(sa.Text)  # sealed
    secret: Mapped[str] = mapped_column(sa.Text)  # sealed; what Label Studio shows us when it calls
    in_force: Mapped[bool] = mapped_column(default=True)
    connected_at: Mapped[datetime]
    connected_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    read_until: Mapped[datetime | None]  # changes up to here, by Label Studio's clock, were taken back
    last_sync_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    training_wished_at: Mapped[datetime | None]  # somebody pressed "Start training" there


class ReviewCase(Identified, Table):
    """One capture before people. There is one for a capture, whoever asked and however often it was sent."""

    __tablename__ = "review_cases"
    __table_args__ = (
        sa.Index("ix_review_cases_state_id", "state", "id"),
        sa.Index("ix_review_cases_project_id_task", "project_id", "task"),
    )

    capture_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("captures.id"), unique=True)
    why: Mapped[str] = mapped_column(sa.String(20))
    share: Mapped[float | None]  # of such captures that were drawn, where it was drawn by lot, 0..1
    state: Mapped[str] = mapped_column(sa.String(12))
    created_at: Mapped[datetime]
    model: Mapped[str] = mapped_column(sa.String(140))  # name/version whose boxes are judged
    predicted: Mapped[list[Any]] = mapped_column(sa.JSON)  # [{"code", "box", "confidence"}, …] as it was sent
    project_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("label_projects.id"))
    task: Mapped[int | None]  # Label Studio's number
    picture: Mapped[str | None] = mapped_column(sa.String(500))  # the address that the task was sent with
    sent_at: Mapped[datetime | None]
    look_again: Mapped[bool] = mapped_column(default=False, index=True)  # Label Studio said that something changed
    decided_at: Mapped[datetime | None] = mapped_column(index=True)
    decided_by: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)  # names
    boxes: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # what people agreed on, while decided


class Verdict(Identified, Table):
    """What one reviewer says of one capture; a later word of the same reviewer takes its place."""

    __tablename__ = "verdicts"
    __table_args__ = (sa.UniqueConstraint("case_id", "reviewer"),)

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("review_cases.id"), index=True)
    reviewer: Mapped[str] = mapped_column(sa.String(340))  # a user's id here, or e-mail@server of Label Studio
    name: Mapped[str] = mapped_column(sa.String(254))
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    annotation: Mapped[int | None]  # Label Studio's number
    at: Mapped[datetime]
    boxes: Mapped[list[Any]] = mapped_column(sa.JSON)  # [{"code", "box"}, …]


class RefusedVerdict(Identified, Table):
    """An annotation that was not believed, and why; it changed nothing."""

    __tablename__ = "refused_verdicts"
    __table_args__ = (sa.UniqueConstraint("project_id", "annotation", "updated_at"),)

    project_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("label_projects.id"))
    annotation: Mapped[int]
    task: Mapped[int]
    updated_at: Mapped[str] = mapped_column(sa.String(40))
    reason: Mapped[str] = mapped_column(sa.String(500))
    at: Mapped[datetime]
