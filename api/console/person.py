"""One user: what is known of them, their roles, how they get in, and what was changed."""

import uuid
from dataclasses import dataclass

import anyio.to_thread
from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts import passwords, sessions, users
from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller, UserChange, UserKind
from api.accounts.tables import ApiKey, Grant, SignInSession, User
from api.console import people
from api.console.changes import Told, show_changes, what_changed
from api.console.forms import Form, Values, confirm, in_dialog, show_secret
from api.console.frame import frame
from api.console.registers import every
from api.console.tags import tag
from api.console.visit import Visit, told
from api.errors import NotFound
from api.paging import Window

LATEST_SESSIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One look at a user."""

    user: User
    grants: list[Grant]
    sessions: list[SignInSession]
    keys: list[ApiKey]
    told: list[Told]


async def show(visit: Visit, request: Request) -> None:
    """Build the page."""
    visit.caller.require(Permission.manage_users)
    try:
        user_id = uuid.UUID(str(request.path_params["user_id"]))
    except ValueError as error:
        raise NotFound("There is no such user.") from error
    found = await visit.read(lambda session, caller: _look(session, caller, visit, user_id))
    Person(visit, found)


def _look(session: Session, caller: Caller, visit: Visit, user_id: uuid.UUID) -> _Found:
    caller.require(Permission.manage_users)
    user = accounts.get_user(session, user_id)
    here, _ = sessions.list_sessions(session, user_id, Window(limit=LATEST_SESSIONS))
    return _Found(
        user=user,
        grants=users.grants_of(session, [user_id])[user_id],
        sessions=[one for one in here if one.ended_at is None],
        keys=every(lambda window: accounts.list_keys(session, window, user_id=user_id)),
        told=what_changed(session, visit, caller, users.SUBJECT, user_id),
    )


class Person:
    """The page of one user; after a change it is built anew."""

    def __init__(self, visit: Visit, found: _Found) -> None:
        """Build it."""
        self._visit, self._user = visit, found.user
        say, user = visit.say, found.user
        with frame(visit, title=user.name, path="/people"):
            tag("a", say("people.back"), "pw-back", href="/people")
            with tag("div", classes="pw-head"):
                tag("h1", user.name)
                tag("span", user.login, "pw-number")
                tag(
                    "span",
                    say("people.active" if user.active else "people.locked"),
                    "pw-state",
                    data_state="closed" if user.active else "open",
                )
            with tag("div", classes="pw-columns"):
                with tag("div", classes="pw-beside"):
                    self._facts()
                    self._roles(found.grants)
                with tag("div", classes="pw-beside"):
                    self._entry(found.sessions)
                    self._keys(found.keys)
                    show_changes(visit, found.told)

    async def _again(self) -> None:
        ui.navigate.to(f"/people/{self._user.id}")

    def _facts(self) -> None:
        say, user = self._visit.say, self._user
        with tag("section", classes="pw-card", aria_label=say("people.facts")):
            tag("h2", say("people.facts"))
            form = Form(self._visit)
            with tag("div", classes="pw-form-grid"):
                form.line("name", say("people.field.name"), user.name, most=80)
                form.line("phone", say("people.field.phone"), user.phone or "", most=32)
                form.line("email", say("people.field.email"), user.email or "", most=254)
                form.choice("language", say("people.field.language"), people.languages(self._visit), user.language)
            form.buttons(say("form.save"), self._save)

    async def _save(self, values: Values) -> None:
        wanted = UserChange.model_validate({**values, "name": values["name"] or " "})
        await self._change(wanted)

    async def _change(self, wanted: UserChange) -> None:
        user = self._user

        def change(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_users)
            users.change(session, user.id, wanted, caller, revision=user.revision)

        await self._visit.write(change)
        await self._again()

    def _roles(self, grants: list[Grant]) -> None:
        say = self._visit.say
        with tag("section", classes="pw-card", aria_label=say("people.roles")):
            tag("h2", say("people.roles"))
            if not grants:
                tag("p", say("people.no_roles"), "pw-lead")
            with tag("ul", classes="pw-grants"):
                for grant in grants:
                    words = people.grant_in_words(self._visit, grant)
                    with tag("li"):
                        tag("span", words)
                        label = say("people.withdraw")
                        out = tag("button", label, "pw-quiet", type="button", aria_label=f"{label}: {words}")
                        out.on("click", lambda _, one=grant.id: self._withdraw(one))
            tag("button", say("people.grant"), "pw-button pw-second", type="button").on("click", self._grant)

    async def _withdraw(self, grant_id: uuid.UUID) -> None:
        user = self._user

        def withdraw(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_users)
            users.withdraw(session, user.id, grant_id, caller, revision=user.revision)

        with told(self._visit):
            await self._visit.write(withdraw)
            await self._again()

    async def _grant(self) -> None:
        visit, user = self._visit, self._user
        places = await visit.read(people.scopes_of(visit))

        async def save(values: Values) -> None:
            wanted = people.read_grant(values)

            def grant(session: Session, caller: Caller) -> None:
                caller.require(Permission.manage_users)
                users.grant(session, user.id, wanted, caller, revision=user.revision)

            await visit.write(grant)

        title = visit.say("people.grant")
        if await in_dialog(visit, title, lambda form: people.grant_fields(visit, form, places), save):
            await self._again()

    def _entry(self, here: list[SignInSession]) -> None:
        say, user = self._visit.say, self._user
        with tag("section", classes="pw-card", aria_label=say("people.entry")):
            tag("h2", say("people.entry"))
            with tag("div", classes="pw-actions"):
                if user.kind == UserKind.person:
                    reset = tag("button", say("people.reset"), "pw-button pw-second", type="button")
                    reset.on("click", self._reset)
                label = say("people.lock" if user.active else "people.unlock")
                tag("button", label, "pw-button pw-second", type="button").on("click", self._lock)
            tag("p", say("people.signed_in", count=len(here)), "pw-hint")
            with tag("ul", classes="pw-grants"):
                for one in here:
                    with tag("li"):
                        tag("span", f"{one.agent[:60] or one.network} · {self._visit.moment(one.last_seen_at)}")
                        end = tag("button", say("account.end"), "pw-quiet", type="button")
                        end.on("click", lambda _, session_id=one.id: self._end(session_id))

    async def _reset(self) -> None:
        visit, user, say = self._visit, self._user, self._visit.say
        if not await confirm(visit, say("people.reset"), say("people.reset_sure"), say("people.reset")):
            return
        first = passwords.first()
        kept = await anyio.to_thread.run_sync(passwords.keep, first, limiter=visit.service.proving)

        def reset(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_users)
            users.reset_password(session, user.id, caller, kept=kept)

        with told(visit):
            await visit.write(reset)
            await show_secret(visit, say("people.reset"), say("people.first_password", login=user.login), first)
            await self._again()

    async def _lock(self) -> None:
        say, user = self._visit.say, self._user
        if user.active and not await confirm(
            self._visit, say("people.lock"), say("people.lock_sure"), say("people.lock")
        ):
            return
        with told(self._visit):
            await self._change(UserChange(active=not user.active))

    async def _end(self, session_id: uuid.UUID) -> None:
        user = self._user

        def end(session: Session, caller: Caller) -> None:
            caller.require(Permission.manage_users)
            sessions.end(session, user.id, session_id)

        with told(self._visit):
            await self._visit.write(end)
            await self._again()

    def _keys(self, keys: list[ApiKey]) -> None:
        say, visit = self._visit.say, self._visit
        with tag("section", classes="pw-card", aria_label=say("people.tab.keys")):
            tag("h2", say("people.tab.keys"))
            with tag("ul", classes="pw-grants"):
                for key in keys:
                    with tag("li"):
                        used = visit.moment(key.last_used_at) if key.last_used_at else say("people.never_used")
                        tag("span", f"{key.name} · {used}")
                        if people.ended(key):
                            tag("span", say("people.key.ended"), "pw-state")
                            continue
                        label = say("people.revoke")
                        out = tag("button", label, "pw-quiet", type="button", aria_label=f"{label}: {key.name}")
                        out.on("click", lambda _, one=key.id: people.revoke_key(visit, one, self._again))
            make = tag("button", say("people.make_key"), "pw-button pw-second", type="button")
            make.on("click", lambda: people.make_key(visit, self._user.id, self._again))
