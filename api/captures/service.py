"""Captures and their queue: what may happen to them. Takes a session, never commits."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.accounts.schemas import Scope
from api.captures.schemas import Status
from api.captures.tables import Capture
from api.database import now
from api.errors import Conflict, NotFound, Unfit
from api.paging import Window, cut
from api.points import service as points
from api.points.tables import Point
from detector.photo import Photo

LATEST_ARRIVAL = timedelta(days=7)  # a phone that was without a signal for long
RETRY_AFTER = timedelta(seconds=5)  # times the attempt's number


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A photo whose bytes are durable, about to be queued."""

    photo: Photo  #: opened once to prove that it can be
    media_key: str
    byte_count: int
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a worker found."""

    model: str
    view_key: str
    evidence_key: str | None
    detections: list[dict[str, Any]]
    violations: list[dict[str, Any]]


def choose_point(
    session: Session, photo: Photo, point: str | None, *, within_m: float, within: Scope
) -> tuple[Point, float | None]:
    """Give the point a photo belongs to, and how far away it claims to have been taken, in metres.

    Raises:
        NotFound: the scope has no such point. Unfit: none is named, and none is near enough to the GPS position.
    """
    at = photo.position
    if point:
        named = points.get_point(session, point, within=within)
        away = points.distance_m(at.longitude, at.latitude, named.longitude, named.latitude) if at else None
        return named, away
    if at is None:
        raise Unfit("The photo names no point and carries no GPS position. Send it with a point_id.")
    return points.nearest_point(session, at.longitude, at.latitude, within_m=within_m, within=within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A camera's picture that was looked at where it was taken; its bytes are durable."""

    sha256: str
    media_key: str
    byte_count: int
    filename: str
    width: int  #: pixels; boxes are in these, whatever size the picture was kept at
    height: int  #: pixels
    taken_at: datetime
    sent_by: uuid.UUID  #: the camera's own user


def keep_watched(session: Session, point_id: uuid.UUID, watched: Watched, outcome: Outcome) -> Capture:
    """Keep a picture of a camera with what was seen on it, or give the capture that it already is."""
    at = now()
    values = {
        **asdict(watched),
        **asdict(outcome),
        "point_id": point_id,
        "format": "JPEG",
        "received_at": at,
        "status": Status.done,
        "not_before": at,
        "processed_at": at,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Capture).values(values).on_conflict_do_nothing(index_elements=["sha256", "point_id"]))
    return session.scalars(sa.select(Capture).filter_by(sha256=watched.sha256, point_id=point_id)).one()


def receive(
    session: Session, received: Received, *, point: Point, distance_m: float | None, sent_by: uuid.UUID
) -> Capture:
    """Queue a photo, or give the capture that it already is (same bytes, same point)."""
    photo, at = received.photo, now()
    values = {
        "point_id": point.id,
        "sha256": photo.sha256,
        "media_key": received.media_key,
        "filename": received.filename,
        "byte_count": received.byte_count,
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "received_at": at,
        "taken_at": photo.taken_at,
        "longitude": photo.position.longitude if photo.position else None,
        "latitude": photo.position.latitude if photo.position else None,
        "distance_m": distance_m,
        "sent_by": sent_by,
        "status": Status.queued,
        "not_before": at,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Capture).values(values).on_conflict_do_nothing(index_elements=["sha256", "point_id"]))
    return session.scalars(sa.select(Capture).filter_by(sha256=photo.sha256, point_id=point.id)).one()


def drop_originals(session: Session, ids: Iterable[uuid.UUID]) -> None:
    """Take it that the files as they were sent are kept no longer; what people are shown stays."""
    session.execute(
        sa.update(Capture)
        .where(Capture.id.in_(set(ids)), Capture.original_dropped_at.is_(None))
        .values(original_dropped_at=now())
    )


