"""`pointwatch train` as an operator runs it: from new pictures to a judged version, killed and started again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
import yaml

from cli import run
from detector import shipped
from detector.registry import Registry
from detector.taxonomy import read_taxonomy
from tests.detector.pictures import encoded, street
from tests.training.yolo import FOUND, write_yolo

TRAINING = all(find_spec(name) for name in ("torch", "ultralytics", "onnxslim"))
EPOCHS = 3


@pytest.mark.skipif(TRAINING, reason="the training extra is installed")
def test_without_torch_it_says_what_to_install(capfd):
    assert 2 == run(["train", "--from", "CURRENT", "--add", "anything"])
    said = capfd.readouterr().err
    assert "torch" in said
    assert "pointwatch[train]" in said


@pytest.fixture
def office(tmp_path, monkeypatch):
    """Give an installation: the shipped model looking at 64 pixels, twelve old pictures, and six new ones."""
    data = tmp_path / "data"
    for part, count in (("train", 12), ("val", 4)):
        for kind in ("images", "labels"):
            (data / "potholes" / kind / part).mkdir(parents=True)
        for number in range(count):
            name = f"{(number + 20 * (part == 'val')) * 100:06d}"
            seed = number + (1000 if part == "val" else 0)
            (data / "potholes" / "images" / part / f"{name}.jpg").write_bytes(encoded(street(160, 120, seed=seed)))
            (data / "potholes" / "labels" / part / f"{name}.txt").write_text(" ".join(map(str, FOUND)) + "\n")
    (data / "cables").mkdir()
    (data / "cables" / "garbage_boxes.csv").write_text("garbage_image,part,scene,cx,cy,w,h\n")
    new = write_yolo(tmp_path / "new", {f"n{number}00": [FOUND] if number < 4 else [] for number in range(6)})
    models = tmp_path / "street"
    version = (shipped("models/street") / "CURRENT").read_text(encoding="utf-8").strip()
    shutil.copytree(shipped(f"models/street/{version}"), models / version)
    card = yaml.safe_load((models / version / "card.yaml").read_text(encoding="utf-8"))
    card["model"]["input_px"] = 64
    (models / version / "card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    registry = Registry(models)
    registry.promote(version, read_taxonomy(shipped("datasets/taxonomy.yaml")))
    for name, value in {
        "POINTWATCH_MODEL_DIR": models,
        "POINTWATCH_DATA_DIR": tmp_path / "var",
        "POINTWATCH_DATA": data,
        "POINTWATCH_TRAIN_DIR": tmp_path / "work",
    }.items():
        monkeypatch.setenv(name, str(value))
    return registry, version, new, tmp_path / "work"


def started(new):
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "train", "--from", "CURRENT", "--add", str(new), "--epochs", str(EPOCHS),
         "--threads", "1"],
        env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def progress_of(work):
    logs = list(work.glob("jobs/*/run/progress.jsonl"))
    return [json.loads(line) for line in logs[0].read_text(encoding="utf-8").splitlines()] if logs else []


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not TRAINING, reason="needs the training extra")
def test_a_training_that_is_killed_goes_on_where_it_stopped_and_ends_in_a_verdict(office):
    registry, before, new, work = office
    first = started(new)
    while not progress_of(work):
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.05)
    second = started(new)
    said = second.communicate(timeout=300)[1] if first.poll() is None else ""
    first.send_signal(signal.SIGKILL)
    first.communicate()
    done = [one["at"] for one in progress_of(work)]
    assert len(done) <= EPOCHS

    again = started(new)
    out, err = again.communicate(timeout=1200)

    assert again.returncode in (0, 1), err
    assert "Traceback" not in err
    if said:
        assert "A training is running already" in said
    progress = progress_of(work)
    assert list(range(1, EPOCHS + 1)) == [one["epoch"] for one in progress]
    assert done == [one["at"] for one in progress[: len(done)]], "what was finished is not done again"
    (version,) = {one.version for one in registry.entries()} - {before}
    entry = registry.entry(version)
    assert entry.verdict is not None
    assert before == entry.verdict.against
    assert ("rejected" if again.returncode else "in force") in out
    assert (version if again.returncode == 0 else before) == registry.current()
    assert "6 new pictures" in entry.card.training or "5 new pictures" in entry.card.training
    assert "new" in {one.name for one in entry.card.data}

    third = started(new)
    out, err = third.communicate(timeout=600)
    assert version in out, "the same command again finds its own result"
    assert 2 == len(registry.entries())
