"""What is measured beside average precision, each figure against a case worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from detector import Detector
from tests.detector.models import card, write_model
from tests.training.yolo import FOUND, write_yolo
from training.classes import CLASS_INDEX
from training.data.intake import Format, Wish, take_in
from training.evaluate import Judged, false_alarms_per_100, fresh
from training.labelled import load_labelled, set_sha256
from training.measure import calibration_error, look_at_all, measure, reliability
from training.places import REPOSITORY, TrainingError
from training.report import confusion_counts, faults_of, refuse_repository, worst_pictures
from training.scoring import Seen, rank, recall_at_precision, small_only
from training.sources import Picture, checksum

POTHOLE, GRAFFITI = CLASS_INDEX["pothole"], CLASS_INDEX["graffiti"]
BIG, SMALL, ELSEWHERE = [0.0, 0.0, 100.0, 100.0], [200.0, 0.0, 220.0, 20.0], [400.0, 400.0, 500.0, 500.0]


def seen(found, confidence, truth):
    return Seen(
        boxes=np.array(found, dtype=float).reshape(-1, 4),
        confidence=np.array(confidence, dtype=float),
        truth=np.array(truth, dtype=float).reshape(-1, 4),
    )


@pytest.fixture
def judged(tmp_path):
    """Give a factory of pictures that were looked at: found (class, confidence, box), labelled (class, box)."""

    def make(found=(), truth=(), classes=("pothole",), name="one"):
        labels = np.array([[number, 0.5, 0.5, 0.1, 0.1] for number, _ in truth]).reshape(-1, 5)
        return Judged(
            picture=Picture(
                source="made",
                part="val",
                path=tmp_path / f"{name}.jpg",
                scene=name,
                labels=labels,
                judged=frozenset(classes),
            ),
            boxes=np.array([box for _, _, box in found], dtype=float).reshape(-1, 4),
            confidence=np.array([sure for _, sure, _ in found], dtype=float),
            class_index=np.array([number for number, _, _ in found], dtype=int),
            truth=np.array([[number, *box] for number, box in truth], dtype=float).reshape(-1, 5),
            side_px=640.0,
        )

    return make


@pytest.fixture
def folder(tmp_path):
    return write_yolo(tmp_path / "labelled", {"hole": [FOUND], "smooth": []})


def test_recall_at_a_precision_is_the_largest_one_reached():
    ranking = rank([seen([BIG, ELSEWHERE, SMALL], [0.9, 0.5, 0.4], [BIG, SMALL])])

    assert 0.5 == recall_at_precision(ranking, 0.9)
    assert 1.0 == recall_at_precision(ranking, 0.6)
    assert 0.0 == recall_at_precision(rank([seen([ELSEWHERE], [0.9], [BIG])]), 0.9)


def test_small_objects_are_counted_apart_from_what_concerns_large_ones():
    kept = small_only(seen([BIG, SMALL, ELSEWHERE], [0.9, 0.8, 0.7], [BIG, SMALL]), 640.0)

    assert [SMALL] == kept.truth.tolist()
    assert [SMALL] == kept.boxes.tolist(), "neither what lies on a large label nor a large false alarm"


def test_small_means_small_on_a_picture_of_640_pixels():
    assert 1 == len(small_only(seen([], [], [BIG]), 6400.0).truth)
    assert 0 == len(small_only(seen([], [], [BIG]), 640.0).truth)


def test_a_model_that_is_as_sure_as_right_has_no_calibration_error():
    honest = [seen([BIG], [0.75], [BIG])] * 3 + [seen([BIG], [0.75], [ELSEWHERE])]
    boastful = [seen([BIG], [0.95], [ELSEWHERE])]

    assert pytest.approx(0.0) == calibration_error(reliability([rank(honest)]))
    assert pytest.approx(0.95) == calibration_error(reliability([rank(boastful)]))
    assert calibration_error(reliability([])) is None
    assert calibration_error(reliability([rank([seen([BIG], [0.05], [BIG])])])) is None, "too unsure to be told"


def test_confusion_counts_what_was_taken_for_what(judged):
    model = card()
    answers = [
        judged([(POTHOLE, 0.9, BIG)], [(POTHOLE, BIG)]),
        judged([(GRAFFITI, 0.9, BIG)], [(POTHOLE, BIG)]),
        judged([(POTHOLE, 0.9, ELSEWHERE)], [(POTHOLE, BIG)]),
        judged([(GRAFFITI, 0.9, ELSEWHERE)]),  # nobody labelled graffiti there
        judged([(POTHOLE, 0.1, ELSEWHERE)]),  # under the review threshold
    ]
    counts = confusion_counts(model, answers)

    assert (1, 1, 1, 1) == (
        counts[POTHOLE, POTHOLE],
        counts[POTHOLE, GRAFFITI],
        counts[POTHOLE, -1],
        counts[-1, POTHOLE],
    )
    assert 4 == counts.sum()


def test_the_worst_picture_comes_first_and_good_ones_not_at_all(judged):
    good = judged([(POTHOLE, 0.9, BIG)], [(POTHOLE, BIG)], name="good")
    alarm = judged([(POTHOLE, 0.9, ELSEWHERE)], name="alarm")
    blind = judged([], [(POTHOLE, BIG), (POTHOLE, SMALL)], name="blind")
    worst = worst_pictures(card(), [good, alarm, blind], 5)

    assert ["blind", "alarm"] == [answer.picture.path.stem for answer, _ in worst]
    assert ([0, 1], []) == (worst[0][1].missed, worst[0][1].false)
    assert 0.9 == faults_of(card(), alarm).weight


def test_a_yolo_folder_of_anybody_is_measured_with_the_detector_that_serves(tmp_path, folder):
    detector = Detector.load(write_model(tmp_path / "v1", model={"input_px": 64}))
    pictures = load_labelled(folder, "val")
    answers, speed = look_at_all(detector, pictures, lambda _done: None)
    found = measure(detector, answers, speed)

    assert {"pothole"} == set(found.classes), "the card's order of classes is not ours, and is followed"
    assert (1, 1.0, 0.5) == (
        found.classes["pothole"].whole.boxes,
        found.classes["pothole"].whole.recall,
        found.classes["pothole"].whole.precision,
    )
    assert {"pothole": found.mean_map50} == found.map50
    assert set_sha256(pictures) == found.validation_sha256


def test_the_hash_of_a_set_tells_labels_and_pictures_apart(tmp_path, folder):
    before = set_sha256(load_labelled(folder, "val"))
    (folder / "labels" / "smooth.txt").write_text("0 0.2 0.2 0.1 0.1\n")
    relabelled = set_sha256(load_labelled(folder, "val"))
    (folder / "images" / "hole.jpg").unlink()
    (folder / "labels" / "hole.txt").unlink()

    assert 3 == len({before, relabelled, set_sha256(load_labelled(folder, "val"))})
    assert before == set_sha256(
        load_labelled(write_yolo(tmp_path / "b" / "labelled", {"hole": [FOUND], "smooth": []}), "val")
    )


def test_classes_nobody_knows_here_are_passed_over_and_ours_renumbered(tmp_path):
    folder = write_yolo(
        tmp_path / "f", {"a": [(1, 0.5, 0.5, 0.2, 0.2), (0, 0.5, 0.5, 0.2, 0.2)]}, "{0: dog, 1: graffiti}"
    )
    (picture,) = load_labelled(folder, "val")

    assert [GRAFFITI] == picture.labels[:, 0].tolist()
    assert frozenset({"graffiti"}) == picture.judged


@pytest.mark.parametrize(
    ("names", "label", "reason"),
    [
        ("[dog]", "0 .5 .5 .2 .2", "is one of ours"),
        ("[pothole]", "3 .5 .5 .2 .2", "class 3 is not among the 1"),
        ("[pothole]", "0 .5 .5 .2", "expected 'class cx cy w h'"),
        ("7", "0 .5 .5 .2 .2", "no list of class names under `names`"),
    ],
)
def test_labels_that_make_no_sense_are_told(tmp_path, names, label, reason):
    folder = write_yolo(tmp_path / "f", {"a": []}, names)
    (folder / "labels" / "a.txt").write_text(label)

    with pytest.raises(TrainingError, match=reason):
        load_labelled(folder, "val")


def test_a_part_that_is_not_there_is_told(tmp_path):
    folder = write_yolo(tmp_path / "f", {"a": [FOUND]})
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir()
        for path in [one for one in (folder / kind).iterdir() if one.is_file()]:
            path.rename(folder / kind / "train" / path.name)

    with pytest.raises(TrainingError, match="it has: train"):
        load_labelled(folder, "val")
    assert 1 == len(load_labelled(folder, "train"))


def test_a_picture_whose_labels_are_missing_is_not_taken_for_an_empty_street(folder):
    (folder / "labels" / "smooth.txt").unlink()

    with pytest.raises(TrainingError, match="no label file"):
        load_labelled(folder, "val")


def test_what_data_import_took_in_is_measured_like_what_it_came_from(tmp_path, folder):
    (tmp_path / "classes.yaml").write_text("classes: {pothole: pothole}")
    take_in(
        Wish(
            source=folder, format=Format.yolo, name="taken", licence="own", attribution="us",
            classes=tmp_path / "classes.yaml", out=tmp_path / "taken",
        )
    )  # fmt: skip
    before, after = load_labelled(folder, "train"), load_labelled(tmp_path / "taken", "train")

    assert [one.labels.round(4).tolist() for one in before] == [one.labels.round(4).tolist() for one in after]
    assert {frozenset({"pothole"})} == {one.judged for one in after}


def test_reports_stay_out_of_the_repository(tmp_path):
    refuse_repository(tmp_path)
    refuse_repository(REPOSITORY / "var-report")
    for inside in (REPOSITORY, REPOSITORY / "docs" / "report", REPOSITORY / "variants"):
        with pytest.raises(TrainingError, match="no photographs belong"):
            refuse_repository(inside)


def test_pictures_of_learned_scenes_are_told_apart_by_their_bytes(judged, monkeypatch):
    old, new = judged(name="old"), judged(name="new")
    old.picture.path.write_bytes(b"a street that was learned")
    new.picture.path.write_bytes(b"another street")
    monkeypatch.setattr("training.evaluate.read_scene_list", lambda _name: frozenset({checksum(old.picture.path)}))

    assert [new] == fresh([old, new])


def test_false_cable_alarms_are_counted_where_nobody_labelled_cables(judged):
    cable = CLASS_INDEX["tangled_cable"]
    answers = [
        judged([(cable, 0.9, BIG), (cable, 0.2, SMALL)], name="alarm"),
        judged([], name="quiet"),
        judged([(cable, 0.9, BIG)], classes=("pothole", "tangled_cable"), name="labelled"),
    ]
    street_ = [replace(one, picture=replace(one.picture, source="potholes")) for one in answers]

    assert 50.0 == false_alarms_per_100("tangled_cable", 0.5, street_)
    assert 100.0 == false_alarms_per_100("tangled_cable", 0.1, street_)
    assert false_alarms_per_100("pothole", 0.5, street_) is None
