"""Things that stay where they are, matched by place and look from one frame to the next, however far apart.

A tracker that predicts motion is made for a frame every fortieth of a second. Here one comes every few seconds: what
moves is somewhere else by then and of no interest; what stands still is where it was, and looks as it did. Whether a
place is empty is not asked of the model alone, which overlooks things: it is held against what the thing looked like,
and against what the street looks like there without it. Pure.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
import supervision as sv
from scipy.optimize import linear_sum_assignment

from detector.cameras.look import OTHER, SAME, Look, difference
from detector.rules import Box

STILL = 0.65  # IoU with where it first stood; a detector's box of a standing car wavers by less
MATCH = 0.45  # IoU from which on a box may be the same thing
LOOK_COUNTS = 0.2  # how much a look that differs by 1 counts against a box that fits: two cars in turn at one place
COVERED = 0.3  # share of a place that something else in front of it hides
INSIDE = 0.8  # share of a box within the place: what is left to see of a thing half hidden
TOUCHES = 0.5  # share of the smaller within the larger: the outline of what has no name wavers more than a model's box
GONE_LOOKS = 3  # looks in a row that find the place empty
GONE_S = 12.0  # and so long must have passed since it was seen
VEILED_LOOKS = 12  # looks in a row that see neither the thing nor the street: what is there now has come to stay
OVERLOOKED = 6  # looks in a row that do not find what is still there: it was a mistake
MEMORY_S = 1800.0  # how long a hidden thing is waited for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """One thing in one frame."""

    family: str  #: only things of one family are the same thing
    names: Mapping[str, float]  #: what it may be called -> how sure that is, 0..1; at least one
    box: Box  #: pixels of the stream's picture
    look: Look
    street: Look | None = None  #: what the street looks like there while nothing stands on it, where that is known
    outlined: bool = False  #: the box is an outline of what differs, not a model's


@dataclass(slots=True, kw_only=True, eq=False)
class Place:
    """Something that was seen at one place, perhaps many times."""

    number: int
    family: str
    box: Box  #: where it stands
    look: Look  #: of the thing there, at `box`
    street: Look | None  #: of the place without it
    outlined: bool
    since_s: float  #: first seen here, stream time
    last_s: float  #: last seen here, stream time
    names: Counter[str] = field(default_factory=Counter)
    confidences: dict[str, deque[float]] = field(default_factory=dict)
    votes: deque[AbstractSet[str]] = field(
        default_factory=lambda: deque(maxlen=OVERLOOKED)
    )  #: what it was called, by looks that could tell; empty where it was not seen
    empty_looks: int = 0  #: in a row
    hidden: bool = False  #: by something in front, at the last look
    veiled_looks: int = 0  #: in a row: neither the thing nor the street was to be seen, nobody knows why

    @property
    def uncertain(self) -> bool:
        """Say whether the last look could not tell if it is still there."""
        return self.hidden or self.empty_looks > 0 or self.veiled_looks > 0

    @property
    def name(self) -> str:
        """Give the class it was taken for most often."""
        return self.names.most_common(1)[0][0]

    def confidence(self, name: str) -> float:
        """Give the median of what the model gave for a name, 0..1."""
        return float(np.median(self.confidences[name]))

    def seen(self, of: int, name: str | None = None) -> int:
        """Count how many of the last `of` looks that could tell have seen it, or have seen it by that name."""
        return sum(bool(one) if name is None else name in one for one in list(self.votes)[-of:])


class Stays:
    """Keeps the places of one camera."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self._numbers = count(1)

    def still(self, at_s: float) -> None:
        """Take it that nothing has changed since the last look."""
        for place in self.places:
            if not place.uncertain:
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
        held, pairs = list(self.places), self._pairs(sights, looks, lasting)
        boxes = [*(one.box for one in sights), *others]
        free, left = set(range(len(sights))), []
        for at, place in enumerate(held):
            number, now = pairs.get(at), looks[at]
            sight = None if number is None else sights[number]
            if relit:
                place.look, place.street = now, None
            if sight is not None and number is not None and _same(place, sight, now, boxes):
                _see(place, sight, now, at_s, boxes)
                free.discard(number)
                continue
            told = place.number in lasting
            if not told and place.empty_looks and _succeeded(place, sights):
                left.append(place)
                continue
            _not_found(place, now, at_s, boxes, instead=sight, relit=relit)
            if _over(place, at_s, told=told):
                left.append(place)
        self.places = [one for one in held if one not in left]
        self.places += [self._new(sights[number], at_s) for number in sorted(free)]
        return left

    def _pairs(self, sights: Sequence[Sight], looks: Sequence[Look], lasting: AbstractSet[int]) -> dict[int, int]:
        """Give place -> sight, each at most once, so that all of them together lie best."""
        if not self.places or not sights:
            return {}
        there = np.array([one.box for one in self.places], dtype=np.float64)
        seen = np.array([one.box for one in sights], dtype=np.float64)
        overlap = sv.box_iou_batch(there, seen)
        part, rest = _share_inside(seen, there).T, _share_inside(there, seen)
        fits = part >= INSIDE  # half hidden still fits, but less
        outlined = np.array([[place.outlined or sight.outlined for sight in sights] for place in self.places])
        fits |= outlined & (np.maximum(part, rest) >= TOUCHES)
        score = np.maximum(overlap, np.where(fits, MATCH + 1e-3, 0.0))
        kin = np.array(
            [
                # what was gone before anybody was told of it is another thing when it comes back
                [
                    place.family == sight.family and (not place.empty_looks or place.number in lasting)
                    for sight in sights
                ]
                for place in self.places
            ]
        )
        score = np.where(kin & (score >= MATCH), score, 0.0)
        unlike = np.array(
            [[min(difference(now, place.look), 1.5)] for place, now in zip(self.places, looks, strict=True)]
        )
        rows, columns = linear_sum_assignment(-np.where(score > 0, score - LOOK_COUNTS * unlike + 1.0, 0.0))
        return {int(a): int(b) for a, b in zip(rows, columns, strict=True) if score[a, b] > 0}

    def _new(self, sight: Sight, at_s: float) -> Place:
        place = Place(
            number=next(self._numbers),
            family=sight.family,
            box=sight.box,
            look=sight.look,
            street=sight.street,
            outlined=sight.outlined,
            since_s=at_s,
            last_s=at_s,
        )
        _call(place, sight, at_s)
        return place


