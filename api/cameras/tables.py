"""Tables of the cameras domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table

_KEPT: dict[str, Any] = {
    "sqlite_where": sa.text("removed_at IS NULL"),
    "postgresql_where": sa.text("removed_at IS NULL"),
}


class Camera(Identified, Table):
    """A camera at a point. Its address holds its password, so the whole of it lies sealed."""

    __tablename__ = "cameras"
    __table_args__ = (sa.Index("one_camera_per_code", "code", unique=True, **_KEPT),)

    code: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(120))
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))  # whom its pictures are from; cannot sign in
    kind: Mapped[str] = mapped_column(sa.String(10))  # a `Kind`
    address: Mapped[str] = mapped_column(sa.String(2100))  # as people see it, password hidden
    sealed_address: Mapped[str] = mapped_column(sa.Text)
    transport: Mapped[str] = mapped_column(sa.String(4))  # of RTSP: tcp or udp
    every_s: Mapped[float]  # seconds between the frames that are looked at
    weight: Mapped[float]  # its share of the model, against its neighbours'
    active: Mapped[bool] = mapped_column(default=True)
    zones_version: Mapped[int] = mapped_column(default=0)  # in force; 0: none were drawn
    made_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]  # what it told stays
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change but those of zones; the ETag


class CameraZones(Identified, Table):
    """One version of a camera's zones; never changed, so that an event can be held against what was in force."""

    __tablename__ = "camera_zones"
    __table_args__ = (sa.UniqueConstraint("camera_id", "version"),)

    camera_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cameras.id"))
    version: Mapped[int]
    zones: Mapped[list[Any]] = mapped_column(sa.JSON)  # as in a file of zones
    made_by: Mapped[uuid.UUID | None]
    made_at: Mapped[datetime]


class CameraStatus(Table):
    """How a camera fares; written by the process that watches it, apart from what people change."""

    __tablename__ = "camera_status"

    camera_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cameras.id"), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(10))  # a `State`
    since: Mapped[datetime]
    why: Mapped[str] = mapped_column(sa.String(500), default="")  # what is wrong, in words; no password in it
    figures: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    figures_at: Mapped[datetime | None]


class CameraStill(Table):
    """The newest picture that people may see of a camera, faces and plates hidden."""

    __tablename__ = "camera_stills"

    camera_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cameras.id"), primary_key=True)
    jpeg: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    width: Mapped[int] = mapped_column(default=0)  # of the stream's picture, pixels
    height: Mapped[int] = mapped_column(default=0)
    taken_at: Mapped[datetime | None]
    wanted_at: Mapped[datetime | None]  # when somebody last looked: a camera that nobody looks at costs nothing


class CameraMemory(Table):
    """What a camera looked at when its zones were drawn, and what the watch has learnt of that since."""

    __tablename__ = "camera_memories"

    camera_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cameras.id"), primary_key=True)
    zones_version: Mapped[int]  # that it was kept for
    view: Mapped[str] = mapped_column(sa.String(10))  # a `View`: what it looked at last
    day: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # edges of the street, see `detector.cameras.view`
    night: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    kept_at: Mapped[datetime]


class CameraStay(Identified, Table):
    """One event: something that is where it must not be, from beginning to end. One sighting of one issue."""

    __tablename__ = "camera_stays"
    __table_args__ = (
        sa.Index("ix_camera_stays_of_camera", "camera_id", "id"),
        sa.Index("ix_camera_stays_lasting", "ended_at", "camera_id"),
        sa.Index("ix_camera_stays_waiting", "stage", "id"),
        sa.Index("ix_camera_stays_clips", "clip_key", "id"),
        sa.Index("ix_camera_stays_frames", "frame_key", "id"),
    )

    camera_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cameras.id"))
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"))
    event: Mapped[uuid.UUID] = mapped_column(unique=True)  # as the watch that sees it calls it
    seen_by: Mapped[str | None] = mapped_column(sa.String(80))  # the process that sees it; null: nobody at present
    stage: Mapped[str] = mapped_column(sa.String(10))  # a `Stage`
    zone: Mapped[str] = mapped_column(sa.String(80))
    zones_version: Mapped[int]
    class_code: Mapped[str] = mapped_column(sa.String(48))
    box: Mapped[list[Any]] = mapped_column(sa.JSON)  # x1, y1, x2, y2, pixels of the stream's picture
    width: Mapped[int]  # of the stream's picture, pixels
    height: Mapped[int]
    confidence: Mapped[float]
    certainty: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str] = mapped_column(sa.String(40))
    model: Mapped[str] = mapped_column(sa.String(140))
    since_at: Mapped[datetime]  # from when on it was there while the rule held, by this server's clock
    began_at: Mapped[datetime]  # when it had lasted long enough
    last_at: Mapped[datetime]  # when it was last seen
    ended_at: Mapped[datetime | None]  # when it was gone; null while it lasts
    since_s: Mapped[float]  # the same in stream time, seconds
    began_s: Mapped[float]
    last_s: Mapped[float]
    ending: Mapped[str | None] = mapped_column(sa.String(10))  # an `Ending`
    frame_key: Mapped[str | None] = mapped_column(sa.String(80))  # as the camera sent it; media; null: time is over
    marks: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)  # what else the model saw on that frame
    camera_at: Mapped[datetime | None]  # what the camera's own clock said of that frame; may be years off
    after_key: Mapped[str | None] = mapped_column(sa.String(80))  # the frame on which it was gone; media
    after_marks: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    frame_bytes: Mapped[int] = mapped_column(default=0)  # of both frames
    clip_key: Mapped[str | None] = mapped_column(sa.String(80))  # media; null: there is none, or its time is over
    clip_bytes: Mapped[int] = mapped_column(default=0)
    clip_type: Mapped[str | None] = mapped_column(sa.String(40))
    clip_event_s: Mapped[float | None]  # seconds from its beginning to the frame
    capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))
    after_capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.String(500))


class CameraWatcher(Table):
    """Which process watches. One at a time: another takes over when its lease has run out."""

    __tablename__ = "camera_watcher"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    holder: Mapped[str] = mapped_column(sa.String(80))
    lease_until: Mapped[datetime]
