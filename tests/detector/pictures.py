"""Factories of picture files for tests; every default gives a small, legal one."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

Rational = TiffImagePlugin.IFDRational

RED, GREEN, BLUE, GREY = (220, 30, 30), (30, 200, 30), (30, 30, 220), (128, 128, 128)


def quarters(width: int = 64, height: int = 48) -> Image.Image:
    """Give a picture that shows which way is up: red top left, green top right, blue bottom left, grey bottom right."""
    picture = Image.new("RGB", (width, height), GREY)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def encoded(picture: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> bytes:
    """Give a picture as a file of the format `kind`."""
    file = io.BytesIO()
    if kind == "JPEG":
        options = {"quality": 95} | options
    (picture or quarters()).save(file, kind, **options)
    return file.getvalue()


def exif(
    *,
    orientation: int | None = None,
    taken: str | None = None,
    offset: str | None = None,
    gps: dict[int, Any] | None = None,
) -> Image.Exif:
    """Give EXIF with the tags that are asked for."""
    tags = Image.Exif()
    if orientation is not None:
        tags[0x0112] = orientation
    details = tags.get_ifd(0x8769)
    if taken is not None:
        details[0x9003] = taken
    if offset is not None:
        details[0x9011] = offset
    if gps is not None:
        tags.get_ifd(0x8825).update(gps)
    return tags


def gps(
    latitude: Any = ((31, 1), (13, 1), (4896, 100)),
    longitude: Any = ((121, 1), (28, 1), (2528, 100)),
    *,
    north: str = "N",
    east: str = "E",
) -> dict[int, Any]:
    """Give the GPS tags of a place, degrees, minutes and seconds each as numerator and denominator."""
    return {1: north, 2: _rationals(latitude), 3: east, 4: _rationals(longitude)}


def _rationals(parts: Any) -> Any:
    return tuple(Rational(*part) for part in parts)


def png_header(width: int, height: int) -> bytes:
    """Give a PNG that says it is `width`×`height` and carries next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND")


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Give a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def street(width: int, height: int, seed: int = 7) -> Image.Image:
    """Give something with the frequencies of a photograph: smooth noise at several scales."""
    random = np.random.default_rng(seed)
    total: npt.NDArray[np.float64] = np.zeros((height, width, 3))
    for cells in (3, 11, 37):
        coarse = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=float) / 3
    return Image.fromarray(total.astype(np.uint8))


def corner_colours(pixels: npt.NDArray[np.uint8]) -> list[str]:
    """Name the colours at top left, top right, bottom left, bottom right of BGR pixels."""
    height, width = pixels.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, width * 3 // 4)]
    spots += [(height * 3 // 4, width // 4), (height * 3 // 4, width * 3 // 4)]
    return [_nearest(pixels[spot][::-1].astype(int)) for spot in spots]


def _nearest(rgb: npt.NDArray[np.int_]) -> str:
    known = {"red": RED, "green": GREEN, "blue": BLUE, "grey": GREY}
    return min(known, key=lambda name: int(np.abs(rgb - np.array(known[name])).sum()))
