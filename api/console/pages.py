"""The pages: sign-in as plain HTML, the rest with NiceGUI. `add_pages` is called last: what no route has is a page."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from api.accounts.door import allow, local_path
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console import account, tour
from api.console.headers import PageHeaders
from api.console.plain import ASSETS, sign_in_page
from api.console.refusals import refuse
from api.console.visit import LANGUAGE_COOKIE, language_of
from api.console.wall import wall_page
from api.context import Service
from api.errors import NotFound, NotSignedIn, StreetError, TooMany
from detector.texts import LANGUAGES

_YEAR_S = 365 * 24 * 3600


def add_pages(app: FastAPI, service: Service) -> None:
    """Put the console's pages into the application."""
    _add_sign_in(app, service)
    _add_language_switch(app, service)
    _add_wall(app, service)
    app.include_router(account.router)
    app.include_router(tour.router)
    app.mount("/console", StaticFiles(directory=str(ASSETS)), name="console")

    @app.api_route("/api/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nothing_there(rest: str) -> None:
        raise NotFound(f"There is nothing at /api/{rest[:100]}; /api/v1/openapi.json describes what there is.")

    from api.console import framework  # here and not above: NiceGUI costs the commands and the worker a second

    framework.mount(app)
    app.add_middleware(PageHeaders, service=service)


def _add_wall(app: FastAPI, service: Service) -> None:
    @app.get("/wall", include_in_schema=False)
    def wall(request: Request, _: Annotated[Caller, Depends(allow(Permission.view_issues))]) -> Response:
        return wall_page(service, language_of(request, service.settings))


def _add_sign_in(app: FastAPI, service: Service) -> None:
    @app.get("/sign-in", include_in_schema=False)
    def sign_in(request: Request, lang: Annotated[str | None, Query()] = None, onward: str = "/") -> Response:
        language = lang if lang in LANGUAGES else language_of(request, service.settings)
        answer = sign_in_page(language, onward=onward)
        if lang in LANGUAGES:
            _remember(answer, language, service)
        return answer

    @app.exception_handler(NotSignedIn)
    @app.exception_handler(TooMany)
    async def refused(request: Request, error: StreetError) -> Response:
        return refuse(request, error, service)


def _add_language_switch(app: FastAPI, service: Service) -> None:
    @app.get("/language/{language}", include_in_schema=False)
    def choose_language(request: Request, language: str) -> Response:
        """Remember the language and go back to the page that asked, filters and all."""
        if language not in LANGUAGES:
            raise NotFound
        try:
            came_from = urlsplit(request.headers.get("referer", ""))
        except ValueError:  # an address that is none
            came_from = urlsplit("")
        here = came_from.netloc == request.headers.get("host")
        path = f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
        answer = RedirectResponse(local_path(path) if here else "/", status_code=303)
        _remember(answer, language, service)
        return answer


def _remember(answer: Response, language: str, service: Service) -> None:
    answer.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=service.settings.secure_cookies,
    )
