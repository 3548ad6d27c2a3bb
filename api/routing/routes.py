"""Routing over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Depends, File, Response, UploadFile
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.database import now
from api.downloads import SheetFormat, download
from api.etags import IfMatch, revision_of, tagged
from api.paging import Paged, PageOf
from api.points import service as points
from api.routing import service
from api.routing.schemas import Explanation, RuleFields, RuleView
from api.routing.tables import Rule
from api.sheets import MAX_BYTES, ImportOutcome

router = Router(prefix="/routing", tags=["routing"])

RoutingViewer = Annotated[Caller, Depends(allow(Permission.view_routing))]
RoutingManager = Annotated[Caller, Depends(allow(Permission.manage_routing))]


@router.get("/explain", summary="Who answers for a class of violation at a point, and why")
def explain(context: Context, caller: RoutingViewer, point: str, violation: str, on: date | None = None) -> Explanation:
    with context.database.read() as session:
        return service.explain(
            session,
            point=points.get_point(session, point, within=caller.scope(Permission.view_points)),
            class_code=violation,
            on=on or now().astimezone(context.settings.zone).date(),
            taxonomy=context.taxonomy,
        )


@router.get("/rules", summary="List rules")
def list_rules(context: Context, _: RoutingViewer, window: Paged) -> PageOf[RuleView]:
    with context.database.read() as session:
        rows, following = service.list_rules(session, window)
        return PageOf(items=_views(session, rows), next=following)


@router.post("/rules", status_code=201, summary="Add a rule")
def create_rule(context: Context, caller: RoutingManager, fields: RuleFields, response: Response) -> RuleView:
    with context.database.write() as session:
        view = _views(session, [service.create_rule(session, fields, context.taxonomy, by=caller.user_id)])[0]
    response.headers["Location"] = f"/api/v1/routing/rules/{view.code}"
    return tagged(view, response)


@router.get("/rules/export", summary="Download all rules as CSV or XLSX")
def export_rules(context: Context, _: RoutingViewer, format: SheetFormat = "csv") -> Response:  # noqa: A002 - the query's name
    with context.database.read() as session:
        rows = _views(session, service.all_rules(session))
    return download(service.SHEET, format, rows)


@router.post("/rules/import", summary="Create or change rules from CSV or XLSX, all or none")
def import_rules(context: Context, caller: RoutingManager, file: Annotated[UploadFile, File()]) -> ImportOutcome:
    rows = service.SHEET.read(file.filename or "", file.file.read(MAX_BYTES + 1))
    with context.database.write() as session:
        return service.import_rules(session, rows, context.taxonomy, by=caller.user_id)


@router.get("/rules/{code}", summary="Show a rule")
def get_rule(context: Context, _: RoutingViewer, code: str, response: Response) -> RuleView:
    with context.database.read() as session:
        return tagged(_views(session, [service.get_rule(session, code)])[0], response)


@router.put("/rules/{code}", summary="Change a rule; send If-Match to be sure that nobody else did")
def change_rule(
    context: Context,
    caller: RoutingManager,
    code: str,
    fields: RuleFields,
    response: Response,
    if_match: IfMatch = None,
) -> RuleView:
    with context.database.write() as session:
        rule = service.change_rule(
            session, code, fields, context.taxonomy, revision=revision_of(if_match), by=caller.user_id
        )
        view = _views(session, [rule])[0]
    return tagged(view, response)


@router.delete("/rules/{code}", status_code=204, summary="Take a rule away")
def drop_rule(context: Context, caller: RoutingManager, code: str, if_match: IfMatch = None) -> None:
    with context.database.write() as session:
        service.drop_rule(session, code, revision=revision_of(if_match), by=caller.user_id)


def _views(session: Session, rules: list[Rule]) -> list[RuleView]:
    return [RuleView.model_validate(one) for one in service.fields_of(session, rules)]
