"""Filing a request: what becomes of it, and what is refused."""

import io
import json
from datetime import datetime

import pytest
from PIL import Image

from api.accounts.schemas import Role
from tests.api.client import expect, refusal
from tests.api.open311.city import PREFIX, City, refused


def picture() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((320, 240), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def test_a_request_becomes_an_issue_at_the_nearest_point(city: City):
    point = city.point()
    reference = city.file(point, attribute="ignored")
    shown = city.show(reference, extensions="true")
    (issue,) = city.admin.issues(point=point["code"])

    assert issue["number"] == shown["extended_attributes"]["issue"]
    assert "clutter" == issue["violation"]["code"] == shown["service_code"]
    assert "open" == shown["status"]
    assert issue["number"] in shown["status_notes"]
    assert "路边堆放纸箱" == shown["description"]
    assert point["code"] == shown["address_id"] == shown["extended_attributes"]["point"]
    assert (point["latitude"], point["longitude"] + 0.0002) == (shown["lat"], shown["long"])
    assert datetime.fromisoformat(shown["requested_datetime"]).tzinfo is not None
    assert 15 < shown["extended_attributes"]["distance_m"] < 25


def test_a_second_request_joins_the_open_issue_with_an_id_of_its_own(city: City):
    point = city.point()
    first, second = city.file(point), city.file(point, description="还在那里")
    (issue,) = city.admin.issues(point=point["code"])

    assert first != second
    assert 2 == issue["sighting_count"]
    assert city.show(first)["status_notes"] == city.show(second)["status_notes"]


def test_when_the_issue_ends_every_request_of_it_is_closed(city: City):
    point = city.point()
    first, second = city.file(point), city.file(point)
    (issue,) = city.admin.issues(point=point["code"])
    expect(city.admin.step(issue["number"], "reject", note="内部说明：没有看到"))
    shown = [city.show(one) for one in (first, second)]

    assert ["closed", "closed"] == [one["status"] for one in shown]
    assert "内部说明" not in json.dumps(shown, ensure_ascii=False)
    assert shown[0]["expected_datetime"] is None


def test_a_request_too_far_from_every_point_is_refused_with_the_distance(city: City):
    point = city.point()
    (reason,) = refused(city.post(city.form(point, lat=str(point["latitude"] + 0.004))), 400)

    assert "m away" in reason
    assert "300 m" in reason
    assert [] == city.admin.issues(point=point["code"])


def test_a_place_can_be_named_in_place_of_a_position(city: City):
    point = city.point(address=f"翠拥路 {id(city)} 号")
    bare = {"lat": "", "long": ""}

    assert point["code"] == city.show(city.file(point, **bare, address_id=point["code"]))["address_id"]
    assert (
        point["code"]
        == city.show(city.file(point, **bare, address_string=point["address"].replace(" ", "")))["address_id"]
    )
    refused(city.post(city.form(point, **bare, address_string="不知道在哪里")), 400)
    refused(city.post(city.form(point, **bare, address_id="NOWHERE")), 400)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lat": "", "long": ""}, "Say where it is"),
        ({"lat": ""}, "together"),
        ({"lat": "91"}, "lat must"),
        ({"long": "nan"}, "long must"),
        ({"lat": "1e400"}, "lat must"),
        ({"service_code": ""}, "service_code was not provided"),
        ({"description": "长" * 4001}, "4001 characters"),
        ({"media_url": "file:///etc/passwd"}, "media_url"),
        ({"media_url": "javascript:alert(1)"}, "media_url"),
        ({"media_url": "http://[::1"}, "media_url"),
        ({"first_name": "n" * 81}, "first_name"),
        ({"service_code": "manhole_damage"}, "attribute[danger] is required"),
        ({"service_code": "manhole_damage", "attribute[danger]": "maybe"}, "one of yes, no"),
        ({"service_code": "illegal_parking", "attribute[since]": "yesterday"}, "time with its zone"),
        ({"attribute[colour]": "red"}, "not asked"),
    ],
)
def test_what_is_wrong_is_named(changes, named, city: City):
    reasons = refused(city.post(city.form({"latitude": 1.0, "longitude": 1.0}, **changes)), 400)

    assert any(named in one for one in reasons)


