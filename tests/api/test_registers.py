"""The pages of those who keep the office: points, people, posts, in a real Chromium against the real service."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client, expect
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


@pytest.fixture(scope="module")
def opened(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(running.url, tmp_path_factory.mktemp("profile"))
    browser.sign_in(running.admin_key())
    yield browser
    browser.close()


@pytest.fixture
def browser(opened: Browser) -> Iterator[Browser]:
    """Give the administrator's browser, which reads English; no page may complain."""
    opened.complaints()
    yield opened
    assert [] == opened.complaints()


def fill(browser: Browser, label: str, value: str) -> None:
    """Put a value into the field of that label, in place of what stood there."""
    field = browser.find(f"input[aria-label='{label}'], textarea[aria-label='{label}']")
    browser.driver.execute_script(
        "const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(arguments[0]), 'value').set;"
        "set.call(arguments[0], arguments[1]); arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
        field,
        value,
    )


def choose(browser: Browser, label: str, option: str) -> None:
    """Choose an option of the field of that label."""
    browser.click(".pw-field", label)
    browser.click(".q-menu .q-item", option)


def actions(over_wire: Client, kind: str) -> list[str]:
    return [one["action"] for one in over_wire.all("/api/v1/audit", subject_kind=kind)]


def test_a_point_is_added_found_and_changed_and_the_log_tells_by_whom(
    browser: Browser, over_wire: Client, point_code: str
) -> None:
    browser.open("/points")
    browser.click(".pw-toolbar button", "Add a point")
    browser.click(".pw-dialog .pw-button", "Save")
    complaint = browser.read(".pw-dialog .pw-refusal")
    for label, value in (("Code", point_code), ("Name", "Lakeside gate"), ("Community", "Lakeside")):
        fill(browser, label, value)
    fill(browser, "Longitude", "114.1")
    fill(browser, "Latitude", "22.5")
    choose(browser, "Category", "Park")
    browser.click(".pw-dialog .pw-button", "Save")
    browser.until(f"/points/{point_code}")
    fill(browser, "Name", "Lakeside west gate")
    browser.click(".pw-card .pw-button", "Save")
    change = browser.read(".pw-changes li", "Lakeside gate → Lakeside west gate")
    browser.open("/points")
    browser.find(".pw-register-bar input").send_keys("lakeside west")
    row = browser.read(".pw-register tbody tr", point_code)
    kept = expect(over_wire.http.get(f"/api/v1/points/{point_code}"))

    assert "marked" in complaint
    assert "Lakeside west gate" in row
    assert ("Lakeside west gate", 2) == (kept["name"], kept["revision"])
    assert "First administrator" in change
    assert f"/points?q={'lakeside+west'}" == browser.path


def test_a_file_with_a_wrong_row_is_refused_with_its_number_and_a_right_one_taken(
    browser: Browser, over_wire: Client, point_code: str, tmp_path: Path
) -> None:
    head = "code,name,category,community,longitude,latitude\n"
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_text(f"{head}{point_code},One,park,Here,114.1,22.5\n{point_code}X,Two,moon,Here,114.1,22.5\n")
    right.write_text(f"{head}{point_code},One,park,Here,114.1,22.5\n")
    browser.open("/points")
    browser.click("details summary", "Import")
    sender = browser.all(".pw-import input")[0]
    sender.send_keys(str(wrong))
    refused = browser.read(".pw-import .pw-refusal tbody tr")
    (logged,) = browser.complaints()  # the browser itself notes an answer of 422
    nothing = over_wire.http.get(f"/api/v1/points/{point_code}").status_code
    sender.send_keys(str(right))
    taken = browser.read(".pw-import .pw-good")
    browser.find(f"tr[data-key='{point_code}']")

    assert "422" in logged
    assert refused.startswith("3 category")
    assert 404 == nothing
    assert "right.csv: 1 added" in taken


