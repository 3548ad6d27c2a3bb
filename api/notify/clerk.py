"""Follows the log, watches the clocks, releases digests: a thread of the worker, one of all workers at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version

import sqlalchemy as sa
import structlog

from api.context import Service
from api.database import now
from api.issues import clock
from api.notify import alarms, outbox, telling
from api.notify.rules import read_rules

log = structlog.get_logger()

TICKER = "ticker"
IDLE_S = 0.5
TROUBLED_S = 5.0
TIDY_EVERY_S = 3600.0


class Clerk:
    """Does whatever the office's clock and its log ask for."""

    def __init__(self, context: Service, *, idle_s: float = IDLE_S) -> None:
        self._context, self._idle_s = context, idle_s
        self._stopping = threading.Event()
        self._teller = telling.Teller(read_rules(context.settings.notices_file), context.clocks)
        self._tidied: float | None = None

    def stop(self) -> None:
        """Let what is at hand be finished, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        self._persist(self._keep_clocks)
        while not self._stopping.is_set():
            if not self._persist(self.work_once):
                self._stopping.wait(self._idle_s)

    def _persist(self, work: Callable[[], bool]) -> bool:
        try:
            return work()
        except Exception:  # the job loop: an event that cannot be told must not end the clocks of all others
            log.exception("the clerk failed and tries again")
            self._stopping.wait(TROUBLED_S)
            return False

    def _keep_clocks(self) -> bool:
        recompute_if_changed(self._context)
        return True

    def work_once(self) -> bool:
        """Do what there is to do now; False where there was nothing."""
        database = self._context.database
        with database.read() as session:
            waiting = self._anything(session)
        if not waiting:
            return False
        with database.write() as session:
            told = self._teller.follow(session)
        with database.write() as session:
            said = alarms.go_off(session, self._context.clocks) if telling.hold(session, TICKER) else 0
        with database.write() as session:
            released = self._teller.release(session)
        self._tidy()
        return bool(told or said or released)

    def _anything(self, session: sa.orm.Session) -> bool:
        """Look without locking anything whether there could be something to do."""
        return telling.something_waits(session)

    def _tidy(self) -> None:
        if self._tidied is not None and time.monotonic() - self._tidied < TIDY_EVERY_S:
            return
        before = now() - timedelta(days=self._context.settings.webhook_log_days)
        with self._context.database.write() as session:
            outbox.forget_old(session, before)
        self._tidied = time.monotonic()


def recompute_if_changed(context: Service) -> int:
    """Set all due dates anew if limits, hours or holidays are not those they were computed with; give how many."""
    mark = alarms.fingerprint(context.clocks, lambda: version("holidays"))
    with context.database.read() as session:
        if telling.mark_of(session, TICKER) == mark:
            return 0
    count = sum(recompute_all(context))
    log.info("due dates computed anew", issues=count)
    return count


def recompute_all(context: Service) -> Iterator[int]:
    """Set all due dates anew, some at a time; yield how many each time."""
    behind = None
    while True:
        with context.database.write() as session:
            behind, count = alarms.recompute(session, context.clocks, behind)
        yield count
        if behind is None:
            break
    with context.database.write() as session:
        telling.set_mark(session, TICKER, alarms.fingerprint(context.clocks, lambda: version("holidays")))


def unfinished(context: Service) -> int:
    """Count the issues whose clocks may run."""
    with context.database.read() as session:
        return clock.unfinished(session)
