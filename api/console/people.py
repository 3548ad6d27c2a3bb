"""Who works here: the users with their roles, the keys of programs, the posts and who holds them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts import passwords, users
from api.accounts import service as accounts
from api.accounts.roles import Permission, Role
from api.accounts.schemas import Caller, Granted, NewKey, NewUser, ScopeKind, UserKind
from api.accounts.tables import ApiKey, Grant, User
from api.console import holders
from api.console.components import Register
from api.console.forms import Form, Values, confirm, in_dialog, show_secret
from api.console.registers import every, register_texts
from api.console.tabs import Tab, show_tabs
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.points import service as points


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?tab=posts` opens it at the posts."""
    tabs = {
        "users": Tab(permission=Permission.manage_users, build=_users),
        "posts": Tab(permission=Permission.view_routing, build=holders.build),
        "keys": Tab(permission=Permission.manage_users, build=_keys),
    }
    say = visit.say
    await show_tabs(
        visit,
        request,
        address="/people",
        title=say("people.title"),
        name_of=lambda tab: say(f"people.tab.{tab}"),
        lead_of=lambda tab: say(f"people.lead.{tab}"),
        tabs=tabs,
    )


# --- users -----------------------------------------------------------------------------------------------------------


async def _users(visit: Visit) -> None:
    say = visit.say

    def look(session: Session, caller: Caller) -> list[tuple[User, list[Grant]]]:
        caller.require(Permission.manage_users)
        rows = every(lambda window: users.list_users(session, window))
        grants = users.grants_of(session, [one.id for one in rows])
        return [(one, grants[one.id]) for one in rows]

    found = await visit.read(look)
    with tag("div", classes="pw-toolbar"):
        tag("button", say("people.add"), "pw-button", type="button").on("click", lambda: _add_user(visit))
    columns = ("person", "roles", "kind", "state", "since")
    Register(
        label=say("people.tab.users"),
        columns=[{"label": say(f"people.column.{name}")} for name in columns],
        rows=[_user_row(visit, user, grants) for user, grants in found],
        filters=[
            {
                "name": "role",
                "label": say("people.every_role"),
                "options": [{"value": role.value, "label": say(f"role.{role}")} for role in Role],
            },
            {
                "name": "state",
                "label": say("people.every_state"),
                "options": [{"value": one, "label": say(f"people.{one}")} for one in ("active", "locked")],
            },
        ],
        texts=register_texts(visit, none=say("people.none")),
    )


def _user_row(visit: Visit, user: User, grants: list[Grant]) -> dict[str, Any]:
    state = "active" if user.active else "locked"
    roles = [grant_in_words(visit, grant) for grant in grants]
    cells: list[dict[str, Any]] = [
        {"text": user.name, "small": user.login},
        {"text": "；".join(roles) if visit.language == "zh" else "; ".join(roles)},
        {"text": visit.say(f"people.kind.{user.kind}")},
        {"text": visit.say(f"people.{state}"), "state": "closed" if user.active else "open"},
        {"text": visit.moment(user.created_at)},
    ]
    return {
        "key": str(user.id),
        "href": f"/people/{user.id}",
        "cells": cells,
        "tags": {"role": [one.role for one in grants], "state": state},
        "words": " ".join([user.login, *(str(cell["text"]) for cell in cells)]).lower(),
        "spent": not user.active,
    }


def grant_in_words(visit: Visit, grant: Grant | Granted) -> str:
    """Say a role and where it holds."""
    role = visit.say(f"role.{grant.role}")
    if grant.scope_kind == ScopeKind.everywhere:
        return role
    where = visit.name_of(grant.scope_value) if grant.scope_kind == ScopeKind.department else grant.scope_value
    return f"{role}（{where}）" if visit.language == "zh" else f"{role} ({where})"


