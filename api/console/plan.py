"""The points on a plan, and what is to be known of the one that was chosen."""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.chart import draw_chart
from api.console.components import PointList, PointPlan
from api.console.frame import frame
from api.console.gathering import ByPoint, post_in_words
from api.console.tags import fact, tag
from api.console.visit import Visit, told
from api.issues import service as issues
from api.issues.transitions import AT_WORK, SUSPECTED, State
from api.points import service as points
from api.points.tables import Point
from api.posts import service as posts
from api.posts.schemas import PostBrief

Holders = dict[str, PostBrief]  # posts by code

REFRESH_S = 5.0
CLEAR = "clear"  # a point without an unfinished issue


def plan_data(visit: Visit, places: list[Point], by_point: ByPoint, chosen: str) -> dict[str, Any]:
    """Give what the plan draws: positions in per cent and one colour for the worst that is open at each point."""
    chart = draw_chart([(point.longitude, point.latitude) for point in places])
    scale = f"{chart.scale_m // 1000} km" if chart.scale_m >= 1000 else f"{chart.scale_m} m"
    return {
        "chart": {name: value for name, value in asdict(chart).items() if name != "places"},
        "dots": [
            {
                "code": point.code,
                "name": f"{point.code} {point.name}",
                "x": x,
                "y": y,
                "state": worst(by_point.get(point.id, {})),
                "count": sum(by_point.get(point.id, {}).values()),
                "words": counts_in_words(visit, by_point.get(point.id, {})),
                "href": f"/issues?point={quote(point.code)}",
            }
            for point, (x, y) in zip(places, chart.places, strict=True)
        ],
        "chosen": chosen,
        "texts": {
            "label": visit.say("console.plan.label"),
            "north": visit.say("console.plan.north"),
            "scale": scale,
            "legend": [
                {"state": state, "text": visit.say(f"console.plan.{state}")}
                for state in (State.open.value, State.in_review.value, CLEAR)
            ],
        },
    }


def worst(counts: dict[State, int]) -> str:
    """Give the state that colours a point: open for whatever is at work, in review for what is only suspected."""
    groups = ((State.open, AT_WORK), (State.in_review, SUSPECTED))
    return next((name.value for name, states in groups if states & counts.keys()), CLEAR)


def counts_in_words(visit: Visit, counts: dict[State, int]) -> str:
    """Say how many issues stand at a point."""
    parts = [f"{visit.say(f'state.{state}')} {counts[state]}" for state in State if counts.get(state)]
    return " · ".join(parts) or visit.say("console.plan.clear")


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?point=CODE` opens it with that point chosen."""
    chosen = request.query_params.get("point", "")[:32]

    def look(session: Session, caller: Caller) -> tuple[list[Point], ByPoint, Holders]:
        places = points.all_points(session, within=caller.scope(Permission.view_points))
        holders = {post.code: PostBrief.model_validate(post) for post in posts.all_posts(session)}
        return places, issues.unfinished_by_point(session, within=caller.scope(Permission.view_issues)), holders

    places, by_point, holders = await visit.read(look)
    with frame(visit, title=visit.say("console.plan.title"), path="/plan"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.plan.title"))
            tag("p", visit.say("console.plan.lead", count=len(places)), "pw-lead")
        if not places:
            no_points(visit)
            return
        with tag("div", classes="pw-columns pw-columns-plan"):
            drawing = PointPlan(**plan_data(visit, places, by_point, chosen))
            beside = tag("div", classes="pw-beside")

    def fill() -> None:
        drawing.show(**plan_data(visit, places, by_point, chosen))
        beside.clear()
        with beside:
            _beside(visit, places, by_point, holders, chosen)

    def choose(code: str) -> None:
        nonlocal chosen
        chosen = code
        ui.navigate.history.replace(f"/plan?point={quote(code)}")
        fill()

    async def refresh() -> None:
        nonlocal places, by_point, holders
        with told(visit):
            found = await visit.read(look)
            if found[1] != by_point or len(found[0]) != len(places):
                places, by_point, holders = found
                fill()

    drawing.on("choose", lambda event: choose(str(event.args)))
    fill()
    ui.timer(REFRESH_S, refresh, immediate=False)


def no_points(visit: Visit) -> None:
    """Say what to do where no points are registered."""
    with tag("div", classes="pw-empty"):
        tag("h2", visit.say("console.empty.no_points"))
        tag("p", visit.say("console.empty.no_points_next"))
        tag("code", "pointwatch points import points.csv")


def _beside(visit: Visit, places: list[Point], by_point: ByPoint, holders: Holders, chosen: str) -> None:
    found = next((point for point in places if point.code == chosen), None)
    if found is not None:
        _card(visit, found, by_point, holders)
    order = [State.open.value, State.in_review.value, CLEAR]
    rows = [
        {
            "code": point.code,
            "href": f"/plan?point={quote(point.code)}",
            "state": worst(by_point.get(point.id, {})),
            "name": f"{point.code} {point.name}",
            "words": counts_in_words(visit, by_point.get(point.id, {})),
        }
        for point in sorted(places, key=lambda one: (order.index(worst(by_point.get(one.id, {}))), one.code))
    ]
    PointList(rows=rows, label=visit.say("console.plan.list"))


def _card(visit: Visit, point: Point, by_point: ByPoint, holders: Holders) -> None:
    with tag("section", classes="pw-card", aria_label=point.name):
        tag("h2", point.name)
        with tag("dl", classes="pw-facts"):
            fact(visit.say("console.point.code"), point.code)
            fact(visit.say("console.point.category"), visit.name_of(point.category))
            fact(visit.say("console.point.community"), point.community)
            if point.address:
                fact(visit.say("console.point.address"), point.address)
            for name, code in (("first_post", point.first_post), ("specific_post", point.specific_post)):
                if code in holders:
                    fact(visit.say(f"console.point.{name}"), post_in_words(visit, holders[code]))
            if point.no_parking:
                fact(visit.say("console.point.parking"), visit.say("console.point.no_parking"))
            fact(visit.say("console.point.now"), counts_in_words(visit, by_point.get(point.id, {})))
        with tag("div", classes="pw-actions"):
            tag("a", visit.say("console.point.issues"), "pw-button", href=f"/issues?point={quote(point.code)}")
            if visit.caller.may(Permission.send_photos):
                tag(
                    "a",
                    visit.say("console.point.send"),
                    "pw-button pw-second",
                    href=f"/upload?point={quote(point.code)}",
                )
