"""The model replaced under a running service: nothing fails, nothing is lost, and what is unusable is never used."""

import hashlib
import pickle
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.app import open_service
from api.settings import Settings
from detector import Taxonomy, shipped
from detector.card import CURRENT_FILE, find_version, read_card
from detector.errors import DetectorError
from detector.registry import Registry
from tests.api.client import PATIENCE_S, Client, expect
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

GARBAGE = "exposed_garbage"
EACH = 4  # photos of garbage sent under each version


def copy_version(of: Path, to: Path, **changes: Any) -> Path:
    """Copy a version under another name, with what is asked changed in its card."""
    shutil.copytree(of, to)
    said = yaml.safe_load((to / "card.yaml").read_text(encoding="utf-8"))
    said |= {"version": to.name, **changes}
    (to / "card.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    return to


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, model_folder: Path, taxonomy: Taxonomy) -> Registry:
    """Give a registry with the shipped model as version one, in force, and as version two."""
    folder = tmp_path_factory.mktemp("models") / "street"
    for name in ("one", "two"):
        copy_version(find_version(model_folder), folder / name)
    opened = Registry(folder)
    opened.promote("one", taxonomy)
    return opened


@pytest.fixture(scope="module")
def swapping(start_service: Callable[..., Running], registry: Registry) -> Running:
    return start_service(model_dir=str(registry.folder))


