"""A client of the service with the verbs of an inspector, for tests in one process and over the wire alike."""

import time
from typing import Any

import httpx

PATIENCE_S = 300.0  # other programs share these processors


class Client:
    """Speaks to the service; what is not a verb here goes through `http`."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def upload(
        self,
        *photos: bytes | tuple[str, bytes],
        point: str | None = None,
        wait: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send photos; a bare one is called photo-1.jpg and so on."""
        named = [
            photo if isinstance(photo, tuple) else (f"photo-{number}.jpg", photo)
            for number, photo in enumerate(photos, start=1)
        ]
        wished = {"Prefer": f"wait={wait}"} if wait is not None else {}
        return self.http.post(
            "/api/v1/captures",
            files=[("photos", one) for one in named],
            data={"point_id": point} if point is not None else {},
            headers={**wished, **(headers or {})},
        )

    def take(self, *photos: bytes | tuple[str, bytes], point: str | None = None) -> list[dict[str, Any]]:
        """Send photos, all of which must be taken, and give the captures."""
        outcome = expect(self.upload(*photos, point=point))
        assert [] == outcome["refused"]
        return outcome["captures"]

    def wait(self, *captures: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the captures once the worker is through with all of them."""
        until = time.monotonic() + PATIENCE_S
        while True:
            now = [self.capture(one["id"]) for one in captures]
            if all(one["status"] in ("done", "failed") for one in now):
                return now
            assert time.monotonic() < until, f"still waiting: {[one['status'] for one in now]}"
            time.sleep(0.1)

    def capture(self, capture_id: str) -> dict[str, Any]:
        return expect(self.http.get(f"/api/v1/captures/{capture_id}"))

    def add_point(self, code: str, **changes: Any) -> dict[str, Any]:
        return expect(self.http.post("/api/v1/points", json=point_fields(code, **changes)))

    def add_post(self, code: str, **changes: Any) -> dict[str, Any]:
        return expect(self.http.post("/api/v1/posts", json={"code": code, "zh": f"{code} 岗"} | changes))

    def issues(self, **filters: Any) -> list[dict[str, Any]]:
        return self.all("/api/v1/issues", **filters)

    def open_issues(self, point: str) -> list[dict[str, Any]]:
        """Give the issues of a point that are neither closed nor rejected."""
        return self.issues(point=point, state=["open", "in_review"])

    def sightings(self, number: str) -> list[dict[str, Any]]:
        return self.all(f"/api/v1/issues/{number}/sightings")

    def events(self, number: str) -> list[dict[str, Any]]:
        return self.all(f"/api/v1/issues/{number}/events")

    def step(
        self, number: str, action: str, note: str = "seen on the spot", if_match: str | None = None, **fields: Any
    ) -> httpx.Response:
        headers = {"If-Match": if_match} if if_match else None
        body = {"action": action, "note": note, **fields}
        return self.http.post(f"/api/v1/issues/{number}/steps", json=body, headers=headers)

    def all(self, path: str, limit: int = 200, **params: Any) -> list[dict[str, Any]]:
        """Give every entry of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = {"limit": limit, **params, **({"cursor": cursor} if cursor else {})}
            page = expect(self.http.get(path, params=asked))
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items


def point_fields(code: str = "P01", **changes: Any) -> dict[str, Any]:
    """Give the fields of a legal point."""
    return {
        "code": code,
        "name": f"{code} 翠拥华庭东门",
        "category": "residential_estate",
        "community": "翠宁社区",
        "address": "翠宁路 1 号",
        "longitude": 114.1421,
        "latitude": 22.5683,
    } | changes


def expect(answer: httpx.Response) -> dict[str, Any]:
    """Give the content of a good answer."""
    assert answer.is_success, f"{answer.status_code} {answer.text[:2000]}"
    content: dict[str, Any] = answer.json()
    return content


def refusal(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Give the problem details of a refusal, which must be whole and have this status."""
    assert status == answer.status_code, answer.text[:2000]
    assert "application/problem+json" == answer.headers["content-type"]
    problem: dict[str, Any] = answer.json()
    assert problem["type"].startswith("urn:pointwatch:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert status == problem["status"]
    assert "Traceback" not in answer.text
    return problem
