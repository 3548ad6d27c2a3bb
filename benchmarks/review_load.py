"""`python -m benchmarks.review_load`: thousands of tasks to a real Label Studio, and their verdicts taken back.

Fills a service with captures that the model has seen something on, connects it to a Label Studio started here, and lets
a scripted reviewer say something of every task: one by one and all at once, told by webhooks and with the webhook
switched off, so that only the reconciling poll can bring it. Then it counts in Label Studio and in the database what is
there twice and what was lost. Ends with 1 where anything was.
"""

import argparse
import contextlib
import html
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

import httpx
import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from api.audit.tables import AuditEvent
from api.database import Database
from api.issues.tables import Issue, Sighting
from api.review.schemas import CaseState
from api.review.tables import LabelProject, ReviewCase, Verdict
from api.settings import Settings
from benchmarks.review_captures import fill
from benchmarks.review_people import AT_ONCE, Reviewer, label_studio
from benchmarks.service import ROOT, running

SEED = 20261124
STALL_S = 300.0  # without anything new: then it is called lost
LOOK_EVERY_S = 0.5
REVIEWERS = 2  # who give single verdicts side by side
PROGRAM = Path(os.environ.get("POINTWATCH_LABEL_STUDIO") or ROOT / ".venv-labels" / "bin" / "label-studio")
#: Shares of the tasks on which something is said in each way; the last takes the rest.
SHARES = (0.1, 0.4, 0.4)


