"""Write a made-up history into a database by bulk: COPY on PostgreSQL, executemany on SQLite. Can be broken off."""

import json
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.accounts.tables import User
from api.audit.tables import AuditEvent, AuditHead
from api.captures.tables import Capture
from api.database import Database, Table
from api.issues import service as issues
from api.issues.tables import Issue, Sighting
from api.points.tables import Point
from benchmarks.scale_history import Batch, History, Row, Size
from detector.taxonomy import Taxonomy


def load(database: Database, size: Size, taxonomy: Taxonomy) -> None:
    """Fill a database up to `size`; what an earlier run has committed is kept and gone on from."""
    with database.write() as session:
        user = session.scalars(sa.select(User.id).order_by(User.id).limit(1)).one()
        history = History(size, taxonomy, user)
        if session.scalar(sa.select(sa.func.count()).select_from(Point)) == 0:
            insert(database, session.connection(), Point, history.points)
    with database.read() as session:
        done = session.scalar(sa.select(sa.func.count()).select_from(Issue)) or 0
        head = session.scalars(sa.select(AuditHead)).one()
        seq, last_hash = head.seq, head.hash
    if done >= size.issues:
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns) as progress:
        bar = progress.add_task(f"{size.issues:,} issues", total=size.issues, completed=done)
        for batch in history.batches(done, seq, last_hash):
            _write(database, batch)
            progress.advance(bar, len(batch.issues))
    settle(database)


def settle(database: Database) -> None:
    """Bring up to date what a database otherwise learns by itself in a quiet hour, and what counts the rows."""
    with database.write() as session:
        issues.recount(session)
        if database.is_sqlite:
            session.execute(sa.text("ANALYZE"))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _write(database: Database, batch: Batch) -> None:
    """Write one batch, all of it or nothing."""
    last = batch.events[-1]
    with database.write() as session:
        connection = session.connection()
        insert(database, connection, Capture, batch.captures)
        insert(database, connection, Issue, batch.issues)
        insert(database, connection, Sighting, batch.sightings)
        insert(database, connection, AuditEvent, batch.events)
        session.execute(sa.update(AuditHead).values(seq=last["seq"], hash=last["hash"]))


def insert(database: Database, connection: sa.Connection, table: type[Table], rows: list[Row]) -> None:
    """Insert rows that all have the same columns; the table's own default stands in every column they lack."""
    given = list(rows[0])
    lacking = {column.name: _otherwise(column) for column in table.__table__.c if column.name not in rows[0]}
    pick, constants = itemgetter(*given), tuple(lacking.values())
    names = ", ".join(f'"{name}"' for name in (*given, *lacking))
    tuples = (pick(row) + constants for row in rows)
    driver: Any = connection.connection.driver_connection
    if database.is_sqlite:
        marks = ", ".join("?" * (len(given) + len(lacking)))
        driver.executemany(f"INSERT INTO {table.__tablename__} ({names}) VALUES ({marks})", tuples)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.__tablename__} ({names}) FROM STDIN") as copy:
        for one in tuples:
            copy.write_row(one)


def _otherwise(column: sa.Column[Any]) -> Any:
    """Give what a column holds that the history does not know.

    Raises:
        LookupError: the history has to learn of it.
    """
    default = column.default
    if isinstance(default, sa.ColumnDefault) and default.is_scalar:
        return default.arg
    if column.nullable and default is None:
        return None
    if isinstance(column.type, sa.JSON):
        return json.dumps([] if isinstance(default, sa.ColumnDefault) and default.arg(None) == [] else {})
    if isinstance(column.type, sa.String):
        return ""
    raise LookupError(f"{column.table.name}.{column.name} must be filled; teach benchmarks/scale_history.py to")
