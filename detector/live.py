"""A model that may be replaced while it is in use: whoever holds one asks before each picture."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from detector.card import find_version
from detector.errors import DetectorError, ModelRefused

Loaded = TypeVar("Loaded")

LOOK_EVERY_S = 2.0


class LiveModel(Generic[Loaded]):
    """What is loaded from the version that `folder`/CURRENT names now.

    A version that is refused leaves what is loaded in place; `refusal` says why, once for each version.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[Path], Loaded],
        *,
        else_try: Iterable[Path] = (),
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Load the current version, or where it is refused the first of `else_try` that is not.

        Args:
            load: turns a version's folder into what is to be used, raising `DetectorError` where it must not be.
            else_try: folders of versions, such as those in force before; `refusal` tells that one of them is used.

        Raises:
            DetectorError: there is no usable version to start with; what was wrong with the current one.
        """
        self._folder = folder
        self._load = load
        self._look_every_s = look_every_s
        self._lock = threading.Lock()
        self._refused: Path | None = None
        self.refusal: DetectorError | None = None
        self._version, self._value = self._start(else_try)
        self._looked_at = time.monotonic()

    @property
    def folder(self) -> Path:
        """Give the folder of the version in use."""
        return self._version

    @property
    def refused(self) -> str | None:
        """Give the name of the version that was refused; None where none was, or the pointer itself is damaged."""
        return self._refused.name if self._refused else None

    def current(self) -> Loaded:
        """Give what is to be used now, after a look at the pointer if the last one is some seconds old."""
        if time.monotonic() - self._looked_at >= self._look_every_s and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looked_at = time.monotonic()
                self._lock.release()
        return self._value

    def _start(self, else_try: Iterable[Path]) -> tuple[Path, Loaded]:
        try:
            version = self._refused = find_version(self._folder)
            value = self._load(version)
        except DetectorError as error:
            for earlier in else_try:
                with suppress(DetectorError):
                    self.refusal = error
                    return earlier, self._load(earlier)
            raise
        self._refused = None
        return version, value

    def _look(self) -> None:
        version: Path | None = None
        try:
            version = find_version(self._folder)
            if version not in (self._version, self._refused):
                self._value, self._version = self._load(version), version
            if version == self._version:
                self._refused = self.refusal = None
        except DetectorError as error:
            if self.refusal is None or str(error) != str(self.refusal):  # a damaged pointer is met at every look
                self.refusal = error
            self._refused = version
        except OSError as error:
            self.refusal = self.refusal or ModelRefused(f"{self._folder} cannot be looked at: {error}")
