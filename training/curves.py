"""Draw how a run learned, epoch by epoch: losses on what it trains on, average precision on dev.

`python -m training.curves sixth` writes `learning.png` beside the run's checkpoints; every run does so at its end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib import colormaps
from matplotlib.figure import Figure

from training.places import TrainingError, work_dir

PROGRESS: Final = "progress.jsonl"
PICTURE: Final = "learning.png"


def read_progress(folder: Path) -> list[dict[str, Any]]:
    """What each finished epoch of a run left in its log, in order; a line cut off by a kill is passed over."""
    path = folder / PROGRESS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found: dict[int, dict[str, Any]] = {}
    for line in lines:
        try:
            one = json.loads(line)
        except ValueError:
            continue
        found[int(one["epoch"])] = one
    return [found[epoch] for epoch in sorted(found)]


def learning_curves(progress: Sequence[dict[str, Any]]) -> Figure:
    """Losses at the left; mAP50 on dev at the right, the mean thick, each class thin.

    Raises:
        TrainingError: no epoch is finished, so there is nothing to draw.
    """
    if not progress:
        raise TrainingError("The run has no finished epoch yet; there is nothing to draw.")
    epochs = [one["epoch"] for one in progress]
    figure = Figure(figsize=(12, 5), layout="constrained")
    losses, precision = figure.subplots(1, 2)
    for name in progress[0]["loss"]:
        losses.plot(epochs, [one["loss"].get(name) for one in progress], label=name.removesuffix("_loss"))
    losses.set(title="Loss while training", xlabel="epoch", ylabel="loss")
    losses.legend()
    names = sorted({name for one in progress for name in one["dev_ap50"]})
    for name, colour in zip(names, colormaps["tab20"].colors, strict=False):
        each = [one["dev_ap50"].get(name) for one in progress]
        precision.plot(epochs, each, color=colour, linewidth=1.3, label=name)
    precision.plot(epochs, [one["dev_map50"] for one in progress], color="black", linewidth=2.5, label="mean")
    precision.set(title="On dev, as ultralytics judges", xlabel="epoch", ylabel="mAP50 (0 to 1)", ylim=(0, 1))
    precision.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0))
    for axes in (losses, precision):
        axes.grid(visible=True, alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def write_curves(folder: Path) -> Path:
    """Draw a run's curves beside its log and give the picture's path.

    Raises:
        TrainingError: no epoch is finished.
    """
    learning_curves(read_progress(folder)).savefig(folder / PICTURE, dpi=110)
    return folder / PICTURE


def main() -> None:
    """Draw the stages named on the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("stages", nargs="+", help="stages that have been trained here")
    for stage in options.parse_args().stages:
        print(write_curves(work_dir() / "runs" / stage))


if __name__ == "__main__":
    main()
