"""Where pictures lie: content-addressed by SHA-256, through fsspec. Written whole or not at all."""

import contextlib
import hashlib
import os
import re
import uuid
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from api.errors import Misconfigured, NotFound

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,5}")


class Media:
    """A store of files that never change: the same bytes have the same key."""

    def __init__(self, url: str) -> None:
        """Open the store.

        Raises:
            Misconfigured: fsspec does not know the URL, or its driver is not installed.
        """
        try:
            self._fs, root = url_to_fs(url)  # type: ignore[no-untyped-call]
        except (ValueError, ImportError) as error:
            raise Misconfigured(f"POINTWATCH_MEDIA_URL cannot be used: {error}") from error
        self._root = root.rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    def put(self, content: bytes, suffix: str) -> str:
        """Keep `content` durably and give its key, e.g. `3f/3fa9….jpg`; the same bytes are kept once."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest}.{suffix}"
        if not self.has(key):
            if self._local:
                _write_local(Path(self._path(key)), content)
            else:
                with self._fs.open(self._path(key), "wb") as file:  # object stores show an object when it is whole
                    file.write(content)
        return key

    def get(self, key: str) -> bytes:
        """Give the bytes kept under `key`.

        Raises:
            NotFound: nothing is kept under it.
        """
        try:
            return bytes(self._fs.cat_file(self._path(key)))
        except FileNotFoundError as error:
            raise NotFound(f"No picture is kept under {key}.") from error

    def has(self, key: str) -> bool:
        """Say whether something is kept under `key`."""
        return bool(self._fs.exists(self._path(key)))

    def remove(self, key: str) -> None:
        """Forget what is kept under `key`; harmless where nothing is."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(key))

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a media key")
        return f"{self._root}/{key}"


def _write_local(path: Path, content: bytes) -> None:
    """Write beside the place, flush to the disk, then rename: a crash leaves the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
