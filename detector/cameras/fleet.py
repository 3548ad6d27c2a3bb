"""Many cameras in one process, with fair shares of one model.

camera's thread: source ─► newest frame ─┐
camera's thread: source ─► newest frame ─┼─► one thread: whose turn? ─► Watch ─► events ─► one thread: the sink
…                                        ┘
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from detector.cameras.camera import Camera, CameraFigures
from detector.cameras.events import Event
from detector.cameras.frame import Frame
from detector.cameras.plans import Limits, Plan
from detector.cameras.reading import Frames, Reading, Shot
from detector.cameras.ring import Cutting, Ring
from detector.cameras.shares import Shares
from detector.cameras.sink import Change, Clip, Sink
from detector.cameras.source import Backoff, watch
from detector.cameras.telling import Item, Telling
from detector.cameras.view import Known
from detector.cameras.zones import IsHoliday, weekends
from detector.detect import Detector
from detector.live import LiveModel
from detector.taxonomy import Taxonomy

__all__ = ["CameraFigures", "Fleet", "Limits"]

TICK_S = 0.5  # between two looks at who is there, who is stuck, who has stopped


class Fleet:
    """Watches cameras."""

    def __init__(
        self,
        live: LiveModel[Detector],
        taxonomy: Taxonomy,
        sink: Sink,
        *,
        limits: Limits | None = None,
        is_holiday: IsHoliday = weekends,
        live_frames: Frames = watch,
    ) -> None:
        """Prepare to watch; nothing is opened before `run`.

        Args:
            live: the model; a new version is taken up while cameras go on.
            is_holiday: says of a day whether nobody works on it.
            live_frames: opens a live source again and again, as `detector.cameras.source.watch` does.
        """
        self._live, self._taxonomy, self._sink = live, taxonomy, sink
        self._limits, self._is_holiday, self._live_frames = limits or Limits(), is_holiday, live_frames
        self._wanted: tuple[Plan, ...] = ()
        self._followed: tuple[Plan, ...] = ()
        self._cameras: dict[str, Camera] = {}
        self._shares = Shares()
        self._leaving: list[Reading] = []
        self._work = threading.Condition()
        self._telling = Telling(backoff=Backoff(first_s=1.0, most_s=30.0))
        self._stop = threading.Event()
        self._ticked_at = 0.0

    @property
    def sink_failure(self) -> str:
        """Give why the sink did not take the last telling; empty while it does."""
        return self._telling.failure

    @property
    def tellings(self) -> int:
        """Give how many tellings wait for the sink."""
        return self._telling.waiting

    def follow(self, plans: Iterable[Plan]) -> None:
        """Watch these cameras and no others. May be called at any time, from any thread, with the same plans again.

        What did not change is not touched; a camera of which only zones, weight or name changed is not opened anew.

        Raises:
            ValueError: two plans have the same id.
        """
        wanted = tuple(plans)
        if len({one.camera for one in wanted}) < len(wanted):
            raise ValueError("two plans have the same camera id")
        with self._work:
            self._wanted = wanted
            self._work.notify()

    def ask(self, camera: str, event: UUID) -> None:
        """Have the sink told that something lasts, once a picture shows it; harmless where it is over. Any thread."""
        watched = self._cameras.get(camera)
        if watched is not None:
            watched.ask(event)

    def known(self, camera: str) -> tuple[int, Known] | None:
        """Give what is remembered of what a camera looks at, and `Plan.checked` of that. From any thread."""
        watched = self._cameras.get(camera)
        if watched is None:
            return None
        checked, known = watched.plan.checked, watched.known
        return (checked, known) if known is not None else None

    def judge_by(self, taxonomy: Taxonomy) -> None:
        """Use another catalogue from now on, such as one with other thresholds."""
        self._taxonomy = taxonomy

    def latest(self, camera: str) -> Frame | None:
        """Give the newest picture that was read of a camera, not copied; None where none came. From any thread."""
        watched = self._cameras.get(camera)
        return watched.latest if watched is not None else None

    def figures(self) -> list[CameraFigures]:
        """Give how each camera is doing, in the order of the plans. From any thread, at next to no cost."""
        now, cameras = time.monotonic(), self._cameras
        return [cameras[one.camera].figures(now) for one in self._followed if one.camera in cameras]

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop`, or until all sources are recordings that have ended; then tell what is left to tell.

        Leaves no thread behind but those that FFmpeg does not let go of.
        """
        self._stop = stop
        self._telling.start()
        try:
            while not stop.is_set() and not self._all_ended():
                self._tick()
                turn = self._shares.turn(name for name, one in list(self._cameras.items()) if one.waiting)
                if turn is not None:
                    self._look(self._cameras[turn])
                    continue
                with self._work:
                    if not any(one.waiting for one in self._cameras.values()):
                        self._work.wait(TICK_S)
        finally:
            for camera in self._cameras.values():
                camera.leave(self._leaving)
            self._telling.end()
            until = time.monotonic() + max((one.patience_s for one in self._leaving), default=0.0)
            for one in self._leaving:
                one.thread.join(max(0.0, until - time.monotonic()))

    def _all_ended(self) -> bool:
        return (
            bool(self._cameras) and self._followed is self._wanted and all(one.done for one in self._cameras.values())
        )

    def _tick(self) -> None:
        """Now and then: take up changed plans, see who is there, leave stuck reads behind."""
        now = time.monotonic()
        if self._followed is not self._wanted:
            self._take_up(self._wanted)
        elif now - self._ticked_at < TICK_S:
            return
        self._ticked_at = now
        self._leaving = [one for one in self._leaving if one.thread.is_alive()]
        for camera in self._cameras.values():
            camera.check_reading(now)
            change = camera.check_presence(now)
            if change is not None:
                self._tell_change(change)

    def _take_up(self, plans: tuple[Plan, ...]) -> None:
        wanted = {one.camera: one for one in plans}
        cameras = dict(self._cameras)
        for name, camera in self._cameras.items():
            plan = wanted.get(name)
            if plan is None or plan.source != camera.plan.source:
                self._forget(camera)
                camera.leave(self._leaving)
                del cameras[name]
                self._shares.forget(name)
            elif plan != camera.plan:
                if not plan.sees_like(camera.plan):
                    self._forget(camera)
                camera.change(plan, self._leaving)
        for name, plan in wanted.items():
            if name not in cameras:
                cameras[name] = Camera(
                    plan, self._limits, self._is_holiday, placed=self._placed, live_frames=self._live_frames
                )
        self._cameras, self._followed = cameras, plans

    def _forget(self, camera: Camera) -> None:
        events, name = camera.forget(), camera.plan.camera
        if events:
            self._tell(lambda _: self._sink.forgot(name, events))

    def _placed(self) -> None:
        with self._work:
            self._work.notify()

    def _look(self, camera: Camera) -> None:
        """Take up one camera's newest picture."""
        shot = camera.take()
        if shot is None:
            return
        begun = time.monotonic()
        try:
            events = camera.look(shot, self._live.current(), self._taxonomy)
        except Exception as error:  # noqa: BLE001 - the job loop: one camera's picture must never stop the others
            camera.failed(error)
            events = []
        for event in events:
            self._tell_of(camera, event, shot)
        self._shares.spent(camera.plan.camera, time.monotonic() - begun, camera.plan.weight)

    def _tell_of(self, camera: Camera, event: Event, shot: Shot) -> None:
        limits = self._limits
        if event.stay is None:
            self._tell_change(camera.condition(event, shot.frame))
            return
        told = camera.told(event, shot.frame)
        cutting = None
        if shot.ring is not None and self._telling.clips_wanted:
            cutting = shot.ring.cut(shot.frame.stamp_s, before_s=limits.clip_before_s, after_s=limits.clip_after_s)
        self._tell(
            lambda clip: self._sink.told(replace(told, evidence=replace(told.evidence, clip=clip))),
            cutting=cutting,
            ring=shot.ring,
        )

    def _tell_change(self, change: Change) -> None:
        self._tell(lambda _: self._sink.changed(change))

    def _tell(
        self, tell: Callable[[Clip | None], None], *, cutting: Cutting | None = None, ring: Ring | None = None
    ) -> None:
        not_after = time.monotonic() + 2 * self._limits.clip_after_s + 2.0
        self._telling.put(Item(tell=tell, cutting=cutting, ring=ring, not_after=not_after), self._stop)
