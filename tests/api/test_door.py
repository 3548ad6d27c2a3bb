"""Who may come in: every route of the application is walked, as a stranger and with each role."""

import re
import stat
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from itsdangerous import TimestampSigner
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from api.accounts import service as accounts
from api.accounts.door import COOKIE, OPEN_PATHS, allow
from api.accounts.schemas import Role
from tests.api.client import refusal
from tests.api.office import Office

OPEN = {"/healthz", "/readyz", "/sign-in"}
NEEDS = {  # what each route of the API asks for at least
    ("GET", "/api/v1/me"): Role.viewer,
    ("GET", "/api/v1/keys"): Role.admin,
    ("POST", "/api/v1/keys"): Role.admin,
    ("DELETE", "/api/v1/keys/{key_id}"): Role.admin,
    ("GET", "/api/v1/points"): Role.viewer,
    ("POST", "/api/v1/points"): Role.admin,
    ("GET", "/api/v1/points/export"): Role.viewer,
    ("POST", "/api/v1/points/import"): Role.admin,
    ("GET", "/api/v1/points/{code}"): Role.viewer,
    ("PUT", "/api/v1/points/{code}"): Role.admin,
    ("POST", "/api/v1/captures"): Role.inspector,
    ("GET", "/api/v1/captures"): Role.viewer,
    ("GET", "/api/v1/captures/{capture_id}"): Role.viewer,
    ("GET", "/api/v1/captures/{capture_id}/picture"): Role.viewer,
    ("POST", "/api/v1/captures/{capture_id}/retry"): Role.inspector,
    ("GET", "/api/v1/issues"): Role.viewer,
    ("GET", "/api/v1/issues/summary"): Role.viewer,
    ("GET", "/api/v1/issues/{number}"): Role.viewer,
    ("GET", "/api/v1/issues/{number}/sightings"): Role.viewer,
    ("GET", "/api/v1/issues/{number}/events"): Role.viewer,
    ("POST", "/api/v1/issues/{number}/steps"): Role.reviewer,
    ("GET", "/api/v1/taxonomy"): Role.viewer,
    ("GET", "/api/v1/model"): Role.viewer,
}


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give one kind of database only: what is asked here does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


