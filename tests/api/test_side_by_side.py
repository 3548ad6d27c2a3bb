"""Several worker processes on one database, and what a service under strangers' hands tells of its secrets."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.api.client import Client, refusal
from tests.api.photographs import PhotoFactory
from tests.api.running import ROOT, Running

GARBAGE = "exposed_garbage"
PHOTOS = 24


@pytest.fixture
def three_workers(start_service: Callable[..., Running], fresh_database_url: str) -> Iterator[Running]:
    """Give a service with two more workers beside its own."""
    running = start_service(database_url=fresh_database_url)
    command = [sys.executable, "-m", "cli", "worker"]
    with running.log_file.open("ab") as log:
        more = [subprocess.Popen(command, cwd=ROOT, env=running.environment, stdout=log, stderr=log) for _ in range(2)]
    yield running
    for process in more:
        process.terminate()
    assert [0, 0] == [process.wait(30) for process in more]
    running.close()


@pytest.mark.slow
def test_three_workers_share_the_photos_of_a_heap_and_open_one_issue(
    three_workers: Running, photo_factory: PhotoFactory
) -> None:
    client = three_workers.client()
    client.add_point("S1")
    three_workers.await_workers(3)
    sent = client.take(*(photo_factory(of=GARBAGE) for _ in range(PHOTOS)), point="S1")
    ended = client.wait(*sent)
    (issue,) = client.issues(point="S1", violation=GARBAGE)
    seen = [one["capture_id"] for one in client.sightings(issue["number"])]

    assert {("done", 1)} == {(one["status"], one["attempts"]) for one in ended}
    assert PHOTOS == issue["sighting_count"]
    assert sorted(one["id"] for one in sent) == sorted(seen)
    assert 1 == [one["action"] for one in client.events(issue["number"])].count("opened")


def test_no_key_is_told_to_the_log_or_in_an_answer(running: Running, over_wire: Client) -> None:
    wrong = "pw_" + "w" * 43
    stranger = running.client(wrong)
    made = over_wire.http.post("/api/v1/keys", json={"name": "a phone"}).json()
    answers = [
        stranger.http.get("/api/v1/me"),
        stranger.http.post("/sign-in", data={"key": wrong}),
        stranger.http.post("/sign-in", data={"code": wrong}),
        running.client(made["key"]).http.get("/api/v1/keys"),
        running.client(made["key"]).upload(b"no picture"),
    ]
    told = running.log() + "".join(f"{one.text}{one.headers}" for one in answers)

    refusal(answers[0], 401)
    assert all(one.is_client_error for one in answers)
    for secret in (wrong, made["key"], running.admin_key()):
        assert secret not in told
