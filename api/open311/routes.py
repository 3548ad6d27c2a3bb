"""Open311 GeoReport v2 over HTTP, an application of its own behind its own door.

Source: the specification at github.com/open311/open311.github.io, GeoReport_v2, as of d65f0b9.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import anyio.to_thread
from fastapi import FastAPI, Header, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.middleware.cors import CORSMiddleware

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.captures import routes as captures_routes
from api.captures import service as captures
from api.context import Service
from api.database import now
from api.errors import NotFound, NotSignedIn, Unfit, Unreadable
from api.issues import service as issues
from api.issues.schemas import Source
from api.issues.transitions import State
from api.open311 import asking, views
from api.open311 import service as open311
from api.open311.door import PREFIX, Counting, install_refusals, too_often
from api.open311.offer import Jurisdiction, Offer
from api.open311.tables import ServiceRequest
from api.open311.wire import Format, answer
from api.points import service as points
from api.uploads import read_upload
from detector.texts import preferred

DESCRIPTION = """Requests from outside, as Open311 GeoReport v2 has them. Reading needs no key unless the office wants
one; filing needs `api_key`. Answers are XML or JSON by suffix, Chinese or English by Accept-Language; WGS-84."""
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_MOST_FIELDS = 200
_FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["service_code", "api_key"],
    "properties": {
        "api_key": {"type": "string"},
        "jurisdiction_id": {"type": "string"},
        "service_code": {"type": "string", "example": "exposed_garbage"},
        "lat": {"type": "number", "example": 22.5586},
        "long": {"type": "number", "example": 114.1366},
        **{name: {"type": "string", "maxLength": most} for name, most in asking.LONGEST.items()},
    },
}
_BODY = {
    "requestBody": {
        "content": {
            _FORM: {"schema": _FIELDS},
            _MULTIPART: {
                "schema": _FIELDS
                | {"properties": {**_FIELDS["properties"], "media": {"type": "string", "format": "binary"}}}
            },
        }
    }
}


class Front:
    """What every route asks first: for whom, in which language, with which key."""

    def __init__(self, context: Service, offer: Offer, counting: Counting) -> None:
        self.context = context
        self.offer = offer
        self._counting = counting
        self.numbering = issues.Numbering.of(context.settings, context.taxonomy)
        self._jurisdictions = {one.id: one for one in offer.jurisdictions}

    def language(self, request: Request) -> str:
        """Give the language that a client reads."""
        return preferred(request.headers.get("accept-language"), self.context.settings.language)

    def jurisdiction(self, named: str | None) -> Jurisdiction:
        """Give the jurisdiction that a request is for.

        Raises:
            NotFound: it is not one of ours. Unfit: none was named, and there are several.
        """
        wanted = (named or "").strip()
        if not wanted and len(self._jurisdictions) == 1:
            return self.offer.jurisdictions[0]
        if not wanted:
            raise Unfit("jurisdiction_id was not provided.")
        if wanted not in self._jurisdictions:
            raise NotFound(f"jurisdiction_id {wanted[:64]!r} was not found.")
        return self._jurisdictions[wanted]

    def key_of(self, request: Request, sent: str | None) -> str:
        """Give the key that came along; nothing where none did."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return (sent or "").strip() or (key.strip() if scheme.lower() == "bearer" else "")

    def caller(self, session: Session, key: str) -> Caller:
        """Give who holds a key.

        Raises:
            NotSignedIn: there is none, or it is not one of ours.
        """
        found = accounts.caller_of_key(session, key) if key else None
        if found is None:
            raise NotSignedIn("Invalid api_key." if key else "api_key was not provided.")
        return found

    def check_reader(self, key: str) -> None:
        """Let somebody read: anybody, unless the office wants a key; a key that is brought must be good.

        Raises:
            NotSignedIn
        """
        if key or not self.offer.readable_without_key:
            with self.context.database.read() as session:
                self.caller(session, key)

    def wait_s(self, caller: Caller) -> int:
        """Count one more request with this key."""
        return self._counting.wait_s("key", str(caller.user_id))


def build_open311(context: Service, offer: Offer, counting: Counting) -> FastAPI:
    """Give the application that answers to everything under `PREFIX`."""
    app = FastAPI(
        title="Pointwatch Open311",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
    )
    front = Front(context, offer, counting)
    install_refusals(app)
    _add_catalogue(app, front)
    _add_reading(app, front)
    _add_filing(app, front)
    # No cookie is ever read here, so that a page of any site may ask what anybody may.
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])
    return app


