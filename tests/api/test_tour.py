"""The tour in a real Chromium: from page to page by keyboard and by finger, in both languages, offered once."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.api.accessible import faults_of
from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client, expect
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )

POINT = "TOUR-1"
TITLE, NEXT = ".driver-popover-title", ".driver-popover-next-btn"
STUCK_OUT = """
const box = document.querySelector(".driver-popover").getBoundingClientRect();
return box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
"""
POINTED_AT = "return document.querySelector('.driver-active-element').matches(arguments[0])"
FOCUSED_INSIDE = "return document.querySelector('.driver-popover').contains(document.activeElement)"
ESCAPE_AT_ONCE = """
const hasty = new MutationObserver(() => {
  if (!document.querySelector(".driver-popover")) return;
  hasty.disconnect();
  dispatchEvent(new KeyboardEvent("keyup", { key: "Escape" }));
  document.body.dataset.left = "at once";
});
hasty.observe(document.body, { childList: true, subtree: true });
"""


@pytest.fixture(scope="module")
def street(over_wire: Client, photo_factory: PhotoFactory) -> Client:
    """Give a client of a service with a photo's issue to be shown."""
    over_wire.add_point(POINT)
    over_wire.wait(*over_wire.take(photo_factory(of="exposed_garbage"), point=POINT))
    return over_wire


@pytest.fixture
def newcomer(
    running: Running, street: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Browser]]:
    """Give a function that signs somebody in who was never here before, with a key of a role or one's own."""
    opened: list[Browser] = []

    def start(language: str, key: str = "") -> Browser:
        opened.append(Browser(running.url, tmp_path_factory.mktemp("newcomer"), language))
        opened[-1].stand_at(latitude=22.5591, longitude=114.1326, accuracy=9)  # nobody else is asked where this is
        opened[-1].sign_in(key or running.admin_key())
        return opened[-1]

    yield start
    for browser in opened:
        browser.close()


def key_of(street: Client, role: str) -> str:
    made = street.http.post("/api/v1/keys", json={"name": f"A new {role}", "role": role})
    return str(expect(made)["key"])


def tour(street: Client, language: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = expect(street.http.get("/tour", headers={"Accept-Language": language}))["steps"]
    return steps


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.driver).send_keys(key).perform()


def be_still(browser: Browser) -> None:
    """Be one who asked the system for little motion; a key is not missed then while a step slides into its place."""
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_the_keyboard_leads_through_the_days_work_and_back(newcomer: Callable[..., Browser], street: Client) -> None:
    browser, steps, faults = newcomer("en"), tour(street, "en"), {}
    be_still(browser)
    browser.find(".pw-offer-take").send_keys(Keys.ENTER)
    for step in steps:
        browser.find(TITLE, step["title"])
        browser.until(step["path"])

        assert browser.driver.execute_script(POINTED_AT, ", ".join(step["shows"])), step["path"]
        assert browser.driver.execute_script(FOCUSED_INSIDE), step["path"]
        if found := faults_of(browser, ".driver-popover", ".driver-active-element"):
            faults[step["path"]] = found
        if step["path"].startswith("/issues/"):
            press(browser, Keys.TAB, Keys.TAB, Keys.TAB, Keys.TAB)
            assert browser.driver.execute_script(FOCUSED_INSIDE)
        press(browser, Keys.ARROW_RIGHT)
    browser.until_gone(".driver-popover")
    focused = browser.driver.switch_to.active_element.get_attribute("class") or ""
    offered = browser.all(".pw-offer")
    browser.open("/")
    browser.find("h1")
    browser.click(".pw-help")
    browser.find(TITLE, steps[0]["title"])
    press(browser, Keys.ARROW_RIGHT)
    browser.find(TITLE, steps[1]["title"])
    press(browser, Keys.ARROW_RIGHT)
    browser.find(TITLE, steps[2]["title"])
    browser.until("/issues")
    press(browser, "?", Keys.ARROW_LEFT)  # the list's own key for help rests meanwhile
    browser.find(TITLE, steps[1]["title"])
    browser.until("/")

    assert {"/", "/issues", "/review", "/field", "/bulletins"} < {step["path"] for step in steps}
    assert {} == faults
    assert "pw-help" in focused
    assert [] == offered
    assert [] == browser.complaints()


def test_a_finger_leads_through_it_in_chinese_on_a_phone(newcomer: Callable[..., Browser], street: Client) -> None:
    browser, steps, stuck_out = newcomer("zh-CN"), tour(street, "zh-CN"), []
    browser.be_a_phone()
    browser.open("/")
    browser.click(".pw-offer-take")
    for step in steps:
        browser.find(TITLE, step["title"])
        browser.find(NEXT)
        if browser.driver.execute_script(STUCK_OUT):
            stuck_out.append(step["title"])
        browser.click(NEXT)
    browser.until_gone(".driver-popover")

    assert "今天" in steps[0]["title"]
    assert [] == stuck_out
    assert [] == browser.complaints()


def test_the_tour_is_left_at_any_step_and_not_offered_again(newcomer: Callable[..., Browser], street: Client) -> None:
    browser = newcomer("en")
    browser.click(".pw-offer-take")
    browser.find(TITLE)
    browser.click(NEXT)
    browser.find(TITLE, tour(street, "en")[1]["title"])
    press(browser, Keys.ESCAPE)
    browser.until_gone(".driver-popover")
    browser.open("/issues")
    browser.find(".pw-row")
    on_the_list = browser.all(".driver-popover")
    browser.open("/")
    browser.find(".pw-overview")

    assert [] == on_the_list
    assert [] == browser.all(".pw-offer")


def test_who_leaves_while_the_first_step_still_slides_in_has_left(newcomer: Callable[..., Browser]) -> None:
    browser = newcomer("en")
    browser.find(".pw-offer-take")
    browser.driver.execute_script(ESCAPE_AT_ONCE)
    browser.click(".pw-offer-take")
    browser.find("body[data-left]")
    browser.until_gone(".driver-popover")
    browser.open("/")
    browser.find(".pw-overview")

    assert [] == browser.all(".pw-offer, .driver-popover")
    assert [] == browser.complaints()


def test_who_wants_no_tour_is_asked_once_and_whoever_sits_here_next_is_asked_too(
    newcomer: Callable[..., Browser], street: Client
) -> None:
    browser = newcomer("en")
    browser.click(".pw-offer-refuse")
    browser.until_gone(".pw-offer")
    browser.open("/")
    browser.find(".pw-overview")
    again = browser.all(".pw-offer")
    browser.forget()
    browser.enter_key(key_of(street, "viewer"))
    browser.until("/")

    assert [] == again
    assert browser.find(".pw-offer", "New here?")


def test_nobody_hears_of_what_is_not_theirs(running: Running, street: Client) -> None:
    paths = {
        role: {step["path"] for step in tour(running.client(key_of(street, role)), "en")}
        for role in ("viewer", "inspector", "reviewer")
    }

    assert not {"/review", "/field"} & paths["viewer"]
    assert "/field" in paths["inspector"]
    assert "/review" not in paths["inspector"]
    assert "/review" in paths["reviewer"]
