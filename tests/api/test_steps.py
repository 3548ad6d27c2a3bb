"""What people may do to issues: every combination of state, action and role."""

import threading
import uuid
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from api.accounts.roles import PERMISSIONS, Role
from api.database import now
from api.issues.tables import Issue
from api.issues.transitions import ENDED, TRANSITIONS, Action, Need, State, allowed
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.office import Office
from tests.api.test_points import await_a_lock, post_json

TOMORROW = (now() + timedelta(days=1)).isoformat()
WAYS: dict[State, list[Action]] = {
    State.in_review: [],
    State.open: [Action.confirm],
    State.dispatched: [Action.confirm, Action.dispatch],
    State.accepted: [Action.confirm, Action.dispatch, Action.accept],
    State.in_progress: [Action.confirm, Action.dispatch, Action.accept, Action.start],
    State.suspended: [Action.confirm, Action.dispatch, Action.accept, Action.start, Action.suspend],
    State.rectified: [Action.confirm, Action.dispatch, Action.accept, Action.start, Action.rectify],
    State.closed: [Action.confirm, Action.close],
    State.rejected: [Action.reject],
    State.merged: [Action.merge],
}
BEFORE: dict[Action, Action] = {  # what must have been done for a condition to hold
    Action.grant_extension: Action.request_extension,
    Action.refuse_extension: Action.request_extension,
    Action.unsupervise: Action.supervise,
}


def take(action: Action, issue: Issue, ledger: Ledger, service: Client) -> httpx.Response:
    """Take a step with all that it needs."""
    if Need.after_photo in TRANSITIONS[action].needs:
        ledger.after_photo(issue)
    fields = {
        Need.note: lambda: "because",
        Need.department: lambda: "sanitation_service",
        Need.until: lambda: TOMORROW,
        Need.into: lambda: ledger.record(ledger.point())[0].number,
        Need.violation: lambda: "rubble",
        Need.level: lambda: "city",
    }
    given = {need: fields[need]() for need in TRANSITIONS[action].needs if need in fields}
    return service.http.post(f"/api/v1/issues/{issue.number}/steps", json={"action": action, **given})


def issue_in(state: State, ledger: Ledger, service: Client) -> Issue:
    """Give an issue that has come into a state the way that issues do."""
    (issue,) = ledger.record(ledger.point(), doubtful())
    if state is State.lead:  # only who tells from outside makes one
        with ledger.database.write() as session:
            session.get_one(Issue, issue.id).state = State.lead
    for action in WAYS.get(state, []):
        expect(take(action, issue, ledger, service))
    return issue


ALLOWED = [(state, step.action) for step in TRANSITIONS.values() for state in sorted(step.since)]


@pytest.mark.parametrize(("state", "action"), ALLOWED)
def test_an_allowed_step_is_taken_and_written_down(
    state: State, action: Action, ledger: Ledger, service: Client
) -> None:
    issue = issue_in(state, ledger, service)
    if action in BEFORE:
        expect(take(BEFORE[action], issue, ledger, service))
    if Need.after_photo in TRANSITIONS[action].needs:
        ledger.after_photo(issue)
    before = expect(service.http.get(f"/api/v1/issues/{issue.number}?redirect=false"))
    answer = take(action, issue, ledger, service)
    after = expect(answer)
    event = service.events(issue.number)[0]
    me = expect(service.http.get("/api/v1/me"))["user_id"]

    assert (TRANSITIONS[action].to or state) == after["state"]
    assert (after["state"] in ENDED) == (after["closed_at"] is not None)
    assert before["revision"] < after["revision"]
    assert f'"{after["revision"]}"' == answer.headers["etag"]
    assert (before["state_since"] == after["state_since"]) == (before["state"] == after["state"])
    assert (action, state, after["state"], me) == (
        event["action"], event["before"], event["after"], event["by_user_id"],
    )  # fmt: skip
    assert ("because" if Need.note in TRANSITIONS[action].needs else "") == event["note"]


@pytest.mark.parametrize("state", State)
def test_a_step_that_the_state_does_not_allow_is_refused(state: State, ledger: Ledger, service: Client) -> None:
    issue = issue_in(state, ledger, service)
    before = expect(service.http.get(f"/api/v1/issues/{issue.number}?redirect=false")), service.events(issue.number)
    for action in Action:
        if state not in TRANSITIONS[action].since:
            problem = refusal(service.step(issue.number, action, into=issue.number), 409)

            assert f"{issue.number} is {state}" in problem["detail"]
    assert before == (
        expect(service.http.get(f"/api/v1/issues/{issue.number}?redirect=false")),
        service.events(issue.number),
    )


@pytest.mark.parametrize("action", BEFORE)
def test_a_step_whose_condition_does_not_hold_is_refused(action: Action, ledger: Ledger, service: Client) -> None:
    issue = issue_in(State.in_progress, ledger, service)

    refusal(take(action, issue, ledger, service), 409)
    expect(take(BEFORE[action], issue, ledger, service))
    expect(take(action, issue, ledger, service))
    refusal(take(action, issue, ledger, service), 409)


@pytest.mark.parametrize("action", [one for one in Action if TRANSITIONS[one].needs])
def test_a_step_without_what_it_needs_is_refused(action: Action, ledger: Ledger, service: Client) -> None:
    issue = issue_in(min(TRANSITIONS[action].since), ledger, service)
    if action in BEFORE:
        expect(take(BEFORE[action], issue, ledger, service))
    before = service.events(issue.number)
    refusal(service.http.post(f"/api/v1/issues/{issue.number}/steps", json={"action": action}), 422)

    assert before == service.events(issue.number)


