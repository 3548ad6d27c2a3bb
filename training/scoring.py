"""Average precision, precision and recall of boxes against boxes. Pure arrays: no files, no network, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.labels import overlap

#: IoU thresholds .50, .55 … .95. Source: the COCO detection challenge.
IOU_STEPS: Final = tuple(round(0.50 + 0.05 * step, 2) for step in range(10))
SMALL_PX: Final = 32.0  #: a box of less area than this squared, on a picture of 640 px, is small. Source: COCO
SMALL_AT_PX: Final = 640.0  #: long side of the picture that smallness is told on


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a model found and what is there, one class on one picture."""

    boxes: npt.NDArray[np.float64]  #: found, (n, 4) x1 y1 x2 y2 pixels
    confidence: npt.NDArray[np.float64]  #: (n,) 0..1
    truth: npt.NDArray[np.float64]  #: labelled, (m, 4) x1 y1 x2 y2 pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All boxes found of one class, surest first, and whether each is right at each IoU step."""

    confidence: npt.NDArray[np.float64]  #: (n,) falling
    right: npt.NDArray[np.bool_]  #: (n, steps)
    truths: int  #: labelled boxes in all
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Figures of one class."""

    pictures: int
    boxes: int
    map50: float
    map50_95: float


def match(seen: Seen, steps: Sequence[float] = IOU_STEPS) -> npt.NDArray[np.bool_]:
    """Whether each found box is right at each IoU step, (n, steps) bool.

    Found boxes choose in order of confidence, each the best label still free (as COCO and Ultralytics do).
    """
    right = np.zeros((len(seen.boxes), len(steps)), dtype=bool)
    if not len(seen.boxes) or not len(seen.truth):
        return right
    shared = overlap(seen.boxes, seen.truth)
    wanted = np.array(steps)
    taken = np.zeros((len(seen.truth), len(steps)), dtype=bool)
    every = np.arange(len(steps))
    for found in np.argsort(-seen.confidence, kind="stable"):
        free = np.where(taken, 0.0, shared[found][:, None])
        best = free.argmax(axis=0)
        right[found] = free[best, every] >= wanted
        taken[best[right[found]], every[right[found]]] = True
    return right


def rank(pictures: Sequence[Seen], steps: Sequence[float] = IOU_STEPS) -> Ranking:
    """Gather one class over many pictures, surest box first."""
    confidence = np.concatenate([seen.confidence for seen in pictures]) if pictures else np.zeros(0)
    right = np.concatenate([match(seen, steps) for seen in pictures]) if pictures else np.zeros((0, len(steps)), bool)
    order = np.argsort(-confidence, kind="stable")
    return Ranking(
        confidence=confidence[order],
        right=right[order],
        truths=sum(len(seen.truth) for seen in pictures),
        pictures=len(pictures),
    )


def precision_recall(ranking: Ranking, step: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Precision and recall after each box of the ranking, two (n,) arrays, at one IoU step."""
    hits = ranking.right[:, step].cumsum()
    precision = hits / np.arange(1, len(hits) + 1)
    return precision, hits / max(ranking.truths, 1)


def average_precision(ranking: Ranking, step: int = 0) -> float:
    """Area under the precision-recall curve by 101 points; 0 where nothing is labelled or found.

    Source: COCO's 101-point interpolation with Ultralytics' end points, so that figures compare.
    """
    if not ranking.truths or not len(ranking.confidence):
        return 0.0
    precision, recall = precision_recall(ranking, step)
    recall = np.concatenate([[0.0], recall, [recall[-1] if len(recall) else 1.0], [1.0]])
    precision = np.concatenate([[1.0], precision, [0.0], [0.0]])
    envelope = np.flip(np.maximum.accumulate(np.flip(precision)))
    points = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(points, recall, envelope), points))


def score(ranking: Ranking) -> Score:
    """All figures of one class's ranking over the ten IoU steps."""
    each = [average_precision(ranking, step) for step in range(len(IOU_STEPS))]
    return Score(pictures=ranking.pictures, boxes=ranking.truths, map50=each[0], map50_95=float(np.mean(each)))


def at_threshold(ranking: Ranking, confidence: float, step: int = 0) -> tuple[float | None, float | None]:
    """Precision and recall of the boxes at or above a confidence; None where there is nothing to divide by."""
    kept = int((ranking.confidence >= confidence).sum())
    hits = int(ranking.right[:kept, step].sum())
    return (hits / kept if kept else None), (hits / ranking.truths if ranking.truths else None)


def picture_auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that a picture that shows the class scores above one that does not, ties half; None if one is missing."""
    if not positive or not negative:
        return None
    high, low = np.array(positive)[:, None], np.array(negative)[None]
    return float(((high > low) + 0.5 * (high == low)).mean())


def recall_at_precision(ranking: Ranking, wanted: float) -> float:
    """Largest recall at which precision is at least `wanted`, 0 where it never is."""
    precision, recall = precision_recall(ranking)
    good = recall[precision >= wanted]
    return float(good.max()) if len(good) else 0.0


def small_only(seen: Seen, side_px: float) -> Seen:
    """One class on one picture with only what concerns small objects.

    Large labels go, and with them the found boxes that lie on one; large found boxes that lie on nothing go too: they
    are the large objects' false alarms. Source: COCO's area ranges.
    """
    limit = (SMALL_PX * side_px / SMALL_AT_PX) ** 2
    small_truth = _areas(seen.truth) < limit
    on_small = (overlap(seen.boxes, seen.truth[small_truth]) >= 0.5).any(axis=1)
    on_large = (overlap(seen.boxes, seen.truth[~small_truth]) >= 0.5).any(axis=1)
    kept = on_small | (~on_large & (_areas(seen.boxes) < limit))
    return Seen(boxes=seen.boxes[kept], confidence=seen.confidence[kept], truth=seen.truth[small_truth])


def _areas(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    area: npt.NDArray[np.float64] = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    return area
