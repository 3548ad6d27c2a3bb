"""One camera's reading: a thread that keeps the newest picture at hand and never waits for whoever looks at it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from detector.cameras.address import redact
from detector.cameras.clock import StreamClock
from detector.cameras.decoding import Tally
from detector.cameras.frame import Frame
from detector.cameras.plans import Plan
from detector.cameras.ring import Ring, Track
from detector.cameras.sink import Trouble
from detector.cameras.source import Backoff, Snapshots, Stream, frames, watch
from detector.errors import CameraError, CameraLocked, CameraStalled, SourceRefused, StreamUnreadable

RATE_OVER_S = 10.0  # the pictures a second are counted over so long
DRIFT = (
    2e-4  # by how much a camera's clock may be faster than ours, a second a second; cheap quartz is five times better
)

Frames = Callable[..., Iterator[Frame]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A picture at hand."""

    frame: Frame
    ring: Ring | None  #: of the connection that it came over
    came: float  #: monotonic time
    late_s: float  #: how much later it came than the quickest of its connection


def trouble_of(error: CameraError) -> Trouble:
    """Give the kind of a failure."""
    kinds = {CameraLocked: Trouble.locked, CameraStalled: Trouble.stalled, SourceRefused: Trouble.refused}
    kinds |= {StreamUnreadable: Trouble.unreadable}
    return kinds.get(type(error), Trouble.unreachable)


