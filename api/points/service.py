"""Points: what may happen to them. Takes a session, never commits."""

import math
import uuid
from collections.abc import Container, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.audit.changes import NOTHING, Picture, note_change, picture
from api.database import now
from api.errors import Conflict, Forbidden, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.points.schemas import PointFields
from api.points.tables import Point
from api.posts import service as posts
from api.sheets import ImportOutcome, Row, Sheet, refuse
from detector.taxonomy import Taxonomy

SHEET = Sheet(model=PointFields, key="code", noun="points")
SUBJECT = "point"  # of the audit log
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


def places_of(session: Session, ids: Iterable[uuid.UUID]) -> Sequence[Any]:
    """Give what a map needs of these points, in the order of their codes: plain rows, for there may be hundreds."""
    columns = (Point.id, Point.code, Point.name, Point.community, Point.category, Point.longitude, Point.latitude)
    return session.execute(sa.select(*columns).where(Point.id.in_(set(ids))).order_by(Point.code)).all()


def ids_by_code(session: Session, codes: Iterable[str | None]) -> dict[str, uuid.UUID]:
    """Give the ids of the points with these codes."""
    query = sa.select(Point.code, Point.id).where(Point.code.in_(set(codes) - {None}))
    return {row.code: row.id for row in session.execute(query)}


def communities(session: Session) -> list[str]:
    """Give the communities that points lie in, in the order of their names."""
    return list(session.scalars(sa.select(Point.community).distinct().order_by(Point.community)))


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on points that a scope sets; its departments, which have no points, add none."""
    if scope.everywhere:
        return sa.true()
    return sa.or_(Point.community.in_(scope.communities), Point.code.in_(scope.points))


def ids_where(
    *, within: Scope = EVERYWHERE, community: str | None = None, category: str | None = None, text: str | None = None
) -> sa.Select[uuid.UUID]:
    """Give the query of the ids of points for other domains to filter by.

    Those in a scope, in a community, of a category, with a text in their code, name, address or community.
    """
    query = sa.select(Point.id).where(inside(within))
    if community:
        query = query.where(Point.community == community)
    if category:
        query = query.where(Point.category == category)
    if text:
        said = (Point.code, Point.name, Point.address, Point.community)
        query = query.where(sa.or_(*(one.icontains(text, autoescape=True) for one in said)))
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


def count_points(session: Session, *, within: Scope) -> int:
    """Count the points within a scope."""
    return session.scalar(sa.select(sa.func.count()).select_from(Point).where(inside(within.of_places()))) or 0


def create_point(
    session: Session, fields: PointFields, taxonomy: Taxonomy, *, within: Scope, by: uuid.UUID | None
) -> Point:
    """Add a point.

    Raises:
        Conflict: its code is taken. Unfit: it names a category, department or post that does not exist.
        Forbidden: it would lie outside the scope.
    """
    _check_scope(fields, within)
    _refuse_first(session, fields, taxonomy)
    if session.scalar(sa.select(Point.id).where(Point.code == fields.code)):
        raise Conflict(f"There is a point {fields.code} already. Change it with PUT, or choose another code.")
    return _add(session, fields, by)


def change_point(
    session: Session,
    code: str,
    fields: PointFields,
    taxonomy: Taxonomy,
    *,
    within: Scope,
    revision: int | None,
    by: uuid.UUID | None,
) -> Point:
    """Change a point within a scope, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale; Conflict: the new code is taken; Unfit: it names what does not exist;
        Forbidden: the change would take it out of the scope.
    """
    point = hold_for_change(session, code, within=within, revision=revision)
    _check_scope(fields, within)
    _refuse_first(session, fields, taxonomy)
    taken = session.scalar(sa.select(Point.id).where(Point.code == fields.code, Point.id != point.id))
    if taken:
        raise Conflict(f"There is another point {fields.code} already.")
    _apply(session, point, fields, set(PointFields.model_fields), by)
    return point


def hold_for_change(session: Session, code: str, *, within: Scope, revision: int | None) -> Point:
    """Give a point within a scope, locked, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale.
    """
    found = get_point(session, code, within=within)
    point = session.get_one(Point, found.id, with_for_update=True, populate_existing=True)
    if revision is not None and point.revision != revision:
        raise Stale(f"{code} is at revision {point.revision} now. Read it again, then repeat your change.")
    return point


def show_zone(session: Session, point: Point, key: str | None, *, by: uuid.UUID | None) -> None:
    """Let a picture in the media show a point's zone; None: none does."""
    before = picture(point)
    if point.zone_key != key:
        point.zone_key = key
        point.updated_at, point.revision = now(), point.revision + 1
    _note(session, point, before, by)
    session.flush()


