"""Points as CSV and XLSX: read with row numbers in every complaint, all or nothing, and written to be read again."""

import io

import httpx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.points.schemas import PointFields
from api.points.service import SHEET
from tests.api.client import Client, expect, point_fields, refusal
from tests.api.ledger import Ledger
from tests.api.workbooks import HEADING, csv_file, row, xlsx_file

FORMULAS = ["=1+1", "+86 755", "-5 号", "@SUM(A1)", "'=quoted", "''@twice", '=HYPERLINK("http://x","y")']
WRITERS = [("points.csv", SHEET.write_csv), ("points.xlsx", SHEET.write_xlsx)]
MAKERS = [("p.csv", csv_file), ("p.xlsx", xlsx_file)]


def send(client: Client, name: str, content: bytes) -> httpx.Response:
    return client.http.post("/api/v1/points/import", files={"file": (name, content)})


def point(code: str = "R1", **changes: object) -> PointFields:
    return PointFields.model_validate(point_fields(code, **changes))


def read(name: str, content: bytes) -> list[PointFields]:
    return [row.fields for row in SHEET.read(name, content)]


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_what_is_written_can_be_read_again(name, write) -> None:
    points = [
        point("R1", address="翠宁路 1 号，东门", no_parking=True, longitude=-0.1278),
        point("R2", name='with "quotes", a comma; and 中文', assess_every_days=None),
        *(point(f"F{number}", name=text, address=text) for number, text in enumerate(FORMULAS)),
    ]

    assert points == read(name, write(points))


_line = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
).filter(lambda text: text.strip())


