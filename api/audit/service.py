"""The log: adding to it, reading it, proving that nobody touched it. Takes a session, never commits.

`append` only notes what is to be added; the rows are written as the last thing before the transaction commits. The end
of the chain is therefore locked last and for as short as can be: transactions cannot wait for each other in a circle,
and the order of `seq` is the order in which things became visible, so that a reader who has seen `seq` 7 never misses a
6 that commits later.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, SessionTransaction

from api.audit.chain import FIRST, MEMBERS, digest
from api.audit.tables import AuditEvent, AuditHead
from api.database import now
from api.errors import Unfit
from api.paging import Window, cut_numbered

_WAITING = "audit.waiting"  # key in `Session.info`
_AT_ONCE = 1000  # rows read at a time while verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that is being done."""

    subject_kind: str
    subject_id: uuid.UUID
    action: str
    by_user_id: uuid.UUID | None = None  #: None: the system itself
    before: str | None = None
    after: str | None = None
    note: str = ""
    capture_id: uuid.UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)  #: plain JSON
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    within: tuple[SessionTransaction, ...]  #: the savepoints it was said in; if one is rolled back, it never happened


def append(session: Session, entry: Entry) -> None:
    """Add to the log when the transaction commits; if it does not commit, nothing is added."""
    if _WAITING not in session.info:
        session.info[_WAITING] = []
        sa.event.listen(session, "before_commit", _seal)
        sa.event.listen(session, "after_soft_rollback", _forget)
    session.info[_WAITING].append(_Waiting(entry, _savepoints(session)))


def _savepoints(session: Session) -> tuple[SessionTransaction, ...]:
    found = []
    inner = session.get_nested_transaction()
    while inner is not None and inner.nested:
        found.append(inner)
        inner = inner.parent
    return tuple(found)


def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was said within a savepoint that was rolled back never happened; after a whole rollback, nothing did."""
    waiting: list[_Waiting] = session.info[_WAITING]
    waiting[:] = [one for one in waiting if ended.nested and ended not in one.within]


def _seal(session: Session) -> None:
    """Write what waits, chained to the last row of the log."""
    if session.in_nested_transaction() or not session.info[_WAITING]:
        return
    session.flush()  # every other lock first
    head = session.scalars(sa.select(AuditHead).with_for_update().execution_options(populate_existing=True)).one()
    rows = []
    for waiting in session.info[_WAITING]:
        row = asdict(waiting.entry) | {"seq": head.seq + 1, "previous_hash": head.hash}
        row["hash"] = digest(row)
        head.seq, head.hash = row["seq"], row["hash"]
        rows.append(row)
    session.execute(sa.insert(AuditEvent), rows)
    session.info[_WAITING].clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are asked for; what is None does not narrow."""

    subject_kind: str | None = None
    subject_id: uuid.UUID | None = None
    action: str | None = None
    by_user_id: uuid.UUID | None = None
    since: datetime | None = None  #: this moment included
    until: datetime | None = None  #: this moment not included


def list_events(session: Session, window: Window, wanted: Filter) -> tuple[list[AuditEvent], str | None]:
    """Give one page of the log, newest first."""
    query = sa.select(AuditEvent)
    for column, value in (
        (AuditEvent.subject_kind, wanted.subject_kind),
        (AuditEvent.subject_id, wanted.subject_id),
        (AuditEvent.action, wanted.action),
        (AuditEvent.by_user_id, wanted.by_user_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    return cut_numbered(session, query, AuditEvent.seq, window)


def after(session: Session, seq: int, limit: int) -> list[AuditEvent]:
    """Give the events behind `seq`, oldest first: for whoever follows the log."""
    query = sa.select(AuditEvent).where(AuditEvent.seq > seq).order_by(AuditEvent.seq).limit(limit)
    return list(session.scalars(query))


def of_subjects(session: Session, kind: str, ids: Sequence[uuid.UUID]) -> list[AuditEvent]:
    """Give what was done to some subjects, oldest first."""
    query = sa.select(AuditEvent).where(AuditEvent.subject_kind == kind, AuditEvent.subject_id.in_(ids))
    return list(session.scalars(query.order_by(AuditEvent.seq)))


def head(session: Session) -> AuditHead:
    """Give the end of the chain."""
    return session.scalars(sa.select(AuditHead)).one()


class Fault(StrEnum):
    """What is wrong with a row of the log."""

    changed = "changed"  # its content does not give its hash
    missing = "missing"  # its number is not there
    moved = "moved"  # it does not follow the row before it
    cut_off = "cut_off"  # the log ends before the end that was noted down
    replaced = "replaced"  # the row that was noted down has another hash now


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row that is not as it was written."""

    seq: int
    fault: Fault
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A row of the log as somebody noted it down elsewhere."""

    seq: int
    hash: str

    @classmethod
    def read(cls, text: str) -> "Anchor":
        """Read `SEQ:HASH`, as `pointwatch audit verify` prints it.

        Raises:
            Unfit: it is not of that form.
        """
        found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
        if found is None:
            raise Unfit(f"{text[:90]!r} is not SEQ:HASH as `pointwatch audit verify` prints it.")
        return cls(seq=int(found[1]), hash=found[2])


def verify(session: Session, noted: Anchor | None = None) -> Iterator[Finding | None]:
    """Go through the whole log; give None for each sound row and a finding for whatever was touched.

    A log that was rewritten from some row to its end, its head with it, is sound in itself: only an end that was
    noted down elsewhere (`noted`) shows it.
    """
    end = head(session)
    seq, last_hash, noted_hash = 0, FIRST, None
    for row in _rows(session):
        yield from _gap(seq + 1, row.seq)
        members = {name: getattr(row, name) for name in MEMBERS}
        whole = digest(members) == row.hash
        follows = row.previous_hash == last_hash or row.seq != seq + 1  # behind a gap nobody can know
        if not whole:
            yield Finding(seq=row.seq, fault=Fault.changed, words=f"row {row.seq} was changed: its hash does not fit")
        if not follows:
            words = f"row {row.seq} does not follow row {seq}: one of them was put there or moved"
            yield Finding(seq=row.seq, fault=Fault.moved, words=words)
        if whole and follows:
            yield None
        seq, last_hash = row.seq, row.hash
        if noted is not None and row.seq == noted.seq:
            noted_hash = row.hash
    yield from _gap(seq + 1, end.seq + 1)
    if seq == end.seq and last_hash != end.hash:
        yield Finding(seq=seq, fault=Fault.changed, words=f"row {seq} is not the one that the head of the log names")
    if noted is not None:
        yield from _against(noted, noted_hash)


def _rows(session: Session) -> Iterator[AuditEvent]:
    seq = 0
    while rows := after(session, seq, _AT_ONCE):
        yield from rows
        seq = rows[-1].seq
        session.expunge_all()


def _gap(first: int, behind: int) -> Iterator[Finding]:
    if first < behind:
        which = f"row {first} is missing" if behind == first + 1 else f"rows {first} to {behind - 1} are missing"
        yield Finding(seq=first, fault=Fault.missing, words=which)


def _against(noted: Anchor, found: str | None) -> Iterator[Finding]:
    if noted.seq and found is None:
        words = f"row {noted.seq}, which was noted down, is not in the log"
        yield Finding(seq=noted.seq, fault=Fault.cut_off, words=words)
    elif noted.seq and found != noted.hash:
        words = f"row {noted.seq} is not the one that was noted down: the log was rewritten"
        yield Finding(seq=noted.seq, fault=Fault.replaced, words=words)
