"""Who may use which route: ONE table, and a walk over every route of the application that compares.

A route without an entry in `MATRIX` fails, an entry without a route too. What one may do *on* a thing, where it is, is
told apart in test_scopes; here nobody with a limited grant gets anything of what lies elsewhere.
"""

import re
import uuid
from collections.abc import Iterator

import anyio
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from api.accounts.roles import PERMISSIONS, Permission, Role
from api.accounts.schemas import Granted, ScopeKind
from api.issues.transitions import TRANSITIONS
from tests.api.ledger import Ledger
from tests.api.office import Office

STRANGERS = frozenset[Permission]()  # open to everybody, also without signing in
KNOWN = None  # open to everybody who has signed in
ITS_OWN = frozenset(("signature",))  # asks for a secret or a signature of its own, whoever asks
PAGES = {
    "/",
    "/bulletins",
    "/cameras",
    "/cameras/{code}",
    "/inbox",
    "/learning",
    "/review",
    "/webhooks",
    "/plan",
    "/upload",
    "/captures",
    "/report",
    "/patrols",
    "/issues",
    "/issues/{number}",
    "/audit",
    "/models",
    "/models/{version}",
    "/people",
    "/people/{user_id}",
    "/points",
    "/points/{point}",
    "/rules",
}  # NiceGUI builds them only where it is started: test_console


def one(*permissions: Permission) -> frozenset[Permission]:
    """Any of these opens the route."""
    return frozenset(permissions)


