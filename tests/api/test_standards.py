"""The assessment standard: dated versions, items in and out of tables, classes that are not assessed on some days."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.accounts.roles import Role
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, violation
from tests.api.office import Office

ITEMS = [
    {"code": "I1", "zh": "地面整洁", "classes": ["exposed_garbage", "rubble"], "deduction": 2.5, "most": 5},
    {"code": "I2", "zh": "公平秤可用", "category": "wet_market", "deduction": 1},
]


@pytest.fixture
def client(fresh_office: Office) -> Client:
    return fresh_office.client()


def keep(client: Client, code: str, since: str, **changes: Any) -> Any:
    body = {"code": code, "zh": code, "since": since, "items": ITEMS} | changes
    return client.http.put(f"/api/v1/standards/{code}", json=body)


def test_an_example_is_there_from_the_beginning_and_says_that_it_is_one(client: Client) -> None:
    (shipped,) = client.all("/api/v1/standards")

    assert shipped["example"]
    assert len({one["category"] for one in shipped["items"]}) == 17  # each category, and everywhere


def test_a_class_that_is_off_that_day_opens_nothing(fresh_office: Office, client: Client) -> None:
    ledger = Ledger(fresh_office)
    off = [{"violation": "graffiti", "since": "2026-06-01", "until": "2026-06-02"}]
    expect(keep(client, "S1", "2026-03-01", classes_off=off))
    expect(keep(client, "S2", "2026-09-01", classes_off=[{"violation": "exposed_garbage"}]))
    opened = {}
    for day in ((5, 31), (6, 1), (6, 2), (6, 3), (9, 1)):
        at = datetime(2026, *day, 4, tzinfo=UTC)  # noon in Shenzhen
        seen = (violation("graffiti"), violation("exposed_garbage"))
        opened[day] = [one.class_code for one in ledger.record(ledger.point(), *seen, at=at)]

    both = ["exposed_garbage", "graffiti"]
    garbage = ["exposed_garbage"]
    assert {(5, 31): both, (6, 1): garbage, (6, 2): garbage, (6, 3): both, (9, 1): ["graffiti"]} == opened


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_items_go_out_and_come_back_unchanged(kind: str, client: Client) -> None:
    kept = expect(keep(client, "S1", "2026-03-01"))
    exported = client.http.get(f"/api/v1/standards/S1/items/export?format={kind}").content
    files = {"file": (f"items.{kind}", exported)}
    again = expect(client.http.post("/api/v1/standards/items/import?standard=S1", files=files))

    assert kept == again


def test_a_wrong_row_changes_nothing(client: Client) -> None:
    expect(keep(client, "S1", "2026-03-01"))
    table = "code,zh,classes,category,deduction\nN1,好,,,1\nN2,坏,dragons,,1\nN3,坏,,palace,1\nN4,坏,,,-1\n"
    files = {"file": ("items.csv", table.encode())}
    value = refusal(client.http.post("/api/v1/standards/items/import?standard=S1", files=files), 422)
    files = {"file": ("items.csv", table.split("N4", maxsplit=1)[0].encode())}
    names = refusal(client.http.post("/api/v1/standards/items/import?standard=S1", files=files), 422)

    assert [(5, "deduction")] == [(one["row"], one["column"]) for one in value["errors"]]
    assert [(4, "category"), (3, "classes")] == [(one["row"], one["column"]) for one in names["errors"]]
    assert ["I1", "I2"] == [one["code"] for one in expect(client.http.get("/api/v1/standards/S1"))["items"]]


def test_what_contradicts_is_refused(fresh_office: Office, client: Client) -> None:
    expect(keep(client, "S1", "2026-03-01"))
    refusal(keep(client, "S2", "2026-03-01"), 409)
    refusal(keep(client, "S3", "2026-04-01", items=[*ITEMS, ITEMS[0]]), 422)
    refusal(keep(client, "S3", "2026-04-01", classes_off=[{"violation": "dragons"}]), 422)
    refusal(keep(fresh_office.client(Role.reviewer), "S3", "2026-04-01"), 403)
    body = {"code": "S1", "zh": "x", "since": "2026-03-01", "items": []}
    refusal(client.http.put("/api/v1/standards/S1", json=body, headers={"If-Match": '"7"'}), 412)