def _degrees(most: int) -> st.SearchStrategy[float]:
    """Give positions to a tenth of a millimetre: a workbook keeps fifteen digits of a number."""
    return st.floats(-most, most).map(lambda degrees: round(degrees, 9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize(("name", "write"), WRITERS)
@given(named=_line, community=_line, longitude=_degrees(180), latitude=_degrees(90))
def test_any_text_survives_the_way_there_and_back(name, write, named, community, longitude, latitude) -> None:
    try:
        written = point(name=named, community=community, longitude=longitude, latitude=latitude)
    except ValueError:
        return  # refused before it could be written

    assert [written] == read(name, write([written]))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_runs_nothing_of_ours(text: str) -> None:
    cell = openpyxl.load_workbook(io.BytesIO(SHEET.write_xlsx([point(name=text)]))).active["B2"]
    line = SHEET.write_csv([point(name=text)]).decode("utf-8-sig").splitlines()[1]

    assert "f" != cell.data_type
    assert str(cell.value).startswith("'")
    assert "R1,'" in line or "R1,\"'" in line


def test_a_csv_begins_with_the_mark_that_spreadsheets_need() -> None:
    assert SHEET.write_csv([point()]).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_may_be_in_what_spreadsheets_save(encoding: str) -> None:
    (read_again,) = read("x.csv", csv_file(row("E1", name="翠宁社区 𠮷"), encoding=encoding))

    assert "翠宁社区 𠮷" == read_again.name


def test_windows_line_ends_and_empty_lines_do_not_count() -> None:
    content = csv_file(row("E1")).replace(b"\r\n", b"\r\n\r\n") + b"\r\n ,,\r\n"

    assert ["E1"] == [one.code for one in read("x.csv", content)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("true", True),
        ("是", True),
        ("Y", True),
        ("1", True),
        ("false", False),
        ("否", False),
        ("", False),
        (" No ", False),
    ],
)
def test_flags_are_read_in_both_languages(said: str, meant: bool) -> None:
    (one,) = read("x.csv", csv_file([*row("E1"), said], heading=[*HEADING, "no_parking"]))

    assert meant is one.no_parking


def test_numbers_of_a_workbook_are_codes_where_codes_are_meant() -> None:
    (one,) = read("x.xlsx", xlsx_file([101, 202, *row()[2:]]))

    assert ("101", "202") == (one.code, one.name)


# Over HTTP, into the database.


@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_an_import_creates_changes_and_leaves_alone(name, make, ledger: Ledger, service: Client) -> None:
    old, same = ledger.point(), ledger.point()
    outcome = expect(send(service, name, make(row(old.code, name="新名"), row(same.code), row(f"{old.code}-new"))))
    changed = expect(service.http.get(f"/api/v1/points/{old.code}"))

    assert {"created": 1, "updated": 1, "unchanged": 1} == outcome
    assert ("新名", 2) == (changed["name"], changed["revision"])
    assert 1 == expect(service.http.get(f"/api/v1/points/{same.code}"))["revision"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_can_be_imported_and_changes_nothing(kind: str, ledger: Ledger, service: Client) -> None:
    ledger.point(name="=翠宁", address="'@x", no_parking=True)
    exported = service.http.get(f"/api/v1/points/export?format={kind}")
    outcome = expect(send(service, f"again.{kind}", exported.content))

    assert f'attachment; filename="points.{kind}"' == exported.headers["content-disposition"]
    assert (0, 0) == (outcome["created"], outcome["updated"])
    assert outcome["unchanged"] == len(service.all("/api/v1/points"))


@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_one_wrong_row_stops_the_whole_import_and_is_named(name, make, ledger: Ledger, service: Client) -> None:
    old = ledger.point()
    count = len(service.all("/api/v1/points"))
    problem = refusal(
        send(
            service,
            name,
            make(
                row(old.code, name="must not be"),
                row(f"{old.code}-a", category="palace"),
                row(f"{old.code}-b", latitude="north"),
                row("bad code!"),
            ),
        ),
        422,
    )

    assert [(4, "latitude"), (5, "code")] == [(one["row"], one["column"]) for one in problem["errors"]]
    assert count == len(service.all("/api/v1/points"))
    assert old.name == expect(service.http.get(f"/api/v1/points/{old.code}"))["name"]


@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_an_unknown_category_is_named_with_its_row(name, make, ledger: Ledger, service: Client) -> None:
    code = ledger.point().code
    problem = refusal(send(service, name, make(row(f"{code}-1"), row(f"{code}-2", category="palace"))), 422)

    assert [(3, "category")] == [(one["row"], one["column"]) for one in problem["errors"]]
    assert "palace" in problem["errors"][0]["reason"]
    assert "wet_market" in problem["errors"][0]["reason"]
    refusal(service.http.get(f"/api/v1/points/{code}-1"), 404)


BAD_CELLS = {
    "a latitude beyond the pole": ("latitude", 90.5),
    "a longitude beyond the line": ("longitude", -181),
    "not a number": ("longitude", "nan"),
    "infinity": ("latitude", "inf"),
    "no name": ("name", ""),
    "no community": ("community", "  "),
    "a long name": ("name", "x" * 121),
    "a path as code": ("code", "../x"),
    "a line in a name": ("name", "a\nb"),
    "a code that is a word of two": ("code", "a b"),
}


@pytest.mark.parametrize(("column", "value"), BAD_CELLS.values(), ids=BAD_CELLS.keys())
@pytest.mark.parametrize(("name", "make"), MAKERS)
def test_a_wrong_cell_is_named(name, make, column: str, value: object, service: Client) -> None:
    problem = refusal(
        send(service, name, make(row("OK-1"), row("OK-2") and row(**{"code": "OK-2"} | {column: value}))), 422
    )

    assert [column] == [one["column"] for one in problem["errors"]]
    assert "row 3" in problem["detail"] or problem["errors"][0]["row"] in (3, 4)


def test_a_code_that_stands_twice_is_named(service: Client) -> None:
    problem = refusal(send(service, "x.csv", csv_file(row("D1"), row("D2"), row("D1"))), 422)

    assert [{"row": 4, "column": "code", "reason": "D1 stands in row 2 already"}] == problem["errors"]


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        (HEADING[1:], "missing: code"),
        ((*HEADING, "colour"), "unknown: colour"),
        ((*HEADING, "code"), "named twice: code"),
        ((), "missing"),
        (("x" * 100_000,), "unknown"),
    ],
)
def test_a_wrong_heading_is_explained(heading, said: str, service: Client) -> None:
    problem = refusal(send(service, "x.csv", csv_file(row(), heading=heading)), 422)

    assert said in problem["detail"]
    assert len(problem["detail"]) < 1000


def test_more_cells_than_columns_are_refused(service: Client) -> None:
    problem = refusal(send(service, "x.csv", csv_file([*row("X1"), "surplus"])), 422)

    assert "8 cells" in problem["errors"][0]["reason"]
