"""Labelled pictures wherever somebody keeps them, and the hash by which a frozen set is known again.

Three layouts: a folder of the project's sources (`garbage/`, `potholes/` …, as datasets/sources lists them), one such
source, or anybody's YOLO folder (`images/`, `labels/`, names in `data.yaml` or `classes.txt`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import yaml

from detector.photo import SUFFIXES
from training.classes import CLASS_INDEX
from training.labels import Labels, no_labels, read_labels
from training.places import TrainingError
from training.sources import SOURCES, Picture, load_source

PARTS: Final = ("val", "dev", "train")
_PART_FOLDERS: Final = {"val": ("val", "valid", "validation"), "dev": ("dev",), "train": ("train",)}


def load_labelled(folder: Path, part: str) -> list[Picture]:
    """Pictures of one part with their labels in our class numbers.

    Args:
        part: val, dev or train; a YOLO folder without parts is taken whole.

    Raises:
        TrainingError: there are no labelled pictures, or their classes are none of ours.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder. Name the one that holds images/ and labels/.")
    inside = [source for source in SOURCES if (folder / source.name / "images").is_dir()]
    itself = [source for source in SOURCES if source.name == folder.name and (folder / "images").is_dir()]
    if inside:
        pictures = [one for source in inside for one in load_source(source, folder)]
    elif itself and not _names_file(folder):
        pictures = load_source(itself[0], folder.parent)
    else:
        pictures = _load_yolo(folder, part)
    chosen = [one for one in pictures if one.part == part and one.judged]
    if not chosen:
        raise TrainingError(f"{folder} holds no labelled pictures of the part {part!r}. Choose another of {PARTS}.")
    return chosen


def set_sha256(pictures: Iterable[Picture]) -> str:
    """Hash of a set: of each picture its source, name and bytes, its labels, and the classes they judge."""
    lines = sorted(
        f"{one.source}/{one.part}/{one.path.name} {hashlib.sha256(one.path.read_bytes()).hexdigest()} "
        f"{hashlib.sha256(one.labels.tobytes()).hexdigest()} {','.join(sorted(one.judged))}"
        for one in pictures
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _load_yolo(folder: Path, part: str) -> list[Picture]:
    names = _class_names(folder)
    ours = {number: CLASS_INDEX[name] for number, name in enumerate(names) if name in CLASS_INDEX}
    if not ours:
        raise TrainingError(
            f"None of {folder}'s classes ({', '.join(names)}) is one of ours ({', '.join(CLASS_INDEX)}). "
            "Rename them in its data.yaml."
        )
    judged = frozenset(name for name in names if name in CLASS_INDEX)
    images = _images_of(folder, part)
    paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES)
    labelled = [(path, _label_file(path, images, folder)) for path in paths]
    if not any(labels.is_file() for _, labels in labelled):
        raise TrainingError(f"None of the {len(paths)} pictures under {images} has a label file, e.g. labels/NAME.txt.")
    return [
        Picture(
            source=folder.name,
            part=part,
            path=path,
            scene=path.stem,
            labels=_in_our_numbers(labels, ours, len(names)),
            judged=judged,
        )
        for path, labels in labelled
    ]


def _images_of(folder: Path, part: str) -> Path:
    """Folder of the part's pictures: images/PART, PART/images, or images/ where nothing is divided."""
    for name in _PART_FOLDERS[part]:
        for place in (folder / "images" / name, folder / name / "images"):
            if place.is_dir():
                return place
    whole = folder / "images"
    divided = [name for names in _PART_FOLDERS.values() for name in names if (whole / name).is_dir()]
    if not whole.is_dir() or divided:
        raise TrainingError(f"{folder} has no images/ for the part {part!r}; it has: {', '.join(divided) or 'none'}.")
    return whole


def _label_file(picture: Path, images: Path, folder: Path) -> Path:
    """Where the labels of a picture lie: as it lies, with the folder `images` called `labels`."""
    parts = list(images.relative_to(folder).parts)
    parts[parts.index("images")] = "labels"
    return (folder.joinpath(*parts) / picture.relative_to(images)).with_suffix(".txt")


def _in_our_numbers(path: Path, ours: dict[int, int], known: int) -> Labels:
    """Labels of one file, those of classes we do not know left out; no file is a picture with nothing to find."""
    labels = read_labels(path) if path.is_file() else no_labels()
    for row in labels:
        if not 0 <= int(row[0]) < known:
            raise TrainingError(f"{path}: class {int(row[0])} is not one of the {known} that data.yaml names.")
    kept: Labels = labels[[int(row[0]) in ours for row in labels]] if len(labels) else labels
    kept[:, 0] = [ours[int(number)] for number in kept[:, 0]]
    return kept


def _names_file(folder: Path) -> Path | None:
    places = (folder / name for name in ("data.yaml", "data.yml", "dataset.yaml", "classes.txt"))
    return next((path for path in places if path.is_file()), None)


def _class_names(folder: Path) -> Sequence[str]:
    """Class names in the order of the label files' numbers."""
    path = _names_file(folder)
    if path is None:
        raise TrainingError(
            f"{folder} says nowhere what its class numbers mean: put a data.yaml there with `names: [pothole, …]`."
        )
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".txt":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        said = yaml.safe_load(text)
        names = said["names"]
        ordered = [names[number] for number in sorted(names)] if isinstance(names, dict) else list(names)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} has no list `names`: {error}") from error
    return [str(name) for name in ordered]
