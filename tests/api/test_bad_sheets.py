"""Hostile tables of points: zip bombs, lying headers, entities, endless rows. Refused quickly, within bounds."""

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from api.errors import FormatRefused, StreetError, TooLarge, Unfit
from api.points.service import SHEET
from tests.api.client import Client, expect, refusal
from tests.api.running import ROOT, Running
from tests.api.test_sheets import send
from tests.api.workbooks import (
    HEADING,
    MIB,
    csv_file,
    lying,
    packed,
    parts_of,
    row,
    with_part,
    with_sheet,
    xlsx_file,
)

SECONDS, MEMORY_MIB = 20.0, 360  # a loaded machine; a hostile file may not cost more
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION_LAUGHS = f'<!DOCTYPE lolz [<!ENTITY l0 "lol">{LAUGHS}]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>'
TYPES = "[Content_Types].xml"
STRINGS = "xl/sharedStrings.xml"


@cache
def _lying_types() -> bytes:
    return lying(with_part(TYPES, bytes(400 * MIB)), TYPES, 1000)


@cache
def _lying_strings() -> bytes:
    strings = b'<?xml version="1.0"?><sst><si><t>' + b"x" * (400 * MIB) + b"</t></si></sst>"
    return lying(with_part(STRINGS, strings), STRINGS, 1000)


BAD_WORKBOOKS: dict[str, tuple[Callable[[], bytes], type[StreetError]]] = {
    "no zip": (lambda: b"no zip", FormatRefused),
    "empty": (lambda: b"", FormatRefused),
    "a cut-off zip": (lambda: xlsx_file(row())[:-40], FormatRefused),
    "an empty zip": (lambda: packed({}), FormatRefused),
    "a zip of something else": (lambda: packed({"letter.txt": b"Dear Sir"}), FormatRefused),
    "a zip bomb": (lambda: packed({"bomb": bytes(100 * MIB)}), TooLarge),
    "a zip bomb that lies": (_lying_types, FormatRefused),
    "strings that lie": (_lying_strings, FormatRefused),
    "an unusual packing": (lambda: packed(parts_of(xlsx_file(row())), zipfile.ZIP_LZMA), FormatRefused),
    "a bomb in an unusual packing": (lambda: with_part(TYPES, bytes(100 * MIB), zipfile.ZIP_BZIP2), StreetError),
    "a damaged part": (lambda: xlsx_file(row()).replace(b"<row", b"<rox", 1)[:600], FormatRefused),
    "a billion laughs": (lambda: with_sheet(CELL.format("&l9;"), BILLION_LAUGHS), FormatRefused),
    "a file from outside": (lambda: with_sheet(CELL.format("&secret;"), OUTSIDE), FormatRefused),
    "broken XML": (lambda: with_part("xl/worksheets/sheet1.xml", b"<worksheet><sheetData>"), FormatRefused),
    "no sheets": (lambda: with_part("xl/workbook.xml", b"<workbook/>"), FormatRefused),
    "a row far below": (
        lambda: with_sheet(_heading() + '<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>'),
        TooLarge,
    ),
    "a cell far to the right": (
        lambda: with_sheet(_heading() + "".join(f'<row r="{n}"><c r="XFD{n}"/></row>' for n in range(2, 60_000))),
        TooLarge,
    ),
    "a row that is no number": (lambda: with_sheet('<row r="x"><c r="A1"/></row>'), StreetError),
    "a cell that is nowhere": (lambda: with_sheet('<row r="1"><c r="1A"/></row>'), StreetError),
    "many names of one file": (lambda: packed({f"{n}.xml": b"" for n in range(60_000)}), StreetError),
}


def _heading() -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADING)
    return f'<row r="1">{cells}</row>'


