"""How refusals look on the wire: problem details, in the reader's language, without secrets or insides."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.errors import Misconfigured, NotFound, StreetError, Unavailable, from_detector
from api.problems import install
from api.settings import Settings, read_settings
from detector.errors import DetectorError, ModelRefused, PhotoEmpty, PhotoFormatRefused, PhotoTooLarge, PhotoUnreadable
from tests.api.client import Client, refusal
from tests.api.office import Office


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'pointwatch.sqlite3'}"


@pytest.mark.parametrize(
    ("wished", "language", "title"),
    [
        ("zh", "zh", "没有找到"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "没有找到"),
        ("en-GB", "en", "Not found"),
        ("fr, en;q=0.5, zh;q=0.6", "zh", "没有找到"),
        ("fr", "en", "Not found"),  # what the settings say
        ("", "en", "Not found"),
        (";q=x,,en;q=nan;;" * 50, "en", "Not found"),
    ],
)
def test_a_refusal_speaks_the_readers_language(wished: str, language: str, title: str, service: Client) -> None:
    answer = service.http.get("/api/v1/points/NOWHERE", headers={"Accept-Language": wished})

    assert title == refusal(answer, 404)["title"]
    assert language == answer.headers["content-language"]


def test_each_photo_of_an_upload_is_refused_in_the_readers_language(service: Client, photo_factory) -> None:
    service.add_point("LANGUAGE")
    answer = service.upload(photo_factory(), b"", point="LANGUAGE", headers={"Accept-Language": "zh"})

    assert ["提交的内容不能接受"] == [one["problem"]["title"] for one in answer.json()["refused"]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/v1/points", 405),
        ("PATCH", "/api/v1/me", 405),
        ("GET", "/api/v1/captures/not-an-id", 422),
        ("POST", "/healthz", 405),
    ],
)
def test_what_the_framework_refuses_looks_the_same(method: str, path: str, status: int, service: Client) -> None:
    answer = service.http.request(method, path)

    assert refusal(answer, answer.status_code)["status"] in (status, 404)


def test_every_refusal_has_a_title_in_both_languages() -> None:
    for kind in [StreetError, *_all_kinds(StreetError)]:
        titles = set()
        for language in ("zh", "en"):
            answer = TestClient(_refusing(kind)).get("/", headers={"Accept-Language": language})
            problem = refusal(answer, kind.status)
            titles.add(problem["title"])

            assert f"urn:pointwatch:problem:{kind.code}" == problem["type"]
            assert "its own words" == problem["detail"]
            assert [{"row": 2}] == problem["errors"]
            assert "never shown" not in answer.text
        assert 2 == len(titles)


def _all_kinds(kind: type[StreetError]) -> list[type[StreetError]]:
    return [one for child in kind.__subclasses__() for one in (child, *_all_kinds(child))]


def _refusing(kind: type[Exception], *words: object) -> FastAPI:
    app = FastAPI()
    install(app, "zh")

    @app.get("/")
    def refuse() -> None:
        if issubclass(kind, StreetError):
            raise kind("its own words", errors=[{"row": 2}], secret="never shown")
        raise kind(*words)

    return app


def test_a_fault_of_ours_tells_nothing_of_its_insides() -> None:
    http = TestClient(_refusing(RuntimeError, "postgresql://admin:secret@db"), raise_server_exceptions=False)
    answer = http.get("/", headers={"Accept-Language": "en"})
    problem = refusal(answer, 500)

    assert "Something went wrong here" == problem["title"]
    assert "secret" not in answer.text


def test_an_error_says_what_its_docstring_says_unless_told_otherwise() -> None:
    assert "There is no such thing here." == str(NotFound())
    assert "No such point." == str(NotFound("No such point."))
    assert {"point": "P1"} == NotFound("x", point="P1").facts


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PhotoEmpty(), 422),
        (PhotoUnreadable(), 422),
        (PhotoTooLarge(), 413),
        (PhotoFormatRefused(), 415),
        (ModelRefused(), 500),
        (DetectorError(), 500),
    ],
)
def test_the_detectors_errors_are_translated_at_one_door(error: DetectorError, status: int) -> None:
    translated = from_detector(error)

    assert status == translated.status
    assert str(error) == str(translated)


def test_a_database_that_went_away_is_said_at_readyz(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise Unavailable

    before = office.http().get("/readyz").status_code
    monkeypatch.setattr(office.context.database, "check", gone)
    problem = refusal(office.http().get("/readyz"), 503)

    assert 200 == before
    assert "Try again" in problem["detail"]


def test_settings_that_cannot_be_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTWATCH_PORT", "secret-port")
    monkeypatch.setenv("POINTWATCH_TIME_ZONE", "Mars/Olympus")
    monkeypatch.setenv("POINTWATCH_LANGUAGE", "fr")
    with pytest.raises(Misconfigured) as refused:
        read_settings()

    for name in ("POINTWATCH_PORT", "POINTWATCH_TIME_ZONE", "POINTWATCH_LANGUAGE"):
        assert name in str(refused.value)
    assert "secret-port" not in str(refused.value)


def test_a_password_is_not_in_what_settings_look_like() -> None:
    settings = Settings(database_url="postgresql+psycopg://me:hunter2@db/x")

    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hunter2" in settings.database
