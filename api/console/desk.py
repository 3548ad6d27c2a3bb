"""The list of issues that the office works with: narrowed, ordered, walked by keyboard, acted on by the dozen."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import anyio.to_thread
from nicegui import events, ui
from pydantic import TypeAdapter
from starlette.requests import Request

from api.accounts.roles import Permission
from api.clocks.standing import Pace
from api.console.asking import ask
from api.console.components import IssueTable
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.issues import bulk
from api.issues import service as issues
from api.issues.schemas import Possible, Source, Step, StepOutcome, Target
from api.issues.transitions import ENDED, SUSPECTED, TRANSITIONS, State
from api.points import service as points
from api.points.tables import Point

MOST_CHOSEN = 200  # as `POST /api/v1/issues/steps` takes them
AT_ONCE = 10  # between two looks at who is asking, and two moves of the progress bar
BEAT_S = 1.0
UNFINISHED, SUSPECTED_ONLY, ENDED_ONLY, ALL = "unfinished", "suspected", "ended", "all"
STATES: dict[str, list[State]] = {
    UNFINISHED: [state for state in State if state not in ENDED],
    SUSPECTED_ONLY: [state for state in State if state in SUSPECTED],
    **{state.value: [state] for state in State},
    ENDED_ONLY: [state for state in State if state in ENDED],
    ALL: [],
}
GROUPS = (UNFINISHED, SUSPECTED_ONLY, ENDED_ONLY, ALL)
KEYS = ("j", "k", "x", "a", "Enter", "/", "Esc", "?")
TEXTS = (
    "filters", "text", "text_hint", "state", "due_filter", "any", "overdue", "today", "kind", "violation", "community",
    "department", "point", "source", "sort", "forget", "save", "save_name", "save_now", "clear", "total", "total_more",
    "help", "again", "refused", "close", "none", "none_next", "none_match", "none_match_next", "label", "select_all",
    "picture", "post", "due", "last", "select", "supervised", "times", "loading", "actions", "chosen", "unchoose",
    "nobody",
)  # fmt: skip
_TARGETS = TypeAdapter(list[Target])


async def show(visit: Visit, _: Request) -> None:
    """Build the page; its address says what is asked for, and the table reads it."""
    places = await visit.read(
        lambda session, caller: points.all_points(session, within=caller.scope(Permission.view_points))
    )
    with frame(visit, title=visit.say("console.issues.title"), path="/issues"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.issues.title"))
            tag("p", visit.say("console.issues.times", zone=visit.zone(now())), "pw-lead")
            if visit.caller.may(Permission.report_issues):
                tag("a", visit.say("console.report.title"), "pw-button pw-head-button", href="/report")
        Desk(visit, places)


def options(visit: Visit, places: Sequence[Point]) -> dict[str, Any]:
    """Give what the table may be narrowed by, in the visitor's language."""
    taxonomy, say = visit.service.taxonomy, visit.say
    kinds = [{"code": kind.code, "name": visit.name_of(kind.code)} for kind in taxonomy.kinds]
    classes = [
        {"code": one.code, "name": visit.name_of(one.code), "kind": kind.code}
        for kind in taxonomy.kinds
        for one in kind.classes
    ]
    sources = {one.value: say(f"source.{one}") for one in Source}
    departments = {one.code: visit.name_of(one.code) for one in taxonomy.departments}
    return {
        "states": [
            {"code": code, "name": say(f"console.desk.states.{code}" if code in GROUPS else f"state.{code}")}
            for code in STATES
        ],
        "states_of": {code: [state.value for state in states] for code, states in STATES.items()},
        "state_names": {state.value: say(f"state.{state}") for state in State},
        "paces": {pace.value: say(f"pace.{pace}") for pace in Pace if pace is not Pace.running},
        "kinds": kinds,
        "classes": classes,
        "communities": sorted({one.community for one in places}),
        "points": [{"code": one.code, "name": f"{one.code} {one.name}"} for one in places],
        "departments": departments,
        "sources": sources,
        "sorts": {one.value: say(f"console.desk.sort.{one}") for one in issues.Sort},
        "keys": [{"key": key, "words": say(f"console.desk.key.{key}")} for key in KEYS],
        "most": MOST_CHOSEN,
        # What an old address names and nobody knows any more is left out.
        "known": {
            "state": list(STATES),
            "kind": [one["code"] for one in kinds],
            "violation": [one["code"] for one in classes],
            "department": list(departments),
            "source": list(sources),
            "due": ["overdue", "today"],
            "sort": [one.value for one in issues.Sort],
        },
    }


