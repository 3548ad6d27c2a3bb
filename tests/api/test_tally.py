"""What is counted while issues end is what a full count gives, whoever ends them side by side."""

import random
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from api.issues import service as issues
from api.issues.tables import EndedTally, Issue
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, doubtful
from tests.api.office import Office

CODES = ("exposed_garbage", "graffiti", "clutter")
WRITERS = 8


def differences(office: Office) -> list[str]:
    with office.context.database.read() as session:
        return list(issues.differences(session))


def test_parallel_writers_leave_the_tally_right(fresh_office: Office) -> None:
    ledger = Ledger(fresh_office)
    points = [ledger.point() for _ in range(3)]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        client = fresh_office.client()
        for _ in range(6):
            (issue,) = ledger.record(chance.choice(points), doubtful(chance.choice(CODES)))
            action = chance.choice(["reject", "confirm", "close"])
            answer = client.step(issue.number, action)
            assert answer.status_code in (200, 409), answer.text  # another may have been first

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    with fresh_office.context.database.read() as session:
        kept = session.scalar(sa.select(sa.func.sum(EndedTally.count)))
        ended = session.scalar(sa.select(sa.func.count()).where(Issue.closed_at.is_not(None)))

    assert [] == differences(fresh_office)
    assert 0 < ended == kept


def test_what_comes_back_is_taken_off_and_what_is_undone_never_counted(fresh_office: Office) -> None:
    ledger, client = Ledger(fresh_office), fresh_office.client()
    point = ledger.point()
    (issue,) = ledger.record(point)
    expect(client.step(issue.number, "close"))
    before = expect(client.http.get("/api/v1/issues/summary"))["by_state"]
    with fresh_office.context.database.write() as session:
        session.scalars(sa.select(Issue)).one().state = "merged"
        session.flush()
        session.rollback()
    ledger.record(point)  # seen again within the window
    after = expect(client.http.get("/api/v1/issues/summary"))["by_state"]

    assert (1, 0) == (before["closed"], before["open"])
    assert (0, 1) == (after["closed"], after["open"])
    assert [] == differences(fresh_office)


def test_counting_anew_mends_a_tally_that_somebody_spoiled(fresh_office: Office) -> None:
    ledger = Ledger(fresh_office)
    (issue,) = ledger.record(ledger.point())
    expect(fresh_office.client().step(issue.number, "close"))
    with fresh_office.context.database.write() as session:
        session.execute(sa.update(EndedTally).values(count=7))
    spoiled = differences(fresh_office)
    with fresh_office.context.database.write() as session:
        issues.recount(session)

    assert 1 == len(spoiled)
    assert [] == differences(fresh_office)


def test_the_map_gets_the_unfinished_of_each_point(service: Client, ledger: Ledger) -> None:
    point = ledger.point()
    ledger.record(point, doubtful())
    counted = expect(service.http.get("/api/v1/issues/by-point"))

    assert [{"in_review": 1}] == [one["by_state"] for one in counted if one["point"]["code"] == point.code]


def due(ledger: Ledger, number: str, moment: str | None) -> None:
    with ledger.database.write() as session:
        session.connection().execute(
            sa.text("UPDATE issues SET due_at = :at, step_due_at = :at WHERE number = :number"),
            {"at": moment, "number": number},
        )


def test_lists_by_due_give_what_is_due_first_page_by_page(service: Client, ledger: Ledger) -> None:
    point = ledger.point(community="due")
    made = {code: ledger.record(point, doubtful(code))[0].number for code in (*CODES, "rubble", "collapse")}
    moments = ["2031-05-01 00:00:00.000000", "2031-04-01 00:00:00.000000", "2031-04-01 00:00:00.000000", None]
    for number, moment in zip(made.values(), [*moments, "2020-01-01 00:00:00.000000"], strict=True):
        due(ledger, number, f"{moment}+00:00" if moment and not ledger.database.is_sqlite else moment)
    listed = [one["number"] for one in service.all("/api/v1/issues", limit=1, community="due", sort="due")]
    late = [one["number"] for one in service.all("/api/v1/issues", community="due", overdue="true")]

    assert [made["collapse"], made["graffiti"], made["clutter"], made["exposed_garbage"]] == listed
    assert [made["collapse"]] == late


def test_a_cursor_of_another_list_is_refused(service: Client) -> None:
    for cursor in ("AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "_" * 32, "x"):
        refusal(service.http.get("/api/v1/issues", params={"sort": "due", "cursor": cursor}), 422)
