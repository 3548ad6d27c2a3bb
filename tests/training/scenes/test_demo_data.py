"""The demo's points, captures and pictures fit together. No Blender."""

import csv
import itertools
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from training.scenes import demo, exif

DEMO = Path(__file__).parents[3] / "datasets" / "demo"
COLUMNS = [
    *("code", "name", "category", "community", "address", "longitude", "latitude"),
    *("no_parking", "first_post", "specific_post", "departments", "assess_every_days"),
]
CATEGORIES = {
    *("community", "residential_estate", "back_street", "road", "commercial_street", "wet_market", "mall", "park"),
    *("public_square", "hospital", "school", "service_hall", "station", "junction", "cultural_venue", "building_site"),
}
PHOTOS = sorted((DEMO / "photos").glob("*.jpg"))


def metres(a, b):
    """Distance of two (longitude, latitude), good to half a percent over a few kilometres."""
    east = (a[0] - b[0]) * 111_320 * np.cos(np.radians(a[1]))
    return float(np.hypot(east, (a[1] - b[1]) * 110_760))


@pytest.fixture(scope="module")
def points():
    return demo.rows(DEMO / "points.csv")


@pytest.fixture(scope="module")
def captures():
    return demo.rows(DEMO / "captures.csv")


def test_the_points_file_has_the_agreed_columns():
    with (DEMO / "points.csv").open(encoding="utf-8", newline="") as lines:
        assert COLUMNS == next(csv.reader(lines))


def test_there_are_43_points_with_codes_in_order(points):
    assert [f"DH-P{number:02d}" for number in range(1, 44)] == [point["code"] for point in points]
    assert 43 == len({point["name"] for point in points})


def test_all_16_place_categories_occur(points):
    assert {point["category"] for point in points} == CATEGORIES


def test_every_point_names_a_post_and_says_whether_one_may_park(points):
    posts = {post["code"] for post in demo.rows(DEMO / "posts.csv")}

    assert {point["first_post"] for point in points} | {point["specific_post"] for point in points} <= posts
    assert {"true", "false"} == {point["no_parking"] for point in points}


def test_points_lie_in_the_subdistrict_and_60_metres_apart(points):
    places = [(float(point["longitude"]), float(point["latitude"])) for point in points]

    assert all(114.13 <= x <= 114.16 and 22.55 <= y <= 22.58 for x, y in places)
    assert 60 <= min(metres(a, b) for a, b in itertools.combinations(places, 2))


def test_captures_name_the_pictures_that_are_there(captures):
    assert sorted(capture["photo"] for capture in captures) == [photo.name for photo in PHOTOS]


def test_captures_name_points_that_are_there(points, captures):
    assert {capture["point"] for capture in captures} - {""} <= {point["code"] for point in points}


def test_capture_times_carry_their_offset(captures):
    assert all(datetime.fromisoformat(capture["taken_at"]).tzinfo for capture in captures)


def test_one_place_was_taken_twice_and_several_places_once(captures):
    named = [capture["point"] for capture in captures if capture["point"]]

    assert 2 <= max(named.count(code) for code in named)
    assert 8 <= len(set(named))


def test_pictures_are_small_enough_to_commit():
    assert 12 <= len(PHOTOS) <= 16
    assert sum(photo.stat().st_size for photo in PHOTOS) <= 5_000_000


def test_demo_seeds_are_kept_out_of_training():
    assert all(9000 <= picture.seed < 10_000 for picture in demo.plan(DEMO))


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_a_picture_says_that_it_is_rendered_and_when_it_would_have_been_taken(photo, captures):
    taken_at = {capture["photo"]: datetime.fromisoformat(capture["taken_at"]) for capture in captures}[photo.name]
    with Image.open(photo) as image:
        record = image.getexif()
        details = record.get_ifd(ExifTags.IFD.Exif)

    assert exif.DESCRIPTION == record[ExifTags.Base.ImageDescription]
    assert taken_at.strftime("%Y:%m:%d %H:%M:%S") == details[ExifTags.Base.DateTimeOriginal]


def test_pictures_without_a_named_point_lie_within_15_metres_of_one(points, captures):
    """The nearest point by EXIF must be found for them, and be the one that was meant."""
    places = {point["code"]: (float(point["longitude"]), float(point["latitude"])) for point in points}
    meant = {row["photo"]: row["gps_near"] for row in demo.rows(DEMO / "scenes.csv")}
    open_ones = [capture["photo"] for capture in captures if not capture["point"]]

    assert open_ones
    for name in open_ones:
        with Image.open(DEMO / "photos" / name) as image:
            place = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        lon, lat = (
            float(d) + float(m) / 60 + float(s) / 3600
            for d, m, s in (place[ExifTags.GPS.GPSLongitude], place[ExifTags.GPS.GPSLatitude])
        )
        away, code = min((metres((lon, lat), position), code) for code, position in places.items())
        assert (meant[name], True) == (code, away <= 15)
