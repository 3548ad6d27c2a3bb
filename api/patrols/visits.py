"""Visits: somebody was at a point, also where nothing was found. Takes a session, never commits."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, tzinfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.captures import service as captures
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, Unfit
from api.issues import service as issues
from api.issues.schemas import Source
from api.issues.transitions import State
from api.paging import Window, cut
from api.patrols.schemas import CheckFields, VisitEnd
from api.patrols.service import get_round, visible_visits
from api.patrols.tables import Check, PatrolVisit, Round, Stop, VisitCapture, Walker
from api.points import service as points
from api.points.tables import Point
from api.standards import service as standards
from api.standards.schemas import Item
from detector.taxonomy import Taxonomy


def start_visit(session: Session, *, point: str, round_code: str | None, caller: Caller, zone: tzinfo) -> PatrolVisit:
    """Begin a visit; one that the caller has begun there already goes on.

    Raises:
        NotFound: no such point or round for this caller. Unfit: the point is not on the round's route, or the round
        does not run today. Forbidden: somebody else's round.
    """
    place = points.get_point(session, point, within=caller.scope(Permission.walk_patrols).of_places())
    at = now()
    today = at.astimezone(zone).date()
    row = get_round(session, round_code, caller) if round_code else None
    if row is not None:
        _check_round(session, row, place, caller, today)
    begun = session.scalars(
        sa.select(PatrolVisit).where(
            PatrolVisit.user_id == caller.user_id,
            PatrolVisit.point_id == place.id,
            PatrolVisit.finished_at.is_(None),
            PatrolVisit.round_id == row.id if row else PatrolVisit.round_id.is_(None),
        )
    ).first()
    if begun is not None:
        return begun
    standard = standards.in_force(session, today)
    visit = PatrolVisit(
        round_id=row.id if row else None,
        point_id=place.id,
        user_id=caller.user_id,
        standard=standard.code if standard else None,
        started_at=at,
    )
    session.add(visit)
    session.flush()
    return visit


def _check_round(session: Session, row: Round, place: Point, caller: Caller, today: date) -> None:
    if session.get(Stop, (row.id, place.id)) is None:
        raise Unfit(f"point: {place.code} is not on the route of round {row.code}.")
    if not row.starts_on <= today <= row.ends_on:
        raise Unfit(f"round: {row.code} runs from {row.starts_on} to {row.ends_on}.")
    going = set(session.scalars(sa.select(Walker.user_id).where(Walker.round_id == row.id)))
    if going and caller.user_id not in going and not caller.may(Permission.manage_patrols):
        raise Forbidden(f"Round {row.code} is walked by others. Ask whoever plans the patrols.")


def get_visit(session: Session, visit_id: uuid.UUID, caller: Caller) -> PatrolVisit:
    """Give a visit.

    Raises:
        NotFound: there is no such visit, or the caller may not know of it.
    """
    inside = points.ids_where(within=caller.scope(Permission.view_patrols).of_places())
    query = sa.select(PatrolVisit).where(
        PatrolVisit.id == visit_id, visible_visits(caller), PatrolVisit.point_id.in_(inside)
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound(f"There is no visit {visit_id}.")
    return found


def list_visits(
    session: Session, window: Window, caller: Caller, *, point: str | None = None, round_code: str | None = None
) -> tuple[list[PatrolVisit], str | None]:
    """Give one page of the visits that the caller may know of, newest first."""
    scope = caller.scope(Permission.view_patrols).of_places()
    query = sa.select(PatrolVisit).where(
        visible_visits(caller), PatrolVisit.point_id.in_(points.ids_where(within=scope))
    )
    if point:
        query = query.where(PatrolVisit.point_id == points.get_point(session, point, within=scope).id)
    if round_code:
        query = query.where(PatrolVisit.round_id == get_round(session, round_code, caller).id)
    return cut(session, query, PatrolVisit, window)


def finish_visit(
    session: Session,
    visit_id: uuid.UUID,
    said: VisitEnd,
    caller: Caller,
    taxonomy: Taxonomy,
    numbering: issues.Numbering,
) -> PatrolVisit:
    """End a visit with what the inspector saw; a failed check of an item with a class opens an issue by hand.

    Raises:
        NotFound; Forbidden: it is somebody else's; Conflict: it has ended; Unfit: an item or photo that is not its own.
    """
    get_visit(session, visit_id, caller)
    visit = session.get(PatrolVisit, visit_id, with_for_update=True, populate_existing=True)
    assert visit is not None
    if visit.user_id != caller.user_id:
        raise Forbidden("This visit is somebody else's; only who began it ends it.")
    if visit.finished_at is not None:
        raise Conflict("This visit has ended already.")
    visit.finished_at, visit.note = now(), said.note
    place = points.points_by_id(session, [visit.point_id])[visit.point_id]
    photos = _keep_photos(session, visit, said.captures)
    _keep_checks(session, visit, place, said.checks, photos, taxonomy, numbering)
    session.flush()
    return visit


def _keep_photos(session: Session, visit: PatrolVisit, named: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Let the photos that the inspector sent for the point meanwhile, and those named, belong to the visit."""
    assert visit.finished_at is not None
    sent = captures.sent_between(
        session, visit.user_id, visit.point_id, since=visit.started_at, until=visit.finished_at
    )
    found = captures.captures_by_id(session, named)
    for capture_id in named:
        if capture_id not in found or found[capture_id].point_id != visit.point_id:
            raise Unfit(f"captures: {capture_id} is no photo of this visit's point.")
    ids = list(dict.fromkeys([*sent, *named]))
    taken = set(session.scalars(sa.select(VisitCapture.capture_id).where(VisitCapture.capture_id.in_(ids))))
    session.add_all(VisitCapture(capture_id=one, visit_id=visit.id) for one in ids if one not in taken)
    return ids


