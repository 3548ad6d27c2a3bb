"""The photos that came in, and what became of each: the issues it shows, nothing, or why nobody could look at it."""

import uuid
from typing import Any

from nicegui import events, ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.captures import service as captures
from api.captures.schemas import Status
from api.captures.tables import Capture
from api.console.components import CaptureList
from api.console.desk import BEAT_S
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.issues import service as issues
from api.issues.tables import Issue
from api.paging import MOST, Window
from api.points import service as points

FIRST_PAGE = 40
MOST_SHOWN = 2000
EVERY = ""
RETRIED_AT_ONCE = 500
TEXTS = ("all", "more", "again", "again_all", "none", "none_next", "nothing", "picture", "send", "filter")


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?status=` narrows it to what failed, waits, is being looked at or is done."""
    visit.caller.require(Permission.view_captures)
    status = request.query_params.get("status", EVERY)
    with frame(visit, title=visit.say("console.captures.title"), path="/upload"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.captures.title"))
            tag("p", visit.say("console.issues.times", zone=visit.zone(now())), "pw-lead")
            if visit.caller.may(Permission.send_photos):
                tag("a", visit.say("console.nav.upload"), "pw-button pw-head-button", href="/upload")
        page = Captures(visit, status if status in set(Status) else EVERY)
        await page.refresh()


class Captures:
    """The list, kept up to date."""

    def __init__(self, visit: Visit, status: str) -> None:
        """Build what stays."""
        self._visit, self._status, self._count, self._beat = visit, status, FIRST_PAGE, -1
        self._list = CaptureList(
            rows=[],
            more=False,
            counts={},
            status=status,
            statuses={one.value: visit.say(f"capture.{one}") for one in Status},
            can_send=visit.caller.may(Permission.send_photos),
            texts={name: visit.say(f"console.captures.{name}") for name in TEXTS},
            ready=False,
        )
        self._list.on("choose", self._choose)
        self._list.on("more", self._more)
        self._list.on("again", self._again)
        self._list.on("again_all", self._again_all)
        ui.timer(BEAT_S, self._look)

    async def _look(self) -> None:
        with told(self._visit):
            beat = await self._visit.beat()
            if beat != self._beat:
                self._beat = beat
                await self.refresh()

    async def refresh(self) -> None:
        """Show what is there now."""
        visit, status, count = self._visit, self._status, self._count
        rows, more, counts = await visit.read(lambda session, caller: _gather(session, visit, caller, status, count))
        if (status, count) == (self._status, self._count):
            self._list.show(rows=rows, more=more, counts=counts, status=status, ready=True)

    async def _choose(self, event: events.GenericEventArguments) -> None:
        self._status, self._count = str(event.args) if event.args in set(Status) else EVERY, FIRST_PAGE
        ui.navigate.history.replace(f"/captures?status={self._status}" if self._status else "/captures")
        with told(self._visit):
            await self.refresh()

    async def _more(self) -> None:
        self._count = min(self._count + FIRST_PAGE, MOST_SHOWN)
        with told(self._visit):
            await self.refresh()

    async def _again(self, event: events.GenericEventArguments) -> None:
        with told(self._visit):
            capture_id = uuid.UUID(str(event.args))
            await self._visit.write(
                lambda session, caller: (
                    captures.retry(session, capture_id, within=caller.scope(Permission.send_photos)).id
                )
            )
            await self.refresh()

    async def _again_all(self) -> None:
        visit = self._visit
        with told(visit):
            count = await visit.write(_retry_failed)
            ui.notify(visit.say("console.captures.retried", count=count), type="positive", position="top")
            await self.refresh()


def _retry_failed(session: Session, caller: Caller) -> int:
    """Queue again what was parked, as far as the caller may; give how many that were."""
    within = caller.scope(Permission.send_photos)
    failed: list[Capture] = []
    cursor: str | None = None
    while len(failed) < RETRIED_AT_ONCE:
        page, cursor = captures.list_captures(
            session, Window(cursor=cursor, limit=MOST), within=within, status=Status.failed
        )
        failed += page
        if cursor is None:
            break
    for one in failed:
        captures.retry(session, one.id, within=within)
    return len(failed)


def _gather(
    session: Session, visit: Visit, caller: Caller, status: str, count: int
) -> tuple[list[dict[str, Any]], bool, dict[str, int]]:
    within = caller.scope(Permission.view_captures)
    rows: list[Capture] = []
    cursor: str | None = None
    while len(rows) < count:
        window = Window(cursor=cursor, limit=min(MOST, count - len(rows)))
        page, cursor = captures.list_captures(session, window, within=within, status=Status(status) if status else None)
        rows += page
        if cursor is None:
            break
    places = points.points_by_id(session, [row.point_id for row in rows])
    shown = issues.seen_on(session, [row.id for row in rows], within=caller.scope(Permission.view_issues))
    names = accounts.names_of(session, [row.sent_by for row in rows])
    counts = captures.count_by_status(session, within=within)
    words = [
        _row(visit, row, f"{places[row.point_id].code} {places[row.point_id].name}", names.get(row.sent_by, ""),
             shown.get(row.id, []))
        for row in rows
    ]  # fmt: skip
    return words, cursor is not None and count < MOST_SHOWN, {one.value: number for one, number in counts.items()}


def _row(visit: Visit, row: Capture, place: str, sender: str, shown: list[Issue]) -> dict[str, Any]:
    address = f"/api/v1/captures/{row.id}/picture"
    return {
        "id": str(row.id),
        "name": row.filename,
        "place": place,
        "sent": " · ".join(part for part in (visit.moment(row.received_at), sender) if part),
        "status": row.status,
        "status_text": visit.say(f"capture.{row.status}"),
        "error": row.error or "",
        "picture": f"{address}?boxes=true&small=true" if row.view_key else "",
        "whole": f"{address}?boxes=true" if row.view_key else "",
        "issues": [
            {"number": one.number, "name": visit.name_of(one.class_code), "href": f"/issues/{one.number}"}
            for one in shown
        ],
    }
