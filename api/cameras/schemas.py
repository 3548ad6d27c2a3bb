"""What the cameras domain sends and takes. A password goes in and never comes out."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.fields import OfficeCode, line
from detector.cameras.address import MAX_LENGTH
from detector.cameras.plans import PACE_S
from detector.cameras.zones import Zone
from detector.rules import Certainty, Reason


class Kind(StrEnum):
    """How a camera gives its pictures."""

    stream = "stream"  # RTSP, MJPEG or HLS
    snapshots = "snapshots"  # one picture each time it is asked, over HTTP
    stills = "stills"  # a folder of pictures on this server, shown again and again: to try zones on


class State(StrEnum):
    """How a camera fares."""

    off = "off"  # switched off by somebody
    waiting = "waiting"  # nobody has watched it yet
    online = "online"
    offline = "offline"  # no pictures for a while
    moved = "moved"  # it looks elsewhere than when its zones were drawn: nothing is judged
    covered = "covered"  # it sees nothing: nothing is judged


class Stage(StrEnum):
    """How far an event has come on its way to an issue."""

    told = "told"  # durable, not recorded yet
    recorded = "recorded"  # a sighting that lasts
    ended = "ended"  # it is gone; what follows from that has not been done yet
    done = "done"
    failed = "failed"  # could not be recorded, see its error


class Ending(StrEnum):
    """Why an event is over."""

    gone = "gone"  # several looks found the place empty
    lost = "lost"  # the watch was interrupted, and afterwards it was not found again
    changed = "changed"  # its zone, or its camera, was changed or taken away
    signed_off = "signed_off"  # its issue was closed while it was still there, which is told as another event


class CameraFields(BaseModel):
    """A camera as it is sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "code": "CAM-01",
                    "name": "翠宁路东口",
                    "point": "DH-P01",
                    "address": "rtsp://192.168.1.64:554/Streaming/Channels/101",
                    "user": "viewer",
                    "password": "…",
                }
            ]
        },
    )

    code: OfficeCode = Field(description="short code, unique")
    name: Annotated[str, line(120, 1)]
    point: OfficeCode = Field(description="code of the point that it watches")
    address: Annotated[str, Field(max_length=MAX_LENGTH)] | None = Field(
        default=None,
        description="rtsp, rtsps, http or https, or `stills:NAME` for the kind stills; "
        "when a camera is changed, null keeps the address and its password",
    )
    user: Annotated[str, line(200)] | None = None
    password: SecretStr | None = Field(default=None, max_length=200, description="kept sealed and never given back")
    kind: Kind = Kind.stream
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="of RTSP")
    every_s: float = Field(default=PACE_S, ge=0.5, le=3600, description="between frames that are looked at, seconds")
    weight: float = Field(default=1.0, ge=0.01, le=100, description="its share of the model against its neighbours'")
    active: bool = Field(default=True, description="false: it is not watched")


class Figures(BaseModel):
    """How a camera does, as the process that watches it last wrote it down."""

    model_config = ConfigDict(extra="ignore")

    width: int = Field(default=0, description="of the stream's picture, pixels")
    height: int = 0
    fps_in: float = Field(default=0.0, description="pictures a second that arrive")
    bytes_in: int = Field(default=0, description="of the stream since the watch began, bytes")
    frames_in: int = Field(default=0, description="pictures decoded")
    analysed: int = Field(default=0, description="pictures taken up")
    looked: int = Field(default=0, description="of these, shown to the model")
    dropped: int = Field(default=0, description="pictures that a newer one replaced")
    damaged: int = Field(default=0, description="packets that could not be decoded")
    lag_s: float | None = Field(default=None, description="from a picture's arrival to its being judged, seconds")
    last_frame_at: datetime | None = None
    errors: int = Field(default=0, description="times the source failed")
    reconnects: int = 0
    clock_repairs: int = Field(default=0, description="time stamps that jumped, wrapped or were missing")
    lasting: int = Field(default=0, description="events that last")
    trouble: str | None = Field(default=None, description="why no pictures come, or none are judged, at this moment")
    last_error: str = ""
    last_error_at: datetime | None = None


class CameraView(BaseModel):
    """A camera as it is kept."""

    id: uuid.UUID
    code: str
    name: str
    point: str = Field(description="code of the point")
    address: str = Field(description="with user name and password hidden")
    kind: Kind
    transport: str
    every_s: float
    weight: float
    active: bool
    state: State
    since: datetime = Field(description="when it came into this state")
    why: str = Field(description="what is wrong, in words")
    watched: bool = Field(description="a process watches at present")
    zones_version: int = Field(description="0: no zones were drawn, so nothing is reported")
    zones: int = Field(description="how many there are")
    lasting: int = Field(description="events that last")
    still_at: datetime | None = Field(description="when its newest picture at `/still` was taken; null: there is none")
    figures: Figures
    figures_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


class ZonesView(BaseModel):
    """The zones of a camera, as `pointwatch replay --zones` takes them."""

    zones: list[Zone]
    version: int = Field(description="the ETag; 0: none were drawn")
    made_at: datetime | None
    revision: int = Field(exclude=True)  # the version once more, under the name that ETags know


class EventView(BaseModel):
    """Something that a camera reported, from beginning to end."""

    id: uuid.UUID
    camera: str = Field(description="code")
    zone: str
    zones_version: int
    class_code: str
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the stream's picture")
    width: int = Field(description="of the stream's picture, pixels")
    height: int
    confidence: float
    certainty: Certainty
    reason: Reason
    model: str
    since_at: datetime = Field(description="from when on it was there while the rule held, by the server's clock")
    began_at: datetime = Field(description="when it had lasted long enough to be wrong")
    last_at: datetime = Field(description="when it was last seen")
    ended_at: datetime | None = Field(description="when it was gone; null while it lasts")
    camera_at: datetime | None = Field(description="what the camera's own clock said when it began; may be wrong")
    since_s: float = Field(description="stream time, seconds")
    began_s: float = Field(description="stream time, seconds")
    last_s: float = Field(description="stream time, seconds")
    length_s: float = Field(description="from `since_at` to its end, or until it was last seen; seconds")
    ending: Ending | None
    stage: Stage
    capture_id: uuid.UUID | None = Field(description="its picture; null until it is recorded")
    issue: str | None = Field(description="number of the issue; null: none was opened")
    has_clip: bool
    error: str | None


class Report(BaseModel):
    """What a test of a camera found."""

    works: bool
    words: list[str] = Field(description="what is wrong and what to do, or what was found; in the reader's language")
    trouble: str | None = Field(description="locked, unreachable, stalled, unreadable or refused; null where it works")
    codec: str | None = None
    width: int | None = Field(default=None, description="pixels")
    height: int | None = Field(default=None, description="pixels")
    fps: float | None = Field(default=None, description="pictures a second")
    kbit_s: float | None = None
    key_every_s: float | None = Field(default=None, description="seconds between key frames; null: single pictures")
    cost_percent: float | None = Field(
        default=None, description="of one processor core, all day, to read it and look at each frame taken up"
    )
