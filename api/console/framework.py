"""The one place that knows how NiceGUI is set up: inside our application, from its wheel alone, without a CDN."""

import copy
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from nicegui import app as pages_app
from nicegui import ui

from api.console import (
    audit,
    bulletins,
    cameras,
    captures,
    desk,
    inbox,
    issue,
    learning,
    models,
    overview,
    patrols,
    people,
    person,
    plan,
    points,
    report,
    review,
    rules,
    upload,
    webhooks,
)
from api.console.plain import ICON, refusal_page
from api.console.refusals import refuse
from api.console.visit import Visit, visit_of
from api.errors import NotFound, StreetError

Show = Callable[[Visit, Request], Awaitable[Response | None]]  # an answer leads elsewhere

PAGES: dict[str, Show] = {
    "/": overview.show,
    "/plan": plan.show,
    "/patrols": patrols.show,
    "/upload": upload.show,
    "/captures": captures.show,
    "/report": report.show,
    "/inbox": inbox.show,
    "/webhooks": webhooks.show,
    "/issues": desk.show,
    "/issues/{number}": issue.show,
    "/review": review.show,
    "/bulletins": bulletins.show,
    "/learning": learning.show,
    "/rules": rules.show,
    "/models": models.show,
    "/models/{version}": models.show_version,
    "/audit": audit.show,
    "/points": points.show,
    "/points/{point}": points.show_point,
    "/cameras": cameras.show,
    "/cameras/{code}": cameras.show_camera,
    "/people": people.show,
    "/people/{user_id}": person.show,
}
THEME_COOKIE = "pointwatch_theme"  # written by theme.js
BUILD_WITHIN_S = 15.0  # a page whose data takes longer is answered with an error


def mount(app: FastAPI) -> None:
    """Mount NiceGUI at the root, beneath every route that the application has already."""
    # NiceGUI has one application per process; a second `build_app` in it must not stack the middleware twice.
    pages_app.user_middleware.clear()
    pages_app.middleware_stack = None
    for path, show in PAGES.items():
        ui.page(path, response_timeout=BUILD_WITHIN_S)(_opened(show))
    pages_app.add_exception_handler(404, _nothing_there)
    ui.run_with(
        app,
        title="Pointwatch",
        favicon=ICON,
        dark=None,  # as the system says
        tailwind=False,  # our own style sheet; Tailwind would be compiled in the browser on each page
        binding_refresh_interval=None,  # nothing is bound: no loop that wakes ten times a second
        reconnect_timeout=10.0,
        show_welcome_message=False,
    )


def _opened(show: Show) -> Callable[[Request], Awaitable[Response | None]]:
    """Open a page for whoever asks; a refusal is a page of its own."""

    async def open_page(request: Request) -> Response | None:
        visit = visit_of(request)
        client = ui.context.client
        client.page = copy.copy(client.page)  # NiceGUI knows a language per page, not per visitor
        client.page.language = "zh-CN" if visit.language == "zh" else "en-US"
        chosen = request.cookies.get(THEME_COOKIE)
        client.page.dark = chosen == "dark" if chosen in ("light", "dark") else None
        try:
            answer = await show(visit, request)
        except StreetError as error:
            client.delete()
            return refusal_page(error, visit.language)
        if answer is not None:
            client.delete()
        return answer

    return open_page


async def _nothing_there(request: Request, _error: Exception) -> Response:
    visit = visit_of(request)
    return refuse(request, NotFound("There is no such page here."), visit.service)
