"""Signing in with name and password: no guessing, no telling who exists, no locking others out."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.accounts import proving, throttle
from api.accounts.door import COOKIE
from api.accounts.tables import SignInAttempts, User
from api.database import now
from api.errors import NotSignedIn, StreetError, TooMany
from tests.api.client import Client, expect, refusal
from tests.api.office import Office

PASSWORD = "滴水穿石-drip-1"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch):
    """Let time stand still for those who count attempts, and give a function that lets it pass."""
    began, passed = now(), [timedelta(0)]
    monkeypatch.setattr(throttle, "now", lambda: began + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += timedelta(seconds=seconds)

    return wait


@pytest.fixture(autouse=True)
def _forget_attempts(office: Office) -> None:
    """All tests come from one address."""
    with office.context.database.write() as session:
        session.execute(sa.delete(SignInAttempts))


def person(service: Client, login: str, *roles: str) -> str:
    """Add a person and give the first password."""
    grants = [{"role": role} for role in roles or ("viewer",)]
    made = expect(service.http.post("/api/v1/users", json={"login": login, "name": "王芳", "grants": grants}))
    return str(made["first_password"])


def settled(office: Office, service: Client, login: str, *roles: str) -> None:
    """Add a person who has chosen the password."""
    browser = office.http()
    enter(browser, login, person(service, login, *roles))
    answer = browser.put("/api/v1/me/password", json={"old": "", "new": PASSWORD})
    assert 422 == answer.status_code  # the first password is asked for
    first = reset(service, login)
    enter(browser, login, first)
    assert 204 == browser.put("/api/v1/me/password", json={"old": first, "new": PASSWORD}).status_code


def reset(service: Client, login: str) -> str:
    (user,) = [one for one in service.all("/api/v1/users") if one["login"] == login]
    return str(expect(service.http.post(f"/api/v1/users/{user['id']}/password"))["first_password"])


def enter(browser: TestClient, login: str, password: str):
    return browser.post("/sign-in", data={"login": login, "password": password})


def test_a_new_person_signs_in_and_must_choose_a_password_before_all_else(office: Office, service: Client) -> None:
    first = person(service, "li.na")
    browser = office.http()
    entered = enter(browser, " LI.NA ", first)

    assert (303, "/account") == (entered.status_code, entered.headers["location"])
    assert "must_change_password" in refusal(browser.get("/api/v1/issues"), 403)["type"]
    assert "/account" == browser.get("/", headers={"Accept": "text/html"}).headers["location"]
    assert expect(browser.get("/api/v1/me"))["must_change_password"]
    assert "Present password" in browser.get("/account", headers={"Accept-Language": "en"}).text

    chosen = browser.post("/account", data={"old": first, "new": PASSWORD, "again": PASSWORD})

    assert (303, "/") == (chosen.status_code, chosen.headers["location"])
    assert 200 == browser.get("/api/v1/issues").status_code
    refusal(enter(office.http(), "li.na", first), 401)
    assert "/plan" == office.http().post(
        "/sign-in", data={"login": "li.na", "password": PASSWORD, "onward": "/plan"}
    ).headers["location"]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "again"),
    [("short", None), ("aaaaaaaaaaaaaa", None), ("x-zhou.jie-x9", None), (PASSWORD, "else"), ("a" * 201, None)],
)
def test_a_password_not_worth_keeping_is_refused_on_the_page(
    new: str, again: str | None, office: Office, service: Client
) -> None:
    login = "zhou.jie"
    if login not in {one["login"] for one in service.all("/api/v1/users")}:
        person(service, login)
    first = reset(service, login)
    browser = office.http(Accept="text/html")
    enter(browser, login, first)
    answer = browser.post("/account", data={"old": first, "new": new, "again": again or new})

    assert 422 == answer.status_code
    refusal(browser.get("/api/v1/issues", headers={"Accept": "*/*"}), 403)


def test_wrong_name_and_wrong_password_are_told_alike(office: Office, service: Client) -> None:
    settled(office, service, "known")
    answers = [enter(office.http(), login, "wrong password") for login in ("known", "unknown", "", "\0", "x" * 200)]

    assert 1 == len({answer.text for answer in answers})
    for answer in answers:
        refusal(answer, 401)
        assert "set-cookie" not in answer.headers


def test_a_name_that_nobody_has_takes_as_long(office: Office, service: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(office, service, "timed")
    monkeypatch.setattr(throttle, "FREE_BY_NAME", 1000)
    monkeypatch.setattr(throttle, "FREE_BY_ADDRESS", 1000)
    took: dict[str, list[float]] = {"timed": [], "nobody": []}
    browser = office.http()
    for _ in range(12):
        for login, times in took.items():
            began = time.perf_counter()
            enter(browser, login, "wrong password")
            times.append(time.perf_counter() - began)
    known, unknown = (min(times) for times in took.values())

    assert 0.4 < known / unknown < 2.5, {login: statistics.median(times) for login, times in took.items()}


def test_guessing_has_to_wait_ever_longer_but_never_long(office: Office, service: Client, clock) -> None:
    settled(office, service, "guessed")
    stranger = office.http()
    stranger_waits: list[int] = []
    with office.context.database.write() as session:  # the stranger is elsewhere: nobody known has signed in from there
        session.execute(sa.text("UPDATE sign_in_sessions SET network = '192.0.2.1'"))
    for _ in range(16):
        answer = enter(stranger, "guessed", "wrong password")
        if answer.status_code == 429:
            stranger_waits.append(int(answer.headers["retry-after"]))
            clock(stranger_waits[-1])
    refused = enter(stranger, "guessed", "wrong password")
    while refused.status_code == 401:
        refused = enter(stranger, "guessed", "wrong password")

    assert stranger_waits == sorted(stranger_waits)
    assert [1, 2, 4, 8] == stranger_waits[:4]
    refusal(refused, 429)
    assert int(refused.headers["retry-after"]) <= 60
    assert 429 == enter(stranger, "guessed", PASSWORD).status_code  # the right one too: waiting is waiting
    clock(61)
    assert 303 == enter(stranger, "guessed", PASSWORD).status_code


def test_attempts_while_one_waits_do_not_prolong_the_wait(office: Office, service: Client, clock) -> None:
    for _ in range(throttle.FREE_BY_NAME + 1):
        enter(office.http(), "waits", "wrong password")
    before = enter(office.http(), "waits", "wrong password").headers["retry-after"]
    for _ in range(20):
        after = enter(office.http(), "waits", "wrong password").headers["retry-after"]

    assert int(after) <= int(before)


def test_who_signed_in_here_before_is_not_shut_out_by_strangers(office: Office, service: Client) -> None:
    settled(office, service, "victim")
    with office.context.database.write() as session:  # strangers elsewhere try the same name
        for _ in range(30):
            session.execute(sa.delete(SignInAttempts).where(SignInAttempts.subject.like("address:%")))
            try:
                throttle.count(session, login="victim", user_id=None, address="203.0.113.9")
            except TooMany:
                break

    assert 303 == enter(office.http(), "victim", PASSWORD).status_code


def test_a_restart_forgets_no_attempt(office: Office, service: Client) -> None:
    for _ in range(throttle.FREE_BY_NAME + 1):
        enter(office.http(), "restarted", "wrong password")
    office.context.database.close()  # all that a process keeps; the rows are what is left

    assert 429 == enter(office.http(), "restarted", "wrong password").status_code


def test_attempts_at_the_same_moment_count_as_well(office: Office) -> None:
    def attempt(_: int) -> type[StreetError]:
        try:
            proving.by_password(office.context.database, login="parallel", password="wrong one", address="192.0.2.8")
        except StreetError as error:
            return type(error)
        raise AssertionError("a wrong password was taken")

    attempts = throttle.FREE_BY_NAME + 6
    with ThreadPoolExecutor(attempts) as pool:
        refusals = list(pool.map(attempt, range(attempts)))

    assert throttle.FREE_BY_NAME == refusals.count(NotSignedIn)
    assert {NotSignedIn, TooMany} == set(refusals)


def test_one_address_cannot_try_one_password_on_all_names(office: Office) -> None:
    answers = [enter(office.http(), f"name-{number}", "Password123!").status_code for number in range(30)]

    assert [401] * throttle.FREE_BY_ADDRESS + [429] * (30 - throttle.FREE_BY_ADDRESS) == answers


def test_signing_in_forgives_what_was_mistyped(office: Office, service: Client) -> None:
    settled(office, service, "clumsy")
    for _ in range(3):
        for _ in range(throttle.FREE_BY_NAME - 1):
            refusal(enter(office.http(), "clumsy", "wrong password"), 401)
        assert 303 == enter(office.http(), "clumsy", PASSWORD).status_code


def test_an_ipv6_house_is_one_address() -> None:
    assert throttle.network("2001:db8:1:2:3::4") == throttle.network("2001:db8:1:2:ffff::")
    assert throttle.network("2001:db8:1:2::1") != throttle.network("2001:db8:1:3::1")
    assert "192.0.2.7" == throttle.network("192.0.2.7")


def test_only_a_slow_hash_of_a_password_is_kept(office: Office, service: Client) -> None:
    settled(office, service, "hashed")
    with office.context.database.read() as session:
        kept = session.scalar(sa.select(User.password_hash).where(User.login == "hashed"))

    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_a_new_password_ends_every_other_session(office: Office, service: Client) -> None:
    settled(office, service, "moves")
    here, there = office.http(), office.http()
    for browser in (here, there):
        enter(browser, "moves", PASSWORD)
    changed = here.put("/api/v1/me/password", json={"old": PASSWORD, "new": "another-Password-1"})

    assert 204 == changed.status_code
    assert 200 == here.get("/api/v1/me").status_code
    refusal(there.get("/api/v1/me"), 401)


@pytest.mark.parametrize("wanted", [{"active": False}, None])
def test_deactivating_or_resetting_ends_all_sessions_at_once(
    wanted: dict[str, bool] | None, office: Office, service: Client
) -> None:
    login = f"leaves-{wanted is None}".lower()
    settled(office, service, login)
    browser = office.http()
    enter(browser, login, PASSWORD)
    user = expect(browser.get("/api/v1/me"))["user_id"]
    if wanted:
        expect(service.http.patch(f"/api/v1/users/{user}", json=wanted))
    else:
        reset(service, login)

    refusal(browser.get("/api/v1/me"), 401)
    refusal(enter(office.http(), login, PASSWORD), 401)


def test_sessions_are_listed_and_ended_one_by_one(office: Office, service: Client) -> None:
    settled(office, service, "two-phones")
    here, there = office.http(), office.http(**{"User-Agent": "A lost phone"})
    for browser in (here, there):
        enter(browser, "two-phones", PASSWORD)
    listed = expect(here.get("/api/v1/me/sessions"))["items"]
    (lost,) = [one for one in listed if one["agent"] == "A lost phone"]
    page = here.get("/account", headers={"Accept-Language": "en"}).text

    assert "A lost phone" in page
    assert "this browser" in page
    assert 303 == here.post(f"/account/sessions/{lost['id']}/end").status_code
    refusal(there.get("/api/v1/me"), 401)
    assert 200 == here.get("/api/v1/me").status_code
    refusal(service.http.delete(f"/api/v1/me/sessions/{listed[0]['id']}"), 404)  # somebody else's


def test_a_session_opened_with_a_key_may_no_more_than_the_key(office: Office, service: Client) -> None:
    user = expect(service.http.post("/api/v1/keys", json={"name": "robot", "role": "admin"}))["user_id"]
    wanted = {"name": "less", "user_id": user, "permissions": ["view_issues"]}
    made = expect(service.http.post("/api/v1/keys", json=wanted))
    browser = office.http()
    browser.post("/sign-in", data={"key": made["key"]})

    assert ["view_issues"] == expect(browser.get("/api/v1/me"))["permissions"]
    service.http.delete(f"/api/v1/keys/{made['id']}")
    refusal(browser.get("/api/v1/me"), 401)


def test_a_wrong_password_shows_the_form_again_in_both_languages(office: Office) -> None:
    for language, words in (("zh", "登录未成功"), ("en", "Not signed in")):
        browser = office.http(Accept="text/html", **{"Accept-Language": language})
        answer = browser.post("/sign-in", data={"login": "x", "password": "y", "onward": "/plan"})

        assert 401 == answer.status_code
        assert words in answer.text
        assert 'value="/plan"' in answer.text
        assert COOKIE not in answer.cookies
    for _ in range(10):
        answer = browser.post("/sign-in", data={"login": "x", "password": "y"})
    assert (429, True) == (answer.status_code, "Too many attempts" in answer.text)
