"""Write what an import takes, picture by picture, into an unfinished folder. Never reads label files of strangers."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from detector.errors import PhotoError
from detector.photo import MAX_BYTES, Photo, open_photo
from training.data.formats.labelled import Batch, Labelled, LeaveOutError
from training.data.mapping import ClassMap
from training.data.rows import rows_of
from training.data.sets import PictureFile
from training.labels import no_labels, write_labels
from training.sources import checksum, choose_dev, group_scenes

QUALITY: Final = 95  # of a JPEG made from another format or a turned photograph
FEWEST_TO_DIVIDE: Final = 10  # a tenth of fewer pictures is none
_ORIENTATION: Final = 0x0112  # EXIF


@dataclass(slots=True)
class Taken:
    """What came of it."""

    pictures: Counter[str] = field(default_factory=Counter)  #: per part
    boxes: dict[str, Counter[str]] = field(default_factory=dict)  #: per part and class of ours
    batch: Batch = field(default_factory=Batch)  #: its `left_out` grows along the way
    files: list[PictureFile] = field(default_factory=list)


class Writer:
    """Writes pictures and labels into an unfinished folder and counts them."""

    def __init__(self, folder: Path, class_map: ClassMap, taken: Taken, *, link: bool) -> None:
        """Write into `folder` and into `taken`; `link` refers to pictures where they lie."""
        self._folder, self._map, self._taken, self._link = folder, class_map, taken, link
        own = {name: index for index, name in enumerate(class_map.classes)}
        self._numbers = {theirs: None if ours is None else own[ours] for theirs, ours in class_map.ours.items()}
        self._hashes: dict[str, str] = {}  # of the source's bytes, to what was taken first
        self._names: set[str] = set()
        self._parts_told = any(one.part for one in taken.batch.pictures)

    def take(self, one: Labelled) -> None:
        """Take one picture, or note why not."""
        try:
            photo, content = _opened(one)
            if photo.sha256 in self._hashes:
                raise LeaveOutError(f"the same bytes as {self._hashes[photo.sha256]}, which was taken")
            rows, without = rows_of(one, (photo.width, photo.height), self._numbers)
        except (LeaveOutError, PhotoError) as error:
            self._taken.batch.leave_out(one.where, one.name, error)
            return
        self._hashes[photo.sha256] = one.name
        self._taken.batch.left_out += without
        name = self._free_name(one.name)
        part = one.part or "train"
        picture = self._folder / "images" / part / f"{name}.jpg"
        labels = self._folder / "labels" / part / f"{name}.txt"
        for path in (picture, labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._write_picture(picture, one.picture, photo, content)
        write_labels(labels, np.array(rows) if rows else no_labels())
        self._taken.files.append(
            PictureFile(
                part=part,
                name=picture.relative_to(self._folder).as_posix(),
                sha256=checksum(picture),
                labels_sha256=checksum(labels),
                line=0,
            )
        )
        self._count(part, rows)

    def _count(self, part: str, rows: list[list[float]]) -> None:
        self._taken.pictures[part] += 1
        counts = self._taken.boxes.setdefault(part, Counter())
        counts.update(self._map.classes[int(row[0])] for row in rows)

    def _free_name(self, name: str) -> str:
        """A file stem that is safe everywhere and not yet taken; numbers in it stay, for they tell scenes."""
        stem = re.sub(r"[^\w-]+", "_", Path(name).stem).strip("_")[:80] or "picture"
        free, count = stem, 1
        while free.lower() in self._names:
            count += 1
            free = f"{stem}-{count}"
        self._names.add(free.lower())
        return free

    def _write_picture(self, to: Path, source: Path, photo: Photo, content: bytes) -> None:
        """Link or copy an upright JPEG as it is; make one of anything else, without EXIF."""
        if photo.format in ("JPEG", "MPO") and _turned(content) is None:
            if self._link:
                to.symlink_to(source.resolve())
            else:
                to.write_bytes(content)
            return
        Image.fromarray(photo.pixels[:, :, ::-1]).save(to, "JPEG", quality=QUALITY)

    def cut_dev(self) -> None:
        """Hold a tenth of train back by scene, by the project's own rule, where the source told no `dev`."""
        if any(one.part == "dev" for one in self._taken.files):
            return
        paths = [self._folder / one.name for one in self._taken.files if one.part == "train"]
        if len(paths) < FEWEST_TO_DIVIDE:
            return
        chosen = {path.relative_to(self._folder).as_posix() for path in choose_dev(group_scenes(paths))}
        for index, one in enumerate(self._taken.files):
            if one.name in chosen:
                self._taken.files[index] = PictureFile(
                    part="dev", name=one.name, sha256=one.sha256, labels_sha256=one.labels_sha256, line=0
                )
        self._recount(chosen)

    def _recount(self, moved: set[str]) -> None:
        """Count pictures that went from train to dev there, with their boxes."""
        train = self._taken.boxes["train"]
        dev = self._taken.boxes.setdefault("dev", Counter())
        for name in moved:
            text = (self._folder / name.replace("images/", "labels/", 1)).with_suffix(".txt").read_text("utf-8")
            counts = Counter(self._map.classes[int(line.split()[0])] for line in text.splitlines())
            train.subtract(counts)
            dev.update(counts)
        self._taken.pictures["train"] -= len(moved)
        self._taken.pictures["dev"] += len(moved)


def _opened(one: Labelled) -> tuple[Photo, bytes]:
    try:
        with one.picture.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LeaveOutError(f"the picture cannot be read: {error.strerror or error}") from error
    return open_photo(content, name=one.name), content


def _turned(content: bytes) -> int | None:
    """EXIF orientation of a JPEG that has been opened once already; None where it is upright or says nothing sound."""
    with Image.open(io.BytesIO(content)) as image:
        try:
            said = image.getexif().get(_ORIENTATION)
        except (OSError, ValueError, SyntaxError, LookupError, TypeError):
            return None
    return said if said in range(2, 9) else None
