"""The review page in a real Chromium: pictures judged with the keyboard, a missing box drawn with the mouse."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client
from tests.api.photographs import PhotoFactory
from tests.api.review.test_label_studio import until
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


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


def cases(client: Client) -> list[dict[str, Any]]:
    return client.all("/api/v1/review/cases")


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
