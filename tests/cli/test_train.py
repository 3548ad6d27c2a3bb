"""`pointwatch train` as an operator runs it: from new pictures to a judged version, killed and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from cli import run
from detector.verdict import Decision
from tests.training.tiny import tiny_installation

TRAINING = all(find_spec(name) for name in ("torch", "ultralytics", "onnxslim"))
EPOCHS = 3


@pytest.mark.skipif(TRAINING, reason="the training extra is installed")
def test_without_torch_it_says_what_to_install(capfd):
    assert 2 == run(["train", "--from", "CURRENT", "--add", "anything"])
    said = capfd.readouterr().err
    assert "torch" in said
    assert "pointwatch[train]" in said


@pytest.mark.skipif(not TRAINING, reason="needs the training extra")
def test_an_environment_that_lacks_a_package_says_how_to_bring_it_up_to_date(office, monkeypatch, capfd):
    monkeypatch.setitem(
        sys.modules, "prometheus_client", None
    )  # importing it fails, as in one made before it was needed
    for name in [one for one in sys.modules if one.split(".")[0] in ("api", "prometheus_client") and sys.modules[one]]:
        monkeypatch.delitem(sys.modules, name)

    assert 2 == run(["train", "--reviewed-since", "last"])
    said = capfd.readouterr().err
    assert "lacks prometheus_client" in said
    assert "make .venv-train/made" in said


@pytest.fixture
def office(tmp_path, monkeypatch):
    """Give an installation on which a training takes seconds."""
    tiny = tiny_installation(tmp_path)
    for name, value in (tiny.environment | {"POINTWATCH_DATA_DIR": str(tmp_path / "var")}).items():
        monkeypatch.setenv(name, value)
    return tiny


def started(office, *more):
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "train", "--from", "CURRENT", "--add", str(office.new), "--threads", "1", *more],
        env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def progress_of(work):
    logs = list(work.glob("jobs/*/run/progress.jsonl"))
    return [json.loads(line) for line in logs[0].read_text(encoding="utf-8").splitlines()] if logs else []


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not TRAINING, reason="needs the training extra")
def test_a_training_that_is_killed_goes_on_where_it_stopped_and_ends_in_a_verdict(office):
    registry, before, work, few = office.registry, office.version, office.work, ("--epochs", str(EPOCHS))
    first = started(office, *few)
    while not progress_of(work):
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.05)
    second = started(office, *few)
    said = second.communicate(timeout=300)[1] if first.poll() is None else ""
    first.send_signal(signal.SIGKILL)
    first.communicate()
    done = [one["at"] for one in progress_of(work)]
    assert len(done) <= EPOCHS

    again = started(office, *few)
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

    third = started(office, *few)
    out, err = third.communicate(timeout=600)
    assert version in out, "the same command again finds its own result"
    assert 2 == len(registry.entries())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not TRAINING, reason="needs the training extra")
def test_a_version_that_has_learned_something_is_accepted_and_put_in_force(office, tmp_path):
    report = tmp_path / "report.json"

    out, err = (one := started(office, "--recipe", str(office.recipe), "--report", str(report))).communicate(
        timeout=800
    )

    assert 0 == one.returncode, f"{out}\n{err}"
    assert "Traceback" not in err
    (version,) = {entry.version for entry in office.registry.entries()} - {office.version}
    verdict = office.registry.entry(version).verdict
    assert (Decision.accepted, office.version) == (verdict.decision, verdict.against)
    (pothole,) = [change for change in verdict.changes if change.name == "pothole"]
    assert pothole.before < pothole.after
    assert version == office.registry.current()
    assert f"{version} is in force" in out
    told = json.loads(report.read_text(encoding="utf-8"))
    assert (version, True, "accepted") == (told["version"], told["in_force"], told["verdict"]["decision"])
    assert told["ended"] is True
