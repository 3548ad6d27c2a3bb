"""Posts over HTTP."""

from typing import Annotated

from fastapi import Depends, File, Response, UploadFile

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.downloads import SheetFormat, download
from api.etags import IfMatch, revision_of, tagged
from api.paging import Paged, PageOf
from api.posts import service
from api.posts.schemas import PostFields, PostView
from api.sheets import MAX_BYTES, ImportOutcome

router = Router(prefix="/posts", tags=["posts"])

RoutingViewer = Annotated[Caller, Depends(allow(Permission.view_routing))]
RoutingManager = Annotated[Caller, Depends(allow(Permission.manage_routing))]


@router.get("", summary="List posts")
def list_posts(
    context: Context, _: RoutingViewer, window: Paged, community: str | None = None, department: str | None = None
) -> PageOf[PostView]:
    with context.database.read() as session:
        rows, following = service.list_posts(session, window, community=community, department=department)
        return PageOf(items=service.views(session, rows), next=following)


@router.post("", status_code=201, summary="Add a post")
def create_post(context: Context, caller: RoutingManager, fields: PostFields, response: Response) -> PostView:
    with context.database.write() as session:
        view = service.views(session, [service.create_post(session, fields, context.taxonomy, by=caller.user_id)])[0]
    response.headers["Location"] = f"/api/v1/posts/{view.code}"
    return tagged(view, response)


@router.get("/export", summary="Download all posts as CSV or XLSX")
def export_posts(context: Context, _: RoutingViewer, format: SheetFormat = "csv") -> Response:  # noqa: A002 - the query's name
    with context.database.read() as session:
        rows = service.views(session, service.all_posts(session))
    return download(service.SHEET, format, rows)


@router.post("/import", summary="Create or change posts from CSV or XLSX, all or none")
def import_posts(context: Context, caller: RoutingManager, file: Annotated[UploadFile, File()]) -> ImportOutcome:
    rows = service.SHEET.read(file.filename or "", file.file.read(MAX_BYTES + 1))
    with context.database.write() as session:
        return service.import_posts(session, rows, context.taxonomy, by=caller.user_id)


@router.get("/{code}", summary="Show a post")
def get_post(context: Context, _: RoutingViewer, code: str, response: Response) -> PostView:
    with context.database.read() as session:
        return tagged(service.views(session, [service.get_post(session, code)])[0], response)


@router.put("/{code}", summary="Change a post; send If-Match to be sure that nobody else did")
def change_post(
    context: Context,
    caller: RoutingManager,
    code: str,
    fields: PostFields,
    response: Response,
    if_match: IfMatch = None,
) -> PostView:
    with context.database.write() as session:
        post = service.change_post(
            session, code, fields, context.taxonomy, revision=revision_of(if_match), by=caller.user_id
        )
        view = service.views(session, [post])[0]
    return tagged(view, response)
