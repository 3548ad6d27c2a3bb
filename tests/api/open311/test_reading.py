"""Reading what became of requests: filters, spans, pages, and the client that cities use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import georeport
import pytest
import sqlalchemy as sa

from api.accounts.schemas import Role
from api.database import Database
from api.open311.tables import ServiceRequest
from tests.api.open311.city import PREFIX, City, make_offer, refused


def listed(city: City, **params) -> list[str]:
    return [one["service_request_id"] for one in city.ask("requests", **params)]


def backdate(city: City, reference: str, days: float) -> None:
    """Let a request have been filed some days ago."""
    with city.office.context.database.write() as session:
        row = session.scalars(sa.select(ServiceRequest).filter_by(reference=reference)).one()
        row.requested_at = datetime.now(UTC) - timedelta(days=days)


def moment(days_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="seconds")


@pytest.fixture(scope="module")
def filed(city: City) -> dict[str, str]:
    """File one request that is finished, one that is not, and one long ago."""
    named = {}
    for name, code in (("done", "rubble"), ("waiting", "graffiti"), ("old", "rubble")):
        point = city.point()
        named[name] = city.file(point, service_code=code)
        if name == "done":
            (issue,) = city.admin.issues(point=point["code"])
            city.admin.step(issue["number"], "reject", note="nothing there")
    backdate(city, named["old"], 100)
    return named


def test_by_default_the_last_90_days_are_listed_newest_first(city: City, filed):
    mine = [one for one in listed(city) if one in filed.values()]

    assert [filed["waiting"], filed["done"]] == mine


def test_status_and_service_narrow_the_list(city: City, filed):
    assert filed["done"] in listed(city, status="closed")
    assert filed["done"] not in listed(city, status="open")
    assert filed["waiting"] in listed(city, status="open")
    assert {filed["waiting"], filed["done"]} <= set(listed(city, status="open,closed"))
    assert [filed["waiting"]] == listed(city, service_code="graffiti")
    assert {filed["waiting"], filed["done"]} == set(listed(city, service_code="graffiti, rubble"))


def test_ids_override_everything_else(city: City, filed):
    wanted = f"{filed['old']},{filed['done'].lower()},NOTHING"

    assert {filed["old"], filed["done"]} == set(
        listed(city, service_request_id=wanted, status="open", service_code="nothing")
    )


def test_dates_span_at_most_90_days(city: City, filed):
    assert [filed["old"]] == listed(city, start_date=moment(101), end_date=moment(95))
    assert [filed["old"]] == listed(city, end_date=moment(95))
    assert [filed["old"]] == [one for one in listed(city, start_date=moment(101)) if one == filed["old"]]
    assert [] == listed(city, start_date=moment(-1))
    refused(city.http.get(f"{PREFIX}/requests.json", params={"start_date": moment(91), "end_date": moment(0)}), 400)
    refused(city.http.get(f"{PREFIX}/requests.json", params={"start_date": moment(1), "end_date": moment(2)}), 400)


def test_a_plus_that_nobody_escaped_is_understood(city: City, filed):
    east = (
        (datetime.now(UTC) - timedelta(days=101)).astimezone().isoformat(timespec="seconds").replace("+00:00", "+08:00")
    )

    assert filed["old"] in [
        one["service_request_id"] for one in city.http.get(f"{PREFIX}/requests.json?start_date={east}").json()
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"start_date": "2026-01-01"},
        {"start_date": "2026-01-01T00:00:00"},
        {"end_date": "soon"},
        {"end_date": "0001-01-01T00:00:00Z"},
        {"start_date": "9999-12-31T23:59:59-23:59"},
        {"status": "done"},
        {"page": "0"},
        {"page": "101"},
        {"page_size": "1001"},
        {"page_size": "-1"},
        {"page": "٣"},
        {"service_request_id": ",".join(["A"] * 101)},
    ],
)
def test_parameters_that_make_no_sense_are_refused(params, city: City):
    refused(city.http.get(f"{PREFIX}/requests.json", params=params), 400)


def test_a_service_that_is_not_there_is_404(city: City):
    refused(city.http.get(f"{PREFIX}/requests.json", params={"service_code": "nothing"}), 404)


def test_an_empty_parameter_is_as_good_as_none(city: City, filed):
    empty = dict.fromkeys(
        ("service_request_id", "service_code", "start_date", "end_date", "status", "page", "page_size"), ""
    )

    assert listed(city) == listed(city, **empty, jurisdiction_id="", extensions="")


def test_pages_follow_each_other_without_gap(city: City, filed):
    for _ in range(3):
        city.file(city.point())
    whole = listed(city)
    paged = [one for page in range(1, len(whole) + 2) for one in listed(city, page=page, page_size=2)]

    assert len(whole) >= 5
    assert whole == paged


def test_one_request_is_the_same_alone_and_in_xml(city: City, filed):
    (alone,) = city.ask(f"requests/{filed['waiting']}")
    (request,) = city.ask_xml(f"requests/{filed['waiting']}").findall("request")

    assert alone == city.ask("requests", service_request_id=filed["waiting"])[0]
    assert {name: "" if value is None else str(value) for name, value in alone.items()} == {
        one.tag: one.text or "" for one in request
    }


def test_names_are_in_the_language_of_the_reader(city: City, filed):
    (chinese,) = city.ask(f"requests/{filed['waiting']}", headers={"Accept-Language": "zh"})

    assert "小广告" in chinese["service_name"]
    assert city.show(filed["waiting"])["service_name"].isascii()


def test_where_the_office_wants_a_key_strangers_read_nothing(make_city: Callable[..., City], filed):
    city = make_city(readable_without_key=False)
    path = f"{PREFIX}/requests.json"

    refused(city.http.get(path), 403)
    refused(city.http.get(f"{PREFIX}/requests/{filed['done']}.json"), 403)
    assert 200 == city.http.get(path, params={"api_key": city.office.key(Role.viewer)[1]}).status_code
    assert 200 == city.http.get(f"{PREFIX}/services.json").status_code


def test_a_wrong_key_is_refused_even_where_none_is_needed(city: City):
    refused(city.http.get(f"{PREFIX}/requests.json", params={"api_key": "pw_wrong"}), 403)


@pytest.mark.slow
def test_the_client_of_cities_reads_what_was_filed(start_service, fresh_database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = start_service(open311=str(make_offer(tmp_path)), database_url=fresh_database_url)
    admin = running.client()
    point = admin.add_point("GEO-1", longitude=114.1421, latitude=22.5683)
    answer = admin.http.post(
        f"{PREFIX}/requests.json",
        data={
            "api_key": running.admin_key(),
            "service_code": "manhole_damage",
            "attribute[danger]": "yes",
            "lat": point["latitude"],
            "long": point["longitude"],
            "description": "井盖 <缺失> & \x0b松动",
            "phone": "13800138000",
        },
    )
    (filed,) = answer.json()
    wanted = filed["service_request_id"]
    for output_format in ("json", "xml"):
        client = georeport.GeoReport(f"{running.url}{PREFIX}", output_format=output_format)
        services = client.get_service_list()
        definition = client.get_service_definition("manhole_damage")
        shown = client.get_service_request(wanted)
        found = client.get_service_requests(service_code="manhole_damage", status="open")

        assert 201 == answer.status_code
        assert "manhole_damage" in [one["service_code"] for one in services]
        assert "manhole_damage" == definition["service_code"]
        assert "井盖 <缺失> & 松动" == shown["description"]
        assert "open" == shown["status"]
        assert wanted == (found[0] if isinstance(found, list) else found)["service_request_id"]
        with pytest.raises(Exception, match="404"):
            client.get_service_request("NOTHING")


def test_the_reading_of_a_page_costs_a_fixed_number_of_queries(city: City, filed):
    database: Database = city.office.context.database
    counted: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *found: counted.append(found[2]))
    city.ask("requests", page_size=1)
    first = len(counted)
    city.ask("requests")

    assert first * 2 == len(counted)
