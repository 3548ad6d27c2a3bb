"""Train one stage of the street model, resumable after any interruption.

`python -m training.train first` starts the stage or goes on from its last finished epoch. Every epoch leaves
a plain float32 state dict (`epoch-N.pt`, `last-state.pt`) and a line in `progress.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from training.classes import CLASS_COUNT, CLASSES, COCO_CLASS_COUNT
from training.networks import StateDict, coco_teacher, read_state, starting_state, use_threads
from training.places import TrainingError, work_dir

use_threads(1)

from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: E402 - after the offline switch

from training.loss import StreetModel  # noqa: E402

CONFIG: Final = Path(__file__).with_name("street.yaml")
FROM_TEACHERS: Final = "teachers"
FINISHED: Final = "finished"  # an empty file in the run's folder


class Stage(BaseModel):
    """One stage of `street.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: str
    start: str = Field(description="'teachers', or the stage whose last weights it starts from")
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


class Recipe(BaseModel):
    """The whole of `street.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    batch: int = Field(ge=1)
    threads: int = Field(ge=1)
    street_share: float = Field(ge=0, le=1)
    stages: dict[str, Stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stage with its folder and its starting tensors."""

    name: str
    stage: Stage
    folder: Path
    start: StateDict


def read_recipe(path: Path = CONFIG) -> Recipe:
    """The recipe, checked.

    Raises:
        TrainingError: a key is unknown or a value impossible.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise TrainingError(f"{path}: {error}") from error


def run_folder(stage: str) -> Path:
    """Where a stage keeps its checkpoints and its log."""
    return work_dir() / "runs" / stage


def last_state(stage: str) -> Path:
    """The newest plain weights of a stage."""
    return run_folder(stage) / "last-state.pt"


class StreetTrainer(DetectionTrainer):  # type: ignore[misc]
    """Ultralytics' trainer with our network, our loss, two threads and a log of its own."""

    run: Run

    def __init__(self, run: Run, overrides: dict[str, Any]) -> None:
        self.run = run
        super().__init__(overrides=overrides)
        self.args.workers = 1  # ultralytics sets 0 on a CPU; one loader fills the pauses between matrix products
        self.add_callback("on_fit_epoch_end", _note_epoch)

    def get_model(self, cfg: Any = None, weights: nn.Module | None = None, verbose: bool = True) -> StreetModel:  # noqa: ARG002
        """Our twelve-output network, from the run's start or from the checkpoint that is resumed."""
        model = StreetModel("yolo11n.yaml", nc=COCO_CLASS_COUNT, verbose=False)
        head = model.model[-1]
        for branch in head.cv3:
            branch[2] = nn.Conv2d(branch[2].in_channels, CLASS_COUNT, 1)
        head.nc, head.no = CLASS_COUNT, CLASS_COUNT + 4 * head.reg_max
        model.load_state_dict(weights.float().state_dict() if weights is not None else self.run.start)
        return model.to(memory_format=torch.channels_last)

    def final_eval(self) -> None:
        """Nothing: every epoch was judged already, and the candidate is judged as it serves."""

    def set_model_attributes(self) -> None:
        """Attach our classes, not the set's, which also names the "do not judge" labels."""
        self.model.nc, self.model.names, self.model.args = CLASS_COUNT, dict(enumerate(CLASSES)), self.args


def _note_epoch(trainer: StreetTrainer) -> None:
    """Keep the averaged weights as a plain state dict and write one line of progress."""
    if trainer.epoch_time is None:
        return
    folder = trainer.run.folder
    state = {
        key: value.detach().float().clone() if value.is_floating_point() else value.clone()
        for key, value in trainer.ema.ema.state_dict().items()
    }
    part = folder / "last-state.part"
    torch.save(state, part)
    part.replace(folder / "last-state.pt")
    torch.save(state, folder / f"epoch-{trainer.epoch + 1:02d}.pt")
    figures = trainer.metrics or {}
    names, box = trainer.validator.names, trainer.validator.metrics.box
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "epoch": trainer.epoch + 1,
        "of": trainer.epochs,
        "seconds": round(time.time() - trainer.epoch_time_start + trainer.epoch_time),
        "loss": {key: round(float(value), 4) for key, value in (trainer.tloss or {}).items()},
        "dev_map50": round(float(figures.get("metrics/mAP50(B)", 0.0)), 4),
        "dev_map50_95": round(float(figures.get("metrics/mAP50-95(B)", 0.0)), 4),
        "dev_ap50": {names[int(c)]: round(float(ap), 3) for c, ap in zip(box.ap_class_index, box.ap50, strict=True)},
    }
    with (folder / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print("progress", json.dumps(line), flush=True)


def _settings(recipe: Recipe, stage: Stage, folder: Path) -> dict[str, Any]:
    """Ultralytics' own settings for a stage."""
    description = work_dir() / "sets" / stage.set / "set.yaml"
    if not description.is_file():
        raise TrainingError(f"No training set at {description}; run python -m training.assemble --name {stage.set}.")
    return {
        "task": "detect",
        "mode": "train",
        "model": "yolo11n.yaml",
        "data": str(description),
        "device": "cpu",
        "project": str(folder.parent),
        "name": folder.name,
        "exist_ok": True,
        "seed": recipe.seed,
        "imgsz": stage.size_px,
        "epochs": stage.epochs,
        "batch": recipe.batch,
        "nbs": recipe.batch,
        "optimizer": "AdamW",
        "lr0": stage.learning_rate,
        "lrf": stage.final_share,
        "momentum": 0.9,
        "cos_lr": True,
        "warmup_epochs": stage.warmup_epochs,
        "warmup_bias_lr": 0.0,
        "weight_decay": 0.0005,
        "close_mosaic": stage.plain_epochs,
        "mosaic": stage.mosaic,
        "scale": stage.scale,
        "degrees": 3.0,
        "time": stage.hours,
        "freeze": stage.frozen_layers or None,
        "amp": False,
        "deterministic": False,
        "cache": "ram",
        "plots": False,
        "patience": 100,
        "verbose": False,
    }


def train(name: str) -> Path:
    """Run a stage of the recipe to its end and give its last weights.

    Goes on after the last finished epoch of an interrupted run (its `hours` count anew); a finished stage is
    left alone until its folder is removed.
    """
    recipe = read_recipe()
    if name not in recipe.stages:
        raise TrainingError(f"{CONFIG} has no stage {name!r}; it has {', '.join(recipe.stages)}.")
    stage, folder = recipe.stages[name], run_folder(name)
    if (folder / FINISHED).is_file():
        return last_state(name)
    folder.mkdir(parents=True, exist_ok=True)
    use_threads(recipe.threads)
    from_teachers = stage.start == FROM_TEACHERS
    start = starting_state(recipe.street_share) if from_teachers else read_state(last_state(stage.start))
    settings = _settings(recipe, stage, folder)
    checkpoint = folder / "weights" / "last.pt"
    if checkpoint.is_file():
        settings |= {"resume": str(checkpoint), "model": str(checkpoint)}
    if stage.teacher_share:
        StreetModel.teacher = coco_teacher().fuse(verbose=False).to(memory_format=torch.channels_last)
        StreetModel.teacher_share = stage.teacher_share
    trainer = StreetTrainer(Run(name=name, stage=stage, folder=folder, start=start), settings)
    trainer.train()
    (folder / FINISHED).touch()
    return last_state(name)


def main() -> None:
    """Train the stage named on the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("stage", help="a stage of training/street.yaml")
    print(train(options.parse_args().stage))


if __name__ == "__main__":
    main()
