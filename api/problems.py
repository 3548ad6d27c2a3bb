"""How a refusal looks on the wire: `application/problem+json` (RFC 9457), its title in the reader's language."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.errors import (
    Conflict,
    Forbidden,
    FormatRefused,
    NotFound,
    NotSignedIn,
    Stale,
    StreetError,
    TooLarge,
    TooMany,
    Unavailable,
    Unfit,
    Unreadable,
    from_detector,
)
from detector.errors import DetectorError
from detector.texts import preferred, say

log = structlog.get_logger()

_BY_STATUS: dict[int, type[StreetError]] = {
    kind.status: kind
    for kind in (
        Unreadable,
        NotSignedIn,
        Forbidden,
        NotFound,
        Conflict,
        Stale,
        TooMany,
        TooLarge,
        FormatRefused,
        Unfit,
        Unavailable,
    )
}


def problem(error: StreetError, language: str, status: int | None = None) -> dict[str, object]:
    """Give the problem's members: a title to read, the detail that says what, where and what to do."""
    kind = type(error)
    members: dict[str, object] = {
        "type": f"urn:pointwatch:problem:{kind.code}",
        "title": say(f"problem.{kind.code}", language),
        "status": status or kind.status,
        "detail": str(error),
    }
    return {**members, "errors": error.errors} if error.errors else members


def problem_response(
    error: StreetError, *, language: str, accept: str | None, status: int | None = None
) -> JSONResponse:
    """Give the answer that refuses; `status` where HTTP has a finer one than our tree."""
    headers: dict[str, str] = {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="pointwatch"'
    elif isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    chosen = preferred(accept, language)
    return JSONResponse(
        problem(error, chosen, status),
        status_code=status or type(error).status,
        headers={**headers, "Content-Language": chosen},
        media_type="application/problem+json",
    )


def install(app: FastAPI, language: str) -> None:
    """Let every error of the service leave as a problem."""

    def answer(request: Request, error: StreetError, status: int | None = None) -> Response:
        if type(error).status >= 500:
            log.error(
                "request failed", path=request.url.path, problem=type(error).code, detail=str(error), **error.facts
            )
        return problem_response(error, language=language, accept=request.headers.get("accept-language"), status=status)

    @app.exception_handler(StreetError)
    async def _ours(request: Request, error: StreetError) -> Response:
        return answer(request, error)

    @app.exception_handler(DetectorError)
    async def _detectors(request: Request, error: DetectorError) -> Response:
        return answer(request, from_detector(error))

    @app.exception_handler(RequestValidationError)
    async def _unfit(request: Request, error: RequestValidationError) -> Response:
        wrong: list[dict[str, object]] = [
            {"where": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]} for one in error.errors()[:50]
        ]
        first = wrong[0]
        return answer(request, Unfit(f"{first['where']}: {first['reason']}", errors=wrong))

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, StreetError):  # raised while the framework read the body
            return answer(request, error.__cause__)
        kind = _BY_STATUS.get(error.status_code, Unreadable)
        return answer(request, kind(str(error.detail)), error.status_code)

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        log.error("unforeseen error", path=request.url.path, exc_info=error)
        return answer(request, StreetError())
