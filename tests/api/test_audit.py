"""The log: chained in the order of commits, never changed, and whoever touches it is found out."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from api.accounts.roles import Role
from api.audit import service as audit
from api.audit.chain import FIRST, canonical, digest
from api.audit.tables import AuditEvent, AuditHead
from api.database import Database, now
from tests.api.client import expect, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office

WRITERS = 16
EVENT = {
    "seq": 7,
    "at": datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
    "by_user_id": None,
    "subject_kind": "issue",
    "subject_id": uuid.UUID("01930000-0000-7000-8000-00000000000A"),
    "action": "close",
    "before": "open",
    "after": "closed",
    "note": "清理完毕",
    "capture_id": None,
    "data": {"b": 1.5, "a": [True, None]},
    "previous_hash": FIRST,
}


def entry(action: str = "tried", **changes: object) -> audit.Entry:
    return audit.Entry(subject_kind="test", subject_id=uuid.uuid4(), action=action, **changes)  # type: ignore[arg-type]


def write(database: Database, *actions: str) -> None:
    for action in actions:
        with database.write() as session:
            audit.append(session, entry(action))


def findings(database: Database, noted: audit.Anchor | None = None) -> list[tuple[int, str]]:
    with database.read() as session:
        return [(one.seq, one.fault.value) for one in audit.verify(session, noted) if one is not None]


def anchor(database: Database) -> audit.Anchor:
    with database.read() as session:
        end = audit.head(session)
        return audit.Anchor(seq=end.seq, hash=end.hash)


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return [one.action for one in audit.after(session, 0, 1000)]


@pytest.fixture
def touch(fresh_database: Database) -> Callable[[str], None]:
    """Give a function that changes the log as somebody could who owns the database, its guards taken off."""

    def do(statement: str) -> None:
        with fresh_database.write() as session:
            if fresh_database.is_sqlite:
                session.execute(sa.text("DROP TRIGGER IF EXISTS audit_events_stay"))
                session.execute(sa.text("DROP TRIGGER IF EXISTS audit_events_remain"))
            else:
                session.execute(sa.text("ALTER TABLE audit_events DISABLE TRIGGER ALL"))
            session.execute(sa.text(statement))

    return do


def test_the_canonical_form_is_what_the_docs_say() -> None:
    written = (
        '{"action":"close","after":"closed","at":"2026-11-23T08:30:00.000000Z","before":"open","by_user_id":null,'
        '"capture_id":null,"data":{"a":[true,null],"b":1.5},"note":"清理完毕","previous_hash":"' + FIRST + '","seq":7,'
        '"subject_id":"01930000-0000-7000-8000-00000000000a","subject_kind":"issue"}'
    )

    assert written == canonical(EVENT).decode()
    assert 64 == len(digest(EVENT))


def test_a_moment_has_one_form_whatever_its_zone() -> None:
    there = EVENT["at"].astimezone(timezone(timedelta(hours=8)))

    assert digest(EVENT) == digest(EVENT | {"at": there})
    with pytest.raises(ValueError, match="without a zone"):
        digest(EVENT | {"at": there.replace(tzinfo=None)})


@given(st.sampled_from(sorted(EVENT)), st.text() | st.integers() | st.none())
def test_no_member_can_be_changed_without_changing_the_hash(member: str, value: object) -> None:
    changed = EVENT | {member: value}
    try:
        different = canonical(changed) != canonical(EVENT)
    except UnicodeEncodeError:  # half a letter cannot be kept by any database either
        return

    assert different == (digest(changed) != digest(EVENT))


def test_rows_are_chained_from_the_first_on(fresh_database: Database) -> None:
    write(fresh_database, "a", "b", "c")
    with fresh_database.read() as session:
        rows = audit.after(session, 0, 10)
        end = audit.head(session)

    assert [1, 2, 3] == [one.seq for one in rows]
    assert [FIRST, rows[0].hash, rows[1].hash] == [one.previous_hash for one in rows]
    assert (3, rows[2].hash) == (end.seq, end.hash)
    assert [] == findings(fresh_database)


def test_what_is_rolled_back_was_never_done(fresh_database: Database) -> None:
    def fail(session: Session, *actions: str) -> None:
        with session.begin_nested():
            audit.append(session, entry(actions[0]))
            with session.begin_nested():
                audit.append(session, entry(actions[1]))
            raise RuntimeError

    with pytest.raises(RuntimeError), fresh_database.write() as session:
        fail(session, "never", "this neither")
    with fresh_database.write() as session:
        audit.append(session, entry("before"))
        with pytest.raises(RuntimeError):
            fail(session, "within", "deeper")
        with session.begin_nested():
            audit.append(session, entry("kept"))
        audit.append(session, entry("after"))

    assert ["before", "kept", "after"] == actions(fresh_database)
    assert [] == findings(fresh_database)


def test_writers_at_the_same_time_make_one_chain(fresh_database: Database) -> None:
    """Each also holds a row of its own and wants another's, which must not end in a circle."""

    def work(name: int) -> None:
        for turn in range(4):
            write(fresh_database, f"{name}.{turn}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))

    assert {f"{name}.{turn}" for name in range(WRITERS) for turn in range(4)} == set(actions(fresh_database))
    assert [] == findings(fresh_database)


def test_a_reader_who_follows_misses_nothing(fresh_database: Database) -> None:
    seen: list[int] = []
    with ThreadPoolExecutor(9) as pool:
        done = [pool.submit(write, fresh_database, *["x"] * 8) for _ in range(8)]
        while len(seen) < 64:
            with fresh_database.read() as session:
                seen += [one.seq for one in audit.after(session, seen[-1] if seen else 0, 5)]
        for one in done:
            one.result()

    assert list(range(1, 65)) == seen


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET note = 'x'", "DELETE FROM audit_events"])
def test_the_database_itself_refuses_to_change_the_log(statement: str, fresh_database: Database) -> None:
    write(fresh_database, "a")

    with pytest.raises(sa.exc.DBAPIError, match="only ever added to"), fresh_database.write() as session:
        session.execute(sa.text(statement))
    assert ["a"] == actions(fresh_database)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_events SET note = 'another' WHERE seq = 3", [(3, "changed")]),
        ("UPDATE audit_events SET at = '2020-01-01 00:00:00.000000+00:00' WHERE seq = 1", [(1, "changed")]),
        ("UPDATE audit_events SET data = '{\"x\": 1}' WHERE seq = 5", [(5, "changed")]),
        ("DELETE FROM audit_events WHERE seq = 3", [(3, "missing")]),
        ("DELETE FROM audit_events WHERE seq = 1", [(1, "missing")]),
        ("DELETE FROM audit_events WHERE seq > 3", [(4, "missing")]),
        ("DELETE FROM audit_events", [(1, "missing")]),
        ("UPDATE audit_head SET seq = 9", [(6, "missing")]),
        ("UPDATE audit_head SET hash = 'f'", [(5, "changed")]),
    ],
)
def test_a_row_that_was_changed_or_taken_out_is_named(
    statement: str, found: list[tuple[int, str]], fresh_database: Database, touch
) -> None:
    write(fresh_database, "a", "b", "c", "d", "e")
    touch(statement)

    assert found == findings(fresh_database)


