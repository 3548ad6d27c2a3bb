"""Turn a judged candidate into a shipped version: models/street/VERSION with model, card.yaml and card.md.

`python -m training.card --candidate FOLDER --version V` first writes the thresholds that dev gave into the
candidate (`--thresholds`), then, once val has been judged with them, ships it. Figures come only from the
evaluation files; nothing is typed in.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from detector.card import Card, ClassMetrics, ModelClass, read_card
from training.manifests import read_manifest
from training.places import TrainingError, models_dir
from training.sources import SOURCES

STORY: Final = Path(__file__).with_name("story.yaml")  # how this version was made and what it cannot do, in words
#: Vehicles and people have no labelled dev photographs; their thresholds are set by hand, cautiously.
BY_HAND: Final = dict.fromkeys(("person", "bicycle", "motorcycle", "car", "bus", "truck"), (0.5, 0.25))
#: Classes judged on too few photographs, or too coarsely labelled ones, to be called verified.
EXPERIMENTAL: Final = ("tangled_cable",)
ENOUGH_VAL_BOXES: Final = 30  # fewer labelled boxes than this show too little for "verified"


def _evaluation(candidate: Path, part: str) -> dict[str, Any]:
    path = candidate / f"evaluation-{part}.json"
    if not path.is_file():
        raise TrainingError(
            f"{path} is missing; run python -m training.evaluate --model {candidate} --part {part} --save."
        )
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def set_thresholds(candidate: Path, otherwise: Card | None = None) -> None:
    """Write the thresholds read from dev into a candidate's card, so that val is judged with them.

    A class that dev does not judge keeps those of the version that the candidate goes on from, if it does.
    """
    before = {one.name: one for one in otherwise.classes} if otherwise else {}
    judged = _evaluation(candidate, "dev")["classes"]
    card = yaml.safe_load((candidate / "card.yaml").read_text(encoding="utf-8"))
    for entry in card["classes"]:
        name = entry["name"]
        if name in BY_HAND:
            entry["automatic"], entry["review"] = BY_HAND[name]
        elif name in judged:
            entry["automatic"], entry["review"] = judged[name]["automatic"], judged[name]["review"]
        elif name in before:
            entry["automatic"], entry["review"] = before[name].automatic, before[name].review
    (candidate / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _class_entry(entry: dict[str, Any], val: dict[str, Any], notes: dict[str, str]) -> dict[str, Any]:
    """One class of the final card."""
    name = entry["name"]
    result = {key: entry[key] for key in ("name", "automatic", "review")}
    found = val["classes"].get(name)
    if found is None:
        standing = "unverified"
    else:
        score = found["score"]
        few = name in EXPERIMENTAL or score["boxes"] < ENOUGH_VAL_BOXES
        standing = "experimental" if few else "verified"
        result["metrics"] = {
            "source": found["source"],
            "pictures": score["pictures"],
            "boxes": score["boxes"],
            "map50": round(score["map50"], 4),
            "map50_95": round(score["map50_95"], 4),
        } | {key: round(value, 4) for key, value in _more(found).items() if value is not None}
    return result | {"standing": standing, "note": notes.get(name, "")}


def _more(found: dict[str, Any]) -> dict[str, float | None]:
    """Figures of a class that not every evaluation has."""
    plain = ("precision", "recall", "recall_at_precision_90", "false_alarms_per_100")
    small, fresh = found.get("small") or {}, found.get("fresh") or {}
    return {key: found.get(key) for key in plain} | {
        "small_boxes": small.get("boxes"),
        "small_map50": small.get("map50"),
        "fresh_pictures": fresh.get("pictures"),
        "fresh_map50": fresh.get("map50"),
    }


def _sources(rendered: int, rendered_dev: int) -> list[dict[str, Any]]:
    """The card's list of data, from the manifests."""
    entries = []
    for source in SOURCES:
        counts = read_manifest(source.name)["pictures"]
        entries.append(
            {
                "name": source.name,
                "licence": source.licence,
                "attribution": source.attribution,
                "train_pictures": counts["train"],
                "dev_pictures": counts["dev"],
                "val_pictures": counts["val"],
                "note": source.note,
            }
        )
    if rendered:
        entries.append(
            {
                "name": "rendered",
                "licence": "AGPL-3.0-only",
                "attribution": "training/scenes of this project",
                "train_pictures": rendered,
                "dev_pictures": rendered_dev,
                "val_pictures": 0,
                "note": "Rendered street scenes with complete labels; no figure of this card rests on them.",
            }
        )
    return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a card says in words, and whose pictures it rests on."""

    training: str
    notes: Mapping[str, str]
    limits: Sequence[str]
    data: Sequence[dict[str, Any]]


def shipped_story(rendered: int, rendered_dev: int) -> Story:
    """The words of `story.yaml` for the model that is trained from the ground up."""
    said = yaml.safe_load(STORY.read_text(encoding="utf-8"))
    return Story(
        training=said["training"], notes=said["notes"], limits=said["limits"], data=_sources(rendered, rendered_dev)
    )


def make_card(candidate: Path, version: str, story: Story) -> Card:
    """The final card of a candidate whose dev and val figures are on file."""
    draft = yaml.safe_load((candidate / "card.yaml").read_text(encoding="utf-8"))
    val = _evaluation(candidate, "val")
    notes = dict(story.notes)
    if cables := val["cables"]:
        shown = {key: "not known" if value is None else f"{value:.2f}" for key, value in cables.items()}
        notes["tangled_cable"] = (
            f"By picture ({cables['pictures']:.0f}, of which {cables['pictures_with_cables']:.0f} show any): "
            f"AUROC {shown['auroc']}, recall at precision .90 {shown['picture_recall_at_precision_90']}. "
            f"By box at IoU .3 and confidence .25: precision {shown['box_precision_iou30_at_25']}, recall "
            f"{shown['box_recall_iou30_at_25']}. {notes.get('tangled_cable', '')}"
        ).strip()
    return Card.model_validate(
        draft
        | {
            "version": version,
            "made_on": datetime.now(UTC).date(),
            "classes": [_class_entry(entry, val, notes) for entry in draft["classes"]],
            "data": list(story.data),
            "training": story.training.strip(),
            "limits": [*story.limits, *_means(val)],
        }
    )


MEANS: Final = "Mean mAP50 of the five street classes is"


def _means(val: dict[str, Any]) -> list[str]:
    """How the mean depends on what counts as background; nothing where val has not all three sources."""
    if val["mean_map50_merged"] is None:
        return []
    told = (
        f"{MEANS} {val['mean_map50_street']:.3f} when each is judged on the pictures whose source labels it, "
        f"{val['mean_map50_merged']:.3f} when the other sources' unlabelled things count as background."
    )
    return [told]


def _row(entry: ModelClass) -> str:
    figures: ClassMetrics | None = entry.metrics
    if figures is None:
        return f"| {entry.name} | {entry.standing} | – | – | – | – | – | – | {entry.automatic} | {entry.review} |"
    precision, recall = ("–" if v is None else f"{v:.3f}" for v in (figures.precision, figures.recall))
    return (
        f"| {entry.name} | {entry.standing} | {figures.source} | {figures.pictures} | {figures.boxes} | "
        f"{figures.map50:.3f} | {figures.map50_95:.3f} | {precision} / {recall} | {entry.automatic} | {entry.review} |"
    )


def _apart(card: Card) -> list[str]:
    """What the table cannot hold: scenes never learned, small objects, false alarms; nothing where nobody told."""
    rows = []
    for entry in card.classes:
        one = entry.metrics
        if one is None or one.recall_at_precision_90 is None:
            continue
        fresh = "–" if one.fresh_map50 is None else f"{one.fresh_map50:.3f} ({one.fresh_pictures})"
        small = "–" if one.small_map50 is None else f"{one.small_map50:.3f} ({one.small_boxes})"
        alarms = "–" if one.false_alarms_per_100 is None else f"{one.false_alarms_per_100:.1f}"
        rows.append(f"| {entry.name} | {one.recall_at_precision_90:.3f} | {fresh} | {small} | {alarms} |")
    if not rows:
        return []
    return [
        "| class | recall at precision .90 | mAP50 on new scenes (pictures) | mAP50, small objects (boxes) | alarms |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "Some scenes of the sources stand in train and in val; *new scenes* leaves their val pictures out. Small is",
        "under 32² px on a picture of 640 px. *Alarms* are boxes at the automatic threshold on 100 val pictures of",
        "garbage, potholes and graffiti, where nobody has labelled cables; a few truly hang there.",
        "",
    ]


def _first_line(card: Card) -> str:
    return (
        f"{card.model.architecture}, {len(card.classes)} classes, ONNX, {card.model.bytes / 1e6:.1f} MB, long side "
        f"{card.model.input_px} px, made on {card.made_on}. Licence {card.licence}."
    )


def as_markdown(card: Card) -> str:
    """The card for people: what it is, what it knows and how that was measured, what it has never seen."""
    notes = [f"- **{entry.name}**: {entry.note}" for entry in card.classes if entry.note]
    data = [
        f"| {one.name} | {one.licence} | {one.attribution} | {one.train_pictures} | {one.dev_pictures} | "
        f"{one.val_pictures} | {one.note} |"
        for one in card.data
    ]
    return "\n".join(
        [
            f"# Model card: {card.name} {card.version}",
            "",
            "<!-- Made from card.yaml by `python -m training.card`; change that, not this. -->",
            "",
            _first_line(card),
            f"SHA-256 `{card.model.sha256}`.",
            "",
            "## How good it is",
            "",
            "Figures are measured with the detector that serves, on validation pictures that no training step, no",
            "teacher, no threshold and no choice between runs has seen. *Pictures* and *boxes* are what a figure",
            "rests on. P / R are precision and recall at the automatic threshold.",
            "",
            "| class | standing | judged on | pictures | boxes | mAP50 | mAP50-95 | P / R | automatic | review |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *(_row(entry) for entry in card.classes),
            "",
            *_apart(card),
            "`verified`: judged on real held-out photographs. `experimental`: judged, but on too few of them to act by",
            "itself. `unverified`: no labelled real photographs were there to judge it; its thresholds are guesses.",
            "",
            *(["### Notes", "", *notes, ""] if notes else []),
            "## How it was made",
            "",
            card.training,
            "",
            "## What it has never seen, and other limits",
            "",
            *(f"- {limit}" for limit in card.limits),
            "",
            "## Data",
            "",
            "| source | licence | attribution | train | dev | val | note |",
            "|---|---|---|---|---|---|---|",
            *data,
            "",
        ]
    )


def write_version(candidate: Path, folder: Path, version: str, story: Story) -> Path:
    """Write a version's folder: the model, card.yaml and card.md."""
    card = make_card(candidate, version, story)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(candidate / card.model.file, folder / card.model.file)
    text = yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
    (folder / "card.yaml").write_text(text, encoding="utf-8")
    (folder / "card.md").write_text(as_markdown(read_card(folder)), encoding="utf-8")
    return folder


def ship(candidate: Path, version: str, rendered: int, rendered_dev: int) -> Path:
    """Write models/street/VERSION and let CURRENT point to it."""
    folder = write_version(candidate, models_dir() / version, version, shipped_story(rendered, rendered_dev))
    (models_dir() / "CURRENT").write_text(version + "\n", encoding="utf-8")
    return folder


def main() -> None:
    """Set a candidate's thresholds, or ship it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--candidate", type=Path, required=True, help="folder written by training.export")
    options.add_argument("--thresholds", action="store_true", help="only write the thresholds that dev gave")
    options.add_argument("--version", help="name of the version, such as 2026.11.23-2")
    options.add_argument("--rendered", type=int, default=0, help="rendered scenes in the training set")
    options.add_argument("--rendered-dev", type=int, default=0, help="rendered scenes held back")
    chosen = options.parse_args()
    if chosen.thresholds:
        set_thresholds(chosen.candidate)
    elif chosen.version:
        print(ship(chosen.candidate, chosen.version, chosen.rendered, chosen.rendered_dev))
    else:
        raise TrainingError("Say --thresholds, or --version VERSION to ship.")


if __name__ == "__main__":
    main()
