"""New things that stay, whatever they are: what differs from the street as it was and does not move. Pure."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.gate import ACROSS, DOWN, Glance, Grey, cells_of, relit
from detector.cameras.zones import Zone
from detector.rules import Box

LEARN_S = 600.0  # the street forgets what it looked like in about so long, except where something new lies
WARM_S = 20.0  # of looking before anything can be new
LEAST_LEVELS = 8.0  # of 255: a brown box on grey stones differs by 15, two looks at a still cell by less than 2
NOISE_TIMES = 4.0  # and by so many times what this cell usually differs from one look to the next: rain, leaves, night
SMALLEST_CELLS = 10
LARGEST_SHARE = 0.25  # of the picture; more is light or the camera
ACCEPT_S = 60.0  # after so long of that the street is taken for what it is now
RESTLESS = 0.3  # share of a thing's cells that may change from one look to the next
KNOWN_SHARE = 0.3  # of a new thing's cells that lie in what has a name: the rest is its shadow, or its far side
WITHIN = 0.5  # share of a new thing's cells that must lie in the zones
TAKEN_AWAY = 1.2  # so many times as much contour before as now: something was taken away, not left

Cells = npt.NDArray[np.bool_]


class LeftThings:
    """Learns what the street looks like and finds what was put into some zones since."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._cells = cells_of(zones)
        self._street: Grey | None = None
        self._before: Grey | None = None
        self._noise: Grey = np.zeros((DOWN, ACROSS), dtype=np.float32)
        self._night = False
        self._since_s = self._last_s = 0.0
        self._strange_since_s: float | None = None
        self.unsettled = False  #: something new has just come or moves: another look will tell whether it stays

    def find(self, now: Glance, at_s: float, known: Sequence[Box], width: int, height: int) -> list[Box]:
        """Give the boxes of new things that have not moved since the last look, in pixels of `width`×`height`.

        Args:
            known: boxes of what has a name and is nothing left behind: vehicles, people, bins.
        """
        self.unsettled = False
        if self._street is None or self._before is None or now.night != self._night:
            self._begin(now, at_s)
            return []
        differs = np.abs(relit(now.grey, self._street) - self._street)
        since_before = np.abs(relit(now.grey, self._before) - self._before)
        limit = LEAST_LEVELS + NOISE_TIMES * self._noise
        new, restless = differs > limit, since_before > limit
        if self._strange(new, at_s):
            self._begin(now, at_s)
            return []
        boxes: list[Box] = []
        if at_s - self._since_s >= WARM_S and new.mean() <= LARGEST_SHARE:
            boxes = self._boxes(now, new, restless, _named(known, width, height), width / ACROSS, height / DOWN)
        self._learn(now.grey, at_s, new, since_before)
        return boxes

    def _begin(self, now: Glance, at_s: float) -> None:
        self._street, self._before, self._night = now.grey.copy(), now.grey, now.night
        self._noise = np.zeros_like(now.grey)
        self._since_s = self._last_s = at_s
        self._strange_since_s = None

    def _strange(self, new: Cells, at_s: float) -> bool:
        """Say whether so much has been new for so long that it is the street."""
        if new.mean() <= LARGEST_SHARE:
            self._strange_since_s = None
        elif self._strange_since_s is None:
            self._strange_since_s = at_s
        return self._strange_since_s is not None and at_s - self._strange_since_s >= ACCEPT_S

    def _learn(self, grey: Grey, at_s: float, new: Cells, since_before: Grey) -> None:
        """Let the street follow the light, but not what lies on it."""
        assert self._street is not None
        rate = min(1.0, (at_s - self._last_s) / LEARN_S) if at_s - self._since_s > WARM_S else 0.2
        self._last_s, self._before = at_s, grey
        self._street = np.where(new, self._street, self._street + rate * (relit(grey, self._street) - self._street))
        self._noise += 0.1 * (np.minimum(since_before, LEAST_LEVELS) - self._noise)

    def _boxes(self, now: Glance, new: Cells, restless: Cells, named: Cells, across: float, down: float) -> list[Box]:
        assert self._street is not None
        whole = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        count, labels, figures, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
        boxes: list[Box] = []
        for number in range(1, count):
            x, y, wide, tall, cells = (int(value) for value in figures[number])
            there = np.s_[max(0, y - 2) : y + tall + 2, max(0, x - 2) : x + wide + 2]
            thing = labels[there] == number
            if cells < SMALLEST_CELLS or self._cells[there][thing].mean() < WITHIN:
                continue
            if named[there][thing].mean() >= KNOWN_SHARE:
                continue
            if restless[there][thing].mean() > RESTLESS:
                self.unsettled = True
            elif _contour(self._street[there], thing) > TAKEN_AWAY * _contour(now.grey[there], thing):
                self._street[there][thing] = now.grey[there][thing]
            else:
                boxes.append((x * across, y * down, (x + wide) * across, (y + tall) * down))
        return boxes


def _contour(grey: Grey, thing: Cells) -> float:
    """Give how strong the edges are along the outline of a thing, levels a cell."""
    mask = thing.astype(np.uint8)
    around = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) - cv2.erode(mask, np.ones((3, 3), np.uint8))).astype(bool)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float(np.asarray(edges)[around].mean()) / 8


def _named(known: Sequence[Box], width: int, height: int) -> Cells:
    """Give the cells that boxes cover, a little more than they do: shadows lie beside things."""
    cells = np.zeros((DOWN, ACROSS), dtype=bool)
    across, down = ACROSS / width, DOWN / height
    for x1, y1, x2, y2 in known:
        wider, taller = 0.15 * (x2 - x1), 0.15 * (y2 - y1)
        top, left = max(0, int((y1 - taller) * down)), max(0, int((x1 - wider) * across))
        cells[top : int((y2 + taller) * down) + 1, left : int((x2 + wider) * across) + 1] = True
    return cells
