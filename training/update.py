"""What learning on from a version is made of: new pictures, and old ones again, so that nothing is forgotten. Pure.

Pictures without any box that judge a class are kept: they are reviewers' rejections, places where the class was seen
and is not (hard negatives).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field

from training.classes import CLASSES
from training.data.similar import NEAR_DUPLICATE_BITS
from training.places import TrainingError
from training.recipe import Filling, Stage
from training.sources import Picture, checksum, difference_hash

CONFIG: Final = Path(__file__).with_name("update.yaml")


class Update(BaseModel):
    """`update.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    batch: int = Field(ge=1)
    threads: int | None = Field(default=None, ge=1, description="measured where it is missing")
    new_copies: int = Field(ge=1, description="times a new picture stands in the set")
    replay: float = Field(ge=0, description="old pictures for each new one")
    least_replay: int = Field(ge=0, description="old pictures at least")
    frozen_layers: int = Field(ge=0)
    sure: float = Field(ge=0)
    doubtful: float = Field(ge=0, le=1)
    memory: float = Field(ge=0, le=1, description="batches in which the version it starts from is imitated")
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    final_share: float = Field(gt=0, le=1)
    warmup_epochs: float = Field(ge=0)
    plain_epochs: int = Field(ge=0)

    def stage(self, size_px: int, hours: float | None) -> Stage:
        """As a stage, at the size at which the version serves."""
        return Stage(
            set="update",
            start="version",
            size_px=size_px,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_share=self.final_share,
            warmup_epochs=self.warmup_epochs,
            plain_epochs=self.plain_epochs,
            frozen_layers=self.frozen_layers,
            hours=hours,
        )

    def filling(self, teacher: str, size_px: int) -> tuple[Filling, ...]:
        """How the version fills what labels are silent about."""
        return (Filling(teacher=teacher, sizes_px=(size_px,), classes=CLASSES, sure=self.sure, doubtful=self.doubtful),)


def read_update(path: Path = CONFIG) -> Update:
    """The recipe of an update, checked.

    Raises:
        TrainingError: it cannot be read, a key is unknown or a value impossible.
    """
    try:
        return Update.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TrainingError(f"{path}: {error}") from error


def replayed(old: Sequence[Picture], new: Sequence[Picture], update: Update) -> list[Picture]:
    """Old train pictures to learn again: class by class in turn, so that rare classes come as often as others."""
    aim = max(update.least_replay, round(update.replay * len(new)))
    chance = random.Random(update.seed)
    left = sorted(old, key=lambda one: one.key)
    chance.shuffle(left)
    queues = [[one for one in left if (one.labels[:, 0] == index).any()] for index in range(len(CLASSES))]
    queues.append([one for one in left if not len(one.labels)])
    chosen: dict[str, Picture] = {}
    while len(chosen) < min(aim, len(left)) and any(queues):
        for queue in queues:
            while queue and queue[-1].key in chosen:
                queue.pop()
            if queue and len(chosen) < aim:
                one = queue.pop()
                chosen[one.key] = one
    return list(chosen.values())


def without_held_out(new: Sequence[Picture], held_out: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """New pictures to learn from, and those that may not be learned: they show what judges.

    Byte for byte, or by their look: what comes back from a service was made smaller, blurred and encoded anew.
    """
    known = {checksum(one.path) for one in held_out}
    looks = np.array([difference_hash(one.path) for one in held_out])
    kept, shown = [], []
    for one in new:
        told = checksum(one.path) in known or (
            len(looks) > 0 and int((looks != difference_hash(one.path)).sum(axis=1).min()) <= NEAR_DUPLICATE_BITS
        )
        (shown if told else kept).append(one)
    return kept, shown


def hard_negatives(new: Sequence[Picture]) -> list[Picture]:
    """Pictures that judge a class and show none of it."""
    return [one for one in new if one.judged and not len(one.labels)]
