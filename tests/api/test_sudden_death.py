"""Processes that are killed outright: whatever was answered is kept, and processed once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.client import Client
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

UPLOADS, SENDERS, DIES_AFTER = 200, 8, 70
POINTS = [f"K{number}" for number in range(1, 6)]
GARBAGE = "exposed_garbage"


@pytest.fixture(scope="module")
def mortal(start_service: Callable[..., Running], database_url: str) -> Iterator[Running]:
    running = start_service(lease_s="3", max_attempts="5", database_url=database_url)
    yield running
    running.close()


@pytest.fixture
def own_service(mortal: Running) -> Running:
    """Give a service whose processes may be killed; the test before may have done so."""
    return mortal if mortal.is_ready() else mortal.start()


@dataclass
class Senders:
    """Several phones that send at the same time until the service is gone."""

    client: Client
    answered: dict[str, str] = field(default_factory=dict)  #: id of the capture by name of the file
    cut_off: list[str] = field(default_factory=list)

    def send(self, name: str, photo: bytes, point: str) -> None:
        try:
            answer = self.client.upload((name, photo), point=point)
        except httpx.HTTPError:
            self.cut_off.append(name)
            return
        assert answer.is_success, answer.text
        self.answered[name] = answer.json()["captures"][0]["id"]


@pytest.mark.slow
def test_every_answered_upload_survives_the_death_of_all_processes(
    own_service: Running, photo_factory: PhotoFactory
) -> None:
    client = own_service.client()
    for code in POINTS:
        client.add_point(code)
    photos = {f"{number:03d}.jpg": photo_factory(of=GARBAGE if number % 10 == 0 else None) for number in range(UPLOADS)}
    senders = Senders(client)

    with ThreadPoolExecutor(SENDERS) as pool:
        killer = threading.Thread(target=_kill_after, args=(own_service, senders, DIES_AFTER))
        killer.start()
        for number, (name, photo) in enumerate(photos.items()):
            pool.submit(senders.send, name, photo, POINTS[number % len(POINTS)])
    killer.join()
    assert DIES_AFTER <= len(senders.answered) < UPLOADS, "it died in the middle"
    assert UPLOADS == len(senders.answered) + len(senders.cut_off)
    assert not own_service.is_ready()

    own_service.start()
    ended = client.wait(*({"id": one} for one in senders.answered.values()))
    captures = client.all("/api/v1/captures")
    client.wait(*captures)

    assert {"done"} == {one["status"] for one in ended}
    assert set(senders.answered) <= {one["filename"] for one in captures}
    assert max(Counter(one["filename"] for one in captures).values()) == 1
    _is_whole(own_service, photos)

    for name, photo in photos.items():  # a phone that got no answer sends again, one that did may do so too
        senders.send(name, photo, POINTS[int(name[:3]) % len(POINTS)])
    captures = client.all("/api/v1/captures")
    client.wait(*captures)

    assert sorted(photos) == sorted(one["filename"] for one in captures)
    assert {one["id"] for one in ended} <= {one["id"] for one in captures}
    _is_whole(own_service, photos)


def _kill_after(running: Running, senders: Senders, answers: int) -> None:
    until = time.monotonic() + 60
    while len(senders.answered) < answers and time.monotonic() < until:
        time.sleep(0.005)
    running.kill_all()


def _is_whole(running: Running, photos: dict[str, bytes]) -> None:
    """Look at database and pictures directly: nothing twice, nothing half."""
    if running.database_url.startswith("sqlite"):
        assert [("ok",)] == running.query("PRAGMA integrity_check")
        assert [] == running.query("PRAGMA foreign_key_check")
    assert [] == running.query("SELECT sha256 FROM captures GROUP BY sha256, point_id HAVING count(*) > 1")
    assert [] == running.query("SELECT capture_id FROM sightings GROUP BY capture_id, class_code HAVING count(*) > 1")
    assert [] == running.query(
        "SELECT point_id FROM issues WHERE closed_at IS NULL GROUP BY point_id, class_code HAVING count(*) > 1"
    )
    assert [] == running.query(
        "SELECT number FROM issues WHERE sighting_count != (SELECT count(*) FROM sightings WHERE issue_id = issues.id)"
    ), "an issue counts each of its sightings"
    assert [] == running.query(
        "SELECT number FROM issues WHERE 1 != "
        "(SELECT count(*) FROM audit_events WHERE subject_id = issues.id AND action = 'opened')"
    ), "an issue was opened once"
    kept = running.media_files()
    by_size = {len(photo) for photo in photos.values()}
    for sha256, media_key, byte_count, status, view_key in running.query(
        "SELECT sha256, media_key, byte_count, status, view_key FROM captures"
    ):
        assert Path(str(media_key)).name in kept
        assert str(media_key).endswith(f"{sha256}.jpg")
        assert byte_count == (running.data_dir / "media" / str(media_key)).stat().st_size
        assert byte_count in by_size
        assert status == "done"
        assert Path(str(view_key)).name in kept
    seen = running.query("SELECT count(*) FROM captures WHERE CAST(violations AS TEXT) LIKE '%exposed_garbage%'")
    assert seen == running.query("SELECT count(*) FROM sightings WHERE class_code = 'exposed_garbage'")


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_captures_finished(
    own_service: Running, photo_factory: PhotoFactory
) -> None:
    client = own_service.client()
    client.add_point("W1")
    sent = client.take(*(photo_factory(width=1600, height=1200) for _ in range(20)), point="W1")
    _await(lambda: "processing" in {client.capture(one["id"])["status"] for one in sent})
    dead = own_service.kill_child("worker")
    ended = client.wait(*sent)

    assert {"done"} == {one["status"] for one in ended}
    assert all(one["attempts"] <= 2 for one in ended)
    assert [dead] != [one.pid for one in own_service.children("worker")]
    assert "the worker process ended with status -9; starting it again" in own_service.log()


@pytest.mark.slow
def test_a_web_process_that_is_killed_is_replaced(own_service: Running) -> None:
    dead = own_service.kill_child("web")
    _await(own_service.is_ready)

    assert [dead] != [one.pid for one in own_service.children("web")]


@pytest.mark.slow
def test_a_service_that_is_asked_to_end_ends_well(own_service: Running, photo_factory: PhotoFactory) -> None:
    client = own_service.client()
    client.add_point("E1")
    client.take(*(photo_factory() for _ in range(5)), point="E1")
    children = own_service.tree()[1:]
    status = own_service.stop()
    _gone, alive = psutil.wait_procs(children, timeout=1)

    assert 0 == status
    assert [] == alive
    assert [] == own_service.query("SELECT id FROM captures WHERE status = 'processing'")


@pytest.mark.slow
def test_children_leave_when_their_parent_is_killed(own_service: Running) -> None:
    children = [*own_service.children("web"), *own_service.children("worker")]
    own_service.kill_parent()
    _gone, alive = psutil.wait_procs(children, timeout=30)

    assert 2 == len(children)
    assert [] == alive


def _await(came_true: Callable[[], bool], patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not came_true():
        assert time.monotonic() < until
        time.sleep(0.02)
