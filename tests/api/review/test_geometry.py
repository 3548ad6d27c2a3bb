"""Boxes to Label Studio and back, and what of a reviewer's result is not believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Unfit
from api.review.config import FROM_NAME, TO_NAME
from api.review.geometry import from_result, to_value

KNOWN = frozenset(("graffiti", "trash_bin"))
SIDES = st.integers(min_value=1, max_value=20_000)


def result(code: str = "graffiti", **changes: Any) -> dict[str, Any]:
    value = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0, "rectanglelabels": [f"涂写 · {code}"]}
    outer = {name: changes.pop(name) for name in ("from_name", "to_name", "type") if name in changes}
    whole = {"type": "rectanglelabels", "from_name": FROM_NAME, "to_name": TO_NAME, "value": value | changes}
    return whole | outer


@given(width=SIDES, height=SIDES, edges=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_comes_back_as_it_left(width: int, height: int, edges: list[float]) -> None:
    x1, x2 = sorted((edges[0] * width, edges[1] * width))
    y1, y2 = sorted((edges[2] * height, edges[3] * height))
    value = to_value((x1, y1, x2, y2), width, height)
    if min(value["width"], value["height"]) <= 0:
        return

    (back,) = from_result([result(**value)], width, height, KNOWN)

    assert (x1, y1, x2, y2) == pytest.approx(back.box, abs=0.06)


@given(edges=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4))
def test_what_leaves_us_lies_within_the_picture(edges: list[float]) -> None:
    value = to_value((edges[0], edges[1], edges[2], edges[3]), 640, 480)

    assert all(0 <= value[name] <= 100 for name in ("x", "y"))
    assert value["x"] + value["width"] <= 100.0001


def test_a_box_a_hair_over_the_edge_is_cut() -> None:
    (drawn,) = from_result([result(x=-0.3, width=100.4)], 1000, 500, KNOWN)

    assert (0, 1000) == (drawn.box[0], drawn.box[2])


@pytest.mark.parametrize(
    "changes",
    [
        {"x": 80.0},
        {"x": -5.0},
        {"y": 99.0},
        {"width": 0},
        {"height": -1.0},
        {"width": float("nan")},
        {"x": "10"},
        {"x": None},
        {"x": True},
        {"rotation": 12},
        {"rectanglelabels": ["涂写 · dragon"]},
        {"rectanglelabels": ["graffiti", "trash_bin"]},
        {"rectanglelabels": []},
        {"rectanglelabels": [None]},
        {"rectanglelabels": None},
        {"from_name": "another"},
        {"to_name": "another"},
    ],
)
def test_a_box_outside_the_picture_turned_or_of_no_class_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unfit):
        from_result([result(), result(**changes)], 1000, 500, KNOWN)


def test_other_things_than_boxes_are_passed_over() -> None:
    comment = {"type": "textarea", "value": {"text": ["see the wall"]}}

    assert 1 == len(from_result([comment, result(), "nonsense"], 10, 10, KNOWN))


def test_a_flood_of_boxes_is_refused() -> None:
    with pytest.raises(Unfit, match="501 boxes"):
        from_result([result()] * 501, 10, 10, KNOWN)
