"""The labelled sources: which pictures they hold, what they label, and which scene each picture belongs to.

`python -m training.sources` writes the manifests under datasets/sources/. Pictures and labels stay outside
the project; only names, checksums and counts are kept.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.classes import CLASS_INDEX, CLASSES
from training.labels import Labels, no_labels, read_labels
from training.places import TrainingError

SEED: Final = 20261123
DEV_SHARE: Final = 0.10
#: File numbers of one walk or upload lie close together; a block of this many numbers is one scene.
NUMBERS_PER_SCENE: Final = 25
#: Two difference hashes of 256 bits this close show the same view (the data's README measured none within 55).
NEAR_DUPLICATE_BITS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One folder of labelled photographs and what may be said about it."""

    name: str  #: folder under the data folder
    classes: tuple[str, ...]  #: our class names in the order of the source's own label numbers
    licence: str
    attribution: str
    note: str  #: what one should know before using it
    labelled: tuple[str, ...]  #: classes that this source labels everywhere, so that absence means absence


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One photograph with the labels its source gives it."""

    source: str
    part: str  #: train, dev or val
    path: Path
    scene: str  #: pictures of one scene never stand in both train and dev
    labels: Labels  #: (n, 5) in our class numbers
    judged: frozenset[str]  #: classes whose absence in `labels` means absence in the picture
    removed: Labels = field(default_factory=no_labels)  #: (n, 5) what a model saw and people took away

    @property
    def key(self) -> str:
        """Name without suffix, unique over all sources."""
        return f"{self.source}__{self.path.stem}"


SOURCES: Final = (
    Source(
        name="garbage",
        classes=("exposed_garbage", "trash_bin", "overflowing_bin"),
        labelled=("exposed_garbage", "trash_bin", "overflowing_bin"),
        licence="CC-BY-4.0",
        attribution="Roboflow Universe project '-111-ehcfr' (公开数据集111), workspace project-shb1t",
        note="Chinese streets, estates, alleys; 640x640 stretched; some scenes stand on both upstream sides.",
    ),
    Source(
        name="potholes",
        classes=("pothole",),
        labelled=("pothole",),
        licence="ODbL-1.0",
        attribution="Annotated Potholes, Atikur Rahman Chitholian",
        note="Asphalt and dirt roads; some web-gathered photographs carry stock marks: trained on, not republished.",
    ),
    Source(
        name="graffiti",
        classes=("graffiti",),
        labelled=("graffiti",),
        licence="CC-BY-4.0 (second-hand statement)",
        attribution="STORM graffiti/tagging dataset, University of West Attica, doi 10.5281/zenodo.3238357",
        note="Athens streets by phone, split by walk session.",
    ),
    Source(
        name="cables",
        classes=("tangled_cable",),
        labelled=("tangled_cable",),
        licence="CC-BY-4.0 (second-hand, uploader's statement)",
        attribution="Roboflow Universe kilosmodel/utility-pole-nqvre-ngtnk; boxes drawn for this project",
        note="Coarse boxes round the dense mass; several pictures carry stock marks: trained on, not republished.",
    ),
    Source(
        name="facades",
        classes=(),
        labelled=(),
        licence="CC0-1.0",
        attribution="Urban-Research-Lab/building-facades-advertising-dataset",
        note="St Petersburg street fronts; background pictures without labels.",
    ),
    Source(
        name="vehicles",
        classes=("motorcycle", "bus", "car"),
        labelled=("motorcycle", "bus", "car"),
        licence="CC-BY-4.0",
        attribution="Roboflow Universe ts-2qpml/modes-of-transport",
        note="Indian streets; validation only. Pedal bikes, rickshaws and trucks are unlabelled.",
    ),
)


def difference_hash(path: Path) -> npt.NDArray[np.bool_]:
    """256 bits, (256,) bool: whether each cell of a 17x16 grey miniature is brighter than its left neighbour."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise TrainingError(f"{path}: not a picture that can be read; remove it or restore the file.")
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return (small[:, 1:] > small[:, :-1]).ravel()


def scene_of(name: str) -> str:
    """Scene that a file name alone tells: an hour of a dated walk, or a block of neighbouring numbers."""
    if dated := re.fullmatch(r".*?(\d{8})_(\d{2})\d{4}.*", name):
        return f"{dated[1]}_{dated[2]}h"
    if numbered := re.fullmatch(r"(\D*)(\d+)", name):
        return f"{numbered[1]}{int(numbered[2]) // NUMBERS_PER_SCENE:05d}"
    return name


def group_scenes(paths: Sequence[Path], same: Iterable[tuple[str, str]] = ()) -> dict[Path, str]:
    """Scene name per path: by file name, joined where two pictures look alike or `same` names them as one.

    Args:
        paths: pictures of one source.
        same: pairs of file stems known to show the same place.
    """
    parent = {scene_of(path.stem): scene_of(path.stem) for path in paths}

    def root(scene: str) -> str:
        while parent[scene] != scene:
            scene = parent[scene]
        return scene

    def join(first: str, second: str) -> None:
        low, high = sorted((root(first), root(second)))
        parent[high] = low

    hashes = np.array([difference_hash(path) for path in paths])
    for index in range(len(paths)):
        distance = (hashes[index] != hashes[index + 1 :]).sum(axis=1)
        for other in np.flatnonzero(distance <= NEAR_DUPLICATE_BITS):
            join(scene_of(paths[index].stem), scene_of(paths[index + 1 + int(other)].stem))
    for one, two in same:
        if scene_of(one) in parent and scene_of(two) in parent:
            join(scene_of(one), scene_of(two))
    return {path: root(scene_of(path.stem)) for path in paths}


