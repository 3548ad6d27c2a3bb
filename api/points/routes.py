"""Points over HTTP."""

from typing import Annotated

import anyio.to_thread
from fastapi import Depends, File, Response, UploadFile

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.downloads import SheetFormat, download
from api.errors import NotFound
from api.etags import IfMatch, revision_of, tagged
from api.paging import Paged, PageOf
from api.points import service
from api.points.schemas import PointFields, PointView
from api.sheets import MAX_BYTES, ImportOutcome
from api.uploads import as_jpeg, read_upload

router = Router(prefix="/points", tags=["points"])

ZONE_PX = 1600  # long side of a zone's picture

PointViewer = Annotated[Caller, Depends(allow(Permission.view_points))]
PointManager = Annotated[Caller, Depends(allow(Permission.manage_points))]


@router.get("", summary="List points")
def list_points(
    context: Context, caller: PointViewer, window: Paged, community: str | None = None, category: str | None = None
) -> PageOf[PointView]:
    with context.database.read() as session:
        rows, following = service.list_points(
            session, window, within=caller.scope(Permission.view_points), community=community, category=category
        )
        return PageOf(items=[PointView.model_validate(row) for row in rows], next=following)


@router.post("", status_code=201, summary="Add a point")
def create_point(context: Context, caller: PointManager, fields: PointFields, response: Response) -> PointView:
    with context.database.write() as session:
        point = service.create_point(
            session, fields, context.taxonomy, within=caller.scope(Permission.manage_points), by=caller.user_id
        )
    response.headers["Location"] = f"/api/v1/points/{point.code}"
    return tagged(PointView.model_validate(point), response)


@router.get("/export", summary="Download all points as CSV or XLSX")
def export_points(
    context: Context,
    caller: PointViewer,
    format: SheetFormat = "csv",  # noqa: A002 - the query's name
) -> Response:
    within = caller.scope(Permission.view_points)
    with context.database.read() as session:
        rows = [PointView.model_validate(row) for row in service.all_points(session, within=within)]
    return download(service.SHEET, format, rows)


@router.post("/import", summary="Create or change points from CSV or XLSX, all or none")
def import_points(context: Context, caller: PointManager, file: Annotated[UploadFile, File()]) -> ImportOutcome:
    rows = service.SHEET.read(file.filename or "", file.file.read(MAX_BYTES + 1))
    with context.database.write() as session:
        return service.import_points(
            session, rows, context.taxonomy, within=caller.scope(Permission.manage_points), by=caller.user_id
        )


@router.get("/{code}", summary="Show a point")
def get_point(context: Context, caller: PointViewer, code: str, response: Response) -> PointView:
    with context.database.read() as session:
        point = service.get_point(session, code, within=caller.scope(Permission.view_points))
        return tagged(PointView.model_validate(point), response)


@router.put("/{code}", summary="Change a point; send If-Match to be sure that nobody else did")
def change_point(
    context: Context,
    caller: PointManager,
    code: str,
    fields: PointFields,
    response: Response,
    if_match: IfMatch = None,
) -> PointView:
    with context.database.write() as session:
        point = service.change_point(
            session,
            code,
            fields,
            context.taxonomy,
            within=caller.scope(Permission.manage_points),
            revision=revision_of(if_match),
            by=caller.user_id,
        )
    return tagged(PointView.model_validate(point), response)


@router.get("/{code}/zone", summary="The picture that shows what belongs to a point", response_class=Response)
def get_zone(context: Context, caller: PointViewer, code: str) -> Response:
    with context.database.read() as session:
        key = service.get_point(session, code, within=caller.scope(Permission.view_points)).zone_key
    if key is None:
        raise NotFound(f"The point {code[:64]!r} has no picture of its zone.")
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{key[3:35]}"'}
    return Response(context.media.get(key), media_type="image/jpeg", headers=headers)


@router.put("/{code}/zone", summary="Let a picture show what belongs to a point; people on it should not be known")
async def show_zone(
    context: Context,
    caller: PointManager,
    code: str,
    picture: Annotated[UploadFile, File(description="JPEG, PNG, WebP, HEIC, BMP, TIFF or GIF")],
    response: Response,
    if_match: IfMatch = None,
) -> PointView:
    within, revision = caller.scope(Permission.manage_points), revision_of(if_match)

    def keep() -> PointView:
        with context.database.read() as session:  # a picture that belongs nowhere leaves nothing behind
            service.get_point(session, code, within=within)
        photo, _, _ = read_upload(context.settings, picture, at_least_px=ZONE_PX)
        key = context.media.put(as_jpeg(photo, long_side_px=ZONE_PX), "jpg")
        with context.database.write() as session:
            point = service.hold_for_change(session, code, within=within, revision=revision)
            service.show_zone(session, point, key, by=caller.user_id)
            return PointView.model_validate(point)

    return tagged(await anyio.to_thread.run_sync(keep, limiter=context.opening), response)


@router.delete("/{code}/zone", status_code=204, summary="Take the picture of a point's zone away")
def hide_zone(context: Context, caller: PointManager, code: str, if_match: IfMatch = None) -> None:
    with context.database.write() as session:
        within = caller.scope(Permission.manage_points)
        point = service.hold_for_change(session, code, within=within, revision=revision_of(if_match))
        service.show_zone(session, point, None, by=caller.user_id)
