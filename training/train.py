"""Train one stage of the street model, resumable after any interruption.

`python -m training.train first` starts the stage or goes on from its last finished epoch. Every epoch leaves
a plain float32 state dict (`epoch-N.pt`, `last-state.pt`) and a line in `progress.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from detector.durable import write_whole
from training.average import average
from training.classes import CLASS_COUNT, CLASSES, COCO_CLASS_COUNT
from training.curves import PROGRESS, read_progress, write_curves
from training.networks import (
    StateDict,
    best_threads,
    blend,
    coco_start,
    coco_teacher,
    read_state,
    starting_state,
    use_threads,
)
from training.places import TrainingError, work_dir
from training.recipe import CONFIG, FROM_COCO, FROM_TEACHERS, Mean, Recipe, Stage, read_recipe

use_threads(1)

from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: E402 - after the offline switch
from ultralytics.utils import LOGGER  # noqa: E402

from training.loss import Memory, StreetModel, coco_memory  # noqa: E402

FINISHED: Final = "finished"  # an empty file in the run's folder
RESUME: Final = "resume.pt"  # ultralytics' own checkpoint, moved here whole


Tell = Callable[[int, int, int, int], None]  # epoch, of so many, batch, of so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stage with its folder and all that it starts from."""

    stage: Stage
    folder: Path
    description: Path  #: the set's YAML
    start: StateDict
    seed: int
    batch: int
    threads: int | None  #: None: as many as are fastest just now
    memory: Memory | None = None
    tell: Tell | None = None  #: hears each batch instead of ultralytics' own bar


def run_folder(stage: str) -> Path:
    """Where a stage keeps its checkpoints and its log."""
    return work_dir() / "runs" / stage


def last_weights(folder: Path) -> Path:
    """Where a run keeps its newest plain weights."""
    return folder / "last-state.pt"


def last_state(stage: str) -> Path:
    """The newest plain weights of a stage."""
    return last_weights(run_folder(stage))


class StreetTrainer(DetectionTrainer):  # type: ignore[misc]
    """Ultralytics' trainer with our network, our loss, two threads and a log of its own."""

    run: Run

    def __init__(self, run: Run, overrides: dict[str, Any]) -> None:
        self.run = run
        super().__init__(overrides=overrides)
        self.args.workers = 1  # ultralytics sets 0 on a CPU; one loader fills the pauses between matrix products
        self.add_callback("on_model_save", _note_epoch)
        self.add_callback("on_train_batch_end", _note_batch)

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


def _note_batch(trainer: StreetTrainer) -> None:
    """Tell whoever wants to know how far the run is."""
    if trainer.run.tell:
        trainer.batches_done = getattr(trainer, "batches_done", 0) + 1
        each = len(trainer.train_loader)
        trainer.run.tell(trainer.epoch + 1, trainer.epochs, (trainer.batches_done - 1) % each + 1, each)


def _note_epoch(trainer: StreetTrainer) -> None:
    """Keep the averaged weights as a plain state dict, write one line of progress, and only then what is resumed from.

    A kill at any point leaves a whole checkpoint of this epoch or of the one before it.
    """
    folder = trainer.run.folder
    state = {
        key: value.detach().float().clone() if value.is_floating_point() else value.clone()
        for key, value in trainer.ema.ema.state_dict().items()
    }
    part = folder / "last-state.part"
    torch.save(state, part)
    shutil.copyfile(part, folder / f"epoch-{trainer.epoch + 1:02d}.pt")
    part.replace(last_weights(folder))
    figures = trainer.metrics or {}
    names, box = trainer.validator.names, trainer.validator.metrics.box
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "epoch": trainer.epoch + 1,
        "of": trainer.epochs,
        "seconds": round(time.time() - trainer.epoch_time_start),
        "loss": {key: round(float(value), 4) for key, value in (trainer.tloss or {}).items()},
        "dev_map50": round(float(figures.get("metrics/mAP50(B)", 0.0)), 4),
        "dev_map50_95": round(float(figures.get("metrics/mAP50-95(B)", 0.0)), 4),
        "dev_ap50": {names[int(c)]: round(float(ap), 3) for c, ap in zip(box.ap_class_index, box.ap50, strict=True)},
    }
    earlier = [one for one in read_progress(folder) if one["epoch"] < line["epoch"]]
    write_whole(folder / PROGRESS, "".join(json.dumps(one) + "\n" for one in [*earlier, line]))
    shutil.copyfile(trainer.last, folder / "resume.part")
    (folder / "resume.part").replace(folder / RESUME)
    if not trainer.run.tell:
        print("progress", json.dumps(line), flush=True)


