"""The versions of one model on disk, and which of them is in force. No torch, no HTTP.

    street/CURRENT           names the version in force; moved in one step, looked at by whoever serves (`live.py`)
    street/HISTORY.jsonl     who moved it, when and why
    street/VERSION/          model.onnx, card.yaml, card.md, perhaps verdict.yaml, curves.json; the model never changes

A version is only ever put in force after everything that loading it could refuse has been tried.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from re import fullmatch
from typing import Final

from detector.card import CARD_FILE, CURRENT_FILE, Card, find_version, read_card, read_model_bytes
from detector.curves import Curves, read_curves, write_curves
from detector.durable import alone_in, copied_whole, write_whole
from detector.errors import ModelRefused
from detector.history import Action, Step, add_step, in_force_since, read_steps, step, versions_before
from detector.taxonomy import Taxonomy
from detector.verdict import Decision, Verdict, read_verdict, write_verdict

_VERSION: Final = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"  # as `Version` of the card


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A version as it stands in the registry."""

    version: str
    folder: Path
    current: bool
    card: Card | None  #: None where the version is unusable
    refusal: str | None  #: why it is unusable
    verdict: Verdict | None

    @property
    def decision(self) -> Decision:
        """Say how the version came out of the comparison with the one that was in force."""
        return self.verdict.decision if self.verdict else Decision.unjudged


def check_version(folder: Path, taxonomy: Taxonomy, *, run: bool = False) -> Card:
    """Make sure that a service could use the version in `folder`; give its card.

    Card, length, SHA-256, a session with fitting shapes, classes for all that the catalogue rests on.

    Args:
        run: also look at one grey picture.

    Raises:
        ModelRefused, TaxonomyRefused: naming what is wrong and where.
    """
    from detector.session import Session  # onnxruntime takes a moment, and listing needs none of it

    card = read_card(folder)
    content = read_model_bytes(folder, card)
    taxonomy.check_against(card)
    session = Session(content, card, threads=1)
    if run:
        session.try_out(card)
    return card


