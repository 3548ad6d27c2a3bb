"""What outlives its issue, and a camera that is moved while nobody watches: a real service, a folder as its camera."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.api.cameras.street import ZONE, pictures
from tests.api.client import Client, expect
from tests.api.running import Running

PATIENCE_S = 180.0
CODE = "STILLS-1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def until(look: Callable[[], Any], what: str, service: Running) -> Any:
    """Wait until `look` finds something and give it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, f"waited in vain for {what}:\n{service.log()[-3000:]}"
        time.sleep(0.5)
    return found


def show(service: Running, *shown: np.ndarray) -> None:
    """Let the camera see these pictures and no others."""
    folder = service.data_dir / "stills" / "street"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, pixels in enumerate(shown):
        cv2.imwrite(str(folder / f"{number:02}.jpg"), pixels)


def camera(client: Client) -> dict[str, Any]:
    return expect(client.http.get(f"/api/v1/cameras/{CODE}"))


def set_up(service: Running, point: str, zone: dict[str, Any]) -> Client:
    """Add the camera, and draw a zone on the still that it gives."""
    client = service.client()
    client.add_point(point)
    fields = {"code": CODE, "name": "东口", "point": point, "kind": "stills", "address": "stills:street"}
    expect(client.http.post("/api/v1/cameras", json=fields | {"every_s": 1.0}))
    until(lambda: client.http.get(f"/api/v1/cameras/{CODE}/still").is_success, "a still", service)
    expect(client.http.put(f"/api/v1/cameras/{CODE}/zones", json={"zones": [zone]}))
    return client


def test_what_is_still_there_after_its_issue_was_closed_opens_it_again(
    start_service: Callable[..., Running], demo_photos: Path
) -> None:
    service = start_service()
    clean, heap = pictures(demo_photos)
    show(service, clean, clean, clean, heap)
    client = set_up(service, "OUT-P", ZONE)
    until(lambda: camera(client)["state"] == "online", "the camera", service)
    show(service, heap)
    (issue,) = until(lambda: client.open_issues("OUT-P"), "an issue", service)
    assert client.step(issue["number"], "close", note="cleared, says the community").is_success
    show(service, cv2.convertScaleAbs(heap, alpha=0.97))  # the same picture to the last byte would prove nothing
    again = until(
        lambda: [one for one in client.open_issues("OUT-P") if one["number"] == issue["number"]], "it again", service
    )[0]
    newer, older = client.all(f"/api/v1/cameras/{CODE}/events")
    sightings = {one["capture_id"]: one for one in client.sightings(issue["number"])}

    assert ("open", 2) == (again["state"], again["sighting_count"])
    actions = [one["action"] for one in client.events(issue["number"])]
    assert ["reopened", "close", "opened"] == [one for one in actions if one in ("opened", "close", "reopened")]
    assert ("done", "signed_off", None) == (older["stage"], older["ending"], newer["ending"])
    assert older["ended_at"] == newer["since_at"] == sightings[older["capture_id"]]["ended_at"]
    assert ("still_there", None) == (
        sightings[newer["capture_id"]]["reason"], sightings[newer["capture_id"]]["ended_at"],
    )  # fmt: skip


def test_a_camera_that_was_moved_while_nobody_watched_is_noticed_once_and_mended_by_saving(
    start_service: Callable[..., Running], demo_photos: Path
) -> None:
    service = start_service()
    clean, _ = pictures(demo_photos)
    show(service, clean)
    client = set_up(service, "MOVED-P", ZONE | {"dwell": 3600.0})
    until(lambda: camera(client)["state"] == "online", "the camera", service)
    service.kill_all()

    show(service, np.roll(clean, clean.shape[1] // 8, axis=1))
    service.start()
    until(lambda: camera(client)["state"] == "moved", "somebody to notice", service)
    assert 0 == service.stop()
    service.start()
    until(lambda: camera(client)["watched"] and camera(client)["figures"]["analysed"] > 12, "some looks", service)

    def noticed() -> list[str]:
        entries = client.all("/api/v1/audit", subject_kind="camera")
        return [one["action"] for one in entries if one["action"] in ("online", "offline", "moved", "restored")]

    assert ("moved", ["moved"]) == (camera(client)["state"], noticed())  # a start anew tells nobody a second time

    zones = expect(client.http.get(f"/api/v1/cameras/{CODE}/zones"))["zones"]
    expect(client.http.put(f"/api/v1/cameras/{CODE}/zones", json={"zones": zones}))
    assert "online" == camera(client)["state"]
    looked = camera(client)["figures"]["analysed"]
    until(lambda: camera(client)["figures"]["analysed"] > looked + 30, "some looks more", service)
    assert ("online", ["moved"]) == (camera(client)["state"], noticed())
