"""Reviewers' verdicts as the next version of a data set: what `pointwatch train --reviewed-since` learns. No torch.

The service exports what people decided (`reviewed.jsonl`, pictures, labels); this turns it into a folder with a
manifest in the form of all others: files by hash, the model's own order of classes, and a split by point, so that a
view never stands on both sides. Versions whose training was accepted are old pictures for the next one; those of a
rejected training are taken again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from detector.durable import write_whole
from detector.verdict import Decision
from training.classes import CLASS_INDEX, CLASSES
from training.data.folders import all_or_nothing
from training.data.sets import MANIFEST, DataSet, PictureFile, read_set
from training.labels import Labels, cut_at_edges, no_labels, read_labels, write_labels
from training.manifests import as_text
from training.places import TrainingError, work_dir
from training.sources import Picture, checksum

STORY: Final = "reviewed.jsonl"  # what the service tells beside pictures and labels
FORMAT: Final = 1
OUTCOME: Final = "outcome.json"
#: Shares of the points whose pictures choose thresholds (dev) and judge (val); the rest teaches.
DEV_POINTS: Final = 0.1
VAL_POINTS: Final = 0.1
#: Read again from so long before the last version's end: a verdict may be written down after a later one was read.
OVERLAP: Final = timedelta(minutes=10)
_PICTURE: Final = re.compile(r"[0-9a-f]{12}-[0-9a-f]{32}\.jpg")

Step = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On whose terms the pictures may be used."""

    licence: str
    attribution: str


@dataclass(slots=True)
class Counted:
    """What a version holds and what was left out of it."""

    pictures: Counter[str] = field(default_factory=Counter)  #: per part
    boxes: dict[str, Counter[str]] = field(default_factory=dict)  #: per part and class
    removed: int = 0  #: boxes of the model that people took away, in the part that teaches
    unchanged: int = 0  #: pictures that an earlier version holds with the same labels
    unknown: Counter[str] = field(default_factory=Counter)  #: boxes of classes that the model does not have


def sets_dir() -> Path:
    """Where the versions lie."""
    return work_dir() / "reviewed"


def learned_sets() -> list[DataSet]:
    """The versions whose training was accepted, oldest first."""
    return [
        read_set(folder / MANIFEST, folder) for folder in _folders() if _decision(folder) == Decision.accepted.value
    ]


def learned_until() -> datetime | None:
    """From when on verdicts are new: those before it are in a version whose training was accepted; None: all are."""
    ends = [_reviewed(one.folder).get("until") for one in learned_sets()]
    known = [datetime.fromisoformat(str(end)) for end in ends if end]
    return max(known) - OVERLAP if known else None


def note_outcome(folder: Path, version: str, decision: Decision) -> None:
    """Write down what came of learning from a version, so that the next one knows where to begin."""
    write_whole(folder / OUTCOME, json.dumps({"version": version, "decision": decision.value}) + "\n")


def part_of(point: str) -> str:
    """The side on which all pictures of a point stand, in this version and in every later one."""
    place = int.from_bytes(hashlib.sha256(point.encode()).digest()[:8], "big") / 2**64
    if place < VAL_POINTS:
        return "val"
    return "dev" if place < VAL_POINTS + DEV_POINTS else "train"


