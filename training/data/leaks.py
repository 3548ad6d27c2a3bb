"""What held-out pictures share with the pictures that are learned from, and the list that keeps it on record.

A score on a picture whose scene was learned says less about a new street. The list names such pictures, so that
figures can be given with and without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from detector.installation import shipped
from training.data.findings import Kind
from training.data.sets import DataSet, PictureFile
from training.data.similar import (
    NEAR_DUPLICATE_BITS,
    SAME_SCENE,
    SAME_SCENE_NEIGHBOURS,
    Look,
    likeness,
    shared_plane,
    strongest,
)
from training.sources import NUMBERS_PER_SCENE

#: (held out, learned from): a scene on both sides of these makes a figure or a choice too good.
SIDES: Final = (("val", ("train", "dev")), ("dev", ("train",)))
#: Candidates a picture is compared with feature by feature, from each of the two rankings.
CANDIDATES: Final = 20
SCENE_LIST: Final = "val-scenes-in-train.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A picture that could be opened."""

    file: PictureFile
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A held-out picture and one to learn from that show the same."""

    held_out: PictureFile
    learned: PictureFile
    kind: Kind  #: same_picture, near_duplicate or same_scene
    evidence: str  #: how that is known


def find_pairs(
    data_set: DataSet, pictures: Sequence[Seen], *, scenes: bool = True, step: Callable[[], None] = lambda: None
) -> list[Pair]:
    """Pairs across the parts of one set, the surest signal of each pair only, in the order of the manifest.

    Args:
        data_set: whose pictures they are; its table of cable boxes names some scenes by letter.
        pictures: all of its pictures that could be opened, `left-out` ones without effect.
        scenes: False compares checksums and hashes only.
        step: called once for each held-out picture and side that was compared.
    """
    by_part: dict[str, list[Seen]] = defaultdict(list)
    for one in pictures:
        by_part[one.file.part].append(one)
    letters = _letters(data_set)
    pairs: list[Pair] = []
    for held_part, learned_parts in SIDES:
        learned = [one for part in learned_parts for one in by_part[part]]
        crowd = _Crowd(learned) if learned and by_part[held_part] else None
        for held in by_part[held_part]:
            if crowd:
                pairs += crowd.pairs_with(held, letters, scenes=scenes)
            step()
    return pairs


def _letters(data_set: DataSet) -> dict[str, str]:
    """Scene letter by `images/part/name.jpg`, where the table of cable boxes gives one."""
    return {f"images/{name}": rows[0].scene for name, rows in data_set.cables.items() if rows and rows[0].scene}


class _Crowd:
    """Pictures of one part, stacked so that one picture can be compared with all of them at once."""

    def __init__(self, pictures: Sequence[Seen]) -> None:
        self._pictures = pictures
        self._bits = np.array([one.look.bits for one in pictures])
        self._layouts = np.array([one.look.layout for one in pictures])
        self._features = strongest([one.look for one in pictures])

    def pairs_with(self, held: Seen, letters: Mapping[str, str], *, scenes: bool) -> list[Pair]:
        """Compare one held-out picture with all."""
        pairs: dict[int, Pair] = {}
        distances = (self._bits != held.look.bits).sum(axis=1)
        for index in map(int, np.flatnonzero(distances <= NEAR_DUPLICATE_BITS)):
            evidence = f"{int(distances[index])} of 256 bits differ"
            pairs[index] = self._pair(held, index, Kind.near_duplicate, evidence)
        for index in self._candidates(held, letters) if scenes else ():
            evidence = self._scene_evidence(held, index, letters)
            if evidence and index not in pairs:
                pairs[index] = self._pair(held, index, Kind.same_scene, evidence)
        for index, other in enumerate(self._pictures):
            if other.file.sha256 == held.file.sha256:
                pairs[index] = self._pair(held, index, Kind.same_picture, "the same bytes")
        return [pairs[index] for index in sorted(pairs)]

    def _pair(self, held: Seen, index: int, kind: Kind, evidence: str) -> Pair:
        return Pair(held_out=held.file, learned=self._pictures[index].file, kind=kind, evidence=evidence)

    def _candidates(self, held: Seen, letters: Mapping[str, str]) -> set[int]:
        """Which pictures are worth comparing feature by feature."""
        layouts = self._layouts @ held.look.layout
        answers = likeness(held.look, self._features)
        chosen = {int(index) for ranking in (layouts, answers) for index in np.argsort(-ranking)[:CANDIDATES]}
        chosen |= {index for index, one in enumerate(self._pictures) if _neighbours(held.file.name, one.file.name)}
        letter = letters.get(held.file.name)
        return chosen | {
            index for index, one in enumerate(self._pictures) if letter and letter == letters.get(one.file.name)
        }

    def _scene_evidence(self, held: Seen, index: int, letters: Mapping[str, str]) -> str:
        """How it is known that the scene is the same; empty where it is not."""
        other = self._pictures[index]
        letter = letters.get(held.file.name)
        if letter and letter == letters.get(other.file.name):
            return f"scene {letter} in the table of cable boxes"
        plane = shared_plane(held.look, other.look)
        if plane.reaches(SAME_SCENE):
            return f"{plane.agreeing} features on one plane"
        if plane.reaches(SAME_SCENE_NEIGHBOURS) and _neighbours(held.file.name, other.file.name):
            return f"{plane.agreeing} features on one plane, neighbouring numbers"
        return ""


def _number(name: str) -> tuple[str, int] | None:
    """What stands before a file's number, and the number; None where the name has no such form."""
    stem = Path(name).stem
    digits = len(stem) - len(stem.rstrip("0123456789"))
    return (stem[: len(stem) - digits], int(stem[-digits:])) if 0 < digits <= 12 else None


