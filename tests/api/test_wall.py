"""The wall in a real Chromium: nobody touches it, so it must find back by itself."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.browsing import CHROMIUM, DRIVER, Browser
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

if os.environ.get("CI") != "true":  # CI must have a browser: there these tests fail rather than be skipped
    pytestmark = pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here (Debian: chromium and chromium-driver)"
    )


def test_the_wall_goes_on_by_itself_after_a_restart_of_the_service(
    start_service: Callable[..., Running], photo_factory: PhotoFactory, tmp_path: Path
) -> None:
    service = start_service()
    client = service.client()
    for code in ("WALL-1", "WALL-2"):
        client.add_point(code)
    client.wait(*client.take(photo_factory(of="exposed_garbage"), point="WALL-1"))
    wall = Browser(service.url, tmp_path / "profile")
    try:
        wall.sign_in(service.admin_key())
        wall.open("/wall")
        wall.find(".newest li", "WALL-1")
        wall.driver.execute_script("document.body.dataset.mark = 'the same page'")
        service.stop()
        lost = wall.read("#state", "Connection lost")
        kept = [text for text in wall.texts(".newest li") if "WALL-1" in text]
        service.start()
        client.wait(*client.take(photo_factory(of="exposed_garbage"), point="WALL-2"))
        wall.find(".newest li", "WALL-2")
        found = [text for text in wall.texts(".newest li") if "WALL-2" in text]
        mark = wall.driver.execute_script("return document.body.dataset.mark")

        assert "figures of" in lost
        assert any("Exposed garbage" in text for text in kept)  # the heap may be seen as a full bin as well
        assert any("Exposed garbage" in text for text in found)
        assert "the same page" == mark
        wall.until_count("#state:empty", 1)
    finally:
        wall.close()
