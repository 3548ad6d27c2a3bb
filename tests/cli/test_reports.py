"""Bulletins, registers and the talk list on the command line."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest

from cli import run
from tests.api.workbooks import csv_file, row


@pytest.fixture
def office(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Give a function that runs an operator's command on data of its own, in this process."""
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(model_folder.absolute()))
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run([str(one) for one in arguments])
        return status, *capfd.readouterr()

    return run_here


def test_a_bulletin_is_one_command(office, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(csv_file(row("A1")))
    office("points", "import", tmp_path / "p.csv")
    said = {
        suffix: office("bulletin", "--week", "2026-40", "--out", f"b.{suffix}")
        for suffix in ("docx", "xlsx", "html", "json")
    }
    english = office("bulletin", "--month", "2026-09", "--language", "en", "--out", "e.docx")

    assert all((0, f"0 found, 0 opened, 0 closed, 0 overdue: b.{one}\n", "") == said[one] for one in said)
    assert "一、总体情况" in [line.text for line in docx.Document(tmp_path / "b.docx").paragraphs]
    assert "概况" == openpyxl.load_workbook(tmp_path / "b.xlsx").sheetnames[0]
    assert (tmp_path / "b.html").read_text().startswith("<!doctype html>")
    assert 0 == english[0]
    assert "1. Overall" in [line.text for line in docx.Document(tmp_path / "e.docx").paragraphs]


def test_a_published_one_is_listed_and_can_be_written_again(office, tmp_path: Path) -> None:
    published = office("bulletin", "publish", "--week", "2026-40")
    again = office("bulletin", "publish", "--week", "2026-40")
    listed = office("bulletin", "list")
    written = office("bulletin", "--number", listed[1].split()[0], "--out", "b.docx")

    assert published[1].endswith("\n")
    assert "published for 2026-W40, SHA-256 " in published[1]
    assert 1 == again[0]
    assert "was published already" in again[2]
    assert "2026-W40" in listed[1]
    assert 0 == written[0]
    assert "期" in docx.Document(tmp_path / "b.docx").sections[0].header.paragraphs[0].text


def test_the_register_of_an_empty_office_is_its_titles(office, tmp_path: Path) -> None:
    status, _, _ = office("register", "--out", "r.csv", "--language", "en")
    rows = list(csv.reader(io.StringIO((tmp_path / "r.csv").read_bytes().decode("utf-8-sig"))))

    assert 0 == status
    assert 1 == len(rows)
    assert ["Number", "Time", "State"] == rows[0][:3]
    assert (0, "", "") == office("talks", "due")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bulletin", "--week", "2026-40"], "Say where to write with --out FILE"),
        (["bulletin", "--week", "2026-40", "--out", "b.pdf"], "b.pdf must end in .json, .docx, .xlsx, .html"),
        (["bulletin", "--week", "2026-60", "--out", "b.docx"], "'2026-60' is not an ISO week"),
        (["bulletin", "--out", "b.docx"], "Name one period"),
        (["bulletin", "--week", "2026-40", "--day", "2026-10-01", "--out", "b.docx"], "day and week were given"),
        (["bulletin", "--from", "2026-10-01", "--out", "b.docx"], "needs both its first day"),
        (["bulletin", "--week", "2026-40", "--language", "fr", "--out", "b.docx"], "'fr' is not one of the languages"),
        (["bulletin", "--number", "1999-1", "--out", "b.docx"], "There is no bulletin '1999-1'"),
        (["bulletin", "publish", "--month", "2999-01"], "is not over yet"),
        (["register", "--out", "r.txt"], "r.txt must end in .csv or .xlsx"),
    ],
)
def test_what_cannot_be_done_is_one_plain_line(office, arguments, said, tmp_path: Path) -> None:
    status, out, told = office(*arguments)

    assert (1, "") == (status, out)
    assert 1 == len(told.splitlines())
    assert said in told
    assert [] == list(tmp_path.glob("*.docx"))


def test_wrong_wording_is_said_before_anything_else(office, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("office: {zh: 甲, en: A}\n")
    monkeypatch.setenv("POINTWATCH_BULLETIN", str(tmp_path / "w.yaml"))
    status, _, told = office("bulletin", "list")

    assert 1 == status
    assert "w.yaml: titles: Field required" in told
