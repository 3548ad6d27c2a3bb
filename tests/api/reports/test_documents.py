"""A bulletin as it is drawn: read again with the libraries, opened by LibreOffice, and fed with hostile text."""

import io
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import docx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.reports.outline import Outline, Table, outline
from api.reports.page import write_page
from api.reports.schemas import Bulletin, Counts, Group
from api.reports.word import write_word
from api.reports.wording import Wording, read_wording
from api.reports.workbook import FIELDS, SHEETS, write_workbook
from detector import shipped
from detector.texts import LANGUAGES, say
from tests.api.reports.opening import convert, needs_office
from tests.api.reports.samples import bulletin, named, shown
from tests.detector.pictures import encoded, street

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("http://x.test";"x")', "'=1"]


@pytest.fixture(scope="module")
def wording() -> Wording:
    return read_wording(shipped("datasets/bulletin.yaml"))


@pytest.fixture(scope="module")
def picture():
    """Give a store of pictures that has one, a JPEG as a camera writes it."""
    photo = encoded(street(640, 480))
    return {"there": photo}.get


def as_word(words: Outline, picture) -> docx.document.Document:
    return docx.Document(io.BytesIO(write_word(words, picture)))


def as_book(content: Bulletin, wording: Wording, language: str = "en") -> openpyxl.Workbook:
    out = io.BytesIO()
    write_workbook(content, wording, language, out)
    return openpyxl.load_workbook(out)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sections_are_those_of_a_bulletin_in_their_order(taxonomy, wording, picture, language) -> None:
    words = outline(bulletin(taxonomy), wording, language)
    document = as_word(words, picture)
    headings = [line.text for line in document.paragraphs if line.style.name == "Heading 1"]
    keys = ("overall", "kinds", "places", "typical", "repeats", "requirements")

    assert [say(f"bulletin.section.{key}", language) for key in keys] == [text[2:].strip() for text in headings]
    assert ["一、", "二、", "三、", "四、", "五、", "六、"] == [text[:2] for text in headings] or language == "en"


def test_every_page_says_whose_bulletin_it_is_and_which(taxonomy, wording, picture) -> None:
    document = as_word(outline(bulletin(taxonomy), wording, "zh"), picture)

    assert "东湖街道创建全国文明城市工作办公室\t〔2026〕第 12 期" == document.sections[0].header.paragraphs[0].text


def test_a_draft_has_no_number(taxonomy, wording) -> None:
    words = outline(bulletin(taxonomy, year=None, serial=None), wording, "zh")

    assert "草稿（未编期号）" == words.number


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_the_document_hold_the_figures(taxonomy, wording, picture, language) -> None:
    content = bulletin(taxonomy)
    document = as_word(outline(content, wording, language), picture)
    read = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    groups = (content.by_kind, content.by_class, content.by_category, content.by_community, content.by_department)

    for one in (group for every in groups for group in every):
        counts = one.counts
        expected = [counts.found, counts.opened, counts.closed, counts.closed_in_time, counts.overdue]
        assert [one.of.name(language), *map(str, expected)] in [row[:6] for row in read]


def test_the_workbook_holds_every_figure_as_a_number(taxonomy, wording) -> None:
    content = bulletin(taxonomy)
    book = as_book(content, wording)
    groups = dict(
        zip(
            SHEETS,
            (
                content.by_kind,
                content.by_class,
                content.by_category,
                content.by_community,
                content.by_department,
                content.by_post,
                content.by_point,
            ),
            strict=True,
        )
    )

    for name, expected in groups.items():
        rows = list(book[say(f"bulletin.column.{name}", "en")].iter_rows(min_row=2, values_only=True))
        figures = [(one.of.en, *(getattr(one.counts, field) for _, field in FIELDS)) for one in expected]

        assert [figure[0] for figure in figures] == [row[0] for row in rows]
        for figure, row in zip(figures, rows, strict=True):
            assert pytest.approx(figure[1:]) == row[1:]


def test_the_summary_has_charts_of_the_data(taxonomy, wording) -> None:
    out = io.BytesIO()
    write_workbook(bulletin(taxonomy), wording, "zh", out)
    with zipfile.ZipFile(out) as package:
        charts = [package.read(name).decode() for name in package.namelist() if "charts/chart" in name]

    assert 4 == len(charts)
    assert any("'社区'!$B$2" in chart or "'社区'!$O$2" in chart for chart in charts)


def test_pictures_stand_in_the_document_and_nothing_of_the_camera_with_them(taxonomy, wording, picture) -> None:
    cases = [shown(1, taxonomy, before_key="there", after_key="there"), shown(0, taxonomy, before_key="lost")]
    words = outline(bulletin(taxonomy, shown=cases), wording, "zh")
    document = as_word(words, picture)
    page = write_page(words, picture)

    assert 2 == len(document.inline_shapes)
    assert 2 == page.count("data:image/jpeg;base64,")
    assert "无照片" in page
    assert "尚未办结" in page


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_becomes_a_formula(taxonomy, wording, text) -> None:
    hostile = [Group(of=named(text), counts=Counts(found=1))]
    book = as_book(bulletin(taxonomy, by_community=hostile, by_point=hostile), wording)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]

    assert 1 <= sum(str(cell.value).startswith("'") for cell in cells)
    assert [] == [cell.coordinate for cell in cells if cell.data_type == "f"]


class Tags(HTMLParser):
    """Collects what a browser would take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, _attributes) -> None:
        self.found.add(tag)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=60))
def test_whatever_a_place_is_called_the_documents_are_whole(taxonomy, wording, picture, text) -> None:
    content = bulletin(
        taxonomy,
        by_community=[Group(of=named(text), counts=Counts(found=1))],
        shown=[shown(0, taxonomy, point_name=text, community=text, post=text)],
        requirements=[named("1", text, text)],
    )
    words = outline(content, wording, "zh")
    document = as_word(words, picture)
    tags = Tags()
    tags.feed(write_page(words, picture))
    book = as_book(content, wording)

    assert len([one for one in words.blocks if isinstance(one, Table)]) + 1 == len(document.tables)
    assert not tags.found & {"script", "iframe", "a", "form", "svg"}
    assert [] == [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@needs_office
@pytest.mark.slow
def test_libreoffice_opens_what_we_write(taxonomy, wording, picture, tmp_path: Path) -> None:
    cases = [shown(number, taxonomy, before_key="there") for number in range(3)]
    hostile = [Group(of=named(text), counts=Counts(found=1)) for text in FORMULAS]
    content = bulletin(taxonomy, shown=cases, by_kind=hostile)
    word, book = tmp_path / "bulletin.docx", tmp_path / "bulletin.xlsx"
    word.write_bytes(write_word(outline(content, wording, "zh"), picture))
    with book.open("wb") as out:
        write_workbook(content, wording, "zh", out)

    printed = convert(word, "pdf", tmp_path / "profile")
    again = convert(book, "ods", tmp_path / "profile")

    assert printed.read_bytes().startswith(b"%PDF-")
    with zipfile.ZipFile(again) as package:
        sheets = package.read("content.xml").decode()
    assert "table:formula" not in sheets
    assert 'office:value-type="error"' not in sheets
    assert "=HYPERLINK" in sheets
