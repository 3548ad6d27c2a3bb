"""Laying pictures into the model's input and boxes back onto the picture."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.letterbox import MAX_CANDIDATES, lay_in, read_out

STRIDE = 32


def white(width, height):
    return np.full((height, width, 3), 255, dtype=np.uint8)


def inner(blob):
    """Give left, top, width and height of the picture inside the input, found by looking at the pixels."""
    columns, rows = np.flatnonzero((blob[0, 0] == 1).any(axis=0)), np.flatnonzero((blob[0, 0] == 1).any(axis=1))
    return columns[0], rows[0], len(columns), len(rows)


def candidates(*boxes, classes=3):
    """Give a raw output of (centre x, centre y, width, height, class, confidence) tuples."""
    output = np.zeros((4 + classes, len(boxes)), dtype=np.float32)
    for at, (x, y, width, height, class_id, confidence) in enumerate(boxes):
        output[:4, at] = x, y, width, height
        output[4 + class_id, at] = confidence
    return output


def read(output, laid, *, min_confidence=0.25, overlap=0.6, most=300):
    return read_out(output, laid, min_confidence=min_confidence, overlap=overlap, most=most)


share = st.floats(0, 1)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 1500), st.integers(1, 1500), st.sampled_from([320, 416, 640]), share, share, share, share)
@example(4000, 2251, 416, 0.0, 0.0, 1.0, 1.0)  # the short side is rounded by half an input pixel: five of the picture's
@example(4000, 3, 416, 0.1, 0.0, 0.9, 1.0)
@example(1, 1, 640, 0.0, 0.0, 1.0, 1.0)
def test_a_box_laid_in_and_read_out_comes_back(width, height, input_px, a, b, c, d):
    (x1, x2), (y1, y2) = sorted((a * width, c * width)), sorted((b * height, d * height))
    blob, laid = lay_in(white(width, height), input_px, STRIDE)
    left, top, wide, high = inner(blob)
    across, down = wide / width, high / height
    centre_x, centre_y = (x1 + x2) / 2 * across + left, (y1 + y2) / 2 * down + top
    output = candidates((centre_x, centre_y, (x2 - x1) * across, (y2 - y1) * down, 0, 0.9))
    (found,), _, _ = read(output, laid)

    assert pytest.approx([x1, y1, x2, y2], abs=1) == found.tolist()


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 1200), st.integers(1, 1200), st.sampled_from([320, 416, 640]))
def test_the_input_is_as_small_as_the_stride_allows(width, height, input_px):
    blob, _ = lay_in(white(width, height), input_px, STRIDE)
    _, _, wide, high = inner(blob)

    assert (1, 3) == blob.shape[:2]
    assert (0, 0) == (blob.shape[2] % STRIDE, blob.shape[3] % STRIDE)
    assert input_px == max(wide, high)
    assert blob.shape[2] - high < STRIDE
    assert blob.shape[3] - wide < STRIDE
    assert np.float32 == blob.dtype


def test_the_input_is_red_green_blue_from_0_to_1_on_the_grey_of_training():
    blue = np.zeros((10, 20, 3), dtype=np.uint8)
    blue[:, :, 0] = 255
    blob, _ = lay_in(blue, 64, 32)

    assert (1, 3, 32, 64) == blob.shape
    assert [0, 0, 1] == blob[0, :, 16, 32].tolist()
    assert (64, 128) == lay_in(white(640, 300), 128, 32)[0].shape[2:]
    assert pytest.approx(114 / 255) == lay_in(white(640, 300), 128, 32)[0][0, 0, 0, 0]


def test_the_grain_of_a_large_picture_does_not_become_texture():
    grain = np.random.default_rng(3).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    blob, _ = lay_in(grain, 160, STRIDE)

    assert blob.std() < 0.05  # each pixel is the mean of a hundred: .29 / 10, and some for the rounding


def test_of_two_boxes_on_one_object_the_surer_stays():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    xyxy, confidence, class_id = read(candidates((100, 100, 80, 80, 1, 0.6), (104, 100, 80, 80, 1, 0.8)), laid)

    assert [[64, 60, 144, 140]] == xyxy.tolist()
    assert [pytest.approx(0.8)] == confidence.tolist()
    assert [1] == class_id.tolist()


def test_boxes_of_two_classes_do_not_suppress_each_other():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    _, confidence, class_id = read(candidates((100, 100, 80, 80, 0, 0.6), (100, 100, 80, 80, 2, 0.8)), laid)

    assert [2, 0] == class_id.tolist()
    assert [pytest.approx(0.8), pytest.approx(0.6)] == confidence.tolist()


def test_neighbours_that_overlap_little_both_stay():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    xyxy, _, _ = read(candidates((100, 100, 80, 80, 0, 0.6), (140, 100, 80, 80, 0, 0.8)), laid)

    assert 2 == len(xyxy)


def test_boxes_are_cut_at_the_pictures_edge():
    _, laid = lay_in(white(640, 320), 640, STRIDE)
    (box,), _, _ = read(candidates((0, 0, 100, 100, 0, 0.9)), laid)

    assert [0, 0, 50, 50] == box.tolist()


def test_doubtful_candidates_are_dropped():
    _, laid = lay_in(white(64, 64), 64, STRIDE)

    assert 0 == len(read(candidates((32, 32, 9, 9, 0, 0.24)), laid)[0])
    assert 1 == len(read(candidates((32, 32, 9, 9, 0, 0.25)), laid)[0])


def test_nothing_found_gives_empty_arrays_of_the_right_shapes():
    _, laid = lay_in(white(64, 64), 64, STRIDE)
    xyxy, confidence, class_id = read(candidates((32, 32, 9, 9, 0, 0.0)), laid)

    assert ((0, 4), (0,), (0,)) == (xyxy.shape, confidence.shape, class_id.shape)


def test_no_more_boxes_than_asked_for_the_surest_first():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    apart = [(20 + 60 * (n % 10), 20 + 60 * (n // 10), 20, 20, 0, 0.3 + n / 200) for n in range(100)]
    _, confidence, _ = read(candidates(*apart), laid, most=7)

    assert [pytest.approx(0.3 + n / 200) for n in range(99, 92, -1)] == confidence.tolist()


def test_a_flood_of_candidates_is_cut_to_the_surest():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    output = np.zeros((5, MAX_CANDIDATES + 500), dtype=np.float32)
    output[:4] = [[320], [320], [50], [50]]
    output[4] = np.linspace(0.1, 0.9, output.shape[1])
    _, confidence, _ = read(output, laid, min_confidence=0.0)

    assert [pytest.approx(0.9)] == confidence.tolist()


def test_a_place_is_given_under_every_class_that_is_likely_enough():
    _, laid = lay_in(white(640, 640), 640, STRIDE)
    output = candidates((320, 320, 100, 100, 0, 0.6))
    output[4 + 2, 0] = 0.5

    xyxy, confidence, class_id = read(output, laid)

    assert [0, 2] == class_id.tolist()
    assert pytest.approx([0.6, 0.5]) == confidence.tolist()
    assert xyxy[0].tolist() == xyxy[1].tolist()