@pytest.fixture
def fresh_database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pointwatch.sqlite3'}"


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Give method and path of everything that the application answers to, mounted applications included."""
    yield from _walk(app.routes, "")
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            yield method.upper(), path


def _walk(routes: list[object], prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        path = prefix + str(getattr(route, "path", ""))
        if isinstance(route, Mount):
            yield "GET", f"{path}/anything"
            yield from _walk(list(route.routes or []), path)
        elif isinstance(route, Route):
            for method in sorted(route.methods or ()):
                yield method, path
        elif not isinstance(route, WebSocketRoute) and getattr(route, "routes", None):
            yield from _walk(list(route.routes), prefix)


def _filled(path: str) -> str:
    """Give a path with something in the place of its parameters."""
    return re.sub(r"\{[^}]+\}", str(uuid.UUID(int=1)), path)


def test_a_stranger_is_let_in_nowhere_but_at_the_open_paths(office: Office) -> None:
    stranger = office.http()
    met = sorted(set(routes_of(office.app)))
    answers = {(method, path): stranger.request(method, _filled(path)).status_code for method, path in met}

    assert len(met) > 25
    assert OPEN_PATHS == OPEN
    assert [] == [one for one, status in answers.items() if status != 401 and one[1] not in OPEN]


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api", "//healthz", "/HEALTHZ"])
def test_a_stranger_does_not_learn_what_exists(path: str, office: Office) -> None:
    assert 401 == office.http().get(path).status_code


def test_a_stranger_is_told_how_to_sign_in(office: Office) -> None:
    answer = office.http().get("/api/v1/issues")

    assert "Authorization: Bearer" in refusal(answer, 401)["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_stranger_with_a_browser_is_sent_to_the_sign_in_page(office: Office) -> None:
    answer = office.http(Accept="text/html").get("/issues?state=open")

    assert 303 == answer.status_code
    assert "/sign-in?onward=%2Fissues%3Fstate%3Dopen" == answer.headers["location"]


def test_every_route_of_the_api_says_which_role_it_needs(office: Office) -> None:
    described = {
        (method.upper(), path) for path, methods in office.app.openapi()["paths"].items() for method in methods
    }

    assert set(NEEDS) <= described
    assert [] == [one for one in described - set(NEEDS) if one[1] not in OPEN and not _asks_for_a_role(office.app, one)]


def _asks_for_a_role(app: FastAPI, wanted: tuple[str, str]) -> bool:
    """Say whether a route depends on `allow(...)`, wherever an engineer of another room has added it."""
    for route in app.routes:
        if getattr(route, "path", None) == wanted[1] and wanted[0] in (getattr(route, "methods", None) or ()):
            return allow.__qualname__ in str([one.call for one in route.dependant.dependencies])
    return False


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_may_and_no_more(role: Role, office: Office) -> None:
    http = office.client(role).http
    for (method, path), needed in NEEDS.items():
        status = http.request(method, _filled(path)).status_code

        assert (status == 403) != role.covers(needed), f"{role}: {method} {path} answered {status}"
        assert status < 500


def test_a_refused_role_is_told_which_one_is_needed(office: Office) -> None:
    problem = refusal(office.client(Role.inspector).http.get("/api/v1/keys"), 403)

    assert "role admin; your key has the role inspector" in problem["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer pw_wrong", "Basic YTpi", "bearer  x", "Token x", "Bearer \xff\xfe", "x"]
)
def test_a_key_that_is_none_opens_nothing(header: str, office: Office) -> None:
    answer = office.http().get("/api/v1/me", headers={b"Authorization": header.encode("latin-1")})

    refusal(answer, 401)


def test_a_wrong_key_is_not_made_good_by_a_cookie(office: Office) -> None:
    browser = signed_in(office)
    browser.headers["Authorization"] = "Bearer pw_wrong"

    refusal(browser.get("/api/v1/me"), 401)


def test_a_revoked_key_opens_nothing_at_once(office: Office) -> None:
    admin = office.client()
    made = admin.http.post("/api/v1/keys", json={"name": "a phone", "role": "viewer"}).json()
    phone = office.http(Authorization=f"Bearer {made['key']}")
    before = phone.get("/api/v1/me").status_code
    revoked = admin.http.delete(f"/api/v1/keys/{made['id']}").json()

    assert 200 == before
    assert revoked["revoked_at"]
    refusal(phone.get("/api/v1/me"), 401)


def test_revoking_twice_changes_nothing(office: Office) -> None:
    admin = office.client()
    key_id, _ = office.key(Role.viewer)
    first = admin.http.delete(f"/api/v1/keys/{key_id}").json()

    assert first == admin.http.delete(f"/api/v1/keys/{key_id}").json()
    refusal(admin.http.delete(f"/api/v1/keys/{uuid.uuid4()}"), 404)


def test_the_last_administrator_cannot_be_revoked(fresh_office: Office) -> None:
    admin = fresh_office.http(Authorization=f"Bearer {fresh_office.admin_key()}")
    me = admin.get("/api/v1/me").json()["key_id"]
    problem = refusal(admin.delete(f"/api/v1/keys/{me}"), 422)
    fresh_office.key(Role.admin)

    assert "last key of an administrator" in problem["detail"]
    assert 200 == admin.delete(f"/api/v1/keys/{me}").status_code


def test_a_list_of_keys_never_shows_a_key(office: Office) -> None:
    admin = office.client()
    made = admin.http.post("/api/v1/keys", json={"name": "front desk"}).json()
    listed = admin.http.get("/api/v1/keys")

    assert "inspector" == made["role"]
    assert made["key"] not in listed.text
    assert {"id", "name", "role", "created_at", "revoked_at"} == set(listed.json()["items"][0])


def test_only_a_hash_of_a_key_is_kept(fresh_office: Office) -> None:
    _, key = fresh_office.key(Role.viewer)
    kept = b"".join(path.read_bytes() for path in fresh_office.settings.data_dir.parent.glob("pointwatch.sqlite3*"))

    assert kept
    assert key.encode() not in kept


def test_the_first_administrators_key_lies_in_a_file_for_this_user_alone(office: Office) -> None:
    secrets = office.settings.data_dir / "secrets"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}

    assert {"admin.key": 0o600, "session.key": 0o600} == modes
    assert 0o700 == stat.S_IMODE(secrets.stat().st_mode)
    assert "admin" == office.http(Authorization=f"Bearer {office.admin_key()}").get("/api/v1/me").json()["role"]


# The browser's cookie.


def signed_in(office: Office, role: Role = Role.admin):
    """Give a browser that has signed in with a key."""
    browser = office.http()
    answer = browser.post("/sign-in", data={"key": office.key(role)[1]})
    assert 303 == answer.status_code
    return browser


def test_signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get(office: Office) -> None:
    answer = office.http().post("/sign-in", data={"key": office.admin_key(), "onward": "/issues"})
    cookie = answer.headers["set-cookie"]

    assert "/issues" == answer.headers["location"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=43200" in cookie
    assert office.admin_key() not in cookie


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/\n/x"]
)
def test_signing_in_leads_nowhere_else(onward: str, office: Office) -> None:
    answer = office.http().post("/sign-in", data={"key": office.admin_key(), "onward": onward})

    assert "/" == answer.headers["location"]


@pytest.mark.parametrize(
    "form", [{}, {"key": ""}, {"key": "pw_wrong"}, {"code": "wrong"}, {"key": "x" * 201}, {"key": "\0"}]
)
def test_signing_in_with_nonsense_is_refused(form: dict[str, str], office: Office) -> None:
    answer = office.http().post("/sign-in", data=form)

    assert answer.status_code in (401, 422)
    assert "set-cookie" not in answer.headers


def test_a_cookie_opens_what_its_key_opens(office: Office) -> None:
    browser = signed_in(office, Role.viewer)

    assert "viewer" == browser.get("/api/v1/me").json()["role"]
    refusal(browser.get("/api/v1/keys"), 403)


def test_signing_out_takes_the_cookie_back(office: Office) -> None:
    browser = signed_in(office)
    browser.post("/sign-out")

    refusal(browser.get("/api/v1/me"), 401)


def test_a_forged_cookie_opens_nothing(office: Office) -> None:
    key_id, _ = office.key()
    forged = accounts.Sessions("a guess").write(key_id)
    for cookie in (forged, "x", f"{key_id}", f"{key_id}.x.y", "." * 50, office.context.sessions.write(key_id)[:-1]):
        browser = office.http(Cookie=f"{COOKIE}={cookie}")

        refusal(browser.get("/api/v1/me"), 401)


def test_a_cookie_ends_with_the_working_day(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = signed_in(office)
    before = browser.get("/api/v1/me").status_code
    later = int(time.time()) + 12 * 3600 + 2
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: later)

    assert 200 == before
    refusal(browser.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}), 401)


def test_a_cookie_ends_with_its_key(office: Office) -> None:
    key_id, key = office.key(Role.viewer)
    browser = office.http()
    browser.post("/sign-in", data={"key": key})
    office.client().http.delete(f"/api/v1/keys/{key_id}")

    refusal(browser.get("/api/v1/me"), 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_cannot_use_the_cookie(headers: dict[str, str], office: Office) -> None:
    browser = signed_in(office)

    refusal(browser.post("/api/v1/keys", json={"name": "evil"}, headers=headers), 403)
    assert 200 == browser.get("/api/v1/me", headers=headers).status_code


def test_our_own_page_may_use_the_cookie(office: Office) -> None:
    browser = signed_in(office)
    answer = browser.post("/api/v1/keys", json={"name": "mine"}, headers={"Origin": "http://testserver"})

    assert 201 == answer.status_code


def test_a_key_in_a_header_needs_no_origin(office: Office) -> None:
    answer = office.client().http.post("/api/v1/keys", json={"name": "x"}, headers={"Origin": "https://evil.example"})

    assert 201 == answer.status_code


@pytest.mark.parametrize("path", ["/_nicegui_ws/socket.io/", "/_nicegui_ws/socket.io/?EIO=4&transport=websocket", "/x"])
def test_a_websocket_of_a_stranger_is_refused(path: str, office: Office) -> None:
    with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), office.http().websocket_connect(path):
        pass  # pragma: no cover


def test_a_websocket_of_another_sites_page_is_refused(office: Office) -> None:
    browser = signed_in(office)
    headers = {"Origin": "https://evil.example", "Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=headers),
    ):
        pass  # pragma: no cover


def test_a_sign_in_code_works_once(office: Office) -> None:
    with office.context.database.write() as session:
        code = accounts.make_code(session, accounts.first_admin(session).id)
    first = office.http().post("/sign-in", data={"code": code})
    second = office.http().post("/sign-in", data={"code": code})

    assert 303 == first.status_code
    assert 401 == second.status_code
    assert "used before" in refusal(second, 401)["detail"]


def test_a_sign_in_code_grows_old(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "CODE_LIFE", -accounts.CODE_LIFE)
    with office.context.database.write() as session:
        code = accounts.make_code(session, accounts.first_admin(session).id)

    refusal(office.http().post("/sign-in", data={"code": code}), 401)


def test_a_sign_in_code_of_a_revoked_key_signs_nobody_in(office: Office) -> None:
    key_id, _ = office.key()
    with office.context.database.write() as session:
        code = accounts.make_code(session, key_id)
        accounts.revoke_key(session, key_id)

    refusal(office.http().post("/sign-in", data={"code": code}), 401)


def test_an_administrator_is_made_again_where_none_is_left(fresh_office: Office) -> None:
    lost = fresh_office.admin_key()
    with fresh_office.context.database.write() as session:
        accounts.first_admin(session).revoked_at = accounts.now()
        session.flush()
        accounts.first_start(session, fresh_office.settings.data_dir)

    assert lost != fresh_office.admin_key()
    assert 200 == fresh_office.http(Authorization=f"Bearer {fresh_office.admin_key()}").get("/api/v1/me").status_code
