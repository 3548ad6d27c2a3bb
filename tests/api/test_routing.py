"""Who answers for what: the most specific rule first, ties refused, tables in and out, all or nothing."""

from typing import Any

import pytest

from api.accounts.schemas import EVERYWHERE
from api.points import service as points
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.api.workbooks import csv_file, xlsx_file

HEADING = ("code", "point", "community", "category", "kind", "violation", "post", "department", "since", "until")
POSTS = ("POINT-CLASS", "POINT-ANY", "COMMUNITY", "CATEGORY", "ANYWHERE", "FIRST", "SPECIFIC")


@pytest.fixture
def client(fresh_office: Office) -> Client:
    """Give a client of a service with one point, whose first and specific posts are named."""
    made = fresh_office.client()
    for code in POSTS:
        made.add_post(code)
    made.add_point("P1", first_post="FIRST", specific_post="SPECIFIC", departments={"parking": "property_management"})
    return made


def rule(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "post": None} | fields


def explained(client: Client, violation: str = "illegal_parking", **asked: str) -> dict[str, Any]:
    return expect(client.http.get("/api/v1/routing/explain", params={"point": "P1", "violation": violation, **asked}))


def add(client: Client, *rules: dict[str, Any]) -> None:
    for one in rules:
        expect(client.http.post("/api/v1/routing/rules", json=one))


def send(client: Client, name: str, content: bytes) -> Any:
    return client.http.post("/api/v1/routing/rules/import", files={"file": (name, content)})


def test_without_rules_the_points_own_posts_and_departments_answer(client: Client) -> None:
    parking, garbage = explained(client), explained(client, "exposed_garbage")

    assert ("SPECIFIC", "property_management") == (parking["post"], parking["department"])
    assert ("SPECIFIC", "sanitation_service") == (garbage["post"], garbage["department"])
    assert ["point_department", "specific_post", "first_post", "catalogue"] == [
        one["source"] for one in parking["considered"]
    ]


def test_the_nearest_place_speaks_first_then_the_narrowest_problem(client: Client) -> None:
    ladder = [
        rule("R1", point="P1", violation="illegal_parking", post="POINT-CLASS"),
        rule("R2", point="P1", post="POINT-ANY"),
        rule("R3", community="翠宁社区", violation="illegal_parking", post="COMMUNITY"),
        rule("R4", category="residential_estate", kind="parking", post="CATEGORY"),
        rule("R5", violation="illegal_parking", post="ANYWHERE"),
    ]
    add(client, *reversed(ladder))
    answers = []
    for one in ladder:
        found = explained(client)
        answers.append(found["post"])
        assert one["code"] in found["because"]
        assert 204 == client.http.delete(f"/api/v1/routing/rules/{one['code']}").status_code

    assert [one["post"] for one in ladder] == answers
    assert "SPECIFIC" == explained(client)["post"]


def test_post_and_department_are_looked_for_separately(client: Client) -> None:
    add(
        client,
        rule("WHO", point="P1", kind="parking", post="POINT-ANY"),
        rule("ACTS", kind="parking", department="traffic_police"),
    )
    found = explained(client)
    verdicts = {one["rule"] or one["source"]: one["verdict"] for one in found["considered"]}

    assert ("POINT-ANY", "property_management") == (found["post"], found["department"])
    assert {"WHO": "post", "point_department": "department", "ACTS": "outranked"}.items() <= verdicts.items()


def test_a_post_brings_its_department(client: Client) -> None:
    client.add_post("POLICE", department="traffic_police")
    add(client, rule("R", point="P1", violation="illegal_parking", post="POLICE"))

    assert "traffic_police" == explained(client)["department"]


def test_a_rule_holds_on_its_days_alone(client: Client) -> None:
    add(client, rule("CAMPAIGN", kind="parking", post="ANYWHERE", since="2026-03-01", until="2026-03-31"))
    answers = [explained(client, on=f"2026-{day}")["post"] for day in ("02-28", "03-01", "03-31", "04-01")]

    assert ["SPECIFIC", "ANYWHERE", "ANYWHERE", "SPECIFIC"] == answers


def test_two_rules_of_which_neither_is_more_specific_are_refused(client: Client) -> None:
    add(client, rule("A", kind="parking", post="ANYWHERE", until="2026-06-30"))
    tie = client.http.post("/api/v1/routing/rules", json=rule("B", kind="parking", post="FIRST", since="2026-06-30"))
    add(
        client,
        rule("C", kind="parking", post="FIRST", since="2026-07-01"),
        rule("D", kind="parking", department="enforcement"),
    )

    assert "A" in refusal(tie, 409)["detail"]