async def _add_user(visit: Visit) -> None:
    say = visit.say
    places = await visit.read(scopes_of(visit))

    def build(form: Form) -> None:
        form.line("login", say("people.field.login"), most=40, hint=say("people.hint.login"))
        form.line("name", say("people.field.name"), most=80)
        kinds = {one.value: say(f"people.kind.{one}") for one in UserKind}
        form.choice("kind", say("people.field.kind"), kinds, UserKind.person.value)
        form.line("phone", say("people.field.phone"), most=32)
        form.line("email", say("people.field.email"), most=254)
        form.choice("language", say("people.field.language"), languages(visit))
        tag("h3", say("people.first_role"))
        grant_fields(visit, form, places)

    async def save(values: Values) -> None:
        grants = [read_grant(values)] if values["role"] else []
        plain = {name: values[name] for name in ("phone", "email", "language") if values[name]}
        kind = values["kind"] or UserKind.person
        wanted = NewUser.model_validate(
            {"login": values["login"] or "", "name": values["name"] or "", "kind": kind, "grants": grants, **plain}
        )
        first = passwords.first()
        kept = await anyio.to_thread.run_sync(passwords.keep, first, limiter=visit.service.proving)
        made = await visit.write(lambda session, caller: _added(session, caller, wanted, kept))
        if wanted.kind is UserKind.person:
            made_words = say("people.first_password", login=wanted.login)
            await show_secret(visit, say("people.added", name=wanted.name), made_words, first)
        _go(f"/people/{made}")

    await in_dialog(visit, say("people.add"), build, save)


def _added(session: Session, caller: Caller, wanted: NewUser, kept: str) -> uuid.UUID:
    caller.require(Permission.manage_users)
    return users.add(session, wanted, caller, kept=kept).id


def scopes_of(visit: Visit) -> Callable[[Session, Caller], dict[str, str]]:
    """Give what reads the places and departments that a role can be limited to, as options."""

    def look(session: Session, _: Caller) -> dict[str, str]:
        departments = {
            f"{ScopeKind.department}:{one.code}": f"{visit.say('people.scope.department')}：{visit.name_of(one.code)}"
            for one in visit.service.taxonomy.departments
        }
        communities = {
            f"{ScopeKind.community}:{one}": f"{visit.say('people.scope.community')}：{one}"
            for one in points.communities(session)
        }
        return {f"{ScopeKind.everywhere}:": visit.say("people.scope.everywhere"), **communities, **departments}

    return look


def grant_fields(visit: Visit, form: Form, places: dict[str, str]) -> None:
    """Add the fields of a role and where it holds."""
    roles = {role.value: visit.say(f"role.{role}") for role in Role}
    form.choice("role", visit.say("people.field.role"), roles)
    form.choice("scope", visit.say("people.field.scope"), places, f"{ScopeKind.everywhere}:")


def read_grant(values: Values) -> Granted:
    """Give the role of a filled-in form.

    Raises:
        ValidationError: none is chosen.
    """
    kind, _, value = str(values["scope"] or f"{ScopeKind.everywhere}:").partition(":")
    return Granted.model_validate({"role": values["role"] or "", "scope_kind": kind, "scope_value": value})


def languages(visit: Visit) -> dict[str, str]:
    """Give the languages to choose from."""
    return {one: visit.say(f"console.language.{one}_short") for one in ("zh", "en")}


# --- keys ------------------------------------------------------------------------------------------------------------


async def _keys(visit: Visit) -> None:
    say = visit.say
    with tag("div", classes="pw-toolbar"):
        make = tag("button", say("people.make_key"), "pw-button", type="button")
        make.on("click", lambda: make_key(visit, None, again))
    found = await visit.read(_look_keys)
    register = Register(**_keys_table(visit, *found))

    async def again() -> None:
        register.show(**_keys_table(visit, *await visit.read(_look_keys)))

    async def revoke(event: Any) -> None:
        await revoke_key(visit, uuid.UUID(str(event.args)), again)

    register.on("open", revoke)


def _look_keys(session: Session, caller: Caller) -> tuple[list[ApiKey], dict[uuid.UUID, str]]:
    caller.require(Permission.manage_users)
    rows = every(lambda window: accounts.list_keys(session, window))
    return rows, accounts.names_of(session, [one.user_id for one in rows])


