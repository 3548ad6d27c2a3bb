"""Points: what may happen to them. Takes a session, never commits."""

import math
import uuid
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.points import sheets
from api.points.schemas import ImportOutcome, PointFields
from api.points.tables import Point
from detector.taxonomy import Taxonomy

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


def get_point(session: Session, code_or_id: str, *, within: Scope) -> Point:
    """Give a point by its code or its id.

    Raises:
        NotFound: there is no such point within the scope.
    """
    found = session.scalar(sa.select(Point).where(Point.code == code_or_id))
    if found is None:
        try:
            found = session.get(Point, uuid.UUID(code_or_id))
        except ValueError:
            found = None
    if found is None or not within.of_places().covers(community=found.community, point=found.code):
        raise NotFound(f"There is no point {code_or_id[:64]!r}.")
    return found


def hold_point(session: Session, point_id: uuid.UUID) -> None:
    """Let others who hold this point wait until the transaction ends; photos of it can still be received."""
    session.execute(sa.select(Point.id).where(Point.id == point_id).with_for_update(key_share=True))


def points_by_id(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Point]:
    """Give the points with these ids."""
    return {point.id: point for point in session.scalars(sa.select(Point).where(Point.id.in_(set(ids))))}


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on points that a scope sets; its departments, which have no points, add none."""
    if scope.everywhere:
        return sa.true()
    return sa.or_(Point.community.in_(scope.communities), Point.code.in_(scope.points))


def ids_where(
    *, within: Scope = EVERYWHERE, community: str | None = None, category: str | None = None
) -> sa.Select[uuid.UUID]:
    """Give the query of the ids of points in a scope, a community, of a category, for other domains to filter by."""
    query = sa.select(Point.id).where(inside(within))
    if community:
        query = query.where(Point.community == community)
    if category:
        query = query.where(Point.category == category)
    return query


def list_points(
    session: Session, window: Window, *, within: Scope, community: str | None = None, category: str | None = None
) -> tuple[list[Point], str | None]:
    """Give one page of the points within a scope, newest first."""
    asked = ids_where(within=within.of_places(), community=community, category=category)
    return cut(session, sa.select(Point).where(Point.id.in_(asked)), Point, window)


def all_points(session: Session, *, within: Scope) -> list[Point]:
    """Give every point within a scope in the order of the codes; an office has dozens, an import at most thousands."""
    return list(session.scalars(sa.select(Point).where(inside(within.of_places())).order_by(Point.code)))


def create_point(session: Session, fields: PointFields, taxonomy: Taxonomy, *, within: Scope) -> Point:
    """Add a point.

    Raises:
        Conflict: its code is taken. Unfit: its category is unknown. Forbidden: it would lie outside the scope.
    """
    _check_scope(fields, within)
    _check_category(fields, taxonomy)
    if session.scalar(sa.select(Point.id).where(Point.code == fields.code)):
        raise Conflict(f"There is a point {fields.code} already. Change it with PUT, or choose another code.")
    at = now()
    point = Point(**fields.model_dump(include=set(sheets.COLUMNS)), created_at=at, updated_at=at, revision=1)
    session.add(point)
    session.flush()
    return point


def change_point(
    session: Session, code: str, fields: PointFields, taxonomy: Taxonomy, *, within: Scope, revision: int | None
) -> Point:
    """Change a point within a scope, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale; Conflict: the new code is taken; Unfit: the category is unknown;
        Forbidden: the change would take it out of the scope.
    """
    point = session.get(Point, get_point(session, code, within=within).id, with_for_update=True)
    assert point is not None
    if revision is not None and point.revision != revision:
        raise Stale(f"{code} is at revision {point.revision} now. Read it again, then repeat your change.")
    _check_scope(fields, within)
    _check_category(fields, taxonomy)
    taken = session.scalar(sa.select(Point.id).where(Point.code == fields.code, Point.id != point.id))
    if taken:
        raise Conflict(f"There is another point {fields.code} already.")
    _apply(point, fields)
    return point


def import_points(session: Session, rows: list[sheets.Row], taxonomy: Taxonomy, *, within: Scope) -> ImportOutcome:
    """Create or change the points of a file, all or none; a point is known by its code.

    Raises:
        Unfit: with one entry for each row whose category is unknown. Forbidden: a row lies outside the scope.
    """
    sheets.refuse(
        [
            {"row": number, "column": "category", "reason": _unknown_category(point, taxonomy)}
            for number, point in rows
            if point.category not in taxonomy.categories
        ]
    )
    known = {point.code: point for point in session.scalars(sa.select(Point).with_for_update())}
    created = updated = 0
    for _, fields in rows:
        if fields.code not in known:
            create_point(session, fields, taxonomy, within=within)
            created += 1
            continue
        _check_scope(known[fields.code], within)
        _check_scope(fields, within)
        if _apply(known[fields.code], fields):
            updated += 1
    session.flush()
    return ImportOutcome(created=created, updated=updated, unchanged=len(rows) - created - updated)


def nearest_point(
    session: Session, longitude: float, latitude: float, *, within_m: float, within: Scope
) -> tuple[Point, float]:
    """Give the point of a scope nearest to a place and its distance in metres.

    Raises:
        Unfit: no point lies within `within_m` metres; says how far the nearest is.
    """
    best: tuple[float, Point] | None = None
    for point in session.scalars(sa.select(Point).where(inside(within.of_places()))):
        away = distance_m(longitude, latitude, point.longitude, point.latitude)
        if best is None or away < best[0]:
            best = (away, point)
    if best is None:
        raise Unfit("The photo names no point, and no points are registered yet. Import points first.")
    if best[0] > within_m:
        raise Unfit(
            f"The photo names no point, and the nearest one to its GPS position, {best[1].code}, "
            f"is {best[0]:.0f} m away; the limit is {within_m:.0f} m. Send it with a point_id."
        )
    return best[1], best[0]


def distance_m(longitude_1: float, latitude_1: float, longitude_2: float, latitude_2: float) -> float:
    """Give the distance over ground in metres between two WGS-84 positions in degrees.

    Source: haversine formula on the mean sphere; within 0.5 % of the ellipsoid.
    """
    phi_1, phi_2 = math.radians(latitude_1), math.radians(latitude_2)
    half_phi, half_lambda = (phi_2 - phi_1) / 2, math.radians(longitude_2 - longitude_1) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_1) * math.cos(phi_2) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def _apply(point: Point, fields: PointFields) -> bool:
    """Write the fields onto the point; say whether anything changed."""
    changed = False
    for name, value in fields.model_dump(include=set(sheets.COLUMNS)).items():
        if getattr(point, name) != value:
            setattr(point, name, value)
            changed = True
    if changed:
        point.updated_at = now()
        point.revision += 1
    return changed


def _check_scope(point: Point | PointFields, within: Scope) -> None:
    if not within.covers(community=point.community, point=point.code):
        raise Forbidden(f"The point {point.code} of {point.community} lies outside what your roles cover.")


def _check_category(fields: PointFields, taxonomy: Taxonomy) -> None:
    if fields.category not in taxonomy.categories:
        raise Unfit(f"category: {_unknown_category(fields, taxonomy)}.")


def _unknown_category(fields: PointFields, taxonomy: Taxonomy) -> str:
    return f"{fields.category!r} is not a place category; the catalogue has {', '.join(taxonomy.categories)}"
