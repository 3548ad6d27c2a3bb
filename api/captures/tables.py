"""Tables of the captures domain; this table is also the queue."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Capture(Identified, Table):
    """A photo of a point as received, and what became of it. The same bytes at the same point are one capture."""

    __tablename__ = "captures"
    __table_args__ = (
        sa.UniqueConstraint("sha256", "point_id"),
        sa.Index("ix_captures_waiting", "status", "not_before", "id"),
    )

    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), index=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    media_key: Mapped[str] = mapped_column(sa.String(80))
    original_dropped_at: Mapped[datetime | None]  # nothing is kept under that key any more
    filename: Mapped[str] = mapped_column(sa.String(120))
    byte_count: Mapped[int]
    format: Mapped[str] = mapped_column(sa.String(8))
    width: Mapped[int]  # pixels, upright
    height: Mapped[int]  # pixels, upright
    received_at: Mapped[datetime]  # by this server's clock
    taken_at: Mapped[datetime | None]  # as the file claims; EXIF can be edited
    longitude: Mapped[float | None]  # degrees, WGS-84, as the file claims
    latitude: Mapped[float | None]
    distance_m: Mapped[float | None]  # between the claimed position and the point
    sent_by: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))

    status: Mapped[str] = mapped_column(sa.String(12))
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]  # a waiting capture is not tried before this moment
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(sa.String(80))
    error: Mapped[str | None] = mapped_column(sa.String(500))

    processed_at: Mapped[datetime | None]
    model: Mapped[str | None] = mapped_column(sa.String(140))
    view_key: Mapped[str | None] = mapped_column(sa.String(80))  # the picture without EXIF, to be shown
    evidence_key: Mapped[str | None] = mapped_column(sa.String(80))  # the same with boxes
    detections: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    violations: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
