"""After-photos: the model says whether it still sees the thing, a person decides."""

import uuid

import httpx
import pytest

from api.accounts.roles import Role
from api.issues.tables import Issue
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, violation
from tests.api.office import Office
from tests.api.photographs import PhotoFactory

GARBAGE = "exposed_garbage"


def at_work(ledger: Ledger, service: Client, class_code: str = GARBAGE) -> Issue:
    (issue,) = ledger.record(ledger.point(), violation(class_code))
    for action in ("dispatch", "accept", "start"):
        expect(service.step(issue.number, action))
    return issue


def send(client: Client, issue: Issue, *photos: bytes) -> httpx.Response:
    files = [("photos", (f"after-{at}.jpg", one)) for at, one in enumerate(photos)]
    return client.http.post(f"/api/v1/issues/{issue.number}/after-photos", files=files)


def shown(client: Client, issue: Issue) -> dict[str, object]:
    return expect(client.http.get(f"/api/v1/issues/{issue.number}"))


def test_a_place_put_right_looks_clean_and_a_person_signs_off(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    issue = at_work(ledger, service)
    sent = send(office.client(Role.handler), issue, photo_factory())
    waiting = shown(service, issue)["after_verdict"]
    office.work()
    expect(service.step(issue.number, "rectify", note=""))
    judged = shown(service, issue)
    closed = expect(service.step(issue.number, "sign_off", note=""))

    assert (201, "waiting") == (sent.status_code, waiting)
    assert ("rectified", "looks_clean", 1) == (judged["state"], judged["after_verdict"], judged["sighting_count"])
    assert "closed" == closed["state"]


def test_what_is_still_seen_asks_a_person_and_is_no_new_sighting(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    issue = at_work(ledger, service)
    expect_created(send(service, issue, photo_factory(of=GARBAGE)))
    office.work()
    (photo,) = service.http.get(f"/api/v1/issues/{issue.number}/after-photos").json()
    expect(service.step(issue.number, "rectify", note=""))
    needs = {one["action"]: one["needs"] for one in service.http.get(f"/api/v1/issues/{issue.number}/actions").json()}

    assert ("still_seen", True) == (photo["verdict"], photo["confidence"] > 0.2)
    assert ("still_seen", 1) == (shown(service, issue)["after_verdict"], shown(service, issue)["sighting_count"])
    assert ["note"] == needs["sign_off"]
    refusal(service.step(issue.number, "sign_off", note=""), 422)
    expect(service.step(issue.number, "refuse", note="还有垃圾"))
    refusal(service.step(issue.number, "rectify", note=""), 422)
    assert shown(service, issue)["after_verdict"] is None


def expect_created(answer: httpx.Response) -> None:
    assert 201 == answer.status_code, answer.text


def test_of_what_no_model_sees_it_cannot_tell(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    issue = at_work(ledger, service, "hanging_laundry")
    expect_created(send(service, issue, photo_factory()))
    office.work()

    assert "cannot_tell" == shown(service, issue)["after_verdict"]


def test_the_photo_that_showed_the_problem_does_not_show_it_put_right(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    point, photo = ledger.point(), photo_factory(of=GARBAGE)
    service.take(photo, point=point.code)
    office.work()
    (found,) = service.issues(point=point.code, violation=GARBAGE)
    with ledger.database.read() as session:
        issue = session.get_one(Issue, uuid.UUID(found["id"]))
    if found["state"] == "in_review":
        expect(service.step(issue.number, "confirm", note=""))

    refusal(send(service, issue, photo), 409)


def test_a_reviewer_closes_with_an_after_photo_or_not_at_all(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    issue = at_work(ledger, service)
    reviewer = office.client(Role.reviewer)
    refused = refusal(reviewer.step(issue.number, "close"), 403)
    expect_created(send(service, issue, photo_factory()))

    assert "waive_after_photo" in refused["detail"]
    assert "closed" == expect(reviewer.step(issue.number, "close"))["state"]
    assert service.events(issue.number)[0]["data"]["after_photo_waived"] is False


@pytest.mark.parametrize("state", ["in_review", "closed"])
def test_photos_where_nothing_is_to_be_done_are_refused(
    state: str, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    (issue,) = ledger.record(ledger.point())
    expect(service.step(issue.number, "close" if state == "closed" else "reject"))

    refusal(send(service, issue, photo_factory()), 409)


def test_who_only_looks_sends_none_and_rubbish_is_no_photo(
    office: Office, ledger: Ledger, service: Client, photo_factory: PhotoFactory
) -> None:
    issue = at_work(ledger, service)

    refusal(send(office.client(Role.viewer), issue, photo_factory()), 403)
    refusal(send(service, issue, photo_factory(), b"no picture"), 415)
    assert [] == service.http.get(f"/api/v1/issues/{issue.number}/after-photos").json()
