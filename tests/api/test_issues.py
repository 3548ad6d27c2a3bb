"""One open issue per point and class: what sightings do to it, on both kinds of database."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.accounts.schemas import EVERYWHERE
from api.database import now
from api.issues import service as issues
from api.issues.tables import Issue, Sighting
from api.points import service as points
from tests.api.client import Client
from tests.api.ledger import Ledger, doubtful, violation

TOGETHER = 6


def test_a_violation_opens_an_issue(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (made,) = ledger.record(point, violation(confidence=0.8))
    (issue,) = service.open_issues(point.code)

    assert made.number == issue["number"]
    assert f"DH-{now().year}-" == issue["number"][:8]
    assert ("open", 1, 0.8) == (issue["state"], issue["sighting_count"], issue["confidence"])
    assert ["opened"] == [one["action"] for one in service.events(issue["number"])]


def test_another_sighting_opens_no_other_issue(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    for confidence in (0.7, 0.9, 0.8):
        ledger.record(point, violation(confidence=confidence))
    (issue,) = service.open_issues(point.code)

    assert (3, 0.9) == (issue["sighting_count"], issue["confidence"])
    assert 3 == len(service.sightings(issue["number"]))


def test_the_surest_sighting_is_the_evidence(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    captures = [ledger.capture(point) for _ in range(3)]
    for capture, confidence in zip(captures, (0.7, 0.9, 0.8), strict=True):
        ledger.record(point, violation(confidence=confidence), capture=capture)
    (issue,) = service.open_issues(point.code)

    assert str(captures[1].id) == issue["cover_capture_id"]


def test_several_boxes_of_a_class_are_one_sighting(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    ledger.record(point, violation(confidence=0.7), violation(confidence=0.8), doubtful())
    (issue,) = service.open_issues(point.code)
    (sighting,) = service.sightings(issue["number"])

    assert "open" == issue["state"]
    assert [0.4, 0.7, 0.8] == sorted(box["confidence"] for box in sighting["boxes"])


def test_each_class_has_its_own_issue(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    ledger.record(point, violation("graffiti"), violation("exposed_garbage"))

    assert {"graffiti", "exposed_garbage"} == {one["violation"]["code"] for one in service.open_issues(point.code)}


def test_the_same_class_elsewhere_is_another_issue(ledger: Ledger, service: Client) -> None:
    here, there = ledger.point(), ledger.point()
    ledger.record(here)
    ledger.record(there)

    assert 1 == len(service.open_issues(here.code)) == len(service.open_issues(there.code))


def test_recording_a_capture_twice_changes_nothing(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    capture = ledger.capture(point)
    ledger.record(point, capture=capture)
    before = service.open_issues(point.code)
    again = ledger.record(point, capture=capture)

    assert [] == again
    assert before == service.open_issues(point.code)


def test_the_clock_of_sightings_may_run_backwards(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    today = now().replace(microsecond=0)
    for hours in (0, 3, -5):
        ledger.record(point, at=today + timedelta(hours=hours))
    (issue,) = service.open_issues(point.code)

    assert (today - timedelta(hours=5)).isoformat().replace("+00:00", "Z") == issue["first_seen_at"]
    assert (today + timedelta(hours=3)).isoformat().replace("+00:00", "Z") == issue["last_seen_at"]


def test_a_doubtful_sighting_asks_for_review(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    ledger.record(point, doubtful())
    (issue,) = service.open_issues(point.code)

    assert "in_review" == issue["state"]
    assert issue["clock_started_at"] is None


def test_a_sure_sighting_opens_what_was_in_review(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    ledger.record(point, doubtful())
    ledger.record(point, violation())
    (issue,) = service.open_issues(point.code)
    (seen, opened) = service.events(issue["number"])

    assert "open" == issue["state"]
    assert issue["clock_started_at"] is not None
    assert ("opened", None, "in_review") == (opened["action"], opened["before"], opened["after"])
    assert ("seen_clearly", "in_review", "open") == (seen["action"], seen["before"], seen["after"])
    assert seen["by_user_id"] is None


def test_a_doubtful_sighting_does_not_take_an_open_issue_back(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    ledger.record(point, violation())
    ledger.record(point, doubtful())

    assert ["open"] == [one["state"] for one in service.open_issues(point.code)]


@pytest.mark.parametrize("sighting", [violation(), doubtful()], ids=["sure", "doubtful"])
def test_seen_again_soon_after_closing_the_issue_is_reopened(sighting, ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (first,) = ledger.record(point)
    service.step(first.number, "close")
    (again,) = ledger.record(point, sighting)
    (issue,) = service.open_issues(point.code)

    assert first.number == again.number
    assert (1, 2) == (issue["reopened_count"], issue["sighting_count"])
    assert issue["closed_at"] is None
    assert ["reopened", "close", "opened"] == [one["action"] for one in service.events(first.number)]


def test_seen_again_long_after_closing_a_new_issue_opens(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (first,) = ledger.record(point)
    service.step(first.number, "close")
    _close_earlier(ledger, first.id, timedelta(days=31))
    (second,) = ledger.record(point)

    assert first.number != second.number
    assert {"closed", "open"} == {one["state"] for one in service.issues(point=point.code)}


def test_without_a_repeat_window_nothing_is_reopened(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (first,) = ledger.record(point)
    service.step(first.number, "close")
    seen = issues.Seen(capture_id=ledger.capture(point).id, point_id=point.id, at=now())
    with ledger.database.write() as session:
        (second,) = issues.record(session, seen, [violation()], ledger.numbering(timedelta(0)))

    assert first.number != second.number


def test_what_was_rejected_is_not_reopened(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (first,) = ledger.record(point)
    service.step(first.number, "reject")
    (second,) = ledger.record(point)

    assert first.number != second.number


def _close_earlier(ledger: Ledger, issue_id: uuid.UUID, by: timedelta) -> None:
    with ledger.database.write() as session:
        issue = session.get_one(Issue, issue_id)
        assert issue.closed_at is not None
        issue.closed_at -= by


def test_the_database_itself_refuses_a_second_open_issue(ledger: Ledger) -> None:
    point = ledger.point()
    (first,) = ledger.record(point)
    columns = {column.key: getattr(first, column.key) for column in sa.inspect(Issue).columns}
    copy = Issue(**columns | {"id": uuid.uuid4(), "number": "DH-2000-000001"})

    with pytest.raises(sa.exc.IntegrityError), ledger.database.write() as session:
        session.add(copy)


def test_the_database_itself_refuses_a_capture_that_counts_twice(ledger: Ledger) -> None:
    point = ledger.point()
    capture = ledger.capture(point)
    ledger.record(point, capture=capture)
    with ledger.database.read() as session:
        (seen,) = session.scalars(sa.select(Sighting).where(Sighting.capture_id == capture.id))
    columns = {column.key: getattr(seen, column.key) for column in sa.inspect(Sighting).columns}

    with pytest.raises(sa.exc.IntegrityError), ledger.database.write() as session:
        session.add(Sighting(**columns | {"id": uuid.uuid4()}))


@pytest.fixture
def at_once() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(TOGETHER) as pool:
        yield pool


def test_workers_that_see_it_at_the_same_time_open_one_issue(
    ledger: Ledger, service: Client, at_once: ThreadPoolExecutor
) -> None:
    for _ in range(3):
        point = ledger.point()
        captures = [ledger.capture(point) for _ in range(TOGETHER)]
        start = threading.Barrier(TOGETHER)

        def work(capture, point=point, start=start) -> None:
            start.wait()
            ledger.record(point, violation("graffiti"), violation(), capture=capture)

        list(at_once.map(work, captures))
        found = service.issues(point=point.code)

        assert [TOGETHER, TOGETHER] == [one["sighting_count"] for one in found]
        assert {"graffiti", "exposed_garbage"} == {one["violation"]["code"] for one in found}
        for one in found:
            assert ["opened"] == [event["action"] for event in service.events(one["number"])]


def test_workers_that_see_it_again_at_the_same_time_reopen_it_once(
    ledger: Ledger, service: Client, at_once: ThreadPoolExecutor
) -> None:
    for _ in range(3):
        point = ledger.point()
        (first,) = ledger.record(point)
        service.step(first.number, "close")
        captures = [ledger.capture(point) for _ in range(TOGETHER)]
        start = threading.Barrier(TOGETHER)

        def work(capture, point=point, start=start) -> None:
            start.wait()
            ledger.record(point, capture=capture)

        list(at_once.map(work, captures))
        (issue,) = service.issues(point=point.code)

        assert first.number == issue["number"]
        assert (TOGETHER + 1, 1) == (issue["sighting_count"], issue["reopened_count"])


def test_captures_of_a_point_with_different_classes_do_not_wait_for_each_other_for_ever(
    ledger: Ledger, service: Client, at_once: ThreadPoolExecutor
) -> None:
    """One holds an open issue and wants a number, the other has the number and wants that issue."""
    for _ in range(5):
        point = ledger.point()
        ledger.record(point, violation("graffiti"))
        start = threading.Barrier(2)
        sets = [(violation("exposed_garbage"), violation("graffiti")), (violation("graffiti"), violation("rubble"))]

        def work(seen, point=point, start=start) -> None:
            capture = ledger.capture(point)
            start.wait()
            ledger.record(point, *seen, capture=capture)

        list(at_once.map(work, sets))

        assert {("graffiti", 3), ("exposed_garbage", 1), ("rubble", 1)} == {
            (one["violation"]["code"], one["sighting_count"]) for one in service.issues(point=point.code)
        }


def test_numbers_are_given_once(ledger: Ledger, service: Client, at_once: ThreadPoolExecutor) -> None:
    places = [ledger.point() for _ in range(24)]
    made = list(at_once.map(lambda point: ledger.record(point)[0].number, places))

    assert 24 == len(set(made))


def test_an_issue_of_a_class_that_the_catalogue_dropped_is_still_shown(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (made,) = ledger.record(point)
    with ledger.database.write() as session:
        session.get_one(Issue, made.id).class_code = "bygone"
    (issue,) = service.issues(point=point.code)
    summary = service.http.get("/api/v1/issues/summary").json()

    assert "bygone" == issue["violation"]["code"] == issue["kind"]["code"]
    assert summary["points_with_open"] >= 1
    with ledger.database.read() as session:
        assert points.get_point(session, point.code, within=EVERYWHERE).code == point.code
