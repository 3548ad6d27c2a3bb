"""From what a camera told to a sighting on the one open issue of its point, each event in one transaction.

The rows of `camera_stays` are the queue. Pictures are blurred and drawn with no transaction open; a process that is
killed in between does it again and changes nothing twice.
"""

import hashlib
import threading
from datetime import datetime
from typing import Any

import cv2
import numpy as np
import structlog

from api.cameras import service as cameras
from api.cameras import stays
from api.cameras.schemas import Ending, Stage
from api.cameras.tables import Camera, CameraStay
from api.captures import service as captures
from api.captures.tables import Capture
from api.context import Service
from api.issues import clock
from api.issues import service as issues
from api.issues.schemas import Source
from api.pictures import SHOWN_PX, VEHICLE_CONFIDENCE, Painter, Pixels, jpeg, plain, rounded
from api.review import service as review
from detector import Certainty, Detector, Violation
from detector.cameras.frame import Frame
from detector.live import LiveModel
from detector.rules import Reason
from detector.taxonomy import Judged

log = structlog.get_logger()

IDLE_S = 0.5
TROUBLED_S = 5.0


class Recorder:
    """Does what follows from what cameras told: a thread of the process that watches."""

    def __init__(self, context: Service, model: LiveModel[Detector], painter: Painter) -> None:
        """Prepare to record."""
        self._context, self._model, self._painter = context, model, painter
        self._stopping = threading.Event()
        self._numbering = issues.Numbering.of(context.settings, context.taxonomy)
        self._sampling = review.Sampling.of(context.settings)

    def stop(self) -> None:
        """Let the event at hand be finished, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stopping.is_set():
            if not self.record_next():
                self._stopping.wait(IDLE_S)

    def record_next(self) -> bool:
        """Do what follows from one event; False where none waits."""
        with self._context.database.read() as session:
            row = stays.next_waiting(session)
            camera = cameras.cameras_by_id(session, [row.camera_id])[row.camera_id] if row else None
        if row is None or camera is None:
            return False
        try:
            if row.stage == Stage.told:
                self._record(row, camera)
            else:
                self._settle(row, camera)
        except Exception as error:  # the job loop: one event must never stop the others
            log.exception("camera event failed", stay=str(row.id))
            with self._context.database.write() as session:
                stays.failed(session, row.id, f"{type(error).__name__}: {error}")
            self._stopping.wait(TROUBLED_S)
        return True

    def _record(self, row: CameraStay, camera: Camera) -> None:
        """Make an event a sighting."""
        assert row.frame_key is not None
        violation = _violation(row)
        content = self._context.media.get(row.frame_key)
        shown = self._shown(content, row)
        marked = self._painter.marked(shown, [violation], width=row.width)
        outcome = captures.Outcome(
            model=row.model,
            view_key=self._context.media.put(jpeg(shown), "jpg"),
            evidence_key=self._context.media.put(jpeg(marked), "jpg"),
            detections=[*self._own(row), *row.marks],
            violations=[plain(violation)],
        )
        watched = self._watched(content, row.frame_key, row, camera, row.began_at)
        with self._context.database.write() as session:
            again = stays.find(session, row.event)
            if again is None or again.stage != Stage.told:
                return
            capture = captures.keep_watched(session, row.point_id, watched, outcome)
            seen = issues.Seen(
                capture_id=capture.id, point_id=capture.point_id, at=again.since_at, source=Source.camera
            )
            touched = issues.record(session, seen, [violation], self._numbering)
            issues.still_there(session, capture.id, row.class_code, again.last_at)
            review.consider(session, capture, self._sampling, self._context.taxonomy)
            clock.set_due(session, touched, self._context.clocks)
            stays.recorded(again, capture.id)
        log.info("camera event recorded", camera=camera.code, issues=[issue.number for issue in touched])

    def _settle(self, row: CameraStay, camera: Camera) -> None:
        """Do what follows from an event's end; where it is confirmed gone, propose that its issue is put right."""
        if row.capture_id is None or row.ended_at is None:
            raise ValueError("an event that was never recorded cannot be settled")
        with self._context.database.read() as session:
            proven = row.ending == Ending.gone and row.after_key is not None and not stays.others_last(session, row)
        after = self._empty_place(row, camera) if proven else None
        with self._context.database.write() as session:
            again = stays.find(session, row.event)
            if again is None or again.stage != Stage.ended:
                return
            capture = captures.keep_watched(session, row.point_id, *after) if after else None
            issue = issues.gone(
                session,
                row.capture_id,
                row.class_code,
                row.ended_at,
                after_capture_id=capture.id if capture is not None and _is_new(capture, row) else None,
            )
            if issue is not None:
                clock.set_due(session, [issue], self._context.clocks)
            stays.settled(again, capture.id if capture else None)
        log.info("camera event over", camera=camera.code, issue=issue.number if issue else None, ending=row.ending)

    def _empty_place(self, row: CameraStay, camera: Camera) -> tuple[captures.Watched, captures.Outcome]:
        assert row.after_key is not None
        assert row.ended_at is not None
        content = self._context.media.get(row.after_key)
        outcome = captures.Outcome(
            model=row.model,
            view_key=self._context.media.put(jpeg(self._shown(content, row)), "jpg"),
            evidence_key=None,
            detections=row.after_marks,
            violations=[],
        )
        return self._watched(content, row.after_key, row, camera, row.ended_at), outcome

    def _shown(self, content: bytes, row: CameraStay) -> Pixels:
        """Give a frame as people may see it."""
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError("the frame that was kept is no picture")
        return veiled(np.asarray(pixels, dtype=np.uint8), row.width, row.height, self._model.current(), self._painter)

    def _own(self, row: CameraStay) -> list[dict[str, Any]]:
        """Give the event's own box under the name that the model knows it by, where there is one."""
        seen = self._context.taxonomy.classes[row.class_code].seen
        if seen is None or seen.judged is not Judged.appearance:
            return []
        confidence = round(row.confidence, 4)
        return [{"model_class": seen.model_classes[0], "confidence": confidence, "box": rounded(row.box)}]

    def _watched(self, content: bytes, key: str, row: CameraStay, camera: Camera, at: datetime) -> captures.Watched:
        local = at.astimezone(self._context.settings.zone)
        return captures.Watched(
            sha256=hashlib.sha256(content).hexdigest(),
            media_key=key,
            byte_count=len(content),
            filename=f"{camera.code} {local:%Y-%m-%d %H.%M.%S}.jpg",
            width=row.width,
            height=row.height,
            taken_at=at,
            sent_by=camera.user_id,
        )


def _violation(row: CameraStay) -> Violation:
    return Violation(
        code=row.class_code,
        box=stays.as_box(row),
        confidence=row.confidence,
        certainty=Certainty(row.certainty),
        reason=Reason(row.reason),
        model=row.model,
    )


def _is_new(capture: Capture, row: CameraStay) -> bool:
    """Say whether the picture of the empty place is another one than that of the event."""
    return capture.id != row.capture_id


def veiled(
    pixels: Pixels, width: int, height: int, detector: Detector, painter: Painter, *, long_side_px: int = SHOWN_PX
) -> Pixels:
    """Give a camera's picture as people may see it; the model says where vehicles are, whose plates are hidden.

    Args:
        pixels: (H, W, 3) uint8 BGR, perhaps smaller than the stream's picture.
        width, height: of the stream's picture.
    """
    frame = Frame(pixels=pixels, width=width, height=height, at_s=0.0)
    seen = detector.detect(frame, min_confidence=VEHICLE_CONFIDENCE)
    return painter.shown(pixels, seen, width=width, long_side_px=long_side_px)