def _keep_checks(
    session: Session,
    visit: PatrolVisit,
    place: Point,
    checks: Sequence[CheckFields],
    photos: Sequence[uuid.UUID],
    taxonomy: Taxonomy,
    numbering: issues.Numbering,
) -> None:
    items = {one.code: one for one in checklist(session, visit, place)}
    for check in checks:
        item = items.get(check.item)
        if item is None:
            raise Unfit(f"checks: {check.item!r} is no item for {place.code} under the standard {visit.standard}.")
        if [one.item for one in checks].count(check.item) > 1:
            raise Unfit(f"checks: {check.item} stands twice.")
        violation = check.violation or (item.classes[0] if item.classes else None)
        if violation is not None and violation not in item.classes:
            raise Unfit(f"checks: {violation!r} is not one of the classes of {item.code}.")
        issue_id = None
        if not check.passed and violation in taxonomy.classes:
            told = issues.Told(
                point_id=place.id,
                class_code=violation,
                at=now(),
                source=Source.hand,
                state=State.open,
                note=check.note or item.zh,
                by_user_id=visit.user_id,
                capture_ids=tuple(photos),
            )
            issue_id = issues.report(session, told, numbering).id
        session.add(Check(visit_id=visit.id, item=check.item, passed=check.passed, note=check.note, issue_id=issue_id))


def checklist(session: Session, visit: PatrolVisit, place: Point) -> list[Item]:
    """Give all items that a visit may speak of, under the standard that was in force when it began."""
    standard = standards.get_standard(session, visit.standard) if visit.standard else None
    return standards.items_at(standard, place.category)


def checks_of(session: Session, visits: Sequence[PatrolVisit]) -> dict[uuid.UUID, list[Check]]:
    """Give what was checked on these visits, in the order of the items' codes."""
    found: dict[uuid.UUID, list[Check]] = {visit.id: [] for visit in visits}
    for check in session.scalars(sa.select(Check).where(Check.visit_id.in_(found)).order_by(Check.item)):
        found[check.visit_id].append(check)
    return found


def photos_of(session: Session, visits: Sequence[PatrolVisit]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Give the photos of these visits."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {visit.id: [] for visit in visits}
    query = sa.select(VisitCapture).where(VisitCapture.visit_id.in_(found)).order_by(VisitCapture.capture_id)
    for photo in session.scalars(query):
        found[photo.visit_id].append(photo.capture_id)
    return found


def round_codes(session: Session, visits: Sequence[PatrolVisit]) -> dict[uuid.UUID, str]:
    """Give the codes of the rounds that these visits belong to."""
    ids = {visit.round_id for visit in visits if visit.round_id}
    return {row.id: row.code for row in session.scalars(sa.select(Round).where(Round.id.in_(ids)))}
