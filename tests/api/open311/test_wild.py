"""Whatever is sent, Open311 answers in its own form, in well-formed XML, and nothing breaks."""

import xml.etree.ElementTree as ET
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.open311.asking import clean
from api.open311.service import masked
from api.open311.wire import Format, answer
from tests.api.open311.city import PREFIX, City

wild = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
PARAMETERS = (
    "jurisdiction_id", "api_key", "service_request_id", "service_code", "start_date", "end_date", "status", "page",
    "page_size", "extensions",
)  # fmt: skip
FIELDS = (*PARAMETERS, "lat", "long", "address_string", "address_id", "description", "media_url", "email", "phone",
    "attribute[danger]", "attribute[]", "attribute[a][]", "media")  # fmt: skip
LIKELY = ["open", "clutter", "22.5", "-1", "1e999", "2026-01-01T00:00:00Z"]
values = st.one_of(st.text(max_size=60), st.sampled_from(LIKELY))
suffixes = st.sampled_from(["json", "xml"])
plain = st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(plain, lambda below: st.dictionaries(st.sampled_from(["a", "b"]), below))


@pytest.fixture(scope="module")
def database_url(postgres) -> str:
    """Give the stricter of the two databases."""
    url: str = postgres(True)
    return url


def well_formed(content: bytes, content_type: str) -> bool:
    if content_type.startswith("text/xml"):
        ET.fromstring(content)
    return True


def test_any_parameters_are_answered_in_form(city: City):
    @wild
    @given(params=st.dictionaries(st.sampled_from(PARAMETERS), values, max_size=5), suffix=suffixes)
    def try_it(params, suffix):
        got = city.http.get(f"{PREFIX}/requests.{suffix}", params=params)

        assert got.status_code in (200, 400, 403, 404)
        assert well_formed(got.content, got.headers["content-type"])

    try_it()


def test_any_form_is_answered_in_form(city: City):
    point = city.point()

    @wild
    @given(changes=st.dictionaries(st.sampled_from(FIELDS), values, max_size=6), suffix=suffixes)
    def try_it(changes, suffix):
        got = city.post(city.form(point, **changes), suffix=suffix)

        assert got.status_code in (201, 400, 403, 404)
        assert well_formed(got.content, got.headers["content-type"])

    try_it()


def test_any_description_comes_back_in_both_formats(city: City):
    point = city.point()

    @wild
    @given(text=st.text(max_size=200))
    def try_it(text):
        reference = city.file(point, description=text)
        shown = city.show(reference)["description"]

        assert masked(clean(text, lines=True)) == shown
        assert shown.split() == (city.ask_xml(f"requests/{reference}").findtext("request/description") or "").split()

    try_it()


@given(content=trees)
@wild
def test_whatever_text_there_is_the_xml_can_be_parsed(content):
    assert "root" == ET.fromstring(answer(content, "root", Format.xml).body).tag


@pytest.mark.slow
def test_no_request_of_the_description_breaks_it(city: City):
    described = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", city.office.app)
    tried: Counter[str] = Counter()
    broken: list[str] = []

    def send(case: schemathesis.Case) -> None:
        got = case.call()
        tried[case.operation.label] += 1
        kind = got.headers["content-type"][0]
        if got.status_code >= 500 or not kind.startswith(("text/xml", "application/json")):
            broken.append(f"{got.status_code}: {case.as_curl_command()}")

    for found in described.get_all_operations():
        for mode in schemathesis.GenerationMode:
            searching = settings(wild, max_examples=20, phases=[Phase.generate])
            searching(given(case=found.ok().as_strategy(generation_mode=mode))(send))()

    assert [] == broken
    assert 7 == len(tried)
