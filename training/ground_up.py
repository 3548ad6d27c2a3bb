"""All of a recipe, from the starting networks to the version that it ships."""

from __future__ import annotations

import hashlib
from pathlib import Path

from detector.registry import Registry
from detector.taxonomy import Taxonomy
from training.assemble import assemble
from training.candidate import Candidate, Outcome, finish
from training.card import shipped_story
from training.judging import Tell
from training.places import TrainingError, data_dir, rendered_dir, work_dir
from training.recipe import FROM_COCO, FROM_TEACHERS, Mean, Recipe
from training.sources import load_pictures
from training.teach import Teacher, own_teacher, starting_teachers, teach
from training.train import last_state, train


def learn_all(recipe: Recipe, threads: int | None, registry: Registry, taxonomy: Taxonomy, tell: Tell) -> Outcome:
    """Make the stage that a recipe ships, with all that it rests on, and judge it."""
    if recipe.ship is None:
        raise TrainingError("The recipe ships no stage; write `ship: {stage: NAME, input_px: 640}` into it.")
    if threads:
        recipe = recipe.model_copy(update={"threads": threads})
    weights = _made(recipe.ship.stage, recipe, tell)
    pictures = load_pictures(data_dir(), ("dev", "val"))
    stage = recipe.stage(recipe.ship.stage)
    rendered = recipe.sets[stage.set].rendered if not isinstance(stage, Mean) else True
    scenes = [_count_pictures(part) if rendered else 0 for part in ("train", "dev")]
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    folder = work_dir() / "jobs" / f"{recipe.ship.stage}-{digest}"
    candidate = Candidate(
        folder=folder,
        weights=weights,
        input_px=recipe.ship.input_px,
        dev=[one for one in pictures if one.part == "dev" and one.judged],
        val=[one for one in pictures if one.part == "val" and one.judged],
        story=shipped_story(*scenes),
    )
    return finish(candidate, registry, taxonomy, tell)


def _count_pictures(part: str) -> int:
    folder = rendered_dir(part) / "images"
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def _made(name: str, recipe: Recipe, tell: Tell) -> Path:
    """A stage's last weights, after all that it starts from and learns from."""
    stage = recipe.stage(name)
    if last_state(name).is_file() and (last_state(name).parent / "finished").is_file():
        return last_state(name)
    if isinstance(stage, Mean):
        for one in (*stage.mean, *([stage.blended_with] if stage.blended_with else [])):
            _made(one, recipe, tell)
        return train(name, recipe)
    if stage.start not in (FROM_TEACHERS, FROM_COCO):
        _made(stage.start, recipe, tell)
    if stage.set not in recipe.sets:
        raise TrainingError(f"The recipe's stage {name} learns from {stage.set!r}, which is none of its sets.")
    wanted = recipe.sets[stage.set]
    if not (work_dir() / "sets" / stage.set / "set.yaml").is_file():
        pictures = load_pictures(data_dir(), ("train", "dev"))
        for teacher in _teachers(recipe, stage.set, tell):
            for done in teach(teacher, pictures):
                tell(f"filling labels with {teacher.name}", done, len(pictures))
        tell(f"assembling {stage.set}", 0, 1)
        assemble(stage.set, wanted)

    def told(epoch: int, epochs: int, batch: int, batches: int) -> None:
        tell(f"training {name}, epoch {epoch} of {epochs}", (epoch - 1) * batches + batch, epochs * batches)

    return train(name, recipe, told)


def _teachers(recipe: Recipe, name: str, tell: Tell) -> list[Teacher]:
    """The teachers that a set asks: the starting networks, or stages of the recipe."""
    starting = {one.name: one for one in starting_teachers()}
    return [
        starting[one.teacher]
        if one.teacher in starting
        else own_teacher(_made(one.teacher, recipe, tell), one.teacher, one.sizes_px[0])
        for one in recipe.sets[name].fillings
    ]