class Meter:
    """Watches the resident memory of the service's processes, in MiB, until it is told to stop."""

    def __init__(self, data_dir: Path) -> None:
        self.peak: Counter[str] = Counter()
        self._data_dir = str(data_dir)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def now(self) -> dict[str, int]:
        """Give what the web process and the worker hold now."""
        held: dict[str, int] = {}
        for one in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = one.cmdline()
                ours = one.environ().get("POINTWATCH_DATA_DIR") == self._data_dir
                if ours and words[-1:] in (["web"], ["worker"]):
                    held[words[-1]] = round(one.memory_info().rss / 2**20)
        return held

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            self.peak |= Counter(self.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One way in which verdicts came, and how long they took."""

    way: str
    tasks: int
    saying_s: float  #: Label Studio's own time until it had all of them
    behind_s: float  #: from then until the last was decided here
    taking_s: float  #: from the first decision to the last
    lags_s: Sequence[float] = ()  #: of single ones: from Label Studio's answer to the reviewer until the decision

    @property
    def rate(self) -> float:
        """Give the decisions a second while they came."""
        return self.tasks / max(self.taking_s, 1e-3)


@dataclass(kw_only=True)
class Found:
    """What a run has shown."""

    tasks: int
    pushing_s: float = 0.0
    alone: dict[str, float] = field(default_factory=dict)  #: tasks a second of Label Studio by itself
    stages: list[Stage] = field(default_factory=list)
    memory: dict[str, dict[str, int]] = field(default_factory=dict)  #: MiB of each process: before, peak, after
    wrong: dict[str, int] = field(default_factory=dict)  #: what is there twice or not at all


class Books:
    """Reads the service's database beside the service."""

    def __init__(self, data_dir: Path) -> None:
        self._database = Database(Settings(data_dir=data_dir).database)

    def captures(self) -> set[str]:
        """Give the captures that are to be reviewed."""
        with self._database.read() as session:
            return {str(one) for one in session.scalars(sa.select(ReviewCase.capture_id))}

    def states(self) -> Counter[str]:
        """Count the cases in each state."""
        with self._database.read() as session:
            return Counter(
                dict(session.execute(sa.select(ReviewCase.state, sa.func.count()).group_by(ReviewCase.state)).all())
            )

    def pushing_s(self) -> float:
        """Give the seconds from the connection to the moment at which the last task was known to be there."""
        with self._database.read() as session:
            began = session.scalars(sa.select(LabelProject.connected_at)).one()
            return (session.scalars(sa.select(sa.func.max(ReviewCase.sent_at))).one() - began).total_seconds()

    def decided(self) -> dict[str, tuple[datetime, list[str]]]:
        """Give when each capture was decided, and the classes of the boxes that people left on it."""
        query = sa.select(ReviewCase.capture_id, ReviewCase.decided_at, ReviewCase.boxes)
        with self._database.read() as session:
            return {
                str(row.capture_id): (row.decided_at, sorted(one["code"] for one in row.boxes))
                for row in session.execute(query.filter_by(state=CaseState.decided))
            }

    def twice(self) -> dict[str, int]:
        """Count what may be there once only."""
        log = sa.select(AuditEvent.capture_id).filter_by(action="reviewed").group_by(AuditEvent.capture_id)
        unfinished = sa.select(Issue.point_id).where(Issue.closed_at.is_(None))
        counted = {
            "captures with several cases": sa.select(ReviewCase.capture_id).group_by(ReviewCase.capture_id),
            "cases with several verdicts of one reviewer": sa.select(Verdict.case_id).group_by(Verdict.case_id),
            "captures decided several times": log,
            "points with several open issues of a kind": unfinished.group_by(Issue.point_id, Issue.class_code),
            "captures that are several sightings of a kind": sa.select(Sighting.capture_id).group_by(
                Sighting.capture_id, Sighting.class_code
            ),
        }
        with self._database.read() as session:
            return {
                what: session.scalar(
                    sa.select(sa.func.count()).select_from(query.having(sa.func.count() > 1).subquery())
                )
                or 0
                for what, query in counted.items()
            }

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()


def connect(data_dir: Path, reviewer: Reviewer, client: httpx.Client, settings: Mapping[str, str]) -> None:
    """Connect the service to Label Studio with the command that an operator runs."""
    command = [sys.executable, "-m", "cli", "labels", "connect", reviewer.url, "--our-url", str(client.base_url)]
    environment = {
        **os.environ,
        "POINTWATCH_DATA_DIR": str(data_dir),
        "LABEL_STUDIO_TOKEN": reviewer.token,
        **{f"POINTWATCH_{name.upper()}": value for name, value in settings.items()},
    }
    asked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if asked.returncode or "!" in asked.stdout:
        raise RuntimeError(f"not connected: {asked.stdout} {asked.stderr}")


# --- the run --------------------------------------------------------------------------------------------------------
def play(folder: Path, reviewer: Reviewer, console: Console, *, tasks: int, **settings: str) -> Found:
    """Push, say, take back, count."""
    data_dir = folder / "var"
    fill(data_dir, tasks, console, **settings)
    books, found = Books(data_dir), Found(tasks=tasks)
    try:
        with running("serve", data_dir, **settings) as client, Meter(data_dir) as meter:
            _await_worker(data_dir)
            before = meter.now()
            connect(data_dir, reviewer, client, settings)
            _await(lambda: books.states()[CaseState.sent], tasks, "sent to Label Studio", console)
            found.pushing_s = books.pushing_s()
            _review(found, reviewer, books, console)
            time.sleep(5)  # what they hold once there is nothing to do
            after = meter.now()
        found.memory = {
            part: {"before": before[part], "peak": meter.peak[part], "after": after[part]} for part in before
        }
    finally:
        books.close()
    return found


def _review(found: Found, reviewer: Reviewer, books: Books, console: Console) -> None:
    """Say something of every task in four ways, and count what came of it."""
    project, ours = reviewer.project(), books.captures()
    waiting = [one for one in reviewer.tasks(project["id"]) if one["data"].get("capture") in ours]
    times = Counter(one["data"]["capture"] for one in waiting)
    shown = httpx.get(waiting[0]["data"]["image"], trust_env=False)
    if shown.headers["content-type"] != "image/jpeg":
        raise RuntimeError(f"a reviewer sees no picture: {shown.status_code}")
    texts = _texts(project["label_config"])
    random.Random(SEED).shuffle(waiting)
    parts, start = [], 0
    for share in SHARES:
        parts.append(waiting[start : start + round(share * len(waiting))])
        start += len(parts[-1])
    parts.append(waiting[start:])

    def one_by_one(part: Sequence[dict[str, Any]]) -> None:
        with ThreadPoolExecutor(REVIEWERS) as pool:
            list(pool.map(lambda one: reviewer.say(one, texts), part))

    def at_once(part: Sequence[dict[str, Any]]) -> None:
        reviewer.accept(project["id"], part)

    ways: list[tuple[str, bool, Callable[[Sequence[dict[str, Any]]], None]]] = [
        ("one by one, webhooks", True, one_by_one),
        ("all at once, one webhook", True, at_once),
        ("all at once, webhook off", False, at_once),
        ("one by one, webhook off", False, one_by_one),
    ]
    for part, (way, hooked, speak) in zip(parts, ways, strict=True):
        reviewer.hear_webhooks(project["id"], hooked)
        found.stages.append(_stage(way, part, speak, reviewer, books, console))
    reviewer.hear_webhooks(project["id"], True)
    found.alone = reviewer.alone(waiting, project["label_config"])
    decided = books.decided()
    found.wrong = {
        "captures with several tasks": sum(count > 1 for count in times.values()),
        "captures without a task": len(ours) - len(times),
        "tasks without the model's boxes": sum(len(one["predictions"]) != 1 for one in waiting),
        **books.twice(),
        "verdicts lost": sum(one not in decided for one in reviewer.said),
        "verdicts not as they were given": sum(
            decided[one][1] != codes for one, codes in reviewer.said.items() if one in decided
        ),
    }


def _stage(
    way: str,
    part: Sequence[dict[str, Any]],
    speak: Callable[[Sequence[dict[str, Any]]], None],
    reviewer: Reviewer,
    books: Books,
    console: Console,
) -> Stage:
    before = books.states()[CaseState.decided]
    began = datetime.now(UTC)
    speak(part)
    said = datetime.now(UTC)
    _await(lambda: books.states()[CaseState.decided] - before, len(part), way, console)
    decided = books.decided()
    spoken_of = [one["data"]["capture"] for one in part]
    moments = {one: decided[one][0] for one in spoken_of if one in decided} or {"none": said}
    first, last = min(moments.values()), max(moments.values())
    return Stage(
        way=way,
        tasks=len(part),
        saying_s=(said - began).total_seconds(),
        behind_s=(last - said).total_seconds(),
        taking_s=(last - first).total_seconds(),
        lags_s=sorted(
            (at - reviewer.said_at[one]).total_seconds() for one, at in moments.items() if one in reviewer.said_at
        ),
    )


def _texts(config: str) -> list[str]:
    """Give what the labels on the labelling page are called, as its users see them."""
    return [html.unescape(one) for one in re.findall(r'<Label value="([^"]+)"', config)]


def _await_worker(data_dir: Path) -> None:
    """Wait until the worker has its model and looks for work."""
    until = time.monotonic() + STALL_S
    while "worker ready" not in (data_dir / "service.log").read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() > until:
            raise RuntimeError("the worker does not start; see service.log")
        time.sleep(0.2)
    time.sleep(2)


def _await(count: Callable[[], int], wanted: int, what: str, console: Console) -> None:
    """Wait until so many are there; where nothing moves for long, go on and let the count at the end tell."""
    last, moved = -1, time.monotonic()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=wanted)
        while (done := count()) < wanted:
            if done != last:
                last, moved = done, time.monotonic()
            if time.monotonic() - moved > STALL_S:
                console.print(f"{what}: nothing more comes after {done} of {wanted}", style="red")
                return
            progress.update(bar, completed=done)
            time.sleep(LOOK_EVERY_S)
        progress.update(bar, completed=wanted)


