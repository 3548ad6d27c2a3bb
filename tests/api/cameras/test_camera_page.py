"""The cameras' pages in a real Chromium: a camera added, a zone drawn on its picture, dragged, nudged and saved."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.cameras.snapshots import snapshots
from tests.api.client import expect
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


@pytest.fixture(scope="module")
def camera(demo_photos: Path) -> Iterator[str]:
    """Give the address of a camera."""
    with snapshots((demo_photos / "clean_street.jpg").read_bytes()) as address:
        yield address


@pytest.fixture(scope="module")
def street(start_service: Callable[..., Running]) -> Running:
    service = start_service()
    service.client().add_point("PAGE-P")
    return service


@pytest.fixture(scope="module")
def browser(street: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(street.url, tmp_path_factory.mktemp("cameras"))
    opened.sign_in(street.admin_key(), onward="/cameras")
    yield opened
    opened.close()


def zones(street: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = expect(street.client().http.get("/api/v1/cameras/PAGE-1/zones"))["zones"]
    return found


def click_at(browser: Browser, x: float, y: float) -> None:
    """Click at shares of the picture's width and height."""
    picture = browser.find(".pw-zones-picture")
    size = picture.size
    ActionChains(browser.driver).move_to_element_with_offset(
        picture, round((x - 0.5) * size["width"]), round((y - 0.5) * size["height"])
    ).click().perform()


def test_a_camera_is_added_in_the_browser_and_its_zone_drawn(browser: Browser, street: Running, camera: str) -> None:
    browser.click(".pw-camera-add summary")
    for name, value in (
        ("code", "PAGE-1"),
        ("name", "路口"),
        ("address", camera),
        ("user", "admin"),
        ("password", "s3cret/4711"),
    ):
        browser.find(f".pw-camera-form input[name={name}]").send_keys(value)
    browser.find(".pw-camera-form select[name=point] option[value=PAGE-P]").click()
    browser.find(".pw-camera-form select[name=kind] option[value=snapshots]").click()
    browser.click(".pw-camera-form button[type=submit]")
    browser.find(".pw-camera-report", "It works")
    browser.find(".pw-camera-still img")  # faces and plates hidden, made by the process that has begun to watch it

    browser.click(".pw-camera > a")
    browser.until("/cameras/PAGE-1")
    browser.find(".pw-zones-picture img")
    browser.click(".pw-zones-bar button", "Draw a zone")
    for x, y in ((0.2, 0.4), (0.6, 0.4), (0.6, 0.8), (0.2, 0.8)):
        click_at(browser, x, y)
    browser.until_count(".pw-zones-picture .new circle", 4)
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    browser.until_count(".pw-zones-picture polygon", 1)
    name = browser.find("input[name=zone-name]")
    name.clear()
    name.send_keys("Kerb")
    browser.find("select[name=zone-kind] option[value=fire_lane]").click()
    browser.find("input[name=zone-dwell]").send_keys("90")
    browser.click(".pw-zones-bar button", "Save zones")
    browser.find(".pw-hint", "Saved")

    (zone,) = zones(street)
    assert ("Kerb", "fire_lane", 90) == (zone["name"], zone["kind"], zone["dwell"])
    assert [pytest.approx(corner, abs=0.01) for corner in ([0.2, 0.4], [0.6, 0.4], [0.6, 0.8], [0.2, 0.8])] == zone[
        "polygon"
    ]
    assert "s3cret" not in browser.driver.page_source
    assert "s3cret" not in street.log()
    assert [] == browser.complaints()


def test_corners_are_dragged_nudged_and_deleted_and_nobody_overwrites_another(
    browser: Browser, street: Running
) -> None:
    (before,) = zones(street)
    corner = browser.find('[data-corner="0-2"]')
    ActionChains(browser.driver).click_and_hold(corner).move_by_offset(60, 30).release().perform()
    ActionChains(browser.driver).send_keys(Keys.ARROW_LEFT).perform()
    browser.click('[data-corner="0-3"]')
    ActionChains(browser.driver).send_keys(Keys.DELETE).perform()
    browser.until_count("[data-corner]", 3)
    theirs = before | {"name": "Theirs"}
    expect(street.client().http.put("/api/v1/cameras/PAGE-1/zones", json={"zones": [theirs]}))
    browser.click(".pw-zones-bar button", "Save zones")
    browser.find(".pw-hint", "Somebody else")
    assert ["Theirs"] == [one["name"] for one in zones(street)]

    browser.click(".pw-zones-bar button", "Read the zones anew")
    browser.until_count("[data-corner]", 4)
    corner = browser.find('[data-corner="0-2"]')
    ActionChains(browser.driver).click_and_hold(corner).move_by_offset(60, 30).release().perform()
    ActionChains(browser.driver).send_keys(Keys.ARROW_LEFT).perform()
    browser.click(".pw-zones-bar button", "Save zones")
    browser.find(".pw-hint", "Saved")

    (after,) = zones(street)
    assert after["polygon"][2][0] > before["polygon"][2][0]
    assert after["polygon"][2][1] > before["polygon"][2][1]
    assert before["polygon"][:2] == after["polygon"][:2]
    refused = [one for one in browser.complaints() if "412" not in one]
    assert [] == refused
