"""A bulletin as a file: which formats there are, and what each is called. The one place that knows all of them."""

import io
from collections.abc import Callable
from enum import StrEnum

from api.errors import NotFound
from api.media import Media
from api.reports.outline import outline
from api.reports.page import write_page
from api.reports.schemas import Bulletin
from api.reports.wording import Wording


class Format(StrEnum):
    """What a bulletin can be written as; also the suffix of its file."""

    json = "json"
    docx = "docx"
    xlsx = "xlsx"
    html = "html"


#: of a bulletin shown as a page: its own style and pictures, nothing else; the console shows it in a frame
PAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {
    Format.json: "application/json",
    Format.docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.xlsx: XLSX,
    Format.html: "text/html; charset=utf-8",
}


def write(bulletin: Bulletin, wording: Wording, language: str, wanted: Format, media: Media) -> bytes:
    """Give a bulletin as the bytes of a file."""
    if wanted is Format.json:
        return bulletin.model_dump_json().encode()
    if wanted is Format.xlsx:
        from api.reports.workbook import write_workbook

        out = io.BytesIO()
        write_workbook(bulletin, wording, language, out)
        return out.getvalue()
    words = outline(bulletin, wording, language)
    if wanted is Format.html:
        return write_page(words, pictures(media)).encode()
    from api.reports.word import write_word  # here and not above: it costs each command half a second

    return write_word(words, pictures(media))


def pictures(media: Media) -> Callable[[str], bytes | None]:
    """Give the way to the pictures that people are shown: our own JPEGs, without what a camera wrote into them."""

    def picture(key: str) -> bytes | None:
        try:
            return media.get(key)
        except NotFound:
            return None

    return picture


def filename(bulletin: Bulletin, wanted: Format) -> str:
    """Give the name of the file: the number, or the period of a draft."""
    called = f"{bulletin.year}-{bulletin.serial}" if bulletin.serial else bulletin.period.period().code
    return f"bulletin-{called}.{wanted}"
