"""The inbox of each user, and how they want to be told. Takes a session, never commits."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.database import now
from api.errors import NotFound
from api.notify import outbox
from api.notify.rules import names
from api.notify.schemas import Notice, Preferences
from api.notify.tables import Message, Preference
from api.paging import Window, cut


def put(session: Session, user_id: uuid.UUID, notice: Notice) -> None:
    """Tell somebody, once, as they wish; what they muted is not told."""
    wishes = preferences(session, user_id)
    if names(wishes.muted, notice.kind):
        return
    if session.scalar(sa.select(Message.id).where(Message.user_id == user_id, Message.notice == notice.key)):
        return
    session.add(
        Message(
            user_id=user_id,
            notice=notice.key,
            kind=notice.kind,
            payload=notice.model_dump(mode="json"),
            created_at=now(),
        )
    )
    if names(wishes.mail, notice.kind):
        outbox.enqueue_mail(session, notice, user_id)
    session.flush()


def list_messages(
    session: Session, user_id: uuid.UUID, window: Window, *, unread: bool = False
) -> tuple[list[Message], str | None]:
    """Give one page of somebody's inbox, newest first."""
    query = sa.select(Message).where(Message.user_id == user_id)
    if unread:
        query = query.where(Message.read_at.is_(None))
    return cut(session, query, Message, window)


def count_unread(session: Session, user_id: uuid.UUID) -> int:
    """Count what somebody has not read."""
    query = sa.select(sa.func.count()).select_from(Message)
    return session.scalar(query.where(Message.user_id == user_id, Message.read_at.is_(None))) or 0


def mark_read(session: Session, user_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """Mark a message as read; the first time counts.

    Raises:
        NotFound: this user has no such message.
    """
    row = session.get(Message, message_id, with_for_update=True)
    if row is None or row.user_id != user_id:
        raise NotFound(f"Your inbox has no message {message_id}.")
    row.read_at = row.read_at or now()
    session.flush()
    return row


def mark_all_read(session: Session, user_id: uuid.UUID) -> int:
    """Mark everything as read; give how much that was."""
    unread = (Message.user_id == user_id, Message.read_at.is_(None))
    return len(session.scalars(sa.update(Message).where(*unread).values(read_at=now()).returning(Message.id)).all())


def preferences(session: Session, user_id: uuid.UUID) -> Preferences:
    """Give how somebody wants to be told."""
    row = session.get(Preference, user_id)
    return Preferences(mail=row.mail, muted=row.muted) if row else Preferences()


def set_preferences(session: Session, user_id: uuid.UUID, wanted: Preferences) -> None:
    """Take down how somebody wants to be told."""
    row = session.get(Preference, user_id, with_for_update=True) or Preference(user_id=user_id)
    row.mail, row.muted = list(wanted.mail), list(wanted.muted)
    session.add(row)
    session.flush()
