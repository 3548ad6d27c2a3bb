"""The review page in a real Chromium: pictures judged with the keyboard, a missing box drawn with the mouse."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client
from tests.api.photographs import PhotoFactory
from tests.api.review.test_label_studio import until
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


#: What is pressed for a picture of each point; the last undoes a removed box, then a whole verdict.
KEYS = {
    "R-ACCEPT": "a",
    "R-REJECT": "r",
    "R-CHANGE": ("1", "c", Keys.ARROW_DOWN, "a"),
    "R-UNDO": ("1", "x", "z", "r", "z", "a"),
}
SHOWN = "const one = document.querySelector('.pw-review-picture img'); return one && new URL(one.src).pathname"
HELD = """
const all = performance.getEntriesByType("resource").filter((one) => one.responseEnd > 0);
return all.map((one) => new URL(one.name).pathname).filter((one) => one.endsWith("/picture"));
"""


@pytest.fixture(scope="module")
def street(start_service: Callable[..., Running], photo_factory: PhotoFactory) -> Running:
    """Give a service where every capture is put before people, with four that wait."""
    service = start_service(review_empty="1", review_confident="1")
    client = service.client()
    client.add_point("R1")
    photos = [photo_factory(), photo_factory(of="exposed_garbage"), photo_factory(), photo_factory()]
    for photo in photos:
        client.wait(*client.take(photo, point="R1"))
    return service


@pytest.fixture(scope="module")
def browser(street: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(street.url, tmp_path_factory.mktemp("reviewer"))
    opened.sign_in(street.admin_key(), onward="/review")
    yield opened
    opened.close()


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.driver).send_keys(key).perform()


def picture_shown(browser: Browser) -> str | None:
    """Give the address of the picture that is to be judged."""
    found: str | None = browser.driver.execute_script(SHOWN)
    return found


def pictures_held(browser: Browser) -> set[str]:
    """Give the addresses of the pictures that have arrived."""
    return set(browser.driver.execute_script(HELD))


def cases(client: Client) -> list[dict[str, Any]]:
    return client.all("/api/v1/review/cases")


@pytest.fixture(scope="module")
def garbage(start_service: Callable[..., Running], photo_factory: PhotoFactory) -> Running:
    """Give a service where twenty pictures of garbage wait, five at each of four points."""
    service = start_service(review_empty="1", review_confident="1")
    client = service.client()
    taken = []
    for point in KEYS:
        client.add_point(point)
        taken += [one for _ in range(5) for one in client.take(photo_factory(of="exposed_garbage"), point=point)]
    client.wait(*taken)
    return service


def test_twenty_pictures_are_judged_without_a_mouse_and_each_next_one_is_there_already(
    garbage: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client, seen, ahead, classes = garbage.client(), set(), set(), []
    browser = Browser(garbage.url, tmp_path_factory.mktemp("twenty"))
    try:
        browser.sign_in(garbage.admin_key(), onward="/review")
        for number in range(20):
            browser.find(".pw-review-box")
            shown = picture_shown(browser)
            assert shown in ahead or number == 0, f"picture {number + 1} was asked for only when it was to be shown"
            seen.add(shown)
            if number < 19:
                ahead = until(lambda: pictures_held(browser) - seen)
            point = browser.read(".pw-beside .pw-lead").split(" ·")[0]
            press(browser, *KEYS[point][:2])
            if point == "R-CHANGE":
                options = browser.find(".pw-review-list select").find_elements("css selector", "option")
                classes = [one.get_attribute("value") for one in options]
            press(browser, *KEYS[point][2:])
            until(lambda: picture_shown(browser) not in seen)
        browser.find(".pw-review-empty", "Nothing waits")
        complaints = browser.complaints()
    finally:
        browser.close()
    until(lambda: {"decided"} == {one["state"] for one in cases(client)})

    states = {
        point: {one["violation"]["code"]: one["state"] for one in client.all("/api/v1/issues", point=point)}
        for point in KEYS
    }
    for one in cases(client):
        point = client.capture(one["capture_id"])["point_code"]
        first, *others = [box["code"] for box in one["predicted"]]
        change = [classes[classes.index(first) + 1], *others]
        expected = {"R-ACCEPT": [first, *others], "R-REJECT": [], "R-CHANGE": change, "R-UNDO": [first, *others]}

        assert expected[point] == [box["code"] for box in one["boxes"]], point
    assert ("open", "open") == (states["R-ACCEPT"]["exposed_garbage"], states["R-UNDO"]["exposed_garbage"])
    assert "rejected" == states["R-REJECT"]["exposed_garbage"]
    assert [] == complaints


def test_four_pictures_are_judged_with_keyboard_and_mouse(browser: Browser, street: Running) -> None:
    client = street.client()

    browser.find(".pw-review-picture img")
    press(browser, "a")  # the newest: nothing on it, and nobody says otherwise
    browser.find(".pw-hint", "1 done")
    browser.find(".pw-review-picture")
    press(browser, "d")
    browser.find(".pw-review-picture.armed")
    picture = browser.find(".pw-review-picture")
    drag = ActionChains(browser.driver).move_to_element_with_offset(picture, -40, -30)
    drag.click_and_hold().move_by_offset(60, 50).release().perform()
    chooser = browser.find(".pw-review-list select")
    chooser.find_element("css selector", "option[value=pothole]").click()
    press(browser, "a")
    browser.find(".pw-hint", "2 done")
    browser.find(".pw-review-box")
    press(browser, "r")  # garbage that is none
    browser.find(".pw-hint", "3 done")
    press(browser, "a")
    browser.find(".pw-review-empty", "Nothing waits")
    until(lambda: {"decided"} == {one["state"] for one in cases(client)})

    decided = {one["capture_id"]: one for one in cases(client)}
    issues = {one["violation"]["code"]: one["state"] for one in client.all("/api/v1/issues", point="R1")}
    assert ["pothole"] == [box["code"] for one in decided.values() for box in one["boxes"]]
    assert ("open", "rejected") == (issues["broken_pavement"], issues["exposed_garbage"])
    assert [] == browser.complaints()


def test_a_removed_box_comes_back_with_undo(browser: Browser, street: Running) -> None:
    garbage = next(one for one in cases(street.client()) if one["predicted"])
    browser.open(f"/review?capture={garbage['capture_id']}")
    browser.find(".pw-hint", "No box")
    press(browser, "d")
    picture = browser.find(".pw-review-picture.armed")
    drag = ActionChains(browser.driver).move_to_element_with_offset(picture, -40, -30)
    drag.click_and_hold().move_by_offset(60, 50).release().perform()
    browser.find(".pw-review-list select")
    press(browser, "\ue00c")  # escape
    browser.until_count(".pw-review-picture .pw-review-box", 1)
    press(browser, "1", "x")
    browser.until_count(".pw-review-picture .pw-review-box", 0)
    press(browser, "z")
    browser.until_count(".pw-review-picture .pw-review-box", 1)
    assert [] == browser.complaints()
