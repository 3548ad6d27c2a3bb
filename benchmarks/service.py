"""The real service as processes, for benchmarks that speak HTTP to it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
START_S = 120.0


@contextlib.contextmanager
def running(part: str, data_dir: Path, **settings: str) -> Iterator[httpx.Client]:
    """Run `pointwatch PART` (web, or serve: web and worker) and give an administrator's client of it."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("POINTWATCH_")},
        "POINTWATCH_DATA_DIR": str(data_dir),
        "POINTWATCH_PORT": str(port),
        **{f"POINTWATCH_{name.upper()}": value for name, value in settings.items()},
    }
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "service.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "cli", part], cwd=ROOT, env=environment, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            _wait(client, process)
            key = (data_dir / "secrets" / "admin.key").read_text(encoding="ascii").strip()
            client.headers["Authorization"] = f"Bearer {key}"
            yield client
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """Give a port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("The service does not answer; see service.log in the data directory.")
        time.sleep(0.2)
