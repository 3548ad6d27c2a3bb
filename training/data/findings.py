"""What a check found: faults that must be mended, warnings that must be known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    fault = "fault"  # the set is not what its manifest says, or cannot be learned from
    warning = "warning"  # the set can be used; who reports figures must know this


class Kind(StrEnum):
    """What is wrong; the texts say what to do about it."""

    file_missing = "file_missing"
    file_changed = "file_changed"
    file_not_listed = "file_not_listed"
    listed_twice = "listed_twice"
    picture_unreadable = "picture_unreadable"
    label_malformed = "label_malformed"
    class_unknown = "class_unknown"
    box_outside = "box_outside"
    box_empty = "box_empty"
    box_twice = "box_twice"
    box_tiny = "box_tiny"
    count_differs = "count_differs"
    same_picture = "same_picture"
    near_duplicate = "near_duplicate"
    same_scene = "same_scene"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found."""

    level: Level
    kind: Kind
    where: str  #: file, with `:line` where there is one
    what: str  #: what is wrong and what to do, one sentence
