"""From another tool's boxes to label rows of ours: in shares of the picture, cut at its edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from training.data.formats.labelled import Box, Labelled, LeaveOutError, LeftOut

SAME_ASPECT: Final = 0.01  # a resized copy keeps width / height within this share
THINNEST_SHARE: Final = 0.001  # of the picture's side; `write_labels` drops what is thinner

Row = list[float]  # class cx cy w h


def rows_of(
    one: Labelled, size_px: tuple[int, int], numbers: Mapping[str, int | None]
) -> tuple[list[Row], list[LeftOut]]:
    """Rows of one picture, and the boxes that could not be taken.

    Args:
        size_px: width and height of the upright picture.
        numbers: their class names to the numbers that are wanted; None passes over such boxes.

    Raises:
        LeaveOutError: the other tool saw a picture of another shape, so that none of its boxes lies on this one.
    """
    scale = _scale(one, size_px)
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    for box in one.boxes:
        number = numbers[box.label]
        if number is None:
            continue
        try:
            x1, y1, x2, y2 = _cut(box, scale)
            row = [float(number), (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
            if row in rows:
                raise LeaveOutError("the same box came before")
        except LeaveOutError as error:
            left_out.append(LeftOut(where=box.where, what=f"box {box.label} on {one.name}", why=str(error)))
        else:
            rows.append(row)
    return rows, left_out


def _scale(one: Labelled, size_px: tuple[int, int]) -> tuple[float, float]:
    """What corners must be divided by to become shares of the picture."""
    said, (width, height) = one.size_px, size_px
    if said and said != size_px:
        shape, here = said[0] / said[1], width / height
        if abs(shape / here - 1) > SAME_ASPECT:
            raise LeaveOutError(
                f"labelled as {said[0]} × {said[1]} px, but upright it is {width} × {height} px: "
                "turned or cropped since; label the file as it is"
            )
    if not one.in_px:
        return 1.0, 1.0
    wide, high = said or size_px
    return float(wide), float(high)


def _cut(box: Box, scale: tuple[float, float]) -> tuple[float, float, float, float]:
    """Corners as shares, cut at the picture's edge.

    Raises:
        LeaveOutError: nothing of the box lies on the picture, or it has no area.
    """
    x1, x2 = (box.corners[index] / scale[0] for index in (0, 2))
    y1, y2 = (box.corners[index] / scale[1] for index in (1, 3))
    if x2 <= x1 or y2 <= y1:
        raise LeaveOutError("it has no area")
    x1, y1, x2, y2 = (min(max(value, 0.0), 1.0) for value in (x1, y1, x2, y2))
    if x2 - x1 <= THINNEST_SHARE or y2 - y1 <= THINNEST_SHARE:
        raise LeaveOutError("less than a thousandth of the picture's side lies on the picture")
    return x1, y1, x2, y2
