"""Cameras over HTTP: added, changed, found, drawn on, and never their password."""

import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind
from tests.api.cameras.fields import SECRET, STREET, camera_fields
from tests.api.client import Client, expect, refusal
from tests.api.office import Office
from tests.api.running import free_port


@pytest.fixture(scope="module")
def point(service: Client) -> str:
    service.add_point("C-P1", community="翠宁社区")
    service.add_point("C-P2", community="别处")
    return "C-P1"


@pytest.fixture
def add(service: Client, point: str, point_code: str):
    """Give a function that adds a camera under a code of the test's own."""

    def adding(suffix: str = "", **changes: Any) -> dict[str, Any]:
        fields = camera_fields(point_code + suffix, changes.pop("point", point), **changes)
        return expect(service.http.post("/api/v1/cameras", json=fields))

    return adding


def test_a_camera_is_added_and_its_password_never_comes_back(service: Client, office: Office, add, point: str) -> None:
    made = add()
    code = made["code"]
    shown = expect(service.http.get(f"/api/v1/cameras/{code}"))
    listed = service.all("/api/v1/cameras", point=point)
    with office.context.database.engine.connect() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM cameras").all())
    log = service.http.get("/api/v1/audit").text

    assert "rtsp://***@192.0.2.7:554/stream1" == made["address"]
    assert ("waiting", 0, 0, point) == (made["state"], made["zones_version"], made["zones"], made["point"])
    assert made == shown
    assert code in [one["code"] for one in listed]
    for text in (json.dumps([made, shown, listed]), stored, log):
        assert SECRET not in text
        assert "gue%24%24" not in text
    assert '"added"' in log


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "concat:rtsp://a|rtsp://b",
        "exec:id",
        "-i /etc/passwd",
        "ftp://192.0.2.7/x",
        "rtsp://",
        "rtsp://192.0.2.7:0/",
        "rtsp://192.0.2.7/a b",
        "rtmp://192.0.2.7/live",
        "",
        None,
    ],
)
def test_what_is_no_cameras_address_is_refused_in_words(
    service: Client, point: str, point_code: str, address: str | None
) -> None:
    answer = service.http.post("/api/v1/cameras", json=camera_fields(point_code, point, address=address))

    assert refusal(answer, 422)["detail"].startswith("address")
    assert SECRET not in answer.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(address=st.text(max_size=80), secret=st.text("abcdef", min_size=8, max_size=12).map(lambda one: f"S3{one}"))
def test_no_wild_address_gets_a_traceback_or_its_password_out(
    service: Client, point: str, point_code: str, address: str, secret: str
) -> None:
    wild = camera_fields("-wild", point, address=f"rtsp://u:{secret}@{address}", user=None, password=None)
    answer = service.http.post("/api/v1/cameras", json=wild)

    refusal(answer, 422)  # its code is refused, whatever the address
    assert secret not in answer.text


def test_a_change_keeps_the_address_and_another_address_does_not_take_the_password_along(
    service: Client, office: Office, add, point: str
) -> None:
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service as cameras

    def url(code: str) -> str:
        with office.context.database.read() as session:
            row = cameras.get_camera(session, code, within=EVERYWHERE)
            return cameras.address_of(row, office.context.sealer).url

    made = add()
    code, same = made["code"], {"code": made["code"], "name": "新名字", "point": point}
    kept = service.http.put(f"/api/v1/cameras/{code}", json=same, headers={"If-Match": f'"{made["revision"]}"'})
    first = url(code)
    stale = service.http.put(f"/api/v1/cameras/{code}", json=same, headers={"If-Match": f'"{made["revision"]}"'})
    expect(service.http.put(f"/api/v1/cameras/{code}", json=same | {"address": made["address"]}))
    echoed = url(code)
    expect(service.http.put(f"/api/v1/cameras/{code}", json=same | {"password": "new one"}))
    second = url(code)
    moved = expect(service.http.put(f"/api/v1/cameras/{code}", json=same | {"address": "rtsp://192.0.2.9/other"}))

    assert ("新名字", '"2"') == (expect(kept)["name"], kept.headers["etag"])
    assert "rtsp://admin:gue%24%24%20me%2F4@192.0.2.7:554/stream1" == first == echoed
    refusal(stale, 412)
    assert "rtsp://admin:new%20one@192.0.2.7:554/stream1" == second
    assert ("rtsp://192.0.2.9/other", "rtsp://192.0.2.9/other") == (url(code), moved["address"])


def test_codes_are_unique_and_free_again_after_removal(service: Client, add, point: str) -> None:
    made = add()
    twice = service.http.post("/api/v1/cameras", json=camera_fields(made["code"], point))
    removed = service.http.delete(f"/api/v1/cameras/{made['code']}")
    again = service.http.post("/api/v1/cameras", json=camera_fields(made["code"], point))

    refusal(twice, 409)
    assert (204, 201) == (removed.status_code, again.status_code)
    assert made["id"] != again.json()["id"]


