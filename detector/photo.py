"""Open a photograph safely: the header first, then no more pixels than are needed, upright, as BGR.

This is a rim of the room: it reads files. What it refuses never reaches a decoder.
"""

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from detector.errors import PhotoEmpty, PhotoError, PhotoFormatRefused, PhotoTooLarge, PhotoUnreadable

#: Formats handed to a decoder, by Pillow's names. Vector and document formats (EPS, PDF…) never are.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF")  # two-lens MPO opens as JPEG
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif")
)
MAX_BYTES = 40 * 1024 * 1024  # a 50-megapixel phone JPEG is about 20 MB
MAX_MEGAPIXELS = 64.0  # a 64-megapixel PNG decodes to 192 MB; phones bin larger sensors down by default
MOST_SCANS = 100  # a progressive JPEG of a camera or a browser has about ten; each costs a pass over all pixels
MOST_SEGMENTS = 5_000  # markers before the end of the picture
CHINA = timezone(timedelta(hours=8), "UTC+08:00")  # a camera that records no offset is taken to be here

_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x0112, 0x8769, 0x8825
_TAKEN, _OFFSET, _SUBSEC = 0x9003, 0x9011, 0x9291
_FIRST_EXIF_YEAR = 1995  # EXIF 1.0; an earlier year is a clock that was never set
_TURNS = {  # what makes a picture of each orientation upright. Source: EXIF 2.32, tag 274
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: What decoders raise on damaged files, seen or possible: they index, divide and unpack what the file tells them to.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF 6.0, section 15
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # JPEG (ITU T.81 B.1.1.3), without stuffing and restarts
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on the globe, WGS-84 degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture that has been opened: upright pixels and what the file says about itself."""

    pixels: npt.NDArray[np.uint8]  #: (H, W, 3) uint8 BGR, EXIF orientation applied, perhaps reduced by `scale`
    width: int  #: of the original after orientation, pixels
    height: int  #: of the original after orientation, pixels
    scale: float  #: decoded width / original width, in (0, 1]
    sha256: str  #: of the file's bytes, lower-case hex
    format: str  #: Pillow's name of the format, e.g. "JPEG"
    taken_at: datetime | None = None  #: as the camera claims, always with a zone; EXIF can be edited
    position: Position | None = None  #: as the camera claims; EXIF can be edited


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever the decoders raise into our own error, most specific first."""
    try:
        yield
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoTooLarge(f"{name}: {error}", name=name) from error
    except UnidentifiedImageError as error:
        raise PhotoFormatRefused(
            f"{name} is not a picture in an accepted format ({', '.join(FORMATS)}).", name=name
        ) from error
    except _DAMAGED as error:
        raise PhotoUnreadable(f"{name} is damaged or cut off ({error}). Send the original again.", name=name) from error


def open_photo(
    source: bytes | Path,
    *,
    name: str | None = None,
    at_least_px: int | None = None,
    max_bytes: int = MAX_BYTES,
    max_megapixels: float = MAX_MEGAPIXELS,
    camera_zone: tzinfo = CHINA,
) -> Photo:
    """Open a photograph and give its upright pixels.

    Args:
        source: the file's bytes, or its path.
        name: what to call it in an error; a path is called by its file name.
        at_least_px: the long side needed; a JPEG that is larger is decoded at 1/2, 1/4 or 1/8, never below this.
        max_bytes: a larger file is refused unread.
        max_megapixels: a larger picture is refused after its header, before a pixel is decoded.
        camera_zone: the zone of EXIF times that carry no offset.

    Raises:
        PhotoEmpty, PhotoTooLarge, PhotoFormatRefused, PhotoUnreadable: see `detector.errors`.
    """
    called = name or (source.name if isinstance(source, Path) else "photo")
    content = _content(source, called, max_bytes)
    with _decoding(called):
        if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
            _register_heif()
        with Image.open(io.BytesIO(content), formats=_formats()) as image:
            _check_size(image, called, max_megapixels)
            _check_work(image, content, called, max_megapixels)
            width, height = image.size
            taken_at, position = _claims(image, camera_zone)
            if at_least_px and image.format in ("JPEG", "MPO"):
                _reduce(image, at_least_px)
            image.load()
            orientation = _orientation(image)  # after loading: Pillow turns TIFF and HEIF by itself, then says 1
            if orientation in (5, 6, 7, 8):
                width, height = height, width
            pixels = _upright_bgr(image, orientation)
            made_by = image.format or "unknown"
    return Photo(
        pixels=pixels,
        width=width,
        height=height,
        scale=pixels.shape[1] / width,
        sha256=hashlib.sha256(content).hexdigest(),
        format=made_by,
        taken_at=taken_at,
        position=position,
    )


def _content(source: bytes | Path, name: str, max_bytes: int) -> bytes:
    """Give the bytes, never reading more of a file than `max_bytes` + 1."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                content = file.read(max_bytes + 1)
        except OSError as error:
            raise PhotoUnreadable(f"{name} cannot be read: {error.strerror or error}.", name=name) from error
    else:
        content = source
    if not content:
        raise PhotoEmpty(f"{name} is empty. Send the photo again; the upload may have been cut off.", name=name)
    if len(content) > max_bytes:
        raise PhotoTooLarge(f"{name} is larger than {max_bytes / 1048576:.0f} MiB, the limit for a photo.", name=name)
    return content


def _check_work(image: Image.Image, content: bytes, name: str, max_megapixels: float) -> None:
    """Refuse what is small by its size and yet costs minutes or gigabytes to decode."""
    if image.format in ("JPEG", "MPO") and _scan_count(content) > MOST_SCANS:
        raise PhotoUnreadable(f"{name} is a JPEG of more than {MOST_SCANS} scans; no camera writes that.", name=name)
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0)
        if tile > max_megapixels * 1e6:
            raise PhotoTooLarge(f"{name} is a TIFF with tiles of {tile / 1e6:.0f} megapixels.", name=name)


def _scan_count(content: bytes) -> int:
    """Count the scans of a JPEG up to one more than `MOST_SCANS`; a file of endless small segments counts as that."""
    at, scans = 2, 0
    for _ in range(MOST_SEGMENTS):
        marker = _MARKER.search(content, at)
        if marker is None or marker[1] == b"\xd9" or scans > MOST_SCANS:
            return scans
        scans += marker[1] == b"\xda"
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return MOST_SCANS + 1


@cache
def _register_heif() -> None:
    """Teach Pillow HEIC, the first time one arrives."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def _formats() -> tuple[str, ...]:
    """Give the formats that Pillow may try now (HEIF only once its plug-in is there)."""
    Image.preinit()
    return FORMATS if "HEIF" in Image.OPEN else tuple(one for one in FORMATS if one != "HEIF")


def _check_size(image: Image.Image, name: str, max_megapixels: float) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PhotoUnreadable(f"{name} says it is {width}×{height} pixels.", name=name)
    if width * height > max_megapixels * 1e6:
        raise PhotoTooLarge(
            f"{name} is {width}×{height} pixels ({width * height / 1e6:.0f} megapixels); "
            f"the limit is {max_megapixels:g} megapixels.",
            name=name,
        )


def _reduce(image: Image.Image, at_least_px: int) -> None:
    """Ask the JPEG decoder for the smallest of 1/1, 1/2, 1/4, 1/8 whose long side is still `at_least_px`."""
    ratio = min(1.0, at_least_px / max(image.size))
    image.draft("RGB", (max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))


def _orientation(image: Image.Image) -> int:
    """Give how the pixels lie, 1..8; 1, upright, where the file does not say or cannot be understood."""
    try:
        said = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGED:
        return 1
    return said if said in _TURNS else 1


def _upright_bgr(image: Image.Image, orientation: int) -> npt.NDArray[np.uint8]:
    """Turn upright and give (H, W, 3) uint8 BGR; of an animation the first frame, alpha laid on white."""
    upright = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
    if upright.mode.startswith("I"):  # 16-bit greys: Pillow's own conversion clips instead of scaling
        deep = np.asarray(upright)
        grey = np.clip(deep >> 8 if deep.max(initial=0) > 255 else deep, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if upright.mode == "F":
        raise PhotoFormatRefused("A picture of floating-point samples is a measurement, not a photograph.")
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    rgb = np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))  # converting alike would copy
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _claims(image: Image.Image, camera_zone: tzinfo) -> tuple[datetime | None, Position | None]:
    """Give when and where the camera says it stood; broken EXIF is as good as none, the picture counts."""
    try:
        exif = image.getexif()
        return _taken_at(exif, camera_zone), _position(exif)
    except _DAMAGED:
        return None, None