def test_rows_that_changed_places_are_named(fresh_database: Database, touch) -> None:
    write(fresh_database, "a", "b", "c", "d", "e")
    for old, new in ((2, 99), (3, 2), (99, 3)):
        touch(f"UPDATE audit_events SET seq = {new} WHERE seq = {old}")

    assert {2, 3, 4} == {seq for seq, _ in findings(fresh_database)}


def test_a_row_that_was_changed_with_its_hash_breaks_the_next(fresh_database: Database, touch) -> None:
    write(fresh_database, "a", "b", "c")
    _rewrite(fresh_database, touch, 2)

    assert [(3, "moved")] == findings(fresh_database)


def _rewrite(database: Database, touch, seq: int) -> None:
    """Change the note of a row and give it the hash that fits."""
    with database.read() as session:
        row = session.get_one(AuditEvent, seq)
        members = {column.key: getattr(row, column.key) for column in sa.inspect(AuditEvent).columns}
    touch(f"UPDATE audit_events SET note = 'forged', hash = '{digest(members | {'note': 'forged'})}' WHERE seq = {seq}")


def test_a_log_that_was_rewritten_to_its_end_is_found_by_who_noted_it_down(fresh_database: Database, touch) -> None:
    write(fresh_database, "a", "b")
    noted = anchor(fresh_database)
    _rewrite(fresh_database, touch, 2)
    with fresh_database.write() as session:
        session.get_one(AuditHead, 1).hash = session.get_one(AuditEvent, 2).hash

    assert [] == findings(fresh_database)
    assert [(2, "replaced")] == findings(fresh_database, noted)
    touch("DELETE FROM audit_events WHERE seq = 2")
    with fresh_database.write() as session:
        session.get_one(AuditHead, 1).seq = 1
        session.get_one(AuditHead, 1).hash = session.get_one(AuditEvent, 1).hash
    assert [] == findings(fresh_database)
    assert [(2, "cut_off")] == findings(fresh_database, noted)


