"""Requests filed from outside: what may happen to them. Takes a session, never commits.

A request becomes a report by hand on (point, class). A second one of the same joins the issue that is open there, and
has an id of its own all the same.
"""

import re
import secrets
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.database import now
from api.errors import NotFound, Unfit
from api.issues import service as issues
from api.issues.tables import Issue
from api.open311.asking import MOST_REQUESTS, Filing, Listing, Place
from api.open311.offer import Jurisdiction
from api.open311.tables import Requester, ServiceRequest
from api.paging import Window, cut
from api.points import service as points
from api.points.tables import Point

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look alike: people read these out on the telephone
_REFERENCE_LETTERS = 10  # 49 bits: nobody meets a request by guessing
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\+?\d(?:[ \u2010-\u2015-]?\d){6,}[Xx]?")
MASK = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The point that a request speaks of."""

    point: Point
    distance_m: float | None  #: from the position it gave; None where it named the place


def pin(session: Session, place: Place, jurisdiction: Jurisdiction, within_m: float) -> Pinned:
    """Give the point that a place belongs to: the one named, else the nearest, else the one with that address.

    Raises:
        Unfit: there is none, or none near enough; says how far the nearest is.
    """
    named = jurisdiction.communities
    ours = [one for one in points.all_points(session, within=EVERYWHERE) if not named or one.community in named]
    if place.address_id:
        found = next((one for one in ours if one.code == place.address_id), None)
        if found is None:
            raise Unfit(f"address_id: there is no point {place.address_id[:64]!r} here.")
        return Pinned(point=found, distance_m=None)
    if place.position is not None:
        return _nearest(ours, place.position, within_m)
    wanted = _plain(place.address)
    same = [one for one in ours if wanted in {_plain(one.address), _plain(one.name), _plain(one.code)}]
    if len(same) != 1:
        said = "several points have" if same else "no point has"
        raise Unfit(f"address_string: {said} this name or address. Send lat and long.")
    return Pinned(point=same[0], distance_m=None)


def _nearest(ours: list[Point], position: tuple[float, float], within_m: float) -> Pinned:
    if not ours:
        raise Unfit("No points are registered here yet.")
    away = {one.id: points.distance_m(*position, one.longitude, one.latitude) for one in ours}
    nearest = min(ours, key=lambda one: away[one.id])
    if away[nearest.id] > within_m:
        raise Unfit(
            f"The nearest watched point, {nearest.name}, is {away[nearest.id]:.0f} m away; "
            f"requests are taken within {within_m:.0f} m."
        )
    return Pinned(point=nearest, distance_m=round(away[nearest.id], 1))


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def file(
    session: Session, filing: Filing, pinned: Pinned, issue: Issue, *, jurisdiction: str, capture_id: uuid.UUID | None
) -> ServiceRequest:
    """Write down a request that has become part of `issue`, and apart from it who filed it."""
    longitude, latitude = filing.place.position or (None, None)
    row = ServiceRequest(
        reference="".join(secrets.choice(_LETTERS) for _ in range(_REFERENCE_LETTERS)),
        token=secrets.token_hex(16),
        jurisdiction=jurisdiction,
        service_code=filing.service_code,
        issue_id=issue.id,
        point_id=pinned.point.id,
        requested_at=now(),
        description=filing.description,
        address=filing.place.address,
        longitude=longitude,
        latitude=latitude,
        distance_m=pinned.distance_m,
        media_url=filing.media_url,
        capture_id=capture_id,
        attributes=dict(filing.attributes),
    )
    session.add(row)
    session.flush()
    if filing.person:
        session.add(Requester(request_id=row.id, **filing.person))
        session.flush()
    return row


def by_token(session: Session, jurisdiction: str, token: str) -> ServiceRequest:
    """Give the request that a token was given for.

    Raises:
        NotFound: no such token was given.
    """
    wanted = sa.select(ServiceRequest).filter_by(jurisdiction=jurisdiction, token=token[:64])
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound("This token was not found.")
    return found


def by_reference(session: Session, reference: str, jurisdiction: str | None = None) -> ServiceRequest:
    """Give a request by its service_request_id, of one jurisdiction or of any.

    Raises:
        NotFound: there is no such request.
    """
    wanted = sa.select(ServiceRequest).where(ServiceRequest.reference == reference[:64].upper())
    if jurisdiction is not None:
        wanted = wanted.where(ServiceRequest.jurisdiction == jurisdiction)
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(f"service_request_id {reference[:64]!r} was not found.")
    return found


def list_public(session: Session, jurisdiction: str, wanted: Listing) -> list[ServiceRequest]:
    """Give the requests asked for, newest first."""
    query = sa.select(ServiceRequest).where(ServiceRequest.jurisdiction == jurisdiction)
    if wanted.references:
        query = query.where(ServiceRequest.reference.in_([one.upper() for one in wanted.references]))
        return list(session.scalars(query.order_by(ServiceRequest.id.desc()).limit(MOST_REQUESTS)))
    query = query.where(ServiceRequest.requested_at.between(wanted.since, wanted.until))
    if wanted.service_codes:
        query = query.where(ServiceRequest.service_code.in_(wanted.service_codes))
    if wanted.closed is not None:
        query = query.where(ServiceRequest.issue_id.in_(issues.ids_where(ended=wanted.closed)))
    page = query.order_by(ServiceRequest.requested_at.desc(), ServiceRequest.id.desc())
    return list(session.scalars(page.limit(wanted.page_size).offset((wanted.page - 1) * wanted.page_size)))


def list_requests(
    session: Session, window: Window, issue: str | None, *, within: Scope
) -> tuple[list[ServiceRequest], str | None]:
    """Give one page of the requests at places within a scope, newest first, of one issue or of all."""
    query = sa.select(ServiceRequest)
    if not within.everywhere:
        query = query.where(ServiceRequest.issue_id.in_(issues.ids_where(within=within)))
    if issue:
        query = query.where(ServiceRequest.issue_id == issues.get_issue(session, issue, within=within).id)
    return cut(session, query, ServiceRequest, window)


def check_within(session: Session, row: ServiceRequest, scope: Scope) -> None:
    """Make sure that the issue of a request lies within a scope.

    Raises:
        NotFound: to somebody from elsewhere it is not there.
    """
    issues.get_issue(session, str(row.issue_id), within=scope)


def requester_of(session: Session, request_id: uuid.UUID) -> Requester:
    """Give who filed a request.

    Raises:
        NotFound: they did not say, or it was deleted.
    """
    found = session.scalars(sa.select(Requester).filter_by(request_id=request_id)).one_or_none()
    if found is None:
        raise NotFound("Nothing is kept about who filed this request.")
    return found


def forget_requester(session: Session, request_id: uuid.UUID) -> bool:
    """Delete who filed a request and say whether anything was kept; harmless to do twice."""
    gone = session.execute(sa.delete(Requester).where(Requester.request_id == request_id).returning(Requester.id))
    return gone.first() is not None


def masked(text: str) -> str:
    """Give a text as strangers may read it: without what looks like a telephone, identity or e-mail number."""
    return _PERSONAL.sub(MASK, text)
