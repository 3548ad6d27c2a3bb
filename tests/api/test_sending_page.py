"""Sending photos and reporting by hand in a real Chromium: fifty at once, and what became of each."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )

MANY = 50


@pytest.fixture(scope="module")
def browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(running.url, tmp_path_factory.mktemp("profile"), "en")
    opened.sign_in(running.admin_key())
    yield opened
    opened.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_photos_are_sent_at_once_and_the_one_that_is_none_is_named(
    browser: Browser, over_wire: Client, photo_factory: PhotoFactory, point_code: str, tmp_path: Path
) -> None:
    over_wire.add_point(point_code)
    files = [tmp_path / f"photo-{number:02d}.jpg" for number in range(MANY)]
    for file in files:
        file.write_bytes(photo_factory())
    shutil.copy(__file__, files[17])
    browser.open(f"/upload?point={point_code}")
    browser.find(".pw-drop").find_element("css selector", "input").send_keys("\n".join(str(one) for one in files))
    browser.until_count(".pw-photos li", MANY)
    browser.click(".pw-send", str(MANY))
    browser.find("[role=status]", f"{MANY} of {MANY} finished")
    first = browser.read(".pw-photos li")
    done = len(browser.all(".pw-photos li[data-state=done]"))

    assert "photo-17.jpg" in first
    assert MANY - 1 == done
    assert MANY - 1 == len(over_wire.all("/api/v1/captures", point=point_code))


def test_what_became_of_each_photo_is_listed(
    browser: Browser, over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    over_wire.wait(*over_wire.take(photo_factory(of="exposed_garbage"), point=point_code))
    (issue, *_) = over_wire.issues(point=point_code, violation="exposed_garbage")
    browser.open("/captures")
    browser.find(".pw-photos li .pw-found a", issue["number"])
    browser.click(".pw-kind[data-status=failed]")
    browser.until("/captures?status=failed")

    assert "true" == browser.find(".pw-kind[data-status=failed]").get_attribute("aria-pressed")


def test_a_problem_is_reported_by_hand_with_a_photo(
    browser: Browser, over_wire: Client, photo_factory: PhotoFactory, point_code: str, tmp_path: Path
) -> None:
    over_wire.add_point(point_code)
    photo = tmp_path / "lid.jpg"
    photo.write_bytes(photo_factory())
    browser.open("/report")
    browser.click(".pw-report .pw-button")
    missing = browser.read(".pw-bad")
    browser.find(".pw-report input[list]").send_keys(point_code)
    browser.choose(".pw-report select", "manhole_damage")
    browser.find(".pw-report textarea").send_keys("the lid rattles")
    browser.find(".pw-drop").find_element("css selector", "input").send_keys(str(photo))
    browser.click(".pw-report .pw-button")
    number = browser.read(".pw-reported .pw-number")
    (seen,) = over_wire.sightings(number)

    assert "Choose a point" in missing
    assert ("hand", "the lid rattles") == (seen["source"], seen["note"])
    assert seen["capture_id"]


def test_what_was_typed_into_a_report_survives_a_reload(browser: Browser) -> None:
    browser.open("/report")
    browser.find(".pw-report textarea").send_keys("a long story about a kerb")
    browser.driver.refresh()
    kept = browser.find(".pw-report textarea").get_attribute("value")
    browser.driver.execute_script("sessionStorage.clear()")

    assert "a long story about a kerb" == kept


def test_the_pages_scripts_complained_of_nothing(browser: Browser) -> None:
    assert [] == [one for one in browser.complaints() if "422" not in one and "415" not in one]  # the one that is none
