"""The process that watches the cameras. One at a time: another one waits until its lease runs out, and takes over.

    tables ─► plans ─► Fleet (threads, model) ─► Taking: durable rows ─► Recorder: captures, sightings, issues
                         └─► figures, stills ─► tables

Whatever people change in cameras and zones is taken up within seconds.
"""

import os
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from api.cameras import memories, status, stays
from api.cameras import service as cameras
from api.cameras.tables import Camera, CameraStay
from api.cameras.taking import Taking
from api.context import Service
from api.database import now
from api.errors import StreetError
from api.issues import service as issues
from api.learning import thresholds
from api.pictures import Painter, jpeg
from api.recorder import Recorder, veiled
from api.retention import tidy
from detector import Detector
from detector.cameras.camera import CameraFigures
from detector.cameras.fleet import Fleet
from detector.cameras.frame import Frame
from detector.cameras.plans import Limits, Plan
from detector.cameras.source import watch
from detector.cameras.view import Known, View
from detector.cameras.zones import Zones
from detector.live import LiveModel

log = structlog.get_logger()

TICK_S = 1.0
LEASE_EVERY_S = 5.0
FIGURES_EVERY_S = 5.0
ALIVE_EVERY_S = 30.0
TIDY_EVERY_S = 600.0
REMEMBER_EVERY_S = 600.0
STILL_PX = 1280  # long side of a live still
STILL_EVERY_S = 3.0  # of one camera that somebody looks at


