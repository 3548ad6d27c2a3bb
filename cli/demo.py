"""`pointwatch demo`: the main job on the shipped pictures, over HTTP, against the real service and its real worker."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import httpx

    from api.context import Service
    from detector.taxonomy import Taxonomy

START_S = 120.0  # the service must answer within this time
WIDE = 120  # columns, where nobody says how wide the terminal is
SETTLE_S = 600.0  # and no capture may stand still for this long


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A photo to be sent."""

    path: Path
    point: str  #: code of its point; empty where its GPS position decides
    otherwise: str = ""  #: code of the point to take where no point is near its position


def command(
    photos: Annotated[
        Path | None,
        typer.Option(help="a folder of your own photos, with or without a captures.csv (photo,point)"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="leave after the run; the last line is a JSON summary")] = False,
) -> None:
    """Run the main job on the demo's pictures and leave the service running."""
    from api.app import open_service
    from api.logs import configure
    from api.settings import read_settings
    from cli import ports, serve

    configure()
    began = time.monotonic()
    settings = read_settings()
    url = f"http://{settings.host}:{settings.port}"
    context = open_service(settings)
    running = ports.is_pointwatch(url)
    if not running:
        ports.require_free_port(settings.host, settings.port)
    for asked in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a script's background job starts with it ignored
        signal.signal(asked, signal.default_int_handler)
    log_file = settings.data_dir / "service.log"
    with log_file.open("ab") as log:
        service = None if running else serve.start("serve", log=log)
    try:
        _await_service(url, service, log_file)
        summary = {**_run(context, url, photos), "seconds": round(time.monotonic() - began, 1)}
        if not once:
            _say_where(context, url, log_file if service else None)
        print(json.dumps(summary), flush=True)
        if service is not None and not once:
            with suppress(KeyboardInterrupt):  # the way in which a demo ends
                service.wait()
    finally:
        context.database.close()
        if service is not None:
            service.terminate()
            service.wait()


def _await_service(url: str, service: "subprocess.Popen[bytes] | None", log_file: Path) -> None:
    """Wait until the service answers.

    Raises:
        Unavailable: it ended or does not answer in time.
    """
    from api.errors import Unavailable
    from cli import ports

    until = time.monotonic() + START_S
    while not ports.is_pointwatch(url):
        if service is not None and service.poll() is not None:
            raise Unavailable(f"The service ended before it answered; its last words are in {log_file}.")
        if time.monotonic() > until:
            raise Unavailable(f"The service at {url} does not answer after {START_S:.0f} s.")
        time.sleep(0.2)


def _run(context: "Service", url: str, photos: Path | None) -> dict[str, Any]:
    """Register the demo's points, send the photos, wait for the worker, show what came of it."""
    import httpx

    from api.accounts import service as accounts
    from api.accounts.roles import Role
    from api.errors import Misconfigured
    from detector import shipped

    with context.database.write() as session:
        user = accounts.add_service(session, name="Demo run", role=Role.admin)
        key_row, key = accounts.make_key(session, user.id, name="Demo run")
    try:
        with httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        ) as client:
            if client.get("/me").status_code == HTTPStatus.UNAUTHORIZED:
                raise Misconfigured(
                    f"Another Pointwatch, with other data, listens at {url}. Choose another port with POINTWATCH_PORT."
                )
            for register in ("posts", "points", "rules"):
                file = shipped(f"datasets/demo/{register}.csv")
                path = "/routing/rules/import" if register == "rules" else f"/{register}/import"
                _expect(client.post(path, files={"file": (file.name, file.read_bytes())}))
            sent = _send_all(client, list(_sendings(photos or shipped("datasets/demo"), client)))
            _settle(client, sent)
            _show_camera(client, shipped("datasets/demo/cameras"))
            return _show(client, sent, context.taxonomy, context.settings.language)
    finally:
        with context.database.write() as session:
            accounts.revoke_key(session, key_row.id)


def _sendings(folder: Path, client: "httpx.Client") -> Iterator[Sending]:
    """Give the photos of a folder with their points: as its table says, else by GPS, else one after another.

    Raises:
        Unfit: the folder holds no photos, or its table names one that is not there.
    """
    from api.errors import Unfit
    from detector.photo import SUFFIXES

    table = folder / "captures.csv"
    if table.is_file():
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"photo", "point"} <= set(rows.fieldnames or ()):
                raise Unfit(f"{table}: its first row must name the columns photo and point.")
            for row in rows:
                inside = folder / "photos" / row["photo"]
                path = inside if inside.is_file() else folder / row["photo"]
                if not path.is_file():
                    raise Unfit(f"{table} names {row['photo']}, which is not in {folder}.")
                yield Sending(path=path, point=row["point"] or "")
        return
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise Unfit(f"{folder} holds no photos ({', '.join(sorted(SUFFIXES))}).")
    codes = sorted(point["code"] for point in _all(client, "/points"))
    for index, path in enumerate(paths):
        yield Sending(path=path, point="", otherwise=codes[index % len(codes)])


