"""A bulletin as .docx, laid out as an office document: real tables, headings and pictures that can be edited.

Measures follow GB/T 9704-2012 (layout of official documents): A4, type area 156 mm × 225 mm, body in 仿宋 of size 三号
(16 pt), section titles in 黑体, the page number between dashes.
"""

import io
from collections.abc import Callable
from itertools import zip_longest

from docx import Document
from docx.document import Document as Doc
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph as Line
from docx.text.run import Run

from api.cells import plain
from api.reports.outline import Align, Heading, Outline, Pair, Paragraph, Shot, Table

MARGINS_MM = {"top": 37, "bottom": 35, "left": 28, "right": 26}  # GB/T 9704-2012, 5.2.1
PAGE_MM = (210, 297)
TYPE_WIDTH_MM = 156
PICTURE_WIDTH_MM = 74
SHORT_TABLE = 14  # rows; a table as short as this is not torn by a page break
SONG, FANGSONG, HEI = "宋体", "仿宋", "黑体"
LATIN = "Times New Roman"
RED = RGBColor(0xC0, 0x00, 0x00)
GREY = "F2F2F2"
_ALIGN = {
    Align.left: WD_ALIGN_PARAGRAPH.LEFT,
    Align.right: WD_ALIGN_PARAGRAPH.RIGHT,
    Align.centre: WD_ALIGN_PARAGRAPH.CENTER,
}

Picture = Callable[[str], bytes | None]  #: from a key of the media to a JPEG; None where it is gone


def write_word(outline: Outline, picture: Picture) -> bytes:
    """Give the bulletin as the bytes of a .docx."""
    document = Document()
    _prepare(document, outline)
    _head(document, outline)
    for block, following in zip_longest(outline.blocks, outline.blocks[1:]):
        if isinstance(block, Heading):
            document.add_heading(plain(block.text), level=1)
        elif isinstance(block, Paragraph):
            line = document.add_paragraph(plain(block.text), style="Body Text")
            line.paragraph_format.keep_with_next = isinstance(following, Table) and len(following.rows) < SHORT_TABLE
        elif isinstance(block, Table):
            _table(document, block)
        else:
            _pair(document, block, picture)
    _signature(document, outline)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _prepare(document: Doc, outline: Outline) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(PAGE_MM[0]), Mm(PAGE_MM[1])
    section.top_margin, section.bottom_margin = Mm(MARGINS_MM["top"]), Mm(MARGINS_MM["bottom"])
    section.left_margin, section.right_margin = Mm(MARGINS_MM["left"]), Mm(MARGINS_MM["right"])
    section.header_distance, section.footer_distance = Mm(18), Mm(20)
    _style(document, "Normal", FANGSONG, 16)
    body = _style(document, "Body Text", FANGSONG, 16)
    body.paragraph_format.first_line_indent = Pt(32) if outline.language == "zh" else None
    body.paragraph_format.line_spacing = Pt(28)
    body.paragraph_format.space_after = Pt(0 if outline.language == "zh" else 8)
    heading = _style(document, "Heading 1", HEI, 16)
    heading.font.color.rgb = RGBColor(0, 0, 0)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(10), Pt(4)
    heading.paragraph_format.first_line_indent = Pt(32) if outline.language == "zh" else None
    heading.paragraph_format.keep_with_next = True
    caption = _style(document, "Caption", HEI, 11)
    caption.font.color.rgb = RGBColor(0, 0, 0)
    caption.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(10), Pt(4)
    caption.paragraph_format.keep_with_next = True
    properties = document.core_properties
    properties.title, properties.author = f"{outline.title} {outline.number}"[:255], outline.office[:255]
    properties.language = "zh-CN" if outline.language == "zh" else "en"
    _running(section.header.paragraphs[0], outline)
    _page_number(section.footer.paragraphs[0])


def _style(document: Doc, name: str, face: str, size_pt: float) -> ParagraphStyle:
    style = document.styles[name]
    assert isinstance(style, ParagraphStyle)
    style.font.name, style.font.size = LATIN, Pt(size_pt)
    style.font.bold = style.font.italic = False
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # a theme's font would win over ours
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), face)
    return style


