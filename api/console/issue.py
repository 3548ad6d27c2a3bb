"""One issue: its pictures, its facts, its history, and what the visitor may do to it."""

from collections.abc import Callable
from typing import Any

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit.tables import AuditEvent
from api.console.asking import Form, form_for, step_of
from api.console.components import AfterPhotos, Compare, Evidence
from api.console.desk import BEAT_S
from api.console.dossier import (
    Dossier,
    after_pictures,
    before_and_after,
    details_in_words,
    event_in_words,
    flags_in_words,
    limits_in_words,
    open_dossier,
    pictures,
    seen_by,
)
from api.console.frame import frame
from api.console.gathering import dues_in_words, mark_of, post_in_words
from api.console.tags import fact, tag
from api.console.visit import Visit, told
from api.console.whistling import WhistleCard
from api.context import Service
from api.database import now
from api.errors import Conflict, Stale, StreetError
from api.issues import clock
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
COMPARED = ("before", "after", "slider")


def _rank(action: Action) -> int:
    return WAY_ON.index(action) if action in WAY_ON else len(WAY_ON)


def take(session: Session, service: Service, number: str, wanted: Step, caller: Caller, revision: int) -> None:
    """Take a step, and know at once when the issue is due then."""
    zone = service.settings.zone
    issue = issues.step(session, number, wanted, caller, service.taxonomy, zone=zone, revision=revision)
    clock.set_due(session, [issue], service.clocks)


async def show(visit: Visit, request: Request) -> None:
    """Build the page of the issue that the address names."""
    number = request.path_params["number"]
    dossier = await visit.read(lambda session, caller: open_dossier(session, visit, caller, number))
    title = f"{dossier.issue.number} {visit.name_of(dossier.issue.violation.code)}"
    with frame(visit, title=title, path="/issues"):
        IssuePage(visit, dossier)


