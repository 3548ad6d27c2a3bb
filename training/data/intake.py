"""Take labelled pictures in from another tool: all that is sound, with a list of what is not, or nothing at all.

Writes one new folder: images/PART, labels/PART, manifest.yaml, left-out.csv. Changes nothing of the source.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from training.data.folders import all_or_nothing
from training.data.formats import coco, label_studio, voc, yolo
from training.data.formats.labelled import Batch, read_json
from training.data.mapping import ClassMap, check_covers, read_class_map
from training.data.sets import MANIFEST
from training.data.writer import Taken, Writer
from training.places import TrainingError

LEFT_OUT: Final = "left-out.csv"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Format(StrEnum):
    """Whose labels are read."""

    yolo = "yolo"
    coco = "coco"
    voc = "voc"
    label_studio = "label-studio"


READERS: Final[Mapping[Format, Callable[[Path], Batch]]] = {
    Format.yolo: yolo.read,
    Format.coco: coco.read,
    Format.voc: voc.read,
    Format.label_studio: label_studio.read,
}


def format_of(source: Path) -> Format:
    """Whose labels a folder or file holds, told by what lies in it; YOLO where nothing else is found."""
    files = [source] if source.is_file() else sorted([*source.glob("*.json"), *source.glob("annotations/*.json")])
    if files:
        return Format.label_studio if isinstance(read_json(files[0]), list) else Format.coco
    return Format.voc if next(source.rglob("*.xml"), None) else Format.yolo


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be taken in, and under which name and terms."""

    source: Path
    format: Format
    name: str
    licence: str
    attribution: str
    classes: Path  #: the mapping file
    out: Path
    note: str = ""
    link: bool = False  #: refer to the pictures where they lie instead of copying them


def take_in(wish: Wish, step: Callable[[int], None] = lambda _count: None) -> Taken:
    """Read, check and write everything; `step` is called with the number of pictures before each.

    Raises:
        TrainingError: the terms are missing, the mapping is silent about a class, the source is not of its format,
            nothing could be taken, or something stands at `out` already. Then nothing is written.
    """
    _check_terms(wish)
    class_map = read_class_map(wish.classes)
    batch = READERS[wish.format](wish.source)
    used = {box.label for one in batch.pictures for box in one.boxes}
    check_covers(class_map, [*batch.declared, *used], wish.classes)
    taken = Taken(batch=batch)
    with all_or_nothing(wish.out) as folder:
        writer = Writer(folder, class_map, taken, link=wish.link)
        for one in batch.pictures:
            step(len(batch.pictures))
            writer.take(one)
        if not taken.files:
            raise TrainingError(f"Nothing in {wish.source} could be taken in. {_reasons(batch)}")
        writer.cut_dev()
        _write_manifest(folder / MANIFEST, wish, class_map, taken)
        (folder / LEFT_OUT).write_text(left_out_table(batch), encoding="utf-8", newline="")
    return taken


def _check_terms(wish: Wish) -> None:
    if not NAME.fullmatch(wish.name):
        raise TrainingError(f"--name {wish.name[:60]!r}: take small letters, digits and dashes, at most 40.")
    for option, text in (("--licence", wish.licence), ("--attribution", wish.attribution)):
        if not text.strip() or not text.isprintable():
            raise TrainingError(f"{option} is empty: nobody may learn from pictures whose terms nobody knows.")
    if not wish.source.exists():
        raise TrainingError(f"{wish.source} is not there; give the folder or file to read.")


def _reasons(batch: Batch) -> str:
    first = "; ".join(f"{one.where}: {one.why}" for one in batch.left_out[:3])
    return f"{len(batch.left_out)} left out, such as {first}." if first else "It holds no labelled pictures."


def left_out_table(batch: Batch) -> str:
    """CSV of what was left out: where, what, why. Text that a spreadsheet would run is defused."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["where", "what", "why"])
    for one in batch.left_out:
        rows.writerow([_defused(text) for text in (one.where, one.what, one.why)])
    return file.getvalue()


def _defused(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return "'" + shown if shown.startswith(("=", "+", "-", "@")) else shown


def _write_manifest(path: Path, wish: Wish, class_map: ClassMap, taken: Taken) -> None:
    from training.manifests import as_text

    parts = ("train", "dev", "val")
    content = {
        "name": wish.name,
        "licence": wish.licence.strip(),
        "attribution": wish.attribution.strip(),
        "note": wish.note.strip(),
        "classes_in_file_order": list(class_map.classes),
        "labelled_everywhere": list(class_map.labelled),
        "split": {"rule": "as the other tool split it; where it told no dev, a tenth of train by scene"},
        "imported_from": {
            "format": wish.format.value,
            "classes": dict(class_map.ours),
            "left_out": len(taken.batch.left_out),
        },
        "pictures": {part: taken.pictures[part] for part in parts},
        "boxes": {
            part: {name: count for name in class_map.classes if (count := taken.boxes.get(part, Counter())[name])}
            for part in parts
        },
        "files": "".join(
            f"{one.part} {one.name} {one.sha256} {one.labels_sha256}\n"
            for one in sorted(taken.files, key=lambda one: one.name)
        ),
    }
    path.write_text(as_text(content, made_by="pointwatch data import"), encoding="utf-8")
