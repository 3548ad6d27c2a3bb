"""Signing a browser in and out: a password, an access key or a one-time code for a session's cookie."""

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.requests import HTTPConnection

from api.accounts import proving, service, sessions
from api.accounts.door import ACCOUNT_PAGE, COOKIE, local_path
from api.accounts.schemas import Caller
from api.context import Context, Service
from api.errors import NotSignedIn, TooMany

router = APIRouter(include_in_schema=False)

_Short = Annotated[str | None, Form(max_length=200)]


@router.post("/sign-in")
async def sign_in(
    request: Request,
    context: Context,
    login: _Short = None,
    password: _Short = None,
    key: _Short = None,
    code: _Short = None,
    onward: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Open a session for whoever proves to be somebody, and lead on to the page asked for."""

    def prove() -> tuple[Caller, str]:
        if code:
            with context.database.write() as session:
                caller = service.use_code(session, code.strip())
        elif key:
            with context.database.read() as session:
                found = service.caller_of_key(session, key.strip())
            if found is None:
                reason = "This access key is unknown or was revoked. Look for blanks or missing letters at its ends."
                raise NotSignedIn(reason)
            caller = found
        else:
            caller = proving.by_password(
                context.database, login=login or "", password=password or "", address=address_of(request)
            )
        return caller, _begin(context, caller, request)

    limiter = None if code or key else context.proving
    try:
        caller, token = await anyio.to_thread.run_sync(prove, limiter=limiter)
    except (NotSignedIn, TooMany) as error:
        error.facts["onward"] = onward  # who mistyped does not lose the page that was asked for
        raise
    leads_to = ACCOUNT_PAGE if caller.must_change_password else local_path(onward)
    response = RedirectResponse(leads_to, status_code=303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(sessions.LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request, context: Context) -> Response:
    """End the session, so that a copy of its cookie is of no use either."""
    caller: Caller = request.state.caller
    if caller.session_id is not None:
        with context.database.write() as session:
            sessions.end(session, caller.user_id, caller.session_id)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response


def address_of(connection: HTTPConnection) -> str:
    """Give the address that a request came from; behind a proxy on this machine, the one that the proxy names."""
    return connection.client.host if connection.client else ""


def _begin(context: Service, caller: Caller, request: Request) -> str:
    with context.database.write() as session:
        agent = request.headers.get("user-agent", "")
        return sessions.begin(session, caller, address=address_of(request), agent=agent)
