"""The tables as migrations make them: what the code believes, from empty, twice, and two at once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.accounts import service as accounts
from api.accounts.roles import Permission, Role
from api.accounts.schemas import EVERYWHERE, Granted
from api.audit import service as audit
from api.captures import service as captures
from api.database import Database, Table
from api.errors import Misconfigured, Unavailable
from api.issues import service as issues
from api.issues.tables import Issue
from api.paging import Window
from tests.api.first_release import AT, KEYS, FirstRelease

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a database without any tables."""
    if request.param == "postgresql":
        make: Callable[[bool], str] = request.getfixturevalue("postgres")
        return make(False)
    return f"sqlite:///{tmp_path / 'empty.sqlite3'}"


def test_migrations_make_the_tables_that_the_code_believes_in(empty_url: str) -> None:
    database = Database(empty_url)
    database.upgrade()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        difference = compare_metadata(context, Table.metadata)
        names = set(sa.inspect(connection).get_table_names())
    database.close()

    assert [] == difference
    assert set(Table.metadata.tables) | {"alembic_version"} == names


def test_the_index_that_keeps_issues_single_is_there_and_partial(empty_url: str) -> None:
    database = Database(empty_url)
    database.upgrade()
    with database.engine.connect() as connection:
        indexes = {one["name"]: one for one in sa.inspect(connection).get_indexes(Issue.__tablename__)}
    database.close()
    index = indexes["one_open_issue_per_point_and_class"]

    assert index["unique"]
    assert ["point_id", "class_code"] == index["column_names"]
    assert ["closed_at IS NULL"] == [str(one).strip("()") for one in index["dialect_options"].values()][:1]


def test_a_database_of_the_first_release_keeps_everything(empty_url: str) -> None:
    database = Database(empty_url)
    before = FirstRelease(database)
    database.upgrade()
    with database.write() as session:
        everything = Window(limit=10)
        callers = {name: accounts.caller_again(session, user_id=before.ids[name], key_id=None) for name in KEYS}
        (capture,), _ = captures.list_captures(session, everything, within=EVERYWHERE)
        (issue,), _ = issues.list_issues(session, everything, issues.Filter(), within=EVERYWHERE)
        (sighting,), _ = issues.list_sightings(session, issue.id, everything)
        names = accounts.names_of(session, before.ids.values())
        (event,) = audit.after(session, 0, 10)
        touched = [one for one in audit.verify(session) if one is not None]
    with database.engine.connect() as connection:
        dangling = connection.execute(sa.text("PRAGMA foreign_key_check")).all() if database.is_sqlite else []
    database.close()

    assert set(KEYS) == set(names.values())
    assert callers["lost"] is None  # the key was revoked
    for name, role in {"boss": Role.admin, "front desk": Role.inspector}.items():
        caller = callers[name]
        assert caller is not None
        assert ((Granted(role=role),), name) == (caller.grants, caller.name)
    assert ("front desk", AT) == (names[capture.sent_by], capture.received_at)
    assert ("DH-2026-000001", AT, "closed") == (issue.number, issue.closed_at, issue.state)
    assert [{"box": [1, 2, 3, 4], "confidence": 0.9}] == sighting.boxes
    assert [] == dangling
    assert ("close", "open", "closed", "boss", "清理完毕", AT) == (
        event.action, event.before, event.after, names[event.by_user_id], event.note, event.at,
    )  # fmt: skip
    assert ("issue", issue.id, 1) == (event.subject_kind, event.subject_id, event.seq)
    assert [] == touched
    assert (AT, "photo", [], False, None) == (
        issue.state_since, issue.source, issue.pauses, issue.supervised, issue.department,
    )  # fmt: skip
    assert ("photo", "", 0.9) == (sighting.source, sighting.note, sighting.confidence)


def test_the_key_of_the_first_release_still_opens(empty_url: str) -> None:
    database = Database(empty_url)
    before = FirstRelease(database)
    database.upgrade()
    with database.write() as session:
        _, key = accounts.make_key(session, before.ids["boss"], name="another")
        found = accounts.caller_of_key(session, key)
        old = accounts.caller_again(session, user_id=before.ids["boss"], key_id=before.ids["boss"])
    database.close()

    assert found is not None
    assert old is not None
    assert found.user_id == old.user_id == before.ids["boss"]
    assert list(Permission) == old.permissions


def test_upgrading_twice_is_harmless(empty_url: str) -> None:
    database = Database(empty_url)
    database.upgrade()
    database.upgrade()
    with database.engine.connect() as connection:
        versions = connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar_one()
    database.close()

    assert 1 == versions


def test_processes_that_start_together_upgrade_once(empty_url: str) -> None:
    code = "import os; from api.database import Database; Database(os.environ['URL']).upgrade()"
    together = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "URL": empty_url}, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=120)[1].decode() for process in together]

    assert ["", "", ""] == told
    assert [0, 0, 0] == [process.returncode for process in together]


def test_sqlite_is_durable_patient_and_strict(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with database.engine.connect() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()

    assert {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000} == said


@pytest.mark.parametrize(
    "url", ["mysql://x", "nonsense", "oracle://a:secret@b/c", "postgresql+nodriver://a:secret@b/c"]
)
def test_another_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="POINTWATCH_DATABASE_URL") as refused:
        Database(url)

    assert "secret" not in str(refused.value)


def test_a_database_that_does_not_answer_is_said_plainly(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")

    with pytest.raises(Unavailable, match="does not answer") as refused:
        database.check()
    assert "secret" not in str(refused.value)
