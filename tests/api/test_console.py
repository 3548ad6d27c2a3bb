"""The pages in a real Chromium, against the real server, the real worker and the real model."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client, expect
from tests.api.photographs import PhotoFactory
from tests.api.running import ROOT, Running

GARBAGE = "exposed_garbage"

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


@pytest.fixture(scope="module")
def start_browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """Give a function that starts a browser whose owner reads a language; a start costs seconds, so tests share."""
    opened: list[Browser] = []

    def start(language: str) -> Browser:
        opened.append(Browser(running.url, tmp_path_factory.mktemp("profile"), language))
        return opened[-1]

    yield start
    for browser in opened:
        browser.close()


@pytest.fixture(scope="module")
def administrators(start_browser: Callable[[str], Browser], running: Running) -> Browser:
    browser = start_browser("en")
    sign_in(browser, running.admin_key())
    return browser


@pytest.fixture(scope="module")
def another(start_browser: Callable[[str], Browser]) -> Browser:
    return start_browser("zh-CN")


@pytest.fixture
def browser(administrators: Browser) -> Browser:
    """Give the administrator's browser, which reads English."""
    administrators.complaints()
    return administrators


@pytest.fixture
def second(another: Browser) -> Browser:
    """Give a browser of somebody who reads Chinese and is not signed in."""
    another.forget()
    return another


@pytest.fixture
def issue(over_wire: Client, photo_factory: PhotoFactory, point_code: str) -> str:
    """Give the number of an open issue at a point of its own."""
    over_wire.add_point(point_code)
    over_wire.wait(*over_wire.take(photo_factory(of=GARBAGE), point=point_code))
    (found,) = over_wire.issues(point=point_code, violation=GARBAGE)
    if found["state"] == "in_review":  # the model in force may not have proved itself on garbage
        over_wire.step(found["number"], "confirm")
    return str(found["number"])


def sign_in(browser: Browser, key: str) -> None:
    browser.sign_in(key)


def sign_in_link(running: Running) -> str:
    command = [sys.executable, "-m", "cli", "sign-in"]
    asked = subprocess.run(command, cwd=ROOT, env=running.environment, capture_output=True, text=True, check=True)
    return asked.stdout.strip().removeprefix(running.url)


def test_a_link_signs_a_browser_in_once_and_its_code_stays_out_of_the_history(
    running: Running, second: Browser
) -> None:
    link = sign_in_link(running)
    second.open(link)  # `second` shows the sign-in page already: only the part after the # changes
    second.until("/")
    second.driver.back()
    second.find("input[name=key]")
    went_back_to = second.driver.current_url
    second.forget()
    second.open(link)

    assert "#code=" in link
    assert "code" not in went_back_to
    assert second.find(".refusal", "登录未成功")


def test_a_photo_sent_with_the_browser_becomes_an_issue_that_is_closed_with_a_note(
    browser: Browser, over_wire: Client, photo_factory: PhotoFactory, point_code: str, tmp_path: Path
) -> None:
    over_wire.add_point(point_code)
    photo, text = tmp_path / "heap.jpg", tmp_path / "letter.jpg"
    photo.write_bytes(photo_factory(of=GARBAGE))
    text.write_text("not a picture")

    browser.open(f"/upload?point={point_code}")
    browser.find(".pw-drop").find_element("css selector", "input").send_keys(f"{photo}\n{text}")
    browser.click(".pw-send", "2")
    refused = browser.read("li[data-state=refused]")
    browser.click("li[data-state=done] .pw-found a", "Exposed garbage")
    browser.find(".pw-box")
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)
    if issue["state"] == "in_review":
        browser.click("[data-action=confirm]")
    browser.click("[data-action=close]")
    browser.click(".pw-dialog .pw-button")
    complaint = browser.read(".pw-dialog .q-field__messages", "write a note")
    browser.find(".pw-dialog textarea").send_keys("swept <b>clean</b>")
    browser.click(".pw-dialog .pw-button")
    history = browser.read(".pw-history li[data-state=closed]")
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)

    assert "letter.jpg" in refused
    assert "Please write a note" == complaint
    assert "swept <b>clean</b>" in history
    assert "closed" == issue["state"]


