"""What every format is turned into: pictures with boxes under the other tool's own class names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from training.places import TrainingError

MAX_JSON_BYTES: Final = 256 * 1024 * 1024  # COCO's own instances file, 123,000 pictures, is 470 MB: split such ones
MAX_TEXT_BYTES: Final = 4 * 1024 * 1024  # one picture's labels, or a list of names
#: Folder and file names that tell the part. `test` is held out as `val` is.
PART_NAMES: Final = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "val",
    "testing": "val",
}


class LeaveOutError(Exception):
    """One picture or box cannot be taken; the message says why. The import goes on without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One row of the list of what was not taken."""

    where: str  #: file, with `:line` or the id inside it
    what: str  #: picture or box, as the other tool names it
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One object, x1 < x2 and y1 < y2 not yet certain."""

    label: str  #: the other tool's own name of the class
    corners: tuple[float, float, float, float]  #: x1 y1 x2 y2, finite; shares or pixels, see `Labelled.in_px`
    where: str  #: file, with `:line` or the id inside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One picture and its boxes as the other tool tells them."""

    picture: Path  #: an existing file under the imported folder
    name: str  #: as the other tool names it
    where: str  #: file, with the id inside it, that tells of this picture
    part: str | None  #: train, dev or val; None where nothing tells
    boxes: tuple[Box, ...]
    in_px: bool  #: whether corners are pixels; else shares 0..1
    size_px: tuple[int, int] | None  #: width and height that the other tool saw; None where it does not say


@dataclass(slots=True)
class Batch:
    """All that one import reads."""

    pictures: list[Labelled] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)  #: class names that the format lists, used or not

    def leave_out(self, where: str, what: str, why: object) -> None:
        """Note what is not taken."""
        self.left_out.append(LeftOut(where=where, what=what, why=str(why)))


def number(value: object, called: str) -> float:
    """A finite number out of parsed JSON or text.

    Raises:
        LeaveOutError: it is something else, such as NaN, a truth value or a list.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise LeaveOutError(f"{called} is {str(value)[:40]!r}, not a number") from error
    if not math.isfinite(result):
        raise LeaveOutError(f"{called} is {result}, not a finite number")
    return result


def size_px(width: object, height: object) -> tuple[int, int] | None:
    """Width and height in pixels; None where the file does not say (absent, or 0 as some tools write).

    Raises:
        LeaveOutError: it says something that is no size.
    """
    if width in (None, "", 0, "0") or height in (None, "", 0, "0"):
        return None
    wide, high = number(width, "the width"), number(height, "the height")
    if not (1 <= wide <= 1e6 and 1 <= high <= 1e6):
        raise LeaveOutError(f"a picture of {wide:g} × {high:g} pixels cannot be")
    return round(wide), round(high)


def part_of(path: Path) -> str | None:
    """Part that a file's folders tell, the nearest first."""
    return next((PART_NAMES[one.lower()] for one in reversed(path.parts[:-1]) if one.lower() in PART_NAMES), None)


def read_text(path: Path, limit: int = MAX_TEXT_BYTES) -> str:
    """Text of a file in UTF-8.

    Raises:
        LeaveOutError: it is too large, cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise LeaveOutError(f"the file is larger than {limit // 1048576} MiB")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise LeaveOutError(f"the file cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LeaveOutError("the file is not text in UTF-8") from error


def read_json(path: Path) -> Any:
    """Content of a JSON file.

    Raises:
        TrainingError: it is too large, not JSON, or nested beyond reason; says where.
    """
    try:
        return json.loads(read_text(path, MAX_JSON_BYTES))
    except LeaveOutError as error:
        raise TrainingError(f"{path}: {error}.") from error
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path}:{error.lineno}: not JSON: {error.msg}. Export the file again.") from error
    except (RecursionError, ValueError) as error:  # lists a thousand deep; a whole number of 5,000 digits
        raise TrainingError(f"{path}: not JSON that a labelling tool writes ({error}).") from error


def field_of(row: object, key: str) -> Any:
    """A field of a parsed JSON object; None where the row is no object or has no such field."""
    return row.get(key) if isinstance(row, Mapping) else None
