"""Label files read line by line, so that every fault in them is told and not only the first."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from training.data.findings import Finding, Kind, Level
from training.labels import overlap

EDGE_SHARE: Final = 0.001  # a box may stick out by rounding: .001 of the side is 0.6 px of 640
TINY_PX: Final = 2.0  # thinner boxes are more often a slip of the mouse than an object
SAME_BOX_IOU: Final = 0.95  # two boxes of one class this alike are one object, boxed twice
MAX_LABEL_BYTES: Final = 4 * 1024 * 1024  # about 80,000 boxes; no picture holds so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One sound box of a label file."""

    class_index: int
    corners: tuple[float, float, float, float]  #: x1 y1 x2 y2, shares of the picture
    line: int


@dataclass(slots=True)
class LabelFile:
    """What one label file holds and what is wrong with it."""

    counts: Counter[str] = field(default_factory=Counter)  #: boxes per class of ours
    findings: list[Finding] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)

    def find(self, kind: Kind, where: str, what: str, level: Level = Level.fault) -> None:
        """Note what is wrong."""
        self.findings.append(Finding(level=level, kind=kind, where=where, what=what))


def check_labels(path: Path, shown: str, classes: tuple[str, ...], width: int, height: int) -> LabelFile:
    """Read the labels of one picture and say what is wrong with them.

    Args:
        path: YOLO text, `class cx cy w h` with shares 0..1.
        shown: what to call the file.
        classes: class names in the order of the file's numbers.
        width: of the picture, pixels; 0 where it is not known.
        height: of the picture, pixels; 0 where it is not known.
    """
    result = LabelFile()
    if path.stat().st_size > MAX_LABEL_BYTES:
        result.find(Kind.label_malformed, shown, f"larger than {MAX_LABEL_BYTES // 1048576} MiB; not a label file.")
        return result
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        result.find(Kind.label_malformed, shown, "not text in UTF-8; restore the file.")
        return result
    for number, line in enumerate(lines, start=1):
        if line.strip():
            _take_line(result, line, f"{shown}:{number}", number, classes, (width, height))
    _look_for_twins(result, shown)
    return result


def _take_line(
    result: LabelFile, line: str, where: str, number: int, classes: tuple[str, ...], size_px: tuple[int, int]
) -> None:
    try:
        index, cx, cy, w, h = (float(word) for word in line.split())
    except ValueError:
        result.find(Kind.label_malformed, where, f"{line[:60]!r} is not 'class cx cy w h'.")
        return
    if not all(math.isfinite(value) for value in (index, cx, cy, w, h)) or index != int(index):
        result.find(Kind.label_malformed, where, f"{line[:60]!r} is not a whole class number and four finite shares.")
        return
    if not 0 <= index < len(classes):
        result.find(Kind.class_unknown, where, f"class {int(index)} is unknown; known are {dict(enumerate(classes))}.")
        return
    result.counts[classes[int(index)]] += 1
    if w <= 0 or h <= 0:
        result.find(Kind.box_empty, where, f"the box is {w:g} × {h:g} of the picture; draw it again or remove it.")
        return
    corners = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    if min(corners) < -EDGE_SHARE or max(corners) > 1 + EDGE_SHARE:
        result.find(Kind.box_outside, where, "the box reaches outside the picture; cut it at the edge.")
        return
    if min(w * size_px[0], h * size_px[1]) < TINY_PX and all(size_px):
        shown = f"{w * size_px[0]:.1f} × {h * size_px[1]:.1f} px"
        result.find(Kind.box_tiny, where, f"the box is only {shown}; look whether it was a slip.", Level.warning)
    result.drawn.append(Drawn(class_index=int(index), corners=corners, line=number))


def _look_for_twins(result: LabelFile, shown: str) -> None:
    """Note boxes of one class that lie on one another."""
    if len(result.drawn) < 2:
        return
    index = np.array([one.class_index for one in result.drawn])
    corners = np.array([one.corners for one in result.drawn])
    same = (overlap(corners, corners) >= SAME_BOX_IOU) & (index[:, None] == index[None, :])
    for later in map(int, np.flatnonzero(np.tril(same, -1).any(axis=1))):
        first = result.drawn[int(np.flatnonzero(same[later])[0])]
        where = f"{shown}:{result.drawn[later].line}"
        result.find(Kind.box_twice, where, f"the same object as line {first.line}; remove one.")
