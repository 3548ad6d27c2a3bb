"""The rules: who answers for what and why, how long each step may take, what is assessed and with which deduction."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import quote

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.clocks.limits import Step
from api.console import sureness
from api.console.forms import Form, Values, confirm, in_dialog
from api.console.gathering import step_name
from api.console.points import post_options
from api.console.registers import build_register, downloads, every, import_card, register_texts
from api.console.tabs import Tab, show_tabs
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.points import service as points
from api.posts import service as posts
from api.routing import service
from api.routing.schemas import Explanation, RuleFields, RuleView, Verdict
from api.standards import service as standards
from api.standards.schemas import StandardView
from detector.taxonomy import Allowance, Limit

_USED = (Verdict.both, Verdict.post, Verdict.department)


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?tab=limits` opens it there, `?point=CODE` at who answers for that point."""
    tabs = {
        "routing": Tab(
            permission=Permission.view_routing,
            build=lambda visit: _routing(visit, request.query_params.get("point", "")[:32]),
        ),
        "limits": Tab(permission=Permission.view_catalogue, build=_limits),
        "standards": Tab(permission=Permission.view_patrols, build=_standards),
        "thresholds": Tab(permission=Permission.view_catalogue, build=sureness.build),
    }
    say = visit.say
    await show_tabs(
        visit,
        request,
        address="/rules",
        title=say("rules.title"),
        name_of=lambda tab: say(f"rules.tab.{tab}"),
        lead_of=lambda tab: say(f"rules.lead.{tab}"),
        tabs=tabs,
    )


# --- who answers -----------------------------------------------------------------------------------------------------


async def _routing(visit: Visit, point: str) -> None:
    say, may_change = visit.say, visit.caller.may(Permission.manage_routing)
    await _asking(visit, point)

    async def table() -> dict[str, Any]:
        return _table(visit, await visit.read(_look), can_open=may_change)

    await build_register(
        visit,
        address="/api/v1/routing/rules",
        add=say("rules.add"),
        table=table,
        change=partial(_change, visit) if may_change else None,
    )


def _look(session: Session, caller: Caller) -> list[RuleView]:
    caller.require(Permission.view_routing)
    return [RuleView.model_validate(one) for one in service.fields_of(session, service.all_rules(session))]


def _table(visit: Visit, rows: list[RuleView], *, can_open: bool) -> dict[str, Any]:
    columns = ("rule", "where", "what", "post", "department", "days")
    return {
        "label": visit.say("rules.tab.routing"),
        "columns": [{"label": visit.say(f"rules.column.{name}")} for name in columns],
        "rows": [_row(visit, one) for one in rows],
        "filters": [],
        "texts": register_texts(visit, none=visit.say("rules.none")),
        "can_open": can_open,
    }


def _row(visit: Visit, rule: RuleView) -> dict[str, Any]:
    say = visit.say
    where = rule.point or rule.community or (visit.name_of(rule.category) if rule.category else "")
    what = rule.violation or rule.kind
    days = f"{rule.since or '…'} – {rule.until or '…'}" if rule.since or rule.until else say("rules.always")
    cells: list[dict[str, Any]] = [
        {"text": rule.code, "small": rule.note},
        {"text": where or say("routing.place.anywhere")},
        {"text": visit.name_of(what) if what else say("routing.problem.any")},
        {"text": rule.post or "–"},
        {"text": visit.name_of(rule.department) if rule.department else "–"},
        {"text": days},
    ]
    words = " ".join(str(cell["text"]) for cell in cells) + " " + rule.note
    return {"key": rule.code, "cells": cells, "tags": {}, "words": words.lower()}


async def _asking(visit: Visit, chosen: str) -> None:
    """Add what says who answers for a class of violation at a point, and why."""
    say = visit.say
    places = await visit.read(
        lambda session, caller: points.all_points(session, within=caller.scope(Permission.view_points))
    )
    if not places:
        return
    options = {one.code: f"{one.code} {one.name}" for one in places}
    classes = {code: visit.name_of(code) for code in visit.service.taxonomy.classes}
    with tag("section", classes="pw-card pw-asking", aria_label=say("rules.who")):
        tag("h2", say("rules.who"))
        with tag("div", classes="pw-form-grid"):
            point = ui.select(
                options, value=chosen if chosen in options else None, label=say("console.filter.point"), with_input=True
            )
            violation = ui.select(classes, label=say("rules.class"), with_input=True)
            for field in (point, violation):
                field.classes("pw-field").props("outlined options-dense")
        answer = tag("div", role="status")

    async def ask() -> None:
        answer.clear()
        if point.value and violation.value:
            with told(visit):
                found = await visit.read(_explained(visit, point.value, violation.value))
                with answer:
                    _answer(visit, *found)

    point.on_value_change(ask)
    violation.on_value_change(ask)


