"""From a real RTSP camera, added over HTTP, to one open issue; killed in between; and nobody learns its password."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.cameras.fields import SECRET, camera_fields
from tests.api.cameras.street import HEIGHT, WIDTH, ZONE, write_street
from tests.api.client import Client, expect
from tests.api.running import Running

PATIENCE_S = 240.0
WRITTEN = (SECRET, "gue%24%24%20me%2F4", "gue%24%24")  # as it is, and as a URL writes it

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # three turns of a clip of a minute, on a loaded machine


def until(look: Callable[[], Any], what: str, service: Running) -> Any:
    """Wait until `look` finds something and give it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, f"waited in vain for {what}:\n{service.log()[-3000:]}"
        time.sleep(0.5)
    return found


def secrets_in(*texts: str) -> list[str]:
    return [secret for secret in WRITTEN for text in texts if secret in text]


def test_a_heap_before_a_camera_is_one_issue_whatever_happens(  # noqa: PLR0915 - one story, each part rests on the one before
    start_service: Callable[..., Running], serve, tmp_path: Path, demo_photos: Path
) -> None:
    clip = write_street(tmp_path / "street.mp4", demo_photos, parts=[(False, 6), (True, 26), (False, 24)])
    server = serve({"/street": {"file": clip, "user": "admin", "password": SECRET}})
    service = start_service(camera_offline_s="60")
    client: Client = service.client()
    said: list[str] = []
    client.http.event_hooks["response"].append(lambda answer: said.append(answer.read().decode(errors="replace")))
    client.add_point("CAM-P")
    fields = camera_fields("STREET-1", "CAM-P", address=server.url("/street"), every_s=1.0)
    expect(client.http.post("/api/v1/cameras", json=fields))

    # It works, and says what it costs.
    report = expect(client.http.post("/api/v1/cameras/STREET-1/test"))
    assert (True, "h264", WIDTH, HEIGHT) == (report["works"], report["codec"], report["width"], report["height"])
    assert 0.8 <= report["key_every_s"] <= 1.2
    assert 0 < report["cost_percent"] < 100

    # It is watched within seconds, without anybody starting anything; there is a picture to draw on.
    def camera() -> dict[str, Any]:
        return expect(client.http.get("/api/v1/cameras/STREET-1"))

    until(lambda: camera()["state"] == "online", "the camera to be online", service)
    still = until(lambda: client.http.get("/api/v1/cameras/STREET-1/still").is_success, "a still", service)
    assert still
    expect(client.http.put("/api/v1/cameras/STREET-1/zones", json={"zones": [ZONE]}))

    # One issue, with its evidence.
    (issue,) = until(lambda: client.open_issues("CAM-P"), "an issue", service)
    assert ("exposed_garbage", "open", "camera") == (issue["violation"]["code"], issue["state"], issue["source"])
    capture = client.capture(issue["cover_capture_id"])
    assert (WIDTH, HEIGHT, "done") == (capture["width"], capture["height"], capture["status"])
    picture = client.http.get(f"/api/v1/captures/{capture['id']}/picture?boxes=true")
    assert b"\xff\xd8" == picture.content[:2]

    def events() -> list[dict[str, Any]]:
        return client.all("/api/v1/cameras/STREET-1/events")

    first = events()[-1]
    assert (issue["number"], "街角", 1) == (first["issue"], first["zone"], first["zones_version"])
    assert first["began_s"] > first["since_s"] >= 0
    clip_url = f"/api/v1/cameras/STREET-1/events/{first['id']}/clip"
    assert 422 == client.http.get(clip_url).status_code  # nobody looks without a reason
    shown = client.http.get(clip_url, params={"reason": "to see how it was left"})
    assert (200, "video/mp4") == (shown.status_code, shown.headers["content-type"])
    assert b"ftyp" in shown.content[:16]

    # It is taken away: the stay has a length, the issue a proposal to be signed off.
    until(lambda: events()[-1]["stage"] == "done", "the heap to be gone", service)
    over = events()[-1]
    assert "gone" == over["ending"]
    assert 5 <= over["length_s"] <= 40
    (sighting,) = [one for one in client.sightings(issue["number"]) if one["capture_id"] == first["capture_id"]]
    assert sighting["ended_at"] == over["ended_at"]
    proposed = expect(client.http.get(f"/api/v1/issues/{issue['number']}"))
    assert "looks_clean" == proposed["after_verdict"]

    # It is killed while the heap lies there again, and goes on: no event lost, none doubled, still one issue.
    until(lambda: len(events()) > 1 and events()[0]["ended_at"] is None, "the heap to be left again", service)
    before = events()
    service.kill_child("watch")
    until(lambda: camera()["figures"]["fps_in"] > 0, "the watch to go on", service)
    until(lambda: all(one["ended_at"] or one["id"] != before[0]["id"] for one in events()), "its end", service)
    assert {one["id"] for one in before} <= {one["id"] for one in events()}
    assert [issue["number"]] == [one["number"] for one in client.issues(point="CAM-P")]
    assert {issue["number"]} == {one["issue"] for one in events() if one["stage"] in ("recorded", "ended", "done")}

    # The camera goes: said once, in the log and in the inbox.
    server.kill()
    until(lambda: camera()["state"] == "offline", "the camera to be offline", service)
    assert camera()["why"]
    actions = [one["action"] for one in client.all("/api/v1/audit", subject_kind="camera")]
    assert 1 == actions.count("offline")
    until(lambda: [one for one in client.all("/api/v1/inbox") if one["kind"] == "camera.offline"], "a message", service)

    # Nobody learns its password.
    metrics = client.http.get("/metrics")
    commands = [" ".join(process.cmdline()) for process in service.tree()]
    environments = [str(process.environ()) for process in service.tree()]
    assert 'pointwatch_camera_up{camera="STREET-1"} 0' in metrics.text
    assert [] == secrets_in(service.log(), metrics.text, *said, *commands, *environments)
