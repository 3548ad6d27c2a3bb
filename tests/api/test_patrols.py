"""Patrols: rounds and visits, what is due, checklists that open issues, the mock score, and who may know of what."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, violation
from tests.api.office import Office

PATROLS = "/api/v1/patrols"
TODAY = (datetime.now(UTC) + timedelta(hours=8)).date()  # on the office's calendar
COMMUNITY = "翠宁社区"


def code() -> str:
    return f"R{secrets.token_hex(5)}"


def add_point(client: Client, **changes: Any) -> str:
    return client.add_point(f"P{secrets.token_hex(5)}", **changes)["code"]


def plan(client: Client, *points: str, **changes: Any) -> dict[str, Any]:
    body = {"code": code(), "title": "巡查", "starts_on": f"{TODAY}", "ends_on": f"{TODAY}", "points": points}
    return expect(client.http.post(f"{PATROLS}/rounds", json=body | changes))


def user_of(client: Client) -> str:
    return expect(client.http.get("/api/v1/me"))["user_id"]


def visit(client: Client, point: str, round_code: str | None = None, **said: Any) -> dict[str, Any]:
    begun = expect(client.http.post(f"{PATROLS}/visits", json={"point": point, "round": round_code}))
    return expect(client.http.post(f"{PATROLS}/visits/{begun['id']}/finish", json=said))


def score_of(client: Client, point: str) -> dict[str, Any]:
    return next(one for one in client.all(f"{PATROLS}/scores") if one["point"] == point)


def due_of(client: Client, point: str, **asked: str) -> dict[str, Any]:
    return next(one for one in client.all(f"{PATROLS}/due", **asked) if one["point"] == point)


def test_a_visit_without_findings_counts(office: Office, service: Client) -> None:
    inspector = office.client(Role.inspector)
    seen, unseen = add_point(service, assess_every_days=3), add_point(service)
    row = plan(service, seen, unseen)
    before = due_of(service, seen)
    visit(inspector, seen, row["code"])
    after = expect(service.http.get(f"{PATROLS}/rounds/{row['code']}"))

    assert ["visited", "due"] == [one["progress"] for one in after["stops"]]
    assert (1, 1, 0) == (after["due"], after["visited"], after["missed"])
    assert (True, False) == (before["is_due"], due_of(service, seen)["is_due"])
    assert due_of(service, seen, on=f"{TODAY + timedelta(days=3)}")["is_due"]


def test_what_nobody_visited_by_the_last_day_is_missed(service: Client) -> None:
    day = f"{TODAY - timedelta(days=1)}"
    row = plan(service, add_point(service), starts_on=day, ends_on=day)

    assert ["missed"] == [one["progress"] for one in row["stops"]]


def test_a_round_takes_up_what_is_due(service: Client) -> None:
    due, never = add_point(service), add_point(service, assess_every_days=None)
    stops = [one["point"] for one in plan(service, all_due=True)["stops"]]

    assert due in stops
    assert never not in stops


def test_a_secret_round_is_invisible_to_those_inspected_until_it_is_published(office: Office, service: Client) -> None:
    walker, other = office.client(Role.inspector), office.client(Role.inspector)
    point = add_point(service, category="wet_market")
    row = plan(service, point, secrecy="secret", walkers=[user_of(walker)])
    done = visit(walker, point, row["code"], checks=[{"item": "B08", "passed": False}])
    paths = [f"{PATROLS}/rounds/{row['code']}", f"{PATROLS}/visits/{done['id']}"]
    inspected = [office.client(role) for role in (Role.handler, Role.secretary, Role.line_leader, Role.viewer)]
    inspected.append(
        office.granted(Granted(role=Role.secretary, scope_kind=ScopeKind.community, scope_value=COMMUNITY))
    )

    def seen_by(client: Client) -> tuple[Any, ...]:
        return (
            [client.http.get(path).status_code for path in paths],
            row["code"] in [one["code"] for one in client.all(f"{PATROLS}/rounds")],
            done["id"] in [one["id"] for one in client.all(f"{PATROLS}/visits")],
            bool(client.all(f"{PATROLS}/visits", point=point)),
            due_of(client, point)["last_visit_at"] is not None,
            score_of(client, point)["last_visit_at"] is not None,
            score_of(client, point)["score"],
        )

    nothing = ([404, 404], False, False, False, False, False, 100.0)
    everything = ([200, 200], True, True, True, True, True, 98.0)

    assert [nothing] * 6 == [seen_by(client) for client in (*inspected, other)]
    assert [everything] * 3 == [seen_by(client) for client in (walker, service, office.client(Role.supervisor))]
    refusal(inspected[1].http.get(f"{PATROLS}/visits?round={row['code']}"), 404)
    refusal(inspected[1].http.post(f"{PATROLS}/rounds/{row['code']}/publish"), 403)
    expect(service.http.post(f"{PATROLS}/rounds/{row['code']}/publish"))
    assert [everything] * 6 == [seen_by(client) for client in (*inspected, other)]


def test_an_open_round_cannot_be_made_secret(service: Client) -> None:
    row = plan(service, add_point(service))
    body = {name: row[name] for name in ("code", "title", "starts_on", "ends_on")}
    body |= {"secrecy": "secret", "points": [row["stops"][0]["point"]]}

    refusal(service.http.put(f"{PATROLS}/rounds/{row['code']}", json=body), 409)


def test_a_failed_check_opens_an_issue_by_hand_and_costs_points_once(office: Office, service: Client) -> None:
    inspector = office.client(Role.inspector)
    point = add_point(service)
    checks = [{"item": "B02", "passed": False, "note": "堵了"}, {"item": "B03", "passed": False}]
    done = visit(inspector, point, checks=checks)
    (issue,) = service.issues(point=point)
    score = score_of(service, point)

    assert ("blocked_fire_lane", "hand", "open") == (issue["violation"]["code"], issue["source"], issue["state"])
    assert issue["id"] == next(one["issue_id"] for one in done["checks"] if one["item"] == "B02")
    assert 93.0 == score["score"]
    assert {"B02": 5.0, "B03": 2.0} == {one["item"]: one["points"] for one in score["deductions"]}
    visit(inspector, point, checks=[{"item": "B03", "passed": True}])
    assert 95.0 == score_of(service, point)["score"]


def test_deductions_stop_at_their_limit_and_the_largest_gain_is_first(office: Office, service: Client) -> None:
    ledger = Ledger(office)
    place = ledger.point(community="评分社区")
    ledger.record(place, *(violation(one) for one in ("exposed_garbage", "dirty_road", "rubble", "dumped_furniture")))
    ledger.record(place, violation("graffiti"))
    mine = office.granted(Granted(role=Role.secretary, scope_kind=ScopeKind.community, scope_value="评分社区"))
    found = expect(mine.http.get(f"{PATROLS}/summary"))
    (row,) = mine.all(f"{PATROLS}/scores")

    assert 93.0 == row["score"]
    assert 4 == len(row["deductions"][0]["issues"])
    assert [("A01", 6.0), ("A03", 1.0)] == [(one["item"], one["gain"]) for one in found["fix_first"]]
    assert [("评分社区", 1, 93.0)] == [(one["name"], one["points"], one["score"]) for one in found["communities"]]
    assert found["example"]


def test_photos_sent_during_a_visit_belong_to_it(office: Office, service: Client) -> None:
    place = Ledger(office).point()
    admin = Client(office.http(Authorization=f"Bearer {office.admin_key()}"))
    before = Ledger(office).capture(place)
    begun = expect(admin.http.post(f"{PATROLS}/visits", json={"point": place.code}))
    during = Ledger(office).capture(place)
    done = expect(admin.http.post(f"{PATROLS}/visits/{begun['id']}/finish", json={}))
    elsewhere = Ledger(office).capture(Ledger(office).point())
    again = expect(admin.http.post(f"{PATROLS}/visits", json={"point": place.code}))
    foreign = admin.http.post(f"{PATROLS}/visits/{again['id']}/finish", json={"captures": [str(elsewhere.id)]})

    assert [str(during.id)] == done["captures"]
    assert str(before.id) not in done["captures"]
    refusal(foreign, 422)


def test_the_checklist_holds_what_no_model_sees(office: Office, service: Client) -> None:
    point = add_point(service, category="wet_market")
    listed = expect(office.client(Role.inspector).http.get(f"{PATROLS}/checklist?point={point}"))["items"]
    codes = [one["code"] for one in listed]

    assert {"B07", "B08", "A04"} <= set(codes)
    assert not {"A01", "A02", "B14"} & set(codes)


def test_a_visit_is_ended_once_by_who_began_it(office: Office, service: Client) -> None:
    one, other = office.client(Role.inspector), office.client(Role.inspector)
    point = add_point(service)
    begun = expect(one.http.post(f"{PATROLS}/visits", json={"point": point}))
    again = expect(one.http.post(f"{PATROLS}/visits", json={"point": point}))
    end = f"{PATROLS}/visits/{begun['id']}/finish"

    assert begun["id"] == again["id"]
    refusal(other.http.post(end, json={}), 403)
    refusal(one.http.post(end, json={"checks": [{"item": "NONE", "passed": False}]}), 422)
    expect(one.http.post(end, json={}))
    refusal(one.http.post(end, json={}), 409)
    assert [] == service.issues(point=point)


@pytest.mark.parametrize("changes", [{"points": []}, {"points": ["GHOST"]}, {"ends_on": "2020-01-01"}])
def test_a_round_that_makes_no_sense_is_refused(changes: dict[str, Any], service: Client) -> None:
    body = {"code": code(), "title": "x", "starts_on": f"{date(2026, 1, 1)}", "ends_on": "2026-01-02"} | changes

    refusal(service.http.post(f"{PATROLS}/rounds", json=body), 422)
    refusal(service.http.get(f"{PATROLS}/rounds/{body['code']}"), 404)
