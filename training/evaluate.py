"""Judge a model folder as it serves: the real detector, on photographs with labels. No torch in here.

`python -m training.evaluate --part val` prints a table per class for models/street and, with `--save`, keeps
the figures beside the model. Tune on `dev`; open `val` only for figures that are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from detector import Detector, open_photo
from training.classes import CLASS_INDEX, CLASSES
from training.data.leaks import read_scene_list
from training.labels import read_labels, to_xyxy
from training.places import data_dir, models_dir
from training.scoring import (
    Ranking,
    Score,
    Seen,
    at_threshold,
    average_precision,
    picture_auroc,
    rank,
    recall_at_precision,
    score,
    small_only,
)
from training.sources import Picture, checksum, load_pictures

LOWEST_CONFIDENCE: Final = 0.001  # average precision wants the whole curve
TARGET_PRECISION: Final = 0.90  # above `automatic`; source: the project's design
REVIEW_PRECISION: Final = 0.50  # below it a reviewer sees more false alarms than finds
ENOUGH_BOXES: Final = 30  # labelled dev boxes under which no threshold is read from them
FEWEST_RANKED: Final = 10  # found boxes over which a precision begins to mean something
LOWEST_REVIEW: Final = 0.10
NEVER_SURE: Final = 0.90
CAUTIOUS: Final = (0.5, 0.25)  # automatic and review where dev cannot tell
#: Three sources merged, unlabelled things counted as background: how the plain run's floor was measured.
MERGED_SOURCES: Final = ("garbage", "potholes", "graffiti")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the model said to one picture."""

    picture: Picture
    boxes: npt.NDArray[np.float64]  #: (n, 4) x1 y1 x2 y2 pixels
    confidence: npt.NDArray[np.float64]  #: (n,)
    class_index: npt.NDArray[np.int64]  #: (n,)
    truth: npt.NDArray[np.float64]  #: (m, 5) class, x1 y1 x2 y2 pixels
    side_px: float  #: long side of the original picture, by which small objects are told

    def seen(self, index: int) -> Seen:
        """One class of it."""
        found, there = self.class_index == index, self.truth[:, 0] == index
        return Seen(boxes=self.boxes[found], confidence=self.confidence[found], truth=self.truth[there, 1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassResult:
    """Figures of one class on one part."""

    source: str
    score: Score
    automatic: float
    review: float
    precision: float | None  #: at the model card's automatic threshold
    recall: float | None
    recall_at_precision_90: float
    small: Score | None  #: small objects alone; None where none is labelled
    fresh: Score | None  #: without pictures whose scene was learned from; None where there are none such
    false_alarms_per_100: float | None  #: cables only


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All figures of one model on one part."""

    part: str
    pictures: int
    classes: dict[str, ClassResult]
    mean_map50_street: float  #: mean of the five street classes
    mean_map50_merged: float | None  #: the same, unlabelled things of the other sources counted as background
    cables: dict[str, float | None] = field(default_factory=dict)  #: by picture and at IoU .3


def judge_all(detector: Detector, pictures: Iterable[Picture], tell: Callable[[int], None]) -> list[Judged]:
    """Ask the model about every picture; `tell` hears how many are done."""
    answers = []
    for done, picture in enumerate(pictures, start=1):
        photo = open_photo(picture.path)
        found = detector.detect(photo, min_confidence=LOWEST_CONFIDENCE)
        corners = to_xyxy(picture.labels, photo.width, photo.height)
        answers.append(
            Judged(
                picture=picture,
                boxes=np.asarray(found.xyxy, dtype=np.float64).reshape(-1, 4),
                confidence=np.asarray(found.confidence, dtype=np.float64),
                class_index=np.asarray(found.class_id, dtype=np.int64),
                truth=np.column_stack([picture.labels[:, :1], corners]),
                side_px=float(max(photo.width, photo.height)),
            )
        )
        tell(done)
    return answers


def fresh(answers: Sequence[Judged]) -> list[Judged]:
    """Those whose scene, as far as anybody knows, stands in no picture that was learned from."""
    learned = {name: read_scene_list(name) for name in {one.picture.source for one in answers}}
    return [
        one
        for one in answers
        if not learned[one.picture.source] or checksum(one.picture.path) not in learned[one.picture.source]
    ]


def false_alarms_per_100(name: str, automatic: float, answers: Sequence[Judged]) -> float | None:
    """Cables seen at or above the automatic threshold on 100 pictures of garbage, potholes and graffiti.

    Nobody has labelled cables on those; the few that truly hang there count as alarms too. Pictures of the three
    sources on which cables are labelled are left out. None for every other class: those do stand on one another's
    pictures.
    """
    others = [one for one in answers if one.picture.source in MERGED_SOURCES and name not in one.picture.judged]
    if name != "tangled_cable" or not others:
        return None
    alarms = sum(int((one.seen(CLASS_INDEX[name]).confidence >= automatic).sum()) for one in others)
    return 100 * alarms / len(others)


def rankings(answers: Sequence[Judged]) -> dict[str, tuple[str, Ranking]]:
    """Per class the sources that judge it and the ranking over their pictures; classes nobody labels are left out."""
    result = {}
    for name, index in CLASS_INDEX.items():
        judged = [answer for answer in answers if name in answer.picture.judged]
        if any((answer.truth[:, 0] == index).any() for answer in judged):
            parts = sorted({f"{answer.picture.source}/{answer.picture.part}" for answer in judged})
            result[name] = (" + ".join(parts), rank([answer.seen(index) for answer in judged]))
    return result


def choose_thresholds(ranking: Ranking) -> tuple[float, float]:
    """Automatic and review confidence read from a dev ranking.

    Automatic is the lowest confidence down to which at least 9 of 10 boxes are right. Between it and the review
    confidence, which is never below .10, at least half of what a person is asked about is right; where dev shows no
    such stretch, it is .25, for dev flatters the model. Too few labelled boxes to tell: cautious values. A class
    that is never so sure opens no issue below .90.
    """
    if ranking.truths < ENOUGH_BOXES:
        return CAUTIOUS
    right, confidence = ranking.right[:, 0], ranking.confidence
    sure = _last_above(right, TARGET_PRECISION)
    automatic = float(confidence[sure]) if sure is not None else NEVER_SURE
    asked = confidence < automatic
    doubtful = _last_above(right[asked], REVIEW_PRECISION)
    review = float(confidence[asked][doubtful]) if doubtful is not None else min(automatic, CAUTIOUS[1])
    return round(max(automatic, LOWEST_REVIEW), 3), round(max(review, LOWEST_REVIEW), 3)


def _last_above(right: npt.NDArray[np.bool_], precision: float) -> int | None:
    """Last place of a ranking down to which this share of the boxes is right; None if nowhere after ten boxes."""
    share = right.cumsum() / np.arange(1, len(right) + 1)
    good = np.flatnonzero((share >= precision) & (np.arange(len(right)) >= FEWEST_RANKED - 1))
    return int(good[-1]) if len(good) else None


def judge_cables(answers: Sequence[Judged]) -> dict[str, float | None]:
    """Tangled cable by picture (does it show any: AUROC, recall at precision .90) and by box at IoU .3."""
    index = CLASS_INDEX["tangled_cable"]
    pictures = [answer for answer in answers if "tangled_cable" in answer.picture.judged]
    best = [float(max(answer.seen(index).confidence, default=0.0)) for answer in pictures]
    shows = [bool((answer.truth[:, 0] == index).any()) for answer in pictures]
    recalls = [0.0]
    for threshold in {value for value in best if value > 0}:
        right = [show for show, value in zip(shows, best, strict=True) if value >= threshold]
        if sum(right) >= TARGET_PRECISION * len(right):
            recalls.append(sum(right) / max(sum(shows), 1))
    loose = rank([answer.seen(index) for answer in pictures], (0.3,))
    precision, recall = at_threshold(loose, CAUTIOUS[1])
    return {
        "pictures": float(len(pictures)),
        "pictures_with_cables": float(sum(shows)),
        "auroc": picture_auroc(
            [b for b, s in zip(best, shows, strict=True) if s], [b for b, s in zip(best, shows, strict=True) if not s]
        ),
        "picture_recall_at_precision_90": max(recalls),
        "ap_iou30": average_precision(loose),
        "box_precision_iou30_at_25": precision,
        "box_recall_iou30_at_25": recall,
    }


def _merged_map50(answers: Sequence[Judged]) -> float | None:
    merged = [answer for answer in answers if answer.picture.source in MERGED_SOURCES]
    if not merged:
        return None
    return float(np.mean([score(rank([a.seen(index) for a in merged])).map50 for index in range(5)]))


def evaluate(detector: Detector, part: str, answers: Sequence[Judged]) -> Evaluation:
    """Figures of every class that the part's labels can judge."""
    found: dict[str, ClassResult] = {}
    for name, (source, ranking) in rankings(answers).items():
        automatic, review = choose_thresholds(ranking)
        precision, recall = at_threshold(ranking, detector.card.classes[CLASS_INDEX[name]].automatic)
        index = CLASS_INDEX[name]
        judging = [one for one in answers if name in one.picture.judged]
        new, threshold = fresh(judging), detector.card.classes[index].automatic
        small = rank([small_only(one.seen(index), one.side_px) for one in judging])
        found[name] = ClassResult(
            source=source,
            score=score(ranking),
            automatic=automatic,
            review=review,
            precision=precision,
            recall=recall,
            recall_at_precision_90=recall_at_precision(ranking, TARGET_PRECISION),
            small=score(small) if small.truths else None,
            fresh=score(rank([one.seen(index) for one in new])) if len(new) < len(judging) else None,
            false_alarms_per_100=false_alarms_per_100(name, threshold, answers),
        )
    street = [found[name].score.map50 for name in CLASSES[:5] if name in found]
    return Evaluation(
        part=part,
        pictures=len(answers),
        classes=found,
        mean_map50_street=float(np.mean(street)) if street else 0.0,
        mean_map50_merged=_merged_map50(answers),
        cables=judge_cables(answers) if "tangled_cable" in found else {},
    )


def rendered_as_pictures(folder: Path, names: Sequence[Path]) -> list[Picture]:
    """Rendered scenes as pictures with complete labels."""
    return [
        Picture(
            source="rendered",
            part="dev",
            path=path,
            scene=path.stem,
            labels=read_labels(folder / "labels" / f"{path.stem}.txt"),
            judged=frozenset(CLASSES),
        )
        for path in names
    ]


def table(result: Evaluation) -> str:
    """The figures as text, one class a line."""
    lines = [f"{'class':18}{'source':24}{'pictures':>9}{'boxes':>7}{'mAP50':>8}{'mAP50-95':>10}{'P':>7}{'R':>7}"]
    for name, one in result.classes.items():
        precision, recall = (f"{v:.3f}" if v is not None else "-" for v in (one.precision, one.recall))
        lines.append(
            f"{name:18}{one.source:24}{one.score.pictures:>9}{one.score.boxes:>7}{one.score.map50:>8.3f}"
            f"{one.score.map50_95:>10.3f}{precision:>7}{recall:>7}"
        )
    for name, one in result.classes.items():
        told = []
        if one.fresh:
            told.append(f"mAP50 {one.fresh.map50:.3f} on the {one.fresh.pictures} pictures of scenes never learned")
        if one.small:
            told.append(f"{one.small.map50:.3f} on its {one.small.boxes} small objects")
        if one.false_alarms_per_100 is not None:
            told.append(f"{one.false_alarms_per_100:.1f} seen on 100 garbage, pothole and graffiti pictures")
        told.append(f"recall at precision .90 {one.recall_at_precision_90:.3f}")
        lines.append(f"{name}: {', '.join(told)}")
    lines.append(f"mean mAP50 of the street classes {result.mean_map50_street:.3f}")
    if result.mean_map50_merged is not None:
        lines.append(f"the same with the other sources' unlabelled things as background {result.mean_map50_merged:.3f}")
    if result.cables:
        shown = ", ".join(f"{key} {value:.3f}" for key, value in result.cables.items() if value is not None)
        lines.append(f"tangled_cable by picture and loosely: {shown}")
    lines.append("P and R at the card's automatic thresholds")
    return "\n".join(lines)


def save(result: Evaluation, path: Path) -> None:
    """Keep the figures as JSON."""
    path.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")


def _counted(total: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if done % 100 == 0 or done == total:
            print(f"{done} of {total} pictures", flush=True)

    return tell


def main() -> None:
    """Print, and keep if asked, the figures of a model on one part."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, default=models_dir(), help="model folder, default models/street")
    options.add_argument("--part", choices=("dev", "val", "rendered"), default="dev")
    options.add_argument("--save", action="store_true", help="keep the figures beside the model")
    chosen = options.parse_args()
    detector = Detector.load(chosen.model, threads=2)
    if chosen.part == "rendered":
        from training.assemble import rendered_pictures  # asks for torch, which the other parts do without
        from training.places import rendered_dir

        folder = rendered_dir("dev")
        pictures = rendered_as_pictures(folder, rendered_pictures(folder))
    else:
        pictures = load_pictures(data_dir(), (chosen.part,))
    answers = judge_all(detector, pictures, _counted(len(pictures)))
    result = evaluate(detector, chosen.part, answers)
    print(f"{detector.version} on {chosen.part}\n{table(result)}")
    if chosen.save:
        save(result, chosen.model / f"evaluation-{chosen.part}.json")


if __name__ == "__main__":
    main()
