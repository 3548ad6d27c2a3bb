"""The door that every request and every websocket passes: who is it, and is the request small enough to be read.

Default is no. A route cannot forget to ask, because what is not named in `OPEN` never reaches a route without a
caller. Which permission a route needs, the route says itself with `allow(...)`.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import service, sessions
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.database import Database
from api.errors import Forbidden, MustChangePassword, NotSignedIn, StreetError, TooLarge, Unreadable
from api.problems import problem_response

COOKIE = "pointwatch_session"
OPEN = frozenset(
    (
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/readyz"),
        ("HEAD", "/readyz"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        # The field page holds nothing secret and must open on a phone whose sign-in has ended: photos wait there.
        ("GET", "/field"),
        ("GET", "/field/worker.js"),
        ("GET", "/field/manifest.webmanifest"),
    )
)
OPEN_FILES = "/field/app/"  # scripts, sheets and icons of that page
MOST_PARTS = 20  # of a path that is looked at closely
OWN_DOOR = ("/label-studio", "/review/pictures/")  # their routes ask for a secret or a signature of their own
BODY_BYTES = 64 * 1024  # of a request without files, which is read whole before a route can ask for a permission
SEND_LESS = "Send less in one request."
ACCOUNT_PAGE = "/account"
BEFORE_CHANGING = frozenset((ACCOUNT_PAGE, "/sign-out", "/api/v1/me", "/api/v1/me/password"))
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class Door:
    """ASGI middleware: finds the caller, refuses strangers, foreign pages and bodies beyond the limit."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        database: Database,
        body_bytes: Mapping[str, int],
        language: str,
    ) -> None:
        """Stand before `app`.

        Args:
            body_bytes: how large a request's body may be on the paths that take more than `BODY_BYTES`.
        """
        self._app = app
        self._database = database
        self._body_bytes = body_bytes
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            check_address(scope)
            most = self._most(scope["path"])
            if not _is_open(scope):
                connection.state.caller = await self._caller(connection)
                _check_password_chosen(connection)
            elif scope["method"] not in SAFE_METHODS and not _same_page(connection.headers):
                raise Forbidden("This sign-in came from another site's page. Open Pointwatch itself and try again.")
            check_length(connection.headers, most)
        except StreetError as error:
            await self._refuse(connection, error, scope, receive, send)
            return
        await self._app(scope, counted(receive, most), send)

    def _most(self, path: str) -> int:
        """Give how many bytes a body may have on a path; in `body_bytes` a `*` stands for one part of a path."""
        found = self._body_bytes.get(path)
        if found is None and path.count("/") < MOST_PARTS:
            parts = path.split("/")
            for at in range(1, len(parts)):
                found = found or self._body_bytes.get("/".join([*parts[:at], "*", *parts[at + 1 :]]))
        return BODY_BYTES if found is None else found

    async def _caller(self, connection: HTTPConnection) -> Caller:
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme:
            found = await anyio.to_thread.run_sync(self._by_key, key.strip()) if scheme.lower() == "bearer" else None
            if found is None:
                raise NotSignedIn("This API key is unknown or was revoked.")
            return found
        found = await anyio.to_thread.run_sync(self._by_cookie, connection.cookies.get(COOKIE, ""))
        if found is None:
            raise NotSignedIn
        # A cookie travels with requests that another page makes; an API key never does.
        if (
            connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
        ) and not _same_page(connection.headers):
            raise Forbidden("This request came from another site's page. Open Pointwatch itself and try again.")
        return found

    def _by_key(self, key: str) -> Caller | None:
        with self._database.read() as session:
            found = service.caller_of_key(session, key)
        return self._noted(found)

    def _by_cookie(self, cookie: str) -> Caller | None:
        if not cookie:
            return None
        with self._database.read() as session:
            found = sessions.caller_of(session, cookie)
        return self._noted(found)

    def _noted(self, caller: Caller | None) -> Caller | None:
        """Write down the use of a key or session, once a minute at most: not every look may cost a write."""
        if caller is not None and not caller.noted:
            with self._database.write() as session:
                service.note_use(session, caller)
        return caller

    async def _refuse(
        self, connection: HTTPConnection, error: StreetError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": type(error).code})
            return
        wants_page = "text/html" in connection.headers.get("accept", "") and scope["method"] in SAFE_METHODS
        if isinstance(error, MustChangePassword) and wants_page:
            await RedirectResponse(ACCOUNT_PAGE, status_code=303)(scope, receive, send)
            return
        if isinstance(error, NotSignedIn) and wants_page:
            await RedirectResponse(_sign_in_then(connection), status_code=303)(scope, receive, send)
            return
        response = problem_response(error, language=self._language, accept=connection.headers.get("accept-language"))
        response.headers["connection"] = "close"  # the rest of the body is not read
        await response(scope, receive, send)


def _is_open(scope: Scope) -> bool:
    """Say whether a stranger may ask for this."""
    method, path = scope.get("method"), scope["path"]
    name = path.removeprefix(OPEN_FILES)
    if path.startswith(OWN_DOOR):
        return True
    return (method, path) in OPEN or (method == "GET" and path != name and "/" not in name)


def _check_password_chosen(connection: HTTPConnection) -> None:
    path = connection.scope["path"]
    open_before = path in BEFORE_CHANGING or path.startswith(("/console/", "/language/"))
    if connection.state.caller.must_change_password and not open_before:
        raise MustChangePassword


def _sign_in_then(connection: HTTPConnection) -> str:
    """Give the address of the sign-in page that leads on to the page that was asked for."""
    wanted = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
    return "/sign-in" if wanted == "/" else f"/sign-in?{urlencode({'onward': wanted})}"


def local_path(wanted: str | None) -> str:
    """Give a path on this server to go on to; anything that could lead elsewhere becomes the first page."""
    path = wanted or "/"
    stays = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) <= 500
    return path if stays else "/"


