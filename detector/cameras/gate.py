"""Is this frame worth the model's time? A still street is not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.zones import GRID_PX, Zone, ZoneKind

ACROSS, DOWN = 256, 144  # cells of the picture that is compared; a parked car far off still covers dozens
CHANGED_LEVELS = 14.0  # of 255, after the light's change is taken out; sensor noise averaged over a cell stays below 4
CHANGED_CELLS = 6  # a bag across the street
REFRESH_S = 60.0  # the model looks this often, whatever the gate says
GREY_CHROMA = 5.0  # mean distance from grey, levels; infrared pictures have next to none
DARK_LEVELS = 35.0

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Glance:
    """A small picture of a frame and what it says of the light."""

    grey: Grey  #: (DOWN, ACROSS) float32 levels 0..255, noise averaged out
    night: bool  #: dark, or grey as infrared lamps make it


def glance(pixels: npt.NDArray[np.uint8]) -> Glance:
    """Look at a frame, (H, W, 3) uint8 BGR, with half-closed eyes."""
    small = cv2.resize(pixels, (ACROSS, DOWN), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = cv2.GaussianBlur(small.mean(axis=2), (0, 0), 1.0).astype(np.float32)
    chroma = float((small.max(axis=2) - small.min(axis=2)).mean())
    return Glance(grey=grey, night=chroma < GREY_CHROMA or float(grey.mean()) < DARK_LEVELS)


def relit(grey: Grey, like: Grey) -> Grey:
    """Give `grey` in the light of `like`: a cloud or the camera's exposure changes all cells alike."""
    spread, wanted = _spread(grey), _spread(like)
    gain = np.clip(wanted / max(spread, 1.0), 0.5, 2.0)
    return np.asarray((grey - np.median(grey)) * gain + np.median(like), dtype=np.float32)


def _spread(grey: Grey) -> float:
    low, high = np.percentile(grey, [25, 75])
    return float(high - low)


def changed_cells(now: Grey, before: Grey) -> npt.NDArray[np.bool_]:
    """Give the cells, (DOWN, ACROSS), that show something else than before."""
    return np.asarray(np.abs(relit(now, before) - before) > CHANGED_LEVELS)


def cells_of(zones: Sequence[Zone], *, wider: int = 0) -> npt.NDArray[np.bool_]:
    """Give the cells, (DOWN, ACROSS), that lie in any of the zones, or up to so many cells beside one."""
    together = np.zeros((GRID_PX, GRID_PX), dtype=np.uint8)
    for zone in zones:
        together |= zone.raster.astype(np.uint8)
    cells = cv2.resize(together, (ACROSS, DOWN), interpolation=cv2.INTER_AREA)
    if wider:
        cells = cv2.dilate(cells, np.ones((2 * wider + 1, 2 * wider + 1), np.uint8))
    return np.asarray(cells > 0)


class Gate:
    """Compares each frame with the last one that the model saw: slow change adds up instead of slipping through."""

    def __init__(self, zones: Sequence[Zone], *, refresh_s: float = REFRESH_S) -> None:
        watched = [one for one in zones if one.kind is not ZoneKind.ignore]
        ignored = [one for one in zones if one.kind is ZoneKind.ignore]
        self._cells = cells_of(watched, wider=12) & ~cells_of(ignored) if watched else ~cells_of(ignored)
        self._refresh_s = refresh_s
        self._seen: Glance | None = None
        self._seen_at_s = 0.0

    def wants(self, now: Glance, at_s: float) -> bool:
        """Say whether the model should look."""
        if self._seen is None or now.night != self._seen.night or at_s - self._seen_at_s >= self._refresh_s:
            return True
        moved = changed_cells(now.grey, self._seen.grey) & self._cells
        return int(np.count_nonzero(moved)) >= CHANGED_CELLS

    def looked(self, now: Glance, at_s: float) -> None:
        """Remember what the model was shown."""
        self._seen, self._seen_at_s = now, at_s
