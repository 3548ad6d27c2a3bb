"""Review in a real Label Studio: out with boxes, back with verdicts, whatever happens on the way."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from rich.console import Console

from api.review.config import FROM_NAME, TO_NAME, code_of
from api.review.connecting import HOOK_HEADER, TITLE
from api.review.labelstudio import LabelStudio, LabelStudioRefused, RemoteTask
from benchmarks.review_load import play
from benchmarks.review_people import Reviewer
from tests.api.client import Client, expect
from tests.api.photographs import PhotoFactory
from tests.api.review.conftest import Server
from tests.api.running import ROOT, Running

SOON_S = 5.0
PATIENCE_S = 120.0  # other programs share these processors
POLL_S = "2"
LOCKED_S = 6.5  # longer than SQLite waits for another writer (5 s), shorter than Label Studio until it tries again


@pytest.fixture(scope="module")
def street(start_service: Callable[..., Running], label_studio: Server) -> Running:
    """Give a service that is connected to Label Studio and puts every capture before people."""
    service = start_service(review_empty="1", review_confident="1", review_poll_s=POLL_S)
    connect(service, label_studio)
    return service


@pytest.fixture(scope="module")
def client(street: Running) -> Client:
    return street.client()


@pytest.fixture(scope="module")
def remote(label_studio: Server) -> Iterator[LabelStudio]:
    with label_studio.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def project(street: Running, remote: LabelStudio) -> int:
    found = remote.find_project(TITLE)
    assert found is not None
    return found


def connect(service: Running, server: Server, *, token: str | None = None) -> str:
    command = [sys.executable, "-m", "cli", "labels", "connect", server.url, "--our-url", service.url]
    environment = {**service.environment, "LABEL_STUDIO_TOKEN": token or server.token}
    asked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == asked.returncode, asked.stderr
    return asked.stdout


def until(ask: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Wait until `ask` gives something, and give that."""
    end = time.monotonic() + patience_s
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < end, f"waited in vain for {patience_s} s"
        time.sleep(0.1)


def send(client: Client, photo: bytes, point: str) -> dict[str, Any]:
    """Upload a photo and give its capture once the model has looked at it."""
    (capture,) = client.wait(*client.take(photo, point=point))
    return capture


def task_of(remote: LabelStudio, project: int, capture: dict[str, Any]) -> RemoteTask | None:
    return next((one for one in remote.tasks(project) if one.data.get("capture") == capture["id"]), None)


def box(text: str, **value: float) -> dict[str, Any]:
    given = {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 0} | value
    return {
        "type": "rectanglelabels",
        "from_name": FROM_NAME,
        "to_name": TO_NAME,
        "original_width": 100,
        "original_height": 100,
        "image_rotation": 0,
        "value": {**given, "rectanglelabels": [text]},
    }


def case_of(client: Client, capture: dict[str, Any]) -> dict[str, Any]:
    cases = client.all("/api/v1/review/cases")
    return next(one for one in cases if one["capture_id"] == capture["id"])


def decided(client: Client, capture: dict[str, Any]) -> dict[str, Any] | None:
    case = case_of(client, capture)
    return case if case["state"] == "decided" else None


def webhooks(remote: LabelStudio, project: int, *, active: bool) -> None:
    """Switch the project's webhooks. Their actions are said again: without them a change takes them away."""
    for hook in remote._ask("GET", f"/api/webhooks/?project={project}"):
        remote._ask("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": active, "actions": hook["actions"]})


def utc_text(in_s: float = 0.0) -> str:
    """Give a moment as SQLite keeps it."""
    return (datetime.now(UTC) + timedelta(seconds=in_s)).strftime("%Y-%m-%d %H:%M:%S.%f")


def change(service: Running, capture: dict[str, Any], what: str, **values: str) -> None:
    """Change a capture's case in the database, as time or a crash would have."""
    engine = sa.create_engine(service.database_url, poolclass=sa.NullPool)
    named = values | {"capture": capture["id"].replace("-", "")}
    with engine.begin() as connection:
        changed = connection.execute(sa.text(f"UPDATE review_cases SET {what} WHERE capture_id = :capture"), named)
        assert 1 == changed.rowcount


