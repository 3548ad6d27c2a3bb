"""From an open container to pictures: no more is decoded than is needed, on most cameras a key frame now and then."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from detector.cameras.clock import TOLERANCE_S, StreamClock
from detector.cameras.ffmpeg import REFUSALS, in_words
from detector.cameras.ring import Ring, Track
from detector.errors import CameraStalled, StreamUnreadable

if TYPE_CHECKING:
    Packet: TypeAlias = av.Packet[av.VideoStream]  # generic to type checkers only

MOST_MEGAPIXELS = 64.0  # as of a photo; a stream that says more is damaged or hostile
RARE_S = 6.0  # key frames further apart than this (or than the wanted spacing) are too rare: every frame is decoded
EARLY, LATE = 0.9, 1.25  # shares of the wanted spacing
MOST_HELD_BYTES = 8 * 1024 * 1024  # of packets kept until it is known how far apart key frames lie
BLIND_S = 30.0  # packets, but no picture for so long: the stream is of no use
UNTIMED = frozenset({"mpjpeg", "mjpeg"})  # FFmpeg numbers these pictures 25 a second, whenever they came
START_CODES = (b"\0\0\1", b"\0\0\0\1")  # of H.264 and H.265 as streams carry them (ITU-T H.264, annex B)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a stream has given so far."""

    packets: int = 0  #: of the picture, decoded or not
    bytes: int = 0
    key_frames: int = 0
    decoded: int = 0
    damaged: int = 0  #: could not be decoded, or only with holes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One decoded picture and when it was, in stream time."""

    image: av.VideoFrame
    at_s: float
    stamp_s: float | None  #: by the camera's own counting, as its packets carry it in the ring
    camera_at: datetime | None  #: the camera's own clock, if it tells