def _send_all(client: "httpx.Client", sendings: list[Sending]) -> list[str]:
    """Send each photo and give the ids of the captures; a refused one is told and does not stop the others."""
    from rich.progress import track

    ids = []
    for sending in track(sendings, description="sending", disable=not sys.stderr.isatty()):
        answer = _send(client, sending.path, sending.point)
        if answer.is_client_error and sending.otherwise:
            answer = _send(client, sending.path, sending.otherwise)
        if answer.is_client_error:
            print(f"{sending.path.name}: refused: {answer.json()['detail']}", file=sys.stderr)
            continue
        ids.append(_expect(answer).json()["captures"][0]["id"])
    return ids


def _send(client: "httpx.Client", path: Path, point: str) -> "httpx.Response":
    return client.post(
        "/captures", files={"photos": (path.name, path.read_bytes())}, data={"point_id": point} if point else {}
    )


CAMERA = {  # plays rendered pictures again and again; nothing in them goes wrong, so that it adds no issue
    "code": "DH-C01",
    "name": "翠宁路口（演示：渲染画面循环播放）",
    "point": "DH-P05",
    "kind": "stills",
    "address": "stills:junction",
}


def _show_camera(client: "httpx.Client", folder: Path) -> None:
    """Add the demo's camera with its zones; where it is there already, or was changed, it is left alone."""
    added = client.post("/cameras", json=CAMERA)
    if added.status_code == HTTPStatus.CONFLICT:
        return
    _expect(added)
    zones = folder / "junction.yaml"
    imported = client.post(f"/cameras/{CAMERA['code']}/zones/import", files={"file": (zones.name, zones.read_bytes())})
    _expect(imported)


def _settle(client: "httpx.Client", ids: list[str]) -> None:
    """Wait until the worker is through with the captures.

    Raises:
        Unavailable: nothing has moved for a long time.
    """
    from rich.progress import Progress

    from api.errors import Unavailable

    waiting, moved = deque(ids), time.monotonic()
    with Progress(disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("looking", total=len(ids))
        while waiting:
            if _status(client, waiting[0]) in ("done", "failed"):
                waiting.popleft()
                moved = time.monotonic()
                progress.advance(bar)
            elif time.monotonic() - moved > SETTLE_S:
                raise Unavailable(f"{len(waiting)} photos are still waiting; is the worker running?")
            else:
                time.sleep(0.2)


def _status(client: "httpx.Client", capture: str) -> str:
    return str(_expect(client.get(f"/captures/{capture}")).json()["status"])


def _show(client: "httpx.Client", sent: list[str], taxonomy: "Taxonomy", language: str) -> dict[str, Any]:
    """Print the open issues as a table and give the summary."""
    from rich.console import Console
    from rich.table import Table

    from detector.texts import say

    issues = [issue for issue in _all(client, "/issues") if issue["state"] in ("open", "in_review")]

    def word(key: str, **facts: object) -> str:
        return say(f"demo.{key}", language, **facts)

    table = Table(title=word("title", issues=len(issues), photos=len(sent)))
    for heading, whole in (
        ("number", True),
        ("state", True),
        ("violation", False),
        ("point", False),
        ("sightings", True),
    ):
        table.add_column(word(heading), no_wrap=whole, min_width=14 if heading == "number" else None)
    table.add_column(word("responsible"))
    for issue in sorted(issues, key=lambda one: one["number"]):
        table.add_row(
            issue["number"],
            say(f"state.{issue['state']}", language),
            str(issue["violation"][language]),
            f"{issue['point']['code']} {issue['point']['name']}",
            str(issue["sighting_count"]),
            _responsible(issue, taxonomy, language),
        )
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    by_state = Counter(issue["state"] for issue in issues)
    print(word("summary", open=by_state["open"], in_review=by_state["in_review"]))
    return {"points": len(_all(client, "/points")), "photos": len(sent), "issues": len(issues)}


def _responsible(issue: dict[str, Any], taxonomy: "Taxonomy", language: str) -> str:
    post, department = issue["post"], issue["department"]
    who = f"{post[language] or post['zh']} {post['holder']}".strip() if post else "–"
    return f"{who}（{taxonomy.name_of(department, language)}）" if department else who


def _all(client: "httpx.Client", path: str) -> list[dict[str, Any]]:
    """Give every entry of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = _expect(client.get(path, params={"limit": 200, **cursor})).json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def _expect(answer: "httpx.Response") -> "httpx.Response":
    """Give the answer on if it is a good one.

    Raises:
        Unavailable: with the service's own words.
    """
    from api.errors import Unavailable

    if answer.is_success:
        return answer
    raise Unavailable(f"The service answered {answer.status_code} to {answer.request.url.path}: {answer.text[:500]}")


def _say_where(context: "Service", url: str, log_file: Path | None) -> None:
    from api.accounts.secret_files import admin_key_file
    from cli.office import sign_in_link

    print(f"\nThe page:     {sign_in_link(context)}")
    print("              (signs one browser in, once, within 15 minutes; `pointwatch sign-in` makes another)")
    key_file = admin_key_file(context.settings.data_dir)
    print(f'The API:      curl -H "Authorization: Bearer $(cat {key_file})" {url}/api/v1/issues')
    if log_file:
        print(f"Its log:      {log_file}")
    print("Ctrl-C stops the service." if log_file else "The service was running before and goes on.", flush=True)