def next_set(export: Path, terms: Terms, tell: Step) -> tuple[DataSet | None, Counted]:
    """The next version out of what the service exported; None where nothing in it is new.

    The same export again gives the version that it gave before. The pictures are moved, not copied.

    Raises:
        TrainingError: the export is of another kind, a picture is not the one that was exported, or a label makes no
            sense. Then nothing is left behind.
    """
    head, told = _read_story(export)
    names = [str(name) for name in head["classes"]]
    judged = tuple(name for name in CLASSES if name in set(head["judged"]))
    if not judged:
        raise TrainingError(
            f"{export / STORY}: none of the judged classes is one of the model's ({', '.join(CLASSES)})."
        )
    known, counted = _known_pictures(), Counted()
    part = sets_dir() / f".part-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    files: list[PictureFile] = []
    removed: list[str] = []
    sets_dir().mkdir(exist_ok=True)
    _sweep()
    with all_or_nothing(part) as folder:
        for done, one in enumerate(told, start=1):
            tell("taking in verdicts", done, len(told))
            file, rows = _take(export, folder, one, names, counted)
            if known.get(Path(file.name).name) == file.labels_sha256:
                counted.unchanged += 1
                for path in (folder / file.name, _labels_of(folder, file)):
                    path.unlink()
                continue
            files.append(file)
            removed += [f"{file.name} {_numbers(row)}" for row in rows]
            _count(file, folder, rows, counted)
        name = f"reviewed-{datetime.now(UTC):%Y%m%d}-{_free_number()}"
        _write_manifest(folder, name, terms, judged, files, removed, told, counted)
    if not files:
        shutil.rmtree(part)
        return None, counted
    folder = _same_as_before(part) or sets_dir() / name
    if folder.is_dir():
        shutil.rmtree(part)
    else:
        part.rename(folder)
    return read_set(folder / MANIFEST, folder), counted


def _read_story(export: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    try:
        lines = [json.loads(line) for line in (export / STORY).read_text(encoding="utf-8").splitlines()]
        head = lines[0]
        if head["format"] != FORMAT or not isinstance(head["classes"], list) or not isinstance(head["judged"], list):
            raise TrainingError(f"{export / STORY} is of a kind that this training does not read.")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise TrainingError(f"{export / STORY} cannot be read: {error!r}. Export the verdicts again.") from error
    return head, lines[1:]


def _take(
    export: Path, folder: Path, one: Mapping[str, Any], names: Sequence[str], counted: Counted
) -> tuple[PictureFile, Labels]:
    """Move one picture in and write its labels; gives its line of the manifest and the boxes that people removed."""
    try:
        picture, part, lines = str(one["picture"]), part_of(str(one["point"])), [str(line) for line in one["removed"]]
    except (LookupError, TypeError) as error:
        raise TrainingError(f"{export / STORY}: a line lacks {error}. Export the verdicts again.") from error
    source = export / "images" / picture
    if not _PICTURE.fullmatch(picture) or not source.is_file() or checksum(source) != one.get("sha256"):
        raise TrainingError(
            f"{export}: {picture[:80]} is not the picture that was exported. Export the verdicts again."
        )
    to = folder / "images" / part / picture
    labels = (folder / "labels" / part / picture).with_suffix(".txt")
    for path in (to, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    known = _of_the_model(read_labels((export / "labels" / picture).with_suffix(".txt")), names, counted.unknown)
    write_labels(labels, known)
    source.rename(to)
    rows = [[float(word) for word in line.split()] for line in lines]
    taken_away = _of_the_model(np.array(rows, dtype=np.float64) if rows else no_labels(), names, Counter())
    return (
        PictureFile(
            part=part,
            name=to.relative_to(folder).as_posix(),
            sha256=checksum(to),
            labels_sha256=checksum(labels),
            line=0,
        ),
        cut_at_edges(taken_away),
    )


def _of_the_model(labels: Labels, names: Sequence[str], unknown: Counter[str]) -> Labels:
    """Labels in the model's numbers; of classes that it does not have they are counted and left out."""
    rows = []
    for row in labels:
        name = names[int(row[0])]
        if name in CLASS_INDEX:
            rows.append([CLASS_INDEX[name], *row[1:]])
        else:
            unknown[name] += 1
    return np.array(rows, dtype=np.float64) if rows else no_labels()


def _numbers(row: Labels) -> str:
    return f"{int(row[0])} " + " ".join(f"{value:.6f}" for value in row[1:])


def _count(file: PictureFile, folder: Path, removed: Labels, counted: Counted) -> None:
    counted.pictures[file.part] += 1
    text = _labels_of(folder, file).read_text("utf-8")
    counts = counted.boxes.setdefault(file.part, Counter())
    counts.update(CLASSES[int(line.split()[0])] for line in text.splitlines())
    counted.removed += len(removed) if file.part == "train" else 0


def _labels_of(folder: Path, file: PictureFile) -> Path:
    return (folder / file.name.replace("images/", "labels/", 1)).with_suffix(".txt")


def _write_manifest(
    folder: Path,
    name: str,
    terms: Terms,
    judged: Sequence[str],
    files: Sequence[PictureFile],
    removed: Sequence[str],
    told: Sequence[Mapping[str, Any]],
    counted: Counted,
) -> None:
    moments = sorted(str(one["decided_at"]) for one in told)
    parts = ("train", "dev", "val")
    content: dict[str, Any] = {
        "name": name,
        "licence": terms.licence,
        "attribution": terms.attribution,
        "note": "What reviewers decided on this installation's captures, faces and number plates hidden.",
        "classes_in_file_order": list(CLASSES),
        "labelled_everywhere": list(judged),
        "split": {
            "rule": f"by point: SHA-256 of its id; {VAL_POINTS:.0%} of the points judge (val), {DEV_POINTS:.0%} choose "
            "thresholds (dev)"
        },
        "reviewed": {
            "since": moments[0] if moments else None,
            "until": moments[-1] if moments else None,
            "models": dict(Counter(str(one["model"]) for one in told)),
            "why": dict(Counter(str(one["why"]) for one in told)),
            "removed_boxes": len(removed),
            "boxes_of_unknown_classes": dict(counted.unknown),
        },
        "pictures": {part: counted.pictures[part] for part in parts},
        "boxes": {
            part: {one: count for one in CLASSES if (count := counted.boxes.get(part, Counter())[one])}
            for part in parts
        },
        "files": "".join(
            f"{one.part} {one.name} {one.sha256} {one.labels_sha256}\n"
            for one in sorted(files, key=lambda one: one.name)
        ),
        "removed": "".join(f"{line}\n" for line in sorted(removed)),
    }
    (folder / MANIFEST).write_text(as_text(content, made_by="pointwatch train --reviewed-since"), encoding="utf-8")


def _folders() -> list[Path]:
    found = [one for one in sets_dir().glob("reviewed-*") if (one / MANIFEST).is_file()]
    return sorted(found, key=lambda one: [int(word) for word in re.findall(r"\d+", one.name)])


def _free_number() -> int:
    today = f"reviewed-{datetime.now(UTC):%Y%m%d}-"
    taken = {one.name for one in _folders()}
    return next(number for number in range(1, len(taken) + 2) if f"{today}{number}" not in taken)


def _decision(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / OUTCOME).read_text(encoding="utf-8"))["decision"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _reviewed(folder: Path) -> dict[str, Any]:
    content = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))
    return dict(content.get("reviewed") or {})


