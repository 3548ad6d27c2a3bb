"""Many at once on one issue, and any order of doings: no lost update, no impossible state, one winner."""

import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from api.audit import service as audit
from api.database import now
from api.issues.tables import Issue
from api.issues.transitions import ENDED, TRANSITIONS, Action, State
from tests.api.client import Client, expect
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.office import Office

WRITERS = 16
LATER = (now() + timedelta(days=300)).isoformat()
CODES = ("exposed_garbage", "graffiti")


def at_once(work: Callable[[int], Any], count: int = WRITERS) -> list[Any]:
    """Give what `count` threads answer that start at the same moment."""
    start = threading.Barrier(count)

    def begin(number: int) -> Any:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def is_whole(ledger: Ledger, service: Client, number: str) -> list[dict[str, Any]]:
    """Hold an issue against its history, which must lead to it step by step as the table says; give the history."""
    issue = expect(service.http.get(f"/api/v1/issues/{number}?redirect=false"))
    events = service.events(number)[::-1]
    state = None
    for event in events:
        assert state == event["before"], events
        if event["action"] in set(Action):
            step = TRANSITIONS[Action(event["action"])]
            assert state in step.since
            sent_anew = event["action"] == "change_class" and event["after"] == "open"
            assert event["after"] in (step.to or state, "merged") or sent_anew
        state = event["after"]
    assert state == issue["state"]
    assert (state in ENDED) == (issue["closed_at"] is not None)
    assert len(service.sightings(number)) == issue["sighting_count"]
    return events


@pytest.mark.parametrize("action", ["dispatch", "reject", "close", "supervise", "merge"])
def test_of_sixteen_who_take_the_same_step_one_wins(action: str, ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point())
    more = {"into": ledger.record(ledger.point())[0].number} if action == "merge" else {}
    answers = at_once(lambda _: service.step(issue.number, action, **more).status_code)

    assert [200] + [409] * (WRITERS - 1) == sorted(answers)
    assert [action, "opened"] == [one["action"] for one in service.events(issue.number)]


def test_of_sixteen_who_read_the_same_revision_one_writes(ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point())
    tag = service.http.get(f"/api/v1/issues/{issue.number}").headers["etag"]
    levels = ("province", "city", "district")
    answers = at_once(
        lambda at: service.step(issue.number, "mark_notified", level=levels[at % 3], if_match=tag).status_code
    )
    shown = expect(service.http.get(f"/api/v1/issues/{issue.number}"))

    assert [200] + [412] * (WRITERS - 1) == sorted(answers)
    assert service.events(issue.number)[0]["data"]["level"] == shown["notified_by"]


def test_sixteen_who_do_anything_lose_nothing(ledger: Ledger, service: Client) -> None:
    """Steps of all kinds, sightings and reports at the same time: what was answered 200 is in the log, once."""
    point = ledger.point()
    (issue,) = ledger.record(point, doubtful())
    captures = [ledger.capture(point) for _ in range(WRITERS)]
    chances = [random.Random(at) for at in range(WRITERS)]

    def work(at: int) -> list[str]:
        done = []
        for turn in range(5):
            if at % 4 == 0 and turn == 2:
                ledger.record(point, violation(), capture=captures[at])
                continue
            action = chances[at].choice([one for one in Action if one not in (Action.merge, Action.change_class)])
            more = {"until": LATER} if "until" in TRANSITIONS[action].needs else {}
            more |= {"level": "city"} if "level" in TRANSITIONS[action].needs else {}
            more |= {"department": "enforcement"} if "department" in TRANSITIONS[action].needs else {}
            answer = service.step(issue.number, action, **more)
            assert answer.status_code in (200, 409, 422), answer.text
            done += [action] if answer.status_code == 200 else []
        return done

    done = sorted(action for share in at_once(work) for action in share)
    everywhere = service.issues(point=point.code)
    logged = [
        event["action"]
        for one in everywhere
        for event in is_whole(ledger, service, one["number"])
        if event["action"] in set(Action)
    ]

    assert done == sorted(logged)
    assert sum(one["closed_at"] is None for one in everywhere) <= 1
    assert 5 == sum(one["sighting_count"] for one in everywhere)
    with ledger.database.read() as session:
        assert [] == [one for one in audit.verify(session) if one is not None]


