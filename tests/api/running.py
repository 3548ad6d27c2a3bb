"""The real service as processes: `python -m cli serve` with its web and worker, on a free port of this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import sqlalchemy as sa

from tests.api.client import Client

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0  # a loaded machine included


class Running:
    """A service that can be started, killed and started again on the same data."""

    def __init__(self, data_dir: Path, model_folder: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.database_url = settings.get("database_url") or f"sqlite:///{data_dir / 'pointwatch.sqlite3'}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = data_dir.parent / f"{data_dir.name}.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("POINTWATCH_")},
            "POINTWATCH_DATA_DIR": str(data_dir),
            "POINTWATCH_MODEL_DIR": str(model_folder.absolute()),
            "POINTWATCH_PORT": str(self.port),
            "POINTWATCH_MODEL_THREADS": "1",
            "POINTWATCH_POLL_S": "0.05",
            "POINTWATCH_LANGUAGE": "en",
            **{f"POINTWATCH_{name.upper()}": value for name, value in settings.items()},
        }
        self._parent: subprocess.Popen[bytes] | None = None
        self._orphans: list[psutil.Process] = []
        self._clients: list[httpx.Client] = []

    def start(self) -> "Running":
        """Start the processes and wait until the service answers."""
        with self.log_file.open("ab") as log:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "cli", "serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        until = time.monotonic() + START_S
        while not self.is_ready():
            assert self._parent.poll() is None, f"the service ended:\n{self.log()}"
            assert time.monotonic() < until, f"the service does not answer:\n{self.log()}"
            time.sleep(0.1)
        return self

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> int:
        """Ask the service to end, as Ctrl-C and `kill` do, and give its exit status."""
        assert self._parent is not None
        self._parent.terminate()
        return self._parent.wait(60)

    def kill_all(self) -> None:
        """End the whole tree at once and without warning, as a power cut does."""
        for process in self.tree():
            _kill(process)
        assert self._parent is not None
        self._parent.wait(30)

    def kill_parent(self) -> None:
        """End only the watching parent without warning."""
        assert self._parent is not None
        self._orphans += self.tree()[1:]
        self._parent.kill()
        self._parent.wait(30)

    def kill_child(self, part: str) -> int:
        """End the `web` or `worker` process without warning and give its process id."""
        (child,) = self.children(part)
        _kill(child)
        return child.pid

    def tree(self) -> list[psutil.Process]:
        """Give the parent and all below it."""
        assert self._parent is not None
        try:
            parent = psutil.Process(self._parent.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def children(self, part: str) -> list[psutil.Process]:
        return [one for one in self.tree() if one.is_running() and one.cmdline()[-1:] == [part]]

    def close(self) -> None:
        """Leave nothing running, whatever the test did."""
        for http in self._clients:
            http.close()
        left = [*self.tree(), *self._orphans]
        if self._parent is not None and self._parent.poll() is None:
            self._parent.terminate()
            try:
                self._parent.wait(20)
            except subprocess.TimeoutExpired:
                self._parent.kill()
                self._parent.wait(20)
        for process in left:
            _kill(process)

    def client(self, key: str | None = None, **headers: str) -> Client:
        """Give a client that holds a key, the administrator's by default."""
        http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key or self.admin_key()}", **headers},
            timeout=60,
            trust_env=False,
        )
        self._clients.append(http)
        return Client(http)

    def admin_key(self) -> str:
        return (self.data_dir / "secrets" / "admin.key").read_text().strip()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def media_files(self) -> set[str]:
        """Give the names of the pictures kept, leaving out what a killed process had half written."""
        return {path.name for path in (self.data_dir / "media").rglob("*") if path.is_file() and path.suffix != ".part"}

    def settle(self) -> None:
        """Wait until the worker has nothing to do, so that what is kept stands still."""
        until = time.monotonic() + START_S
        while self.query("SELECT id FROM captures WHERE status IN ('queued', 'processing') LIMIT 1"):
            assert time.monotonic() < until, f"captures stand still:\n{self.log()}"
            time.sleep(0.05)

    def await_workers(self, count: int) -> None:
        """Wait until so many workers have said that they are ready."""
        until = time.monotonic() + START_S
        while self.log().count('"event": "worker ready"') < count:
            assert time.monotonic() < until, self.log()
            time.sleep(0.1)

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the database directly, beside the service; each `?` stands for a value."""
        first, *others = sql.split("?")
        named = first + "".join(f":v{at}{part}" for at, part in enumerate(others))
        engine = sa.create_engine(self.database_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            rows = connection.execute(sa.text(named), {f"v{at}": value for at, value in enumerate(values)})
            return [tuple(row) for row in rows]


def _kill(process: psutil.Process) -> None:
    """End one process of ours; psutil makes sure that the id was not given to another meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