def _settings(run: Run) -> dict[str, Any]:
    """Ultralytics' own settings for a run."""
    stage = run.stage
    return {
        "task": "detect",
        "mode": "train",
        "model": "yolo11n.yaml",
        "data": str(run.description),
        "device": device(),
        "project": str(run.folder.parent),
        "name": run.folder.name,
        "exist_ok": True,
        "seed": run.seed,
        "imgsz": stage.size_px,
        "epochs": stage.epochs,
        "batch": run.batch,
        "nbs": run.batch,
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


def _start(recipe: Recipe, stage: Stage) -> StateDict:
    """The tensors a stage starts from."""
    if stage.start == FROM_TEACHERS:
        return starting_state(recipe.street_share)
    return coco_start() if stage.start == FROM_COCO else read_state(last_state(stage.start))


def device() -> str:
    """The first graphics card where there is one that torch can use, else the processor; as ultralytics names them."""
    return "0" if torch.cuda.is_available() else "cpu"


def run_stage(run: Run) -> Path:
    """Run a stage to its end and give its last weights.

    Goes on after the last finished epoch of an interrupted run (its `hours` count anew); a finished one is left alone
    until its folder is removed.
    """
    folder = run.folder
    if (folder / FINISHED).is_file():
        return last_weights(folder)
    folder.mkdir(parents=True, exist_ok=True)
    use_threads(run.threads or best_threads())
    settings = _settings(run)
    done = read_progress(folder)
    if (folder / RESUME).is_file() and done:
        if done[-1]["epoch"] >= done[-1]["of"]:  # killed between its last epoch and the mark
            (folder / FINISHED).touch()
            return last_weights(folder)
        settings |= {"resume": str(folder / RESUME), "model": str(folder / RESUME)}
    StreetModel.memory = run.memory
    level = LOGGER.level
    LOGGER.setLevel(logging.WARNING if run.tell else level)
    try:
        StreetTrainer(run, settings).train()
    finally:
        LOGGER.setLevel(level)
        StreetModel.memory = None
    if read_progress(folder):
        write_curves(folder)
    (folder / FINISHED).touch()
    return last_weights(folder)


def train(name: str, recipe: Recipe, tell: Tell | None = None) -> Path:
    """Run a stage of a recipe, or take the mean that it asks for, and give its last weights."""
    stage, folder = recipe.stage(name), run_folder(name)
    if isinstance(stage, Mean):
        return _mean(stage, folder)
    description = work_dir() / "sets" / stage.set / "set.yaml"
    if not description.is_file():
        raise TrainingError(f"No training set at {description}; run python -m training.assemble {stage.set}.")
    memory = None
    if stage.teacher_share:
        network = coco_teacher().fuse(verbose=False).to(memory_format=torch.channels_last)
        memory = coco_memory(network, stage.teacher_share)
    return run_stage(
        Run(
            stage=stage,
            folder=folder,
            description=description,
            start=_start(recipe, stage),
            seed=recipe.seed,
            batch=recipe.batch,
            threads=recipe.threads,
            memory=memory,
            tell=tell,
        )
    )


def _mean(stage: Mean, folder: Path) -> Path:
    """Write the mean of some epochs as a stage's last weights."""
    states = [
        read_state(run_folder(name) / f"epoch-{epoch:02d}.pt")
        for name, epochs in stage.mean.items()
        for epoch in epochs
    ]
    folder.mkdir(parents=True, exist_ok=True)
    mean = average(states)
    if stage.blended_with is not None:
        mean = blend(mean, read_state(last_weights(run_folder(stage.blended_with))), stage.share)
    torch.save(mean, folder / "last-state.part")
    (folder / "last-state.part").replace(last_weights(folder))
    (folder / FINISHED).touch()
    return last_weights(folder)


def main() -> None:
    """Train the stage named on the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("stage", help="a stage of the recipe")
    options.add_argument("--recipe", type=Path, default=CONFIG, help="its file; training/street.yaml by default")
    chosen = options.parse_args()
    print(train(chosen.stage, read_recipe(chosen.recipe)))


if __name__ == "__main__":
    main()