class Reading:
    """Reads one camera until it is told to stop."""

    def __init__(
        self,
        plan: Plan,
        *,
        backoff: Backoff,
        clip_s: float,
        clip_bytes: int,
        placed: Callable[[], None],
        from_s: float = 0.0,
        live_frames: Frames = watch,
    ) -> None:
        """Prepare to read.

        Args:
            clip_s, clip_bytes: the most that is kept of the stream.
            placed: is called when a picture is at hand, or the reading has ended.
            from_s: stream time at which to go on.
        """
        self._plan, self._backoff, self._placed, self._live_frames = plan, backoff, placed, live_frames
        self._clip_s, self._clip_bytes = clip_s, clip_bytes
        self._stop = threading.Event()
        self._room = threading.Condition()
        self._shot: Shot | None = None
        self._ring: Ring | None = None
        self._clock = StreamClock()
        self._clock.now_s = from_s
        self._tally, self._before = Tally(), Tally()
        self._rate: deque[tuple[float, int]] = deque()
        self._quickest: float | None = None
        self._connection = -1
        self._moved = (0, 0, 0)
        self._moved_at = time.monotonic()
        self.latest: Frame | None = None  #: the newest picture, taken up or not
        self.came: float | None = None  #: monotonic time of the newest picture
        self.dropped = 0  #: pictures that a newer one replaced
        self.failures = 0
        self.reconnects = 0
        self.failure: CameraError | None = None  #: why no pictures come; None while they do
        self.last_error: tuple[str, datetime | None] = ("", None)  #: and when it was
        self.ended = False  #: nothing more comes
        self.thread = threading.Thread(target=self._run, name=f"camera {plan.name}", daemon=True)

    @property
    def tally(self) -> Tally:
        """Give what has come over all connections."""
        now, before = self._tally, self._before
        return Tally(
            packets=before.packets + now.packets,
            bytes=before.bytes + now.bytes,
            key_frames=before.key_frames + now.key_frames,
            decoded=before.decoded + now.decoded,
            damaged=before.damaged + now.damaged,
        )

    @property
    def repairs(self) -> int:
        """Give how often a time stamp was missing, jumped or wrapped."""
        return self._clock.repairs

    @property
    def waiting(self) -> bool:
        """Say whether a picture is at hand."""
        return self._shot is not None

    def start(self) -> None:
        """Begin to read."""
        self.thread.start()

    def stop(self) -> None:
        """Have the reading end by itself, as soon as FFmpeg gives back what it is at."""
        self._stop.set()
        with self._room:
            self._room.notify_all()

    def take(self) -> Shot | None:
        """Take the newest picture; None where none came since."""
        with self._room:
            shot, self._shot = self._shot, None
            self._room.notify_all()
        return shot

    def stuck_s(self, now: float) -> float:
        """Give for how long nothing has moved that FFmpeg should have moved or given up, seconds."""
        if not self._plan.live or self.ended:
            return 0.0
        moves = (self.tally.packets, self.failures, self._connection)
        if moves != self._moved:
            self._moved, self._moved_at = moves, now
        return now - self._moved_at - self.patience_s

    def fps(self, now: float) -> float:
        """Give the pictures a second that came lately, decoded or not; ask about once a second."""
        self._rate.append((now, self.tally.packets))
        while now - self._rate[0][0] > RATE_OVER_S:
            self._rate.popleft()
        passed_s = now - self._rate[0][0]
        return (self._rate[-1][1] - self._rate[0][1]) / passed_s if passed_s > 0 else 0.0

    @property
    def patience_s(self) -> float:
        """Give how long FFmpeg may take to give something or give up, seconds."""
        source = self._plan.source
        own_s = source.open_s + source.stall_s if isinstance(source, Stream) else self._plan.pace_s
        own_s += source.patience_s if isinstance(source, Snapshots) else 0.0
        if self.failure is None or self._stop.is_set():
            return own_s
        return own_s + max(self._backoff.most_s, self._backoff.locked_s)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._read()
                except Exception as error:  # noqa: BLE001 - the job loop: what one camera sends must never stop the others
                    self._failed(StreamUnreadable(f"{self._plan.name}: {type(error).__name__}: {redact(str(error))}"))
                    self._stop.wait(self._backoff.most_s)
                if not self._plan.live:
                    return
        finally:
            self.ended = True
            if self._ring:
                self._ring.close()
            self._placed()

    def _read(self) -> None:
        plan = self._plan
        common = {"every_s": plan.pace_s, "clock": self._clock, "stop": self._stop}
        common |= {"tally": self._opened, "ring": self._begin}
        if plan.live:
            for frame in self._live_frames(plan.source, backoff=self._backoff, lost=self._failed, **common):
                self._place(frame)
            return
        try:
            for frame in frames(plan.source, **common):  # type: ignore[arg-type]
                self._place(frame)
        except CameraError as error:
            self._failed(error)

    def _begin(self, track: Track) -> Ring:
        self._ring = Ring(track, seconds=self._clip_s, most_bytes=self._clip_bytes)
        return self._ring

    def _opened(self, tally: Tally) -> None:
        self._before, self._tally = self.tally, tally

    def _failed(self, error: CameraError) -> None:
        self.failures += 1
        self.failure, self.last_error = error, (str(error), datetime.now(UTC))
        if self._ring:
            self._ring.close()
            self._ring = None

    def _place(self, frame: Frame) -> None:
        came = time.monotonic()
        if frame.connection != self._connection:
            self.reconnects += self._connection >= 0
            self._connection, self._quickest = frame.connection, None
        shot = Shot(frame=frame, ring=self._ring, came=came, late_s=self._late_s(frame, came))
        self.latest, self.came, self.failure = frame, came, None
        with self._room:
            while self._shot is not None and not self._plan.live and not self._stop.is_set():
                self._room.wait(1.0)  # a recording has time
            self.dropped += self._shot is not None
            self._shot = shot
        self._placed()

    def _late_s(self, frame: Frame, came: float) -> float:
        """Measure against the quickest picture of the connection: the way there cannot be known, what is added can."""
        if not self._plan.live:
            return 0.0
        took = came - frame.at_s
        if self._quickest is not None:
            crept = self._quickest + DRIFT * self._plan.pace_s
            self._quickest = min(took, crept)
        else:
            self._quickest = took
        return took - self._quickest
