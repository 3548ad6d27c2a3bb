"""From trained weights to a judged version: export, thresholds on dev, figures on val, card, registry, verdict.

Every step is done once: what it leaves in the candidate's folder appears whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from detector import Detector
from detector.card import Card
from detector.durable import write_whole
from detector.registry import Registry
from detector.taxonomy import Taxonomy
from detector.verdict import Verdict
from training.card import Story, set_thresholds, write_version
from training.data.folders import all_or_nothing
from training.evaluate import evaluate, judge_all, save
from training.export import export_candidate
from training.judging import Tell, judge_version
from training.sources import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job."""

    version: str
    verdict: Verdict | None  #: None where no other version was in force
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Trained weights on their way to a version."""

    folder: Path
    weights: Path
    input_px: int
    dev: list[Picture]
    val: list[Picture]
    story: Story
    fresh: Sequence[Picture] = ()
    before: Card | None = None  #: of the version that it goes on from


def finish(candidate: Candidate, registry: Registry, taxonomy: Taxonomy, tell: Tell) -> Outcome:
    """Export, read thresholds on dev, take the figures on val, write the card, register, judge."""
    told = candidate.folder / "outcome.json"
    if told.is_file():
        said = json.loads(told.read_text(encoding="utf-8"))
        verdict = registry.entry(said["version"]).verdict
        return Outcome(version=said["version"], verdict=verdict, folder=registry.folder / said["version"])
    draft = candidate.folder / "candidate"
    if not (draft / "card.yaml").is_file():
        tell("exporting", 0, 1)
        export_candidate(candidate.weights, candidate.input_px, draft, [one.path for one in candidate.dev])
    if not (draft / "evaluation-dev.json").is_file():
        _figures(draft, "dev", candidate.dev, tell)
    set_thresholds(draft, candidate.before)
    if not (draft / "evaluation-val.json").is_file():
        _figures(draft, "val", candidate.val, tell)
    version = _registered(candidate, draft, registry, taxonomy)
    verdict = judge_version(registry, version, candidate.val, tell=tell, fresh=candidate.fresh)
    write_whole(told, json.dumps({"version": version}))
    return Outcome(version=version, verdict=verdict, folder=registry.folder / version)


def _figures(draft: Path, part: str, pictures: Sequence[Picture], tell: Tell) -> None:
    detector = Detector.load(draft)
    answers = judge_all(detector, pictures, lambda done: tell(f"measuring on {part}", done, len(pictures)))
    save(evaluate(detector, part, answers), draft / f"evaluation-{part}.json")


def _registered(candidate: Candidate, draft: Path, registry: Registry, taxonomy: Taxonomy) -> str:
    """Write the version's folder and add it to the registry, under the next free name of the day."""
    ready = candidate.folder / "version"
    if not ready.is_dir():
        version = next_version(registry, datetime.now(UTC).date())
        with all_or_nothing(ready) as folder:
            write_version(draft, folder, version, candidate.story)
    return registry.add(ready, taxonomy)


def next_version(registry: Registry, day: date) -> str:
    """The first version name of a day that the registry does not have."""
    known = {one.version for one in registry.entries()}
    number = 1
    while (name := f"{day:%Y.%m.%d}-{number}") in known:
        number += 1
    return name
