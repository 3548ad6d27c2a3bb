"""What a client may ask, read strictly: every mistake is found and named at once. No database in here.

"Optional" means that an empty parameter is as good as none (GeoReport v2, Optional Arguments).
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from api.errors import Unfit
from api.open311.offer import Attribute, Datatype

SPAN = timedelta(days=90)  # Source: GeoReport v2, GET Service Requests
MOST_REQUESTS = 1000  # Source: the same, Response Volume
MOST_PAGES = 100  # a page is an offset here, as others do it; further back one narrows the dates
MOST_IDS = 100
LONGEST = {
    "description": 4000,  # Source: GeoReport v2, POST Service Request
    "address_string": 500,
    "address_id": 64,
    "media_url": 2000,
    "first_name": 80,
    "last_name": 80,
    "email": 254,
    "phone": 40,
    "device_id": 128,
    "account_id": 128,
}
PERSON = ("first_name", "last_name", "email", "phone", "device_id", "account_id")
LONGEST_ANSWER = 1000  # of an attribute
_MANY_LINES = frozenset(("description",))
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,64})\](\[\])?")
_LOST_PLUS = re.compile(r"(T[0-9:.]+) (\d\d:?\d\d)$")  # a `+` that nobody escaped arrives as a blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a request says it is; at least one of the three."""

    position: tuple[float, float] | None  #: longitude, latitude in degrees, WGS-84
    address_id: str  #: code of a point
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A request to be filed."""

    service_code: str
    place: Place
    description: str
    media_url: str
    person: Mapping[str, str]  #: of `PERSON`, what was said
    attributes: Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which requests are asked for."""

    since: datetime
    until: datetime
    references: list[str] = field(default_factory=list)  #: these and no others, whatever else was asked
    service_codes: list[str] = field(default_factory=list)
    closed: bool | None = None
    page: int = 1
    page_size: int = MOST_REQUESTS


def refuse(reasons: Iterable[str]) -> None:
    """Refuse with every reason that was found, if there is any.

    Raises:
        Unfit
    """
    found = list(reasons)
    if found:
        raise Unfit(found[0], errors=[{"reason": reason} for reason in found])


def read_filing(sent: Mapping[str, list[str]], asked: Mapping[str, list[Attribute]], services: Iterable[str]) -> Filing:
    """Read what was sent to be filed.

    Args:
        sent: every value of every field.
        asked: the attributes of each service that has any.
        services: the codes that are taken.

    Raises:
        Unfit: naming everything that is wrong.
    """
    wrong: list[str] = []
    plain = {name: clean(_single(sent, name), lines=name in _MANY_LINES) for name in LONGEST}
    wrong += [
        f"{name} has {len(plain[name])} characters; the limit is {most}."
        for name, most in LONGEST.items()
        if len(plain[name]) > most
    ]
    position = _position(_single(sent, "lat"), _single(sent, "long"), wrong)
    given = any(_single(sent, one) for one in ("lat", "long"))
    if not given and not plain["address_id"] and not plain["address_string"]:
        wrong.append("Say where it is: lat and long, or address_id, or address_string.")
    if plain["media_url"] and not _is_web_address(plain["media_url"]):
        wrong.append("media_url must be an http or https address.")
    code = _single(sent, "service_code")
    if not code:
        wrong.append("service_code was not provided.")
    answers = _answers(sent, asked.get(code, []), wrong) if code in services else {}
    refuse(wrong)
    return Filing(
        service_code=code,
        place=Place(position=position, address_id=plain["address_id"], address=plain["address_string"]),
        description=plain["description"],
        media_url=plain["media_url"],
        person={name: plain[name] for name in PERSON if plain[name]},
        attributes=answers,
    )


def _single(sent: Mapping[str, list[str]], name: str) -> str:
    """Give the last value of a field, without blanks around it; nothing where there is none."""
    values = sent.get(name) or [""]
    return values[-1].strip()


