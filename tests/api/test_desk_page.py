"""The list of issues in a real Chromium: filters and the address, keys, many at once, files, two who act at once."""

import csv
import io
import os
from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.client import Client, expect
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )

CLASSES = ("manhole_damage", "damaged_facility", "wall_damage", "tangled_cable")


@pytest.fixture(scope="module")
def browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(running.url, tmp_path_factory.mktemp("profile"), "en")
    opened.sign_in(running.admin_key())
    yield opened
    opened.close()


@pytest.fixture
def told(over_wire: Client, point_code: str) -> list[str]:
    """Give the numbers of four open issues at a point of their own, as people told of them, the newest first."""
    over_wire.add_point(point_code)
    asked = ({"point": point_code, "class_code": code, "note": f"told of {code}"} for code in CLASSES)
    made = [expect(over_wire.http.post("/api/v1/issues", json=one))["number"] for one in asked]
    return made[::-1]


def shown(browser: Browser) -> list[str]:
    return [str(one.get_attribute("data-number")) for one in browser.all(".pw-row")]


def press(browser: Browser, *keys: str) -> None:
    browser.driver.switch_to.active_element.send_keys(*keys)


def state_of(over_wire: Client, number: str) -> str:
    return str(expect(over_wire.http.get(f"/api/v1/issues/{number}"))["state"])


def test_filters_stand_in_the_address_and_back_undoes_them(browser: Browser, told: list[str], point_code: str) -> None:
    browser.open(f"/issues?point={point_code}&state=lost&kind=abolished")
    browser.until_count(".pw-row", 4)
    everything = shown(browser)
    browser.choose(".pw-pick select", "facilities")
    browser.until_count(".pw-row", 2)
    narrowed = browser.path
    browser.find(".pw-pick-text input").send_keys("lid")
    browser.find(".pw-empty", "No issue matches")
    browser.driver.back()
    browser.until_count(".pw-row", 2)
    browser.driver.back()
    browser.until_count(".pw-row", 4)

    assert told == everything
    assert f"/issues?kind=facilities&point={point_code}" == narrowed


def test_the_list_is_walked_chosen_and_opened_by_keyboard(browser: Browser, told: list[str], point_code: str) -> None:
    browser.open(f"/issues?point={point_code}")
    browser.until_count(".pw-row", 4)
    browser.find("body").send_keys("?")
    browser.find(".pw-dialog", "Keyboard shortcuts")
    press(browser, Keys.ESCAPE)
    browser.until_gone(".pw-cover")
    press(browser, "j", "j", "x", "k", "x")
    browser.find(".pw-bulk", "2 selected")
    chosen = [str(one.get_attribute("data-number")) for one in browser.all(".pw-row.chosen")]
    press(browser, Keys.ESCAPE)
    browser.until_gone(".pw-bulk")
    press(browser, "/")
    focused = str(browser.driver.switch_to.active_element.get_attribute("type"))
    press(browser, Keys.ESCAPE)
    browser.find("body").send_keys("j")
    press(browser, Keys.ENTER)
    browser.until(f"/issues/{told[1]}")

    assert told[:2] == chosen
    assert "search" == focused


def test_many_are_dispatched_at_once_and_what_is_refused_is_named(
    browser: Browser, over_wire: Client, told: list[str], point_code: str
) -> None:
    browser.open(f"/issues?point={point_code}")
    browser.until_count(".pw-row", 4)
    browser.click(".pw-grid-head input")
    browser.find(".pw-bulk", "4 selected")
    expect(over_wire.step(told[2], "reject", "a drawing"))  # somebody else is faster
    browser.click(".pw-bulk [data-action=dispatch]")
    browser.click(".pw-dialog .pw-button", "Dispatch")
    refused = browser.read(".pw-outcome")
    done = browser.read(".q-notification")
    browser.until_count(".pw-row", 3)

    assert told[2] in refused
    assert "Somebody was faster" in refused
    assert "Dispatch: 3 done" in done
    assert ["dispatched", "dispatched", "rejected", "dispatched"] == [state_of(over_wire, one) for one in told]


def test_many_are_not_rejected_without_a_reason(
    browser: Browser, over_wire: Client, told: list[str], point_code: str
) -> None:
    browser.open(f"/issues?point={point_code}")
    browser.until_count(".pw-row", 4)
    browser.click(".pw-grid-head input")
    browser.click(".pw-bulk [data-action=reject]")
    browser.click(".pw-dialog .pw-button", "Reject")
    browser.find(".pw-dialog .q-field__messages", "write a note")
    untouched = {state_of(over_wire, one) for one in told}
    browser.find(".pw-dialog textarea").send_keys("a drill, nothing was there")
    browser.click(".pw-dialog .pw-button", "Reject")
    browser.find(".pw-empty")

    assert {"open"} == untouched
    assert {"rejected"} == {state_of(over_wire, one) for one in told}


def test_a_filter_is_kept_under_a_name_and_found_again(browser: Browser, told: list[str], point_code: str) -> None:
    browser.open(f"/issues?point={point_code}&due=overdue")
    browser.click(".pw-kept button", "Save this filter")
    browser.find(".pw-kept-name input").send_keys(f"Late at {point_code}", Keys.ENTER)
    browser.find(".pw-kept-one", point_code)
    browser.open("/issues")
    browser.click(".pw-kept-one button", point_code)
    browser.until(f"/issues?point={point_code}&due=overdue")
    browser.click(f".pw-kept-one button[aria-label='Delete the filter Late at {point_code}']")
    browser.until_gone(".pw-kept-one")

    assert browser.find(".pw-empty")


def test_a_new_issue_appears_by_itself(browser: Browser, over_wire: Client, point_code: str) -> None:
    over_wire.add_point(point_code)
    browser.open(f"/issues?point={point_code}")
    browser.find(".pw-empty", "No issue matches")
    expect(over_wire.http.post("/api/v1/issues", json={"point": point_code, "class_code": "wall_damage"}))

    assert browser.find(".pw-row", "wall")


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_filtered_is_given_as_a_file(
    browser: Browser, over_wire: Client, told: list[str], point_code: str, suffix: str
) -> None:
    browser.open(f"/issues?point={point_code}&kind=facilities")
    browser.until_count(".pw-row", 2)
    address = str(browser.find(".pw-kept a", suffix.upper()).get_attribute("href")).removeprefix(browser.url)
    answer = over_wire.http.get(address)

    assert 200 == answer.status_code
    if suffix == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert "Number" == rows[0][0]
        assert {one["number"] for one in over_wire.issues(point=point_code, kind="facilities")} == {
            row[0] for row in rows[1:]
        }
    else:
        assert answer.content.startswith(b"PK")


def test_who_only_looks_selects_nothing(
    running: Running,
    browser: Browser,
    over_wire: Client,
    told: list[str],
    point_code: str,
    start_browser: Callable[[], Browser],
) -> None:
    key = expect(over_wire.http.post("/api/v1/keys", json={"name": "A guest", "role": "viewer"}))["key"]
    guest = start_browser()
    guest.sign_in(key)
    guest.open(f"/issues?point={point_code}")
    guest.until_count(".pw-row", 4)

    assert [] == guest.all(".pw-grid input")
    assert [] == guest.complaints()


@pytest.fixture
def start_browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Browser]]:
    opened: list[Browser] = []

    def start() -> Browser:
        opened.append(Browser(running.url, tmp_path_factory.mktemp("profile"), "en"))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_the_pages_scripts_complained_of_nothing(browser: Browser) -> None:
    assert [] == browser.complaints()
