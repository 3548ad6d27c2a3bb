"""Issues over HTTP."""

import uuid
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, File, Query, Request, Response, UploadFile
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.captures import routes as captures
from api.captures import service as captures_service
from api.clocks.standing import Standing
from api.context import Context, Service
from api.database import now
from api.errors import Forbidden, TooLarge, Unfit
from api.etags import IfMatch, revision_of, tagged
from api.idempotency.door import OnceOnly
from api.idempotency.service import Answer
from api.issues import bulk, clock, service
from api.issues.schemas import (
    AfterPhotoView,
    Counted,
    DeadlineView,
    EventView,
    IssuePoint,
    IssueView,
    ManySteps,
    PointCounts,
    Possible,
    Report,
    SightingView,
    Source,
    Step,
    StepOutcome,
    Summary,
    Titled,
)
from api.issues.tables import Issue
from api.issues.transitions import AT_WORK, TRANSITIONS, State
from api.paging import Paged, PageOf
from api.points import service as points
from api.points.tables import Point
from api.posts import service as posts
from api.posts.schemas import PostBrief
from api.posts.tables import Post
from api.uploads import read_upload
from detector.photo import Photo
from detector.taxonomy import Named, Taxonomy
from detector.texts import preferred

router = Router(prefix="/issues", tags=["issues"])

IssueViewer = Annotated[Caller, Depends(allow(Permission.view_issues))]
Reporter = Annotated[Caller, Depends(allow(Permission.report_issues))]
AFTER_PHOTO_SENDERS = (Permission.handle_issues, Permission.close_issues)
PhotoSender = Annotated[Caller, Depends(allow(*AFTER_PHOTO_SENDERS))]
StepTaker = Annotated[Caller, Depends(allow(*dict.fromkeys(step.permission for step in TRANSITIONS.values())))]


def wanted_of(
    context: Context,
    state: Annotated[list[State] | None, Query(description="one or several")] = None,
    kind: Annotated[str | None, Query(description="code of one of the seven kinds")] = None,
    violation: Annotated[str | None, Query(description="code of a class of violation")] = None,
    point: str | None = None,
    community: str | None = None,
    category: str | None = None,
    department: Annotated[str | None, Query(description="code of the one that it was dispatched to")] = None,
    capture: uuid.UUID | None = None,
    source: Annotated[Source | None, Query(description="who told first")] = None,
    overdue: Annotated[bool, Query(description="only what is late")] = False,
    due_before: Annotated[AwareDatetime | None, Query(description="only the unfinished that are due before")] = None,
    text: Annotated[
        str | None,
        Query(max_length=80, pattern=r"^[^\x00]*$", description="in number, point, class, or what people told"),
    ] = None,
    sort: Annotated[service.Sort, Query(description="due: the unfinished that have a limit")] = service.Sort.newest,
) -> service.Filter:
    """Read from a request which issues are asked for.

    Raises:
        Unfit: the catalogue has no such kind or class.
    """
    said = (text or "").strip()
    return service.Filter(
        states=state,
        classes=_classes(context.taxonomy, kind, violation),
        point=point,
        community=community,
        category=category,
        department=department,
        capture_id=capture,
        source=source,
        overdue=overdue,
        due_before=due_before,
        text=said or None,
        text_classes=service.classes_named(said, context.taxonomy) if said else (),
        sort=sort,
    )


Wanted = Annotated[service.Filter, Depends(wanted_of)]


@router.get("", summary="List issues, newest first, by what is due, or by when they were seen last")
def list_issues(context: Context, caller: IssueViewer, window: Paged, wanted: Wanted) -> PageOf[IssueView]:
    with context.database.read() as session:
        rows, following = service.list_issues(session, window, wanted, within=caller.scope(Permission.view_issues))
        return PageOf(items=views(session, rows, context), next=following)


@router.get("/count", summary="How many issues the list would give with these filters")
def count_issues(context: Context, caller: IssueViewer, wanted: Wanted) -> Counted:
    with context.database.read() as session:
        found = service.count_issues(session, wanted, within=caller.scope(Permission.view_issues))
    return Counted(count=min(found, service.MOST_COUNTED - 1), more=found == service.MOST_COUNTED)


@router.post("/steps", summary="Do one thing to many issues; each is answered for itself, as if it were done alone")
def take_many_steps(context: Context, caller: StepTaker, wanted: ManySteps, request: Request) -> list[StepOutcome]:
    language = preferred(request.headers.get("accept-language"), context.settings.language)
    return [bulk.take_one(context, caller, one, wanted.step, language) for one in wanted.issues]


