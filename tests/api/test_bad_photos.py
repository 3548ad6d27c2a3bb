"""What strangers and broken phones send as photos: refused in words, nothing left behind, the next good one works."""

import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.api import raw
from tests.api.client import Client, expect, refusal
from tests.api.photographs import PhotoFactory, truncated
from tests.api.running import Running
from tests.detector import pictures

MIB = 1024 * 1024
HOSTILE_NAMES = {
    "a path": "../../etc/passwd",
    "a Windows path": "C:\\Windows\\system32\\x.jpg",
    "a share": "\\\\server\\share\\x.jpg",
    "only dots": "..",
    "long": "x" * 1000 + ".jpg",
    "a direction override": "photo\u202egpj.exe",
    "isolates": "\u2066photo\u2069.jpg",
    "a C1 control": "photo\x9b31m.jpg",
    "line separators": "a\u2028b\u2029c.jpg",
    "a zero-width joiner": "a\u200db.jpg",
    "markup": "<script>alert(1)</script>.jpg",
    "Chinese": "翠宁社区 东门.jpg",
}


@dataclass(frozen=True)
class Footprint:
    """What a service has in its keeping."""

    captures: int
    media: frozenset[str]
    halves: int

    @classmethod
    def of(cls, running: Running) -> "Footprint":
        return cls(
            captures=int(str(running.query("SELECT count(*) FROM captures")[0][0])),
            media=frozenset(running.media_files()),
            halves=len(list(running.data_dir.rglob("*.part"))),
        )


@pytest.fixture
def leaves_nothing(running: Running, over_wire: Client, photo_factory: PhotoFactory, point_code: str) -> Iterator[str]:
    """Give the code of a point; after the test nothing may have been kept, and a good photo must be taken."""
    over_wire.add_point(point_code)
    running.settle()
    before = Footprint.of(running)
    yield point_code
    assert before == Footprint.of(running)
    assert "Traceback" not in running.log()
    over_wire.take(photo_factory(), point=point_code)


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        package.writestr("0.bin", bytes(64 * MIB))
    return file.getvalue()


def _jpeg_saying(width: int, height: int) -> bytes:
    """Give a JPEG whose frame header lies about its size."""
    content = bytearray(pictures.encoded())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(content)


BAD_PHOTOS = {
    "empty": (lambda: b"", 422),
    "text": (lambda: b"This is a letter, not a picture.\n" * 20, 415),
    "a page": (lambda: b"<html><script>alert(1)</script></html>", 415),
    "a drawing": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', 415),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", 415),
    "noise": (lambda: random.Random(1).randbytes(4096), 415),
    "a truncated JPEG": (lambda: truncated(pictures.encoded(pictures.street(800, 600))), 422),
    "a JPEG's first bytes": (lambda: b"\xff\xd8\xff\xe0", None),
    "a truncated PNG": (lambda: truncated(pictures.encoded(pictures.street(300, 200), "PNG")), 422),
    "a header of 50,000 by 50,000": (lambda: pictures.png_header(50_000, 50_000), 413),
    "a header of no pixels": (lambda: pictures.png_header(0, 0), None),
    "a header of 2^31": (lambda: pictures.png_header(2**31 - 1, 2**31 - 1), 413),
    "a JPEG that says 65,000 by 65,000": (lambda: _jpeg_saying(65_000, 65_000), 413),
    "a zip bomb called .jpg": (_bomb, 415),
    "sixty megabytes": (lambda: pictures.encoded() + bytes(60 * MIB), 413),
}


@pytest.mark.parametrize(("made", "status"), BAD_PHOTOS.values(), ids=BAD_PHOTOS.keys())
def test_a_bad_photo_is_refused_and_leaves_nothing(made, status, over_wire: Client, leaves_nothing: str) -> None:
    answer = over_wire.upload(("photo.jpg", made()), point=leaves_nothing)

    refusal(answer, status or answer.status_code)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES.keys())
