"""Things that stay where they are, matched by place and look from one frame to the next, however far apart.

A tracker that predicts motion is made for a frame every fortieth of a second. Here one comes every few seconds: what
moves is somewhere else by then and of no interest; what stands still is where it was, and looks as it did. Pure.
"""

from collections import Counter, deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import supervision as sv
from scipy.optimize import linear_sum_assignment

from detector.cameras.look import OTHER, SAME, Look, difference
from detector.rules import Box

STILL = 0.65  # IoU with where it first stood; a detector's box of a standing car wavers by less
MATCH = 0.45  # IoU from which on a box may be the same thing
COVERED = 0.3  # share of a place that something else in front of it hides
INSIDE = 0.8  # share of a box within the place: what is left to see of a thing half hidden
GONE_LOOKS = 3  # looks in a row that find the place empty
GONE_S = 12.0  # and so long must have passed since it was seen
OVERLOOKED = 6  # looks in a row that do not find what is still there: it was a mistake
MEMORY_S = 1800.0  # how long a hidden thing is waited for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """One thing in one frame."""

    family: str  #: only things of one family are the same thing: all vehicles are one, each kind of litter its own
    name: str  #: class of the model
    box: Box  #: pixels of the stream's picture
    confidence: float  #: 0..1
    look: Look


@dataclass(slots=True, kw_only=True, eq=False)
class Place:
    """Something that was seen at one place, perhaps many times."""

    number: int
    family: str
    box: Box  #: where it stands
    look: Look
    since_s: float  #: first seen here, stream time
    last_s: float  #: last seen here, stream time
    names: Counter[str] = field(default_factory=Counter)
    confidences: deque[float] = field(default_factory=lambda: deque(maxlen=50))
    votes: deque[bool] = field(
        default_factory=lambda: deque(maxlen=OVERLOOKED)
    )  #: seen or not, by looks that could tell
    empty_looks: int = 0  #: in a row
    hidden: bool = False  #: by something in front, at the last look
    elsewhere: Sight | None = None  #: seen a little aside, once
    elsewhere_s: float = 0.0

    @property
    def name(self) -> str:
        """Give the class it was taken for most often."""
        return self.names.most_common(1)[0][0]

    @property
    def confidence(self) -> float:
        """Give the median of what the model gave, 0..1."""
        return float(np.median(self.confidences))

    def seen(self, of: int) -> int:
        """Count how many of the last `of` looks that could tell have seen it."""
        return sum(list(self.votes)[-of:])


