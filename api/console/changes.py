"""What the log tells of one record, in words. Who may not read the log sees nothing of it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.console.tags import tag
from api.console.visit import Visit
from detector.texts import catalogue

MOST = 20  # the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was done, in words."""

    at: datetime
    who: str
    what: str
    details: list[str]


def what_changed(session: Session, visit: Visit, caller: Caller, kind: str, subject: uuid.UUID) -> list[Told]:
    """Give what was done to a record, newest first; nothing where the caller may not read the log."""
    if not caller.may(Permission.view_audit):
        return []
    rows = audit.of_subjects(session, kind, [subject])[-MOST:]
    return in_words(session, visit, reversed(rows))


def in_words(session: Session, visit: Visit, rows: Iterable[AuditEvent]) -> list[Told]:
    """Put rows of the log into words."""
    found = list(rows)
    names = accounts.names_of(session, {row.by_user_id for row in found if row.by_user_id})
    return [
        Told(
            at=row.at,
            who=names.get(row.by_user_id, "") if row.by_user_id else visit.say("audit.system"),
            what=action_in_words(visit, row.subject_kind, row.action),
            details=details_of(visit, row),
        )
        for row in found
    ]


def action_in_words(visit: Visit, kind: str, action: str) -> str:
    """Name an action; the log may tell of actions that have no word yet."""
    keys = (f"audit.action.{kind}.{action}", f"audit.action.{action}", f"console.event.{action}", f"action.{action}")
    for key in keys:
        if key in catalogue():
            return visit.say(key)
    return action


def details_of(visit: Visit, row: AuditEvent) -> list[str]:
    """Give what else a row says: states, fields before and after, the note."""
    said = []
    if row.before or row.after:
        said.append(f"{_state(visit, row.before)} → {_state(visit, row.after)}")
    before, after = row.data.get("before"), row.data.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        if before and after:
            fields = dict.fromkeys([*before, *after])
            said += [f"{name}: {_plain(before.get(name))} → {_plain(after.get(name))}" for name in fields]
        said += [f"{name}: …" for name in row.data.get("hidden", [])]
    else:
        said += [f"{name}: {_plain(value)}" for name, value in row.data.items() if value not in (None, "", [], {})]
    return [*said, row.note] if row.note else said


def _state(visit: Visit, state: str | None) -> str:
    if state is None:
        return "–"
    return visit.say(f"state.{state}") if f"state.{state}" in catalogue() else state


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_changes(visit: Visit, told: list[Told]) -> None:
    """Add the card that tells what was done, if there is anything to tell."""
    if not told:
        return
    with tag("section", classes="pw-card", aria_label=visit.say("audit.changes")):
        tag("h2", visit.say("audit.changes"))
        with tag("ul", classes="pw-changes"):
            for one in told:
                with tag("li"):
                    tag("strong", one.what)
                    tag("small", f"{visit.moment(one.at)} · {one.who}")
                    for line in one.details:
                        tag("small", line)
