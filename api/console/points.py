"""The points: the list of them with import and export, and one point with what it is, who answers and what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.changes import Told, show_changes, what_changed
from api.console.components import Register
from api.console.forms import Form, Values, in_dialog
from api.console.frame import frame
from api.console.registers import downloads, import_card, register_texts
from api.console.tags import fact, tag
from api.console.visit import Visit
from api.issues import service as issues
from api.points import service as points
from api.points.schemas import PointFields, PointView
from api.points.tables import Point
from api.posts import service as posts
from api.posts.tables import Post

_NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One look at the list."""

    places: list[Point]
    holders: dict[str, Post]
    unfinished: dict[Any, int]


async def show(visit: Visit, _request: Request) -> None:
    """Build the list."""
    visit.caller.require(Permission.view_points)
    say, may_change = visit.say, visit.caller.may(Permission.manage_points)
    found = await visit.read(_look)
    with frame(visit, title=say("points.title"), path="/points"):
        with tag("div", classes="pw-head"):
            tag("h1", say("points.title"))
            tag("p", say("points.lead"), "pw-lead")
        with tag("div", classes="pw-toolbar"):
            if may_change:
                add = tag("button", say("points.add"), "pw-button", type="button")
                add.on("click", lambda: _add(visit))
            downloads(visit, "/api/v1/points/export")
            tag("a", say("points.signs"), "pw-quiet", href="/field/signs", target="_blank")
        register = Register(**_table(visit, found))
        if may_change:

            async def again() -> None:
                register.show(**_table(visit, await visit.read(_look)))

            import_card(visit, "/api/v1/points/import", again)


def _look(session: Session, caller: Caller) -> _Found:
    caller.require(Permission.view_points)
    places = points.all_points(session, within=caller.scope(Permission.view_points))
    counted = issues.unfinished_by_point(session, within=caller.scope(Permission.view_issues))
    return _Found(
        places=places,
        holders=posts.posts_by_code(session, [code for one in places for code in (one.first_post, one.specific_post)]),
        unfinished={place: sum(states.values()) for place, states in counted.items()},
    )


def _table(visit: Visit, found: _Found) -> dict[str, Any]:
    say = visit.say
    columns = ("name", "category", "community", "responsible", "assess", "unfinished")
    communities = sorted({one.community for one in found.places})
    categories = [one.code for one in visit.service.taxonomy.place_categories]
    return {
        "label": say("points.title"),
        "columns": [
            {"label": say(f"points.column.{name}"), "number": name in ("assess", "unfinished")} for name in columns
        ],
        "rows": [_row(visit, one, found) for one in found.places],
        "filters": [
            {
                "name": "community",
                "label": say("points.every_community"),
                "options": [{"value": one, "label": one} for one in communities],
            },
            {
                "name": "category",
                "label": say("points.every_category"),
                "options": [{"value": one, "label": visit.name_of(one)} for one in categories],
            },
        ],
        "texts": register_texts(visit, none=say("points.none") if found.places else say("console.empty.no_points")),
    }


def _row(visit: Visit, point: Point, found: _Found) -> dict[str, Any]:
    first, specific = (_of_post(visit, found.holders, code) for code in (point.first_post, point.specific_post))
    unfinished = found.unfinished.get(point.id, 0)
    answers = specific or first or visit.say("routing.nobody")
    cells: list[dict[str, Any]] = [
        {"text": point.name, "small": point.code},
        {"text": visit.name_of(point.category)},
        {"text": point.community},
        {"text": answers, "small": first if specific else ""},
        {
            "text": visit.say("points.days", count=point.assess_every_days) if point.assess_every_days else _NOTHING,
            "order": point.assess_every_days or 0,
        },
        {
            "text": str(unfinished),
            "order": unfinished,
            "href": f"/issues?point={quote(point.code)}" if unfinished else "",
        },
    ]
    if point.no_parking:
        cells[1]["small"] = visit.say("points.no_parking")
    words = " ".join([point.code, point.address, *(str(cell["text"]) for cell in cells), str(first)])
    return {
        "key": point.code,
        "href": f"/points/{quote(point.code)}",
        "cells": cells,
        "tags": {"community": point.community, "category": point.category},
        "words": words.lower(),
    }


def _of_post(visit: Visit, holders: Mapping[str, Post], code: str | None) -> str:
    if code is None:
        return ""
    post = holders.get(code)
    if post is None:
        return code
    title = post.en if visit.language == "en" and post.en else post.zh
    return f"{title} · {post.holder}" if post.holder else title


# --- one point -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _One:
    """One look at a point."""

    point: PointView
    posts: dict[str, str]  #: by code, in words
    communities: list[str]
    told: list[Told]
    may_change: bool


async def show_point(visit: Visit, request: Request) -> None:
    """Build the page of one point."""
    code = str(request.path_params["point"])
    found = await visit.read(lambda session, caller: _look_at(session, caller, visit, code))
    say, point = visit.say, found.point
    with frame(visit, title=point.name, path="/points"):
        tag("a", say("points.back"), "pw-back", href="/points")
        with tag("div", classes="pw-head"):
            tag("h1", point.name)
            tag("span", point.code, "pw-number")
        with tag("div", classes="pw-toolbar"):
            place = quote(point.code)
            tag("a", say("points.its_issues"), "pw-quiet", href=f"/issues?point={place}")
            tag("a", say("points.on_plan"), "pw-quiet", href=f"/plan?point={place}")
            tag("a", say("points.sign"), "pw-quiet", href=f"/field/signs?point={place}", target="_blank")
            if visit.caller.may(Permission.view_routing):
                tag("a", say("points.who_answers"), "pw-quiet", href=f"/rules?point={place}")
        with tag("div", classes="pw-columns"):
            with tag("section", classes="pw-card", aria_label=say("points.facts")):
                if found.may_change:
                    _form_on_page(visit, found)
                else:
                    _facts(visit, found)
            with tag("div", classes="pw-beside"):
                if point.has_zone_picture:
                    with tag("section", classes="pw-card", aria_label=say("points.zone")):
                        tag("h2", say("points.zone"))
                        tag(
                            "img", classes="pw-zone-picture", src=f"/api/v1/points/{place}/zone", alt=say("points.zone")
                        )
                show_changes(visit, found.told)


