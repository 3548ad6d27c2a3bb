"""What the street looks like where nothing stands: tells an empty place from an overlooked thing. Pure."""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.look import Look, light_of, look_at
from detector.rules import Box

ACROSS_PX = 480  # of the picture that is kept; a car far off still covers some hundred pixels
RATE = 0.3  # how much each look counts: what nobody noticed in one picture is forgotten in ten
KNOWN = 0.9  # share of a place that must have been seen empty before anything is said of it


class Street:
    """Learns the picture of an empty street from looks at a busy one, each part of it when nothing stands there."""

    def __init__(self) -> None:
        self._picture: npt.NDArray[np.uint8] | None = None
        self._known: npt.NDArray[np.uint8] | None = None

    def learn(self, pixels: npt.NDArray[np.uint8], covered: Iterable[Box], width: int, height: int) -> None:
        """Take up a picture, (H, W, 3) uint8 BGR.

        Args:
            covered: boxes in pixels of `width`×`height` in which something stands, or may stand.
        """
        tall = max(1, round(ACROSS_PX * height / width))
        small = np.asarray(cv2.resize(pixels, (ACROSS_PX, tall), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if self._picture is None or self._known is None or self._picture.shape != small.shape:
            self._picture, self._known = small.copy(), np.zeros((tall, ACROSS_PX), dtype=np.uint8)
        free = np.ones((tall, ACROSS_PX), dtype=np.uint8)
        across, down = ACROSS_PX / width, tall / height
        for x1, y1, x2, y2 in covered:
            top, left = max(0, int(y1 * down)), max(0, int(x1 * across))
            free[top : int(np.ceil(y2 * down)), left : int(np.ceil(x2 * across))] = 0
        mixed = cv2.addWeighted(small, RATE, self._picture, 1 - RATE, 0.0)
        seen_before = (free & self._known).astype(bool)
        new = (free & ~self._known & 1).astype(bool)
        self._picture[seen_before] = mixed[seen_before]
        self._picture[new] = small[new]
        self._known |= free

    def look(self, box: Box, width: int, height: int) -> Look | None:
        """Give what a place looks like while nothing stands there; None where that was never seen."""
        if self._picture is None or self._known is None:
            return None
        across, down = self._known.shape[1] / width, self._known.shape[0] / height
        x1, y1, x2, y2 = box
        part = self._known[
            max(0, int(y1 * down)) : int(np.ceil(y2 * down)), max(0, int(x1 * across)) : int(np.ceil(x2 * across))
        ]
        if part.size == 0 or part.mean() < KNOWN:
            return None
        return look_at(self._picture, box, width, height, light_of(self._picture))

    def forget(self) -> None:
        """Know nothing any more: the light has changed from day to night or back."""
        self._picture = self._known = None
