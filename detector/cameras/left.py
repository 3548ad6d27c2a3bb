"""New things that stay, whatever they are: what differs from the street as it was and does not move. Pure."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.gate import ACROSS, DOWN, Glance, Grey, cells_of, changed_cells, relit
from detector.cameras.zones import Zone
from detector.rules import Box

LEARN_S = 600.0  # the street forgets what it looked like in about so long, except where something new lies
WARM_S = 20.0  # of looking before anything can be new
SMALLEST_CELLS = 10
LARGEST_SHARE = 0.25  # of the picture; more is light or the camera
RESTLESS = 0.3  # share of a thing's cells that may change from one look to the next


class LeftThings:
    """Learns what the street looks like in some zones and finds what was put there since."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._cells = cells_of(zones)
        self._street: Grey | None = None
        self._night = False
        self._since_s = self._last_s = 0.0
        self._before: Grey | None = None
        self.unsettled = False  #: something new has just come or moves: another look will tell whether it stays

    def find(self, now: Glance, at_s: float, known: Sequence[Box], width: int, height: int) -> list[Box]:
        """Give the boxes of new things that have not moved since the last look, in pixels of `width`×`height`.

        Args:
            known: boxes of what the model has a name for; it is nothing unknown.
        """
        if self._street is None or now.night != self._night or self._before is None:
            self._street, self._before, self._night = now.grey.copy(), now.grey, now.night
            self._since_s = self._last_s = at_s
            return []
        new = changed_cells(now.grey, self._street) & self._cells
        restless = changed_cells(now.grey, self._before)
        self._learn(now.grey, at_s, new)
        self._before = now.grey
        if at_s - self._since_s < WARM_S or new.mean() > LARGEST_SHARE:
            return []
        return self._boxes(new & ~_named(known, width, height), restless, width / ACROSS, height / DOWN)

    def _learn(self, grey: Grey, at_s: float, new: npt.NDArray[np.bool_]) -> None:
        """Let the street follow the light, but not what lies on it."""
        assert self._street is not None
        rate = min(1.0, (at_s - self._last_s) / LEARN_S) if at_s - self._since_s > WARM_S else 0.2
        self._last_s = at_s
        self._street = np.where(new, self._street, self._street + rate * (relit(grey, self._street) - self._street))

    def _boxes(
        self, new: npt.NDArray[np.bool_], restless: npt.NDArray[np.bool_], across: float, down: float
    ) -> list[Box]:
        whole = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        count, labels, figures, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
        boxes: list[Box] = []
        self.unsettled = False
        for number in range(1, count):
            x, y, wide, tall, cells = (int(value) for value in figures[number])
            if cells < SMALLEST_CELLS:
                continue
            if restless[labels == number].mean() > RESTLESS:
                self.unsettled = True
            else:
                boxes.append((x * across, y * down, (x + wide) * across, (y + tall) * down))
        return boxes


def _named(known: Sequence[Box], width: int, height: int) -> npt.NDArray[np.bool_]:
    """Give the cells that boxes cover, a little more than they do: shadows lie beside things."""
    cells = np.zeros((DOWN, ACROSS), dtype=bool)
    across, down = ACROSS / width, DOWN / height
    for x1, y1, x2, y2 in known:
        wider, taller = 0.15 * (x2 - x1), 0.15 * (y2 - y1)
        top, left = max(0, int((y1 - taller) * down)), max(0, int((x1 - wider) * across))
        cells[top : int((y2 + taller) * down) + 1, left : int((x2 + wider) * across) + 1] = True
    return cells
