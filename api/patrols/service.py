"""Patrols: rounds, visits and what is due. Takes a session, never commits.

A secret round, its visits and what its checks said are seen by its walkers and by those who manage patrols, and by
nobody else until it is published: `visible` is the one condition, and everything here asks it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Permission, Role
from api.accounts.schemas import EVERYWHERE, Caller, Granted
from api.audit.changes import NOTHING, Picture, note_change, picture
from api.database import now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.patrols.schemas import Progress, RoundFields, Secrecy, StopView
from api.patrols.tables import PatrolVisit, Round, Stop, Walker
from api.points import service as points
from api.points.tables import Point

SUBJECT = "round"  # of the audit log


def visible(caller: Caller) -> sa.ColumnElement[bool]:
    """Give the condition on rounds that a caller may know of."""
    if caller.may(Permission.manage_patrols):
        return sa.true()
    walked = sa.select(Walker.round_id).where(Walker.user_id == caller.user_id)
    return sa.or_(Round.secrecy == Secrecy.open, Round.published_at.is_not(None), Round.id.in_(walked))


def visible_visits(caller: Caller) -> sa.ColumnElement[bool]:
    """Give the condition on visits that a caller may know of."""
    known = sa.select(Round.id).where(visible(caller))
    return sa.or_(PatrolVisit.round_id.is_(None), PatrolVisit.round_id.in_(known))


def office() -> Caller:
    """Give the caller as whom the office's own commands look: everything, secret rounds too."""
    return Caller(user_id=uuid.UUID(int=0), key_id=None, name="office", grants=(Granted(role=Role.admin),))


def get_round(session: Session, code: str, caller: Caller) -> Round:
    """Give a round by its code.

    Raises:
        NotFound: there is no such round, or the caller may not know of it.
    """
    found = session.scalar(sa.select(Round).where(Round.code == code, visible(caller)))
    if found is None:
        raise NotFound(f"There is no round {code[:64]!r}.")
    return found


def list_rounds(
    session: Session, window: Window, caller: Caller, *, on: date | None = None
) -> tuple[list[Round], str | None]:
    """Give one page of the rounds that the caller may know of, newest first; `on`: those that run on that day."""
    query = sa.select(Round).where(visible(caller))
    if on is not None:
        query = query.where(Round.starts_on <= on, Round.ends_on >= on)
    return cut(session, query, Round, window)


def create_round(session: Session, fields: RoundFields, caller: Caller, zone: tzinfo) -> Round:
    """Plan a round.

    Raises:
        Conflict: its code is taken. Unfit: it names a point or user that does not exist, or no point at all.
    """
    if session.scalar(sa.select(Round.id).where(Round.code == fields.code)):
        raise Conflict(f"There is a round {fields.code} already.")
    row = Round(
        **fields.model_dump(exclude={"points", "all_due", "walkers"}), created_at=now(), updated_at=now(), revision=1
    )
    session.add(row)
    session.flush()
    _plan(session, row, fields, caller, zone)
    _note(session, row, NOTHING, caller)
    return row


def change_round(
    session: Session, code: str, fields: RoundFields, caller: Caller, zone: tzinfo, *, revision: int | None
) -> Round:
    """Plan a round anew, if it is still at `revision` (None: whatever it is at). What was visited stays visited.

    Raises:
        NotFound, Stale; Conflict: it was published and would be secret again; Unfit: it names what does not exist.
    """
    row = session.get(Round, get_round(session, code, caller).id, with_for_update=True, populate_existing=True)
    assert row is not None
    if revision is not None and row.revision != revision:
        raise Stale(f"Round {code} is at revision {row.revision} now. Read it again, then repeat your change.")
    if fields.code != row.code:
        raise Unfit(f"code: the code of a round stays {row.code}.")
    if row.secrecy == Secrecy.open and fields.secrecy is Secrecy.secret:
        raise Conflict(f"Round {code} is open: what people have seen cannot be made secret. Plan another one.")
    before = _told(session, row)
    for name, value in fields.model_dump(exclude={"points", "all_due", "walkers"}).items():
        setattr(row, name, value)
    row.updated_at, row.revision = now(), row.revision + 1
    session.execute(sa.delete(Stop).where(Stop.round_id == row.id))
    session.execute(sa.delete(Walker).where(Walker.round_id == row.id))
    _plan(session, row, fields, caller, zone)
    _note(session, row, before, caller)
    return row


def publish_round(session: Session, code: str, caller: Caller) -> Round:
    """Let everybody know of a secret round from now on; harmless to do twice.

    Raises:
        NotFound: there is no such round.
    """
    row = session.get_one(Round, get_round(session, code, caller).id, with_for_update=True, populate_existing=True)
    before = _told(session, row)
    if row.published_at is None:
        row.published_at, row.revision = now(), row.revision + 1
    _note(session, row, before, caller)
    session.flush()
    return row