class IssuePage:
    """The parts of an issue's page that change when somebody acts or the issue is seen again."""

    def __init__(self, visit: Visit, dossier: Dossier) -> None:
        """Build everything once."""
        self._visit, self._dossier = visit, dossier
        self._beat = -1
        self._form: Form | None = None  # that is open now
        with tag("div", classes="pw-page-bar"):
            tag("a", f"‹ {visit.say('console.to_issues')}", "pw-back", href="/issues")
            print_it = tag("button", visit.say("console.issue.print"), "pw-quiet pw-print", type="button")
            print_it.on("click", js_handler="() => window.print()")
        self._head = tag("div", classes="pw-head")
        with tag("div", classes="pw-columns pw-columns-issue"):
            with tag("div", classes="pw-pictures"):
                self._evidence = Evidence(
                    pictures=pictures(visit, dossier),
                    texts={
                        name: visit.say(f"console.evidence.{name}")
                        for name in ("label", "previous", "next", "boxes", "whole", "zoom_in", "zoom_out")
                    },
                )
                self._beneath = tag("div", classes="pw-beneath")
            self._side = tag("div", classes="pw-beside")
        self._asking = tag("div")  # where dialogs live: a refresh of the page must not take one away
        self._fill()
        ui.timer(BEAT_S, self._refresh)

    async def _refresh(self) -> None:
        """Look at the issue again when anything in the office has changed."""
        visit, number = self._visit, self._dossier.issue.number
        with told(visit):
            beat = await visit.beat()
            if beat == self._beat:
                return
            found = await visit.read(
                lambda session, caller: (
                    issues.get_issue(session, number, within=caller.scope(Permission.view_issues)).revision
                )
            )
            self._beat = beat
            if found != self._dossier.issue.revision:
                known = self._last_event()
                await self._reload()
                if self._form is not None:
                    self._form.warn(self._happened_since(known))

    def _last_event(self) -> int:
        return max((event.seq for event in self._dossier.events), default=0)

    def _happened_since(self, seq: int) -> str:
        """Say what others did meanwhile, and that nothing is lost."""
        visit = self._visit
        new = [event for event in self._dossier.events if event.seq > seq]
        said = [f"{self._who(event)}: {event_in_words(visit, event)} ({visit.moment(event.at)})" for event in new]
        return visit.say("console.issue.meanwhile", what=" · ".join(said[::-1]) or "–")

    def _who(self, event: AuditEvent) -> str:
        by = self._dossier.names.get(event.by_user_id) if event.by_user_id else None
        return by or self._visit.say("console.event.system")

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
            WhistleCard(self._visit, self._dossier, self._filled, self._do)
            self._facts()
            self._history()
        self._beneath.clear()
        with self._beneath:
            self._compare()
            self._seen()
            self._signatures()

    def _compare(self) -> None:
        both = before_and_after(self._visit, self._dossier)
        if both is None:
            return
        with tag("section", classes="pw-card pw-compare-card"):
            tag("h2", self._visit.say("console.compare.title"))
            Compare(**both, texts={name: self._visit.say(f"console.compare.{name}") for name in COMPARED})

    def _seen(self) -> None:
        """Say who saw what, and with which version of the model."""
        visit = self._visit
        with tag("section", classes="pw-card"):
            tag("h2", visit.say("console.seen.title"))
            with (
                tag(
                    "div",
                    classes="pw-table-frame",
                    tabindex="0",
                    role="region",
                    aria_label=visit.say("console.seen.title"),
                ),
                tag("table", classes="pw-table"),
            ):
                with tag("thead"), tag("tr"):
                    for name in ("at", "who", "model", "note"):
                        tag("th", visit.say(f"console.seen.{name}"), scope="col")
                with tag("tbody"):
                    for row in seen_by(visit, self._dossier):
                        with tag("tr"):
                            for cell in row:
                                tag("td", cell)

    def _signatures(self) -> None:
        """Give the printed sheet a place to sign; the screen shows none of it."""
        say = self._visit.say
        with tag("div", classes="pw-on-paper"):
            for name in ("handled_by", "checked_by"):
                tag("p", say(f"console.sheet.{name}"))
            tag("small", say("console.sheet.printed", at=self._visit.moment(now()), who=self._visit.caller.name))

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

    async def _filled(self, form: Form) -> dict[str, Any] | None:
        """Give what is filled into a form, which is told meanwhile of what others do."""
        self._form = form
        try:
            return await form.answer()
        finally:
            self._form = None

    async def _do(self, change: Callable[[Session, Caller], Any]) -> None:
        """Do something besides the steps, and show the issue as it is then."""
        with told(self._visit):
            await self._visit.write(change)
        with told(self._visit):
            await self._reload()

    async def _act(self, offered: Possible) -> None:
        """Do a step on the issue as it was shown; if somebody was faster, say so and keep what was typed."""
        visit, number, words, blocked = self._visit, self._dossier.issue.number, "", False
        given: dict[str, Any] | None = {}
        while True:
            with self._asking:
                form = form_for(visit, number, offered)
                if form is None:
                    await self._step(number, Step(action=offered.action), self._dossier.issue.revision)
                    return
                form.refill(given or {})
                if words:
                    form.warn(words, blocked=blocked)
                known = self._last_event()
                given = await self._filled(form)
                wanted = step_of(visit, offered, given) if given is not None else None
                if given is None or wanted is None:
                    return
                refusal = await self._step(number, wanted, self._dossier.issue.revision)
            if not isinstance(refusal, Stale | Conflict):
                return
            words = self._happened_since(known)
            blocked = not any(one.action is offered.action for one in self._dossier.actions)
            if blocked:
                words = visit.say("console.issue.too_late", what=words)

    async def _step(self, number: str, wanted: Step, revision: int) -> StreetError | None:
        """Take a step and show the issue as it is then; give why it was refused, which has been told."""
        visit, refusal = self._visit, None
        try:
            await visit.write(lambda session, caller: take(session, visit.service, number, wanted, caller, revision))
            words = visit.say("console.done", number=number, action=visit.say(f"action.{wanted.action}"))
            ui.notify(words, type="positive", position="top")
        except StreetError as error:
            refusal = error
            with told(visit):
                raise
        with told(visit):
            await self._reload()
        return refusal

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
            photos.on("sent", self._reload)

    def _facts(self) -> None:
        issue, visit, say = self._dossier.issue, self._visit, self._visit.say
        point = issue.point
        with tag("section", classes="pw-card pw-about"):
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
                for words, pace, mark in dues_in_words(visit, issue):
                    with fact(say("console.issue.due"), words):
                        if mark:
                            tag("span", mark, "pw-pace", data_pace=pace)
                fact(say("console.list.first"), visit.moment(issue.first_seen_at))
                fact(say("console.list.last"), visit.moment(issue.last_seen_at))
                fact(say("console.issue.seen"), str(issue.sighting_count))
                if issue.reopened_count:
                    fact(say("console.issue.reopened"), str(issue.reopened_count))
                if issue.closed_at:
                    fact(say("console.issue.ended"), visit.moment(issue.closed_at))
            tag("p", say("console.issues.times", zone=visit.zone(issue.last_seen_at)), "pw-hint")

    def _history(self) -> None:
        with tag("section", classes="pw-card pw-past"):
            tag("h2", self._visit.say("console.issue.history"))
            with tag("ol", classes="pw-history"):
                for event in self._dossier.events:
                    with tag("li", data_state=event.after or ""):
                        tag("strong", event_in_words(self._visit, event))
                        tag("small", f"{self._visit.moment(event.at)} · {self._who(event)}")
                        details = details_in_words(self._visit, event)
                        if details:
                            tag("span", details)
                        if event.note:
                            tag("q", event.note)
