"""Whatever a person changes in the office's registers stands in the log: who, what it was, what it is now."""

import io
from typing import Any

import pytest

from api.accounts.roles import Role
from api.audit import service as audit
from tests.api.client import Client, expect, point_fields, refusal
from tests.api.office import Office

STANDARD = {
    "code": "GZ-1", "zh": "标准", "since": "2031-01-01",
    "items": [{"code": "A", "zh": "垃圾", "deduction": 1}, {"code": "B", "zh": "墙面", "deduction": 2}],
}  # fmt: skip
HOOK = {"name": "群", "url": "https://hooks.example.org/a/secret-part", "kinds": []}


def told(service: Client, kind: str, subject_id: str) -> list[dict[str, Any]]:
    """Give what the log says of a subject, oldest first."""
    return service.all("/api/v1/audit", subject_kind=kind, subject_id=subject_id)[::-1]


def me(client: Client) -> str:
    return expect(client.http.get("/api/v1/me"))["user_id"]


def test_a_point_and_what_became_of_it(service: Client) -> None:
    made = service.add_point("AC-1")
    changed = point_fields("AC-1", name="南门", longitude=114.5)
    expect(service.http.put("/api/v1/points/AC-1", json=changed))
    expect(service.http.put("/api/v1/points/AC-1", json=changed))  # nothing is different, nothing is told
    added, moved = told(service, "point", made["id"])

    assert ("added", {}) == (added["action"], added["data"]["before"])
    assert made["name"] == added["data"]["after"]["name"]
    assert {"name": "AC-1", "before": {"name": made["name"], "longitude": made["longitude"]},
            "after": {"name": "南门", "longitude": 114.5}} == moved["data"]  # fmt: skip
    assert [me(service)] * 2 == [added["by_user_id"], moved["by_user_id"]]


def test_a_file_of_points_is_told_point_by_point(office: Office) -> None:
    client = office.client(Role.admin)
    unchanged, changed = client.add_point("AF-1"), client.add_point("AF-2")
    table = expect(client.http.get("/api/v1/points/AF-2"))
    columns = ("code", "name", "category", "community", "longitude", "latitude")
    lines = [",".join(columns)]
    for code, name in (("AF-1", unchanged["name"]), ("AF-2", "换名"), ("AF-3", "新点")):
        lines.append(",".join(str({**table, "code": code, "name": name}[one]) for one in columns))
    file = ("points.csv", io.BytesIO("\n".join(lines).encode()), "text/csv")
    expect(client.http.post("/api/v1/points/import", files={"file": file}))
    new = expect(client.http.get("/api/v1/points/AF-3"))

    assert ["added"] == [one["action"] for one in told(client, "point", unchanged["id"])]
    assert {"name": "换名"} == told(client, "point", changed["id"])[-1]["data"]["after"]
    assert [me(client)] == [one["by_user_id"] for one in told(client, "point", new["id"])]


def test_of_a_posts_telephone_the_log_says_only_that_it_changed(service: Client) -> None:
    made = service.add_post("AP-1", phone="13900001111")
    expect(service.http.put("/api/v1/posts/AP-1", json={"code": "AP-1", "zh": "岗", "phone": "13900002222"}))
    added, changed = told(service, "post", made["id"])

    assert ["phone"] == added["data"]["hidden"] == changed["data"]["hidden"]
    assert {"zh": "岗"} == changed["data"]["after"]
    assert "1390000" not in f"{added}{changed}"


def test_a_rule_that_was_taken_away_can_be_read_in_the_log(service: Client) -> None:
    rule = {"code": "AR-1", "kind": "parking", "department": "property_management", "note": "试行"}
    made = expect(service.http.post("/api/v1/routing/rules", json=rule))
    stale = service.http.delete("/api/v1/routing/rules/AR-1", headers={"If-Match": '"9"'})
    gone = service.http.delete("/api/v1/routing/rules/AR-1", headers={"If-Match": '"1"'})
    added, removed = told(service, "rule", made["id"])

    refusal(stale, 412)
    assert 204 == gone.status_code
    assert ("added", "removed") == (added["action"], removed["action"])
    assert added["data"]["after"] == removed["data"]["before"]
    assert {} == removed["data"]["after"]


