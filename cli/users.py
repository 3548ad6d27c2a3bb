"""`pointwatch users` and `keys`: who may come in, managed beside the running service."""

import sys
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.office import open_office

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.accounts.schemas import Granted

users = typer.Typer(help="The people and services that may come in, and their roles.", no_args_is_help=True)
keys = typer.Typer(help="The keys that services sign in with.", no_args_is_help=True)

Model = TypeVar("Model")
Login = Annotated[str, typer.Argument(help="the name to sign in with")]
RoleName = Annotated[str, typer.Argument(help="viewer, inspector, reviewer, handler, secretary, … or admin")]
Community = Annotated[str, typer.Option(help="only there: a community's name")]
Department = Annotated[str, typer.Option(help="only there: a department's code")]
Point = Annotated[str, typer.Option(help="only there: a point's code")]


@users.command("add")
def add(
    login: Login,
    name: Annotated[str, typer.Argument(help="the name that others see")],
    role: Annotated[str, typer.Option(help="a first role; `users grant` gives more")] = "",
    community: Community = "",
    department: Department = "",
    point: Point = "",
    service: Annotated[bool, typer.Option("--service", help="a machine: keys alone, no password")] = False,
) -> None:
    """Add a user; a person's first password is printed, good for one sign-in."""
    from api.accounts import passwords
    from api.accounts import users as accounts
    from api.accounts.schemas import NewUser, UserKind

    grants = [_granted(role, community, department, point)] if role else []
    kind = UserKind.service if service else UserKind.person
    wanted = _checked(NewUser, {"login": login, "name": name, "kind": kind, "grants": grants})
    first = passwords.first()
    kept = passwords.keep(first)
    context = open_office()
    with context.database.write() as session:
        accounts.add(session, wanted, None, kept=kept)
    context.database.close()
    if not service:
        _say_password(login, first)


@users.command("list")
def list_users() -> None:
    """List the users with their roles, newest first."""
    from api.accounts import users as accounts
    from api.paging import MOST, Window

    context = open_office()
    window: Window | None = Window(limit=MOST)
    while window:
        with context.database.read() as session:
            rows, following = accounts.list_users(session, window)
            grants = accounts.grants_of(session, [row.id for row in rows])
        for row in rows:
            held = ", ".join(_in_words(one.role, one.scope_kind, one.scope_value) for one in grants[row.id])
            print(
                f"{row.login:<24} {row.kind:<8} {'active' if row.active else 'inactive':<9} {row.name}: {held or '-'}"
            )
        window = Window(cursor=following, limit=MOST) if following else None
    context.database.close()


@users.command("grant")
def grant(
    login: Login, role: RoleName, community: Community = "", department: Department = "", point: Point = ""
) -> None:
    """Give a user a role, everywhere or only at one community, department or point."""
    from api.accounts import users as accounts

    wanted = _granted(role, community, department, point)
    context = open_office()
    with context.database.write() as session:
        accounts.grant(session, _user_id(session, login), wanted, None, revision=None)
    context.database.close()
    print(f"{login} is {_in_words(wanted.role, wanted.scope_kind, wanted.scope_value)} now")


@users.command("revoke")
def revoke(
    login: Login, role: RoleName, community: Community = "", department: Department = "", point: Point = ""
) -> None:
    """Take a role back at once, as it was granted."""
    from api.accounts import users as accounts
    from api.errors import NotFound

    wanted = _granted(role, community, department, point)
    words = _in_words(wanted.role, wanted.scope_kind, wanted.scope_value)
    context = open_office()
    with context.database.write() as session:
        user_id = _user_id(session, login)
        held = accounts.grants_of(session, [user_id])[user_id]
        same = [
            one.id
            for one in held
            if (one.role, one.scope_kind, one.scope_value) == (wanted.role, wanted.scope_kind, wanted.scope_value)
        ]
        if not same:
            raise NotFound(f"{login} is not {words}; `pointwatch users list` shows what they are.")
        accounts.withdraw(session, user_id, same[0], None, revision=None)
    context.database.close()
    print(f"{login} is no longer {words}")


@users.command("password")
def password(login: Login) -> None:
    """Give a person a new password, good for one sign-in; all their sessions end."""
    from api.accounts import passwords
    from api.accounts import users as accounts

    first = passwords.first()
    kept = passwords.keep(first)
    context = open_office()
    with context.database.write() as session:
        accounts.reset_password(session, _user_id(session, login), None, kept=kept)
    context.database.close()
    _say_password(login, first)


@users.command("deactivate")
def deactivate(login: Login) -> None:
    """Shut a user out at once, with all sessions and keys; what they did keeps their name."""
    _set_active(login, active=False)