def test_what_the_model_saw_stands_in_label_studio_with_its_boxes_and_a_picture(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(of="exposed_garbage"), point_code)

    task = until(lambda: task_of(remote, project, capture))
    shown = httpx.get(task.data["image"], trust_env=False)
    boxes = remote._ask("GET", f"/api/predictions?task={task.id}")[0]["result"]

    assert "image/jpeg" == shown.headers["content-type"]
    assert point_code in task.data["point"]
    assert sorted(one["model_class"] for one in capture["detections"]) == sorted(
        code_of(one["value"]["rectanglelabels"][0]) for one in boxes
    )
    assert 1 == sum(one.data.get("capture") == capture["id"] for one in remote.tasks(project))


def test_an_annotation_decides_the_issue_at_once(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(of="exposed_garbage"), point_code)
    task = until(lambda: task_of(remote, project, capture))

    remote.annotate(task.id, [box("涂写 · graffiti")])  # no garbage, but graffiti that the model missed
    case = until(lambda: decided(client, capture), SOON_S)
    issues = {one["violation"]["code"]: one["state"] for one in client.all("/api/v1/issues", point=point_code)}

    assert ("rejected", "open") == (issues["exposed_garbage"], issues["graffiti"])
    assert ["reviewer@example.org"] == case["decided_by"]
    assert ["graffiti"] == [one["code"] for one in case["boxes"]]


def test_a_verdict_whose_webhook_was_lost_is_read_all_the_same(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(of="exposed_garbage"), point_code)
    task = until(lambda: task_of(remote, project, capture))
    webhooks(remote, project, active=False)

    remote.annotate(task.id, [])
    until(lambda: decided(client, capture))

    webhooks(remote, project, active=True)
    assert {"rejected"} == {one["state"] for one in client.all("/api/v1/issues", point=point_code)}


def test_a_verdict_that_is_taken_back_leaves_the_question_open(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(), point_code)
    task = until(lambda: task_of(remote, project, capture))
    annotation = remote.annotate(task.id, [])
    until(lambda: decided(client, capture))

    remote._ask("DELETE", f"/api/annotations/{annotation}/")

    until(lambda: case_of(client, capture)["state"] == "sent")
    assert case_of(client, capture)["boxes"] is None


def test_while_label_studio_is_away_nothing_is_lost_and_nothing_doubled(
    client: Client,
    label_studio: Server,
    remote: LabelStudio,
    project: int,
    photo_factory: PhotoFactory,
    point_code: str,
) -> None:
    client.add_point(point_code)
    label_studio.stop()
    captures = [send(client, photo_factory(), point_code) for _ in range(3)]
    time.sleep(2 * float(POLL_S))
    assert {"waiting", "sending"} >= {case_of(client, one)["state"] for one in captures}
    label_studio.start()

    until(lambda: all(case_of(client, one)["state"] == "sent" for one in captures))
    arrived = [one.data.get("capture") for one in remote.tasks(project)]
    assert [1, 1, 1] == [arrived.count(one["id"]) for one in captures]


def test_a_forged_webhook_changes_nothing(client: Client, street: Running) -> None:
    forged = {"action": "ANNOTATION_CREATED", "task": {"id": 1}, "annotation": {"result": []}}
    where = f"{street.url}/label-studio/webhook"

    noted = street.log().count("refused what is not the connected label studio")

    assert 401 == httpx.post(where, json=forged, trust_env=False).status_code
    assert 401 == httpx.post(where, json=forged, headers={HOOK_HEADER: "guess"}, trust_env=False).status_code
    assert 401 == httpx.post(where, json=forged, auth=("pointwatch", "guess"), trust_env=False).status_code
    assert noted + 3 == street.log().count("refused what is not the connected label studio")
    assert [] == street.query("SELECT id FROM review_cases WHERE look_again")


