"""Labelled pictures wherever somebody keeps them, and the hash by which a frozen set is known again.

The project's sources (`garbage/`, `potholes/` …, as datasets/sources lists them), one of them, a folder that
`pointwatch data import` made, or a folder that another tool wrote and that `data import` could read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from detector.errors import PhotoError
from detector.photo import open_photo
from training.classes import CLASS_INDEX
from training.data.formats.labelled import Batch, LeaveOutError
from training.data.intake import READERS, format_of
from training.data.rows import rows_of
from training.data.sets import MANIFEST, DataSet, read_set
from training.labels import no_labels, read_labels
from training.places import TrainingError
from training.sources import SOURCES, Picture, load_source, scene_of

PARTS: Final = ("val", "dev", "train")


def load_labelled(folder: Path, part: str) -> list[Picture]:
    """Pictures of one part with their labels in our class numbers.

    Args:
        part: val, dev or train; another tool's folder without parts is taken whole.

    Raises:
        TrainingError: there are no labelled pictures, their classes are none of ours, or some label makes no sense.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder. Name the one that holds images/ and labels/.")
    inside = [source for source in SOURCES if (folder / source.name / "images").is_dir()]
    itself = [source for source in SOURCES if source.name == folder.name and (folder / "images").is_dir()]
    if (folder / MANIFEST).is_file():
        pictures = imported_pictures(read_set(folder / MANIFEST, folder))
    elif inside:
        pictures = [one for source in inside for one in load_source(source, folder)]
    elif itself and not (folder / "data.yaml").is_file():
        pictures = load_source(itself[0], folder.parent)
    else:
        pictures = _load_foreign(folder, part)
    chosen = [one for one in pictures if one.part == part and one.judged]
    if not chosen:
        told = ", ".join(dict.fromkeys(one.part for one in pictures)) or "none"
        raise TrainingError(f"{folder} holds no labelled pictures of the part {part!r}; the parts it has: {told}.")
    return chosen


def set_sha256(pictures: Iterable[Picture]) -> str:
    """Hash of a set: of each picture its source, name and bytes, its labels, and the classes they judge."""
    lines = sorted(
        f"{one.source}/{one.part}/{one.path.name} {hashlib.sha256(one.path.read_bytes()).hexdigest()} "
        f"{hashlib.sha256(one.labels.tobytes()).hexdigest()} {','.join(sorted(one.judged))}"
        for one in pictures
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def imported_pictures(data_set: DataSet) -> list[Picture]:
    """Every picture of a folder that an import made."""
    pictures = []
    for file in data_set.files:
        labels = read_labels(data_set.labels_of(file.name))
        removed = data_set.removed.get(file.name, no_labels()).copy()
        for row in (*labels, *removed):
            row[0] = CLASS_INDEX[data_set.classes[int(row[0])]]
        path = data_set.folder / file.name
        pictures.append(
            Picture(
                source=data_set.name,
                part=file.part,
                path=path,
                scene=scene_of(path.stem),
                labels=labels,
                judged=frozenset(data_set.labelled),
                removed=removed,
            )
        )
    return pictures


def _load_foreign(folder: Path, part: str) -> list[Picture]:
    """Another tool's folder as it is; nothing of it may be left out, for what is measured must be what is there."""
    batch = READERS[format_of(folder)](folder)
    if not batch.pictures:
        raise TrainingError(
            f"None of {folder}'s pictures has labels. YOLO: a text file each under labels/, and a data.yaml with "
            f"`names: [pothole, …]`. {_first_reasons(batch)}"
        )
    names = list(dict.fromkeys([*batch.declared, *(box.label for one in batch.pictures for box in one.boxes)]))
    judged = frozenset(names) & frozenset(CLASS_INDEX)
    if names and not judged:
        raise TrainingError(
            f"None of {folder}'s classes ({', '.join(names)}) is one of ours ({', '.join(CLASS_INDEX)}). "
            "Rename them there (YOLO: a data.yaml with `names: [pothole, …]`), or take the folder in with "
            "`pointwatch data import`."
        )
    pictures = [_picture(folder, batch, place, part, judged) for place in range(len(batch.pictures))]
    if batch.left_out:
        raise TrainingError(
            f"{folder}: {_first_reasons(batch)} Mend them, or take in what is sound with `pointwatch data import`."
        )
    return pictures


def _first_reasons(batch: Batch) -> str:
    """What makes no sense, up to three cases; empty where nothing was left out."""
    first = "; ".join(f"{one.where}: {one.why}" for one in batch.left_out[:3])
    return f"{len(batch.left_out)} pictures or boxes make no sense, such as {first}." if first else ""


def _picture(folder: Path, batch: Batch, place: int, part: str, judged: frozenset[str]) -> Picture:
    """One picture of a batch; what cannot be taken of it is noted there."""
    one = batch.pictures[place]
    rows: list[list[float]] = []
    try:
        size_px = one.size_px
        if size_px is None and one.in_px:
            photo = open_photo(one.picture)
            size_px = (photo.width, photo.height)
        numbers = {box.label: CLASS_INDEX.get(box.label) for box in one.boxes}
        rows, without = rows_of(one, size_px or (1, 1), numbers)
        batch.left_out += without
    except (LeaveOutError, PhotoError) as error:
        batch.leave_out(one.where, one.name, error)
    return Picture(
        source=folder.name,
        part=one.part or part,
        path=one.picture,
        scene=scene_of(one.picture.stem),
        labels=np.array(rows, dtype=np.float64) if rows else no_labels(),
        judged=judged,
    )
