"""The main job over the wire: the real server, the real worker, the real model."""

import pytest

from detector import Detector
from detector.card import Standing
from tests.api.client import Client, expect, refusal
from tests.api.photographs import PhotoFactory, opened

GARBAGE = "exposed_garbage"
FAR_AWAY = (116.39, 39.91)  # another city


@pytest.fixture
def proved(detector: Detector) -> bool:
    """Say whether the model in force has proved itself on garbage; one that has not may only ask a person."""
    return detector.card.classes[detector.card.index(GARBAGE)].standing is Standing.verified


def test_a_photo_of_garbage_opens_an_issue_with_its_evidence(
    over_wire: Client, photo_factory: PhotoFactory, proved: bool, point_code: str
) -> None:
    over_wire.add_point(point_code)
    over_wire.wait(*over_wire.take(photo_factory(of=GARBAGE), point=point_code))
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)
    cover = over_wire.http.get(f"/api/v1/captures/{issue['cover_capture_id']}/picture")
    evidence = over_wire.http.get(f"/api/v1/captures/{issue['cover_capture_id']}/picture?boxes=true")

    assert ("open" if proved else "in_review") == issue["state"]
    assert "sanitation" == issue["kind"]["code"]
    assert "暴露垃圾" == issue["violation"]["zh"]
    assert (None, "sanitation_service") == (issue["post"], issue["department"])
    assert ["sanitation_service"] == [one["code"] for one in issue["departments"]]
    assert "image/jpeg" == evidence.headers["content-type"]
    assert opened(cover.content).size == opened(evidence.content).size
    assert cover.content != evidence.content


def test_a_sighting_tells_box_confidence_and_model(
    over_wire: Client, photo_factory: PhotoFactory, proved: bool, point_code: str
) -> None:
    over_wire.add_point(point_code)
    (capture,) = over_wire.wait(*over_wire.take(photo_factory(of=GARBAGE), point=point_code))
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)
    (sighting,) = over_wire.sightings(issue["number"])

    assert capture["id"] == sighting["capture_id"]
    assert (("automatic", "sure") if proved else ("review", "unproven_class")) == (
        sighting["certainty"],
        sighting["reason"],
    )
    assert capture["model"] == sighting["model"]
    assert abs(issue["confidence"] - max(box["confidence"] for box in sighting["boxes"])) < 1e-4  # boxes are rounded
    for box in sighting["boxes"]:
        x1, y1, x2, y2 = box["box"]
        assert 0 <= x1 < x2 <= capture["width"]
        assert 0 <= y1 < y2 <= capture["height"]


def test_ten_photos_of_one_heap_open_one_issue_with_ten_sightings(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    sent = [over_wire.take(photo_factory(of=GARBAGE), point=point_code)[0] for _ in range(10)]
    over_wire.wait(*sent)
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)
    sightings = over_wire.sightings(issue["number"])

    assert 10 == issue["sighting_count"]
    assert {one["id"] for one in sent} == {one["capture_id"] for one in sightings}
    assert ["opened"] == [one["action"] for one in over_wire.events(issue["number"])]


