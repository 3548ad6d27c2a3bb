"""Saved filters over HTTP: everybody's own."""

from typing import Annotated

from fastapi import Depends, Query

from api.accounts.door import Router, known
from api.accounts.schemas import Caller
from api.context import Context
from api.filters import service
from api.filters.schemas import FilterFields

router = Router(prefix="/me/filters", tags=["filters"])

Known = Annotated[Caller, Depends(known)]


@router.get("", summary="Your saved filters of the list of issues")
def list_filters(context: Context, caller: Known) -> list[FilterFields]:
    with context.database.read() as session:
        return [FilterFields.model_validate(one) for one in service.list_filters(session, caller.user_id)]


@router.put("", summary="Keep a filter under a name; one of that name is replaced")
def save_filter(context: Context, caller: Known, fields: FilterFields) -> FilterFields:
    with context.database.write() as session:
        return FilterFields.model_validate(service.save_filter(session, caller.user_id, fields))


@router.delete("", status_code=204, summary="Forget a saved filter")
def delete_filter(context: Context, caller: Known, name: Annotated[str, Query(max_length=60)]) -> None:
    with context.database.write() as session:
        service.delete_filter(session, caller.user_id, name)
