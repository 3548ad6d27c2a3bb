"""Photographs for the service's tests: each call makes other bytes, every default is a small legal JPEG."""

import io
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from detector import Detector, open_photo
from tests.detector import pictures

VEHICLES = ("car", "bus", "truck")
_PARTS = 1_000_000  # of a second of arc, so that a position survives EXIF to the centimetre


class PhotoFactory:
    """Makes photos; those `of` something are variants of a demo photo on which the model in force sees it."""

    def __init__(self, detector: Detector, photos: Path) -> None:
        self._detector = detector
        self._photos = photos
        self._seeds = count(1)
        self._variants: dict[str, Iterator[bytes]] = {}

    def __call__(
        self,
        of: str | None = None,
        *,
        kind: str = "JPEG",
        width: int = 160,
        height: int = 120,
        at: tuple[float, float] | None = None,
        taken: str | None = None,
    ) -> bytes:
        """Give a photo.

        Args:
            of: a model class to be seen on it; None for something on which the model sees nothing.
            at: longitude and latitude that its EXIF claims.
            taken: DateTimeOriginal, as EXIF writes it.
        """
        if of is not None:
            return next(self._variants.setdefault(of, self._showing(of)))
        tags = pictures.exif(taken=taken, gps=_gps(*at) if at else None) if at or taken else None
        options = {"exif": tags} if tags is not None else {}
        while True:
            content = pictures.encoded(pictures.street(width, height, seed=next(self._seeds)), kind, **options)
            if not self.sees_anything(content):
                return content

    def _showing(self, model_class: str) -> Iterator[bytes]:
        """Give ever new variants of the photos that show a class, surest photo first, each proved with the model."""
        sources = sorted(self._photos.glob("*.jpg"), key=lambda path: -self.confidence(path.read_bytes(), model_class))
        known = self._detector.card.classes[self._detector.card.index(model_class)]
        limit = known.review if model_class in VEHICLES else known.automatic  # a vehicle is never more than suspected
        for round_ in count():
            shown = 0
            for path in sources[:3]:
                variant = _varied(Image.open(path), seed=next(self._seeds), trim=0.002 * (round_ % 10))
                if self.confidence(variant, model_class) >= limit:
                    shown += 1
                    yield variant
            assert shown, f"no demo photo shows {model_class} to the model, so the main job cannot be proved"

    def sees_anything(self, content: bytes) -> bool:
        """Say whether the model suspects anything on a photo: some drawn streets look like graffiti."""
        return len(self._detector.detect(open_photo(content, at_least_px=1600))) > 0

    def confidence(self, content: bytes, model_class: str) -> float:
        """Give how sure the model is of its surest box of a class, 0 where it sees none."""
        found = self._detector.detect(open_photo(content, at_least_px=1600))
        sure = found.confidence[found.data["class_name"] == model_class]
        return float(max(sure, default=0.0))


def _varied(picture: Image.Image, *, seed: int, trim: float) -> bytes:
    """Give the picture a little trimmed and a little brighter or darker, as the next visit would show it."""
    left, top = round(picture.width * trim), round(picture.height * trim)
    nearer = picture.convert("RGB").crop((left, top, picture.width - left, picture.height - top))
    light = float(np.random.default_rng(seed).uniform(0.92, 1.08))
    return pictures.encoded(ImageEnhance.Brightness(nearer).enhance(light), quality=90)


def _gps(longitude: float, latitude: float) -> dict[int, object]:
    return pictures.gps(
        ((round(abs(latitude) * 3600 * _PARTS), 3600 * _PARTS), (0, 1), (0, 1)),
        ((round(abs(longitude) * 3600 * _PARTS), 3600 * _PARTS), (0, 1), (0, 1)),
        north="N" if latitude >= 0 else "S",
        east="E" if longitude >= 0 else "W",
    )


def truncated(content: bytes) -> bytes:
    """Give the first half of a file, as a phone that lost its signal sends it."""
    return content[: len(content) // 2]


def opened(content: bytes) -> Image.Image:
    """Give the picture that a file holds."""
    return Image.open(io.BytesIO(content))
