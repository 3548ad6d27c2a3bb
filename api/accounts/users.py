"""Users and their grants: what administrators do. Takes a session, never commits.

Nobody gives more than they have: a key that may only manage users makes no administrator.
"""

import uuid
from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service, sessions
from api.accounts.roles import PERMISSIONS, Permission, Role
from api.accounts.schemas import EVERYWHERE, Caller, Granted, NewUser, ScopeKind, UserChange, UserKind
from api.accounts.tables import ApiKey, Grant, User
from api.audit import service as audit
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, NotSignedIn, Stale, Unfit
from api.paging import Window, cut

SUBJECT = "user"  # of the audit log; it names what was changed, never phones, addresses or secrets


def add(session: Session, wanted: NewUser, caller: Caller | None, *, kept: str) -> User:
    """Add a user; a person signs in once with the password that is `kept` and then chooses their own.

    Args:
        caller: who adds them; None: an operator on the machine itself.

    Raises:
        Conflict: the login name is taken. Forbidden: the caller may less than the new user would.
    """
    for grant in wanted.grants:
        _check_may_give(caller, PERMISSIONS[grant.role])
    user = service.add_user(
        session,
        login=wanted.login,
        name=wanted.name,
        kind=wanted.kind,
        grants=wanted.grants,
        phone=wanted.phone,
        email=wanted.email,
        language=wanted.language,
    )
    if user.kind == UserKind.person:
        user.password_hash, user.must_change_password = kept, True
    session.flush()
    _note(session, caller, user.id, "added", grants=[_words(grant) for grant in wanted.grants])
    return user


def list_users(session: Session, window: Window, *, active: bool | None = None) -> tuple[list[User], str | None]:
    """Give one page of the users, newest first."""
    query = sa.select(User)
    if active is not None:
        query = query.where(User.active == active)
    return cut(session, query, User, window)


def by_login(session: Session, login: str) -> User:
    """Give a user by the login name.

    Raises:
        NotFound: there is no such user.
    """
    found = session.scalar(sa.select(User).where(User.login == service.fold(login)))
    if found is None:
        raise NotFound(f"There is no user {login[:80]!r}.")
    return found


def grants_of(session: Session, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Grant]]:
    """Give the grants of users, oldest first."""
    found: dict[uuid.UUID, list[Grant]] = {user_id: [] for user_id in user_ids}
    for grant in session.scalars(sa.select(Grant).where(Grant.user_id.in_(found)).order_by(Grant.id)):
        found[grant.user_id].append(grant)
    return found


def change(
    session: Session, user_id: uuid.UUID, wanted: UserChange, caller: Caller | None, *, revision: int | None
) -> User:
    """Change what is said of a user; one who is no longer active is out at once, with all sessions and keys.

    Raises:
        NotFound, Stale; Unfit: it is the last administrator. Forbidden: the user may more than the caller.
    """
    user = _held(session, user_id, caller, revision)
    said = wanted.model_dump(exclude_unset=True)
    if said.get("active") is False and user.active:
        service.keep_an_admin(session, without=user_id)
        sessions.end_all(session, user_id)
    changed = sorted(name for name, value in said.items() if getattr(user, name) != value)
    for name, value in said.items():
        setattr(user, name, value)
    action = ("activated" if user.active else "deactivated") if "active" in changed else "changed"
    _note(session, caller, user_id, action, fields=changed)
    return _changed(session, user)


def grant(
    session: Session, user_id: uuid.UUID, wanted: Granted, caller: Caller | None, *, revision: int | None
) -> User:
    """Give a user a role, everywhere or within a scope.

    Raises:
        NotFound, Stale; Conflict: they have it already. Forbidden: the caller has less.
    """
    _check_may_give(caller, PERMISSIONS[wanted.role])
    user = _held(session, user_id, None, revision)
    if session.scalar(sa.select(Grant.id).filter_by(user_id=user_id, **wanted.model_dump())):
        raise Conflict(f"{user.login} has this grant already.")
    session.add(Grant(user_id=user_id, created_at=now(), **wanted.model_dump()))
    _note(session, caller, user_id, "granted", grants=[_words(wanted)])
    return _changed(session, user)


def withdraw(
    session: Session, user_id: uuid.UUID, grant_id: uuid.UUID, caller: Caller | None, *, revision: int | None
) -> User:
    """Take a role back at once.

    Raises:
        NotFound, Stale; Unfit: it makes the last administrator. Forbidden: the caller has less.
    """
    user = _held(session, user_id, None, revision)
    row = session.get(Grant, grant_id)
    if row is None or row.user_id != user_id:
        raise NotFound(f"{user.login} has no grant {grant_id}.")
    _check_may_give(caller, PERMISSIONS[Role(row.role)])
    if row.role == Role.admin and row.scope_kind == ScopeKind.everywhere:
        service.keep_an_admin(session, without=user_id)
    session.delete(row)
    _note(session, caller, user_id, "withdrawn", grants=[_words(Granted.model_validate(row, from_attributes=True))])
    return _changed(session, user)