def test_somebody_is_added_for_one_community_signs_in_and_is_locked_out(
    browser: Browser, running: Running, over_wire: Client, point_code: str
) -> None:
    over_wire.add_point(point_code, community="翠宁社区")
    login = point_code.lower()
    browser.open("/people?tab=users")
    browser.click(".pw-toolbar button", "Add somebody")
    fill(browser, "Login name", login)
    fill(browser, "Name", "Wang Fang")
    choose(browser, "Role", "inspector")
    choose(browser, "Where", "翠宁社区")
    browser.click(".pw-dialog .pw-button", "Save")
    password = browser.read(".pw-secret")
    browser.click(".pw-dialog .pw-button", "noted")
    browser.find("h1", "Wang Fang")
    role = browser.read(".pw-grants li", "inspector")

    def sign_in() -> int:
        form = {"login": login, "password": password}
        return httpx.post(f"{running.url}/sign-in", data=form, follow_redirects=False).status_code

    let_in = sign_in()
    browser.click(".pw-actions .pw-button", "Lock")
    browser.click(".pw-dialog .pw-button", "Lock")
    browser.find(".pw-head .pw-state", "Locked")

    assert "翠宁社区" in role
    assert 303 == let_in
    assert 401 == sign_in()
    assert {"added", "deactivated"} <= set(actions(over_wire, "user"))


def test_a_key_is_shown_once_works_and_is_revoked(browser: Browser, running: Running, point_code: str) -> None:
    browser.open("/people?tab=keys")
    browser.click(".pw-toolbar button", "Make a key")
    fill(browser, "What it is for", point_code)
    browser.click(".pw-dialog .pw-button", "Save")
    key = browser.read(".pw-secret")
    browser.click(".pw-dialog .pw-button", "noted")
    me = httpx.get(f"{running.url}/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    browser.click(".pw-register tbody button", point_code)
    browser.click(".pw-dialog .pw-button", "Revoke")
    browser.find("tr.pw-spent", point_code)
    after = httpx.get(f"{running.url}/api/v1/me", headers={"Authorization": f"Bearer {key}"})

    assert (200, point_code) == (me.status_code, me.json()["name"])
    assert 401 == after.status_code
    assert key not in browser.find_body()


def test_a_post_changes_hands(browser: Browser, over_wire: Client, point_code: str) -> None:
    over_wire.add_post(point_code, holder="陈立", phone="13800000000")
    browser.open(f"/people?tab=posts&q={point_code}")
    browser.click(".pw-register tbody button", point_code)
    fill(browser, "Held by", "周敏")
    browser.click(".pw-dialog .pw-button", "Save")
    browser.find(".pw-register tbody tr", "周敏")
    kept = expect(over_wire.http.get(f"/api/v1/posts/{point_code}"))
    told = next(one for one in over_wire.all("/api/v1/audit", subject_kind="post") if one["action"] == "changed")

    assert ("周敏", "13800000000") == (kept["holder"], kept["phone"])
    assert ({"holder": "陈立"}, {"holder": "周敏"}) == (told["data"]["before"], told["data"]["after"])


def test_who_only_looks_finds_no_buttons_and_no_users(
    browser: Browser, running: Running, over_wire: Client, point_code: str
) -> None:
    over_wire.add_point(point_code)
    key = expect(over_wire.http.post("/api/v1/keys", json={"name": "A guest", "role": "viewer"}))["key"]
    browser.forget()
    browser.sign_in(key)
    browser.open(f"/points/{point_code}")
    facts = browser.read(".pw-facts")
    inputs = browser.all(".pw-main input")
    browser.open("/people?tab=users")
    posts = browser.read("h1")
    toolbar = browser.read(".pw-toolbar")
    browser.forget()
    browser.sign_in(running.admin_key())
    browser.complaints()

    assert "翠宁社区" in facts
    assert [] == inputs
    assert "People and posts" == posts
    assert "Add" not in toolbar
