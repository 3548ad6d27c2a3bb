"""`pointwatch models`: the versions of the model, which is in force, how good they are, and going back.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from detector.registry import Registry
    from detector.taxonomy import Taxonomy
    from training.evaluate import Judged
    from training.measure import Measurement
    from training.sources import Picture

app = typer.Typer(help="The versions of the model: list, compare, measure, promote, go back.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="a version that `pointwatch models list` shows")]
Why = Annotated[str, typer.Option(help="the reason, kept in the history")]
Data = Annotated[
    Path, typer.Option(help="labelled pictures: the project's sources, one of them, or a YOLO folder with data.yaml")
]
Threads = Annotated[int | None, typer.Option(min=1, max=256, help="processor threads; all cores by default")]


class Format(StrEnum):
    """How figures are told."""

    table = "table"
    json = "json"


class Part(StrEnum):
    """Which pictures of a divided set."""

    val = "val"
    dev = "dev"
    train = "train"


PartOption = Annotated[Part, typer.Option(help="val only for figures that are reported; tune on dev")]


def open_registry() -> "tuple[Registry, Taxonomy]":
    """Give the registry in force, with the installation's model in it, and the catalogue."""
    from api.logs import configure
    from api.models import seed_registry
    from api.settings import read_settings
    from detector.registry import Registry
    from detector.taxonomy import read_taxonomy

    configure()  # what is logged goes to stderr; stdout is for what was asked
    settings = read_settings()
    taxonomy = read_taxonomy(settings.taxonomy_file)
    seed_registry(settings, taxonomy)
    return Registry(settings.model_folder), taxonomy


@app.command("list")
def list_versions() -> None:
    """List the versions with what is known of them; * marks the one in force."""
    from cli.model_tables import versions_table

    registry, _ = open_registry()
    versions_table(registry.entries())
    print(f"in {registry.folder}")


@app.command("show")
def show(version: Version) -> None:
    """Show a version: its card, its verdict, when it was in force."""
    from cli.model_tables import version_page

    registry, _ = open_registry()
    version_page(registry.entry(version), registry.steps())


@app.command("compare")
def compare(first: Version, second: Version) -> None:
    """Set the cards of two versions side by side."""
    from cli.model_tables import comparison
    from detector.errors import ModelRefused

    registry, _ = open_registry()
    entries = registry.entry(first), registry.entry(second)
    for one in entries:
        if one.card is None:
            raise ModelRefused(f"{one.version} cannot be compared: {one.refusal}")
    comparison(*entries)


@app.command("promote")
def promote(
    version: Version,
    why: Why = "",
    force: Annotated[bool, typer.Option("--force", help="even if it was rejected; needs --why")] = False,
) -> None:
    """Verify a version and put it in force; a running service takes it up within seconds."""
    from detector.verdict import Decision

    if force and not why.strip():
        raise typer.BadParameter("--force needs --why: the reason is kept in the history.")
    registry, taxonomy = open_registry()
    taken = registry.promote(version, taxonomy, why=why, despite_verdict=force)
    if taken is None:
        print(f"{version} is in force already; nothing was changed.")
        return
    print(f"{version} is in force; before it was {taken.before or 'none'}. A running service follows within seconds.")
    entry = registry.entry(version)
    if entry.decision is Decision.unjudged and taken.before:
        _note(f"{version} was never compared with another version; `pointwatch models judge` would have.")
    elif entry.verdict and entry.verdict.against != taken.before:
        _note(f"its verdict ({entry.decision}) was against {entry.verdict.against}, not against {taken.before}.")


@app.command("rollback")
def rollback(why: Why = "") -> None:
    """Put the version in force that was so before; again goes further back."""
    from detector.history import versions_before

    registry, taxonomy = open_registry()
    taken = registry.roll_back(taxonomy, why=why)
    further = versions_before(registry.steps(), taken.to)
    print(f"Went back from {taken.before or 'a pointer that could not be read'} to {taken.to}.", end=" ")
    print(f"Again would go to {further[0]}." if further else "There is none before it.")


@app.command("verify")
def verify(
    version: Annotated[str | None, typer.Argument(help="a version; every one if none is named")] = None,
) -> int:
    """Try all that loading a version could refuse; the exit status is 1 if one is unusable."""
    from detector.errors import DetectorError

    registry, taxonomy = open_registry()
    names = [version] if version else [one.version for one in registry.entries()]
    unusable = 0
    for name in names:
        try:
            card = registry.verify(name, taxonomy)
        except DetectorError as error:
            unusable += 1
            print(f"{name}: refused: {error}", file=sys.stderr)
        else:
            print(f"{name}: usable, {len(card.classes)} classes, SHA-256 {card.model.sha256}")
    return 1 if unusable else 0


