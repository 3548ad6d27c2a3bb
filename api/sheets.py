"""Registers as tables: CSV and XLSX, read with row numbers in every complaint, written so that they can be read again.

A `Sheet` is made of a pydantic model: its fields are the columns, their types say how a cell is read and written.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from api.cells import guarded, unguarded
from api.errors import FormatRefused, TooLarge, Unfit

Fields = TypeVar("Fields", bound=BaseModel)

MAX_BYTES = 10 * 1024 * 1024  # of a file
MAX_ROWS = 5_000
MAX_LINES = 4 * MAX_ROWS  # empty ones included: a file of nothing else would be read for hours
MAX_COLUMNS = 100  # of a workbook; a cell may say that it is the sixteen thousandth of its row
MAX_UNPACKED_BYTES = 16 * 1024 * 1024  # an XLSX is a zip, and a zip can hold a thousand times its size
MAX_PARTS = 1_000  # files in that zip; a plain workbook has about ten
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PACKINGS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))  # Source: ECMA-376 part 2, annex B
_READ_BYTES = 64 * 1024
_YES, _NO = frozenset(("true", "1", "yes", "y", "是")), frozenset(("false", "0", "no", "n", "否", ""))
_BETWEEN = re.compile(r"[;；、\n]")  # entries of a cell that holds several
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")  # as spreadsheets in China write one
#: What reading raises on files that are no workbooks; `RuntimeError`: a password.
_NO_WORKBOOK = (
    zipfile.BadZipFile,
    InvalidFileException,
    KeyError,
    IndexError,
    OSError,
    SyntaxError,
    TypeError,
    AttributeError,
    RuntimeError,
    EOFError,
    zlib.error,
)


class ImportOutcome(BaseModel):
    """What an import changed."""

    created: int
    updated: int
    unchanged: int


class Form(StrEnum):
    """How the cells of a column are read."""

    text = "text"
    number = "number"
    flag = "flag"
    day = "day"
    several = "several"  # entries with ; between them
    pairs = "pairs"  # name=entry with ; between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Generic[Fields]):
    """One row of a file."""

    number: int  #: as spreadsheets count: the heading is row 1
    fields: Fields  #: only the columns that the file has are among its `model_fields_set`


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sheet."""

    name: str
    form: Form
    required: bool
    nullable: bool  #: an empty cell says that there is none, whatever the default


