"""Clips for tests: a bright square walks over noise, so that each picture tells which second it is from."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CELLS = 16  # the square is in cell `second % CELLS` of the top row


def picture(second: int, width: int, height: int) -> np.ndarray:
    """Give (H, W, 3) uint8 BGR of one second."""
    pixels = np.random.default_rng(5).integers(60, 100, (height, width, 3), dtype=np.uint8)
    cell = width // CELLS
    at = second % CELLS * cell
    pixels[: height // 4, at : at + cell] = 240
    return pixels


def second_of(pixels: np.ndarray) -> int:
    """Tell from which second a picture is, modulo CELLS."""
    height, _width = pixels.shape[:2]
    row = pixels[: height // 4].mean(axis=(0, 2))
    return int(np.argmax(row.reshape(CELLS, -1).mean(axis=1)))


def write_clip(
    path: Path,
    *,
    seconds: int,
    size: tuple[int, int] = (320, 240),
    fps: int = 10,
    key_every: int = 10,
    stamps_from: int = 0,
    leap: tuple[int, int] | None = None,
    codec: str = "libx264",
    container: str | None = None,
) -> Path:
    """Write a clip.

    Args:
        key_every: frames between key frames.
        stamps_from: the first time stamp, ticks of 1/90000 s.
        leap: from this second on, time stamps are so many seconds later.
    """
    width, height = size
    base = Fraction(1, 90_000)
    with av.open(
        str(path), "w", format=container, options={"mpegts_copyts": "1"} if path.suffix == ".ts" else {}
    ) as file:
        stream = file.add_stream(codec, rate=fps)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        if codec == "libx264":
            stream.options = {
                "preset": "ultrafast",
                "x264-params": f"keyint={key_every}:min-keyint={key_every}:scenecut=0",
            }
            stream.codec_context.gop_size = key_every
        for number in range(seconds * fps):
            frame = av.VideoFrame.from_ndarray(picture(number // fps, width, height), format="bgr24")
            late = leap[1] * 90_000 if leap and number >= leap[0] * fps else 0
            frame.pts, frame.time_base = stamps_from + number * 90_000 // fps + late, base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path
