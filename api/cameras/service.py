"""Cameras and their zones: what may happen to them. Takes a session, never commits.

An address holds a password. It is opened only to be handed to whoever reads the camera, and never travels as text.
"""

import contextlib
import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.schemas import Scope, UserKind
from api.audit import service as audit
from api.cameras import memories
from api.cameras.schemas import CameraFields, Kind, State
from api.cameras.tables import Camera, CameraStatus, CameraStay, CameraStill, CameraZones
from api.database import new_id, now
from api.errors import Conflict, NotFound, Stale, Unfit, from_detector
from api.paging import Window, cut
from api.points import service as points
from api.sealing import SealBroken, Sealer
from detector.cameras.address import Address, parse_address
from detector.cameras.ffmpeg import Transport
from detector.cameras.source import Loop, Snapshots, Stream
from detector.cameras.zones import Zones
from detector.errors import DetectorError
from detector.installation import shipped
from detector.taxonomy import Taxonomy

SUBJECT = "camera"  # of the audit log
MOST_CAMERAS = 1000


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on cameras that a scope sets: those of its points."""
    places = scope.of_places()
    return sa.true() if places.everywhere else Camera.point_id.in_(points.ids_where(within=places))


def list_cameras(
    session: Session, window: Window, *, within: Scope, point: str | None = None, state: State | None = None
) -> tuple[list[Camera], str | None]:
    """Give one page of the cameras within a scope, newest first."""
    query = sa.select(Camera).where(Camera.removed_at.is_(None), inside(within))
    if point:
        query = query.where(Camera.point_id == points.get_point(session, point, within=within).id)
    if state is State.off:
        query = query.where(Camera.active.is_(False))
    elif state:
        fares = sa.select(CameraStatus.camera_id).where(CameraStatus.state == state)
        query = query.where(Camera.active, Camera.id.in_(fares))
    return cut(session, query, Camera, window)


def get_camera(session: Session, code_or_id: str, *, within: Scope, lock: bool = False) -> Camera:
    """Give a camera by its code or its id.

    Raises:
        NotFound: there is no such camera within the scope, or it was removed.
    """
    named = [Camera.code == code_or_id]
    with contextlib.suppress(ValueError):  # a code
        named.append(Camera.id == uuid.UUID(code_or_id))
    query = sa.select(Camera).where(sa.or_(*named), Camera.removed_at.is_(None), inside(within))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound(f"There is no camera {code_or_id[:64]!r}.")
    return found


def cameras_by_id(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Camera]:
    """Give the cameras with these ids, removed ones too."""
    return {row.id: row for row in session.scalars(sa.select(Camera).where(Camera.id.in_(set(ids))))}


def users_at(session: Session, point_id: uuid.UUID) -> set[uuid.UUID]:
    """Give the users under which the cameras of a point send their pictures, removed cameras too."""
    return set(session.scalars(sa.select(Camera.user_id).filter_by(point_id=point_id)))


def cameras_by_user(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Camera]:
    """Give the cameras that send their pictures as these users, removed ones too."""
    return {row.user_id: row for row in session.scalars(sa.select(Camera).where(Camera.user_id.in_(set(ids))))}


def any_watched(session: Session) -> bool:
    """Say whether there is a camera that somebody wants to be watched."""
    query = sa.select(Camera.id).where(Camera.removed_at.is_(None), Camera.active)
    return session.scalar(query.limit(1)) is not None


def to_watch(session: Session) -> list[Camera]:
    """Give the cameras that are to be watched, in the order of their codes."""
    query = sa.select(Camera).where(Camera.removed_at.is_(None), Camera.active)
    return list(session.scalars(query.order_by(Camera.code)))


def add_camera(
    session: Session, fields: CameraFields, sealer: Sealer, *, within: Scope, by: uuid.UUID | None
) -> Camera:
    """Add a camera.

    Raises:
        Unfit: its address is not taken. NotFound: there is no such point. Conflict: its code is taken.
    """
    if fields.address is None:
        raise Unfit("address: say where the camera is, e.g. rtsp://192.168.1.64/stream1.")
    point = points.get_point(session, fields.point, within=within)
    address = _read_address(fields, fields.address)
    _check_code(session, fields.code, None)
    in_use = session.scalar(sa.select(sa.func.count()).select_from(Camera).where(Camera.removed_at.is_(None))) or 0
    if in_use >= MOST_CAMERAS:
        raise Conflict(f"There are {MOST_CAMERAS} cameras already. Remove one first.")
    at, camera_id = now(), new_id()
    user = accounts.add_user(
        session, login=f"camera-{camera_id.hex}", name=f"{fields.code} {fields.name}"[:80], kind=UserKind.service,
        grants=[],
    )  # fmt: skip
    row = Camera(id=camera_id, point_id=point.id, user_id=user.id, made_by=by, created_at=at, updated_at=at)
    _fill(row, fields)
    row.address, row.sealed_address = address.shown, sealer.seal(address.url, purpose(camera_id))
    session.add(row)
    session.flush()
    session.add(CameraStatus(camera_id=row.id, state=State.waiting, since=at, figures={}))
    session.add(CameraStill(camera_id=row.id, wanted_at=at))
    note(session, row, "added", by=by, address=row.address, point=fields.point)
    session.flush()
    return row


def change_camera(
    session: Session,
    code: str,
    fields: CameraFields,
    sealer: Sealer,
    *,
    within: Scope,
    by: uuid.UUID | None,
    revision: int | None,
) -> Camera:
    """Change a camera; what is left out of the address stays. Another address never takes the old password along.

    Raises:
        NotFound, Stale, Unfit; Conflict: the new code is taken.
    """
    row = get_camera(session, code, within=within, lock=True)
    require_revision(row.revision, revision, row.code)
    point = points.get_point(session, fields.point, within=within)
    _check_code(session, fields.code, row.id)
    before = {name: getattr(row, name) for name in _TOLD}
    address = _changed_address(row, fields, sealer)
    row.point_id = point.id
    _fill(row, fields)
    if address is not None:
        row.address, row.sealed_address = address.shown, sealer.seal(address.url, purpose(row.id))
        _fares(session, row, since=tuple(State), now_is=State.waiting)
    row.updated_at, row.revision = now(), row.revision + 1
    changed = {name: getattr(row, name) for name, value in before.items() if getattr(row, name) != value}
    note(session, row, "changed", by=by, **changed, **({"address": row.address} if address else {}))
    session.flush()
    return row


_TOLD = ("code", "name", "kind", "transport", "every_s", "weight", "active")  # what a change tells the log


def _changed_address(row: Camera, fields: CameraFields, sealer: Sealer) -> Address | None:
    """Give the new address; None where it stays."""
    if fields.address not in (None, row.address):
        assert fields.address is not None
        return _read_address(fields, fields.address)
    known = address_of(row, sealer)
    if fields.user is None and fields.password is None:
        _check_kind(fields.kind, known)
        return None
    user = fields.user if fields.user is not None else (known.credentials or ("",))[0]
    given = fields.model_copy(update={"user": user})
    return _read_address(given, known.bare_url)


def remove_camera(session: Session, code: str, *, within: Scope, by: uuid.UUID | None) -> None:
    """Take a camera away. What it reported stays; its address and its still are forgotten.

    Raises:
        NotFound: there is no such camera within the scope.
    """
    row = get_camera(session, code, within=within, lock=True)
    row.removed_at = row.updated_at = now()
    row.active, row.revision, row.sealed_address = False, row.revision + 1, ""
    session.execute(sa.delete(CameraStill).where(CameraStill.camera_id == row.id))
    memories.forget(session, row.id)
    note(session, row, "removed", by=by)
    session.flush()


def _fares(session: Session, row: Camera, *, since: Collection[State], now_is: State) -> None:
    """Take it that a camera which fares in one of some ways now fares in another, because of what a person did."""
    status = session.get(CameraStatus, row.id, with_for_update=True, populate_existing=True)
    if status is not None and status.state in since and status.state != now_is:
        status.state, status.since, status.why = now_is, now(), ""


def _fill(row: Camera, fields: CameraFields) -> None:
    for name in _TOLD:
        setattr(row, name, getattr(fields, name))


def _check_code(session: Session, code: str, own: uuid.UUID | None) -> None:
    taken = session.scalar(sa.select(Camera.id).where(Camera.code == code, Camera.removed_at.is_(None)))
    if taken is not None and taken != own:
        raise Conflict(f"There is a camera {code} already. Choose another code.")


def require_revision(is_at: int, wanted: int | None, what: str) -> None:
    """Make sure that a thing is still as it was when somebody read it.

    Raises:
        Stale: it is not.
    """
    if wanted is not None and is_at != wanted:
        raise Stale(f"{what} is at revision {is_at} now. Read it again, then repeat your change.")


# --- addresses ----------------------------------------------------------------------------------------------------
def purpose(camera_id: uuid.UUID) -> str:
    """Give what a camera's address is sealed for: it cannot be put into another row."""
    return f"camera.address:{camera_id}"


