"""The log of everything that was done, over HTTP: for those who oversee, and for programs that follow it."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AwareDatetime

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.audit.schemas import AuditEventView, HeadView
from api.context import Context
from api.errors import Unfit
from api.paging import MOST, Paged, PageOf

router = Router(prefix="/audit", tags=["audit"])

Auditor = Annotated[Caller, Depends(allow(Permission.view_audit))]
Short = Annotated[str | None, Query(max_length=40)]


@router.get("", summary="What was done, newest first")
def list_events(
    context: Context,
    _: Auditor,
    window: Paged,
    subject_kind: Annotated[str | None, Query(max_length=24, examples=["issue"])] = None,
    subject_id: uuid.UUID | None = None,
    action: Short = None,
    by_user_id: uuid.UUID | None = None,
    since: Annotated[AwareDatetime | None, Query(description="this moment included; with its zone")] = None,
    until: Annotated[AwareDatetime | None, Query(description="this moment not included; with its zone")] = None,
) -> PageOf[AuditEventView]:
    wanted = audit.Filter(
        subject_kind=subject_kind,
        subject_id=subject_id,
        action=action,
        by_user_id=by_user_id,
        since=_moment(since, "since"),
        until=_moment(until, "until"),
    )
    with context.database.read() as session:
        rows, following = audit.list_events(session, window, wanted)
        return PageOf(items=[AuditEventView.model_validate(row) for row in rows], next=following)


def _moment(value: datetime | None, name: str) -> datetime | None:
    if value is not None and not 1 < value.year < 9999:  # in UTC it may have no year
        raise Unfit(f"{name}: {value.isoformat()} lies outside the years that a calendar has.")
    return value


@router.get("/after/{seq}", summary="What was done since `seq`, oldest first: for programs that follow the log")
def follow_events(
    context: Context,
    _: Auditor,
    seq: Annotated[int, Path(ge=0, le=2**63 - 1)],
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> list[AuditEventView]:
    with context.database.read() as session:
        return [AuditEventView.model_validate(row) for row in audit.after(session, seq, limit)]


@router.get("/head", summary="The end of the log; noted down elsewhere, it proves later that nothing was rewritten")
def show_head(context: Context, _: Auditor) -> HeadView:
    with context.database.read() as session:
        return HeadView.model_validate(audit.head(session))
