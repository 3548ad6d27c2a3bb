"""Standards over HTTP."""

from typing import Annotated

from fastapi import Depends, File, Response, UploadFile

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.downloads import SheetFormat, download
from api.etags import IfMatch, revision_of, tagged
from api.paging import Paged, PageOf
from api.sheets import MAX_BYTES
from api.standards import service
from api.standards.schemas import Item, StandardFields, StandardView

router = Router(prefix="/standards", tags=["standards"])

PatrolViewer = Annotated[Caller, Depends(allow(Permission.view_patrols))]
PatrolManager = Annotated[Caller, Depends(allow(Permission.manage_patrols))]


@router.get("", summary="List the versions of the assessment standard, newest first")
def list_standards(context: Context, _: PatrolViewer, window: Paged) -> PageOf[StandardView]:
    with context.database.read() as session:
        rows, following = service.list_standards(session, window)
        return PageOf(items=[StandardView.model_validate(row) for row in rows], next=following)


@router.get("/{code}", summary="Show a version with its items")
def get_standard(context: Context, _: PatrolViewer, code: str, response: Response) -> StandardView:
    with context.database.read() as session:
        return tagged(StandardView.model_validate(service.get_standard(session, code)), response)


@router.put("/{code}", summary="Add or change a version; send If-Match to be sure that nobody else did")
def keep_standard(
    context: Context,
    caller: PatrolManager,
    code: str,
    fields: StandardFields,
    response: Response,
    if_match: IfMatch = None,
) -> StandardView:
    with context.database.write() as session:
        row = service.keep_standard(
            session, code, fields, context.taxonomy, revision=revision_of(if_match), by=caller.user_id
        )
    return tagged(StandardView.model_validate(row), response)


@router.get("/{code}/items/export", summary="Download a version's items as CSV or XLSX")
def export_items(
    context: Context,
    _: PatrolViewer,
    code: str,
    format: SheetFormat = "csv",  # noqa: A002 - the query's name
) -> Response:
    with context.database.read() as session:
        rows = [Item.model_validate(one) for one in service.get_standard(session, code).items]
    return download(service.SHEET, format, rows)


@router.post("/items/import", summary="Let a version's items be those of a CSV or XLSX, all or none")
def import_items(
    context: Context,
    caller: PatrolManager,
    standard: str,
    file: Annotated[UploadFile, File()],
    response: Response,
    if_match: IfMatch = None,
) -> StandardView:
    rows = service.SHEET.read(file.filename or "", file.file.read(MAX_BYTES + 1))
    with context.database.write() as session:
        row = service.import_items(
            session, standard, rows, context.taxonomy, revision=revision_of(if_match), by=caller.user_id
        )
    return tagged(StandardView.model_validate(row), response)
