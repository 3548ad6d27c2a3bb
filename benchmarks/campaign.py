"""`python -m benchmarks.campaign`: a week of a 43-point campaign through the HTTP API, and its bulletin counted twice.

Inspectors send photos and report by hand, reviewers decide, departments work, ask for time and come when a community
whistles, leaders grant, supervisors sign off, problems come back. Then the bulletin's figures are compared with ones
counted here from the audit log, event by event. The days follow each other as fast as the service answers. Ends with 1
on any difference.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.service import running
from detector import shipped

POINTS = 43
COMMUNITIES = 6
PHOTO_SHARE = 0.3  # of the captures: photos that the model looks at; the rest is reported by hand
ENDED = frozenset(("closed", "rejected", "merged"))
SUSPECTED = frozenset(("lead", "in_review"))
FIGURES = (
    "found", "reopened", "opened", "closed", "closed_in_time", "rejected", "merged", "rectified", "unfinished",
    "notified",
)  # fmt: skip
Counted = dict[str, dict[str, Counter[str]]]  # group: code: figure: how many
DOCUMENTS = ("docx", "xlsx", "html")
OFFICE = ("viewer", "inspector", "reviewer", "handler", "secretary", "line_leader", "supervisor", "admin")


class Person:
    """Somebody of the office with a key of their own."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **params: Any) -> Any:
        """Ask for something."""
        return self._client.get(f"/api/v1/{path}", params=params, headers=self._headers).raise_for_status().json()

    def read(self, path: str, **params: Any) -> bytes:
        """Give a document."""
        return self._client.get(f"/api/v1/{path}", params=params, headers=self._headers).raise_for_status().read()

    def post(self, path: str, content: dict[str, Any] | None = None, **more: Any) -> Any:
        """Do something; a refusal ends the campaign with its words."""
        answer = self._client.post(f"/api/v1/{path}", json=content, headers=self._headers, **more)
        if answer.is_error:
            raise RuntimeError(f"POST {path} {content}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def step(self, number: str, action: str, **fields: Any) -> dict[str, Any]:
        """Take one step on an issue."""
        done: dict[str, Any] = self.post(f"issues/{number}/steps", {"action": action, **fields})
        return done

    def all(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Give every entry of a list."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, limit=200, **params, **cursor)
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}


class Photos:
    """The demo's photos, each time with other bytes: a comment in the file changes nothing that can be seen."""

    def __init__(self) -> None:
        folder = shipped("datasets/demo/photos")
        self._scenes = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.jpg"))}
        self._taken = 0

    def take(self, chance: random.Random, *, clean: bool = False) -> bytes:
        """Give a photo of one of the scenes, or of a street with nothing on it."""
        scene = "clean_street" if clean else chance.choice(list(self._scenes))
        self._taken += 1
        comment = f"campaign {self._taken}".encode()
        content = self._scenes[scene]
        return content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + content[2:]


@dataclass(kw_only=True)
class Campaign:
    """The office at work."""

    people: dict[str, Person]
    points: list[str]
    classes: list[str]
    departments: list[str]
    chance: random.Random
    photos: Photos = field(default_factory=Photos)
    done: Counter[str] = field(default_factory=Counter)

    def patrol(self, captures: int) -> None:
        """Send what one day's inspectors find, every point in turn."""
        inspector = self.people["inspector"]
        sent: list[str] = []
        for at in range(captures):
            point = self.points[at % len(self.points)]
            if self.chance.random() < PHOTO_SHARE:
                files = [("photos", ("street.jpg", self.photos.take(self.chance), "image/jpeg"))]
                outcome = inspector.post("captures", files=files, data={"point_id": point})
                sent += [one["id"] for one in outcome["captures"]]
                self.done["photos"] += 1
            else:
                inspector.post(
                    "issues", {"point": point, "class_code": self.chance.choice(self.classes), "note": "巡查"}
                )
                self.done["reports by hand"] += 1
        for capture in sent:
            self._await(capture)

    def _await(self, capture: str) -> None:
        until = datetime.now(UTC) + timedelta(minutes=10)
        while self.people["viewer"].get(f"captures/{capture}")["status"] not in ("done", "failed"):
            if datetime.now(UTC) > until:
                raise RuntimeError(f"capture {capture} stands still")

    def work(self) -> None:
        """Let the office go through everything that waits."""
        waiting = list(self.people["viewer"].all("issues", state=["lead", "in_review"]))
        for issue in waiting:
            self._review(issue)
        for issue in list(self.people["viewer"].all("issues", state=["open"])):
            if self.chance.random() < 0.85:  # the rest waits until tomorrow
                self._see_to(issue)

    def _review(self, issue: dict[str, Any]) -> None:
        drawn, reviewer = self.chance.random(), self.people["reviewer"]
        if drawn < 0.12:
            reviewer.step(issue["number"], "reject", note="现场核实无此问题")
            self.done["rejected"] += 1
            return
        others = [
            one
            for one in reviewer.all("issues", point=issue["point"]["code"], state=["open"])
            if one["number"] != issue["number"]
        ]
        if drawn < 0.15 and others:
            reviewer.step(issue["number"], "merge", into=others[0]["number"])
            self.done["merged"] += 1
            return
        reviewer.step(issue["number"], "confirm")

    def _see_to(self, issue: dict[str, Any]) -> None:
        number, handler = issue["number"], self.people["handler"]
        if self.chance.random() < 0.03:
            self.people["supervisor"].step(number, "mark_notified", level=self.chance.choice(["city", "district"]))
            self.done["notified by superiors"] += 1
        self.people["secretary"].step(number, "dispatch")
        if self.chance.random() < 0.03:
            handler.step(number, "return", note="不属本部门职责")
            self.people["reviewer"].step(number, "dispatch", department=self.chance.choice(self.departments))
            self.done["returned"] += 1
        handler.step(number, "accept")
        handler.step(number, "start")
        if self.chance.random() < 0.1:
            self._ask_for_time(number)
        if self.chance.random() < 0.05:
            self._whistle(number)
        if self.chance.random() < 0.9:
            self._put_right(number)

    def _ask_for_time(self, number: str) -> None:
        until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        self.people["handler"].step(number, "request_extension", until=until, note="需要协调")
        if self.chance.random() < 0.7:
            self.people["line_leader"].step(number, "grant_extension")
        else:
            self.people["line_leader"].step(number, "refuse_extension", note="请按期完成")
        self.done["extensions asked for"] += 1

    def _whistle(self, number: str) -> None:
        called = self.chance.sample(self.departments, 2)
        self.people["secretary"].post(f"issues/{number}/whistles", {"departments": called, "note": "请到场处理"})
        for department in called:
            self.people["handler"].post(f"issues/{number}/whistles/{department}/arrive")
            self.people["handler"].post(f"issues/{number}/whistles/{department}/finish", {"note": "已处理"})
        self.people["secretary"].post(f"issues/{number}/whistles/end", {"note": "完成"})
        for department in called:
            self.people["secretary"].post(f"issues/{number}/whistles/{department}/rate", {"rating": 4})
        self.done["whistles"] += 1

    def _put_right(self, number: str) -> None:
        files = [("photos", ("after.jpg", self.photos.take(self.chance, clean=True), "image/jpeg"))]
        for tried in range(2):
            self.people["handler"].post(f"issues/{number}/after-photos", files=files)
            self.people["handler"].step(number, "rectify")
            if tried or self.chance.random() < 0.9:
                break
            self.people["supervisor"].step(number, "refuse", note="仍有残留")
            self.done["refused"] += 1
            files = [("photos", ("after.jpg", self.photos.take(self.chance, clean=True), "image/jpeg"))]
        self.people["supervisor"].step(number, "sign_off")
        self.done["signed off"] += 1


def open_office(admin: Person, client: httpx.Client, seed: int) -> Campaign:
    """Add the points and somebody of each role, each with a key."""
    catalogue = admin.get("taxonomy")
    categories = [one["code"] for one in catalogue["place_categories"]]
    points = []
    for at in range(POINTS):
        fields = {
            "code": f"CP-{at + 1:02d}",
            "name": f"创文点位{at + 1:02d}",
            "category": categories[at % len(categories)],
            "community": f"创文社区{at % COMMUNITIES + 1}",
            "longitude": 114.13 + 0.002 * (at % 7),
            "latitude": 22.55 + 0.002 * (at // 7),
        }
        points.append(admin.post("points", fields)["code"])
    people = {
        role: Person(client, admin.post("keys", {"name": f"campaign {role}", "role": role})["key"]) for role in OFFICE
    }
    return Campaign(
        people=people,
        points=points,
        classes=[one["code"] for kind in catalogue["kinds"] for one in kind["classes"] if one["enabled"]],
        departments=[one["code"] for one in catalogue["departments"]],
        chance=random.Random(seed),
    )


@dataclass(kw_only=True)
class Run:
    """One run of an issue, as the log tells it."""

    opened: bool = False
    ended: str | None = None
    notified: bool = False
    done_at: str | None = None  # when it was put right, if that stood
    late: bool = False


def moment(text: str) -> datetime:
    """Read a moment as the log writes it."""
    return datetime.fromisoformat(text)


def runs_of(events: list[dict[str, Any]]) -> list[Run]:
    """Tell the runs of one issue from its events, oldest first: a new one begins whenever it comes back."""
    runs: list[Run] = []
    for event in events:
        before, after = event["before"], event["after"]
        if after is not None and after not in ENDED and (before is None or before in ENDED):
            runs.append(Run())
        run = runs[-1]
        if after is not None and after not in ENDED and after not in SUSPECTED:
            run.opened = True
        if after in ENDED and before not in ENDED:
            run.ended = after
            due_at = event["data"].get("due_at")
            run.late = due_at is not None and moment(run.done_at or event["at"]) > moment(due_at)
        if after == "rectified":
            run.done_at = event["at"]
        elif before == "rectified" and after not in ENDED:
            run.done_at = None
        run.notified |= event["action"] == "mark_notified"
    return runs


def counted(runs: list[Run]) -> Counter[str]:
    """Count the runs of one issue as a bulletin does; everything happened in its week."""
    figures: Counter[str] = Counter()
    for ordinal, run in enumerate(runs):
        figures["reopened" if ordinal else "found"] += 1
        figures["opened"] += run.opened
        figures["closed"] += run.opened and run.ended == "closed"
        figures["closed_in_time"] += run.opened and run.ended == "closed" and not run.late
        figures["rectified"] += run.opened and run.ended == "closed"
        figures["rejected"] += run.ended == "rejected"
        figures["merged"] += run.ended == "merged"
        figures["unfinished"] += run.opened and run.ended is None
        figures["notified"] += run.opened and run.notified
    return figures


def count_log(supervisor: Person) -> Counted:
    """Count from the audit log: in all, by kind, class, community and point."""
    by_issue: dict[str, list[dict[str, Any]]] = defaultdict(list)
    seq = 0
    while page := supervisor.get(f"audit/after/{seq}", limit=200):
        for event in page:
            if event["subject_kind"] == "issue":
                by_issue[event["subject_id"]].append(event)
        seq = page[-1]["seq"]
    issues = {one["id"]: one for one in supervisor.all("issues")}
    figures: Counted = {name: defaultdict(Counter) for name in ("total", "kind", "class", "community", "point")}
    for issue_id, events in by_issue.items():
        issue, found = issues[issue_id], counted(runs_of(events))
        figures["total"]["all"] += found
        figures["kind"][issue["kind"]["code"]] += found
        figures["class"][issue["violation"]["code"]] += found
        figures["community"][issue["point"]["community"]] += found
        figures["point"][issue["point"]["code"]] += found
    return figures


def read_bulletin(bulletin: dict[str, Any]) -> Counted:
    """Give the same figures as a bulletin has them."""

    def of(groups: list[dict[str, Any]]) -> dict[str, Counter[str]]:
        return {one["of"]["code"]: figures(one["counts"]) for one in groups}

    def figures(counts: dict[str, Any]) -> Counter[str]:
        return Counter({name: counts[name] for name in FIGURES})

    return {
        "total": {"all": figures(bulletin["total"])},
        "kind": of(bulletin["by_kind"]),
        "class": of(bulletin["by_class"]),
        "community": of(bulletin["by_community"]),
        "point": of(bulletin["by_point"]),
    }


def differences(ours: Counted, theirs: Counted) -> list[str]:
    """Say where the two differ."""
    return [
        f"{group} {key}, {name}: {ours[group].get(key, Counter())[name]} in the log, "
        f"{theirs[group].get(key, Counter())[name]} in the bulletin"
        for group in ours
        for key in sorted({*ours[group], *theirs[group]})
        for name in FIGURES
        if ours[group].get(key, Counter())[name] != theirs[group].get(key, Counter())[name]
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of a campaign."""

    done: Counter[str]  #: what people did
    counted: Counted  #: from the log
    differences: list[str]  #: where the bulletin says something else
    documents: dict[str, int]  #: bytes of the bulletin by format


def play(client: httpx.Client, console: Console, *, captures: int, days: int, seed: int) -> Played:
    """Play the campaign and print what happened."""
    admin = Person(client, client.headers["Authorization"].partition(" ")[2])
    campaign = open_office(admin, client, seed)
    for _ in track(range(days), description=f"{days} days", console=console):
        campaign.patrol(captures // days)
        campaign.work()
    year, week, _day = datetime.now(ZoneInfo("Asia/Shanghai")).isocalendar()
    viewer, period = campaign.people["viewer"], {"week": f"{year}-{week:02d}"}
    bulletin = viewer.get("bulletins/preview", **period)
    documents = {one: len(viewer.read("bulletins/preview", format=one, **period)) for one in DOCUMENTS}
    ours, theirs = count_log(campaign.people["supervisor"]), read_bulletin(bulletin)
    table = Table(title=f"{captures} captures at {POINTS} points in {days} days; done: {dict(campaign.done)}")
    for name in ("figure", "from the log", "in the bulletin"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name in FIGURES:
        table.add_row(name, str(ours["total"]["all"][name]), str(theirs["total"]["all"][name]))
    console.print(table)
    sizes = ", ".join(f"{size // 1024} KiB as {name}" for name, size in documents.items())
    compared = sum(len({*ours[group], *theirs[group]}) * len(FIGURES) for group in ours)
    console.print(f"{compared} figures compared, in all and by {', '.join(list(ours)[1:])}; the bulletin: {sizes}")
    return Played(done=campaign.done, counted=ours, differences=differences(ours, theirs), documents=documents)


def main() -> int:
    """Play it on a fresh service; 0 where both counts agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--captures", type=int, default=2000, help="photos and reports by hand (default: %(default)s)")
    parser.add_argument("--days", type=int, default=7, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    wanted = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, running("serve", Path(folder) / "var") as client:
        found = play(client, console, captures=wanted.captures, days=wanted.days, seed=wanted.seed).differences
    for line in found:
        console.print(f"DIFFERS {line}")
    console.print("The bulletin says what the log says." if not found else f"{len(found)} differences.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
