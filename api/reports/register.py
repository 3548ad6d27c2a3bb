"""The register (台账) of cases as CSV or XLSX: row by row, never whole in memory."""

import csv
import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from openpyxl import Workbook
from sqlalchemy.orm import Session

from api.cells import Cell, guarded
from api.database import Database
from api.errors import TooLarge
from api.issues import service as issues
from api.reports.figures import Stretch, Yes
from api.reports.names import Names
from api.reports.periods import Period
from api.reports.tables import Case
from detector.taxonomy import Taxonomy
from detector.texts import say

COLUMNS = (
    "number", "times", "state", "kind", "class", "point_code", "point", "community", "category", "department", "post",
    "found_at", "opened_at", "due_at", "done_at", "ended_at", "worked_h", "notified_by", "seen",
)  # fmt: skip
MOST_ROWS = 1_000_000  # what a sheet of a workbook holds, less a little (1,048,576)
AT_ONCE = 500

Row = list[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases, and how they are written."""

    period: Period | None  #: cases that touch it; None: all
    conditions: Sequence[Yes]
    language: str
    zone: ZoneInfo


def rows(
    database: Database, taxonomy: Taxonomy, wanted: Wanted, told: Callable[[int], None] | None = None
) -> Iterator[Row]:
    """Give the register's rows, the oldest first, its titles before them; each batch in a transaction of its own.

    Raises:
        TooLarge: there are more than a sheet holds; said before the first row.
    """
    with database.read() as session:
        count = session.scalar(sa.select(sa.func.count()).select_from(_chosen(wanted).subquery())) or 0
    if count > MOST_ROWS:
        raise TooLarge(f"The register has {count} rows; the limit is {MOST_ROWS}. Ask for a shorter period.")
    return _rows(database, taxonomy, wanted, told or (lambda _: None))


def _rows(database: Database, taxonomy: Taxonomy, wanted: Wanted, told: Callable[[int], None]) -> Iterator[Row]:
    yield [say(f"register.{name}", wanted.language) for name in COLUMNS]
    last: uuid.UUID | None = None
    while True:
        query = _chosen(wanted).order_by(Case.id).limit(AT_ONCE)
        with database.read() as session:
            found = list(session.scalars(query.where(Case.id > last) if last else query))
            written = _written(session, taxonomy, wanted, found)
        yield from written
        told(len(found))
        if len(found) < AT_ONCE:
            return
        last = found[-1].id


def _chosen(wanted: Wanted) -> sa.Select[Case]:
    query = sa.select(Case).where(*wanted.conditions)
    if wanted.period is None:
        return query
    period = wanted.period
    stretch = Stretch(start=period.start, end=period.end, seen_at=period.end)
    ended = sa.or_(Case.ended_at.is_(None), Case.ended_at >= stretch.start)
    return query.where(Case.started_at < stretch.end, ended)


def _written(session: Session, taxonomy: Taxonomy, wanted: Wanted, found: list[Case]) -> list[Row]:
    names, language = Names(session, taxonomy), wanted.language
    about = issues.issues_by_id(session, {case.issue_id for case in found})
    places, posts = names.points({case.point_id for case in found}), names.posts({case.post_id for case in found})
    categories = {one.code: (one.en if language == "en" else one.zh) for one in taxonomy.place_categories}

    def moment(at: datetime | None) -> Cell:
        return at.astimezone(wanted.zone).replace(tzinfo=None, microsecond=0) if at else None

    written = []
    for case in found:
        issue, place = about[case.issue_id], places[case.point_id]
        kind = taxonomy.kind_of.get(case.class_code)
        post = posts.get(case.post_id) if case.post_id else None
        due = case.due_at if case.ended_at else issue.due_at
        row: Row = [
            case.number,
            case.ordinal,
            say(f"state.{case.ending or issue.state}", language),
            (kind.en if language == "en" else kind.zh) if kind else case.class_code,
            names.class_(case.class_code).name(language),
            place.code,
            place.name,
            case.community,
            categories.get(case.category, case.category),
            names.department(case.department).name(language) if case.department else "",
            post.name.name(language) if post else "",
            moment(case.started_at),
            moment(case.opened_at),
            moment(due),
            moment(case.done_at),
            moment(case.ended_at),
            round(case.worked_s / 3600, 2) if case.worked_s is not None else None,
            say(f"level.{case.notified_by}", language) if case.notified_by else "",
            issue.sighting_count,
        ]
        written.append([guarded(cell) for cell in row])
    return written


def title(language: str) -> str:
    """Give what the register is called, as the name of its sheet."""
    return say("register.title", language)


def as_csv(register: Iterator[Row]) -> Iterator[bytes]:
    """Give the register as CSV in UTF-8 with a byte-order mark, which spreadsheets need to see Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    yield b"\xef\xbb\xbf"
    for number, row in enumerate(register, start=1):
        writer.writerow(f"{cell:%Y-%m-%d %H:%M:%S}" if isinstance(cell, datetime) else cell for cell in row)
        if number % AT_ONCE == 1:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def write_xlsx(register: Iterator[Row], title: str, out: BinaryIO) -> None:
    """Write the register as a workbook into `out`; rows go to the disk as they come."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    for row in register:
        sheet.append(row)
    book.save(out)
