"""The guide: its pictures are taken here, from the demo, and what it tells somebody to type exists.

`make pictures` runs this and keeps what it takes under docs/guide/pictures.
"""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_command

from api.console.framework import PAGES
from cli import build_app
from detector import shipped
from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.cameras.snapshots import snapshots
from tests.api.client import Client, expect
from tests.api.running import ROOT, Running

GUIDE = ROOT / "docs" / "guide"
ROLES = sorted(path for path in GUIDE.glob("*.md") if path.name != "README.md")
KEEP = os.environ.get("POINTWATCH_PICTURES")  # the folder that `make pictures` names; else a passing one

DESK, PHONE = (1440, 900), (390, 844)
MOST_HIGH_PX = 1500  # what is longer is cut: a picture shows where to look, not everything
MOST_BYTES = 150 * 1024
SETTLE_S = 1.5  # charts and photographs
PLAIN = ("/field", "/field/signs", "/account", "/sign-in", "/wall")
#: What an address asks for, so that its page shows what it is for.
ASKED = {"/bulletins": "?week={week}", "/plan": "?point={point}"}
#: What comes a little later than the rest of a page and makes its picture worth looking at.
LATE = {"/cameras": ".pw-camera-still img", "/cameras/{code}": ".pw-zones-picture img", "/review": ".pw-review-box"}
#: The README's pictures: the upper part of some of these, by page and suffix.
FRONT = {("/", ""): "overview", ("/", "-en"): "overview-en", ("/issues/{number}", ""): "issue"}
#: Which pictures are taken; the test run takes the first kind alone, `make pictures` all.
SHOTS = (("zh", DESK, ""), ("en", DESK, "-en"), ("zh", PHONE, "-phone"), ("en", PHONE, "-phone-en"))

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and os.environ.get("CI") != "true",
    reason="no Chromium with its driver here (Debian: chromium and chromium-driver)",
)


def name_of(page: str) -> str:
    """Give the name of a page's pictures: /issues/{number} is issues-number."""
    return re.sub(r"[^a-z_]+", "-", page.strip("/")).strip("-") or "overview"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a service with the demo's points, people and photos."""
    service = Running(tmp_path_factory.mktemp("guide") / "var", shipped("models/street"), language="zh")
    try:
        service.start()
        subprocess.run(
            [sys.executable, "-m", "cli", "demo", "--once"], cwd=ROOT, env=service.environment, check=True, timeout=280
        )
        yield service
    finally:
        service.close()


@pytest.fixture(scope="module")
def camera() -> Iterator[str]:
    """Give the address of a camera that sees a street of the demo."""
    with snapshots(shipped("datasets/demo/photos/clean_street.jpg").read_bytes()) as address:
        yield address


@pytest.fixture(scope="module")
def things(demo: Running, camera: str) -> dict[str, str]:
    """Give something of the demo for each name in an address."""
    client: Client = demo.client()
    told = {"code": "CAM-01", "name": "翠宁二巷东口", "point": "DH-P03", "kind": "snapshots", "address": camera}
    expect(client.http.post("/api/v1/cameras", json={**told, "user": "viewer", "password": "viewer"}))
    corners = [[0.03, 0.98], [0.4, 0.55], [0.62, 0.55], [0.72, 0.98]]
    zone = {"name": "消防通道", "kind": "fire_lane", "dwell": 180, "polygon": corners}
    expect(client.http.put("/api/v1/cameras/CAM-01/zones", json={"zones": [zone]}))
    return {
        "number": min(one["number"] for one in client.issues()),
        "point": "DH-P03",
        "code": "CAM-01",
        "user_id": expect(client.http.get("/api/v1/me"))["user_id"],
        "version": client.http.get("/api/v1/models").json()[0]["version"],
        "week": f"{datetime.now(UTC) + timedelta(hours=8):%G-%V}",  # where the office is
    }