@pytest.mark.parametrize(("name", "make"), [("r.csv", csv_file), ("r.xlsx", xlsx_file)])
def test_a_table_with_a_tie_or_an_unknown_name_changes_nothing(name, make, client: Client) -> None:
    add(client, rule("OLD", kind="parking", post="ANYWHERE"))
    good = ["GOOD", "P1", "", "", "", "", "FIRST", "", "", ""]
    tie = ["TIE", "", "", "", "parking", "", "FIRST", "", "", ""]
    nobody = ["WHO", "P9", "", "", "", "", "GHOST", "king", "", ""]
    tied = refusal(send(client, name, make(good, tie, heading=HEADING)), 422)
    unknown = refusal(send(client, name, make(good, nobody, heading=HEADING)), 422)

    assert [(3, "code")] == [(one["row"], one["column"]) for one in tied["errors"]]
    assert [(3, "point"), (3, "post"), (3, "department")] == [(one["row"], one["column"]) for one in unknown["errors"]]
    assert ["OLD"] == [one["code"] for one in client.all("/api/v1/routing/rules")]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_exported_can_be_imported_and_changes_nothing(kind: str, client: Client) -> None:
    client.add_post("F1", zh="=HYPERLINK(1)", holder="@x", phone="+86 755", deputies=["FIRST"])
    add(client, rule("R", category="mall", violation="rubble", post="FIRST", since="2026-01-02", note="=cmd"))
    for register in ("posts", "points", "routing/rules"):
        exported = client.http.get(f"/api/v1/{register}/export?format={kind}").content
        files = {"file": (f"again.{kind}", exported)}
        outcome = expect(client.http.post(f"/api/v1/{register}/import", files=files))

        assert {"created": 0, "updated": 0, "unchanged": len(client.all(f"/api/v1/{register}"))} == outcome


def test_columns_that_a_file_lacks_stay_as_they_are(client: Client) -> None:
    files = {"file": ("p.csv", csv_file(["FIRST", "第一书记"], heading=("code", "zh")))}
    client.http.put("/api/v1/posts/FIRST", json={"code": "FIRST", "zh": "书记", "holder": "程远舟"})
    outcome = expect(client.http.post("/api/v1/posts/import", files=files))
    kept = expect(client.http.get("/api/v1/posts/FIRST"))

    assert {"created": 0, "updated": 1, "unchanged": 0} == outcome
    assert ("第一书记", "程远舟") == (kept["zh"], kept["holder"])


WRONG = {
    "two places": {"point": "P1", "community": "翠宁社区", "post": "FIRST"},
    "two problems": {"kind": "parking", "violation": "illegal_parking", "post": "FIRST"},
    "no answer": {"point": "P1"},
    "days backwards": {"post": "FIRST", "since": "2026-02-02", "until": "2026-02-01"},
    "an unknown post": {"post": "GHOST"},
    "an unknown community": {"community": "nowhere", "post": "FIRST"},
    "an unknown class": {"violation": "dragons", "post": "FIRST"},
}


def test_a_rule_that_makes_no_sense_is_refused(client: Client) -> None:
    for fields in WRONG.values():
        refusal(client.http.post("/api/v1/routing/rules", json={"code": "R", **fields}), 422)

    assert [] == client.all("/api/v1/routing/rules")


def test_a_post_or_point_that_names_nobody_is_refused(client: Client) -> None:
    asked = [
        ("posts", {"code": "N1", "zh": "岗", "superior": "GHOST"}),
        ("posts", {"code": "N2", "zh": "岗", "deputies": ["N2"]}),
        ("posts", {"code": "N3", "zh": "岗", "department": "king"}),
    ]
    for register, body in asked:
        refusal(client.http.post(f"/api/v1/{register}", json=body), 422)
    fields = expect(client.http.get("/api/v1/points/P1"))
    body = {name: fields[name] for name in ("code", "name", "category", "community", "longitude", "latitude")}
    problem = refusal(client.http.put("/api/v1/points/P1", json=body | {"first_post": "GHOST"}), 422)

    assert "first_post" in problem["detail"]
    assert len(POSTS) == len(client.all("/api/v1/posts"))


def test_an_issue_is_given_to_the_post_and_department_in_force(fresh_office: Office, client: Client) -> None:
    add(client, rule("WHO", category="residential_estate", violation="exposed_garbage", post="CATEGORY"))
    ledger = Ledger(fresh_office)
    with ledger.database.read() as session:
        point = points.get_point(session, "P1", within=EVERYWHERE)
    ledger.record(point)
    (issue,) = client.issues(point="P1")

    assert ("CATEGORY", "sanitation_service") == (issue["post"]["code"], issue["department"])
