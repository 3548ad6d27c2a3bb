"""The versions of the model: which is in force, how good each class is, two of them compared, promoting, going back."""

from typing import Any
from urllib.parse import quote

import anyio.to_thread
from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api import versions
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.forms import Form, Values, in_dialog
from api.console.frame import frame
from api.console.tags import fact, tag
from api.console.visit import Visit
from api.versions import Promotion, Rollback, VersionDetail, VersionView
from detector.card import Card, ClassMetrics, ModelClass, Standing
from detector.verdict import Decision

_NONE = "–"
AXIS = "#70808d"  # reads on the light ground and on the dark one
_STATE = {Standing.verified: "closed", Standing.experimental: "in_review", Standing.unverified: ""}
_VERDICT = {Decision.accepted: "closed", Decision.rejected: "open", Decision.unjudged: ""}
ALL = 99  # classes a chart tells apart


async def show(visit: Visit, _request: Request) -> None:
    """Build the list of versions."""
    visit.caller.require(Permission.view_catalogue)
    say, may_change = visit.say, visit.caller.may(Permission.manage_models)
    found = await anyio.to_thread.run_sync(versions.versions_of, visit.service)
    with frame(visit, title=say("models.title"), path="/models"):
        with tag("div", classes="pw-head"):
            tag("h1", say("models.title"))
            tag("p", say("models.lead"), "pw-lead")
        if may_change:
            with tag("div", classes="pw-toolbar"):
                back = tag("button", say("models.roll_back"), "pw-button pw-second", type="button")
                back.on("click", lambda: _roll_back(visit))
        columns = ("version", "state", "made_on", "classes", "mean", "verdict", "actions")
        with _table(visit, "models.column", *columns):
            for one in sorted(found, key=lambda one: (one.current, one.made_on or "", one.version), reverse=True):
                _row(visit, one, may_change=may_change)


def _table(visit: Visit, prefix: str, *columns: str) -> ui.element:
    with (
        tag("div", classes="pw-table-frame pw-card", tabindex="0", role="region", aria_label=visit.say("models.title")),
        tag("table", classes="pw-table pw-roomy"),
    ):
        with tag("thead"), tag("tr"):
            for column in columns:
                tag("th", visit.say(f"{prefix}.{column}"), scope="col")
        return tag("tbody")


def _row(visit: Visit, one: VersionView, *, may_change: bool) -> None:
    say = visit.say
    with tag("tr", data_version=one.version):
        with tag("td"):
            tag("a", one.version, "pw-number", href=f"/models/{quote(one.version)}")
        with tag("td"):
            state = "current" if one.current else "refused" if one.refusal else "waiting"
            look = {"current": "closed", "refused": "open", "waiting": ""}[state]
            tag("span", say(f"models.{state}"), "pw-state", data_state=look)
        tag("td", one.made_on or _NONE)
        with tag("td"):
            for standing, count in one.classes.items():
                tag("span", f"{say(f'standing.{standing}')} {count}", "pw-state", data_state=_STATE[standing])
        tag("td", f"{one.mean_map50:.3f}" if one.mean_map50 is not None else _NONE, "pw-figure")
        with tag("td"):
            tag("span", say(f"decision.{one.decision}"), "pw-state", data_state=_VERDICT[one.decision])
        with tag("td"):
            if may_change and not one.current and not one.refusal:
                label = say("models.promote")
                button = tag("button", label, "pw-quiet", type="button", aria_label=f"{label} {one.version}")
                button.on("click", lambda: promote(visit, one))
            elif one.refusal:
                tag("span", one.refusal, "pw-lead", lang="en")


async def promote(visit: Visit, one: VersionView) -> None:
    """Ask why, then put a version in force."""
    say, rejected = visit.say, one.decision is Decision.rejected

    def build(form: Form) -> None:
        form.words("why", say("models.why"), most=500).classes("pw-whole")
        if rejected:
            form.flag("despite_verdict", say("models.despite"))

    async def save(values: Values) -> None:
        despite = bool(values.get("despite_verdict"))
        wanted = Promotion(why=" ".join((values["why"] or "").split()), despite_verdict=despite)
        caller = await visit.read(lambda _, caller: caller)
        await anyio.to_thread.run_sync(lambda: versions.promote(visit.service, caller, one.version, wanted))
        ui.navigate.to("/models")

    lead = say("models.promote_rejected" if rejected else "models.promote_lead")
    title = say("models.promote_title", version=one.version)
    await in_dialog(visit, title, build, save, label=say("models.promote"), lead=lead)


