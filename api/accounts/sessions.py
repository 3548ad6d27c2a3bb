"""The sessions of browsers: rows, so that one ends at once, wherever it is ended."""

import secrets
import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.schemas import Caller
from api.accounts.tables import SignInSession
from api.accounts.throttle import KNOWN_FOR, network
from api.database import now
from api.errors import NotFound
from api.paging import Window, cut

LIFE = timedelta(hours=12)  # a working day


def begin(session: Session, caller: Caller, *, address: str, agent: str) -> str:
    """Open a session for a caller who has just signed in; give its token, which is kept nowhere."""
    at = now()
    session.execute(sa.delete(SignInSession).where(SignInSession.expires_at < at - KNOWN_FOR))
    token = secrets.token_urlsafe(32)
    session.add(
        SignInSession(
            user_id=caller.user_id,
            key_id=caller.key_id,
            sha256=service.digest(token),
            network=network(address),
            agent="".join(one for one in agent if one.isprintable())[:200],
            created_at=at,
            last_seen_at=at,
            expires_at=at + LIFE,
        )
    )
    session.flush()
    return token


def caller_of(session: Session, token: str) -> Caller | None:
    """Give the caller whose session this is; None where it is unknown, ended or over, or its user may not come in."""
    in_force = (SignInSession.ended_at.is_(None), SignInSession.expires_at > now())
    row = session.scalar(sa.select(SignInSession).where(SignInSession.sha256 == service.digest(token), *in_force))
    if row is None:
        return None
    return service.caller_again(session, user_id=row.user_id, key_id=row.key_id, sitting=row)


def list_sessions(session: Session, user_id: uuid.UUID, window: Window) -> tuple[list[SignInSession], str | None]:
    """Give one page of a user's sessions that are not over, newest first."""
    in_force = (SignInSession.ended_at.is_(None), SignInSession.expires_at > now())
    return cut(
        session, sa.select(SignInSession).where(SignInSession.user_id == user_id, *in_force), SignInSession, window
    )


def end(session: Session, user_id: uuid.UUID, session_id: uuid.UUID) -> SignInSession:
    """End one of a user's sessions at once.

    Raises:
        NotFound: the user has no such session.
    """
    row = session.get(SignInSession, session_id)
    if row is None or row.user_id != user_id:
        raise NotFound(f"There is no session {session_id}.")
    row.ended_at = row.ended_at or now()
    return row


def end_all(session: Session, user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> None:
    """End all of a user's sessions at once, but for one."""
    others = sa.update(SignInSession).where(SignInSession.user_id == user_id, SignInSession.ended_at.is_(None))
    if but is not None:
        others = others.where(SignInSession.id != but)
    session.execute(others.values(ended_at=now()))
