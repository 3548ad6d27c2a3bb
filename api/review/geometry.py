"""Boxes between our pixels and Label Studio's percents, and what of a reviewer's result is believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.errors import Unfit
from api.review.config import FROM_NAME, TO_NAME, code_of

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels of the upright original
MOST_BOXES = 500  # on one picture
SAME_PLACE = 0.5  # intersection over union, as detections are counted right
_SLACK = 0.5  # percent that a box may reach over the picture's edge: a hand at the mouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A box that a reviewer left standing, moved or drew."""

    code: str
    box: Box


def to_value(box: Box, width: int, height: int) -> dict[str, float]:
    """Give a box as Label Studio wants it: percent of the picture, its corner and its size."""
    x1, y1, x2, y2 = (
        min(max(edge / side, 0.0), 1.0) * 100 for edge, side in zip(box, (width, height) * 2, strict=True)
    )
    return {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rotation": 0}


def same_place(one: Sequence[float], other: Sequence[float]) -> bool:
    """Say whether two boxes mean one thing: they share half of what they cover together."""
    x1, y1 = max(one[0], other[0]), max(one[1], other[1])
    x2, y2 = min(one[2], other[2]), min(one[3], other[3])
    shared = max(0.0, x2 - x1) * max(0.0, y2 - y1)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared > 0 and shared >= SAME_PLACE * (sum(areas) - shared)


def from_result(result: list[Any], width: int, height: int, known: frozenset[str]) -> list[Drawn]:
    """Give the boxes of an annotation.

    Raises:
        Unfit: a box lies outside the picture, is turned, empty or no number, or its label is not one of ours.
    """
    if len(result) > MOST_BOXES:
        raise Unfit(f"{len(result)} boxes on one picture; the limit is {MOST_BOXES}.")
    return [_drawn(one, width, height, known) for one in result if _is_box(one)]


def _is_box(one: object) -> bool:
    return isinstance(one, dict) and one.get("type") == "rectanglelabels"


def _drawn(one: dict[str, Any], width: int, height: int, known: frozenset[str]) -> Drawn:
    given = one.get("value")
    value: dict[str, Any] = given if isinstance(given, dict) else {}
    texts = value.get("rectanglelabels")
    if one.get("from_name") != FROM_NAME or one.get("to_name") != TO_NAME or not isinstance(texts, list):
        raise Unfit("A box does not come from our labelling page.")
    if len(texts) != 1 or not isinstance(texts[0], str) or code_of(texts[0]) not in known:
        raise Unfit(f"A box has the label {str(texts)[:80]}, which is none of the catalogue's.")
    x, y, wide, high = (_number(value, name) for name in ("x", "y", "width", "height"))
    if _number(value, "rotation", 0.0) != 0:
        raise Unfit("A box is turned; boxes stand upright here.")
    if min(wide, high) <= 0 or min(x, y) < -_SLACK or x + wide > 100 + _SLACK or y + high > 100 + _SLACK:
        raise Unfit(f"A box ({x:.1f}, {y:.1f}, {wide:.1f} x {high:.1f} percent) is empty or outside the picture.")
    left, top = max(x, 0.0) / 100 * width, max(y, 0.0) / 100 * height
    right, bottom = min(x + wide, 100.0) / 100 * width, min(y + high, 100.0) / 100 * height
    return Drawn(code=code_of(texts[0]), box=(round(left, 1), round(top, 1), round(right, 1), round(bottom, 1)))


def _number(value: dict[str, Any], name: str, otherwise: float | None = None) -> float:
    given = value.get(name, otherwise)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise Unfit(f"A box has {str(given)[:20]} as its {name}, which is no number.")
    return float(given)
