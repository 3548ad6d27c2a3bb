"""Pictures of a measurement: precision-recall curves, reliability, confusion, and the photographs it does worst on.

Photographs are other people's: they are written only into the folder that is named, never into the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from detector import Card, Mark, draw, open_photo
from detector.drawing import AMBER, RED
from training.classes import CLASS_INDEX, CLASSES
from training.evaluate import TARGET_PRECISION, Judged
from training.labels import overlap
from training.measure import Measurement
from training.places import REPOSITORY, TrainingError
from training.scoring import Seen, match, precision_recall, rank

WORST: Final = 12
GREEN: Final = (16, 110, 60)  # a label; white text on it has contrast 6.3:1
SHOWN_PX: Final = 1280  # long side of a photograph that is written
MATCHED: Final = 0.5  # IoU from which a box lies on a label


def write_report(folder: Path, card: Card, measurement: Measurement, answers: Sequence[Judged], worst: int) -> None:
    """Write all pictures of a measurement into a folder, which is made if need be.

    Raises:
        TrainingError: the folder lies in the repository, where no photographs belong.
    """
    refuse_repository(folder)
    folder.mkdir(parents=True, exist_ok=True)
    precision_recall_curves(measurement, answers).savefig(folder / "precision-recall.png", dpi=110)
    reliability_diagram(measurement).savefig(folder / "reliability.png", dpi=110)
    confusion_matrix(card, measurement, answers).savefig(folder / "confusion.png", dpi=110)
    photographs = folder / "worst"
    photographs.mkdir(exist_ok=True)
    for place, (answer, faults) in enumerate(worst_pictures(card, answers, worst), start=1):
        _write_photograph(photographs / f"{place:02d}-{answer.picture.key}.jpg", answer, faults)


def refuse_repository(folder: Path) -> None:
    """Let a folder pass that lies outside the repository or in one of its `var…` folders, which git ignores.

    Raises:
        TrainingError: it lies where it could be committed.
    """
    if not (REPOSITORY / ".git").exists() or not folder.resolve().is_relative_to(REPOSITORY):
        return
    inside = folder.resolve().relative_to(REPOSITORY).parts
    if not inside or not (inside[0] == "var" or inside[0].startswith("var-")):
        raise TrainingError(f"{folder} lies in the repository, where no photographs belong. Name a folder outside it.")


def _judging(name: str, answers: Sequence[Judged]) -> list[Judged]:
    return [answer for answer in answers if name in answer.picture.judged]


def precision_recall_curves(measurement: Measurement, answers: Sequence[Judged]) -> Figure:
    """One small plot a class at IoU .5, with the target precision and where the card's threshold lies."""
    names = list(measurement.classes)
    across = min(4, max(1, len(names)))
    down = -(-max(1, len(names)) // across)
    figure = Figure(figsize=(3.4 * across, 3.1 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, names, strict=False):
        found = measurement.classes[name]
        ranking = rank([answer.seen(CLASS_INDEX[name]) for answer in _judging(name, answers)])
        precision, recall = precision_recall(ranking)
        axis.plot(recall, precision, linewidth=1.6)
        axis.axhline(TARGET_PRECISION, linestyle=":", linewidth=1, color="grey")
        if found.whole.precision is not None and found.whole.recall is not None:
            axis.plot([found.whole.recall], [found.whole.precision], "o", label=f"automatic {found.automatic:.2f}")
            axis.legend(loc="lower left", fontsize=7)
        axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        axis.set_title(f"{name}: mAP50 {found.whole.map50:.3f} ({found.whole.boxes} boxes)", fontsize=9)
    figure.suptitle(f"{measurement.model} on {measurement.part}", fontsize=10)
    return figure


def reliability_diagram(measurement: Measurement) -> Figure:
    """How sure the model is against how often it is right, and how many boxes each bar stands for."""
    figure = Figure(figsize=(5, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    some = [one for one in measurement.calibration if one.share_right is not None]
    centres = [(one.low + one.high) / 2 for one in some]
    width = [0.9 * (one.high - one.low) for one in some]
    above.bar(centres, [one.share_right for one in some], width, label="right at IoU .5")
    above.plot([0, 1], [0, 1], linestyle=":", color="grey", label="as sure as right")
    error = measurement.calibration_error
    shown = "–" if error is None else f"{error:.3f}"
    above.set(ylim=(0, 1), ylabel="share right", title=f"{measurement.model}: expected calibration error {shown}")
    above.legend(loc="upper left", fontsize=8)
    below.bar(centres, [one.boxes for one in some], width, color="grey")
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="boxes")
    return figure


def confusion_counts(card: Card, answers: Sequence[Judged]) -> npt.NDArray[np.int64]:
    """Labels (rows) against found boxes (columns), (classes + 1, classes + 1); the last is "nothing".

    Boxes from the card's review thresholds up, at IoU .5, the surest first and whatever their class. A found box of a
    class that the picture's source does not label is nobody's fault and is not counted.
    """
    nothing = len(CLASSES)
    counts = np.zeros((nothing + 1, nothing + 1), dtype=np.int64)
    for answer in answers:
        free = np.ones(len(answer.truth), dtype=bool)
        for at in _sure_boxes(card, answer):
            shared = np.where(free, overlap(answer.boxes[at : at + 1], answer.truth[:, 1:])[0], 0.0)
            found = int(answer.class_index[at])
            if len(shared) and shared.max() >= MATCHED:
                free[shared.argmax()] = False
                counts[int(answer.truth[shared.argmax(), 0]), found] += 1
            elif CLASSES[found] in answer.picture.judged:
                counts[nothing, found] += 1
        for row in answer.truth[free]:
            counts[int(row[0]), nothing] += 1
    return counts


def _sure_boxes(card: Card, answer: Judged) -> list[int]:
    """Places of the boxes at or above their review threshold, surest first."""
    review = {CLASS_INDEX[one.name]: one.review for one in card.classes if one.name in CLASS_INDEX}
    sure = [
        at
        for at in range(len(answer.boxes))
        if answer.confidence[at] >= review.get(int(answer.class_index[at]), float("inf"))
    ]
    return sorted(sure, key=lambda at: -float(answer.confidence[at]))


def confusion_matrix(card: Card, measurement: Measurement, answers: Sequence[Judged]) -> Figure:
    """The counts as a table in colours, rows as shares of their labels."""
    counts = confusion_counts(card, answers)
    used = [index for index in range(len(CLASSES)) if counts[index].any() or counts[:, index].any()] + [len(CLASSES)]
    shown = counts[np.ix_(used, used)]
    names = [*(CLASSES[index] for index in used[:-1]), "nothing"]
    share = shown / np.maximum(shown.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.62 * len(names)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axis = figure.subplots()
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(shown > 0):
        colour = "white" if share[row, column] > 0.55 else "black"
        axis.text(column, row, str(shown[row, column]), ha="center", va="center", fontsize=8, color=colour)
    axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set(xlabel="found, from the review threshold up", ylabel="labelled")
    axis.set_title(f"{measurement.model} on {measurement.part}", fontsize=9)
    return figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong with what was said of one picture."""

    missed: list[int]  #: rows of its labels
    false: list[int]  #: found boxes from the review threshold up that lie on nothing
    weight: float  #: a missed label counts one, a false alarm its confidence


def faults_of(card: Card, answer: Judged) -> Faults:
    """What was missed and what was seen where nothing is, of the classes that the picture's source labels."""
    sure = _sure_boxes(card, answer)
    missed: list[int] = []
    false: list[int] = []
    for name in answer.picture.judged:
        index = CLASS_INDEX[name]
        mine = [at for at in sure if answer.class_index[at] == index]
        rows = np.flatnonzero(answer.truth[:, 0] == index)
        seen = Seen(boxes=answer.boxes[mine], confidence=answer.confidence[mine], truth=answer.truth[rows, 1:])
        right = match(seen, (MATCHED,))[:, 0]
        false += [at for at, good in zip(mine, right, strict=True) if not good]
        hit = (overlap(seen.truth, seen.boxes[right]) >= MATCHED).any(axis=1)
        missed += rows[~hit].tolist()
    weight = len(missed) + sum(float(answer.confidence[at]) for at in false)
    return Faults(missed=missed, false=false, weight=weight)


def worst_pictures(card: Card, answers: Sequence[Judged], count: int) -> list[tuple[Judged, Faults]]:
    """The pictures with the heaviest faults, heaviest first; those without any are left out."""
    judged = [(answer, faults_of(card, answer)) for answer in answers]
    judged = [one for one in judged if one[1].weight > 0]
    return sorted(judged, key=lambda one: (-one[1].weight, one[0].picture.key))[:count]


def _write_photograph(path: Path, answer: Judged, faults: Faults) -> None:
    """The photograph with missed labels in amber, those found in green, and false alarms in red."""
    photo = open_photo(answer.picture.path)
    labels = [
        _mark(row[1:], CLASSES[int(row[0])], AMBER if number in faults.missed else GREEN)
        for number, row in enumerate(answer.truth)
    ]
    alarms = [
        _mark(answer.boxes[at], f"{CLASSES[int(answer.class_index[at])]} {answer.confidence[at]:.2f}", RED)
        for at in faults.false
    ]
    pixels = draw(photo.pixels, [*labels, *alarms], original_width=photo.width)
    ratio = min(1.0, SHOWN_PX / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    made, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not made:
        raise TrainingError(f"{path} could not be written as JPEG.")
    path.write_bytes(encoded.tobytes())


def _mark(box: npt.NDArray[np.float64], text: str, colour: tuple[int, int, int]) -> Mark:
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return Mark(box=(x1, y1, x2, y2), text=text, colour=colour)