@pytest.mark.parametrize(("made", "kind"), BAD_WORKBOOKS.values(), ids=BAD_WORKBOOKS.keys())
def test_a_bad_workbook_is_refused_quickly(made, kind: type[StreetError]) -> None:
    content = made()
    began = time.process_time()
    with pytest.raises(kind) as refused:
        SHEET.read_xlsx(content)

    assert refused.type is not StreetError
    assert 400 <= refused.value.status < 500
    assert "root:" not in str(refused.value)
    assert time.process_time() - began < SECONDS


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux's /proc")
@pytest.mark.parametrize("name", ["a zip bomb that lies", "strings that lie"])
def test_a_bad_workbook_costs_little_memory(name: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.xlsx"
    file.write_bytes(BAD_WORKBOOKS[name][0]())
    code = (
        "import sys\n"
        "from api.errors import StreetError\n"
        "from api.points.service import SHEET\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "try:\n    SHEET.read_xlsx(content)\nexcept StreetError:\n    pass\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) // 1024)\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )

    assert int(asked.stdout) < MEMORY_MIB


BAD_CSV = {
    "empty": (b"", Unfit),
    "only a heading": (csv_file(), Unfit),
    "binary": (b"\x00\x01\x02" * 100, FormatRefused),
    "a picture": (b"\xff\xd8\xff\xe0" * 100, FormatRefused),
    "UTF-16": (csv_file(row(), encoding="utf-16"), FormatRefused),
    "an open quotation": (csv_file(row())[:-2] + b'\n"open', Unfit),
    "a huge cell": (csv_file(row(name="x" * 200_000)), Unfit),
    "too many rows": (csv_file(*(row(f"N{n}") for n in range(5_001))), TooLarge),
    "nothing but line ends": (csv_file() + b"\n" * 3_000_000, TooLarge),
    "one endless line": (b"," * 9_000_000, Unfit),
}


@pytest.mark.parametrize(("content", "kind"), BAD_CSV.values(), ids=BAD_CSV.keys())
def test_a_bad_csv_is_refused_quickly(content: bytes, kind: type[StreetError]) -> None:
    began = time.process_time()
    with pytest.raises(kind):
        SHEET.read_csv(content)

    assert time.process_time() - began < SECONDS


def test_a_complaint_does_not_repeat_a_huge_cell() -> None:
    cells = [[*row(f"H{n}"), "maybe" * 20_000] for n in range(10)]
    with pytest.raises(Unfit) as refused:
        SHEET.read_csv(csv_file(*cells, heading=[*HEADING, "no_parking"]))

    assert len(str(refused.value)) < 1000
    assert len(str(refused.value.errors)) < 10_000


OVER_WIRE = {
    "a zip bomb called .xlsx": ("p.xlsx", lambda: packed({"bomb": bytes(100 * MIB)}), 413),
    "a zip bomb that lies": ("p.xlsx", _lying_types, 415),
    "a billion laughs": ("p.xlsx", lambda: with_sheet(CELL.format("&l9;"), BILLION_LAUGHS), 415),
    "a photo called .csv": ("p.csv", lambda: b"\xff\xd8\xff\xe0" * 100, 415),
    "a letter": ("letter.txt", lambda: b"Dear Sir", 415),
    "no ending": ("points", lambda: csv_file(row()), 415),
    "eleven megabytes": ("p.csv", lambda: csv_file() + b"x" * (11 * MIB), 413),
    "a path as a name": ("../../p.csv", lambda: b"", 422),
}


@pytest.mark.parametrize(("name", "made", "status"), OVER_WIRE.values(), ids=OVER_WIRE.keys())
def test_a_bad_table_is_refused_over_the_wire_and_changes_nothing(
    name: str, made, status: int, running: Running, over_wire: Client, point_code: str
) -> None:
    before = running.query("SELECT count(*), max(updated_at) FROM points")
    refusal(send(over_wire, name, made()), status)

    assert before == running.query("SELECT count(*), max(updated_at) FROM points")
    assert "Traceback" not in running.log()
    assert 1 == expect(send(over_wire, "good.csv", csv_file(row(point_code))))["created"]