def originals_in_use(session: Session, keys: Collection[str]) -> set[str]:
    """Give those of these keys under which the original of a capture is still kept."""
    query = sa.select(Capture.media_key).where(Capture.media_key.in_(keys), Capture.original_dropped_at.is_(None))
    return set(session.scalars(query))


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on captures that a scope sets."""
    places = scope.of_places()
    return sa.true() if places.everywhere else Capture.point_id.in_(points.ids_where(within=places))


def of_captures_inside(capture_id: sa.orm.InstrumentedAttribute[uuid.UUID], scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition that a row belongs to a capture within a scope."""
    return sa.true() if scope.everywhere else capture_id.in_(sa.select(Capture.id).where(inside(scope)))


def get_capture(session: Session, capture_id: uuid.UUID, *, within: Scope) -> Capture:
    """Give a capture.

    Raises:
        NotFound: there is no such capture within the scope.
    """
    found = session.scalar(sa.select(Capture).where(Capture.id == capture_id, inside(within)))
    if found is None:
        raise NotFound(f"There is no capture {capture_id}.")
    return found


def sent_between(
    session: Session, user_id: uuid.UUID, point_id: uuid.UUID, *, since: datetime, until: datetime
) -> list[uuid.UUID]:
    """Give the ids of what somebody sent for a point between two moments of this server's clock, oldest first."""
    query = sa.select(Capture.id).where(
        Capture.sent_by == user_id, Capture.point_id == point_id, Capture.received_at.between(since, until)
    )
    return list(session.scalars(query.order_by(Capture.id)))


def captures_by_id(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Capture]:
    """Give the captures with these ids."""
    return {row.id: row for row in session.scalars(sa.select(Capture).where(Capture.id.in_(set(ids))))}


def taken_near(session: Session, point_id: uuid.UUID, at: datetime, within: timedelta) -> list[Capture]:
    """Give what was looked at of a point and shows it less than `within` before or after a moment."""
    query = sa.select(Capture).where(
        Capture.point_id == point_id,
        Capture.status == Status.done,
        Capture.received_at.between(at - within, at + within + LATEST_ARRIVAL),
    )
    return [one for one in session.scalars(query) if abs(seen_at(one, latest=now()) - at) < within]


def looked_at_by(session: Session, model: str, since: datetime, *, most: int) -> tuple[list[Capture], int]:
    """Give the newest captures that a model version has looked at since a moment, and how many there are in all."""
    seen = (Capture.status == Status.done, Capture.model == model, Capture.processed_at > since)
    newest = session.scalars(sa.select(Capture).where(*seen).order_by(Capture.id.desc()).limit(most))
    return list(newest), session.scalar(sa.select(sa.func.count()).select_from(Capture).where(*seen)) or 0


def list_captures(
    session: Session,
    window: Window,
    *,
    within: Scope,
    status: Status | None = None,
    point: str | None = None,
    ids: Sequence[uuid.UUID] | None = None,
) -> tuple[list[Capture], str | None]:
    """Give one page of the captures within a scope, newest first."""
    query = sa.select(Capture).where(inside(within))
    if ids:
        query = query.where(Capture.id.in_(ids))
    if status:
        query = query.where(Capture.status == status)
    if point:
        query = query.where(Capture.point_id == points.get_point(session, point, within=within).id)
    return cut(session, query, Capture, window)


def count_by_status(session: Session, *, within: Scope) -> dict[Status, int]:
    """Count the captures in each status within a scope."""
    query = sa.select(Capture.status, sa.func.count()).where(inside(within)).group_by(Capture.status)
    counted = session.execute(query)
    return {Status.queued: 0, **{Status(status): count for status, count in counted}}


class Queue(NamedTuple):
    """What changes when anything happens to a capture."""

    newest: uuid.UUID | None
    waiting: int
    failed: int


def newest_and_waiting(session: Session, *, within: Scope) -> Queue:
    """Give the newest capture within a scope, and how many wait or are parked."""
    unfinished = Capture.status.in_((Status.queued, Status.processing))  # not `!= done`: an index gives these

    def _number(which: sa.ColumnElement[bool]) -> int:
        return session.scalar(sa.select(sa.func.count()).where(which, inside(within))) or 0

    newest = session.scalar(sa.select(Capture.id).where(inside(within)).order_by(Capture.id.desc()).limit(1))
    return Queue(newest, _number(unfinished), _number(Capture.status == Status.failed))


