"""From paths to what is wrong on each photo: find the files, open, detect, judge. Prints nothing, writes nothing.

While the model looks at one photo, a thread decodes the next.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import supervision as sv

from detector.detect import Detector
from detector.errors import DetectorError, PhotoError
from detector.photo import SUFFIXES, Photo, open_photo
from detector.rules import Scene, Violation, judge, lowest_threshold
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFile:
    """A file to look at."""

    path: Path
    below: Path  #: where it lies under the folder that was named; its own name if it was named itself

    @property
    def shown(self) -> str:
        """Give the path as text that any terminal and any JSON reader can take."""
        return in_print(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A photo that has been looked at."""

    file: PhotoFile
    photo: Photo
    found: sv.Detections  #: all that could matter, boxes in xyxy pixels of the original picture
    violations: list[Violation]  #: surest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A photo that could not be looked at."""

    file: PhotoFile
    error: PhotoError


def in_print(path: Path) -> str:
    """Give a path with everything unprintable, such as escape codes and bytes that are not UTF-8, replaced."""
    text = os.fsencode(path).decode("utf-8", errors="replace")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def find_photos(paths: Sequence[Path], *, leave_out: Path | None = None) -> tuple[list[PhotoFile], list[DetectorError]]:
    """List the pictures at `paths`, each once: named files as they are, folders searched all the way down, sorted.

    Args:
        leave_out: a folder not to look into, such as the one that results are written to.

    Returns:
        The files, and an error for each path that gives none.
    """
    files: dict[Path, PhotoFile] = {}
    errors: list[DetectorError] = []
    for path in paths:
        if path.is_dir():
            within, unreadable = _search(path, leave_out.resolve() if leave_out else None)
            errors += unreadable
            if not within and not unreadable:
                errors.append(
                    DetectorError(
                        f"{in_print(path)} holds no pictures: no file in it or below ends in "
                        f"{', '.join(sorted(SUFFIXES))}. Name another folder, or name the file itself."
                    )
                )
        elif path.exists():
            within = [PhotoFile(path=path, below=Path(path.name))]
        else:
            errors.append(DetectorError(f"{in_print(path)} does not exist. Check the spelling of the path."))
            continue
        for one in within:
            files.setdefault(one.path.resolve(), one)
    return list(files.values()), errors


def _search(folder: Path, leave_out: Path | None) -> tuple[list[PhotoFile], list[DetectorError]]:
    """Give the pictures below `folder` in order; hidden files and folders and `leave_out` are passed over."""
    found: list[PhotoFile] = []
    refused: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=refused.append):
        here = Path(place)
        folders[:] = [
            one
            for one in folders
            if not one.startswith(".") and (leave_out is None or (here / one).resolve() != leave_out)
        ]
        found += [
            PhotoFile(path=here / one, below=(here / one).relative_to(folder))
            for one in names
            if not one.startswith(".") and Path(one).suffix.lower() in SUFFIXES and not _is_pipe(here / one)
        ]
    errors = [
        DetectorError(f"{in_print(Path(error.filename))} cannot be searched: {error.strerror}. Check its permissions.")
        for error in refused
    ]
    return sorted(found, key=lambda one: one.path), errors


def _is_pipe(path: Path) -> bool:
    """Say whether opening the file could wait for ever; a pipe that is named itself is read all the same."""
    return path.exists() and not path.is_file()


def inspect_photos(
    files: Iterable[PhotoFile],
    detector: Detector,
    taxonomy: Taxonomy,
    *,
    scene: Scene,
    min_confidence: float,
    at_least_px: int,
) -> Iterator[Inspected | Refused]:
    """Look at each photo in turn; a photo that cannot be opened is given as `Refused`, and the next one follows.

    Args:
        min_confidence: 0..1, boxes from here up are wanted; those that a violation could rest on come along.
        at_least_px: the long side to decode at least; bigger JPEGs are decoded at a fraction of their size.
    """
    lowest = min(min_confidence, lowest_threshold(taxonomy, detector.card))
    for file, opened in _opened_ahead(files, at_least_px):
        if isinstance(opened, PhotoError):
            yield Refused(file=file, error=opened)
            continue
        found = detector.detect(opened, min_confidence=lowest)
        violations = judge(found, scene, taxonomy, detector.card)
        yield Inspected(file=file, photo=opened, found=found, violations=violations)


def _opened_ahead(files: Iterable[PhotoFile], at_least_px: int) -> Iterator[tuple[PhotoFile, Photo | PhotoError]]:
    """Open the photos in order, one ahead of the reader; never more than two are in memory."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="open-photo") as thread:
        waiting: tuple[PhotoFile, Future[Photo | PhotoError]] | None = None
        for file in files:
            following = file, thread.submit(_open, file, at_least_px)
            if waiting:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting:
            yield waiting[0], waiting[1].result()


def _open(file: PhotoFile, at_least_px: int) -> Photo | PhotoError:
    try:
        return open_photo(file.path, name=file.shown, at_least_px=at_least_px)
    except PhotoError as error:
        return error
