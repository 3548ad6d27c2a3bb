"""The model's classes, in the order of its output rows; nothing else may decide that order."""

from __future__ import annotations

from typing import Final

CLASSES: Final = (
    "exposed_garbage",
    "trash_bin",
    "overflowing_bin",
    "pothole",
    "graffiti",
    "tangled_cable",
    "person",
    "bicycle",
    "motorcycle",
    "car",
    "bus",
    "truck",
)
CLASS_COUNT: Final = len(CLASSES)
CLASS_INDEX: Final = {name: index for index, name in enumerate(CLASSES)}

#: Rows of the street teacher's five-class head, in its own order (data folder's README).
STREET_TEACHER_CLASSES: Final = ("exposed_garbage", "trash_bin", "overflowing_bin", "pothole", "graffiti")

#: Rows of the 80-class COCO head that we keep, under our names. Source: the COCO class list.
COCO_TEACHER_ROWS: Final = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}
COCO_CLASS_COUNT: Final = 80


def ignore_index(class_index: int) -> int:
    """Class number that marks, in our own label files, "do not judge this class inside this box".

    A teacher's doubtful box is neither an object nor background. Written as class + 12 it travels through
    mosaic, flips and crops like any label; `training.loss` takes it out before objects are assigned.
    """
    return class_index + CLASS_COUNT