async def _roll_back(visit: Visit) -> None:
    say = visit.say

    async def save(values: Values) -> None:
        caller = await visit.read(_manager)
        wanted = Rollback(why=" ".join((values["why"] or "").split()))
        await anyio.to_thread.run_sync(lambda: versions.roll_back(visit.service, caller, wanted))
        ui.navigate.to("/models")

    await in_dialog(
        visit,
        say("models.roll_back"),
        lambda form: form.words("why", say("models.why"), most=500).classes("pw-whole"),
        save,
        label=say("models.roll_back"),
        lead=say("models.roll_back_lead"),
    )


def _manager(_: Session, caller: Caller) -> Caller:
    caller.require(Permission.manage_models)
    return caller


# --- one version -----------------------------------------------------------------------------------------------------


async def show_version(visit: Visit, request: Request) -> None:
    """Build the page of one version; `?with=VERSION` compares it with another."""
    visit.caller.require(Permission.view_catalogue)
    version, other = str(request.path_params["version"]), request.query_params.get("with", "")
    look = anyio.to_thread.run_sync
    found = await look(versions.version_of, visit.service, version)
    names = [one.version for one in await look(versions.versions_of, visit.service) if one.version != version]
    against = await look(versions.version_of, visit.service, other) if other in names else None
    say = visit.say
    with frame(visit, title=version, path="/models"):
        tag("a", say("models.back"), "pw-back", href="/models")
        with tag("div", classes="pw-head"):
            tag("h1", version, "pw-number")
            tag("span", say("models.current" if found.current else "models.waiting"), "pw-state")
            if found.refusal:
                tag("p", found.refusal, "pw-warning", lang="en")
        _compare_with(visit, version, names, other)
        if found.card is None:
            return
        with tag("div", classes="pw-beside"):
            if against is not None and against.card is not None:
                _comparison(visit, found.card, against.card)
            _classes(visit, found.card)
            with tag("div", classes="pw-columns"):
                _curves(visit, found, against)
                with tag("div", classes="pw-beside"):
                    _about(visit, found.card)
                    _verdict(visit, found)
                    _history(visit, found)


def _compare_with(visit: Visit, version: str, names: list[str], chosen: str) -> None:
    if not names:
        return
    choice = ui.select(names, value=chosen if chosen in names else None, label=visit.say("models.compare"))
    choice.classes("pw-field pw-choice").props("outlined dense options-dense clearable")
    address = f"/models/{quote(version)}"
    choice.on_value_change(
        lambda event: ui.navigate.to(f"{address}?with={quote(event.value)}" if event.value else address)
    )


def _figure(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else _NONE


def _classes(visit: Visit, card: Card) -> None:
    columns = ("class", "standing", "review", "automatic", "map50", "precision", "recall", "judged")
    with tag("section", aria_label=visit.say("models.classes")):
        tag("h2", visit.say("models.classes"), "pw-section")
        with _table(visit, "models.class", *columns):
            for one in card.classes:
                _class_row(visit, one)


def _class_row(visit: Visit, one: ModelClass) -> None:
    found = one.metrics
    with tag("tr"):
        with tag("td"):
            tag("span", visit.name_of(one.name))
        with tag("td"):
            tag("span", visit.say(f"standing.{one.standing}"), "pw-state", data_state=_STATE[one.standing])
        for threshold in (one.review, one.automatic):
            tag("td", f"{threshold:.2f}", "pw-figure")
        for value in (found.map50, found.precision, found.recall) if found else (None, None, None):
            tag("td", _figure(value), "pw-figure")
        judged = visit.say("models.judged_on", pictures=found.pictures, boxes=found.boxes) if found else _NONE
        tag("td", judged)


def _comparison(visit: Visit, card: Card, against: Card) -> None:
    say = visit.say
    before = {one.name: one for one in against.classes}
    with tag("section", aria_label=say("models.comparison")):
        tag("h2", say("models.comparison_title", version=card.version, other=against.version), "pw-section")
        columns = ("class", "other_map50", "map50", "change", "other_judged", "judged")
        with _table(visit, "models.class", *columns):
            for one in card.classes:
                old = before[one.name].metrics if one.name in before else None
                with tag("tr"):
                    tag("td", visit.name_of(one.name))
                    tag("td", _figure(old.map50 if old else None), "pw-figure")
                    tag("td", _figure(one.metrics.map50 if one.metrics else None), "pw-figure")
                    change = one.metrics.map50 - old.map50 if one.metrics and old else None
                    tag("td", f"{change:+.3f}" if change is not None else _NONE, "pw-figure")
                    tag("td", _judged(visit, old))
                    tag("td", _judged(visit, one.metrics))
        tag("p", say("models.comparison_note"), "pw-hint")


def _judged(visit: Visit, found: ClassMetrics | None) -> str:
    return f"{found.source} · {visit.say('models.pictures', count=found.pictures)}" if found else _NONE


def _curves(visit: Visit, found: VersionDetail, against: VersionDetail | None) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("models.curves")):
        tag("h2", say("models.curves"))
        if found.curves is None:
            tag("p", say("models.no_curves"), "pw-lead")
            tag("code", f"pointwatch models evaluate {found.version} --data DIR --keep", "pw-secret")
            return
        tag("p", say("models.curves_lead", pictures=found.curves.pictures, part=found.curves.part), "pw-hint")
        chart = ui.echart(_drawn(visit, found, against))
        chart.classes("pw-chart").props["role"] = "img"
        chart.props["aria-label"] = say("models.curves")


