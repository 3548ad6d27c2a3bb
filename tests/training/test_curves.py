"""How a run learned, as a picture."""

import json

import pytest

from training.curves import PROGRESS, learning_curves, read_progress, write_curves
from training.places import TrainingError


def line(epoch: int, dev: float) -> dict[str, object]:
    losses = {"box_loss": 2.0 / epoch, "cls_loss": 1.0 / epoch}
    return {"epoch": epoch, "of": 3, "loss": losses, "dev_map50": dev, "dev_ap50": {"pothole": dev, "graffiti": 0.5}}


def test_the_picture_shows_every_class_and_the_mean_over_the_epochs(tmp_path):
    lines = [line(1, 0.25), line(2, 0.5)]
    (tmp_path / PROGRESS).write_text("".join(json.dumps(one) + "\n" for one in lines) + '{"epoch": 3, "los')

    losses, precision = learning_curves(read_progress(tmp_path)).axes

    drawn = {one.get_label(): list(one.get_ydata()) for one in precision.get_lines()}
    assert {"pothole": [0.25, 0.5], "graffiti": [0.5, 0.5], "mean": [0.25, 0.5]} == drawn
    assert {"box", "cls"} == {one.get_label() for one in losses.get_lines()}
    assert write_curves(tmp_path).read_bytes().startswith(b"\x89PNG")


def test_a_run_without_an_epoch_has_nothing_to_draw(tmp_path):
    with pytest.raises(TrainingError, match="no finished epoch"):
        write_curves(tmp_path)