def all_settled(session: Session, ids: Iterable[uuid.UUID]) -> bool:
    """Say whether none of these captures is still on its way."""
    on_its_way = sa.select(Capture.id).where(
        Capture.id.in_(set(ids)), Capture.status.in_((Status.queued, Status.processing))
    )
    return session.scalar(on_its_way.limit(1)) is None


def claim(session: Session, *, worker: str, lease: timedelta, max_attempts: int) -> Capture | None:
    """Give the oldest capture that waits, or whose worker has fallen silent, under a lease; None where none waits.

    One that has been claimed `max_attempts` times without coming back is parked: it may be what kills its workers.
    """
    at = now()
    due = sa.or_(
        sa.and_(Capture.status == Status.queued, Capture.not_before <= at),
        sa.and_(Capture.status == Status.processing, Capture.lease_until < at),
    )
    found = session.scalars(
        sa.select(Capture).where(due).order_by(Capture.id).limit(1).with_for_update(skip_locked=True)
    ).first()
    if found is None:
        return None
    if found.attempts >= max_attempts:
        park(found, f"Its worker fell silent {found.attempts} times; it was never finished.")
        return None
    found.status = Status.processing
    found.attempts += 1
    found.leased_by = worker
    found.lease_until = at + lease
    return found


def finish(session: Session, capture_id: uuid.UUID, worker: str, outcome: Outcome) -> bool:
    """Write down what was found; False where the lease was lost meanwhile, and then nothing may be recorded."""
    changed = session.execute(
        sa.update(Capture)
        .where(Capture.id == capture_id, Capture.status == Status.processing, Capture.leased_by == worker)
        .values(
            status=Status.done,
            processed_at=now(),
            lease_until=None,
            leased_by=None,
            error=None,
            model=outcome.model,
            view_key=outcome.view_key,
            evidence_key=outcome.evidence_key,
            detections=outcome.detections,
            violations=outcome.violations,
        )
    )
    return cast("sa.CursorResult[Any]", changed).rowcount == 1


def give_up(
    session: Session, capture_id: uuid.UUID, worker: str, reason: str, *, for_good: bool, max_attempts: int
) -> None:
    """Take a failed attempt back: try again later, or park it where trying again cannot help."""
    found = session.get(Capture, capture_id, with_for_update=True)
    if found is None or found.leased_by != worker:
        return
    if for_good or found.attempts >= max_attempts:
        park(found, reason)
        return
    found.status = Status.queued
    found.not_before = now() + RETRY_AFTER * found.attempts
    found.lease_until = found.leased_by = None
    found.error = reason[:500]


def park(capture: Capture, reason: str) -> None:
    """Set a capture aside with its error, visible and retryable."""
    capture.status = Status.failed
    capture.lease_until = capture.leased_by = None
    capture.error = reason[:500]


def retry(session: Session, capture_id: uuid.UUID, *, within: Scope) -> Capture:
    """Queue a parked capture again.

    Raises:
        NotFound: there is no such capture within the scope. Conflict: it is not parked.
    """
    found = get_capture(session, capture_id, within=within)
    if found.status != Status.failed:
        raise Conflict(f"Capture {capture_id} is {found.status}; only a failed one can be tried again.")
    found.status = Status.queued
    found.attempts = 0
    found.not_before = now()
    found.error = None
    return found


def seen_at(capture: Capture, latest: datetime) -> datetime:
    """Give the moment that a capture shows: its own claim where that is believable, else when it was received.

    A claim in the future, or more than a week before the photo arrived, is taken for a clock that is wrong.
    """
    claim = capture.taken_at
    believable = claim is not None and capture.received_at - LATEST_ARRIVAL <= claim <= latest
    return claim if claim is not None and believable else capture.received_at
