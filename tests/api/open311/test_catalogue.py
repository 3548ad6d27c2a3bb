"""Discovery, services and definitions: what a client reads before it files anything."""

import pytest

from api.errors import Misconfigured
from api.open311.offer import read_offer
from detector import Taxonomy
from tests.api.open311.city import PREFIX, make_offer, refused


@pytest.fixture(scope="module")
def database_url(tmp_path_factory) -> str:
    """Give one kind of database only: what is asked here does not depend on it."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


def test_discovery_names_the_endpoint_and_its_formats(city):
    said = city.ask("discovery")
    (endpoint,) = said["endpoints"]

    assert {"changeset", "contact", "key_service", "endpoints"} == set(said)
    assert endpoint["url"].endswith(PREFIX)
    assert ["text/xml", "application/json"] == endpoint["formats"]
    assert "http://wiki.open311.org/GeoReport_v2" == endpoint["specification"]
    assert ["text/xml", "application/json"] == [
        one.text for one in city.ask_xml("discovery").findall("endpoints/endpoint/formats/format")
    ]


def test_every_class_of_the_catalogue_is_a_service_in_both_languages(city, taxonomy: Taxonomy):
    english = {one["service_code"]: one for one in city.ask("services")}
    chinese = {one["service_code"]: one for one in city.ask("services", headers={"Accept-Language": "zh-CN,zh;q=0.9"})}

    assert list(taxonomy.classes) == list(english)
    assert "Exposed garbage" == english["exposed_garbage"]["service_name"]
    assert "暴露垃圾" == chinese["exposed_garbage"]["service_name"]
    assert english["exposed_garbage"]["metadata"] is True
    assert english["clutter"]["metadata"] is False
    assert {"realtime"} == {one["type"] for one in english.values()}
    assert all(one["keywords"] and one["group"] and one["description"] for one in chinese.values())


def test_the_services_say_the_same_in_xml(city):
    listed = city.ask("services")
    rows = city.ask_xml("services").findall("service")

    assert [one["service_name"] for one in listed] == [row.findtext("service_name") for row in rows]
    assert ["true" if one["metadata"] else "false" for one in listed] == [row.findtext("metadata") for row in rows]


def test_a_definition_lists_what_is_asked_in_order(city):
    said = city.ask("services/manhole_damage")
    (attribute,) = said["attributes"]

    assert "manhole_damage" == said["service_code"]
    assert ("danger", "singlevaluelist", True, 1) == tuple(
        attribute[name] for name in ("code", "datatype", "required", "order")
    )
    assert ["yes", "no"] == [one["key"] for one in attribute["values"]]
    assert [] == city.ask("services/clutter")["attributes"]
    assert "yes" == city.ask_xml("services/manhole_damage").findtext("attributes/attribute/values/value/key")


@pytest.mark.parametrize("path", ["services/nothing", "requests/NOTHING", "tokens/nothing", "nowhere"])
def test_what_is_not_there_is_404_in_both_formats(path, city):
    refused(city.http.get(f"{PREFIX}/{path}.json"), 404)
    (error,) = city.ask_xml(path, answered=404).findall("error")

    assert "404" == error.findtext("code")
    assert error.findtext("description")


@pytest.mark.parametrize("path", ["services", "services.html", "services.json/", "requests.JSON", "", "/"])
def test_a_format_that_is_none_is_404(path, city):
    assert 404 == city.http.get(f"{PREFIX}/{path}").status_code


def test_only_one_of_several_jurisdictions_is_answered_for(make_city):
    both = [{"id": "east", "withheld": ["clutter"]}, {"id": "west"}]
    city = make_city(jurisdictions=both)

    assert ["jurisdiction_id was not provided."] == refused(city.http.get(f"{PREFIX}/services.json"), 400)
    assert 404 == city.http.get(f"{PREFIX}/services.json", params={"jurisdiction_id": "north"}).status_code
    assert "clutter" not in [one["service_code"] for one in city.ask("services", jurisdiction_id="east")]
    assert "clutter" in [one["service_code"] for one in city.ask("services", jurisdiction_id="west")]
    city.ask("services/clutter", answered=404, jurisdiction_id="east")


def test_the_only_jurisdiction_may_be_left_out_but_not_mistaken(city):
    assert city.ask("services", jurisdiction_id="") == city.ask("services", jurisdiction_id="donghu.luohu.shenzhen")
    city.ask("services", answered=404, jurisdiction_id="elsewhere")


def test_a_page_of_another_site_may_read_what_anybody_may(city):
    answer = city.http.get(f"{PREFIX}/services.json", headers={"Origin": "https://app.example"})

    assert "*" == answer.headers["access-control-allow-origin"]
    assert "access-control-allow-credentials" not in answer.headers


def test_methods_that_do_not_exist_are_refused_in_form(city):
    for method in ("PUT", "DELETE", "PATCH"):
        refused(city.http.request(method, f"{PREFIX}/requests.json"), 404)


@pytest.mark.parametrize(
    "changes",
    [
        {"jurisdictions": []},
        {"attributes": {"nothing_known": []}},
        {"jurisdictions": [{"id": "a", "withheld": ["nothing_known"]}]},
        {"jurisdictions": [{"id": "a"}, {"id": "a"}]},
        {"attributes": {"clutter": [{"code": "a", "datatype": "singlevaluelist", "zh": "一", "en": "a"}]}},
        {"pin_within_m": -1},
        {"unknown": 1},
    ],
)
def test_an_offer_that_makes_no_sense_is_refused_at_start(changes, tmp_path, taxonomy: Taxonomy):
    with pytest.raises(Misconfigured, match="POINTWATCH_OPEN311"):
        read_offer(make_offer(tmp_path, **changes), taxonomy)
