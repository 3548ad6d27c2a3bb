"""`pointwatch detect`: look at photos and say what is wrong on each.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.pipeline import Inspected, Refused
    from detector.errors import DetectorError

SAVED_PX = 1600  # long side of a picture with boxes, at least, where the photo has it: enough to read a label by


class Format(StrEnum):
    """How results are told."""

    table = "table"
    jsonl = "jsonl"


class Language(StrEnum):
    """In which language classes are named."""

    zh = "zh"
    en = "en"


def _share(value: float) -> float:
    if not 0 <= value <= 1:  # also true of NaN, which a range check by comparison lets through
        raise typer.BadParameter(f"{value} is not between 0 and 1.")
    return value


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Photos, and folders searched for photos all the way down.")
    ],
    output: Annotated[
        Format, typer.Option("--format", help="A table for people, or one JSON object a line for programs.")
    ] = Format.table,
    min_confidence: Annotated[
        float,
        typer.Option(
            callback=_share, help="List objects from this confidence up. Violations have their own thresholds."
        ),
    ] = 0.25,
    save_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write pictures with boxes and labels into this folder.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(envvar="POINTWATCH_MODEL_DIR", help="Folder of a model; the shipped one by default.")
    ] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(envvar="POINTWATCH_TAXONOMY", help="Catalogue file; the shipped one by default.")
    ] = None,
    no_parking: Annotated[
        bool, typer.Option("--no-parking", help="Nobody may park where these photos were taken.")
    ] = False,
    language: Annotated[
        Language, typer.Option(envvar="POINTWATCH_LANGUAGE", help="Language of names and labels.")
    ] = Language.zh,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processor threads for the model; all cores by default.")
    ] = None,
) -> int:
    """Look at photos and say what is wrong on each. The exit status is 1 if any of them could not be read."""
    from cli.pipeline import find_photos, inspect_photos
    from cli.results import Album, Report, json_line, marks
    from detector.detect import Detector
    from detector.installation import shipped
    from detector.rules import Scene
    from detector.taxonomy import read_taxonomy

    files, errors = find_photos(paths, leave_out=save_dir)
    for error in errors:
        _complain(error)
    if not files:
        return 1
    catalogue = read_taxonomy(taxonomy or shipped("datasets/taxonomy.yaml"))
    detector = Detector.load(model or shipped("models/street"), threads=threads)
    album = Album(save_dir, files) if save_dir else None
    report = Report(taxonomy=catalogue, model=detector.version, min_confidence=min_confidence, language=language)
    looking = inspect_photos(
        files,
        detector,
        catalogue,
        scene=Scene(no_parking=no_parking),
        min_confidence=min_confidence,
        at_least_px=max(detector.card.model.input_px, SAVED_PX if album else 0),
    )
    for seen in _readable(_progress(looking, len(files), output, language), errors):
        if album:
            album.save(seen, marks(seen, catalogue, min_confidence=min_confidence, language=language))
        if output is Format.jsonl:
            sys.stdout.buffer.write(json_line(seen, model=detector.version, min_confidence=min_confidence))
            sys.stdout.buffer.flush()
        else:
            report.add(seen)
    if output is Format.table:
        report.show(unreadable=len(errors))
    return 1 if errors else 0


def _complain(error: "DetectorError") -> None:
    print(f"pointwatch: {error}", file=sys.stderr)


def _readable(results: "Iterable[Inspected | Refused]", errors: "list[DetectorError]") -> "Iterator[Inspected]":
    """Give the photos that could be looked at; report each other one and add its error to `errors`."""
    from cli.pipeline import Refused

    for one in results:
        if isinstance(one, Refused):
            _complain(one.error)
            errors.append(one.error)
        else:
            yield one


def _progress(
    results: "Iterable[Inspected | Refused]", total: int, output: Format, language: Language
) -> "Iterator[Inspected | Refused]":
    """Pass results on while a bar on stderr counts them, where stderr is a terminal that the results do not share."""
    if not sys.stderr.isatty() or (output is Format.jsonl and sys.stdout.isatty()):
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    from cli.results import WORDS

    yield from track(results, WORDS[language]["progress"], total, console=Console(stderr=True), transient=True)