class Reader:
    """Reads the pictures of one open container, `every_s` apart or a little more."""

    def __init__(
        self,
        container: InputContainer,
        *,
        shown: str,
        every_s: float,
        clock: StreamClock,
        stall_s: float | None,
        now: Callable[[], float] = time.monotonic,
        stop: threading.Event | None = None,
        ring: Callable[[Track], Ring] | None = None,
    ) -> None:
        """Prepare to read.

        Args:
            shown: what to call the source in an error.
            every_s: pictures closer together than this are not decoded; 0 gives each key frame.
            stall_s: of a live source, how long it may give no picture's packet; None for a recording, whose time is
                told by its packets and not by the wall.
            stop: ends the pictures at the next packet.
            ring: gives what keeps the stream's packets, once it is known what they are.

        Raises:
            StreamUnreadable: no picture in it, or none that may be decoded.
        """
        if not container.streams.video:
            raise StreamUnreadable(f"{shown} has no picture in it.")
        self._container, self._shown, self._every_s = container, shown, every_s
        self._stream = container.streams.video[0]
        self._codec: VideoCodecContext = self._stream.codec_context
        self._codec.thread_count = 1  # one camera's frame is small work; many cameras are what fills the cores
        self._clock, self._stall_s, self._now = clock, stall_s, now
        self._stamped = container.format.name not in UNTIMED
        self._every_frame = False  # False: key frames only
        self._held: list[Packet] | None = []  # since the key frame, until the spacing of key frames is known
        self._held_bytes = 0
        self._since_picture_s = 0.0  # of packets seen since the last picture given, recordings only
        self._picture_at: float | None = None  # the wall's monotonic time of the last picture given, or of the start
        self._key_stamp_s: float | None = None
        self._key_gap_s = 0.0  # between the last two key frames
        self._picture_stamp_s: float | None = None
        self._camera_at: datetime | None = None
        self._stop = stop or threading.Event()
        self.tally = Tally()
        self._ring = ring(self._track()) if ring else None

    def pictures(self) -> Iterator[Picture]:
        """Give the pictures as they come; ends where the container does.

        Raises:
            CameraStalled, StreamUnreadable, CameraUnreachable
        """
        try:
            yield from self._read()
        except REFUSALS as error:
            told = in_words(error, self._shown, waited_s=self._stall_s)
        else:
            return
        raise told  # outside the handler: the original may hold the whole address

    def _read(self) -> Iterator[Picture]:
        self._picture_at = came_at = self._now()
        for packet in self._container.demux():
            if self._stop.is_set():
                return
            if packet.stream.index != self._stream.index or packet.size == 0:
                self._check_stall(came_at)
                continue
            came_at = self._now()
            self.tally.packets += 1
            self.tally.bytes += packet.size
            ours = cast("Packet", packet)
            self._since_picture_s += _duration_s(ours)
            self._keep(ours, came_at)
            image = self._decode(ours)
            if image is not None:
                yield self._timed(image)
            elif self.tally.decoded and self._stamped and (stamp_s := _seconds(ours)) is not None:
                self._clock.anchor(stamp_s)
            self._check_blind()

    def _track(self) -> Track:
        """Say what the packets are. Those of a file lack what a stream repeats: it is put back in."""
        codec, header = self._codec, bytes(self._codec.extradata or b"")
        self._in_stream_form: BitStreamFilterContext | None = None
        if header and codec.name in ("h264", "hevc") and not header.startswith(START_CODES):
            self._in_stream_form = BitStreamFilterContext(f"{codec.name}_mp4toannexb", in_stream=self._stream)
            header = b""
        return Track(codec=codec.name, width=codec.width, height=codec.height, header=header)

    def _keep(self, packet: Packet, came_at: float) -> None:
        """Keep the packet's bytes for a clip, and the camera's clock if it comes along."""
        if packet.is_keyframe and packet.has_sidedata("prft"):  # from RTCP's sender reports; the first comes later
            self._camera_at = _told_by(bytes(packet.get_sidedata("prft")))
        if self._ring is None:
            return
        parts = [packet]
        if self._in_stream_form is not None:
            whole = av.Packet(bytes(packet))  # a copy: the filter takes what it is given
            parts = cast("list[Packet]", self._in_stream_form.filter(whole))
        stamp_s = _seconds(packet) if self._stamped else came_at
        self._ring.add(b"".join(bytes(one) for one in parts), stamp_s, key=packet.is_keyframe)

    def _check_stall(self, came_at: float) -> None:
        """Sound alone is no picture: FFmpeg's own limit on a read does not see that."""
        if self._stall_s is not None and self._now() - came_at > self._stall_s:
            raise CameraStalled(f"{self._shown} sends no picture any more.")

    def _check_blind(self) -> None:
        assert self._picture_at is not None
        if self._stall_s is not None and self._now() - self._picture_at > max(BLIND_S, self._every_s * 3):
            raise StreamUnreadable(
                f"{self._shown} sends packets, but none that can be decoded ({self.tally.damaged} were damaged)."
            )

    def _decode(self, packet: Packet) -> av.VideoFrame | None:
        """Give the picture of a packet if one is due and can be had."""
        if packet.is_keyframe:
            self.tally.key_frames += 1
        if not self._every_frame:
            self._watch_spacing(packet)
        if self._every_frame:
            return self._feed(packet)
        return self._alone(packet) if packet.is_keyframe and self._due(_seconds(packet)) else None

    def _watch_spacing(self, packet: Packet) -> None:
        """Decode every frame from here on, where key frames are too far apart to see what happens in between."""
        stamp_s = _seconds(packet)
        if stamp_s is None:
            return
        rare_s = max(RARE_S, self._every_s * 1.2)
        gap_s = stamp_s - self._key_stamp_s if self._key_stamp_s is not None else 0.0
        if rare_s < gap_s < rare_s * 10:  # more is a jump of the clock
            self._every_frame = True
            self._codec.skip_frame = "NONREF"  # pictures that no other one rests on can be left out
            for held in self._held or ():
                self._feed(held)
            self._held = None
        elif packet.is_keyframe:
            self._held = None if self._key_stamp_s is not None else self._held
            self._key_stamp_s, self._key_gap_s = stamp_s, gap_s if 0 <= gap_s <= rare_s else 0.0
        self._hold(packet)

    def _hold(self, packet: Packet) -> None:
        """Keep the packets after the first key frame, so that decoding every frame can begin in the middle."""
        if self._held is None or self._key_stamp_s is None:
            return
        self._held.append(packet)
        self._held_bytes += packet.size
        if self._held_bytes > MOST_HELD_BYTES:
            self._held = None

    def _due(self, stamp_s: float | None) -> bool:
        """Say whether the next picture is far enough from the last one; a tenth early is not too early.

        Nor is any key frame after which the next would come a quarter too late.
        """
        if not self.tally.decoded:
            return True
        passed_s = self._since_picture_s if self._stall_s is None else self._now() - (self._picture_at or 0.0)
        if self._stamped and stamp_s is not None and self._picture_stamp_s is not None:
            by_stamps_s = stamp_s - self._picture_stamp_s  # they do not waver as the network does
            passed_s = by_stamps_s if 0 <= by_stamps_s <= passed_s + TOLERANCE_S else passed_s
        next_s = 0.0 if self._every_frame else passed_s + self._key_gap_s
        return passed_s >= self._every_s * EARLY or (passed_s > 0 and next_s > self._every_s * LATE)

    def _alone(self, packet: Packet) -> av.VideoFrame | None:
        """Decode a key frame by itself: drained at once, else the decoder would hold it back for the ones after it."""
        try:
            images = [*self._codec.decode(packet), *self._codec.decode(None)]
        except (av.FFmpegError, ValueError):
            self.tally.damaged += 1
            images = []
        self._codec.flush_buffers()
        return self._sound(images)

    def _feed(self, packet: Packet) -> av.VideoFrame | None:
        """Decode a packet after the others; give a picture only if one is due."""
        try:
            images = self._codec.decode(packet)
        except (av.FFmpegError, ValueError):
            self.tally.damaged += 1
            return None
        image = self._sound(images)
        return image if image is not None and self._due(_stamp_of(image)) else None

    def _sound(self, images: list[av.VideoFrame]) -> av.VideoFrame | None:
        """Give the last picture that has no holes in it."""
        for image in reversed(images):
            if image.width * image.height > MOST_MEGAPIXELS * 1e6:
                raise StreamUnreadable(f"{self._shown} says its pictures are {image.width}×{image.height} pixels.")
            if not image.is_corrupt:
                return image
            self.tally.damaged += 1
        return None

    def _timed(self, image: av.VideoFrame) -> Picture:
        stamp_s = _stamp_of(image) if self._stamped else None
        now = self._now()
        assert self._picture_at is not None
        first = not self.tally.decoded
        passed_s = self._since_picture_s if self._stall_s is None else now - self._picture_at
        at_s = self._clock.step(stamp_s, 0.0 if first else passed_s)
        self._picture_at, self._since_picture_s, self._picture_stamp_s = now, 0.0, stamp_s
        self.tally.decoded += 1
        return Picture(image=image, at_s=at_s, stamp_s=stamp_s if self._stamped else now, camera_at=self._camera_at)


