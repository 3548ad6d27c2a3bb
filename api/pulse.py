"""Whether anything has changed, looked up once a second for everybody, and what was computed since it last did.

Thirty open pages must not read the database thirty times over to find that nothing has happened.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

import anyio.to_thread

LOOK_EVERY_S = 1.0
KEPT_S = 20.0  # what depends on the clock, such as what is late, is computed anew after so long at the latest

Answer = TypeVar("Answer")


class Pulse:
    """A number that grows when something has changed. Lives in the event loop of one process."""

    def __init__(self) -> None:
        self.beat = 0
        self._seen: object = None
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._kept: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    async def feel(self, look: Callable[[], object]) -> int:
        """Give the number, after a look that is at most `LOOK_EVERY_S` old; `look` runs in a thread."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                found = await anyio.to_thread.run_sync(look)
                self._looked_at = time.monotonic()
                if found != self._seen:
                    self._seen = found
                    self.beat += 1
                    self._kept.clear()
        return self.beat

    async def shared(self, key: Hashable, compute: Callable[[], Awaitable[Answer]]) -> Answer:
        """Give what `compute` gives; whoever asks for the same before anything has changed gets the same answer."""
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic() or (kept[1].done() and kept[1].exception() is not None):
            kept = time.monotonic() + KEPT_S, asyncio.ensure_future(compute())
            self._kept[key] = kept
        answer: Answer = await asyncio.shield(kept[1])
        return answer