def _classes(taxonomy: Taxonomy, kind: str | None, violation: str | None) -> list[str] | None:
    """Give the classes that a filter names.

    Raises:
        Unfit: the catalogue has no such kind or class.
    """
    if violation is not None:
        if violation not in taxonomy.classes:
            raise Unfit(f"violation: {violation[:48]!r} is not in the catalogue.")
        return [violation]
    if kind is None:
        return None
    found = [entry.code for one in taxonomy.kinds if one.code == kind for entry in one.classes]
    if not found:
        raise Unfit(f"kind: {kind[:48]!r} is not one of {', '.join(one.code for one in taxonomy.kinds)}.")
    return found


@router.post(
    "",
    status_code=201,
    response_model=IssueView,
    summary="Report a problem by hand; where it is known already, the report is added to the open issue",
)
def report(context: Context, caller: Reporter, told: Report, once: OnceOnly) -> Response:
    with context.database.write() as session:
        return once.answer(session, told, lambda: _report(session, context, caller, told))


def _report(session: Session, context: Service, caller: Caller, told: Report) -> Answer:
    point = points.get_point(session, told.point, within=caller.scope(Permission.report_issues))
    decides = caller.may(Permission.review_issues, community=point.community, point=point.code)
    wanted = service.Told(
        point_id=point.id,
        class_code=told.class_code,
        source=Source.hand,
        state=State.open if decides else State.in_review,
        at=now(),
        note=told.note.strip(),
        by_user_id=caller.user_id,
        capture_ids=told.capture_ids,
    )
    issue = service.report(session, wanted, service.Numbering.of(context.settings, context.taxonomy))
    return _answer(session, context, issue, status=201)


def _answer(session: Session, context: Service, issue: Issue, *, status: int = 200) -> Answer:
    clock.set_due(session, [issue], context.clocks)
    view = views(session, [issue], context)[0]
    headers = {"ETag": f'"{view.revision}"', "Location": f"/api/v1/issues/{view.number}"}
    return Answer(status=status, body=view.model_dump_json(), headers=headers)


@router.get("/summary", summary="How many issues stand where")
def summarise(context: Context, caller: IssueViewer) -> Summary:
    with context.database.read() as session:
        within = caller.scope(Permission.view_issues)
        return Summary.model_validate(service.summarise(session, context.taxonomy, within=within))


@router.get("/by-point", summary="How many unfinished issues each point has, for the map")
def count_by_point(context: Context, caller: IssueViewer) -> list[PointCounts]:
    with context.database.read() as session:
        counted = service.unfinished_by_point(session, within=caller.scope(Permission.view_issues))
        return [
            PointCounts(point=IssuePoint.model_validate(place), by_state=counted[place.id])
            for place in points.places_of(session, counted)
        ]


@router.get(
    "/{number}",
    summary="Show an issue",
    responses={308: {"model": IssueView, "description": "Another has taken it over: `Location` leads there"}},
)
def get_issue(
    context: Context,
    caller: IssueViewer,
    number: str,
    response: Response,
    redirect: Annotated[bool, Query(description="lead from a merged issue on to the one that took it over")] = True,
) -> IssueView:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        if redirect and issue.merged_into is not None:
            response.status_code = 308
            response.headers["Location"] = f"/api/v1/issues/{service.heir_of(session, issue).number}"
        return tagged(views(session, [issue], context)[0], response)


@router.get("/{number}/sightings", summary="The captures that show an issue, newest first")
def list_sightings(context: Context, caller: IssueViewer, number: str, window: Paged) -> PageOf[SightingView]:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        rows, following = service.list_sightings(session, issue.id, window)
        return PageOf(items=[SightingView.model_validate(row) for row in rows], next=following)


@router.get("/{number}/events", summary="The steps in an issue's life, newest first")
def list_events(context: Context, caller: IssueViewer, number: str, window: Paged) -> PageOf[EventView]:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        rows, following = service.list_events(session, issue.id, window)
        return PageOf(items=[EventView.model_validate(row) for row in rows], next=following)


@router.get("/{number}/after-photos", summary="The photos sent to show an issue put right, newest first")
def list_after_photos(context: Context, caller: IssueViewer, number: str) -> list[AfterPhotoView]:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        rows = service.list_after_photos(session, issue.id)
        return [AfterPhotoView.model_validate(row) for row in rows]


