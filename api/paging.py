"""Pages of lists: a keyset cursor, never an offset, so that a list read while it grows neither skips nor repeats."""

import base64
import binascii
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.database import Identified, Instant
from api.errors import Unfit

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Identified)
Numbered = TypeVar("Numbered")

MOST = 200
_NOT_OURS = "The cursor is not one that this list has given. Start again without it."


class PageOf(BaseModel, Generic[Item]):
    """One page of a list, newest first."""

    items: list[Item]
    next: str | None = Field(default=None, description="cursor of the following page; null on the last one")


class Window(BaseModel):
    """Which page is asked for."""

    cursor: str | None = Field(default=None, max_length=64, description="`next` of the page before")
    limit: int = Field(default=50, ge=1, le=MOST, description="entries a page")


Paged = Annotated[Window, Query()]


def cut(
    session: Session, query: sa.Select[Row], table: type[Row], window: Window, *, oldest_first: bool = False
) -> tuple[list[Row], str | None]:
    """Give the rows of one page, newest first or the other way round, and the cursor of the next page.

    Raises:
        Unfit: the cursor is not one of ours.
    """
    if window.cursor:
        last = _decode(window.cursor)
        query = query.where(table.id > last if oldest_first else table.id < last)
    order = table.id.asc() if oldest_first else table.id.desc()
    rows = list(session.scalars(query.order_by(order).limit(window.limit + 1)))
    if len(rows) <= window.limit:
        return rows, None
    return rows[: window.limit], _encode(rows[window.limit - 1].id)


def cut_numbered(
    session: Session, query: sa.Select[Numbered], number: InstrumentedAttribute[int], window: Window
) -> tuple[list[Numbered], str | None]:
    """Give the rows of one page of a table that counts its rows, newest first, and the cursor of the next page.

    Raises:
        Unfit: the cursor is not one of ours.
    """
    if window.cursor:
        last_seen = _decode(window.cursor).int
        if last_seen >= 2**63:  # a cursor of another list
            raise Unfit(_NOT_OURS)
        query = query.where(number < last_seen)
    rows = list(session.scalars(query.order_by(number.desc()).limit(window.limit + 1)))
    if len(rows) <= window.limit:
        return rows, None
    last: int = getattr(rows[window.limit - 1], number.key)
    return rows[: window.limit], _encode(uuid.UUID(int=last))


def cut_by_moment(
    session: Session,
    query: sa.Select[Row],
    table: type[Row],
    moment: InstrumentedAttribute[Any],
    window: Window,
    *,
    latest_first: bool = False,
) -> tuple[list[Row], str | None]:
    """Give the rows of one page in the order of a moment that none of them lacks, and the cursor of the next page.

    Raises:
        Unfit: the cursor is not one of ours.
    """
    if window.cursor:
        at, last = _read_place(window.cursor)
        here = sa.tuple_(sa.literal(at, Instant()), sa.literal(last, sa.Uuid()))
        place = sa.tuple_(moment, table.id)
        query = query.where(place < here if latest_first else place > here)
    order = (moment.desc(), table.id.desc()) if latest_first else (moment, table.id)
    found = session.execute(query.add_columns(moment).order_by(*order).limit(window.limit + 1)).all()
    rows: list[Row] = [row for row, _ in found]
    if len(rows) <= window.limit:
        return rows, None
    row, at = found[window.limit - 1]
    return rows[: window.limit], _write_place(at, row.id)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST_US = 250_000_000_000_000_000  # in the year 9892


def _write_place(at: datetime, last: uuid.UUID) -> str:
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(microseconds.to_bytes(8, signed=True) + last.bytes).decode().rstrip("=")


def _read_place(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error) as error:
        raise Unfit(_NOT_OURS) from error
    microseconds = int.from_bytes(raw[:8], signed=True)
    if len(raw) != 24 or not 0 <= microseconds < _FARTHEST_US:
        raise Unfit(_NOT_OURS)
    return _EPOCH + timedelta(microseconds=microseconds), uuid.UUID(bytes=raw[8:])


def _encode(last: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def _decode(cursor: str) -> uuid.UUID:
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Unfit(_NOT_OURS) from error
