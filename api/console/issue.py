"""One issue: its pictures, its facts, its history, and what the visitor may do to it."""

from nicegui import ui
from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.components import Evidence
from api.console.dossier import Dossier, event_in_words, limits_in_words, open_dossier, pictures
from api.console.frame import frame
from api.console.gathering import in_words, mark_of, post_in_words
from api.console.plan import REFRESH_S
from api.console.tags import fact, tag
from api.console.visit import Visit, told
from api.issues import service as issues
from api.issues.schemas import Step
from api.issues.transitions import TRANSITIONS, Action, Need

LONGEST_NOTE = 500  # as `Step` takes it


async def show(visit: Visit, request: Request) -> None:
    """Build the page of the issue that the address names."""
    number = request.path_params["number"]
    dossier = await visit.read(lambda session, caller: open_dossier(session, visit, caller, number))
    title = f"{dossier.issue.number} {visit.name_of(dossier.issue.violation.code)}"
    with frame(visit, title=title, path="/"):
        IssuePage(visit, dossier)


class IssuePage:
    """The parts of an issue's page that change when somebody acts or the issue is seen again."""

    def __init__(self, visit: Visit, dossier: Dossier) -> None:
        """Build everything once."""
        self._visit, self._dossier = visit, dossier
        tag("a", f"‹ {visit.say('console.to_issues')}", "pw-back", href="/")
        self._head = tag("div", classes="pw-head")
        with tag("div", classes="pw-columns pw-columns-issue"):
            with tag("div", classes="pw-pictures"):
                self._evidence = Evidence(
                    pictures=pictures(visit, dossier),
                    texts={
                        name: visit.say(f"console.evidence.{name}")
                        for name in ("label", "previous", "next", "boxes", "whole")
                    },
                )
            self._side = tag("div", classes="pw-beside")
        self._asking = tag("div")  # where dialogs live: a refresh of the page must not take one away
        self._is_asking = False
        self._fill()
        ui.timer(REFRESH_S, self._refresh, immediate=False)

    async def _refresh(self) -> None:
        visit, number = self._visit, self._dossier.issue.number
        if self._is_asking:
            return
        with told(visit):
            found = await visit.read(
                lambda session, caller: (
                    issues.get_issue(session, number, within=caller.scope(Permission.view_issues)).revision
                )
            )
            if found != self._dossier.issue.revision:
                await self._reload()

    async def _reload(self) -> None:
        number = self._dossier.issue.number
        self._dossier = await self._visit.read(
            lambda session, caller: open_dossier(session, self._visit, caller, number)
        )
        self._evidence.show(pictures=pictures(self._visit, self._dossier))
        self._fill()

    def _fill(self) -> None:
        self._head.clear()
        with self._head:
            self._fill_head()
        self._side.clear()
        with self._side:
            self._actions()
            self._facts()
            self._history()

    def _fill_head(self) -> None:
        issue, visit = self._dossier.issue, self._visit
        with tag("h1"):
            tag("span", visit.name_of(issue.violation.code))
        with tag("p", classes="pw-lead pw-head-line"):
            tag("span", visit.say(f"state.{issue.state}"), "pw-state", data_state=issue.state.value)
            tag("span", issue.number, "pw-number")
            tag("span", f"{issue.point.code} {issue.point.name}")
        mark = mark_of(visit, issue.violation.code)
        if mark:
            tag("p", visit.say("console.issue.unproven", mark=mark), "pw-warning")

    def _actions(self) -> None:
        offered = [one for one in self._dossier.actions if set(TRANSITIONS[one].needs) <= {Need.note}]
        actions = sorted(offered, key=lambda action: action is Action.reject)
        if not actions:
            return
        with tag(
            "div", classes="pw-card pw-actions", role="group", aria_label=self._visit.say("console.issue.actions")
        ):
            for place, action in enumerate(actions):
                look = "pw-button" if place == 0 else "pw-button pw-second"
                button = tag(
                    "button", self._visit.say(f"action.{action}"), look, type="button", data_action=action.value
                )
                button.on("click", lambda action=action: self._act(action))

    async def _act(self, action: Action) -> None:
        """Do a step on the issue as it was shown; if somebody was faster, say so and show what it is now."""
        number, revision = self._dossier.issue.number, self._dossier.issue.revision
        with self._asking:
            note = await self._ask_why(action) if Need.note in TRANSITIONS[action].needs else ""
            if note is not None:
                await self._step(number, Step(action=action, note=note[:LONGEST_NOTE]), revision)

    async def _step(self, number: str, wanted: Step, revision: int) -> None:
        visit, action = self._visit, wanted.action
        with told(visit):
            await visit.write(
                lambda session, caller: (
                    issues.step(session, number, wanted, caller, visit.service.taxonomy, revision=revision).id
                )
            )
            ui.notify(
                visit.say("console.done", number=number, action=visit.say(f"action.{action}")),
                type="positive",
                position="top",
            )
        with told(visit):
            await self._reload()

    async def _ask_why(self, action: Action) -> str | None:
        """Ask for the note that a step needs; None where the person thought better of it."""
        say = self._visit.say
        with ui.dialog() as dialog, tag("div", classes="pw-dialog", role="document"):
            tag("h2", say("console.why.title", number=self._dossier.issue.number, action=say(f"action.{action}")))
            note = ui.textarea(
                say("console.why.note"), validation={say("console.why.missing"): lambda text: bool(text.strip())}
            )
            note.without_auto_validation()
            note.classes("pw-wide").props(f"outlined autofocus autogrow maxlength={LONGEST_NOTE} counter")

            def submit() -> None:
                if note.validate():
                    dialog.submit(str(note.value))

            with tag("div", classes="pw-actions"):
                tag("button", say(f"action.{action}"), "pw-button", type="button").on("click", submit)
                tag("button", say("console.why.cancel"), "pw-button pw-second", type="button").on("click", dialog.close)
        self._is_asking = True
        answer = await dialog
        self._is_asking = False
        dialog.delete()
        return answer if isinstance(answer, str) else None

    def _facts(self) -> None:
        issue, visit, say = self._dossier.issue, self._visit, self._visit.say
        point = issue.point
        with tag("section", classes="pw-card"):
            tag("h2", say("console.issue.facts"))
            with tag("dl", classes="pw-facts"):
                fact(say("console.issue.kind"), visit.name_of(issue.kind.code))
                fact(say("console.issue.point"), f"{point.code} {point.name}", href=f"/plan?point={point.code}")
                fact(say("console.point.community"), point.community)
                fact(say("console.point.category"), visit.name_of(point.category))
                fact(say("console.point.post"), post_in_words(visit, issue.post))
                if issue.department:
                    fact(say("console.issue.department"), visit.name_of(issue.department))
                others = [one.code for one in issue.departments if one.code != issue.department]
                if others:
                    fact(say("console.issue.departments"), "、".join(visit.name_of(code) for code in others))
                fact(say("console.issue.limit"), limits_in_words(visit, issue.violation.code))
                for due in in_words(visit, issue)["due"]:
                    with fact(say("console.issue.due"), due["words"]):
                        if due["mark"]:
                            tag("span", due["mark"], "pw-pace", data_pace=due["pace"])
                fact(say("console.list.first"), visit.moment(issue.first_seen_at))
                fact(say("console.list.last"), visit.moment(issue.last_seen_at))
                fact(say("console.issue.seen"), str(issue.sighting_count))
                if issue.reopened_count:
                    fact(say("console.issue.reopened"), str(issue.reopened_count))
                if issue.closed_at:
                    fact(say("console.issue.ended"), visit.moment(issue.closed_at))
            tag("p", say("console.issues.times", zone=visit.zone(issue.last_seen_at)), "pw-hint")

    def _history(self) -> None:
        with tag("section", classes="pw-card"):
            tag("h2", self._visit.say("console.issue.history"))
            with tag("ol", classes="pw-history"):
                for event in self._dossier.events:
                    with tag("li", data_state=event.after or ""):
                        tag("strong", event_in_words(self._visit, event))
                        by = self._dossier.names.get(event.by_user_id) if event.by_user_id else None
                        who = by or self._visit.say("console.event.system")
                        tag("small", f"{self._visit.moment(event.at)} · {who}")
                        if event.note:
                            tag("q", event.note)
