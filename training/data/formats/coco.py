"""COCO detection JSON: images, annotations with bbox x y w h in pixels, categories."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from training.data.formats.labelled import (
    PART_NAMES,
    Batch,
    Box,
    Labelled,
    LeaveOutError,
    field_of,
    number,
    part_of,
    read_json,
    size_px,
)
from training.data.formats.pictures import PictureFolder
from training.places import TrainingError

LISTS: Final = ("images", "annotations", "categories")


def read(source: Path) -> Batch:
    """Read one JSON file with its pictures in the folder round it, or every such file of a folder.

    Raises:
        TrainingError: nothing there is COCO; says where.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.json"))
    if not files:
        raise TrainingError(f"{source} holds no .json file; --format coco reads one, or a folder with some.")
    root = source if source.is_dir() else _round(source)
    folder = PictureFolder(root)
    batch = Batch()
    for file in files:
        _File(file, file.relative_to(root).as_posix(), folder, batch).read()
    return batch


def _round(file: Path) -> Path:
    """The folder that holds a file's pictures: its own, or the one above where it lies in annotations/."""
    return file.parent.parent if file.parent.name == "annotations" else file.parent


class _File:
    """One JSON file on its way into a batch."""

    def __init__(self, path: Path, shown: str, folder: PictureFolder, batch: Batch) -> None:
        self._path, self._shown, self._folder, self._batch = path, shown, folder, batch

    def read(self) -> None:
        content = read_json(self._path)
        lists = [field_of(content, key) for key in LISTS]
        if not all(isinstance(one, list) for one in lists):
            raise TrainingError(f"{self._path}: not COCO; expected an object with lists {', '.join(LISTS)}.")
        images, annotations, categories = lists
        names = self._names(categories)
        spoiled, boxes = self._boxes(annotations, names, {str(field_of(row, "id")) for row in images})
        times = Counter(str(field_of(row, "id")) for row in images)
        for row in images:
            key = str(field_of(row, "id"))
            where = f"{self._shown}#image {key}"[:200]
            shown = str(field_of(row, "file_name"))[:200]
            if times[key] > 1 or key == "None":
                many = f"{times[key]} images have this id: nobody knows whose boxes are whose"
                why = "it has no id" if key == "None" else many
                self._batch.leave_out(where, shown, why)
            elif key in spoiled:
                self._batch.leave_out(where, shown, spoiled[key])
            else:
                self._take(row, where, shown, tuple(boxes[key]))

    def _names(self, categories: list[Any]) -> dict[str, str]:
        names: dict[str, str] = {}
        for row in categories:
            key, name = str(field_of(row, "id")), field_of(row, "name")
            if not isinstance(name, str) or not name or key in names:
                raise TrainingError(f"{self._path}: category {key[:40]!r} has no name, or its id stands twice.")
            names[key] = name
        self._batch.declared += [name for name in names.values() if name not in self._batch.declared]
        return names

    def _boxes(
        self, annotations: list[Any], names: Mapping[str, str], images: set[str]
    ) -> tuple[dict[str, str], dict[str, list[Box]]]:
        """Why pictures must be left out, and the boxes of the others, both by image id."""
        spoiled: dict[str, str] = {}
        boxes: dict[str, list[Box]] = defaultdict(list)
        known: set[str] = set()
        for index, row in enumerate(annotations):
            where = f"{self._shown}#annotation {str(field_of(row, 'id'))[:60]} (row {index + 1})"
            image = str(field_of(row, "image_id"))
            identity = str(field_of(row, "id"))
            if image not in images:
                self._batch.leave_out(where, "box", f"its image {image[:60]} is not in the file")
            elif identity in known and identity != "None":
                self._batch.leave_out(where, "box", "an annotation of this id came before")
            else:
                try:
                    boxes[image].append(_box(row, names, where))
                except LeaveOutError as error:
                    spoiled.setdefault(image, f"{where}: {error}")
            known.add(identity)
        return spoiled, boxes

    def _take(self, row: Any, where: str, shown: str, boxes: tuple[Box, ...]) -> None:
        try:
            size = size_px(field_of(row, "width"), field_of(row, "height"))
            picture = self._folder.find(field_of(row, "file_name"), self._near())
        except LeaveOutError as error:
            self._batch.leave_out(where, shown, error)
            return
        part = self._part() or part_of(picture.relative_to(self._folder.root))
        self._batch.pictures.append(
            Labelled(picture=picture, name=picture.name, where=where, part=part, boxes=boxes, in_px=True, size_px=size)
        )

    def _near(self) -> Path:
        """Where this file's pictures most likely lie."""
        folder = self._folder.root / "images"
        part = self._path.stem.rpartition("_")[2]
        return next((one for one in (folder / part, folder) if one.is_dir()), self._path.parent)

    def _part(self) -> str | None:
        """Part that the file's own name tells, such as instances_val2017.json, or its folder."""
        word = self._path.stem.rpartition("_")[2].rstrip("0123456789").lower()
        return PART_NAMES.get(word) or part_of(self._path.relative_to(self._folder.root))


def _box(row: Any, names: Mapping[str, str], where: str) -> Box:
    category = str(field_of(row, "category_id"))
    if category not in names:
        raise LeaveOutError(f"its category {category[:60]} is not in the file")
    if field_of(row, "iscrowd") not in (None, 0, False):
        raise LeaveOutError("it stands for a crowd, not for one object")
    bbox = field_of(row, "bbox")
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise LeaveOutError("it has no bbox of four numbers")
    x, y, w, h = (number(value, "a value of bbox") for value in bbox)
    return Box(label=names[category], corners=(x, y, x + w, y + h), where=where)