def pointwatch(running: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, beside the service."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "models", *arguments],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def until(client: Client, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Give what the service says of its model as soon as it fits."""
    end = time.monotonic() + PATIENCE_S
    while not fits(said := expect(client.http.get("/api/v1/model"))):
        assert time.monotonic() < end, f"still {said['version']}, refused: {said['refused']}"
        time.sleep(0.1)
    return said


@dataclass
class Load:
    """Somebody who sends plain photos without end, and remembers every answer."""

    client: Client
    point: str
    photos: Iterator[bytes]
    answers: Counter[int] = field(default_factory=Counter)
    taken: list[dict[str, Any]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        while not self.stopping.is_set():
            answer = self.client.upload(next(self.photos), point=self.point)
            self.answers[answer.status_code] += 1
            self.taken += answer.json().get("captures", []) if answer.is_success else []
            time.sleep(0.4)

    def seen_by(self, model: str) -> None:
        """Wait until the worker has looked at a photo with this version."""
        end = time.monotonic() + PATIENCE_S
        while not any(one["model"] == model for one in self.client.all("/api/v1/captures", point=self.point)):
            assert time.monotonic() < end, f"the worker does not use {model}"
            time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_under_a_load_of_uploads_a_promotion_and_a_rollback_lose_and_fail_nothing(
    swapping: Running, photo_factory: PhotoFactory
) -> None:
    client = swapping.client()
    client.add_point("SWAP")
    client.add_point("LOAD")
    garbage = [photo_factory(of=GARBAGE) for _ in range(3 * EACH)]
    load = Load(swapping.client(), "LOAD", iter(photo_factory, b""))
    sender = threading.Thread(target=load.send)
    sender.start()
    try:
        sent = client.take(*garbage[:EACH], point="SWAP")  # may be seen by either: they wait while the model changes
        promoted = pointwatch(swapping, "promote", "two", "--why", "a test")
        in_force = until(client, lambda said: said["version"] == "two")
        load.seen_by("street/two")
        sent += client.take(*garbage[EACH : 2 * EACH], point="SWAP")
        client.wait(*sent)
        back = pointwatch(swapping, "rollback")
        until(client, lambda said: said["version"] == "one")
        sent += client.take(*garbage[2 * EACH :], point="SWAP")
    finally:
        load.stopping.set()
        sender.join()
    seen = client.wait(*sent, *load.taken)
    by_capture = {one["id"]: one["model"] for one in seen}
    sightings = [one for issue in client.issues(point="SWAP") for one in client.sightings(issue["number"])]

    assert (0, 0) == (promoted.returncode, back.returncode), promoted.stderr + back.stderr
    assert "Went back from two to one." in back.stdout
    assert in_force["in_force_since"] is not None
    assert {202} == set(load.answers) - {200}, load.answers
    assert ["done"] * len(seen) == [one["status"] for one in seen], [one["error"] for one in seen if one["error"]]
    assert len(by_capture) == len(client.all("/api/v1/captures")) == 3 * EACH + sum(load.answers.values())
    assert {"street/one", "street/two"} == set(by_capture.values())
    assert {"street/one", "street/two"} == {one["model"] for one in sightings}
    assert [by_capture[one["capture_id"]] for one in sightings] == [one["model"] for one in sightings]
    assert {one["id"] for one in seen[: 3 * EACH]} == {one["capture_id"] for one in sightings}, "each showed garbage"


def damaged(folder: Path) -> None:
    artifact = folder / "model.onnx"
    artifact.write_bytes(artifact.read_bytes()[:-1000])


def of_a_wrong_hash(folder: Path) -> None:
    artifact = folder / "model.onnx"
    content = bytearray(artifact.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.write_bytes(content)


def of_a_wrong_class(folder: Path) -> None:
    change_card(folder, lambda said: said["classes"][0].update(name="a_cat"))


def pickled(folder: Path) -> None:
    content = pickle.dumps({"model": [1, 2, 3]})
    (folder / "model.onnx").write_bytes(content)
    hashed = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change_card(folder, lambda said: said["model"].update(hashed))


def with_one_class_more(folder: Path) -> None:
    dog = {"name": "a_dog", "automatic": 0.5, "review": 0.5, "standing": "unverified"}
    change_card(folder, lambda said: said["classes"].append(dog))


def change_card(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    said = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    change(said)
    (folder / "card.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damaged, "damaged or replaced"),
        (of_a_wrong_hash, "damaged or replaced"),
        (of_a_wrong_class, "does not have: exposed_garbage"),
        (pickled, "is a Python pickle"),
        (with_one_class_more, "do not belong together"),
    ],
)
def test_what_is_unusable_is_refused_with_a_reason_and_the_service_keeps_its_model(
    swapping: Running,
    registry: Registry,
    photo_factory: PhotoFactory,
    point_code: str,
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    name = f"bad-{spoil.__name__.replace('_', '-')}"
    spoil(copy_version(registry.folder / "one", registry.folder / name))
    client = swapping.client()
    client.add_point(point_code)
    promoted = pointwatch(swapping, "promote", name)
    untouched = registry.current()
    (registry.folder / CURRENT_FILE).write_text(name)  # as somebody does who knows better than the command
    said = until(client, lambda said: said["refused"] is not None)
    (seen,) = client.wait(*client.take(photo_factory(), point=point_code))
    (registry.folder / CURRENT_FILE).write_text("one")
    healed = until(client, lambda said: said["refused"] is None)

    assert (1, "one") == (promoted.returncode, untouched)
    assert reason in promoted.stderr
    assert "Traceback" not in promoted.stderr
    assert ("one", name) == (said["version"], said["refused"]["version"])
    assert reason in said["refused"]["reason"]
    assert ("done", "street/one") == (seen["status"], seen["model"])
    assert "one" == healed["version"]


def test_a_service_without_a_folder_of_its_own_seeds_one_from_the_installation(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "var", model_dir=None, language="en")
    installed = read_card(find_version(shipped("models/street")))
    service = open_service(settings)
    service.database.close()

    assert tmp_path / "var" / "models" / "street" == settings.model_folder
    assert installed == service.card
    assert [installed.version] == [one.version for one in Registry(settings.model_folder).entries()]


def test_an_installation_without_a_usable_model_does_not_start_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "installation"
    empty.mkdir()
    monkeypatch.setattr("api.models.shipped", lambda _path: empty)

    with pytest.raises(DetectorError, match="There is no model to start with"):
        open_service(Settings(data_dir=tmp_path / "var", model_dir=None))


def test_a_model_promoted_here_outlives_an_installation_without_one(
    tmp_path: Path, registry: Registry, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "var", model_dir=None)
    own = Registry(settings.model_folder)
    own.add(registry.folder / "two", taxonomy)
    own.promote("two", taxonomy)
    monkeypatch.setattr("api.models.shipped", lambda _path: tmp_path / "nowhere")
    service = open_service(settings)
    service.database.close()

    assert "two" == service.card.version


def test_a_start_with_a_model_damaged_on_the_disk_goes_on_with_the_one_before(
    tmp_path: Path, registry: Registry, taxonomy: Taxonomy
) -> None:
    settings = Settings(data_dir=tmp_path / "var", model_dir=tmp_path / "street")
    own = Registry(tmp_path / "street")
    for name in ("one", "two"):
        own.add(registry.folder / name, taxonomy)
        own.promote(name, taxonomy)
    damaged(own.folder / "two")
    service = open_service(settings)
    service.database.close()

    assert ("one", "two") == (service.card.version, service.model.refused)
    assert "damaged or replaced" in str(service.model.refusal)
