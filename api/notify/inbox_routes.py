"""The inbox over HTTP: each caller's own."""

import uuid
from typing import Annotated

from fastapi import Depends, Query

from api.accounts.door import Router, known
from api.accounts.schemas import Caller
from api.context import Context, Service
from api.notify import inbox
from api.notify.schemas import MessageView, Notice, Preferences, Unread
from api.notify.tables import Message
from api.notify.words import Writer
from api.paging import Paged, PageOf

router = Router(prefix="/inbox", tags=["inbox"])

Anybody = Annotated[Caller, Depends(known)]
Language = Annotated[str | None, Query(pattern="^(zh|en)$", description="of the words; else the service's")]


@router.get("", summary="Your messages, newest first")
def list_messages(
    context: Context, caller: Anybody, window: Paged, unread: bool = False, lang: Language = None
) -> PageOf[MessageView]:
    with context.database.read() as session:
        rows, following = inbox.list_messages(session, caller.user_id, window, unread=unread)
    return PageOf(items=[view(row, context, lang or context.settings.language) for row in rows], next=following)


@router.get("/unread", summary="How many of your messages are unread")
def count_unread(context: Context, caller: Anybody) -> Unread:
    with context.database.read() as session:
        return Unread(count=inbox.count_unread(session, caller.user_id))


@router.post("/read", summary="Mark all your messages as read; gives how many those were")
def mark_all_read(context: Context, caller: Anybody) -> Unread:
    with context.database.write() as session:
        return Unread(count=inbox.mark_all_read(session, caller.user_id))


@router.get("/preferences", summary="How you want to be told")
def get_preferences(context: Context, caller: Anybody) -> Preferences:
    with context.database.read() as session:
        return inbox.preferences(session, caller.user_id)


@router.put("/preferences", summary="Say how you want to be told")
def set_preferences(context: Context, caller: Anybody, wanted: Preferences) -> Preferences:
    with context.database.write() as session:
        inbox.set_preferences(session, caller.user_id, wanted)
    return wanted


@router.post("/{message_id}/read", summary="Mark a message as read")
def mark_read(context: Context, caller: Anybody, message_id: uuid.UUID, lang: Language = None) -> MessageView:
    with context.database.write() as session:
        row = inbox.mark_read(session, caller.user_id, message_id)
    return view(row, context, lang or context.settings.language)


def view(row: Message, context: Service, language: str) -> MessageView:
    """Give a message in words."""
    words = Writer(context, language).write(Notice.model_validate(row.payload))
    return MessageView(
        id=row.id,
        kind=row.kind,
        title=words.title,
        text=words.text,
        path=words.path,
        created_at=row.created_at,
        read_at=row.read_at,
    )
