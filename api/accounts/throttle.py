"""How fast somebody may guess. Counted in the database: a restart, or a second process, forgets nothing.

Each attempt is counted before the password is looked at and forgiven when it fits, so attempts at the same moment
count as well. After a few failures every further attempt has to wait, twice as long each time, never longer than
`LONGEST`: guessing becomes hopeless, yet nobody can lock somebody else out for more than that. While one has to wait
attempts are not counted, so going on does not prolong the wait. Who has signed in from an address before is counted
there alone: what strangers elsewhere try on the same name does not stop them.
"""

import hashlib
import ipaddress
import math
import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.accounts.tables import SignInAttempts, SignInSession
from api.database import now
from api.errors import TooMany

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20  # failures; a whole office may stand behind one address
LONGEST = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)  # without a failure
KNOWN_FOR = timedelta(days=30)  # an address from which a user has signed in


def count(session: Session, *, login: str, user_id: uuid.UUID | None, address: str) -> list[str]:
    """Count an attempt to sign in; give what to `forgive` where the password fits.

    Raises:
        TooMany: one has to wait first.
    """
    at, name, near = now(), _subject("name", login), network(address)
    if user_id is not None and _is_known(session, user_id, near):
        free = {_subject("known", login, near): FREE_BY_NAME}
    else:
        free = {name: FREE_BY_NAME, _subject("address", near): FREE_BY_ADDRESS}
    session.execute(sa.delete(SignInAttempts).where(SignInAttempts.last_at < at - FORGOTTEN_AFTER))
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for subject in sorted(free):  # in one order, so that two attempts never wait for each other
        fresh = {"subject": subject, "failures": 0, "last_at": at}
        session.execute(insert(SignInAttempts).values(fresh).on_conflict_do_nothing(index_elements=["subject"]))
    mine = sa.select(SignInAttempts).where(SignInAttempts.subject.in_(free)).order_by(SignInAttempts.subject)
    rows = list(session.scalars(mine.with_for_update().execution_options(populate_existing=True)))
    wait = max(row.last_at + _delay(row.failures - free[row.subject]) - at for row in rows)
    if wait > timedelta(0):
        seconds = math.ceil(wait.total_seconds())
        raise TooMany(f"Too many attempts to sign in. Try again in {seconds} s.", retry_after_s=seconds)
    for row in rows:
        row.failures += 1
        row.last_at = at
    session.flush()
    return sorted(free)


def forgive(session: Session, subjects: list[str]) -> None:
    """Take back the attempt that turned out well, and what the name failed before; an address keeps its failures."""
    session.execute(
        sa.delete(SignInAttempts).where(
            SignInAttempts.subject.in_(subjects), SignInAttempts.subject.not_like("address:%")
        )
    )
    session.execute(
        sa.update(SignInAttempts)
        .where(SignInAttempts.subject.in_(subjects), SignInAttempts.failures > 0)
        .values(failures=SignInAttempts.failures - 1)
    )


def network(address: str) -> str:
    """Give what one household or office holds: an IPv4 address, or the 64 bits before an IPv6 host's own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket, a test
        return address[:64]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _is_known(session: Session, user_id: uuid.UUID, near: str) -> bool:
    since = now() - KNOWN_FOR
    query = sa.select(SignInSession.id).where(
        SignInSession.user_id == user_id, SignInSession.network == near, SignInSession.created_at > since
    )
    return session.scalar(query.limit(1)) is not None


def _delay(beyond: int) -> timedelta:
    """Give how long after the last failure one has to wait: 1 s, 2 s, 4 s … `LONGEST`."""
    if beyond < 0:
        return timedelta(0)
    return min(LONGEST, timedelta(seconds=2 ** min(beyond, 10)))


def _subject(kind: str, *parts: str) -> str:
    """Give the row's name; a login name may be anything that a stranger typed, so only its hash is kept."""
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"
