"""What the model has learned and how good people find it: precision, misses, work, drift, thresholds, trainings."""

from typing import Any

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.frame import frame
from api.console.models import AXIS
from api.console.tags import tag
from api.console.visit import Visit, told
from api.learning import service, thresholds
from api.learning.schemas import Because, Change, Choice, Effect, Proposal, TrainingView
from api.paging import Window
from api.points import service as points
from api.review.figures import Figures, Rate, figures
from api.review.schemas import Why

PERIODS = (7, 30, 90, 365)
USUAL = 30  # days
CLASSES_SHOWN, POINTS_SHOWN, TRAININGS_SHOWN = 20, 15, 8
#: One colour for each reason, told apart by those who see no red or green too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00")
WORDS = {"color": AXIS}


async def show(visit: Visit, request: Request) -> None:
    """Build the page for the days that its address names."""
    visit.caller.require(Permission.view_catalogue)
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in {str(one) for one in PERIODS} else USUAL
    found = await visit.read(lambda session, caller: _look(session, caller, visit, days))
    said, proposal, names, trainings = found
    say = visit.say
    with frame(visit, title=say("learning.title"), path="/learning"):
        with tag("div", classes="pw-head"):
            tag("h1", say("learning.title"))
            tag("p", say("learning.lead", model=proposal.effects.model), "pw-lead")
            with tag("nav", classes="pw-kinds", aria_label=say("learning.period")):
                for one in PERIODS:
                    here = "page" if one == days else None
                    tag("a", say("learning.days", days=one), "pw-kind", href=f"/learning?days={one}", aria_current=here)
        _tiles(visit, said)
        with tag("div", classes="pw-columns pw-columns-plan"):
            with tag("section", classes="pw-beside"):
                _precision(visit, said)
                _load(visit, said)
                _points(visit, said, names)
                _cameras(visit, said)
            with tag("aside", classes="pw-beside"):
                _proposal(visit, proposal)
                _trainings(visit, trainings)


def _look(
    session: Session, caller: Caller, visit: Visit, days: int
) -> tuple[Figures, Proposal, dict[Any, str], list[TrainingView]]:
    context = visit.service
    said = figures(
        session,
        context.taxonomy,
        days=days,
        zone=context.settings.zone,
        within=caller.scope(Permission.view_catalogue),
    )
    proposal = thresholds.propose(
        session, context.taxonomy, context.card, days=days, near_m=context.settings.nearest_point_m
    )
    shown = points.points_by_id(session, [one.point_id for one in said.by_point[:POINTS_SHOWN]])
    rows, _ = service.list_trainings(session, Window(limit=TRAININGS_SHOWN))
    names = {point_id: f"{one.code} {one.name}" for point_id, one in shown.items()}
    return said, proposal, names, [TrainingView.model_validate(row) for row in rows]


def _percent(rate: Rate) -> str:
    return "–" if rate.share is None else f"{rate.share:.0%}"


def _interval(rate: Rate) -> str:
    return "" if rate.low is None or rate.high is None else f"{rate.low:.0%}–{rate.high:.0%}"


def _tiles(visit: Visit, said: Figures) -> None:
    say = visit.say
    with tag("div", classes="pw-tiles"):
        for key, value, small in (
            ("missed", _percent(said.missed), say("learning.of", interval=_interval(said.missed), of=said.missed.of)),
            (
                "sure_but_wrong",
                _percent(said.sure_but_wrong),
                say("learning.of", interval=_interval(said.sure_but_wrong), of=said.sure_but_wrong.of),
            ),
            ("waiting", str(said.waiting), say("learning.disputed", count=said.disputed)),
            ("decided", str(sum(one.decided for one in said.by_day)), say("learning.days", days=said.days)),
        ):
            with tag("div", classes="pw-tile"):
                tag("strong", value)
                tag("span", say(f"learning.tile.{key}"))
                tag("span", small, "pw-hint")


