"""Whatever bytes arrive, opening them gives a photo or one of our own errors, never anything else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detector import Photo, open_photo
from detector.errors import PhotoError
from tests.detector.pictures import encoded, exif, gps, quarters

# Pillow warns of broken EXIF and TIFF tags; in production that is silenced at the process edge.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::ResourceWarning:PIL")

WHOLE = {
    kind: encoded(quarters(40, 24), kind, exif=exif(orientation=6, taken="2026:11:23 08:15:30", gps=gps()))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF")
} | {kind: encoded(quarters(40, 24), kind) for kind in ("BMP", "GIF")}

SIGNATURES = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"BM", b"II*\0", b"MM\0*", b"GIF89a"]
SIGNATURES += [b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypmif1"]

fuzzed = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def opened_or_refused(content: bytes) -> None:
    try:
        photo = open_photo(content, at_least_px=16, max_megapixels=4)
    except PhotoError:
        return
    assert isinstance(photo, Photo)
    assert np.uint8 == photo.pixels.dtype
    assert (3, 3) == (photo.pixels.ndim, photo.pixels.shape[2])


@fuzzed
@given(st.binary(max_size=400))
@example(b"")
def test_any_bytes(content):
    opened_or_refused(content)


@fuzzed
@given(st.sampled_from(SIGNATURES), st.binary(max_size=400))
def test_any_bytes_after_a_formats_signature(signature, content):
    opened_or_refused(signature + content)


@fuzzed
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_picture_with_bytes_changed(kind, data):
    content = bytearray(WHOLE[kind])
    # headers and tags stand at the front of most formats and at the end of TIFF
    places = st.one_of(st.integers(0, min(len(content), 700) - 1), st.integers(0, len(content) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)):
        content[place] = value
    opened_or_refused(bytes(content))


@fuzzed
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_picture_with_a_piece_cut_out_or_put_in(kind, data):
    content = WHOLE[kind]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    opened_or_refused(content[:start] + data.draw(st.binary(max_size=40)) + content[end:])


def test_a_heic_with_bytes_changed(heic):
    whole = heic(quarters(64, 48), exif=exif(taken="2026:11:23 08:15:30", gps=gps()).tobytes())

    @settings(fuzzed, max_examples=150)
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=8))
    def changed(changes):
        content = bytearray(whole)
        for place, value in changes:
            content[place] = value
        opened_or_refused(bytes(content))

    changed()