class Watcher:
    """Watches whatever cameras the tables name."""

    def __init__(self, context: Service, model: LiveModel[Detector]) -> None:
        self._context, self._model = context, model
        self._painter = Painter(context.settings, context.taxonomy)
        #: tells this run of this process from any other, also one with the same process id
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stopping = threading.Event()
        self._last: dict[str, float] = {}
        self._live_since: dict[uuid.UUID, datetime] = {}
        self._still_at: dict[uuid.UUID, datetime] = {}
        self._refused: dict[uuid.UUID, str] = {}
        self._known: dict[uuid.UUID, tuple[int, Known]] = {}  # camera -> version of its zones, what it looks at
        self._judging = context.taxonomy
        office, hours = context.office, context.office.default

        def is_holiday(day: date) -> bool:
            return not office.works_on(day, hours)

        self._fleet = Fleet(
            model,
            context.taxonomy,
            Taking(context, self.name),
            limits=Limits(offline_after_s=context.settings.camera_offline_s),
            is_holiday=is_holiday,
            live_frames=self._on_the_offices_clock,
        )

    def _on_the_offices_clock(self, *args: Any, **settings: Any) -> Iterator[Frame]:
        """Give a source's frames with the office's time: the hours of zones are meant so."""
        for frame in watch(*args, **settings):
            local = frame.taken_at.astimezone(self._context.settings.zone) if frame.taken_at else None
            yield replace(frame, taken_at=local)

    def stop(self) -> None:
        """Let what is at hand be finished, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Watch until told to stop, or until another process has taken over."""
        if not self._wait_for_turn():
            return
        log.info("watcher ready", watcher=self.name, model=self._model.current().version)
        recorder = Recorder(self._context, self._model, self._painter)
        beside = [
            threading.Thread(target=self._fleet.run, args=(self._stopping,), name="fleet"),
            threading.Thread(target=recorder.run, name="recorder"),
            threading.Thread(target=self._make_stills, name="stills"),
        ]
        for thread in beside:
            thread.start()
        try:
            while not self._stopping.is_set():
                self._persist(self._tick)
                self._stopping.wait(TICK_S)
            self._persist(self._remember)
        finally:
            self._stopping.set()
            beside[0].join()
            recorder.stop()
            for thread in beside[1:]:
                thread.join()
            with self._context.database.write() as session:
                stays.interrupt(session, but_for="")
                status.leave_watch(session, self.name)

    def _wait_for_turn(self) -> bool:
        """Wait until no other process watches; False where told to stop meanwhile."""
        told = False
        while not self._stopping.is_set():
            with self._context.database.write() as session:
                mine = status.take_watch(session, self.name)
                if mine:  # whatever others saw is seen by nobody now; what is still there will be found again
                    stays.interrupt(session, but_for=self.name)
            if mine:
                return True
            if not told:
                log.info("another process watches the cameras; waiting until it leaves", watcher=self.name)
                told = True
            self._stopping.wait(LEASE_EVERY_S)
        return False

    def _persist(self, work: Callable[[], None]) -> None:
        """Do a round of work; a database that is away for a while must not end the watch."""
        try:
            work()
        except Exception:  # the job loop: what went wrong is tried again in the next round
            log.exception("the watcher failed and tries again")

    def _due(self, what: str, every_s: float) -> bool:
        at = time.monotonic()
        if at - self._last.get(what, -every_s) < every_s:
            return False
        self._last[what] = at
        return True

    def _tick(self) -> None:
        if self._due("lease", LEASE_EVERY_S):
            with self._context.database.write() as session:
                if not status.take_watch(session, self.name):
                    log.error("another process has taken over the cameras", watcher=self.name)
                    self.stop()
                    return
        if self._due("thresholds", FIGURES_EVERY_S):
            self._choose_thresholds()
        self._fleet.follow(self._plans())
        if self._due("figures", FIGURES_EVERY_S):
            self._write_figures(self._fleet.figures())
        if self._due("alive", ALIVE_EVERY_S):
            self._keep_alive(self._fleet.figures())
        if self._due("remember", REMEMBER_EVERY_S) or self._looks_elsewhere():
            self._remember()
        if self._due("tidy", TIDY_EVERY_S):
            tidy(self._context)

    def _choose_thresholds(self) -> None:
        """Judge by what was chosen from verdicts for the model in force."""
        card = self._model.current().card
        with self._context.database.read() as session:
            serving = thresholds.serving(session, self._context.taxonomy, card)
        if serving != self._judging:
            self._judging = serving
            self._fleet.judge_by(serving)

    # --- what is to be watched ------------------------------------------------------------------------------------
    def _plans(self) -> list[Plan]:
        with self._context.database.read() as session:
            rows = cameras.to_watch(session)
            zones = cameras.zones_in_force(session, rows)
            new = [row for row in rows if self._known.get(row.id, (-1, None))[0] != row.zones_version]
            found = memories.memories_of(session, new) if new else {}
        self._known |= {row.id: (row.zones_version, found.get(row.id, Known())) for row in new}
        made = [(row, self._plan(row, zones[row.id])) for row in rows]
        return [plan for _, plan in made if plan is not None]

    def _plan(self, row: Camera, zones: Zones) -> Plan | None:
        """Give what is asked of one camera; None where it cannot be watched, which is told once."""
        try:
            source = cameras.source_of(row, self._context.sealer, self._context.settings.data_dir)
        except StreetError as error:
            if self._refused.get(row.id) != str(error):
                log.warning("camera cannot be watched", camera=row.code, why=str(error))
                self._refused[row.id] = str(error)
            return None
        return Plan(
            camera=str(row.id),
            name=row.code,
            source=source,
            zones=zones,
            pace_s=row.every_s,
            weight=row.weight,
            checked=row.zones_version,
            known=self._known[row.id][1],
        )

    # --- what they look at ----------------------------------------------------------------------------------------
    def _looks_elsewhere(self) -> bool:
        """Say whether a camera looks elsewhere, or again at its zones, since that was last written down."""
        found = self._fleet.figures()
        known = {str(camera_id): one.view for camera_id, (_, one) in self._known.items()}
        return any(one.view is not known.get(one.camera, one.view) for one in found)

    def _remember(self) -> None:
        """Write down what each camera looks at: one that is moved while nobody watches is noticed afterwards."""
        found = {camera_id: self._fleet.known(str(camera_id)) for camera_id in self._known}
        now_known = {camera_id: one for camera_id, one in found.items() if one is not None and one[1].edges}
        with self._context.database.write() as session:
            memories.keep(session, now_known)
        self._known |= now_known

    # --- how they fare --------------------------------------------------------------------------------------------
    def _write_figures(self, figures: list[CameraFigures]) -> None:
        found = {uuid.UUID(one.camera): _plain(one) for one in figures}
        with self._context.database.write() as session:
            status.write_figures(session, found)

    def _keep_alive(self, figures: list[CameraFigures]) -> None:
        """Let the sightings of what is still there live on; end what was not found again after an interruption."""
        at = now()
        sees = {
            uuid.UUID(one.camera): one.last_frame_at
            for one in figures
            if one.online and one.view is View.same and one.trouble is None and one.last_frame_at is not None
        }
        self._live_since = {camera_id: self._live_since.get(camera_id, at) for camera_id in sees}
        with self._context.database.write() as session:
            rows = stays.keep_alive(session, sees, seen_by=self.name)
            for row in rows:
                if row.capture_id is not None:
                    issues.still_there(session, row.capture_id, row.class_code, row.last_at)
            outlived = self._outlived(session, rows)
            lost = stays.give_up_lost(session, self._live_since)
        for camera_id, event in outlived:
            self._fleet.ask(str(camera_id), event)
        if lost:
            log.info("camera events ended that were not found again", count=lost)

    def _outlived(self, session: Session, rows: list[CameraStay]) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """Give camera and event of what has stood there for too long again after people had closed its issue."""
        closed = issues.closed_though_there(session, [row.capture_id for row in rows if row.capture_id])
        if not closed:
            return []
        watched = cameras.cameras_by_id(session, {row.camera_id for row in rows}).values()
        dwells = {
            (camera_id, zone.name): zone.dwell_s
            for camera_id, drawn in cameras.zones_in_force(session, list(watched)).items()
            for zone in drawn.zones
        }
        overdue = stays.to_tell_anew(rows, closed, lambda row: dwells.get((row.camera_id, row.zone)))
        return [(row.camera_id, row.event) for row in overdue]

    # --- what they see --------------------------------------------------------------------------------------------
    def _make_stills(self) -> None:
        """Make fresh stills of the cameras that somebody looks at, one after another."""
        while not self._stopping.is_set():
            self._persist(self._stills_once)
            self._stopping.wait(TICK_S)

    def _stills_once(self) -> None:
        with self._context.database.read() as session:
            wanted = status.stills_wanted(session)
        for camera_id in wanted:
            frame = self._fleet.latest(str(camera_id))
            if self._stopping.is_set():
                return
            if frame is None or frame.taken_at is None:
                continue
            last = self._still_at.get(camera_id)
            if last is not None and (frame.taken_at - last).total_seconds() < STILL_EVERY_S:
                continue
            shown = veiled(
                frame.pixels, frame.width, frame.height, self._model.current(), self._painter, long_side_px=STILL_PX
            )
            self._still_at[camera_id] = frame.taken_at
            with self._context.database.write() as session:
                status.keep_still(
                    session, camera_id, jpeg(shown), width=frame.width, height=frame.height, taken_at=frame.taken_at
                )


def _plain(one: CameraFigures) -> dict[str, Any]:
    """Give figures as JSON keeps them."""
    said = asdict(one)
    for name in ("camera", "name", "online", "view", "stuck", "since_look_s"):
        said.pop(name)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}
