"""A Label Studio, and somebody who reviews in it through its own API and never speaks with the service."""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from api.review.config import FROM_NAME, TO_NAME, code_of
from api.review.connecting import TITLE
from benchmarks.service import free_port
from cli.labels import start_label_studio

SEED = 20261124
ALONE = 500  # tasks that Label Studio is given without us, to know what it takes by itself
AT_ONCE = 50  # tasks in one import of these, as the service sends them
PAGE = 100


class Reviewer:
    """Somebody who works in Label Studio; speaks with it alone, and remembers what was said of which capture."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Token {token}"}, timeout=300, trust_env=False
        )
        self._chance = random.Random(SEED)
        self.said: dict[str, list[str]] = {}
        self.said_at: dict[str, datetime] = {}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask Label Studio; a refusal ends the run with its words."""
        answer = self._http.request(method, path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def project(self) -> dict[str, Any]:
        """Give the project that the service has made."""
        return next(one for one in self.ask("GET", "/api/projects/")["results"] if one["title"] == TITLE)

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """Give every task of a project with what the model drew on it."""
        found: list[dict[str, Any]] = []
        for number in count(1):
            said = self.ask("GET", f"/api/tasks?project={project}&fields=all&page={number}&page_size={PAGE}")
            found += said["tasks"]
            if len(found) >= said["total"]:
                break
        return found

    def hear_webhooks(self, project: int, active: bool) -> None:
        """Switch the project's webhooks; their actions are said again, since a change without them takes them away."""
        for hook in self.ask("GET", f"/api/webhooks/?project={project}"):
            self.ask("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": active, "actions": hook["actions"]})

    def say(self, task: dict[str, Any], texts: Sequence[str]) -> None:
        """Leave the model's boxes, remove them, call one something else or add one, as the lot falls."""
        boxes = [dict(one, value=dict(one["value"])) for one in _drawn(task)]
        drawn = self._chance.random()
        if drawn < 0.25:
            boxes = []
        elif drawn < 0.4 and boxes:
            boxes[0]["value"]["rectanglelabels"] = [self._chance.choice(texts)]
        elif drawn < 0.55:
            boxes.append(_box(self._chance.choice(texts)))
        self._note(task, boxes)
        self.ask("POST", f"/api/tasks/{task['id']}/annotations/", {"result": boxes})
        self.said_at[task["data"]["capture"]] = datetime.now(UTC)

    def accept(self, project: int, tasks: Sequence[dict[str, Any]]) -> None:
        """Take the model's boxes of many tasks at once, with the action of Label Studio's own task list."""
        for one in tasks:
            self._note(one, _drawn(one))
        chosen = {"all": False, "included": [one["id"] for one in tasks]}
        self.ask("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project}", {"selectedItems": chosen})

    def alone(self, tasks: Sequence[dict[str, Any]], config: str) -> dict[str, float]:
        """Give the tasks a second that Label Studio takes and gives back when nobody else is at it."""
        number = self.ask("POST", "/api/projects/", {"title": "Alone", "label_config": config})["id"]
        sent = [
            {"data": one["data"], "predictions": [{"model_version": "alone", "score": 0.5, "result": _drawn(one)}]}
            for one in tasks[:ALONE]
        ]
        began = time.monotonic()
        for start in range(0, len(sent), AT_ONCE):
            self.ask("POST", f"/api/projects/{number}/import?return_task_ids=true", sent[start : start + AT_ONCE])
        taken = time.monotonic()
        self.tasks(number)
        given = time.monotonic()
        self.ask("DELETE", f"/api/projects/{number}/")
        return {"taking": len(sent) / (taken - began), "giving": len(sent) / (given - taken)}

    def close(self) -> None:
        """Leave."""
        self._http.close()

    def _note(self, task: dict[str, Any], boxes: Sequence[dict[str, Any]]) -> None:
        self.said[task["data"]["capture"]] = sorted(code_of(one["value"]["rectanglelabels"][0]) for one in boxes)


def _drawn(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [box for one in task["predictions"][:1] for box in one["result"]]


def _box(text: str) -> dict[str, Any]:
    value = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": [text]}
    return {
        "type": "rectanglelabels", "from_name": FROM_NAME, "to_name": TO_NAME, "original_width": 100,
        "original_height": 100, "image_rotation": 0, "value": value,
    }  # fmt: skip


@contextlib.contextmanager
def label_studio(program: Path, data: Path) -> Iterator[Reviewer]:
    """Run a Label Studio and give its user."""
    port = free_port()
    server = start_label_studio(program, data, port)
    reviewer = Reviewer(f"http://127.0.0.1:{port}", (data / "token").read_text(encoding="ascii").strip())
    try:
        yield reviewer
    finally:
        reviewer.close()
        server.terminate()
        server.wait(60)
