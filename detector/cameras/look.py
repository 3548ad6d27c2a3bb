"""What a place in the picture looks like, small enough to keep and to compare. Pure."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.rules import Box

SIDE = 20
# Measured on rendered streets by day, at dusk, by night and in rain: a thing that has not moved differs from itself by
# .05 in still air and by .35 where wind shakes the camera; the empty place by .54 to 1.4, another car by .6 to 1.1.
SAME = 0.45
OTHER = 0.7  # another thing, even where no look in between has found the place empty
_LEVELS = 90.0  # a difference in brightness that says as much as no correlation at all
_CHROMA = 35.0  # and one in colour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """A patch of the picture in Lab, its light measured against the whole picture's."""

    patch: npt.NDArray[np.float32]  #: (SIDE, SIDE, 3) L, a, b, each 0..255 as OpenCV scales them
    light: float  #: median L of the whole picture


def look_at(pixels: npt.NDArray[np.uint8], box: Box, width: int, height: int, light: float) -> Look:
    """Look at a place.

    Args:
        pixels: (H, W, 3) uint8 BGR of a picture of `width`×`height`, in whose pixels the box is.
        light: see `light_of`.
    """
    across, down = pixels.shape[1] / width, pixels.shape[0] / height
    x1, y1 = max(0, int(box[0] * across)), max(0, int(box[1] * down))
    x2, y2 = max(x1 + 2, int(np.ceil(box[2] * across))), max(y1 + 2, int(np.ceil(box[3] * down)))
    small = cv2.resize(pixels[y1:y2, x1:x2], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return Look(patch=cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32), light=light)


def light_of(pixels: npt.NDArray[np.uint8]) -> float:
    """Give the median brightness of a picture, 0..255."""
    return float(np.median(pixels[::8, ::8].max(axis=2)))


def difference(one: Look, other: Look) -> float:
    """Say how different two looks are: 0 the same, 1 or more two things. Shape, brightness and colour count."""
    first, second = one.patch[..., 0], other.patch[..., 0]
    spread = float(first.std() * second.std())
    alike = float(((first - first.mean()) * (second - second.mean())).mean()) / spread if spread > 1.0 else 0.0
    brightness = abs((float(first.mean()) - one.light) - (float(second.mean()) - other.light)) / _LEVELS
    colours = one.patch[..., 1:].mean(axis=(0, 1)) - other.patch[..., 1:].mean(axis=(0, 1))
    return (1 - alike) + brightness + float(np.hypot(*colours)) / _CHROMA
