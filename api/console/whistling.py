"""Whistles on the page of an issue: who was called, who has come, and the buttons for what the visitor may do next."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.schemas import Caller
from api.console.asking import Form, departments_field, rating_field, words_field
from api.console.dossier import Dossier
from api.console.tags import fact, tag
from api.console.visit import Visit
from api.issues import whistles
from api.issues.tables import Whistle, WhistleCall
from api.issues.transitions import AT_WORK, State

Do = Callable[[Callable[[Session, Caller], Any]], Awaitable[None]]  # does it, tells of it, shows the page anew
Fill = Callable[[Form], Awaitable[dict[str, Any] | None]]


class WhistleCard:
    """The whistles of one issue."""

    def __init__(self, visit: Visit, dossier: Dossier, fill: Fill, do: Do) -> None:
        """Build the card, if there is anything to see or to do."""
        self._visit, self._dossier, self._fill, self._do = visit, dossier, fill, do
        is_open = any(one.ended_at is None for one, _ in dossier.whistles)
        may_call = dossier.may_whistle and dossier.issue.state in AT_WORK and not is_open
        if not dossier.whistles and not may_call:
            return
        with tag("section", classes="pw-card pw-whistles"):
            tag("h2", visit.say("console.whistle.title"))
            for whistle, calls in dossier.whistles:
                self._whistle(whistle, calls)
            if may_call:
                if not dossier.whistles:
                    tag("p", visit.say("console.whistle.what"), "pw-lead")
                self._button("call", self._call)

    def _button(self, name: str, act: Callable[[], Awaitable[None]], label: str = "") -> None:
        say = self._visit.say
        words = say(f"console.whistle.{name}")
        button = tag("button", words, "pw-quiet", type="button", data_whistle=name)
        if label:
            button.props["aria-label"] = f"{words}: {label}"
        button.on("click", act)

    def _whistle(self, whistle: Whistle, calls: list[WhistleCall]) -> None:
        visit, say = self._visit, self._visit.say
        with tag("div", classes="pw-whistle"):
            caller = self._dossier.names.get(whistle.by_user_id, "") if whistle.by_user_id else ""
            tag("p", whistle.note)
            tag("small", " · ".join(part for part in (visit.moment(whistle.called_at), caller) if part))
            for call in calls:
                self._called(whistle, call)
            if whistle.ended_at is None and self._dossier.may_whistle:
                self._button("end", self._end)
            elif whistle.ended_at is not None:
                tag("small", say("console.whistle.ended", at=visit.moment(whistle.ended_at)))

    def _called(self, whistle: Whistle, call: WhistleCall) -> None:
        visit, say = self._visit, self._visit.say
        name = visit.name_of(call.department)
        mine = call.department in self._dossier.answers_for
        can_rate = self._dossier.may_whistle and call.rating is None
        over = whistle.ended_at is not None or self._dossier.issue.state is State.closed
        with tag("div", classes="pw-called", data_department=call.department):
            tag("strong", name)
            with tag("dl", classes="pw-facts"):
                came = visit.moment(call.arrived_at) if call.arrived_at else say("console.whistle.not_yet")
                with fact(say("console.whistle.arrived"), came):
                    if (call.arrived_at or whistle.ended_at) is None or (
                        call.arrived_at is not None and call.arrived_at > call.due_at
                    ):
                        tag("small", say("console.whistle.due", at=visit.moment(call.due_at)))
                if call.finished_at:
                    done = " · ".join(part for part in (visit.moment(call.finished_at), call.outcome) if part)
                    fact(say("console.whistle.finished"), done)
                if call.rating is not None:
                    grade = say(f"console.whistle.grade.{call.rating}")
                    fact(say("console.whistle.rated"), " · ".join(part for part in (grade, call.rating_note) if part))
            with tag("div", classes="pw-actions"):
                if mine and call.arrived_at is None:
                    self._button("arrive", lambda: self._arrive(call.department), name)
                if mine and call.arrived_at is not None and call.finished_at is None:
                    self._button("finish", lambda: self._finish(call.department), name)
                if can_rate and over:
                    self._button("rate", lambda: self._rate(call.department), name)

    async def _ask(self, name: str, fields: dict[str, Callable[[], Any]], subject: str = "") -> dict[str, Any] | None:
        say = self._visit.say
        words = say(f"console.whistle.{name}")
        title = say("console.why.title", number=subject or self._dossier.issue.number, action=words)
        return await self._fill(Form(self._visit, title, words, fields))

    async def _call(self) -> None:
        visit, number = self._visit, self._dossier.issue.number
        fields = {"departments": lambda: departments_field(visit), "note": lambda: words_field(visit, needed=True)}
        given = await self._ask("call", fields)
        if given:
            clocks = visit.service.clocks
            await self._do(
                lambda session, caller: (
                    whistles.blow(session, number, given["departments"], given["note"].strip(), caller, clocks).id
                )
            )

    async def _arrive(self, department: str) -> None:
        number = self._dossier.issue.number
        await self._do(lambda session, caller: whistles.arrive(session, number, department, caller).id)

    async def _finish(self, department: str) -> None:
        visit, number = self._visit, self._dossier.issue.number
        given = await self._ask("finish", {"note": lambda: words_field(visit, needed=False)}, visit.name_of(department))
        if given is not None:
            note = (given["note"] or "").strip()
            await self._do(lambda session, caller: whistles.finish(session, number, department, note, caller).id)

    async def _rate(self, department: str) -> None:
        visit, number = self._visit, self._dossier.issue.number
        fields = {"rating": lambda: rating_field(visit), "note": lambda: words_field(visit, needed=False)}
        given = await self._ask("rate", fields, visit.name_of(department))
        if given is not None:
            note = (given["note"] or "").strip()
            await self._do(
                lambda session, caller: whistles.rate(session, number, department, given["rating"], note, caller).id
            )

    async def _end(self) -> None:
        visit, number = self._visit, self._dossier.issue.number
        given = await self._ask("end", {"note": lambda: words_field(visit, needed=False)})
        if given is not None:
            note = (given["note"] or "").strip()
            await self._do(lambda session, caller: whistles.end(session, number, note, caller).id)
