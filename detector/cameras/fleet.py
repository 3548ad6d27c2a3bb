"""Many cameras in one process, with fair shares of one model.

camera's thread: source ─► newest frame ─┐
camera's thread: source ─► newest frame ─┼─► one thread: whose turn? ─► Watch ─► events ─► one thread: the sink
…                                        ┘
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from detector.cameras.plans import Plan
from detector.cameras.sink import Sink, Trouble
from detector.cameras.source import Backoff
from detector.cameras.view import View
from detector.cameras.zones import IsHoliday, weekends
from detector.detect import Detector
from detector.live import LiveModel
from detector.taxonomy import Taxonomy

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a fleet may take, and how long it waits before it says something."""

    offline_after_s: float = 60.0  #: without a picture, before a camera is called offline
    online_after_s: float = 15.0  #: of pictures, before one that was offline is called online again
    clip_before_s: float = 8.0  #: of the stream that is kept from before an event
    clip_after_s: float = 4.0  #: and how long the telling waits for what comes after it
    clip_bytes: int = 6 * MIB  #: the most that is kept of one camera's stream
    jpeg_quality: int = 90
    stuck_after_s: float = 30.0  #: beyond the source's own limits, before a read counts as stuck and is left behind
    locked_wait_s: float = 300.0  #: between two tries with a password that was refused: cameras lock whoever guesses
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFigures:
    """How one camera is doing."""

    camera: str
    name: str
    online: bool | None  #: None until that is known
    view: View  #: same, moved or covered
    trouble: Trouble | None  #: why no pictures come at this moment
    last_error: str  #: in words, without a password; empty if there never was one
    last_error_at: datetime | None
    last_frame_at: datetime | None  #: the wall's time of the last picture
    width: int  #: of the stream's picture, pixels; 0 until one came
    height: int
    fps_in: float  #: pictures a second that arrive, decoded or not, over the last seconds
    bytes_in: int  #: of the stream, since the watch began
    frames_in: int  #: pictures decoded
    analysed: int  #: pictures taken up: by the gate or by the model
    looked: int  #: of these, shown to the model
    dropped: int  #: pictures that a newer one replaced before their turn came
    damaged: int  #: packets that could not be decoded, or only with holes
    lag_s: float | None  #: of the last picture taken up: how much later than it could have been
    since_look_s: float | None  #: since a picture was last taken up
    errors: int  #: times the source failed
    reconnects: int  #: times it was opened anew with success
    clock_repairs: int  #: time stamps that jumped, wrapped or were missing
    lasting: int  #: stays that have begun and not ended
    stuck: int  #: reads left behind that have not come back


class Fleet:
    """Watches cameras."""

    def __init__(
        self,
        live: LiveModel[Detector],
        taxonomy: Taxonomy,
        sink: Sink,
        *,
        limits: Limits = Limits(),
        is_holiday: IsHoliday = weekends,
    ) -> None:
        """Prepare to watch; nothing is opened before `run`.

        Args:
            live: the model; a new version is taken up while cameras go on.
            is_holiday: says of a day whether nobody works on it.
        """

    def follow(self, plans: Iterable[Plan]) -> None:
        """Watch these cameras and no others. May be called at any time, from any thread, with the same plans again.

        What did not change is not touched; a camera of which only zones, weight or name changed is not opened anew.

        Raises:
            ValueError: two plans have the same id.
        """

    def figures(self) -> list[CameraFigures]:
        """Give how each camera is doing, in the order of the plans. From any thread, at next to no cost."""
        return []

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop`, or until all sources are recordings that have ended; then tell what is left to tell.

        Leaves no thread behind but those that FFmpeg does not let go of.
        """
        stop.wait()
