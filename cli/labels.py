"""`pointwatch labels`: people who look at doubtful pictures in Label Studio, and what they said for the next model."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli.office import open_office

app = typer.Typer(help="Review in Label Studio.", no_args_is_help=True)

_START_S = 600.0  # its first start builds a database


@app.command("connect")
def connect(
    url: Annotated[str, typer.Argument(help="of the Label Studio server, e.g. http://127.0.0.1:8080")],
    our_url: Annotated[str, typer.Option(help="where Label Studio and its users' browsers reach this service")] = "",
) -> None:
    """Make or adopt our project there; the token is read from LABEL_STUDIO_TOKEN or asked for."""
    token = os.environ.get("LABEL_STUDIO_TOKEN") or typer.prompt("Access token (not shown)", hide_input=True)
    _connect(url, token, our_url)


def _connect(url: str, token: str, our_url: str) -> None:
    from api.review import connecting

    context = open_office()
    try:
        settings = context.settings
        done = connecting.connect(context, url, token, our_url or f"http://{settings.host}:{settings.port}")
    finally:
        context.database.close()
    what = "made" if done.made else "adopted"
    print(f"Label Studio {done.version} at {done.url}, as {done.user}: project {done.project} {what}.")
    for warning in done.warnings:
        print(f"  ! {warning}")
    print("Doubtful pictures are sent by the running service (pointwatch serve).")


@app.command("status")
def status() -> None:
    """Say what is connected, what waits and what was decided."""
    import sqlalchemy as sa

    from api.review.connecting import project_in_force
    from api.review.tables import RefusedVerdict, ReviewCase

    context = open_office()
    with context.database.read() as session:
        project = project_in_force(session)
        counts = session.execute(
            sa.select(ReviewCase.state, sa.func.count()).group_by(ReviewCase.state).order_by(ReviewCase.state)
        ).all()
        refused = session.scalar(sa.select(sa.func.count()).select_from(RefusedVerdict))
    context.database.close()
    if project is None:
        print("No Label Studio is connected: pointwatch labels connect URL, or pointwatch labels up.")
    else:
        last = f"{project.last_sync_at:%Y-%m-%d %H:%M:%S}Z" if project.last_sync_at else "never"
        print(f"{project.url}, project {project.project}, in step since {last}")
        if project.last_error:
            print(f"  ! {project.last_error}")
    for state, count in counts:
        print(f"{count:8} {state}")
    print(f"{refused:8} annotations refused")


@app.command("disconnect")
def disconnect() -> None:
    """Send nothing more and read nothing more; what was decided stays."""
    from api.review.connecting import disconnect as leave

    context = open_office()
    with context.database.write() as session:
        leave(session)
    context.database.close()
    print("Disconnected.")


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="a new folder for pictures and labels, YOLO text")],
    since: Annotated[str, typer.Option(help="decided on this day or later, YYYY-MM-DD")] = "",
) -> None:
    """Write what reviewers decided as a data set that `pointwatch train --add` reads."""
    from api.review.exporting import export_decided

    context = open_office()
    try:
        written = export_decided(context, folder, since)
    finally:
        context.database.close()
    print(f"{written.pictures} pictures, {written.boxes} boxes, {written.empty} without any, to {folder}")


@app.command("up")
def up(
    folder: Annotated[Path, typer.Option(help="for its own environment and data")] = Path("var-labels"),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
) -> None:
    """Install Label Studio into its own environment (1 GB, minutes), start it and connect; Ctrl-C ends it."""
    folder = folder.absolute()
    environment, program = folder / "venv", folder / "venv" / "bin" / "label-studio"
    if not program.exists():
        print(f"Installing Label Studio into {environment} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)  # noqa: S603 - our own arguments
        subprocess.run([str(environment / "bin" / "pip"), "install", "--quiet", "label-studio"], check=True)  # noqa: S603
    server = start_label_studio(program, folder / "data", port)
    try:
        print(f"Label Studio is at http://127.0.0.1:{port}; user and password are in {folder / 'data' / 'account'}")
        _connect(f"http://127.0.0.1:{port}", (folder / "data" / "token").read_text(encoding="ascii").strip(), "")
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait(30)


def start_label_studio(program: Path, data: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start a server that only this machine reaches, and wait until it answers.

    Raises:
        RuntimeError: it ended, or does not answer in time; its log is named.
    """
    import httpx

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    account, token_file, log = data / "account", data / "token", data / "log"
    if not account.exists():
        _private(token_file, secrets.token_hex(20))
        _private(account, f"reviewer@example.org\n{secrets.token_urlsafe(12)}")
    user, password = account.read_text(encoding="ascii").split()
    environment = {
        **os.environ,
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "SSRF_PROTECTION_ENABLED": "false",  # it may call this service, which is local too
        "ML_BLOCK_LOCAL_IP": "false",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_USERNAME": user,
        "LABEL_STUDIO_PASSWORD": password,
        "LABEL_STUDIO_USER_TOKEN": token_file.read_text(encoding="ascii").strip(),
    }
    command = [
        str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port),
        "--enable-legacy-api-token",
    ]  # fmt: skip
    with log.open("ab") as file:
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)  # noqa: S603
    until = time.monotonic() + _START_S
    while True:
        if server.poll() is not None:
            raise RuntimeError(f"Label Studio ended; its log is {log}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5, trust_env=False).is_success:
                return server
        except httpx.HTTPError:
            pass
        if time.monotonic() > until:
            server.terminate()
            raise RuntimeError(f"Label Studio does not answer; its log is {log}")
        time.sleep(0.5)


def _private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
