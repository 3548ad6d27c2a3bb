"""A page with tabs, of which everybody sees those that are theirs to see."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab: who may see it, and what builds it."""

    permission: Permission
    build: Callable[[Visit], Awaitable[None]]


async def show_tabs(visit: Visit, request: Request, *, name: str, tabs: Mapping[str, Tab]) -> None:
    """Build the page `/name` at the tab that `?tab=` asks for, else at the first that may be seen.

    Its texts are `NAME.title`, `NAME.lead.TAB` and `NAME.tab.TAB`.

    Raises:
        Forbidden: none of the tabs may be seen.
    """
    may_see = [tab for tab, one in tabs.items() if visit.caller.may(one.permission)]
    if not may_see:
        visit.caller.require(next(iter(tabs.values())).permission)
    asked, say = request.query_params.get("tab", ""), visit.say
    chosen = asked if asked in may_see else may_see[0]
    with frame(visit, title=say(f"{name}.title"), path=f"/{name}"):
        with tag("div", classes="pw-head"):
            tag("h1", say(f"{name}.title"))
            tag("p", say(f"{name}.lead.{chosen}"), "pw-lead")
        if len(may_see) > 1:
            with tag("nav", classes="pw-tabs", aria_label=say(f"{name}.title")):
                for tab in may_see:
                    current = "page" if tab == chosen else None
                    tag("a", say(f"{name}.tab.{tab}"), href=f"/{name}?tab={tab}", aria_current=current)
        await tabs[chosen].build(visit)
