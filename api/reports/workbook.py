"""A bulletin as .xlsx: a summary sheet with charts, and every figure as data on sheets of its own."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.legend import Legend
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from api.cells import guarded
from api.reports.outline import outline, reason_in_words
from api.reports.schemas import Bulletin, Counts, Group
from api.reports.wording import Wording
from detector.texts import say

#: figures of a row in the order of the columns: the text's name and the field
FIELDS = (
    ("found", "found"), ("reopened", "reopened"), ("opened", "opened"), ("due", "due"), ("closed", "closed"),
    ("in_time", "closed_in_time"), ("overdue", "overdue"), ("rejected", "rejected"), ("merged", "merged"),
    ("rectified", "rectified"), ("unfinished", "unfinished"), ("overdue_at_end", "overdue_at_end"),
    ("notified", "notified"), ("rate", "rectification_rate"), ("mean", "mean_h"), ("median", "median_h"),
)  # fmt: skip
SHEETS = ("kinds", "classes", "categories", "communities", "departments", "posts", "points")
FORMATS = {"rectification_rate": "0.0%", "mean_h": "0.0", "median_h": "0.0"}
GREY = PatternFill("solid", fgColor="F2F2F2")
A4 = 9  # as OOXML numbers sizes of paper
FACE = "宋体"
CHART_CM = (21, 9)
_RED, _BLUE, _GREEN = "C81E2D", "3C5069", "2E7D4F"


def write_workbook(bulletin: Bulletin, wording: Wording, language: str, out: BinaryIO) -> None:
    """Write the bulletin into `out`."""
    book = Workbook()
    book.remove(book.worksheets[0])
    words = outline(bulletin, wording, language)
    book.properties.title, book.properties.creator = f"{words.title} {words.number}", words.office
    summary = _sheet(book, say("bulletin.sheet.summary", language), [26, *[10] * len(FIELDS)])
    _summarise(summary, bulletin, [words.office, words.title, f"{words.number}    {words.period}"], language)
    groups: dict[str, list[Group]] = {
        "kinds": bulletin.by_kind,
        "classes": bulletin.by_class,
        "categories": bulletin.by_category,
        "communities": bulletin.by_community,
        "departments": bulletin.by_department,
        "posts": bulletin.by_post,
        "points": bulletin.by_point,
    }
    for name in SHEETS:
        sheet = _sheet(book, say(f"bulletin.column.{name}", language), [34, *[10] * len(FIELDS)])
        sheet.print_title_rows, sheet.freeze_panes = "1:1", "B2"
        _append(sheet, _titles(name, language), strong=True)
        for one in groups[name]:
            _append(sheet, [one.of.name(language), *_figures(one.counts)])
    _trend_sheet(book, bulletin, language)
    _repeats_sheet(book, bulletin, language)
    _talks_sheet(book, bulletin, language)
    _charts(book, summary, bulletin, language)
    book.save(out)


def _sheet(book: Workbook, title: str, widths: list[int]) -> Worksheet:
    sheet: Worksheet = book.create_sheet(title[:31])
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def _titles(name: str, language: str) -> list[str]:
    return [say(f"bulletin.column.{one}", language) for one in (name, *(text for text, _ in FIELDS))]


def _figures(counts: Counts) -> list[tuple[object, str]]:
    return [(getattr(counts, field), FORMATS.get(field, "0")) for _, field in FIELDS]


def _append(sheet: Worksheet, values: Iterable[Any], *, strong: bool = False) -> None:
    """Write a row beneath the last one; a figure comes with the way it is shown."""
    given = [value if isinstance(value, tuple) else (value, "General") for value in values]
    sheet.append([guarded(value) for value, _ in given])
    for cell, (value, shown_as) in zip(sheet[sheet.max_row], given, strict=True):
        cell.number_format = shown_as
        cell.font = Font(name=FACE, size=10.5, bold=strong)
        wraps = isinstance(value, str)
        cell.alignment = Alignment(vertical="center", wrap_text=wraps, horizontal="center" if strong else None)
        if strong:
            cell.fill = GREY


def _summarise(sheet: Worksheet, bulletin: Bulletin, head: list[str], language: str) -> None:
    """Write the head, this period and the one before; the charts come below."""
    for number, line in enumerate(head):
        sheet.append([guarded(line)])
        size = 16 if number == 1 else 11
        sheet.cell(number + 1, 1).font = Font(name=FACE, size=size, bold=number < 2, color=None if number else _RED)
    sheet.row_dimensions[2].height = 26  # points
    sheet.append([])
    _append(sheet, _titles("trend", language), strong=True)
    for trend in (bulletin.previous, *bulletin.trend[-1:]):
        _append(sheet, [trend.period.period().code, *_figures(trend.counts)])


def _trend_sheet(book: Workbook, bulletin: Bulletin, language: str) -> None:
    sheet = _sheet(book, say("bulletin.table.trend", language), [34, *[10] * len(FIELDS)])
    _append(sheet, _titles("trend", language), strong=True)
    for trend in bulletin.trend:
        _append(sheet, [trend.period.period().code, *_figures(trend.counts)])


def _repeats_sheet(book: Workbook, bulletin: Bulletin, language: str) -> None:
    sheet = _sheet(book, say("bulletin.table.repeats", language), [34, 24, 24, 10, 60])
    columns = ("point", "class", "post", "times", "numbers")
    _append(sheet, [say(f"bulletin.column.{one}", language) for one in columns], strong=True)
    for one in bulletin.repeats:
        place = f"{one.point_code} {one.point_name}"
        _append(sheet, [place, one.violation.name(language), one.post, one.times, " ".join(one.numbers)])


def _talks_sheet(book: Workbook, bulletin: Bulletin, language: str) -> None:
    sheet = _sheet(book, say("bulletin.table.talks", language), [34, 16, 44, 60])
    columns = ("subject", "person", "why", "numbers")
    _append(sheet, [say(f"bulletin.column.{one}", language) for one in columns], strong=True)
    for one in bulletin.talks:
        for reason in one.reasons:
            why = reason_in_words(reason, language)
            _append(sheet, [one.of.name(language), one.person, why, " ".join(reason.numbers)])


def _charts(book: Workbook, summary: Worksheet, bulletin: Bulletin, language: str) -> None:
    sheets = dict(zip((*SHEETS, "trend"), book.worksheets[1:], strict=False))
    found, closed, rate = (_column(name) for name in ("found", "closed", "rate"))
    wanted: list[tuple[str, str, int, list[int], str]] = [
        ("kinds", "A9", len(bulletin.by_kind), [found, closed], "bulletin.chart.kinds"),
        ("communities", "J9", len(bulletin.by_community), [rate], "bulletin.chart.communities"),
        ("departments", "A27", len(bulletin.by_department), [rate], "bulletin.chart.departments"),
        ("trend", "J27", len(bulletin.trend), [found, closed], "bulletin.chart.trend"),
    ]
    for name, anchor, rows, columns, title in wanted:
        if rows:
            chart = LineChart() if name == "trend" else BarChart()
            _draw(chart, sheets[name], rows, columns, say(title, language))
            summary.add_chart(chart, anchor)


def _draw(chart: BarChart | LineChart, sheet: Worksheet, rows: int, columns: list[int], title: str) -> None:
    chart.title = title
    chart.width, chart.height = CHART_CM
    for column in columns:
        chart.add_data(Reference(sheet, min_col=column, min_row=1, max_row=rows + 1), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=rows + 1))
    chart.x_axis.delete = chart.y_axis.delete = False  # openpyxl 3.1 leaves axes out unless told
    chart.y_axis.scaling.min = 0
    if columns == [_column("rate")]:
        chart.y_axis.number_format, chart.y_axis.scaling.max, chart.legend = "0%", 1, None
    else:
        chart.legend = Legend(legendPos="b")
    for series, colour in zip(chart.series, _colours(len(columns)), strict=True):
        series.graphicalProperties = GraphicalProperties(solidFill=colour)
        series.graphicalProperties.line.solidFill = colour


def _colours(count: int) -> Iterator[str]:
    yield from (_BLUE, _GREEN)[:count]


def _column(name: str) -> int:
    """Give the number of a figure's column on a data sheet; the first holds the names."""
    return 2 + [text for text, _ in FIELDS].index(name)
