"""Who may come in: every route of the application is walked, as a stranger and with each role."""

import stat
import uuid
from pathlib import Path

import pytest

from api.accounts import service as accounts
from api.accounts.roles import Permission, Role
from api.app import open_service
from tests.api.client import refusal
from tests.api.office import Office


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give one kind of database only: what is asked here does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


@pytest.fixture
def fresh_database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pointwatch.sqlite3'}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"])
def test_the_open_paths_are_open_for_looking_only(method: str, path: str, office: Office) -> None:
    refusal(office.http().request(method, path), 401)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_can_be_asked_with_head(path: str, office: Office) -> None:
    assert 200 == office.http().head(path).status_code


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api", "//healthz", "/HEALTHZ"])
def test_a_stranger_does_not_learn_what_exists(path: str, office: Office) -> None:
    assert 401 == office.http().get(path).status_code


def test_a_stranger_is_told_how_to_sign_in(office: Office) -> None:
    answer = office.http().get("/api/v1/issues")

    assert "Authorization: Bearer" in refusal(answer, 401)["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_stranger_with_a_browser_is_sent_to_the_sign_in_page(office: Office) -> None:
    answer = office.http(Accept="text/html").get("/issues?state=open")

    assert 303 == answer.status_code
    assert "/sign-in?onward=%2Fissues%3Fstate%3Dopen" == answer.headers["location"]


def test_a_refused_role_is_told_which_one_is_needed(office: Office) -> None:
    problem = refusal(office.client(Role.inspector).http.get("/api/v1/keys"), 403)

    assert "the permission manage_users; your roles (inspector)" in problem["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer pw_wrong", "Basic YTpi", "bearer  x", "Token x", "Bearer \xff\xfe", "x"]
)
def test_a_key_that_is_none_opens_nothing(header: str, office: Office) -> None:
    answer = office.http().get("/api/v1/me", headers={b"Authorization": header.encode("latin-1")})

    refusal(answer, 401)


def test_a_revoked_key_opens_nothing_at_once(office: Office) -> None:
    admin = office.client()
    made = admin.http.post("/api/v1/keys", json={"name": "a phone", "role": "viewer"}).json()
    phone = office.http(Authorization=f"Bearer {made['key']}")
    before = phone.get("/api/v1/me").status_code
    revoked = admin.http.delete(f"/api/v1/keys/{made['id']}").json()

    assert 200 == before
    assert revoked["revoked_at"]
    refusal(phone.get("/api/v1/me"), 401)


def test_revoking_twice_changes_nothing(office: Office) -> None:
    admin = office.client()
    key_id, _ = office.key(Role.viewer)
    first = admin.http.delete(f"/api/v1/keys/{key_id}").json()

    assert first == admin.http.delete(f"/api/v1/keys/{key_id}").json()
    refusal(admin.http.delete(f"/api/v1/keys/{uuid.uuid4()}"), 404)


def test_the_last_administrator_cannot_be_revoked(fresh_office: Office) -> None:
    admin = fresh_office.http(Authorization=f"Bearer {fresh_office.admin_key()}")
    me = admin.get("/api/v1/me").json()["key_id"]
    problem = refusal(admin.delete(f"/api/v1/keys/{me}"), 422)
    fresh_office.key(Role.admin)

    assert "last key of an administrator" in problem["detail"]
    assert 200 == admin.delete(f"/api/v1/keys/{me}").status_code


def test_a_list_of_keys_never_shows_a_key(office: Office) -> None:
    admin = office.client()
    made = admin.http.post("/api/v1/keys", json={"name": "front desk"}).json()
    listed = admin.http.get("/api/v1/keys")

    assert made["key"] not in listed.text
    assert "sha256" not in listed.json()["items"][0]


def test_only_a_hash_of_a_key_is_kept(fresh_office: Office) -> None:
    _, key = fresh_office.key(Role.viewer)
    kept = b"".join(path.read_bytes() for path in fresh_office.settings.data_dir.parent.glob("pointwatch.sqlite3*"))

    assert kept
    assert key.encode() not in kept


def test_the_first_administrators_key_lies_in_a_file_for_this_user_alone(office: Office) -> None:
    secrets = office.settings.data_dir / "secrets"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}

    assert {"admin.key": 0o600, "sealing.key": 0o600, "session.key": 0o600} == modes
    assert 0o700 == stat.S_IMODE(secrets.stat().st_mode)
    me = office.http(Authorization=f"Bearer {office.admin_key()}").get("/api/v1/me").json()
    assert [{"role": "admin", "scope_kind": "everywhere", "scope_value": ""}] == me["grants"]
    assert list(Permission) == me["permissions"]


def test_secrets_that_others_could_read_are_closed_at_the_start(fresh_office: Office) -> None:
    secrets = fresh_office.settings.data_dir / "secrets"
    (secrets / "admin.key").chmod(0o644)
    secrets.chmod(0o755)
    open_service(fresh_office.settings).database.close()

    assert 0o600 == stat.S_IMODE((secrets / "admin.key").stat().st_mode)
    assert 0o700 == stat.S_IMODE(secrets.stat().st_mode)


def test_an_administrator_is_made_again_where_none_is_left(fresh_office: Office) -> None:
    lost = fresh_office.admin_key()
    with fresh_office.context.database.write() as session:
        accounts.first_admin(session).active = False
        session.flush()
        accounts.first_start(session, fresh_office.settings.data_dir)

    assert lost != fresh_office.admin_key()
    assert 200 == fresh_office.http(Authorization=f"Bearer {fresh_office.admin_key()}").get("/api/v1/me").status_code


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/keys", "/api/v1/issues/DH-1/steps"])
def test_only_what_takes_files_takes_large_bodies(path: str, office: Office) -> None:
    http = office.http(Authorization=f"Bearer {office.admin_key()}")
    answer = http.post(path, content=b"&" * 70_000, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert "the limit is 64 KiB" in refusal(answer, 413)["detail"]


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://["])
def test_no_other_page_signs_a_browser_in(origin: str, office: Office) -> None:
    answer = office.http(Origin=origin).post("/sign-in", data={"key": office.admin_key()})

    refusal(answer, 403)
    assert "set-cookie" not in answer.headers
