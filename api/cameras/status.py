"""How cameras fare, as the process that watches them writes it down, and who that process is. Never commits."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Scope
from api.cameras import service
from api.cameras.schemas import State
from api.cameras.tables import Camera, CameraStatus, CameraStill, CameraWatcher
from api.database import now

LEASE = timedelta(seconds=20)  # a process that is silent for so long watches no more
LOOKED_AT = timedelta(seconds=30)  # after somebody asked for a still, fresh ones are made for so long


# --- who watches --------------------------------------------------------------------------------------------------
def take_watch(session: Session, holder: str) -> bool:
    """Become, or stay, the one process that watches; False where another one does."""
    at = now()
    row = session.get(CameraWatcher, 1, with_for_update=True)
    if row is None:
        session.add(CameraWatcher(id=1, holder=holder, lease_until=at + LEASE))
        session.flush()
        return True
    if row.holder != holder and row.lease_until > at:
        return False
    row.holder, row.lease_until = holder, at + LEASE
    return True


def leave_watch(session: Session, holder: str) -> None:
    """Let another process watch at once."""
    session.execute(sa.delete(CameraWatcher).where(CameraWatcher.holder == holder))


def is_watched(session: Session) -> bool:
    """Say whether a process watches at present."""
    return session.scalar(sa.select(CameraWatcher.id).where(CameraWatcher.lease_until > now())) is not None


# --- states and figures -------------------------------------------------------------------------------------------
def states_of(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, CameraStatus]:
    """Give how cameras fare."""
    query = sa.select(CameraStatus).where(CameraStatus.camera_id.in_(set(ids)))
    return {row.camera_id: row for row in session.scalars(query)}


def count_by_state(session: Session, *, within: Scope) -> dict[State, int]:
    """Count the cameras within a scope by how they fare; those switched off are off, whatever they were before."""
    state = sa.case((Camera.active, sa.func.coalesce(CameraStatus.state, State.waiting)), else_=State.off)
    chosen = (
        sa.select(state.label("state")).select_from(Camera).outerjoin(CameraStatus, CameraStatus.camera_id == Camera.id)
    )
    rows = chosen.where(Camera.removed_at.is_(None), service.inside(within)).subquery()
    query = sa.select(rows.c.state, sa.func.count()).group_by(rows.c.state)
    return {State(found): count for found, count in session.execute(query)}


def change_state(session: Session, camera_id: uuid.UUID, state: State, at: datetime, why: str) -> bool:
    """Take down a camera's new state, and tell the log; False where it is in it already, or is no more."""
    camera = session.get(Camera, camera_id)
    row = session.get(CameraStatus, camera_id, with_for_update=True, populate_existing=True)
    if camera is None or camera.removed_at is not None or row is None or row.state == state:
        return False
    before, row.state, row.since, row.why = row.state, state, at, why[:500]
    if not (before == State.waiting and state is State.online):  # that a camera works when it was added is no news
        service.note(session, camera, state, before=before, why=row.why)
    return True


def write_figures(session: Session, figures: Mapping[uuid.UUID, dict[str, Any]]) -> None:
    """Take down how cameras do."""
    at = now()
    for camera_id, one in figures.items():
        session.execute(
            sa.update(CameraStatus).where(CameraStatus.camera_id == camera_id).values(figures=one, figures_at=at)
        )


# --- stills -------------------------------------------------------------------------------------------------------
def still_of(session: Session, camera_id: uuid.UUID) -> CameraStill | None:
    """Give the newest picture of a camera that people may see."""
    row = session.get(CameraStill, camera_id)
    return row if row is not None and row.jpeg is not None else None


def stills_at(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Give when the newest pictures of cameras were taken, of those that have one."""
    query = sa.select(CameraStill.camera_id, CameraStill.taken_at).where(
        CameraStill.camera_id.in_(set(ids)), CameraStill.taken_at.is_not(None)
    )
    return {row.camera_id: row.taken_at for row in session.execute(query) if row.taken_at is not None}


def want_still(session: Session, camera_id: uuid.UUID) -> None:
    """Let fresh stills of a camera be made for a while: somebody looks at it."""
    session.execute(sa.update(CameraStill).where(CameraStill.camera_id == camera_id).values(wanted_at=now()))


def is_wanted(row: CameraStill) -> bool:
    """Say whether the wish for fresh stills is young enough not to be repeated yet."""
    return row.wanted_at is not None and now() - row.wanted_at < LOOKED_AT / 2


def stills_wanted(session: Session) -> list[uuid.UUID]:
    """Give the cameras that somebody looks at, or of which there is no picture yet; the oldest picture first."""
    looked_at = CameraStill.wanted_at > now() - LOOKED_AT
    query = (
        sa.select(CameraStill.camera_id)
        .where(sa.or_(looked_at, CameraStill.taken_at.is_(None)))
        .order_by(CameraStill.taken_at.asc().nulls_first())
    )
    return list(session.scalars(query))


def keep_still(
    session: Session, camera_id: uuid.UUID, jpeg: bytes, *, width: int, height: int, taken_at: datetime
) -> None:
    """Keep a picture that people may see, in place of the one before."""
    session.execute(
        sa.update(CameraStill)
        .where(CameraStill.camera_id == camera_id)
        .values(jpeg=jpeg, width=width, height=height, taken_at=taken_at)
    )


def drop_old_stills(session: Session, before: datetime) -> int:
    """Forget the stills that were taken before a moment and never renewed since; give how many."""
    old = sa.update(CameraStill).where(CameraStill.taken_at < before)
    dropped = session.execute(old.values(jpeg=None, taken_at=None, width=0, height=0))
    return cast("sa.CursorResult[Any]", dropped).rowcount
