"""Patrols over HTTP."""

import uuid
from datetime import date
from typing import Annotated

from fastapi import Depends, Response
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context, Service
from api.database import now
from api.etags import IfMatch, revision_of, tagged
from api.issues.service import Numbering
from api.paging import Paged, PageOf
from api.patrols import scoring, service, visits
from api.patrols.schemas import (
    ChecklistItem,
    CheckView,
    DueView,
    PointScore,
    Progress,
    RoundFields,
    RoundView,
    ScoreSummary,
    VisitEnd,
    VisitStart,
    VisitView,
)
from api.patrols.tables import PatrolVisit, Round
from api.points import service as points
from api.standards import service as standards

router = Router(prefix="/patrols", tags=["patrols"])

PatrolViewer = Annotated[Caller, Depends(allow(Permission.view_patrols))]
PatrolWalker = Annotated[Caller, Depends(allow(Permission.walk_patrols))]
PatrolManager = Annotated[Caller, Depends(allow(Permission.manage_patrols))]


@router.get("/rounds", summary="List the rounds that you may know of, newest first")
def list_rounds(context: Context, caller: PatrolViewer, window: Paged, on: date | None = None) -> PageOf[RoundView]:
    with context.database.read() as session:
        rows, following = service.list_rounds(session, window, caller, on=on)
        return PageOf(items=round_views(session, rows, today(context)), next=following)


@router.post("/rounds", status_code=201, summary="Plan a round")
def create_round(context: Context, caller: PatrolManager, fields: RoundFields, response: Response) -> RoundView:
    with context.database.write() as session:
        row = service.create_round(session, fields, caller, context.settings.zone)
        view = round_views(session, [row], today(context))[0]
    response.headers["Location"] = f"/api/v1/patrols/rounds/{view.code}"
    return tagged(view, response)


@router.get("/rounds/{code}", summary="Show a round: which points are due, visited, missed")
def get_round(context: Context, caller: PatrolViewer, code: str, response: Response) -> RoundView:
    with context.database.read() as session:
        row = service.get_round(session, code, caller)
        return tagged(round_views(session, [row], today(context))[0], response)


@router.put("/rounds/{code}", summary="Plan a round anew; send If-Match to be sure that nobody else did")
def change_round(
    context: Context,
    caller: PatrolManager,
    code: str,
    fields: RoundFields,
    response: Response,
    if_match: IfMatch = None,
) -> RoundView:
    with context.database.write() as session:
        row = service.change_round(session, code, fields, caller, context.settings.zone, revision=revision_of(if_match))
        return tagged(round_views(session, [row], today(context))[0], response)


@router.post("/rounds/{code}/publish", summary="Let everybody know of a secret round from now on")
def publish_round(context: Context, caller: PatrolManager, code: str) -> RoundView:
    with context.database.write() as session:
        return round_views(session, [service.publish_round(session, code, caller)], today(context))[0]


@router.get("/due", summary="When each point is to be visited again")
def list_due(context: Context, caller: PatrolViewer, window: Paged, on: date | None = None) -> PageOf[DueView]:
    scope = caller.scope(Permission.view_patrols).of_places()
    with context.database.read() as session:
        rows, following = points.list_points(session, window, within=scope)
        found = service.due(session, rows, caller, on=on or today(context), zone=context.settings.zone)
    items = [
        DueView(
            point=row.code,
            name=row.name,
            community=row.community,
            category=row.category,
            every_days=row.assess_every_days,
            last_visit_at=found[row.id].last_visit_at,
            due_on=found[row.id].due_on,
            is_due=found[row.id].is_due,
        )
        for row in rows
    ]
    return PageOf(items=items, next=following)


@router.get("/checklist", summary="What an inspector has to look at at a point, since no model sees it")
def get_checklist(context: Context, caller: PatrolWalker, point: str) -> PageOf[ChecklistItem]:
    with context.database.read() as session:
        place = points.get_point(session, point, within=caller.scope(Permission.walk_patrols).of_places())
        items = standards.items_at(standards.in_force(session, today(context)), place.category)
    by_hand = [one for one in items if standards.checked_by_hand(one, context.taxonomy)]
    return PageOf(items=[ChecklistItem.model_validate(one.model_dump(exclude={"category", "most"})) for one in by_hand])