Key = Annotated[
    str | None, Query(alias="api_key", max_length=200, description="for filing, and where reading needs one")
]
JurisdictionId = Annotated[str | None, Query(description="where the office answers for several")]
Language = Annotated[str | None, Header(alias="accept-language", description="zh or en")]


def _add_catalogue(app: FastAPI, front: Front) -> None:
    context, offer = front.context, front.offer

    @app.get(f"{PREFIX}/discovery.{{suffix}}", summary="Where the service is and what it speaks", tags=["open311"])
    def discovery(request: Request, suffix: Format, _: Language = None) -> Response:
        content = views.discovery(offer, f"{_base(request)}{PREFIX}", front.language(request))
        return _in_language(request, front, answer(content, "discovery", suffix))

    @app.get(f"{PREFIX}/services.{{suffix}}", summary="What requests are taken for", tags=["open311"])
    def services(request: Request, suffix: Format, jurisdiction_id: JurisdictionId = None) -> Response:
        content = views.services(context, offer, front.jurisdiction(jurisdiction_id), front.language(request))
        return _in_language(request, front, answer(content, "services", suffix))

    @app.get(f"{PREFIX}/services/{{service_code}}.{{suffix}}", summary="What is asked besides", tags=["open311"])
    def definition(
        request: Request, service_code: str, suffix: Format, jurisdiction_id: JurisdictionId = None
    ) -> Response:
        _check_service(front, service_code, front.jurisdiction(jurisdiction_id))
        content = views.definition(service_code, offer.attributes.get(service_code, []), front.language(request))
        return _in_language(request, front, answer(content, "service_definition", suffix))


def _check_service(front: Front, code: str, jurisdiction: Jurisdiction) -> None:
    entry = front.context.taxonomy.classes.get(code)
    if entry is None or not views.is_taken(entry, jurisdiction):
        raise NotFound(f"service_code {code[:64]!r} was not found.")


def _add_reading(app: FastAPI, front: Front) -> None:
    context = front.context

    @app.get(f"{PREFIX}/requests.{{suffix}}", summary=f"List requests, newest first. {views.LIMITS}", tags=["open311"])
    def list_requests(  # the standard's parameters
        request: Request,
        suffix: Format,
        jurisdiction_id: JurisdictionId = None,
        api_key: Key = None,
        service_request_id: str | None = None,
        service_code: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        status: str | None = None,
        page: str | None = None,
        page_size: str | None = None,
        extensions: str | None = None,
    ) -> Response:
        front.check_reader(front.key_of(request, api_key))
        jurisdiction = front.jurisdiction(jurisdiction_id)
        asked = {
            "service_request_id": service_request_id,
            "service_code": service_code,
            "start_date": start_date,
            "end_date": end_date,
            "status": status,
            "page": page,
            "page_size": page_size,
        }
        wanted = asking.read_listing({name: value or "" for name, value in asked.items()}, now())
        if not wanted.references:
            for code in wanted.service_codes:
                _check_service(front, code, jurisdiction)
        with context.database.read() as session:
            rows = open311.list_public(session, jurisdiction.id, wanted)
            content = _shown(session, rows, front, request, extensions)
        return _in_language(request, front, answer(content, "service_requests", suffix))

    @app.get(f"{PREFIX}/requests/{{service_request_id}}.{{suffix}}", summary="Show a request", tags=["open311"])
    def show_request(
        request: Request,
        service_request_id: str,
        suffix: Format,
        jurisdiction_id: JurisdictionId = None,
        api_key: Key = None,
        extensions: str | None = None,
    ) -> Response:
        front.check_reader(front.key_of(request, api_key))
        jurisdiction = front.jurisdiction(jurisdiction_id)
        with context.database.read() as session:
            row = open311.by_reference(session, service_request_id, jurisdiction.id)
            content = _shown(session, [row], front, request, extensions)
        return _in_language(request, front, answer(content, "service_requests", suffix))

    @app.get(f"{PREFIX}/tokens/{{token}}.{{suffix}}", summary="Exchange a token for its request's id", tags=["open311"])
    def show_token(token: str, suffix: Format, jurisdiction_id: JurisdictionId = None) -> Response:
        jurisdiction = front.jurisdiction(jurisdiction_id)
        with context.database.read() as session:
            row = open311.by_token(session, jurisdiction.id, token)
        return answer([{"service_request_id": row.reference, "token": row.token}], "service_requests", suffix)


