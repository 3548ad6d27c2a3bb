"""What `pointwatch data` prints: tables for people, one object for programs."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.pipeline import in_print
from training.data.check import LEARNED_AND_JUDGED, Report
from training.data.findings import Finding, Level
from training.data.writer import Taken

UNBOUND_WIDTH = 160  # columns of a table that goes into a file or a pipe
SHOWN = 12  # findings of one kind that a person reads before asking for --json


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=UNBOUND_WIDTH)


def _printable(text: str) -> Text:
    """Give text in which file names of strangers can neither colour nor move the terminal."""
    return Text(in_print(Path(text)))


def as_record(reports: Sequence[Report], findings: Sequence[Finding]) -> dict[str, object]:
    """Give all that a check found, for a program."""
    return {
        "sets": [
            {
                "name": one.data_set.name,
                "pictures": {part: one.pictures[part] for part in LEARNED_AND_JUDGED},
                "boxes": {part: dict(one.boxes.get(part, {})) for part in LEARNED_AND_JUDGED},
                "val_pictures_with_learned_scene": one.held_out_scenes(),
                "pairs": [
                    {
                        "held_out": pair.held_out.name,
                        "held_out_part": pair.held_out.part,
                        "learned": pair.learned.name,
                        "learned_part": pair.learned.part,
                        "kind": pair.kind.value,
                        "evidence": pair.evidence,
                    }
                    for pair in one.pairs
                ],
            }
            for one in reports
        ],
        "faults": sum(one.level is Level.fault for one in findings),
        "warnings": sum(one.level is Level.warning for one in findings),
        "findings": [
            {"level": one.level.value, "kind": one.kind.value, "where": one.where, "what": one.what} for one in findings
        ],
    }


def show_sets(reports: Sequence[Report]) -> None:
    """Print a row for each set."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("source")
    table.add_column("licence")
    for part in (*LEARNED_AND_JUDGED, "boxes", "val scenes learned", "faults", "warnings"):
        table.add_column(part, justify="right")
    for one in reports:
        faults, warnings = one.count(Level.fault), one.count(Level.warning)
        table.add_row(
            _printable(one.data_set.name),
            _printable(one.data_set.licence),
            *(str(one.pictures[part]) for part in LEARNED_AND_JUDGED),
            str(sum(counts.total() for counts in one.boxes.values())),
            str(one.held_out_scenes()),
            Text(str(faults), style="bold red" if faults else ""),
            Text(str(warnings), style="yellow" if warnings else ""),
        )
    _console().print(table)


def show_findings(findings: Sequence[Finding]) -> None:
    """Print faults first, then warnings; of each kind the first few, and how many more there are."""
    if not findings:
        print("Nothing is at fault.")
        return
    console = _console()
    for level, style in ((Level.fault, "bold red"), (Level.warning, "yellow")):
        shown: Counter[str] = Counter()
        for one in findings:
            if one.level is level:
                shown[one.kind] += 1
                if shown[one.kind] <= SHOWN:
                    line = Text.assemble((level.value, style), f" {one.kind.value} ", _printable(one.where), ": ")
                    console.print(line + _printable(one.what), soft_wrap=True)
        for kind, count in shown.items():
            if count > SHOWN:
                print(f"… and {count - SHOWN} more of {kind}; --json lists all.")


def show_taken(taken: Taken, out: Path) -> None:
    """Print what came in and what did not."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("part")
    table.add_column("pictures", justify="right")
    table.add_column("boxes")
    for part in LEARNED_AND_JUDGED:
        boxes = taken.boxes.get(part, Counter())
        text = ", ".join(f"{name} {count}" for name, count in sorted(boxes.items()) if count)
        table.add_row(part, str(taken.pictures[part]), text or "–")
    console = _console()
    console.print(table)
    left_out = taken.batch.left_out
    for one in left_out[:SHOWN]:
        console.print(_printable(f"left out {one.where} ({one.what}): {one.why}"), soft_wrap=True)
    if len(left_out) > SHOWN:
        print(f"… and {len(left_out) - SHOWN} more.")
    print(f"{taken.pictures.total()} pictures taken in to {out}, {len(left_out)} rows left out (left-out.csv).")
