"""A notice in words, in the reader's language: a title, a few lines, and where to read more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.context import Service
from api.notify.schemas import Notice
from detector.texts import catalogue, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a person reads."""

    title: str
    text: str  #: lines, may be empty
    path: str | None  #: page of the console that shows more


class Writer:
    """Puts notices into words of one language."""

    def __init__(self, context: Service, language: str) -> None:
        self._context = context
        self._language = language

    def write(self, notice: Notice) -> Words:
        """Give a notice in words."""
        key = f"notice.{notice.kind}"
        if key not in catalogue():
            key = "notice.other"
        plain = {name: str(value) for name, value in notice.facts.items() if isinstance(value, str | int)}
        return Words(title=say(key, self._language, kind=notice.kind, **plain), text="", path=None)

    def link(self, words: Words) -> str | None:
        """Give the whole address of the page that shows more; None where nobody has set how pages are reached."""
        root = self._context.settings.public_url
        return f"{root.rstrip('/')}{words.path}" if root and words.path else None

    def moment(self, at: datetime) -> str:
        """Give date and time on the office's clock."""
        return f"{at.astimezone(self._context.settings.zone):%Y-%m-%d %H:%M}"


def machine_form(notice: Notice, delivery_id: str, words: Words, url: str | None) -> dict[str, Any]:
    """Give what the `json` template sends: type, timestamp and data, as Standard Webhooks proposes."""
    return {
        "id": delivery_id,
        "type": notice.kind,
        "timestamp": notice.at.isoformat(),
        "data": notice.facts,
        "title": words.title,
        "text": words.text,
        "url": url,
    }
