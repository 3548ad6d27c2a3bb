"""Points as tables: CSV and XLSX, read with row numbers in every complaint, written so that they can be read again."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import ValidationError

from api.errors import FormatRefused, TooLarge, Unfit
from api.points.schemas import PointFields

COLUMNS = tuple(PointFields.model_fields)
REQUIRED = frozenset(name for name, field in PointFields.model_fields.items() if field.is_required())
MAX_ROWS = 5_000
MAX_LINES = 4 * MAX_ROWS  # empty ones included: a file of nothing else would be read for hours
MAX_COLUMNS = 100  # of a workbook; a cell may say that it is the sixteen thousandth of its row
MAX_UNPACKED_BYTES = 16 * 1024 * 1024  # an XLSX is a zip, and a zip can hold a thousand times its size
MAX_PARTS = 1_000  # files in that zip; a plain workbook has about ten
_PACKINGS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))  # Source: ECMA-376 part 2, annex B
_READ_BYTES = 64 * 1024
_YES, _NO = frozenset(("true", "1", "yes", "y", "是")), frozenset(("false", "0", "no", "n", "否", ""))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so
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

Row = tuple[int, PointFields]


def read_csv(content: bytes) -> list[Row]:
    """Give the points of a CSV with the number of the line each stands on.

    Raises:
        Unfit: with one entry for each wrong row. FormatRefused: not UTF-8 (or GB 18030) text.
    """
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
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def numbered() -> Iterator[tuple[int, list[Any]]]:
        for cells in reader:
            yield reader.line_num, list(cells)

    try:
        return _rows(numbered())
    except csv.Error as error:
        raise Unfit(f"Line {reader.line_num} is not CSV: {error}.") from error


def read_xlsx(content: bytes) -> list[Row]:
    """Give the points of an XLSX's first sheet with the number of the row each stands on.

    Raises:
        Unfit: with one entry for each wrong row. FormatRefused, TooLarge: no XLSX, or a zip that unpacks too far.
    """
    try:
        book = openpyxl.load_workbook(_repacked(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # the size that the file claims may be a lie
            lines = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
            return _rows((number, list(cells)) for number, cells in enumerate(lines, start=1))
        finally:
            book.close()
    except _NO_WORKBOOK as error:
        raise FormatRefused("The file is no XLSX workbook. Save it as .xlsx or .csv and send it again.") from error
    except ValueError as error:
        raise Unfit(f"The workbook cannot be read: {error}.") from error


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


def _rows(lines: Iterable[tuple[int, list[Any]]]) -> list[Row]:
    """Turn numbered cells into checked points, the first line naming the columns."""
    numbered = iter(lines)
    _, header = next(numbered, (1, []))
    columns = [str(cell or "").strip().lower() for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    _check_columns(columns)
    rows: list[Row] = []
    wrong: list[dict[str, object]] = []
    first_met: dict[str, int] = {}
    for number, cells in numbered:
        if number > MAX_LINES:
            raise TooLarge(f"The file has more than {MAX_LINES} lines. Delete the empty ones, or split it.")
        if all(cell is None or not str(cell).strip() for cell in cells):
            continue
        if len(rows) + len(wrong) >= MAX_ROWS:
            raise TooLarge(f"The file has more than {MAX_ROWS} points. Split it.")
        try:
            point = PointFields.model_validate(_cells(columns, cells))
        except (ValidationError, ValueError) as error:
            wrong += _complaints(number, error)
            continue
        if point.code in first_met:
            wrong.append(
                {
                    "row": number,
                    "column": "code",
                    "reason": f"{point.code} stands in row {first_met[point.code]} already",
                }
            )
            continue
        first_met[point.code] = number
        rows.append((number, point))
    refuse(wrong)
    if not rows:
        raise Unfit("The file has a heading but no points under it.")
    return rows


def refuse(wrong: list[dict[str, object]]) -> None:
    """Refuse the whole file where any row is wrong: nothing is half imported."""
    if wrong:
        first = wrong[0]
        raise Unfit(
            f"Nothing was imported: {len(wrong)} problem(s), the first in row {first['row']}, "
            f"column {first['column']}: {first['reason']}.",
            errors=wrong[:200],
        )


def _check_columns(columns: list[str]) -> None:
    missing = sorted(REQUIRED - set(columns))
    unknown = sorted(set(columns) - set(COLUMNS) - {""})
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    reasons = [
        f"{what}: {', '.join(names)[:200]}"
        for what, names in (("missing", missing), ("unknown", unknown), ("named twice", twice))
        if names
    ]
    if reasons:
        raise Unfit(f"Row 1 must name the columns {', '.join(COLUMNS)} ({'; '.join(reasons)}).")


def _cells(columns: list[str], cells: list[Any]) -> dict[str, Any]:
    if len(cells) > len(columns) and any(cell not in (None, "") for cell in cells[len(columns) :]):
        raise ValueError(f"{len(cells)} cells, but row 1 names {len(columns)} columns")
    given = {name: _cell(name, cell) for name, cell in zip(columns, cells, strict=False) if name}
    return {name: value for name, value in given.items() if value is not None}


def _cell(name: str, cell: Any) -> Any:
    """Give a cell's value: flags as yes or no in both languages, text without the guard against formulas."""
    if cell is None:
        return None
    if isinstance(cell, bool | float | int) and name not in ("code", "name", "community", "address"):
        return cell
    text = str(cell).strip()
    if text.startswith("'") and _looks_like_a_formula(text):
        text = text[1:]
    if name == "no_parking":
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise ValueError(f"no_parking is {text[:20]!r}; write true or false (是 or 否)")
    return text or None


def _complaints(number: int, error: ValueError) -> list[dict[str, object]]:
    if isinstance(error, ValidationError):
        return [
            {"row": number, "column": str(one["loc"][0]) if one["loc"] else "", "reason": one["msg"]}
            for one in error.errors()
        ]
    return [{"row": number, "column": "no_parking" if "no_parking" in str(error) else "", "reason": str(error)}]


def write_csv(points: Iterable[PointFields]) -> bytes:
    """Give the points as CSV in UTF-8 with a byte-order mark, which spreadsheets need to see Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_written(point) for point in points)
    return out.getvalue().encode("utf-8-sig")


def write_xlsx(points: Iterable[PointFields]) -> bytes:
    """Give the points as an XLSX workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("points")
    sheet.append(COLUMNS)
    for point in points:
        sheet.append(_written(point))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _written(point: PointFields) -> list[object]:
    values = point.model_dump(include=set(COLUMNS))
    return [_guarded(values[name]) for name in COLUMNS]


def _guarded(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and _looks_like_a_formula(value) else value


def _looks_like_a_formula(text: str) -> bool:
    """Say whether a cell needs our guard `'`; one that stands there already is guarded too, or it would be lost."""
    return text.lstrip("'").startswith(_FORMULA)