def test_reports_and_sightings_at_the_same_time_are_one_issue(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    captures = [ledger.capture(point) for _ in range(WRITERS)]

    def work(at: int) -> None:
        if at % 2:
            ledger.record(point, violation(), capture=captures[at])
        else:
            body = {"point": point.code, "class_code": "exposed_garbage"}
            expect(service.http.post("/api/v1/issues", json=body))

    at_once(work)
    (issue,) = service.issues(point=point.code)

    assert WRITERS == issue["sighting_count"]
    assert ["opened"] == [one["action"] for one in is_whole(ledger, service, issue["number"])][:1]


def test_two_classes_changed_into_each_other_at_the_same_time_leave_one_of_each(
    ledger: Ledger, service: Client
) -> None:
    for _ in range(3):
        point = ledger.point()
        first, second = ledger.record(point, violation(CODES[0]), violation(CODES[1]))
        pairs = [(first.number, second.class_code), (second.number, first.class_code)]
        at_once(lambda at, pairs=pairs: service.step(pairs[at][0], "change_class", violation=pairs[at][1]), 2)
        found = service.issues(point=point.code)

        assert 1 == sum(one["closed_at"] is None for one in found)
        assert 2 == sum(one["sighting_count"] for one in found)
        for one in found:
            is_whole(ledger, service, one["number"])


class Life(RuleBasedStateMachine):
    """Anything that may happen at a point, in any order, against what must hold at any time."""

    office: Office
    ledger: Ledger
    service: Client

    @initialize()
    def begin(self) -> None:
        self.point = self.ledger.point()

    def _all(self) -> list[dict[str, Any]]:
        return self.service.issues(point=self.point.code)

    @rule(code=st.sampled_from(CODES), sure=st.booleans())
    def see(self, code: str, sure: bool) -> None:
        open_before = [one for one in self._all() if one["violation"]["code"] == code and one["closed_at"] is None]
        (issue,) = self.ledger.record(self.point, violation(code) if sure else doubtful(code))

        assert [issue.number] == [one["number"] for one in open_before] or not open_before

    @rule(code=st.sampled_from(CODES))
    def tell(self, code: str) -> None:
        told = expect(self.service.http.post("/api/v1/issues", json={"point": self.point.code, "class_code": code}))

        assert told["state"] not in ("lead", "in_review", *ENDED)

    @rule(data=st.data(), action=st.sampled_from(Action))
    def act(self, data: st.DataObject, action: Action) -> None:
        there = self._all()
        if not there:
            return
        issue = data.draw(st.sampled_from(there), label="issue")
        number = issue["number"]
        listed = self.service.http.get(f"/api/v1/issues/{number}/actions").json()
        offered = {one["action"]: one for one in listed}
        answer = self._take(issue, action, data, offered.get(action, {}).get("needs", TRANSITIONS[action].needs))
        if action in offered:
            others = "after_photo" not in offered[action]["needs"]
            assert answer.status_code in (200 if others else 422, 409), answer.text
        else:
            assert 409 == answer.status_code, answer.text

    def _take(self, issue: dict[str, Any], action: Action, data: st.DataObject, needs: list[str]) -> httpx.Response:
        code = issue["violation"]["code"]
        fields = {
            "until": LATER,
            "department": "enforcement",
            "into": data.draw(st.sampled_from([one["number"] for one in self._all()]), label="into"),
            "violation": next(one for one in CODES if one != code),
            "level": "city",
        }
        given = {name: value for name, value in fields.items() if name in needs}
        if given.get("into") == issue["number"]:  # into itself makes no sense in any state
            given["into"] = self.ledger.record(self.ledger.point())[0].number
        return self.service.step(issue["number"], action, **given)

    @rule(data=st.data())
    def send_after_photo(self, data: st.DataObject) -> None:
        working = [one for one in self._all() if one["state"] in ("in_progress", "accepted", "dispatched", "open")]
        if working:
            chosen = data.draw(st.sampled_from(working), label="issue")
            with self.ledger.database.read() as session:
                row = session.get_one(Issue, uuid.UUID(chosen["id"]))
            self.ledger.after_photo(row)

    @invariant()
    def everything_holds(self) -> None:
        if not hasattr(self, "point"):
            return
        found = self._all()
        unfinished = [one["violation"]["code"] for one in found if one["closed_at"] is None]

        assert len(unfinished) == len(set(unfinished))
        for one in found:
            is_whole(self.ledger, self.service, one["number"])
            assert (one["state"] == "merged") == (one["merged_into"] is not None)
            assert one["state"] in set(State)


def test_whatever_happens_in_whatever_order_the_issues_of_a_point_stay_whole(
    office: Office, ledger: Ledger, service: Client
) -> None:
    machine = type("LifeHere", (Life,), {"office": office, "ledger": ledger, "service": service})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=6, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    with ledger.database.read() as session:
        assert [] == [one for one in audit.verify(session) if one is not None]
