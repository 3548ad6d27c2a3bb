"""A first look at a camera: does it work, what does it send, and what will watching it cost?"""

import time
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from detector.cameras.clock import StreamClock
from detector.cameras.decoding import RARE_S, Picture, Reader, bgr
from detector.cameras.ffmpeg import REFUSALS, in_words, open_stream
from detector.cameras.frame import Frame
from detector.cameras.gate import glance
from detector.cameras.source import MOST_PX, Loop, Snapshots, Stream, frames
from detector.errors import CameraError, CameraStalled

LISTEN_S = 12.0  # two key frames of nearly every camera
KEY_FRAMES = 3  # enough to know how far apart they lie
SNAPSHOTS = 2
ALONE_S = 1.5  # of receiving without decoding, to tell the one's cost from the other's


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """What a camera sends, and what it costs."""

    codec: str
    width: int  #: pixels
    height: int
    fps: float | None  #: pictures a second; None for single pictures
    kbit_s: float | None
    key_every_s: float | None  #: between key frames; None where only one came, or for single pictures
    reading_share: float  #: of one core, to receive the stream, 0..1
    look_s: float  #: of one core, to decode a picture and to see whether anything has changed
    pixels: npt.NDArray[np.uint8]  #: (H, W, 3) uint8 BGR, the newest picture

    @property
    def rare_keys(self) -> bool:
        """Say whether key frames are so rare that every frame has to be decoded, which costs many times as much."""
        return self.key_every_s is not None and self.key_every_s > RARE_S

    def cost_share(self, every_s: float) -> float:
        """Give what watching it takes of one core while nothing changes, 0..1 or more; the model comes on top.

        Args:
            every_s: seconds between the frames that are looked at.
        """
        decoded_a_s = (self.fps or 1.0) if self.rare_keys else 1 / every_s
        return self.reading_share + self.look_s * decoded_a_s


def probe(source: Stream | Snapshots | Loop, *, listen_s: float = LISTEN_S) -> Probe:
    """Look at a camera for some seconds.

    Raises:
        CameraError: what is wrong, in words, the password hidden.
    """
    return _stream(source, listen_s) if isinstance(source, Stream) else _single(source, listen_s)


def _single(source: Snapshots | Loop, listen_s: float) -> Probe:
    began, used, seen = time.monotonic(), time.thread_time(), list[Frame]()
    for frame in frames(source, every_s=0.0):
        glance(frame.pixels)
        seen.append(frame)
        if len(seen) == SNAPSHOTS or time.monotonic() - began > listen_s:
            break
    if not seen:
        raise CameraStalled("The camera gave no picture.")
    return Probe(
        codec="jpeg", width=seen[-1].width, height=seen[-1].height, fps=None, kbit_s=None, key_every_s=None,
        reading_share=0.0, look_s=(time.thread_time() - used) / len(seen), pixels=seen[-1].pixels,
    )  # fmt: skip


def _stream(source: Stream, listen_s: float) -> Probe:
    shown = source.address.shown
    told: CameraError | None = None
    with open_stream(
        source.address, transport=source.transport, open_s=source.open_s, stall_s=source.stall_s
    ) as container:
        reader = Reader(container, shown=shown, every_s=0.0, clock=StreamClock(), stall_s=source.stall_s)
        stream = container.streams.video[0]
        seen, pixels = list[Picture](), None
        began, used = time.monotonic(), time.thread_time()
        try:
            for picture in reader.pictures():
                pixels = bgr(picture.image, most_px=MOST_PX)
                glance(pixels)
                seen.append(picture)
                if len(seen) > KEY_FRAMES or time.monotonic() - began > listen_s:
                    break
            took_s, used_s = max(time.monotonic() - began, 0.01), time.thread_time() - used
            reading_share = _reading_share(container)
        except REFUSALS as error:
            told = in_words(error, shown, waited_s=source.stall_s)
        codec, said_fps = stream.codec_context.name, stream.average_rate
    if told is not None:
        raise told
    if pixels is None:
        raise CameraStalled(f"{shown} sent no picture.")
    gaps = [later.at_s - earlier.at_s for earlier, later in pairwise(seen) if later.at_s > earlier.at_s]
    return Probe(
        codec=codec,
        width=seen[-1].image.width,
        height=seen[-1].image.height,
        fps=float(said_fps) if said_fps else reader.tally.packets / took_s,
        kbit_s=reader.tally.bytes * 8 / 1000 / took_s,
        key_every_s=median(gaps) if gaps else None,
        reading_share=reading_share,
        look_s=max(0.0, used_s - reading_share * took_s) / len(seen),
        pixels=pixels,
    )


def _reading_share(container: InputContainer) -> float:
    """Receive for a moment without decoding anything; give what that takes of one core, 0..1."""
    began, used = time.monotonic(), time.thread_time()
    for _ in container.demux():
        if time.monotonic() - began > ALONE_S:
            break
    return (time.thread_time() - used) / max(time.monotonic() - began, 0.01)
