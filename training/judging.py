"""A version against the one in force, on the very same pictures; the verdict is kept beside its card. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from detector import Detector
from detector.registry import Registry
from detector.verdict import Verdict
from training.gate import Fresh, Measured, judge
from training.labelled import set_sha256
from training.measure import look_at_all, measure
from training.places import TrainingError
from training.sources import Picture

Tell = Callable[[str, int, int], None]  # step, done, of so many


def judge_version(
    registry: Registry,
    version: str,
    pictures: Sequence[Picture],
    *,
    tell: Tell,
    threads: int | None = None,
    fresh: Sequence[Picture] = (),
) -> Verdict | None:
    """Compare a version with the one in force on the very same pictures, and keep the verdict beside its card.

    None where no other version is in force: then there is nothing to compare with. `fresh` are reviewed pictures of
    points that were never learned from; they are measured apart.
    """
    current = registry.current()
    if current is None or current == version:
        return None
    frozen = set_sha256(pictures)
    card = registry.entry(current).card
    good = [one.name for one in card.classes if one.standing == "verified"] if card else []
    before, after = (_measured(registry, name, pictures, tell, threads) for name in (current, version))
    if {before.validation_sha256, after.validation_sha256} != {frozen}:
        raise TrainingError("A validation picture or its labels changed while the versions were measured. Judge again.")
    apart = None
    if fresh:
        was, became = (_measured(registry, name, fresh, tell, threads) for name in (current, version))
        apart = Fresh(pictures=len(fresh), candidate=became, current=was)
    verdict = judge(after, before, good, at=datetime.now(UTC).replace(microsecond=0), fresh=apart)
    registry.keep_verdict(version, verdict)
    return verdict


def _measured(
    registry: Registry, version: str, pictures: Sequence[Picture], tell: Tell, threads: int | None
) -> Measured:
    entry = registry.entry(version)
    if entry.card is None:
        raise TrainingError(f"{version} cannot be measured: {entry.refusal}")
    detector = Detector.load(entry.folder, threads=threads)
    answers, speed = look_at_all(detector, pictures, lambda done: tell(f"measuring {version}", done, len(pictures)))
    found = measure(detector, answers, speed)
    return Measured(version=version, validation_sha256=found.validation_sha256, map50=found.map50)