def _explained(
    visit: Visit, point: str, violation: str
) -> Callable[[Session, Caller], tuple[Explanation, dict[str, str]]]:
    def explain(session: Session, caller: Caller) -> tuple[Explanation, dict[str, str]]:
        found = service.explain(
            session,
            point=points.get_point(session, point, within=caller.scope(Permission.view_points)),
            class_code=violation,
            on=now().astimezone(visit.service.settings.zone).date(),
            taxonomy=visit.service.taxonomy,
        )
        named = posts.posts_by_code(session, [one.post for one in found.considered])
        return found, post_options(visit, list(named.values()))

    return explain


def _answer(visit: Visit, found: Explanation, names: dict[str, str]) -> None:
    say = visit.say
    post = names.get(found.post, found.post) if found.post else say("routing.nobody")
    tag("p", say("routing.answer", post=post, department=visit.name_of(found.department)), "pw-good")
    with tag("div", classes="pw-table-frame"), tag("table", classes="pw-table pw-roomy"):
        with tag("thead"), tag("tr"):
            for name in ("source", "place", "problem", "post", "department", "verdict"):
                tag("th", say(f"routing.{name}"), scope="col")
        with tag("tbody"):
            for one in found.considered:
                used = one.verdict in _USED
                with tag("tr", classes="" if used else "pw-spent"):
                    tag("td", one.rule or say(f"routing.source.{one.source}"))
                    tag("td", say(f"routing.place.{one.place}"))
                    tag("td", say(f"routing.problem.{one.problem}"))
                    tag("td", names.get(one.post, one.post) if one.post else "–")
                    tag("td", visit.name_of(one.department) if one.department else "–")
                    with tag("td"):
                        look = "closed" if used else ""
                        tag("span", say(f"routing.verdict.{one.verdict}"), "pw-state", data_state=look)


async def _change(visit: Visit, code: str | None, again: Any) -> None:
    """Let somebody add a rule, change one, or take it away."""
    say = visit.say

    def look(session: Session, caller: Caller) -> tuple[RuleView | None, dict[str, str], dict[str, str], list[str]]:
        rules = service.fields_of(session, [service.get_rule(session, code)]) if code else []
        places = points.all_points(session, within=caller.scope(Permission.view_points))
        return (
            RuleView.model_validate(rules[0]) if rules else None,
            {one.code: f"{one.code} {one.name}" for one in places},
            post_options(visit, posts.all_posts(session)),
            points.communities(session),
        )

    rule, places, holders, communities = await visit.read(look)

    def build(form: Form) -> None:
        _fields(visit, form, rule, places, holders, communities)

    async def save(values: Values) -> None:
        wanted = RuleFields.model_validate({**values, "code": values["code"] or "", "note": values["note"] or ""})

        def keep(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_routing)
            taxonomy, by = visit.service.taxonomy, caller.user_id
            if rule is None:
                service.create_rule(session, wanted, taxonomy, by=by)
            else:
                service.change_rule(session, rule.code, wanted, taxonomy, revision=rule.revision, by=by)

        await visit.write(keep)
        await again()

    async def drop() -> None:
        assert rule is not None
        if not await confirm(visit, say("rules.drop"), say("rules.drop_sure", code=rule.code), say("rules.drop")):
            return

        def away(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_routing)
            service.drop_rule(session, rule.code, revision=rule.revision, by=caller.user_id)

        with told(visit):
            await visit.write(away)
            await again()

    more = ((say("rules.drop"), drop),) if rule else ()
    await in_dialog(
        visit, say("rules.change") if rule else say("rules.add"), build, save, *more, lead=say("rules.most")
    )


def _fields(
    visit: Visit,
    form: Form,
    rule: RuleView | None,
    places: dict[str, str],
    holders: dict[str, str],
    communities: list[str],
) -> None:
    say, taxonomy = visit.say, visit.service.taxonomy

    def label(name: str) -> str:
        return say(f"rules.field.{name}")

    def named(codes: list[str]) -> dict[str, str]:
        return {code: visit.name_of(code) for code in codes}

    options: dict[str, dict[str, str]] = {
        "point": places,
        "community": {one: one for one in communities},
        "category": named([one.code for one in taxonomy.place_categories]),
        "kind": named([one.code for one in taxonomy.kinds]),
        "violation": named(list(taxonomy.classes)),
        "post": holders,
        "department": named([one.code for one in taxonomy.departments]),
    }
    form.line("code", label("code"), rule.code if rule else "", most=32)
    for name, choices in options.items():
        form.choice(name, label(name), choices, getattr(rule, name) if rule else None)
    for name in ("since", "until"):
        day: date | None = getattr(rule, name) if rule else None
        form.day(name, label(name), str(day) if day else "")
    form.line("note", label("note"), rule.note if rule else "")


# --- limits ----------------------------------------------------------------------------------------------------------


