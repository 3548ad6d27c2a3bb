"""Users, grants and keys over HTTP: what administrators do, and what they cannot do by mistake."""

import uuid
from datetime import timedelta

import pytest

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.database import now
from tests.api.client import Client, expect, refusal
from tests.api.office import Office


def add(service: Client, login: str, **fields: object) -> dict:
    return expect(service.http.post("/api/v1/users", json={"login": login, "name": login, **fields}))


def test_a_user_is_added_shown_changed_and_listed(service: Client) -> None:
    made = add(service, "Wang.Fang", phone="+86 755 2222", grants=[{"role": "secretary"}])
    path = f"/api/v1/users/{made['id']}"
    shown = service.http.get(path)
    changed = service.http.patch(
        path, json={"name": "王芳", "phone": None}, headers={"If-Match": shown.headers["etag"]}
    )

    assert "wang.fang" == made["login"]
    assert 17 == len(made["first_password"])
    assert "first_password" not in expect(shown)
    assert ("王芳", None, True) == tuple(expect(changed)[name] for name in ("name", "phone", "active"))
    assert expect(changed) in service.all("/api/v1/users", limit=2)
    refusal(service.http.patch(path, json={"name": "x"}, headers={"If-Match": shown.headers["etag"]}), 412)


@pytest.mark.parametrize(
    "fields",
    [
        {"login": ""}, {"login": "a b"}, {"login": "a\0"}, {"login": "x" * 41}, {"name": ""}, {"name": "a\nb"},
        {"phone": "call me"}, {"email": "nobody"}, {"language": "fr"}, {"kind": "robot"}, {"password": "x"},
        {"grants": [{"role": "king"}]}, {"grants": [{"role": "viewer", "scope_kind": "community"}]},
    ],
)  # fmt: skip
def test_a_user_that_cannot_be_is_refused(fields: dict[str, object], service: Client) -> None:
    refusal(service.http.post("/api/v1/users", json={"login": "fine", "name": "fine"} | fields), 422)


@pytest.mark.parametrize("same", ["twice", "TWICE", "ｔｗｉｃｅ"])
def test_a_login_name_is_one_users(same: str, service: Client) -> None:
    if same == "twice":
        add(service, "twice")

    refusal(service.http.post("/api/v1/users", json={"login": same, "name": "x"}), 409)


def test_grants_are_given_and_taken_back_at_once(office: Office, service: Client) -> None:
    user = add(service, "robot", kind="service")
    key = expect(service.http.post("/api/v1/keys", json={"name": "its key", "user_id": user["id"]}))["key"]
    robot = office.http(Authorization=f"Bearer {key}")
    path = f"/api/v1/users/{user['id']}/grants"
    refusal(robot.get("/api/v1/issues"), 403)
    here = {"role": "viewer", "scope_kind": "community", "scope_value": "翠宁社区"}
    granted = expect(service.http.post(path, json=here))

    assert None is user["first_password"]
    assert 200 == robot.get("/api/v1/issues").status_code
    refusal(service.http.post(path, json=here), 409)
    withdrawn = expect(service.http.delete(f"{path}/{granted['grants'][0]['id']}"))
    assert [] == withdrawn["grants"]
    refusal(robot.get("/api/v1/issues"), 403)
    refusal(service.http.delete(f"{path}/{granted['grants'][0]['id']}"), 404)


def test_the_last_administrator_stays(fresh_office: Office) -> None:
    admin = fresh_office.http(Authorization=f"Bearer {fresh_office.admin_key()}")
    me = expect(admin.get("/api/v1/me"))["user_id"]
    user = expect(admin.get(f"/api/v1/users/{me}"))

    for answer in (
        admin.patch(f"/api/v1/users/{me}", json={"active": False}),
        admin.delete(f"/api/v1/users/{me}/grants/{user['grants'][0]['id']}"),
    ):
        assert "last administrator" in refusal(answer, 422)["detail"]
    fresh_office.key(Role.admin)
    assert 200 == admin.patch(f"/api/v1/users/{me}", json={"active": False}).status_code


def test_what_is_done_to_users_stands_in_the_log(service: Client) -> None:
    me = expect(service.http.get("/api/v1/me"))["user_id"]
    user = add(service, "logged", phone="+86 755 3333", grants=[{"role": "viewer"}])
    path = f"/api/v1/users/{user['id']}"
    service.http.patch(path, json={"phone": "+86 755 4444"})
    service.http.delete(f"{path}/grants/{user['grants'][0]['id']}")
    service.http.post(f"{path}/password")
    key = expect(service.http.post("/api/v1/keys", json={"name": "x", "user_id": user["id"]}))
    service.http.delete(f"/api/v1/keys/{key['id']}")
    service.http.patch(path, json={"active": False})
    log = service.http.get("/api/v1/audit", params={"subject_kind": "user", "subject_id": user["id"]})
    done = expect(log)["items"]
    expected = ["added", "changed", "withdrawn", "password_reset", "key_made", "key_revoked", "deactivated"]

    assert expected == [one["action"] for one in sorted(done, key=lambda one: one["seq"])]
    assert {me} == {one["by_user_id"] for one in done}
    assert "755 3333" not in log.text
    assert "755 4444" not in log.text
    assert key["key"] not in log.text