P = Permission
Needed = frozenset[Permission] | frozenset[str] | None
MATRIX: dict[tuple[str, str], Needed] = {
    ("GET", "/"): KNOWN,
    ("GET", "/_nicegui/VERSION/components/{key:path}"): KNOWN,
    ("GET", "/_nicegui/VERSION/dynamic_resources/{name}"): KNOWN,
    ("GET", "/_nicegui/VERSION/esm/{key}/{path:path}"): KNOWN,
    ("GET", "/_nicegui/VERSION/libraries/{key:path}"): KNOWN,
    ("GET", "/_nicegui/VERSION/resources/{key}/{path:path}"): KNOWN,
    ("GET", "/_nicegui/VERSION/static/anything"): KNOWN,
    ("GET", "/_nicegui_ws/anything"): KNOWN,
    ("GET", "/account"): KNOWN,
    ("POST", "/account"): KNOWN,
    ("POST", "/account/sessions/{session_id}/end"): KNOWN,
    ("GET", "/api/v1/audit"): one(P.view_audit),
    ("GET", "/api/v1/audit/after/{seq}"): one(P.view_audit),
    ("GET", "/api/v1/audit/head"): one(P.view_audit),
    ("GET", "/api/v1/bulletins"): one(P.view_reports),
    ("POST", "/api/v1/bulletins"): one(P.publish_reports),
    ("GET", "/api/v1/bulletins/preview"): one(P.view_reports),
    ("GET", "/api/v1/bulletins/{number}"): one(P.view_reports),
    ("GET", "/api/v1/cameras"): one(P.view_cameras),
    ("POST", "/api/v1/cameras"): one(P.manage_cameras),
    ("DELETE", "/api/v1/cameras/{code}"): one(P.manage_cameras),
    ("GET", "/api/v1/cameras/{code}"): one(P.view_cameras),
    ("PUT", "/api/v1/cameras/{code}"): one(P.manage_cameras),
    ("GET", "/api/v1/cameras/{code}/events"): one(P.view_cameras),
    ("GET", "/api/v1/cameras/{code}/events/{event_id}/clip"): one(P.open_originals),
    ("GET", "/api/v1/cameras/{code}/still"): one(P.view_cameras),
    ("POST", "/api/v1/cameras/{code}/test"): one(P.manage_cameras),
    ("GET", "/api/v1/cameras/{code}/zones"): one(P.view_cameras),
    ("PUT", "/api/v1/cameras/{code}/zones"): one(P.manage_cameras),
    ("GET", "/api/v1/cameras/{code}/zones/export"): one(P.view_cameras),
    ("POST", "/api/v1/cameras/{code}/zones/import"): one(P.manage_cameras),
    ("GET", "/api/v1/captures"): one(P.view_captures),
    ("POST", "/api/v1/captures"): one(P.send_photos),
    ("GET", "/api/v1/captures/{capture_id}"): one(P.view_captures),
    ("GET", "/api/v1/captures/{capture_id}/original"): one(P.open_originals),
    ("GET", "/api/v1/captures/{capture_id}/picture"): one(P.view_captures),
    ("POST", "/api/v1/captures/{capture_id}/retry"): one(P.send_photos),
    ("GET", "/api/v1/inbox"): KNOWN,
    ("GET", "/api/v1/inbox/preferences"): KNOWN,
    ("PUT", "/api/v1/inbox/preferences"): KNOWN,
    ("POST", "/api/v1/inbox/read"): KNOWN,
    ("GET", "/api/v1/inbox/unread"): KNOWN,
    ("POST", "/api/v1/inbox/{message_id}/read"): KNOWN,
    ("GET", "/api/v1/issues"): one(P.view_issues),
    ("POST", "/api/v1/issues"): one(P.report_issues),
    ("GET", "/api/v1/issues/by-point"): one(P.view_issues),
    ("GET", "/api/v1/issues/count"): one(P.view_issues),
    ("POST", "/api/v1/issues/steps"): one(*(step.permission for step in TRANSITIONS.values())),
    ("GET", "/api/v1/issues/export"): one(P.view_issues),
    ("GET", "/api/v1/issues/summary"): one(P.view_issues),
    ("GET", "/api/v1/issues/{number}"): one(P.view_issues),
    ("GET", "/api/v1/issues/{number}/actions"): one(P.view_issues),
    ("GET", "/api/v1/issues/{number}/after-photos"): one(P.view_issues),
    ("POST", "/api/v1/issues/{number}/after-photos"): one(P.close_issues, P.handle_issues),
    ("GET", "/api/v1/issues/{number}/events"): one(P.view_issues),
    ("GET", "/api/v1/issues/{number}/sightings"): one(P.view_issues),
    ("POST", "/api/v1/issues/{number}/steps"): one(*(step.permission for step in TRANSITIONS.values())),
    ("GET", "/api/v1/issues/{number}/whistles"): one(P.view_issues),
    ("POST", "/api/v1/issues/{number}/whistles"): one(P.whistle),
    ("POST", "/api/v1/issues/{number}/whistles/end"): one(P.whistle),
    ("POST", "/api/v1/issues/{number}/whistles/{department}/arrive"): one(P.handle_issues),
    ("POST", "/api/v1/issues/{number}/whistles/{department}/finish"): one(P.handle_issues),
    ("POST", "/api/v1/issues/{number}/whistles/{department}/rate"): one(P.whistle),
    ("GET", "/api/v1/keys"): one(P.manage_users),
    ("POST", "/api/v1/keys"): one(P.manage_users),
    ("DELETE", "/api/v1/keys/{key_id}"): one(P.manage_users),
    ("GET", "/api/v1/me"): KNOWN,
    ("PUT", "/api/v1/me/password"): KNOWN,
    ("GET", "/api/v1/me/filters"): KNOWN,
    ("PUT", "/api/v1/me/filters"): KNOWN,
    ("DELETE", "/api/v1/me/filters"): KNOWN,
    ("GET", "/api/v1/me/sessions"): KNOWN,
    ("DELETE", "/api/v1/me/sessions/{session_id}"): KNOWN,
    ("GET", "/api/v1/model"): one(P.view_catalogue),
    ("GET", "/api/v1/models"): one(P.view_catalogue),
    ("POST", "/api/v1/models/rollback"): one(P.manage_models),
    ("GET", "/api/v1/models/{version}"): one(P.view_catalogue),
    ("POST", "/api/v1/models/{version}/promote"): one(P.manage_models),
    ("GET", "/api/v1/openapi.json"): KNOWN,
    ("GET", "/api/v1/overview"): one(P.view_issues),
    ("GET", "/api/v1/points"): one(P.view_points),
    ("POST", "/api/v1/points"): one(P.manage_points),
    ("GET", "/api/v1/points/export"): one(P.view_points),
    ("POST", "/api/v1/points/import"): one(P.manage_points),
    ("GET", "/api/v1/points/{code}"): one(P.view_points),
    ("PUT", "/api/v1/points/{code}"): one(P.manage_points),
    ("DELETE", "/api/v1/points/{code}/zone"): one(P.manage_points),
    ("GET", "/api/v1/points/{code}/zone"): one(P.view_points),
    ("PUT", "/api/v1/points/{code}/zone"): one(P.manage_points),
    ("GET", "/api/v1/posts"): one(P.view_routing),
    ("POST", "/api/v1/posts"): one(P.manage_routing),
    ("GET", "/api/v1/posts/export"): one(P.view_routing),
    ("POST", "/api/v1/posts/import"): one(P.manage_routing),
    ("GET", "/api/v1/posts/{code}"): one(P.view_routing),
    ("PUT", "/api/v1/posts/{code}"): one(P.manage_routing),
    ("GET", "/api/v1/register"): one(P.view_reports),
    ("GET", "/api/v1/repeats"): one(P.view_reports),
    ("GET", "/api/v1/learning/thresholds"): one(P.view_catalogue),
    ("PUT", "/api/v1/learning/thresholds"): one(P.manage_models),
    ("DELETE", "/api/v1/learning/thresholds/{class_code}"): one(P.manage_models),
    ("POST", "/api/v1/learning/thresholds/effect"): one(P.view_catalogue),
    ("GET", "/api/v1/learning/thresholds/proposal"): one(P.view_catalogue),
    ("GET", "/api/v1/learning/trainings"): one(P.view_catalogue),
    ("POST", "/api/v1/learning/trainings"): one(P.manage_models),
    ("GET", "/api/v1/learning/trainings/{training_id}"): one(P.view_catalogue),
    ("GET", "/api/v1/review/cases"): one(P.review_issues),
    ("POST", "/api/v1/review/cases/{capture_id}"): one(P.review_issues),
    ("PUT", "/api/v1/review/cases/{capture_id}/verdict"): one(P.review_issues),
    ("GET", "/api/v1/review/figures"): one(P.view_catalogue),
    ("GET", "/api/v1/routing/explain"): one(P.view_routing),
    ("GET", "/api/v1/routing/rules"): one(P.view_routing),
    ("POST", "/api/v1/routing/rules"): one(P.manage_routing),
    ("GET", "/api/v1/routing/rules/export"): one(P.view_routing),
    ("POST", "/api/v1/routing/rules/import"): one(P.manage_routing),
    ("DELETE", "/api/v1/routing/rules/{code}"): one(P.manage_routing),
    ("GET", "/api/v1/routing/rules/{code}"): one(P.view_routing),
    ("PUT", "/api/v1/routing/rules/{code}"): one(P.manage_routing),
    ("GET", "/api/v1/service-requests"): one(P.view_issues),
    ("DELETE", "/api/v1/service-requests/{reference}/requester"): one(P.manage_users),
    ("GET", "/api/v1/service-requests/{reference}/requester"): one(P.review_issues),
    ("GET", "/api/v1/standards"): one(P.view_patrols),
    ("POST", "/api/v1/standards/items/import"): one(P.manage_patrols),
    ("GET", "/api/v1/standards/{code}"): one(P.view_patrols),
    ("PUT", "/api/v1/standards/{code}"): one(P.manage_patrols),
    ("GET", "/api/v1/standards/{code}/items/export"): one(P.view_patrols),
    ("GET", "/api/v1/talks"): one(P.view_reports),
    ("POST", "/api/v1/talks"): one(P.record_talks),
    ("GET", "/api/v1/talks/due"): one(P.view_reports),
    ("GET", "/api/v1/taxonomy"): one(P.view_catalogue),
    ("GET", "/api/v1/users"): one(P.manage_users),
    ("POST", "/api/v1/users"): one(P.manage_users),
    ("GET", "/api/v1/users/{user_id}"): one(P.manage_users),
    ("PATCH", "/api/v1/users/{user_id}"): one(P.manage_users),
    ("POST", "/api/v1/users/{user_id}/grants"): one(P.manage_users),
    ("DELETE", "/api/v1/users/{user_id}/grants/{grant_id}"): one(P.manage_users),
    ("POST", "/api/v1/users/{user_id}/password"): one(P.manage_users),
    ("GET", "/api/v1/users/{user_id}/sessions"): one(P.manage_users),
    ("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}"): one(P.manage_users),
    ("GET", "/api/v1/webhooks"): one(P.manage_webhooks),
    ("POST", "/api/v1/webhooks"): one(P.manage_webhooks),
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): one(P.manage_webhooks),
    ("GET", "/api/v1/webhooks/{webhook_id}"): one(P.manage_webhooks),
    ("PUT", "/api/v1/webhooks/{webhook_id}"): one(P.manage_webhooks),
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"): one(P.manage_webhooks),
    ("POST", "/api/v1/webhooks/{webhook_id}/deliveries/again"): one(P.manage_webhooks),
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"): one(P.manage_webhooks),
    ("POST", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/again"): one(P.manage_webhooks),
    ("POST", "/api/v1/webhooks/{webhook_id}/secret"): one(P.manage_webhooks),
    ("POST", "/api/v1/webhooks/{webhook_id}/test"): one(P.manage_webhooks),
    ("DELETE", "/api/{rest:path}"): KNOWN,
    ("GET", "/api/{rest:path}"): KNOWN,
    ("PATCH", "/api/{rest:path}"): KNOWN,
    ("POST", "/api/{rest:path}"): KNOWN,
    ("PUT", "/api/{rest:path}"): KNOWN,
    ("GET", "/bulletins"): one(P.view_reports),
    ("GET", "/cameras"): one(P.view_cameras),
    ("GET", "/cameras/{code}"): one(P.view_cameras),
    ("GET", "/console/anything"): KNOWN,
    ("GET", "/field"): STRANGERS,
    ("GET", "/field/app/{name}"): STRANGERS,
    ("GET", "/field/manifest.webmanifest"): STRANGERS,
    ("GET", "/field/signs"): one(P.view_points),
    ("GET", "/field/worker.js"): STRANGERS,
    ("GET", "/healthz"): STRANGERS,
    ("GET", "/issues"): KNOWN,
    ("GET", "/issues/{number}"): KNOWN,
    ("GET", "/label-studio/"): ITS_OWN,
    ("GET", "/label-studio/health"): ITS_OWN,
    ("POST", "/label-studio/predict"): ITS_OWN,
    ("POST", "/label-studio/setup"): ITS_OWN,
    ("GET", "/label-studio/versions"): ITS_OWN,
    ("POST", "/label-studio/webhook"): ITS_OWN,
    ("GET", "/label-studio/{rest:path}"): ITS_OWN,
    ("POST", "/label-studio/{rest:path}"): ITS_OWN,
    ("GET", "/language/{language}"): KNOWN,
    ("GET", "/audit"): one(P.view_audit),
    ("GET", "/models"): one(P.view_catalogue),
    ("GET", "/models/{version}"): one(P.view_catalogue),
    ("GET", "/people"): one(P.view_routing, P.manage_users),
    ("GET", "/people/{user_id}"): one(P.manage_users),
    ("GET", "/metrics"): one(P.view_metrics),
    ("GET", "/plan"): KNOWN,
    ("GET", "/points"): one(P.view_points),
    ("GET", "/points/{point}"): one(P.view_points),
    ("GET", "/readyz"): STRANGERS,
    ("GET", "/review"): one(P.review_issues),
    ("GET", "/review/pictures/{name:path}"): ITS_OWN,
    ("GET", "/rules"): one(P.view_routing, P.view_catalogue, P.view_patrols),
    ("GET", "/sign-in"): STRANGERS,
    ("POST", "/sign-in"): STRANGERS,
    ("POST", "/sign-out"): KNOWN,
    ("GET", "/upload"): one(P.send_photos),
    ("GET", "/captures"): one(P.view_captures),
    ("GET", "/report"): one(P.report_issues),
    ("GET", "/api/v1/patrols/checklist"): one(P.walk_patrols),
    ("GET", "/api/v1/patrols/due"): one(P.view_patrols),
    ("GET", "/api/v1/patrols/rounds"): one(P.view_patrols),
    ("POST", "/api/v1/patrols/rounds"): one(P.manage_patrols),
    ("GET", "/api/v1/patrols/rounds/{code}"): one(P.view_patrols),
    ("PUT", "/api/v1/patrols/rounds/{code}"): one(P.manage_patrols),
    ("POST", "/api/v1/patrols/rounds/{code}/publish"): one(P.manage_patrols),
    ("GET", "/api/v1/patrols/scores"): one(P.view_patrols),
    ("GET", "/api/v1/patrols/summary"): one(P.view_patrols),
    ("GET", "/api/v1/patrols/visits"): one(P.view_patrols),
    ("POST", "/api/v1/patrols/visits"): one(P.walk_patrols),
    ("GET", "/api/v1/patrols/visits/{visit_id}"): one(P.view_patrols),
    ("POST", "/api/v1/patrols/visits/{visit_id}/finish"): one(P.walk_patrols),
    ("GET", "/inbox"): KNOWN,
    ("GET", "/learning"): one(P.view_catalogue),
    ("GET", "/patrols"): KNOWN,
    ("GET", "/tour"): KNOWN,
    ("GET", "/wall"): one(P.view_issues),
    ("GET", "/webhooks"): one(P.manage_webhooks),
}
ASKED = {
    route: needed for route, needed in MATRIX.items() if route[1] not in PAGES and not route[1].startswith("/_nicegui")
}


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give one kind of database only: what is asked here does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Give method and path of all that the application answers to, what it mounts and does not describe included."""
    yield from _walk(app.routes, "")


def _walk(routes: list[object], prefix: str) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(routes):
        route, path = context.route, prefix + str(context.path or "")
        if isinstance(route, Mount):
            inner = list(getattr(route.app, "routes", None) or [])
            if not inner:
                yield "GET", re.sub(r"/[0-9.]+(?=/|$)", "/VERSION", f"{path}/anything")
            yield from _walk(inner, path)
        elif not isinstance(route, WebSocketRoute):
            for method in sorted((context.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, re.sub(r"/[0-9]+\.[0-9.]+(?=/)", "/VERSION", path)


def filled(path: str) -> str:
    """Give a path with something in the place of its parameters."""
    return re.sub(r"\{[^}]+\}", str(uuid.UUID(int=1)), path)


def check(route: tuple[str, str], needed: Needed, role: Role | None, status: int) -> None:
    """Compare what a caller with a role, or without any, was answered with what the table says."""
    told = f"{role}: {route[0]} {route[1]} answered {status}"
    if needed is ITS_OWN:
        assert status in (401, 403, 404), told
        return
    may = not needed or bool(role and needed & PERMISSIONS[role])
    assert (status != 403) == may, told
    assert status < 500, told


def test_every_route_has_its_entry_and_every_entry_its_route(office: Office) -> None:
    met = set(routes_of(office.app))

    assert set() == met - set(MATRIX), "routes without an entry"
    assert set() == set(MATRIX) - met, "entries without a route"


def test_what_is_described_is_walked(office: Office) -> None:
    described = {
        (method.upper(), path) for path, methods in office.app.openapi()["paths"].items() for method in methods
    }

    assert set() == described - set(MATRIX)


def test_a_stranger_is_let_in_nowhere_but_at_the_open_routes(office: Office) -> None:
    stranger = office.http()
    let_in = set()
    for route, needed in MATRIX.items():
        answer = stranger.request(route[0], filled(route[1]))
        assert needed is not ITS_OWN or answer.status_code in (401, 403, 404), route
        if answer.status_code != 401 and needed is not ITS_OWN:
            let_in.add(route)

    assert {route for route, needed in MATRIX.items() if needed == STRANGERS} == let_in | {("POST", "/sign-in")}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_may_and_no_more(role: Role, office: Office) -> None:
    http = office.client(role).http
    for route, needed in ASKED.items():
        check(route, needed, role, http.request(route[0], filled(route[1])).status_code)


def test_nobody_sends_what_would_be_refused_anyhow(office: Office) -> None:
    """A role is asked for before a byte of the request is read: an upload of 200 MiB would be a cheap way to harm."""
    key = office.key(Role.viewer)[1]
    changing = [
        route
        for route, needed in ASKED.items()
        if route[0] != "GET" and needed not in (KNOWN, STRANGERS, ITS_OWN) and not needed & PERMISSIONS[Role.viewer]
    ]
    assert len(changing) > 40
    for method, path in changing:
        status, was_read = anyio.run(_send_slowly, office.app, method, filled(path), key)

        assert (403, False) == (status, was_read), f"{method} {path}"


async def _send_slowly(app: FastAPI, method: str, path: str, key: str) -> tuple[int, bool]:
    """Give the status of an answer, and whether the body was asked for before it."""
    asked, answers = [], []

    async def receive() -> dict[str, object]:
        asked.append(True)
        return {"type": "http.request", "body": b"x", "more_body": len(asked) < 3}

    async def send(message: dict[str, object]) -> None:
        answers.append(message)

    headers = [
        (b"host", b"testserver"),
        (b"authorization", f"Bearer {key}".encode()),
        (b"content-type", b"multipart/form-data; boundary=x"),
        (b"content-length", b"3"),
    ]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return int(str(answers[0]["status"])), bool(asked)


def test_who_has_no_role_may_nothing_but_look_at_themself(office: Office) -> None:
    http = office.granted().http
    for route, needed in ASKED.items():
        check(route, needed, None, http.request(route[0], filled(route[1])).status_code)


def test_whoever_is_limited_to_a_place_gets_nothing_of_another(office: Office, ledger: Ledger) -> None:
    there = ledger.point(community="there")
    capture = ledger.capture(there)
    (issue,) = ledger.record(there, capture=capture)
    things = {"code": there.code, "capture_id": str(capture.id), "number": issue.number, "point": there.code}
    here = Granted(role=Role.admin, scope_kind=ScopeKind.community, scope_value="here")
    http = office.granted(here).http
    for method, path in MATRIX:
        named = set(re.findall(r"\{(\w+)\}", path)) & set(things)
        if not path.startswith("/api/v1/") or not named:
            continue
        asked = path
        for name in named:
            asked = asked.replace(f"{{{name}}}", things[name])
        answer = http.request(method, filled(asked), json={"action": "close", "note": "x"} if method != "GET" else None)

        assert answer.status_code in (403, 404, 409, 422), f"{method} {asked} answered {answer.status_code}"
        assert there.name not in answer.text


@pytest.mark.parametrize("path", ["/_nicegui_ws/socket.io/", "/anything"])
def test_a_stranger_opens_no_websocket(path: str, office: Office) -> None:
    with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), office.http().websocket_connect(path):
        pass  # pragma: no cover
