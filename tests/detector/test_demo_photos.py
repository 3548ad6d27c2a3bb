"""The shipped model on the shipped pictures: what the demo means to show is found, at whatever size it comes."""

import csv
import io
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from detector import Scene, judge, open_photo, shipped
from detector.rules import lowest_threshold

PHOTOS = shipped("datasets/demo/photos")


@pytest.fixture(scope="module")
def violations(detector, taxonomy):
    """Give a function from a picture's name to what is wrong on it."""

    def found_on(name, scene=None):
        photo = open_photo(PHOTOS / name, at_least_px=detector.card.model.input_px)
        found = detector.detect(photo, min_confidence=lowest_threshold(taxonomy, detector.card))
        return {one.code for one in judge(found, scene or Scene(), taxonomy, detector.card)}

    return found_on


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("heap_1.jpg", "exposed_garbage"),
        ("heap_2.jpg", "exposed_garbage"),
        ("market_heap.jpg", "exposed_garbage"),
        ("full_bin_square.jpg", "overflowing_bin"),
        ("full_bins_estate.jpg", "overflowing_bin"),
        ("graffiti_school.jpg", "graffiti"),
        ("graffiti_street.jpg", "graffiti"),
    ],
)
def test_what_the_demo_shows_is_found(violations, name, code):
    assert code in violations(name)


@pytest.mark.parametrize("name", ["clean_bins.jpg", "clean_street.jpg"])
def test_a_clean_place_gives_nothing(violations, name):
    assert set() == violations(name)


def test_the_van_on_the_forecourt_is_only_asked_about_where_nobody_may_park(violations):
    assert "illegal_parking" not in violations("van_forecourt.jpg")
    assert "illegal_parking" in violations("van_forecourt.jpg", Scene(no_parking=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_twelve_megapixels_give_the_same_boxes_as_the_small_picture(detector, kind):
    small = open_photo(PHOTOS / "full_bins_estate.jpg")
    expected = detector.detect(small, min_confidence=0.3)
    ratio = (12e6 / (small.width * small.height)) ** 0.5
    with Image.open(PHOTOS / "full_bins_estate.jpg") as picture:
        large = picture.resize((round(small.width * ratio), round(small.height * ratio)), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(5).normal(0, 6, (large.height, large.width, 1))
    file = io.BytesIO()
    noisy = Image.fromarray((np.asarray(large) + grain).clip(0, 255).astype(np.uint8))
    noisy.save(file, kind, quality=92, compress_level=1, method=0)
    photo = open_photo(file.getvalue(), at_least_px=detector.card.model.input_px)
    found = detector.detect(photo, min_confidence=0.1)

    assert len(expected)
    assert (large.width, large.height) == (photo.width, photo.height)
    for box, name in zip(expected.xyxy * ratio, expected.data["class_name"], strict=True):
        same = found[found.data["class_name"] == name]
        apart = np.abs(same.xyxy - box).max(axis=1).min(initial=np.inf)
        assert apart < 0.1 * (box[2:] - box[:2]).max(), name


def test_every_shipped_picture_says_when_and_where_as_its_lists_do():
    with (PHOTOS.parent / "captures.csv").open(encoding="utf-8", newline="") as file:
        taken = {row["photo"]: datetime.fromisoformat(row["taken_at"]) for row in csv.DictReader(file)}
    with (PHOTOS.parent / "scenes.csv").open(encoding="utf-8", newline="") as file:
        placed = {row["photo"]: bool(row["gps_near"]) for row in csv.DictReader(file)}
    opened = {path.name: open_photo(path) for path in PHOTOS.glob("*.jpg")}

    assert len(opened) >= 12
    assert taken == {name: photo.taken_at for name, photo in opened.items()}
    assert placed == {name: photo.position is not None for name, photo in opened.items()}
