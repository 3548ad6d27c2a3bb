"""What cameras report: events from beginning to end, on their way to a sighting. Takes a session, never commits.

What the watch tells is first made durable as it is (`begin`, `end`); what follows from it is done afterwards, from
these rows, each step in one transaction. A process that is killed in between goes on with the same rows and does
nothing twice.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
import supervision as sv
from sqlalchemy.orm import Session

from api.cameras.schemas import Ending, Stage
from api.cameras.tables import Camera, CameraStay
from api.database import new_id, now
from api.errors import NotFound
from api.paging import Window, cut
from detector.cameras.sink import Told
from detector.rules import Box, Certainty, Reason

SAME_PLACE = 0.5  # IoU from which on what is seen after an interruption is what was seen before
LONGEST_GAP = timedelta(minutes=30)  # after so long without a watch nobody knows whether it is the same thing
MOST_ATTEMPTS = 5
SETTLED = frozenset((Stage.done, Stage.failed))  # nothing more is to be done of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The pictures of something told, durable already."""

    frame_key: str
    clip_key: str | None = None


def find(session: Session, event: uuid.UUID) -> CameraStay | None:
    """Give an event under the name by which the watch calls it."""
    return session.scalar(sa.select(CameraStay).where(CameraStay.event == event).with_for_update())


def begin(session: Session, camera: Camera, told: Told, kept: Kept, *, seen_by: str) -> CameraStay:
    """Take down an event that has begun; told twice, it is one. What was there before an interruption goes on."""
    known = find(session, told.event)
    if known is not None:
        return known
    stay, evidence = told.stay, told.evidence
    at = told.at or now()
    since_at = told.since_at or at - timedelta(seconds=max(0.0, evidence.at_s - stay.since_s))
    before = _interrupted(session, camera, told)
    if before is not None:
        before.event, before.seen_by = told.event, seen_by
        before.box, before.last_at, before.last_s = list(stay.box), at, stay.last_s
        before.since_s, before.began_s = stay.since_s, stay.began_s  # the stream's time has begun anew
        session.flush()
        return before
    return _add(session, camera, told, kept, since_at=since_at, seen_by=seen_by)


def _add(session: Session, camera: Camera, told: Told, kept: Kept, *, since_at: datetime, seen_by: str) -> CameraStay:
    """Add an event that has begun."""
    stay, evidence, at = told.stay, told.evidence, told.at or now()
    clip = evidence.clip if kept.clip_key else None
    row = CameraStay(
        camera_id=camera.id,
        point_id=camera.point_id,
        event=told.event,
        seen_by=seen_by,
        stage=Stage.told,
        zone=stay.zone,
        zones_version=camera.zones_version,
        class_code=stay.code,
        box=[round(edge, 1) for edge in stay.box],
        width=evidence.width,
        height=evidence.height,
        confidence=stay.confidence,
        certainty=stay.certainty,
        reason=stay.reason,
        model=told.model,
        since_at=since_at,
        began_at=at,
        last_at=at,
        since_s=stay.since_s,
        began_s=stay.began_s,
        last_s=stay.last_s,
        frame_key=kept.frame_key,
        frame_bytes=len(evidence.jpeg),
        marks=_marks(told),
        camera_at=evidence.camera_at,
        clip_key=kept.clip_key,
        clip_bytes=len(clip.content) if clip else 0,
        clip_type=clip.media_type if clip else None,
        clip_event_s=clip.event_s if clip else None,
    )
    session.add(row)
    session.flush()
    return row


def _marks(told: Told) -> list[dict[str, Any]]:
    """Give what else the model saw on the frame, as captures keep it."""
    return [
        {
            "model_class": one.name,
            "confidence": round(one.confidence, 4),
            "box": [round(edge, 1) for edge in one.box],
        }
        for one in told.evidence.boxes
        if not one.own
    ]


def _interrupted(session: Session, camera: Camera, told: Told) -> CameraStay | None:
    """Give the event that this one continues: it lay at this place when the watch was interrupted."""
    query = sa.select(CameraStay).where(
        CameraStay.camera_id == camera.id,
        CameraStay.ended_at.is_(None),
        CameraStay.seen_by.is_(None),
        CameraStay.class_code == told.stay.code,
        CameraStay.width == told.evidence.width,
        CameraStay.height == told.evidence.height,
    )
    rows = list(session.scalars(query.order_by(CameraStay.id).with_for_update()))
    if not rows:
        return None
    there = np.array([one.box for one in rows], dtype=np.float64)
    overlaps = sv.box_iou_batch(np.array([told.stay.box], dtype=np.float64), there)[0]
    best = int(overlaps.argmax())
    return rows[best] if overlaps[best] >= SAME_PLACE else None


def end(session: Session, told: Told, after_key: str | None) -> CameraStay | None:
    """Take down that an event is over; None where nobody told that it had begun."""
    row = find(session, told.event)
    if row is None or row.ended_at is not None:
        return row
    stay = told.stay
    at = told.at or now()
    gone_for_s = max(0.0, told.evidence.at_s - stay.last_s)  # several looks had to find the place empty
    row.last_at = max(row.began_at, at - timedelta(seconds=gone_for_s))
    row.last_s, row.after_key, row.after_marks = stay.last_s, after_key, _marks(told)
    row.frame_bytes += len(told.evidence.jpeg)
    _close(row, row.last_at, Ending.gone)
    session.flush()
    return row


