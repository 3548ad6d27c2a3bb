"""Does the camera still look where it did when the zones were drawn? Pure.

The picture is cut into blocks, and each is asked by itself where its edges lie now: where they were, aside, nowhere, or
gone. A lorry, a crowd or a lamp changes some blocks; only a camera that was moved shifts all of them alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from detector.cameras.gate import ACROSS, DOWN, Glance, glance

CHECK_EVERY_S = 5.0
IN_A_ROW = 3  # checks that must agree before anything is said
BLOCK = 32  # cells along each side of a block
REACH = 24  # cells aside that a block is looked for; a tenth of the width
STEADY = 3  # cells: wind and a wavering mount; a little over a hundredth of the width
ALIKE = 0.5  # correlation of edges from which on a block shows the same
FOUND = 0.65  # and from which on it is found again elsewhere
CLEARER = 0.15  # by how much better it must fit there than where it was
TEXTURE = 3.0  # levels: a block with weaker edges on average tells nothing
BLANK = 0.3  # of its usual strength of edges
LEAST_BLOCKS = 4  # that tell something; fewer, as on a bare wall, and nothing is said
MOST = 0.5  # of the blocks that tell something
FEW = 0.15  # of them: less that is as it was, and the camera looks elsewhere
LEARN = 0.05  # how fast the memory follows shadows and seasons
STRONGEST = 80.0  # levels: an edge stronger than this is no surer

Edges = npt.NDArray[np.float32]
Shift = tuple[int, int]


class View(StrEnum):
    """What the camera looks at."""

    same = "same"
    moved = "moved"  # the zones lie elsewhere than they were drawn
    covered = "covered"  # nothing to be seen: something before the lens, or no light at all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What a camera looks at, to be remembered from one run of the process to the next."""

    view: View = View.same
    edges: Mapping[bool, Edges] = field(default_factory=dict)  #: by night or not: (DOWN, ACROSS) levels, 0..STRONGEST


def known_from(pixels: npt.NDArray[np.uint8]) -> Known:
    """Give what a still, (H, W, 3) uint8 BGR, shows: the one that zones were drawn on."""
    seen = glance(pixels)
    return Known(edges={seen.night: _edges(seen)})


def packed(edges: Edges) -> bytes:
    """Give edges as a PNG of some kilobytes."""
    _, png = cv2.imencode(".png", np.round(edges * (255 / STRONGEST)).astype(np.uint8))
    return np.asarray(png).tobytes()


def unpacked(png: bytes) -> Edges | None:
    """Give edges that were packed; None where these are none of this version's."""
    levels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if levels is None or levels.shape != (DOWN, ACROSS):
        return None
    return np.asarray(levels * (STRONGEST / 255), dtype=np.float32)


class ViewGuard:
    """Remembers the edges of the street, by day and by night, and tells when they lie elsewhere or are gone."""

    def __init__(self, known: Known | None = None) -> None:
        """Prepare to guard; with nothing known, the first look is taken for right."""
        known = known or Known()
        self._known: dict[bool, Edges] = dict(known.edges)
        self._asked: View | None = None  # what the last checks say, and since how many of them
        self._agree = 0
        self._checked_at_s = -np.inf
        self.view = known.view
        self.doubtful = False  #: the last check does not agree with `view`: nothing should be judged before the next

    @property
    def known(self) -> Known:
        """Give what is remembered by now. From any thread."""
        return Known(view=self.view, edges=dict(self._known))

    def check(self, now: Glance, at_s: float) -> View | None:
        """Take a look; give what the camera looks at if that has just become clear to be something else."""
        verdict = self._judge(_edges(now), now.night)
        self.doubtful = verdict is not None and verdict is not self.view
        if at_s - self._checked_at_s < CHECK_EVERY_S or verdict is None:
            return None
        self._checked_at_s = at_s
        self._agree = self._agree + 1 if verdict is self._asked else 1
        self._asked = verdict
        if self._agree < IN_A_ROW or verdict is self.view:
            return None
        self.view, self.doubtful = verdict, False
        return self.view

    def _judge(self, edges: Edges, night: bool) -> View | None:
        """Say what one look shows; None where it does not tell."""
        known = self._known.get(night, self._known.get(not night))
        if known is None:
            self._known[night] = edges
            return View.same
        said = _compare(edges, known)
        verdict = said.verdict()
        if night not in self._known:  # the first look by this light
            if verdict is View.same or (verdict is None and self.view is View.same):
                self._known[night] = edges
        elif verdict is View.same and said.steady:
            self._known[night] = (1 - LEARN) * known + LEARN * edges
        return verdict


@dataclass(slots=True)
class _Blocks:
    """What the blocks of a picture say."""

    told: int = 0
    blank: int = 0
    still: list[Shift] = field(default_factory=list)  # of those that show the same, cells right and down
    gone: list[Shift] = field(default_factory=list)  # of those that were found again elsewhere

    def verdict(self) -> View | None:
        if self.told < LEAST_BLOCKS:
            return None
        same = len(self.still)
        if len(self.gone) >= MOST * self.told and _agree(self.gone):
            return View.moved
        if same <= FEW * self.told:
            return View.covered if self.blank >= MOST * self.told else View.moved
        return View.same if same >= MOST * self.told or same > len(self.gone) + self.blank else None

    @property
    def steady(self) -> bool:
        """Say whether nothing is shifted even a little."""
        return bool(self.still) and not np.median(np.array(self.still), axis=0).any()


def _compare(edges: Edges, known: Edges) -> _Blocks:
    """Hold a picture's edges against those of the street, block by block."""
    said = _Blocks()
    for top in range(REACH // 2, DOWN - BLOCK - REACH // 2 + 1, BLOCK):
        for left in range(REACH // 2, ACROSS - BLOCK - REACH // 2 + 1, BLOCK):
            block = known[top : top + BLOCK, left : left + BLOCK]
            if block.mean() < TEXTURE:
                continue
            said.told += 1
            y, x = max(0, top - REACH), max(0, left - REACH)
            fits = cv2.matchTemplate(
                edges[y : top + BLOCK + REACH, x : left + BLOCK + REACH], block, cv2.TM_CCOEFF_NORMED
            )
            row, column = top - y, left - x  # where it fits if nothing has moved
            near = fits[max(0, row - STEADY) : row + STEADY + 1, max(0, column - STEADY) : column + STEADY + 1]
            at = np.unravel_index(int(fits.argmax()), fits.shape)
            shift = int(at[1]) - column, int(at[0]) - row
            if near.max() >= ALIKE and fits.max() < near.max() + CLEARER:
                said.still.append(shift)
            elif fits.max() >= FOUND:
                said.gone.append(shift)
            elif edges[top : top + BLOCK, left : left + BLOCK].mean() < BLANK * block.mean():
                said.blank += 1
    return said


def _agree(shifts: list[Shift]) -> bool:
    """Say whether most blocks have gone the same way."""
    middle = np.median(np.array(shifts), axis=0)
    return bool((np.abs(np.array(shifts) - middle).max(axis=1) <= STEADY).mean() > MOST)


def _edges(now: Glance) -> Edges:
    across = cv2.Sobel(now.grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(now.grey, cv2.CV_32F, 0, 1)
    return np.minimum(np.asarray(cv2.magnitude(across, down), dtype=np.float32), STRONGEST)