def day_ends(visit: Visit) -> datetime:
    """Give the end of this day on the office's clock."""
    zone = visit.service.settings.zone
    return datetime.combine(now().astimezone(zone).date() + timedelta(days=1), time(), zone)


class Desk:
    """The table, what may be done to the chosen issues, and doing it."""

    def __init__(self, visit: Visit, places: Sequence[Point]) -> None:
        """Build everything once; afterwards the table is told when to look again."""
        self._visit = visit
        self._offered: dict[str, Possible] = {}
        self._table = IssueTable(
            texts={name: visit.say(f"console.desk.{name}") for name in TEXTS},
            options=options(visit, places),
            language=visit.language,
            zone=visit.service.settings.time_zone,
            day_ends=day_ends(visit).isoformat(),
            beat=0,
            offered=[],
            selectable=any(visit.caller.may(rule.permission) for rule in TRANSITIONS.values()),
            progress=None,
            outcome=None,
        )
        self._table.on("selected", self._select)
        self._table.on("act", self._act)
        self._asking = tag("div")
        ui.timer(BEAT_S, self._beat)

    async def _beat(self) -> None:
        with told(self._visit):
            beat = await self._visit.beat()
            self._table.show(beat=beat, day_ends=day_ends(self._visit).isoformat())

    async def _select(self, event: events.GenericEventArguments) -> None:
        """Find what may be done to at least one of the chosen issues."""
        visit, numbers = self._visit, [str(one)[:64] for one in list(event.args)[:MOST_CHOSEN]]
        with told(visit):
            found = await visit.read(
                lambda session, caller: bulk.possible_for_many(
                    session, caller, numbers, within=caller.scope(Permission.view_issues)
                )
            )
            self._offered = {one.action.value: one for one, _ in found}
            offered = [
                {"action": one.action.value, "name": visit.say(f"action.{one.action}"), "count": count}
                for one, count in found
            ]
            self._table.show(offered=offered)

    async def _act(self, event: events.GenericEventArguments) -> None:
        """Ask for what the action needs, once for all, then take it one issue at a time."""
        visit, offered = self._visit, self._offered.get(str(event.args["action"]))
        if offered is None:
            return
        targets = _TARGETS.validate_python(event.args["targets"][:MOST_CHOSEN])
        with self._asking:
            wanted = await ask(visit, visit.say("console.desk.chosen", count=len(targets)), offered)
        if wanted is None:
            return
        answered: list[StepOutcome] = []
        with told(visit):
            for start in range(0, len(targets), AT_ONCE):
                self._table.show(progress={"done": start, "all": len(targets)})
                answered += await self._take(wanted, targets[start : start + AT_ONCE])
        self._report(offered, targets, answered)

    async def _take(self, wanted: Step, targets: list[Target]) -> list[StepOutcome]:
        visit = self._visit
        caller = await visit.read(lambda _, caller: caller)

        def take() -> list[StepOutcome]:
            return [bulk.take_one(visit.service, caller, one, wanted, visit.language) for one in targets]

        return await anyio.to_thread.run_sync(take)

    def _report(self, offered: Possible, targets: list[Target], answered: list[StepOutcome]) -> None:
        """Say what was done, and name what was not."""
        visit, done = self._visit, sum(one.done for one in answered)
        if done:
            words = visit.say("console.desk.done", action=visit.say(f"action.{offered.action}"), count=done)
            ui.notify(words, type="positive", position="top")
        refused = [{"number": one.number, "words": _why(visit, one)} for one in answered if one.problem]
        refused += [
            {"number": one.number, "words": visit.say("console.desk.not_tried")} for one in targets[len(answered) :]
        ]
        self._table.show(progress=None, outcome=None)
        self._table.show(outcome=refused)


def _why(visit: Visit, refused: StepOutcome) -> str:
    """Give why an issue was left as it was, in plain words."""
    problem = refused.problem or {}
    code = str(problem.get("type", "")).rpartition(":")[2]
    return visit.say("console.told", title=problem.get("title", ""), advice=visit.say(f"console.problem.{code}"))
