"""Pictures that somebody sends: opened before they are kept, so that nothing is kept that cannot be opened."""

from pathlib import PurePosixPath, PureWindowsPath

import cv2
from starlette.datastructures import UploadFile

from api.errors import from_detector
from api.settings import Settings
from detector.errors import DetectorError
from detector.photo import Photo, open_photo

PROOF_PX = 64  # small: a JPEG is read to its end, but only an eighth of it is computed
_JPEG_QUALITY = 88


def read_upload(settings: Settings, upload: UploadFile, *, at_least_px: int = PROOF_PX) -> tuple[Photo, bytes, str]:
    """Give an uploaded photo, opened to prove that it can be, its bytes, and its name.

    Args:
        at_least_px: how long the long side of its pixels is to be at least, where the photo itself is.

    Raises:
        StreetError: it is too large, or no picture that can be opened.
    """
    name = clean_name(upload.filename)
    most = settings.max_photo_mib * 1024 * 1024
    content = upload.file.read(most + 1)
    try:
        photo = open_photo(
            content,
            name=name,
            at_least_px=at_least_px,
            max_bytes=most,
            max_megapixels=settings.max_megapixels,
            camera_zone=settings.zone,
        )
    except DetectorError as error:
        raise from_detector(error) from error
    return photo, content, name


def as_jpeg(photo: Photo, *, long_side_px: int) -> bytes:
    """Give a photo as a JPEG of at most this size, upright, without anything that its file said beside the pixels."""
    height, width = photo.pixels.shape[:2]
    ratio = min(1.0, long_side_px / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    pixels = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA) if ratio < 1 else photo.pixels
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def clean_name(filename: str | None) -> str:
    """Give the last part of a file's name, of either kind of system, without anything that could be a path."""
    last = PureWindowsPath(PurePosixPath(filename or "").name).name
    # Not only control characters: one that turns the direction of writing makes `gpj.exe` look like `exe.jpg`.
    plain = "".join(one if one.isprintable() and one not in "/\\" else "_" for one in last).strip()[:120]
    return plain if plain.strip(".") else "photo"
