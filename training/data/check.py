"""Is a set what its manifest says, can it be learned from, and do its parts keep apart?

Reads every file of a set once; changes none of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from detector.errors import PhotoError
from detector.photo import MAX_BYTES, SUFFIXES, Photo, open_photo
from training.data.boxes import check_labels
from training.data.findings import Finding, Kind, Level
from training.data.leaks import SIDES, Pair, Seen, find_pairs
from training.data.sets import NO_LABELS, DataSet, PictureFile
from training.data.similar import look_at
from training.sources import checksum

LEARNED_AND_JUDGED: Final = ("train", "dev", "val")


@dataclass(slots=True)
class Report:
    """What the check of one set found."""

    data_set: DataSet
    pictures: Counter[str] = field(default_factory=Counter)  #: readable pictures per part
    boxes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  #: per part and class
    findings: list[Finding] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)  #: across parts, each also a finding

    def find(self, kind: Kind, where: str, what: str, level: Level = Level.fault) -> None:
        """Note what is wrong."""
        self.findings.append(Finding(level=level, kind=kind, where=where, what=what))

    def count(self, level: Level) -> int:
        """How many findings of one level there are."""
        return sum(one.level is level for one in self.findings)

    def held_out_scenes(self) -> int:
        """How many val pictures show what train or dev shows too."""
        return len({pair.held_out.name for pair in self.pairs if pair.held_out.part == "val"})


def steps(data_set: DataSet) -> int:
    """How often `check_set` calls `step`: once a picture, once a held-out picture and side."""
    per_part = Counter(one.part for one in data_set.files)
    return len(data_set.files) + sum(per_part[held] for held, _ in SIDES)


def check_set(data_set: DataSet, *, scenes: bool = True, step: Callable[[], None] = lambda: None) -> Report:
    """Check one set.

    Args:
        data_set: as its manifest tells it.
        scenes: False leaves the search for same scenes out, which costs most of the time.
        step: called `steps(data_set)` times along the way.
    """
    report = Report(data_set)
    _check_listing(report)
    seen: list[Seen] = []
    for file in data_set.files:
        photo = _check_picture(report, file)
        if photo:
            seen.append(Seen(file=file, look=look_at(photo.pixels, features=scenes)))
            report.pictures[file.part] += 1
        _check_labels(report, file, photo)
        step()
    _check_counts(report)
    _check_copies(report, seen)
    report.pairs = find_pairs(data_set, seen, scenes=scenes, step=step)
    for pair in report.pairs:
        _note_pair(report, pair)
    return report


def _shown(report: Report, name: str) -> str:
    return f"{report.data_set.name}/{name}"


def _check_listing(report: Report) -> None:
    """Names given twice, and files that lie in the folder without being listed."""
    data_set = report.data_set
    times = Counter(file.name for file in data_set.files)
    for name, count in times.items():
        if count > 1:
            report.find(Kind.listed_twice, _shown(report, name), f"listed {count} times; keep one line.")
    folder = data_set.folder / "images"
    listed = set(times)
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(data_set.folder).as_posix()
        if path.suffix.lower() in SUFFIXES and name not in listed:
            text = "not in the manifest: it is used by nothing; list it or take it away."
            report.find(Kind.file_not_listed, _shown(report, name), text, Level.warning)


def _check_picture(report: Report, file: PictureFile) -> Photo | None:
    path = report.data_set.folder / file.name
    shown = _shown(report, file.name)
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        report.find(Kind.file_missing, shown, f"{error.strerror or error}; restore the file.")
        return None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        report.find(Kind.file_changed, shown, "not the bytes that the manifest lists; restore the file.")
    try:
        return open_photo(content, name=path.name)
    except PhotoError as error:
        report.find(Kind.picture_unreadable, shown, str(error))
        return None


def _check_labels(report: Report, file: PictureFile, photo: Photo | None) -> None:
    if file.labels_sha256 == NO_LABELS:
        return
    path = report.data_set.labels_of(file.name)
    shown = _shown(report, path.relative_to(report.data_set.folder).as_posix())
    if not path.is_file():
        report.find(Kind.file_missing, shown, "the labels are not there; restore the file.")
        return
    if checksum(path) != file.labels_sha256:
        report.find(Kind.file_changed, shown, "not the bytes that the manifest lists; restore the file.")
    width, height = (photo.width, photo.height) if photo else (0, 0)
    found = check_labels(path, shown, report.data_set.classes, width, height)
    report.findings += found.findings
    report.boxes[file.part] += found.counts
    if rows := report.data_set.cable_rows(file):
        report.boxes[file.part]["tangled_cable"] += len(rows)


def _check_counts(report: Report) -> None:
    """Compare what was counted with what the manifest says."""
    data_set = report.data_set
    listed = Counter(file.part for file in data_set.files)
    where = data_set.manifest.name
    for part in LEARNED_AND_JUDGED:
        said = data_set.pictures.get(part, 0)
        if said != listed[part]:
            report.find(Kind.count_differs, where, f"says {said} {part} pictures and lists {listed[part]}.")
        boxes: Mapping[str, int] = data_set.boxes.get(part, {})
        for name in sorted(set(boxes) | set(report.boxes[part])):
            if boxes.get(name, 0) != report.boxes[part][name]:
                text = f"says {boxes.get(name, 0)} {name} boxes in {part}; the labels hold {report.boxes[part][name]}."
                report.find(Kind.count_differs, where, text)


def _check_copies(report: Report, seen: Sequence[Seen]) -> None:
    """Pictures of the same bytes inside one part; across parts they come with the pairs."""
    first: dict[tuple[str, str], str] = {}
    for one in seen:
        key = (one.file.part, one.file.sha256)
        if key in first and first[key] != one.file.name:
            text = f"the same bytes as {first[key]}; keep one."
            report.find(Kind.same_picture, _shown(report, one.file.name), text, Level.warning)
        first.setdefault(key, one.file.name)


def _note_pair(report: Report, pair: Pair) -> None:
    level = Level.fault if pair.kind is Kind.same_picture else Level.warning
    shows = {
        Kind.same_picture: "is the same picture as",
        Kind.near_duplicate: "is nearly the same picture as",
        Kind.same_scene: "shows the same scene as",
    }[pair.kind]
    what = f"{pair.held_out.part} {shows} {pair.learned.part} {pair.learned.name} ({pair.evidence})."
    report.find(pair.kind, _shown(report, pair.held_out.name), what, level)


def across_sets(reports: Sequence[Report]) -> list[Finding]:
    """Held-out pictures of one set that another set learns from: the same bytes under another roof."""
    learned = {
        file.sha256: (report.data_set.name, file.name)
        for report in reports
        for file in report.data_set.files
        if file.part in ("train", "dev")
    }
    found = []
    for report in reports:
        for file in report.data_set.files:
            other = learned.get(file.sha256)
            if file.part == "val" and other and other[0] != report.data_set.name:
                what = f"val is the same picture as {other[0]}/{other[1]}, which is learned from; leave one out."
                where = f"{report.data_set.name}/{file.name}"
                found.append(Finding(level=Level.fault, kind=Kind.same_picture, where=where, what=what))
    return found
