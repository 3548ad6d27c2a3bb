"""社区吹哨、部门报到: called, arrived, done, rated; each by whom it concerns."""

import httpx
import pytest

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office

CALLED = ["enforcement", "traffic_police"]


def of(office: Office, department: str) -> Client:
    return office.granted(Granted(role=Role.handler, scope_kind=ScopeKind.department, scope_value=department))


def whistle(client: Client, number: str, what: str = "", **body: object) -> httpx.Response:
    path = f"/api/v1/issues/{number}/whistles" + (f"/{what}" if what else "")
    return client.http.post(path, json=body)


@pytest.fixture
def number(ledger: Ledger) -> str:
    return ledger.record(ledger.point())[0].number


def test_departments_come_act_and_are_rated(office: Office, service: Client, number: str) -> None:
    blown = expect(whistle(service, number, departments=CALLED, note="占道经营，请到场"))
    police = of(office, "traffic_police")
    arrived = expect(whistle(police, number, "traffic_police/arrive"))
    finished = expect(whistle(police, number, "traffic_police/finish", note="已劝离"))
    refusal(whistle(service, number, "traffic_police/rate", rating=5), 409)
    expect(whistle(service, number, "end", note="已解决"))
    rated = expect(whistle(service, number, "traffic_police/rate", rating=4, note="来得快"))
    (shown,) = service.http.get(f"/api/v1/issues/{number}/whistles").json()

    assert CALLED == [one["department"] for one in blown["calls"]]
    assert blown["called_at"] < blown["calls"][0]["due_at"]
    assert arrived["arrived_at"] is not None
    assert "已劝离" == finished["outcome"]
    assert (4, "来得快") == (rated["rating"], rated["rating_note"])
    assert shown["ended_at"] is not None
    assert [None, 4] == [one["rating"] for one in shown["calls"]]
    assert [
        "whistle_rated", "whistle_ended", "whistle_finished", "whistle_arrived", "whistle", "opened",
    ] == [one["action"] for one in service.events(number)]  # fmt: skip


def test_who_was_called_sees_the_issue_and_nobody_else_does(office: Office, service: Client, number: str) -> None:
    police, power = of(office, "traffic_police"), of(office, "power_supply")
    refusal(police.http.get(f"/api/v1/issues/{number}"), 404)
    expect(whistle(service, number, departments=CALLED, note="请到场"))

    assert number == expect(police.http.get(f"/api/v1/issues/{number}"))["number"]
    refusal(power.http.get(f"/api/v1/issues/{number}"), 404)


def test_a_department_arrives_only_for_itself_and_once(office: Office, service: Client, number: str) -> None:
    expect(whistle(service, number, departments=CALLED, note="请到场"))
    police = of(office, "traffic_police")

    refusal(whistle(police, number, "enforcement/arrive"), 403)
    refusal(whistle(police, number, "power_supply/arrive"), 404)
    refusal(whistle(police, number, "traffic_police/finish"), 409)
    expect(whistle(police, number, "traffic_police/arrive"))
    refusal(whistle(police, number, "traffic_police/arrive"), 409)


def test_only_a_community_whistles(office: Office, number: str) -> None:
    secretary = Granted(role=Role.secretary, scope_kind=ScopeKind.community, scope_value="翠宁社区")

    refusal(whistle(office.client(Role.reviewer), number, departments=CALLED, note="请到场"), 403)
    expect(whistle(office.granted(secretary), number, departments=CALLED, note="请到场"))


def test_one_whistle_at_a_time_and_none_where_nothing_is_to_be_done(service: Client, number: str) -> None:
    expect(whistle(service, number, departments=CALLED, note="请到场"))
    refusal(whistle(service, number, departments=["enforcement"], note="再来"), 409)
    expect(service.step(number, "close"))
    (ended,) = service.http.get(f"/api/v1/issues/{number}/whistles").json()

    assert ended["ended_at"] is not None
    refusal(whistle(service, number, departments=CALLED, note="请到场"), 409)
    refusal(whistle(service, number, "end"), 409)
    expect(whistle(service, number, "enforcement/rate", rating=1, note="没有来"))
    refusal(whistle(service, number, "enforcement/rate", rating=5), 409)


@pytest.mark.parametrize(
    "body",
    [
        {"departments": [], "note": "x"},
        {"departments": ["nobody"], "note": "x"},
        {"departments": ["enforcement"], "note": " \n"},
        {"departments": ["enforcement"]},
    ],
)
def test_a_whistle_that_makes_no_sense_is_refused(body: dict[str, object], service: Client, number: str) -> None:
    refusal(whistle(service, number, **body), 422)
    for rating in (0, 6, "good"):
        refusal(whistle(service, number, "enforcement/rate", rating=rating), 422)


def test_an_issue_shows_by_when_each_department_must_have_come(office: Office, service: Client, number: str) -> None:
    expect(whistle(service, number, departments=CALLED, note="请到场"))
    expect(whistle(of(office, "enforcement"), number, "enforcement/arrive"))
    shown = expect(service.http.get(f"/api/v1/issues/{number}"))
    awaited = [one for one in shown["deadlines"] if one["step"] == "arrive"]
    calls = {one["department"]: one for one in service.http.get(f"/api/v1/issues/{number}/whistles").json()[0]["calls"]}
    expect(whistle(service, number, "end", note="不必来了"))
    after = expect(service.http.get(f"/api/v1/issues/{number}"))

    assert ["traffic_police"] == [one["department"] for one in awaited]
    assert calls["traffic_police"]["due_at"] == awaited[0]["due_at"] > awaited[0]["warn_at"]
    assert {"enforcement": False, "traffic_police": False} == {code: one["late"] for code, one in calls.items()}
    assert "arrive" not in {one["step"] for one in after["deadlines"]}
