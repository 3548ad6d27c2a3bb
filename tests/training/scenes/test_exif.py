"""The EXIF of a rendered picture says when, where, and that it is none. No Blender."""

import io
from datetime import datetime

import pytest
from PIL import ExifTags, Image

from training.scenes import exif, finish


def written(position=(114.1362, 22.5575)):
    taken_at = datetime.fromisoformat("2026-11-20T08:12:30+08:00")
    data = finish.jpeg(Image.new("RGB", (16, 16)), 88, exif.record(taken_at, position))
    with Image.open(io.BytesIO(data)) as image:
        return image.getexif()


def test_the_time_carries_its_offset():
    details = written().get_ifd(ExifTags.IFD.Exif)

    assert "2026:11:20 08:12:30" == details[ExifTags.Base.DateTimeOriginal]
    assert "+08:00" == details[ExifTags.Base.OffsetTimeOriginal]


def test_the_position_comes_back_within_a_metre():
    place = written().get_ifd(ExifTags.IFD.GPSInfo)
    d, m, s = (float(part) for part in place[ExifTags.GPS.GPSLongitude])

    assert "E" == place[ExifTags.GPS.GPSLongitudeRef]
    assert 114.1362 == pytest.approx(d + m / 60 + s / 3600, abs=1e-6)


def test_it_says_that_it_is_rendered():
    assert exif.DESCRIPTION == written()[ExifTags.Base.ImageDescription]


def test_no_position_is_written_where_there_is_none():
    assert {} == written(position=None).get_ifd(ExifTags.IFD.GPSInfo)


def test_a_time_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        exif.record(datetime(2026, 11, 20), None)


@pytest.mark.parametrize("angle", [0.0, 59.9999999, 114.1362, -22.5575])
def test_minutes_and_seconds_stay_below_sixty(angle):
    d, m, s = exif.degrees(angle)

    assert 0 <= m < 60
    assert 0 <= s < 60
    assert abs(angle) == pytest.approx(float(d + m / 60 + s / 3600), abs=1e-6)
