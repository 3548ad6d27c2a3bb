"""Finding the picture that a label file names, without ever leaving the imported folder."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from detector.photo import SUFFIXES
from training.data.formats.labelled import LeaveOutError

#: Label Studio puts eight hexadecimal digits and a dash before the name of an uploaded file.
_UPLOAD_MARK: Final = re.compile(r"^[0-9a-f]{8}-")


class PictureFolder:
    """All pictures below one folder, found by the path or name that a label file gives."""

    def __init__(self, root: Path) -> None:
        """Look the folder through once. Links that lead out of it are as good as absent."""
        self.root = root.resolve()
        self.paths = sorted(
            path for path in self.root.rglob("*") if path.suffix.lower() in SUFFIXES and self._is_own_file(path)
        )
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in self.paths:
            self._by_name[path.name].append(path)

    def _is_own_file(self, path: Path) -> bool:
        return path.is_file() and path.resolve().is_relative_to(self.root)

    def find(self, name: object, near: Path | None = None) -> Path:
        """The picture that a label file calls `name`, looked for beside `near`, below the root, then by file name.

        Raises:
            LeaveOutError: the name climbs out of the folder, there is no such picture, or there are several.
        """
        relative = safe_path(name)
        for start in (near.resolve() if near else self.root, self.root):
            candidate = start / relative
            if candidate.suffix.lower() in SUFFIXES and self._is_own_file(candidate):
                return candidate
        found = self._by_name.get(relative.name, [])
        fitting = [path for path in found if path.as_posix().endswith("/" + str(relative))] or found
        if near and len(fitting) > 1:
            fitting = [path for path in fitting if path.is_relative_to(near.resolve())] or fitting
        if not fitting:
            raise LeaveOutError("there is no such picture in the folder")
        if len(fitting) > 1:
            raise LeaveOutError(f"{len(fitting)} pictures of this name are in the folder; give them different names")
        return fitting[0]

    def find_uploaded(self, address: object) -> Path:
        """The picture behind an address of Label Studio: an upload, a local file, or a URL that ends in its name.

        Raises:
            LeaveOutError: as `find`.
        """
        if not isinstance(address, str):
            raise LeaveOutError("the task names no picture")
        if address.startswith("data:"):
            raise LeaveOutError("the picture is inside the file; export pictures as files")
        parts = urlsplit(address) if len(address) < 4096 else urlsplit("")
        local = parse_qs(parts.query).get("d")
        name = local[0] if local else unquote(parts.path)
        relative = safe_path(name.lstrip("/"))
        try:
            return self.find(str(relative))
        except LeaveOutError:
            plain = _UPLOAD_MARK.sub("", relative.name)
            if plain == relative.name or plain not in self._by_name:
                raise
            return self.find(plain)


def safe_path(name: object) -> PurePosixPath:
    """A relative path that climbs nowhere, with slashes.

    Raises:
        LeaveOutError: it is empty, absolute, has `..`, a drive letter or characters that no file name should have.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > 1024:
        raise LeaveOutError("it has no usable file name")
    text = name.replace("\\", "/")
    path = PurePosixPath(text)
    if not text.isprintable():
        raise LeaveOutError("its file name has unprintable characters")
    if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", text) or not path.name:
        raise LeaveOutError("its file name leads out of the folder; only names below it are taken")
    return path