def _told(session: Session, row: Round) -> dict[str, Any]:
    """Give a round as the log tells it: with its route and who walks it."""
    query = sa.select(Stop.point_id).where(Stop.round_id == row.id).order_by(Stop.position)
    route = list(session.scalars(query))
    places = points.points_by_id(session, route)
    walkers = [str(one) for one in walkers_of(session, [row])[row.id]]
    return picture(row) | {"points": [places[one].code for one in route], "walkers": walkers}


def _note(session: Session, row: Round, before: Picture, caller: Caller) -> None:
    note_change(
        session,
        kind=SUBJECT,
        subject_id=row.id,
        name=row.code,
        before=before,
        after=_told(session, row),
        by=caller.user_id,
    )


def _plan(session: Session, row: Round, fields: RoundFields, caller: Caller, zone: tzinfo) -> None:
    """Write down the route and who walks it."""
    known = points.ids_by_code(session, fields.points)
    missing = [code for code in fields.points if code not in known]
    if missing:
        raise Unfit(f"points: there is no point {missing[0]!r}.")
    route = [known[code] for code in fields.points]
    if fields.all_due:
        every = points.all_points(session, within=EVERYWHERE)
        found = due(session, every, caller, on=fields.ends_on, zone=zone)
        route += [one.id for one in every if found[one.id].is_due and one.id not in set(route)]
    if not route:
        raise Unfit("points: a round needs a point; name some, or ask for all that are due.")
    users = accounts.names_of(session, fields.walkers)
    for user_id in fields.walkers:
        if user_id not in users:
            raise Unfit(f"walkers: there is no user {user_id}.")
    session.add_all(Stop(round_id=row.id, point_id=point_id, position=at) for at, point_id in enumerate(route))
    session.add_all(Walker(round_id=row.id, user_id=user_id) for user_id in dict.fromkeys(fields.walkers))
    session.flush()


def walkers_of(session: Session, rows: Sequence[Round]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Give who goes on these rounds."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {row.id: [] for row in rows}
    for walker in session.scalars(sa.select(Walker).where(Walker.round_id.in_(found)).order_by(Walker.user_id)):
        found[walker.round_id].append(walker.user_id)
    return found


def stops_of(session: Session, rows: Sequence[Round], today: date) -> dict[uuid.UUID, list[StopView]]:
    """Give the stops of these rounds in the order of their routes: due, visited or missed as of `today`."""
    found: dict[uuid.UUID, list[StopView]] = {row.id: [] for row in rows}
    over = {row.id: row.ends_on < today for row in rows}
    visits = {
        (visit.round_id, visit.point_id): visit.id
        for visit in session.scalars(
            sa.select(PatrolVisit)
            .where(PatrolVisit.round_id.in_(found), PatrolVisit.finished_at.is_not(None))
            .order_by(PatrolVisit.id)
        )
    }
    stops = list(session.scalars(sa.select(Stop).where(Stop.round_id.in_(found)).order_by(Stop.position)))
    places = points.points_by_id(session, [stop.point_id for stop in stops])
    for stop in stops:
        visit_id = visits.get((stop.round_id, stop.point_id))
        progress = Progress.visited if visit_id else Progress.missed if over[stop.round_id] else Progress.due
        place = places[stop.point_id]
        found[stop.round_id].append(StopView(point=place.code, name=place.name, progress=progress, visit_id=visit_id))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a point is to be visited again."""

    last_visit_at: datetime | None
    due_on: date | None  #: None: it is not patrolled
    is_due: bool


def due(session: Session, places: Sequence[Point], caller: Caller, *, on: date, zone: tzinfo) -> dict[uuid.UUID, Due]:
    """Say of each point whether it is due on a day, from the last visit that the caller may know of."""
    last = last_visits(session, caller)
    found = {}
    for place in places:
        at = last.get(place.id)
        every = place.assess_every_days
        if every is None:
            due_on = None
        elif at is None:
            due_on = place.created_at.astimezone(zone).date()
        else:
            due_on = at.astimezone(zone).date() + timedelta(days=every)
        found[place.id] = Due(last_visit_at=at, due_on=due_on, is_due=due_on is not None and due_on <= on)
    return found


def last_visits(session: Session, caller: Caller) -> dict[uuid.UUID, datetime]:
    """Give when each point was last visited, as far as the caller may know."""
    query = (
        sa.select(PatrolVisit.point_id, sa.func.max(PatrolVisit.finished_at, type_=PatrolVisit.finished_at.type))
        .where(PatrolVisit.finished_at.is_not(None), visible_visits(caller))
        .group_by(PatrolVisit.point_id)
    )
    return {point_id: at for point_id, at in session.execute(query) if at is not None}
