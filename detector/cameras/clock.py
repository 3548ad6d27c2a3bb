"""Stream time: seconds that only ever go forward, from time stamps that jump, wrap or are missing. Pure."""

TICKS_PER_S = 90_000  # of MPEG transport streams and of RTP video. Source: RFC 6184 section 8.2.1
WRAPS_S = (2**33 / TICKS_PER_S, 2**32 / TICKS_PER_S)  # PTS has 33 bits (ISO 13818-1), RTP stamps have 32
TOLERANCE_S = 10.0  # how far a stamp may run ahead of what passed, before it is a jump: buffers come in bursts
REORDERED_S = 0.5  # a stamp that is earlier by less than this is a reordered frame, not a clock set back


class StreamClock:
    """Gives each frame its stream time. Dwell is measured in it: never in counted frames, never in the wall's time.

    A stamp is believed as long as it goes on from the one before: not backwards, and not further ahead than the time
    that passed meanwhile allows. A stamp that lags is believed, too: delivery was late, the street was not.
    """

    def __init__(self, *, tolerance_s: float = TOLERANCE_S) -> None:
        self._tolerance_s = tolerance_s
        self._offset_s: float | None = None
        self.now_s = 0.0  #: stream time of the last frame, seconds
        self.repairs = 0  #: how often a stamp was missing, jumped or wrapped

    def step(self, stamp_s: float | None, elapsed_s: float) -> float:
        """Give the stream time of the next frame, seconds since the first one.

        Args:
            stamp_s: what the frame carries, seconds by the camera's own counting; None where it carries nothing.
            elapsed_s: what else is known of the time since the frame before: the wall's for a live camera, the
                packets' durations for a file.
        """
        if stamp_s is None:
            self.repairs += elapsed_s > 0
            self.now_s += elapsed_s
            return self.now_s
        if self._offset_s is None:
            self._offset_s = self.now_s - stamp_s
        else:
            self._follow(stamp_s, elapsed_s)
        self.now_s = max(self.now_s, stamp_s + self._offset_s)
        return self.now_s

    def anchor(self, stamp_s: float) -> None:
        """Take a later frame's stamp for one that had none: what FFmpeg gives first of an RTSP stream carries none."""
        if self._offset_s is None:
            self._offset_s = self.now_s - stamp_s

    def interrupt(self, elapsed_s: float) -> None:
        """Let `elapsed_s` pass without a frame: the next stamp is of a new connection and starts anywhere."""
        self.now_s += elapsed_s
        self._offset_s = None

    def _follow(self, stamp_s: float, elapsed_s: float) -> None:
        """Move the offset where the stamp does not go on from the one before."""
        assert self._offset_s is not None
        moved_s = stamp_s + self._offset_s - self.now_s
        if -REORDERED_S <= moved_s <= elapsed_s + self._tolerance_s:
            return
        self.repairs += 1
        for wrap_s in WRAPS_S:
            if -REORDERED_S <= moved_s + wrap_s <= elapsed_s + self._tolerance_s:
                self._offset_s += wrap_s
                return
        self._offset_s = self.now_s + elapsed_s - stamp_s
