"""The posts: who holds each, who stands in, who is told when it does not act."""

from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.forms import Form, Values, in_dialog
from api.console.registers import build_register, register_texts
from api.console.visit import Visit
from api.points import service as points
from api.posts import service
from api.posts.schemas import PostFields, PostView
from api.posts.tables import Post


async def build(visit: Visit) -> None:
    """Add the table of posts, to be changed by those who may."""
    say, may_change = visit.say, visit.caller.may(Permission.manage_routing)

    async def table() -> dict[str, Any]:
        return _table(visit, await visit.read(_look), can_open=may_change)

    await build_register(
        visit,
        address="/api/v1/posts",
        add=say("posts.add"),
        table=table,
        change=partial(_change, visit) if may_change else None,
    )


def _look(session: Session, caller: Caller) -> list[Post]:
    caller.require(Permission.view_routing)
    return service.all_posts(session)


def _table(visit: Visit, rows: list[Post], *, can_open: bool) -> dict[str, Any]:
    say = visit.say
    columns = ("post", "holder", "belongs", "deputies", "superior")
    titles = {one.code: title_of(visit, one) for one in rows}
    departments = sorted({one.department for one in rows if one.department})
    communities = sorted({one.community for one in rows if one.community})
    return {
        "label": say("people.tab.posts"),
        "columns": [{"label": say(f"posts.column.{name}")} for name in columns],
        "rows": [_row(visit, one, titles) for one in rows],
        "filters": [
            {
                "name": "belongs",
                "label": say("posts.every_place"),
                "options": [
                    *({"value": one, "label": one} for one in communities),
                    *({"value": one, "label": visit.name_of(one)} for one in departments),
                ],
            },
            {
                "name": "vacant",
                "label": say("posts.held_or_not"),
                "options": [{"value": one, "label": say(f"posts.{one}")} for one in ("held", "vacant")],
            },
        ],
        "texts": register_texts(visit, none=say("posts.none")),
        "can_open": can_open,
    }


def title_of(visit: Visit, post: Post) -> str:
    """Give a post's title in the visitor's language."""
    return post.en if visit.language == "en" and post.en else post.zh


def _row(visit: Visit, post: Post, titles: dict[str, str]) -> dict[str, Any]:
    belongs = [part for part in (post.community, visit.name_of(post.department) if post.department else "") if part]
    deputies = [titles.get(code, code) for code in post.deputies]
    cells: list[dict[str, Any]] = [
        {"text": titles[post.code], "small": post.code},
        {"text": post.holder or visit.say("posts.vacant"), "small": post.phone, "state": "" if post.holder else "open"},
        {"text": " · ".join(belongs) or "–"},
        {"text": " → ".join(deputies) or "–"},
        {"text": titles.get(post.superior, post.superior) if post.superior else "–"},
    ]
    return {
        "key": post.code,
        "cells": cells,
        "tags": {
            "belongs": [one for one in (post.community, post.department) if one],
            "vacant": "held" if post.holder else "vacant",
        },
        "words": " ".join([post.code, post.phone, *(str(cell["text"]) for cell in cells)]).lower(),
    }


async def _change(visit: Visit, code: str | None, again: Any) -> None:
    """Let somebody add a post, or change one."""
    say = visit.say

    def look(session: Session, _: Caller) -> tuple[PostView | None, list[Post], list[str], dict[str, str]]:
        found = service.views(session, [service.get_post(session, code)])[0] if code else None
        return found, service.all_posts(session), points.communities(session), accounts.people_in_force(session)

    post, others, communities, people = await visit.read(look)

    def fields(form: Form) -> None:
        def label(name: str) -> str:
            return say(f"posts.field.{name}")

        options = {one.code: f"{one.code} {title_of(visit, one)}" for one in others if one.code != code}
        departments = {one.code: visit.name_of(one.code) for one in visit.service.taxonomy.departments}
        form.line("code", label("code"), code or "", most=32, hint=say("posts.hint.code"))
        form.choice("login", label("login"), people, post.login if post else None, hint=say("posts.hint.login"))
        form.line("holder", label("holder"), post.holder if post else "", most=80, hint=say("posts.hint.holder"))
        form.line("zh", label("zh"), post.zh if post else "", most=80)
        form.line("en", label("en"), post.en if post else "", most=80)
        form.line("phone", label("phone"), post.phone if post else "", most=40)
        form.line("community", label("community"), post.community or "" if post else "", most=80, known=communities)
        form.choice("department", label("department"), departments, post.department if post else None)
        form.choice("superior", label("superior"), options, post.superior if post else None)
        deputies = list(post.deputies) if post else []
        form.choices("deputies", label("deputies"), options, deputies, hint=say("posts.hint.deputies"))

    async def save(values: Values) -> None:
        texts = {name: values[name] or "" for name in ("code", "zh", "en", "holder", "phone")}
        wanted = PostFields.model_validate({**values, **texts, "deputies": values["deputies"] or []})
        await visit.write(lambda session, caller: _kept(visit, session, caller, post, wanted))
        await again()

    await in_dialog(visit, say("posts.change") if post else say("posts.add"), fields, save)


def _kept(visit: Visit, session: Session, caller: Caller, post: PostView | None, wanted: PostFields) -> None:
    caller.require(Permission.manage_routing)
    taxonomy, by = visit.service.taxonomy, caller.user_id
    if post is None:
        service.create_post(session, wanted, taxonomy, by=by)
    else:
        service.change_post(session, post.code, wanted, taxonomy, revision=post.revision, by=by)
