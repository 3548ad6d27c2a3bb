"""The log of everything that was done: narrowed, page by page, and proved untouched on demand."""

import uuid
from datetime import datetime, time, timedelta
from itertools import islice
from urllib.parse import urlencode

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts import service as accounts
from api.accounts import users
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.console.changes import Told, action_in_words, in_words
from api.console.frame import frame
from api.console.registers import every
from api.console.tags import tag, text
from api.console.visit import Visit, told
from api.issues import service as issues
from api.paging import Window
from detector.texts import catalogue

PAGE = 50
MOST_FINDINGS = 20
KINDS = ("issue", "point", "post", "rule", "standard", "round", "user", "model", "camera", "webhook", "capture")
_FIELDS = ("kind", "who", "action", "since", "until")


async def show(visit: Visit, request: Request) -> None:
    """Build the page; what is asked for stands in its address."""
    visit.caller.require(Permission.view_audit)
    asked = {name: request.query_params.get(name, "")[:80] for name in _FIELDS}
    cursor = request.query_params.get("cursor")
    say = visit.say
    people, (rows, subjects, following) = await visit.read(
        lambda session, caller: (_people(session, caller), _look(session, visit, asked, cursor))
    )
    with frame(visit, title=say("audit.title"), path="/audit"):
        with tag("div", classes="pw-head"):
            tag("h1", say("audit.title"))
            tag("p", say("audit.lead"), "pw-lead")
        _Chain(visit)
        _filters(visit, asked, people)
        _table(visit, rows, subjects)
        with tag("div", classes="pw-toolbar"):
            if cursor:
                tag("a", say("audit.newest"), "pw-button pw-second", href=_address(asked))
            if following:
                tag("a", say("audit.older"), "pw-button pw-second", href=_address(asked, following))


def _people(session: Session, caller: Caller) -> dict[str, str]:
    caller.require(Permission.view_audit)
    rows = every(lambda window: users.list_users(session, window))
    return {str(one.id): f"{one.name} ({one.login})" for one in rows}


def _filter(visit: Visit, asked: dict[str, str]) -> audit.Filter:
    """Give what the address asks for; what makes no sense does not narrow."""
    zone = visit.service.settings.zone

    def day(name: str, later: int = 0) -> datetime | None:
        try:
            found = datetime.combine(datetime.fromisoformat(asked[name]).date(), time(), zone)
            return found + timedelta(days=later)
        except (ValueError, OverflowError):
            return None

    try:
        who = uuid.UUID(asked["who"])
    except ValueError:
        who = None
    return audit.Filter(
        subject_kind=asked["kind"] or None,
        action=asked["action"] or None,
        by_user_id=who,
        since=day("since"),
        until=day("until", 1),
    )


def _look(
    session: Session, visit: Visit, asked: dict[str, str], cursor: str | None
) -> tuple[list[tuple[AuditEvent, Told]], dict[uuid.UUID, tuple[str, str]], str | None]:
    rows, following = audit.list_events(session, Window(cursor=cursor, limit=PAGE), _filter(visit, asked))
    numbers = issues.issues_by_id(session, {row.subject_id for row in rows if row.subject_kind == "issue"})
    names = accounts.names_of(session, {row.subject_id for row in rows if row.subject_kind == users.SUBJECT})
    subjects = {one.id: (one.number, f"/issues/{one.number}") for one in numbers.values()}
    subjects |= {user: (name, f"/people/{user}") for user, name in names.items()}
    for row in rows:
        name = row.data.get("name")
        if name and row.subject_id not in subjects:
            subjects[row.subject_id] = (str(name), f"/points/{name}" if row.subject_kind == "point" else "")
    return list(zip(rows, in_words(session, visit, rows), strict=True)), subjects, following


def _address(asked: dict[str, str], cursor: str = "") -> str:
    query = urlencode({name: value for name, value in {**asked, "cursor": cursor}.items() if value})
    return f"/audit?{query}" if query else "/audit"


def kind_in_words(visit: Visit, kind: str) -> str:
    """Name what an entry of the log is about."""
    key = f"audit.kind.{kind}"
    return visit.say(key) if key in catalogue() else kind


