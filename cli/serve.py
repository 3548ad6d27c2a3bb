"""`pointwatch serve`: the web process and the worker process side by side, so that detection never delays an answer.

The parent only watches: a child that dies is started again, and both leave with the parent, however it ends.
"""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from api.settings import Settings

RESTART_AFTER_S = 1.0  # a child that dies at once must not keep a core busy
PATIENCE_S = 15.0  # for children to finish what they hold when asked to leave
_lifeline: tuple[int, int] | None = None
_LIFELINE = "POINTWATCH_LIFELINE_FD"  # a pipe whose other end the parent holds; its end means that the parent is gone


def command() -> None:
    """Run the service: web and worker processes."""
    from api.logs import configure
    from api.settings import read_settings
    from cli.ports import require_free_port

    settings = read_settings()
    configure()
    leave_with_parent()
    require_free_port(settings.host, settings.port)
    _prepare()
    sys.exit(_watch(["web", "worker"], _later(settings)))


def web() -> None:
    """Run the web process alone (where several machines share the work)."""
    import uvicorn

    from api.app import build_app
    from api.logs import configure
    from api.settings import read_settings

    configure()
    leave_with_parent()
    settings = read_settings()
    app = build_app(settings)
    gc.collect()
    gc.freeze()  # what the start has made stays for good: looking through it now and then held every answer for 130 ms
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def worker() -> None:
    """Run a worker process alone (where several machines share the work)."""
    from api.app import open_service
    from api.logs import configure
    from api.settings import read_settings
    from api.worker import Worker, stop_on_signals
    from detector import Detector
    from detector.live import LiveModel
    from detector.registry import earlier_versions

    configure()
    leave_with_parent()
    settings = read_settings()
    service = open_service(settings)

    def load(folder: Path) -> Detector:
        detector = Detector.load(folder, threads=settings.model_threads)
        service.taxonomy.check_against(detector.card)
        return detector

    one = Worker(service, LiveModel(settings.model_folder, load, else_try=earlier_versions(settings.model_folder)))
    stop_on_signals(one)
    one.run()
    service.database.close()


def _prepare() -> None:
    """Bring the database up to date and check the settings once, before two children try it side by side."""
    from api.app import open_service
    from api.settings import read_settings

    open_service(read_settings()).database.close()


CAMERAS = "cameras watch"
LOOK_EVERY_S = 3.0  # for the first camera


def _later(settings: "Settings") -> Callable[[], Sequence[str]]:
    """Give what says which parts are needed by now that were not at the start: who has no camera needs no watcher."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.cameras.service import any_watched
    from api.database import Database

    database, looked_at = Database(settings.database), -LOOK_EVERY_S

    def needed() -> Sequence[str]:
        nonlocal looked_at
        if time.monotonic() - looked_at < LOOK_EVERY_S:
            return ()
        looked_at = time.monotonic()
        try:
            with database.read() as session:
                return (CAMERAS,) if any_watched(session) else ()
        except SQLAlchemyError:  # it is away; web and worker say so
            return ()

    return needed


def _watch(parts: Sequence[str], later: Callable[[], Sequence[str]] = tuple) -> int:
    """Keep one child for each part alive until asked to stop; give the exit status.

    Args:
        later: gives the parts that are needed by now; one that was once started stays.
    """
    stopping = threading.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    children = {part: start(part) for part in parts}
    while not stopping.wait(0.2):
        children |= {part: start(part) for part in later() if part not in children}
        for part, child in children.items():
            if child.poll() is not None:
                ended = f"the {part} process ended with status {child.returncode}; starting it again"
                print(f"pointwatch: {ended}", file=sys.stderr)
                stopping.wait(RESTART_AFTER_S)
                if not stopping.is_set():
                    children[part] = start(part)
    _end(list(children.values()))
    return 0


def start(part: str, *, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start `pointwatch PART` as a child that leaves when this process is gone, also when it was killed outright.

    Args:
        log: where its words go instead of this process's own stdout and stderr.
    """
    global _lifeline  # noqa: PLW0603 - one pipe for the life of the process, made when the first child needs it
    _lifeline = _lifeline or os.pipe()
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "cli", *part.split()],
        env={**os.environ, _LIFELINE: str(_lifeline[0])},
        pass_fds=(_lifeline[0],),  # the other end is never written to and closes with this process
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then asks the children
    )


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask the children to leave; those that do not are ended."""
    for child in children:
        child.terminate()
    until = time.monotonic() + PATIENCE_S
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def leave_with_parent() -> None:
    """End this process when the parent that started it is gone, also when it was killed outright."""
    lifeline = os.environ.get(_LIFELINE)
    if lifeline is None:
        return

    def hold() -> None:
        os.read(int(lifeline), 1)  # returns only at the end of the pipe
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=hold, name="lifeline", daemon=True).start()
