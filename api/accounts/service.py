"""Users, keys and sign-in: what may happen. Keys and codes are compared by hash and are never logged."""

import hashlib
import secrets
import unicodedata
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission, Role
from api.accounts.schemas import Caller, Granted, ScopeKind, UserKind
from api.accounts.secret_files import admin_key_file, write_secret
from api.accounts.tables import ApiKey, Grant, SignInCode, SignInSession, User
from api.database import now
from api.errors import Conflict, NotFound, NotSignedIn, Unfit
from api.paging import Window, cut

KEY_PREFIX = "pw_"
CODE_LIFE = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use of a key or a session is kept
FIRST_LOGIN = "admin"


def fold(login: str) -> str:
    """Give a login name as it is kept and compared: width, case and blanks at the ends do not count."""
    plain = login.replace("\0", "\ufffd")  # which PostgreSQL can be asked for, and which nobody is called
    return unicodedata.normalize("NFKC", plain).strip().casefold()


def add_user(
    session: Session,
    *,
    login: str,
    name: str,
    kind: UserKind,
    grants: Iterable[Granted] = (),
    phone: str | None = None,
    email: str | None = None,
    language: str | None = None,
) -> User:
    """Add a user.

    Raises:
        Conflict: the login name is taken.
    """
    login = fold(login)
    if session.scalar(sa.select(User.id).where(User.login == login)):
        raise Conflict(f"There is a user {login} already. Choose another login name.")
    at = now()
    user = User(
        login=login,
        name=name,
        kind=kind,
        phone=phone,
        email=email,
        language=language,
        active=True,
        must_change_password=False,
        created_at=at,
        updated_at=at,
        revision=1,
    )
    session.add(user)
    session.flush()
    for grant in dict.fromkeys(grants):
        session.add(Grant(user_id=user.id, created_at=at, **grant.model_dump()))
    session.flush()
    return user


def add_service(session: Session, *, name: str, role: Role) -> User:
    """Add a service that has a role everywhere; its login name, which nobody types, is made up."""
    login = f"service-{secrets.token_hex(8)}"
    return add_user(session, login=login, name=name, kind=UserKind.service, grants=[Granted(role=role)])


def get_user(session: Session, user_id: uuid.UUID) -> User:
    """Give a user.

    Raises:
        NotFound: there is no such user.
    """
    found = session.get(User, user_id)
    if found is None:
        raise NotFound(f"There is no user {user_id}.")
    return found


