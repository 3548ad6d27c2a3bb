"""A recording from its first frame to its last: what would have been reported. Reads the source; prints nothing."""

from collections.abc import Callable, Iterator

from detector.cameras.events import Happening, Stay
from detector.cameras.frame import Frame
from detector.cameras.source import Source, frames
from detector.cameras.watch import Watch
from detector.detect import Detector

EVERY_S = 1.0


def replay(
    source: Source,
    watch: Watch,
    detector: Detector,
    *,
    every_s: float = EVERY_S,
    happened: Callable[[Happening, float], None] | None = None,
    passed: Callable[[Frame], None] | None = None,
) -> Iterator[Stay]:
    """Give each stay when it has ended, and at the end of the recording those that last.

    Args:
        every_s: seconds of stream time between the frames that are taken up.
        happened: is told what is the matter with the camera itself, with the stream time.
        passed: is given each frame after it was taken up.

    Raises:
        CameraError: the source cannot be read.
    """
    for frame in frames(source, every_s=every_s):
        if watch.wants(frame):
            events = watch.see(frame, detector.detect(frame, min_confidence=watch.min_confidence))
        else:
            events = watch.pass_by(frame)
        for event in events:
            if event.what is Happening.ended and event.stay is not None:
                yield event.stay
            elif event.stay is None and happened:
                happened(event.what, event.at_s)
        if passed:
            passed(frame)
    yield from sorted(watch.lasting, key=lambda one: one.since_s)
