"""Tables of points as files, good and hostile."""

import csv
import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

from tests.api.client import point_fields

HEADING = ("code", "name", "category", "community", "address", "longitude", "latitude")
MIB = 1024 * 1024


def row(code: str = "S1", **changes: Any) -> list[Any]:
    fields = point_fields(code, **changes)
    return [fields[name] for name in HEADING]


def csv_file(*rows: Sequence[Any], heading: Sequence[str] = HEADING, encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([heading, *rows])
    return out.getvalue().encode(encoding)


def xlsx_file(*rows: Sequence[Any], heading: Sequence[str] = HEADING) -> bytes:
    book = openpyxl.Workbook()
    for cells in (heading, *rows):
        book.active.append(list(cells))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parts_of(workbook: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as package:
        return {name: package.read(name) for name in package.namelist()}


def packed(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def with_part(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Give a workbook of one point in which one part is another."""
    return packed(parts_of(xlsx_file(row())) | {name: content}, method)


def with_sheet(rows: str, before: str = "") -> bytes:
    """Give a workbook whose sheet holds this XML for rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<?xml version="1.0"?>{before}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    return with_part("xl/worksheets/sheet1.xml", sheet.encode())


def lying(workbook: bytes, name: str, size: int) -> bytes:
    """Let the zip say that a part unpacks to `size` bytes, in both of the places where it says so."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as package:
        local = package.getinfo(name).header_offset
    changed = bytearray(workbook)
    changed[local + 22 : local + 26] = struct.pack("<I", size)
    place = changed.index(b"PK\x01\x02")
    while changed[place : place + 4] == b"PK\x01\x02":
        name_length, extra, comment = struct.unpack("<HHH", changed[place + 28 : place + 34])
        if changed[place + 46 : place + 46 + name_length] == name.encode():
            changed[place + 24 : place + 28] = struct.pack("<I", size)
        place += 46 + name_length + extra + comment
    return bytes(changed)
