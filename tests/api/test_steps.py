"""What people may do to issues: every combination of state, action and role."""

import threading
import uuid
from itertools import product

import pytest
import sqlalchemy as sa

from api.accounts.roles import PERMISSIONS, Role
from api.issues.tables import Issue
from api.issues.transitions import ENDED, TRANSITIONS, Action, State, allowed
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.office import Office
from tests.api.test_points import await_a_lock, post_json

WAYS: dict[State, list[str]] = {
    State.in_review: [],
    State.open: ["confirm"],
    State.closed: ["confirm", "close"],
    State.rejected: ["reject"],
}


def issue_in(state: State, ledger: Ledger, service: Client) -> str:
    """Give the number of an issue that has come into a state the way that issues do."""
    (issue,) = ledger.record(ledger.point(), doubtful())
    for action in WAYS[state]:
        expect(service.step(issue.number, action))
    return issue.number


ALLOWED = [(state, step.action) for step in TRANSITIONS.values() for state in sorted(step.since)]
FORBIDDEN = [one for one in product(State, Action) if one not in ALLOWED]


@pytest.mark.parametrize(("state", "action"), ALLOWED)
def test_an_allowed_step_is_taken_and_written_down(
    state: State, action: Action, ledger: Ledger, service: Client
) -> None:
    number = issue_in(state, ledger, service)
    before = expect(service.http.get(f"/api/v1/issues/{number}"))
    answer = service.step(number, action, "because")
    after = expect(answer)
    event = service.events(number)[0]
    me = expect(service.http.get("/api/v1/me"))["user_id"]

    assert TRANSITIONS[action].to == after["state"]
    assert (after["state"] in ENDED) == (after["closed_at"] is not None)
    assert before["revision"] + 1 == after["revision"]
    assert f'"{after["revision"]}"' == answer.headers["etag"]
    assert (action, state, after["state"], "because", me) == (
        event["action"], event["from_state"], event["to_state"], event["note"], event["by_user_id"],
    )  # fmt: skip


@pytest.mark.parametrize(("state", "action"), FORBIDDEN)
def test_a_step_that_the_state_does_not_allow_is_refused(
    state: State, action: Action, ledger: Ledger, service: Client
) -> None:
    number = issue_in(state, ledger, service)
    before = expect(service.http.get(f"/api/v1/issues/{number}")), service.events(number)
    problem = refusal(service.step(number, action), 409)

    assert f"{number} is {state}" in problem["detail"]
    assert before == (expect(service.http.get(f"/api/v1/issues/{number}")), service.events(number))


@pytest.mark.parametrize("action", ["reject", "close"])
@pytest.mark.parametrize("note", ["", "   \n"])
def test_who_ends_an_issue_says_why(action: str, note: str, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service)
    problem = refusal(service.step(number, action, note), 422)

    assert "say why" in problem["detail"]


def test_a_confirmation_needs_no_words(ledger: Ledger, service: Client) -> None:
    number = issue_in(State.in_review, ledger, service)
    answer = expect(service.http.post(f"/api/v1/issues/{number}/steps", json={"action": "confirm"}))

    assert "open" == answer["state"]
    assert answer["clock_started_at"] is not None


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector])
def test_who_does_not_review_takes_no_steps(role: Role, office: Office, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service)

    refusal(office.client(role).step(number, "close"), 403)


def test_what_a_role_may_do_is_known_beforehand() -> None:
    def may(role: Role, state: State) -> list[Action]:
        return allowed(state, PERMISSIONS[role].__contains__)

    assert [Action.confirm, Action.reject] == may(Role.reviewer, State.in_review)
    assert [Action.reject, Action.close] == may(Role.admin, State.open)
    assert [] == may(Role.inspector, State.open) == may(Role.admin, State.closed)


def test_a_step_on_what_has_changed_since_is_refused(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (issue,) = ledger.record(point)
    read = service.http.get(f"/api/v1/issues/{issue.number}").headers["etag"]
    ledger.record(point)
    problem = refusal(service.step(issue.number, "close", **{"If-Match": read}), 412)

    assert "Read it again" in problem["detail"]
    now = service.http.get(f"/api/v1/issues/{issue.number}").headers["etag"]
    assert 200 == service.step(issue.number, "close", **{"If-Match": now}).status_code


@pytest.mark.parametrize("body", [{}, {"action": "explode"}, {"action": "close", "note": "x" * 501}, {"action": None}])
def test_a_step_that_is_none_is_refused(body: dict[str, object], ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service)

    refusal(service.http.post(f"/api/v1/issues/{number}/steps", json=body), 422)


@pytest.mark.parametrize("note", ["a\u0000b", "\ud800"])
def test_a_note_of_bytes_that_are_no_text_is_refused(note: str, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service)

    refusal(post_json(service, f"/api/v1/issues/{number}/steps", {"action": "close", "note": note}), 422)


def test_an_issue_that_is_not_there_is_not_found(service: Client) -> None:
    refusal(service.step("DH-1999-000001", "close"), 404)
    refusal(service.http.get(f"/api/v1/issues/{uuid.uuid4()}"), 404)
    refusal(service.http.get("/api/v1/issues/DH-1999-000001/events"), 404)
    refusal(service.http.get("/api/v1/issues/DH-1999-000001/sightings"), 404)


def test_an_issue_is_known_by_its_id_too(ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point())

    assert issue.number == expect(service.http.get(f"/api/v1/issues/{issue.id}"))["number"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, scope="module")
def test_of_two_who_close_the_same_issue_one_is_told(ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point(), violation())
    answers = []
    with ledger.database.write() as session:
        session.execute(sa.select(Issue).where(Issue.id == issue.id).with_for_update())
        other = threading.Thread(target=lambda: answers.append(service.step(issue.number, "close")))
        other.start()
        await_a_lock(ledger)
        session.execute(sa.update(Issue).where(Issue.id == issue.id).values(state=State.rejected, revision=9))
    other.join()

    refusal(answers[0], 409)