def _drawn(visit: Visit, found: VersionDetail, against: VersionDetail | None) -> dict[str, Any]:
    """Give the chart: recall across, precision up, a line for each class, the compared version's dashed."""
    lines = []
    for one, style in ((found, "solid"), (against, "dashed")):
        for curve in one.curves.classes if one is not None and one.curves is not None else []:
            name = visit.name_of(curve.name) + ("" if style == "solid" else f" ({one.version if one else ''})")
            points = [[point.recall, point.precision, point.confidence] for point in curve.points]
            line = {"type": style, "width": 2}
            lines.append({"name": name, "type": "line", "showSymbol": False, "data": points, "lineStyle": line})
    words = {"color": AXIS}

    def axis(name: str) -> dict[str, Any]:
        return {
            "type": "value", "min": 0, "max": 1, "name": visit.say(f"models.{name}"), "nameLocation": "middle",
            "nameGap": 30, "axisLabel": words, "nameTextStyle": words, "splitLine": {"lineStyle": {"opacity": 0.25}},
        }  # fmt: skip

    return {
        "animation": False,
        "aria": {"enabled": True},
        "tooltip": {"trigger": "item"},
        "legend": {"type": "scroll", "bottom": 0, "textStyle": words},
        "grid": {"left": 55, "right": 20, "top": 20, "bottom": 85},
        "xAxis": axis("recall"),
        "yAxis": axis("precision"),
        "series": lines,
    }


def _about(visit: Visit, card: Card) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("models.about")):
        tag("h2", say("models.about"))
        with tag("dl", classes="pw-facts"):
            fact(say("models.column.made_on"), str(card.made_on))
            fact(say("models.architecture"), f"{card.model.architecture}, {card.model.input_px} px")
            fact(say("models.size"), f"{card.model.bytes / 1e6:.1f} MB")
            fact("SHA-256", card.model.sha256)
            fact(say("models.licence"), card.licence)
        with tag("details"):
            tag("summary", say("models.training"))
            tag("p", card.training, lang="en")
        with tag("details"):
            tag("summary", say("models.limits"))
            with tag("ul", classes="pw-bullets"):
                for limit in card.limits:
                    tag("li", limit, lang="en")


def _verdict(visit: Visit, found: VersionDetail) -> None:
    if found.verdict is None:
        return
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("models.column.verdict")):
        tag("h2", say("models.verdict_against", other=found.verdict.against))
        tag("span", say(f"decision.{found.decision}"), "pw-state", data_state=_VERDICT[found.decision])
        with tag("ul", classes="pw-bullets"):
            for reason in found.verdict.reasons:
                tag("li", reason, lang="en")


def _history(visit: Visit, found: VersionDetail) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("models.history")):
        tag("h2", say("models.history"))
        if not found.steps:
            tag("p", say("models.no_history"), "pw-lead")
        with tag("ul", classes="pw-changes"):
            for step in reversed(found.steps):
                with tag("li"):
                    tag("strong", say(f"models.step.{step.action}"))
                    tag("small", f"{visit.moment(step.when)} · {step.who} · {step.before or _NONE} → {step.to}")
                    if step.why:
                        tag("small", step.why)