def reset_password(session: Session, user_id: uuid.UUID, caller: Caller | None, *, kept: str) -> User:
    """Let a person sign in once with the password that is `kept` and then choose their own; all their sessions end.

    Raises:
        NotFound; Unfit: a service has no password. Forbidden: the user may more than the caller.
    """
    user = _held(session, user_id, caller, None)
    if user.kind != UserKind.person:
        raise Unfit(f"{user.login} is a service: it signs in with keys alone.")
    user.password_hash, user.must_change_password = kept, True
    sessions.end_all(session, user_id)
    _note(session, caller, user_id, "password_reset")
    return _changed(session, user)


def choose_password(session: Session, caller: Caller, *, proved: str | None, kept: str) -> None:
    """Let a person sign in with the password that is `kept` from now on; all their other sessions end.

    Args:
        proved: what was kept of the password that they have just shown; None where they had none.

    Raises:
        Conflict: somebody else has changed it meanwhile.
    """
    user = session.get_one(User, caller.user_id, with_for_update=True, populate_existing=True)
    if user.password_hash != proved:
        raise Conflict("The password was changed meanwhile. Sign in again.")
    user.password_hash, user.must_change_password = kept, False
    sessions.end_all(session, user.id, but=caller.session_id)
    _note(session, caller, user.id, "password_chosen")
    _changed(session, user)


def of_password(session: Session, login: str) -> tuple[uuid.UUID | None, str | None]:
    """Give the user of a login name and what is kept of the password, where they may sign in with one."""
    found = session.scalar(sa.select(User).where(User.login == service.fold(login), User.active))
    return (found.id, found.password_hash) if found else (None, None)


def signed_in(session: Session, user_id: uuid.UUID, proved: str) -> Caller:
    """Give the caller whose password has just been proved against `proved`.

    Raises:
        NotSignedIn: meanwhile the password was changed or the user was deactivated.
    """
    user = session.get(User, user_id)
    caller = service.caller_again(session, user_id=user_id, key_id=None)
    if user is None or caller is None or user.password_hash != proved:
        raise NotSignedIn
    return caller


def check_key(session: Session, user_id: uuid.UUID, permissions: Collection[Permission] | None, caller: Caller) -> None:
    """Make sure that a caller may make such a key of a user, or revoke it.

    Raises:
        NotFound; Forbidden: it could more than the caller.
    """
    user = service.get_user(session, user_id)
    may = _permissions_of(session, user.id)
    _check_may_give(caller, may if permissions is None else may & set(permissions))


def note_key(session: Session, key: ApiKey, action: str, caller: Caller | None) -> None:
    """Write down that a key was made or revoked."""
    _note(session, caller, key.user_id, action, key=str(key.id), name=key.name, permissions=key.permissions)


def _note(session: Session, caller: Caller | None, user_id: uuid.UUID, action: str, **data: object) -> None:
    by = caller.user_id if caller else None  # None: an operator on the machine itself
    entry = audit.Entry(subject_kind=SUBJECT, subject_id=user_id, action=action, by_user_id=by, data=data)
    audit.append(session, entry)


def _words(grant: Granted) -> str:
    return (
        grant.role
        if grant.scope_kind is ScopeKind.everywhere
        else f"{grant.role} {grant.scope_kind} {grant.scope_value}"
    )


def _permissions_of(session: Session, user_id: uuid.UUID) -> set[Permission]:
    roles = {Role(one.role) for one in grants_of(session, [user_id])[user_id]}
    return {permission for role in roles for permission in PERMISSIONS[role]}


def _check_may_give(caller: Caller | None, permissions: Collection[Permission]) -> None:
    if caller is None:
        return
    missing = sorted(one for one in permissions if caller.scope(one) != EVERYWHERE)
    if missing:
        raise Forbidden(f"You cannot give what you do not have everywhere: {', '.join(missing[:5])}.")


def _held(session: Session, user_id: uuid.UUID, caller: Caller | None, revision: int | None) -> User:
    """Give a user, locked, whom the caller may manage, if they are still at `revision` (None: whatever they are at)."""
    user = session.get(User, service.get_user(session, user_id).id, with_for_update=True, populate_existing=True)
    assert user is not None
    _check_may_give(caller, _permissions_of(session, user_id))
    if revision is not None and user.revision != revision:
        raise Stale(f"{user.login} is at revision {user.revision} now. Read it again, then repeat your change.")
    return user


def _changed(session: Session, user: User) -> User:
    user.revision += 1
    user.updated_at = now()
    session.flush()
    return user