def import_points(
    session: Session, rows: list[Row[PointFields]], taxonomy: Taxonomy, *, within: Scope, by: uuid.UUID | None
) -> ImportOutcome:
    """Create or change the points of a file, all or none; a point is known by its code.

    Columns that the file lacks stay as they are.

    Raises:
        Unfit: with one entry for each row that names a category, department or post that does not exist.
        Forbidden: a row lies outside the scope.
    """
    known_posts = posts.posts_by_code(session, (code for row in rows for code in _posts_of(row.fields)))
    refuse(
        [
            {"row": row.number, "column": column, "reason": reason}
            for row in rows
            for column, reason in _faults(row.fields, known_posts, taxonomy)
        ]
    )
    known = {point.code: point for point in session.scalars(sa.select(Point).with_for_update())}
    created = updated = 0
    for row in rows:
        _check_scope(row.fields, within)
        if row.fields.code in known:
            _check_scope(known[row.fields.code], within)
        if row.fields.code not in known:
            _add(session, row.fields, by)
            created += 1
        elif _apply(session, known[row.fields.code], row.fields, row.fields.model_fields_set, by):
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


def _add(session: Session, fields: PointFields, by: uuid.UUID | None) -> Point:
    at = now()
    point = Point(**fields.model_dump(include=set(PointFields.model_fields)), created_at=at, updated_at=at, revision=1)
    session.add(point)
    session.flush()
    _note(session, point, NOTHING, by)
    return point


def _apply(session: Session, point: Point, fields: PointFields, names: set[str], by: uuid.UUID | None) -> bool:
    """Write the named fields onto the point; say whether anything changed."""
    changed, before = False, picture(point)
    for name, value in fields.model_dump(include=names).items():
        if getattr(point, name) != value:
            setattr(point, name, value)
            changed = True
    if changed:
        point.updated_at = now()
        point.revision += 1
        _note(session, point, before, by)
    return changed


def _note(session: Session, point: Point, before: Picture, by: uuid.UUID | None) -> None:
    note_change(session, kind=SUBJECT, subject_id=point.id, name=point.code, before=before, after=picture(point), by=by)


def _check_scope(point: Point | PointFields, within: Scope) -> None:
    if not within.covers(community=point.community, point=point.code):
        raise Forbidden(f"The point {point.code} of {point.community} lies outside what your roles cover.")


def _posts_of(fields: PointFields) -> list[str]:
    return [code for code in (fields.first_post, fields.specific_post) if code is not None]


def _faults(fields: PointFields, known_posts: Container[str], taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Give column and reason of whatever a point names that does not exist."""
    faults = []
    if fields.category not in taxonomy.categories:
        known = ", ".join(taxonomy.categories)
        faults.append(("category", f"{fields.category!r} is not a place category; the catalogue has {known}"))
    for column in ("first_post", "specific_post"):
        code = getattr(fields, column)
        if code is not None and code not in known_posts:
            faults.append((column, f"there is no post {code!r}; add it before the point"))
    kinds = [one.code for one in taxonomy.kinds]
    departments = [one.code for one in taxonomy.departments]
    for kind, department in fields.departments.items():
        if kind not in kinds:
            faults.append(("departments", f"{kind!r} is not a kind; the catalogue has {', '.join(kinds)}"))
        if department not in departments:
            faults.append(
                ("departments", f"{department!r} is not a department; the catalogue has {', '.join(departments)}")
            )
    return faults


def _refuse_first(session: Session, fields: PointFields, taxonomy: Taxonomy) -> None:
    faults = _faults(fields, posts.posts_by_code(session, _posts_of(fields)), taxonomy)
    if faults:
        column, reason = faults[0]
        raise Unfit(f"{column}: {reason}.")
