"""Talking to a Label Studio server: what of its REST interface we use (1.23), with either kind of token.

Source: Label Studio's own API reference; what its documentation leaves out was read off a running server.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from api.errors import StreetError, Unavailable, Unfit

REQUEST_S = 60.0  # for Label Studio to answer
PAGE = 100  # tasks; fetching many with their annotations takes the server long
_TIMEOUT = httpx.Timeout(REQUEST_S, connect=5.0)
MOST_ANSWER_BYTES = 64 * 1024 * 1024


class LabelStudioAway(Unavailable):
    """Label Studio cannot be reached or is not ready; what waits is sent later."""

    code = "label_studio_away"


class LabelStudioRefused(Unfit):
    """Label Studio answered that it will not do this."""

    code = "label_studio_refused"


def never_arrived(error: StreetError) -> bool:
    """Say whether what was asked has surely changed nothing there: it was refused, or nobody was reached."""
    return error.facts.get("status") is not None or error.facts.get("reached") is False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTask:
    """A task as Label Studio has it, with its annotations."""

    id: int
    data: dict[str, Any]
    annotations: list[dict[str, Any]]
    updated_at: datetime


class LabelStudio:
    """One server and one person's token. May be used from several threads."""

    def __init__(self, url: str, token: str) -> None:
        self._token = token.strip()
        self._access = ""  # of a personal token; good for about five minutes
        self._renewing = threading.Lock()
        self._clock: datetime | None = None
        self._http = httpx.Client(base_url=url.rstrip("/"), timeout=_TIMEOUT, trust_env=False, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def is_personal(self) -> bool:
        """Say whether the token is a personal one (a JWT that renews) rather than a legacy one."""
        return self._token.count(".") == 2

    def clock(self) -> datetime | None:
        """Give the server's own time at its latest answer, to the second; None where it does not say."""
        return self._clock

    # --- the server -------------------------------------------------------------------------------------------------
    def version(self) -> str:
        """Give the server's release, e.g. "1.23.0"; proves that it answers and what it is."""
        said = self._ask("GET", "/api/version")
        release = said.get("release") if isinstance(said, dict) else None
        if not isinstance(release, str):
            raise LabelStudioRefused(
                "This address answers, but not as Label Studio does. Give the server's own address."
            )
        return release

    def who(self) -> str:
        """Give whose token this is, by e-mail."""
        return str(self._ask("GET", "/api/current-user/whoami")["email"])

    def users(self) -> dict[int, str]:
        """Give the e-mail of each user by id."""
        return {one["id"]: one["email"] for one in self._ask("GET", "/api/users")}

    # --- the project ------------------------------------------------------------------------------------------------
    def find_project(self, title: str) -> int | None:
        """Give the project of this title, None where there is none."""
        for page in self._pages("/api/projects", {"title": title}):
            for one in page:
                if one["title"] == title:
                    return int(one["id"])
        return None

    def make_project(self, title: str, label_config: str, description: str) -> int:
        """Make a project and give its id."""
        wanted = {
            "title": title,
            "description": description,
            "label_config": label_config,
            "show_collab_predictions": True,
            "maximum_annotations": 1,
        }
        return int(self._ask("POST", "/api/projects", wanted)["id"])

    def set_config(self, project: int, label_config: str) -> None:
        """Give a project our labelling page."""
        self._ask("PATCH", f"/api/projects/{project}", {"label_config": label_config})

    def set_model_version(self, project: int, version: str) -> None:
        """Let the project show the predictions of this model version."""
        self._ask("PATCH", f"/api/projects/{project}", {"model_version": version})

    # --- webhooks and the model behind the page ---------------------------------------------------------------------
    def hook(self, project: int, url: str, headers: dict[str, str], actions: Sequence[str]) -> None:
        """Have the server tell `url` of annotations; replaces an earlier hook to the same address."""
        wanted = {
            "project": project,
            "url": url,
            "headers": headers,
            "actions": list(actions),
            "send_payload": True,
            "send_for_all_actions": False,
            "is_active": True,
        }
        for one in self._ask("GET", f"/api/webhooks/?project={project}"):
            if one["url"] == url:
                self._ask("PATCH", f"/api/webhooks/{one['id']}/", wanted)
                return
        self._ask("POST", "/api/webhooks/", wanted)

    def back(self, project: int, url: str, *, title: str, user: str, password: str) -> None:
        """Register our model behind the labelling page; replaces an earlier one at the same address."""
        wanted = {
            "project": project,
            "url": url,
            "title": title,
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": user,
            "basic_auth_pass": password,
            "is_interactive": False,
        }
        for one in self._ask("GET", f"/api/ml?project={project}"):
            if one["url"] == url:
                self._ask("PATCH", f"/api/ml/{one['id']}", wanted)
                return
        self._ask("POST", "/api/ml", wanted)

    # --- tasks ------------------------------------------------------------------------------------------------------
    def send(self, project: int, tasks: Sequence[dict[str, Any]]) -> list[int]:
        """Import tasks with their predictions and give their ids, in order.

        On SQLite, Label Studio (1.23) tries an import again when its database is locked, with the predictions already
        taken out of the tasks: it then says that it made none, and they are sent after it.
        """
        said = self._ask("POST", f"/api/projects/{project}/import?return_task_ids=true", list(tasks))
        ids = said.get("task_ids") or []
        if len(ids) != len(tasks):
            raise LabelStudioRefused(f"Label Studio took {len(ids)} of {len(tasks)} tasks.")
        drawn = [
            {"task": number, **one}
            for number, task in zip(ids, tasks, strict=True)
            for one in task.get("predictions", ())
        ]
        if drawn and said.get("prediction_count") == 0:
            self._ask("POST", f"/api/projects/{project}/import/predictions", drawn)
        return [int(one) for one in ids]

    def tasks(self, project: int, *, since: datetime | None = None) -> Iterator[RemoteTask]:
        """Give the project's tasks with their annotations, the latest changed first: all, or those changed since."""
        query: dict[str, Any] = {"ordering": ["-tasks:updated_at"]}
        if since is not None:
            moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            changed = {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime"}
            query["filters"] = {"conjunction": "and", "items": [{**changed, "value": moment}]}
        params = {"project": project, "fields": "all", "query": json.dumps(query)}
        for page in self._pages("/api/tasks", params, key="tasks"):
            for one in page:
                yield _remote(one)

    def tasks_of(self, project: int, ids: Sequence[int]) -> list[RemoteTask]:
        """Give those of at most a page of tasks that are still in the project."""
        if not ids or len(ids) > PAGE:
            raise ValueError(f"from 1 to {PAGE} tasks can be asked for at once, not {len(ids)}")
        query = json.dumps({"selectedItems": {"all": False, "included": list(ids)}})
        params = httpx.QueryParams({"project": project, "fields": "all", "query": query, "page_size": PAGE})
        return [_remote(one) for one in self._ask("GET", f"/api/tasks?{params}")["tasks"]]

    def set_data(self, task_id: int, data: dict[str, Any]) -> None:
        """Change what a task shows; its annotations stay."""
        self._ask("PATCH", f"/api/tasks/{task_id}", {"data": data})

    def annotate(self, task_id: int, result: list[dict[str, Any]]) -> int:
        """Add an annotation as the token's owner and give its id."""
        return int(self._ask("POST", f"/api/tasks/{task_id}/annotations/", {"result": result})["id"])

    # --- requests ---------------------------------------------------------------------------------------------------
    def _pages(self, path: str, params: dict[str, Any], key: str = "results") -> Iterator[list[Any]]:
        number = 1
        while True:
            query = httpx.QueryParams({**params, "page": number, "page_size": PAGE})
            try:
                said = self._ask("GET", f"{path}?{query}")
            except LabelStudioRefused as error:
                if number > 1 and error.facts.get("status") == 404:  # its way to say that the last page was the last
                    return
                raise
            page = said if isinstance(said, list) else said.get(key, said.get("results", []))
            yield page
            if len(page) < PAGE:
                return
            number += 1

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._request(method, path, body)
        if answer.status_code == 401 and self.is_personal:
            self._renew(self._access)
            answer = self._request(method, path, body)
        where = path.partition("?")[0]
        if answer.status_code in (401, 403):
            kind = "personal access" if self.is_personal else "legacy"
            raise LabelStudioRefused(
                f"Label Studio refused the token ({answer.status_code}). It was used as a {kind} token; legacy tokens "
                "must be enabled in the organisation's settings, personal ones expire.",
                status=answer.status_code,
            )
        if answer.status_code >= 500 or answer.status_code == 429:
            raise LabelStudioAway(f"Label Studio answered {answer.status_code} to {method} {where}.")
        if not answer.is_success:
            raise LabelStudioRefused(
                f"Label Studio answered {answer.status_code} to {method} {where}: {answer.text[:300]}",
                status=answer.status_code,
            )
        if not answer.content:
            return {}
        try:
            return answer.json()
        except ValueError:
            raise LabelStudioRefused("This address answers, but not as Label Studio does.") from None

    def _request(self, method: str, path: str, body: object) -> httpx.Response:
        if self.is_personal and not self._access:
            self._renew("")
        scheme, token = ("Bearer", self._access) if self.is_personal else ("Token", self._token)
        try:
            answer = self._http.request(method, path, json=body, headers={"Authorization": f"{scheme} {token}"})
        except httpx.HTTPError as error:
            raise _away(error) from error
        with contextlib.suppress(KeyError, ValueError):
            self._clock = parsedate_to_datetime(answer.headers["date"])
        return answer

    def _renew(self, spent: str) -> None:
        with self._renewing:
            if self._access != spent:
                return  # another thread has just done it
            try:
                answer = self._http.post("/api/token/refresh/", json={"refresh": self._token})
            except httpx.HTTPError as error:
                raise _away(error) from error
            if answer.status_code >= 500:
                raise LabelStudioAway(f"Label Studio answered {answer.status_code} when asked to renew the token.")
            if not answer.is_success:
                raise LabelStudioRefused(
                    "Label Studio does not renew this personal access token: it was revoked or has expired. "
                    "Make a new one under Account & Settings.",
                    status=answer.status_code,
                )
            self._access = str(answer.json()["access"])


def _away(error: httpx.HTTPError) -> LabelStudioAway:
    reached = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
    return LabelStudioAway(f"Label Studio cannot be reached: {type(error).__name__}.", reached=reached)


def _remote(said: dict[str, Any]) -> RemoteTask:
    return RemoteTask(
        id=int(said["id"]),
        data=said.get("data") or {},
        annotations=[one for one in said.get("annotations") or [] if isinstance(one, dict)],
        updated_at=datetime.fromisoformat(said["updated_at"]),
    )
