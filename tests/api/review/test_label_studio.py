"""Review in a real Label Studio: out with boxes, back with verdicts, whatever happens on the way."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api.review.config import FROM_NAME, TO_NAME, code_of
from api.review.connecting import HOOK_HEADER, TITLE
from api.review.labelstudio import LabelStudio, LabelStudioRefused, RemoteTask
from tests.api.client import Client
from tests.api.photographs import PhotoFactory
from tests.api.review.conftest import Server
from tests.api.running import ROOT, Running

SOON_S = 5.0
PATIENCE_S = 120.0  # other programs share these processors
POLL_S = "2"


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
    hooks = remote._ask("GET", f"/api/webhooks/?project={project}")
    for hook in hooks:
        remote._ask("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": False})

    remote.annotate(task.id, [])
    until(lambda: decided(client, capture))

    for hook in hooks:
        remote._ask("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": True})
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

    assert 401 == httpx.post(where, json=forged, trust_env=False).status_code
    assert 401 == httpx.post(where, json=forged, headers={HOOK_HEADER: "guess"}, trust_env=False).status_code
    assert 401 == httpx.post(where, json=forged, auth=("pointwatch", "guess"), trust_env=False).status_code


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


def test_reviewers_who_contradict_each_other_ask_a_third(
    client: Client, remote: LabelStudio, project: int, photo_factory: PhotoFactory, point_code: str
) -> None:
    client.add_point(point_code)
    capture = send(client, photo_factory(of="exposed_garbage"), point_code)
    task = until(lambda: task_of(remote, project, capture))
    remote.annotate(task.id, [])
    until(lambda: decided(client, capture))

    garbage = {"code": "exposed_garbage", "box": [1, 1, 20, 20]}
    said = client.http.put(f"/api/v1/review/cases/{capture['id']}/verdict", json={"boxes": [garbage]})

    assert ("disputed", None) == (said.json()["state"], said.json()["boxes"])


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