def _look_at(session: Session, caller: Caller, visit: Visit, code: str) -> _One:
    point = points.get_point(session, code, within=caller.scope(Permission.view_points))
    return _One(
        point=PointView.model_validate(point),
        posts=post_options(visit, posts.all_posts(session)),
        communities=points.communities(session),
        told=what_changed(session, visit, caller, points.SUBJECT, point.id),
        may_change=caller.may(Permission.manage_points, community=point.community, point=point.code),
    )


def post_options(visit: Visit, rows: Sequence[Post]) -> dict[str, str]:
    """Give posts by code as one reads them in a choice."""
    return {one.code: f"{one.code} {_of_post(visit, {one.code: one}, one.code)}" for one in rows}


def _facts(visit: Visit, found: _One) -> None:
    point, say = found.point, visit.say
    tag("h2", say("points.facts"))
    with tag("dl", classes="pw-facts"):
        fact(say("points.column.category"), visit.name_of(point.category))
        fact(say("points.column.community"), point.community)
        fact(say("points.field.address"), point.address or _NOTHING)
        fact(say("points.position"), f"{point.longitude:.6f}, {point.latitude:.6f} (WGS-84)")
        fact(say("points.field.first_post"), found.posts.get(point.first_post or "", _NOTHING))
        fact(say("points.field.specific_post"), found.posts.get(point.specific_post or "", _NOTHING))
        days = say("points.days", count=point.assess_every_days) if point.assess_every_days else _NOTHING
        fact(say("points.column.assess"), days)
        if point.no_parking:
            fact(say("points.field.no_parking"), "✓")


def _form_on_page(visit: Visit, found: _One) -> None:
    tag("h2", visit.say("points.facts"))
    form = Form(visit)
    with tag("div", classes="pw-form-grid"):
        _fields(visit, form, found.point, found.posts, found.communities)

    async def save(values: Values) -> None:
        fields = _read(values)

        def change(session: Session, caller: Caller) -> str:
            point = points.change_point(
                session,
                found.point.code,
                fields,
                visit.service.taxonomy,
                within=caller.scope(Permission.manage_points),
                revision=found.point.revision,
                by=caller.user_id,
            )
            return point.code

        code = await visit.write(change)
        ui.notify(visit.say("form.saved"), type="positive", position="top")
        ui.navigate.to(f"/points/{quote(code)}")

    form.buttons(visit.say("form.save"), save)


def _fields(
    visit: Visit, form: Form, point: PointFields | None, offered: dict[str, str], communities: list[str]
) -> None:
    say, taxonomy = visit.say, visit.service.taxonomy

    def label(name: str) -> str:
        return say(f"points.field.{name}")

    categories = {one.code: visit.name_of(one.code) for one in taxonomy.place_categories}
    form.line("code", label("code"), point.code if point else "", most=32)
    form.line("name", label("name"), point.name if point else "", most=120)
    form.choice("category", label("category"), categories, point.category if point else None)
    form.line("community", label("community"), point.community if point else "", most=80, known=communities)
    form.line("address", label("address"), point.address if point else "")
    form.number("longitude", label("longitude"), point.longitude if point else None, hint=say("points.hint.wgs84"))
    form.number("latitude", label("latitude"), point.latitude if point else None, hint=say("points.hint.wgs84"))
    form.number(
        "assess_every_days",
        label("assess_every_days"),
        point.assess_every_days if point else 7,
        hint=say("points.hint.assess"),
        step="1",
    )
    form.choice("first_post", label("first_post"), offered, point.first_post if point else None)
    form.choice("specific_post", label("specific_post"), offered, point.specific_post if point else None)
    form.flag("no_parking", label("no_parking"), value=bool(point and point.no_parking))
    tag("h3", say("points.departments"))
    departments = {one.code: visit.name_of(one.code) for one in taxonomy.departments}
    for kind in taxonomy.kinds:
        own = point.departments.get(kind.code) if point else None
        form.choice(f"departments.{kind.code}", visit.name_of(kind.code), departments, own)


def _read(values: Values) -> PointFields:
    """Give the fields of a filled-in form.

    Raises:
        ValidationError: they make no sense.
    """
    prefix = "departments."
    own = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix) and value}
    plain = {name: value for name, value in values.items() if not name.startswith(prefix)}
    return PointFields.model_validate(
        {
            **plain,
            "departments": own,
            "address": plain["address"] or "",
            **{name: plain[name] or "" for name in ("code", "name", "category", "community")},
        }
    )


async def _add(visit: Visit) -> None:
    offered, communities = await visit.read(
        lambda session, _: (post_options(visit, posts.all_posts(session)), points.communities(session))
    )

    async def save(values: Values) -> None:
        fields = _read(values)

        def create(session: Session, caller: Caller) -> str:
            within = caller.scope(Permission.manage_points)
            taxonomy = visit.service.taxonomy
            return points.create_point(session, fields, taxonomy, within=within, by=caller.user_id).code

        code = await visit.write(create)
        ui.navigate.to(f"/points/{quote(code)}")

    await in_dialog(visit, visit.say("points.add"), lambda form: _fields(visit, form, None, offered, communities), save)
