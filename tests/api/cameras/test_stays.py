"""What is told of a camera is kept once, goes on after an interruption; its clips go in time but never too early."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest

from api.accounts.schemas import EVERYWHERE
from api.cameras import service as cameras
from api.cameras import stays
from api.cameras.taking import Taking
from api.database import now
from api.issues import service as issues
from api.paging import Window
from api.pictures import Painter
from api.recorder import Recorder
from api.retention import tidy
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


def close(service: Client, number: str) -> None:
    """Close an issue as somebody does who takes it for done."""
    if service.http.get(f"/api/v1/issues/{number}").json()["state"] == "in_review":
        assert service.step(number, "confirm").is_success
    assert service.step(number, "close", note="the driver says he has left").is_success


def lasts(began: Told, *, at: datetime) -> Told:
    """Give what the watch tells of a car that is still there."""
    evidence = told({"id": began.camera}, at=at).evidence
    after = (at - (began.at or at)).total_seconds()
    return replace(began, what=Happening.lasts, at=at, evidence=replace(evidence, at_s=began.evidence.at_s + after))


def test_what_outlives_its_issue_is_another_event_that_opens_it_again(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking, began = Taking(office.context, "one"), told(camera, at=now() - timedelta(hours=1))
    taking.told(began)
    record_all(recorder)
    taking.told(lasts(began, at=now()))  # nobody has closed anything: nothing to tell
    (issue,) = service.issues(point=camera["point"])
    close(service, issue["number"])
    still = lasts(began, at=now() + timedelta(minutes=3))
    taking.told(still)
    taking.told(still)
    record_all(recorder)
    taking.told(gone(began, at=now() + timedelta(minutes=10)))
    record_all(recorder)

    newer, older = events(service, camera)
    (again,) = service.issues(point=camera["point"])
    first, second = sorted(service.sightings(issue["number"]), key=lambda one: one["seen_at"])
    assert ("signed_off", "gone") == (older["ending"], newer["ending"])
    assert ("done", "done") == (older["stage"], newer["stage"])
    assert older["ended_at"] == newer["since_at"] == first["ended_at"]
    assert newer["ended_at"] == second["ended_at"]
    assert (issue["number"], "open", 2, 1) == tuple(
        again[name] for name in ("number", "state", "sighting_count", "reopened_count")
    )
    assert ("automatic", "still_there") == (second["certainty"], second["reason"])


def test_only_what_breaks_the_rule_anew_after_a_closing_is_told_anew_and_only_once(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    def overdue(after: timedelta) -> list[str]:
        with office.context.database.read() as session:
            row = cameras.get_camera(session, camera["id"], within=EVERYWHERE)
            lasting, _ = stays.list_stays(session, row, Window(limit=10), lasting=True)
            closed = issues.closed_though_there(session, [one.capture_id for one in lasting if one.capture_id])
            session.expunge_all()
        for one in lasting:
            one.last_at = now() + after
        return [str(one.event) for one in stays.to_tell_anew(lasting, closed, lambda _: 180.0)]

    taking, began = Taking(office.context, "one"), told(camera, at=now() - timedelta(hours=1))
    taking.told(began)
    record_all(recorder)
    (issue,) = service.issues(point=camera["point"])
    assert [] == overdue(timedelta(hours=1))  # its issue is open
    close(service, issue["number"])
    assert [] == overdue(timedelta(seconds=170))
    assert [str(began.event)] == overdue(timedelta(seconds=190))
    taking.told(lasts(began, at=now() + timedelta(minutes=3)))
    record_all(recorder)
    close(service, issue["number"])

    assert [] == overdue(timedelta(hours=5))  # whoever closes it a second time has seen that it is still there


def test_a_picture_that_is_the_same_to_the_last_byte_proves_nothing_new(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking, began = Taking(office.context, "one"), told(camera, at=now() - timedelta(hours=1))
    taking.told(began)
    record_all(recorder)
    (issue,) = service.issues(point=camera["point"])
    close(service, issue["number"])
    hanging = lasts(began, at=now() + timedelta(minutes=3))
    taking.told(replace(hanging, evidence=replace(hanging.evidence, jpeg=began.evidence.jpeg)))
    record_all(recorder)
    assert 1 == len(events(service, camera))
    assert [] == service.open_issues(camera["point"])
    taking.told(hanging)
    record_all(recorder)

    assert 2 == len(events(service, camera))
    assert [issue["number"]] == [one["number"] for one in service.open_issues(camera["point"])]


def test_a_false_alarm_that_goes_on_is_left_alone(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking, began = Taking(office.context, "one"), told(camera, at=now() - timedelta(hours=1))
    taking.told(began)
    record_all(recorder)
    (issue,) = service.issues(point=camera["point"])
    assert service.step(issue["number"], "reject", note="a sculpture").is_success
    taking.told(lasts(began, at=now() + timedelta(hours=1)))
    record_all(recorder)

    assert ["rejected"] == [one["state"] for one in service.issues(point=camera["point"])]
    assert 1 == len(events(service, camera))


def test_frames_as_they_were_sent_go_in_time_and_what_is_shown_stays(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    taking = Taking(office.context, "one")
    old, lasting = (
        told(camera, at=now() - timedelta(days=100)),
        told(camera, at=now() - timedelta(days=100), code="blocked_fire_lane"),
    )
    for one in (old, lasting):
        taking.told(one)
    taking.told(gone(old, at=now() - timedelta(days=100) + timedelta(minutes=10)))
    record_all(recorder)
    (first,) = [one for one in events(service, camera) if one["ended_at"]]
    original = f"/api/v1/captures/{first['capture_id']}/original"
    looks = {"reason": "asked by a court"}
    tidy(office.context)
    before = service.http.get(original, params=looks)  # its issue is still open
    assert service.step(str(first["issue"]), "reject", note="nothing wrong").is_success
    tidy(office.context)
    after = service.http.get(original, params=looks)
    shown = service.http.get(f"/api/v1/captures/{first['capture_id']}/picture?boxes=true")
    (other,) = [one for one in events(service, camera) if not one["ended_at"]]

    assert (200, old.evidence.jpeg) == (before.status_code, before.content)
    assert (404, True) == (after.status_code, "POINTWATCH_CAMERA_FRAME_DAYS" in after.text)
    assert (200, b"\xff\xd8") == (shown.status_code, shown.content[:2])
    assert service.http.get(f"/api/v1/captures/{other['capture_id']}/original", params=looks).is_success


def test_frames_go_oldest_first_when_they_take_too_much_room(
    service: Client, office: Office, recorder: Recorder, camera: dict[str, str]
) -> None:
    def tidied(room: float) -> int:
        """Tidy up; give how many bytes are kept."""
        settings = office.settings.model_copy(update={"camera_frame_gib": room / 1024**3})
        tidy(replace(office.context, settings=settings))
        with office.context.database.read() as session:
            return stays.frames_kept(session)

    others = tidied(room=0)
    taking = Taking(office.context, "one")
    for days in (3, 2, 1):
        one = told(camera, at=now() - timedelta(days=days))
        taking.told(one)
        taking.told(gone(one, at=now() - timedelta(days=days) + timedelta(minutes=10)))
        record_all(recorder)
    (issue,) = service.issues(point=camera["point"])
    assert service.step(issue["number"], "reject", note="nothing wrong").is_success
    mine = tidied(room=1024**3) - others
    tidied(room=others + 0.8 * mine)
    kept = [
        service.http.get(f"/api/v1/captures/{one['capture_id']}/original", params={"reason": "to see"}).is_success
        for one in events(service, camera)
    ]

    assert mine > 0
    assert [True, True, False] == kept  # newest first