def _shown(
    session: Session, rows: list[ServiceRequest], front: Front, request: Request, extensions: str | None
) -> list[views.Plain]:
    """Give requests as they are sent, with what became of them."""
    found = issues.issues_by_id(session, [row.issue_id for row in rows])
    places = points.points_by_id(session, [row.point_id for row in rows])
    extended = (extensions or "").strip().lower() in ("true", "1", "yes")
    return [
        views.request(
            row,
            found[row.issue_id],
            places[row.point_id],
            front.context,
            front.language(request),
            base=_base(request),
            extensions=extended,
        )
        for row in rows
    ]


def _add_filing(app: FastAPI, front: Front) -> None:
    @app.post(f"{PREFIX}/requests.{{suffix}}", summary="File a request", tags=["open311"], openapi_extra=_BODY)
    async def file_request(request: Request, suffix: Format, api_key: Key = None) -> Response:
        async with _form(request) as (sent, media):
            key = front.key_of(request, (sent.get("api_key") or [""])[-1] or api_key)
            return await anyio.to_thread.run_sync(
                _file, front, request, suffix, key, sent, media, limiter=front.context.opening if media else None
            )


Fields = dict[str, list[str]]


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[tuple[Fields, UploadFile | None]]:
    """Read the fields of a form and the picture in it, which is open as long as this is; nothing else is taken.

    Raises:
        Unreadable: the body is no form (XML least of all is read), or no UTF-8.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        yield _fields(await request.body()), None
    elif kind == _MULTIPART:
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            pictures = [value for value in form.values() if isinstance(value, UploadFile)]
            if pictures and "media" not in form:
                raise Unreadable("A file is taken in the field media.")
            said = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            yield _gathered(said), next((one for one in pictures if one.filename or one.size), None)
    else:
        raise Unreadable(f"Send a form as {_FORM} or {_MULTIPART}; nothing else is read.")


def _fields(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise Unreadable("The form is not UTF-8.") from error
    except ValueError as error:
        raise Unreadable(f"The form has more than {_MOST_FIELDS} fields.") from error
    return _gathered(pairs)


def _gathered(pairs: list[tuple[str, str]]) -> Fields:
    """Give every value of every field."""
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _file(
    front: Front, request: Request, suffix: Format, key: str, sent: Mapping[str, list[str]], media: UploadFile | None
) -> Response:
    """File a request: its picture durable first, then capture, report and request together or not at all."""
    context, offer, language = front.context, front.offer, front.language(request)
    with context.database.read() as session:
        caller = front.caller(session, key)
    caller.require(Permission.report_issues)
    wait_s = front.wait_s(caller)
    if wait_s:
        return too_often(wait_s, suffix, language)
    jurisdiction = front.jurisdiction((sent.get("jurisdiction_id") or [""])[-1])
    taken = [code for code, entry in context.taxonomy.classes.items() if views.is_taken(entry, jurisdiction)]
    filing = asking.read_filing(sent, offer.attributes, taken)
    _check_service(front, filing.service_code, jurisdiction)
    with context.database.read() as session:  # what is refused leaves nothing behind
        pinned = open311.pin(session, filing.place, jurisdiction, offer.pin_within_m)
        caller.require(Permission.report_issues, community=pinned.point.community, point=pinned.point.code)
    received = captures_routes.keep_upload(context, *read_upload(context.settings, media)) if media else None
    with context.database.write() as session:
        capture = None
        if received is not None:
            capture = captures.receive(
                session, received, point=pinned.point, distance_m=pinned.distance_m, sent_by=caller.user_id
            )
        capture_id = capture.id if capture else None
        issue = issues.report(
            session,
            issues.Told(
                point_id=pinned.point.id,
                class_code=filing.service_code,
                source=Source.open311,
                state=State.lead,
                at=now(),
                note=filing.description[:2000],
                by_user_id=caller.user_id,
                capture_ids=[capture_id] if capture_id else [],
            ),
            front.numbering,
        )
        row = open311.file(session, filing, pinned, issue, jurisdiction=jurisdiction.id, capture_id=capture_id)
    return _in_language(request, front, answer(views.filed(row, offer, language), "service_requests", suffix, 201))


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _in_language(request: Request, front: Front, response: Response) -> Response:
    response.headers["Content-Language"] = front.language(request)
    response.headers["Vary"] = "Accept-Language"
    return response
