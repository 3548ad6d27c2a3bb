"""Runs the training that was asked for, in an interpreter of its own: a thread of the worker.

The service has no torch; `pointwatch train` runs beside it, at low priority, and leaves its progress in a file. A
worker that ends takes its training with it, and the next one takes it up where it stopped; one that is killed leaves
it running, and the next one watches it to its end.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import structlog

from api.context import Service
from api.database import now
from api.learning import service
from api.learning.schemas import Because, TrainingState
from api.learning.tables import Training
from api.review import connecting

log = structlog.get_logger()

IDLE_S = 2.0
ERROR_CHARS = 400  # of what the command said last
_BUSY = "A training is running already"  # as `pointwatch train` says it: somebody runs one by hand


class Trainer:
    """Asks the schedule, takes up what waits, and watches it."""

    def __init__(self, context: Service) -> None:
        self._context = context
        self._stopping = threading.Event()
        self._host = socket.gethostname()[:80]
        self._own: subprocess.Popen[bytes] | None = None
        self._step: str | None = None

    def stop(self) -> None:
        """Leave soon; a training of ours is ended and taken up by whoever comes next."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        if self._context.settings.train_python is None:
            return
        try:
            while not self._stopping.wait(IDLE_S):
                try:
                    self.work_once()
                except Exception:  # the loop: one bad row must not end it
                    log.exception("the trainer failed and tries again")
        finally:
            self._leave()

    def work_once(self) -> None:
        """Ask the schedule, and take one look at what runs or waits."""
        database, settings = self._context.database, self._context.settings
        with database.read() as session:
            due = service.due(session, settings)
            waiting = service.open_training(session)
            wished = connecting.training_is_wished(session)
        if wished or due:
            with database.write() as session:
                connecting.forget_wish(session)
                if service.open_training(session) is None:
                    row = service.ask(session, settings, Because.label_studio if wished else Because.schedule)
                    log.info("a training is due", because=row.because, verdicts=row.verdicts)
            return
        if waiting is None:
            return
        report = self._report(waiting)
        if self._own or _runs(waiting, self._host, report) or _has_ended(report):
            self._watch(waiting)
        else:
            self._begin()

    def _begin(self) -> None:
        with self._context.database.write() as session:
            row = service.claim(session, self._host)
            if row is None:
                return
            report = self._report(row)
            report.parent.mkdir(parents=True, exist_ok=True)
            report.unlink(missing_ok=True)
            self._own = self._start(report)
            row.process, row.step, row.done, row.of = self._own.pid, None, 0, 0
        log.info("training begins", training=str(row.id), because=row.because, process=row.process)

    def _start(self, report: Path) -> "subprocess.Popen[bytes]":
        settings = self._context.settings
        assert settings.train_python is not None
        nice = [found, "-n", "10"] if (found := shutil.which("nice")) else []
        command = [*nice, str(settings.train_python), "-m", "cli", "train", "--reviewed-since", "last"]
        command += ["--report", str(report), *shlex.split(settings.train_options)]
        environment = os.environ | {
            "POINTWATCH_TRAIN_DIR": str(settings.training_folder.absolute()),
            "POINTWATCH_DATA_DIR": str(settings.data_dir.absolute()),
        }
        with report.with_suffix(".log").open("wb") as output:
            # A session of its own: Ctrl-C goes to the service, which ends it in order.
            return subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - the operator's own setting

    def _watch(self, waiting: Training) -> None:
        report = self._report(waiting)
        said = _read(report)
        status = self._own.poll() if self._own else None
        running = status is None if self._own else _runs(waiting, self._host, report)
        with self._context.database.write() as session:
            row = service.training_of(session, waiting.id)
            row.beat_at, row.host = now(), self._host
            row.step = str(said["step"])[:120] if said.get("step") else None
            row.done, row.of = int(said.get("done") or 0), int(said.get("of") or 0)
            if row.step != self._step:
                log.info("training", step=row.step, of=row.of)
                self._step = row.step
            if not running:
                self._end(session, row, said, status, report)

    def _end(self, session: Any, row: Training, said: dict[str, Any], status: int | None, report: Path) -> None:
        self._own = self._step = None
        output = _last_words(report.with_suffix(".log"))
        if status is not None and status < 0:  # whatever it had said before: it did not come to its end
            service.end(session, row, TrainingState.failed, f"{_ending(status)} {output}")
        elif said.get("nothing_new"):
            service.end(session, row, TrainingState.nothing_new)
        elif said.get("version"):
            row.version, row.verdict = str(said["version"])[:64], said.get("verdict")
            accepted = (said.get("verdict") or {}).get("decision") != "rejected"
            service.end(session, row, TrainingState.accepted if accepted else TrainingState.rejected)
        elif _BUSY in output:
            row.state, row.host, row.process, row.beat_at = TrainingState.queued, None, None, None
            row.step = "waits for a training that somebody runs by hand"
            self._stopping.wait(10 * IDLE_S)
            return
        else:
            service.end(session, row, TrainingState.failed, f"exit status {status}: {output}")
        log.info("training ended", training=str(row.id), state=row.state, version=row.version, error=row.error)

    def _leave(self) -> None:
        """End our training in order and let it wait for whoever comes next."""
        if self._own is None or self._own.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._own.pid, signal.SIGTERM)
        try:
            self._own.wait(20)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._own.pid, signal.SIGKILL)
            self._own.wait(20)
        with self._context.database.write() as session:
            row = service.open_training(session, locked=True)
            if row is not None and row.process == self._own.pid:
                row.state, row.process, row.beat_at = TrainingState.queued, None, None

    def _report(self, row: Training) -> Path:
        return self._context.settings.training_folder.absolute() / "reports" / f"{row.id}.json"


def _runs(row: Training, host: str, report: Path) -> bool:
    """Say whether the training's process lives on this machine; its id may have been given to another meanwhile."""
    if row.process is None or row.host != host:
        return False
    try:
        return str(report).encode() in Path(f"/proc/{row.process}/cmdline").read_bytes()
    except OSError:
        return False


def _has_ended(report: Path) -> bool:
    """Say whether a training came to its end while no worker was there to watch it."""
    return _read(report).get("ended") is True


def _ending(status: int) -> str:
    """Say what a signal means for somebody who wonders what became of a training."""
    reason = "; the machine may have run out of memory" if -status == signal.SIGKILL else ""
    return (
        f"The training was ended from outside by {signal.Signals(-status).name}{reason}. "
        "Asked for again, it goes on where it stopped."
    )


def _read(report: Path) -> dict[str, Any]:
    try:
        said = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _last_words(output: Path) -> str:
    try:
        lines = output.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return " ".join(line.strip() for line in lines[-12:] if line.strip())[-ERROR_CHARS:]
