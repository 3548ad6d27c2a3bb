"""What the overview and the wall show, as figures and over HTTP: computed once for all who look at the same."""

from datetime import date, datetime
from typing import Annotated

import anyio.to_thread
from fastapi import Depends
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import EVERYWHERE, Caller, Scope
from api.audit import service as audit
from api.cameras import status as cameras
from api.cameras.schemas import State as CameraState
from api.captures import service as captures
from api.context import Context, Service
from api.database import now
from api.issues import daily
from api.issues import service as issues
from api.issues.routes import views
from api.issues.schemas import IssueView, Titled
from api.issues.transitions import UNFINISHED
from api.paging import Window
from api.points import service as points

router = Router(prefix="/overview", tags=["overview"])

DAYS = 14
NEWEST = 12


class KindCount(Titled):
    """The unfinished of one kind."""

    count: int


class CommunityCount(BaseModel):
    """The unfinished of one community."""

    name: str
    count: int


class DayCount(BaseModel):
    """One day."""

    day: date
    opened: int
    closed: int


class Overview(BaseModel):
    """The whole office at one look."""

    at: datetime
    at_work: int = Field(description="certain and not ended")
    suspected: int = Field(description="leads and in review")
    overdue: int
    due_today: int = Field(description="of those at work, until midnight of the office's zone, without the overdue")
    points: int
    points_with_open: int
    by_kind: list[KindCount]
    by_community: list[CommunityCount] = Field(description="those with most first")
    days: list[DayCount] = Field(description="the oldest first")
    newest: list[IssueView]
    photos_waiting: int
    photos_failed: int
    cameras: dict[CameraState, int] = Field(description="how many fare how; empty where there are none")


@router.get("", summary="The office at one look: what is open, due, late, where, and how the last days went")
async def show_overview(
    context: Context, caller: Annotated[Caller, Depends(allow(Permission.view_issues))]
) -> Overview:
    await beat(context)
    return await overview_for(context, caller)


async def beat(service: Service) -> int:
    """Give a number that grows when anything in the office has changed; cheap to ask for every second."""

    def look() -> object:
        with service.database.read() as session:
            return (
                audit.head(session).seq,
                captures.newest_and_waiting(session, within=EVERYWHERE),
                cameras.count_by_state(session, within=EVERYWHERE),
            )

    return await service.pulse.feel(look)


async def overview_for(service: Service, caller: Caller) -> Overview:
    """Give the figures for what a caller may see; whoever may see the same shares them."""
    wanted = (Permission.view_issues, Permission.view_captures, Permission.view_points, Permission.view_cameras)
    scopes = tuple(caller.scope(one) for one in wanted)

    def compute() -> Overview:
        with service.database.read() as session:
            return _overview(session, service, *scopes)

    return await service.pulse.shared(("overview", scopes), lambda: anyio.to_thread.run_sync(compute))


def _overview(
    session: Session, service: Service, seen: Scope, photos: Scope, places: Scope, watched: Scope
) -> Overview:
    taxonomy, zone = service.taxonomy, service.settings.zone
    standing = daily.standing_now(session, zone, within=seen)
    summary = issues.summarise(session, taxonomy, within=seen)
    queue = captures.newest_and_waiting(session, within=photos)
    rows, _ = issues.list_issues(session, Window(limit=NEWEST), issues.Filter(states=sorted(UNFINISHED)), within=seen)
    return Overview(
        at=now(),
        at_work=standing.at_work,
        suspected=standing.suspected,
        overdue=standing.overdue,
        due_today=standing.due_today,
        points=points.count_points(session, within=places),
        points_with_open=summary["points_with_open"],
        by_kind=[
            KindCount(code=kind.code, zh=kind.zh, en=kind.en, count=summary["open_by_kind"][kind.code])
            for kind in taxonomy.kinds
        ],
        by_community=[CommunityCount(name=name, count=count) for name, count in standing.by_community.items()],
        days=[
            DayCount(day=one.day, opened=one.opened, closed=one.closed)
            for one in daily.day_by_day(session, zone, DAYS, within=seen)
        ],
        newest=views(session, rows, service),
        photos_waiting=queue.waiting,
        photos_failed=queue.failed,
        cameras=cameras.count_by_state(session, within=watched),
    )
