"""What the pages need no browser for: sign-in, refusals, headers, addresses, and where a dot lies on the plan."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.accounts.door import local_path
from api.console.chart import draw_chart
from api.settings import Settings
from detector import Detector
from tests.api.client import refusal
from tests.api.office import Office

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, model_folder: Path, detector: Detector) -> Iterator[Office]:
    """Give one office for all tests of this file: nothing here depends on the kind of database."""
    data_dir = tmp_path_factory.mktemp("pages") / "var"
    with Office(Settings(data_dir=data_dir, model_dir=model_folder, language="zh"), detector) as opened:
        yield opened


@pytest.fixture
def stranger(office: Office) -> TestClient:
    return office.http(**PAGE)


def test_a_stranger_is_led_to_the_sign_in_and_on_to_the_page_that_was_asked_for(
    office: Office, stranger: TestClient
) -> None:
    asked = stranger.get("/issues/DH-2026-000001?from=mail")
    form = stranger.get(asked.headers["location"])
    inside = stranger.post("/sign-in", data={"key": office.admin_key(), "onward": "/issues/DH-2026-000001?from=mail"})

    assert 303 == asked.status_code
    assert "/sign-in?onward=%2Fissues%2FDH-2026-000001%3Ffrom%3Dmail" == asked.headers["location"]
    assert 'value="/issues/DH-2026-000001?from=mail"' in form.text
    assert "/issues/DH-2026-000001?from=mail" == inside.headers["location"]


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "", "/a\nb", None]
)
def test_a_sign_in_never_leads_to_another_site(elsewhere: str | None) -> None:
    assert "/" == local_path(elsewhere)


def test_a_wrong_key_shows_the_form_again_with_what_to_do(stranger: TestClient) -> None:
    answer = stranger.post("/sign-in", data={"key": "pw_wrong", "onward": "/plan"}, headers={"Accept-Language": "en"})

    assert 401 == answer.status_code
    assert "text/html" in answer.headers["content-type"]
    assert 'role="alert"' in answer.text
    assert "may be revoked" in answer.text
    assert 'value="/plan"' in answer.text


def test_a_program_with_a_wrong_key_gets_a_problem_and_no_page(office: Office) -> None:
    refusal(office.http().post("/sign-in", data={"key": "pw_wrong"}), 401)


def test_the_sign_in_speaks_the_office_s_language_the_browser_s_or_the_chosen_one(stranger: TestClient) -> None:
    first = stranger.get("/sign-in", headers={"Accept-Language": ""})
    browsers = stranger.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.9"})
    chosen = stranger.get("/sign-in?lang=zh", headers={"Accept-Language": "en"})
    later = stranger.get("/sign-in", headers={"Accept-Language": "en"})

    assert 'lang="zh-CN"' in first.text
    assert 'lang="en"' in browsers.text
    assert "访问密钥" in chosen.text
    assert "访问密钥" in later.text


def test_the_sign_in_runs_its_own_script_alone_and_is_kept_nowhere(stranger: TestClient) -> None:
    one, other = (stranger.get("/sign-in").headers for _ in range(2))

    assert one["content-security-policy"] != other["content-security-policy"]
    assert "default-src 'none'" in one["content-security-policy"]
    assert "frame-ancestors 'none'" in one["content-security-policy"]
    assert "no-store" == one["cache-control"]
    assert "nosniff" == one["x-content-type-options"]
    assert "same-origin" == one["referrer-policy"]


def test_what_stands_in_the_address_of_the_sign_in_is_shown_as_text(stranger: TestClient) -> None:
    page = stranger.get("/sign-in", params={"onward": '/"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_unknown_page_is_a_page_and_an_unknown_route_a_problem(office: Office) -> None:
    key = office.admin_key()
    page = office.http(Authorization=f"Bearer {key}", **PAGE).get("/nowhere", headers={"Accept-Language": "en"})
    route = office.http(Authorization=f"Bearer {key}").get("/api/v1/nowhere")

    assert 404 == page.status_code
    assert "Not found" in page.text
    assert 'href="/"' in page.text
    refusal(route, 404)


def test_the_language_switch_goes_back_to_the_page_that_asked(office: Office) -> None:
    http = office.http(Authorization=f"Bearer {office.admin_key()}", **PAGE)
    back = http.get("/language/en", headers={"Referer": "http://testserver/?kind=parking"})
    foreign = http.get("/language/en", headers={"Referer": "http://example.org/evil"})
    unknown = http.get("/language/xx")

    assert "/?kind=parking" == back.headers["location"]
    assert "pointwatch_language=en" in back.headers["set-cookie"]
    assert "/" == foreign.headers["location"]
    assert 404 == unknown.status_code


def test_the_wall_is_a_page_of_its_own_that_runs_its_own_script_alone(office: Office) -> None:
    answer = office.http(Authorization=f"Bearer {office.admin_key()}", **PAGE).get("/wall")

    assert 200 == answer.status_code
    assert "script-src 'nonce-" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]


def test_the_plan_is_true_to_scale_with_north_up() -> None:
    west, east, north = (114.10, 22.55), (114.20, 22.55), (114.15, 22.60)
    chart = draw_chart([west, east, north])
    (west_x, west_y), (east_x, _), (north_x, north_y) = chart.places
    across, up = east_x - west_x, (west_y - north_y) / chart.ratio

    assert west_x < north_x < east_x
    assert north_y < west_y
    assert math.isclose(across / up, 0.10 * math.cos(math.radians(22.575)) / 0.05, rel_tol=0.01)


@pytest.mark.parametrize("places", [[], [(114.1, 22.5)], [(114.1, 22.5)] * 3, [(-60.0, 89.9), (60.0, -89.9)]])
def test_a_plan_of_any_points_keeps_them_inside(places: list[tuple[float, float]]) -> None:
    chart = draw_chart(places)

    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in chart.places)
    assert 0.8 <= chart.ratio <= 2
    assert len(chart.meridians) <= 6
