"""The command as people run it: a process of its own, with a model that sees one pothole in every picture."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from cli import run
from tests.detector.models import write_model
from tests.detector.pictures import encoded, street


@pytest.fixture(scope="session")
def pothole_model(tmp_path_factory):
    """Give a model folder: it sees a pothole at (220, 110)–(420, 210) of every picture of 640×320."""
    return write_model(tmp_path_factory.mktemp("model") / "v1", model={"input_px": 64})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


@pytest.fixture
def process(pothole_model):
    """Give a function that runs the command in a process of its own, as people do."""

    def run_apart(*arguments, **environment):
        settings = {key: value for key, value in os.environ.items() if not key.startswith("POINTWATCH_")}
        done = subprocess.run(
            [sys.executable, "-m", "cli", *map(str, arguments)],
            env=settings | {"POINTWATCH_MODEL_DIR": str(pothole_model)} | environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Done(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)

    return run_apart


@pytest.fixture
def pointwatch(pothole_model, monkeypatch, capfdbinary):
    """Give a function that runs the command in this process, which saves the second its imports take."""

    def run_here(*arguments):
        monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(pothole_model))
        capfdbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        said = capfdbinary.readouterr()
        return Done(returncode=status, stdout=said.out, stderr=said.err)

    return run_here


@pytest.fixture
def photo(tmp_path):
    """Give a factory of photos of 640×320 under `tmp_path`."""

    def make(name="heap.jpg", content=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if content is not None else encoded(street(640, 320)))
        return path

    return make
