"""The database: one engine, two kinds of transactions, and the column types that all tables share.

SQLite in WAL mode and PostgreSQL behave alike through here. Services take a session and never commit; the
outermost layer (a route, a job, a command) opens `Database.write()` or `Database.read()`, and the answer leaves only
after it closed.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from uuid6 import uuid7

from api.errors import Misconfigured, StreetError, Unavailable

_WRITES = "pointwatch_writes"
_BUSY_MS = 30_000  # how long a SQLite writer waits for another; a transaction here takes milliseconds


class Instant(sa.TypeDecorator[datetime]):
    """A moment, stored as UTC, always given back with its zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a time without a zone: it is a bug of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Give UTC; SQLite forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Parent of all tables: names of constraints are fixed, so that migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        datetime: Instant(),
        uuid.UUID: sa.Uuid(),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
    }


def new_id() -> uuid.UUID:
    """Make an id, greater than any made before: for a row that must know its own before it is stored."""
    return uuid.UUID(int=uuid7().int)


class Identified:
    """A row with a UUIDv7: ids grow with time, so a page of a list is a keyset and never an offset."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


def now() -> datetime:
    """Give the present moment, in UTC."""
    return datetime.now(UTC)


class Database:
    """The way to the database."""

    def __init__(self, url: str) -> None:
        """Make the engine; nothing is connected yet.

        Raises:
            Misconfigured: the URL is neither SQLite nor PostgreSQL, or its driver is not installed.
        """
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if not self.is_sqlite and parsed.get_backend_name() != "postgresql":
                raise Misconfigured("POINTWATCH_DATABASE_URL must be sqlite:///… or postgresql+psycopg://…")
            if self.is_sqlite and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
            reason = (
                f"POINTWATCH_DATABASE_URL cannot be used ({type(error).__name__}). For PostgreSQL install the extra "
            )
            raise Misconfigured(reason + "`pointwatch[postgres]` and write postgresql+psycopg://…") from error
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._writing = self.engine.execution_options(**{_WRITES: True})

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that may write; committed when the block ends, rolled back when it raises."""
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads: one consistent view, never waiting for a writer."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def upgrade(self, to: str = "head") -> None:
        """Bring the tables to the newest form, or to a revision before; harmless to run twice, and side by side.

        Raises:
            Unavailable: the database cannot be reached or opened.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        try:
            with self._changing_tables() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, to)
        except sa.exc.OperationalError as error:
            reason = " ".join(str(error.orig).split())[:300]  # a driver's words: addresses, never the password
            raise Unavailable(f"The database cannot be used: {reason} (POINTWATCH_DATABASE_URL)") from error

    @contextmanager
    def _changing_tables(self) -> Iterator[sa.Connection]:
        """Open the transaction in which tables may change; no other process changes them at the same time."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7046029254386353131)"))
                yield connection
            return
        # SQLite changes a table by making it anew, and dropping the old one would break what refers to it. Whether it
        # looks can only be said outside a transaction, so these connections never look, and we do before the end.
        engine = sa.create_engine(self.engine.url, poolclass=sa.NullPool)
        _prepare_sqlite(engine, foreign_keys=False)
        with engine.execution_options(**{_WRITES: True}).begin() as connection:
            before = _revisions(connection)
            yield connection
            if _revisions(connection) != before:  # the check reads every row
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise StreetError(f"A migration left {len(broken)} rows that refer to nothing, e.g. {broken[0]}.")
            # PostgreSQL learns by itself how its rows are spread; SQLite has to be told to look, and looks at a few.
            connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
            connection.exec_driver_sql("ANALYZE")

    def check(self) -> None:
        """Make sure that the database answers.

        Raises:
            Unavailable: it does not.
        """
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError as error:
            raise Unavailable("The database does not answer. Try again in a moment.") from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _revisions(connection: sa.Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _prepare_sqlite(engine: sa.Engine, *, foreign_keys: bool = True) -> None:
    """Make SQLite durable, patient and strict, and let us say ourselves where a transaction begins."""

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # accepted means durable, also when the power fails
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A reader that turns writer in the middle can be refused at once; a writer therefore says so at the start.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
