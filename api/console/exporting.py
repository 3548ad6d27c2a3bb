"""What the list shows, as a file: the same filters, every row, written as it is read."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.cells import Cell, guarded
from api.context import Context, Service
from api.downloads import SheetFormat
from api.errors import TooLarge
from api.issues import service as issues
from api.issues.routes import Wanted, views
from api.issues.schemas import IssueView, Titled
from api.paging import MOST, Window
from api.reports import register
from api.reports.routes import spooled
from api.sheets import XLSX
from detector.texts import say

router = Router(prefix="/issues", tags=["issues"])

COLUMNS = (
    "number", "state", "kind", "class", "point_code", "point", "community", "category", "department", "post", "source",
    "found_at", "due_at", "ended_at", "last_seen", "seen", "notified_by",
)  # fmt: skip

Language = Annotated[Literal["zh", "en"], Query()]


@router.get(
    "/export", summary="What the list gives with these filters, as CSV or XLSX", response_class=StreamingResponse
)
def export_issues(
    context: Context,
    caller: Annotated[Caller, Depends(allow(Permission.view_issues))],
    wanted: Wanted,
    format: SheetFormat = "csv",  # noqa: A002 - the query's name
    language: Language = "zh",
) -> StreamingResponse:
    within = caller.scope(Permission.view_issues)
    with context.database.read() as session:
        if issues.count_issues(session, wanted, within=within) == issues.MOST_COUNTED:
            most = issues.MOST_COUNTED - 1
            raise TooLarge(f"More than {most} issues match. Narrow the filters, or take the register of a period.")
    rows = _rows(context, wanted, within, language)
    content = register.as_csv(rows) if format == "csv" else spooled(rows, say("console.issues.title", language))
    return StreamingResponse(
        content,
        media_type=XLSX if format == "xlsx" else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="issues.{format}"'},
    )


def _rows(context: Service, wanted: issues.Filter, within: Scope, language: str) -> Iterator[register.Row]:
    """Give the titles and then each issue; a page at a time, so that nobody waits for the whole."""
    yield [say(f"register.{name}", language) for name in COLUMNS]
    cursor: str | None = None
    while True:
        with context.database.read() as session:
            found, cursor = _page(session, context, wanted, within, cursor)
        yield from ([guarded(cell) for cell in _cells(one, context, language)] for one in found)
        if cursor is None:
            return


def _page(
    session: Session, context: Service, wanted: issues.Filter, within: Scope, cursor: str | None
) -> tuple[list[IssueView], str | None]:
    rows, following = issues.list_issues(session, Window(cursor=cursor, limit=MOST), wanted, within=within)
    return views(session, rows, context), following


def _cells(one: IssueView, context: Service, language: str) -> list[Cell]:
    zone, taxonomy = context.settings.zone, context.taxonomy

    def name(entry: Titled) -> str:
        return entry.en if language == "en" else entry.zh

    def moment(at: datetime | None) -> Cell:
        return at.astimezone(zone).replace(tzinfo=None, microsecond=0) if at else None

    post = one.post
    return [
        one.number,
        say(f"state.{one.state}", language),
        name(one.kind),
        name(one.violation),
        one.point.code,
        one.point.name,
        one.point.community,
        taxonomy.name_of(one.point.category, language),
        taxonomy.name_of(one.department, language) if one.department else "",
        (post.en if language == "en" and post.en else post.zh) if post else "",
        say(f"source.{one.source}", language),
        moment(one.first_seen_at),
        moment(one.due_at),
        moment(one.closed_at),
        moment(one.last_seen_at),
        one.sighting_count,
        say(f"level.{one.notified_by}", language) if one.notified_by else "",
    ]
