"""A person's inbox: what they were told, newest first; and the bell in the header of every page."""

import uuid

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.console.frame import frame
from api.console.plan import REFRESH_S
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.notify import inbox
from api.notify.inbox_routes import view
from api.notify.schemas import MessageView
from api.notify.tables import Message
from api.paging import Window

AT_ONCE = 50
MOST = 1000


async def show(visit: Visit, _: Request) -> None:
    """Build the page."""
    with frame(visit, title=visit.say("console.inbox.title"), path="/inbox"):
        page = InboxPage(visit)
        await page.refresh()


class InboxPage:
    """The messages, kept up to date."""

    def __init__(self, visit: Visit) -> None:
        """Build what stays."""
        self._visit, self._count = visit, AT_ONCE
        self._shown: list[MessageView] | None = None
        say = visit.say
        with tag("div", classes="pw-head"):
            tag("h1", say("console.inbox.title"))
            tag("p", say("console.issues.times", zone=visit.zone(now())), "pw-lead")
            tag("button", say("console.inbox.read_all"), "pw-quiet", type="button").on("click", self._read_all)
        self._list = tag("div")
        ui.timer(REFRESH_S, self.refresh, immediate=False)

    async def refresh(self) -> None:
        """Show what is there now, if it is not what is shown."""
        visit = self._visit
        with told(visit):
            rows, more = await visit.read(lambda session, caller: _newest(session, caller.user_id, self._count))
            found = [view(row, visit.service, visit.language) for row in rows]
            if found != self._shown:
                self._shown = found
                self._fill(more=more)

    def _fill(self, *, more: bool) -> None:
        say = self._visit.say
        self._list.clear()
        with self._list:
            if not self._shown:
                tag("p", say("console.inbox.empty"), "pw-empty")
            with tag("ul", classes="pw-messages"):
                for one in self._shown or []:
                    self._row(one)
            if more:
                tag("button", say("console.list.more"), "pw-button pw-more", type="button").on("click", self._more)

    def _row(self, one: MessageView) -> None:
        with tag("li", classes="pw-card", data_unread="true" if one.read_at is None else None):
            with tag("p", classes="pw-message-head"):
                title = tag("a" if one.path else "strong", one.title, href=one.path)
                tag("time", self._visit.moment(one.created_at))
                if one.read_at is None:
                    tag("span", self._visit.say("console.inbox.unread"), "pw-mark-word")
            if one.text:
                tag("p", one.text, "pw-message-text")
        title.on("click", lambda: self._read(one))

    async def _read(self, one: MessageView) -> None:
        with told(self._visit):
            await self._visit.write(lambda session, caller: inbox.mark_read(session, caller.user_id, one.id).id)

    async def _read_all(self) -> None:
        with told(self._visit):
            await self._visit.write(lambda session, caller: inbox.mark_all_read(session, caller.user_id))
            await self.refresh()

    async def _more(self) -> None:
        self._count = min(self._count + AT_ONCE, MOST)
        await self.refresh()


def _newest(session: Session, user_id: uuid.UUID, count: int) -> tuple[list[Message], bool]:
    """Give somebody's newest messages page by page; whether there are more."""
    rows: list[Message] = []
    cursor: str | None = None
    while len(rows) < count:
        page, cursor = inbox.list_messages(session, user_id, Window(cursor=cursor, limit=AT_ONCE))
        rows += page
        if cursor is None:
            break
    return rows, cursor is not None
