"""`pointwatch audit verify`: nothing touched is 0, anything touched is 1 and says which row."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from api.audit import service as audit
from api.database import Database
from cli import run


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a database with a log of three rows, which the command finds by its settings."""
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(tmp_path))
    path = tmp_path / "pointwatch.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    for action in ("a", "b", "c"):
        with database.write() as session:
            audit.append(session, audit.Entry(subject_kind="test", subject_id=uuid.uuid4(), action=action))
    database.close()
    return path


@pytest.fixture
def verify(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_here(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run(["audit", "verify", *arguments])
        return status, *capfd.readouterr()

    return run_here


def touch(file: Path, statement: str) -> None:
    """Change the log as somebody could who owns the file, its guards taken off."""
    connection = sqlite3.connect(file)
    with connection:
        connection.executescript(f"DROP TRIGGER audit_events_stay; DROP TRIGGER audit_events_remain; {statement}")
    connection.close()


def test_a_log_that_nobody_touched_is_sound(file: Path, verify) -> None:
    status, said, complaint = verify()
    first, head = said.splitlines()

    assert (0, "nothing was touched", "") == (status, first, complaint)
    assert head.startswith("3:")
    assert 0 == verify("--noted", head)[0]


def test_a_row_that_was_changed_is_named(file: Path, verify) -> None:
    touch(file, "UPDATE audit_events SET note = 'x' WHERE seq = 2")
    status, said, _ = verify()
    told = json.loads(verify("--json")[1])

    assert 1 == status
    assert "row 2 was changed" in said
    assert [(2, "changed")] == [(one["seq"], one["fault"]) for one in told["findings"]]


def test_a_log_that_was_cut_off_is_found_by_the_end_that_was_noted_down(file: Path, verify) -> None:
    noted = verify()[1].splitlines()[-1]
    touch(
        file,
        "DELETE FROM audit_events WHERE seq = 3; "
        "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_events WHERE seq = 2)",
    )

    assert 0 == verify()[0]
    assert (1, "row 3, which was noted down, is not in the log") == _first(verify("--noted", noted))


def _first(done: tuple[int, str, str]) -> tuple[int, str]:
    return done[0], done[1].splitlines()[0]


def test_what_is_no_end_of_a_log_is_refused(file: Path, verify) -> None:
    status, _, complaint = verify("--noted", "yesterday")

    assert 1 == status
    assert "SEQ:HASH" in complaint
