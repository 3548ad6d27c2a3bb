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
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
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
from api.notify.clerk import Clerk
from api.notify.courier import Courier
from api.points import service as points
from api.reports.reader import Reader
from api.review import service as review
from api.review.syncing import Syncing
from detector import (
    Certainty,
    Detector,
    DetectorError,
    Mark,
    Photo,
    PhotoError,
    Scene,
    Violation,
    draw,
    judge,
    open_photo,
)
from detector.drawing import AMBER, RED
from detector.live import LiveModel
from detector.privacy import Veil
from detector.rules import lowest_threshold

log = structlog.get_logger()

SHOWN_PX = 1600  # long side of the pictures that people look at
JPEG_QUALITY = 85
VEHICLES = ("car", "bus", "truck", "motorcycle")
VEHICLE_CONFIDENCE = 0.1  # low: a plate is looked for on whatever might be a vehicle


class Worker:
    """Looks at captures, one after another."""

    def __init__(self, context: Service, model: LiveModel[Detector]) -> None:
        self._context = context
        self._model = model
        self._told: DetectorError | None = None
        self._using = model.current().version
        self._stopping = threading.Event()
        self._veil = Veil() if context.settings.privacy == "blur" else None
        #: tells this run of this process from any other, also one with the same process id
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._numbering = issues.Numbering.of(context.settings, context.taxonomy)
        self._sampling = review.Sampling(
            confident=context.settings.review_confident, empty=context.settings.review_empty
        )

    def stop(self) -> None:
        """Let the capture at hand be finished, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        log.info("worker ready", worker=self.name, model=self._model.current().version)
        beside: list[Courier | Clerk | Reader | Syncing] = [
            Courier(self._context, self.name),
            Clerk(self._context),
            Reader(self._context),
            Syncing(self._context, self._numbering),
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
        if claimed is None:
            return False
        try:
            self._look_at(claimed, scene, detector)
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

    def _look_at(self, capture: Capture, scene: Scene, detector: Detector) -> None:
        settings, taxonomy = self._context.settings, self._context.taxonomy
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
        shown = self._shown(photo, seen)
        outcome = captures.Outcome(
            model=detector.version,
            view_key=self._context.media.put(_jpeg(shown), "jpg"),
            evidence_key=self._evidence(photo, shown, violations) if violations else None,
            detections=[
                {"model_class": str(name), "confidence": round(float(confidence), 4), "box": _rounded(box.tolist())}
                for name, confidence, box in zip(found.data["class_name"], found.confidence, found.xyxy, strict=True)
            ],
            violations=[_plain(violation) for violation in violations],
        )
        self._write_down(capture, violations, outcome)

    def _shown(self, photo: Photo, seen: sv.Detections) -> npt.NDArray[np.uint8]:
        """Give the picture that people look at: smaller, and with faces and plates hidden if the settings say so."""
        pixels = _shrunk(photo)
        if self._veil is None:
            return pixels
        vehicles = seen.xyxy[np.isin(seen.data["class_name"], VEHICLES)] * (pixels.shape[1] / photo.width)
        return self._veil.hide(pixels, vehicles.astype(np.float32)).pixels

    def _evidence(self, photo: Photo, shown: npt.NDArray[np.uint8], violations: list[Violation]) -> str:
        marked = draw(shown, self._marks(violations), original_width=photo.width)
        return self._context.media.put(_jpeg(marked), "jpg")

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
            review.consider(session, captures.get_capture(session, capture.id, within=EVERYWHERE), self._sampling)
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

    def _marks(self, violations: list[Violation]) -> list[Mark]:
        language = self._context.settings.language
        return [
            Mark(
                box=one.box,
                text=f"{self._context.taxonomy.name_of(one.code, language)} {one.confidence:.0%}",
                colour=RED if one.certainty is Certainty.automatic else AMBER,
            )
            for one in reversed(violations)  # the surest is drawn last, on top
        ]


def _scene(session: Session, capture: Capture, near_m: float) -> Scene:
    point = points.get_point(session, str(capture.point_id), within=EVERYWHERE)
    elsewhere = capture.distance_m is not None and capture.distance_m > near_m
    return Scene(no_parking=point.no_parking, elsewhere=elsewhere)


def _shrunk(photo: Photo) -> npt.NDArray[np.uint8]:
    """Give the photo with a long side of at most `SHOWN_PX`."""
    pixels = photo.pixels
    ratio = SHOWN_PX / max(pixels.shape[:2])
    if ratio >= 1:
        return pixels
    size = (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Give a picture as a fresh JPEG without metadata."""
    made, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not made:
        raise RuntimeError(f"OpenCV could not encode {pixels.shape} as JPEG")
    return encoded.tobytes()


def _rounded(box: list[float]) -> list[float]:
    return [round(edge, 1) for edge in box]


def _plain(violation: Violation) -> dict[str, object]:
    return {
        "class_code": violation.code,
        "confidence": round(violation.confidence, 4),
        "box": _rounded(list(violation.box)),
        "certainty": violation.certainty,
        "reason": violation.reason,
    }


def stop_on_signals(worker: Worker) -> None:
    """Let SIGTERM and SIGINT end the worker after the capture at hand."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
