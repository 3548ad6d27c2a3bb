"""YOLO text: `class cx cy w h` a line in shares of the picture, or a polygon `class x1 y1 x2 y2 …`, boxed here.

Takes the layouts of Ultralytics (images/train beside labels/train), Roboflow (train/images beside train/labels)
and a picture with its text beside it. Class names come from data.yaml, classes.txt or obj.names; else the class
number is the name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from training.data.formats.labelled import Batch, Box, Labelled, LeaveOutError, number, part_of, read_text
from training.data.formats.pictures import PictureFolder
from training.places import TrainingError

NAME_FILES: Final = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")
NOT_LABELS: Final = {"classes.txt", "readme.txt", "train.txt", "val.txt", "valid.txt", "test.txt"}


def read(source: Path) -> Batch:
    """Read a folder of pictures with YOLO labels.

    Raises:
        TrainingError: it is no folder, or its list of names cannot be read.
    """
    if not source.is_dir():
        raise TrainingError(f"{source} is not a folder; --format yolo reads a folder of images and labels.")
    names = _class_names(source)
    folder = PictureFolder(source)
    batch = Batch(declared=list(names.values()))
    used: set[Path] = set()
    for picture in folder.paths:
        label = _label_path(picture, folder.root)
        shown = picture.relative_to(folder.root).as_posix()
        if not label.is_file():
            batch.leave_out(shown, "picture", "no label file; an empty one says that there is nothing to see")
            continue
        used.add(label)
        where = label.relative_to(folder.root).as_posix()
        try:
            boxes = _boxes(label, where, names)
        except LeaveOutError as error:
            batch.leave_out(str(error.args[1]) if len(error.args) > 1 else where, shown, error.args[0])
            continue
        part = part_of(picture.relative_to(folder.root))
        batch.pictures.append(
            Labelled(picture=picture, name=picture.name, where=where, part=part, boxes=boxes, in_px=False, size_px=None)
        )
    for label in sorted(folder.root.rglob("*.txt")):
        if label not in used and label.name.lower() not in NOT_LABELS and "labels" in label.parts:
            batch.leave_out(label.relative_to(folder.root).as_posix(), "labels", "there is no picture of this name")
    return batch


def _label_path(picture: Path, root: Path) -> Path:
    """Where YOLO looks for a picture's labels: the last folder `images` becomes `labels`; else beside the picture."""
    parts = list(picture.relative_to(root).parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            return root.joinpath(*parts[:index], "labels", *parts[index + 1 :]).with_suffix(".txt")
    return picture.with_suffix(".txt")


def _boxes(label: Path, where: str, names: dict[int, str]) -> tuple[Box, ...]:
    """Boxes of one label file.

    Raises:
        LeaveOutError: with the reason and the line.
    """
    boxes = []
    for line_number, line in enumerate(read_text(label).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        place = f"{where}:{line_number}"
        try:
            values = [number(word, "a value") for word in words]
            boxes.append(Box(label=_name(values[0], names), corners=_corners(values[1:]), where=place))
        except LeaveOutError as error:
            raise LeaveOutError(str(error), place) from error
    return tuple(boxes)


def _name(value: float, names: dict[int, str]) -> str:
    if value != int(value) or value < 0:
        raise LeaveOutError(f"{value:g} is not a class number")
    if names and int(value) not in names:
        raise LeaveOutError(f"class {int(value)} is not among the {len(names)} named ones")
    return names.get(int(value), str(int(value)))


def _corners(values: list[float]) -> tuple[float, float, float, float]:
    if len(values) == 4:
        cx, cy, w, h = values
        return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise LeaveOutError(f"{len(values) + 1} values; expected 'class cx cy w h', or a polygon of 3 points and more")


def _class_names(source: Path) -> dict[int, str]:
    """Class names by number; empty where the folder has no list."""
    path = next((source / name for name in NAME_FILES if (source / name).is_file()), None)
    if path is None:
        return {}
    try:
        text = read_text(path)
        if path.suffix not in (".yaml", ".yml"):
            return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
        content = yaml.safe_load(text)
        names = content["names"]
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(index): str(name) for index, name in pairs}
    except LeaveOutError as error:
        raise TrainingError(f"{path}: {error}.") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise TrainingError(f"{path}: no list of class names under `names` ({error!r}).") from error
