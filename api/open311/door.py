"""The door of Open311: anybody may knock, but not too often, not with too much, and who files must bring a key.

Keys travel as the parameter `api_key`, as the standard has it, or as `Authorization: Bearer`; cookies are never read.
Refusals are lists of {code, description} in the format that was asked for.
"""

import ipaddress
import math
import time

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from api.accounts.door import BODY_BYTES, check_address, check_length, counted
from api.errors import Forbidden, NotFound, NotSignedIn, StreetError, from_detector
from api.open311.offer import Tries
from api.open311.wire import Format, answer
from detector.errors import DetectorError
from detector.texts import preferred, say

log = structlog.get_logger()

PREFIX = "/open311/v2"


class Counting:
    """Counts how often a key or an address has asked in the last minute; what it knows ends with the process."""

    def __init__(self, tries: Tries) -> None:
        self._limits = {
            "key": RateLimitItemPerMinute(tries.key),
            "address": RateLimitItemPerMinute(tries.address),
        }
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def wait_s(self, kind: str, who: str) -> int:
        """Count one more request of `who`; give 0, or after how many seconds they may ask again."""
        item = self._limits[kind]
        if self._window.hit(item, kind, who):
            return 0
        return max(1, math.ceil(self._window.get_window_stats(item, kind, who).reset_time - time.time()))


def address_of(scope: Scope) -> str:
    """Give whose address it is: of IPv6 the network, since one subscriber has all of it."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def format_of(path: str) -> Format:
    """Give the format that a path asks for; XML where it asks for none that we have, for every client knows it."""
    return Format.json if path.endswith(".json") else Format.xml


class Open311Door:
    """ASGI middleware: sends what is Open311's to its own application and everything else on."""

    def __init__(
        self, app: ASGIApp, *, open311: ASGIApp, counting: Counting, picture_bytes: int, language: str
    ) -> None:
        self._app = app
        self._open311 = open311
        self._counting = counting
        self._picture_bytes = picture_bytes
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or not (scope["path"] == PREFIX or scope["path"].startswith(f"{PREFIX}/")):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        wait_s = self._counting.wait_s("address", address_of(scope))
        if wait_s:
            response = too_often(
                wait_s, format_of(scope["path"]), preferred(headers.get("accept-language"), self._language)
            )
            await response(scope, receive, send)
            return
        with_picture = scope["method"] == "POST" and headers.get("content-type", "").startswith("multipart/form-data")
        most = self._picture_bytes + BODY_BYTES if with_picture else BODY_BYTES
        try:
            check_address(scope)
            check_length(headers, most)
        except StreetError as error:
            response = refusal(error, format_of(scope["path"]))
            response.headers["connection"] = "close"  # the rest of the body is not read
            await response(scope, receive, send)
            return
        await self._open311(scope, counted(receive, most), send)


def too_often(wait_s: int, wanted: Format, language: str) -> Response:
    """Ask a client to wait."""
    text = say("open311.too_often", language, seconds=wait_s)
    return answer([{"code": 429, "description": text}], "errors", wanted, 429, {"Retry-After": str(wait_s)})


def refusal(error: StreetError, wanted: Format) -> Response:
    """Refuse as the standard says: 404 for what is not there, 403 about keys, 400 for everything else that is wrong."""
    status = 400
    if isinstance(error, NotFound):
        status = 404
    elif isinstance(error, NotSignedIn | Forbidden):
        status = 403
    elif type(error).status >= 500:
        status = type(error).status
    reasons = [str(one["reason"]) for one in error.errors if "reason" in one] or [str(error)]
    return answer([{"code": status, "description": reason} for reason in reasons], "errors", wanted, status)


def install_refusals(app: FastAPI) -> None:
    """Let every error leave in Open311's form."""

    def refuse(request: Request, error: StreetError) -> Response:
        if type(error).status >= 500:
            log.error("request failed", path=request.url.path, problem=type(error).code, detail=str(error))
        return refusal(error, format_of(request.url.path))

    @app.exception_handler(StreetError)
    async def _ours(request: Request, error: StreetError) -> Response:
        return refuse(request, error)

    @app.exception_handler(DetectorError)
    async def _detectors(request: Request, error: DetectorError) -> Response:
        return refuse(request, from_detector(error))

    @app.exception_handler(RequestValidationError)
    async def _no_such_format(request: Request, _error: RequestValidationError) -> Response:
        return refuse(request, NotFound("Answers are written as .json or .xml; ask for one of them."))

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        if error.status_code in (404, 405):
            return refuse(request, NotFound(f"There is nothing here for {request.method}. See {PREFIX}/discovery.xml."))
        return answer([{"code": 400, "description": str(error.detail)}], "errors", format_of(request.url.path), 400)

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        log.error("unforeseen error", path=request.url.path, exc_info=error)
        return refuse(request, StreetError())