def tell(found: Found, console: Console) -> None:
    """Print what a run has shown."""
    push = found.tasks / found.pushing_s
    console.print(
        f"{found.tasks} tasks pushed in {found.pushing_s:.1f} s: {push:.1f} a second. Label Studio alone takes "
        f"{found.alone['taking']:.1f} a second in imports of {AT_ONCE} ({push / found.alone['taking']:.2f} of it is "
        f"reached) and lists {found.alone['giving']:.1f} a second.",
        highlight=False,
    )
    table = Table("verdicts", "tasks", "given in, s", "the last behind, s", "taken back, tasks/s")
    for heading in ("behind its own word, s: median", "p95", "most"):
        table.add_column(heading)
    for one in found.stages:
        lags = one.lags_s
        told = (median(lags), lags[int(0.95 * (len(lags) - 1))], lags[-1]) if lags else ()
        cells = [f"{value:.1f}" for value in (one.saying_s, one.behind_s, one.rate)]
        table.add_row(one.way, str(one.tasks), *cells, *(f"{value:.2f}" for value in told))
    console.print(table)
    for part, held in found.memory.items():
        console.print(f"memory of {part}: " + ", ".join(f"{when} {mib} MiB" for when, mib in held.items()))
    for what, count in found.wrong.items():
        console.print(f"{count:6} {what}", style="red" if count else None, highlight=False)


def main() -> int:
    """Run it; 0 where nothing is there twice and nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review_load", description=__doc__)
    parser.add_argument("--tasks", type=int, default=5000, help="(default: %(default)s)")
    parser.add_argument(
        "--label-studio", type=Path, default=PROGRAM, help="its program; POINTWATCH_LABEL_STUDIO names it too"
    )
    parser.add_argument("--dir", type=Path, help="work here and leave it; else a folder that is removed")
    wanted = parser.parse_args()
    if not wanted.label_studio.exists():
        raise SystemExit(f"{wanted.label_studio} is not there; `make .venv-labels/made` installs Label Studio.")
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="review-load-") as made:
        folder = (wanted.dir or Path(made)).absolute()
        load = os.getloadavg()[0]
        with label_studio(wanted.label_studio, folder / "label-studio") as reviewer:
            found = play(folder, reviewer, console, tasks=wanted.tasks)
    tell(found, console)
    console.print(f"load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores")
    return 1 if any(found.wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