def _same(place: Place, sight: Sight, now: Look, boxes: Sequence[Box]) -> bool:
    """Say whether what is seen at a place is the thing that was there."""
    hidden = _hidden(place.box, boxes, sight.box)
    unlike = difference(now, place.look)
    if _iou(place.box, sight.box) >= STILL and (hidden or unlike <= (SAME if place.empty_looks else OTHER)):
        return True
    if hidden:
        return _inside(sight.box, place.box) >= INSIDE
    return unlike <= SAME and not _emptier(place, now, unlike)  # the box has slipped, or part of it shows


def _succeeded(place: Place, sights: Sequence[Sight]) -> bool:
    """Say whether something stands where a thing was that nobody has been told of."""
    return any(one.family == place.family and _iou(one.box, place.box) >= MATCH for one in sights)


def _emptier(place: Place, now: Look, unlike: float) -> bool:
    """Say whether a place looks more like the street without the thing than like the thing."""
    return place.street is not None and difference(now, place.street) < unlike


def _stands_out(place: Place) -> bool:
    """Say whether a thing is known to differ from the street without it: that it is not found is then no news."""
    return place.street is not None and difference(place.look, place.street) > SAME


def _see(place: Place, sight: Sight, now: Look, at_s: float, boxes: Sequence[Box]) -> None:
    """Take up that a thing is still there."""
    if not _hidden(place.box, boxes, sight.box):
        place.look = now
    _call(place, sight, at_s)


def _call(place: Place, sight: Sight, at_s: float) -> None:
    place.last_s, place.empty_looks, place.veiled_looks, place.hidden = at_s, 0, 0, False
    place.votes.append(frozenset(sight.names))
    for name, confidence in sight.names.items():
        place.names[name] += 1
        place.confidences.setdefault(name, deque(maxlen=50)).append(confidence)


def _not_found(
    place: Place, now: Look, at_s: float, boxes: Sequence[Box], *, instead: Sight | None, relit: bool
) -> None:
    """Judge a place at which the thing was not found: hidden, overlooked, or empty.

    Args:
        instead: another thing that stands there.
    """
    place.hidden = _hidden(place.box, boxes, instead.box if instead else None)
    if relit or place.hidden:
        return
    unlike = difference(now, place.look)
    if unlike <= SAME and not _emptier(place, now, unlike):
        place.empty_looks = place.veiled_looks = 0
        if not _stands_out(place):
            place.votes.append(frozenset())
        if place.street is not None:  # it was overlooked: the place looks like the thing and not like the street
            place.last_s = at_s
    elif instead is not None or place.street is None or _emptier(place, now, unlike):
        place.votes.append(frozenset())
        place.empty_looks += 1
    else:
        place.veiled_looks += 1


def _over(place: Place, at_s: float, *, told: bool) -> bool:
    """Say whether a place is done with: empty, never really there, or hidden for too long."""
    patience = VEILED_LOOKS if told else GONE_LOOKS
    empty = (place.empty_looks >= GONE_LOOKS or place.veiled_looks >= patience) and at_s - place.last_s >= GONE_S
    overlooked = not told and len(place.votes) >= OVERLOOKED and not place.seen(OVERLOOKED)
    return empty or overlooked or at_s - place.last_s > MEMORY_S


def _iou(one: Box, other: Box) -> float:
    return float(sv.box_iou_batch(np.array([one]), np.array([other]))[0, 0])


def _share_inside(boxes: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
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
