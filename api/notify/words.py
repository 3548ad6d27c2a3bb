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
        if "issue" in notice.facts:
            return self._of_issue(notice)
        if notice.kind == "notice.digest":
            return self._digest(notice)
        key = f"notice.{notice.kind}"
        plain = {name: str(value) for name, value in notice.facts.items() if isinstance(value, str | int)}
        if key not in catalogue():
            return Words(title=self._say("notice.other", kind=notice.kind), text="", path=None)
        path = "/webhooks" if notice.kind.startswith("webhook.") else None
        if notice.kind.startswith("camera."):
            path = f"/cameras/{notice.facts['code']}"
        return Words(title=self._say(key, **plain), text="", path=path)

    def _of_issue(self, notice: Notice) -> Words:
        issue, point, facts = notice.facts["issue"], notice.facts["point"], notice.facts
        lines = [
            self._say("notice.line.place", point=f"{point['code']} {point['name']}", community=point["community"]),
            self._say(
                "notice.line.number", number=issue["number"], state=self._state(facts["after"] or issue["state"])
            ),
        ]
        if issue["department"]:
            lines.append(self._say("notice.line.department", department=self._name(issue["department"])))
        if issue["due_at"]:
            lines.append(self._say("notice.line.due", at=self.moment(datetime.fromisoformat(issue["due_at"]))))
        if facts["note"]:
            lines.append(self._say("notice.line.note", note=" ".join(facts["note"].split())))
        lines.append(
            self._say("notice.line.by", at=self.moment(notice.at), by=facts["by"] or self._say("console.event.system"))
        )
        return Words(title=self._title(notice), text="\n".join(lines), path=f"/issues/{issue['number']}")

    def _title(self, notice: Notice) -> str:
        issue, point = notice.facts["issue"], notice.facts["point"]
        key = f"console.event.{notice.facts['action']}"
        what = self._say(key) if key in catalogue() else notice.facts["action"]
        told = notice.facts.get("clock")
        if told:
            step = f"limit.step.{told['step']}"
            what = f"{what} ({self._say(step) if step in catalogue() else told['step']})"
        return self._say("notice.issue", what=what, name=self._name(issue["class"]), point=point["name"])

    def _digest(self, notice: Notice) -> Words:
        point, count = notice.facts["point"], notice.facts["count"]
        title = (
            self._say("notice.digest.point", count=count, point=f"{point['code']} {point['name']}")
            if point
            else self._say("notice.digest.late", count=count)
        )
        shown = [Notice(key="", **one) for one in notice.facts["notices"]]
        lines = [f"{self.moment(one.at)} {self._title(one)} {one.facts['issue']['number']}" for one in shown]
        if count > len(shown):
            lines.append(self._say("notice.digest.more", count=count - len(shown)))
        return Words(title=title, text="\n".join(lines), path=f"/issues?point={point['code']}" if point else "/")

    def _say(self, key: str, **facts: Any) -> str:
        return say(key, self._language, **facts)

    def _name(self, code: str) -> str:
        return self._context.taxonomy.name_of(code, self._language)

    def _state(self, state: str) -> str:
        return self._say(f"state.{state}")

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
