"""The datasheet: what the project's labelled pictures are, in the questions of "Datasheets for Datasets".

Made from the manifests, the scene lists and the shipped model's card; words that no file knows stand here.
Source of the questions: Gebru et al., Datasheets for Datasets, 2021.
"""

from __future__ import annotations

from typing import Final

from detector.card import Card, read_card
from detector.errors import DetectorError
from detector.installation import shipped
from training.data.leaks import read_scene_list
from training.data.sets import DataSet, open_set, source_names
from training.places import REPOSITORY

PARTS: Final = ("train", "dev", "val")

#: Who can be seen and what else a reader must know; a source without an entry here makes the datasheet fail.
VISIBLE: Final = {
    "cables": "Poles and house fronts; passers-by and shop signs by chance.",
    "facades": "House fronts; parked cars, passers-by and shop signs by chance.",
    "garbage": "Residents and parked vehicles by chance; take it that some faces and number plates can be recognised.",
    "graffiti": "Passers-by and readable number plates by chance; tags and slogans are people's own writing.",
    "potholes": "Road surface; vehicles and people at a distance.",
    "vehicles": "Riders, drivers and their vehicles; take it that faces and number plates can be recognised.",
}
UNLABELLED: Final = {
    "cables": "Everything but the dense mass of wires; single lines and tidy poles are negatives.",
    "facades": "Everything.",
    "garbage": "People, vehicles, cables (but for the 15 boxes in the table of cable boxes), graffiti, potholes.",
    "graffiti": "Posters, people, vehicles, garbage.",
    "potholes": "People, vehicles, cracks and patches that are not holes.",
    "vehicles": "Pedal bikes, rickshaws, trucks, people.",
}
ABSENT: Final = (
    "Street vendors, hanging laundry, damaged advertising, damaged manholes and damaged furniture: no photographs with "
    "a usable licence were found. No accuracy is claimed for a class without held-out real photographs of it."
)
NOT_FOR: Final = (
    "Recognising, following or counting particular people or vehicles: blur faces and number plates before showing.",
    "Fining or judging anybody without a person having looked at the picture.",
    "Claims about a city, camera or season that is not in the data; each source shows few places.",
    "Republishing the pictures: the project keeps names and checksums only, and several pictures carry stock marks.",
)


def write_datasheet() -> str:
    """The datasheet as Markdown.

    Raises:
        TrainingError: a manifest cannot be read.
        KeyError: a source is missing in VISIBLE or UNLABELLED.
    """
    sets = [open_set(name, REPOSITORY) for name in source_names()]
    card = _card()
    return "\n".join(
        [
            "# Datasheet",
            "",
            "<!-- Made by `pointwatch data datasheet --out datasets/DATASHEET.md`; not by hand. -->",
            "",
            *_motivation(),
            *_composition(sets),
            *_collection(sets),
            *_privacy(sets),
            *_missing_labels(sets),
            *_splits(sets),
            *_rendered(card),
            *_uses(),
        ]
    )


def _card() -> Card | None:
    """Card of the shipped model; None while none is shipped."""
    try:
        models = shipped("models/street")
        return read_card(models / (models / "CURRENT").read_text(encoding="utf-8").strip())
    except (OSError, DetectorError):
        return None


def _motivation() -> list[str]:
    return [
        "## Why it was put together",
        "",
        "To teach and to judge the model that finds violations of street order on photographs of fixed points. The",
        "sources were made by others for purposes of their own; this project chose, mapped, split and checked them.",
        "It keeps recipes and manifests: file names, SHA-256, counts. No photograph and no label of a source is in it.",
        "",
    ]


def _composition(sets: list[DataSet]) -> list[str]:
    rows = [
        f"| {one.name} | {' | '.join(str(one.pictures.get(part, 0)) for part in PARTS)} | {_boxes(one)} | {one.note} |"
        for one in sets
    ]
    totals = " | ".join(str(sum(one.pictures.get(part, 0) for one in sets)) for part in PARTS)
    return [
        "## What it consists of",
        "",
        "Street photographs with upright boxes. Boxes are counted over all parts.",
        "",
        "| source | train | dev | val | boxes | what it shows |",
        "|---|---:|---:|---:|---|---|",
        *rows,
        f"| all | {totals} | | |",
        "",
    ]


def _boxes(one: DataSet) -> str:
    names = dict.fromkeys(name for part in PARTS for name in one.boxes.get(part, {}))
    counts = {name: sum(one.boxes.get(part, {}).get(name, 0) for part in PARTS) for name in names}
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _collection(sets: list[DataSet]) -> list[str]:
    return [
        "## How it was collected, and on which terms",
        "",
        "| source | licence | attribution |",
        "|---|---|---|",
        *(f"| {one.name} | {one.licence} | {one.attribution} |" for one in sets),
        "",
        '"Second-hand" means that the licence is the statement of who passed the pictures on. Nobody in the pictures',
        "was asked by this project.",
        "",
    ]


def _privacy(sets: list[DataSet]) -> list[str]:
    return [
        "## Who can be seen",
        "",
        *(f"- **{one.name}**: {VISIBLE[one.name]}" for one in sets),
        "",
        "Nothing in the labels says who anybody is. Blur faces and number plates before a picture leaves the machine.",
        "",
    ]


def _missing_labels(sets: list[DataSet]) -> list[str]:
    return [
        "## What is not labelled",
        "",
        "A source labels its own classes only. Absence of a label means absence of the thing for these and no others:",
        "",
        *(
            f"- **{one.name}**: labelled everywhere: {', '.join(one.labelled) or 'nothing'}. "
            f"Seen but not labelled: {UNLABELLED[one.name]}"
            for one in sets
        ),
        "",
        ABSENT,
        "",
    ]


def _splits(sets: list[DataSet]) -> list[str]:
    lists = {one.name: len(read_scene_list(one.name)) for one in sets}
    leaks = [
        f"- **{one.name}**: {lists[one.name]} of {one.pictures['val']} val pictures show a scene that train or dev "
        f"shows too (`datasets/sources/{one.name}-val-scenes-in-train.txt`). Give figures with and without them."
        for one in sets
        if lists[one.name]
    ]
    clean = [one.name for one in sets if not lists[one.name] and one.pictures.get("val")]
    if clean:
        leaks.append(f"- None listed: {', '.join(clean)}.")
    return [
        "## How it is split, and what leaks",
        "",
        f"Rule: {sets[0].split_rule}.",
        "`dev` chooses thresholds and ends training; `val` is opened for figures that are reported.",
        "",
        *leaks,
        "",
        "Found by `pointwatch data check`: bytes, difference hash, and local features that agree on one plane. What",
        "none of them sees, such as one place from two sides, is not listed.",
        "",
    ]


def _rendered(card: Card | None) -> list[str]:
    if card is None:
        return ["## Rendered share", "", "No model is shipped; nothing is known of what it learned from.", ""]
    rendered = sum(one.train_pictures for one in card.data if one.name == "rendered")
    pictures = sum(one.train_pictures for one in card.data)
    text = "Its card names no rendered pictures among what it learned from."
    if rendered:
        text = (
            f"Of the {pictures} pictures that it learned from, {rendered} ({rendered / pictures:.0%}) are scenes "
            "rendered by this project, with complete labels. No figure of its card rests on a rendered picture."
        )
    return ["## Rendered share", "", f"Of the shipped model, `models/street`. {text}", ""]


def _uses() -> list[str]:
    return ["## What it must not be used for", "", *(f"- {one}" for one in NOT_FOR), ""]
