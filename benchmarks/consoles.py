"""`python -m benchmarks.consoles`: how fast the console's pages are there, and what thirty of them cost the rest.

Fills a database with 10,000 issues at 500 points (kept under --dir), starts the real web process on it, and measures in
a real Chromium how long a page takes until there is something useful on it, and a filter until its rows are drawn. Then
thirty consoles are opened as their browsers would (the page, its websocket, and the questions that its script asks when
it is told that something has changed) while issues change, and the API is asked beside them.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import socketio
from rich.console import Console
from rich.table import Table

from benchmarks.scale import prepare
from benchmarks.scale_history import Size
from benchmarks.service import running
from tests.api.browsing import Browser

PAINT_MS, FILTER_MS, API_MS = 1500.0, 300.0, 50.0
USEFUL = {"/": ".pw-tile strong", "/issues": ".pw-row a", "/issues/{number}": ".pw-history li", "/plan": ".pw-dot"}
REFRESH_S = 4.0  # as issue_table.js waits between two looks
CHANGE_EVERY_S = 2.0  # a busy office
_CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)'")
# Runs before the page's own scripts: the first moment at which what is useful is laid out, seen at the next frame.
_WATCH = """
window.useful = null;
(function look() {
  const found = document.querySelector(SELECTOR);
  if (found && found.getClientRects().length) window.useful = performance.now(); else requestAnimationFrame(look);
})();
"""
_FILTER = """
const [place, value, done] = arguments, began = performance.now();
const box = document.querySelectorAll('.pw-pick select')[place];
const seen = () => document.querySelector('.pw-row')?.dataset.number + document.querySelector('.pw-total').textContent;
const before = seen();
box.value = value;
box.dispatchEvent(new Event('change', { bubbles: true }));
(function look() {
  if (seen() !== before) requestAnimationFrame(() => done(performance.now() - began));
  else if (performance.now() - began > 20000) done(null);
  else requestAnimationFrame(look);
})();
"""


def percentile(values: list[float], share: float) -> float:
    """Give the value within which a share of them lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def paints(browser: Browser, number: str, times: int) -> dict[str, list[float]]:
    """Give the milliseconds from asking for each page until something useful is on it; the browser's cache is warm."""
    taken: dict[str, list[float]] = {}
    for path, css in USEFUL.items():
        script = _WATCH.replace("SELECTOR", repr(css))
        known = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        for turn in range(times + 1):
            browser.open(path.format(number=number))
            browser.find(css.split()[0])
            took = browser.driver.execute_script("return window.useful")
            if turn and took is not None:
                taken.setdefault(path, []).append(float(took))
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", known)
    return taken


def filters(browser: Browser, times: int) -> list[float]:
    """Give the milliseconds from choosing in a filter until other rows are drawn."""
    browser.open("/issues?state=all")
    browser.driver.set_script_timeout(60)
    browser.find(".pw-row")
    state, kind, violation, order = 0, 2, 3, 8  # places of the boxes
    chosen = (
        (kind, "sanitation"), (kind, ""), (violation, "graffiti"), (violation, ""), (state, "closed"), (state, "all"),
        (order, "oldest"), (order, "newest"),
    )  # fmt: skip
    taken = []
    for turn in range(times * len(chosen)):
        took = browser.driver.execute_async_script(_FILTER, *chosen[turn % len(chosen)])
        if took is not None:
            taken.append(float(took))
    return taken


class OpenConsole:
    """One open page: its websocket, and what its script asks when it is told to look again."""

    def __init__(self, http: httpx.AsyncClient, path: str) -> None:
        self._http, self._path = http, path
        self._socket = socketio.AsyncClient(reconnection=False)
        self._asked_at = float("-inf")
        self.told = 0

    async def open(self) -> None:
        """Fetch the page and connect as its browser would."""
        page = (await self._http.get(self._path, headers={"Accept": "text/html"})).raise_for_status().text
        found = _CLIENT.search(page)
        assert found, "the page says nothing of its client; NiceGUI may have changed its template"
        query = {
            "client_id": found[1],
            "tab_id": str(uuid.uuid4()),
            "document_id": str(uuid.uuid4()),
            "old_tab_id": "",
            "next_message_id": 0,
            "implicit_handshake": "true",
        }
        self._socket.on("update", self._update)
        await self._socket.connect(
            f"{self._http.base_url}?{urlencode(query)}",
            headers={"Authorization": self._http.headers["Authorization"]},
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
        )

    async def _update(self, _data: Any) -> None:
        self.told += 1
        if self._path == "/issues" and time.monotonic() - self._asked_at > REFRESH_S:
            self._asked_at = time.monotonic()
            await asyncio.sleep(random.random() * 0.7)
            states = [("state", one) for one in ("open", "dispatched", "accepted", "in_progress", "rectified")]
            await self._http.get("/api/v1/issues", params=[*states, ("limit", "60")])
            await self._http.get("/api/v1/issues/count", params=states)

    async def close(self) -> None:
        await self._socket.disconnect()