@router.post(
    "/{number}/after-photos", status_code=201, summary="Send photos that show an issue put right; all are taken or none"
)
async def send_after_photos(
    context: Context,
    caller: PhotoSender,
    number: str,
    photos: Annotated[list[UploadFile], File(description="JPEG, PNG, WebP, HEIC, BMP, TIFF or GIF")],
) -> list[AfterPhotoView]:
    if len(photos) > context.settings.max_photos:
        raise TooLarge(f"{len(photos)} photos in one request; the limit is {context.settings.max_photos}.")
    await anyio.to_thread.run_sync(_check_sender, context, caller, number)
    opened = [
        await anyio.to_thread.run_sync(read_upload, context.settings, one, limiter=context.opening) for one in photos
    ]
    return await anyio.to_thread.run_sync(_keep_after_photos, context, caller, number, opened)


def _check_sender(context: Service, caller: Caller, number: str) -> Issue:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        if not any(service.may(session, caller, one, issue) for one in AFTER_PHOTO_SENDERS):
            raise Forbidden(f"To send after-photos of {issue.number} you must be among those who work on it.")
        return issue


def _keep_after_photos(
    context: Service, caller: Caller, number: str, opened: list[tuple[Photo, bytes, str]]
) -> list[AfterPhotoView]:
    issue = _check_sender(context, caller, number)
    received = [captures.keep_upload(context, *one) for one in opened]
    with context.database.write() as session:
        point = points.points_by_id(session, [issue.point_id])[issue.point_id]
        views = []
        for one in received:
            at = one.photo.position
            away = points.distance_m(at.longitude, at.latitude, point.longitude, point.latitude) if at else None
            row = captures_service.receive(session, one, point=point, distance_m=away, sent_by=caller.user_id)
            made = service.add_after_photo(session, issue.id, row, by=caller.user_id)
            views.append(AfterPhotoView.model_validate(made))
        return views


@router.get("/{number}/actions", summary="What the caller may do to an issue now, and what each of it needs")
def list_actions(context: Context, caller: IssueViewer, number: str) -> list[Possible]:
    with context.database.read() as session:
        issue = service.get_issue(session, number, within=caller.scope(Permission.view_issues))
        return service.possible(session, caller, issue)


@router.post("/{number}/steps", response_model=IssueView, summary="Do something to an issue")
def take_step(
    context: Context,
    caller: StepTaker,
    number: str,
    wanted: Step,
    once: OnceOnly,
    if_match: IfMatch = None,
) -> Response:
    def do() -> Answer:
        issue = service.step(
            session,
            number,
            wanted,
            caller,
            context.taxonomy,
            zone=context.settings.zone,
            revision=revision_of(if_match),
        )
        return _answer(session, context, issue)

    with context.database.write() as session:
        return once.answer(session, wanted, do)


def views(session: Session, rows: list[Issue], context: Service) -> list[IssueView]:
    """Give issues as they are sent, with the names of their class, kind, departments and point."""
    places = points.points_by_id(session, [row.point_id for row in rows])
    taken_over = service.issues_by_id(session, [row.merged_into for row in rows if row.merged_into])
    numbers = {row.id: row.number for row in taken_over.values()}
    holders = posts.posts_by_id(session, [row.post_id for row in rows])
    standing = clock.standings(session, [row for row in rows if row.state in AT_WORK], context.clocks)
    return [_view(row, places[row.point_id], numbers, holders, standing.get(row.id), context) for row in rows]


def _view(
    row: Issue,
    point: Point,
    numbers: dict[uuid.UUID, str],
    holders: dict[uuid.UUID, Post],
    standing: Standing | None,
    context: Service,
) -> IssueView:
    taxonomy = context.taxonomy
    entry = taxonomy.classes.get(row.class_code)
    unknown = Titled(code=row.class_code, zh=row.class_code, en=row.class_code)  # the catalogue has dropped it
    departments = [one for one in taxonomy.departments if entry and one.code in entry.departments]
    columns = {
        name: getattr(row, name)
        for name in IssueView.model_fields
        if name not in ("kind", "violation", "departments", "point", "deadlines", "merged_into", "post")
    }
    return IssueView(
        kind=_titled(taxonomy.kind_of[row.class_code]) if entry else unknown,
        violation=_titled(entry) if entry else unknown,
        departments=[_titled(one) for one in departments],
        post=PostBrief.model_validate(holders[row.post_id]) if row.post_id in holders else None,
        point=IssuePoint.model_validate(point),
        deadlines=_deadlines(standing),
        merged_into=numbers[row.merged_into] if row.merged_into else None,
        **columns,
    )


def _deadlines(standing: Standing | None) -> list[DeadlineView]:
    """Give the deadlines whose clocks run."""
    found = standing.deadlines if standing else ()
    return [DeadlineView.model_validate(one) for one in found if one.stopped_at is None]


def _titled(entry: Named) -> Titled:
    return Titled(code=entry.code, zh=entry.zh, en=entry.en)
