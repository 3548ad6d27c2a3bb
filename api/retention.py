"""What is kept of cameras, and for how long: clips, frames as they were sent, stills. Nothing that an open issue needs.

What people are shown, with faces and plates hidden, stays as long as its issue.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from api.cameras import status, stays
from api.cameras.tables import CameraStay
from api.captures import service as captures
from api.context import Service
from api.database import now
from api.issues import service as issues

GIB = 1024**3
AT_ONCE = 100  # events a transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of files that events have."""

    days: float
    room: int  #: bytes
    taken: Callable[[Session], int]  #: gives the bytes that they take
    oldest: Callable[[Session, uuid.UUID | None, int], Sequence[CameraStay]]
    bytes_of: Callable[[CameraStay], int]
    drop: Callable[[Session, CameraStay], Iterable[str | None]]  #: gives the keys that an event no longer has
    in_use: Callable[[Session, Collection[str]], set[str]]


def tidy(context: Service) -> int:
    """Drop what is kept for too long or takes too much room, oldest first; give how many files."""
    settings = context.settings
    clips = _Kind(
        days=settings.camera_clip_days,
        room=int(settings.camera_clip_gib * GIB),
        taken=stays.clips_kept,
        oldest=stays.oldest_clips,
        bytes_of=lambda row: row.clip_bytes,
        drop=_drop_clip,
        in_use=stays.clips_in_use,
    )
    frames = _Kind(
        days=settings.camera_frame_days,
        room=int(settings.camera_frame_gib * GIB),
        taken=stays.frames_kept,
        oldest=stays.oldest_frames,
        bytes_of=lambda row: row.frame_bytes,
        drop=_drop_frames,
        in_use=_frames_in_use,
    )
    dropped = _drop_old(context, clips) + _drop_old(context, frames)
    with context.database.write() as session:
        return dropped + status.drop_old_stills(session, now() - timedelta(days=settings.camera_frame_days))


def _drop_old(context: Service, kind: _Kind) -> int:
    before = now() - timedelta(days=kind.days)
    dropped, behind = 0, None
    while True:
        with context.database.write() as session:
            taken = kind.taken(session)
            rows = kind.oldest(session, behind, AT_ONCE)
            needed = issues.shown_by_unfinished(session, [row.capture_id for row in rows if row.capture_id])
            keys: set[str] = set()
            for row in rows:
                behind = row.id
                settled = row.ended_at is not None and row.stage in stays.SETTLED
                if settled and row.capture_id not in needed and (row.began_at < before or taken > kind.room):
                    taken -= kind.bytes_of(row)
                    keys |= {key for key in kind.drop(session, row) if key is not None}
            session.flush()
            unused = keys - kind.in_use(session, keys)
        for key in unused:
            context.media.remove(key)
        dropped += len(unused)
        if not rows:
            return dropped


def _drop_clip(_: Session, row: CameraStay) -> list[str | None]:
    key = row.clip_key
    stays.drop_clip(row)
    return [key]


def _drop_frames(session: Session, row: CameraStay) -> list[str | None]:
    keys = [row.frame_key, row.after_key]
    stays.drop_frames(row)
    captures.drop_originals(session, [one for one in (row.capture_id, row.after_capture_id) if one is not None])
    return keys


def _frames_in_use(session: Session, keys: Collection[str]) -> set[str]:
    return stays.frames_in_use(session, keys) | captures.originals_in_use(session, keys)
