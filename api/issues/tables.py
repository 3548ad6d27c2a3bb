"""Tables of the issues domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Issue(Identified, Table):
    """A problem at a point. That only one of a class is open at a point is kept by an index, not by a look."""

    __tablename__ = "issues"

    number: Mapped[str] = mapped_column(sa.String(24), unique=True)
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), index=True)
    class_code: Mapped[str] = mapped_column(sa.String(48), index=True)
    state: Mapped[str] = mapped_column(sa.String(16), index=True)
    opened_at: Mapped[datetime]  # when it was recorded first
    clock_started_at: Mapped[datetime | None]  # when it was last opened for good; null while it is only suspected
    closed_at: Mapped[datetime | None]  # closed or rejected
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    sighting_count: Mapped[int] = mapped_column(default=0)
    confidence: Mapped[float]  # of the surest sighting, 0..1
    cover_capture_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("captures.id"))  # the surest sighting's picture
    reopened_count: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag

    __table_args__ = (
        sa.Index(
            "one_open_issue_per_point_and_class",
            "point_id",
            "class_code",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )


class Sighting(Identified, Table):
    """One capture that shows the issue, with every box of its class. A second run over a capture adds nothing."""

    __tablename__ = "sightings"
    __table_args__ = (sa.UniqueConstraint("capture_id", "class_code"),)

    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    capture_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("captures.id"))
    class_code: Mapped[str] = mapped_column(sa.String(48))
    seen_at: Mapped[datetime]
    confidence: Mapped[float]  # of the surest box, 0..1
    certainty: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str] = mapped_column(sa.String(40))
    boxes: Mapped[list[Any]] = mapped_column(sa.JSON)  # [{"box": [x1, y1, x2, y2], "confidence": 0..1}, …]
    model: Mapped[str] = mapped_column(sa.String(140))


class IssueEvent(Identified, Table):
    """A step in an issue's life. Rows are only ever added."""

    __tablename__ = "issue_events"

    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(sa.String(24))
    from_state: Mapped[str | None] = mapped_column(sa.String(16))
    to_state: Mapped[str] = mapped_column(sa.String(16))
    by_user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))  # null: the system itself
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))


class IssueCounter(Table):
    """The last number given in a year."""

    __tablename__ = "issue_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