def clean(text: str, *, lines: bool) -> str:
    """Give a text without control characters, on one line unless it may have `lines`."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n") if lines else " ".join(text.split())
    return "".join(one for one in kept if one.isprintable() or one == "\n" or one in "\u200c\u200d").strip()


def _position(lat: str, long: str, wrong: list[str]) -> tuple[float, float] | None:
    if not lat and not long:
        return None
    if not lat or not long:
        wrong.append("lat and long must be sent together.")
        return None
    read: list[float] = []
    for name, text, most in (("long", long, 180), ("lat", lat, 90)):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not abs(value) <= most:  # also where it is not a number
            wrong.append(f"{name} must be a number of degrees between -{most} and {most} (WGS-84).")
        read.append(value)
    return None if wrong else (read[0], read[1])


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(one.isspace() for one in text)


def _answers(sent: Mapping[str, list[str]], asked: list[Attribute], wrong: list[str]) -> dict[str, str | list[str]]:
    by_code = {one.code: one for one in asked}
    answers: dict[str, str | list[str]] = {}
    for name, values in sent.items():
        found = _ATTRIBUTE.fullmatch(name)
        if found is None:
            continue
        attribute = by_code.get(found[1])
        given = [value for value in (clean(one, lines=True) for one in values) if value]
        if attribute is None:
            wrong.append(f"attribute[{found[1][:64]}] is not asked of this service.")
        elif given:
            _check_answer(attribute, given, wrong)
            answers[attribute.code] = given if attribute.datatype is Datatype.multivaluelist else given[-1]
    wrong += [f"attribute[{one.code}] is required." for one in asked if one.required and one.code not in answers]
    return answers


def _check_answer(attribute: Attribute, given: list[str], wrong: list[str]) -> None:
    name = f"attribute[{attribute.code}]"
    keys = [choice.key for choice in attribute.values]
    for value in given[:200]:
        if len(value) > LONGEST_ANSWER:
            wrong.append(f"{name} has {len(value)} characters; the limit is {LONGEST_ANSWER}.")
        elif keys and value not in keys:
            wrong.append(f"{name} must be one of {', '.join(keys)}.")
        elif attribute.datatype is Datatype.number and not _is_number(value):
            wrong.append(f"{name} must be a number.")
        elif attribute.datatype is Datatype.datetime:
            read_time(name, value, wrong)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_time(name: str, text: str, wrong: list[str]) -> datetime | None:
    """Read a moment in W3C format with its zone; what is wrong with it is added to `wrong`."""
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 < moment.year < 9999:
        wrong.append(f"{name} must be a time with its zone, such as 2026-01-31T08:00:00Z or 2026-01-31T16:00:00+08:00.")
        return None
    return moment


def read_listing(sent: Mapping[str, str], now: datetime) -> Listing:
    """Read which requests are asked for.

    Raises:
        Unfit: naming everything that is wrong.
    """
    wrong: list[str] = []
    references = _parts(sent.get("service_request_id", ""))
    if len(references) > MOST_IDS:
        wrong.append(f"service_request_id names {len(references)} requests; the limit is {MOST_IDS}.")
    page_size = _count("page_size", sent.get("page_size", ""), MOST_REQUESTS, MOST_REQUESTS, wrong)
    page = _count("page", sent.get("page", ""), 1, MOST_PAGES, wrong)
    since, until = _span(sent.get("start_date", ""), sent.get("end_date", ""), now, wrong)
    statuses = {one.lower() for one in _parts(sent.get("status", ""))}
    if statuses - {"open", "closed"}:
        wrong.append("status must be open, closed, or both with a comma between.")
    refuse(wrong)
    return Listing(
        since=since,
        until=until,
        references=references,
        service_codes=_parts(sent.get("service_code", "")),
        closed="closed" in statuses if len(statuses) == 1 else None,
        page=page,
        page_size=page_size,
    )


def _parts(text: str) -> list[str]:
    return [part for part in (one.strip() for one in text.split(",")) if part]


def _count(name: str, text: str, otherwise: int, most: int, wrong: list[str]) -> int:
    text = text.strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        wrong.append(f"{name} must be a whole number from 1 to {most}.")
        return otherwise
    return int(text)


def _span(start: str, end: str, now: datetime, wrong: list[str]) -> tuple[datetime, datetime]:
    """Give the first and last moment asked for; an end that is not said lies 90 days from the other, or now."""
    since = read_time("start_date", start.strip(), wrong) if start.strip() else None
    until = read_time("end_date", end.strip(), wrong) if end.strip() else None
    if since is not None and until is not None:
        if since > until:
            wrong.append("start_date lies after end_date.")
        elif until - since > SPAN:
            wrong.append(f"start_date and end_date span more than {SPAN.days} days. Ask in parts.")
        return since, until
    if since is not None:
        return since, since + SPAN
    until = until or now
    return until - SPAN, until