@app.command("add")
def add(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="the candidate: card.yaml and the file it describes")],
) -> None:
    """Copy a candidate into the registry, whole or not at all; it is not put in force."""
    registry, taxonomy = open_registry()
    print(f"{registry.add(folder, taxonomy)} is in the registry; `pointwatch models promote` puts it in force.")


@app.command("evaluate")
def evaluate(
    version: Version,
    data: Data,
    part: PartOption = Part.val,
    output: Annotated[Format, typer.Option("--format", help="a table for people, or JSON")] = Format.table,
    report: Annotated[
        Path | None, typer.Option(file_okay=False, help="write figures, curves and the worst pictures into this folder")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, max=500, help="how many of the worst pictures")] = 12,
    keep: Annotated[bool, typer.Option("--keep", help="keep the curves beside the card, for the page")] = False,
    threads: Threads = None,
) -> None:
    """Measure a version on labelled pictures, with the very detector that serves."""
    from cli.model_tables import as_json, measurement_table

    registry, _ = open_registry()
    if report:
        from training.report import refuse_repository

        refuse_repository(report)
    measured, answers = _measure(registry, version, _pictures(data, part), threads)
    if report:
        from training.report import write_report

        card = registry.entry(version).card
        assert card is not None  # it has just been loaded
        write_report(report, card, measured, answers, worst)
        (report / "evaluation.json").write_text(as_json(measured) + "\n", encoding="utf-8")
    if keep:
        from training.measure import curves_of

        _note(f"kept in {registry.keep_curves(version, curves_of(measured, answers))}")
    if output is Format.json:
        print(as_json(measured))
    else:
        measurement_table(measured)


@app.command("judge")
def judge(version: Version, data: Data, part: PartOption = Part.val, threads: Threads = None) -> int:
    """Compare a version with the one in force on the same pictures and keep the verdict; exit status 1 if rejected."""
    from cli.model_tables import verdict_page
    from detector.errors import ModelRefused
    from detector.verdict import Decision
    from training.judging import judge_version

    registry, _ = open_registry()
    pictures = _pictures(data, part)
    with steps() as tell:
        verdict = judge_version(registry, version, pictures, tell=tell, threads=threads)
    if verdict is None:
        raise ModelRefused(f"{version} cannot be compared: {registry.current() or 'no version'} is in force.")
    verdict_page(version, verdict)
    return 1 if verdict.decision is Decision.rejected else 0


def _pictures(data: Path, part: Part) -> "list[Picture]":
    from training.labelled import load_labelled

    return load_labelled(data, part.value)


def _measure(
    registry: "Registry", version: str, pictures: "list[Picture]", threads: int | None
) -> "tuple[Measurement, list[Judged]]":
    """Look at the pictures with a version; a bar on stderr counts them where that is a terminal."""
    from detector.detect import Detector
    from detector.errors import ModelRefused
    from training.measure import look_at_all, measure

    entry = registry.entry(version)
    if entry.card is None:
        raise ModelRefused(f"{version} cannot be measured: {entry.refusal}")
    detector = Detector.load(entry.folder, threads=threads)
    with steps() as tell:
        answers, speed = look_at_all(detector, pictures, lambda done: tell(version, done, len(pictures)))
    return measure(detector, answers, speed), answers


@contextmanager
def steps(*, lines: bool = False) -> "Iterator[Callable[[str, int, int], None]]":
    """Give a function that hears a step, how much of it is done, and of how much; a bar each on stderr.

    Args:
        lines: where stderr is no terminal, print a line for each step instead of nothing.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    known: dict[str, TaskID] = {}
    terminal = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, disable=not terminal
    ) as progress:

        def tell(step: str, done: int, total: int) -> None:
            if step not in known:
                known[step] = progress.add_task(step, total=total)
                if lines and not terminal:
                    print(f"{datetime.now():%H:%M:%S} {step}", file=sys.stderr, flush=True)  # noqa: DTZ005 - a wall clock
            progress.update(known[step], completed=done, total=total)

        yield tell


def _note(text: str) -> None:
    print(f"pointwatch: note: {text}", file=sys.stderr)
