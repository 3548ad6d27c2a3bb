"""What `pointwatch models` shows: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detector.card import Card, ClassMetrics
from detector.history import Step
from detector.registry import Entry
from detector.verdict import Verdict

if TYPE_CHECKING:
    from training.measure import Figures, Measurement

UNBOUND_WIDTH = 200  # columns of a table that goes into a file or a pipe
NONE = "–"


def _show(table: Table) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=UNBOUND_WIDTH)
    console.print(table)


def _table(*columns: str) -> Table:
    """Give an empty table: the first column is text, the others are figures."""
    table = Table(box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _figure(value: float | None, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def versions_table(entries: Sequence[Entry]) -> None:
    """Print a row for each version, and below why those are unusable that are."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "version", "made on", "verdict", "MB", "input px", "classes", "mean mAP50"):
        table.add_column(name)
    for one in entries:
        cells = _card_cells(one.card) if one.card else ["unusable"]
        table.add_row("*" if one.current else "", Text(one.version), cells[0], one.decision, *cells[1:])
    _show(table)
    for one in entries:
        if one.refusal:
            print(f"{one.version}: {one.refusal}")


def _card_cells(card: Card) -> list[str]:
    judged = [one.metrics.map50 for one in card.classes if one.metrics]
    mean = f"{sum(judged) / len(judged):.3f} of {len(judged)}" if judged else NONE
    return [
        str(card.made_on),
        f"{card.model.bytes / 1e6:.1f}",
        str(card.model.input_px),
        str(len(card.classes)),
        mean,
    ]


def version_page(entry: Entry, steps: Sequence[Step]) -> None:
    """Print what is known of one version."""
    state = "in force" if entry.current else "not in force"
    print(f"{entry.version}: {state}, {entry.decision}\n{entry.folder}")
    if entry.refusal:
        print(f"unusable: {entry.refusal}")
    if entry.card:
        _card_page(entry.card)
    if entry.verdict:
        verdict_page(entry.version, entry.verdict)
    for one in steps:
        if entry.version in (one.before, one.to):
            why = f": {one.why}" if one.why else ""
            print(f"{one.when.isoformat()}  {one.action:<8}  {one.before or NONE} → {one.to}  by {one.who}{why}")


def _card_page(card: Card) -> None:
    model = card.model
    print(
        f"{model.architecture}, {model.bytes / 1e6:.1f} MB, {model.input_px} px, made on {card.made_on}, {card.licence}"
    )
    print(f"SHA-256 {model.sha256}")
    table = _table(
        "class", "standing", "automatic", "review", "mAP50", "mAP50-95", "precision", "recall", "judged on", "boxes"
    )
    for one in card.classes:
        found = one.metrics
        table.add_row(
            one.name,
            one.standing,
            f"{one.automatic:.3f}",
            f"{one.review:.3f}",
            *(
                [
                    _figure(found.map50),
                    _figure(found.map50_95),
                    _figure(found.precision),
                    _figure(found.recall),
                    f"{found.source}, {found.pictures} pictures",
                    str(found.boxes),
                ]
                if found
                else [NONE] * 6
            ),
        )
    _show(table)
    print(card.training)
    for limit in card.limits:
        print(f"- {limit}")


def verdict_page(version: str, verdict: Verdict) -> None:
    """Print a verdict with each class before and after."""
    print(f"{version} {verdict.decision} against {verdict.against}, {verdict.judged_at.isoformat()}")
    print(f"validation set {verdict.validation_sha256}")
    for reason in verdict.reasons:
        print(f"- {reason}")
    table = _table("class", f"mAP50 of {verdict.against}", f"of {version}", "change")
    for one in verdict.changes:
        table.add_row(one.name, _figure(one.before), _figure(one.after), _change(one.before, one.after))
    _show(table)


def _change(before: float | None, after: float | None) -> str:
    return NONE if before is None or after is None else f"{after - before:+.3f}"


def comparison(first: Entry, second: Entry) -> None:
    """Print two cards side by side; figures that rest on different pictures are said to."""
    assert first.card is not None
    assert second.card is not None
    before, after = _metrics(first.card), _metrics(second.card)
    table = _table(
        "class", f"mAP50 of {first.version}", f"of {second.version}", "change", "mAP50-95", "to", "judged on"
    )
    for name in dict.fromkeys([*before, *after]):
        one, two = before.get(name), after.get(name)
        table.add_row(
            name,
            _figure(one.map50 if one else None),
            _figure(two.map50 if two else None),
            _change(one.map50 if one else None, two.map50 if two else None),
            _figure(one.map50_95 if one else None),
            _figure(two.map50_95 if two else None),
            _judged_on(one, two),
        )
    _show(table)
    for one_card, version in ((first.card, first.version), (second.card, second.version)):
        model = one_card.model
        print(f"{version}: {model.bytes / 1e6:.1f} MB, {model.input_px} px, SHA-256 {model.sha256}")
    print("These are the cards' own figures; `pointwatch models judge` measures both on the same pictures.")


def _metrics(card: Card) -> dict[str, ClassMetrics | None]:
    return {one.name: one.metrics for one in card.classes}


def _judged_on(one: ClassMetrics | None, two: ClassMetrics | None) -> str:
    sets = [f"{found.source} ({found.pictures})" for found in (one, two) if found]
    return " / ".join(dict.fromkeys(sets)) or NONE


def as_json(measured: "Measurement") -> str:
    """Give a measurement as JSON."""
    return json.dumps(asdict(measured), indent=1, ensure_ascii=False)


def measurement_table(measured: "Measurement") -> None:
    """Print a row for each class, and one for each source where a class has several."""
    table = _table(
        "class, source", "pictures", "boxes", "mAP50", "mAP50-95", "R at P .90",
        "P", "R", "small", "its mAP50", "its R", "calibration error",
    )  # fmt: skip
    for name, found in measured.classes.items():
        places = dict(found.sources)
        table.add_row(f"{name}, {' + '.join(places)}", *_cells(found.whole), style="bold")
        for place, figures in places.items() if len(places) > 1 else ():
            table.add_row(f"  {place}", *_cells(figures))
        if found.fresh:
            table.add_row("  scenes never learned", *_cells(found.fresh))
    _show(table)
    print(
        f"{measured.model} on {measured.pictures} pictures of {measured.part}, set {measured.validation_sha256[:16]}…: "
        f"mean mAP50 {measured.mean_map50:.3f}, mAP50-95 {measured.mean_map50_95:.3f}, "
        f"calibration error {_figure(measured.calibration_error)}, "
        f"{measured.speed.median_ms:.0f} ms a picture (median; 95 % under {measured.speed.p95_ms:.0f} ms)"
    )
    for name, found in measured.classes.items():
        if found.false_alarms_per_100 is not None:
            alarms = f"{found.false_alarms_per_100:.1f} at {found.automatic}"
            print(f"{name} on 100 garbage, pothole and graffiti pictures: {alarms}")
    print("P and R at the card's automatic threshold; small: under 32² px on a picture of 640 px")


def _cells(one: "Figures") -> list[str]:
    return [
        str(one.pictures),
        str(one.boxes),
        _figure(one.map50),
        _figure(one.map50_95),
        _figure(one.recall_at_precision_90),
        _figure(one.precision),
        _figure(one.recall),
        str(one.small_boxes),
        _figure(one.small_map50),
        _figure(one.small_recall),
        _figure(one.calibration_error),
    ]
