"""Whether a candidate may take the place of the model in force. Pure: figures in, a verdict out; no files, no torch.

Accepted when no class that was good has dropped and the mean has risen, both measured on the very same pictures and
labels. The drop that is let pass is wider than zero because training is not reproducible to the bit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from detector.verdict import Change, Decision, Verdict
from training.places import TrainingError

ALLOWED_DROP: Final = 0.02  # mAP50 of a class; source: the project's design, the spread between two runs of one recipe
ALLOWED_MEAN_DROP: Final = 0.005  # of the mean on the frozen set, where the mean on fresh pictures rose
FRESH_ENOUGH: Final = 30  # fresh pictures under which they only inform
_DIGITS: Final = 6  # figures are compared to this many digits: .80 - .78 is not more than .02


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one version scored on a frozen validation set."""

    version: str
    validation_sha256: str  #: hash of the set's pictures and labels
    map50: Mapping[str, float] = field(default_factory=dict)  #: by class name, 0..1; classes that the set can judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Both on reviewed pictures of points that neither has learned from."""

    pictures: int
    candidate: Measured
    current: Measured


def judge(
    candidate: Measured, current: Measured, good: Collection[str], *, at: datetime, fresh: Fresh | None = None
) -> Verdict:
    """Compare a candidate with the model in force.

    Args:
        good: classes that were good: those that the card in force calls verified.
        at: when, with its zone.
        fresh: both on reviewed pictures of this installation, from points that were never learned from.

    Raises:
        TrainingError: the two were not measured on the same set, or the set judges no class.
    """
    if candidate.validation_sha256 != current.validation_sha256:
        raise TrainingError(
            f"{candidate.version} was measured on the validation set {candidate.validation_sha256[:12]}…, "
            f"{current.version} on {current.validation_sha256[:12]}…. Measure both on the same pictures and labels."
        )
    if not current.map50:
        raise TrainingError(f"The validation set judges no class of {current.version}: nothing can be compared.")
    reasons = [*_drops(candidate, current, good), *_mean(candidate, current, fresh)]
    return Verdict(
        decision=Decision.rejected if reasons else Decision.accepted,
        reasons=reasons or [_praise(candidate, current, good), *([_of_fresh(fresh)] if fresh else [])],
        against=current.version,
        validation_sha256=current.validation_sha256,
        judged_at=at,
        changes=_changes(candidate, current),
        fresh_pictures=fresh.pictures if fresh else 0,
        fresh=_changes(fresh.candidate, fresh.current) if fresh else [],
    )


def _changes(candidate: Measured, current: Measured) -> list[Change]:
    return [
        Change(name=name, before=current.map50.get(name), after=candidate.map50.get(name))
        for name in sorted({*current.map50, *candidate.map50})
    ]


def _drops(candidate: Measured, current: Measured, good: Collection[str]) -> list[str]:
    """Say of each good class that has dropped too far what it was and what it is."""
    reasons = []
    for name, before in sorted(current.map50.items()):
        after = candidate.map50.get(name)
        if after is None:
            reasons.append(f"{name} was {before:.3f} and is not judged any more: the candidate has no such class.")
        elif name in good and round(before - after, _DIGITS) > ALLOWED_DROP:
            reasons.append(
                f"{name} fell from {before:.3f} to {after:.3f}, by {before - after:.3f}; {ALLOWED_DROP} is let pass."
            )
    return reasons


def _mean(candidate: Measured, current: Measured, fresh: Fresh | None) -> list[str]:
    """Say if the mean over the classes that both are judged by has not risen, or fell where the office looks itself.

    A model that has learned an office's streets need not be better on anybody else's: with enough fresh pictures it is
    enough that the mean rose there and held on the frozen set.
    """
    before, after = _means(candidate, current)
    rise = round(after - before, _DIGITS)
    if fresh is None or fresh.pictures < FRESH_ENOUGH or not fresh.current.map50:
        fresh_rise = 0.0
    else:
        was, became = _means(fresh.candidate, fresh.current)
        fresh_rise = round(became - was, _DIGITS)
        if fresh_rise < -ALLOWED_DROP:
            return [_of_fresh(fresh) + f" It may fall by {ALLOWED_DROP} at most."]
    if rise > 0 or (fresh_rise > 0 and rise >= -ALLOWED_MEAN_DROP):
        return []
    said = f"The mean over {len(current.map50)} judged classes went from {before:.4f} to {after:.4f}: no rise."
    return [said, *([_of_fresh(fresh)] if fresh else [])]


def _of_fresh(fresh: Fresh) -> str:
    before, after = _means(fresh.candidate, fresh.current) if fresh.current.map50 else (0.0, 0.0)
    return (
        f"On {fresh.pictures} fresh reviewed pictures the mean over {len(fresh.current.map50)} classes went from "
        f"{before:.4f} to {after:.4f}."
    )


def _means(candidate: Measured, current: Measured) -> tuple[float, float]:
    """Give the means over the classes of the model in force; a class that the candidate lost counts nothing."""
    names = sorted(current.map50)
    return (
        sum(current.map50[name] for name in names) / len(names),
        sum(candidate.map50.get(name, 0.0) for name in names) / len(names),
    )


def _praise(candidate: Measured, current: Measured, good: Collection[str]) -> str:
    before, after = _means(candidate, current)
    watched = sorted(set(good) & set(current.map50))
    return (
        f"The mean over {len(current.map50)} judged classes rose from {before:.4f} to {after:.4f}, and none of the "
        f"verified ones ({', '.join(watched) or 'there are none'}) fell by more than {ALLOWED_DROP}."
    )