def _known_pictures() -> dict[str, str]:
    """Hash of the labels of each picture in accepted versions by file name; a later version's word counts."""
    return {Path(file.name).name: file.labels_sha256 for one in learned_sets() for file in one.files}


def _same_as_before(part: Path) -> Path | None:
    """The version that holds the very same and that no training was ended with."""
    wanted = _essence(part)
    return next((one for one in _folders() if _decision(one) is None and _essence(one) == wanted), None)


def _essence(folder: Path) -> tuple[str, str]:
    content = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))
    return str(content["files"]), str(content.get("removed", ""))


def _sweep() -> None:
    """Remove what a killed run left half made; the lock of the work folder says that nobody is at it."""
    for one in sets_dir().glob(".part-*"):
        shutil.rmtree(one, ignore_errors=True)


def latest_words(sets: Sequence[Sequence[Picture]]) -> list[list[Picture]]:
    """The same sets, oldest first, without captures of which a later one says something else."""
    later: set[str] = set()
    kept: list[list[Picture]] = []
    for one in reversed(sets):
        kept.append([picture for picture in one if picture.path.name not in later])
        later |= {picture.path.name for picture in one if _PICTURE.fullmatch(picture.path.name)}
    return kept[::-1]


def is_reviewed(picture: Picture) -> bool:
    """Whether a picture came from the service with a verdict."""
    return bool(_PICTURE.fullmatch(picture.path.name))