def _read_address(fields: CameraFields, text: str) -> Address:
    password = fields.password.get_secret_value() if fields.password is not None else None
    if fields.kind is Kind.stills:
        if fields.user or password:
            raise Unfit("user: a folder of stills has no user and no password.")
        return _stills_address(text)
    try:
        if fields.user is None and password:
            raise Unfit("user: a password needs a user name.")
        address = parse_address(text, user=fields.user or None, password=password)
    except DetectorError as error:
        raise Unfit(f"address: {error}") from None  # what raised it may hold the password
    _check_kind(fields.kind, address)
    return address


def _check_kind(kind: Kind, address: Address) -> None:
    if kind is Kind.snapshots and not address.scheme.startswith("http"):
        raise Unfit(f"kind: {address} gives no snapshots: they are fetched over http or https.")
    if (kind is Kind.stills) != (_STILLS.fullmatch(address.url) is not None):
        raise Unfit(f"kind: {address} is no address of the kind {kind}; give another one with it.")


_STILLS = re.compile(r"stills:([A-Za-z0-9][A-Za-z0-9_-]{0,63})")


def _stills_address(text: str) -> Address:
    """Read the name of a folder of stills: a name, never a path, so that it leads nowhere else."""
    if _STILLS.fullmatch(text) is None:
        raise Unfit(
            "address: for stills give `stills:NAME`, of letters, digits, - and _; their folder is `stills/NAME` in "
            "POINTWATCH_DATA_DIR."
        )
    return Address(url=text, shown=text)


