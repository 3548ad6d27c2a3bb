"""A data set as its manifest tells it: a source of the project, or a folder that `pointwatch data import` made.

Reads manifests and the boxes drawn elsewhere; never a picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from detector.installation import shipped
from training.classes import CLASSES
from training.labels import Labels
from training.places import TrainingError
from training.sources import CableRow, read_cable_rows

MANIFEST: Final = "manifest.yaml"  # of an imported folder; a source of the project has its own under datasets/sources/
PARTS: Final = ("train", "dev", "val", "left-out")
NO_LABELS: Final = "-"  # stands for the checksum of labels that do not exist
MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024  # about 300,000 pictures
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """One line of a manifest."""

    part: str  #: train, dev, val or left-out
    name: str  #: path under the set's folder, with slashes
    sha256: str
    labels_sha256: str  #: `-` where the set has no labels
    line: int  #: in the manifest, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set: what may be said about it, and its files."""

    name: str
    folder: Path  #: holds images/ and labels/
    manifest: Path
    licence: str
    attribution: str
    note: str
    classes: tuple[str, ...]  #: our class names in the order of the label files' numbers
    labelled: tuple[str, ...]  #: classes whose absence from the labels means absence from the picture
    pictures: Mapping[str, int]  #: per part, as the manifest counts them
    boxes: Mapping[str, Mapping[str, int]]  #: per part and class, as the manifest counts them
    split_rule: str
    files: tuple[PictureFile, ...]
    cables: Mapping[str, Sequence[CableRow]]  #: boxes that stand in a table beside the labels, by `part/name.jpg`
    removed: Mapping[str, Labels] = field(default_factory=dict)  #: by picture: what a model saw and people took away

    def labels_of(self, name: str) -> Path:
        """Where the labels of a picture lie."""
        path = self.folder / name
        return self.folder / "labels" / Path(*path.relative_to(self.folder).parts[1:]).with_suffix(".txt")

    def cable_rows(self, file: PictureFile) -> Sequence[CableRow]:
        """Cable boxes that count for a picture: all of its rows must belong to its part."""
        rows = self.cables.get(file.name.removeprefix("images/"), [])
        wanted = "val" if file.part == "val" else "train"
        return rows if all(row.part == wanted for row in rows) else []

    def with_cables(self, file: PictureFile, labels: Labels) -> Labels:
        """Labels (n, 5) in the model's class numbers with a picture's cable boxes added."""
        rows = self.cable_rows(file)
        return np.vstack([labels, np.array([row.label for row in rows])]) if rows else labels


def source_names() -> list[str]:
    """Names of the project's own sources, sorted."""
    return sorted(path.stem for path in shipped("datasets/sources").glob("*.yaml"))


def open_set(named: str, data: Path) -> DataSet:
    """A set by the name of a source, or by the folder that an import made.

    Args:
        named: such as `garbage`, or a path.
        data: the data folder that sources lie in.

    Raises:
        TrainingError: there is no such set, or its manifest is damaged; says where.
    """
    if (Path(named) / MANIFEST).is_file():
        return read_set(Path(named) / MANIFEST, Path(named))
    names = source_names()
    if named not in names:
        raise TrainingError(
            f"{named} is neither a source ({', '.join(names)}) nor a folder with a {MANIFEST}; "
            "give the folder that `pointwatch data import` wrote."
        )
    return read_set(shipped(f"datasets/sources/{named}.yaml"), data / named)


def read_set(manifest: Path, folder: Path) -> DataSet:
    """A set as a manifest file tells it.

    Raises:
        TrainingError: the manifest cannot be read, lacks a field or has a line that is not one; says where.
    """
    content = _content(manifest)
    try:
        files = tuple(_files(manifest, content["files"]))
        found = DataSet(
            name=str(content["name"]),
            folder=folder,
            manifest=manifest,
            licence=str(content["licence"]),
            attribution=str(content["attribution"]),
            note=str(content.get("note", "")),
            classes=tuple(str(name) for name in content["classes_in_file_order"]),
            labelled=tuple(str(name) for name in content["labelled_everywhere"]),
            pictures={str(part): int(count) for part, count in content["pictures"].items()},
            boxes={str(part): dict(counts) for part, counts in content["boxes"].items()},
            split_rule=str(content["split"]["rule"]),
            files=files,
            cables=_cables(str(content["name"]), folder),
            removed=_removed(str(content.get("removed", "")), len(content["classes_in_file_order"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrainingError(f"{manifest}: a field is missing or not what it should be ({error!r}).") from error
    unknown = (set(found.classes) | set(found.labelled)) - set(CLASSES)
    if unknown:
        raise TrainingError(f"{manifest}: the model has no class {', '.join(sorted(unknown))}; it has {CLASSES}.")
    return found


def _content(manifest: Path) -> Mapping[str, Any]:
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            raise TrainingError(f"{manifest} is larger than {MAX_MANIFEST_BYTES // 1048576} MiB; not a manifest.")
        content = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise TrainingError(f"{manifest} is not YAML in UTF-8: {error}") from error
    if not isinstance(content, dict):
        raise TrainingError(f"{manifest} holds no fields; expected name, licence, files and so on.")
    return content


def _files(manifest: Path, text: str) -> list[PictureFile]:
    files = []
    for number, line in enumerate(text.splitlines(), start=1):
        part, _, rest = line.partition(" ")
        words = rest.rsplit(" ", 2)
        if part not in PARTS or len(words) != 3 or not _are_sums(words[1:]) or not _stays_inside(words[0]):
            raise TrainingError(f"{manifest}, line {number} of files: {line!r} is not 'part picture sha256 sha256'.")
        files.append(PictureFile(part=part, name=words[0], sha256=words[1], labels_sha256=words[2], line=number))
    return files


def _are_sums(words: Sequence[str]) -> bool:
    picture, labels = words
    return bool(_SHA256.fullmatch(picture) and (labels == NO_LABELS or _SHA256.fullmatch(labels)))


def _stays_inside(name: str) -> bool:
    """Whether a name of a manifest lies under images/ and climbs nowhere."""
    parts = name.split("/")
    return len(parts) > 1 and parts[0] == "images" and not {"", ".", ".."} & set(parts) and "\\" not in name


def _removed(text: str, classes: int) -> dict[str, Labels]:
    """Lines "picture class cx cy w h" by picture."""
    rows: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        name, *words = line.rsplit(" ", 5)
        numbers = [float(word) for word in words]
        if len(numbers) != 5 or not 0 <= numbers[0] < classes:
            raise ValueError(f"removed: {line!r}")
        rows.setdefault(name, []).append(numbers)
    return {name: np.array(one, dtype=np.float64) for name, one in rows.items()}


def _cables(name: str, folder: Path) -> dict[str, list[CableRow]]:
    """Cable boxes drawn on garbage photographs; no other set has any."""
    table = folder.parent / "cables" / "garbage_boxes.csv"
    return read_cable_rows(folder.parent) if name == "garbage" and table.is_file() else {}