def test_what_a_step_does_not_take_is_refused(ledger: Ledger, service: Client) -> None:
    issue = issue_in(State.in_review, ledger, service)
    problem = refusal(service.step(issue.number, "confirm", level="city"), 422)

    assert "takes no `level`" in problem["detail"]


@pytest.mark.parametrize("action", ["reject", "close"])
@pytest.mark.parametrize("note", ["", "   \n"])
def test_who_ends_an_issue_says_why(action: str, note: str, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service).number
    problem = refusal(service.step(number, action, note), 422)

    assert "say why" in problem["detail"]


def test_a_confirmation_needs_no_words(ledger: Ledger, service: Client) -> None:
    number = issue_in(State.in_review, ledger, service).number
    answer = expect(service.http.post(f"/api/v1/issues/{number}/steps", json={"action": "confirm"}))

    assert "open" == answer["state"]
    assert answer["clock_started_at"] is not None


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector])
def test_who_does_not_review_takes_no_steps(role: Role, office: Office, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service).number

    refusal(office.client(role).step(number, "close"), 403)


def test_what_a_role_may_do_is_known_beforehand() -> None:
    def may(role: Role, state: State) -> set[Action]:
        return set(allowed(state, PERMISSIONS[role].__contains__))

    assert {Action.confirm, Action.reject} < may(Role.reviewer, State.in_review)
    assert {Action.accept, Action.return_, Action.request_extension} == may(Role.handler, State.dispatched)
    assert set() == may(Role.inspector, State.open) == may(Role.admin, State.merged)


def test_a_step_on_what_has_changed_since_is_refused(ledger: Ledger, service: Client) -> None:
    point = ledger.point()
    (issue,) = ledger.record(point)
    read = service.http.get(f"/api/v1/issues/{issue.number}").headers["etag"]
    ledger.record(point)
    problem = refusal(service.step(issue.number, "close", if_match=read), 412)

    assert "Read it again" in problem["detail"]
    current = service.http.get(f"/api/v1/issues/{issue.number}").headers["etag"]
    assert 200 == service.step(issue.number, "close", if_match=current).status_code


@pytest.mark.parametrize("body", [{}, {"action": "explode"}, {"action": "close", "note": "x" * 2001}, {"action": None}])
def test_a_step_that_is_none_is_refused(body: dict[str, object], ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service).number

    refusal(service.http.post(f"/api/v1/issues/{number}/steps", json=body), 422)


@pytest.mark.parametrize("note", ["a\u0000b", "\ud800"])
def test_a_note_of_bytes_that_are_no_text_is_refused(note: str, ledger: Ledger, service: Client) -> None:
    number = issue_in(State.open, ledger, service).number

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


def test_a_merged_number_leads_to_the_issue_that_goes_on_in_its_place(ledger: Ledger, service: Client) -> None:
    first, second, third = (ledger.record(ledger.point())[0] for _ in range(3))
    expect(service.step(first.number, "merge", into=second.number))
    expect(service.step(second.number, "merge", into=third.number))
    answer = service.http.get(f"/api/v1/issues/{first.number}")
    followed = service.http.get(answer.headers["location"])
    itself = service.http.get(f"/api/v1/issues/{first.number}", params={"redirect": False})
    refused = refusal(service.step(first.number, "confirm"), 409)

    assert (308, f"/api/v1/issues/{third.number}") == (answer.status_code, answer.headers["location"])
    assert (first.number, second.number) == (answer.json()["number"], answer.json()["merged_into"])
    assert third.number == expect(followed)["number"]
    assert ("merged", first.number) == (expect(itself)["state"], expect(itself)["number"])
    assert "taken it over" in refused["detail"]


@pytest.mark.parametrize("worked", [(), ("dispatch",), ("dispatch", "accept", "start")])
def test_of_another_class_an_issue_goes_to_whoever_answers_for_that(
    worked: tuple[str, ...], ledger: Ledger, service: Client
) -> None:
    service.add_post(f"RC-{len(worked)}", department="publicity")
    point = ledger.point()
    rule = {"code": f"RC-{len(worked)}", "point": point.code, "violation": "damaged_ad", "post": f"RC-{len(worked)}"}
    expect(service.http.post("/api/v1/routing/rules", json=rule))
    (issue,) = ledger.record(point, violation("exposed_garbage"))
    for action in worked:
        expect(service.step(issue.number, action))
    changed = expect(service.step(issue.number, "change_class", violation="damaged_ad"))
    (event,) = [one for one in service.events(issue.number) if one["action"] == "change_class"]

    assert ("open", "publicity", rule["post"]) == (changed["state"], changed["department"], changed["post"]["code"])
    assert "publicity" == event["data"]["department"]


def test_where_the_same_department_answers_it_goes_on_with_its_work(ledger: Ledger, service: Client) -> None:
    (issue,) = ledger.record(ledger.point(), violation("exposed_garbage"))
    expect(service.step(issue.number, "dispatch"))
    expect(service.step(issue.number, "accept"))

    assert "accepted" == expect(service.step(issue.number, "change_class", violation="dirty_road"))["state"]


def test_a_day_over_a_year_away_is_a_slip_of_the_pen(ledger: Ledger, service: Client) -> None:
    issue = issue_in(State.in_progress, ledger, service)
    answer = service.step(issue.number, "request_extension", note="road works", until="2099-01-01T00:00:00Z")

    assert "over a year away; give a day within 366 days" in refusal(answer, 422)["detail"]
    assert "request_extension" not in [one["action"] for one in service.events(issue.number)]
