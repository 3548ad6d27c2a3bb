"""The first page: the office at one look, and the plan beside it."""

from typing import Any

import anyio.to_thread
from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.cameras.schemas import State as CameraState
from api.console import figures
from api.console.components import Overview, PointPlan, TourOffer
from api.console.frame import frame
from api.console.gathering import ByPoint
from api.console.plan import no_points, plan_data
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.issues import service as issues
from api.issues.transitions import State
from api.points import service as points
from api.points.tables import Point

REFRESH_S = 3.0  # between two looks at whether anything has changed
TEXTS = (
    "at_work", "overdue", "due_today", "suspected", "affected", "waiting", "failed", "cameras", "by_kind",
    "by_community", "trend", "opened", "closed", "day", "newest", "nothing",
)  # fmt: skip


async def show(visit: Visit, request: Request) -> RedirectResponse | None:
    """Build the page; an old address that narrows the list leads to the list."""
    if set(request.query_params) & {"state", "kind", "community", "point"}:
        return RedirectResponse(f"/issues?{request.url.query}", status_code=308)

    def look(session: Session, caller: Caller) -> tuple[Caller, list[Point], ByPoint]:
        places = points.all_points(session, within=caller.scope(Permission.view_points))
        counted = issues.unfinished_by_point(session, within=caller.scope(Permission.view_issues))
        return caller, places, counted

    async def shown(caller: Caller) -> dict[str, Any]:
        found = await figures.overview_for(visit.service, caller)
        key = ("overview, written", _scopes(caller))
        return await pulse.shared(key, lambda: anyio.to_thread.run_sync(lambda: found.model_dump(mode="json")))

    async def drawn(caller: Caller) -> dict[str, Any]:
        """Give the plan, drawn once for all who see the same in the same language."""

        async def draw() -> dict[str, Any]:
            _, places, by_point = await visit.read(look)
            return await anyio.to_thread.run_sync(lambda: plan_data(visit, places, by_point, ""))

        return await pulse.shared(("plan", visit.language, _scopes(caller)), draw)

    pulse = visit.service.pulse
    caller, places, _ = await visit.read(look)
    beat = await visit.beat()
    say = visit.say
    with frame(visit, title=say("console.overview.title"), path="/"):
        with tag("div", classes="pw-head"):
            tag("h1", say("console.overview.title"))
            tag("p", say("console.issues.times", zone=visit.zone(now())), "pw-lead")
            with tag("div", classes="pw-actions pw-head-button"):
                if visit.caller.may(Permission.report_issues):
                    tag("a", say("console.report.title"), "pw-quiet", href="/report")
                tag("a", say("console.overview.wall"), "pw-quiet", href="/wall")
        TourOffer(
            who=str(visit.caller.user_id),
            texts={name: say(f"tour.offer.{name}") for name in ("title", "lead", "take", "refuse")},
        )
        if not places:
            no_points(visit)
        board = Overview(
            figures=await shown(caller),
            texts={name: say(f"console.overview.{name}") for name in TEXTS},
            states={state.value: say(f"state.{state}") for state in State},
            camera_states={state.value: say(f"camera_state.{state}") for state in CameraState},
            language=visit.language,
            zone=visit.service.settings.time_zone,
            can_see_photos=visit.caller.may(Permission.view_captures),
        )
        with tag("section", classes="pw-overview-plan", aria_label=say("console.plan.title")):
            plan = PointPlan(**await drawn(caller))
    plan.on("choose", lambda event: ui.navigate.to(f"/plan?point={event.args}"))

    async def refresh() -> None:
        nonlocal beat, caller
        with told(visit):
            felt = await visit.beat()
            if felt == beat:
                return
            beat = felt
            caller = await visit.read(lambda _, caller: caller)
            board.show(figures=await shown(caller))
            plan.show(**await drawn(caller))

    ui.timer(REFRESH_S, refresh, immediate=False)
    return None


def _scopes(caller: Caller) -> tuple[Scope, ...]:
    """Give what decides which figures somebody sees."""
    wanted = (Permission.view_issues, Permission.view_captures, Permission.view_points, Permission.view_cameras)
    return tuple(caller.scope(one) for one in wanted)
