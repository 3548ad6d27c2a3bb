"""Who sees what: a grant that is limited to a community, a department or a point narrows every list and every look."""

import pytest

from api.accounts.roles import OFFICE_WIDE, PERMISSIONS, Permission, Role
from api.accounts.schemas import EVERYWHERE, Granted, Scope, ScopeKind
from api.points.tables import Point
from tests.api.client import Client, expect, point_fields, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.detector.pictures import encoded, street


def in_community(name: str, role: Role = Role.viewer) -> Granted:
    return Granted(role=role, scope_kind=ScopeKind.community, scope_value=name)


def at_point(code: str, role: Role = Role.viewer) -> Granted:
    return Granted(role=role, scope_kind=ScopeKind.point, scope_value=code)


@pytest.fixture(scope="module")
def here(ledger: Ledger) -> Point:
    return ledger.point(community="here")


@pytest.fixture(scope="module")
def there(ledger: Ledger) -> Point:
    return ledger.point(community="there")


@pytest.mark.parametrize("by", ["community", "point"])
def test_lists_show_what_lies_within(by: str, office: Office, ledger: Ledger, here: Point, there: Point) -> None:
    client = office.granted(in_community("here") if by == "community" else at_point(here.code))
    seen, unseen = ledger.capture(here), ledger.capture(there)
    (issue,), (other,) = ledger.record(here, capture=seen), ledger.record(there, capture=unseen)
    captures = {one["id"] for one in client.all("/api/v1/captures")}
    issues = {one["number"] for one in client.issues()}

    assert [here.code] == [one["code"] for one in client.all("/api/v1/points")]
    assert (True, False) == (str(seen.id) in captures, str(unseen.id) in captures)
    assert (True, False) == (issue.number in issues, other.number in issues)
    assert here.code in client.http.get("/api/v1/points/export").text
    assert there.code not in client.http.get("/api/v1/points/export").text
    assert 1 == expect(client.http.get("/api/v1/issues/summary"))["points_with_open"]


def test_what_lies_outside_is_not_there(office: Office, ledger: Ledger, here: Point, there: Point) -> None:
    client = office.granted(in_community("here", Role.admin))
    capture = ledger.capture(there)
    (issue,) = ledger.record(there, capture=capture)

    for path in (
        f"points/{there.code}",
        f"points/{there.id}",
        f"captures/{capture.id}",
        f"captures/{capture.id}/picture",
        f"captures?point={there.code}",
        f"issues/{issue.number}",
        f"issues/{issue.id}",
        f"issues/{issue.number}/sightings",
        f"issues/{issue.number}/events",
        f"issues?point={there.code}",
    ):
        refusal(client.http.get(f"/api/v1/{path}"), 404)
    refusal(client.step(issue.number, "close"), 404)
    refusal(client.http.put(f"/api/v1/points/{there.code}", json=point_fields(there.code)), 404)
    refusal(client.http.post(f"/api/v1/captures/{capture.id}/retry"), 404)


def test_a_role_holds_only_where_it_was_given(office: Office, ledger: Ledger, here: Point, there: Point) -> None:
    client = office.granted(Granted(role=Role.viewer), in_community("here", Role.reviewer))
    (mine,), (theirs,) = ledger.record(here), ledger.record(there)

    refusal(client.step(theirs.number, "reject"), 403)
    assert 200 == client.step(mine.number, "reject").status_code


def test_nobody_moves_a_point_out_of_reach(office: Office, ledger: Ledger) -> None:
    client = office.granted(in_community("here", Role.admin))
    mine = ledger.point(community="here")
    theirs = point_fields("ELSEWHERE", community="there")

    refusal(client.http.post("/api/v1/points", json=theirs), 403)
    refusal(client.http.put(f"/api/v1/points/{mine.code}", json=theirs), 403)
    assert 200 == client.http.put(f"/api/v1/points/{mine.code}", json=theirs | {"community": "here"}).status_code


def test_photos_are_sent_only_to_points_within(office: Office, here: Point, there: Point) -> None:
    client = office.granted(in_community("here", Role.inspector))
    photo = encoded(street(64, 48))

    assert 202 == client.upload(photo, point=here.code).status_code
    refusal(client.upload(photo, point=there.code), 404)


def test_an_office_wide_permission_is_not_given_by_a_limited_grant(office: Office) -> None:
    client = office.granted(in_community("here", Role.admin))
    me = expect(client.http.get("/api/v1/me"))

    assert set(Permission) - OFFICE_WIDE == set(me["permissions"])
    refusal(client.http.get("/api/v1/keys"), 403)


def test_a_user_without_grants_is_known_and_may_nothing(office: Office) -> None:
    client = office.granted()

    assert [] == expect(client.http.get("/api/v1/me"))["permissions"]
    refusal(client.http.get("/api/v1/issues"), 403)


def test_a_key_may_less_than_its_user_never_more(office: Office, service: Client) -> None:
    user = expect(service.http.post("/api/v1/keys", json={"name": "robot", "role": "inspector"}))["user_id"]
    wanted = {"name": "less", "user_id": user, "permissions": ["view_issues", "manage_users"]}
    made = expect(service.http.post("/api/v1/keys", json=wanted))
    robot = office.http(Authorization=f"Bearer {made['key']}")

    assert ["view_issues"] == expect(robot.get("/api/v1/me"))["permissions"]
    refusal(robot.get("/api/v1/points"), 403)
    refusal(robot.get("/api/v1/keys"), 403)


def test_scopes_join(office: Office) -> None:
    caller = expect(office.granted(in_community("a"), in_community("b"), at_point("P")).http.get("/api/v1/me"))

    assert 3 == len(caller["grants"])
    joined = Scope(communities=frozenset("ab"), points=frozenset("P"))
    assert joined.covers(community="b")
    assert joined.covers(community="c", point="P")
    assert not joined.covers(community="c", point="Q")
    assert not Scope().covers(community="", department=None, point=None)
    assert Scope(departments=frozenset("d")).of_places() == EVERYWHERE


@pytest.mark.parametrize("grant", [{"scope_kind": "community"}, {"scope_value": "x"}, {"scope_kind": "planet"}])
def test_a_grant_that_names_half_a_scope_is_none(grant: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="scope"):
        Granted.model_validate({"role": "viewer"} | grant)


def test_every_permission_is_somebodys_and_the_administrator_has_all() -> None:
    assert set(Role) == set(PERMISSIONS)
    assert set(Permission) == set(PERMISSIONS[Role.admin])
    assert all(Permission.view_issues in PERMISSIONS[role] for role in Role)
