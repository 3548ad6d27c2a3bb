"""What the file says about itself: which way is up, when, where. Cameras stammer; photos open all the same."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from detector import Position, open_photo
from detector.photo import CHINA
from tests.detector.pictures import corner_colours, encoded, exif, gps, quarters

UPRIGHT = ["red", "green", "blue", "grey"]

#: How a camera stores the upright picture under each orientation. Source: EXIF 2.32, tag 274.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored(orientation: int, width: int = 64, height: int = 48) -> Image.Image:
    turn = STORED[orientation]
    return quarters(width, height).transpose(turn) if turn is not None else quarters(width, height)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_is_turned_upright(kind, orientation):
    photo = open_photo(encoded(stored(orientation), kind, exif=exif(orientation=orientation)))

    assert UPRIGHT == corner_colours(photo.pixels)
    assert (48, 64, 3) == photo.pixels.shape
    assert (64, 48) == (photo.width, photo.height)


@pytest.mark.parametrize("orientation", STORED)
def test_a_reduced_photo_is_turned_upright_too(orientation):
    content = encoded(stored(orientation, 1601, 1201), exif=exif(orientation=orientation))
    photo = open_photo(content, at_least_px=400)

    assert UPRIGHT == corner_colours(photo.pixels)
    assert (301, 401, 3) == photo.pixels.shape
    assert (1601, 1201) == (photo.width, photo.height)


def test_a_heic_is_turned_once_not_twice(heic):
    sideways = heic(stored(6), exif=exif(orientation=6).tobytes())
    photo = open_photo(sideways)

    assert (photo.height, photo.width) == photo.pixels.shape[:2]
    assert UPRIGHT == corner_colours(photo.pixels)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation):
    assert UPRIGHT == corner_colours(open_photo(encoded(exif=exif(orientation=orientation))).pixels)


# --- when


def taken_at(**tags: str) -> datetime | None:
    return open_photo(encoded(exif=exif(**tags))).taken_at


def test_a_time_with_offset_is_that_moment():
    expected = datetime(2026, 11, 23, 8, 15, 30, tzinfo=timezone(timedelta(hours=-5)))

    assert expected == taken_at(taken="2026:11:23 08:15:30", offset="-05:00")


def test_a_time_without_offset_is_chinas():
    taken = taken_at(taken="2026:11:23 08:15:30")

    assert datetime(2026, 11, 23, 0, 15, 30, tzinfo=UTC) == taken
    assert CHINA == taken.tzinfo


def test_a_time_without_offset_can_be_another_zones():
    content = encoded(exif=exif(taken="2026:11:23 08:15:30"))

    assert datetime(2026, 11, 23, 8, 15, 30, tzinfo=UTC) == open_photo(content, camera_zone=UTC).taken_at


@pytest.mark.parametrize("offset", ["", "   :  ", "east", "+99:99"])
def test_an_offset_that_cannot_be_read_is_as_good_as_none(offset):
    assert CHINA == taken_at(taken="2026:11:23 08:15:30", offset=offset).tzinfo


@pytest.mark.parametrize(
    "text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:02:30 10:00:00", "yesterday", "0001:01:01 00:00:00"]
)
def test_a_time_that_cannot_be_is_none(text):
    assert taken_at(taken=text) is None


def test_a_photo_without_a_time_has_none():
    assert open_photo(encoded()).taken_at is None


# --- where


def position(tags: dict[int, object]) -> Position | None:
    return open_photo(encoded(exif=exif(gps=tags))).position


def test_degrees_minutes_and_seconds_become_degrees():
    found = position(gps())

    assert pytest.approx(31.2302667, abs=1e-6) == found.latitude
    assert pytest.approx(121.4736889, abs=1e-6) == found.longitude


def test_south_and_west_are_negative():
    found = position(gps(north="S", east="W"))

    assert found.latitude < 0
    assert found.longitude < 0


@pytest.mark.parametrize(
    "tags",
    [
        gps(latitude=((0, 0), (0, 0), (0, 0))),
        gps(longitude=((121, 1), (28, 0), (0, 1))),
        gps(latitude=((91, 1), (0, 1), (0, 1))),
        gps(longitude=((181, 1), (0, 1), (0, 1))),
        gps(latitude=((0, 1), (0, 1), (0, 1)), longitude=((0, 1), (0, 1), (0, 1))),
        {1: "N", 2: (31.0, 13.0, 48.96)},
        {1: "N", 2: 31.0, 3: "E", 4: 121.0},
        {1: 78, 2: (), 3: 69, 4: ()},
        {2: (31.0, 13.0), 4: (121.0, 28.0)},
        {},
    ],
    ids=["0/0", "28/0", "91°", "181°", "0,0", "half", "plain number", "nothing", "two parts", "none"],
)
def test_a_position_that_cannot_be_is_none(tags):
    assert position(tags) is None


def test_a_tiff_tells_when_and_where_too():
    tags = TiffImagePlugin.ImageFileDirectory_v2()  # what Pillow writes of an `Exif` into a TIFF lacks these two
    tags[0x8769] = {0x9003: "2026:11:23 08:15:30"}
    tags[0x8825] = gps()
    photo = open_photo(encoded(kind="TIFF", tiffinfo=tags))

    assert datetime(2026, 11, 23, 0, 15, 30, tzinfo=UTC) == photo.taken_at
    assert pytest.approx(31.2302667, abs=1e-6) == photo.position.latitude


def test_a_heic_tells_when_and_where_too(heic):
    photo = open_photo(heic(exif=exif(taken="2026:11:23 08:15:30", gps=gps()).tobytes()))

    assert datetime(2026, 11, 23, 0, 15, 30, tzinfo=UTC) == photo.taken_at
    assert pytest.approx(121.4736889, abs=1e-6) == photo.position.longitude


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's own words on the bad EXIF
@pytest.mark.parametrize(
    "broken",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40,
        b"Exif\0\0ZZ" + b"\0" * 20,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\xf0\xff\xff\xff\0\0\0\0",
    ],
    ids=["nothing", "far away", "all ones", "no byte order", "orientation in words", "details far away"],
)
def test_a_photo_with_broken_exif_opens_without_it(broken):
    photo = open_photo(encoded(exif=broken))

    assert UPRIGHT == corner_colours(photo.pixels)
    assert photo.taken_at is None
    assert photo.position is None


def test_the_boxes_of_a_sideways_photo_are_in_upright_pixels():
    photo = open_photo(encoded(stored(6, 1600, 1200), exif=exif(orientation=6)), at_least_px=400)

    assert pytest.approx(photo.width / photo.height, abs=0.01) == photo.pixels.shape[1] / photo.pixels.shape[0]
    assert np.uint8 == photo.pixels.dtype
