"""Lists that are read while they grow: no entry twice, none left out."""

import base64
import uuid

import pytest

from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, violation

LISTS = ["/api/v1/points", "/api/v1/captures", "/api/v1/issues", "/api/v1/keys"]


def test_a_list_that_grows_while_it_is_read_neither_skips_nor_repeats(ledger: Ledger, service: Client) -> None:
    there = {str(ledger.point(community="grows").id) for _ in range(7)}
    met: list[str] = []
    cursor = None
    while True:
        asked = {"limit": 2, "community": "grows"} | ({"cursor": cursor} if cursor else {})
        page = expect(service.http.get("/api/v1/points", params=asked))
        met += [one["id"] for one in page["items"]]
        ledger.point(community="grows")
        cursor = page["next"]
        if cursor is None:
            break

    assert there == set(met)
    assert len(there) == len(met)


def test_the_newest_stand_first(ledger: Ledger, service: Client) -> None:
    made = [str(ledger.point(community="order").id) for _ in range(5)]

    assert made[::-1] == [one["id"] for one in service.all("/api/v1/points", limit=2, community="order")]


def test_a_page_that_is_just_full_is_the_last(ledger: Ledger, service: Client) -> None:
    for _ in range(4):
        ledger.point(community="full")
    first = expect(service.http.get("/api/v1/points?limit=2&community=full"))
    second = expect(service.http.get(f"/api/v1/points?limit=2&community=full&cursor={first['next']}"))

    assert (2, 2, None) == (len(first["items"]), len(second["items"]), second["next"])


@pytest.mark.parametrize(
    "cursor",
    ["x", "nonsense", "A" * 64, "A" * 65, "🏙", "%00", "AAAA", "=" * 24, base64.urlsafe_b64encode(b"x" * 15).decode()],
)
@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_that_is_none_of_ours_is_refused(path: str, cursor: str, service: Client) -> None:
    refusal(service.http.get(path, params={"cursor": cursor}), 422)


def test_a_cursor_beyond_the_end_gives_an_empty_page(service: Client) -> None:
    nothing_before = base64.urlsafe_b64encode(uuid.UUID(int=0).bytes).decode().rstrip("=")
    page = expect(service.http.get("/api/v1/points", params={"cursor": nothing_before}))

    assert {"items": [], "next": None} == page


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e3", "x", "9" * 5000, ""])
@pytest.mark.parametrize("path", LISTS)
def test_a_senseless_limit_is_refused(path: str, limit: str, service: Client) -> None:
    refusal(service.http.get(path, params={"limit": limit}), 422)


def test_issues_can_be_narrowed(ledger: Ledger, service: Client) -> None:
    here = ledger.point(community="narrow", category="park")
    capture = ledger.capture(here)
    ledger.record(here, violation(), violation("graffiti"), capture=capture)
    ledger.record(ledger.point(community="narrow", category="school"), violation("graffiti"))

    def found(**filters: object) -> list[str]:
        return sorted(one["violation"]["code"] for one in service.issues(community="narrow", **filters))

    assert ["exposed_garbage", "graffiti", "graffiti"] == found()
    assert ["exposed_garbage", "graffiti"] == found(category="park") == found(point=here.code)
    assert ["exposed_garbage", "graffiti"] == found(capture=str(capture.id)) == found(point=str(here.id))
    assert ["graffiti", "graffiti"] == found(violation="graffiti") == found(kind="street_order")
    assert [] == found(state="closed")
    assert ["exposed_garbage"] == found(state=["open", "in_review"], kind="sanitation")


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ({"kind": "weather"}, 422),
        ({"violation": "x" * 9000}, 422),
        ({"state": "lost"}, 422),
        ({"point": "NOWHERE"}, 404),
        ({"capture": "x"}, 422),
    ],
)
def test_a_filter_that_names_nothing_known_is_refused(filters: dict[str, str], status: int, service: Client) -> None:
    problem = refusal(service.http.get("/api/v1/issues", params=filters), status)

    assert len(problem["detail"]) < 500


@pytest.mark.parametrize(
    "asked",
    [
        "points?community=%00",
        "points?category=a%00b",
        "points/%00",
        "issues/%00",
        "issues?point=%00",
        "captures?point=%00",
        "issues?community=%00",
    ],
)
def test_a_nul_never_reaches_the_database(asked: str, service: Client) -> None:
    refusal(service.http.get(f"/api/v1/{asked}"), 400)


@pytest.mark.parametrize("asked", ["points/%ff", "points/%F0%9F%8F%99", "points/%ED%A0%80", "issues/%ff%fe"])
def test_bytes_that_are_no_text_name_nothing(asked: str, service: Client) -> None:
    refusal(service.http.get(f"/api/v1/{asked}"), 404)


def test_a_summary_counts_what_is_unfinished(ledger: Ledger, service: Client) -> None:
    before = expect(service.http.get("/api/v1/issues/summary"))
    point = ledger.point()
    (first, _) = ledger.record(point, violation("graffiti"), violation("exposed_garbage"))
    service.step(first.number, "close")
    after = expect(service.http.get("/api/v1/issues/summary"))

    assert 1 == after["points_with_open"] - before["points_with_open"]
    assert 1 == after["by_state"]["closed"] - before["by_state"]["closed"]
    assert 1 == sum(after["open_by_kind"].values()) - sum(before["open_by_kind"].values())