def _precision(visit: Visit, said: Figures) -> None:
    """Each class of each version with its interval, as a picture and as a table for whoever reads tables."""
    say, rows = visit.say, said.by_class[:CLASSES_SHOWN]
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.precision"))
        if not rows:
            tag("p", say("learning.nothing"), "pw-empty")
            return
        several = len({one.model for one in rows}) > 1
        labels = [
            visit.name_of(one.class_code) + (f" · {one.model.rpartition('/')[2]}" if several else "") for one in rows
        ]
        _chart(
            {
                "grid": {"left": 8, "right": 16, "top": 8, "bottom": 8, "containLabel": True},
                "tooltip": {},
                "xAxis": {"type": "value", "min": 0, "max": 100, "axisLabel": {"formatter": "{value} %", **WORDS}},
                "yAxis": {"type": "category", "data": labels, "inverse": True, "axisLabel": WORDS},
                "series": [
                    {
                        "type": "bar",
                        "data": [round((one.precision.share or 0) * 100, 1) for one in rows],
                        "itemStyle": {"color": COLOURS[0]},
                        "barMaxWidth": 16,
                    }
                ],
            },
            say("learning.precision"),
            height=60 + 34 * len(rows),
        )
        _table(
            [say(f"learning.column.{one}") for one in ("class", "version", "precision", "interval", "sure")],
            [
                [
                    visit.name_of(one.class_code),
                    one.model.rpartition("/")[2],
                    f"{_percent(one.precision)} ({one.precision.count}/{one.precision.of})",
                    _interval(one.precision),
                    f"{_percent(one.sure)} ({one.sure.count}/{one.sure.of})",
                ]
                for one in rows
            ],
        )


def _load(visit: Visit, said: Figures) -> None:
    say = visit.say
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.load"))
        series = [
            {
                "type": "bar",
                "stack": "asked",
                "name": say(f"console.review.why.{why}"),
                "data": [one.asked.get(why, 0) for one in said.by_day],
                "itemStyle": {"color": COLOURS[place % len(COLOURS)]},
            }
            for place, why in enumerate(Why)
            if any(one.asked.get(why) for one in said.by_day)
        ]
        decided = {
            "type": "line",
            "name": say("learning.tile.decided"),
            "data": [one.decided for one in said.by_day],
            "symbol": "none",
            "itemStyle": {"color": COLOURS[-1]},
        }
        _chart(
            {
                "grid": {"left": 8, "right": 16, "top": 8, "bottom": 64, "containLabel": True},
                "legend": {"bottom": 0, "type": "scroll", "textStyle": WORDS},
                "tooltip": {"trigger": "axis"},
                "xAxis": {"type": "category", "data": [f"{one.day:%m-%d}" for one in said.by_day], "axisLabel": WORDS},
                "yAxis": {"type": "value", "minInterval": 1, "axisLabel": WORDS},
                "series": [*series, decided],
            },
            say("learning.load"),
            height=280,
        )


def _points(visit: Visit, said: Figures, names: dict[Any, str]) -> None:
    say, rows = visit.say, said.by_point[:POINTS_SHOWN]
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.points"))
        tag("p", say("learning.points_lead", days=said.drift_days), "pw-hint")
        if not rows:
            tag("p", say("learning.nothing"), "pw-empty")
            return
        _table(
            [say(f"learning.column.{one}") for one in ("point", "before", "lately", "drifts")],
            [
                [
                    names.get(one.point_id, "?"),
                    f"{_percent(one.before)} ({one.before.of})",
                    f"{_percent(one.lately)} ({one.lately.of})",
                    say("learning.drifts") if one.drifts else "",
                ]
                for one in rows
            ],
        )


def _cameras(visit: Visit, said: Figures) -> None:
    say, rows = visit.say, said.by_camera[:POINTS_SHOWN]
    if not rows:
        return
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.cameras"))
        _table(
            [say(f"learning.column.{one}") for one in ("camera", "precision", "interval")],
            [
                [
                    f"{one.code} {one.name}",
                    f"{_percent(one.precision)} ({one.precision.count}/{one.precision.of})",
                    _interval(one.precision),
                ]
                for one in rows
            ],
        )


