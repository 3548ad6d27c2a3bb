"""The thread that tells the sink: in order, one at a time, each until it is kept."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from detector.cameras.ring import Cutting, Ring
from detector.cameras.sink import Clip
from detector.cameras.source import Backoff

MOST_WAITING = 200  # with a picture each; then looking waits as well, so that nothing is lost
MOST_CLIPS = 20  # of them with a clip: these are megabytes
GRACE_S = 15.0  # at the end, for what is left to tell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """Something to tell."""

    tell: Callable[[Clip | None], None]
    cutting: Cutting | None = None
    ring: Ring | None = None  #: that the clip is cut from
    not_after: float = 0.0  #: monotonic time up to which the clip is waited for


class Telling:
    """Tells."""

    def __init__(self, *, backoff: Backoff) -> None:
        self._items: queue.Queue[Item | None] = queue.Queue(maxsize=MOST_WAITING)
        self._backoff = backoff
        self._end_by: float | None = None
        self._ending = threading.Event()
        self.failure = ""  #: why the sink did not take what it was told; empty while it does
        self.lost = 0  #: tellings given up at the end
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)

    @property
    def waiting(self) -> int:
        """Give how many tellings wait."""
        return self._items.qsize()

    @property
    def clips_wanted(self) -> bool:
        """Say whether there is memory for another clip."""
        return self._items.qsize() < MOST_CLIPS

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def put(self, item: Item, stop: threading.Event) -> None:
        """Hand over what is to be told; waits while too much waits, unless `stop` is set."""
        while True:
            try:
                self._items.put(item, timeout=0.5)
            except queue.Full:
                if stop.is_set():
                    self.lost += 1
                    return
            else:
                return

    def end(self) -> None:
        """Tell what is left, but no longer than a while."""
        self._end_by = time.monotonic() + GRACE_S
        self._ending.set()
        with suppress(queue.Full):
            self._items.put(None, timeout=GRACE_S)
        self._thread.join(GRACE_S)

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            self._tell(item, self._clip(item))

    def _clip(self, item: Item) -> Clip | None:
        if item.cutting is None or item.ring is None:
            return None
        while not item.cutting.ready.wait(0.2):
            if self._ending.is_set() or time.monotonic() > item.not_after:
                item.ring.finish(item.cutting)
        return item.cutting.clip()

    def _tell(self, item: Item, clip: Clip | None) -> None:
        attempt = 0
        while True:
            try:
                item.tell(clip)
            except Exception as error:  # noqa: BLE001 - the job loop: what the sink cannot keep now, it may keep later
                self.failure = f"{type(error).__name__}: {error}"
            else:
                self.failure = ""
                return
            if self._end_by is not None and time.monotonic() > self._end_by:
                self.lost += 1
                return
            if self._ending.is_set():
                time.sleep(0.5)
            self._ending.wait(self._backoff.wait_s(attempt))
            attempt += 1
