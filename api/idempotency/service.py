"""Doing a request once however often it is sent. Takes a session, never commits.

The answer is kept in the transaction of what was done: either both are durable or neither. Two requests with one key at
the same time wait for each other at the key's row.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.database import now
from api.errors import Unfit
from api.idempotency.tables import KeptAnswer

KEPT_FOR = timedelta(hours=48)  # a phone that lay without a signal over a weekend's day


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with."""

    status: int
    body: str  #: JSON
    headers: dict[str, str] = field(default_factory=dict)


def recall(session: Session, user_id: uuid.UUID, key: str, asked: str) -> Answer | None:
    """Give the answer to a request that was done before; None where it is new, and then this transaction does it.

    Raises:
        Unfit: the key was used for another request.
    """
    session.execute(sa.delete(KeptAnswer).where(KeptAnswer.expires_at < now()))
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"user_id": user_id, "key": key, "asked": asked, "headers": {}, "body": "", "expires_at": now() + KEPT_FOR}
    made = session.scalar(insert(KeptAnswer).values(row).on_conflict_do_nothing().returning(KeptAnswer.key))
    if made is not None:
        return None
    kept = session.get_one(KeptAnswer, (user_id, key))
    if kept.asked != asked:
        raise Unfit("This Idempotency-Key was used for another request. Make a new key for each request.")
    assert kept.status is not None  # the transaction that made the row has ended
    return Answer(status=kept.status, body=kept.body, headers=kept.headers)


def keep(session: Session, user_id: uuid.UUID, key: str, answer: Answer) -> None:
    """Keep the answer to the request that this transaction has done."""
    kept = session.get_one(KeptAnswer, (user_id, key))
    kept.status, kept.body, kept.headers = answer.status, answer.body, answer.headers
