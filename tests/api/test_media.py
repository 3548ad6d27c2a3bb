"""The contract of the store of pictures, on a folder and on its twin in memory alike."""

import hashlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.errors import Misconfigured, NotFound
from api.media import Media


@pytest.fixture(params=["folder", "memory"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> Media:
    return Media(f"file://{tmp_path / 'media'}" if request.param == "folder" else f"memory://media-{uuid.uuid4().hex}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


def test_what_is_put_can_be_got(media: Media) -> None:
    content = uuid.uuid4().bytes
    key = media.put(content, "jpg")

    assert content == media.get(key)
    assert media.has(key)


def test_the_key_is_the_contents_own(media: Media) -> None:
    content = uuid.uuid4().bytes
    digest = hashlib.sha256(content).hexdigest()

    assert f"{digest[:2]}/{digest}.jpg" == media.put(content, "jpg")
    assert media.put(content, "jpg") == media.put(content, "jpg")


def test_nothing_is_a_content_too(media: Media) -> None:
    assert b"" == media.get(media.put(b"", "bin"))


def test_what_was_never_put_is_not_found(media: Media) -> None:
    key = f"ab/{'ab' * 32}.jpg"

    assert not media.has(key)
    with pytest.raises(NotFound, match=key):
        media.get(key)


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "/etc/passwd", "ab/../x.jpg", f"ab/{'ab' * 32}.jpg\n", f"AB/{'ab' * 32}.jpg", "x"]
)
def test_a_key_that_is_none_is_a_fault_of_the_caller(key: str, media: Media) -> None:
    with pytest.raises(ValueError, match="not a media key"):
        media.get(key)


def test_many_may_put_the_same_at_once(media: Media) -> None:
    content, start = uuid.uuid4().bytes * 5000, threading.Barrier(8)

    def put(_: int) -> str:
        start.wait()
        return media.put(content, "jpg")

    with ThreadPoolExecutor(8) as pool:
        (key,) = set(pool.map(put, range(8)))

    assert content == media.get(key)


def test_a_folder_keeps_nothing_but_whole_files(folder: Path) -> None:
    media = Media(f"file://{folder}")
    key = media.put(b"whole", "jpg")

    assert [folder / key] == [path for path in folder.rglob("*") if path.is_file()]


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        Media(f"file://{folder}").put(b"lost", "jpg")

    assert [] == [path for path in folder.rglob("*") if path.is_file()]


def test_a_half_written_file_is_not_in_the_way(folder: Path) -> None:
    """A process that was killed in the middle leaves a part under a name that no key has."""
    digest = hashlib.sha256(b"again").hexdigest()
    (folder / digest[:2]).mkdir(parents=True)
    (folder / digest[:2] / ".0123.part").write_bytes(b"ag")
    media = Media(f"file://{folder}")

    assert not media.has(f"{digest[:2]}/{digest}.jpg")
    assert b"again" == media.get(media.put(b"again", "jpg"))


@pytest.mark.parametrize("url", ["nonsense://x", "s4://bucket"])
def test_a_store_that_nobody_knows_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="POINTWATCH_MEDIA_URL"):
        Media(url)
