"""What gets a label in a rendered picture, and how it is written. No Blender."""

import numpy as np
import pytest

from training.scenes import boxes


def picture(*things):
    """An index pass of 640 x 480 with rectangles (index, x1, y1, x2, y2)."""
    indices = np.zeros((480, 640), np.int32)
    for index, x1, y1, x2, y2 in things:
        indices[y1:y2, x1:x2] = index
    return indices


def test_classes_stand_in_the_order_of_the_model():
    things = "exposed_garbage trash_bin overflowing_bin pothole graffiti tangled_cable"
    expected = things + " person bicycle motorcycle car bus truck"

    assert tuple(expected.split()) == boxes.CLASSES


def test_a_box_ends_after_the_last_visible_pixel():
    (found,) = boxes.find_boxes(picture((1, 100, 50, 180, 150)), {1: "trash_bin"}, {})

    assert (100, 50, 180, 150) == found.xyxy


def test_a_box_counts_only_what_is_seen():
    behind_a_car = picture((1, 100, 100, 200, 200), (2, 150, 90, 400, 210))

    found = boxes.find_boxes(behind_a_car, {1: "trash_bin", 2: "car"}, {1: (100, 100, 200, 200)})

    assert ["car", "trash_bin"] == [box.label for box in found]
    assert (100, 100, 150, 200) == found[1].xyxy


def test_specks_earn_no_label():
    assert [] == boxes.find_boxes(picture((1, 10, 10, 20, 20)), {1: "pothole"}, {})
    assert [] == boxes.find_boxes(picture((1, 10, 10, 17, 100)), {1: "pothole"}, {})


def test_a_mostly_hidden_object_earns_no_label():
    assert [] == boxes.find_boxes(picture((1, 100, 100, 120, 120)), {1: "car"}, {1: (100, 100, 300, 200)})


def test_a_small_rest_at_the_edge_earns_no_label():
    rest = picture((1, 600, 200, 640, 240))

    assert [] == boxes.find_boxes(rest, {1: "car"}, {1: (600, 200, 900, 240)})


def test_a_tangle_that_fills_the_picture_keeps_its_label_though_most_lies_outside():
    filled = picture((1, 0, 0, 640, 300))

    (found,) = boxes.find_boxes(filled, {1: "tangled_cable"}, {1: (-4000, -500, 5000, 300)})

    assert (640, 300) == pytest.approx(found.xyxy[2:], abs=4)


def test_one_stray_wire_does_not_stretch_a_tangle():
    tangle = picture((1, 200, 100, 320, 180), (1, 320, 140, 640, 142))

    (found,) = boxes.find_boxes(tangle, {1: "tangled_cable"}, {})

    assert 340 > found.xyxy[2]


def test_the_dense_part_is_part_of_the_mask():
    rng = np.random.default_rng(1)
    mask = rng.random((97, 131)) < 0.1

    dense = boxes.dense_part(mask)

    assert mask.shape == dense.shape
    assert not (dense & ~mask).any()


@pytest.mark.parametrize("label", boxes.CLASSES)
def test_a_line_read_back_is_the_box_that_was_written(label):
    box = boxes.Box(label=label, xyxy=(3.0, 5.0, 630.0, 401.0))

    read = boxes.parse_yolo_line(boxes.yolo_line(box, 640, 480), 640, 480)

    assert label == read.label
    assert box.xyxy == pytest.approx(read.xyxy, abs=1e-3)


@pytest.mark.parametrize(
    "line", ["", "0 .5 .5 .1", "12 .5 .5 .1 .1", "0 .5 .5 1.2 .1", "0 .95 .5 .2 .1", "x .5 .5 .1 .1"]
)
def test_a_line_of_another_form_is_refused(line):
    with pytest.raises(ValueError):
        boxes.parse_yolo_line(line, 640, 480)


@pytest.mark.parametrize("xyxy", [(5, 5, 5, 9), (5, 9, 8, 5)])
def test_an_empty_box_cannot_be_made(xyxy):
    with pytest.raises(ValueError, match="not a box"):
        boxes.Box(label="car", xyxy=xyxy)


def test_a_box_of_an_unknown_class_cannot_be_made():
    with pytest.raises(ValueError, match="known class"):
        boxes.Box(label="dragon", xyxy=(0, 0, 5, 5))
