"""Does the camera still look where it did when the zones were drawn? Pure."""

from collections import deque
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.gate import ACROSS, DOWN, Glance

CHECK_EVERY_S = 5.0
IN_A_ROW = 3  # checks that must agree before anything is said
SAME = 0.45  # correlation of edges from which on it is the same street; people and cars cost up to .3
SHIFTED = 0.02  # of the width: a zone drawn along a kerb is wrong from here on
COVERED = 0.3  # of the usual strength of edges
LEARN = 0.05  # how fast the memory follows shadows and seasons

Edges = npt.NDArray[np.float32]


class View(StrEnum):
    """What the camera looks at."""

    same = "same"
    moved = "moved"  # the zones lie elsewhere than they were drawn
    covered = "covered"  # nothing to be seen: something before the lens, or no light at all


class ViewGuard:
    """Remembers the edges of the street, by day and by night, and tells when they lie elsewhere or are gone."""

    def __init__(self) -> None:
        self._known: dict[bool, Edges] = {}
        self._last: deque[View] = deque(maxlen=IN_A_ROW)
        self._checked_at_s = -CHECK_EVERY_S
        self.view = View.same

    def check(self, now: Glance, at_s: float) -> View | None:
        """Take a look; give what the camera looks at if that has just become clear to be something else."""
        if at_s - self._checked_at_s < CHECK_EVERY_S:
            return None
        self._checked_at_s = at_s
        self._last.append(self._judge(_edges(now), now.night))
        if len(self._last) < IN_A_ROW or set(self._last) != {self._last[-1]} or self._last[-1] is self.view:
            return None
        self.view = self._last[-1]
        return self.view

    def accept(self) -> None:
        """Take what the camera sees from now on for right: somebody has looked at the zones."""
        self._known.clear()
        self._last.clear()
        self.view = View.same

    def _judge(self, edges: Edges, night: bool) -> View:
        known = self._known.get(night)
        if known is None:
            other = self._known.get(not night)
            if other is None or _alike(edges, other) > SAME / 2:  # the first look by this light
                self._known[night] = edges
                return View.same
            return View.covered if edges.mean() < COVERED * other.mean() else View.moved
        alike = _alike(edges, known)
        if alike >= SAME:
            if _shift(edges, known, alike) > SHIFTED:
                return View.moved
            self._known[night] = (1 - LEARN) * known + LEARN * edges
            return View.same
        return View.covered if edges.mean() < COVERED * known.mean() else View.moved


def _edges(now: Glance) -> Edges:
    across = cv2.Sobel(now.grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(now.grey, cv2.CV_32F, 0, 1)
    return np.minimum(np.asarray(cv2.magnitude(across, down), dtype=np.float32), 80.0)


def _alike(now: Edges, before: Edges) -> float:
    """Give the correlation of two pictures of edges, -1..1; a shift of a cell or two does not count."""
    soft = [cv2.GaussianBlur(one, (0, 0), 1.5).ravel() for one in (now, before)]
    if min(float(one.std()) for one in soft) < 1e-3:
        return 0.0
    return float(np.corrcoef(soft[0], soft[1])[0, 1])


def _shift(now: Edges, before: Edges, alike: float) -> float:
    """Give how far the street has moved in the picture, as a share of its width; 0 where that explains nothing."""
    window = cv2.createHanningWindow((ACROSS, DOWN), cv2.CV_32F)
    (right, below), _ = cv2.phaseCorrelate(before.copy(), now.copy(), window)  # it writes into what it is given
    back = np.array([[1, 0, -right], [0, 1, -below]], dtype=np.float32)
    moved = cv2.warpAffine(now, back, (ACROSS, DOWN), borderMode=cv2.BORDER_REPLICATE)
    if _alike(np.asarray(moved, dtype=np.float32), before) < alike + 0.05:
        return 0.0
    return float(np.hypot(right, below) / ACROSS)
