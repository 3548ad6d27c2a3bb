"""The browser's way in: a cookie for a key or for a one-time code, of no use to another site's page."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from api.accounts import service as accounts
from api.accounts import sessions
from api.accounts.door import COOKIE
from api.accounts.roles import Role
from api.database import now
from tests.api.client import refusal
from tests.api.office import Office


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give one kind of database only: what is asked here does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


def signed_in(office: Office, role: Role = Role.admin) -> TestClient:
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

    assert "viewer" == browser.get("/api/v1/me").json()["grants"][0]["role"]
    refusal(browser.get("/api/v1/keys"), 403)


def test_signing_out_takes_the_cookie_back(office: Office) -> None:
    browser = signed_in(office)
    browser.post("/sign-out")

    refusal(browser.get("/api/v1/me"), 401)


def test_a_made_up_cookie_opens_nothing(office: Office) -> None:
    good = signed_in(office).cookies[COOKIE]
    for cookie in (good[:-1], good[1:], good.swapcase(), "x", "." * 50, "a" * 5000, "%00", office.admin_key()):
        browser = office.http(Cookie=f"{COOKIE}={cookie}")

        refusal(browser.get("/api/v1/me"), 401)


def test_a_signed_out_cookie_is_of_no_use_to_who_copied_it(office: Office) -> None:
    browser = signed_in(office)
    copied = browser.cookies[COOKIE]
    browser.post("/sign-out")

    refusal(office.http(Cookie=f"{COOKIE}={copied}").get("/api/v1/me"), 401)


def test_a_cookie_ends_with_the_working_day(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = signed_in(office)
    before = browser.get("/api/v1/me").status_code
    monkeypatch.setattr(sessions, "now", lambda: now() + timedelta(hours=12, seconds=1))

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


def test_a_sign_in_code_of_an_inactive_user_signs_nobody_in(office: Office) -> None:
    with office.context.database.write() as session:
        user = accounts.add_service(session, name="gone", role=Role.admin)
        code = accounts.make_code(session, user.id)
        user.active = False

    refusal(office.http().post("/sign-in", data={"code": code}), 401)


def test_a_wrong_key_is_not_made_good_by_a_cookie(office: Office) -> None:
    browser = signed_in(office)
    browser.headers["Authorization"] = "Bearer pw_wrong"

    refusal(browser.get("/api/v1/me"), 401)
