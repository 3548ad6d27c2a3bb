"""The check finds each planted fault, names its place, and says nothing of a sound set."""

from collections import Counter

import cv2
import numpy as np
import pytest

from tests.training.data.conftest import SIDE_PX, picture, scene
from training.data.check import across_sets, check_set, steps
from training.data.findings import Kind, Level
from training.data.sets import open_set
from training.places import TrainingError, data_dir


def _kinds(report, level=Level.fault):
    return {one.kind for one in report.findings if one.level is level}


def _only(report):
    """The only finding there is."""
    assert 1 == len(report.findings), report.findings
    return report.findings[0]


def test_a_sound_set_gives_no_finding(folder):
    folder.add("000001", "train")
    folder.add("000300", "dev", labels="")
    folder.add("000600", "val", labels="1 0.5 0.5 0.2 0.2\n0 0.2 0.2 0.3 0.3\n")
    report = check_set(folder.open())

    assert [] == report.findings
    assert Counter(train=1, dev=1, val=1) == report.pictures
    assert {"graffiti": 1, "pothole": 1} == dict(report.boxes["val"])


def test_progress_is_told_as_often_as_announced(folder):
    for number, part in enumerate(("train", "train", "dev", "val", "val")):
        folder.add(f"{number * 300:06d}", part)
    steps_taken = []
    check_set(folder.open(), step=lambda: steps_taken.append(1))

    assert steps(folder.open()) == len(steps_taken)


def test_a_missing_picture_is_a_fault(folder):
    folder.add().unlink()
    report = check_set(folder.open())

    assert Kind.file_missing in _kinds(report)
    assert "small/images/train/000001.jpg" in {one.where for one in report.findings}


def test_missing_labels_are_a_fault(folder):
    folder.add()
    (folder.root / "labels/train/000001.txt").unlink()

    assert {Kind.file_missing, Kind.count_differs} == _kinds(check_set(folder.open()))


def test_changed_bytes_are_a_fault(folder):
    path = folder.add()
    picture(path, seed=77)

    assert Kind.file_changed is _only(check_set(folder.open())).kind


def test_changed_labels_are_a_fault(folder):
    folder.add()
    (folder.root / "labels/train/000001.txt").write_text("0 0.5 0.5 0.3 0.3\n", encoding="utf-8")

    assert Kind.file_changed is _only(check_set(folder.open())).kind


def test_a_picture_that_cannot_be_read_is_a_fault(folder):
    path = folder.add()
    path.write_bytes(path.read_bytes()[:200])
    report = check_set(folder.open())

    assert {Kind.file_changed, Kind.picture_unreadable} == _kinds(report)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 0.5 0.5 0.2", Kind.label_malformed),
        ("0 0.5 0.5 0.2 0.2 0.9", Kind.label_malformed),
        ("zero 0.5 0.5 0.2 0.2", Kind.label_malformed),
        ("0 nan 0.5 0.2 0.2", Kind.label_malformed),
        ("0 0.5 inf 0.2 0.2", Kind.label_malformed),
        ("0.5 0.5 0.5 0.2 0.2", Kind.label_malformed),
        ("7 0.5 0.5 0.2 0.2", Kind.class_unknown),
        ("-1 0.5 0.5 0.2 0.2", Kind.class_unknown),
        ("0 0.5 0.5 0 0.2", Kind.box_empty),
        ("0 0.5 0.5 0.2 -0.2", Kind.box_empty),
        ("0 0.95 0.5 0.2 0.2", Kind.box_outside),
        ("0 0.5 -0.5 0.2 0.2", Kind.box_outside),
    ],
)
def test_a_label_that_is_not_sound_is_a_fault_with_its_line(folder, line, kind):
    folder.add(labels=f"0 0.3 0.3 0.2 0.2\n{line}\n")
    found = [one for one in check_set(folder.open()).findings if one.kind is not Kind.count_differs]

    assert [kind] == [one.kind for one in found]
    assert "small/labels/train/000001.txt:2" == found[0].where


def test_one_object_boxed_twice_is_a_fault(folder):
    folder.add(labels="0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.201 0.2\n")
    found = _only(check_set(folder.open()))

    assert Kind.box_twice is found.kind
    assert found.where.endswith("000001.txt:3")
    assert "line 1" in found.what


