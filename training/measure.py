"""All that is measured of a version: per class and source, small objects apart, calibration, speed. No torch.

The detector that serves looks at labelled pictures; `scoring` counts. A class is judged only on pictures whose source
labels it everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from detector import Detector
from detector.curves import MOST_POINTS, Curve, CurvePoint, Curves
from training.classes import CLASS_INDEX, CLASSES
from training.evaluate import TARGET_PRECISION, Judged, false_alarms_per_100, fresh, judge_all
from training.labelled import set_sha256
from training.scoring import (
    Ranking,
    at_threshold,
    average_precision,
    precision_recall,
    rank,
    recall_at_precision,
    score,
    small_only,
)
from training.sources import Picture

BINS: Final = 10
#: Confidence from which on calibration is told: no threshold lies under it, and junk near 0 would flatter the error.
CALIBRATED_FROM: Final = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Found boxes of about one confidence."""

    low: float
    high: float
    boxes: int
    mean_confidence: float | None  #: None where there are no boxes
    share_right: float | None  #: at IoU .5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One class on one source, or on all that judge it."""

    pictures: int
    boxes: int  #: labelled
    map50: float
    map50_95: float
    recall_at_precision_90: float
    precision: float | None  #: at the card's automatic threshold
    recall: float | None
    small_boxes: int  #: labelled, of them small
    small_map50: float | None  #: None where none is small
    small_recall: float | None  #: at the card's automatic threshold
    calibration_error: float | None  #: expected, 0..1; None where nothing is sure enough


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """One class as a whole and source by source."""

    automatic: float  #: the card's threshold
    whole: Figures
    sources: Mapping[str, Figures]  #: by "source/part"
    fresh: Figures | None  #: without pictures whose scene was learned from; None where there are none such
    false_alarms_per_100: float | None  #: cables found on 100 pictures of other sources, at the automatic threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """From the file to boxes on the picture: opened, laid in, looked at, read out."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything of one version on one set."""

    model: str  #: NAME/VERSION
    model_sha256: str
    part: str
    pictures: int
    validation_sha256: str  #: of the set
    classes: Mapping[str, ClassFigures]
    mean_map50: float
    mean_map50_95: float
    calibration: Sequence[Bin]  #: over all judged classes
    calibration_error: float | None
    speed: Speed

    @property
    def map50(self) -> dict[str, float]:
        """By class, for the gate."""
        return {name: one.whole.map50 for name, one in self.classes.items()}


def look_at_all(
    detector: Detector, pictures: Sequence[Picture], tell: Callable[[int], None]
) -> tuple[list[Judged], Speed]:
    """Ask the detector about every picture; classes in our numbers whatever the card's order; `tell` hears progress."""
    ours = np.array([CLASS_INDEX.get(entry.name, -1) for entry in detector.card.classes], dtype=np.int64)
    answers, seconds = [], []
    for done, picture in enumerate(pictures, start=1):
        began = time.perf_counter()
        (answer,) = judge_all(detector, [picture], lambda _done: None)
        seconds.append(time.perf_counter() - began)
        answers.append(replace(answer, class_index=ours[answer.class_index]))
        tell(done)
    median, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return answers, Speed(median_ms=float(median), p95_ms=float(p95))


def measure(detector: Detector, answers: Sequence[Judged], speed: Speed) -> Measurement:
    """Count what the detector said to a set of pictures."""
    classes = {
        entry.name: found
        for entry in sorted(detector.card.classes, key=lambda one: CLASS_INDEX.get(one.name, len(CLASSES)))
        if (found := _measure_class(entry.name, entry.automatic, answers)) is not None
    }
    pooled = [
        _ranking([answer for answer in answers if name in answer.picture.judged], CLASS_INDEX[name]) for name in classes
    ]
    bins = reliability(pooled)
    return Measurement(
        model=detector.version,
        model_sha256=detector.card.model.sha256,
        part=answers[0].picture.part,
        pictures=len(answers),
        validation_sha256=set_sha256(answer.picture for answer in answers),
        classes=classes,
        mean_map50=float(np.mean([one.whole.map50 for one in classes.values()])) if classes else 0.0,
        mean_map50_95=float(np.mean([one.whole.map50_95 for one in classes.values()])) if classes else 0.0,
        calibration=bins,
        calibration_error=calibration_error(bins),
        speed=speed,
    )


