"""Points one by one over HTTP, and the two ways in which two people could overwrite each other."""

import json
import threading
import time
import uuid

import httpx
import pytest
import sqlalchemy as sa

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.accounts.tables import ApiKey
from api.points.tables import Point
from tests.api.client import Client, expect, point_fields, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.api.photographs import PhotoFactory


@pytest.fixture
def code() -> str:
    return f"P{uuid.uuid4().hex[:12]}"


def test_a_point_that_is_added_can_be_shown(service: Client, code: str) -> None:
    answer = service.http.post("/api/v1/points", json=point_fields(code))
    made = expect(answer)
    shown = service.http.get(answer.headers["location"])

    assert 201 == answer.status_code
    assert made == shown.json() == expect(service.http.get(f"/api/v1/points/{made['id']}"))
    assert '"1"' == answer.headers["etag"] == shown.headers["etag"]


def test_a_code_is_given_once(service: Client, code: str) -> None:
    service.add_point(code)
    problem = refusal(service.http.post("/api/v1/points", json=point_fields(code)), 409)

    assert code in problem["detail"]


def test_an_unknown_category_is_answered_with_the_known_ones(service: Client, code: str) -> None:
    problem = refusal(service.http.post("/api/v1/points", json=point_fields(code, category="palace")), 422)

    assert "palace" in problem["detail"]
    assert "residential_estate" in problem["detail"]


def test_a_change_raises_the_revision(service: Client, code: str) -> None:
    service.add_point(code)
    answer = service.http.put(f"/api/v1/points/{code}", json=point_fields(code, name="新名"))
    same = service.http.put(f"/api/v1/points/{code}", json=point_fields(code, name="新名"))

    assert ("新名", 2, '"2"') == (answer.json()["name"], answer.json()["revision"], answer.headers["etag"])
    assert '"2"' == same.headers["etag"], "what changes nothing is no change"


@pytest.mark.parametrize("tag", ['"1"', "1", 'W/"1"', "*"])
def test_a_change_of_what_one_has_read_is_taken(tag: str, service: Client, code: str) -> None:
    service.add_point(code)
    answer = service.http.put(f"/api/v1/points/{code}", json=point_fields(code, name="新名"), headers={"If-Match": tag})

    assert 200 == answer.status_code


def test_a_change_of_what_has_changed_since_is_refused(service: Client, code: str) -> None:
    service.add_point(code)
    service.http.put(f"/api/v1/points/{code}", json=point_fields(code, name="theirs"))
    mine = service.http.put(f"/api/v1/points/{code}", json=point_fields(code, name="mine"), headers={"If-Match": '"1"'})
    problem = refusal(mine, 412)

    assert "revision 2" in problem["detail"]
    assert "theirs" == expect(service.http.get(f"/api/v1/points/{code}"))["name"]


@pytest.mark.parametrize("tag", ['"x"', "", '""', "-1", '"1", "2"', "9" * 5000, '"²"'])
def test_a_tag_that_is_none_of_ours_is_refused(tag: str, service: Client, code: str) -> None:
    service.add_point(code)
    answer = service.http.put(f"/api/v1/points/{code}", json=point_fields(code), headers={b"If-Match": tag.encode()})

    assert refusal(answer, answer.status_code)["status"] in (412, 422)


def test_a_point_may_not_take_anothers_code(service: Client, code: str) -> None:
    service.add_point(code)
    service.add_point(f"{code}-2")

    refusal(service.http.put(f"/api/v1/points/{code}", json=point_fields(f"{code}-2")), 409)
    assert 200 == service.http.put(f"/api/v1/points/{code}", json=point_fields(f"{code}-3")).status_code


def test_what_is_not_there_cannot_be_changed(service: Client, code: str) -> None:
    refusal(service.http.put(f"/api/v1/points/{code}", json=point_fields(code)), 404)
    refusal(service.http.get(f"/api/v1/points/{uuid.uuid4()}"), 404)


def test_points_can_be_listed_by_community_and_category(ledger: Ledger, service: Client, code: str) -> None:
    one = ledger.point(community=code, category="wet_market")
    ledger.point(community=code)

    assert 2 == len(service.all("/api/v1/points", community=code))
    assert [str(one.id)] == [
        each["id"] for each in service.all("/api/v1/points", community=code, category="wet_market")
    ]
    assert [] == service.all("/api/v1/points", community="nowhere")


def post_json(service: Client, path: str, body: object) -> httpx.Response:
    """Send JSON in plain ASCII, which can say what no text can."""
    return service.http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


BAD_FIELDS = {
    "no coordinates": {"longitude": None},
    "a pole beyond the pole": {"latitude": 90.0001},
    "text for a number": {"latitude": "north"},
    "an empty name": {"name": " "},
    "a long name": {"name": "x" * 121},
    "control characters": {"name": "a\u0000b"},
    "a half character": {"name": "\ud800"},
    "a non-character": {"name": "\ufffe"},
    "a path as code": {"code": "../x"},
    "a field that does not exist": {"colour": "red"},
    "a list": {"name": ["x"]},
}