def make_key(
    session: Session,
    user_id: uuid.UUID,
    *,
    name: str,
    permissions: Collection[Permission] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of a user; the second value is the key itself, which is shown once and kept nowhere.

    Args:
        permissions: the key may no more than these; None: all that its user may.

    Raises:
        NotFound: there is no such user. Unfit: it would have ended already.
    """
    get_user(session, user_id)
    if expires_at is not None and expires_at <= now():
        raise Unfit("expires_at lies in the past.")
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        user_id=user_id,
        name=name,
        sha256=digest(key),
        permissions=None if permissions is None else sorted(permissions),
        created_at=now(),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row, key


def list_keys(session: Session, window: Window, *, user_id: uuid.UUID | None = None) -> tuple[list[ApiKey], str | None]:
    """Give one page of the keys, of one user or of all, newest first."""
    query = sa.select(ApiKey) if user_id is None else sa.select(ApiKey).where(ApiKey.user_id == user_id)
    return cut(session, query, ApiKey, window)


def revoke_key(session: Session, key_id: uuid.UUID) -> ApiKey:
    """Take a key out of use at once.

    Raises:
        NotFound: there is no such key.
        Unfit: it is the last key of an administrator, and nobody could make another.
    """
    # Locked before they are counted: two administrators who revoke each other at once would leave none.
    in_use = set(session.scalars(_keys_of_admins().with_for_update()))
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    if in_use == {key_id}:
        raise Unfit("This is the last key of an administrator. Make another one before revoking it.")
    row.revoked_at = row.revoked_at or now()
    return row


def _keys_of_admins() -> sa.Select[uuid.UUID]:
    """Give the query of the keys in use that carry all that an administrator may."""
    whole = (ApiKey.revoked_at.is_(None), ApiKey.permissions.is_(None), ApiKey.expires_at.is_(None))
    return sa.select(ApiKey.id).where(ApiKey.user_id.in_(_admins()), *whole).order_by(ApiKey.id)


def _admins() -> sa.Select[uuid.UUID]:
    """Give the query of the active users who are administrators of everything."""
    everything = (Grant.role == Role.admin, Grant.scope_kind == ScopeKind.everywhere)
    return sa.select(User.id).where(User.active, User.id.in_(sa.select(Grant.user_id).where(*everything)))


def caller_of_key(session: Session, key: str) -> Caller | None:
    """Give the caller who holds `key`; None where it is unknown, revoked or expired, or its user inactive."""
    row = session.scalar(sa.select(ApiKey).where(ApiKey.sha256 == digest(key)))
    return _caller_by_key(session, row)


def caller_again(
    session: Session, *, user_id: uuid.UUID, key_id: uuid.UUID | None, sitting: SignInSession | None = None
) -> Caller | None:
    """Give a caller already proved, as they are now; None where they may no longer come in."""
    if key_id is not None:
        return _caller_by_key(session, session.get(ApiKey, key_id), sitting)
    return _caller(session, session.get(User, user_id), sitting=sitting)


def _caller_by_key(session: Session, row: ApiKey | None, sitting: SignInSession | None = None) -> Caller | None:
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now()):
        return None
    return _caller(session, session.get(User, row.user_id), row, sitting)


def _caller(
    session: Session, user: User | None, key: ApiKey | None = None, sitting: SignInSession | None = None
) -> Caller | None:
    if user is None or not user.active:
        return None
    grants = session.scalars(sa.select(Grant).where(Grant.user_id == user.id).order_by(Grant.id))
    used_at = sitting.last_seen_at if sitting else key.last_used_at if key else None
    return Caller(
        user_id=user.id,
        key_id=key.id if key else None,
        session_id=sitting.id if sitting else None,
        name=user.name,
        grants=tuple(Granted.model_validate(grant, from_attributes=True) for grant in grants),
        limited_to=None if key is None or key.permissions is None else frozenset(map(Permission, key.permissions)),
        must_change_password=user.must_change_password and key is None,
        noted=used_at is not None and used_at > now() - SEEN_EVERY,
    )


def note_use(session: Session, caller: Caller) -> None:
    """Write down that a key or a session was used, unless another request of this minute has."""
    at = now()
    if caller.session_id is not None:
        seen = sa.update(SignInSession).where(
            SignInSession.id == caller.session_id, SignInSession.last_seen_at <= at - SEEN_EVERY
        )
        session.execute(seen.values(last_seen_at=at))
    elif caller.key_id is not None:
        unseen = sa.or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= at - SEEN_EVERY)
        session.execute(sa.update(ApiKey).where(ApiKey.id == caller.key_id, unseen).values(last_used_at=at))


def names_of(session: Session, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give the names of users, inactive ones too, so that a history can say who did what."""
    rows = session.scalars(sa.select(User).where(User.id.in_(set(user_ids))))
    return {row.id: row.name for row in rows}


def ids_with_role(
    session: Session, role: Role, *, community: str | None = None, department: str | None = None
) -> set[uuid.UUID]:
    """Give the users in force who have a role everywhere, or in this community or department."""
    here = sa.or_(
        Grant.scope_kind == ScopeKind.everywhere,
        sa.and_(Grant.scope_kind == ScopeKind.community, Grant.scope_value == (community or "")),
        sa.and_(Grant.scope_kind == ScopeKind.department, Grant.scope_value == (department or "")),
    )
    query = sa.select(Grant.user_id).join(User, User.id == Grant.user_id).where(User.active, Grant.role == role, here)
    return set(session.scalars(query))


def people_by_login(session: Session, logins: Iterable[str]) -> dict[str, User]:
    """Give the people in force by their login names, each as it was written."""
    wanted = {login: fold(login) for login in logins}
    query = sa.select(User).where(User.active, User.kind == UserKind.person, User.login.in_(wanted.values()))
    found = {user.login: user for user in session.scalars(query)} if wanted else {}
    return {login: found[folded] for login, folded in wanted.items() if folded in found}


def people_in_force(session: Session) -> dict[str, str]:
    """Give every person who may sign in as login and name, by login, to choose from."""
    query = sa.select(User.login, User.name).where(User.active, User.kind == UserKind.person).order_by(User.login)
    return {login: f"{login} {name}" for login, name in session.execute(query).tuples()}


def in_force(session: Session, user_ids: Iterable[uuid.UUID | None]) -> set[uuid.UUID]:
    """Give those of these users who are active."""
    return set(session.scalars(sa.select(User.id).where(User.active, User.id.in_(set(user_ids) - {None}))))


def users_by_id(session: Session, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, User]:
    """Give the users with these ids."""
    return {row.id: row for row in session.scalars(sa.select(User).where(User.id.in_(set(user_ids))))}


def keep_an_admin(session: Session, *, without: uuid.UUID) -> None:
    """Make sure that there is an administrator of everything beside this user.

    Raises:
        Unfit: there would be none.
    """
    # Locked before they are counted: two administrators who remove each other at once would leave none.
    if set(session.scalars(_admins().order_by(User.id).with_for_update())) <= {without}:
        raise Unfit("This is the last administrator. Make another one first.")


def first_admin(session: Session) -> User:
    """Give the oldest active administrator; `first_start` has made sure that there is one."""
    return session.get_one(User, session.scalars(_admins().order_by(User.id).limit(1)).one())


def make_code(session: Session, user_id: uuid.UUID) -> str:
    """Make a code that signs one browser in, once, within a quarter of an hour."""
    session.execute(sa.delete(SignInCode).where(SignInCode.expires_at < now()))
    code = secrets.token_urlsafe(24)
    session.add(SignInCode(user_id=user_id, sha256=digest(code), expires_at=now() + CODE_LIFE))
    session.flush()
    return code


def use_code(session: Session, code: str) -> Caller:
    """Give the caller whom a code signs in, and spend it.

    Raises:
        NotSignedIn: unknown, spent or too old.
    """
    spent = session.execute(
        sa.update(SignInCode)
        .where(SignInCode.sha256 == digest(code), SignInCode.used_at.is_(None), SignInCode.expires_at > now())
        .values(used_at=now())
        .returning(SignInCode.user_id)
    ).scalar_one_or_none()
    caller = caller_again(session, user_id=spent, key_id=None) if spent else None
    if caller is None:
        raise NotSignedIn("This sign-in link was used before or is too old. Ask for a new one or use an access key.")
    return caller


def first_start(session: Session, data_dir: Path) -> None:
    """Make an administrator where there is none who can come in, and leave the key in a file for this user alone."""
    if session.scalar(_keys_of_admins().limit(1)):
        return
    found = session.scalar(_admins().order_by(User.id).limit(1))
    if found is None:
        taken = session.scalar(sa.select(User.id).where(User.login == FIRST_LOGIN))
        login = f"{FIRST_LOGIN}-{secrets.token_hex(4)}" if taken else FIRST_LOGIN
        name, kind, grants = "First administrator", UserKind.person, [Granted(role=Role.admin)]
        found = add_user(session, login=login, name=name, kind=kind, grants=grants).id
    _, key = make_key(session, found, name="First start")
    write_secret(admin_key_file(data_dir), key, replace=True)


def digest(secret: str) -> str:
    """Give what is kept of a random secret; one that people choose needs a slow hash instead, see `passwords`."""
    return hashlib.sha256(secret.encode()).hexdigest()