@contextlib.contextmanager
def consoles(client: httpx.Client, paths: list[str]) -> Iterator[list[OpenConsole]]:
    """Keep pages open in a thread of their own."""
    opened: list[OpenConsole] = []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def open_all() -> httpx.AsyncClient:
        http = httpx.AsyncClient(
            base_url=client.base_url, headers=dict(client.headers), timeout=60, trust_env=False, limits=httpx.Limits()
        )
        for path in paths:
            opened.append(OpenConsole(http, path))
            await opened[-1].open()
        return http

    async def close_all(http: httpx.AsyncClient) -> None:
        for one in opened:
            await one.close()
        await http.aclose()

    http = asyncio.run_coroutine_threadsafe(open_all(), loop).result(300)
    try:
        yield opened
    finally:
        asyncio.run_coroutine_threadsafe(close_all(http), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def ask_api(client: httpx.Client, numbers: list[str], seconds: float) -> list[float]:
    """Ask the API what other programs ask, ten times a second, while an issue changes now and then; in ms."""
    chance, taken, changed_at = random.Random(5), [], 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if time.monotonic() - changed_at > CHANGE_EVERY_S:
            changed_at = time.monotonic()
            number = chance.choice(numbers)
            for action in ("supervise", "unsupervise"):  # one of them is refused, which is as well
                client.post(f"/api/v1/issues/{number}/steps", json={"action": action, "note": "a benchmark"})
        path, params = chance.choice(
            (
                (f"/api/v1/issues/{chance.choice(numbers)}", {}),
                ("/api/v1/issues", {"limit": "20"}),
                ("/api/v1/issues/summary", {}),
                ("/api/v1/captures", {"limit": "20"}),
                ("/api/v1/me", {}),
            )
        )
        began = time.perf_counter()
        client.get(path, params=params).raise_for_status()
        taken.append(1000 * (time.perf_counter() - began))
        time.sleep(0.1)
    return taken


def main() -> int:
    """Fill, measure, print; 0 where every target is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.consoles", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("var-consoles"), help="where the database lies")
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--open", type=int, default=30, help="consoles (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=40.0, help="the API is asked for so long, twice")
    parser.add_argument("--times", type=int, default=5, help="each page is opened (default: %(default)s)")
    wanted = parser.parse_args()
    wanted.dir.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{wanted.dir.absolute() / 'consoles.sqlite3'}"
    prepare(url, wanted.dir, Size(issues=wanted.issues, points=wanted.points))
    missed: list[str] = []
    table = Table(title=f"{wanted.issues:,} issues, {wanted.points} points, SQLite; milliseconds")
    for name in ("what", "median", "worst or p99", "target"):
        table.add_column(name, justify="left" if name == "what" else "right")

    def row(what: str, values: list[float], target: float, share: float = 1.0) -> None:
        most = percentile(values, share)
        table.add_row(what, f"{statistics.median(values):.0f}", f"{most:.0f}", f"{target:.0f}")
        if most > target:
            missed.append(f"{what}: {most:.0f} ms, the target is {target:.0f}")

    print(f"{os.cpu_count()} processors, load before the start {os.getloadavg()[0]:.1f}")
    with running("web", wanted.dir, database_url=url, privacy="off") as client:
        numbers = [one["number"] for one in client.get("/api/v1/issues", params={"limit": 100}).json()["items"]]
        with tempfile.TemporaryDirectory() as profile:
            browser = Browser(str(client.base_url).rstrip("/"), Path(profile))
            try:
                browser.sign_in(client.headers["Authorization"].removeprefix("Bearer "))
                for path, values in paints(browser, numbers[0], wanted.times).items():
                    row(f"{path} is useful", values, PAINT_MS)
                row("a filter has its rows drawn", filters(browser, wanted.times), FILTER_MS)
            finally:
                browser.close()
        alone = ask_api(client, numbers, wanted.seconds)
        row("API, nobody looks: p99", alone, API_MS, 0.99)
        paths = ["/issues", "/", f"/issues/{numbers[0]}"]
        with consoles(client, [paths[at % len(paths)] for at in range(wanted.open)]) as opened:
            row(f"API, {wanted.open} consoles open: p99", ask_api(client, numbers, wanted.seconds), API_MS, 0.99)
            told = min(one.told for one in opened)
    Console(width=110).print(table)
    print(f"each console was told of changes at least {told} times; load at the end {os.getloadavg()[0]:.1f}")
    for line in missed:
        print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
