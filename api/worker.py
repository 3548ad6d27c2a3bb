"""The worker: claims captures, looks at them, writes down what it saw. One transaction to claim, one to finish.

Nothing is held open while the model works, so a worker may be killed at any moment: its lease runs out, another takes
the capture, and whatever was not committed together never happened.
"""

import os
import secrets
import signal
import socket
import threading
from datetime import timedelta
from types import FrameType
from typing import Protocol, cast

import structlog
import supervision as sv
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.schemas import Status
from api.captures.tables import Capture
from api.context import Service
from api.database import now
from api.issues import clock
from api.issues import service as issues
from api.learning import thresholds
from api.learning.trainer import Trainer
from api.notify.clerk import Clerk
from api.notify.courier import Courier
from api.pictures import SHOWN_PX, VEHICLE_CONFIDENCE, Painter, jpeg, plain, rounded
from api.points import service as points
from api.reports.reader import Reader
from api.review import service as review
from api.review.syncing import Syncing
from detector import Detector, DetectorError, PhotoError, Scene, Violation, judge, open_photo
from detector.live import LiveModel
from detector.rules import lowest_threshold
from detector.taxonomy import Taxonomy

log = structlog.get_logger()


class Worker:
    """Looks at captures, one after another."""

    def __init__(self, context: Service, model: LiveModel[Detector]) -> None:
        self._context = context
        self._model = model
        self._told: DetectorError | None = None
        self._using = model.current().version
        self._stopping = threading.Event()
        self._painter = Painter(context.settings, context.taxonomy)
        #: tells this run of this process from any other, also one with the same process id
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._numbering = issues.Numbering.of(context.settings, context.taxonomy)
        self._sampling = review.Sampling.of(context.settings)

    def stop(self) -> None:
        """Let the capture at hand be finished, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        log.info("worker ready", worker=self.name, model=self._model.current().version)
        beside: list[Courier | Clerk | Reader | Syncing | Trainer] = [
            Courier(self._context, self.name),
            Clerk(self._context),
            Reader(self._context),
            Syncing(self._context, self._numbering),
            Trainer(self._context),
        ]
        threads = [threading.Thread(target=one.run, name=type(one).__name__) for one in beside]
        for thread in threads:
            thread.start()
        try:
            while not self._stopping.is_set():
                if not self.work_once():
                    self._stopping.wait(self._context.settings.poll_s)
        finally:
            for one in beside:
                one.stop()
            for thread in threads:
                thread.join()

    def work_once(self) -> bool:
        """Look at one capture; False where none waits."""
        settings = self._context.settings
        detector = self._detector()
        with self._context.database.write() as session:
            claimed = captures.claim(
                session, worker=self.name, lease=timedelta(seconds=settings.lease_s), max_attempts=settings.max_attempts
            )
            scene = _scene(session, claimed, settings.nearest_point_m) if claimed else Scene()
            taxonomy = thresholds.serving(session, self._context.taxonomy, detector.card) if claimed else None
        if claimed is None or taxonomy is None:
            return False
        try:
            self._look_at(claimed, scene, detector, taxonomy)
        except PhotoError as error:
            self._give_up(claimed, str(error), for_good=True)
        except Exception as error:  # the job loop: one capture must never stop the others
            log.exception("capture failed", capture=str(claimed.id))
            self._give_up(claimed, f"{type(error).__name__}: {error}", for_good=False)
        return True

    def _detector(self) -> Detector:
        """Give the detector in force; a new version that is refused is told once and changes nothing."""
        detector = self._model.current()
        if self._model.refusal is not None and self._model.refusal is not self._told:
            log.error("new model refused, the old one stays", reason=str(self._model.refusal), model=detector.version)
        self._told = self._model.refusal
        if detector.version != self._using:
            log.info("another model is in use", model=detector.version, before=self._using)
            self._using = detector.version
        return detector

    def _look_at(self, capture: Capture, scene: Scene, detector: Detector, taxonomy: Taxonomy) -> None:
        settings = self._context.settings
        photo = open_photo(
            self._context.media.get(capture.media_key),
            name=capture.filename,
            at_least_px=max(SHOWN_PX, detector.card.model.input_px),
            max_bytes=settings.max_photo_mib * 1024 * 1024,
            max_megapixels=settings.max_megapixels,
            camera_zone=settings.zone,
        )
        lowest = lowest_threshold(taxonomy, detector.card)
        seen = detector.detect(photo, min_confidence=min(lowest, VEHICLE_CONFIDENCE))
        assert seen.confidence is not None  # `detect` always gives it
        found = cast("sv.Detections", seen[seen.confidence >= lowest])
        assert found.confidence is not None
        violations = judge(found, scene, taxonomy, detector.card)
        shown = self._painter.shown(photo.pixels, seen, width=photo.width)
        marked = self._painter.marked(shown, violations, width=photo.width) if violations else None
        outcome = captures.Outcome(
            model=detector.version,
            view_key=self._context.media.put(jpeg(shown), "jpg"),
            evidence_key=self._context.media.put(jpeg(marked), "jpg") if marked is not None else None,
            detections=[
                {"model_class": str(name), "confidence": round(float(confidence), 4), "box": rounded(box.tolist())}
                for name, confidence, box in zip(found.data["class_name"], found.confidence, found.xyxy, strict=True)
            ],
            violations=[plain(violation) for violation in violations],
        )
        self._write_down(capture, violations, outcome)

    def _write_down(self, capture: Capture, violations: list[Violation], outcome: captures.Outcome) -> None:
        """Finish the capture and record its violations, together or not at all."""
        with self._context.database.write() as session:
            if not captures.finish(session, capture.id, self.name, outcome):
                log.warning("lease lost, nothing recorded", capture=str(capture.id))
                return
            seen = issues.Seen(
                capture_id=capture.id, point_id=capture.point_id, at=captures.seen_at(capture, latest=now())
            )
            touched = issues.record(session, seen, violations, self._numbering)
            done = captures.get_capture(session, capture.id, within=EVERYWHERE)
            review.consider(session, done, self._sampling, self._context.taxonomy)
            clock.set_due(session, touched, self._context.clocks)
        log.info("capture processed", capture=str(capture.id), issues=[issue.number for issue in touched])

    def _give_up(self, capture: Capture, reason: str, *, for_good: bool) -> None:
        with self._context.database.write() as session:
            captures.give_up(
                session,
                capture.id,
                self.name,
                reason,
                for_good=for_good,
                max_attempts=self._context.settings.max_attempts,
            )
            if captures.captures_by_id(session, [capture.id])[capture.id].status == Status.failed:
                issues.cannot_judge(session, capture.id)


def _scene(session: Session, capture: Capture, near_m: float) -> Scene:
    point = points.get_point(session, str(capture.point_id), within=EVERYWHERE)
    elsewhere = capture.distance_m is not None and capture.distance_m > near_m
    return Scene(no_parking=point.no_parking, elsewhere=elsewhere)


class Stoppable(Protocol):
    """Something that runs until it is told to stop."""

    def stop(self) -> None:
        """Let what is at hand be finished, then leave."""


def stop_on_signals(worker: Stoppable) -> None:
    """Let SIGTERM and SIGINT end the worker after what is at hand."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