def _taken_at(exif: Image.Exif, camera_zone: tzinfo) -> datetime | None:
    """Give DateTimeOriginal with OffsetTimeOriginal (else `camera_zone`); None where absent or nonsense."""
    details = exif.get_ifd(_EXIF_IFD)
    text = details.get(_TAKEN)
    if not isinstance(text, str):
        return None
    try:
        taken = datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=camera_zone)
    except ValueError:
        return None
    if taken.year < _FIRST_EXIF_YEAR:
        return None
    offset = details.get(_OFFSET)
    if isinstance(offset, str):
        with suppress(ValueError):  # an unreadable offset is as good as none
            taken = taken.replace(tzinfo=datetime.strptime(offset.strip("\0 "), "%z").tzinfo or UTC)
    try:
        taken.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999 are in no other zone
        return None
    return taken


def _position(exif: Image.Exif) -> Position | None:
    """Give the GPS position; None where absent, out of range, or the 0,0 of a phone without a fix."""
    gps = exif.get_ifd(_GPS_IFD)
    try:
        latitude = _degrees(gps[2]) * (-1 if gps.get(1) in ("S", b"S") else 1)
        longitude = _degrees(gps[4]) * (-1 if gps.get(3) in ("W", b"W") else 1)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    inside = -180 <= longitude <= 180 and -90 <= latitude <= 90  # also False for NaN
    return Position(longitude=longitude, latitude=latitude) if inside and (longitude, latitude) != (0, 0) else None


def _degrees(parts: tuple[float, float, float]) -> float:
    """Give decimal degrees of EXIF's degrees, minutes, seconds."""
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
