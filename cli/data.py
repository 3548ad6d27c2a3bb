"""`pointwatch data`: check labelled pictures, take them in from other tools, hand them out, describe them.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Labelled pictures: check, take in, hand out, describe.", no_args_is_help=True)


class ImportFormat(StrEnum):
    """Whose labels are read."""

    yolo = "yolo"
    coco = "coco"
    voc = "voc"
    label_studio = "label-studio"


class ExportFormat(StrEnum):
    """What is written."""

    yolo = "yolo"
    coco = "coco"


@app.command("check")
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", help="Sources, or folders that an import made; all sources by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    scenes: Annotated[
        bool, typer.Option(help="Also look for the same scene on both sides of a split, which takes most of the time.")
    ] = True,
    write_scenes: Annotated[
        bool, typer.Option("--write-scenes", help="Write which val pictures show a scene that is learned from.")
    ] = False,
) -> int:
    """Hold pictures and labels against their manifest. The exit status is 1 if anything is at fault.

    Looks at checksums, pictures, boxes, counts, duplicates and what the parts share; what they share is a warning.
    """
    from cli.data_tables import as_record, show_findings, show_sets
    from training.data.check import across_sets, check_set, steps
    from training.data.sets import open_set, source_names
    from training.places import data_dir

    if write_scenes and not scenes:
        raise typer.BadParameter("--write-scenes needs the search that --no-scenes leaves out.")
    sets = [open_set(name, _data_folder(data_dir, names)) for name in names or source_names()]
    with _bar("Checking", sum(steps(one) for one in sets)) as step:
        reports = [check_set(one, scenes=scenes, step=step) for one in sets]
    findings = [*(finding for one in reports for finding in one.findings), *across_sets(reports)]
    if as_json:
        print(json.dumps(as_record(reports, findings), ensure_ascii=False))
    else:
        show_sets(reports)
        show_findings(findings)
    if write_scenes:
        from training.data.leaks import scene_list_path, write_scene_list

        for one in reports:
            path = scene_list_path(one.data_set)
            count = write_scene_list(path, one.data_set.name, one.pairs)
            print(f"{path}: {count} pictures" if count else f"{one.data_set.name}: none to list", file=sys.stderr)
    return 1 if any(one.level == "fault" for one in findings) else 0


def _data_folder(data_dir: Callable[[], Path], names: list[str] | None) -> Path:
    """The data folder; one that is absent matters only to sources, not to imported folders."""
    if names and all((Path(name) / "manifest.yaml").is_file() for name in names):
        return Path()
    return data_dir()


@app.command("import")
def import_set(
    source: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="The labels, their pictures in or around it.")],
    form: Annotated[ImportFormat, typer.Option("--format", help="Whose labels these are.")],
    name: Annotated[str, typer.Option(help="What to call the set.")],
    licence: Annotated[str, typer.Option(help="On which terms the pictures may be used.")],
    attribution: Annotated[str, typer.Option(help="Whose pictures and labels they are, and where they come from.")],
    classes: Annotated[Path, typer.Option(help="YAML: under `classes`, a line 'their name: our_class' (or null).")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    note: Annotated[str, typer.Option(help="What one should know before using it.")] = "",
    link: Annotated[bool, typer.Option("--link", help="Refer to the pictures where they lie; do not copy.")] = False,
) -> None:
    """Take labelled pictures in: all that is sound, with a list of what is not. If it fails, nothing is written."""
    from cli.data_tables import show_taken
    from training.data.intake import Format, Wish, take_in

    wish = Wish(
        source=source,
        format=Format(form.value),
        name=name,
        licence=licence,
        attribution=attribution,
        classes=classes,
        out=out,
        note=note,
        link=link,
    )
    with _bar("Taking in", None) as step:
        taken = take_in(wish, step)
    show_taken(taken, out)


@app.command("export")
def export_set(
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A source, or a folder that an import made.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="What to write.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
) -> None:
    """Hand a set out in another tool's layout, pictures included. If it fails, nothing is written."""
    from training.data.export import Format, hand_out
    from training.data.sets import open_set
    from training.places import data_dir

    data_set = open_set(name, _data_folder(data_dir, [name]))
    with _bar("Handing out", None) as step:
        count = hand_out(data_set, Format(form.value), out, step)
    print(f"{count} pictures written to {out}; the terms of use stand in TERMS.txt.")


@app.command("datasheet")
def datasheet(
    out: Annotated[Path | None, typer.Option(help="The file to write; prints it where this is missing.")] = None,
) -> None:
    """Describe the data: what it is, whose, who is visible, what it must not be used for."""
    from training.data.datasheet import write_datasheet

    text = write_datasheet()
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


@contextmanager
def _bar(word: str, total: int | None) -> "Iterator[Callable[..., None]]":
    """Give a function that counts one step on a bar on stderr, where that is a terminal; it may be told the total."""
    from rich.console import Console
    from rich.progress import Progress

    quiet = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(word, total=total)

        def step(known_total: int | None = None) -> None:
            progress.update(task, advance=1, total=known_total if known_total is not None else total)

        yield step