def _proposal(visit: Visit, proposal: Proposal) -> None:
    say, found = visit.say, proposal.effects
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.proposal"))
        tag("p", say("learning.proposal_lead", verdicts=found.verdicts, target=f"{proposal.target_precision:.0%}"))
        for effect in found.effects:
            _effect(visit, effect)
        if found.effects:
            tag(
                "p",
                say("learning.asked_change", before=f"{found.asked_before:.1f}", after=f"{found.asked_after:.1f}"),
                "pw-warning",
            )
            if visit.caller.may(Permission.manage_models):
                with tag("div", classes="pw-actions"):
                    accept = tag("button", say("learning.accept"), "pw-button", type="button")
                    accept.on("click", lambda: _accept(visit, proposal))
        with tag("ul", classes="pw-log"):
            for code, why in proposal.not_proposed.items():
                with tag("li"):
                    tag("span", visit.name_of(code))
                    tag("span", say(f"learning.not_proposed.{why}"))


def _effect(visit: Visit, one: Effect) -> None:
    say = visit.say
    tag("h3", visit.name_of(one.class_code))
    _table(
        ["", say("learning.now"), say("learning.then")],
        [
            [say("learning.automatic"), f"{one.before.automatic:.2f}", f"{one.after.automatic:.2f}"],
            [say("learning.review"), f"{one.before.review:.2f}", f"{one.after.review:.2f}"],
            [
                say("learning.column.precision"),
                f"{_percent(one.precision_before)} ({_interval(one.precision_before)})",
                f"{_percent(one.precision_after)} ({_interval(one.precision_after)})",
            ],
            [say("learning.asked"), f"{one.load_before.asked:.1f}", f"{one.load_after.asked:.1f}"],
            [say("learning.opened"), f"{one.load_before.automatic:.1f}", f"{one.load_after.automatic:.1f}"],
            [say("learning.lost"), "", _percent(one.lost)],
        ],
    )


async def _accept(visit: Visit, proposal: Proposal) -> None:
    choice = Choice(
        model=proposal.effects.model,
        changes=[
            Change(class_code=one.class_code, automatic=one.after.automatic, review=one.after.review)
            for one in proposal.effects.effects
        ],
        why=visit.say("learning.why", verdicts=proposal.effects.verdicts),
    )

    def keep(session: Session, caller: Caller) -> None:
        caller.require(Permission.manage_models)
        thresholds.choose(session, choice, visit.service.taxonomy, visit.service.card, by=caller.user_id)

    with told(visit):
        await visit.write(keep)
        ui.notify(visit.say("learning.accepted"), type="positive", position="top")
        ui.navigate.reload()


def _trainings(visit: Visit, rows: list[TrainingView]) -> None:
    say = visit.say
    with tag("section", classes="pw-card"):
        tag("h2", say("learning.trainings"))
        if not rows:
            tag("p", say("learning.no_training"), "pw-empty")
        with tag("ul", classes="pw-log"):
            for row in rows:
                with tag("li"):
                    tag("time", visit.moment(row.asked_at))
                    tag("strong", say(f"learning.training.{row.state}"))
                    tag("span", say(f"learning.because.{row.because}"))
                    if row.version:
                        tag("span", row.version, "pw-number")
                    if row.step and row.ended_at is None:
                        tag("span", f"{row.step} {row.done}/{row.of}")
                    if row.error:
                        tag("span", row.error[:200])
        if visit.caller.may(Permission.manage_models) and visit.service.settings.train_python is not None:
            with tag("div", classes="pw-actions"):
                start = tag("button", say("learning.start"), "pw-button pw-second", type="button")
                start.on("click", lambda: _start(visit))
        elif visit.caller.may(Permission.manage_models):
            tag("p", say("learning.no_python"), "pw-hint")


async def _start(visit: Visit) -> None:
    def ask(session: Session, caller: Caller) -> None:
        caller.require(Permission.manage_models)
        service.ask(session, visit.service.settings, Because.person, by=caller.user_id)

    with told(visit):
        await visit.write(ask)
        ui.navigate.reload()


def _chart(options: dict[str, Any], label: str, *, height: int) -> None:
    made = ui.echart({**options, "aria": {"enabled": True}, "animation": False})
    made.style(f"height: {height}px; width: 100%")
    made.props["role"] = "img"
    made.props["aria-label"] = label


def _table(head: list[str], rows: list[list[str]]) -> None:
    with tag("div", classes="pw-table-frame", tabindex="0"), tag("table", classes="pw-table"):
        with tag("thead"), tag("tr"):
            for one in head:
                tag("th" if one else "td", one, scope="col" if one else None)
        with tag("tbody"):
            for row in rows:
                with tag("tr"):
                    for one in row:
                        tag("td", one)
