"""The desk over HTTP: what the list is narrowed and ordered by, one step on many issues, filters that are kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from api.issues.tables import Issue
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, violation
from tests.api.office import Office


def numbers(service: Client, **asked: str) -> list[str]:
    return [one["number"] for one in service.issues(limit=2, **asked)]


@pytest.fixture
def three(ledger: Ledger, request: pytest.FixtureRequest) -> list[Issue]:
    """Give three open issues of three classes at a point of their own, made in this order and seen last in another."""
    point = ledger.point(name=f"Steps of {request.node.name[:30]}", community=request.node.name[:40])
    codes = ("exposed_garbage", "graffiti", "broken_pavement")
    made = [ledger.record(point, violation(code))[0] for code in codes]
    ledger.record(point, violation("exposed_garbage"), at=datetime.now(UTC) + timedelta(seconds=1))
    return made


def test_the_list_is_ordered_by_age_and_by_what_was_seen_last(
    service: Client, three: list[Issue], ledger: Ledger
) -> None:
    first, second, third = (one.number for one in three)
    with ledger.database.read() as session:
        point = str(session.get_one(Issue, three[0].id).point_id)

    assert [third, second, first] == numbers(service, point=point)
    assert [first, second, third] == numbers(service, point=point, sort="oldest")
    assert [first, third, second] == numbers(service, point=point, sort="seen")


@pytest.mark.parametrize("text", ["Steps of", "steps OF", "垃圾", "garbage", "100%_nothing"])
def test_a_text_is_looked_for_in_the_point_and_the_class(service: Client, three: list[Issue], text: str) -> None:
    found = set(numbers(service, text=text)) & {one.number for one in three}
    by_class = {three[0].number}

    assert {"Steps of": 3, "steps OF": 3}.get(text, len(found)) == len(found)
    assert text not in ("垃圾", "garbage") or by_class == found
    assert text != "100%_nothing" or set() == found


def test_a_text_is_looked_for_in_the_number_and_in_what_people_told(service: Client, ledger: Ledger) -> None:
    point = ledger.point()
    told = {"point": point.code, "class_code": "manhole_damage", "note": "the lid of the sewer 下水道 rattles"}
    number = expect(service.http.post("/api/v1/issues", json=told))["number"]

    assert [number] == numbers(service, text="下水道")
    assert [number] == numbers(service, text=number[-9:])
    assert number in numbers(service, source="hand")
    assert number not in numbers(service, source="camera")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=90))
def test_no_text_breaks_the_search(service: Client, text: str) -> None:
    answer = service.http.get("/api/v1/issues", params={"text": text, "limit": 1})

    assert answer.status_code in (200, 400, 422)  # PostgreSQL knows no text with half a character


def test_the_count_is_that_of_the_list(service: Client, three: list[Issue]) -> None:
    asked = {"text": "Steps of", "state": ["open", "in_review"]}
    counted = expect(service.http.get("/api/v1/issues/count", params=asked))

    assert {"count": len(service.issues(**asked)), "more": False} == counted


def test_what_is_due_before_a_moment_is_found(service: Client, three: list[Issue], ledger: Ledger) -> None:
    now = datetime.now(UTC)
    with ledger.database.write() as session:
        session.get_one(Issue, three[0].id).due_at = now + timedelta(hours=1)
        session.get_one(Issue, three[1].id).due_at = now + timedelta(days=3)
    found = numbers(service, text="Steps of", due_before=(now + timedelta(hours=2)).isoformat())

    assert three[0].number in found
    assert three[1].number not in found


def test_one_step_on_many_issues_is_answered_for_each(service: Client, three: list[Issue]) -> None:
    now = [expect(service.http.get(f"/api/v1/issues/{one.number}")) for one in three]
    targets = [{"number": one["number"], "revision": one["revision"]} for one in now]
    targets[1]["revision"] = 99
    body = {"step": {"action": "dispatch"}, "issues": [*targets, {"number": "DH-2026-999999"}]}
    first = expect(service.http.post("/api/v1/issues/steps", json=body))
    again = expect(service.http.post("/api/v1/issues/steps", json=body))

    assert [True, False, True, False] == [one["done"] for one in first]
    assert ["dispatched", None, "dispatched", None] == [one["state"] for one in first]
    assert [412, 404] == [one["problem"]["status"] for one in first if one["problem"]]
    assert [False] * 4 == [one["done"] for one in again]


def test_a_step_that_lacks_its_reason_is_refused_for_each_and_leaves_all_as_they_were(
    service: Client, three: list[Issue]
) -> None:
    targets = [{"number": one.number} for one in three]
    refused = expect(service.http.post("/api/v1/issues/steps", json={"step": {"action": "reject"}, "issues": targets}))

    assert [422] * 3 == [one["problem"]["status"] for one in refused]
    assert {"open"} == {expect(service.http.get(f"/api/v1/issues/{one.number}"))["state"] for one in three}


def test_steps_on_many_stay_within_what_one_may_reach(office: Office, three: list[Issue]) -> None:
    elsewhere = office.granted(Granted(role=Role.reviewer, scope_kind=ScopeKind.community, scope_value="elsewhere"))
    body = {"step": {"action": "reject", "note": "no"}, "issues": [{"number": one.number} for one in three]}
    answered = expect(elsewhere.http.post("/api/v1/issues/steps", json=body))

    assert [404] * 3 == [one["problem"]["status"] for one in answered]


def test_too_many_at_once_are_refused(service: Client) -> None:
    body = {"step": {"action": "accept"}, "issues": [{"number": "DH-2026-000001"}] * 201}

    refusal(service.http.post("/api/v1/issues/steps", json=body), 422)


def test_a_filter_is_kept_for_its_owner_alone(office: Office) -> None:
    mine, other = office.client(Role.reviewer).http, office.client(Role.reviewer).http
    expect(mine.put("/api/v1/me/filters", json={"name": "晨会 / 超时", "query": "overdue=1"}))
    expect(mine.put("/api/v1/me/filters", json={"name": "晨会 / 超时", "query": "overdue=1&sort=due"}))
    kept = mine.get("/api/v1/me/filters").json()
    refusal(other.delete("/api/v1/me/filters", params={"name": "晨会 / 超时"}), 404)
    gone = mine.delete("/api/v1/me/filters", params={"name": "晨会 / 超时"})

    assert [{"name": "晨会 / 超时", "query": "overdue=1&sort=due"}] == kept
    assert [] == other.get("/api/v1/me/filters").json()
    assert 204 == gone.status_code
    assert [] == mine.get("/api/v1/me/filters").json()


def test_more_filters_than_anybody_needs_are_refused(office: Office) -> None:
    http = office.client(Role.viewer).http
    answers = [http.put("/api/v1/me/filters", json={"name": f"f{one}", "query": ""}) for one in range(51)]

    assert {200} == {one.status_code for one in answers[:50]}
    refusal(answers[50], 409)


@pytest.mark.parametrize(
    "fields", [{"name": " ", "query": ""}, {"name": "x", "query": "a b"}, {"name": "x" * 61, "query": ""}]
)
def test_a_filter_that_makes_no_sense_is_refused(service: Client, fields: dict[str, str]) -> None:
    refusal(service.http.put("/api/v1/me/filters", json=fields), 422)