@users.command("activate")
def activate(login: Login) -> None:
    """Let a user in again."""
    _set_active(login, active=True)


@keys.command("list")
def list_keys() -> None:
    """List the keys, newest first; the keys themselves are kept nowhere."""
    from api.accounts import service
    from api.database import now
    from api.paging import MOST, Window

    context = open_office()
    window: Window | None = Window(limit=MOST)
    while window:
        with context.database.read() as session:
            rows, following = service.list_keys(session, window)
            names = service.names_of(session, [row.user_id for row in rows])
        for row in rows:
            state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}Z" if row.revoked_at else "in use"
            if not row.revoked_at and row.expires_at:
                state = f"{'ends' if row.expires_at > now() else 'ended'} {row.expires_at:%Y-%m-%d %H:%M}Z"
            used = f"used {row.last_used_at:%Y-%m-%d %H:%M}Z" if row.last_used_at else "never used"
            whose = "" if names[row.user_id] == row.name else f" of {names[row.user_id]}"
            print(f"{row.id}  {state:<26} {used:<23} {row.name}{whose}")
        window = Window(cursor=following, limit=MOST) if following else None
    context.database.close()


@keys.command("make")
def make_key(
    name: Annotated[str, typer.Argument(help="what it is for")],
    user: Annotated[str, typer.Option(help="login name of its user; without it a service of that name is made")] = "",
    role: Annotated[str, typer.Option(help="of the service that is made")] = "inspector",
    permission: Annotated[list[str] | None, typer.Option(help="it may only this; can be given several times")] = None,
    days: Annotated[int, typer.Option(min=0, max=3650, help="how long it lives; 0: until it is revoked")] = 0,
) -> None:
    """Make a key and print it, this once."""
    from api.accounts import service
    from api.accounts import users as accounts
    from api.accounts.schemas import NewKey
    from api.database import now

    expires_at = now() + timedelta(days=days) if days else None
    fields = {"name": name, "role": role, "permissions": permission or None, "expires_at": expires_at}
    wanted = _checked(NewKey, fields)
    context = open_office()
    with context.database.write() as session:
        user_id = _user_id(session, user) if user else service.add_service(session, name=name, role=wanted.role).id
        row, key = service.make_key(
            session, user_id, name=wanted.name, permissions=wanted.permissions, expires_at=expires_at
        )
        accounts.note_key(session, row, "key_made", None)
    context.database.close()
    print(key)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="the id that `keys list` shows")]) -> None:
    """Take a key out of use at once."""
    from api.accounts import service
    from api.accounts import users as accounts
    from api.errors import Unfit

    try:
        parsed = uuid.UUID(key_id)
    except ValueError as error:
        raise Unfit(f"{key_id!r} is not the id of a key; `pointwatch keys list` shows them.") from error
    context = open_office()
    with context.database.write() as session:
        accounts.note_key(session, service.revoke_key(session, parsed), "key_revoked", None)
    context.database.close()
    print(f"{parsed} is revoked")


def _set_active(login: str, *, active: bool) -> None:
    from api.accounts import users as accounts
    from api.accounts.schemas import UserChange

    context = open_office()
    with context.database.write() as session:
        accounts.change(session, _user_id(session, login), UserChange(active=active), None, revision=None)
    context.database.close()
    print(f"{login} is {'active' if active else 'inactive'} now")


def _user_id(session: "Session", login: str) -> uuid.UUID:
    from api.accounts import users as accounts

    return accounts.by_login(session, login).id


def _granted(role: str, community: str, department: str, point: str) -> "Granted":
    from api.accounts.schemas import Granted
    from api.errors import Unfit

    scopes = {"community": community, "department": department, "point": point}
    named = [(kind, value) for kind, value in scopes.items() if value]
    if len(named) > 1:
        raise Unfit("Name a community, a department or a point, not several; grant the role once for each.")
    kind, value = named[0] if named else ("everywhere", "")
    return _checked(Granted, {"role": role, "scope_kind": kind, "scope_value": value})


def _checked(model: type[Model], fields: Mapping[str, object]) -> Model:
    """Give a record of what was typed.

    Raises:
        Unfit: naming the first thing that cannot be.
    """
    from pydantic import ValidationError

    from api.errors import Unfit

    try:
        return model(**fields)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise Unfit(f"{where}: {wrong['msg']}.") from error


def _in_words(role: str, kind: str, value: str) -> str:
    return str(role) if not value else f"{role} ({kind} {value})"


def _say_password(login: str, first: str) -> None:
    print(first)
    print(f"That is the first password of {login}: good for one sign-in, which asks for another.", file=sys.stderr)
