"""The description of the API: true, with examples, and nothing that fits it, or nearly fits it, breaks the service."""

import contextlib
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.api.client import Client, expect
from tests.api.office import Office

EXAMPLES = 25  # requests an operation; a lasting search is for a quiet machine


@pytest.fixture(scope="module")
def database_url(postgres) -> str:
    """Give the stricter of the two databases."""
    url: str = postgres(True)
    return url


@pytest.fixture(scope="module")
def described(office: Office) -> schemathesis.BaseSchema:
    """Give the API as it describes itself to an administrator."""
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", office.app, headers=_key(office))


def _key(office: Office) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.key()[1]}"}


@pytest.mark.slow
def test_no_request_breaks_the_service(described: schemathesis.BaseSchema, office: Office) -> None:
    key = _key(office)
    tried: Counter[str] = Counter()
    broken: list[str] = []

    def send(case: schemathesis.Case) -> None:
        answer = case.call(headers={**(case.headers or {}), **key}, timeout=60)  # seconds; a machine may be busy
        tried[case.operation.label] += 1
        if answer.status_code >= 500 or (
            answer.status_code >= 400 and "application/problem+json" not in answer.headers["content-type"][0]
        ):
            broken.append(f"{answer.status_code}: {case.as_curl_command()}")

    for found in described.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            searching = settings(
                max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            with contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be sent anything wrong
                searching(given(case=operation.as_strategy(generation_mode=mode))(send))()

    assert [] == broken
    assert len(tried) >= 20


def test_the_description_is_for_those_with_a_key(office: Office, service: Client) -> None:
    description = expect(service.http.get("/api/v1/openapi.json"))

    assert 401 == office.http().get("/api/v1/openapi.json").status_code
    assert "Pointwatch" == description["info"]["title"]


def test_every_operation_has_a_summary_and_a_tag(service: Client) -> None:
    paths = expect(service.http.get("/api/v1/openapi.json"))["paths"]
    operations = [(path, one) for path, methods in paths.items() for one in methods.values()]

    assert [] == [path for path, one in operations if not one.get("summary")]
    assert [] == [path for path, one in operations if not one.get("tags")]


def test_a_point_is_described_with_an_example(service: Client) -> None:
    fields = expect(service.http.get("/api/v1/openapi.json"))["components"]["schemas"]["PointFields"]

    answer = service.http.post("/api/v1/points", json=fields["examples"][0] | {"code": "EXAMPLE"})

    assert 201 == answer.status_code


def test_the_pages_of_the_framework_are_not_there(service: Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):  # their scripts would come from another host
        assert 404 == service.http.get(path).status_code


def test_catalogue_and_card_are_shown(service: Client, model_folder: Path) -> None:
    catalogue = expect(service.http.get("/api/v1/taxonomy"))
    card = expect(service.http.get("/api/v1/model"))

    assert 7 == len(catalogue["kinds"])
    assert all("standing" in one for kind in catalogue["kinds"] for one in kind["classes"])
    assert (model_folder / "CURRENT").read_text().strip() == card["version"]