def test_a_new_issue_appears_on_the_overview_and_the_wall_by_itself(
    browser: Browser, second: Browser, running: Running, over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    sign_in(second, running.admin_key())
    second.open("/wall")
    second.find(".tile[data-tile=at_work]")
    browser.open("/")
    browser.find(".pw-tile[data-tile=at_work]")
    over_wire.take(photo_factory(of=GARBAGE), point=point_code)

    assert browser.find(".pw-new", point_code)
    assert browser.find(f'.pw-dot:not([data-state=clear])[aria-label*="{point_code}"]')
    assert second.find(".newest li", point_code)


def test_what_the_overview_counts_leads_to_its_list(browser: Browser, issue: str) -> None:
    browser.open("/")
    browser.click(".pw-tile[data-tile=overdue]")
    browser.until("/issues?due=overdue&sort=due")
    browser.driver.back()
    browser.click(".pw-bars a", "Sanitation")
    browser.until("/issues?kind=sanitation")
    browser.open("/?kind=sanitation")  # as links were before the list had a page of its own
    browser.until("/issues?kind=sanitation")

    assert browser.find(".pw-row", issue)


def test_dark_is_chosen_once_for_all_pages(browser: Browser) -> None:
    def ground() -> str:
        return str(browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor"))

    browser.open("/")
    light = ground()
    browser.click(".pw-theme")
    dark = ground()
    browser.open("/issues")
    browser.find("h1")
    later = ground()
    browser.click(".pw-theme")

    assert light != dark
    assert dark == later
    assert light == ground()


def test_boxes_are_switched_off_and_on(browser: Browser, issue: str) -> None:
    browser.open(f"/issues/{issue}")
    browser.find(".pw-box", "Exposed garbage")
    browser.click(".pw-boxes")
    browser.until_gone(".pw-box")
    browser.click(".pw-boxes")

    assert browser.find(".pw-box", "Exposed garbage")


def test_two_browsers_keep_their_own_languages(browser: Browser, second: Browser, running: Running, issue: str) -> None:
    sign_in(second, running.admin_key())
    for one in (browser, second):
        one.open(f"/issues/{issue}")
    titles = [one.read("h1") for one in (browser, second)]
    browser.click(".pw-languages a", "中文")
    switched = browser.read("h1", "暴露垃圾")
    path = browser.path
    browser.click(".pw-languages a", "EN")
    browser.find("h1", "Exposed garbage")

    assert ["Exposed garbage", "暴露垃圾"] == titles
    assert "暴露垃圾" == switched
    assert f"/issues/{issue}" == path
    assert "zh-CN" == second.driver.execute_script("return document.documentElement.lang")


def test_every_page_loads_without_a_complaint_and_fits_a_narrow_phone(
    browser: Browser, issue: str, point_code: str
) -> None:
    browser.be_a_phone()
    width = {}
    for language in ("zh", "en"):
        browser.open("/")
        browser.click(".pw-more-button")
        browser.click(f".pw-languages a[href='/language/{language}']")
        for path in (
            "/",
            "/issues",
            "/plan",
            f"/plan?point={point_code}",
            "/upload",
            "/captures",
            "/report",
            f"/issues/{issue}",
        ):
            browser.open(path)
            browser.find("h1")
            width[language, path] = browser.driver.execute_script("return document.documentElement.scrollWidth")

    browser.be_a_screen()

    assert {360} == set(width.values()), width
    assert [] == browser.complaints()


def test_on_a_phone_the_header_is_one_row_and_its_menu_leads_everywhere(browser: Browser) -> None:
    browser.be_a_phone()
    browser.open("/")
    high = browser.find(".pw-header").size["height"]
    browser.click(".pw-more-button")
    browser.click(".pw-everything a", "Audit log")
    browser.until("/audit")
    button = browser.find(".pw-more-button")
    button.send_keys(Keys.ENTER)
    browser.find(".pw-everything .pw-theme")
    ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
    shown = [one for one in browser.all(".pw-everything a") if one.is_displayed()]
    focused = browser.driver.switch_to.active_element
    browser.be_a_screen()

    assert high <= 56
    assert [] == shown
    assert button == focused


def test_a_point_is_chosen_on_the_plan_by_keyboard(browser: Browser, issue: str, point_code: str) -> None:
    browser.open("/plan")
    browser.find(".pw-dot")
    browser.driver.execute_script(f"document.querySelector('.pw-dot[aria-label*=\"{point_code}\"]').focus()")
    browser.driver.switch_to.active_element.send_keys("\n")

    assert browser.find(".pw-card", point_code)
    assert f"/plan?point={point_code}" == browser.path


def test_one_who_only_looks_sees_no_buttons_and_is_refused_the_upload(
    second: Browser, over_wire: Client, issue: str
) -> None:
    key = over_wire.http.post("/api/v1/keys", json={"name": "A guest", "role": "viewer"}).json()["key"]
    sign_in(second, key)
    second.open(f"/issues/{issue}")
    second.find(".pw-history")
    buttons = second.all("[data-action]")
    second.open("/upload")

    assert [] == buttons
    assert "没有权限" == second.read("h1")


def test_a_revoked_key_ends_the_open_page(second: Browser, over_wire: Client, issue: str) -> None:
    made = over_wire.http.post("/api/v1/keys", json={"name": "Gone soon", "role": "reviewer"}).json()
    sign_in(second, made["key"])
    second.open(f"/issues/{issue}")
    second.find("[data-action=close]")
    over_wire.http.delete(f"/api/v1/keys/{made['id']}")
    second.find("input[name=key]")

    assert second.path.startswith("/sign-in")
    assert "open" == over_wire.http.get(f"/api/v1/issues/{issue}").json()["state"]


def test_names_and_notes_are_shown_as_written_and_never_run(
    browser: Browser, over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    over_wire.add_post(point_code, zh=evil, holder=evil)
    over_wire.add_point(point_code, name=evil, specific_post=point_code, community=evil)
    over_wire.wait(*over_wire.take((f"{evil}.jpg", photo_factory(of=GARBAGE)), point=point_code))
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)
    over_wire.step(issue["number"], "close", evil)
    seen = []
    for path in (f"/issues?point={point_code}&state=all", f"/plan?point={point_code}", f"/issues/{issue['number']}"):
        browser.open(path)
        browser.find("main", evil)
        seen.append((len(browser.all("img[src=x]")), "owned" in browser.title))

    assert [(0, False)] * 3 == seen


def test_the_patrols_page_shows_rounds_what_is_due_and_the_score(
    browser: Browser, over_wire: Client, point_code: str
) -> None:
    today = (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()
    over_wire.add_point(point_code)
    body = {"code": point_code, "title": f"Round of {point_code}", "starts_on": today, "ends_on": today}
    expect(over_wire.http.post("/api/v1/patrols/rounds", json=body | {"points": [point_code]}))
    browser.open("/patrols")

    assert browser.find("main", f"Round of {point_code}")
    assert browser.find("main", "This is the example that ships with the system.")
    assert browser.find(".pw-nav [aria-current]", "Patrols")