class Stays:
    """Keeps the places of one camera."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self._numbers = count(1)

    def still(self, at_s: float) -> None:
        """Take it that nothing has changed since the last look."""
        for place in self.places:
            if place.empty_looks == 0 and not place.hidden:
                place.last_s = at_s

    def look(
        self,
        at_s: float,
        sights: Sequence[Sight],
        others: Sequence[Box],
        looks: Sequence[Look],
        *,
        lasting: AbstractSet[int],
        relit: bool,
    ) -> list[Place]:
        """Take up what one frame shows; give the places that have proved empty, the thing last seen at `last_s`.

        Args:
            sights: things that may be at a place.
            others: boxes of all else in the frame, which may stand in front of a place.
            looks: what each of `places` looks like now, in their order.
            lasting: numbers of places that somebody has been told of; these are not given up for being overlooked.
            relit: the light has changed from day to night or back, so that looks cannot be compared.
        """
        held, pairs = list(self.places), self._pairs(sights)
        boxes = [*(one.box for one in sights), *others]
        free, left = set(range(len(sights))), []
        for at, place in enumerate(held):
            number = pairs.get(at)
            if number is None:
                self._not_found(place, looks[at], boxes, relit=relit)
            elif not self._found(place, sights[number], at_s, boxes, told=place.number in lasting, relit=relit):
                left.append(place)  # another thing stands there now
                continue
            if number is not None:
                free.discard(number)
            if _over(place, at_s, told=place.number in lasting):
                left.append(place)
        self.places = [one for one in held if one not in left]
        self.places += [self._new(sights[number], at_s) for number in sorted(free)]
        return left

    def _pairs(self, sights: Sequence[Sight]) -> dict[int, int]:
        """Give place -> sight, each at most once, so that all of them together lie best."""
        if not self.places or not sights:
            return {}
        there = np.array([one.box for one in self.places], dtype=np.float64)
        seen = np.array([one.box for one in sights], dtype=np.float64)
        overlap = sv.box_iou_batch(there, seen)
        part = _share_inside(seen, there).T
        score = np.maximum(overlap, np.where(part >= INSIDE, MATCH + 1e-3, 0.0))  # half hidden still fits, but less
        kin = np.array([[place.family == sight.family for sight in sights] for place in self.places])
        score = np.where(kin, score, 0.0)
        rows, columns = linear_sum_assignment(-score)
        return {int(a): int(b) for a, b in zip(rows, columns, strict=True) if score[a, b] >= MATCH}

    def _found(self, place: Place, sight: Sight, at_s: float, boxes: Sequence[Box], *, told: bool, relit: bool) -> bool:
        """Take up a sight at a place; say whether it is the thing that was there."""
        if place.empty_looks and not told:
            return False  # it was gone meanwhile: what stands there now has only just come
        if _iou(place.box, sight.box) >= STILL:
            another = difference(sight.look, place.look) > (SAME if place.empty_looks else OTHER)
            if another and not relit and not _hidden(place.box, boxes, sight.box):
                return False
            _see(place, sight, at_s)
            place.look, place.elsewhere = sight.look, None
            return True
        if _inside(sight.box, place.box) >= INSIDE and _hidden(place.box, boxes, sight.box):
            place.last_s, place.empty_looks = at_s, 0  # half hidden by something in front of it
            return True
        if place.elsewhere is not None and _iou(place.elsewhere.box, sight.box) >= STILL:
            place.box, place.since_s, place.look = sight.box, place.elsewhere_s, sight.look
            place.votes.clear()
            place.elsewhere = None
            _see(place, sight, at_s)
            return True
        place.elsewhere, place.elsewhere_s = sight, at_s  # moved, or a box that slipped: the next look tells
        place.last_s, place.empty_looks = at_s, 0
        return True

    def _not_found(self, place: Place, now: Look, boxes: Sequence[Box], *, relit: bool) -> None:
        """Judge a place at which the model found nothing: hidden, overlooked, or empty."""
        place.hidden = _hidden(place.box, boxes, None)
        if relit or place.hidden:
            return
        place.votes.append(False)
        place.empty_looks = 0 if difference(now, place.look) <= SAME else place.empty_looks + 1

    def _new(self, sight: Sight, at_s: float) -> Place:
        place = Place(
            number=next(self._numbers), family=sight.family, box=sight.box, look=sight.look, since_s=at_s, last_s=at_s
        )
        _see(place, sight, at_s)
        return place


def _over(place: Place, at_s: float, *, told: bool) -> bool:
    """Say whether a place is done with: empty, never really there, or hidden for too long."""
    empty = place.empty_looks >= GONE_LOOKS and at_s - place.last_s >= GONE_S
    overlooked = not told and len(place.votes) >= OVERLOOKED and not place.seen(OVERLOOKED)
    return empty or overlooked or at_s - place.last_s > MEMORY_S


def _see(place: Place, sight: Sight, at_s: float) -> None:
    place.last_s, place.empty_looks, place.hidden = at_s, 0, False
    place.votes.append(True)
    place.confidences.append(sight.confidence)
    place.names[sight.name] += 1


def _iou(one: Box, other: Box) -> float:
    return float(sv.box_iou_batch(np.array([one]), np.array([other]))[0, 0])


def _share_inside(boxes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Give for each box the share of it that lies in each place, (boxes, places)."""
    low = np.maximum(boxes[:, None, :2], places[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], places[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    return np.asarray(both / np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6)[:, None])


def _inside(box: Box, place: Box) -> float:
    return float(_share_inside(np.array([box]), np.array([place]))[0, 0])


def _hidden(place: Box, boxes: Sequence[Box], but: Box | None) -> bool:
    """Say whether something in front may hide a place: things nearer to the camera reach further down the picture."""
    return any(one != but and one[3] > place[3] and _inside(place, one) >= COVERED for one in boxes)