def test_a_box_of_a_pixel_is_a_warning(folder):
    folder.add(labels="0 0.5 0.5 0.01 0.5\n")
    found = _only(check_set(folder.open()))

    assert (Level.warning, Kind.box_tiny) == (found.level, found.kind)


def test_counts_that_differ_from_the_manifest_are_a_fault(folder):
    folder.add()
    folder.boxes["train"]["pothole"] = 5
    folder.pictures["val"] = 2
    report = check_set(folder.open())

    assert [Kind.count_differs] * 2 == [one.kind for one in report.findings]


def test_a_picture_that_nobody_listed_is_a_warning(folder):
    folder.add()
    picture(folder.root / "images/train/stray.jpg", 5)
    found = _only(check_set(folder.open()))

    assert (Level.warning, Kind.file_not_listed) == (found.level, found.kind)


def test_the_same_picture_in_two_parts_is_a_fault(folder):
    folder.add("000001", "train", seed=1)
    folder.add("000900", "val", seed=1)
    found = _only(check_set(folder.open()))

    assert (Level.fault, Kind.same_picture) == (found.level, found.kind)


def test_the_same_picture_twice_in_one_part_is_a_warning(folder):
    folder.add("000001", "train", seed=1)
    folder.add("000900", "train", seed=1)
    found = _only(check_set(folder.open()))

    assert (Level.warning, Kind.same_picture) == (found.level, found.kind)


def test_a_brightened_copy_across_parts_is_a_near_duplicate(folder):
    folder.add("000001", "train", seed=1)
    folder.add("000900", "val", pixels=cv2.convertScaleAbs(scene(1), alpha=0.9, beta=10))
    found = _only(check_set(folder.open(), scenes=False))

    assert (Level.warning, Kind.near_duplicate) == (found.level, found.kind)


def test_black_borders_in_common_do_not_make_two_pictures_one(folder):
    for name, part, seed in (("000001", "train", 1), ("000900", "val", 2)):
        pixels = np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        pixels[:, 24:72] = scene(seed)[:, 24:72]
        folder.add(name, part, pixels=pixels)

    assert [] == check_set(folder.open()).findings


def test_the_same_wall_from_another_step_is_the_same_scene(folder):
    """A textured wall, photographed again from the side and nearer: hardly a bit of the hash is left."""
    noise = np.random.default_rng(3).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    wall = cv2.resize(noise, (480, 480), interpolation=cv2.INTER_CUBIC)
    corners = np.array([[0, 0], [479, 0], [479, 479], [0, 479]], dtype=np.float32)
    aside = np.array([[-90, -140], [520, -60], [560, 620], [-60, 500]], dtype=np.float32)
    again = cv2.warpPerspective(wall, cv2.getPerspectiveTransform(corners, aside), (480, 480))
    folder.add("000001", "train", pixels=wall)
    folder.add("000900", "val", pixels=again)
    folder.add("000500", "train", seed=9)
    found = _only(check_set(folder.open()))

    assert Kind.same_scene is found.kind
    assert "000001.jpg" in found.what


def test_a_mark_printed_on_two_pictures_does_not_make_them_one_scene(folder):
    mark = np.random.default_rng(3).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    stamped = []
    for seed in (4, 5):
        pixels = scene(seed, 480)
        pixels[300:420, 180:300] = cv2.resize(mark, (120, 120), interpolation=cv2.INTER_NEAREST)
        stamped.append(pixels)
    folder.add("000001", "train", pixels=stamped[0])
    folder.add("000900", "val", pixels=stamped[1])

    assert [] == check_set(folder.open()).findings


def test_what_one_set_holds_out_another_may_not_learn(folder, tmp_path):
    folder.add("000001", "val", seed=1)
    other = type(folder)(tmp_path / "other")
    other.add("000007", "train", seed=1)
    reports = [check_set(folder.open()), check_set(other.open())]
    reports[1].data_set = reports[1].data_set.__class__(**_fields(reports[1].data_set) | {"name": "other"})

    assert [Kind.same_picture] == [one.kind for one in across_sets(reports)]


def _fields(record):
    return {name: getattr(record, name) for name in record.__slots__}


def test_a_real_source_is_what_its_manifest_says():
    try:
        data = data_dir()
    except TrainingError as absent:
        pytest.skip(str(absent))
    report = check_set(open_set("vehicles", data), scenes=False)

    assert [] == report.findings
    assert Counter(val=35) == report.pictures
