"""Reads on in the log while nobody asks, so that a bulletin never waits for it. Runs in the worker."""

import threading

import structlog

from api.context import Service
from api.errors import Unavailable
from api.reports import cases
from api.reports.routes import calendar_of

log = structlog.get_logger()

EVERY_S = 5.0


class Reader:
    """One loop; several workers may run it, since reading on is safe side by side."""

    def __init__(self, context: Service) -> None:
        self._context = context
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Leave after the events at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Read on until told to stop."""
        while not self._stopping.wait(EVERY_S):
            try:
                cases.catch_up(self._context.database, calendar_of(self._context))
            except Unavailable as error:
                log.warning("the log is not read on for now", reason=str(error))