def test_of_a_standard_only_the_items_that_differ_are_told(service: Client) -> None:
    made = expect(service.http.put("/api/v1/standards/GZ-1", json=STANDARD))
    items = [STANDARD["items"][0], {"code": "B", "zh": "墙面", "deduction": 3}]
    expect(service.http.put("/api/v1/standards/GZ-1", json={**STANDARD, "items": items}))
    table = ("items.csv", io.BytesIO("code,zh,deduction\nA,垃圾,1\n".encode()), "text/csv")
    address = "/api/v1/standards/items/import?standard=GZ-1"
    stale = service.http.post(address, files={"file": table}, headers={"If-Match": '"1"'})
    expect(service.http.post(address, files={"file": table}, headers={"If-Match": '"2"'}))
    _, changed, imported = told(service, "standard", made["id"])

    refusal(stale, 412)
    assert ["items.B"] == list(changed["data"]["after"])
    assert 3 == changed["data"]["after"]["items.B"]["deduction"]
    assert (["items.B"], []) == (list(imported["data"]["before"]), list(imported["data"]["after"]))


def test_a_round_is_told_with_its_route_and_who_walks_it(service: Client) -> None:
    service.add_point("AW-1")
    service.add_point("AW-2")
    plan = {"code": "R-1", "title": "周查", "starts_on": "2031-01-01", "ends_on": "2031-01-02", "points": ["AW-1"]}
    made = expect(service.http.post("/api/v1/patrols/rounds", json={**plan, "secrecy": "secret"}))
    walkers = [me(service)]
    body = {**plan, "secrecy": "secret", "points": ["AW-2", "AW-1"], "walkers": walkers}
    expect(service.http.put("/api/v1/patrols/rounds/R-1", json=body))
    expect(service.http.post("/api/v1/patrols/rounds/R-1/publish"))
    added, changed, published = told(service, "round", made["id"])

    assert ["AW-1"] == added["data"]["after"]["points"]
    assert {"points": ["AW-2", "AW-1"], "walkers": walkers} == changed["data"]["after"]
    assert ["published_at"] == list(published["data"]["after"])


def test_of_a_webhook_neither_address_nor_secret_is_told(service: Client) -> None:
    made = expect(service.http.post("/api/v1/webhooks", json=HOOK))
    path = f"/api/v1/webhooks/{made['id']}"
    expect(service.http.put(path, json={"name": "群 2", "kinds": ["issue.opened"], "active": True}))
    renewed = expect(service.http.post(f"{path}/secret"))
    assert 204 == service.http.delete(path).status_code
    events = told(service, "webhook", made["id"])

    assert ["added", "changed", "changed", "removed"] == [one["action"] for one in events]
    assert {"name": "群 2", "kinds": ["issue.opened"]} == events[1]["data"]["after"]
    assert ["sealed_old_secret", "sealed_secret"] == events[2]["data"]["hidden"]
    for secret in ("secret-part", made["secret"], renewed["secret"]):
        assert secret not in str(events)


def test_what_is_refused_is_not_told(service: Client, office: Office) -> None:
    with office.context.database.read() as session:
        before = audit.head(session).seq
    refusal(service.http.post("/api/v1/posts", json={"code": "AX-1", "zh": "岗", "superior": "NOBODY"}), 422)
    refusal(service.http.put("/api/v1/points/NOWHERE", json=point_fields("NOWHERE")), 404)
    with office.context.database.read() as session:
        assert before == audit.head(session).seq


@pytest.mark.parametrize("login", ["NOBODY", "boss-who-left"])
def test_a_post_is_held_only_by_somebody_who_is_there(login: str, service: Client) -> None:
    problem = refusal(service.http.post("/api/v1/posts", json={"code": "AH-1", "zh": "岗", "login": login}), 422)

    assert "login" in problem["detail"]


def test_who_holds_a_post_is_known_by_the_login_name_and_shown_by_their_own(service: Client) -> None:
    person = {"login": "Cheng.Yuanzhou", "name": "程远舟", "grants": []}
    user = expect(service.http.post("/api/v1/users", json=person))
    made = service.add_post("AH-2", login="cheng.yuanzhou")
    table = service.http.get("/api/v1/posts/export").text
    changed = expect(service.http.put("/api/v1/posts/AH-2", json={"code": "AH-2", "zh": "岗", "holder": "老程"}))

    assert ("程远舟", user["id"], "cheng.yuanzhou") == (made["holder"], made["user_id"], made["login"])
    assert "程远舟,cheng.yuanzhou" in table
    assert (None, None, "老程") == (changed["user_id"], changed["login"], changed["holder"])