def _close(row: CameraStay, at: datetime, ending: Ending) -> None:
    row.ended_at, row.ending, row.seen_by = at, ending, None
    if row.stage == Stage.recorded:
        row.stage = Stage.ended


def forget(session: Session, events: Collection[uuid.UUID]) -> None:
    """Take it that nothing more will be told of these; whatever is still there begins anew and is found again."""
    query = sa.update(CameraStay).where(CameraStay.event.in_(events), CameraStay.ended_at.is_(None))
    session.execute(query.values(seen_by=None))


def interrupt(session: Session, *, but_for: str) -> None:
    """Take it that whatever another process saw is seen by nobody now."""
    lasting = sa.and_(CameraStay.ended_at.is_(None), CameraStay.seen_by.is_not(None), CameraStay.seen_by != but_for)
    session.execute(sa.update(CameraStay).where(lasting).values(seen_by=None))


def to_tell_anew(
    rows: Sequence[CameraStay],
    closed: Mapping[tuple[uuid.UUID, str], datetime],
    dwell_s: Callable[[CameraStay], float | None],
) -> list[CameraStay]:
    """Give the events, of some that last, that have gone on for too long after people had closed their issues.

    The rule is broken anew when a thing has stood there for the whole dwell again, counted from the closing. An event
    that has been told anew once is left alone: whoever closes its issue a second time has seen that it is still there.

    Args:
        closed: (capture, class) -> when its issue was closed.
        dwell_s: how long a thing may be in an event's zone, seconds; None where that zone is no more.
    """
    overdue = []
    for row in rows:
        at = closed.get((row.capture_id, row.class_code)) if row.capture_id is not None else None
        allowed_s = dwell_s(row)
        if at is None or allowed_s is None or row.stage != Stage.recorded or row.reason == Reason.still_there:
            continue
        if row.last_at - at >= timedelta(seconds=allowed_s):
            overdue.append(row)
    return overdue


def tell_anew(session: Session, camera: Camera, told: Told, kept: Kept, at: datetime, *, seen_by: str) -> CameraStay:
    """Take down that a thing is still there after its issue was closed: an event of its own from the closing on.

    Its watch goes on with the new one.

    Args:
        at: when its issue was closed.
    """
    row = find(session, told.event)
    assert row is not None
    row.event = new_id()
    _close(row, max(at, row.began_at), Ending.signed_off)
    row.stage, row.last_at = Stage.done, max(at, row.began_at)
    session.flush()
    stay, evidence, seen_at = told.stay, told.evidence, told.at or now()
    since_s = max(0.0, evidence.at_s - (seen_at - at).total_seconds())
    anew = replace(
        stay, certainty=Certainty.automatic, reason=Reason.still_there, since_s=since_s, began_s=evidence.at_s
    )
    return _add(session, camera, replace(told, stay=anew), kept, since_at=at, seen_by=seen_by)


def keep_alive(session: Session, last_frames: dict[uuid.UUID, datetime], *, seen_by: str) -> list[CameraStay]:
    """Take down until when the events that last were seen; give them."""
    query = sa.select(CameraStay).where(CameraStay.ended_at.is_(None), CameraStay.seen_by == seen_by)
    rows = list(session.scalars(query.order_by(CameraStay.id).with_for_update()))
    for row in rows:
        row.last_at = max(row.last_at, last_frames.get(row.camera_id, row.last_at))
    session.flush()
    return rows


def give_up_lost(session: Session, live_since: dict[uuid.UUID, datetime]) -> int:
    """End the events that were not found again, though their camera has been watched since; give how many.

    Args:
        live_since: the cameras that are watched and show their zones, with since when.
    """
    at, count = now(), 0
    query = sa.select(CameraStay, Camera).join(Camera, Camera.id == CameraStay.camera_id)
    query = query.where(CameraStay.ended_at.is_(None), CameraStay.seen_by.is_(None))
    for row, camera in session.execute(query.with_for_update(of=CameraStay)).all():
        watched = live_since.get(camera.id)
        away = camera.removed_at is not None or not camera.active
        if away or (watched is not None and at - max(watched, row.last_at) > LONGEST_GAP):
            _close(row, row.last_at, Ending.changed if away else Ending.lost)
            count += 1
    session.flush()
    return count


# --- on the way to a sighting -------------------------------------------------------------------------------------
def next_waiting(session: Session) -> CameraStay | None:
    """Give the oldest event of which something has to be done; None where none waits."""
    query = sa.select(CameraStay).where(
        CameraStay.stage.in_((Stage.told, Stage.ended)), CameraStay.attempts < MOST_ATTEMPTS
    )
    return session.scalars(query.order_by(CameraStay.id).limit(1)).first()


