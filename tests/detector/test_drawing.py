"""Boxes and labels on pictures, Chinese included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import Mark, draw
from detector.drawing import AMBER, RED, SLATE, font

WHITE = (255, 255, 255)


def grey(width=400, height=300):
    return np.full((height, width, 3), 128, dtype=np.uint8)


def drawn(*marks, width=400, height=300, original_width=None):
    return draw(grey(width, height), list(marks), original_width=original_width or width)


def where(pixels, colour):
    """Give x1, y1, x2, y2 of all pixels of an RGB colour."""
    rows, columns = np.nonzero((pixels == colour[::-1]).all(axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def count(pixels, colour):
    return int((pixels == colour[::-1]).all(axis=2).sum())


def test_the_picture_given_is_left_alone():
    before = grey()
    draw(before, [Mark(box=(10, 10, 90, 90), text="垃圾")], original_width=400)

    assert (before == 128).all()


def test_without_marks_the_picture_is_the_same():
    assert (grey() == drawn()).all()


def test_a_box_is_drawn_where_it_is():
    pixels = drawn(Mark(box=(100, 120, 200, 220), text="", colour=RED))

    assert (100, 120, 200, 220) == where(pixels, RED)
    assert [128, 128, 128] == pixels[170, 150].tolist()


def test_boxes_of_the_original_are_scaled_to_the_picture():
    pixels = drawn(Mark(box=(1000, 1200, 2000, 2200), text="", colour=RED), original_width=4000)

    assert (100, 120, 200, 220) == where(pixels, RED)


def test_chinese_characters_have_shapes_of_their_own():
    pictures = [drawn(Mark(box=(50, 100, 300, 250), text=text)) for text in ("垃圾", "坑洼", "□□", "")]

    assert count(pictures[0], WHITE) > 20
    assert all((a != b).any() for at, a in enumerate(pictures) for b in pictures[at + 1 :])


@pytest.mark.parametrize("character", "暴露垃圾桶满溢小广告乱涂写违停坑洼线缆0.8")
def test_the_font_knows_every_character(character):
    unknown = font(24).getmask("\U0010fffd")
    known = font(24).getmask(character)

    assert known.getbbox()
    assert bytes(known) != bytes(unknown) or known.size != unknown.size


@pytest.mark.parametrize(
    "box",
    [(0, 0, 60, 60), (350, 0, 400, 50), (0, 250, 40, 300), (370, 270, 400, 300), (0, 0, 400, 300), (-50, -50, 30, 30)],
)
def test_a_label_stays_inside_the_picture(box):
    label = "暴露垃圾 0.87"
    inside = count(drawn(Mark(box=(150, 150, 250, 250), text=label)), WHITE)

    assert inside == count(drawn(Mark(box=box, text=label)), WHITE)


def test_the_last_mark_lies_on_top():
    box = (100, 100, 200, 200)
    pixels = drawn(Mark(box=box, text="", colour=SLATE), Mark(box=box, text="", colour=AMBER))

    assert 0 == count(pixels, SLATE)


def test_lines_and_letters_grow_with_the_picture():
    small = drawn(Mark(box=(100, 100, 200, 200), text="桶"))
    large = drawn(Mark(box=(1000, 1000, 2000, 2000), text="桶"), width=4000, height=3000)

    assert count(large, WHITE) > 20 * count(small, WHITE)


@pytest.mark.parametrize("colour", [RED, AMBER, SLATE])
def test_white_text_can_be_read_on_each_colour(colour):
    # relative luminance and contrast as in WCAG 2.2; 4.5 is its level AA
    linear = [(v / 255 / 12.92) if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert 1.05 / (luminance + 0.05) >= 4.5


edge = st.floats(-200, 700, allow_nan=False)


@settings(deadline=None, max_examples=60)
@given(edge, edge, edge, edge, st.integers(1, 500), st.integers(1, 400))
def test_no_box_is_too_odd_to_draw(a, b, c, d, width, height):
    box = (min(a, c), min(b, d), max(a, c), max(b, d))

    assert (height, width, 3) == drawn(Mark(box=box, text="线缆乱拉 0.5"), width=width, height=height).shape