def test_everything_that_is_wrong_is_named_at_once(city: City):
    reasons = refused(city.post({"api_key": city.key, "lat": "x", "long": "y", "media_url": "z"}), 400)

    assert 4 == len(reasons)


def test_an_unknown_service_is_404(city: City):
    refused(city.post(city.form(city.point(), service_code="nothing")), 404)


def test_attributes_are_kept_and_shown(city: City):
    point = city.point()
    reference = city.file(
        point,
        service_code="illegal_parking",
        **{"attribute[since]": "2026-11-01T08:00:00 08:00", "attribute[blocks][]": ["walkers", "vehicles"]},
    )
    shown = city.show(reference, extensions="true")["attributes"]

    assert [("blocks", "walkers"), ("blocks", "vehicles")] == [
        (one["code"], one["value"]) for one in shown if one["code"] == "blocks"
    ]
    assert "attributes" not in city.show(reference)


@pytest.mark.parametrize("key", ["", "pw_wrong"])
def test_nobody_files_without_a_good_key(key, city: City):
    point = city.point()
    (reason,) = refused(city.post(city.form(point, api_key=key)), 403)

    assert "api_key" in reason
    assert "pw_wrong" not in reason
    assert [] == city.admin.issues(point=point["code"])


def test_a_key_of_one_who_may_only_look_is_refused(city: City):
    refused(city.post(city.form(city.point(), api_key=city.office.key(Role.viewer)[1])), 403)


def test_a_key_may_also_come_as_a_header_but_a_cookie_never_counts(city: City):
    point = city.point()
    form = city.form(point, api_key="")
    with_header = city.post(form, headers={"Authorization": f"Bearer {city.key}"})
    with_cookie = city.post(form, headers={"Cookie": "pointwatch_session=anything"})

    assert 201 == with_header.status_code
    refused(with_cookie, 403)


def test_the_answer_may_be_xml(city: City):
    answer = city.post(city.form(city.point()), suffix="xml")

    assert 201 == answer.status_code
    assert b"<service_requests><request><service_request_id>" in answer.content


@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "application/json", "text/plain", ""])
def test_nothing_but_a_form_is_read(kind, city: City):
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    (reason,) = refused(city.http.post(f"{PREFIX}/requests.json", content=bomb, headers={"Content-Type": kind}), 400)

    assert "form" in reason


def test_a_form_that_is_not_utf8_is_refused(city: City):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    refused(city.http.post(f"{PREFIX}/requests.json", content=b"description=\xff", headers=headers), 400)
    refused(city.http.post(f"{PREFIX}/requests.json", content=b"description=%ff", headers=headers), 400)
    refused(city.http.post(f"{PREFIX}/requests.json", content=b"a=1&" * 300, headers=headers), 400)
    refused(city.http.post(f"{PREFIX}/requests.json", content=b"a" * 70_000, headers=headers), 400)


def test_a_picture_goes_the_way_of_every_photo(city: City):
    point = city.point()
    answer = city.post(city.form(point), files={"media": ("heap.jpg", picture(), "image/jpeg")})
    (filed,) = answer.json()
    (capture,) = city.admin.all("/api/v1/captures", point=point["code"])
    shown = city.show(filed["service_request_id"])
    city.office.work()

    assert 201 == answer.status_code
    assert shown["media_url"].endswith(f"/api/v1/captures/{capture['id']}/picture")
    assert 401 == city.http.get(f"/api/v1/captures/{capture['id']}/picture").status_code  # nobody has blurred it
    assert "done" == city.admin.capture(capture["id"])["status"]
    (issue,) = [one for one in city.admin.issues(point=point["code"]) if one["violation"]["code"] == "clutter"]
    assert capture["id"] == issue["cover_capture_id"]


@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_a_file_that_is_no_picture_is_refused_and_leaves_nothing(content, city: City):
    point = city.point()

    refused(city.post(city.form(point), files={"media": ("heap.jpg", content, "image/jpeg")}), 400)
    assert [] == city.admin.issues(point=point["code"])
    assert [] == city.ask("requests", service_code="clutter", page_size=1, start_date="2036-01-01T00:00:00Z")