@pytest.mark.parametrize(
    ("what", "mean"),
    [
        ("the label", [box("龙 · dragon")]),
        ("the place", [box("涂写 · graffiti", x=95, width=50)]),
    ],
)
def test_an_annotation_that_makes_no_sense_is_written_down_and_changes_nothing(
    client: Client,
    remote: LabelStudio,
    project: int,
    photo_factory: PhotoFactory,
    point_code: str,
    street: Running,
    what: str,
    mean: list[dict[str, Any]],
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(), point_code)
    task = until(lambda: task_of(remote, project, capture))

    try:
        remote.annotate(task.id, mean)
    except LabelStudioRefused:
        pytest.skip(f"Label Studio itself refuses {what}")
    until(lambda: street.query("SELECT reason FROM refused_verdicts WHERE task = ?", task.id))

    assert "sent" == case_of(client, capture)["state"]


def test_a_task_whose_picture_was_swapped_is_not_believed(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str, street: Running
) -> None:
    client.add_point(point_code)
    first, second = (send(client, photo_factory(), point_code) for _ in range(2))
    tasks = [until(lambda one=one: task_of(remote, project, one)) for one in (first, second)]  # type: ignore[misc]
    remote.set_data(tasks[0].id, {**tasks[0].data, "image": tasks[1].data["image"]})

    remote.annotate(tasks[0].id, [])
    until(lambda: street.query("SELECT reason FROM refused_verdicts WHERE task = ?", tasks[0].id))

    assert "sent" == case_of(client, first)["state"]


def test_reviewers_who_contradict_each_other_ask_a_third_who_decides(
    client: Client, street: Running, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(of="exposed_garbage"), point_code)
    task = until(lambda: task_of(remote, project, capture))
    remote.annotate(task.id, [])
    until(lambda: decided(client, capture))

    garbage = {"code": "exposed_garbage", "box": [1, 1, 20, 20]}
    said = client.http.put(f"/api/v1/review/cases/{capture['id']}/verdict", json={"boxes": [garbage]})

    assert ("disputed", None) == (said.json()["state"], said.json()["boxes"])

    key = expect(client.http.post("/api/v1/keys", json={"name": "third", "role": "reviewer"}))["key"]
    street.client(key).http.put(f"/api/v1/review/cases/{capture['id']}/verdict", json={"boxes": [garbage]})
    case = until(lambda: decided(client, capture))
    issues = {one["violation"]["code"]: one["state"] for one in client.all("/api/v1/issues", point=point_code)}

    assert ["exposed_garbage"] == [one["code"] for one in case["boxes"]]
    assert 3 == len(case["decided_by"])
    assert "open" == issues["exposed_garbage"]


def test_boxes_arrive_though_label_studio_loses_them_when_its_database_is_locked(
    label_studio: Server, remote: LabelStudio
) -> None:
    project = remote.make_project("Locked", label_config("graffiti"), "")
    drawn = {"model_version": "street/1", "score": 0.5, "result": [{**box("graffiti"), "id": "one"}]}
    database = sqlite3.connect(
        label_studio.data / "label_studio.sqlite3", isolation_level=None, check_same_thread=False
    )
    database.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(LOCKED_S, database.execute, ["ROLLBACK"])
    timer.start()

    (task,) = remote.send(project, [{"data": {"image": "http://127.0.0.1/one.jpg"}, "predictions": [drawn]}])
    timer.join()
    database.close()

    (shown,) = remote._ask("GET", f"/api/predictions?task={task}")
    assert ("street/1", ["graffiti"]) == (shown["model_version"], shown["result"][0]["value"]["rectanglelabels"])
    remote._ask("DELETE", f"/api/projects/{project}/")


def label_config(label: str) -> str:
    return (
        f'<View><Image name="{TO_NAME}" value="$image"/>'
        f'<RectangleLabels name="{FROM_NAME}" toName="{TO_NAME}"><Label value="{label}"/></RectangleLabels></View>'
    )


def test_a_skipped_task_says_nothing_and_a_verdict_that_becomes_a_skip_is_taken_back(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str, street: Running
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(), point_code)
    task = until(lambda: task_of(remote, project, capture))
    skip = {"result": [], "was_cancelled": True}
    remote._ask("POST", f"/api/tasks/{task.id}/annotations/", skip)
    skipped = utc_text()
    until(lambda: street.query("SELECT 1 FROM label_projects WHERE last_sync_at > ?", skipped))
    assert "sent" == case_of(client, capture)["state"]

    annotation = remote.annotate(task.id, [])
    until(lambda: decided(client, capture))
    remote._ask("PATCH", f"/api/annotations/{annotation}/", {"was_cancelled": True})

    until(lambda: case_of(client, capture)["state"] == "sent")


