"""Is a camera there? Told once when that changes, and not for each dropout. Pure."""

STEADY_S = 10.0  # without a picture for so long (or three paces), a camera that has come back has not come back


class Presence:
    """Judges from the times of pictures and failures, all in seconds of one clock that only goes forward."""

    def __init__(self, *, now: float, pace_s: float, offline_after_s: float, online_after_s: float) -> None:
        self._fresh_s = max(STEADY_S, 3 * pace_s)
        self._offline_after_s = max(offline_after_s, 3 * pace_s)
        self._online_after_s = online_after_s
        self._began = now
        self._since: float | None = None  # pictures have come since then without a failure
        self._failed = 0
        self.online: bool | None = None  #: None until something is known

    def check(self, now: float, *, last: float | None, failed: int, hopeless: bool = False) -> bool | None:
        """Say whether the camera is there if that has just become clear to be otherwise than before; else None.

        Args:
            last: when the last picture came.
            failed: how often the source has failed so far.
            hopeless: waiting does not help, a password is wrong.
        """
        fresh = last is not None and now - last < self._fresh_s
        if not fresh or failed != self._failed:
            self._since, self._failed = None, failed
        elif self._since is None:
            self._since = last
        if self.online is not True and fresh and self._is_back(last):
            self.online = True
            return True
        silent_s = now - (last if last is not None else self._began)
        if self.online is not False and (hopeless or (not fresh and silent_s >= self._offline_after_s)):
            self.online = False
            return False
        return None

    def _is_back(self, last: float | None) -> bool:
        if self.online is None:
            return True
        return self._since is not None and last is not None and last - self._since >= self._online_after_s
