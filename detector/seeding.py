"""Bring the installation's model into a registry that can be written to, once for each version that an upgrade brings.

A version that somebody promoted here is never pushed aside: it may be better on this city's streets than ours.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from detector.card import Card, find_version, read_card, read_model_bytes
from detector.durable import alone_in, append_line, copied_whole
from detector.errors import DetectorError, ModelRefused
from detector.history import Action
from detector.registry import Registry
from detector.taxonomy import Taxonomy

SHIPPED_FILE = "SHIPPED"  # versions that came with an installation, one a line: each is dealt with once


class Outcome(StrEnum):
    """What became of the installation's version."""

    known = "known"  # it had been dealt with before
    seeded = "seeded"  # it is the registry's first
    adopted = "adopted"  # it took the place of an older one that came with an installation
    laid_beside = "laid beside"  # it waits to be promoted; `reason` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """What was done with the installation's version."""

    outcome: Outcome
    version: str  #: that came with the installation
    current: str | None  #: in force now
    reason: str = ""  #: why it is not in force


def seed(folder: Path, shipped: Path, taxonomy: Taxonomy) -> Seeding:
    """Make sure that the registry in `folder` has the model of the installation at `shipped`.

    Safe with several processes at once and with a crash at any moment: the step is then taken again.

    Raises:
        ModelRefused: the installation's model is damaged, and it was needed.
    """
    source = find_version(shipped)
    version = read_card(source).version
    if version in _dealt_with(folder):
        return _known(folder, source, version)
    with alone_in(folder):
        registry = Registry(folder)
        shipped_before = _dealt_with(folder)
        if version in shipped_before:  # another process was quicker
            return _known(folder, source, version)
        card = _copy(source, folder / version)
        current, reason, outcome = registry.current(), "", Outcome.laid_beside
        if current not in (None, version):
            reason = _reason_to_wait(registry, str(current), card, taxonomy, shipped_before)
        if current is None:
            outcome = Outcome.seeded
            registry.point_to(version, Action.seed, "the installation's model")
        elif not reason:
            outcome = Outcome.adopted
            registry.point_to(version, Action.adopt, "a newer installation brought it")
        append_line(folder / SHIPPED_FILE, version)
    return Seeding(outcome=outcome, version=version, current=registry.current(), reason=reason)


def _known(folder: Path, source: Path, version: str) -> Seeding:
    """Leave a version that was dealt with as it is; one that was made anew under its old name is told of."""
    current = Registry(folder).current()
    try:
        same = not (folder / version).exists() or read_card(folder / version) == read_card(source)
    except ModelRefused:
        same = True  # whoever uses it will be told
    if same:
        return Seeding(outcome=Outcome.known, version=version, current=current)
    reason = (
        f"{version} was made anew under its old name. To use it, move {folder / version} away and take the name out "
        f"of {folder / SHIPPED_FILE}"
    )
    return Seeding(outcome=Outcome.laid_beside, version=version, current=current, reason=reason)


def _reason_to_wait(registry: Registry, current: str, card: Card, taxonomy: Taxonomy, shipped_before: set[str]) -> str:
    """Say why the installation's version must not take the place of the current one; empty where it may."""
    if current not in shipped_before:
        return f"{current} was promoted here and did not come with an installation"
    if _made_after(registry.folder / current, card):
        return f"{current} is newer"
    try:
        registry.verify(card.version, taxonomy)
    except DetectorError as error:
        return str(error)
    return ""


def _dealt_with(folder: Path) -> set[str]:
    path = folder / SHIPPED_FILE
    return set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()


def _copy(source: Path, to: Path) -> Card:
    """Copy a version that is not there yet and give its card.

    Raises:
        ModelRefused: it is damaged, or the registry has another one of that name.
    """
    card = read_card(source)
    read_model_bytes(source, card)
    if not to.exists():
        with copied_whole(source, to) as copy:
            read_model_bytes(copy, card)
    elif read_card(to).model.sha256 != card.model.sha256:
        raise ModelRefused(
            f"{to} is not the {card.version} that came with this installation, {source}. Move it away, or give it "
            "another version in its card and its folder's name."
        )
    return card


def _made_after(folder: Path, card: Card) -> bool:
    """Say whether the version in `folder` is newer than `card`'s; an unreadable one is not."""
    try:
        return read_card(folder).made_on > card.made_on
    except ModelRefused:
        return False
