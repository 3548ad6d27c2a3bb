"""Requests from outside, for the office itself: which speak of an issue, who filed them, and forgetting them."""

from typing import Annotated

from fastapi import Depends, Response

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.context import Context
from api.issues import service as issues
from api.open311 import service
from api.open311.schemas import RequesterView, RequestView
from api.paging import Paged, PageOf

router = Router(prefix="/service-requests", tags=["open311"])

Viewer = Annotated[Caller, Depends(allow(Permission.view_issues))]
Reviewer = Annotated[Caller, Depends(allow(Permission.review_issues))]
Keeper = Annotated[Caller, Depends(allow(Permission.manage_users))]

SUBJECT = "service_request"


@router.get("", summary="List requests filed through Open311, newest first; never who filed them")
def list_requests(context: Context, caller: Viewer, window: Paged, issue: str | None = None) -> PageOf[RequestView]:
    with context.database.read() as session:
        rows, following = service.list_requests(session, window, issue, within=caller.scope(Permission.view_issues))
        numbers = issues.issues_by_id(session, [row.issue_id for row in rows])
        items = [
            RequestView.model_validate(row).model_copy(update={"issue": numbers[row.issue_id].number}) for row in rows
        ]
        return PageOf(items=items, next=following)


@router.get("/{reference}/requester", summary="Who filed a request, to call them back; each look is written down")
def show_requester(context: Context, caller: Reviewer, reference: str) -> RequesterView:
    with context.database.write() as session:
        row = service.by_reference(session, reference)
        service.check_within(session, row, caller.scope(Permission.review_issues))
        found = RequesterView.model_validate(service.requester_of(session, row.id))
        audit.append(
            session,
            audit.Entry(subject_kind=SUBJECT, subject_id=row.id, action="requester_shown", by_user_id=caller.user_id),
        )
    return found


@router.delete("/{reference}/requester", status_code=204, summary="Delete who filed a request; the request stays")
def forget_requester(context: Context, caller: Keeper, reference: str) -> Response:
    with context.database.write() as session:
        row = service.by_reference(session, reference)
        if service.forget_requester(session, row.id):
            audit.append(
                session,
                audit.Entry(
                    subject_kind=SUBJECT, subject_id=row.id, action="requester_deleted", by_user_id=caller.user_id
                ),
            )
    return Response(status_code=204)