def test_a_deactivated_users_key_opens_nothing(office: Office, service: Client) -> None:
    made = expect(service.http.post("/api/v1/keys", json={"name": "old robot"}))
    service.http.patch(f"/api/v1/users/{made['user_id']}", json={"active": False})
    robot = office.http(Authorization=f"Bearer {made['key']}")

    refusal(robot.get("/api/v1/me"), 401)
    service.http.patch(f"/api/v1/users/{made['user_id']}", json={"active": True})
    assert 200 == robot.get("/api/v1/me").status_code


def test_who_may_only_manage_users_makes_no_administrators(office: Office, service: Client) -> None:
    admin = expect(service.http.get("/api/v1/me"))["user_id"]
    wanted = {"name": "users only", "user_id": admin, "permissions": ["manage_users", "view_issues"]}
    key = expect(service.http.post("/api/v1/keys", json=wanted))["key"]
    limited = office.http(Authorization=f"Bearer {key}")
    target = add(service, "a-boss", grants=[{"role": "admin"}])["id"]

    for answer in (
        limited.post("/api/v1/users", json={"login": "evil", "name": "evil", "grants": [{"role": "admin"}]}),
        limited.post(f"/api/v1/users/{target}/password"),
        limited.patch(f"/api/v1/users/{target}", json={"active": False}),
        limited.post("/api/v1/keys", json={"name": "evil", "user_id": admin}),
        limited.post("/api/v1/keys", json={"name": "evil", "role": "admin"}),
        limited.post(f"/api/v1/users/{target}/grants", json={"role": "reviewer"}),
    ):
        refusal(answer, 403)
    assert 201 == limited.post("/api/v1/users", json={"login": "harmless", "name": "harmless"}).status_code


def test_a_key_ends_when_it_should(office: Office, service: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = (now() + timedelta(days=1)).isoformat()
    made = expect(service.http.post("/api/v1/keys", json={"name": "for a day", "expires_at": ends}))
    phone = office.http(Authorization=f"Bearer {made['key']}")
    before = phone.get("/api/v1/me").status_code
    monkeypatch.setattr(accounts, "now", lambda: now() + timedelta(days=1, seconds=1))

    assert 200 == before
    refusal(phone.get("/api/v1/me"), 401)
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    refusal(service.http.post("/api/v1/keys", json=past), 422)
    refusal(service.http.post("/api/v1/keys", json={"name": "x", "expires_at": "2120-01-01T00:00:00"}), 422)


def test_the_last_use_of_a_key_is_shown_to_the_minute(
    office: Office, service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = expect(service.http.post("/api/v1/keys", json={"name": "watched"}))
    phone = office.http(Authorization=f"Bearer {made['key']}")

    def last_used() -> str | None:
        (one,) = service.all("/api/v1/keys", user_id=made["user_id"])
        return one["last_used_at"]

    never = last_used()
    phone.get("/api/v1/me")
    first = last_used()
    phone.get("/api/v1/me")
    same_minute = last_used()
    monkeypatch.setattr(accounts, "now", lambda: now() + timedelta(seconds=61))
    phone.get("/api/v1/me")

    assert never is None
    assert first is not None
    assert first == same_minute
    assert last_used() != first


def test_a_service_has_no_password(office: Office, service: Client) -> None:
    user = add(service, "machine", kind="service")

    refusal(service.http.post(f"/api/v1/users/{user['id']}/password"), 422)
    refusal(service.http.put("/api/v1/me/password", json={"old": "", "new": "good enough 1"}), 422)
    refusal(office.http().post("/sign-in", data={"login": "machine", "password": ""}), 401)


def test_nobody_is_not_found(service: Client) -> None:
    nobody = f"/api/v1/users/{uuid.uuid4()}"

    refusal(service.http.get(nobody), 404)
    refusal(service.http.patch(nobody, json={}), 404)
    refusal(service.http.post(f"{nobody}/grants", json={"role": "viewer"}), 404)
    refusal(service.http.get(f"{nobody}/sessions"), 404)
    refusal(service.http.post("/api/v1/keys", json={"name": "x", "user_id": str(uuid.uuid4())}), 404)


def test_the_first_administrator_gives_themself_a_password(fresh_office: Office) -> None:
    """How a fresh installation is entered: by key or link once, then by name and password."""
    with fresh_office.context.database.write() as session:
        code = accounts.make_code(session, accounts.first_admin(session).id)
    browser = fresh_office.http()
    browser.post("/sign-in", data={"code": code})
    chosen = browser.post("/account", data={"new": "first-Start-2026", "again": "first-Start-2026"})
    entered = fresh_office.http().post("/sign-in", data={"login": "admin", "password": "first-Start-2026"})

    assert 303 == chosen.status_code
    assert (303, "/") == (entered.status_code, entered.headers["location"])
