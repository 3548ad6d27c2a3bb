"""Every list that leaves the office, as an office's own program opens it: whole, and without a formula."""

import zipfile
from pathlib import Path

import pytest

from tests.api.client import Client, expect
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.api.reports.opening import convert, needs_office

HOSTILE = ('=HYPERLINK("http://x.example","点我")', "+1+1", "-2+3", "@SUM(1)", "＝1+1")
LISTS = (
    "points/export",
    "posts/export",
    "routing/rules/export",
    "standards/EX-1/items/export",
    "issues/export",
    "register",
)


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give one kind of database only: what is written does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


@pytest.fixture(scope="module")
def hostile(office: Office, ledger: Ledger) -> Client:
    """Give a client of an office in which everything is called as a formula would be."""
    client = office.client()
    items = []
    for number, text in enumerate(HOSTILE):
        client.add_post(f"EX-{number}", zh=text, en=text, holder=text)
        point = ledger.point(name=text, community=text, address=text, first_post=f"EX-{number}")
        rule = {"code": f"EX-{number}", "point": point.code, "post": f"EX-{number}", "note": text}
        expect(client.http.post("/api/v1/routing/rules", json=rule))
        items.append({"code": f"I{number}", "zh": text, "en": text, "deduction": 1})
        told = {"point": point.code, "class_code": "tangled_cable", "note": text}
        expect(client.http.post("/api/v1/issues", json=told))
    standard = {"code": "EX-1", "zh": HOSTILE[0], "since": "2031-02-01", "items": items}
    expect(client.http.put("/api/v1/standards/EX-1", json=standard))
    return client


def fetch(client: Client, path: str, suffix: str, folder: Path) -> Path:
    answer = client.http.get(f"/api/v1/{path}", params={"format": suffix})
    assert 200 == answer.status_code, answer.text
    file = folder / f"{path.replace('/', '-')}.{suffix}"
    file.write_bytes(answer.content)
    return file


def test_every_export_is_looked_at(office: Office) -> None:
    found = {
        path.removeprefix("/api/v1/")
        for path, methods in office.app.openapi()["paths"].items()
        if "get" in methods and (path.endswith(("/export", "/register")))
    }
    assert {one.replace("EX-1", "{code}") for one in LISTS} | {"cameras/{code}/zones/export"} >= found


@needs_office
@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@pytest.mark.parametrize("path", LISTS)
def test_an_office_program_opens_it_and_runs_nothing(path: str, suffix: str, hostile: Client, tmp_path: Path) -> None:
    file = fetch(hostile, path, suffix, tmp_path)
    opened = convert(file, "ods", tmp_path / "profile")
    with zipfile.ZipFile(opened) as package:
        sheet = package.read("content.xml").decode()

    assert "table:formula" not in sheet
    assert 'office:value-type="error"' not in sheet
    assert "HYPERLINK" in sheet
    if suffix == "xlsx":  # a workbook that needs repair has parts that do not name each other
        with zipfile.ZipFile(file) as package:
            assert package.testzip() is None
            assert {"[Content_Types].xml", "xl/workbook.xml"} <= set(package.namelist())
