"""Takes what the watch of the cameras tells and makes it durable as it is: a call that returns has been kept.

What follows from it, such as a sighting, is done afterwards from the rows (`api/recorder.py`), so that the watch never
waits for a picture to be blurred, and whoever is killed in between loses nothing.
"""

import uuid

import structlog

from api.cameras import service, status, stays
from api.cameras.schemas import State
from api.context import Service
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
        """Keep a stay that has begun or ended; told twice, it is one."""
        media, evidence = self._context.media, told.evidence
        key = media.put(evidence.jpeg, "jpg")
        began = told.what is Happening.began
        clip = evidence.clip if began else None
        clip_key = media.put(clip.content, _SUFFIXES.get(clip.media_type, "bin")) if clip else None
        with self._context.database.write() as session:
            camera = service.cameras_by_id(session, [uuid.UUID(told.camera)]).get(uuid.UUID(told.camera))
            if camera is None or camera.removed_at is not None:
                return
            if began:
                kept = stays.Kept(frame_key=key, clip_key=clip_key)
                stays.begin(session, camera, told, kept, seen_by=self._holder)
            else:
                stays.end(session, told, key)
        log.info("camera event", camera=camera.code, what=told.what, stay=str(told.event), violation=told.stay.code)

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
