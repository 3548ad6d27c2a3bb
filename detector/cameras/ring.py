"""The last seconds of a stream as the camera sent them, and short clips cut from them: copied, never encoded again."""

import io
import threading
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

import av

from detector.cameras.ffmpeg import REFUSALS
from detector.cameras.sink import Clip

TICKS_PER_S = 90_000  # of the clip; those of RTP and of MPEG, so that stamps are not rounded
IN_MP4 = frozenset({"h264", "hevc", "mjpeg", "mpeg4", "av1"})
JUMP_S = 10.0  # between two packets: the camera's clock was set, what lies on both sides makes no clip
USUAL_S = 0.04  # between two packets, where they do not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a stream's packets are."""

    codec: str  #: FFmpeg's name of it
    width: int  #: pixels
    height: int  #: pixels
    header: bytes = b""  #: parameter sets that the stream told beforehand and does not repeat


@dataclass(slots=True, kw_only=True, eq=False)
class _Part:
    content: bytes
    stamp_s: float | None  #: by the camera's counting; None until a packet says what time it is
    key: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Cutting:
    """A clip that is not whole yet: some of it has still to come."""

    track: Track
    event_s: float | None  #: stamp of the frame that it is about
    since_s: float = 0.0
    until_s: float = 0.0
    parts: list[_Part] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def clip(self) -> Clip | None:
        """Give the clip; None where nothing of the stream was kept, or no file can hold it."""
        timed = [(one, one.stamp_s) for one in self.parts if one.stamp_s is not None]
        if not timed:
            return None
        format_ = "mp4" if self.track.codec in IN_MP4 else "matroska"
        start_s, end_s = min(stamp for _, stamp in timed), max(stamp for _, stamp in timed)
        try:
            content = _written(self.track, [(one, stamp - start_s) for one, stamp in timed], format_)
        except (*REFUSALS, ValueError):  # a codec that the container does not take, packets without their header
            return None
        return Clip(
            content=content,
            media_type="video/mp4" if format_ == "mp4" else "video/x-matroska",
            seconds=end_s - start_s,
            event_s=min(max(0.0, (self.event_s if self.event_s is not None else end_s) - start_s), end_s - start_s),
        )


class Ring:
    """Keeps the packets of one connection, from one key frame to another, no more seconds and bytes than it may.

    One thread adds; any thread may ask for a clip.
    """

    def __init__(self, track: Track, *, seconds: float, most_bytes: int) -> None:
        self._track, self._seconds, self._most_bytes = track, seconds, most_bytes
        self._groups: deque[list[_Part]] = deque()  # each begins with a key frame
        self._cuttings: list[Cutting] = []
        self._last_s: float | None = None
        self._closed = False
        self._lock = threading.Lock()
        self.bytes = 0  #: kept at this moment

    def add(self, content: bytes, stamp_s: float | None, *, key: bool) -> None:
        """Keep a packet."""
        with self._lock:
            stamp_s = self._timed(stamp_s)
            if key:
                self._groups.append([])
            if not self._groups:
                return  # it rests on a key frame that was not kept
            self._groups[-1].append(_Part(content=content, stamp_s=stamp_s, key=key))
            self.bytes += len(content)
            self._trim()
            if stamp_s is not None:
                self._finish([one for one in self._cuttings if stamp_s >= one.until_s])

    def cut(self, event_s: float | None, *, before_s: float, after_s: float) -> Cutting:
        """Ask for a clip around a frame's time stamp; it is ready once what comes after is there, or never will be."""
        with self._lock:
            about = event_s if event_s is not None else self._last_s or 0.0
            cutting = Cutting(track=self._track, event_s=event_s, since_s=about - before_s, until_s=about + after_s)
            self._cuttings.append(cutting)
            if self._closed or (self._last_s is not None and self._last_s >= cutting.until_s):
                self._finish([cutting])
            return cutting

    def close(self) -> None:
        """Take it that no more comes."""
        with self._lock:
            self._closed = True
            self._finish(list(self._cuttings))

    def finish(self, cutting: Cutting) -> None:
        """Do not wait for the rest of a clip."""
        with self._lock:
            if cutting in self._cuttings:
                self._finish([cutting])

    def _timed(self, stamp_s: float | None) -> float | None:
        """Give the packet's stamp; see to those before it that had none, and to a clock that was set."""
        before_s = self._last_s
        if stamp_s is None:
            stamp_s = before_s + USUAL_S if before_s is not None else None
        elif before_s is None:
            unknown = list(chain.from_iterable(self._groups))
            for back, part in enumerate(reversed(unknown), 1):
                part.stamp_s = stamp_s - back * USUAL_S
        elif abs(stamp_s - before_s) > JUMP_S:
            self._finish(list(self._cuttings))
            self._forget()
        self._last_s = stamp_s
        return stamp_s

    def _trim(self) -> None:
        newest_s = self._last_s
        while len(self._groups) > 1:
            second_s = self._groups[1][0].stamp_s
            old = newest_s is not None and second_s is not None and newest_s - second_s >= self._seconds
            if not old and self.bytes <= self._most_bytes:
                return
            self.bytes -= sum(len(one.content) for one in self._groups.popleft())
        if self.bytes > self._most_bytes:
            self._forget()  # from one key frame to the next is more than may be kept

    def _forget(self) -> None:
        self._groups.clear()
        self.bytes = 0

    def _finish(self, cuttings: list[Cutting]) -> None:
        for one in cuttings:
            self._cuttings.remove(one)
            for group in self._groups:
                last_s = group[-1].stamp_s
                if last_s is None or last_s >= one.since_s:
                    one.parts += [part for part in group if part.stamp_s is None or part.stamp_s <= one.until_s]
            one.ready.set()


def _written(track: Track, parts: list[tuple[_Part, float]], format_: str) -> bytes:
    """Write packets, each with its seconds from the beginning, into a file.

    Packets stand in the order of decoding, their stamps are of showing. The decoder's stamps, which must only go
    forward, are the same stamps in order, moved so that none comes after its picture's.
    """
    shown = [round(at_s * TICKS_PER_S) for _, at_s in parts]
    decoded = sorted(shown)
    late = max(dts - pts for dts, pts in zip(decoded, shown, strict=True))
    file = io.BytesIO()
    base = Fraction(1, TICKS_PER_S)
    with av.open(file, "w", format=format_) as out:
        stream = out.add_mux_stream(track.codec, width=track.width, height=track.height)
        stream.time_base = base
        last = None
        usual = (decoded[-1] - decoded[0]) // max(1, len(decoded) - 1) or round(USUAL_S * TICKS_PER_S)
        for (part, _), pts, dts in zip(parts, shown, decoded, strict=True):
            content = track.header + part.content if last is None else part.content
            packet = av.Packet(content)
            last = dts - late if last is None else max(dts - late, last + 1)
            packet.stream, packet.time_base = stream, base
            packet.dts, packet.pts = last, max(pts, last)
            packet.duration = usual  # players leave out a last picture that lasts no time
            packet.is_keyframe = part.key
            out.mux(packet)
    return file.getvalue()
