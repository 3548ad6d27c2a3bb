"""Verdicts become the next version of a data set: by hash, by point, once; what is not sound changes nothing."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detector.verdict import Decision
from tests.detector.pictures import encoded, street
from training.classes import CLASS_INDEX, CLASSES
from training.data.sets import MANIFEST, read_set
from training.labelled import imported_pictures
from training.places import TrainingError
from training.reviewed import (
    OVERLAP,
    Terms,
    is_reviewed,
    latest_words,
    learned_sets,
    learned_until,
    next_set,
    note_outcome,
    part_of,
    sets_dir,
)

NAMES = ["exposed_garbage", "graffiti", "stall", "car"]  # another order than the model's, and one that it does not have
TERMS = Terms(licence="own", attribution="us")
AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTWATCH_TRAIN_DIR", str(tmp_path / "work"))


def point_on(side):
    """Give a point whose pictures stand on this side."""
    return next(one for one in (str(uuid.UUID(int=number)) for number in range(1000)) if part_of(one) == side)


@pytest.fixture
def exported(tmp_path):
    """Give a function that writes what the service exports: (point, capture number, labels, removed) for each."""

    def write(name, *cases):
        folder = tmp_path / name
        for part in ("images", "labels"):
            (folder / part).mkdir(parents=True)
        lines = [{"format": 1, "classes": NAMES, "judged": ["exposed_garbage", "graffiti", "stall"]}]
        for point, number, labels, removed in cases:
            stem = f"{uuid.UUID(point).hex[:12]}-{uuid.UUID(int=number).hex}"
            content = encoded(street(160, 120, seed=number))
            (folder / "images" / f"{stem}.jpg").write_bytes(content)
            (folder / "labels" / f"{stem}.txt").write_text("".join(f"{one}\n" for one in labels))
            lines.append(
                {
                    "picture": f"{stem}.jpg",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "point": point,
                    "capture": str(uuid.UUID(int=number)),
                    "decided_at": (AT + timedelta(hours=number)).isoformat(),
                    "why": "doubtful",
                    "model": "street/1",
                    "removed": removed,
                }
            )
        (folder / "reviewed.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        return folder

    return write


def silent(_step, _done, _total):
    pass


def test_verdicts_become_a_set_in_the_models_own_order_of_classes(exported):
    export = exported(
        "new",
        (point_on("train"), 1, ["1 0.5 0.5 0.2 0.2", "2 0.1 0.1 0.1 0.1"], ["3 0.3 0.3 0.1 0.1"]),
        (point_on("val"), 2, [], ["0 0.5 0.5 0.2 0.2"]),
    )

    made, counted = next_set(export, TERMS, silent)
    first, second = sorted(imported_pictures(made), key=lambda one: one.part)

    assert tuple(CLASSES) == made.classes
    assert ("train", "val") == (first.part, second.part)
    assert [CLASS_INDEX["graffiti"]] == first.labels[:, 0].tolist()
    assert [CLASS_INDEX["car"]] == first.removed[:, 0].tolist()
    assert {"exposed_garbage", "graffiti"} == first.judged, "of cars nobody said that there are no others"
    assert {"stall": 1} == counted.unknown
    assert (1, 0) == (counted.removed, len(second.labels)), "what judges is not unlearned from"
    assert all(is_reviewed(one) for one in (first, second))


def test_a_point_stands_on_one_side_for_ever(exported):
    points = [str(uuid.uuid4()) for _ in range(400)]
    sides = [part_of(one) for one in points]

    assert sides == [part_of(one) for one in points]
    assert 20 <= sides.count("val") <= 70
    assert 20 <= sides.count("dev") <= 70


def test_the_same_verdicts_again_are_the_same_version_until_they_were_learned(exported):
    case = (point_on("train"), 1, ["0 0.5 0.5 0.2 0.2"], [])
    first, _ = next_set(exported("one", case), TERMS, silent)
    again, _ = next_set(exported("two", case), TERMS, silent)
    assert first.folder == again.folder
    assert [first.folder] == sorted(sets_dir().iterdir())

    note_outcome(first.folder, "2026.11.23-1", Decision.accepted)
    nothing, counted = next_set(exported("three", case), TERMS, silent)

    assert (None, 1) == (nothing, counted.unchanged)
    assert AT + timedelta(hours=1) - OVERLAP == learned_until()
    assert [first.name] == [one.name for one in learned_sets()]


def test_what_a_rejected_training_learned_is_new_again(exported):
    case = (point_on("train"), 1, ["0 0.5 0.5 0.2 0.2"], [])
    first, _ = next_set(exported("one", case), TERMS, silent)
    note_outcome(first.folder, "2026.11.23-1", Decision.rejected)

    second, _ = next_set(exported("two", case), TERMS, silent)

    assert (None, []) == (learned_until(), learned_sets())
    assert first.name != second.name
    assert [one.sha256 for one in first.files] == [one.sha256 for one in second.files]


def test_a_later_word_on_a_capture_takes_the_place_of_an_earlier_one(exported):
    point = point_on("train")
    first, _ = next_set(exported("one", (point, 1, ["0 0.5 0.5 0.2 0.2"], []), (point, 2, [], [])), TERMS, silent)
    note_outcome(first.folder, "2026.11.23-1", Decision.accepted)
    second, counted = next_set(
        exported("two", (point, 1, [], ["0 0.5 0.5 0.2 0.2"]), (point, 2, [], [])), TERMS, silent
    )

    kept = latest_words([imported_pictures(one) for one in (first, second)])

    assert 1 == counted.unchanged
    assert [1, 1] == [len(one) for one in kept]
    assert kept[0][0].path.name != kept[1][0].path.name


@pytest.mark.parametrize("harm", ["picture", "labels", "line", "head"])
def test_an_export_that_is_not_sound_leaves_nothing_behind(exported, harm):
    folder = exported("one", (point_on("train"), 1, ["0 0.5 0.5 0.2 0.2"], []))
    picture, labels = next((folder / "images").iterdir()), next((folder / "labels").iterdir())
    if harm == "picture":
        picture.write_bytes(encoded(street(160, 120, seed=99)))
    elif harm == "labels":
        labels.write_text("0 0.5 0.5 7 0.2\n")
    else:
        head, line = (folder / "reviewed.jsonl").read_text().splitlines()
        kept = [head, line.replace("point", "place")] if harm == "line" else [head.replace("1", "7", 1), line]
        (folder / "reviewed.jsonl").write_text("\n".join(kept))

    with pytest.raises(TrainingError):
        next_set(folder, TERMS, silent)

    assert not sets_dir().exists() or [] == list(sets_dir().iterdir())


def test_a_manifest_whose_removed_boxes_make_no_sense_is_refused(exported):
    made, _ = next_set(exported("one", (point_on("train"), 1, [], ["0 0.5 0.5 0.2 0.2"])), TERMS, silent)
    path = made.folder / MANIFEST
    path.write_text(path.read_text().replace(f" {CLASS_INDEX['exposed_garbage']} 0.5", " 77 0.5"))

    with pytest.raises(TrainingError, match="removed"):
        read_set(path, made.folder)


def test_removed_boxes_are_in_pixels_of_nothing_but_shares(exported):
    made, _ = next_set(exported("one", (point_on("train"), 1, [], ["0 0.5 0.5 0.2 0.2"])), TERMS, silent)

    (rows,) = made.removed.values()
    assert np.allclose([[0, 0.5, 0.5, 0.2, 0.2]], rows)