def _neighbours(one: str, other: str) -> bool:
    """Whether two file numbers lie as close as those of one walk."""
    first, second = _number(one), _number(other)
    return bool(first and second and first[0] == second[0] and abs(first[1] - second[1]) <= NUMBERS_PER_SCENE)


def write_scene_list(path: Path, name: str, pairs: Iterable[Pair]) -> int:
    """Write which val pictures show what train or dev shows too, one a line with its surest partner; give their number.

    A set without any gets no file, and one that is there from before goes.
    """
    worst: dict[str, Pair] = {}
    for pair in pairs:
        if pair.held_out.part == "val":
            known = worst.get(pair.held_out.name)
            worst[pair.held_out.name] = min(known, pair, key=_rank) if known else pair
    if not worst:
        path.unlink(missing_ok=True)
        return 0
    lines = [
        f"{pair.held_out.name} {pair.held_out.sha256} {pair.learned.part} {pair.learned.name} {pair.evidence}\n"
        for _, pair in sorted(worst.items())
    ]
    head = (
        f"# Made by `pointwatch data check {name} --write-scenes`; not by hand.\n"
        "# Pictures of val whose scene also stands in train or dev: give every figure with and without them.\n"
        "# picture, its SHA-256, part and picture that shows the same, how that is known\n"
    )
    path.write_text(head + "".join(lines), encoding="utf-8")
    return len(lines)


def _rank(pair: Pair) -> tuple[int, int, str]:
    """Surest first: kind, then train before dev, then name."""
    kinds = (Kind.same_picture, Kind.near_duplicate, Kind.same_scene)
    return kinds.index(pair.kind), ("train", "dev").index(pair.learned.part), pair.learned.name


def scene_list_path(data_set: DataSet) -> Path:
    """Where a set's list belongs: beside a source's manifest, inside an imported folder."""
    own = data_set.manifest.stem == data_set.name
    return data_set.manifest.with_name(f"{data_set.name}-{SCENE_LIST}" if own else SCENE_LIST)


def read_scene_list(name: str) -> frozenset[str]:
    """SHA-256 of a source's val pictures whose scene was learned from; empty where the source has no list."""
    try:
        path = shipped(f"datasets/sources/{name}-{SCENE_LIST}")
    except FileNotFoundError:
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split(" ")[1] for line in lines if line and not line.startswith("#"))
