"""Takes what the watch of the cameras tells and makes it durable as it is: a call that returns has been kept.

What follows from it, such as a sighting, is done afterwards from the rows (`api/recorder.py`), so that the watch never
waits for a picture to be blurred, and whoever is killed in between loses nothing.
"""

import uuid

import structlog
from sqlalchemy.orm import Session

from api.cameras import service, status, stays
from api.cameras.schemas import Stage, State
from api.cameras.tables import Camera
from api.context import Service
from api.issues import service as issues
from detector.cameras.events import Happening
from detector.cameras.sink import Change, Condition, Told

log = structlog.get_logger()

_STATES = {
    Condition.online: State.online,
    Condition.offline: State.offline,
    Condition.moved: State.moved,
    Condition.covered: State.covered,
    Condition.restored: State.online,
}
_SUFFIXES = {"video/mp4": "mp4", "video/x-matroska": "mkv"}


class Taking:
    """A `Sink` that keeps everything in the database and the media."""

    def __init__(self, context: Service, holder: str) -> None:
        """Prepare to take; `holder` is the process that watches."""
        self._context, self._holder = context, holder

    def told(self, told: Told) -> None:
        """Keep a stay that has begun, has ended, or lasts although its issue was closed; told twice, it is one."""
        media, evidence = self._context.media, told.evidence
        key = media.put(evidence.jpeg, "jpg")
        clip = evidence.clip if told.what is not Happening.ended else None
        clip_key = media.put(clip.content, _SUFFIXES.get(clip.media_type, "bin")) if clip else None
        with self._context.database.write() as session:
            camera = service.cameras_by_id(session, [uuid.UUID(told.camera)]).get(uuid.UUID(told.camera))
            if camera is None or camera.removed_at is not None:
                return
            kept = stays.Kept(frame_key=key, clip_key=clip_key)
            if told.what is Happening.began:
                stays.begin(session, camera, told, kept, seen_by=self._holder)
            elif told.what is Happening.lasts:
                self._tell_anew(session, camera, told, kept)
            else:
                stays.end(session, told, key)
        log.info("camera event", camera=camera.code, what=told.what, stay=str(told.event), violation=told.stay.code)

    def _tell_anew(self, session: Session, camera: Camera, told: Told, kept: stays.Kept) -> None:
        """Begin an event anew that has outlived its issue, unless that was opened again meanwhile.

        A picture that is the same to the last byte proves nothing new, as from a camera that hangs: the next one is
        awaited.
        """
        row = stays.find(session, told.event)
        if row is None or row.stage != Stage.recorded or row.capture_id is None or row.frame_key == kept.frame_key:
            return
        closed = issues.closed_though_there(session, [row.capture_id])
        at, capture_id = closed.get((row.capture_id, row.class_code)), row.capture_id
        if at is not None:
            issues.end_with_issue(session, capture_id, row.class_code, at)
            stays.tell_anew(session, camera, told, kept, at, seen_by=self._holder)

    def changed(self, change: Change) -> None:
        """Keep a camera's new state, and tell the log."""
        camera_id, state = uuid.UUID(change.camera), _STATES[change.condition]
        with self._context.database.write() as session:
            changed = status.change_state(session, camera_id, state, change.at, change.reason)
        if changed:
            log.info("camera state", camera=change.camera, state=state, why=change.reason)

    def forgot(self, camera: str, events: list[uuid.UUID]) -> None:
        """Take it that nobody sees these any more, until they begin anew."""
        del camera
        with self._context.database.write() as session:
            stays.forget(session, events)
