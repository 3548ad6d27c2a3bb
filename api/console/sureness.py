"""How sure the model must be, class by class: what is in force, and what other thresholds would have changed."""

from typing import Any

from nicegui import ui
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.forms import Form, Values, confirm, in_dialog
from api.console.gathering import mark_of
from api.console.tags import tag
from api.console.visit import Visit, told
from api.errors import Unfit
from api.learning import thresholds
from api.learning.schemas import Change, Choice, Effects, InForce, Origin
from api.review.figures import Rate

DAYS = (7, 30, 90)


async def build(visit: Visit) -> None:
    """Add the table, and for those who may the fields to try and to save."""
    _Thresholds(visit, *await visit.read(_looking(visit)))


def _looking(visit: Visit) -> Any:
    def look(session: Session, caller: Caller) -> tuple[list[InForce], dict[Any, str]]:
        caller.require(Permission.view_catalogue)
        found = thresholds.in_force(session, visit.service.taxonomy, visit.service.card)
        return found, accounts.names_of(session, {one.chosen_by for one in found if one.chosen_by})

    return look


class _Thresholds:
    """Thresholds in force, others to be tried, and what they would have changed."""

    def __init__(self, visit: Visit, found: list[InForce], names: dict[Any, str]) -> None:
        self._visit, self._found = visit, found
        self._may_change = visit.caller.may(Permission.manage_models)
        self._wanted: dict[str, tuple[ui.input, ui.input]] = {}
        say = visit.say
        with tag("div", classes="pw-toolbar"):
            tag("span", say("sure.model", model=thresholds.key_of(visit.service.card)), "pw-lead")
        self._table(names)
        with tag("div", classes="pw-toolbar"):
            options = {days: say("sure.days", count=days) for days in DAYS}
            self._days = ui.select(options, value=30, label=say("sure.period"))
            self._days.classes("pw-field pw-choice").props("outlined dense options-dense")
            tag("button", say("sure.try"), "pw-button pw-second", type="button").on("click", self._try)
            tag("button", say("sure.propose"), "pw-button pw-second", type="button").on("click", self._propose)
            if self._may_change:
                tag("button", say("sure.save"), "pw-button", type="button").on("click", self._save)
        self._effects = tag("div", role="status", classes="pw-beside")

    def _table(self, names: dict[Any, str]) -> None:
        say, visit = self._visit.say, self._visit
        with (
            tag("div", classes="pw-table-frame pw-card", tabindex="0", role="region", aria_label=say("sure.title")),
            tag("table", classes="pw-table pw-roomy"),
        ):
            with tag("thead"), tag("tr"):
                for name in ("class", "review", "automatic", "origin", "wanted_review", "wanted_automatic"):
                    tag("th", say(f"sure.column.{name}"), scope="col")
            with tag("tbody"):
                for one in self._found:
                    with tag("tr", data_class=one.class_code):
                        with tag("td"):
                            tag("span", visit.name_of(one.class_code))
                            if mark := mark_of(visit, one.class_code):
                                tag("span", mark, "pw-mark-word")
                        tag("td", f"{one.review:.2f}", "pw-figure")
                        tag("td", f"{one.automatic:.2f}", "pw-figure")
                        with tag("td"):
                            tag("span", self._origin(one, names))
                            if one.origin is Origin.chosen and self._may_change:
                                label = say("sure.let_go")
                                back = tag("button", label, "pw-quiet", type="button")
                                back.on("click", lambda _, code=one.class_code: self._let_go(code))
                        self._fields(one)

    def _origin(self, one: InForce, names: dict[Any, str]) -> str:
        words = self._visit.say(f"sure.origin.{one.origin}")
        if one.chosen_at is None:
            return words
        return f"{words} · {self._visit.moment(one.chosen_at)} · {names.get(one.chosen_by, '')}"

    def _fields(self, one: InForce) -> None:
        made = []
        for name, value in (("review", one.review), ("automatic", one.automatic)):
            with tag("td"):
                field = ui.input(value=f"{value:.2f}").classes("pw-field pw-share")
                field.props("outlined dense type=number step=0.01 min=0 max=1")
                class_name = self._visit.name_of(one.class_code)
                field.props["aria-label"] = f"{class_name} {self._visit.say(f'sure.column.wanted_{name}')}"
                made.append(field)
        self._wanted[one.class_code] = (made[0], made[1])

    def _changes(self) -> list[Change]:
        """Give what differs from what is in force.

        Raises:
            Unfit: a field holds no number from 0 to 1.
        """
        found = []
        for one in self._found:
            review, automatic = (self._share(one, field) for field in self._wanted[one.class_code])
            if (round(one.review, 2), round(one.automatic, 2)) != (review, automatic):
                found.append(Change(class_code=one.class_code, review=review, automatic=automatic))
        return found

    def _share(self, one: InForce, field: ui.input) -> float:
        try:
            found = round(float(field.value), 2)
        except (TypeError, ValueError) as error:
            raise Unfit(f"{one.class_code}: write a number from 0 to 1.") from error
        if not 0 <= found <= 1:
            raise Unfit(f"{one.class_code}: write a number from 0 to 1.")
        return found

    async def _effect(self) -> Effects | None:
        visit, found = self._visit, None
        with told(visit):
            changes = self._changes()
            wanted = thresholds.wanted_of(changes)
            days = int(self._days.value)

            def look(session: Session, caller: Caller) -> Effects:
                caller.require(Permission.view_catalogue)
                near_m = visit.service.settings.nearest_point_m
                taxonomy, card = visit.service.taxonomy, visit.service.card
                return thresholds.effect(session, taxonomy, card, wanted, days=days, near_m=near_m)

            if changes:
                found = await visit.read(look)
            else:
                ui.notify(visit.say("sure.unchanged"), position="top")
        return found

    async def _try(self) -> None:
        found = await self._effect()
        if found is not None:
            self._show(found)

    async def _propose(self) -> None:
        """Fill the fields with what verdicts speak for, and show what that would change."""
        visit = self._visit
        with told(visit):

            def look(session: Session, caller: Caller) -> Any:
                caller.require(Permission.view_catalogue)
                near_m = visit.service.settings.nearest_point_m
                days = int(self._days.value)
                taxonomy, card = visit.service.taxonomy, visit.service.card
                return thresholds.propose(session, taxonomy, card, days=days, near_m=near_m)

            proposal = await visit.read(look)
            for one in proposal.effects.effects:
                review, automatic = self._wanted[one.class_code]
                review.set_value(f"{one.after.review:.2f}")
                automatic.set_value(f"{one.after.automatic:.2f}")
            if proposal.effects.effects:
                self._show(proposal.effects)
            else:
                ui.notify(visit.say("sure.no_proposal"), position="top", timeout=8000)

    def _show(self, found: Effects) -> None:
        say, visit = self._visit.say, self._visit
        self._effects.clear()
        with self._effects, tag("section", classes="pw-card", aria_label=say("sure.effect")):
            tag("h2", say("sure.effect"))
            tag("p", say("sure.counted", count=found.captures, days=found.days, verdicts=found.verdicts), "pw-hint")
            if not found.captures:
                tag("p", say("sure.nothing_counted"), "pw-warning")
            asked = say("sure.asked", before=f"{found.asked_before:.1f}", after=f"{found.asked_after:.1f}")
            tag("p", asked)
            with (
                tag("div", classes="pw-table-frame", tabindex="0", role="region", aria_label=say("sure.effect")),
                tag("table", classes="pw-table pw-roomy"),
            ):
                with tag("thead"), tag("tr"):
                    for name in ("class", "automatic_a_day", "asked_a_day", "precision", "lost"):
                        tag("th", say(f"sure.column.{name}"), scope="col")
                with tag("tbody"):
                    for one in found.effects:
                        before, after = one.load_before, one.load_after
                        with tag("tr"):
                            tag("td", visit.name_of(one.class_code))
                            tag("td", f"{before.automatic:.1f} → {after.automatic:.1f}", "pw-figure")
                            tag("td", f"{before.asked:.1f} → {after.asked:.1f}", "pw-figure")
                            tag("td", f"{_rate(one.precision_before)} → {_rate(one.precision_after)}", "pw-figure")
                            tag("td", _rate(one.lost), "pw-figure")

    async def _save(self) -> None:
        """Show what the change would have done, ask why, and put it in force."""
        visit, say = self._visit, self._visit.say
        found = await self._effect()
        if found is None:
            return
        self._show(found)
        changes = self._changes()

        async def save(values: Values) -> None:
            why = " ".join((values["why"] or "").split())
            choice = Choice(model=found.model, changes=changes, why=why)

            def choose(session: Session, caller: Caller) -> None:
                caller.require(Permission.manage_models)
                taxonomy, card = visit.service.taxonomy, visit.service.card
                thresholds.choose(session, choice, taxonomy, card, by=caller.user_id)

            await visit.write(choose)

        lead = say("sure.save_lead", before=f"{found.asked_before:.1f}", after=f"{found.asked_after:.1f}")
        title = say("sure.save_title", count=len(changes))

        def fields(form: Form) -> None:
            form.words("why", say("models.why"), most=500).classes("pw-whole")

        if await in_dialog(visit, title, fields, save, label=say("sure.save"), lead=lead):
            ui.navigate.reload()

    async def _let_go(self, code: str) -> None:
        visit, say = self._visit, self._visit.say
        if not await confirm(visit, say("sure.let_go"), say("sure.let_go_lead"), say("sure.let_go")):
            return

        def back(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_models)
            thresholds.let_go(session, code, visit.service.taxonomy, visit.service.card, by=caller.user_id)

        with told(visit):
            await visit.write(back)
            ui.navigate.reload()


def _rate(found: Rate) -> str:
    return f"{found.share:.0%} ({found.count}/{found.of})" if found.share is not None else "–"
