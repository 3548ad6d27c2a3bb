"""A rendered picture's EXIF: when and where it would have been taken, and that it was not. Pure: Pillow only."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from PIL import ExifTags, Image

DESCRIPTION = "Rendered scene, not a photograph"


def degrees(value: float) -> tuple[Fraction, Fraction, Fraction]:
    """Degrees, minutes and seconds (to 1/1000, some 3 cm) of an angle, without its sign."""
    thousandths = round(abs(value) * 3600 * 1000)
    whole, rest = divmod(thousandths, 3600 * 1000)
    minutes, seconds = divmod(rest, 60 * 1000)
    return Fraction(whole), Fraction(minutes), Fraction(seconds, 1000)


def record(taken_at: datetime, position: tuple[float, float] | None) -> Image.Exif:
    """Give the EXIF of a picture taken at a time (with offset) and a (longitude, latitude) in WGS-84, or nowhere.

    Raises ValueError for a time without an offset.
    """
    if taken_at.tzinfo is None:
        raise ValueError("a time without its offset from UTC says too little")
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = DESCRIPTION
    exif[ExifTags.Base.Software] = "Pointwatch training.scenes"
    clock = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    offset = taken_at.strftime("%z")
    exif[ExifTags.Base.DateTime] = clock
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = clock
    details[ExifTags.Base.OffsetTimeOriginal] = f"{offset[:3]}:{offset[3:]}"
    if position is not None:
        longitude, latitude = position
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSVersionID] = b"\x02\x03\x00\x00"
        place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = (
            "N" if latitude >= 0 else "S",
            degrees(latitude),
        )
        place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = (
            "E" if longitude >= 0 else "W",
            degrees(longitude),
        )
        place[ExifTags.GPS.GPSMapDatum] = "WGS-84"
    return exif