def test_a_file_in_another_field_is_refused(city: City):
    refused(city.post(city.form(city.point()), files={"other": ("heap.jpg", picture(), "image/jpeg")}), 400)


def test_an_address_of_media_is_kept_as_text_and_never_asked(city: City):
    url = "http://127.0.0.1:9/never.jpg"  # nothing listens there, and nobody minds

    assert url == city.show(city.file(city.point(), media_url=url))["media_url"]


def test_a_token_is_exchanged_for_the_id(make_city):
    city = make_city(answer_with="token")
    point = city.point()
    (filed,) = city.post(city.form(point)).json()
    (found,) = city.ask(f"tokens/{filed['token']}")

    assert "service_request_id" not in filed
    assert {"batch"} == {one["type"] for one in city.ask("services")}
    assert point["code"] == city.show(found["service_request_id"])["address_id"]
    city.ask(f"tokens/{'0' * 32}", answered=404)


def test_who_filed_is_kept_apart_and_can_be_deleted(city: City):
    point = city.point()
    person = {"first_name": "晓棠", "last_name": "鲁", "email": "lu@example.org", "phone": "13800138000"}
    reference = city.file(point, **person, device_id="d-1", account_id="a-1")
    public = json.dumps([city.show(reference, extensions="true"), city.ask("requests")], ensure_ascii=False)
    path = f"/api/v1/service-requests/{reference}/requester"

    assert person | {"device_id": "d-1", "account_id": "a-1"} == expect(city.admin.http.get(path))
    assert not [one for one in (*person.values(), "d-1", "a-1") if one in public]
    refusal(city.office.client(Role.viewer).http.get(path), 403)
    refusal(city.office.client(Role.inspector).http.delete(path), 403)
    assert 204 == city.admin.http.delete(path).status_code
    assert 204 == city.admin.http.delete(path).status_code
    refusal(city.admin.http.get(path), 404)
    assert "open" == city.show(reference)["status"]


def test_the_office_sees_which_requests_speak_of_an_issue(city: City):
    point = city.point()
    wanted = {city.file(point), city.file(point)}
    (issue,) = city.admin.issues(point=point["code"])
    listed = city.admin.all("/api/v1/service-requests", issue=issue["number"])

    assert wanted == {one["service_request_id"] for one in listed}
    refusal(city.office.http().get("/api/v1/service-requests"), 401)


def test_numbers_and_addresses_in_a_description_are_not_shown(city: City):
    said = "请打 138-0013-8000 或写信 lu@example.org，身份证 44030019900101123X，门牌 12 号"
    shown = city.show(city.file(city.point(), description=said))["description"]

    assert "请打 *** 或写信 ***，身份证 ***，门牌 12 号" == shown


def test_a_key_is_never_written_down(start_service):
    running = start_service()
    client = running.client().http
    key = running.admin_key()
    for params, form in (({"api_key": key}, {}), ({}, {"api_key": key, "service_code": "x"})):
        client.post(f"{PREFIX}/requests.json", params=params, data=form)
        client.get(f"{PREFIX}/requests.json", params=params)
    client.get(f"{PREFIX}/nowhere.json", params={"api_key": key})

    assert key not in running.log()


def test_who_asks_too_often_is_asked_to_wait(make_city):
    city = make_city(tries_a_minute={"key": 2, "address": 100})
    form = city.form(city.point())
    answers = [city.post(form) for _ in range(3)]

    assert [201, 201, 429] == [one.status_code for one in answers]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    refused(answers[-1], 429)


def test_an_address_that_asks_too_often_is_asked_to_wait(make_city):
    city = make_city(tries_a_minute={"key": 100, "address": 3})
    answers = [city.http.get(f"{PREFIX}/services.xml") for _ in range(4)]

    assert [200, 200, 200, 429] == [one.status_code for one in answers]
    assert b"<errors><error><code>429</code>" in answers[-1].content
    assert 401 == city.http.get("/api/v1/issues").status_code  # elsewhere nobody counts
