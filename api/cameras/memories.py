"""What cameras looked at when their zones were drawn, kept so that one moved while nobody watched is noticed.

Takes a session, never commits.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta

import cv2
import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cameras.tables import Camera, CameraMemory, CameraStill, CameraWatcher
from api.database import now
from detector.cameras.view import Known, View, known_from, packed, unpacked

FRESH = timedelta(minutes=10)  # a still so young is what the zones were drawn on


def memories_of(session: Session, rows: Iterable[Camera]) -> dict[uuid.UUID, Known]:
    """Give what is remembered of what cameras look at, of those whose zones it was kept for."""
    versions = {row.id: row.zones_version for row in rows}
    kept = session.scalars(sa.select(CameraMemory).where(CameraMemory.camera_id.in_(versions)))
    return {one.camera_id: _known(one) for one in kept if one.zones_version == versions[one.camera_id]}


def _known(row: CameraMemory) -> Known:
    edges = {night: unpacked(png) for night, png in ((False, row.day), (True, row.night)) if png is not None}
    return Known(view=View(row.view), edges={night: one for night, one in edges.items() if one is not None})


def keep(session: Session, memories: Mapping[uuid.UUID, tuple[int, Known]]) -> None:
    """Keep what a watch remembers: camera -> version of its zones, and what it looks at."""
    in_force = {
        row.id: row.zones_version
        for row in session.scalars(sa.select(Camera).where(Camera.id.in_(memories), Camera.removed_at.is_(None)))
    }
    for camera_id, (version, known) in memories.items():
        if in_force.get(camera_id) == version:  # else they were drawn anew meanwhile
            _write(session, camera_id, version, known)
    session.flush()


def begin(session: Session, camera: Camera) -> None:
    """Remember the still that new zones were drawn on, in place of what was known before.

    Whoever saves zones has compared them with the picture. A still that is old while the camera is watched was not
    what they looked at; the first picture to come is taken then.
    """
    still = session.get(CameraStill, camera.id)
    watched = session.scalar(sa.select(CameraWatcher.id).where(CameraWatcher.lease_until > now())) is not None
    drawn_on = still is not None and still.taken_at is not None and (not watched or now() - still.taken_at < FRESH)
    pixels = None
    if drawn_on and still is not None and still.jpeg is not None:
        pixels = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        forget(session, camera.id)
    else:
        _write(session, camera.id, camera.zones_version, known_from(np.asarray(pixels, dtype=np.uint8)))
    session.flush()


def forget(session: Session, camera_id: uuid.UUID) -> None:
    """Remember nothing of a camera any more."""
    session.execute(sa.delete(CameraMemory).where(CameraMemory.camera_id == camera_id))


def _write(session: Session, camera_id: uuid.UUID, version: int, known: Known) -> None:
    row = session.get(CameraMemory, camera_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = CameraMemory(camera_id=camera_id)
        session.add(row)
    row.zones_version, row.view, row.kept_at = version, known.view, now()
    day, night = known.edges.get(False), known.edges.get(True)
    row.day = packed(day) if day is not None else None
    row.night = packed(night) if night is not None else None