@pytest.fixture(scope="module")
def browser(demo: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(demo.url, tmp_path_factory.mktemp("profile"), "zh-CN")
    opened.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    opened.stand_at(latitude=22.5591, longitude=114.1326, accuracy=9)
    opened.sign_in(demo.admin_key())
    opened.click(".pw-offer-refuse")  # the offer of the tour stands above everything else
    yield opened
    opened.close()


def pages_of_the_demo() -> list[str]:
    """Give the pages that the demo has something for."""
    names = {"number", "point", "code", "user_id", "version"}
    return [page for page in (*PAGES, *PLAIN) if set(re.findall(r"{(\w+)}", page)) <= names]


@needs_browser
@pytest.mark.parametrize("page", pages_of_the_demo())
def test_every_page_gives_a_picture(
    page: str, browser: Browser, demo: Running, things: dict[str, str], tmp_path: Path
) -> None:
    folder = Path(KEEP).resolve() if KEEP else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    address = page + ASKED.get(page, "")
    for name, value in things.items():
        address = address.replace(f"{{{name}}}", value)
    for language, size, suffix in SHOTS if KEEP else SHOTS[:1]:
        picture = taken(browser, address, language, size, late=LATE.get(page, "h1"))
        file = folder / f"{name_of(page)}{suffix}.webp"
        picture.save(file, quality=60, method=6)
        if KEEP and (page, suffix) in FRONT:
            picture.crop((0, 0, *DESK)).save(
                ROOT / "docs" / "pictures" / f"{FRONT[page, suffix]}.webp", quality=70, method=6
            )

        assert size[0] == picture.width
        assert len(picture.getcolors(1 << 24) or []) > 50, f"{page} is nearly empty"
        assert file.stat().st_size <= MOST_BYTES


def taken(browser: Browser, address: str, language: str, size: tuple[int, int], *, late: str) -> Image.Image:
    """Give what a page shows, from its top, at a width and in a language."""
    width, height = size
    shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    browser.driver.get(f"{browser.url}/sign-in?lang={language}")  # sets the language, signed in or not
    if address != "/sign-in":
        browser.open(address)
    browser.find("h1")
    browser.find(late)
    time.sleep(SETTLE_S)
    long = int(browser.driver.execute_script("return document.documentElement.scrollHeight"))
    shape["height"] = min(max(long, height), MOST_HIGH_PX)
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    time.sleep(0.3)
    return Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")


def test_the_kept_pictures_are_small_and_show_pages_that_there_are() -> None:
    known = {f"{name_of(page)}{suffix}.webp" for page in pages_of_the_demo() for _, _, suffix in SHOTS}
    kept = {path.name: path.stat().st_size for path in (GUIDE / "pictures").glob("*.webp")}

    assert set() == set(kept) - known
    assert [] == [name for name, size in kept.items() if size > MOST_BYTES]


@pytest.mark.parametrize("guide", ROLES, ids=lambda path: path.stem)
def test_a_guide_speaks_both_languages_and_shows_what_it_speaks_of(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    chinese, _, english = text.partition("## English")
    named = {re.sub(r"\?.*", "", path) or "/" for path in re.findall(r"`(/[a-z/{}_?=]*)`", text)}

    assert "## 中文" in chinese
    assert "](pictures/" in chinese
    assert "](pictures/" in english
    assert set() == {one for one in named if not one.startswith("/api")} - {*PAGES, *PLAIN}


def test_every_command_of_the_guide_exists() -> None:
    missing = []
    for path in sorted(GUIDE.glob("*.md")):
        for words in re.findall(r"pointwatch ((?:[a-z][a-z-]* ?)+)", path.read_text(encoding="utf-8")):
            command = get_command(build_app())
            for word in words.split():
                under = getattr(command, "commands", None)
                if under is None:
                    break
                command = under.get(word)
                if command is None:
                    missing.append(f"{path.name}: pointwatch {words}")
                    break

    assert [] == missing
