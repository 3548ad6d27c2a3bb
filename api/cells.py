"""Text of strangers in cells and documents: what XML cannot hold is left out, what looks like a formula is guarded.

The one guard of all tables that leave the office: registers, bulletins, lists.
"""

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
    return f"'{text}" if _looks_like_a_formula(text) else text


def unguarded(text: str) -> str:
    """Give the text that was guarded, or a text as it is."""
    return text[1:] if text.startswith("'") and _looks_like_a_formula(text) else text


def _looks_like_a_formula(text: str) -> bool:
    """Say whether a text needs the guard; one that stands there already is guarded too, or it would be lost."""
    return text.lstrip("'").startswith(_STARTS)
