"""Learning on from a version with new pictures, every step done once; and the lock that lets one training run.

A job has a folder of its own. What a step leaves there appears whole, so that a job killed at any moment goes on from
its last finished step (within training: from its last finished epoch) when the same command is given again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final

import torch

from detector import Detector
from detector.card import Card
from detector.durable import write_whole
from detector.registry import Registry
from detector.taxonomy import Taxonomy
from training.assemble import write_set
from training.candidate import Candidate, Outcome, finish
from training.card import MEANS, Story
from training.classes import CLASSES
from training.curves import read_progress
from training.data.intake import READERS, Wish, format_of, take_in
from training.data.sets import MANIFEST, DataSet, read_set
from training.export import export_candidate
from training.from_onnx import folded_state, unfold
from training.gate import FRESH_ENOUGH
from training.judging import Tell
from training.labelled import imported_pictures
from training.loss import Memory
from training.measure import look_at_all, measure
from training.networks import StateDict, blend, read_state, street_network, use_threads
from training.places import TrainingError, data_dir, has_data, work_dir
from training.reviewed import is_reviewed, latest_words
from training.sources import Picture, load_pictures
from training.teach import letterbox, own_teacher, read_picture, teach, to_tensor
from training.train import Run, run_stage
from training.update import Update, hard_negatives, replayed, without_held_out

NORM_PICTURES: Final = 48  # by which the norms of a version are measured
#: Parts of the way from a version to what it has become that are tried on dev; all of it is one of them.
SHARES: Final = (0.25, 0.5, 0.75, 1.0)
HALFWAY: Final = 0.5  # where there are no dev pictures to choose by
#: Of mean mAP50 on dev: parts of the way that lie so close are told apart by chance, and the shortest is taken.
ALIKE: Final = 0.005
_CABLE_FIGURES: Final = re.compile(r"^By picture \(.*?recall \S+\. ?(?=[A-Z]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """New pictures and on whose terms they may be used."""

    folder: Path
    licence: str
    attribution: str
    classes: Path | None = None  #: a mapping, where the other tool's names are not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """An update as it was asked for."""

    start: str  #: the version it goes on from
    added: Sequence[Added]
    update: Update
    hours: float | None = None
    threads: int | None = None
    replay: Sequence[Path] = ()  #: folders of earlier updates, as imported, oldest first: old pictures too


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the work folder for this training alone; a crash lets go of it.

    Raises:
        TrainingError: another training is running there.
    """
    with (work_dir() / ".training").open("a+") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise TrainingError(
                f"A training is running already in {work_dir()} ({file.read().strip() or 'it has just begun'}). "
                "Wait for it, or name another folder with POINTWATCH_TRAIN_DIR."
            ) from error
        file.truncate(0)
        file.write(f"since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        file.flush()
        yield


# --- learning on from a version ---------------------------------------------------------------------------------------


def learn_on(asked: Learning, registry: Registry, taxonomy: Taxonomy, tell: Tell) -> Outcome:
    """Take new pictures into what a version knows, without forgetting the old ones, and judge the result."""
    entry = registry.entry(asked.start)
    if entry.card is None:
        raise TrainingError(f"{asked.start} cannot be learned on from: {entry.refusal}")
    card = entry.card
    if tuple(one.name for one in card.classes) != CLASSES:
        raise TrainingError(f"{asked.start} has other classes than this training: {', '.join(CLASSES)}.")
    key = _key(asked, card)
    folder = work_dir() / "jobs" / f"{asked.start}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    new_sets = [_taken_in(one, folder / f"added-{place}", tell) for place, one in enumerate(asked.added, start=1)]
    earlier = [read_set(one / MANIFEST, one) for one in asked.replay]
    known = _known_pictures(new_sets, earlier)
    new, leaked = without_held_out(known.new, [*known.val, *known.fresh])
    if not new:
        raise TrainingError(
            f"Nothing is left to learn from: of the new pictures {len(leaked)} show what judges, the others stand "
            "aside to judge or to choose thresholds."
        )
    if leaked:
        tell(f"leaving out {len(leaked)} pictures that show what judges", 1, 1)
    again, dev = replayed(known.old, new, asked.update), known.dev
    start = _start_of(entry.folder / card.model.file, again or new, folder, card.model.input_px, tell)
    description = _mixed_set(asked, folder, key, (new, again, dev), start, card, tell)
    run = Run(
        stage=asked.update.stage(card.model.input_px, asked.hours),
        folder=folder / "run",
        description=description,
        start=read_state(start),
        seed=asked.update.seed,
        batch=asked.update.batch,
        threads=asked.threads or asked.update.threads,
        memory=_own_memory(read_state(start), asked.update.memory),
        tell=lambda epoch, epochs, batch, batches: tell(
            f"training, epoch {epoch} of {epochs}", (epoch - 1) * batches + batch, epochs * batches
        ),
    )
    learned = run_stage(run)
    weights, share = _between(start, learned, folder, card.model.input_px, dev, tell)
    story = _continued(card, new_sets, new, again, run, share)
    return finish(
        Candidate(
            folder=folder,
            weights=weights,
            input_px=card.model.input_px,
            dev=dev,
            val=known.val,
            story=story,
            fresh=known.fresh,
            before=card,
        ),
        registry,
        taxonomy,
        tell,
    )


def _key(asked: Learning, card: Card) -> str:
    """Eight digits that stand for all that the result depends on."""
    said = {
        "from": card.model.sha256,
        "update": asked.update.model_dump(mode="json"),
        "hours": asked.hours,
        "replay": [[str(one.resolve()), _digest(one)] for one in asked.replay],
        "added": [[str(one.folder.resolve()), _digest(one.folder)] for one in asked.added],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]


def _digest(folder: Path) -> str:
    """What a folder holds, by names and sizes: a picture more makes another job."""
    paths = sorted(path for path in (folder.rglob("*") if folder.is_dir() else [folder]) if path.is_file())
    lines = [f"{path.relative_to(folder.parent)} {path.stat().st_size}" for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _taken_in(one: Added, out: Path, tell: Tell) -> DataSet:
    """The new pictures as a set of ours: as they are where an import made them, else taken in here."""
    if (one.folder / MANIFEST).is_file():
        return read_set(one.folder / MANIFEST, one.folder)
    if not (out / MANIFEST).is_file():
        if not one.folder.exists():
            raise TrainingError(f"{one.folder} is not there; --add names the folder of the new pictures.")
        form = format_of(one.folder)
        mapping = one.classes or _same_names(one.folder, out.with_suffix(".classes.yaml"))
        done = 0

        def step(total: int) -> None:
            nonlocal done
            done += 1
            tell("taking in", done, total)

        name = re.sub(r"[^a-z0-9]+", "-", one.folder.stem.lower()).strip("-")[:32] or "new"
        take_in(
            Wish(
                source=one.folder,
                format=form,
                name=name,
                licence=one.licence,
                attribution=one.attribution,
                classes=mapping,
                out=out,
            ),
            step,
        )
    return read_set(out / MANIFEST, out)


def _same_names(folder: Path, path: Path) -> Path:
    """A mapping of each class to itself."""
    batch = READERS[format_of(folder)](folder)
    names = dict.fromkeys([*batch.declared, *(box.label for one in batch.pictures for box in one.boxes)])
    unknown = [name for name in names if name not in CLASSES]
    if unknown or not names:
        said = f"The model has no class {', '.join(unknown)}" if unknown else "It names no class"
        raise TrainingError(
            f"{folder}: {said}. Say with --classes FILE which of its classes is which of ours ({', '.join(CLASSES)})."
        )
    write_whole(path, "classes:\n" + "".join(f"  {name}: {name}\n" for name in names))
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Every picture that an update has to do with, by what it is for."""

    new: list[Picture]  #: to learn
    old: list[Picture]  #: learned before, to be replayed
    dev: list[Picture]  #: choose thresholds
    val: list[Picture]  #: the frozen set that judges
    fresh: list[Picture]  #: reviewed pictures of points that are never learned from


def _known_pictures(new_sets: Sequence[DataSet], earlier: Sequence[DataSet]) -> Known:
    """Sort the pictures of the sources, of earlier updates and of this one.

    Without the sources' photographs, which an office does not have, fresh reviewed pictures are the frozen set.
    """
    sources = load_pictures(data_dir(), ("train", "dev", "val")) if has_data() else []
    names = [one.name for one in [*new_sets, *earlier]]
    taken = sorted({name for name in names if names.count(name) > 1 or name in {one.source for one in sources}})
    if taken:
        raise TrainingError(f"Two sets are called {', '.join(taken)}: rename the folder that is added.")
    said = latest_words([imported_pictures(one) for one in [*earlier, *new_sets]])
    known = [one for each in said[: len(earlier)] for one in each]
    new = [one for each in said[len(earlier) :] for one in each]
    fresh = [one for one in [*known, *new] if one.part == "val" and is_reviewed(one)]
    val = [one for one in sources if one.part == "val" and one.judged]
    if not val:
        if sum(len(one.labels) > 0 for one in fresh) < FRESH_ENOUGH:
            raise TrainingError(
                f"Nothing can judge a new version: there are no source photographs (POINTWATCH_DATA), and of "
                f"{len(fresh)} reviewed pictures that stand aside to judge too few show anything; {FRESH_ENOUGH} are "
                "needed. They come from every tenth point: review more."
            )
        val, fresh = fresh, []
    teaching = [one for one in new if one.part == "train"]
    return Known(
        new=teaching,
        old=[one for one in [*sources, *known] if one.part == "train"],
        dev=[one for one in [*sources, *known, *new] if one.part == "dev" and one.judged] or teaching,
        val=val,
        fresh=fresh,
    )


def _start_of(model: Path, pictures: Sequence[Picture], folder: Path, size_px: int, tell: Tell) -> Path:
    """The version's weights as a state that can learn, made from its ONNX file."""
    path = folder / "start.pt"
    if not path.is_file():
        use_threads()
        step = max(1, len(pictures) // NORM_PICTURES)
        shown = list(pictures)[::step][:NORM_PICTURES]

        def batches() -> Iterator[torch.Tensor]:
            for done, one in enumerate(shown, start=1):
                tell("reading the version", done, len(shown))
                yield to_tensor(letterbox(read_picture(one.path), size_px)[0])

        _save_state(unfold(folded_state(model), batches()), path)
    return path


def _save_state(state: StateDict, path: Path) -> None:
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _mixed_set(
    asked: Learning,
    folder: Path,
    key: str,
    pictures: tuple[list[Picture], list[Picture], list[Picture]],
    start: Path,
    card: Card,
    tell: Tell,
) -> Path:
    """The set to learn from: new and replayed pictures, what their labels are silent about filled by the version."""
    description = folder / "set" / "set.yaml"
    if description.is_file():
        return description
    new, again, dev = pictures
    use_threads()
    size_px, name = card.model.input_px, f"version-{asked.start}-{key}"
    shown = [*new, *again, *dev]
    for done in teach(own_teacher(start, name, size_px), shown):
        tell("filling labels", done, len(shown))
    train_part = [(one, asked.update.new_copies) for one in new] + [(one, 1) for one in again]
    write_set(folder / "set", train_part, dev, asked.update.filling(name, size_px))
    return description


def _between(
    start: Path, learned: Path, folder: Path, input_px: int, dev: Sequence[Picture], tell: Tell
) -> tuple[Path, float]:
    """Weights on the way from the version to what it has become, where dev is as good as best, and how far that is.

    What a short training gains lies early on that way, what it forgets late. Source: Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models".
    """
    chosen = folder / "between.json"
    if not chosen.is_file():
        before, after = read_state(start), read_state(learned)
        scores = {}
        for share in SHARES if all(one.part == "dev" for one in dev) else (HALFWAY,):
            draft = folder / "between" / f"{share:.2f}"
            if not (draft / "card.yaml").is_file():
                draft.mkdir(parents=True, exist_ok=True)
                _save_state(blend(before, after, share), draft / "state.pt")
                export_candidate(draft / "state.pt", input_px, draft, [one.path for one in dev])
            scores[share] = _mean_on(
                draft, dev, lambda done, share=share: tell(f"weighing {share:.0%}", done, len(dev))
            )
        write_whole(chosen, json.dumps({"share": shortest_way(scores), "dev_mean_map50": scores}))
    share = float(json.loads(chosen.read_text(encoding="utf-8"))["share"])
    return folder / "between" / f"{share:.2f}" / "state.pt", share


def shortest_way(scores: Mapping[float, float]) -> float:
    """The least part of the way whose mean mAP50 on dev is as good as the best, but for `ALIKE`.

    Dev is a few hundred pictures, and some classes are on a handful of them: a longer way has to be worth what it may
    have forgotten unseen. Source: the rule of one standard error, Breiman et al. 1984, section 3.4.3.
    """
    enough = max(scores.values()) - ALIKE
    return min(share for share, score in scores.items() if score >= enough)


def _mean_on(draft: Path, pictures: Sequence[Picture], tell: Callable[[int], None]) -> float:
    detector = Detector.load(draft)
    return measure(detector, *look_at_all(detector, pictures, tell)).mean_map50


def _own_memory(state: StateDict, share: float) -> Memory | None:
    if not share:
        return None
    network = street_network().eval()
    network.load_state_dict(state)
    network = network.fuse(verbose=False).to(memory_format=torch.channels_last)
    return Memory(network=network, rows={index: index for index in range(len(CLASSES))}, share=share)


def _continued(
    card: Card, new_sets: Sequence[DataSet], new: Sequence[Picture], again: Sequence[Picture], run: Run, share: float
) -> Story:
    """The words of a card that goes on from another's."""
    epochs = len(read_progress(run.folder))
    names = ", ".join(one.name for one in new_sets)
    told = (
        f"Goes on from {card.version}: {len(new)} new pictures ({names}; {len(hard_negatives(new))} of them show "
        f"nothing of what they judge, and {sum(len(one.removed) for one in new)} boxes that people removed are on "
        f"them) and {len(again)} old ones drawn again, {epochs} epochs at {run.stage.size_px} px, missing "
        "labels filled and doubts masked by the version itself, which was also imitated on "
        f"{run.memory.share if run.memory else 0:.0%} of the batches; of the way from there to here "
        f"{share:.0%} is gone, the least that dev liked as well as any.\n\n{card.training}"
    )
    data = [one.model_dump(mode="json") for one in card.data]
    for one in new_sets:
        counts = {f"{part}_pictures": one.pictures.get(part, 0) for part in ("train", "dev", "val")}
        note = one.note or f"Added on {date.today().isoformat()}."  # noqa: DTZ011 - the operator's day
        data.append({"name": one.name, "licence": one.licence, "attribution": one.attribution, "note": note} | counts)
    notes = {one.name: _CABLE_FIGURES.sub("", one.note) for one in card.classes if one.note}
    return Story(
        training=told, notes=notes, limits=[one for one in card.limits if not one.startswith(MEANS)], data=data
    )
