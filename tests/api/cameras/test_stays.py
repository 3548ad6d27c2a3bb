"""What is told of a camera is kept once, goes on after an interruption; its clips go in time but never too early."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest

from api.cameras.taking import Taking
from api.database import now
from api.pictures import Painter
from api.recorder import Recorder
from api.watcher import tidy
from detector import Detector
from detector.cameras.events import Happening, Stay
from detector.cameras.sink import Clip, Evidence, Told
from detector.live import LiveModel
from detector.rules import Box, Certainty, Reason
from tests.api.cameras.fields import camera_fields
from tests.api.client import Client, expect
from tests.api.office import Office

CAR: Box = (100.0, 120.0, 300.0, 260.0)


@pytest.fixture
def camera(service: Client, point_code: str) -> dict[str, str]:
    service.add_point(f"P{point_code}")
    made: dict[str, str] = expect(
        service.http.post("/api/v1/cameras", json=camera_fields(point_code, f"P{point_code}"))
    )
    return made


@pytest.fixture(scope="module")
def recorder(office: Office, detector: Detector) -> Recorder:
    live = LiveModel(office.settings.model_folder, lambda _: detector)
    return Recorder(office.context, live, Painter(office.settings, office.context.taxonomy))


def told(camera: dict[str, str], *, at: datetime, box: Box = CAR, code: str = "illegal_parking") -> Told:
    """Give what a watch tells of a car that has stood for three minutes."""
    picture = np.random.default_rng(uuid.uuid4().int % 2**32).integers(60, 120, (360, 640, 3), dtype=np.uint8)
    stay = Stay(
        number=1, code=code, zone="路边", box=box, confidence=0.8, certainty=Certainty.review, reason=Reason.doubtful,
        since_s=10.0, began_s=190.0, last_s=190.0,
    )  # fmt: skip
    evidence = Evidence(
        jpeg=cv2.imencode(".jpg", picture)[1].tobytes(), width=640, height=360, boxes=[], at_s=190.0, taken_at=at,
        camera_at=None,
        clip=Clip(content=uuid.uuid4().bytes * 1000, media_type="video/mp4", seconds=12.0, event_s=8.0),
    )  # fmt: skip
    return Told(
        camera=camera["id"], event=uuid.uuid4(), what=Happening.began, stay=stay, since_at=at - timedelta(seconds=180),
        at=at, evidence=evidence, model="street/test",
    )  # fmt: skip


def gone(began: Told, *, at: datetime) -> Told:
    """Give what the same watch tells when the car has left: three looks have found the place empty."""
    after = (at - (began.at or at)).total_seconds()
    evidence = replace(
        told({"id": began.camera}, at=at).evidence, at_s=began.evidence.at_s + after, boxes=[], clip=None
    )
    stay = replace(began.stay, last_s=began.evidence.at_s + after - 15.0)
    return replace(began, what=Happening.ended, at=at, stay=stay, evidence=evidence)


def events(service: Client, camera: dict[str, str]) -> list[dict[str, object]]:
    return service.all(f"/api/v1/cameras/{camera['code']}/events")


def record_all(recorder: Recorder) -> None:
    while recorder.record_next():
        pass


def test_told_twice_is_one_event_one_sighting_with_its_length(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking, began = Taking(office.context, "one"), told(camera, at=now() - timedelta(hours=1))
    taking.told(began)
    taking.told(began)
    record_all(recorder)
    taking.told(began)
    ended = gone(began, at=now())
    taking.told(ended)
    taking.told(ended)
    record_all(recorder)

    (event,) = events(service, camera)
    (issue,) = service.issues(point=camera["point"])
    (sighting,) = service.sightings(issue["number"])
    assert ("done", "gone", issue["number"]) == (event["stage"], event["ending"], event["issue"])
    assert 3600 + 180 - 20 <= float(str(event["length_s"])) <= 3600 + 180
    assert ("in_review", 1) == (issue["state"], issue["sighting_count"])  # doubtful: a person is asked first
    assert sighting["ended_at"] == event["ended_at"]
    cases = [one["capture_id"] for one in service.all("/api/v1/review/cases")]
    assert event["capture_id"] in cases


def test_a_car_that_is_still_there_after_a_restart_stays_the_same_event(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    first = told(camera, at=now() - timedelta(hours=2))
    Taking(office.context, "killed").told(first)
    record_all(recorder)
    after = Taking(office.context, "next")
    after.forgot(camera["id"], [first.event])
    moved_a_little: Box = (104.0, 122.0, 303.0, 262.0)
    again, another = (
        told(camera, at=now(), box=moved_a_little),
        told(camera, at=now(), box=(400.0, 100.0, 600.0, 250.0)),
    )
    after.told(again)
    after.told(another)
    after.told(gone(again, at=now() + timedelta(seconds=30)))
    record_all(recorder)

    newer, older = events(service, camera)
    (issue,) = service.issues(point=camera["point"])
    assert (None, "gone") == (newer["ending"], older["ending"])
    assert float(str(older["length_s"])) > 7200  # from its first beginning
    assert 2 == issue["sighting_count"]
    assert {issue["number"]} == {newer["issue"], older["issue"]}


def test_clips_go_when_their_time_is_over_but_not_those_of_open_issues(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking = Taking(office.context, "one")
    began = told(camera, at=now() - timedelta(days=90))
    taking.told(began)
    taking.told(gone(began, at=now() - timedelta(days=90) + timedelta(minutes=10)))
    record_all(recorder)
    tidy(office.context)
    (kept,) = events(service, camera)
    (issue,) = service.issues(point=camera["point"])
    assert service.step(issue["number"], "reject").is_success
    clip = service.http.get(
        f"/api/v1/cameras/{camera['code']}/events/{kept['id']}/clip", params={"reason": "before it goes"}
    )
    tidy(office.context)
    (dropped,) = events(service, camera)

    assert kept["has_clip"]
    assert (200, began.evidence.clip.content if began.evidence.clip else b"") == (clip.status_code, clip.content)
    assert not dropped["has_clip"]
    assert (
        404
        == service.http.get(
            f"/api/v1/cameras/{camera['code']}/events/{kept['id']}/clip", params={"reason": "it is gone"}
        ).status_code
    )