def test_what_was_on_its_way_when_everything_was_killed_arrives_once(
    client: Client, street: Running, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    """One had arrived and nobody had noted it, one had not, and one may be in another worker's hands just now."""
    client.add_point(point_code)
    arrived, lost, moving = (send(client, photo_factory(), point_code) for _ in range(3))
    task = until(lambda: task_of(remote, project, arrived))
    for one in (lost, moving):
        remote._ask("DELETE", f"/api/tasks/{until(lambda one=one: task_of(remote, project, one)).id}/")  # type: ignore[misc]
    street.kill_all()
    for one, at in ((arrived, utc_text(-3600)), (lost, utc_text(-3600)), (moving, utc_text())):
        change(street, one, "state = 'sending', task = NULL, sent_at = :at", at=at)
    street.start()

    until(lambda: [case_of(client, one)["state"] for one in (arrived, lost)] == ["sent"] * 2)

    there = [one.data.get("capture") for one in remote.tasks(project)]
    assert [1, 1, 0] == [there.count(one["id"]) for one in (arrived, lost, moving)]
    assert task.id == case_of(client, arrived)["task"]
    assert "sending" == case_of(client, moving)["state"]


def test_a_task_that_waits_for_long_gets_a_new_link_and_one_that_is_gone_is_asked_no_more(
    client: Client, street: Running, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    waiting, gone = (send(client, photo_factory(), point_code) for _ in range(2))
    tasks = [until(lambda one=one: task_of(remote, project, one)) for one in (waiting, gone)]  # type: ignore[misc]
    until(lambda: [case_of(client, one)["state"] for one in (waiting, gone)] == ["sent"] * 2)
    webhooks(remote, project, active=False)
    remote._ask("DELETE", f"/api/tasks/{tasks[1].id}/")
    for one in (waiting, gone):
        change(street, one, "sent_at = :at", at=utc_text(-8 * 24 * 3600))

    def renewed() -> str | None:
        now = task_of(remote, project, waiting)
        return now.data["image"] if now and now.data["image"] != tasks[0].data["image"] else None

    link = until(renewed)
    until(lambda: case_of(client, gone)["state"] == "gone")

    webhooks(remote, project, active=True)
    assert 200 == httpx.get(link, trust_env=False).status_code
    assert "sent" == case_of(client, waiting)["state"]


def test_connecting_again_adopts_the_project(street: Running, label_studio: Server, project: int) -> None:
    assert f"project {project} adopted" in connect(street, label_studio)


def test_a_personal_access_token_is_renewed_when_it_runs_out(label_studio: Server, remote: LabelStudio) -> None:
    token = remote._ask("POST", "/api/token/", {})["token"]

    with LabelStudio(label_studio.url, token) as personal:
        assert "reviewer@example.org" == personal.who()
        personal._access = "ran.out.long-ago"
        assert "reviewer@example.org" == personal.who()


def test_a_wrong_token_and_a_wrong_address_are_told_in_words(street: Running, label_studio: Server) -> None:
    with LabelStudio(label_studio.url, "0" * 40) as wrong, pytest.raises(LabelStudioRefused, match="refused the token"):
        wrong.who()
    with LabelStudio(street.url, "0" * 40) as elsewhere, pytest.raises(LabelStudioRefused):
        elsewhere.version()


@pytest.mark.slow
def test_verdicts_by_the_hundred_come_back_once_each_by_webhook_and_without(
    label_studio: Server, project: int, model_folder: Path, tmp_path: Path
) -> None:
    """`benchmarks/review_load.py`, small."""
    reviewer, console = Reviewer(label_studio.url, label_studio.token), Console(quiet=True)
    settings = {"model_dir": str(model_folder.absolute()), "model_threads": "1", "review_poll_s": POLL_S}
    found = play(tmp_path, reviewer, console, tasks=60, **settings)
    reviewer.close()

    assert 60 == sum(one.tasks for one in found.stages) == len(reviewer.said)
    assert dict.fromkeys(found.wrong, 0) == found.wrong
    assert "verdicts lost" in found.wrong
    assert {"web", "worker"} == found.memory.keys()