def curves_of(measurement: Measurement, answers: Sequence[Judged]) -> Curves:
    """Thin the curve of each class to what a drawing needs: at most `MOST_POINTS`, evenly along the ranking."""
    curves = []
    for name, found in measurement.classes.items():
        ranking = _ranking([answer for answer in answers if name in answer.picture.judged], CLASS_INDEX[name])
        precision, recall = precision_recall(ranking)
        count = len(ranking.confidence)
        some = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int)) if count else []
        points = [
            CurvePoint(
                confidence=round(float(ranking.confidence[one]), 4),
                precision=round(float(precision[one]), 4),
                recall=round(float(recall[one]), 4),
            )
            for one in some
        ]
        curves.append(Curve(name=name, pictures=found.whole.pictures, boxes=found.whole.boxes, points=points))
    return Curves(
        model_sha256=measurement.model_sha256,
        part=measurement.part,
        pictures=measurement.pictures,
        validation_sha256=measurement.validation_sha256,
        classes=curves,
    )


def _measure_class(name: str, automatic: float, answers: Sequence[Judged]) -> ClassFigures | None:
    """One class, None where no label of it is there to judge it by."""
    index = CLASS_INDEX.get(name)
    judging = [answer for answer in answers if name in answer.picture.judged]
    if index is None or not any((answer.truth[:, 0] == index).any() for answer in judging):
        return None
    new = fresh(judging)
    places = sorted({f"{one.picture.source}/{one.picture.part}" for one in judging})
    return ClassFigures(
        automatic=automatic,
        whole=_figures(judging, index, automatic),
        sources={
            place: _figures(
                [one for one in judging if f"{one.picture.source}/{one.picture.part}" == place], index, automatic
            )
            for place in places
        },
        fresh=_figures(new, index, automatic) if len(new) < len(judging) else None,
        false_alarms_per_100=false_alarms_per_100(name, automatic, answers),
    )


def _ranking(answers: Sequence[Judged], index: int) -> Ranking:
    return rank([answer.seen(index) for answer in answers])


def _figures(answers: Sequence[Judged], index: int, automatic: float) -> Figures:
    ranking = _ranking(answers, index)
    whole = score(ranking)
    precision, recall = at_threshold(ranking, automatic)
    small = rank([small_only(answer.seen(index), answer.side_px) for answer in answers], (0.5,))
    return Figures(
        pictures=whole.pictures,
        boxes=whole.boxes,
        map50=whole.map50,
        map50_95=whole.map50_95,
        recall_at_precision_90=recall_at_precision(ranking, TARGET_PRECISION),
        precision=precision,
        recall=recall,
        small_boxes=small.truths,
        small_map50=average_precision(small) if small.truths else None,
        small_recall=at_threshold(small, automatic)[1] if small.truths else None,
        calibration_error=calibration_error(reliability([ranking])),
    )


def reliability(rankings: Sequence[Ranking]) -> list[Bin]:
    """Of the boxes in each tenth of confidence, how sure the model was and how many were right at IoU .5."""
    confidence = np.concatenate([one.confidence for one in rankings]) if rankings else np.zeros(0)
    right = np.concatenate([one.right[:, 0] for one in rankings]) if rankings else np.zeros(0, dtype=bool)
    edges = np.linspace(CALIBRATED_FROM, 1.0, BINS)  # nine bins of a tenth each; under the first nothing is told
    bins = []
    for low, high in pairwise(edges):
        inside = (confidence >= low) & ((confidence < high) | (high == edges[-1]))
        some = bool(inside.any())
        bins.append(
            Bin(
                low=round(float(low), 3),
                high=round(float(high), 3),
                boxes=int(inside.sum()),
                mean_confidence=float(confidence[inside].mean()) if some else None,
                share_right=float(right[inside].mean()) if some else None,
            )
        )
    return bins


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance between how sure and how right, weighted by boxes; None where there are none.

    Source: Guo et al. 2017, expected calibration error, with "right" as IoU .5 to a label of the class.
    """
    total = sum(one.boxes for one in bins)
    if not total:
        return None
    apart = (
        one.boxes * abs(one.mean_confidence - one.share_right)
        for one in bins
        if one.mean_confidence is not None and one.share_right is not None
    )
    return sum(apart) / total
