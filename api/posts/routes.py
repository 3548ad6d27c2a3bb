"""Posts over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Header, Response, UploadFile

from api.accounts.door import allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.downloads import SheetFormat, download
from api.etags import revision_of, tagged
from api.paging import Paged, PageOf
from api.posts import service
from api.posts.schemas import PostFields, PostView
from api.sheets import MAX_BYTES, ImportOutcome

router = APIRouter(prefix="/posts", tags=["posts"])

RoutingViewer = Annotated[Caller, Depends(allow(Permission.view_routing))]
RoutingManager = Annotated[Caller, Depends(allow(Permission.manage_routing))]


@router.get("", summary="List posts")
def list_posts(
    context: Context, _: RoutingViewer, window: Paged, community: str | None = None, department: str | None = None
) -> PageOf[PostView]:
    with context.database.read() as session:
        rows, following = service.list_posts(session, window, community=community, department=department)
        return PageOf(items=[PostView.model_validate(row) for row in rows], next=following)


@router.post("", status_code=201, summary="Add a post")
def create_post(context: Context, _: RoutingManager, fields: PostFields, response: Response) -> PostView:
    with context.database.write() as session:
        post = service.create_post(session, fields, context.taxonomy)
    response.headers["Location"] = f"/api/v1/posts/{post.code}"
    return tagged(PostView.model_validate(post), response)


@router.get("/export", summary="Download all posts as CSV or XLSX")
def export_posts(context: Context, _: RoutingViewer, format: SheetFormat = "csv") -> Response:  # noqa: A002 - the query's name
    with context.database.read() as session:
        rows = [PostView.model_validate(row) for row in service.all_posts(session)]
    return download(service.SHEET, format, rows)


@router.post("/import", summary="Create or change posts from CSV or XLSX, all or none")
def import_posts(context: Context, _: RoutingManager, file: Annotated[UploadFile, File()]) -> ImportOutcome:
    rows = service.SHEET.read(file.filename or "", file.file.read(MAX_BYTES + 1))
    with context.database.write() as session:
        return service.import_posts(session, rows, context.taxonomy)


@router.get("/{code}", summary="Show a post")
def get_post(context: Context, _: RoutingViewer, code: str, response: Response) -> PostView:
    with context.database.read() as session:
        return tagged(PostView.model_validate(service.get_post(session, code)), response)


@router.put("/{code}", summary="Change a post; send If-Match to be sure that nobody else did")
def change_post(
    context: Context,
    _: RoutingManager,
    code: str,
    fields: PostFields,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> PostView:
    with context.database.write() as session:
        post = service.change_post(session, code, fields, context.taxonomy, revision=revision_of(if_match))
    return tagged(PostView.model_validate(post), response)
