"""What goes before people besides what the model doubts: what contradicts each other, and what somebody rejected."""

import hashlib
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api.accounts.schemas import EVERYWHERE
from api.cameras import service as cameras
from api.cameras.tables import Camera
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.points.tables import Point
from api.review import service as review
from api.review.geometry import Drawn
from api.review.syncing import Syncing
from tests.api.cameras.fields import camera_fields
from tests.api.client import Client, expect
from tests.api.learning.conftest import BOX, Judging
from tests.api.ledger import Ledger, violation
from tests.api.office import Office

SAMPLING = review.Sampling(confident=0, empty=0, pair_within=timedelta(minutes=15))
GARBAGE, GRAFFITI, CAR = ("exposed_garbage", 0.8), ("graffiti", 0.8), ("car", 0.9)
_numbers = count(1)


@pytest.fixture(scope="module")
def judging(ledger: Ledger) -> Judging:
    return Judging(ledger)


@pytest.fixture
def point(judging: Judging) -> Point:
    return judging.ledger.point()


@pytest.fixture
def camera(service: Client, office: Office, point: Point) -> Camera:
    code = f"K{next(_numbers)}"
    expect(service.http.post("/api/v1/cameras", json=camera_fields(code, point.code)))
    with office.context.database.read() as session:
        return cameras.get_camera(session, code, within=EVERYWHERE)


def photo(judging: Judging, point: Point, *found: tuple[str, float]) -> Capture:
    """Give a photo that somebody took just now, looked at and considered."""
    capture = judging.seen(point, *found)
    with judging.context.database.write() as session:
        review.consider(session, capture, SAMPLING, judging.context.taxonomy)
    return capture


def frame(judging: Judging, camera: Camera, *found: tuple[str, float], minutes_ago: float = 1) -> Capture:
    """Give a camera's picture, looked at and considered."""
    name = f"frame {next(_numbers)}"
    watched = captures.Watched(
        sha256=hashlib.sha256(name.encode()).hexdigest(), media_key="no/picture.jpg", byte_count=1, filename=name,
        width=640, height=480, taken_at=now() - timedelta(minutes=minutes_ago), sent_by=camera.user_id,
    )  # fmt: skip
    outcome = captures.Outcome(
        model=judging.model,
        view_key="no/picture.jpg",
        evidence_key=None,
        detections=[{"model_class": one, "confidence": sure, "box": list(BOX)} for one, sure in found],
        violations=[],
    )
    with judging.context.database.write() as session:
        capture = captures.keep_watched(session, camera.point_id, watched, outcome)
        review.consider(session, capture, SAMPLING, judging.context.taxonomy)
        return capture


def asked(client: Client, *shown: Capture) -> list[str]:
    """Give why each of these captures is before people, in their order; those that are not are left out."""
    why = {one["capture_id"]: one["why"] for one in client.all("/api/v1/review/cases")}
    return [why[str(one.id)] for one in shown if str(one.id) in why]


def test_a_photo_and_a_camera_that_have_nothing_in_common_are_both_reviewed(
    service: Client, judging: Judging, point: Point, camera: Camera
) -> None:
    seen = frame(judging, camera, GRAFFITI)
    other = photo(judging, point, GARBAGE, CAR)

    assert ["contradicted"] * 2 == asked(service, seen, other)


def test_it_does_not_matter_which_of_the_two_came_first(
    service: Client, judging: Judging, point: Point, camera: Camera
) -> None:
    other = photo(judging, point)
    assert [] == asked(service, other)

    seen = frame(judging, camera, GARBAGE)

    assert ["contradicted"] * 2 == asked(service, seen, other)


@pytest.mark.parametrize(
    ("by_camera", "by_photo", "minutes_ago"),
    [
        ([GARBAGE, GRAFFITI], [GARBAGE], 1),  # they share something
        ([], [], 1),
        ([CAR], [], 1),  # where a car may stand no look tells
        ([GRAFFITI], [GARBAGE], 16),  # the street was another one then
    ],
)
def test_what_does_not_contradict_is_left_alone(
    service: Client,
    judging: Judging,
    point: Point,
    camera: Camera,
    by_camera: list[tuple[str, float]],
    by_photo: list[tuple[str, float]],
    minutes_ago: float,
) -> None:
    seen = frame(judging, camera, *by_camera, minutes_ago=minutes_ago)
    other = photo(judging, point, *by_photo)

    assert [] == asked(service, seen, other)


def test_two_photos_of_one_place_may_show_different_things(
    service: Client, judging: Judging, point: Point, camera: Camera
) -> None:
    assert [] == asked(service, photo(judging, point, GARBAGE), photo(judging, point, GRAFFITI))


def test_what_somebody_rejected_is_put_before_reviewers_once(
    service: Client, judging: Judging, office: Office, point: Point
) -> None:
    capture = judging.seen(point, GARBAGE)
    (issue,) = judging.ledger.record(point, violation(), capture=capture)
    syncing = Syncing(office.context, judging.ledger.numbering())
    syncing.run_once()
    assert [] == asked(service, capture)
    expect(service.step(issue.number, "reject"))

    for _ in range(2):
        Syncing(office.context, judging.ledger.numbering()).run_once()

    assert ["disputed"] == asked(service, capture)
    assert "rejected" == expect(service.http.get(f"/api/v1/issues/{issue.number}"))["state"]


def test_the_figures_say_how_often_each_camera_was_right(
    service: Client, judging: Judging, office: Office, point: Point, camera: Camera
) -> None:
    for right in (True, True, False):
        seen = frame(judging, camera, GRAFFITI, minutes_ago=100)
        with office.context.database.write() as session:
            case = review.ask(session, seen, review.Why.asked)
            boxes = [Drawn(code="graffiti", box=BOX)] if right else []
            said = review.Said(reviewer="one", name="one", at=now(), boxes=boxes)
            review.hear(session, case, said, office.context.taxonomy, judging.ledger.numbering())

    found: list[dict[str, Any]] = expect(service.http.get("/api/v1/review/figures"))["by_camera"]

    (mine,) = [one for one in found if one["code"] == camera.code]
    assert (2, 3, camera.name) == (mine["precision"]["count"], mine["precision"]["of"], mine["name"])
    assert mine["precision"]["low"] < 2 / 3 < mine["precision"]["high"]
