"""Text of strangers in documents: what XML cannot hold is left out, what looks like a formula is guarded."""

import re
from datetime import datetime

# Source: OWASP, CSV Injection; the full-width ones count in East Asian versions of spreadsheets.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # Source: XML 1.0, Char

Cell = str | int | float | datetime | None


def plain(text: str) -> str:
    """Give a text without the characters that no office document can hold."""
    return _NOT_XML.sub("", text)


def guarded(value: Cell) -> Cell:
    """Give a cell's value; text that begins like a formula is given an apostrophe."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip("'").startswith(_STARTS) else text
