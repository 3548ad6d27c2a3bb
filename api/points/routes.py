"""Points over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Header, Query, Response, UploadFile

from api.accounts.door import allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.errors import FormatRefused, TooLarge, Unfit
from api.paging import Paged, PageOf
from api.points import service, sheets
from api.points.schemas import ImportOutcome, PointFields, PointView

router = APIRouter(prefix="/points", tags=["points"])

PointViewer = Annotated[Caller, Depends(allow(Permission.view_points))]
PointManager = Annotated[Caller, Depends(allow(Permission.manage_points))]

MAX_SHEET_BYTES = 10 * 1024 * 1024
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
        point = service.create_point(session, fields, context.taxonomy, within=caller.scope(Permission.manage_points))
    response.headers["Location"] = f"/api/v1/points/{point.code}"
    return _tagged(PointView.model_validate(point), response)


@router.get("/export", summary="Download all points as CSV or XLSX")
def export_points(
    context: Context,
    caller: PointViewer,
    format: Annotated[Literal["csv", "xlsx"], Query()] = "csv",  # noqa: A002 - the query's name
) -> Response:
    within = caller.scope(Permission.view_points)
    with context.database.read() as session:
        points = [PointView.model_validate(row) for row in service.all_points(session, within=within)]
    content, kind = (
        (sheets.write_csv(points), "text/csv; charset=utf-8") if format == "csv" else (sheets.write_xlsx(points), _XLSX)
    )
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="points.{format}"'}
    )


@router.post("/import", summary="Create or change points from CSV or XLSX, all or none")
def import_points(context: Context, caller: PointManager, file: Annotated[UploadFile, File()]) -> ImportOutcome:
    content = file.file.read(MAX_SHEET_BYTES + 1)
    if len(content) > MAX_SHEET_BYTES:
        raise TooLarge(f"The file is larger than {MAX_SHEET_BYTES // 1048576} MiB, the limit for a table of points.")
    rows = read_sheet(file.filename or "", content)
    with context.database.write() as session:
        return service.import_points(session, rows, context.taxonomy, within=caller.scope(Permission.manage_points))


def read_sheet(filename: str, content: bytes) -> list[sheets.Row]:
    """Read a table of points by what it is called, `.csv` or `.xlsx`."""
    if filename.lower().endswith(".xlsx"):
        return sheets.read_xlsx(content)
    if filename.lower().endswith(".csv"):
        return sheets.read_csv(content)
    raise FormatRefused("The file must be called something.csv or something.xlsx.")


@router.get("/{code}", summary="Show a point")
def get_point(context: Context, caller: PointViewer, code: str, response: Response) -> PointView:
    with context.database.read() as session:
        point = service.get_point(session, code, within=caller.scope(Permission.view_points))
        return _tagged(PointView.model_validate(point), response)


@router.put("/{code}", summary="Change a point; send If-Match to be sure that nobody else did")
def change_point(
    context: Context,
    caller: PointManager,
    code: str,
    fields: PointFields,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> PointView:
    with context.database.write() as session:
        point = service.change_point(
            session,
            code,
            fields,
            context.taxonomy,
            within=caller.scope(Permission.manage_points),
            revision=revision_of(if_match),
        )
    return _tagged(PointView.model_validate(point), response)


def revision_of(if_match: str | None) -> int | None:
    """Give the revision that an `If-Match` header names; None for any.

    Raises:
        Unfit: it is not an ETag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) <= 18):  # no revision has more digits
        raise Unfit('If-Match must be the ETag that was answered with the thing, e.g. "3".')
    return int(tag)


def _tagged(view: PointView, response: Response) -> PointView:
    response.headers["ETag"] = f'"{view.revision}"'
    return view
