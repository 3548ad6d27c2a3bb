"""A real Label Studio for tests: its own environment (`make .venv-labels/made`), started once for all of them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.review.labelstudio import LabelStudio
from cli.labels import start_label_studio
from tests.api.running import ROOT, free_port

PROGRAM = Path(os.environ.get("POINTWATCH_LABEL_STUDIO") or ROOT / ".venv-labels" / "bin" / "label-studio")


class Server:
    """A Label Studio that can be stopped and started again on the same data."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = start_label_studio(PROGRAM, self.data, self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    @property
    def token(self) -> str:
        return (self.data / "token").read_text(encoding="ascii").strip()

    def client(self) -> LabelStudio:
        return LabelStudio(self.url, self.token)


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give the one Label Studio that tests share."""
    if not PROGRAM.exists() and os.environ.get("CI") != "true":  # CI must have it: there these tests fail
        pytest.skip("no Label Studio here; `make .venv-labels/made` installs it into an environment of its own (1 GB)")
    data = tmp_path_factory.mktemp("label-studio")
    server = Server(data)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(data, ignore_errors=True)
