"""One issue: its pictures, its facts, its history, and what the visitor may do to it."""

from nicegui import ui
from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.asking import ask
from api.console.components import AfterPhotos, Evidence
from api.console.dossier import (
    Dossier,
    after_pictures,
    details_in_words,
    event_in_words,
    flags_in_words,
    limits_in_words,
    open_dossier,
    pictures,
)
from api.console.frame import frame
from api.console.gathering import in_words, mark_of, post_in_words
from api.console.plan import REFRESH_S
from api.console.tags import fact, tag
from api.console.visit import Visit, told
from api.issues import service as issues
from api.issues.schemas import Possible, Step
from api.issues.transitions import AT_WORK, Action, Need

#: what leads on, the likeliest first; the other actions stand below in small
WAY_ON = (
    Action.sign_off,
    Action.rectify,
    Action.start,
    Action.accept,
    Action.dispatch,
    Action.confirm,
    Action.take_up,
    Action.resume,
    Action.grant_extension,
    Action.refuse_extension,
    Action.refuse,
    Action.reject,
    Action.close,
    Action.return_,
)
MOST_ONWARD = 3


def _rank(action: Action) -> int:
    return WAY_ON.index(action) if action in WAY_ON else len(WAY_ON)


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
            self._after_photos()
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
            for flag, words in flags_in_words(visit, issue):
                tag("span", words, "pw-flag", data_flag=flag)
        if issue.merged_into:
            with tag("p", classes="pw-warning"):
                tag(
                    "a",
                    visit.say("console.issue.merged", number=issue.merged_into),
                    href=f"/issues/{issue.merged_into}",
                )
        mark = mark_of(visit, issue.violation.code)
        if mark:
            tag("p", visit.say("console.issue.unproven", mark=mark), "pw-warning")

    def _actions(self) -> None:
        offered = sorted(self._dossier.actions, key=lambda one: _rank(one.action))
        if not offered:
            return
        say = self._visit.say
        onward = [one for one in offered if one.action in WAY_ON][:MOST_ONWARD]
        with tag("div", classes="pw-card", role="group", aria_label=say("console.issue.actions")):
            with tag("div", classes="pw-actions"):
                for place, one in enumerate(onward):
                    self._button(one, "pw-button" if place == 0 else "pw-button pw-second")
            with tag("div", classes="pw-actions pw-more-actions"):
                for one in offered:
                    if one not in onward:
                        self._button(one, "pw-quiet")
            if any(Need.after_photo in one.needs for one in offered):
                tag("p", say("console.after.first"), "pw-hint")

    def _button(self, offered: Possible, look: str) -> None:
        lacks = Need.after_photo in offered.needs
        button = tag(
            "button",
            self._visit.say(f"action.{offered.action}"),
            look,
            type="button",
            data_action=offered.action.value,
            disabled=True if lacks else None,
        )
        button.on("click", lambda: self._act(offered))

    async def _act(self, offered: Possible) -> None:
        """Do a step on the issue as it was shown; if somebody was faster, say so and show what it is now."""
        number, revision = self._dossier.issue.number, self._dossier.issue.revision
        self._is_asking = True
        with self._asking:
            wanted = await ask(self._visit, number, offered)
            self._is_asking = False
            if wanted is not None:
                await self._step(number, wanted, revision)

    async def _step(self, number: str, wanted: Step, revision: int) -> None:
        visit, action = self._visit, wanted.action
        with told(visit):
            await visit.write(
                lambda session, caller: (
                    issues.step(
                        session,
                        number,
                        wanted,
                        caller,
                        visit.service.taxonomy,
                        zone=visit.service.settings.zone,
                        revision=revision,
                    ).id
                )
            )
            ui.notify(
                visit.say("console.done", number=number, action=visit.say(f"action.{action}")),
                type="positive",
                position="top",
            )
        with told(visit):
            await self._reload()

    def _after_photos(self) -> None:
        """Show what was sent to prove the repair, and let those who work on it send more."""
        visit, dossier = self._visit, self._dossier
        can_send = dossier.may_send_after_photos and dossier.issue.state in AT_WORK
        if not dossier.after_photos and not can_send:
            return
        with tag("section", classes="pw-card"):
            tag("h2", visit.say("console.after.title"))
            photos = AfterPhotos(
                photos=after_pictures(visit, dossier),
                address=f"/api/v1/issues/{dossier.issue.number}/after-photos",
                language=visit.language,
                can_send=can_send,
                texts={name: visit.say(f"console.after.{name}") for name in ("send", "sending", "failed")},
            )
            photos.on("sent", self._refresh)

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
                        details = details_in_words(self._visit, event)
                        if details:
                            tag("span", details)
                        if event.note:
                            tag("q", event.note)