class WrongCell(ValueError):
    """A cell cannot be read; says in which column."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


@dataclass(frozen=True, kw_only=True)
class Sheet(Generic[Fields]):
    """A register as a table."""

    model: type[Fields]
    key: str  #: the column by which a row is known
    noun: str  #: what the rows are, e.g. points

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Give the columns by name, in their order."""
        return {
            name: Column(
                name=name,
                form=_form(field),
                required=field.is_required(),
                nullable=NoneType in get_args(field.annotation),
            )
            for name, field in self.model.model_fields.items()
        }

    def read(self, filename: str, content: bytes) -> list[Row[Fields]]:
        """Read a file by what it is called, `.csv` or `.xlsx`.

        Raises:
            Unfit: with one entry for each wrong row. FormatRefused, TooLarge.
        """
        if len(content) > MAX_BYTES:
            raise TooLarge(f"The file is larger than {MAX_BYTES // 1048576} MiB, the limit for a table of {self.noun}.")
        if filename.lower().endswith(".xlsx"):
            return self.read_xlsx(content)
        if filename.lower().endswith(".csv"):
            return self.read_csv(content)
        raise FormatRefused("The file must be called something.csv or something.xlsx.")

    def read_csv(self, content: bytes) -> list[Row[Fields]]:
        """Give the rows of a CSV with the number of the line each stands on.

        Raises:
            Unfit: with one entry for each wrong row. FormatRefused: not UTF-8 (or GB 18030) text.
        """
        reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)

        def numbered() -> Iterator[tuple[int, list[Any]]]:
            for cells in reader:
                yield reader.line_num, list(cells)

        try:
            return self._rows(numbered())
        except csv.Error as error:
            raise Unfit(f"Line {reader.line_num} is not CSV: {error}.") from error

    def read_xlsx(self, content: bytes) -> list[Row[Fields]]:
        """Give the rows of an XLSX's first sheet with the number that each has there.

        Raises:
            Unfit: with one entry for each wrong row. FormatRefused, TooLarge: no XLSX, or a zip that unpacks too far.
        """
        try:
            book = openpyxl.load_workbook(_repacked(content), read_only=True, data_only=True, keep_links=False)
            try:
                sheet = book.worksheets[0]
                sheet.reset_dimensions()  # the size that the file claims may be a lie
                lines = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
                return self._rows((number, list(cells)) for number, cells in enumerate(lines, start=1))
            finally:
                book.close()
        except _NO_WORKBOOK as error:
            raise FormatRefused("The file is no XLSX workbook. Save it as .xlsx or .csv and send it again.") from error
        except ValueError as error:
            raise Unfit(f"The workbook cannot be read: {error}.") from error

    def write(self, format: str, rows: Iterable[Fields]) -> bytes:  # noqa: A002 - the query's name
        """Give the rows as `csv` or `xlsx`."""
        return self.write_xlsx(rows) if format == "xlsx" else self.write_csv(rows)

    def write_csv(self, rows: Iterable[Fields]) -> bytes:
        """Give the rows as CSV in UTF-8 with a byte-order mark, which spreadsheets need to see Chinese."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(self.columns)
        writer.writerows(self._written(one) for one in rows)
        return out.getvalue().encode("utf-8-sig")

    def write_xlsx(self, rows: Iterable[Fields]) -> bytes:
        """Give the rows as an XLSX workbook."""
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(self.noun[:31])
        sheet.append(list(self.columns))
        for one in rows:
            sheet.append(self._written(one))
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    def _written(self, one: Fields) -> list[object]:
        return [_written(getattr(one, name)) for name in self.columns]

    def _rows(self, lines: Iterable[tuple[int, list[Any]]]) -> list[Row[Fields]]:
        """Turn numbered cells into checked rows, the first line naming the columns."""
        numbered = iter(lines)
        _, header = next(numbered, (1, []))
        names = [str(cell or "").strip().lower() for cell in header]
        while names and not names[-1]:
            names.pop()
        self._check_columns(names)
        rows: list[Row[Fields]] = []
        wrong: list[dict[str, object]] = []
        first_met: dict[str, int] = {}
        for number, cells in numbered:
            if number > MAX_LINES:
                raise TooLarge(f"The file has more than {MAX_LINES} lines. Delete the empty ones, or split it.")
            if all(cell is None or not str(cell).strip() for cell in cells):
                continue
            if len(rows) + len(wrong) >= MAX_ROWS:
                raise TooLarge(f"The file has more than {MAX_ROWS} {self.noun}. Split it.")
            try:
                fields = self.model.model_validate(self._cells(names, cells))
            except (ValidationError, WrongCell) as error:
                wrong += _complaints(number, error)
                continue
            known_by = str(getattr(fields, self.key))
            if known_by in first_met:
                reason = f"{known_by} stands in row {first_met[known_by]} already"
                wrong.append({"row": number, "column": self.key, "reason": reason})
                continue
            first_met[known_by] = number
            rows.append(Row(number=number, fields=fields))
        refuse(wrong)
        if not rows:
            raise Unfit(f"The file has a heading but no {self.noun} under it.")
        return rows

    def _check_columns(self, names: list[str]) -> None:
        missing = sorted({one.name for one in self.columns.values() if one.required} - set(names))
        unknown = sorted(set(names) - set(self.columns) - {""})
        twice = sorted({name for name in names if name and names.count(name) > 1})
        reasons = [
            f"{what}: {', '.join(found)[:200]}"
            for what, found in (("missing", missing), ("unknown", unknown), ("named twice", twice))
            if found
        ]
        if reasons:
            raise Unfit(f"Row 1 must name the columns {', '.join(self.columns)} ({'; '.join(reasons)}).")

    def _cells(self, names: list[str], cells: list[Any]) -> dict[str, Any]:
        """Give the values of a row; an empty cell takes away what an optional column held before."""
        if len(cells) > len(names) and any(cell not in (None, "") for cell in cells[len(names) :]):
            raise WrongCell("", f"{len(cells)} cells, but row 1 names {len(names)} columns")
        given: dict[str, Any] = {}
        for name, cell in zip(names, [*cells, *[None] * (len(names) - len(cells))], strict=False):
            if not name:
                continue
            value = _cell(self.columns[name], cell)
            if value is not None:
                given[name] = value
            elif not self.columns[name].required:
                field = self.model.model_fields[name]
                given[name] = None if self.columns[name].nullable else field.get_default(call_default_factory=True)
        return given


def _form(field: FieldInfo) -> Form:
    """Say how the cells of a field are read, by its type."""
    kind: Any = field.annotation
    if get_origin(kind) not in (list, dict):
        kind = next((one for one in get_args(kind) if one is not NoneType), kind)  # X | None
    kind = get_args(kind)[0] if get_origin(kind) not in (None, list, dict) and get_args(kind) else kind
    forms: dict[Any, Form] = {list: Form.several, dict: Form.pairs, bool: Form.flag, date: Form.day}
    numbers = (int, float)
    return forms.get(get_origin(kind) or kind, Form.number if kind in numbers else Form.text)


def _cell(column: Column, cell: Any) -> Any:
    """Give a cell's value as its column reads it, None where it is empty; text loses the guard against formulas."""
    if cell is None:
        return None
    if isinstance(cell, bool | float | int) and column.form in (Form.number, Form.flag):
        return cell
    text = unguarded(str(cell).strip())
    if not text:
        return None
    if isinstance(cell, datetime) and column.form is Form.day:
        return cell.date()
    readers: dict[Form, Callable[[str, str], Any]] = {
        Form.flag: _flag,
        Form.day: _day,
        Form.several: lambda _, several: [one.strip() for one in _BETWEEN.split(several) if one.strip()],
        Form.pairs: _pairs,
    }
    return readers[column.form](column.name, text) if column.form in readers else text