def test_a_noted_end_that_later_rows_follow_is_sound(fresh_database: Database) -> None:
    write(fresh_database, "a", "b")
    noted = anchor(fresh_database)
    write(fresh_database, "c")

    assert [] == findings(fresh_database, noted)


# Over HTTP


def test_the_log_can_be_read_page_by_page_and_narrowed(office: Office, ledger: Ledger) -> None:
    (issue,) = ledger.record(ledger.point())
    client = office.client()
    expect(client.step(issue.number, "dispatch"))
    expect(client.step(issue.number, "reject"))
    me = expect(client.http.get("/api/v1/me"))["user_id"]
    wanted = {"subject_kind": "issue", "subject_id": str(issue.id)}
    whole = client.all("/api/v1/audit", **wanted)

    assert ["reject", "dispatch", "opened"] == [one["action"] for one in whole]
    assert whole == client.all("/api/v1/audit", limit=1, **wanted)
    assert whole[1]["hash"] == whole[0]["previous_hash"] or whole[0]["seq"] > whole[1]["seq"] + 1
    assert whole[:2] == client.all("/api/v1/audit", by_user_id=me, **wanted)
    assert whole[1:2] == client.all("/api/v1/audit", action="dispatch", **wanted)
    assert [] == client.all("/api/v1/audit", since=(now() + timedelta(hours=1)).isoformat(), **wanted)
    assert whole == client.all("/api/v1/audit", until=(now() + timedelta(hours=1)).isoformat(), **wanted)


def test_a_program_can_follow_the_log(office: Office, ledger: Ledger) -> None:
    http = office.client().http
    point = ledger.point()
    end = expect(http.get("/api/v1/audit/head"))
    (issue,) = ledger.record(point)
    (first,) = http.get(f"/api/v1/audit/after/{end['seq']}").json()

    assert (end["seq"] + 1, end["hash"]) == (first["seq"], first["previous_hash"])
    assert str(issue.id) == first["subject_id"]


def test_the_log_is_not_for_everybody(office: Office) -> None:
    for path in ("/api/v1/audit", "/api/v1/audit/head", "/api/v1/audit/after/0"):
        refusal(office.client(Role.inspector).http.get(path), 403)
        refusal(office.http().get(path), 401)


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense",
        "cursor=_____________________w",
        "since=2026-11-23T08:00:00",
        "since=0001-01-01T00:00:00%2B14:00",
        "subject_id=1",
        f"action={'x' * 41}",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(query: str, office: Office) -> None:
    refusal(office.client().http.get(f"/api/v1/audit?{query}"), 422)


@pytest.mark.parametrize("seq", ["-1", "x", str(2**63)])
def test_a_place_that_no_log_has_is_refused(seq: str, office: Office) -> None:
    refusal(office.client().http.get(f"/api/v1/audit/after/{seq}"), 422)
