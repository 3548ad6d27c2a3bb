"""Trainings that the running service's schedule starts, with a real training behind it: to the end, and killed."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.api.client import Client, expect
from tests.api.running import ROOT, Running
from tests.detector.pictures import encoded
from tests.training.tiny import Tiny, holed, tiny_installation
from tests.training.yolo import FOUND
from training.reviewed import part_of

PATH = "/api/v1/learning/trainings"
BESIDE = ROOT / ".venv-train" / "bin" / "python"
PYTHON = Path(sys.executable) if find_spec("torch") else BESIDE
AFTER = 8  # verdicts
PATIENCE_S = 600.0
WIDTH, HEIGHT = 640, 320

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not PYTHON.exists(), reason="no environment with torch; `make .venv-train/made` makes one"),
]


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return tiny_installation(tmp_path)


@pytest.fixture
def service(tiny: Tiny, tmp_path: Path) -> Iterator[Running]:
    """Give a service that trains as soon as eight captures were decided."""
    one = Running(
        tmp_path / "var",
        tiny.registry.folder,
        data=str(tiny.data),
        train_python=str(PYTHON),
        train_dir=str(tiny.work),
        train_after=str(AFTER),
        train_options=f"--recipe {tiny.recipe} --threads 1",
        privacy="off",
    )
    yield one.start()
    one.close()


@pytest.fixture
def client(service: Running) -> Client:
    return service.client()


def review(client: Client) -> None:
    """Have people say of eight captures where the hole is; their points are such as teach."""
    teaching = (code for number in range(100) if part_of(client.add_point(code := f"R{number:02d}")["id"]) == "train")
    for seed in range(AFTER // 4):
        taken = client.take(
            *(encoded(holed(WIDTH, HEIGHT, 900 + 4 * seed + at)) for at in range(4)), point=next(teaching)
        )
        for capture in client.wait(*taken):
            _, cx, cy, w, h = FOUND
            box = [(cx - w / 2) * WIDTH, (cy - h / 2) * HEIGHT, (cx + w / 2) * WIDTH, (cy + h / 2) * HEIGHT]
            said = {"boxes": [{"code": "pothole", "box": box}]}
            expect(client.http.put(f"/api/v1/review/cases/{capture['id']}/verdict", json=said))


def until(ask: Callable[[], Any], service: Running) -> Any:
    """Wait until `ask` gives something, and give that."""
    end = time.monotonic() + PATIENCE_S
    while not (found := ask()):
        assert time.monotonic() < end, service.log()[-4000:]
        time.sleep(0.2)
    return found


def newest(client: Client) -> dict[str, Any]:
    return next(iter(client.all(PATH)), {"state": "none", "step": None, "ended_at": None})


def learning(client: Client) -> bool:
    row = newest(client)
    assert row["state"] in ("none", "queued", "running"), row
    return (row["step"] or "").startswith("training, epoch")


def epochs_of(tiny: Tiny) -> list[str]:
    """Give when each epoch that was finished so far came to its end."""
    logs = list(tiny.work.glob("jobs/*/run/progress.jsonl"))
    return [json.loads(line)["at"] for line in logs[0].read_text(encoding="utf-8").splitlines()] if logs else []


def versions_of(tiny: Tiny) -> set[str]:
    """Give what lies in the registry, half made versions too."""
    return {one.name for one in tiny.registry.folder.iterdir() if one.is_dir()}


def test_the_schedule_trains_and_puts_a_better_version_in_force_though_the_worker_is_killed_meanwhile(
    service: Running, client: Client, tiny: Tiny
) -> None:
    review(client)
    until(lambda: learning(client), service)
    service.kill_child("worker")

    row = until(lambda: (one := newest(client))["ended_at"] and one, service)

    assert ("accepted", "schedule", AFTER) == (row["state"], row["because"], row["verdicts"]), row
    assert row["version"] == tiny.registry.current()
    assert {tiny.version, row["version"]} == versions_of(tiny)
    assert tiny.version == row["verdict"]["against"]
    until(lambda: row["version"] == expect(client.http.get("/api/v1/model"))["version"].rpartition("/")[2], service)
    client.add_point("AFTER")
    (capture,) = client.wait(*client.take(encoded(holed(WIDTH, HEIGHT, 999)), point="AFTER"))
    assert row["version"] == capture["model"].rpartition("/")[2], "what comes now is seen by the new version"
    assert ["ended", "asked"] == [one["action"] for one in client.all("/api/v1/audit", subject_kind="training")]
    assert 1 == len(client.all(PATH)), "what was learned asks for no second training"


def test_a_training_that_is_killed_is_told_leaves_nothing_half_and_goes_on_when_it_is_asked_for_again(
    service: Running, client: Client, tiny: Tiny
) -> None:
    review(client)
    until(lambda: learning(client) and epochs_of(tiny), service)
    ((process,),) = service.query("SELECT process FROM trainings")
    psutil.Process(int(str(process))).kill()

    row = until(lambda: (one := newest(client))["ended_at"] and one, service)

    assert "failed" == row["state"]
    assert "SIGKILL" in row["error"]
    assert {tiny.version} == versions_of(tiny)
    assert tiny.version == tiny.registry.current()
    done = epochs_of(tiny)

    again = expect(client.http.post(PATH))
    assert "queued" == again["state"], "no lock was left"
    ended = until(lambda: (one := newest(client))["ended_at"] and one, service)

    assert (again["id"], "accepted") == (ended["id"], ended["state"]), ended
    assert done == epochs_of(tiny)[: len(done)], "what was finished is not done again"
    assert {tiny.version, ended["version"]} == versions_of(tiny)