@pytest.mark.parametrize("changes", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_a_point_that_makes_no_sense_is_refused_by_field(
    changes: dict[str, object], service: Client, code: str
) -> None:
    problem = refusal(post_json(service, "/api/v1/points", point_fields(code) | changes), 422)

    assert next(iter(changes)) in problem["errors"][0]["where"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_a_coordinate_that_is_no_place_is_refused(number: str, service: Client, code: str) -> None:
    body = json.dumps(point_fields(code)).replace("114.1421", number)
    answer = service.http.post("/api/v1/points", content=body, headers={"Content-Type": "application/json"})

    refusal(answer, 422)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 60_000])
def test_a_body_that_is_no_point_is_refused(body: bytes, service: Client) -> None:
    answer = service.http.post("/api/v1/points", content=body, headers={"Content-Type": "application/json"})

    assert refusal(answer, answer.status_code)["status"] in (400, 422)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, scope="module")
def test_of_two_who_change_the_same_revision_one_is_told(ledger: Ledger, service: Client) -> None:
    """The other one's change is written between this one's look and this one's lock."""
    point = ledger.point()
    answers = []

    def mine() -> None:
        fields = point_fields(point.code, name="mine")
        answers.append(service.http.put(f"/api/v1/points/{point.code}", json=fields, headers={"If-Match": '"1"'}))

    with ledger.database.write() as session:
        session.execute(sa.select(Point).where(Point.id == point.id).with_for_update())
        other = threading.Thread(target=mine)
        other.start()
        await_a_lock(ledger)
        session.execute(sa.update(Point).where(Point.id == point.id).values(name="theirs", revision=2))
    other.join()

    refusal(answers[0], 412)
    assert "theirs" == expect(service.http.get(f"/api/v1/points/{point.code}"))["name"]


@pytest.mark.parametrize("fresh_database_url", ["postgresql"], indirect=True)
def test_of_two_last_administrators_one_stays(fresh_office: Office) -> None:
    """Each revokes the other at the same moment."""
    ledger = Ledger(fresh_office)
    with ledger.database.write() as session:
        admin = accounts.first_admin(session)
        first = session.scalars(sa.select(ApiKey.id).where(ApiKey.user_id == admin.id)).one()
    second, _ = fresh_office.key(Role.admin)
    refused = []

    def revoke_second() -> None:
        try:
            with ledger.database.write() as session:
                accounts.revoke_key(session, second)
        except accounts.Unfit as error:
            refused.append(error)

    with ledger.database.write() as session:
        accounts.revoke_key(session, first)
        session.flush()
        other = threading.Thread(target=revoke_second)
        other.start()
        await_a_lock(ledger)
    other.join()

    assert 1 == len(refused)


def await_a_lock(ledger: Ledger) -> None:
    """Wait until somebody waits for a lock, for two seconds at most."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(100):
        with ledger.database.engine.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
        time.sleep(0.02)


def test_a_picture_shows_what_belongs_to_a_point_without_what_the_camera_wrote(
    service: Client, photo_factory: PhotoFactory
) -> None:
    made = service.add_point("Z-1")
    path = "/api/v1/points/Z-1/zone"
    refusal(service.http.get(path), 404)
    photo = photo_factory(at=(114.1, 22.5))
    shown = service.http.put(path, files={"picture": ("zone.jpg", photo, "image/jpeg")}, headers={"If-Match": '"1"'})
    picture = service.http.get(path)
    stale = service.http.put(path, files={"picture": ("zone.jpg", photo, "image/jpeg")}, headers={"If-Match": '"1"'})
    gone = service.http.delete(path)
    events = service.all("/api/v1/audit", subject_kind="point", subject_id=made["id"])

    assert (True, 2) == (expect(shown)["has_zone_picture"], expect(shown)["revision"])
    assert ("image/jpeg", b"\xff\xd8") == (picture.headers["content-type"], picture.content[:2])
    assert b"Exif" not in picture.content
    refusal(stale, 412)
    assert 204 == gone.status_code
    refusal(service.http.get(path), 404)
    assert ["changed", "changed", "added"] == [one["action"] for one in events]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0" + b"\0" * 100, b"<svg/>"])
def test_what_is_no_picture_shows_no_zone(content: bytes, service: Client) -> None:
    code = f"Z-{len(content)}-{content[:1].hex()}"
    service.add_point(code)
    answer = service.http.put(f"/api/v1/points/{code}/zone", files={"picture": ("a.jpg", content, "image/jpeg")})

    assert answer.status_code in (415, 422)
    assert not expect(service.http.get(f"/api/v1/points/{code}"))["has_zone_picture"]


def test_a_zone_picture_beyond_the_limit_is_not_read(office: Office, service: Client) -> None:
    service.add_point("Z-2")
    content = b"\xff\xd8" + bytes((office.settings.max_photo_mib + 1) * 1024 * 1024)

    refusal(service.http.put("/api/v1/points/Z-2/zone", files={"picture": ("a.jpg", content, "image/jpeg")}), 413)
