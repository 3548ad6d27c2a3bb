"""The one catalogue of what people read, in Chinese and English: `datasets/texts.yaml`."""

from functools import cache
from typing import Any

import yaml

from detector.installation import shipped

LANGUAGES = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Give every text by its key, in each language."""
    with shipped("datasets/texts.yaml").open(encoding="utf-8") as file:
        texts: dict[str, dict[str, str]] = yaml.safe_load(file)
    return texts


def say(key: str, language: str, **facts: Any) -> str:
    """Give the text `key` in `language` with `{facts}` filled in.

    Raises:
        KeyError: the catalogue has no such text; a test walks all keys that the code uses.
    """
    text = catalogue()[key][language if language in LANGUAGES else "zh"]
    return text.format(**facts) if facts else text


def preferred(accept_language: str | None, otherwise: str) -> str:
    """Give the language that an `Accept-Language` header asks for first, of those we have."""
    wishes: list[tuple[float, str]] = []
    for part in (accept_language or "").split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    for _, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if tag in LANGUAGES:
            return tag
    return otherwise
