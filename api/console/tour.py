"""The tour for who is new: which parts of which pages it shows, in the order of a day's work, to whom.

The browser walks it (`assets/tour.js`); here stands only what there is to see.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from api.accounts.door import Router, known
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.visit import language_of
from api.context import Context
from api.issues import service as issues
from api.issues.transitions import AT_WORK, SUSPECTED
from api.paging import Window
from detector.texts import say

AN_ISSUE = "/issues/{number}"  # the tour shows one that there is
WITH_AN_ISSUE = ("list", "evidence", "facts", "actions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of one page."""

    name: str  #: its words are tour.step.NAME.title and tour.step.NAME.text
    path: str
    shows: tuple[str, ...]  #: CSS selectors; the first that is shown is pointed at
    needs: tuple[Permission, ...]  #: who may none of this does not hear of it


_LOOK = (Permission.view_issues,)
_DECIDE = (Permission.review_issues, Permission.dispatch_issues, Permission.handle_issues, Permission.close_issues)
_MENU = ".pw-more-button"  # what holds the header's entries on a phone
STEPS = (
    Step(name="figures", path="/", shows=(".pw-overview .pw-tiles",), needs=_LOOK),
    Step(name="plan", path="/", shows=(".pw-overview-plan",), needs=(Permission.view_points,)),
    Step(name="filters", path="/issues", shows=(".pw-bar",), needs=_LOOK),
    Step(name="list", path="/issues", shows=(".pw-row",), needs=_LOOK),
    Step(name="evidence", path=AN_ISSUE, shows=(".pw-evidence .pw-picture",), needs=(Permission.view_captures,)),
    Step(name="facts", path=AN_ISSUE, shows=(".pw-about",), needs=_LOOK),
    Step(name="actions", path=AN_ISSUE, shows=("[role=group].pw-card", ".pw-past"), needs=_DECIDE),
    Step(
        name="review",
        path="/review",
        shows=(".pw-review-picture", ".pw-review-empty"),
        needs=(Permission.review_issues,),
    ),
    Step(name="field", path="/field", shows=(".shoot",), needs=(Permission.send_photos,)),
    Step(name="bulletins", path="/bulletins", shows=(".pw-beside .pw-card",), needs=(Permission.view_reports,)),
    Step(name="manage", path="/", shows=(".pw-menu-button", _MENU), needs=(Permission.manage_users,)),
    Step(name="help", path="/", shows=(".pw-help", _MENU), needs=_LOOK),
)

router = Router(include_in_schema=False)


@router.get("/tour")
def tour(request: Request, context: Context, caller: Annotated[Caller, Depends(known)]) -> dict[str, Any]:
    """Give the steps for this caller, in the page's language; what there is no issue to show with is left out."""
    language = language_of(request, context.settings)
    with context.database.read() as session:
        number = _an_issue(session, caller)
    return {
        "who": str(caller.user_id),
        "texts": {name: say(f"tour.{name}", language) for name in ("next", "previous", "done", "skip")},
        "steps": [
            {
                "path": one.path.format(number=number),
                "shows": one.shows,
                "title": say(f"tour.step.{one.name}.title", language),
                "text": say(f"tour.step.{one.name}.text", language),
            }
            for one in STEPS
            if any(caller.may(need) for need in one.needs) and (number or one.name not in WITH_AN_ISSUE)
        ],
    }


def _an_issue(session: Session, caller: Caller) -> str | None:
    """Give the number of an issue that shows well: with a photo, and at work rather than suspected."""
    within = caller.scope(Permission.view_issues)
    for states in (AT_WORK, SUSPECTED):
        wanted = issues.Filter(states=sorted(states), source="photo", sort=issues.Sort.oldest)
        found, _ = issues.list_issues(session, Window(limit=1), wanted, within=within)
        if found:
            return found[0].number
    return None
