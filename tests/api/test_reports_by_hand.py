"""Problems that a person reports: of any class, added to the issue that is open; sent twice, done once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from api.idempotency.tables import KeptAnswer
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.office import Office

HAND = "hanging_laundry"


def tell(client: Client, point: str, class_code: str = HAND, key: str | None = None, **fields: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else None
    return client.http.post(
        "/api/v1/issues", json={"point": point, "class_code": class_code, **fields}, headers=headers
    )


def test_a_report_opens_an_issue_that_no_model_has_seen(ledger: Ledger, service: Client) -> None:
    answer = tell(service, ledger.point().code, note="三楼阳台")
    issue = expect(answer)
    (sighting,) = service.sightings(issue["number"])

    assert 201 == answer.status_code
    assert f"/api/v1/issues/{issue['number']}" == answer.headers["location"]
    assert f'"{issue["revision"]}"' == answer.headers["etag"]
    assert ("open", "hand", 1, None, None) == (
        issue["state"], issue["source"], issue["sighting_count"], issue["confidence"], issue["cover_capture_id"],
    )  # fmt: skip
    assert ("三楼阳台", "hand", None, [], None) == (
        sighting["note"], sighting["source"], sighting["confidence"], sighting["boxes"], sighting["capture_id"],
    )  # fmt: skip
    assert ["reported", "opened"] == [one["action"] for one in service.events(issue["number"])]


def test_who_may_not_decide_reports_for_review(office: Office, ledger: Ledger) -> None:
    issue = expect(tell(office.client(Role.inspector), ledger.point().code))

    assert "in_review" == issue["state"]


def test_a_second_report_is_added_to_the_open_issue(office: Office, ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    first = expect(tell(office.client(Role.inspector), point.code))
    second = expect(tell(service, point.code, note="还在"))

    assert first["number"] == second["number"]
    assert ("open", 2) == (second["state"], second["sighting_count"])
    assert second["clock_started_at"] is not None


def test_a_report_of_what_the_model_sees_too_is_one_issue(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (seen,) = ledger.record(point, doubtful("graffiti"))
    told = expect(tell(service, point.code, "graffiti"))

    assert seen.number == told["number"]
    assert ("open", 2, 0.4) == (told["state"], told["sighting_count"], told["confidence"])


def test_photos_of_a_report_are_its_evidence_and_the_model_adds_what_it_sees(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    photos = [ledger.capture(point) for _ in range(2)]
    told = expect(tell(service, point.code, "graffiti", capture_ids=[str(one.id) for one in photos]))
    ledger.record(point, violation("graffiti", 0.7), capture=photos[1])
    (issue,) = service.open_issues(point.code)

    assert (2, str(photos[0].id)) == (told["sighting_count"], told["cover_capture_id"])
    assert (2, 0.7, str(photos[1].id)) == (issue["sighting_count"], issue["confidence"], issue["cover_capture_id"])
    assert {None, 0.7} == {one["confidence"] for one in service.sightings(issue["number"])}


def test_what_was_closed_lately_is_reopened_by_a_report(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    first = expect(tell(service, point.code))
    expect(service.step(first["number"], "close"))
    again = expect(tell(service, point.code))

    assert (first["number"], 1) == (again["number"], again["reopened_count"])


@pytest.mark.parametrize(
    "fields",
    [
        {"class_code": "no_such_class"},
        {"capture_ids": [str(uuid.uuid4())]},
        {"capture_ids": ["x"]},
        {"note": "x" * 2001},
        {"note": "a\0b"},
        {"colour": "red"},
    ],
)
def test_a_report_that_makes_no_sense_is_refused(fields: dict[str, Any], ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    refusal(tell(service, point.code, **fields), 422)

    assert [] == service.issues(point=point.code)


def test_a_photo_of_another_point_proves_nothing(ledger: Ledger, service: Client) -> None:
    elsewhere = ledger.capture(ledger.point())

    refusal(tell(service, ledger.point().code, capture_ids=[str(elsewhere.id)]), 422)


def test_who_reports_elsewhere_finds_no_such_point(office: Office, ledger: Ledger) -> None:
    point = ledger.point(community="别处社区")
    scoped = Granted(role=Role.inspector, scope_kind=ScopeKind.community, scope_value="翠宁社区")

    refusal(tell(office.granted(scoped), point.code), 404)
    refusal(tell(office.client(Role.viewer), point.code), 403)
    refusal(tell(office.client(Role.inspector), "nowhere"), 404)


# Idempotency-Key


def test_a_report_sent_twice_is_done_once(ledger: Ledger, service: Client) -> None:
    point, key = ledger.point(), uuid.uuid4().hex
    first, second = (tell(service, point.code, key=key, note="一次") for _ in range(2))
    (issue,) = service.issues(point=point.code)

    assert 1 == issue["sighting_count"]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert (first.headers["etag"], first.headers["location"]) == (second.headers["etag"], second.headers["location"])
    assert ("true", None) == (second.headers["idempotent-replayed"], first.headers.get("idempotent-replayed"))


def test_a_key_is_good_for_one_request_of_one_caller(office: Office, ledger: Ledger, service: Client) -> None:
    point, key = ledger.point(), uuid.uuid4().hex
    expect(tell(service, point.code, key=key))

    refusal(tell(service, point.code, key=key, note="anders"), 422)
    expect(tell(office.client(), point.code, key=key, note="anders"))
    for wrong in ("a b", "x" * 201):
        refusal(tell(service, point.code, key=wrong), 422)


def test_a_refusal_keeps_nothing(ledger: Ledger, service: Client) -> None:
    point, key = ledger.point(), uuid.uuid4().hex
    refusal(tell(service, point.code, "no_such_class", key=key), 422)

    expect(tell(service, point.code, key=key))


def test_the_same_step_sent_twice_is_taken_once(ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point())
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    path, body = f"/api/v1/issues/{issue.number}/steps", {"action": "dispatch"}
    first, second = (service.http.post(path, json=body, headers=headers) for _ in range(2))

    assert (200, first.json()) == (second.status_code, second.json())
    assert ["dispatch", "opened"] == [one["action"] for one in service.events(issue.number)]
    refusal(service.http.post(path, json=body), 409)


def test_requests_with_one_key_at_the_same_time_are_done_once(ledger: Ledger, service: Client) -> None:
    point, key = ledger.point(), uuid.uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tell(service, point.code, key=key), range(8)))
    (issue,) = service.issues(point=point.code)

    assert 1 == issue["sighting_count"]
    assert {201} == {one.status_code for one in answers}
    assert 7 == sum("idempotent-replayed" in one.headers for one in answers)


def test_answers_are_not_kept_for_ever(ledger: Ledger, service: Client) -> None:
    point, key = ledger.point(), uuid.uuid4().hex
    expect(tell(service, point.code, key=key))
    with ledger.database.write() as session:
        for kept in session.scalars(sa.select(KeptAnswer).where(KeptAnswer.key == key)):
            kept.expires_at = kept.expires_at.replace(year=2000)

    assert "idempotent-replayed" not in tell(service, point.code, key=key).headers
