"""Hand a set out in the layout of another tool, pictures included; what is written can be taken in again.

Class numbers are those of the model, so that two exports can be laid together.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml
from PIL import Image

from training.classes import CLASS_INDEX, CLASSES
from training.data.folders import all_or_nothing
from training.data.sets import NO_LABELS, DataSet, PictureFile
from training.labels import Labels, cut_at_edges, no_labels, read_labels, to_xyxy, write_labels
from training.places import TrainingError

PARTS: Final = ("train", "dev", "val")


class Format(StrEnum):
    """What is written."""

    yolo = "yolo"
    coco = "coco"


def hand_out(data_set: DataSet, form: Format, out: Path, step: Callable[[int], None] = lambda _count: None) -> int:
    """Write a set; give the number of pictures. `step` is called with that number before each.

    Raises:
        TrainingError: a file is missing or a label is not sound, or something stands at `out`. Then nothing is written.
    """
    files = [one for one in data_set.files if one.part in PARTS]
    with all_or_nothing(out) as folder:
        by_part: dict[str, list[tuple[PictureFile, Labels]]] = {part: [] for part in PARTS}
        for one in files:
            step(len(files))
            _copy_picture(data_set, one, folder)
            by_part[one.part].append((one, labels_in_our_numbers(data_set, one)))
        write = _write_yolo if form is Format.yolo else _write_coco
        write(data_set, by_part, folder)
        (folder / "TERMS.txt").write_text(_terms(data_set), encoding="utf-8")
    return len(files)


def labels_in_our_numbers(data_set: DataSet, file: PictureFile) -> Labels:
    """Labels (n, 5) of one picture in the model's class numbers, with the cable boxes that stand in a table.

    Raises:
        TrainingError: the labels are missing, or a line is not sound.
    """
    labels = no_labels()
    if file.labels_sha256 != NO_LABELS:
        path = data_set.labels_of(file.name)
        if not path.is_file():
            raise TrainingError(f"{path} is missing; `pointwatch data check {data_set.name}` tells what else is.")
        labels = read_labels(path)
        for row in labels:
            if not 0 <= row[0] < len(data_set.classes):
                raise TrainingError(f"{path}: class {row[0]:g} is unknown; known are {data_set.classes}.")
            row[0] = CLASS_INDEX[data_set.classes[int(row[0])]]
    return data_set.with_cables(file, labels)


def _copy_picture(data_set: DataSet, one: PictureFile, folder: Path) -> None:
    source = data_set.folder / one.name
    to = folder / _name(one)
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, to)
    except OSError as error:
        raise TrainingError(f"{source}: {error.strerror or error}; the set is not complete.") from error


def _name(one: PictureFile) -> str:
    """Where a picture goes: its part is the folder, whatever folder it came from."""
    return f"images/{one.part}/{Path(one.name).name}"


def _write_yolo(data_set: DataSet, by_part: dict[str, list[tuple[PictureFile, Labels]]], folder: Path) -> None:
    for part, rows in by_part.items():
        for one, labels in rows:
            path = folder / "labels" / part / f"{Path(one.name).stem}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_labels(path, labels)
    description: dict[str, object] = {part: f"images/{part}" for part, rows in by_part.items() if rows}
    description["names"] = dict(enumerate(CLASSES))
    head = f"# {data_set.name}: {data_set.licence}; {data_set.attribution}\n"
    (folder / "data.yaml").write_text(
        head + yaml.safe_dump(description, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )


def _write_coco(data_set: DataSet, by_part: dict[str, list[tuple[PictureFile, Labels]]], folder: Path) -> None:
    (folder / "annotations").mkdir()
    for part, rows in by_part.items():
        if rows:
            path = folder / "annotations" / f"instances_{part}.json"
            path.write_text(json.dumps(_coco(data_set, rows, folder), ensure_ascii=False), encoding="utf-8")


def _coco(data_set: DataSet, rows: Sequence[tuple[PictureFile, Labels]], folder: Path) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (one, labels) in enumerate(rows, start=1):
        with Image.open(folder / _name(one)) as picture:  # the header only
            width, height = picture.size
        images.append({"id": number, "file_name": Path(one.name).name, "width": width, "height": height, "license": 1})
        kept = cut_at_edges(labels)
        for row, (x1, y1, x2, y2) in zip(kept, to_xyxy(kept, width, height), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(row[0]) + 1,  # 0 is background to some readers of COCO
                    "bbox": [round(float(value), 3) for value in (x1, y1, x2 - x1, y2 - y1)],
                    "area": round(float((x2 - x1) * (y2 - y1)), 3),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {"description": data_set.name, "contributor": data_set.attribution},
        "licenses": [{"id": 1, "name": data_set.licence, "url": ""}],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(CLASSES)],
        "images": images,
        "annotations": annotations,
    }


def _terms(data_set: DataSet) -> str:
    return (
        f"{data_set.name}\nLicence: {data_set.licence}\nAttribution: {data_set.attribution}\n{data_set.note}\n"
        f"Labelled everywhere: {', '.join(data_set.labelled) or 'nothing'}. Other classes may be visible and are "
        "not labelled: their absence from the labels means nothing.\n"
    )
