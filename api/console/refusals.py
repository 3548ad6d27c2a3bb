"""Refusals as a browser shows them."""

from starlette.requests import Request
from starlette.responses import Response

from api.console.plain import refusal_page, sign_in_page
from api.console.visit import language_of
from api.context import Service
from api.errors import NotSignedIn, StreetError, TooMany
from api.problems import problem_response


def refuse(request: Request, error: StreetError, service: Service) -> Response:
    """Answer a refusal as a page where a browser wants one, else as a problem."""
    language = language_of(request, service.settings)
    if "text/html" not in request.headers.get("accept", ""):
        accept = request.headers.get("accept-language")
        return problem_response(error, language=service.settings.language, accept=accept)
    if isinstance(error, NotSignedIn) or (isinstance(error, TooMany) and request.url.path == "/sign-in"):
        onward = str(error.facts.get("onward") or "/")  # a wrong key does not lose the page that was asked for
        refused = "" if request.method != "POST" else f"sign_in.refused.{type(error).code}"
        return sign_in_page(language, onward=onward, refused=refused, status=type(error).status)
    return refusal_page(error, language)
