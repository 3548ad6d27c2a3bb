"""What a training is made of, read from YAML: sets of pictures and stages. Pure; no torch.

`street.yaml` makes the shipped model, `ablations.yaml` the comparisons told in RUNS.md. With the seed, a recipe is all
that a run depends on besides its pictures.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from training.classes import CLASSES, COCO_TEACHER_ROWS, STREET_TEACHER_CLASSES
from training.places import TrainingError

CONFIG: Final = Path(__file__).with_name("street.yaml")
FROM_TEACHERS: Final = "teachers"
FROM_COCO: Final = "coco"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Half(StrEnum):
    """Which half of a source's walks, as if the other came later."""

    first = "first"
    second = "second"


class Filling(_Part):
    """One teacher's say over missing labels."""

    teacher: str
    sizes_px: tuple[int, ...] = Field(
        description="only boxes of the first size may become objects; all sizes may raise doubt"
    )
    classes: tuple[str, ...]
    sure: float = Field(description="at or above this confidence a box is taken as an object; above 1 none is")
    doubtful: float = Field(ge=0, le=1, description="at or above this one, the place is not judged")


STARTING_FILLINGS: Final = (
    Filling(teacher="coco", sizes_px=(640, 896), classes=tuple(COCO_TEACHER_ROWS.values()), sure=0.45, doubtful=0.12),
    Filling(teacher="street5", sizes_px=(416,), classes=STREET_TEACHER_CLASSES, sure=0.55, doubtful=0.08),
)


def own_filling(teacher: str, size_px: int, classes: tuple[str, ...] | None = None) -> Filling:
    """How one of our own earlier checkpoints fills classes: those that COCO does not know, unless others are named.

    Cables only raise doubt: the class has too few pictures for its boxes to be believed.
    """
    known = classes or (*STREET_TEACHER_CLASSES, "tangled_cable")
    return Filling(teacher=teacher, sizes_px=(size_px,), classes=known, sure=0.5, doubtful=0.1)


class SetRecipe(_Part):
    """What goes into a training set besides every train picture once."""

    most: dict[str, int] = Field(default_factory=dict, description="by source: train pictures at most; 0 leaves it out")
    halves: dict[str, Half] = Field(
        default_factory=dict, description="by source: only this half of its walks, as file names tell them"
    )
    cable_copies: int = Field(default=3, ge=1, description="times a cable positive stands in the set")
    cable_quilts: int = Field(default=80, ge=0, description="pieced pictures with one cable positive and three others")
    fillings: tuple[Filling, ...] = STARTING_FILLINGS
    real_cables: bool = Field(default=True, description="take photographs of cables in")
    rendered: bool = Field(default=False, description="take the rendered scenes in")
    rendered_copies: int = Field(default=4, ge=1, description="times a rendered scene stands in the set")


class Stage(_Part):
    """One stage of a training."""

    set: str
    start: str = Field(description="'teachers', 'coco', or the stage whose last weights it starts from")
    size_px: int = Field(ge=64, multiple_of=32)
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    final_share: float = Field(gt=0, le=1)
    warmup_epochs: float = Field(ge=0)
    plain_epochs: int = Field(ge=0)
    hours: float | None = Field(default=None, gt=0, description="ends the stage in time; epochs then follow it")
    frozen_layers: int = Field(default=0, ge=0, description="first layers left as they are")
    scale: float = Field(default=0.5, ge=0, lt=1, description="random zoom, +-")
    mosaic: float = Field(default=1.0, ge=0, le=1)
    teacher_share: float = Field(default=0.0, ge=0, le=1, description="batches in which the COCO network is imitated")


class Mean(_Part):
    """A stage that trains nothing: the mean of epochs of other stages."""

    mean: dict[str, tuple[int, ...]] = Field(min_length=1, description="stage -> its epochs")
    blended_with: str | None = Field(default=None, description="a stage whose weights are mixed in")
    share: float = Field(default=0.5, gt=0, lt=1, description="of that stage")


class Shipped(_Part):
    """What of a recipe becomes a version."""

    stage: str
    input_px: int = Field(ge=64, multiple_of=32, description="long side at serving")


class Recipe(_Part):
    """The whole of a recipe's file."""

    seed: int
    batch: int = Field(ge=1)
    threads: int | None = Field(default=None, ge=1, description="measured where it is missing")
    street_share: float = Field(default=0.6, ge=0, le=1)
    sets: dict[str, SetRecipe] = Field(default_factory=dict)
    stages: dict[str, Stage | Mean]
    ship: Shipped | None = None

    def stage(self, name: str) -> Stage | Mean:
        """A stage by its name.

        Raises:
            TrainingError: there is none.
        """
        if name not in self.stages:
            raise TrainingError(f"The recipe has no stage {name!r}; it has {', '.join(self.stages)}.")
        return self.stages[name]


def read_recipe(path: Path = CONFIG) -> Recipe:
    """A recipe, checked.

    Raises:
        TrainingError: it cannot be read, a key is unknown or a value impossible; says where.
    """
    try:
        recipe = Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TrainingError(f"{path}: {error}") from error
    named = {name for one in recipe.sets.values() for filling in one.fillings for name in filling.classes}
    if unknown := named - set(CLASSES):
        raise TrainingError(
            f"{path}: the model has no class {', '.join(sorted(unknown))}; it has {', '.join(CLASSES)}."
        )
    return recipe