def test_the_name_of_a_file_is_only_a_name(
    name: str, running: Running, over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    photo = photo_factory()
    body = raw.multipart(raw.photo_part(name.encode().replace(b"\\", b"\\\\"), photo))
    kept = _kept_name(running, over_wire, body, point_code)

    assert kept
    assert len(kept) <= 120
    assert kept not in (".", "..")
    assert not set(kept) & set("/\\")
    assert kept.isprintable()
    assert [] == [path for path in running.data_dir.rglob("*") if kept == path.name]


@pytest.mark.parametrize("name", [b"a\0b.jpg", b"a%00b.jpg", b"\xff\xfe\xfa.jpg", b"a\tb\x1bc.jpg", b".", b"x" * 5000])
def test_bytes_that_are_no_name_become_one_or_are_refused(
    name: bytes, running: Running, over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    kept = _kept_name(running, over_wire, raw.multipart(raw.photo_part(name, photo_factory())), point_code)

    assert kept is None or kept.isprintable()
    assert kept not in (".", "..")


def _kept_name(running: Running, client: Client, body: bytes, point: str) -> str | None:
    """Give the name under which a photo is kept; None where it was refused, as a clear 4xx."""
    body = body.removesuffix(b"--" + raw.BOUNDARY + b"--\r\n")
    body += raw.multipart(raw.field_part(b"point_id", point.encode()))
    answer = client.http.post(
        "/api/v1/captures",
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={raw.BOUNDARY.decode()}"},
    )
    if answer.is_client_error:
        refusal(answer, answer.status_code)
        return None
    (capture,) = expect(answer)["captures"]
    shown: str = capture["filename"]
    return shown


def test_an_upload_that_says_it_is_too_large_is_refused_unread(running: Running, leaves_nothing: str) -> None:
    status, answer = raw.post(
        running.url,
        "/api/v1/captures",
        running.admin_key(),
        [],
        headers=[
            b"Content-Length: 1099511627776",
            b"Content-Type: multipart/form-data; boundary=" + raw.BOUNDARY,
        ],
    )

    assert 413 == status
    assert b"application/problem+json" in answer
    assert b"the limit is 80 MiB" in answer


def test_an_upload_without_a_length_is_cut_off_at_the_limit(running: Running, leaves_nothing: str) -> None:
    def endless() -> Iterator[bytes]:
        yield raw.multipart(raw.photo_part(b"x.jpg", b"")).removesuffix(b"\r\n--" + raw.BOUNDARY + b"--\r\n")
        for _ in range(120):
            yield bytes(MIB)

    status, answer = raw.post(
        running.url,
        "/api/v1/captures",
        running.admin_key(),
        raw.chunked(endless()),
        headers=[b"Transfer-Encoding: chunked", b"Content-Type: multipart/form-data; boundary=" + raw.BOUNDARY],
    )

    assert 413 == status
    assert b"application/problem+json" in answer


def test_too_many_photos_at_once_are_refused(over_wire: Client, leaves_nothing: str) -> None:
    refusal(over_wire.upload(*[b"x"] * 21, point=leaves_nothing), 413)


def test_a_point_that_does_not_exist_is_named(
    over_wire: Client, photo_factory: PhotoFactory, leaves_nothing: str
) -> None:
    problem = refusal(over_wire.upload(photo_factory(), point="NOWHERE"), 404)

    assert "NOWHERE" in problem["detail"]


@pytest.mark.parametrize("point", ["../x", "a" * 65, "\0", "🏙", "00000000-0000-0000-0000-000000000000"])
def test_a_senseless_point_is_refused(
    point: str, over_wire: Client, photo_factory: PhotoFactory, leaves_nothing: str
) -> None:
    answer = over_wire.upload(photo_factory(), point=point)

    assert refusal(answer, answer.status_code)["status"] in (400, 404, 422)


MALFORMED = {
    "no photos": (raw.multipart(raw.field_part(b"point_id", b"P")), "multipart/form-data; boundary=a-boundary"),
    "photos as text": (raw.multipart(raw.field_part(b"photos", b"x")), "multipart/form-data; boundary=a-boundary"),
    "nothing": (b"", "multipart/form-data; boundary=a-boundary"),
    "no boundary": (raw.multipart(raw.photo_part(b"x.jpg", b"x")), "multipart/form-data"),
    "another boundary": (raw.multipart(raw.photo_part(b"x.jpg", b"x")), "multipart/form-data; boundary=other"),
    "cut off": (raw.multipart(raw.photo_part(b"x.jpg", b"x"))[:60], "multipart/form-data; boundary=a-boundary"),
    "no disposition": (raw.multipart(raw.Part(b"X: y", b"x")), "multipart/form-data; boundary=a-boundary"),
    "a huge header": (
        raw.multipart(raw.Part(b"Content-Disposition: form-data; " + b"x" * 100_000, b"x")),
        "multipart/form-data; boundary=a-boundary",
    ),
    "a huge field": (
        raw.multipart(raw.field_part(b"point_id", b"x" * (2 * MIB))),
        "multipart/form-data; boundary=a-boundary",
    ),
    "JSON": (b'{"photos": []}', "application/json"),
    "broken JSON": (b'{"photos', "application/json"),
    "a form": (b"photos=x&point_id=y", "application/x-www-form-urlencoded"),
    "a bare picture": (pictures.encoded(), "image/jpeg"),
    "no type": (b"\xff\xfe", "nonsense"),
}


@pytest.mark.parametrize(("body", "kind"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_upload_is_refused(body: bytes, kind: str, over_wire: Client, leaves_nothing: str) -> None:
    answer = over_wire.http.post("/api/v1/captures", content=body, headers={"Content-Type": kind})

    refusal(answer, answer.status_code)
    assert answer.status_code in (400, 413, 415, 422)
