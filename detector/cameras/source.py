"""Where frames come from: live streams, recordings, folders of stills and scheduled snapshots, all read the same way.

`frames` opens a source once; `watch` opens it again and again, with the stream time going on. Both run on the caller's
thread and start none of their own.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from detector.cameras.address import Address
from detector.cameras.clock import StreamClock
from detector.cameras.decoding import Reader, Tally, bgr
from detector.cameras.ffmpeg import Transport, open_recording, open_stream
from detector.cameras.frame import Frame
from detector.cameras.ring import Ring, Track
from detector.cameras.stills import loop_of, snapshots_from, stills_of
from detector.errors import CameraError, CameraLocked, CameraUnreachable, SourceRefused

MOST_PX = 1920  # long side of a frame; the model looks at less, and forty 4K frames are a gigabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A camera that sends video: RTSP, MJPEG or HLS."""

    address: Address
    transport: Transport = Transport.tcp  #: of RTSP
    open_s: float = 10.0  #: how long opening may take
    stall_s: float = 10.0  #: how long a read may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """A camera that gives a picture each time it is asked."""

    address: Address
    patience_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.address.scheme.startswith("http"):
            raise SourceRefused(f"{self.address} gives no snapshots: they are fetched by http or https.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A video file, read as fast as it can be."""

    path: Path
    began_at: datetime | None = None  #: the wall's time of its first frame, with a zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """A folder of pictures in the order of their times."""

    folder: Path
    apart_s: float | None = None  #: seconds between two; None reads each one's own time


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A folder of pictures, shown in turn again and again as if a camera gave them now: to try things on."""

    folder: Path


Source = Stream | Snapshots | Recording | Stills | Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before a camera is tried again: longer each time, never exactly as long as its neighbours."""

    first_s: float = 1.0
    most_s: float = 60.0
    jitter: float = 0.5  #: share of the wait that is drawn by chance, so that forty cameras do not knock at once
    locked_s: float = 300.0  #: the least after a refused password: cameras lock whoever tries one again and again

    def wait_s(
        self, attempt: int, chance: Callable[[], float] = random.random, *, failure: CameraError | None = None
    ) -> float:
        """Give the wait before the `attempt`-th try in a row, from 0 on, seconds."""
        whole = min(self.most_s, self.first_s * 2.0 ** min(attempt, 20))
        if isinstance(failure, CameraLocked):
            return max(whole, self.locked_s)
        return whole * (1 - self.jitter * chance())


def frames(
    source: Source,
    *,
    every_s: float = 2.0,
    clock: StreamClock | None = None,
    stop: threading.Event | None = None,
    tally: Callable[[Tally], None] | None = None,
    ring: Callable[[Track], Ring] | None = None,
) -> Iterator[Frame]:
    """Give a source's frames, `every_s` apart or as near to that as its key frames lie; ends where the source ends.

    Args:
        every_s: seconds of stream time; frames in between are not decoded. Stills are all given.
        clock: goes on from where another connection left it.
        stop: ends the frames at the next packet.
        tally: is given the counters of a live source before its first frame.
        ring: gives what keeps a stream's packets; asked once for each connection.

    Raises:
        CameraError: with what to do about it, the password hidden.
    """
    clock, stop = clock or StreamClock(), stop or threading.Event()
    if isinstance(source, Stills):
        given = stills_of(source.folder, every_s=source.apart_s)
    elif isinstance(source, Snapshots | Loop):
        counted = Tally()
        if tally:
            tally(counted)
        common: dict[str, Any] = {"every_s": every_s, "clock": clock, "stop": stop, "tally": counted}
        if isinstance(source, Loop):
            given = loop_of(source.folder, **common)
        else:
            given = snapshots_from(source.address, patience_s=source.patience_s, **common)
    else:
        given = _video(source, every_s, clock, stop, tally, ring)
    for frame in given:
        yield frame
        if stop.is_set():
            return


def _video(
    source: Stream | Recording,
    every_s: float,
    clock: StreamClock,
    stop: threading.Event,
    tally: Callable[[Tally], None] | None,
    ring: Callable[[Track], Ring] | None,
) -> Iterator[Frame]:
    live = isinstance(source, Stream)
    if isinstance(source, Stream):
        shown, stall_s = source.address.shown, source.stall_s
        container = open_stream(
            source.address, transport=source.transport, open_s=source.open_s, stall_s=source.stall_s
        )
    else:
        shown, stall_s = str(source.path), None
        container = open_recording(source.path)
    began_at = None if isinstance(source, Stream) else source.began_at
    with container:
        reader = Reader(container, shown=shown, every_s=every_s, clock=clock, stall_s=stall_s, stop=stop, ring=ring)
        if tally:
            tally(reader.tally)
        for picture in reader.pictures():
            pixels = bgr(picture.image, most_px=MOST_PX)
            width, height = picture.image.width, picture.image.height
            if (pixels.shape[0] > pixels.shape[1]) != (height > width):
                width, height = height, width
            taken_at = began_at + timedelta(seconds=picture.at_s) if began_at else datetime.now(UTC) if live else None
            yield Frame(
                pixels=pixels,
                width=width,
                height=height,
                at_s=picture.at_s,
                taken_at=taken_at,
                stamp_s=picture.stamp_s,
                camera_at=picture.camera_at,
            )


def watch(
    source: Source,
    *,
    every_s: float = 2.0,
    backoff: Backoff = Backoff(),
    stop: threading.Event,
    clock: StreamClock | None = None,
    lost: Callable[[CameraError], None] | None = None,
    tally: Callable[[Tally], None] | None = None,
    ring: Callable[[Track], Ring] | None = None,
) -> Iterator[Frame]:
    """Give a live source's frames until `stop`, opening it anew whenever it fails; the stream time goes on meanwhile.

    Args:
        lost: is told each time the source fails or ends, before the wait.
        clock: goes on from where another reading of the same camera left it.
    """
    clock, connection, attempt = clock or StreamClock(), 0, 0
    last = time.monotonic()
    while not stop.is_set():
        first: float | None = None
        try:
            for frame in frames(source, every_s=every_s, clock=clock, stop=stop, tally=tally, ring=ring):
                last = time.monotonic()
                first = first or last
                yield replace(frame, connection=connection)
            failure: CameraError = CameraUnreachable(f"{_shown(source)} ended its stream.")
        except CameraError as error:
            failure = error
        if stop.is_set():
            return
        if first is not None and last - first > backoff.most_s:
            attempt = 0  # it held; one that only ever gives a picture and hangs up is knocked at less and less
        if lost:
            lost(failure)
        stop.wait(backoff.wait_s(attempt, failure=failure))
        attempt, connection = attempt + 1, connection + 1
        now = time.monotonic()
        clock.interrupt(now - last)
        last = now


def _shown(source: Source) -> str:
    if isinstance(source, Stream | Snapshots):
        return source.address.shown
    return str(source.path if isinstance(source, Recording) else source.folder)
