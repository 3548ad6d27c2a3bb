"""What Open311 answers say, as plain values in the order of the standard; never who filed a request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.context import Service
from api.issues.tables import Issue
from api.open311.asking import MOST_PAGES, MOST_REQUESTS
from api.open311.offer import AnswerWith, Attribute, Jurisdiction, Offer
from api.open311.service import masked
from api.open311.tables import ServiceRequest
from api.points.tables import Point
from detector.taxonomy import ViolationClass
from detector.texts import say

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"  # the name by which clients know it
Plain = dict[str, Any]


def discovery(offer: Offer, endpoint: str, language: str) -> Plain:
    """Say where the service is and what it speaks."""
    return {
        "changeset": offer.changeset,
        "contact": offer.contact.in_language(language),
        "key_service": offer.key_service.in_language(language),
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": endpoint,
                "changeset": offer.changeset,
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }


def services(context: Service, offer: Offer, jurisdiction: Jurisdiction, language: str) -> list[Plain]:
    """Give the services that a jurisdiction takes requests for."""
    taxonomy = context.taxonomy
    return [
        {
            "service_code": entry.code,
            "service_name": taxonomy.name_of(entry.code, language),
            "description": say(
                "open311.service",
                language,
                kind=taxonomy.name_of(kind.code, language),
                department=_agency(entry, context, language),
            ),
            "metadata": entry.code in offer.attributes,
            "type": "realtime" if offer.answer_with is AnswerWith.id else "batch",
            "keywords": ",".join((entry.zh, entry.en, entry.common_code or entry.code)),
            "group": taxonomy.name_of(kind.code, language),
        }
        for kind in taxonomy.kinds
        for entry in kind.classes
        if is_taken(entry, jurisdiction)
    ]


def is_taken(entry: ViolationClass, jurisdiction: Jurisdiction) -> bool:
    """Say whether requests of this class are taken."""
    return entry.enabled and entry.code not in jurisdiction.withheld


def definition(code: str, asked: list[Attribute], language: str) -> Plain:
    """Give what is asked besides of a service."""
    return {
        "service_code": code,
        "attributes": [_attribute(one, at, language) for at, one in enumerate(asked, start=1)],
    }


def _attribute(one: Attribute, order: int, language: str) -> Plain:
    return {
        "variable": True,
        "code": one.code,
        "datatype": one.datatype.value,
        "required": one.required,
        "datatype_description": say(f"open311.datatype.{one.datatype}", language),
        "order": order,
        "description": one.in_language(language),
        "values": [{"key": choice.key, "name": choice.in_language(language)} for choice in one.values],
    }


def filed(row: ServiceRequest, offer: Offer, language: str) -> list[Plain]:
    """Answer a new request with its id, or with a token where the office wants it so."""
    named = {"service_request_id": row.reference} if offer.answer_with is AnswerWith.id else {"token": row.token}
    return [{**named, "service_notice": say("open311.notice", language), "account_id": None}]


def request(
    row: ServiceRequest, issue: Issue, point: Point, context: Service, language: str, *, base: str, extensions: bool
) -> Plain:
    """Give a request as anybody may read it."""
    taxonomy = context.taxonomy
    entry = taxonomy.classes.get(row.service_code)
    state = say(f"state.{issue.state}", language)
    plain: Plain = {
        "service_request_id": row.reference,
        "status": "open" if issue.closed_at is None else "closed",
        "status_notes": say("open311.status", language, state=state, number=issue.number),
        "service_name": taxonomy.name_of(row.service_code, language),
        "service_code": row.service_code,
        "description": masked(row.description),
        "agency_responsible": _agency(entry, context, language) if entry else None,
        "service_notice": None,
        "requested_datetime": _time(row.requested_at, context),
        "updated_datetime": _time(issue.closed_at or max(row.requested_at, issue.state_since), context),
        "expected_datetime": _time(issue.due_at, context) if issue.due_at and issue.closed_at is None else None,
        "address": masked(row.address) or point.address or point.name,
        "address_id": point.code,
        "zipcode": None,
        "lat": point.latitude if row.latitude is None else row.latitude,
        "long": point.longitude if row.longitude is None else row.longitude,
        "media_url": f"{base}/api/v1/captures/{row.capture_id}/picture" if row.capture_id else row.media_url or None,
    }
    if extensions:
        plain["attributes"] = _answers(row.attributes)
        plain["extended_attributes"] = {
            "issue": issue.number,
            "state": issue.state,
            "state_name": state,
            "point": point.code,
            "point_name": point.name,
            "community": point.community,
            "distance_m": row.distance_m,
        }
    return plain


def _answers(attributes: Mapping[str, Any]) -> list[Plain]:
    """Give each answer as an entry of its own; text that people wrote is masked like the description."""
    return [
        {"code": code, "value": masked(str(value))}
        for code, values in attributes.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _agency(entry: ViolationClass, context: Service, language: str) -> str:
    return context.taxonomy.name_of(entry.departments[0], language)


def _time(moment: datetime, context: Service) -> str:
    return moment.astimezone(context.settings.zone).isoformat(timespec="seconds")


LIMITS = f"At most {MOST_REQUESTS} requests a page, {MOST_PAGES} pages, 90 days."
