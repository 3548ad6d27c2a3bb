"""Doubtful pictures one after another. The component asks the API itself, as every other sender of verdicts does."""

from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.components import Reviewer
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit
from api.errors import Forbidden
from api.review.config import labels
from api.review.schemas import Why

TEXTS = (
    "loading",
    "empty",
    "left",
    "accept",
    "none",
    "undo",
    "again",
    "skip",
    "back",
    "remove",
    "change",
    "draw",
    "drawing",
    "boxes",
    "no_box",
    "saved",
    "disputed",
    "failed",
    "keys",
    "picture",
)


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?capture=ID` opens it with that picture first."""
    if not visit.caller.may(Permission.review_issues):
        raise Forbidden
    known = labels(visit.service.taxonomy, visit.service.card)
    with frame(visit, title=visit.say("console.review.title"), path="/review"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.review.title"))
            tag("p", visit.say("console.review.lead"), "pw-lead")
        Reviewer(
            first=request.query_params.get("capture", "")[:36],
            classes=[{"code": one.code, "name": visit.name_of(one.code), "colour": one.colour} for one in known],
            why={why: visit.say(f"console.review.why.{why}") for why in Why},
            texts={name: visit.say(f"console.review.text.{name}") for name in TEXTS},
        )