@router.get("/visits", summary="List the visits that you may know of, newest first")
def list_visits(
    context: Context,
    caller: PatrolViewer,
    window: Paged,
    point: str | None = None,
    round: str | None = None,  # noqa: A002
) -> PageOf[VisitView]:
    with context.database.read() as session:
        rows, following = visits.list_visits(session, window, caller, point=point, round_code=round)
        return PageOf(items=visit_views(session, rows), next=following)


@router.post("/visits", status_code=201, summary="Begin a visit; one begun there already goes on")
def start_visit(context: Context, caller: PatrolWalker, said: VisitStart, response: Response) -> VisitView:
    with context.database.write() as session:
        row = visits.start_visit(
            session, point=said.point, round_code=said.round, caller=caller, zone=context.settings.zone
        )
        view = visit_views(session, [row])[0]
    response.headers["Location"] = f"/api/v1/patrols/visits/{view.id}"
    return view


@router.get("/visits/{visit_id}", summary="Show a visit with its checks and photos")
def get_visit(context: Context, caller: PatrolViewer, visit_id: uuid.UUID) -> VisitView:
    with context.database.read() as session:
        return visit_views(session, [visits.get_visit(session, visit_id, caller)])[0]


@router.post("/visits/{visit_id}/finish", summary="End a visit; a failed check of an item with a class opens an issue")
def finish_visit(context: Context, caller: PatrolWalker, visit_id: uuid.UUID, said: VisitEnd) -> VisitView:
    numbering = Numbering.of(context.settings, context.taxonomy)
    with context.database.write() as session:
        row = visits.finish_visit(session, visit_id, said, caller, context.taxonomy, numbering)
        return visit_views(session, [row])[0]


@router.get("/scores", summary="The mock score of each point as it stands now, with the deductions behind it")
def list_scores(context: Context, caller: PatrolViewer, window: Paged) -> PageOf[PointScore]:
    scope = caller.scope(Permission.view_patrols).of_places()
    with context.database.read() as session:
        rows, following = points.list_points(session, window, within=scope)
        return PageOf(items=scoring.score_points(session, rows, caller, on=today(context)), next=following)


@router.get("/summary", summary="The mock score by community and category, and what to put right first")
def summarise(context: Context, caller: PatrolViewer) -> ScoreSummary:
    with context.database.read() as session:
        return scoring.summarise(session, caller, on=today(context))


def today(context: Service) -> date:
    """Give the day on the office's calendar."""
    return now().astimezone(context.settings.zone).date()


def round_views(session: Session, rows: list[Round], on: date) -> list[RoundView]:
    """Give rounds as they are sent."""
    stops, walkers = service.stops_of(session, rows, on), service.walkers_of(session, rows)
    kept = [name for name in RoundView.model_fields if name in Round.__table__.columns]
    return [
        RoundView.model_validate(
            {name: getattr(row, name) for name in kept}
            | {"walkers": walkers[row.id], "stops": stops[row.id]}
            | {one.value: sum(stop.progress is one for stop in stops[row.id]) for one in Progress}
        )
        for row in rows
    ]


def visit_views(session: Session, rows: list[PatrolVisit]) -> list[VisitView]:
    """Give visits as they are sent."""
    places = points.points_by_id(session, [row.point_id for row in rows])
    rounds, checks, photos = (
        visits.round_codes(session, rows),
        visits.checks_of(session, rows),
        visits.photos_of(session, rows),
    )
    return [
        VisitView(
            id=row.id,
            round=rounds[row.round_id] if row.round_id else None,
            point=places[row.point_id].code,
            user_id=row.user_id,
            standard=row.standard,
            started_at=row.started_at,
            finished_at=row.finished_at,
            note=row.note,
            checks=[CheckView.model_validate(one) for one in checks[row.id]],
            captures=photos[row.id],
        )
        for row in rows
    ]
