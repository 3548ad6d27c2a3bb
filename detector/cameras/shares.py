"""Whose turn is it? Shares of the one model's time, by weight. Pure."""

from collections.abc import Iterable


class Shares:
    """Gives the turn to whoever has used least for its weight.

    Time is counted as in start-time fair queueing: each camera has a virtual time that grows by what it used over its
    weight, and who was away does not come back with a debt to collect.
    Source: Goyal, Vin, Cheng, "Start-time Fair Queueing", SIGCOMM 1996.
    """

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._now = 0.0

    def turn(self, waiting: Iterable[str]) -> str | None:
        """Give who comes next of those that wait; None where nobody does."""
        chosen = min(waiting, key=lambda one: (self._start(one), one), default=None)
        if chosen is not None:
            self._now = max(self._now, self._start(chosen))
        return chosen

    def spent(self, camera: str, seconds: float, weight: float) -> None:
        """Put what a turn took on the camera's account."""
        self._used[camera] = self._start(camera) + seconds / weight

    def forget(self, camera: str) -> None:
        """Close an account."""
        self._used.pop(camera, None)

    def _start(self, camera: str) -> float:
        return max(self._now, self._used.get(camera, 0.0))
