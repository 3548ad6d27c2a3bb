"""The field page in a real Chromium against the real service, which goes away as a signal does and comes back."""

import io
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from api.field.routes import ASSETS, TEXTS
from detector.texts import catalogue
from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.photographs import PhotoFactory
from tests.api.running import Running
from tests.detector import pictures

GARBAGE = "exposed_garbage"
TAKEN = "2026:11:20 08:30:00"
SIDEWAYS = 6  # EXIF: to be turned by 90 degrees to stand upright

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and os.environ.get("CI") != "true",  # CI must have one: there these tests fail
    reason="no Chromium with its driver here (Debian: chromium and chromium-driver)",
)


@pytest.fixture(scope="module")
def street(start_service: Callable[..., Running]) -> Running:
    """Give a service of its own, since these tests stop it, with two points a kilometre apart."""
    service = start_service()
    client = service.client()
    client.add_point("F1", name="东门", longitude=114.140, latitude=22.570)
    client.add_point("F2", name="西门", longitude=114.150, latitude=22.570)
    return service


@pytest.fixture(scope="module")
def browser(street: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(street.url, tmp_path_factory.mktemp("phone"))
    opened.be_a_phone()
    opened.stand_at(latitude=22.5702, longitude=114.1501, accuracy=12)  # 24 m from F2; else it asks a service abroad
    yield opened
    opened.close()


@pytest.fixture
def phone(browser: Browser, street: Running) -> Browser:
    """Give a phone that is signed in and has the page open, with its worker installed and nothing waiting."""
    browser.open("/sign-in")
    browser.driver.delete_all_cookies()
    browser.sign_in(street.admin_key(), onward="/field")
    browser.find("body[data-ready]")
    installed = "navigator.serviceWorker.ready.then(() => arguments[arguments.length - 1](true))"
    assert browser.driver.execute_async_script(installed)
    browser.complaints()
    return browser


def big_photo(path: Path, photo_factory: PhotoFactory, *, of: str | None = GARBAGE) -> Path:
    """Write a photo as phones write them: 12 megapixels, lying on its side, with time and place."""
    tall = (3000, 4000)
    upright = Image.open(io.BytesIO(photo_factory(of=of))).convert("RGB").resize(tall)
    while of is None and photo_factory.sees_anything(pictures.encoded(upright)):
        upright = Image.open(io.BytesIO(photo_factory())).convert("RGB").resize(tall)
    tags = pictures.exif(
        taken=TAKEN, gps=pictures.gps(((22, 1), (34, 1), (12, 1)), ((114, 1), (8, 1), (24, 1))), orientation=SIDEWAYS
    )
    upright.rotate(90, expand=True).save(path, exif=tags, quality=90)
    return path


def choose(phone: Browser, code: str) -> None:
    phone.click("#change")
    phone.find("#search").send_keys(code)
    phone.click("#point_list button", code)


def shoot(phone: Browser, *photos: Path) -> None:
    before = len(phone.all("#shots img"))
    phone.all("#shoot")[0].send_keys("\n".join(str(photo) for photo in photos))
    phone.until_count("#shots img", before + len(photos))


@needs_browser
def test_photos_taken_without_a_signal_survive_a_reload_and_arrive_by_themselves(
    phone: Browser, street: Running, photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    street.stop()
    phone.driver.refresh()
    phone.find("#change")
    choose(phone, "F1")
    shoot(phone, big_photo(tmp_path / "corner.jpg", photo_factory))
    phone.driver.refresh()  # as a phone does that ends the page while its camera is open
    phone.find("#shots img")
    assert "东门" in phone.read("#point_name")
    phone.find("#note").send_keys("under the stairs")
    phone.click("#save")
    phone.find(".report.waiting", "under the stairs")
    phone.driver.refresh()
    phone.find(".report.waiting", "under the stairs")

    street.start()

    phone.find(".report.good a", "Exposed garbage")
    (capture,) = [one for one in street.client().all("/api/v1/captures", point="F1") if one["filename"] == "corner.jpg"]
    assert "2026-11-20T08:30:00+08:00" == in_shanghai(capture["taken_at"])
    assert (114.14, 22.57) == pytest.approx((capture["longitude"], capture["latitude"]), abs=1e-4)
    assert (1920, 2560) == (capture["width"], capture["height"])
    assert [] == [one for one in phone.complaints() if "ERR_CONNECTION_REFUSED" not in one]


@needs_browser
def test_a_sign_in_that_has_ended_costs_no_photo(
    phone: Browser, street: Running, photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    phone.driver.delete_all_cookies()
    phone.driver.refresh()
    choose(phone, "F2")
    shoot(phone, big_photo(tmp_path / "later.jpg", photo_factory, of=None))
    phone.click("#save")
    phone.find(".report.waiting", "sign in again")

    phone.click("#signed_out a")
    phone.enter_key(street.admin_key())

    phone.find("#list li:first-child.good", "nothing was found")
    assert "later.jpg" in [one["filename"] for one in street.client().all("/api/v1/captures", point="F2")]


@needs_browser
def test_a_photo_that_is_refused_says_why_and_holds_nobody_up(
    phone: Browser, street: Running, photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 this is not a picture")
    choose(phone, "F2")
    shoot(phone, broken)
    phone.click("#save")
    phone.find(".report.bad", "Not taken")
    shoot(phone, big_photo(tmp_path / "sound.jpg", photo_factory, of=None))
    phone.click("#save")

    phone.find("#list li:first-child.good", "nothing was found")
    assert "sound.jpg" in [one["filename"] for one in street.client().all("/api/v1/captures", point="F2")]
    phone.driver.execute_script("window.confirm = () => true")
    phone.click(".report.bad button", "Delete")
    phone.until_gone(".report.bad")


@needs_browser
def test_a_secret_visit_made_without_a_signal_counts_once_it_arrives(
    phone: Browser, street: Running, photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    http = street.client().http
    today = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m-%d}"
    planned = {"code": "NIGHT", "title": "夜间暗访", "secrecy": "secret", "points": ["F2"]}
    assert http.post("/api/v1/patrols/rounds", json=planned | {"starts_on": today, "ends_on": today}).is_success
    phone.driver.refresh()
    choose(phone, "F2")
    phone.find("#visit option[value=NIGHT]", "Secret")
    street.stop()
    phone.driver.refresh()
    phone.find("#change")
    choose(phone, "F2")
    phone.click("#visit option[value=NIGHT]")
    shoot(phone, big_photo(tmp_path / "night.jpg", photo_factory, of=None))
    phone.click("#save")
    phone.find(".report.waiting", "secret patrol")

    street.start()

    phone.find("#list li:first-child.good", "nothing was found")
    (stop,) = street.client().http.get("/api/v1/patrols/rounds/NIGHT").json()["stops"]
    visit = street.client().http.get(f"/api/v1/patrols/visits/{stop['visit_id']}").json()
    (night,) = [one for one in street.client().all("/api/v1/captures", point="F2") if one["filename"] == "night.jpg"]
    assert "visited" == stop["progress"]
    assert night["id"] in visit["captures"]
    phone.complaints()


@needs_browser
def test_a_full_phone_says_so_and_keeps_what_it_has(
    phone: Browser, photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    choose(phone, "F2")
    shoot(phone, big_photo(tmp_path / "kept.jpg", photo_factory, of=None))
    full = "IDBObjectStore.prototype.add = () => { throw new DOMException('no room', 'QuotaExceededError'); }"
    phone.driver.execute_script(full)  # as Chromium does once the disk is full
    phone.all("#shoot")[0].send_keys(str(big_photo(tmp_path / "too_many.jpg", photo_factory, of=None)))
    warning = phone.read("#warning")
    phone.driver.refresh()
    phone.find("#shots img")
    shots = len(phone.all("#shots img"))
    phone.click("#shots .remove")

    assert "full" in warning
    assert 1 == shots


@needs_browser
def test_the_nearest_point_is_chosen_by_gps_unless_a_code_on_site_names_one(phone: Browser) -> None:
    phone.driver.execute_script("indexedDB.deleteDatabase('pointwatch-field')")
    phone.open("/field")

    phone.find("#point_name", "西门")
    assert "±12 m" in phone.read("#point_facts")
    assert "24 m away" in phone.read("#point_facts")

    phone.open("/field?point=F1")
    phone.find("#point_name", "东门")


@needs_browser
def test_the_codes_to_hang_up_lead_to_their_points(phone: Browser, street: Running) -> None:
    phone.be_a_screen()
    phone.open("/field/signs")
    signs = [one.screenshot_as_png for one in phone.all("li svg")]
    phone.be_a_phone()

    found = [cv2.QRCodeDetector().detectAndDecode(_four_times(sign))[0] for sign in signs]
    assert [f"{street.url}/field?point=F1", f"{street.url}/field?point=F2"] == sorted(found)


def _four_times(png: bytes) -> np.ndarray:
    """Give a code's pixels with four for each along both sides and a white margin, as a phone held close sees it."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return cv2.copyMakeBorder(cv2.resize(pixels, None, fx=4, fy=4), 80, 80, 80, 80, cv2.BORDER_CONSTANT, value=255)


def test_a_stranger_sees_an_empty_page_and_nothing_of_the_office(street: Running) -> None:
    page = httpx.get(f"{street.url}/field")
    guarded = [httpx.get(f"{street.url}{path}").status_code for path in ("/field/signs", "/api/v1/points")]
    elsewhere = [
        httpx.get(f"{street.url}/field/app/{name}").status_code
        for name in ("worker.js", "routes.py", "..%2froutes.py", "nothing.js", "%00")
    ]

    assert 200 == page.status_code
    assert "东门" not in page.text
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert [401, 401] == guarded
    assert [] == [status for status in elsewhere if not 400 <= status < 500]


def test_what_the_page_says_is_in_the_catalogue() -> None:
    words = set(re.findall(r'"([a-z_]+)"', (ASSETS / "page.js").read_text(encoding="utf-8")))
    called = set(re.findall(r'\b(?:say|warn|action)\("([a-z_]+)"', (ASSETS / "page.js").read_text(encoding="utf-8")))
    known = {key.removeprefix(TEXTS) for key in catalogue() if key.startswith(TEXTS)}

    assert known <= words
    assert called <= known


def in_shanghai(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
