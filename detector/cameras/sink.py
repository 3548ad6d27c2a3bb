"""What a fleet of cameras tells, and to whom: events with their evidence, and how each camera is. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from detector.cameras.events import Happening, Stay
from detector.rules import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A box on a picture that proves something."""

    box: Box  #: x1, y1, x2, y2 in pixels of `Evidence.width`×`height`
    name: str  #: class of the model; of the event's own box the code of the violation
    confidence: float  #: 0..1
    own: bool = False  #: of the event itself; the others are what else the model saw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """Some seconds of the stream around an event, as the camera sent them: nothing was encoded again."""

    content: bytes  #: a file
    media_type: str  #: `video/mp4`, or `video/x-matroska` where MP4 cannot hold the camera's codec
    seconds: float  #: its length
    event_s: float  #: seconds from its beginning to the frame of the evidence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What shows that it was so. The picture is as the camera gave it: faces and plates have not been hidden."""

    jpeg: bytes  #: the frame; perhaps smaller than the stream's picture, never of other proportions
    width: int  #: of the stream's picture, pixels; boxes are in these
    height: int  #: of the stream's picture, pixels
    boxes: list[Marked]
    at_s: float  #: stream time: seconds since the watch of this camera began, reconnects included
    taken_at: datetime | None  #: the wall's time with a zone; None for a recording of which nobody said when
    camera_at: datetime | None  #: what the camera's own clock said, if it told; may be years off
    clip: Clip | None = None  #: None for a camera that sends single pictures, or when memory was short


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """A stay that has begun or ended. `(event, what)` is told once; the same pair again is a repetition."""

    camera: str  #: the plan's id
    event: UUID  #: of the stay; the same when it begins and when it ends, in this run of the process and no other
    what: Happening  #: began or ended
    stay: Stay  #: as it was at that moment; a copy
    since_at: datetime | None  #: the wall's time of `stay.since_s`
    at: datetime | None  #: the wall's time at which it became clear
    evidence: Evidence
    model: str  #: name and version of the model that saw it


class Condition(StrEnum):
    """What may be the matter with a camera."""

    online = "online"  # pictures come, and have come for a while
    offline = "offline"  # none have come for a while
    moved = "moved"  # it looks elsewhere than when the zones were drawn; its zones are suspended
    covered = "covered"  # it sees nothing; its zones are suspended
    restored = "restored"  # it looks again where it did; its zones hold


class Trouble(StrEnum):
    """Why there are no pictures."""

    locked = "locked"  # user name or password
    unreachable = "unreachable"
    stalled = "stalled"  # it answered and went silent
    unreadable = "unreadable"  # what it sends cannot be decoded
    refused = "refused"  # the address is not taken
    zones = "zones"  # its zones cannot be meant with this model
    stuck = "stuck"  # a read hangs that FFmpeg does not let go of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """A camera's condition is another than it was. Told once for each change, never for a short dropout."""

    camera: str
    condition: Condition
    at: datetime  #: when it became so, with a zone; for `offline` the last picture's time
    at_s: float  #: stream time
    trouble: Trouble | None = None  #: of `offline`
    reason: str = ""  #: in words, without a password
    jpeg: bytes | None = None  #: what the camera sees now; None where nothing comes


class Sink(Protocol):
    """Whoever is told. All calls come from one thread, one at a time, in the order in which things became clear.

    A call that returns has been kept. One that raises is repeated after a while, and everything behind it waits: what
    is told may come twice, and must be taken once.
    """

    def told(self, told: Told) -> None:
        """Take a stay that has begun or ended."""

    def changed(self, change: Change) -> None:
        """Take a camera's new condition."""

    def forgot(self, camera: str, events: list[UUID]) -> None:
        """Take it that nothing more will be told of these stays: their zones or their camera have been changed.

        They have not ended. Whatever is still there begins anew, as another event.
        """
