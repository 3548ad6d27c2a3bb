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


async def show_tabs(
    visit: Visit,
    request: Request,
    *,
    address: str,
    title: str,
    name_of: Callable[[str], str],
    lead_of: Callable[[str], str],
    tabs: Mapping[str, Tab],
) -> None:
    """Build the page at the tab that `?tab=` asks for, else at the first that may be seen.

    Args:
        address: of the page, without the tab.
        name_of: gives what a tab is called.
        lead_of: gives the sentence that says what a tab is for.

    Raises:
        Forbidden: none of the tabs may be seen.
    """
    may_see = [tab for tab, one in tabs.items() if visit.caller.may(one.permission)]
    if not may_see:
        visit.caller.require(next(iter(tabs.values())).permission)
    asked = request.query_params.get("tab", "")
    chosen = asked if asked in may_see else may_see[0]
    with frame(visit, title=title, path=address):
        with tag("div", classes="pw-head"):
            tag("h1", title)
            tag("p", lead_of(chosen), "pw-lead")
        if len(may_see) > 1:
            with tag("nav", classes="pw-tabs", aria_label=title):
                for tab in may_see:
                    current = "page" if tab == chosen else None
                    tag("a", name_of(tab), href=f"{address}?tab={tab}", aria_current=current)
        await tabs[chosen].build(visit)
