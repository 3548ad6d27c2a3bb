"""Bulletins, registers, repeats and talks over HTTP."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator

import docx
import openpyxl
import pytest

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from api.audit import service as audit
from api.issues.transitions import Action
from tests.api.client import Client, expect, refusal
from tests.api.office import Office
from tests.api.reports.campaign import Campaign

WEEK = {"week": "2026-41"}


@pytest.fixture(scope="module")
def campaign(office: Office) -> Iterator[Campaign]:
    """Give an office after some weeks; one of its points is called like a formula."""
    with pytest.MonkeyPatch.context() as patch:
        played = Campaign(office, patch, seed=11)
        played.points.append(played.ledger.point(name="=HYPERLINK(1)", community="社区0"))
        played.play(70)
        played.find(played.points[-1])
        yield played


@pytest.fixture(scope="module")
def client(campaign: Campaign, service: Client) -> Client:
    return service


def test_a_preview_gives_figures_and_documents(client: Client) -> None:
    figures = expect(client.http.get("/api/v1/bulletins/preview", params=WEEK))
    word = client.http.get("/api/v1/bulletins/preview", params={**WEEK, "format": "docx", "language": "zh"})
    book = client.http.get("/api/v1/bulletins/preview", params={**WEEK, "format": "xlsx"})
    page = client.http.get("/api/v1/bulletins/preview", params={**WEEK, "format": "html", "language": "zh"})
    total = figures["total"]

    assert 0 < total["opened"]
    assert total["rectified"] / total["opened"] == total["rectification_rate"]
    assert f"立案 {total['opened']} 件" in "".join(
        line.text for line in docx.Document(io.BytesIO(word.content)).paragraphs
    )
    assert total["found"] == openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0]["B7"].value
    assert "草稿" in page.text
    assert 'attachment; filename="bulletin-2026-W41.docx"' == word.headers["content-disposition"]
    assert "script" not in page.text
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"week": "2026-54"},
        {"week": "٢٠٢٦-٤٧"},
        {"day": "2026-02-30"},
        {"day": "20260101"},
        {"month": "2026-13"},
        {"month": "9999-12"},
        {"from": "2026-02-01"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "1990-01-01", "to": "2026-02-01"},
        {"day": "2026-02-01", "week": "2026-5"},
        {"day": "x" * 21},
        {**WEEK, "format": "pdf"},
        {**WEEK, "language": "fr"},
    ],
)
def test_a_period_that_is_none_is_refused(client: Client, asked) -> None:
    refusal(client.http.get("/api/v1/bulletins/preview", params=asked), 422)


def test_a_published_bulletin_is_numbered_and_frozen(campaign: Campaign, client: Client) -> None:
    answer = client.http.post("/api/v1/bulletins", params=WEEK)
    made = expect(answer)
    frozen = expect(client.http.get(f"/api/v1/bulletins/{made['number']}"))
    campaign.find(campaign.points[0])
    again = expect(client.http.get(answer.headers["location"]))
    word = client.http.get(f"/api/v1/bulletins/{made['number']}", params={"format": "docx", "language": "zh"})
    with campaign.office.context.database.read() as session:
        (event,) = [one for one in audit.after(session, 0, 10**6) if one.subject_kind == "bulletin"]
        kept = campaign.office.context

    assert 201 == answer.status_code
    assert ("2026-1", "2026-W41") == (made["number"], made["period"])
    assert (2026, 1) == (frozen["year"], frozen["serial"])
    assert frozen == again
    assert ("publish", made["sha256"]) == (event.action, event.data["sha256"])
    assert "〔2026〕第 1 期" in docx.Document(io.BytesIO(word.content)).sections[0].header.paragraphs[0].text
    assert made["number"] in [one["number"] for one in client.all("/api/v1/bulletins", limit=1)]
    refusal(client.http.post("/api/v1/bulletins", params=WEEK), 409)
    assert kept is campaign.office.context


def test_the_hash_is_that_of_the_figures(campaign: Campaign, client: Client) -> None:
    from api.reports.tables import PublishedBulletin

    made = expect(client.http.post("/api/v1/bulletins", params={"day": "2026-10-07"}))
    with campaign.office.context.database.read() as session:
        content = session.query(PublishedBulletin).filter_by(sha256=made["sha256"]).one().content
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    assert made["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_period_that_runs_can_be_looked_at_and_not_be_published(client: Client) -> None:
    stage = {"from": "2026-11-01", "to": "2027-11-01"}

    expect(client.http.get("/api/v1/bulletins/preview", params=stage))
    refusal(client.http.post("/api/v1/bulletins", params=stage), 422)


def test_who_may_do_what(campaign: Campaign, client: Client) -> None:
    viewer = campaign.office.client(Role.viewer)
    only = Granted(role=Role.viewer, scope_kind=ScopeKind.community, scope_value="社区1")
    secretary = campaign.office.granted(only)
    everything = expect(viewer.http.get("/api/v1/bulletins/preview", params=WEEK))
    theirs = expect(secretary.http.get("/api/v1/bulletins/preview", params=WEEK))
    asked = expect(secretary.http.get("/api/v1/bulletins/preview", params={**WEEK, "community": "社区2"}))
    register = secretary.http.get("/api/v1/register").content.decode("utf-8-sig")

    refusal(viewer.http.post("/api/v1/bulletins", params={"month": "2026-10"}), 403)
    refusal(viewer.http.post("/api/v1/talks", json={}), 403)
    assert {"社区1"} == {one["of"]["code"] for one in theirs["by_community"]}
    assert [one for one in everything["by_community"] if one["of"]["code"] == "社区1"] == theirs["by_community"]
    assert 0 == asked["total"]["found"]
    assert "社区1" in register
    assert "社区2" not in register


def test_the_register_has_every_case_and_no_formula(campaign: Campaign, client: Client) -> None:
    plain = client.http.get("/api/v1/register", params={"language": "zh"})
    book = client.http.get("/api/v1/register", params={"format": "xlsx"})
    rows = list(csv.reader(io.StringIO(plain.content.decode("utf-8-sig"))))
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    issues = client.issues()

    assert plain.content.startswith(b"\xef\xbb\xbf")
    assert "问题编号" == rows[0][0]
    assert {one["number"] for one in issues} == {row[0] for row in rows[1:]}
    assert sum(1 + one["reopened_count"] for one in issues) == len(rows) - 1 == sheet.max_row - 1
    assert "'=HYPERLINK(1)" in [cell for row in rows for cell in row]
    assert [] == [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert "'=HYPERLINK(1)" in [cell.value for cell in cells]


def test_repeats_name_the_issues_behind_them(campaign: Campaign, client: Client) -> None:
    found = expect_list(client.http.get("/api/v1/repeats", params={"days": 1000}))
    issues = {one["number"]: one for one in client.issues()}

    assert found
    for one in found:
        assert 2 <= one["times"]
        for number in one["numbers"]:
            assert one["point_code"] == issues[number]["point"]["code"]
            assert one["violation"]["code"] == issues[number]["violation"]["code"]


def test_whoever_meets_a_rule_is_on_the_list_until_the_talk_is_held(campaign: Campaign, client: Client) -> None:
    for point in campaign.points[:3]:
        for code in ("clutter", "rubble", "wall_damage"):
            from tests.api.ledger import violation

            (issue,) = campaign.ledger.record(point, violation(code), at=campaign.at)
            if point.community == "社区0":
                campaign.step(issue, Action.mark_notified)
    day = f"{campaign.at:%Y-%m-%d}"
    due = expect_list(client.http.get("/api/v1/talks/due", params={"day": day}))
    one = next(one for one in due if one["of"]["code"] == "社区0")
    (reason,) = [reason for reason in one["reasons"] if reason["rule"] == "community_notified"]
    numbers = {one["number"] for one in client.issues() if one["notified_by"] and one["point"]["community"] == "社区0"}
    talk = {
        "subject": "community",
        "code": "社区0",
        "person": "程远舟",
        "held_at": "2026-11-20T10:00:00+08:00",
        "held_by": "街道主要领导",
        "day": day,
    }
    made = expect(client.http.post("/api/v1/talks", json=talk))

    assert numbers == set(reason["numbers"])
    assert reason["count"] == reason["value"] == len(numbers)
    assert one["reasons"] == made["reasons"]
    assert [made] == client.all("/api/v1/talks")
    refusal(client.http.post("/api/v1/talks", json=talk | {"code": "nowhere"}), 422)
    refusal(client.http.post("/api/v1/talks", json=talk | {"held_at": "2999-01-01T00:00:00Z"}), 422)
    refusal(client.http.post("/api/v1/talks", json=talk | {"subject": "king"}), 422)


def test_a_bulletin_that_is_none_is_not_found(client: Client) -> None:
    for number in ("2026-999", "x", "1-2-3", "²-1", "00000000-0000-0000-0000-000000000000"):
        refusal(client.http.get(f"/api/v1/bulletins/{number}"), 404)


def expect_list(answer):
    assert answer.is_success, answer.text
    return answer.json()