def address_of(row: Camera, sealer: Sealer) -> Address:
    """Give a camera's address with its password.

    Raises:
        Unfit: it was sealed with another key.
    """
    try:
        url = sealer.open(row.sealed_address, purpose(row.id))
        return Address(url=url, shown=url) if row.kind == Kind.stills else parse_address(url)
    except (SealBroken, DetectorError):
        raise Unfit(f"The address of {row.code} cannot be opened with this key. Enter it again.") from None


Readable = Stream | Snapshots | Loop


def source_of(row: Camera, sealer: Sealer, data_dir: Path) -> Readable:
    """Give what reads a camera; stills lie under the service's own data, or come with the demo.

    Raises:
        Unfit: its address was sealed with another key.
    """
    address = address_of(row, sealer)
    if row.kind == Kind.stills:
        name = address.url.partition(":")[2]
        own, shown = data_dir / "stills" / name, shipped("datasets/demo") / "cameras" / name
        return Loop(folder=shown if shown.is_dir() and not own.is_dir() else own)
    if row.kind == Kind.snapshots:
        return Snapshots(address=address)
    return Stream(address=address, transport=Transport(row.transport))


# --- zones --------------------------------------------------------------------------------------------------------
def zones_of(session: Session, row: Camera) -> CameraZones | None:
    """Give the zones in force; None where none were drawn."""
    return session.scalar(
        sa.select(CameraZones).where(CameraZones.camera_id == row.id, CameraZones.version == row.zones_version)
    )


def zones_in_force(session: Session, rows: Sequence[Camera]) -> dict[uuid.UUID, Zones]:
    """Give the zones in force of some cameras; empty where none were drawn."""
    query = sa.select(CameraZones).join(
        Camera, sa.and_(Camera.id == CameraZones.camera_id, Camera.zones_version == CameraZones.version)
    )
    found = {
        one.camera_id: Zones.model_validate({"zones": one.zones})
        for one in session.scalars(query.where(Camera.id.in_([row.id for row in rows])))
    }
    return {row.id: found.get(row.id, Zones(zones=[])) for row in rows}


def set_zones(
    session: Session,
    code: str,
    zones: Zones,
    taxonomy: Taxonomy,
    model_classes: Iterable[str],
    *,
    within: Scope,
    by: uuid.UUID | None,
    revision: int | None,
) -> CameraZones:
    """Draw a camera's zones anew; the versions before are kept. Whoever saves them has compared them with the picture.

    Raises:
        NotFound, Stale; Unfit: a zone names a class that nobody knows.
    """
    row = get_camera(session, code, within=within, lock=True)
    require_revision(row.zones_version, revision, f"{row.code}'s zones")
    try:
        zones.check_against(taxonomy, model_classes)
    except DetectorError as error:
        raise from_detector(error) from error
    row.zones_version += 1
    made = CameraZones(
        camera_id=row.id,
        version=row.zones_version,
        zones=zones.model_dump(mode="json", by_alias=True, exclude_defaults=True)["zones"],
        made_by=by,
        made_at=now(),
    )
    session.add(made)
    _fares(session, row, since=(State.moved, State.covered), now_is=State.online)
    memories.begin(session, row)
    note(session, row, "zones_drawn", by=by, version=made.version, zones=[one.name for one in zones.zones])
    session.flush()
    return made


def count_lasting(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Count the events that last, by camera."""
    query = sa.select(CameraStay.camera_id, sa.func.count().label("lasting")).where(
        CameraStay.camera_id.in_(set(ids)), CameraStay.ended_at.is_(None)
    )
    counted = session.execute(query.group_by(CameraStay.camera_id))
    return {row.camera_id: row.lasting for row in counted}


def note(session: Session, row: Camera, action: str, *, by: uuid.UUID | None = None, **data: object) -> None:
    """Write into the log what was done to a camera, or what became of it."""
    entry = audit.Entry(
        subject_kind=SUBJECT, subject_id=row.id, action=action, by_user_id=by, data={"code": row.code, **data}
    )
    audit.append(session, entry)
