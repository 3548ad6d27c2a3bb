"""The versions of the model over HTTP: listed with what they proved, put in force, taken back, told in the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from api.accounts.roles import Role
from api.settings import Settings
from detector import Detector, Taxonomy
from detector.card import find_version, read_card
from detector.curves import Curve, CurvePoint, Curves
from detector.registry import Registry
from tests.api.client import Client, expect, refusal
from tests.api.office import Office
from tests.api.test_model_swap import copy_version


@pytest.fixture
def registry(tmp_path: Path, model_folder: Path, taxonomy: Taxonomy) -> Registry:
    """Give a registry with version one in force and version two beside it."""
    for name in ("one", "two"):
        copy_version(find_version(model_folder), tmp_path / "street" / name)
    opened = Registry(tmp_path / "street")
    opened.promote("one", taxonomy)
    return opened


@pytest.fixture
def office(registry: Registry, tmp_path: Path, detector: Detector) -> Iterator[Office]:
    settings = Settings(data_dir=tmp_path / "var", model_dir=registry.folder, language="en")
    with Office(settings, detector) as opened:
        yield opened


@pytest.fixture
def client(office: Office) -> Client:
    return office.client()


def reject(registry: Registry, version: str) -> None:
    verdict = {
        "decision": "rejected",
        "reasons": ["exposed_garbage fell from 0.8 to 0.2."],
        "against": "one",
        "validation_sha256": "0" * 64,
        "judged_at": "2026-11-23T08:00:00+08:00",
    }
    (registry.folder / version / "verdict.yaml").write_text(yaml.safe_dump(verdict))


def test_a_version_is_promoted_and_taken_back_and_the_log_says_by_whom_and_why(
    client: Client, registry: Registry
) -> None:
    promoted = expect(client.http.post("/api/v1/models/two/promote", json={"why": "sees bins better"}))
    listed = {one["version"]: one["current"] for one in client.http.get("/api/v1/models").json()}
    back = expect(client.http.post("/api/v1/models/rollback", json={"why": "too many false alarms"}))
    told = client.all("/api/v1/audit", subject_kind="model")
    steps = expect(client.http.get("/api/v1/models/two"))["steps"]
    me = expect(client.http.get("/api/v1/me"))

    assert ("one", "two") == (promoted["before"], promoted["now"])
    assert {"one": False, "two": True} == listed
    assert ("two", "one") == (back["before"], back["now"])
    assert "one" == registry.current()
    assert [("rolled_back", "too many false alarms"), ("promoted", "sees bins better")] == [
        (one["action"], one["note"]) for one in told
    ]
    assert {me["user_id"]} == {one["by_user_id"] for one in told}
    assert {me["name"]} == {one["who"] for one in steps}


def test_promoting_what_is_in_force_does_nothing(client: Client) -> None:
    same = expect(client.http.post("/api/v1/models/one/promote", json={}))

    assert ("one", "one", None) == (same["before"], same["now"], same["at"])
    assert [] == client.all("/api/v1/audit", subject_kind="model")


def test_a_rejected_version_needs_a_reason(client: Client, registry: Registry) -> None:
    reject(registry, "two")
    plain = refusal(client.http.post("/api/v1/models/two/promote", json={}), 409)
    silent = refusal(client.http.post("/api/v1/models/two/promote", json={"despite_verdict": True}), 409)
    before = registry.current()
    expect(
        client.http.post("/api/v1/models/two/promote", json={"despite_verdict": True, "why": "a trial at one point"})
    )

    assert "rejected" in plain["detail"]
    assert "say why" in silent["detail"]
    assert ("one", "two") == (before, registry.current())


def test_a_damaged_version_is_listed_with_its_reason_and_never_used(client: Client, registry: Registry) -> None:
    (registry.folder / "two" / "model.onnx").write_bytes(b"nothing")
    listed = next(one for one in client.http.get("/api/v1/models").json() if one["version"] == "two")
    refusal(client.http.post("/api/v1/models/two/promote", json={}), 409)

    assert "bytes" in listed["refusal"]
    assert "one" == registry.current()


def test_there_is_nothing_to_go_back_to_after_the_first(client: Client) -> None:
    refusal(client.http.post("/api/v1/models/rollback", json={}), 409)


@pytest.mark.parametrize("version", ["three", "..", "%2e%2e%2fvar", "x" * 200])
def test_a_version_that_is_not_there_is_not_found(version: str, client: Client) -> None:
    assert client.http.get(f"/api/v1/models/{version}").status_code in (404, 405)


def test_only_who_may_puts_a_version_in_force(office: Office, registry: Registry) -> None:
    refusal(office.client(Role.reviewer).http.post("/api/v1/models/two/promote", json={}), 403)
    expect(office.client(Role.engineer).http.post("/api/v1/models/two/promote", json={}))

    assert "two" == registry.current()


def test_curves_are_those_of_the_artifact_or_none(client: Client, registry: Registry) -> None:
    card = read_card(registry.folder / "one")
    points = [CurvePoint(confidence=0.9, precision=1, recall=0.1), CurvePoint(confidence=0.2, precision=0.5, recall=1)]
    curve = Curve(name="exposed_garbage", pictures=2, boxes=3, points=points)
    kept = Curves(model_sha256=card.model.sha256, part="val", pictures=2, validation_sha256="0" * 64, classes=[curve])
    registry.keep_curves("one", kept)
    registry.keep_curves("two", kept.model_copy(update={"model_sha256": "f" * 64}))
    one, two = (expect(client.http.get(f"/api/v1/models/{version}"))["curves"] for version in ("one", "two"))
    (registry.folder / "one" / "curves.json").write_text("{")

    assert 0.5 == one["classes"][0]["points"][1]["precision"]
    assert two is None
    assert expect(client.http.get("/api/v1/models/one"))["curves"] is None
