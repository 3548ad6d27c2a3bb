"""The first page: how many issues stand where, the issues themselves, and the plan beside them."""

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.components import IssueList, PointPlan
from api.console.frame import frame
from api.console.gathering import FIRST_PAGE, Overview, gather
from api.console.plan import REFRESH_S, no_points, plan_data
from api.console.tags import set_attribute, tag, text
from api.console.visit import Visit, told
from api.console.wanted import ALL, STATES, UNFINISHED, Wanted
from api.database import now
from api.errors import NotFound
from api.issues import service as issues
from api.issues.transitions import State


async def show(visit: Visit, request: Request) -> None:
    """Build the page with the choice that its address names."""
    wanted = Wanted.read(request.query_params, visit.service.taxonomy)
    found = await visit.read(lambda session, caller: gather(session, visit, caller, wanted, FIRST_PAGE))
    with frame(visit, title=visit.say("console.issues.title"), path="/"):
        Board(visit, wanted, found)


class Board:
    """The parts of the first page that change with the choice and with time."""

    def __init__(self, visit: Visit, wanted: Wanted, found: Overview) -> None:
        """Build everything once; afterwards only what changed is sent."""
        self._visit, self._wanted, self._found = visit, wanted, found
        self._count = FIRST_PAGE
        self._head()
        self._tiles: dict[str, TextElement] = {}
        self._pressed: dict[str, ui.element] = {}
        self._build_tiles()
        with tag("div", classes="pw-columns"):
            with tag("section", classes="pw-listing", aria_label=visit.say("console.issues.title")):
                self._filters()
                self._empty = tag("div")
                self._list = IssueList(rows=found.rows, more=found.more, texts=self._list_texts())
            with tag("aside", classes="pw-aside"):
                self._plan = PointPlan(**plan_data(visit, found.points, found.by_point, wanted.point))
        self._list.on("more", self._more)
        self._plan.on("choose", lambda event: self._choose_point(str(event.args)))
        self._fill()
        ui.timer(REFRESH_S, self._refresh, immediate=False)

    def _head(self) -> None:
        say = self._visit.say
        with tag("div", classes="pw-head"):
            tag("h1", say("console.issues.title"))
            tag("p", say("console.issues.times", zone=self._visit.zone(now())), "pw-lead")
            number = ui.input(say("console.filter.number")).classes("pw-field pw-search")
            number.props("outlined dense clearable type=search enterkeyhint=search")
            number.on("keydown.enter", lambda: self._open(str(number.value or "")))

    def _filters(self) -> None:
        say, wanted = self._visit.say, self._wanted
        states = {one: say(f"console.filter.{one}" if one in (UNFINISHED, ALL) else f"state.{one}") for one in STATES}
        communities = {"": say("console.filter.any"), **{one: one for one in sorted(self._communities())}}
        places = {"": say("console.filter.any"), **{one.code: f"{one.code} {one.name}" for one in self._found.points}}
        with tag("div", classes="pw-filters"):
            self._state = ui.select(states, value=wanted.state, label=say("console.filter.state"))
            community = wanted.community if wanted.community in communities else ""
            self._community = ui.select(communities, value=community, label=say("console.filter.community"))
            point = wanted.point if wanted.point in places else ""
            self._point = ui.select(places, value=point, label=say("console.filter.point"), with_input=True)
            self._point.props("hide-selected fill-input")
            self._clear = tag("button", say("console.filter.clear"), "pw-quiet", type="button").on("click", self._reset)
        for field in (self._state, self._community, self._point):
            field.classes("pw-field").props("outlined dense options-dense").on_value_change(self._narrow)

    def _communities(self) -> set[str]:
        return {point.community for point in self._found.points}

    def _list_texts(self) -> dict[str, str]:
        return {name: self._visit.say(f"console.list.{name}") for name in ("post", "due", "first", "last", "more")}

    async def _narrow(self) -> None:
        """Take the choice from the fields; while they are being reset together nothing is asked."""
        choice = Wanted(
            state=self._state.value or UNFINISHED,
            kind=self._wanted.kind,
            community=self._community.value or "",
            point=self._point.value or "",
        )
        await self._want(choice)

    async def _want(self, choice: Wanted) -> None:
        if choice == self._wanted:
            return
        self._wanted, self._count = choice, FIRST_PAGE
        ui.navigate.history.replace(choice.address())
        await self._refresh()

    async def _toggle_kind(self, kind: str) -> None:
        old = self._wanted
        chosen = "" if old.kind == kind else kind
        await self._want(Wanted(state=old.state, kind=chosen, community=old.community, point=old.point))

    async def _reset(self) -> None:
        await self._want(Wanted())
        for field, value in ((self._state, UNFINISHED), (self._community, ""), (self._point, "")):
            field.value = value

    def _choose_point(self, code: str) -> None:
        self._point.value = "" if self._wanted.point == code else code  # its change narrows the list

    def _choose_state(self, state: str) -> None:
        self._state.value = UNFINISHED if self._wanted.state == state else state

    async def _more(self) -> None:
        self._count += FIRST_PAGE
        await self._refresh()

    async def _refresh(self) -> None:
        with told(self._visit):
            wanted, count = self._wanted, self._count
            found = await self._visit.read(lambda session, caller: gather(session, self._visit, caller, wanted, count))
            if (wanted, count) != (self._wanted, self._count):
                return  # another choice was made meanwhile; its own answer is on the way
            self._found = found
            self._fill()

    def _fill(self) -> None:
        found, visit = self._found, self._visit
        self._list.show(rows=found.rows, more=found.more)
        self._plan.show(**plan_data(visit, found.points, found.by_point, self._wanted.point))
        self._clear.set_visibility(self._wanted.narrows())
        self._fill_tiles()
        self._empty.clear()
        if not found.rows:
            with self._empty:
                self._say_what_to_do()

    def _build_tiles(self) -> None:
        """Build the counts once: a button that is only written anew keeps the focus."""
        say = self._visit.say
        with tag("div", classes="pw-tiles"):
            for state in (State.open, State.in_review):
                button = tag("button", classes="pw-tile", type="button", data_state=state.value)
                button.on("click", lambda state=state: self._choose_state(state.value))
                with button:
                    self._tiles[state.value] = text("strong")
                    tag("span", say(f"state.{state}"))
                self._pressed[state.value] = button
            for name in ("affected", "waiting"):
                with tag("div", classes="pw-tile"):
                    self._tiles[name] = text("strong")
                    tag("span", say(f"console.tile.{name}"))
                    if name == "waiting":
                        self._tiles["failed"] = text("small")
        with tag("div", classes="pw-kinds", role="group", aria_label=say("console.filter.kind")):
            for code in self._found.by_kind:
                button = tag("button", classes="pw-kind", type="button")
                button.on("click", lambda code=code: self._toggle_kind(code))
                with button:
                    tag("span", self._visit.name_of(code))
                    self._tiles[code] = text("b")
                self._pressed[code] = button

    def _fill_tiles(self) -> None:
        found = self._found
        counts = {
            **{state.value: str(count) for state, count in found.by_state.items()},
            **{kind: str(count) for kind, count in found.by_kind.items()},
            "affected": f"{found.affected} / {len(found.points)}",
            "waiting": str(found.waiting),
            "failed": self._visit.say("console.tile.failed", count=found.failed) if found.failed else "",
        }
        for name, element in self._tiles.items():
            element.text = counts[name]
        for name, button in self._pressed.items():
            set_attribute(button, "aria-pressed", str(name in (self._wanted.state, self._wanted.kind)).lower())

    def _say_what_to_do(self) -> None:
        say, found = self._visit.say, self._found
        if not found.points:
            no_points(self._visit)
            return
        with tag("div", classes="pw-empty"):
            if self._wanted.narrows():
                tag("h2", say("console.empty.none_match"))
                tag("p", say("console.empty.none_match_next"))
            elif found.waiting:
                tag("h2", say("console.empty.looking"))
                tag("p", say("console.empty.looking_next"))
            else:
                tag("h2", say("console.empty.none"))
                tag("p", say("console.empty.none_next"))
                if self._visit.caller.may(Permission.send_photos):
                    tag("a", say("console.nav.upload"), "pw-button", href="/upload")

    async def _open(self, typed: str) -> None:
        """Go to the issue whose number, or the last digits of it, somebody typed."""
        typed = typed.strip().upper()
        if not typed:
            return
        year, prefix = now().year, self._visit.service.settings.number_prefix
        number = f"{prefix}-{year}-{int(typed):06d}" if typed.isascii() and typed.isdigit() else typed
        with told(self._visit):
            try:
                found = await self._visit.read(
                    lambda session, caller: (
                        issues.get_issue(session, number, within=caller.scope(Permission.view_issues)).number
                    )
                )
            except NotFound:
                ui.notify(self._visit.say("console.filter.no_number", number=number[:40]), position="top")
                return
            ui.navigate.to(f"/issues/{found}")
