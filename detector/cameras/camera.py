"""One camera of a fleet: its reading, its watch, and what is known of both."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import cv2
import numpy as np
import supervision as sv

from detector.cameras.decoding import Tally
from detector.cameras.events import Event, Happening, Stay
from detector.cameras.frame import Frame
from detector.cameras.plans import Limits, Plan
from detector.cameras.presence import Presence
from detector.cameras.reading import Frames, Reading, Shot, trouble_of
from detector.cameras.sink import Change, Condition, Evidence, Marked, Told, Trouble
from detector.cameras.view import Known, View
from detector.cameras.watch import Watch
from detector.cameras.zones import IsHoliday
from detector.detect import Detector
from detector.errors import ZonesRefused
from detector.taxonomy import Taxonomy

MOST_LEFT_BEHIND = 2  # stuck readings of one camera; no further one is begun until one of them comes back
_CONDITIONS = {View.same: Condition.online, View.moved: Condition.moved, View.covered: Condition.covered}
HOPELESS = frozenset({Trouble.locked, Trouble.refused, Trouble.zones})  # waiting does not mend these


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFigures:
    """How one camera is doing."""

    camera: str
    name: str
    online: bool | None  #: None until that is known
    view: View  #: same, moved or covered
    trouble: Trouble | None  #: why no pictures come, or none are judged, at this moment
    last_error: str  #: in words, without a password; empty if there never was one
    last_error_at: datetime | None
    last_frame_at: datetime | None  #: the wall's time of the last picture
    width: int  #: of the stream's picture, pixels; 0 until one came
    height: int
    fps_in: float  #: pictures a second that arrive, decoded or not, over the last seconds
    bytes_in: int  #: of the stream, since the camera was taken up
    frames_in: int  #: pictures decoded
    analysed: int  #: pictures taken up: by the gate or by the model
    looked: int  #: of these, shown to the model
    dropped: int  #: pictures that a newer one replaced before their turn came
    damaged: int  #: packets that could not be decoded, or only with holes
    lag_s: float | None  #: of the last picture taken up: how much later than it could have been
    since_look_s: float | None  #: since a picture was last taken up
    errors: int  #: times the source failed, or what came could not be looked at
    reconnects: int  #: times it was opened anew with success
    clock_repairs: int  #: time stamps that jumped, wrapped or were missing
    lasting: int  #: stays that have begun and not ended
    stuck: int  #: reads left behind that have not come back


class Camera:
    """Belongs to one thread; only `figures` and `latest` may be asked from others."""

    def __init__(
        self,
        plan: Plan,
        limits: Limits,
        is_holiday: IsHoliday,
        *,
        placed: Callable[[], None],
        live_frames: Frames,
    ) -> None:
        self.plan, self._limits, self._is_holiday = plan, limits, is_holiday
        self._placed, self._live_frames = placed, live_frames
        self._watch: Watch | None = None
        self._judging: tuple[Taxonomy, Detector] | None = None
        self._refusal: ZonesRefused | None = None
        self._size: tuple[int, int] | None = None
        self._found: list[Marked] = []
        self._model = ""
        self._events: dict[int, UUID] = {}
        self._asked: set[UUID] = set()  # of these it is to be told that they last
        self._presence = self._new_presence()
        self._past = _Sums()
        self._fps = 0.0
        self._taken_up = self._looked = 0
        self._lag_s: float | None = None
        self._looked_at: float | None = None
        self._own_errors = 0
        self._own_error: tuple[str, datetime | None] = ("", None)
        self._left_behind: list[Reading] = []
        self._reading: Reading | None = self._begun()

    @property
    def waiting(self) -> bool:
        """Say whether a picture is at hand."""
        return self._reading is not None and self._reading.waiting

    @property
    def done(self) -> bool:
        """Say whether this was a recording and has ended."""
        reading = self._reading
        return not self.plan.live and reading is not None and reading.ended and not reading.waiting

    @property
    def latest(self) -> Frame | None:
        """Give the newest picture that was read, taken up or not."""
        return self._reading.latest if self._reading is not None else None

    @property
    def view(self) -> View:
        """Give what it looks at."""
        if self._watch is not None:
            return self._watch.view
        return self.plan.known.view if self.plan.known is not None else View.same

    @property
    def known(self) -> Known | None:
        """Give what is remembered of what it looks at; None where nothing is by now. From any thread."""
        return self._watch.known if self._watch is not None else None

    @property
    def trouble(self) -> Trouble | None:
        """Say why no pictures come, or none are judged."""
        if self._refusal is not None:
            return Trouble.zones
        if self._reading is None:
            return Trouble.stuck
        return trouble_of(self._reading.failure) if self._reading.failure is not None else None

    def take(self) -> Shot | None:
        """Take the newest picture."""
        return self._reading.take() if self._reading is not None else None

    def look(self, shot: Shot, detector: Detector, taxonomy: Taxonomy) -> list[Event]:
        """Take up a picture; give what has become clear."""
        self._taken_up += 1
        watch = self._judged_by(detector, taxonomy)
        events: list[Event] = []
        if watch is not None:
            frame = self._sized(shot.frame)
            if watch.wants(frame) and not watch.blind:
                found = detector.detect(frame, min_confidence=watch.min_confidence)
                self._found, self._model = _marked(found), detector.version
                self._looked += 1
                events = watch.see(frame, found)
            else:
                events = watch.pass_by(frame)
            events = [*events, *self._lasting(watch, shot.frame.at_s)]
        now = time.monotonic()
        self._looked_at, self._lag_s = now, now - shot.came + shot.late_s
        return events

    def ask(self, event: UUID) -> None:
        """Have it told that a stay lasts, as soon as a picture shows it. From any thread."""
        self._asked.add(event)

    def _lasting(self, watch: Watch, at_s: float) -> list[Event]:
        """Give what somebody has asked for, of what this picture shows to be there."""
        self._asked &= set(self._events.values())
        shown = [one for one in watch.in_sight if self._events.get(one.number) in self._asked] if self._asked else []
        self._asked -= {self._events[one.number] for one in shown}
        return [Event(what=Happening.lasts, at_s=at_s, stay=one) for one in shown]

    def failed(self, error: Exception) -> None:
        """Note that a picture could not be looked at."""
        self._own_errors += 1
        self._own_error = (f"{type(error).__name__}: {error}", datetime.now(UTC))

    def told(self, event: Event, frame: Frame) -> Told:
        """Give what the sink is told of a stay, all but the clip."""
        stay = event.stay
        assert stay is not None
        over = event.what is Happening.ended
        known = self._events.pop(stay.number, uuid4()) if over else self._events.setdefault(stay.number, uuid4())
        since_at = frame.taken_at - timedelta(seconds=frame.at_s - stay.since_s) if frame.taken_at else None
        return Told(
            camera=self.plan.camera,
            event=known,
            what=event.what,
            stay=replace(stay),
            since_at=since_at,
            at=frame.taken_at,
            evidence=self._evidence(stay, frame),
            model=self._model,
        )

    def condition(self, event: Event, frame: Frame) -> Change:
        """Give what the sink is told of the camera's view."""
        return Change(
            camera=self.plan.camera,
            condition=Condition(event.what.value),
            at=frame.taken_at or datetime.now(UTC),
            at_s=event.at_s,
            jpeg=self._jpeg(frame),
        )

    def forget(self) -> list[UUID]:
        """Drop what has been seen so far; give the stays that nothing more will be told of."""
        events = list(self._events.values())
        self._events.clear()
        self._watch = self._judging = self._refusal = self._size = None
        return events

    def change(self, plan: Plan, leaving: list[Reading]) -> None:
        """Follow another plan for the same source."""
        before, self.plan = self.plan, plan
        if not plan.reads_like(before):
            self.leave(leaving)
            self._past = self._past.with_(self._reading) if self._reading else self._past
            self._reading = self._begun()
            self._presence, known = self._new_presence(), self._presence.online
            self._presence.online = known

    def leave(self, leaving: list[Reading]) -> None:
        """Have the reading end."""
        for one in [self._reading, *self._left_behind]:
            if one is not None:
                one.stop()
                leaving.append(one)

    def check_reading(self, now: float) -> None:
        """Leave a read behind that hangs although FFmpeg should have given up, and begin another."""
        self._left_behind = [one for one in self._left_behind if one.thread.is_alive()]
        if self._reading is not None:
            self._fps = self._reading.fps(now)
            if self._reading.stuck_s(now) > self._limits.stuck_after_s:
                self._reading.stop()
                self._past = self._past.with_(self._reading, more_errors=1)
                self._left_behind.append(self._reading)
                self._reading = None
        if self._reading is None and len(self._left_behind) < MOST_LEFT_BEHIND:
            self._reading = self._begun()

    def check_presence(self, now: float) -> Change | None:
        """Give what the sink is told where the camera has come or gone."""
        if not self.plan.live:
            return None
        trouble, last = self.trouble, self._past.came
        if self._reading is not None and self._reading.came is not None:
            last = self._reading.came
        errors = self._past.errors + (self._reading.failures if self._reading else 0)
        online = self._presence.check(now, last=last, failed=errors, hopeless=trouble in HOPELESS)
        if online is None:
            return None
        frame, wall = self.latest, datetime.now(UTC)
        at = wall if online or last is None else wall - timedelta(seconds=now - last)
        return Change(
            camera=self.plan.camera,
            condition=_CONDITIONS[self.view] if online else Condition.offline,
            at=at,
            at_s=frame.at_s if frame else self._past.at_s,
            trouble=None if online else trouble or Trouble.stalled,
            reason="" if online else self._reason(),
            jpeg=self._jpeg(frame) if frame and online else None,
        )

    def figures(self, now: float) -> CameraFigures:
        """Give how the camera is doing."""
        reading, frame = self._reading, self.latest
        sums = self._past.with_(reading) if reading is not None else self._past
        last_error, last_error_at = self._last_error()
        return CameraFigures(
            camera=self.plan.camera,
            name=self.plan.name,
            online=self._presence.online,
            view=self.view,
            trouble=self.trouble,
            last_error=last_error,
            last_error_at=last_error_at,
            last_frame_at=frame.taken_at if frame else None,
            width=frame.width if frame else 0,
            height=frame.height if frame else 0,
            fps_in=self._fps,
            bytes_in=sums.tally.bytes,
            frames_in=sums.tally.decoded,
            analysed=self._taken_up,
            looked=self._looked,
            dropped=sums.dropped,
            damaged=sums.tally.damaged,
            lag_s=self._lag_s,
            since_look_s=now - self._looked_at if self._looked_at is not None else None,
            errors=sums.errors + self._own_errors,
            reconnects=sums.reconnects,
            clock_repairs=sums.repairs,
            lasting=len(self._events),
            stuck=len(self._left_behind),
        )

    def _new_presence(self) -> Presence:
        return Presence(
            now=time.monotonic(),
            pace_s=self.plan.pace_s,
            offline_after_s=self._limits.offline_after_s,
            online_after_s=self._limits.online_after_s,
        )

    def _begun(self) -> Reading:
        past, now = self._past, time.monotonic()
        reading = Reading(
            self.plan,
            backoff=self._limits.backoff,
            clip_s=self._limits.clip_before_s + self._limits.clip_after_s,
            clip_bytes=self._limits.clip_bytes,
            placed=self._placed,
            from_s=past.at_s + (now - past.came if past.came is not None else 0.0),
            live_frames=self._live_frames,
        )
        reading.start()
        return reading

    def _judged_by(self, detector: Detector, taxonomy: Taxonomy) -> Watch | None:
        """Give the watch, with the model and the catalogue of this moment; None where the zones do not fit them."""
        if self._judging == (taxonomy, detector):
            return self._watch if self._refusal is None else None
        self._judging = (taxonomy, detector)
        try:
            if self._watch is None:
                self._watch = Watch(
                    self.plan.zones, taxonomy, detector.card, is_holiday=self._is_holiday, known=self.plan.known
                )
            else:
                self._watch.judge_by(taxonomy, detector.card)
        except ZonesRefused as error:
            self._refusal = error
            return None
        self._refusal = None
        return self._watch

    def _sized(self, frame: Frame) -> Frame:
        """Give the frame in the pixels of the first one: a camera may change its resolution, the street stays."""
        if self._size is None:
            self._size = (frame.width, frame.height)
        return replace(frame, width=self._size[0], height=self._size[1])

    def _evidence(self, stay: Stay, frame: Frame) -> Evidence:
        width, height = self._size or (frame.width, frame.height)
        own = Marked(box=stay.box, name=stay.code, confidence=stay.confidence, own=True)
        return Evidence(
            jpeg=self._jpeg(frame),
            width=width,
            height=height,
            boxes=[own, *self._found],
            at_s=frame.at_s,
            taken_at=frame.taken_at,
            camera_at=frame.camera_at,
        )

    def _jpeg(self, frame: Frame) -> bytes:
        _, encoded = cv2.imencode(".jpg", frame.pixels, [cv2.IMWRITE_JPEG_QUALITY, self._limits.jpeg_quality])
        return np.asarray(encoded).tobytes()

    def _reason(self) -> str:
        if self._refusal is not None:
            return str(self._refusal)
        if self._reading is None:
            return f"{self.plan.name}: a read hangs and does not come back."
        if self._reading.failure is not None:
            return str(self._reading.failure)
        return f"{self.plan.name} gives no picture."

    def _last_error(self) -> tuple[str, datetime | None]:
        if self._refusal is not None:
            return str(self._refusal), None
        errors = [self._past.error, self._own_error]
        if self._reading is not None:
            errors.append(self._reading.last_error)
        return max(errors, key=lambda one: one[1] or datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """What readings that are over have seen."""

    tally: Tally = field(default_factory=Tally)
    dropped: int = 0
    errors: int = 0
    reconnects: int = 0
    repairs: int = 0
    error: tuple[str, datetime | None] = ("", None)
    came: float | None = None
    at_s: float = 0.0

    def with_(self, reading: Reading, *, more_errors: int = 0) -> "_Sums":
        now, latest = reading.tally, reading.latest
        sums = {one.name: getattr(self.tally, one.name) + getattr(now, one.name) for one in fields(Tally)}
        return _Sums(
            tally=Tally(**sums),
            dropped=self.dropped + reading.dropped,
            errors=self.errors + reading.failures + more_errors,
            reconnects=self.reconnects + reading.reconnects,
            repairs=self.repairs + reading.repairs,
            error=reading.last_error if reading.last_error[0] else self.error,
            came=reading.came if reading.came is not None else self.came,
            at_s=latest.at_s if latest is not None else self.at_s,
        )


def _marked(found: sv.Detections) -> list[Marked]:
    if found.confidence is None:
        return []
    names = found.data["class_name"]
    return [
        Marked(box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])), name=str(name), confidence=float(sure))
        for box, name, sure in zip(found.xyxy, names, found.confidence, strict=True)
    ]
