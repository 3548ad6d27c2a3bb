"""Changes of what an office keeps of itself (points, posts, rules, …): what stood there before, and what stands now.

The one way in which registers come into the log. An entry's `data` is {"name", "before", "after", "hidden"}: only what
differs is told, and of what is nobody's business (`hidden`) only that it differs.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit.service import Entry, append
from api.database import Table

Picture = Mapping[str, Any]
NOTHING: Picture = {}  #: of what is not there yet, or no more
_BY_ITSELF = frozenset(("id", "created_at", "updated_at", "revision"))


class Change(StrEnum):
    """What was done to an entry of a register; the actions in the log."""

    added = "added"
    changed = "changed"
    removed = "removed"


def picture(row: Table, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Give the columns of a row as plain JSON, less those that change by themselves."""
    names = [column.key for column in sa.inspect(type(row)).column_attrs]
    return {name: _plain(getattr(row, name)) for name in names if name not in _BY_ITSELF and name not in without}


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def note_change(
    session: Session,
    *,
    kind: str,
    subject_id: uuid.UUID,
    name: str,
    before: Picture,
    after: Picture,
    by: uuid.UUID | None,
    hidden: Collection[str] = (),
) -> None:
    """Write into the log what a person changed in a register; nothing where nothing differs.

    Args:
        kind: what the register holds, e.g. post.
        name: by what people know the entry.
        before: NOTHING where it was added.
        after: NOTHING where it was removed.
        by: the user; None: an operator on the machine itself.
        hidden: names of which only is told that they differ.
    """
    differ = [one for one in {**before, **after} if before.get(one) != after.get(one)]
    if not differ:
        return
    told = [one for one in differ if one not in hidden]
    data: dict[str, Any] = {
        "name": name,
        "before": {one: before[one] for one in told if one in before},
        "after": {one: after[one] for one in told if one in after},
    }
    if len(told) < len(differ):
        data["hidden"] = sorted(set(differ) - set(told))
    action = Change.added if not before else Change.removed if not after else Change.changed
    append(session, Entry(subject_kind=kind, subject_id=subject_id, action=action, by_user_id=by, data=data))
