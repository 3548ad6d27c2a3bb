"""What a stranger with bad intent sends: refused in the form of the standard, and nothing left behind."""

import pytest

from tests.api.open311.city import City


@pytest.mark.parametrize(
    "params",
    [
        {"start_date": "9999-12-31T23:59:59Z"},
        {"start_date": "0001-01-01T00:00:00+14:00"},
        {"end_date": "2026-02-30T00:00:00Z"},
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2025-01-01T00:00:00Z"},
        {"start_date": "١٢٣٤-٠١-٠١"},
        {"page": "99999999999999999999"},
        {"page": "-1"},
        {"page_size": "0"},
        {"page": "1e9"},
        {"service_request_id": "," * 5000},
        {"service_request_id": "%00"},
        {"status": "open'; DROP TABLE issues;--"},
        {"service_code": "<!DOCTYPE x [<!ENTITY a 'b'>]>"},
    ],
)
@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_no_reading_breaks_it(params: dict[str, str], suffix: str, city: City) -> None:
    answer = city.http.get(f"/open311/v2/requests.{suffix}", params=params)

    assert answer.status_code in (200, 400, 404), answer.text
    assert "DROP TABLE" not in answer.text or 400 == answer.status_code
    assert suffix == "json" or "<!DOCTYPE" not in answer.text


def test_past_the_end_there_is_an_empty_page(city: City) -> None:
    answer = city.http.get("/open311/v2/requests.json", params={"page": 100, "page_size": 50})

    assert (200, []) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    "place",
    [
        {"lat": "1e308", "long": "1e308"},
        {"lat": "nan", "long": "nan"},
        {"lat": "inf", "long": "-inf"},
        {"lat": "90.0000001", "long": "114"},
        {"lat": "22.5", "long": "9" * 400},
        {"lat": "0x16", "long": "114"},
        {"lat": "２２．５", "long": "114"},
    ],
)
def test_no_place_outside_the_world_is_taken(place: dict[str, str], city: City) -> None:
    before = city.http.get("/open311/v2/requests.json").json()
    form = {"api_key": city.key, "service_code": "exposed_garbage", "description": "x", **place}
    answer = city.http.post("/open311/v2/requests.json", data=form)

    assert 400 == answer.status_code, answer.text
    assert before == city.http.get("/open311/v2/requests.json").json()


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><l>&b;</l>",
        b"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>",
        b"\x00" * 1000,
    ],
)
@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "application/x-www-form-urlencoded"])
def test_no_document_is_read_where_a_form_is_asked_for(body: bytes, kind: str, city: City) -> None:
    answer = city.http.post("/open311/v2/requests.xml", content=body, headers={"Content-Type": kind})

    assert answer.status_code in (400, 403, 415), answer.text
    assert b"root:" not in answer.content