async def _limits(visit: Visit) -> None:
    """Add how long each step may take, for each class; what stands in files is changed there."""
    say, clocks = visit.say, visit.service.clocks
    steps = (Step.dispatch, Step.accept, Step.verify, Step.arrive)
    with (
        tag("div", classes="pw-table-frame pw-card", tabindex="0", role="region", aria_label=say("rules.tab.limits")),
        tag("table", classes="pw-table pw-roomy"),
    ):
        with tag("thead"), tag("tr"):
            tag("th", say("rules.class"), scope="col")
            tag("th", say("limit.step.fix"), scope="col")
            for step in steps:
                tag("th", step_name(visit, step), scope="col")
        with tag("tbody"):
            for kind in visit.service.taxonomy.kinds:
                with tag("tr"):
                    tag("th", visit.name_of(kind.code), "pw-group", scope="rowgroup", colspan="6")
                for entry in kind.classes:
                    with tag("tr"):
                        tag("td", visit.name_of(entry.code))
                        with tag("td"):
                            for limit in clocks.of_class(entry.code):
                                tag("div", _allowed(visit, limit))
                        for step in steps:
                            tag("td", _allowed(visit, clocks.of_step(step, entry.code)))
    settings = visit.service.settings
    tag(
        "p",
        say("rules.limits_files", taxonomy=settings.taxonomy_file.name, clocks=settings.clocks_file.name),
        "pw-hint",
    )


def _allowed(visit: Visit, allowed: Allowance) -> str:
    unit = next(name for name in ("minutes", "hours", "days") if getattr(allowed, name) is not None)
    time = visit.say(f"limit.{unit}", amount=getattr(allowed, unit))
    clock = visit.say(f"limit.clock.{allowed.clock}")
    if isinstance(allowed, Limit) and allowed.step != Step.rectify:
        return visit.say("limit.words", time=time, step=step_name(visit, allowed.step), clock=clock)
    return visit.say("rules.allowed", time=time, clock=clock)


# --- standards -------------------------------------------------------------------------------------------------------


async def _standards(visit: Visit) -> None:
    say = visit.say

    def look(session: Session, caller: Caller) -> tuple[list[StandardView], str]:
        caller.require(Permission.view_patrols)
        today = now().astimezone(visit.service.settings.zone).date()
        current = standards.in_force(session, today)
        rows = every(lambda window: standards.list_standards(session, window))
        return [StandardView.model_validate(one) for one in rows], current.code if current else ""

    found, current = await visit.read(look)
    if not found:
        tag("p", say("rules.no_standards"), "pw-empty")
    with tag("div", classes="pw-beside"):
        for one in sorted(found, key=lambda one: one.since, reverse=True):
            _standard(visit, one, in_force=one.code == current)


def _standard(visit: Visit, one: StandardView, *, in_force: bool) -> None:
    say = visit.say
    name = one.en if visit.language == "en" and one.en else one.zh
    with tag("section", classes="pw-card", aria_label=name):
        with tag("div", classes="pw-head-line"):
            tag("h2", name)
            tag("span", one.code, "pw-number")
            tag("span", say("rules.since", day=one.since), "pw-lead")
            if in_force:
                tag("span", say("models.current"), "pw-state", data_state="closed")
        if one.example:
            tag("p", say("patrols.example"), "pw-warning")
        for off in one.classes_off:
            days = f"{off.since or '…'} – {off.until or '…'}"
            tag("p", say("rules.class_off", name=visit.name_of(off.violation), days=days), "pw-hint")
        with tag("details", open=in_force or None):
            tag("summary", say("rules.items", count=len(one.items)))
            with (
                tag("div", classes="pw-table-frame", tabindex="0", role="region", aria_label=name),
                tag("table", classes="pw-table pw-roomy"),
            ):
                with tag("thead"), tag("tr"):
                    for column in ("item", "category", "classes", "deduction"):
                        tag("th", say(f"rules.column.{column}"), scope="col")
                with tag("tbody"):
                    for item in one.items:
                        with tag("tr"):
                            tag("td", item.en if visit.language == "en" and item.en else item.zh)
                            tag("td", visit.name_of(item.category) if item.category else say("routing.place.anywhere"))
                            tag("td", ", ".join(visit.name_of(code) for code in item.classes) or say("rules.by_hand"))
                            most = say("rules.at_most", most=f"{item.most:g}") if item.most else ""
                            tag("td", f"{item.deduction:g} {most}".strip(), "pw-figure")
        with tag("div", classes="pw-toolbar"):
            downloads(visit, f"/api/v1/standards/{quote(one.code)}/items/export")
        if visit.caller.may(Permission.manage_patrols):
            address = f"/api/v1/standards/items/import?standard={quote(one.code)}"
            import_card(visit, address, _reload)


async def _reload() -> None:
    ui.navigate.reload()