def _keys_table(visit: Visit, rows: list[ApiKey], names: dict[uuid.UUID, str]) -> dict[str, Any]:
    say = visit.say
    columns = ("key", "owner", "may", "used", "expires", "state")
    return {
        "label": say("people.tab.keys"),
        "columns": [{"label": say(f"people.column.{name}")} for name in columns],
        "rows": [_key_row(visit, one, names.get(one.user_id, "")) for one in rows],
        "filters": [
            {
                "name": "state",
                "label": say("people.every_state"),
                "options": [{"value": one, "label": say(f"people.key.{one}")} for one in ("valid", "ended")],
            }
        ],
        "texts": register_texts(visit, none=say("people.no_keys")),
        "can_open": True,
    }


def ended(key: ApiKey) -> bool:
    """Say whether a key opens nothing any more."""
    return key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now())


def _key_row(visit: Visit, key: ApiKey, owner: str) -> dict[str, Any]:
    say, state = visit.say, "ended" if ended(key) else "valid"
    may = say("people.all_of_user") if key.permissions is None else ", ".join(key.permissions)
    cells: list[dict[str, Any]] = [
        {"text": key.name, "small": visit.moment(key.created_at)},
        {"text": owner, "href": f"/people/{key.user_id}"},
        {"text": may},
        {"text": visit.moment(key.last_used_at) if key.last_used_at else say("people.never_used")},
        {"text": visit.moment(key.expires_at) if key.expires_at else say("people.no_end")},
        {"text": say(f"people.key.{state}"), "state": "closed" if state == "valid" else ""},
    ]
    words = " ".join(str(cell["text"]) for cell in cells).lower()
    return {
        "key": str(key.id), "cells": cells, "tags": {"state": state}, "words": words, "spent": state == "ended"
    }  # fmt: skip


async def make_key(visit: Visit, owner: uuid.UUID | None, again: Callable[[], Any]) -> None:
    """Ask for what a key needs, make it, show it once."""
    say = visit.say

    def build(form: Form) -> None:
        form.line("name", say("people.field.key_name"), most=80, hint=say("people.hint.key_name"))
        if owner is None:
            roles = {role.value: say(f"role.{role}") for role in Role}
            form.choice("role", say("people.field.role"), roles, Role.inspector.value)
        form.day("expires", say("people.field.expires"), hint=say("people.hint.expires"))
        options = {one.value: one.value for one in Permission}
        form.choices("permissions", say("people.field.permissions"), options, [], hint=say("people.hint.permissions"))

    async def save(values: Values) -> None:
        expires = values["expires"]
        zone = visit.service.settings.zone
        wanted = NewKey.model_validate(
            {
                "name": values["name"] or "",
                "user_id": owner,
                "role": values.get("role") or Role.inspector,
                "permissions": values["permissions"] or None,
                "expires_at": datetime.combine(datetime.fromisoformat(expires), time(), zone).astimezone(UTC)
                if expires
                else None,
            }
        )
        key = await visit.write(lambda session, caller: _made(session, caller, wanted))
        await show_secret(visit, say("people.key_made", name=wanted.name), say("people.key_once"), key)
        await again()

    await in_dialog(visit, say("people.make_key"), build, save)


def _made(session: Session, caller: Caller, wanted: NewKey) -> str:
    caller.require(Permission.manage_users)
    owner = wanted.user_id or accounts.add_service(session, name=wanted.name, role=wanted.role).id
    users.check_key(session, owner, wanted.permissions, caller)
    row, key = accounts.make_key(
        session, owner, name=wanted.name, permissions=wanted.permissions, expires_at=wanted.expires_at
    )
    users.note_key(session, row, "key_made", caller)
    return key


async def revoke_key(visit: Visit, key_id: uuid.UUID, again: Callable[[], Any]) -> None:
    """Ask, then end a key at once."""
    say = visit.say
    if not await confirm(visit, say("people.revoke"), say("people.revoke_sure"), say("people.revoke")):
        return

    def revoke(session: Session, caller: Caller) -> None:
        caller.require(Permission.manage_users)
        users.note_key(session, accounts.revoke_key(session, key_id), "key_revoked", caller)

    with told(visit):
        await visit.write(revoke)
        await again()


def _go(address: str) -> None:
    from nicegui import ui

    ui.navigate.to(quote(address, safe="/?=&"))
