"""Every page, in both languages, as administrator and as one who only looks: usable by all, nothing clipped, no errors.

The pages are those that the console has: a new one is looked at without a word here.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from api.console.framework import PAGES
from tests.api.accessible import WIDTHS_PX, clipped_at, faults_of
from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client, expect
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )

PLAIN = ("/account", "/field/signs")  # pages that are no part of the framework; /field is asked as a stranger too
POINT = "A11Y-1"


@pytest.fixture(scope="module")
def names(over_wire: Client, photo_factory: PhotoFactory) -> dict[str, str]:
    """Give something for each name in an address, from a service with a point, a post, an issue and users."""
    over_wire.add_post("A11Y-POST", holder="程远舟", phone="13800000000")
    over_wire.add_point(POINT, first_post="A11Y-POST")
    over_wire.wait(*over_wire.take(photo_factory(of="exposed_garbage"), point=POINT))
    (issue, *_) = over_wire.issues(point=POINT)
    camera = {"code": "A11Y-CAM", "name": "East gate", "point": POINT, "address": "rtsp://127.0.0.1/1", "active": False}
    expect(over_wire.http.post("/api/v1/cameras", json=camera))
    me = expect(over_wire.http.get("/api/v1/me"))["user_id"]
    version = over_wire.http.get("/api/v1/models").json()[0]["version"]
    return {"number": issue["number"], "point": POINT, "code": "A11Y-CAM", "user_id": me, "version": version}


@pytest.fixture(scope="module")
def visitor(
    running: Running, over_wire: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Browser]]:
    """Give a function that signs a browser in with a role in a language."""
    opened: list[Browser] = []

    def start(role: str, language: str) -> Browser:
        made = over_wire.http.post("/api/v1/keys", json={"name": f"{role} who looks", "role": role})
        opened.append(Browser(running.url, tmp_path_factory.mktemp("profile"), language))
        opened[-1].sign_in(expect(made)["key"])
        return opened[-1]

    yield start
    for browser in opened:
        browser.close()


def filled(path: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"{path}: say in `names` what stands for this"
    return path


@pytest.mark.parametrize(
    ("role", "language"), [("admin", "zh-CN"), ("admin", "en"), ("viewer", "zh-CN"), ("viewer", "en")]
)
def test_every_page_can_be_used_by_everybody_at_every_width(
    role: str, language: str, visitor: Callable[[str, str], Browser], names: dict[str, str]
) -> None:
    browser = visitor(role, language)
    faults = {}
    for page in (*PAGES, *PLAIN):
        browser.be_a_screen()
        browser.open(filled(page, names))
        browser.find("h1")
        found = faults_of(browser)
        for width_px in WIDTHS_PX:
            found += clipped_at(browser, width_px)
        # A page that is not for this role is answered with 403, which the browser itself notes.
        found += [one for one in browser.complaints() if role == "admin" or "403" not in one]
        if found:
            faults[page] = found
    browser.be_a_screen()

    assert {} == faults


@pytest.mark.parametrize("path", ["/sign-in", "/field"])
def test_what_strangers_see_can_be_used_by_everybody(
    path: str, running: Running, tmp_path: Path, visitor: Callable[[str, str], Browser]
) -> None:
    stranger = Browser(running.url, tmp_path)
    try:
        stranger.open(path)
        stranger.find("h1")
        found = faults_of(stranger) + [one for width_px in WIDTHS_PX for one in clipped_at(stranger, width_px)]
    finally:
        stranger.close()

    assert [] == found


def test_the_keyboard_leads_past_the_header_into_the_menu_and_out_again(
    visitor: Callable[[str, str], Browser], names: dict[str, str]
) -> None:
    browser = visitor("admin", "en")
    browser.open("/points")
    browser.find(".pw-register tbody tr")
    browser.driver.find_element("tag name", "body").send_keys(Keys.TAB)
    first = browser.driver.switch_to.active_element.text
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    skipped_to = browser.driver.execute_script("return document.activeElement.id")
    button = browser.find(".pw-menu-button")
    button.send_keys(Keys.ENTER)
    browser.find(".pw-menu a", "Points")
    button.send_keys(Keys.TAB)
    inside = browser.driver.switch_to.active_element.text
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    shown = [one for one in browser.all(".pw-menu a") if one.is_displayed()]

    assert "Skip to content" == first
    assert "main" == skipped_to
    assert "Points" == inside
    assert [] == shown
    assert button == browser.driver.switch_to.active_element