def test_snapshots_come_over_http_and_a_password_needs_a_user(service: Client, point: str, point_code: str) -> None:
    rtsp = service.http.post("/api/v1/cameras", json=camera_fields(point_code, point, kind="snapshots"))
    nobody = service.http.post("/api/v1/cameras", json=camera_fields(point_code, point, user=None))
    nowhere = service.http.post("/api/v1/cameras", json=camera_fields(point_code, "C-nowhere"))
    http = camera_fields(point_code, point, kind="snapshots", address="http://192.0.2.7/still.jpg?token=abc123")
    made = expect(service.http.post("/api/v1/cameras", json=http))

    assert "kind" in refusal(rtsp, 422)["detail"]
    assert "user" in refusal(nobody, 422)["detail"]
    refusal(nowhere, 404)
    assert "http://***@192.0.2.7/still.jpg?token=***" == made["address"]


def test_who_is_limited_to_a_place_sees_its_cameras_alone(service: Client, office: Office, add) -> None:
    here, there = add("a"), add("b", point="C-P2")
    client = office.granted(Granted(role=Role.secretary, scope_kind=ScopeKind.community, scope_value="翠宁社区"))
    seen = {one["code"] for one in client.all("/api/v1/cameras")}

    assert here["code"] in seen
    assert there["code"] not in seen
    refusal(client.http.get(f"/api/v1/cameras/{there['code']}"), 404)
    refusal(client.http.put(f"/api/v1/cameras/{here['code']}/zones", json={"zones": []}), 403)


def test_zones_are_drawn_in_versions_and_nobody_overwrites_another(service: Client, add) -> None:
    code = add()["code"]
    url = f"/api/v1/cameras/{code}/zones"
    empty = service.http.get(url)
    first = service.http.put(url, json={"zones": [STREET]}, headers={"If-Match": empty.headers["etag"]})
    late = service.http.put(url, json={"zones": []}, headers={"If-Match": empty.headers["etag"]})
    shown = service.http.get(url)

    assert ([], '"0"') == (empty.json()["zones"], empty.headers["etag"])
    assert (200, '"1"') == (first.status_code, first.headers["etag"])
    refusal(late, 412)
    assert first.json() == shown.json()
    assert "路边" == shown.json()["zones"][0]["name"]
    assert 1 == expect(service.http.get(f"/api/v1/cameras/{code}"))["zones"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"polygon": [[0.1, 0.1], [0.2, 0.2]]}, "polygon"),
        ({"polygon": [[0.1, 0.1], [1.2, 0.2], [0.3, 0.9]]}, "polygon"),
        ({"kind": "playground"}, "kind"),
        ({"classes": ["dragon"]}, "dragon"),
        ({"dwell": -1}, "dwell"),
        ({"colour": "red"}, "colour"),
        ({"hours": [{"days": ["someday"]}]}, "someday"),
    ],
)
def test_zones_that_cannot_be_meant_are_refused_in_words(service: Client, add, change: Any, word: str) -> None:
    answer = service.http.put(f"/api/v1/cameras/{add()['code']}/zones", json={"zones": [STREET | change]})

    assert word in str(refusal(answer, 422))


def test_zones_go_out_as_a_file_and_come_back_the_same(service: Client, add) -> None:
    one, other = add("x")["code"], add("y")["code"]
    drawn = [STREET | {"hours": [{"days": ["workday"], "from": "07:30", "to": "20:00"}], "classes": ["car"]}]
    expect(service.http.put(f"/api/v1/cameras/{one}/zones", json={"zones": drawn}))
    file = service.http.get(f"/api/v1/cameras/{one}/zones/export")
    taken = service.http.post(
        f"/api/v1/cameras/{other}/zones/import", files={"file": ("zones.yaml", io.BytesIO(file.content))}
    )
    garbage = service.http.post(f"/api/v1/cameras/{other}/zones/import", files={"file": ("z", io.BytesIO(b"\xff\xfe"))})
    wrong = service.http.post(f"/api/v1/cameras/{other}/zones/import", files={"file": ("z", io.BytesIO(b"zones: 7"))})

    assert f'attachment; filename="{one}.yaml"' == file.headers["content-disposition"]
    assert ["路边"] == [zone["name"] for zone in yaml.safe_load(file.text)["zones"]]
    assert expect(service.http.get(f"/api/v1/cameras/{one}/zones"))["zones"] == expect(taken)["zones"]
    refusal(garbage, 422)
    refusal(wrong, 422)


def test_a_test_says_in_words_what_is_wrong(service: Client, add) -> None:
    code = add(address=f"rtsp://127.0.0.1:{free_port()}/street")["code"]
    answer = service.http.post(f"/api/v1/cameras/{code}/test", headers={"Accept-Language": "zh"})
    report = expect(answer)

    assert (False, "unreachable") == (report["works"], report["trouble"])
    assert "连不上摄像头" in report["words"][0]
    assert SECRET not in answer.text
    assert "gue" not in answer.text


def test_there_is_no_still_before_somebody_watches(service: Client, add) -> None:
    told = refusal(service.http.get(f"/api/v1/cameras/{add()['code']}/still"), 404)

    assert "pointwatch serve" in told["detail"]
