"""Cameras over HTTP."""

import uuid
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, File, Query, Request, Response, UploadFile
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.cameras import service, status, stays, views
from api.cameras.schemas import CameraFields, CameraView, EventView, Report, State, ZonesView
from api.cameras.tables import Camera
from api.context import Context, Service
from api.errors import NotFound, TooLarge, Unfit
from api.etags import IfMatch, revision_of, tagged
from api.paging import Paged, PageOf
from detector.cameras.probe import probe
from detector.cameras.zones import MAX_BYTES, Zones, parse_zones, write_zones
from detector.errors import CameraError
from detector.texts import preferred

router = Router(prefix="/cameras", tags=["cameras"])

Viewer = Annotated[Caller, Depends(allow(Permission.view_cameras))]
Keeper = Annotated[Caller, Depends(allow(Permission.manage_cameras))]
Looker = Annotated[Caller, Depends(allow(Permission.open_originals))]
YAML = "application/yaml"


@router.get("", summary="List cameras, newest first")
def list_cameras(
    context: Context, caller: Viewer, window: Paged, point: str | None = None, state: State | None = None
) -> PageOf[CameraView]:
    with context.database.read() as session:
        rows, following = service.list_cameras(
            session, window, within=caller.scope(Permission.view_cameras), point=point, state=state
        )
        return PageOf(items=views.camera_views(session, rows), next=following)


@router.post("", status_code=201, summary="Add a camera; its password goes in and never comes out")
def add_camera(context: Context, caller: Keeper, fields: CameraFields, response: Response) -> CameraView:
    with context.database.write() as session:
        row = service.add_camera(
            session, fields, context.sealer, within=caller.scope(Permission.manage_cameras), by=caller.user_id
        )
        (view,) = views.camera_views(session, [row])
    response.headers["Location"] = f"/api/v1/cameras/{row.code}"
    return tagged(view, response)


@router.get("/{code}", summary="Show a camera, how it fares and what it does")
def get_camera(context: Context, caller: Viewer, code: str, response: Response) -> CameraView:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
        (view,) = views.camera_views(session, [row])
    return tagged(view, response)


@router.put("/{code}", summary="Change a camera, or switch it off and on; without an address it keeps the one it has")
def change_camera(
    context: Context,
    caller: Keeper,
    code: str,
    fields: CameraFields,
    response: Response,
    if_match: IfMatch = None,
) -> CameraView:
    with context.database.write() as session:
        row = service.change_camera(
            session,
            code,
            fields,
            context.sealer,
            within=caller.scope(Permission.manage_cameras),
            by=caller.user_id,
            revision=revision_of(if_match),
        )
        (view,) = views.camera_views(session, [row])
    return tagged(view, response)


@router.delete("/{code}", status_code=204, summary="Take a camera away; what it reported stays")
def remove_camera(context: Context, caller: Keeper, code: str) -> None:
    with context.database.write() as session:
        service.remove_camera(session, code, within=caller.scope(Permission.manage_cameras), by=caller.user_id)


@router.post("/{code}/test", summary="Look at a camera for some seconds: does it work, what does it send and cost")
async def test_camera(request: Request, context: Context, caller: Keeper, code: str) -> Report:
    language = preferred(request.headers.get("accept-language"), context.settings.language)
    return await anyio.to_thread.run_sync(_test, context, caller, code, language, limiter=context.probing)


def _test(context: Service, caller: Caller, code: str, language: str) -> Report:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.manage_cameras))
        source = service.source_of(row, context.sealer, context.settings.data_dir)
    return try_out(source, row.every_s, language)


def try_out(source: service.Readable, every_s: float, language: str) -> Report:
    """Look at a source for some seconds, with no transaction open, and say what was found."""
    try:
        found = probe(source)
    except CameraError as error:
        return views.refused_report(error, language)
    return views.report_of(found, every_s, language)


@router.get(
    "/{code}/still",
    summary="What a camera sees, faces and plates hidden; a newer one is made while somebody asks",
    response_class=Response,
)
def get_still(context: Context, caller: Viewer, code: str) -> Response:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
        still = status.still_of(session, row.id)
        wanted = still is not None and status.is_wanted(still)
    if not wanted:
        with context.database.write() as session:
            status.want_still(session, row.id)
    if still is None or still.jpeg is None or still.taken_at is None:
        raise NotFound(f"There is no picture of {row.code} yet. Is it on, and does `pointwatch serve` run?")
    headers = {"Cache-Control": "no-store", "X-Taken-At": still.taken_at.isoformat()}
    return Response(still.jpeg, media_type="image/jpeg", headers=headers)