def test_the_same_photo_sent_twice_is_one_capture_and_one_sighting(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    photo = photo_factory(of=GARBAGE)
    (first,) = over_wire.wait(*over_wire.take(photo, point=point_code))
    (second,) = over_wire.wait(*over_wire.take(("another-name.jpg", photo), point=point_code))
    (issue,) = over_wire.issues(point=point_code, violation=GARBAGE)

    assert first == second
    assert 1 == issue["sighting_count"]
    assert 1 == first["attempts"]


def test_the_same_photo_at_another_point_is_another_capture(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    here, there = over_wire.add_point(point_code), over_wire.add_point(f"{point_code}-2")
    photo = photo_factory(of=GARBAGE)
    (one,) = over_wire.take(photo, point=here["code"])
    (other,) = over_wire.take(photo, point=there["id"])  # its id does as well as its code
    over_wire.wait(one, other)

    assert one["id"] != other["id"]
    assert one["sha256"] == other["sha256"]
    assert 1 == len(over_wire.issues(point=here["code"], violation=GARBAGE))
    assert 1 == len(over_wire.issues(point=there["code"], violation=GARBAGE))


def test_who_asks_to_wait_gets_the_result_at_once(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    answer = over_wire.upload(photo_factory(of=GARBAGE), point=point_code, wait=30)
    (capture,) = expect(answer)["captures"]

    assert 200 == answer.status_code
    assert "done" == capture["status"]
    assert GARBAGE in [one["class_code"] for one in capture["violations"]]
    assert f"/api/v1/captures/{capture['id']}" == answer.headers["location"]


def test_who_does_not_wait_is_told_where_to_look(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    answer = over_wire.upload(photo_factory(), point=point_code)
    where = answer.headers["location"]
    (capture,) = over_wire.wait(expect(over_wire.http.get(where)))

    assert 202 == answer.status_code
    assert "queued" == answer.json()["captures"][0]["status"]
    assert "done" == capture["status"]


def test_many_photos_some_bad_the_good_are_taken(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    good = [photo_factory() for _ in range(3)]
    answer = over_wire.upload(
        ("1.jpg", good[0]), ("2.jpg", b""), ("3.jpg", good[1]), ("4.txt", b"no picture"), ("5.jpg", good[2]),
        point=point_code,
    )  # fmt: skip
    outcome = expect(answer)

    assert ["1.jpg", "3.jpg", "5.jpg"] == [one["filename"] for one in outcome["captures"]]
    assert ["2.jpg", "4.txt"] == [one["filename"] for one in outcome["refused"]]
    assert [422, 415] == [one["problem"]["status"] for one in outcome["refused"]]
    assert all(one["problem"]["detail"] for one in outcome["refused"])
    assert all("done" == one["status"] for one in over_wire.wait(*outcome["captures"]))


def test_photos_that_are_all_bad_are_refused_as_a_whole(over_wire: Client, point_code: str) -> None:
    over_wire.add_point(point_code)

    refusal(over_wire.upload(b"", b"also none", point=point_code), 422)


def test_a_photo_without_a_point_goes_to_the_nearest(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code, longitude=30.0, latitude=-10.0)
    over_wire.add_point(f"{point_code}-2", longitude=30.002, latitude=-10.0)
    (capture,) = over_wire.take(photo_factory(at=(30.0005, -10.0), taken="2026:11:22 09:30:00"))

    assert point_code == capture["point_code"]
    assert 53 < capture["distance_m"] < 57
    assert abs(capture["longitude"] - 30.0005) < 1e-6
    assert "2026-11-22T01:30:00Z" == capture["taken_at"]  # the office's zone is Asia/Shanghai


def test_a_photo_too_far_from_every_point_is_refused_by_name(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    problem = refusal(over_wire.upload(photo_factory(at=FAR_AWAY)), 422)

    assert "m away; the limit is 150 m" in problem["detail"]


def test_a_photo_without_point_and_position_is_refused_by_name(over_wire: Client, photo_factory: PhotoFactory) -> None:
    problem = refusal(over_wire.upload(photo_factory()), 422)

    assert "no GPS position" in problem["detail"]


def test_a_car_where_nobody_may_park_asks_a_person(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code, no_parking=True)
    over_wire.wait(*over_wire.take(photo_factory(of="car"), point=point_code))
    (issue,) = over_wire.issues(point=point_code, violation="illegal_parking")
    (sighting,) = over_wire.sightings(issue["number"])

    assert "in_review" == issue["state"]
    assert "review" == sighting["certainty"]
    assert "vehicle_where_none_may_stand" == sighting["reason"]


def test_a_car_where_one_may_park_is_nothing(over_wire: Client, photo_factory: PhotoFactory, point_code: str) -> None:
    over_wire.add_point(point_code, no_parking=False)
    (capture,) = over_wire.wait(*over_wire.take(photo_factory(of="car"), point=point_code))

    assert "car" in [one["model_class"] for one in capture["detections"]]
    assert [] == over_wire.issues(point=point_code, violation="illegal_parking")


def test_what_the_camera_wrote_into_the_file_is_not_shown(
    over_wire: Client, photo_factory: PhotoFactory, point_code: str
) -> None:
    over_wire.add_point(point_code)
    (capture,) = over_wire.wait(*over_wire.take(photo_factory(at=FAR_AWAY), point=point_code))
    picture = over_wire.http.get(f"/api/v1/captures/{capture['id']}/picture")

    assert capture["longitude"] is not None
    assert {} == dict(opened(picture.content).getexif())
