"""How many issues have ended where, kept while they end: counting a million of them anew takes too long to look at.

The unfinished are few and are counted as they stand. Every change of an issue that goes through the session is seen
here as it is written, in the same transaction; `recount` is for those who write past the session.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapper, Session

from api.issues.tables import EndedTally, Issue
from api.issues.transitions import ENDED

_KEY = ("point_id", "department", "state")
Key = tuple[uuid.UUID, str, str]


@sa.event.listens_for(Issue, "before_update")
def _moved(_mapper: Mapper[Issue], connection: sa.Connection, issue: Issue) -> None:
    before, after = _was(issue), _is(issue)
    if before == after:
        return
    # In one order, so that two who move issues the opposite ways do not wait for each other.
    for key, change in sorted(((before, -1), (after, 1)), key=lambda one: str(one[0])):
        if key[2] in ENDED:
            _add(connection, key, change)


@sa.event.listens_for(Issue, "before_insert")
def _made(_mapper: Mapper[Issue], connection: sa.Connection, issue: Issue) -> None:
    if issue.state in ENDED:
        _add(connection, _is(issue), 1)


def _is(issue: Issue) -> Key:
    return issue.point_id, issue.department or "", issue.state


def _was(issue: Issue) -> Key:
    """Give the key of an issue as the database has it."""
    attributes = sa.inspect(issue).attrs

    def before(name: str) -> Any:
        history = attributes[name].history
        return (history.deleted or history.unchanged or (None,))[0]

    return before("point_id"), before("department") or "", before("state")


def _add(connection: sa.Connection, key: Key, change: int) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = insert(EndedTally).values(dict(zip(_KEY, key, strict=True)) | {"count": change})
    connection.execute(
        row.on_conflict_do_update(index_elements=_KEY, set_={"count": EndedTally.count + row.excluded.count})
    )


def counted() -> sa.Select[uuid.UUID, str, str, int]:
    """Give the query that counts the ended issues in full, by point, department and state."""
    department = sa.func.coalesce(Issue.department, "")
    return (
        sa.select(Issue.point_id, department, Issue.state, sa.func.count())
        .where(Issue.state.in_(ENDED))
        .group_by(Issue.point_id, department, Issue.state)
    )


def recount(session: Session) -> None:
    """Count everything anew."""
    session.execute(sa.delete(EndedTally))
    session.execute(sa.insert(EndedTally).from_select([*_KEY, "count"], counted()))


def differences(session: Session) -> Iterator[str]:
    """Say where what is kept differs from what is counted; nothing where all is right."""
    kept = {
        (row.point_id, row.department, row.state): row.count
        for row in session.scalars(sa.select(EndedTally))
        if row.count
    }
    full = {(point_id, department, state): count for point_id, department, state, count in session.execute(counted())}
    for key in sorted(kept.keys() | full.keys(), key=str):
        if kept.get(key, 0) != full.get(key, 0):
            yield f"{key}: {kept.get(key, 0)} kept, {full.get(key, 0)} counted"