@router.get("/{code}/zones", summary="The zones in force; the ETag is their version")
def get_zones(context: Context, caller: Viewer, code: str, response: Response) -> ZonesView:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
        return tagged(views.zones_view(row, service.zones_of(session, row)), response)


@router.put("/{code}/zones", summary="Draw the zones anew; send If-Match to be sure that nobody else did")
def set_zones(
    context: Context, caller: Keeper, code: str, zones: Zones, response: Response, if_match: IfMatch = None
) -> ZonesView:
    return _set_zones(context, caller, code, zones, response, if_match)


@router.get("/{code}/zones/export", summary="The zones as a file for `pointwatch replay`", response_class=Response)
def export_zones(context: Context, caller: Viewer, code: str) -> Response:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
        zones = service.zones_in_force(session, [row])[row.id]
    headers = {"Content-Disposition": f'attachment; filename="{row.code}.yaml"'}
    return Response(write_zones(zones), media_type=YAML, headers=headers)


@router.post("/{code}/zones/import", summary="Take the zones from a file")
def import_zones(
    context: Context,
    caller: Keeper,
    code: str,
    file: Annotated[UploadFile, File(description="YAML as `pointwatch replay --zones` takes it")],
    response: Response,
    if_match: IfMatch = None,
) -> ZonesView:
    content = file.file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge(f"A file of zones has at most {MAX_BYTES} bytes.")
    try:
        zones = parse_zones(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unfit("The file is not text in UTF-8.") from error
    return _set_zones(context, caller, code, zones, response, if_match)


def _set_zones(
    context: Service, caller: Caller, code: str, zones: Zones, response: Response, if_match: str | None
) -> ZonesView:
    with context.database.write() as session:
        within = caller.scope(Permission.manage_cameras)
        made = service.set_zones(
            session,
            code,
            zones,
            context.taxonomy,
            [one.name for one in context.card.classes],
            within=within,
            by=caller.user_id,
            revision=revision_of(if_match),
        )
        row = service.cameras_by_id(session, [made.camera_id])[made.camera_id]
        return tagged(views.zones_view(row, made), response)


@router.get("/{code}/events", summary="What a camera reported, newest first")
def list_events(
    context: Context,
    caller: Viewer,
    code: str,
    window: Paged,
    lasting: Annotated[bool | None, Query(description="only what lasts, or only what is over")] = None,
) -> PageOf[EventView]:
    with context.database.read() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
        found, following = stays.list_stays(session, row, window, lasting=lasting)
        return PageOf(items=views.event_views(session, row, found), next=following)


@router.get(
    "/{code}/events/{event_id}/clip",
    summary="Some seconds around an event, faces and plates as they are; the look and its reason go into the log",
    response_class=Response,
)
def get_clip(
    context: Context,
    caller: Looker,
    code: str,
    event_id: uuid.UUID,
    reason: Annotated[
        str, Query(min_length=5, max_length=500, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$", description="why, in words")
    ],
) -> Response:
    with context.database.write() as session:
        row = service.get_camera(session, code, within=caller.scope(Permission.open_originals))
        stay = stays.get_stay(session, row, event_id)
        if stay.clip_key is None:
            raise NotFound(f"There is no clip of this event: none was taken, or its {_KEPT}")
        _note_look(session, row, caller, stay.id, reason)
    suffix = stay.clip_key.rpartition(".")[2]
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{row.code}-{stay.id}.{suffix}"',
    }
    return Response(
        context.media.get(stay.clip_key), media_type=stay.clip_type or "application/octet-stream", headers=headers
    )


_KEPT = "time is over (POINTWATCH_CAMERA_CLIP_DAYS, POINTWATCH_CAMERA_CLIP_GIB)."


def _note_look(session: Session, row: Camera, caller: Caller, stay_id: uuid.UUID, reason: str) -> None:
    audit.append(
        session,
        audit.Entry(
            subject_kind=service.SUBJECT,
            subject_id=row.id,
            action="clip_opened",
            by_user_id=caller.user_id,
            note=reason.strip(),
            data={"code": row.code, "event": str(stay_id)},
        ),
    )