def _seconds(packet: Packet) -> float | None:
    """Give a packet's time stamp in the camera's own seconds; None where it has none."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def _stamp_of(image: av.VideoFrame) -> float | None:
    """Give a picture's time stamp in the camera's own seconds; None where it has none."""
    return float(image.pts * image.time_base) if image.pts is not None and image.time_base else None


def _told_by(producer_reference_time: bytes) -> datetime | None:
    """Read the wall's time from FFmpeg's AVProducerReferenceTime: int64 microseconds since 1970, then flags."""
    try:
        return _UNIX_EPOCH + timedelta(microseconds=struct.unpack("=q", producer_reference_time[:8])[0])
    except (struct.error, OverflowError):  # the camera may say anything
        return None


def _duration_s(packet: Packet) -> float:
    return float(packet.duration * packet.time_base) if packet.duration and packet.time_base else 0.0


def bgr(image: av.VideoFrame, *, most_px: int) -> npt.NDArray[np.uint8]:
    """Give the pixels upright as (H, W, 3) uint8 BGR, the long side at most `most_px`."""
    ratio = min(1.0, most_px / max(image.width, image.height))
    width, height = max(2, round(image.width * ratio)), max(2, round(image.height * ratio))
    pixels = np.asarray(image.to_ndarray(format="bgr24", width=width, height=height), dtype=np.uint8)
    turns = round(image.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