def _same_page(headers: Headers) -> bool:
    """Say whether the browser sent this from our own page; without an Origin it is no browser's cross-site request."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:  # an origin that is no address is nobody's page
        return False


def check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
        raise Unreadable("The address holds a NUL, which no text has.")  # and which PostgreSQL cannot keep


def check_length(headers: Headers, most: int) -> None:
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > most:
        raise TooLarge(f"The request has {int(length)} bytes; the limit is {_size(most)}. {SEND_LESS}")


def _size(count: int) -> str:
    """Give a number of bytes as people say it."""
    return f"{count // 1048576} MiB" if count >= 1048576 else f"{count // 1024} KiB"


def counted(receive: Receive, most: int) -> Receive:
    """Read the body, but no more than `most` bytes, whatever its header said."""
    read = 0

    async def counting() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > most:
                raise TooLarge(f"The request is larger than the limit of {_size(most)}. {SEND_LESS}")
        return message

    return counting


class Allowed:
    """The dependency with which a route says who may use it: whoever has one of these permissions somewhere."""

    def __init__(self, permission: Permission, *others: Permission) -> None:
        self.permission, self.others = permission, others

    def __call__(self, request: Request) -> Caller:
        """Give the caller.

        Raises:
            Forbidden: none of these permissions is theirs.
        """
        caller: Caller = request.state.caller
        if not any(caller.may(one) for one in self.others):
            caller.require(self.permission)
        return caller


def allow(permission: Permission, *others: Permission) -> Allowed:
    """Let whoever has one of these permissions somewhere use a route; what they may use it on, `Caller.scope` says."""
    return Allowed(permission, *others)


class _GuardedRoute(APIRoute):
    """A route that asks who is there before it reads what they send: FastAPI reads the body before any dependency."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request."""
        answer = super().get_route_handler()
        asked = [one.call for one in self.dependant.dependencies if isinstance(one.call, Allowed)]

        async def guarded(request: Request) -> Response:
            for allowed in asked:
                allowed(request)
            return await answer(request)

        return guarded


class Router(APIRouter):
    """A router whose routes read nothing of a request that they would refuse."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(route_class=_GuardedRoute, **settings)


def known(request: Request) -> Caller:
    """Give the caller of a route that everybody may use who has come through the door."""
    caller: Caller = request.state.caller
    return caller