class Registry:
    """The versions in one folder.

    Example:
        >>> from detector import shipped
        >>> Registry(shipped("models/street")).current() is not None
        True
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder as it is; it may still be empty.

        Raises:
            ModelRefused: it is a single version, which has no others beside it.
        """
        if (folder / CARD_FILE).is_file():
            raise ModelRefused(f"{folder} is a single version of a model. Name the folder that its versions lie in.")
        self.folder = folder

    def current(self) -> str | None:
        """Give the version that is named as the one in force, usable or not; None where none is."""
        if not (self.folder / CURRENT_FILE).is_file():
            return None
        try:
            return find_version(self.folder).name
        except ModelRefused:
            return None

    def steps(self) -> list[Step]:
        """Give what the history tells, oldest first."""
        return read_steps(self.folder)

    def entries(self) -> list[Entry]:
        """List the versions by name; those that could not be loaded tell why.

        Artifacts are read and compared with their cards, but not loaded: `verify` does that.
        """
        names = sorted(path.name for path in _folders(self.folder) if not path.name.startswith("."))
        return [self.entry(name) for name in names]

    def entry(self, version: str) -> Entry:
        """Give one version as it stands.

        Raises:
            ModelRefused: there is no such version here.
        """
        folder = self._folder_of(version)
        card, verdict, refusal = None, None, None
        try:
            card = _named_card(folder)
            read_model_bytes(folder, card)
            verdict = read_verdict(folder)
        except ModelRefused as error:
            refusal = str(error)
        return Entry(
            version=version,
            folder=folder,
            current=version == self.current(),
            card=None if refusal else card,
            refusal=refusal,
            verdict=verdict,
        )

    def verify(self, version: str, taxonomy: Taxonomy) -> Card:
        """Try everything that loading a version could refuse, and a run on one picture.

        Raises:
            ModelRefused, TaxonomyRefused: naming what is wrong and where.
        """
        folder = self._folder_of(version)
        _named_card(folder)
        return check_version(folder, taxonomy, run=True)

    def promote(
        self, version: str, taxonomy: Taxonomy, *, why: str = "", despite_verdict: bool = False, who: str | None = None
    ) -> Step | None:
        """Put a version in force, after verifying it; None where it already is.

        Args:
            despite_verdict: also if the comparison rejected it; needs a reason.
            who: by whose hand; None: the account of this process.

        Raises:
            ModelRefused, TaxonomyRefused: it is unusable, or was rejected; the version in force stays.
        """
        if despite_verdict and not why.strip():
            raise ModelRefused(f"{version} is to be put in force whatever its verdict: say why.")
        with alone_in(self.folder):
            self.verify(version, taxonomy)
            verdict = read_verdict(self._folder_of(version))
            if verdict and verdict.decision is Decision.rejected and not despite_verdict:
                raise ModelRefused(
                    f"{version} was rejected when compared with {verdict.against}: {' '.join(verdict.reasons)} "
                    "The version in force stays. To put it in force all the same, force it and say why."
                )
            return self.point_to(version, Action.promote, why, who)

    def roll_back(self, taxonomy: Taxonomy, *, why: str = "", who: str | None = None) -> Step:
        """Put the version in force that was so before; again leads further back.

        Raises:
            ModelRefused, TaxonomyRefused: there is none before, or it is unusable; the version in force stays.
        """
        with alone_in(self.folder):
            before = versions_before(self.steps(), self.current())
            if not before:
                raise ModelRefused(f"{self.folder}: there is no version before {self.current()} to go back to.")
            try:
                self.verify(before[0], taxonomy)
            except ModelRefused as error:
                raise ModelRefused(
                    f"The version before, {before[0]}, cannot be used: {error} The version in force stays; "
                    "promote another one by its name."
                ) from error
            taken = self.point_to(before[0], Action.rollback, why, who)
            assert taken is not None  # `versions_before` never begins with the current one
            return taken

    def add(self, candidate: Path, taxonomy: Taxonomy) -> str:
        """Copy a version folder in, whole or not at all, under the version its card gives; it is not put in force.

        Raises:
            ModelRefused, TaxonomyRefused: it is unusable, or there is another one of that name. Nothing is left here.
        """
        card = check_version(candidate, taxonomy, run=True)
        with alone_in(self.folder):
            if (self.folder / card.version).exists():
                if _same(self.folder / card.version, card):
                    return card.version
                raise ModelRefused(f"{self.folder} has another version named {card.version}. Give this one a new name.")
            with copied_whole(candidate, self.folder / card.version) as copy:
                read_model_bytes(copy, read_card(copy))
        return card.version

    def keep_verdict(self, version: str, verdict: Verdict) -> Path:
        """Write down what the comparison said of a version; give the file."""
        return write_verdict(self._folder_of(version), verdict)

    def curves(self, version: str) -> Curves | None:
        """Give precision and recall at each confidence; None where they were never measured.

        Raises:
            ModelRefused: the version is unusable, or its curves cannot be read.
        """
        folder = self._folder_of(version)
        return read_curves(folder, _named_card(folder).model.sha256)

    def keep_curves(self, version: str, curves: Curves) -> Path:
        """Write down how a version did at each confidence; give the file."""
        return write_curves(self._folder_of(version), curves)

    def _folder_of(self, version: str) -> Path:
        folder = self.folder / version
        if not fullmatch(_VERSION, version) or not folder.is_dir():
            known = ", ".join(sorted(path.name for path in _folders(self.folder) if fullmatch(_VERSION, path.name)))
            raise ModelRefused(f"{self.folder} has no version {version!r}. It has: {known or 'none'}.")
        return folder

    def point_to(self, version: str, action: Action, why: str, who: str | None = None) -> Step | None:
        """Move the pointer, then write that down; to be called under the lock, after verifying."""
        before = self.current()
        if before == version:
            return None
        taken = step(action, before=before, to=version, why=why.strip(), who=who)
        write_whole(self.folder / CURRENT_FILE, version + "\n")
        add_step(self.folder, taken)
        return taken


def since(folder: Path, version: str) -> datetime | None:
    """Say since when a version is in force: as written down, else as old as its pointer is; None if none names it."""
    told = in_force_since(read_steps(folder), version)
    pointer = folder / CURRENT_FILE
    if told is None and pointer.is_file() and version == Registry(folder).current():
        return datetime.fromtimestamp(int(pointer.stat().st_mtime), UTC)
    return told


def earlier_versions(folder: Path) -> list[Path]:
    """Give the folders of the versions in force before, the last one first, for a start with a damaged one."""
    if (folder / CARD_FILE).is_file():
        return []
    current = Registry(folder).current()
    return [folder / name for name in versions_before(read_steps(folder), current) if fullmatch(_VERSION, name)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _named_card(folder: Path) -> Card:
    """Read the card of a version that lies in a registry, where a sighting's `NAME/VERSION` must lead back to it."""
    card = read_card(folder)
    if card.version != folder.name:
        raise ModelRefused(
            f"{folder / CARD_FILE} is the card of version {card.version}, but its folder is named {folder.name}: "
            "what it sees would be recorded under the wrong version. Rename the folder, or correct the card."
        )
    return card


def _same(folder: Path, card: Card) -> bool:
    try:
        return read_card(folder) == card
    except ModelRefused:
        return False
