"""A clip of a street on which a heap of garbage is left and taken away, for a camera that plays it over and over."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 960, 720, 5
TILE = (480, 360)  # of the picture: the corner in which something happens

ZONE = {
    "name": "街角",
    "kind": "bins",
    "polygon": [[0.0, 0.45], [0.55, 0.45], [0.55, 1.0], [0.0, 1.0]],
    "classes": ["exposed_garbage"],
    "dwell": 2.0,
}


def pictures(photos: Path) -> tuple[np.ndarray, np.ndarray]:
    """Give the street clean and with the heap, (H, W, 3) uint8 BGR."""
    street = cv2.resize(cv2.imread(str(photos / "clean_street.jpg")), (WIDTH, HEIGHT))
    heap = cv2.resize(cv2.imread(str(photos / "heap_1.jpg")), (WIDTH, HEIGHT))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[269:656, 0:594] = 255  # where the heap lies
    clean = cv2.inpaint(heap, mask, 5, cv2.INPAINT_TELEA)
    made = []
    for tile in (clean, heap):
        picture = street.copy()
        picture[-TILE[1] :, : TILE[0]] = cv2.resize(tile, TILE, interpolation=cv2.INTER_AREA)
        made.append(picture)
    return made[0], made[1]


def write_street(path: Path, photos: Path, *, parts: list[tuple[bool, int]]) -> Path:
    """Write a clip with a key frame each second.

    Args:
        parts: whether the heap lies there, and for how many seconds.
    """
    clean, heap = pictures(photos)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0"}
        stream.codec_context.gop_size = FPS
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        number = 0
        for lies, seconds in parts:
            for _ in range(seconds * FPS):
                frame = av.VideoFrame.from_ndarray(heap if lies else clean, format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                file.mux(stream.encode(frame))
                number += 1
        file.mux(stream.encode())
    return path