def _flag(name: str, text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise WrongCell(name, f"{name} is {text[:20]!r}; write true or false (是 or 否)")


def _day(name: str, text: str) -> date:
    found = _DAY.fullmatch(text)
    try:
        return date(*(int(part) for part in found.groups())) if found else date.fromisoformat(text)
    except ValueError as error:
        raise WrongCell(name, f"{name} is {text[:20]!r}; write a day such as 2026-11-23") from error


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in _BETWEEN.split(text):
        if not part.strip():
            continue
        left, between, right = part.partition("=")
        if not between or not left.strip() or not right.strip():
            raise WrongCell(name, f"{part.strip()[:40]!r} is no pair; write name=value; name=value")
        if left.strip() in pairs:
            raise WrongCell(name, f"{left.strip()[:40]!r} stands twice")
        pairs[left.strip()] = right.strip()
    return pairs


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # spreadsheets in China save CSV as GB 18030
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise FormatRefused("The file is neither UTF-8 nor GB 18030 text. Save it as CSV UTF-8.")
    if "\0" in text:
        raise FormatRefused("The file holds binary data; it is no CSV. Send .csv or .xlsx.")
    return text


def _repacked(content: bytes) -> io.BytesIO:
    """Unpack a workbook within bounds and pack it anew, so that what a hostile zip says of itself is of no account.

    Raises:
        FormatRefused: no workbook would be like this. TooLarge: it unpacks too far.
    """
    clean = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as anew:
        parts = package.infolist()
        if len(parts) > MAX_PARTS or len({part.filename for part in parts}) < len(parts):
            raise FormatRefused("The workbook has too many parts, or two of one name. Save it again as .xlsx or .csv.")
        left = MAX_UNPACKED_BYTES
        for part in parts:
            if part.compress_type not in _PACKINGS:
                raise FormatRefused("The workbook is packed in an unusual way. Save it again as .xlsx or .csv.")
            unpacked = _unpacked(package, part, left)
            left -= len(unpacked)
            if b"<!DOCTYPE" in unpacked.replace(b"\0", b""):  # also in UTF-16
                raise FormatRefused("The workbook declares entities of its own, which none needs. Save it again.")
            anew.writestr(part.filename, unpacked)
    clean.seek(0)
    return clean


def _unpacked(package: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> bytes:
    """Give a part's bytes, unpacked bit by bit: one `read()` would unpack up to 2 GiB before it looks at the size."""
    unpacked = bytearray()
    with package.open(part) as file:
        while block := file.read(_READ_BYTES):
            unpacked += block
            if len(unpacked) > most:
                raise TooLarge(f"The workbook unpacks to more than {MAX_UNPACKED_BYTES // 1048576} MiB, the limit.")
    return bytes(unpacked)


def refuse(wrong: list[dict[str, object]]) -> None:
    """Refuse the whole file where any row is wrong: nothing is half imported."""
    if wrong:
        first = wrong[0]
        raise Unfit(
            f"Nothing was imported: {len(wrong)} problem(s), the first in row {first['row']}, "
            f"column {first['column']}: {first['reason']}.",
            errors=wrong[:200],
        )


def _complaints(number: int, error: ValidationError | WrongCell) -> list[dict[str, object]]:
    if isinstance(error, WrongCell):
        return [{"row": number, "column": error.column, "reason": str(error)}]
    return [
        {"row": number, "column": str(one["loc"][0]) if one["loc"] else "", "reason": one["msg"]}
        for one in error.errors()
    ]


def _written(value: object) -> object:
    """Give what stands in the cell: text that a spreadsheet would run gets a guard."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) or value is None:
        return value
    if isinstance(value, dict):
        value = "; ".join(f"{name}={entry}" for name, entry in sorted(value.items()))
    elif isinstance(value, list | tuple):
        value = "; ".join(str(one) for one in value)
    return guarded(str(value))