def _running(line: Line, outline: Outline) -> None:
    """Write the office and the number above every page."""
    line.alignment = WD_ALIGN_PARAGRAPH.LEFT
    assert line.style is not None  # every header has one
    line.style.paragraph_format.tab_stops.clear_all()  # its own would stop the number in the middle
    line.paragraph_format.tab_stops.add_tab_stop(Mm(TYPE_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    _say(line, f"{outline.office}\t{outline.number}", SONG, 9)
    _rule(line, "bottom", "808080", 4)


def _page_number(line: Line) -> None:
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _say(line, "— ", SONG, 14)
    run = _say(line, "", SONG, 14)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)
    _say(line, " —", SONG, 14)


def _head(document: Doc, outline: Outline) -> None:
    """Write the red head: the office, the number and the date over a red line, then the title."""
    office = _centred(document)
    office.paragraph_format.space_after = Pt(14)
    run = _say(office, outline.office, SONG, 26 if outline.language == "zh" else 20)
    run.font.bold, run.font.color.rgb = True, RED
    number = document.add_paragraph()
    number.paragraph_format.tab_stops.add_tab_stop(Mm(TYPE_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    number.paragraph_format.space_after = Pt(24)
    _say(number, f"{outline.number}\t{outline.dated}", FANGSONG, 14)
    _rule(number, "bottom", "C00000", 18)
    title = document.add_paragraph(style="Title")
    _plain_title(title)
    run = _say(title, outline.title, SONG, 22)
    run.font.bold, run.font.color.rgb = True, RGBColor(0, 0, 0)
    period = _centred(document)
    period.paragraph_format.space_after = Pt(16)
    _say(period, outline.period, FANGSONG, 14)
    document.add_paragraph(plain(outline.addressed_to), style="Body Text").paragraph_format.first_line_indent = Pt(0)


def _plain_title(title: Line) -> None:
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_after = Pt(6)
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    bottom.set(qn("w:val"), "nil")
    borders.append(bottom)
    title._p.get_or_add_pPr().append(borders)


def _centred(document: Doc) -> Line:
    line = document.add_paragraph()
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    return line


def _signature(document: Doc, outline: Outline) -> None:
    for number, text in enumerate((outline.office, outline.dated)):
        line = document.add_paragraph(plain(text), style="Body Text")
        line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        line.paragraph_format.first_line_indent = Pt(0)
        line.paragraph_format.space_before = Pt(0 if number else 28)
        line.paragraph_format.keep_with_next = not number
        line.paragraph_format.keep_together = True


def _table(document: Doc, block: Table) -> None:
    document.add_paragraph(plain(block.caption), style="Caption")
    rows = [[column.title for column in block.columns], *block.rows, *([block.total] if block.total else [])]
    table = document.add_table(len(rows), len(block.columns), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    whole = sum(column.share for column in block.columns)
    widths = [Mm(TYPE_WIDTH_MM * column.share / whole) for column in block.columns]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for index, (row, texts) in enumerate(zip(table.rows, rows, strict=True)):
        strong = index == 0 or (block.total is not None and index == len(rows) - 1)
        for column, cell, width, text in zip(block.columns, row.cells, widths, texts, strict=True):
            cell.width, cell.vertical_alignment = width, WD_CELL_VERTICAL_ALIGNMENT.CENTER
            _write(
                cell, text, HEI if strong else SONG, WD_ALIGN_PARAGRAPH.CENTER if index == 0 else _ALIGN[column.align]
            )
            if strong:
                _shade(cell)
        _keep_whole(row._tr, repeat=index == 0)
        if len(rows) <= SHORT_TABLE and index < len(rows) - 1:
            for cell in row.cells:
                cell.paragraphs[0].paragraph_format.keep_with_next = True
    document.add_paragraph().paragraph_format.line_spacing = Pt(8)


def _write(cell: _Cell, text: str, face: str, align: WD_ALIGN_PARAGRAPH) -> None:
    line = cell.paragraphs[0]
    line.alignment = align
    line.paragraph_format.space_before = line.paragraph_format.space_after = Pt(2)
    line.paragraph_format.line_spacing = Pt(14)
    _say(line, text, face, 10)


def _pair(document: Doc, block: Pair, picture: Picture) -> None:
    """Put the two pictures side by side under their title; the table is never torn from it."""
    title = document.add_paragraph(style="Body Text")
    title.paragraph_format.keep_with_next = True
    title.paragraph_format.first_line_indent = Pt(0)
    title.paragraph_format.space_before = Pt(6)
    _say(title, block.title, HEI, 12)
    table = document.add_table(2, 2, style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, shot in enumerate((block.before, block.after)):
        _write(table.cell(0, column), shot.title, HEI, WD_ALIGN_PARAGRAPH.CENTER)
        _shade(table.cell(0, column))
        _picture(table.cell(1, column), shot, picture)
    for row in table.rows:
        _keep_whole(row._tr, repeat=False)
        for cell in row.cells:
            cell.width = Mm(TYPE_WIDTH_MM / 2)
            cell.paragraphs[0].paragraph_format.keep_with_next = True
    facts = document.add_paragraph()
    facts.paragraph_format.space_before, facts.paragraph_format.space_after = Pt(3), Pt(8)
    _say(facts, block.facts, SONG, 10)


def _picture(cell: _Cell, shot: Shot, picture: Picture) -> None:
    content = picture(shot.key) if shot.key else None
    line = cell.paragraphs[0]
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    line.paragraph_format.space_before = line.paragraph_format.space_after = Pt(3)
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    if content is None:
        _say(line, shot.instead, SONG, 10)
        return
    line.add_run().add_picture(io.BytesIO(content), width=Mm(PICTURE_WIDTH_MM))


def _say(line: Line, text: str, face: str, size_pt: float) -> Run:
    run = line.add_run(plain(text))
    run.font.name, run.font.size = LATIN, Pt(size_pt)
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), face)
    return run


def _rule(line: Line, edge: str, colour: str, eighths_pt: int) -> None:
    """Draw a line along an edge of a paragraph."""
    borders, border = OxmlElement("w:pBdr"), OxmlElement(f"w:{edge}")
    for name, value in (("val", "single"), ("sz", str(eighths_pt)), ("space", "4"), ("color", colour)):
        border.set(qn(f"w:{name}"), value)
    borders.append(border)
    line._p.get_or_add_pPr().append(borders)


def _shade(cell: _Cell) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", GREY)):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _keep_whole(row: object, *, repeat: bool) -> None:
    """Let no page break fall into a row; repeat a heading on each page."""
    properties = row.get_or_add_trPr()  # type: ignore[attr-defined]
    properties.append(OxmlElement("w:cantSplit"))
    if repeat:
        properties.append(OxmlElement("w:tblHeader"))
