"""Whistles over HTTP."""

from typing import Annotated

from fastapi import Depends, Response
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.idempotency.door import OnceOnly
from api.idempotency.service import Answer
from api.issues import service, whistles
from api.issues.schemas import Blow, WhistleCallView, WhistleEnd, WhistleOutcome, WhistleRating, WhistleView
from api.issues.tables import Whistle, WhistleCall

router = Router(prefix="/issues/{number}/whistles", tags=["whistles"])

Viewer = Annotated[Caller, Depends(allow(Permission.view_issues))]
Community = Annotated[Caller, Depends(allow(Permission.whistle))]
Department = Annotated[Caller, Depends(allow(Permission.handle_issues))]


@router.get("", summary="The whistles on an issue, newest first")
def list_whistles(context: Context, caller: Viewer, number: str) -> list[WhistleView]:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        return [_view(whistle, calls) for whistle, calls in whistles.list_whistles(session, issue.id)]


def _view(whistle: Whistle, calls: list[WhistleCall]) -> WhistleView:
    columns = {name: getattr(whistle, name) for name in WhistleView.model_fields if name != "calls"}
    return WhistleView(calls=[WhistleCallView.model_validate(one) for one in calls], **columns)


@router.post("", status_code=201, response_model=WhistleView, summary="Call departments to an issue (社区吹哨)")
def blow(context: Context, caller: Community, number: str, wanted: Blow, once: OnceOnly) -> Response:
    def do() -> Answer:
        whistle = whistles.blow(session, number, wanted.departments, wanted.note.strip(), caller, context.clocks)
        return _answer(session, whistle, status=201)

    with context.database.write() as session:
        return once.answer(session, wanted, do)


@router.post("/end", response_model=WhistleView, summary="End the whistle; then the departments can be rated")
def end(context: Context, caller: Community, number: str, wanted: WhistleEnd, once: OnceOnly) -> Response:
    with context.database.write() as session:
        return once.answer(
            session, wanted, lambda: _answer(session, whistles.end(session, number, wanted.note.strip(), caller))
        )


@router.post("/{department}/arrive", summary="The department has come (部门报到)")
def arrive(context: Context, caller: Department, number: str, department: str) -> WhistleCallView:
    with context.database.write() as session:
        return WhistleCallView.model_validate(whistles.arrive(session, number, department, caller))


@router.post("/{department}/finish", summary="The department has done its part")
def finish(
    context: Context, caller: Department, number: str, department: str, wanted: WhistleOutcome
) -> WhistleCallView:
    with context.database.write() as session:
        call = whistles.finish(session, number, department, wanted.note.strip(), caller)
        return WhistleCallView.model_validate(call)


@router.post("/{department}/rate", summary="Rate a department, 1 (poor) to 5")
def rate(context: Context, caller: Community, number: str, department: str, wanted: WhistleRating) -> WhistleCallView:
    with context.database.write() as session:
        call = whistles.rate(session, number, department, wanted.rating, wanted.note.strip(), caller)
        return WhistleCallView.model_validate(call)


def _answer(session: Session, whistle: Whistle, *, status: int = 200) -> Answer:
    calls = next(calls for one, calls in whistles.list_whistles(session, whistle.issue_id) if one.id == whistle.id)
    return Answer(status=status, body=_view(whistle, calls).model_dump_json())
