"""Keys and sign-in: what may happen. Keys and codes are compared by hash and are never logged."""

import hashlib
import os
import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from itsdangerous import BadSignature, TimestampSigner
from sqlalchemy.orm import Session

from api.accounts.schemas import Caller, Role
from api.accounts.tables import ApiKey, SignInCode
from api.database import now
from api.errors import NotFound, NotSignedIn, Unfit
from api.paging import Window, cut

KEY_PREFIX = "pw_"
CODE_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)  # a working day


def make_key(session: Session, *, name: str, role: Role) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which is shown once and kept nowhere."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(name=name, role=role, sha256=_digest(key), created_at=now())
    session.add(row)
    session.flush()
    return row, key


def list_keys(session: Session, window: Window) -> tuple[list[ApiKey], str | None]:
    """Give one page of the keys, newest first."""
    return cut(session, sa.select(ApiKey), ApiKey, window)


def revoke_key(session: Session, key_id: uuid.UUID) -> ApiKey:
    """Take a key out of use at once.

    Raises:
        NotFound: there is no such key.
        Unfit: it is the last key of an administrator, and nobody could make another.
    """
    # Locked before they are counted: two administrators who revoke each other at once would leave none.
    admins = sa.select(ApiKey.id).where(ApiKey.role == Role.admin, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    in_use = set(session.scalars(admins.with_for_update()))
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    if in_use == {key_id}:
        raise Unfit("This is the last key of an administrator. Make another one before revoking it.")
    row.revoked_at = row.revoked_at or now()
    return row


def _count(session: Session, *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(ApiKey).where(*conditions)) or 0


def caller_of_key(session: Session, key: str) -> Caller | None:
    """Give the caller who holds `key`; None where it is unknown or revoked."""
    row = session.scalar(sa.select(ApiKey).where(ApiKey.sha256 == _digest(key), ApiKey.revoked_at.is_(None)))
    return _caller(row)


def caller_of_id(session: Session, key_id: uuid.UUID) -> Caller | None:
    """Give the caller of a key already proved; None where it has been revoked meanwhile."""
    row = session.get(ApiKey, key_id)
    return _caller(row if row is not None and row.revoked_at is None else None)


def _caller(row: ApiKey | None) -> Caller | None:
    return Caller(key_id=row.id, name=row.name, role=Role(row.role)) if row else None


def names_of(session: Session, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give the names of keys, revoked ones too, so that a history can say who did what."""
    rows = session.scalars(sa.select(ApiKey).where(ApiKey.id.in_(set(key_ids))))
    return {row.id: row.name for row in rows}


def first_admin(session: Session) -> ApiKey:
    """Give the oldest key of an administrator that is in use; `first_start` has made sure that there is one."""
    query = sa.select(ApiKey).where(ApiKey.role == Role.admin, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    return session.scalars(query.limit(1)).one()


def make_code(session: Session, key_id: uuid.UUID) -> str:
    """Make a code that signs one browser in, once, within a quarter of an hour."""
    session.execute(sa.delete(SignInCode).where(SignInCode.expires_at < now()))
    code = secrets.token_urlsafe(24)
    session.add(SignInCode(key_id=key_id, sha256=_digest(code), expires_at=now() + CODE_LIFE))
    session.flush()
    return code


def use_code(session: Session, code: str) -> Caller:
    """Give the caller whom a code signs in, and spend it.

    Raises:
        NotSignedIn: unknown, spent or too old.
    """
    spent = session.execute(
        sa.update(SignInCode)
        .where(SignInCode.sha256 == _digest(code), SignInCode.used_at.is_(None), SignInCode.expires_at > now())
        .values(used_at=now())
        .returning(SignInCode.key_id)
    ).scalar_one_or_none()
    caller = caller_of_id(session, spent) if spent else None
    if caller is None:
        raise NotSignedIn("This sign-in link was used before or is too old. Ask for a new one or use an access key.")
    return caller


class Sessions:
    """Signs and reads the browser's session cookie: the key's id and the time, nothing secret."""

    def __init__(self, secret: str) -> None:
        self._signer = TimestampSigner(secret, salt="pointwatch.session", digest_method=hashlib.sha256)

    def write(self, key_id: uuid.UUID) -> str:
        """Give the cookie's value for a caller who has just signed in."""
        return self._signer.sign(key_id.hex).decode()

    def read(self, cookie: str) -> uuid.UUID | None:
        """Give whom a cookie stands for; None where it is forged or older than a working day."""
        try:
            return uuid.UUID(self._signer.unsign(cookie, max_age=int(SESSION_LIFE.total_seconds())).decode())
        except (BadSignature, ValueError):
            return None


def first_start(session: Session, data_dir: Path) -> None:
    """Make the administrator's key where none exists, and leave it in a file that only this user can read."""
    if _count(session, ApiKey.role == Role.admin, ApiKey.revoked_at.is_(None)):
        return
    _, key = make_key(session, name="First administrator", role=Role.admin)
    write_secret(admin_key_file(data_dir), key, replace=True)


def admin_key_file(data_dir: Path) -> Path:
    """Give the file in which the first administrator's key is left."""
    return data_dir / "secrets" / "admin.key"


def session_secret(data_dir: Path) -> str:
    """Give the secret that signs sessions, made on first use."""
    path = data_dir / "secrets" / "session.key"
    write_secret(path, secrets.token_urlsafe(48), replace=False)
    return path.read_text(encoding="ascii").strip()


def write_secret(path: Path, text: str, *, replace: bool) -> None:
    """Write a secret into a 0600 file, whole or not at all; an existing one stays unless `replace`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.parent / f".{uuid.uuid4().hex}.part"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            try:
                os.link(beside, path)  # fails where another process was first: its secret is the one
            except FileExistsError:
                return
    finally:
        beside.unlink(missing_ok=True)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