def choose_dev(scenes: dict[Path, str], seed: int = SEED, share: float = DEV_SHARE) -> set[Path]:
    """Pictures held back for tuning: whole scenes in seeded order until `share` of the pictures is reached.

    A scene of more than a third of the aim is left in train: one big scene would be all of dev.
    """
    members: dict[str, list[Path]] = defaultdict(list)
    for path, scene in scenes.items():
        members[scene].append(path)
    aim = max(1, round(len(scenes) * share))
    order = sorted(members)
    random.Random(seed).shuffle(order)
    chosen: set[Path] = set()
    for scene in order:
        if len(members[scene]) <= max(2, aim // 3) and len(chosen) + len(members[scene]) <= aim:
            chosen.update(members[scene])
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class CableRow:
    """One hand-drawn cable box on a garbage photograph."""

    part: str  #: train, val or skip (its scene stands on both sides: never used)
    scene: str
    label: tuple[float, float, float, float, float]


def read_cable_rows(data: Path) -> dict[str, list[CableRow]]:
    """Cable boxes drawn on garbage photographs, by `split/name.jpg`."""
    rows: dict[str, list[CableRow]] = defaultdict(list)
    with (data / "cables" / "garbage_boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            box = tuple(float(row[column]) for column in ("cx", "cy", "w", "h"))
            label = (float(CLASS_INDEX["tangled_cable"]), *box)
            rows[row["garbage_image"]].append(
                CableRow(part=row["part"], scene=row["scene"], label=label)  # type: ignore[arg-type]
            )
    return rows


def _own_labels(source: Source, label_path: Path) -> Labels:
    """Labels of one file with the source's class numbers turned into ours."""
    labels = read_labels(label_path)
    for row in labels:
        if not 0 <= int(row[0]) < len(source.classes):
            raise TrainingError(f"{label_path}: class {int(row[0])} is unknown; {source.name} has {source.classes}.")
        row[0] = CLASS_INDEX[source.classes[int(row[0])]]
    return labels


def _picture(source: Source, part: str, path: Path, scene: str, cables: list[CableRow]) -> Picture:
    judged = set(source.labelled)
    labels = no_labels()
    if source.classes:
        labels = _own_labels(source, path.parents[2] / "labels" / path.parent.name / f"{path.stem}.txt")
    wanted = "val" if part == "val" else "train"
    usable = [row.label for row in cables if row.part == wanted]
    if cables and len(usable) == len(cables):
        labels = np.vstack([labels, np.array(usable)])
        judged.add("tangled_cable")
    return Picture(source=source.name, part=part, path=path, scene=scene, labels=labels, judged=frozenset(judged))


def load_source(source: Source, data: Path) -> list[Picture]:
    """Every usable picture of one source, with `dev` cut out of its train part by scene.

    A train picture whose cable box is marked `skip` or `val` is left out: its cables may be neither
    learned nor taught as background.
    """
    folder = data / source.name / "images"
    train = sorted((folder / "train" if source.classes else folder).glob("*.jpg"))
    cables = read_cable_rows(data) if source.name == "garbage" else {}
    train = [p for p in train if all(row.part == "train" for row in cables.get(f"train/{p.name}", []))]
    by_letter: dict[str, list[str]] = defaultdict(list)
    for name, rows in cables.items():
        if name.startswith("train/"):
            by_letter[rows[0].scene].append(Path(name).stem)
    same = [(stems[0], other) for stems in by_letter.values() for other in stems[1:]]
    scenes = group_scenes(train, same) if train else {}
    dev = choose_dev(scenes)
    pictures = [
        _picture(source, "dev" if path in dev else "train", path, scenes[path], cables.get(f"train/{path.name}", []))
        for path in train
    ]
    held_out = sorted((folder / "val").glob("*.jpg"))
    return pictures + [
        _picture(source, "val", path, scene_of(path.stem), cables.get(f"val/{path.name}", [])) for path in held_out
    ]


def load_pictures(data: Path, parts: Sequence[str]) -> list[Picture]:
    """Pictures of all sources that belong to the named parts, sources in fixed order."""
    return [picture for source in SOURCES for picture in load_source(source, data) if picture.part in parts]


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def count_boxes(pictures: Iterable[Picture]) -> dict[str, int]:
    """Boxes per class name, classes without any left out."""
    counts = dict.fromkeys(CLASSES, 0)
    for picture in pictures:
        for index in picture.labels[:, 0]:
            counts[CLASSES[int(index)]] += 1
    return {name: count for name, count in counts.items() if count}
