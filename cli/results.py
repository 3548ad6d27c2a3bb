"""What `pointwatch detect` gives: a JSON line or a table row for each photo, and pictures with boxes."""

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import supervision as sv
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.pipeline import Inspected, PhotoFile
from detector.drawing import AMBER, RED, SLATE, Mark, draw
from detector.rules import Box, Certainty, Violation, named_once
from detector.taxonomy import Taxonomy

SIGNED = b"Boxes drawn by Pointwatch"  # the JPEG comment by which a picture of ours is known from anybody else's
UNBOUND_WIDTH = 160  # columns of a table that goes into a file or a pipe
QUALITY = 90  # JPEG; text on a coloured ground frays below this

WORDS = {
    "zh": {
        "photo": "照片",
        "violations": "违规",
        "objects": "其他物体",
        "automatic": "自动立案",
        "review": "待审核",
        "none": "—",
        "progress": "检测中",
        "summary": "{photos} 张照片，违规 {violations} 处（自动立案 {automatic}，待审核 {review}），"
        "{unreadable} 项无法读取。模型 {model}。",
    },
    "en": {
        "photo": "Photo",
        "violations": "Violations",
        "objects": "Other objects",
        "automatic": "automatic",
        "review": "for review",
        "none": "–",
        "progress": "Looking",
        "summary": "{photos} photos, {violations} violations ({automatic} automatic, {review} for review), "
        "{unreadable} unreadable. Model {model}.",
    },
}


def json_line(seen: Inspected, *, model: str, min_confidence: float) -> bytes:
    """Give one line of JSON in UTF-8: boxes in pixels of the original picture, detections from `min_confidence` up."""
    record = {
        "image": seen.file.shown,
        "width": seen.photo.width,
        "height": seen.photo.height,
        "model": model,
        "detections": [
            {"class": name, "confidence": _rounded(confidence), "box": _box(xyxy)}
            for name, confidence, xyxy in _wanted(seen.found, min_confidence)
        ],
        "violations": [
            {
                "class": one.code,
                "confidence": _rounded(one.confidence),
                "box": _box(one.box),
                "certainty": one.certainty.value,
                "reason": one.reason.value,
            }
            for one in seen.violations
        ],
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _wanted(found: sv.Detections, min_confidence: float) -> list[tuple[str, float, Box]]:
    """Give name, confidence and corners of what is at least so sure, surest first."""
    if found.confidence is None:
        raise ValueError("detections need confidence to be listed")
    return [
        (str(name), float(confidence), (float(x1), float(y1), float(x2), float(y2)))
        for name, confidence, (x1, y1, x2, y2) in zip(
            found.data["class_name"], found.confidence, found.xyxy, strict=True
        )
        if confidence >= min_confidence
    ]


def _rounded(confidence: float) -> float:
    return round(confidence, 4)


def _box(corners: Box) -> list[float]:
    return [round(value, 1) for value in corners]


def _others(seen: Inspected, min_confidence: float) -> list[tuple[str, float, Box]]:
    """Give the objects that no violation rests on, each thing under its surest name."""
    objects = _wanted(seen.found, min_confidence)
    places = [one.box for one in seen.violations] + [corners for _, _, corners in objects]
    first = len(seen.violations)
    return [objects[at - first] for at in named_once(places) if at >= first]


@dataclass
class Report:
    """The table for people, with what is counted along the way."""

    taxonomy: Taxonomy
    model: str
    min_confidence: float
    language: str
    _rows: list[tuple[Text, Text, Text]] = field(default_factory=list)
    _certainties: Counter[Certainty] = field(default_factory=Counter)

    def add(self, seen: Inspected) -> None:
        """Take up a photo."""
        self._certainties.update(one.certainty for one in seen.violations)
        others = Counter(name for name, _, _ in _others(seen, self.min_confidence))
        self._rows.append((Text(seen.file.shown), self._violations(seen.violations), self._objects(others)))

    def _violations(self, violations: list[Violation]) -> Text:
        counts = Counter((one.code, one.certainty) for one in violations)
        parts = [
            Text(f"{self._name(code)} ×{count} ({self._word(certainty.value)})", style=_STYLE[certainty])
            for (code, certainty), count in counts.items()
        ]
        return Text("\n").join(parts) if parts else Text(self._word("none"))

    def _objects(self, counts: Counter[str]) -> Text:
        return Text(", ".join(f"{self._name(name)} ×{count}" for name, count in counts.items()) or self._word("none"))

    def _name(self, code: str) -> str:
        return self.taxonomy.name_of(code, self.language)

    def _word(self, key: str) -> str:
        return WORDS[self.language][key]

    def show(self, *, unreadable: int) -> None:
        """Print a row for each photo taken up, and a last line that says how much of what."""
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column(self._word("photo"), overflow="fold")
        table.add_column(self._word("violations"))
        table.add_column(self._word("objects"))
        for row in self._rows:
            table.add_row(*row)
        console = Console() if sys.stdout.isatty() else Console(width=UNBOUND_WIDTH)
        console.print(table)
        console.print(Text(self._summary(unreadable)))

    def _summary(self, unreadable: int) -> str:
        return self._word("summary").format(
            photos=len(self._rows),
            violations=self._certainties.total(),
            automatic=self._certainties[Certainty.automatic],
            review=self._certainties[Certainty.review],
            unreadable=unreadable,
            model=self.model,
        )


_STYLE = {Certainty.automatic: "bold red", Certainty.review: "yellow"}
_COLOUR = {Certainty.automatic: RED, Certainty.review: AMBER}


def marks(seen: Inspected, taxonomy: Taxonomy, *, min_confidence: float, language: str) -> list[Mark]:
    """Give what is to be drawn on a photo: plain objects below, violations above them, the surest on top."""
    plain = [
        Mark(box=corners, text=f"{taxonomy.name_of(name, language)} {confidence:.2f}", colour=SLATE)
        for name, confidence, corners in _others(seen, min_confidence)
    ]
    wrong = [
        Mark(
            box=one.box,
            text=f"{taxonomy.name_of(one.code, language)} {one.confidence:.2f}",
            colour=_COLOUR[one.certainty],
        )
        for one in seen.violations
    ]
    return [*plain[::-1], *wrong[::-1]]


class Album:
    """A folder for pictures with boxes. Neither a photo that was looked at nor anybody else's file is ever replaced."""

    def __init__(self, folder: Path, files: list[PhotoFile]) -> None:
        """Open the folder for pictures of `files`; it is made if need be."""
        self._folder = folder
        self._taken = {one.path.resolve() for one in files}
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, seen: Inspected, drawn: list[Mark]) -> Path:
        """Write the photo with the marks as a JPEG, without the original's EXIF; give the new file's path."""
        path = self._free(self._folder / seen.file.below.with_suffix(".jpg"))
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = draw(seen.photo.pixels, drawn, original_width=seen.photo.width)
        unfinished = path.with_name(f".pointwatch-{os.getpid()}.part")  # a crash leaves no half picture under the name
        try:
            Image.fromarray(pixels[:, :, ::-1]).save(unfinished, "JPEG", quality=QUALITY, comment=SIGNED)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    def _free(self, wanted: Path) -> Path:
        """Give `wanted`, or `name-2.jpg`, `name-3.jpg`… where that is a photo, taken, or not ours."""
        path, number = wanted, 1
        while path.resolve() in self._taken or not _may_be_replaced(path):
            number += 1
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        self._taken.add(path.resolve())
        return path


def _may_be_replaced(path: Path) -> bool:
    if not path.is_symlink() and not path.exists():
        return True
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return SIGNED in file.read(1024)
