"""The demo as a person runs it: the shipped photos and model, the real service, a summary that scripts can read."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from detector import shipped
from tests.api.running import ROOT, free_port

POINTS = 43


@dataclass
class Stage:
    """Where a demo is run: data, port and model of its own."""

    data_dir: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "demo", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip

    def query(self, sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.data_dir / "pointwatch.sqlite3")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Stage:
    data_dir = tmp_path_factory.mktemp("demo") / "var"
    return Stage(
        data_dir,
        {name: value for name, value in os.environ.items() if not name.startswith("POINTWATCH_")}
        | {
            "POINTWATCH_DATA_DIR": str(data_dir),
            "POINTWATCH_MODEL_DIR": str(model_folder.absolute()),
            "POINTWATCH_PORT": str(free_port()),
        },
    )


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, float]:
    assert 0 == done.returncode, done.stderr[-3000:]
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def first(stage: Stage) -> subprocess.CompletedProcess[str]:
    return stage.run("--once")


@pytest.mark.slow
def test_the_last_line_is_a_summary(first: subprocess.CompletedProcess[str]) -> None:
    with (shipped("datasets/demo") / "captures.csv").open(encoding="utf-8-sig", newline="") as file:
        photos = len(list(csv.DictReader(file)))
    summary = summary_of(first)

    assert {"points", "photos", "issues", "seconds"} == set(summary)
    assert (POINTS, photos) == (summary["points"], summary["photos"])
    assert summary["issues"] >= 3
    assert 0 < summary["seconds"] < 280


@pytest.mark.slow
def test_issues_stand_at_several_points(first: subprocess.CompletedProcess[str], stage: Stage) -> None:
    summary_of(first)

    assert len(stage.query("SELECT DISTINCT point_id FROM issues WHERE closed_at IS NULL")) >= 3
    assert [] == stage.query("SELECT filename, error FROM captures WHERE status != 'done'")


@pytest.mark.slow
def test_there_is_a_camera_with_zones_that_reports_nothing(
    first: subprocess.CompletedProcess[str], stage: Stage
) -> None:
    summary_of(first)

    assert [("DH-C01", "stills", 1)] == stage.query("SELECT code, kind, zones_version FROM cameras")
    assert [] == stage.query("SELECT id FROM camera_stays")


@pytest.mark.slow
def test_a_second_run_makes_no_second_issue(first: subprocess.CompletedProcess[str], stage: Stage) -> None:
    once = summary_of(first)
    kept = stage.query("SELECT number, sighting_count, revision FROM issues ORDER BY number")
    twice = summary_of(stage.run("--once"))

    assert once | {"seconds": 0} == twice | {"seconds": 0}
    assert kept == stage.query("SELECT number, sighting_count, revision FROM issues ORDER BY number")


@pytest.mark.slow
def test_the_key_of_a_run_is_revoked_and_nothing_goes_on(first: subprocess.CompletedProcess[str], stage: Stage) -> None:
    summary_of(first)
    left = [one for one in psutil.process_iter(["environ"]) if _belongs(one, stage)]

    assert [] == stage.query("SELECT name FROM api_keys WHERE name = 'Demo run' AND revoked_at IS NULL")
    assert [] == left


def _belongs(process: psutil.Process, stage: Stage) -> bool:
    return (process.info["environ"] or {}).get("POINTWATCH_DATA_DIR") == str(stage.data_dir)


@pytest.mark.slow
def test_ones_own_photos_can_be_shown_and_a_bad_one_does_not_stop_the_others(
    first: subprocess.CompletedProcess[str], stage: Stage, tmp_path: Path
) -> None:
    summary_of(first)
    (tmp_path / "inside").mkdir()
    for photo in sorted((shipped("datasets/demo") / "photos").glob("heap*.jpg")):
        shutil.copy(photo, tmp_path / "inside" / photo.name)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    done = stage.run("--once", "--photos", str(tmp_path))

    assert 2 == summary_of(done)["photos"]
    assert "broken.jpg: refused" in done.stderr


@pytest.mark.slow
def test_a_folder_without_photos_is_one_plain_line(stage: Stage, tmp_path: Path) -> None:
    done = stage.run("--once", "--photos", str(tmp_path))

    assert 1 == done.returncode
    assert "holds no photos" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_takes_its_service_along(by: signal.Signals, stage: Stage) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo"], cwd=ROOT, env=stage.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    children: list[psutil.Process] = []
    until = time.monotonic() + 60
    while len(children) < 3 and time.monotonic() < until:  # the service, its web, its worker
        time.sleep(0.2)
        children = psutil.Process(demo.pid).children(recursive=True)
    demo.send_signal(by)
    said = demo.communicate(timeout=60)[1].decode()
    _gone, alive = psutil.wait_procs(children, timeout=10)

    assert 3 <= len(children)  # and the watcher, once there is a camera
    assert [] == alive
    assert "Traceback" not in said