def recorded(row: CameraStay, capture_id: uuid.UUID) -> None:
    """Take it that an event has become a sighting."""
    row.capture_id, row.attempts, row.error = capture_id, 0, None
    row.stage = Stage.recorded if row.ended_at is None else Stage.ended


def settled(row: CameraStay, after_capture_id: uuid.UUID | None) -> None:
    """Take it that everything has been done that follows from an event's end."""
    row.after_capture_id, row.stage, row.attempts, row.error = after_capture_id, Stage.done, 0, None


def failed(session: Session, stay_id: uuid.UUID, why: str) -> None:
    """Take down that an attempt went wrong; after some of them it is set aside, visible."""
    row = session.get(CameraStay, stay_id, with_for_update=True)
    if row is None:
        return
    row.attempts, row.error = row.attempts + 1, why[:500]
    if row.attempts >= MOST_ATTEMPTS:
        row.stage = Stage.failed


def others_last(session: Session, row: CameraStay) -> bool:
    """Say whether something else of the same class is still there at the same point."""
    query = sa.select(CameraStay.id).where(
        CameraStay.point_id == row.point_id,
        CameraStay.class_code == row.class_code,
        CameraStay.ended_at.is_(None),
        CameraStay.id != row.id,
    )
    return session.scalar(query.limit(1)) is not None


# --- reading ------------------------------------------------------------------------------------------------------
def list_stays(
    session: Session, camera: Camera, window: Window, *, lasting: bool | None = None
) -> tuple[list[CameraStay], str | None]:
    """Give one page of what a camera reported, newest first."""
    query = sa.select(CameraStay).where(CameraStay.camera_id == camera.id)
    if lasting is not None:
        query = query.where(CameraStay.ended_at.is_(None) if lasting else CameraStay.ended_at.is_not(None))
    return cut(session, query, CameraStay, window)


def get_stay(session: Session, camera: Camera, stay_id: uuid.UUID) -> CameraStay:
    """Give one event of a camera.

    Raises:
        NotFound: it reported no such event.
    """
    row = session.get(CameraStay, stay_id)
    if row is None or row.camera_id != camera.id:
        raise NotFound(f"{camera.code} has reported no event {stay_id}.")
    return row


def of_captures(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, CameraStay]:
    """Give the events whose pictures these captures are."""
    query = sa.select(CameraStay).where(CameraStay.capture_id.in_(set(ids)))
    return {row.capture_id: row for row in session.scalars(query) if row.capture_id is not None}


# --- retention ----------------------------------------------------------------------------------------------------
def clips_kept(session: Session) -> int:
    """Give how many bytes the clips take."""
    query = sa.select(sa.func.coalesce(sa.func.sum(CameraStay.clip_bytes), 0)).where(CameraStay.clip_key.is_not(None))
    return int(session.scalar(query) or 0)


def oldest_clips(session: Session, behind: uuid.UUID | None, limit: int) -> Sequence[CameraStay]:
    """Give the events that have a clip, oldest first, behind one of them."""
    query = sa.select(CameraStay).where(CameraStay.clip_key.is_not(None))
    if behind is not None:
        query = query.where(CameraStay.id > behind)
    return list(session.scalars(query.order_by(CameraStay.id).limit(limit)))


def clips_in_use(session: Session, keys: Collection[str]) -> set[str]:
    """Give those of these clips that an event still has."""
    return {one for one in session.scalars(sa.select(CameraStay.clip_key).where(CameraStay.clip_key.in_(keys))) if one}


def drop_clip(row: CameraStay) -> None:
    """Take it that an event's clip is kept no longer."""
    row.clip_key, row.clip_bytes = None, 0


def frames_kept(session: Session) -> int:
    """Give how many bytes the frames take that are kept as cameras sent them."""
    query = sa.select(sa.func.coalesce(sa.func.sum(CameraStay.frame_bytes), 0))
    return int(session.scalar(query.where(CameraStay.frame_key.is_not(None))) or 0)


def oldest_frames(session: Session, behind: uuid.UUID | None, limit: int) -> Sequence[CameraStay]:
    """Give the events whose frames are kept, oldest first, behind one of them."""
    query = sa.select(CameraStay).where(CameraStay.frame_key.is_not(None))
    if behind is not None:
        query = query.where(CameraStay.id > behind)
    return list(session.scalars(query.order_by(CameraStay.id).limit(limit)))


def frames_in_use(session: Session, keys: Collection[str]) -> set[str]:
    """Give those of these frames that an event still has: two may have begun on one frame."""
    used: set[str] = set()
    for column in (CameraStay.frame_key, CameraStay.after_key):
        used |= {one for one in session.scalars(sa.select(column).where(column.in_(keys))) if one}
    return used


def drop_frames(row: CameraStay) -> None:
    """Take it that an event's frames are kept no longer."""
    row.frame_key, row.after_key, row.frame_bytes = None, None, 0


def as_box(row: CameraStay) -> Box:
    """Give where it was, pixels of the stream's picture."""
    x1, y1, x2, y2 = row.box
    return float(x1), float(y1), float(x2), float(y2)
