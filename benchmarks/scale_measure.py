"""Ask a real web process over HTTP and keep how long each answer took."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

WARM_UP = 15  # requests of each question that are not counted
IDLE = "nothing: SELECT 1 through HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How long the answers to one question took."""

    question: str
    seconds: list[float]
    rows: float  # of an answer, on average; 1 where it is no list

    def percentile_ms(self, share: float) -> float:
        """Give the time within which a share of the answers came, in milliseconds (nearest rank)."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def questions(client: httpx.Client) -> dict[str, Callable[[random.Random], tuple[str, dict[str, Any]]]]:
    """Give what is asked, by name; each time of another point, community, class, state or issue."""
    issues = "/api/v1/issues"
    points = [one for one in _all(client, "/api/v1/points") if one["code"].startswith("SC-")]
    classes = [entry["code"] for kind in client.get("/api/v1/taxonomy").json()["kinds"] for entry in kind["classes"]]
    kinds = [kind["code"] for kind in client.get("/api/v1/taxonomy").json()["kinds"]]
    numbers = [one["number"] for one in client.get(issues, params={"limit": 200}).json()["items"]]
    numbers += [
        one["number"]
        for point in points[:: max(1, len(points) // 20)]
        for one in client.get(issues, params={"point": point["code"]}).json()["items"]
    ]
    cursors = [client.get(issues, params={"limit": 200, "state": "closed"}).json()["next"]]
    for _ in range(10):
        page = client.get(issues, params={"limit": 200, "state": "closed", "cursor": cursors[-1]}).json()
        cursors.append(page["next"])
    states = ["closed", "rejected", "merged", "open", "dispatched", "accepted", "in_progress", "rectified"]

    def point(chance: random.Random) -> str:
        return str(chance.choice(points)["code"])

    def community(chance: random.Random) -> str:
        return str(chance.choice(points)["community"])

    return {
        IDLE: lambda _: ("/readyz", {}),
        "list, newest": lambda _: (issues, {}),
        "list, deeper": lambda chance: (issues, {"state": "closed", "cursor": chance.choice(cursors)}),
        "list, one state": lambda chance: (issues, {"state": chance.choice(states)}),
        "list, all unfinished": lambda _: (issues, {"state": states[3:]}),
        "list, all finished": lambda _: (issues, {"state": states[:3]}),
        "list, one class": lambda chance: (issues, {"violation": chance.choice(classes)}),
        "list, one kind": lambda chance: (issues, {"kind": chance.choice(kinds)}),
        "list, one point": lambda chance: (issues, {"point": point(chance)}),
        "list, point, class, state": lambda chance: (
            issues,
            {"point": point(chance), "violation": chance.choice(classes), "state": chance.choice(states)},
        ),
        "list, one community": lambda chance: (issues, {"community": community(chance)}),
        "list, community, class, state": lambda chance: (
            issues,
            {"community": community(chance), "violation": chance.choice(classes), "state": chance.choice(states)},
        ),
        "list, overdue": lambda _: (issues, {"overdue": "true"}),
        "list, overdue, community": lambda chance: (issues, {"overdue": "true", "community": community(chance)}),
        "list, by due": lambda _: (issues, {"sort": "due"}),
        "list, by due, class": lambda chance: (issues, {"sort": "due", "violation": chance.choice(classes)}),
        "one issue": lambda chance: (f"{issues}/{chance.choice(numbers)}", {}),
        "its sightings": lambda chance: (f"{issues}/{chance.choice(numbers)}/sightings", {}),
        "its history": lambda chance: (f"{issues}/{chance.choice(numbers)}/events", {}),
        "the map's counts": lambda _: (f"{issues}/by-point", {}),
        "the dashboard's figures": lambda _: (f"{issues}/summary", {}),
    }


def _all(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = (
            client.get(path, params={"limit": 200, **({"cursor": cursor} if cursor else {})}).raise_for_status().json()
        )
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def ask(client: httpx.Client, times: int) -> list[Asked]:
    """Ask every question so many times, in turns, so that a machine that is busy for a while is busy for all."""
    chance = random.Random(7)
    wanted = questions(client)
    taken: dict[str, list[float]] = {name: [] for name in wanted}
    rows = dict.fromkeys(wanted, 0)
    for turn in range(WARM_UP + times):
        for name, make in wanted.items():
            path, params = make(chance)
            began = time.perf_counter()
            answer = client.get(path, params=params)
            took = time.perf_counter() - began
            answer.raise_for_status()
            if turn >= WARM_UP:
                taken[name].append(took)
                rows[name] += _rows(answer.json())
    return [Asked(question=name, seconds=seconds, rows=rows[name] / times) for name, seconds in taken.items()]


def _rows(answer: Any) -> int:
    if isinstance(answer, dict):
        answer = answer.get("items", [answer])
    return len(answer)
