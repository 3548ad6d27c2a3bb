"""Keys over HTTP, and signing a browser in."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from api.accounts import service
from api.accounts.door import COOKIE, allow, known, local_path
from api.accounts.roles import Permission
from api.accounts.schemas import Caller, KeyView, MadeKey, NewKey
from api.context import Context
from api.errors import NotSignedIn
from api.paging import Paged, PageOf

router = APIRouter(tags=["accounts"])
signing_in = APIRouter(include_in_schema=False)

Anybody = Annotated[Caller, Depends(known)]
UserManager = Annotated[Caller, Depends(allow(Permission.manage_users))]


@router.get("/me", summary="Who am I, and what may I do")
def who_am_i(caller: Anybody) -> Caller:
    return caller


@router.get("/keys", summary="List API keys, newest first")
def list_keys(context: Context, _: UserManager, window: Paged) -> PageOf[KeyView]:
    with context.database.read() as session:
        rows, following = service.list_keys(session, window)
        return PageOf(items=[KeyView.model_validate(row) for row in rows], next=following)


@router.post("/keys", status_code=201, summary="Make an API key; it is shown this once")
def make_key(context: Context, _: UserManager, wanted: NewKey) -> MadeKey:
    with context.database.write() as session:
        user_id = wanted.user_id or service.add_service(session, name=wanted.name, role=wanted.role).id
        row, key = service.make_key(
            session, user_id, name=wanted.name, permissions=wanted.permissions, expires_at=wanted.expires_at
        )
        return MadeKey(key=key, **KeyView.model_validate(row).model_dump())


@router.delete("/keys/{key_id}", summary="Revoke an API key at once")
def revoke_key(context: Context, _: UserManager, key_id: uuid.UUID) -> KeyView:
    with context.database.write() as session:
        return KeyView.model_validate(service.revoke_key(session, key_id))


@signing_in.post("/sign-in")
def sign_in(
    context: Context,
    key: Annotated[str | None, Form(max_length=200)] = None,
    code: Annotated[str | None, Form(max_length=200)] = None,
    onward: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Exchange an access key, or a one-time code, for a session cookie, and lead on to the page asked for."""
    if code:
        with context.database.write() as session:
            caller: Caller | None = service.use_code(session, code.strip())
    else:
        with context.database.read() as session:
            caller = service.caller_of_key(session, (key or "").strip())
    if caller is None:
        reason = "This access key is unknown or was revoked. Look for blanks or missing letters at its ends."
        raise NotSignedIn(reason, onward=onward)
    response = RedirectResponse(local_path(onward), status_code=303)
    response.set_cookie(
        COOKIE,
        context.sessions.write(caller),
        max_age=int(service.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )
    return response


@signing_in.post("/sign-out")
def sign_out() -> Response:
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response
