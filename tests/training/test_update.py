"""Learning on: what is replayed, what may not be learned, and a version's file as a starting point."""

import zlib

import numpy as np
import pytest

from tests.detector.pictures import encoded, street
from training.classes import CLASS_INDEX
from training.labels import no_labels
from training.sources import Picture
from training.update import hard_negatives, read_update, replayed, without_held_out

POTHOLE, BUS = CLASS_INDEX["pothole"], CLASS_INDEX["bus"]


@pytest.fixture
def picture(tmp_path):
    def make(name, *classes, content=b""):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(content or encoded(street(64, 48, seed=zlib.crc32(str(name).encode()))))
        labels = np.array([[index, 0.5, 0.5, 0.2, 0.2] for index in classes], dtype=float)
        return Picture(
            source="any", part="train", path=path, scene=str(name), labels=labels if classes else no_labels(),
            judged=frozenset({"pothole"}),
        )  # fmt: skip

    return make


def test_rare_classes_are_replayed_as_often_as_frequent_ones(picture):
    update = read_update().model_copy(update={"replay": 1.0, "least_replay": 0})
    old = [picture(number, POTHOLE) for number in range(90)] + [picture(number, BUS) for number in range(90, 100)]
    again = replayed(old, [picture(f"new{number}") for number in range(20)], update)

    assert 20 == len(again) == len({one.key for one in again})
    assert 10 == sum(bool((one.labels[:, 0] == BUS).any()) for one in again)
    assert [one.key for one in again] == [one.key for one in replayed(old[::-1], [picture("x")] * 20, update)]


def test_no_more_is_replayed_than_there_is(picture):
    old = [picture(1, POTHOLE), picture(2, BUS), picture(3)]

    assert {"any__1", "any__2", "any__3"} == {one.key for one in replayed(old, old, read_update())}


def test_a_validation_picture_is_never_learned_whatever_it_is_called(picture):
    held_out, new = (
        picture("val", POTHOLE, content=encoded(street(64, 48, seed=1))),
        picture("new", POTHOLE, content=encoded(street(64, 48, seed=1))),
    )
    other = picture("other")
    kept, leaked = without_held_out([new, other], [held_out])

    assert ([other], [new]) == (kept, leaked)


def test_a_picture_that_shows_nothing_of_what_it_judges_is_a_hard_negative(picture):
    assert ["any__empty"] == [one.key for one in hard_negatives([picture("full", POTHOLE), picture("empty")])]


def test_a_validation_picture_that_came_back_smaller_and_encoded_anew_is_known_by_its_look(picture):
    shown = street(640, 480, seed=5)
    small = shown.resize((320, 240))
    held_out, new = picture("val", POTHOLE, content=encoded(shown)), picture("new", POTHOLE, content=encoded(small))
    other = picture("other", content=encoded(street(640, 480, seed=6)))

    assert ([other], [new]) == without_held_out([new, other], [held_out])