def _filters(visit: Visit, asked: dict[str, str], people: dict[str, str]) -> None:
    """Add a plain form: it works by address alone, so that what was found can be passed on."""
    say = visit.say
    with tag("form", classes="pw-toolbar pw-audit-form", method="get", action="/audit"):
        with tag("select", classes="pw-input", name_="kind", aria_label=say("audit.every_kind")):
            tag("option", say("audit.every_kind"), value="")
            for kind in KINDS:
                tag("option", kind_in_words(visit, kind), value=kind, selected=asked["kind"] == kind or None)
        with tag("select", classes="pw-input", name_="who", aria_label=say("audit.everybody")):
            tag("option", say("audit.everybody"), value="")
            for user, name in people.items():
                tag("option", name, value=user, selected=asked["who"] == user or None)
        for name in ("since", "until"):
            with tag("label", classes="pw-labelled"):
                tag("span", say(f"audit.{name}"))
                tag("input", "", "pw-input", type="date", name_=name, value=asked[name])
        if asked["action"]:
            tag("input", type="hidden", name_="action", value=asked["action"])
            tag("span", action_in_words(visit, asked["kind"], asked["action"]), "pw-flag")
        tag("button", say("audit.narrow"), "pw-button pw-second", type="submit")
        if any(asked.values()):
            tag("a", say("console.filter.clear"), "pw-quiet", href="/audit")


def _table(visit: Visit, rows: list[tuple[AuditEvent, Told]], subjects: dict[uuid.UUID, tuple[str, str]]) -> None:
    say = visit.say
    if not rows:
        tag("p", say("audit.nothing"), "pw-empty")
        return
    with (
        tag("div", classes="pw-table-frame pw-card", tabindex="0", role="region", aria_label=say("audit.title")),
        tag("table", classes="pw-table pw-roomy"),
    ):
        with tag("thead"), tag("tr"):
            for column in ("seq", "at", "who", "kind", "subject", "action", "details"):
                tag("th", say(f"audit.column.{column}"), scope="col")
        with tag("tbody"):
            for row, said in rows:
                name, href = subjects.get(row.subject_id, (str(row.subject_id)[:8], ""))
                with tag("tr", data_seq=str(row.seq)):
                    tag("td", str(row.seq), "pw-number")
                    tag("td", visit.moment(row.at), "pw-nowrap")
                    tag("td", said.who or "–")
                    tag("td", kind_in_words(visit, row.subject_kind))
                    with tag("td"):
                        tag("a", name, href=href) if href else tag("span", name)
                    tag("td", said.what)
                    with tag("td", classes="pw-details"):
                        for line in islice(said.details, 8):
                            tag("div", line)


class _Chain:
    """The button that goes through the whole log, and what it found."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        with tag("section", classes="pw-card pw-chain", aria_label=visit.say("audit.chain")):
            with tag("div", classes="pw-head-line"):
                button = tag("button", visit.say("audit.verify"), "pw-button pw-second", type="button")
                button.on("click", self._verify)
                tag("span", visit.say("audit.chain_lead"), "pw-lead")
            self._said = text("p")
            self._said.props["role"] = "status"
            self._head = text("code").classes("pw-secret")
            for one in (self._said, self._head):
                one.set_visibility(False)

    async def _verify(self) -> None:
        visit = self._visit
        self._said.set_text(visit.say("audit.verifying"))
        self._said.classes(replace="pw-lead").set_visibility(True)
        with told(visit):
            findings, head = await visit.read(_proved)
            if findings:
                words = "; ".join(findings)
                self._said.set_text(visit.say("audit.touched", count=len(findings), words=words))
            else:
                self._said.set_text(
                    visit.say("audit.untouched", at=visit.moment(datetime.now(visit.service.settings.zone)))
                )
            self._said.classes(replace="pw-refusal" if findings else "pw-good")
            self._head.set_text(head)
            self._head.set_visibility(True)
            ui.update(self._said)


def _proved(session: Session, caller: Caller) -> tuple[list[str], str]:
    """Give what was touched, and the end of the log to be noted down."""
    caller.require(Permission.view_audit)
    end = audit.head(session)
    head = f"{end.seq}:{end.hash}"
    found = (one.words for one in audit.verify(session) if one is not None)
    return list(islice(found, MOST_FINDINGS)), head
