"""From the object-index pass to YOLO labels. Pure: no Blender, no disk.

The rule for a label. Everything rendered that belongs to a model class carries an index of its own. Its box is that of
its *visible* pixels. The box is dropped when
- fewer than `MIN_PIXELS` pixels (at 640 x 480, scaled with the picture's area) show it, or a side is under
  `MIN_SIDE_PX`;
- its visible box covers less than `MIN_SHARE` of that part of its projected geometry which lies in the frame (mostly
  hidden);
- its visible box covers less than `MIN_INSIDE` of its whole projected geometry and less than `LARGE` of the picture
  (mostly out of frame, and what is left is small; a tangle that fills the picture stays).
Thin things (cables) have few pixels in a large box, so their minimum is `MIN_PIXELS_THIN`, and their box is drawn round
their dense part: cells of the picture that hold at least `DENSE` of what full ones hold. One stray wire must not
stretch it, nor one stray scrap a heap's (`TRIM`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.classes import CLASSES

MIN_PIXELS = 160
MIN_PIXELS_THIN = 220
MIN_SIDE_PX = 8
MIN_SHARE = 0.25
MIN_SHARE_THIN = 0.1  # their geometry is a loose cloud, their trimmed box the dense part of it
MIN_INSIDE = 0.2
LARGE = 0.03
TRIM = {"exposed_garbage": 0.01, "tangled_cable": 0.006}
DENSE = 0.32
_CELLS_ACROSS = 40
_REFERENCE_AREA = 640 * 480
_THIN = frozenset({"tangled_cable"})

Extent = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One labelled object in one picture."""

    label: str  #: one of `CLASSES`
    xyxy: Extent  #: x1, y1, x2, y2 in pixels, y down, x2 and y2 exclusive

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.xyxy
        if self.label not in CLASSES or not (x1 < x2 and y1 < y2):
            raise ValueError(f"not a box of a known class: {self}")


def visible_box(mask: NDArray[np.bool_], trim: float = 0.0) -> Extent | None:
    """Give the box x1 y1 x2 y2 (pixels, exclusive end) of the true pixels of an (H, W) mask, None when there are none.

    `trim` cuts off that share of the pixels on each of the four sides.
    """
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        return None
    x1, x2 = np.quantile(columns, [trim, 1 - trim], method="nearest")
    y1, y2 = np.quantile(rows, [trim, 1 - trim], method="nearest")
    return float(x1), float(y1), float(x2 + 1), float(y2 + 1)


def dense_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those true pixels of an (H, W) mask that lie in cells with at least `DENSE` of what full cells hold."""
    cell = max(4, mask.shape[1] // _CELLS_ACROSS)
    height, width = (-(-side // cell) * cell for side in mask.shape)
    padded = np.zeros((height, width), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    counts = padded.reshape(height // cell, cell, width // cell, cell).sum(axis=(1, 3))
    if not counts.any():
        return mask
    full = np.quantile(counts[counts > 0], 0.9)
    dense = np.repeat(np.repeat(counts >= DENSE * full, cell, axis=0), cell, axis=1)
    return mask & dense[: mask.shape[0], : mask.shape[1]]


def area(extent: Extent) -> float:
    """Area in square pixels; 0 for an empty or inverted extent."""
    x1, y1, x2, y2 = extent
    return max(0.0, x2 - x1) * max(0.0, y2 - y1)


def hidden_or_cropped(seen: Extent, whole: Extent, shape: tuple[int, ...], min_share: float = MIN_SHARE) -> bool:
    """Whether too little of an object is seen (`seen` of `whole`, pixels) in an (H, W) picture for a label."""
    height, width = shape[:2]
    framed = (max(0.0, whole[0]), max(0.0, whole[1]), min(float(width), whole[2]), min(float(height), whole[3]))
    mostly_hidden = area(seen) < min_share * area(framed)
    mostly_outside = area(seen) < MIN_INSIDE * area(whole) and area(seen) < LARGE * width * height
    return mostly_hidden or mostly_outside


def find_boxes(indices: NDArray[np.int32], labels: Mapping[int, str], whole: Mapping[int, Extent]) -> list[Box]:
    """Give the boxes worth a label, largest first.

    `indices` is the object-index pass, (H, W), 0 where nothing labelled is seen; `labels` maps an index to its class;
    `whole` maps an index to the extent in pixels of its whole geometry, which may lie outside the picture.
    """
    scale = indices.size / _REFERENCE_AREA
    boxes = []
    for index, label in labels.items():
        thin = label in _THIN
        mask = indices == index
        if np.count_nonzero(mask) < (MIN_PIXELS_THIN if thin else MIN_PIXELS) * scale:
            continue
        extent = visible_box(dense_part(mask) if thin else mask, TRIM.get(label, 0.0))
        if extent is None or min(extent[2] - extent[0], extent[3] - extent[1]) < MIN_SIDE_PX:
            continue
        if hidden_or_cropped(extent, whole.get(index, extent), indices.shape, MIN_SHARE_THIN if thin else MIN_SHARE):
            continue
        boxes.append(Box(label=label, xyxy=extent))
    return sorted(boxes, key=lambda box: -area(box.xyxy))


def yolo_line(box: Box, width: int, height: int) -> str:
    """Write a box as `class cx cy w h`, all but the class as shares (0..1) of a `width` x `height` pixel picture."""
    x1, y1, x2, y2 = box.xyxy
    parts = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return " ".join([str(CLASSES.index(box.label)), *(f"{part:.6f}" for part in parts)])


def parse_yolo_line(line: str, width: int, height: int) -> Box:
    """Read a line that `yolo_line` wrote back into pixels.

    Raises ValueError for a line of another form, an unknown class or a box outside the picture.
    """
    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f"expected 'class cx cy w h', got {line!r}")
    number, (cx, cy, w, h) = int(fields[0]), (float(field) for field in fields[1:])
    if not 0 <= number < len(CLASSES):
        raise ValueError(f"no class {number}")
    slack = 1e-5  # six decimals were written
    if min(cx - w / 2, cy - h / 2) < -slack or max(cx + w / 2, cy + h / 2) > 1 + slack:
        raise ValueError(f"box outside the picture: {line!r}")
    xyxy = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
    return Box(label=CLASSES[number], xyxy=xyxy)
