"""Fixtures of the detector's tests."""

import io
from collections.abc import Callable

import pillow_heif
import pytest
from PIL import Image

from tests.detector.pictures import quarters


@pytest.fixture(scope="session")
def heic() -> Callable[..., bytes]:
    """Give a factory of HEIC files, as iPhones write them."""
    if not pillow_heif.libheif_info()["HEIF"] or not pillow_heif.options:
        pytest.skip("this build of libheif cannot write HEIC")

    def make(picture: Image.Image | None = None, **options: object) -> bytes:
        file = io.BytesIO()
        pillow_heif.from_pillow(picture or quarters()).save(file, quality=95, **options)
        return file.getvalue()

    return make
