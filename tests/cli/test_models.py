"""`pointwatch models` as an operator runs it, on versions that see one pothole in every picture."""

import json
from dataclasses import dataclass

import pytest
import structlog
import yaml

from cli import run
from detector import shipped
from detector.registry import Registry
from detector.taxonomy import read_taxonomy
from tests.detector.models import METRICS, model_class, write_model
from tests.detector.pictures import encoded, street
from tests.training.yolo import FOUND, write_yolo

CATALOGUE = """
version: test
departments: [{code: works, zh: 市政, en: Works}]
place_categories: [{code: road, zh: 路, en: Road}]
objects: []
kinds:
  - code: pavement
    zh: 路面
    en: Pavement
    classes:
      - {code: broken_pavement, zh: 路面破损, en: Broken pavement, departments: [works],
         limits: [{step: fix, days: 3}], seen: {model_classes: [pothole]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Give the registry in force: versions 1 (in force), 2 and 3."""
    folder = tmp_path / "street"
    for version in ("1", "2", "3"):
        write_model(folder / version, version=version, model={"input_px": 64})
    (tmp_path / "taxonomy.yaml").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(folder))
    monkeypatch.setenv("POINTWATCH_TAXONOMY", str(tmp_path / "taxonomy.yaml"))
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(tmp_path / "var"))
    opened = Registry(folder)
    opened.promote("1", read_taxonomy(tmp_path / "taxonomy.yaml"))
    return opened


@pytest.fixture
def models(registry, capfd):
    """Give a function that runs `pointwatch models …`."""

    def ask(*arguments):
        capfd.readouterr()
        status = run(["models", *map(str, arguments)])
        said = capfd.readouterr()
        return Told(status=status, out=said.out, err=said.err)

    yield ask
    structlog.reset_defaults()  # the command sent the log to this test's stderr


@pytest.fixture
def labelled(tmp_path):
    """Give a YOLO folder of two pictures: a pothole where the model sees one, and none where it sees one as well."""
    return write_yolo(tmp_path / "labelled", {"hole": [FOUND], "smooth": []})


def test_the_list_marks_the_version_in_force_and_says_why_another_is_unusable(models, registry):
    (registry.folder / "3" / "model.onnx").write_bytes(b"")
    told = models("list")
    rows = [line.split() for line in told.out.splitlines() if "unjudged" in line]

    assert 0 == told.status
    assert [["*", "1"], ["2", "2026-11-23"], ["3", "unusable"]] == [row[:2] for row in rows]
    assert "3: " in told.out
    assert "its card says" in told.out


def test_showing_a_version_tells_card_and_history(models, registry):
    told = models("show", "1")

    assert "1: in force, unjudged" in told.out
    assert "pothole" in told.out
    assert "– → 1  by" in told.out


def test_an_unknown_version_is_one_plain_line(models):
    told = models("show", "9")

    assert 1 == told.status
    assert "has no version '9'. It has: 1, 2, 3." in told.err
    assert "Traceback" not in told.err


def test_promoting_and_going_back(models, registry):
    up, back, further = models("promote", "2", "--why", "better"), models("rollback"), models("rollback")

    assert [0, 0, 1] == [up.status, back.status, further.status]
    assert "2 is in force; before it was 1." in up.out
    assert "never compared" in up.err
    assert "Went back from 2 to 1. There is none before it." in back.out
    assert "no version before 1" in further.err
    assert ["", "better", ""] == [one.why for one in registry.steps()]


def test_promoting_what_is_in_force_says_so(models):
    assert "in force already" in models("promote", "1").out


def test_force_without_a_reason_is_misuse(models):
    told = models("promote", "2", "--force")

    assert 2 == told.status
    assert "--force needs --why" in told.err


def test_a_damaged_version_is_neither_verified_nor_promoted(models, registry):
    (registry.folder / "2" / "model.onnx").write_bytes(b"")
    one, every, promoted = models("verify", "2"), models("verify"), models("promote", "2")

    assert [1, 1, 1] == [one.status, every.status, promoted.status]
    assert "1: usable, 2 classes" in every.out
    assert "2: refused: " in every.err
    assert "damaged or replaced" in promoted.err
    assert "1" == registry.current()
    assert 0 == models("verify", "1").status


def test_a_candidate_is_added_and_waits(models, registry, tmp_path):
    candidate = write_model(tmp_path / "run-17", version="4", model={"input_px": 64})
    told = models("add", candidate)

    assert "4 is in the registry" in told.out
    assert "1" == registry.current()


def test_two_cards_are_set_side_by_side(models, registry):
    better = METRICS.model_copy(update={"map50": 0.9})
    card = yaml.safe_load((registry.folder / "2" / "card.yaml").read_text(encoding="utf-8"))
    card["classes"] = [model_class(name, metrics=better).model_dump(mode="json") for name in ("a_bin", "pothole")]
    (registry.folder / "2" / "card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    told = models("compare", "1", "2")
    (pothole,) = [line.split() for line in told.out.splitlines() if line.split()[:1] == ["pothole"]]
    (gone,) = [line.split() for line in told.out.splitlines() if line.split()[:1] == ["exposed_garbage"]]

    assert ["0.800", "0.900", "+0.100"] == pothole[1:4]
    assert ["0.800", "–", "–"] == gone[1:4]


def test_evaluating_asks_the_detector_and_tells_figures_as_json(models, labelled):
    told = models("evaluate", "1", "--data", labelled, "--format", "json")
    found = json.loads(told.out)
    pothole = found["classes"]["pothole"]["whole"]

    assert ("street/1", "val", 2) == (found["model"], found["part"], found["pictures"])
    assert ["pothole"] == list(found["classes"]), "no other class is labelled"
    assert (2, 1, 1.0, 0.5) == (pothole["pictures"], pothole["boxes"], pothole["recall"], pothole["precision"])
    assert 64 == len(found["validation_sha256"])
    assert found["speed"]["median_ms"] > 0


def test_evaluating_prints_a_table_and_writes_pictures_where_one_says(models, labelled, tmp_path):
    told = models("evaluate", "1", "--data", labelled, "--report", tmp_path / "report", "--worst", 1)
    files = {str(path.relative_to(tmp_path / "report")) for path in (tmp_path / "report").rglob("*") if path.is_file()}

    assert 0 == told.status, told.err
    assert "pothole, labelled/val" in told.out
    assert {
        "confusion.png",
        "evaluation.json",
        "precision-recall.png",
        "reliability.png",
        "worst/01-labelled__smooth.jpg",
    } == files


def test_no_photographs_are_written_into_the_repository(models, labelled):
    told = models("evaluate", "1", "--data", labelled, "--report", shipped("datasets") / "worst")

    assert 1 == told.status
    assert "no photographs belong" in told.err
    assert not (shipped("datasets") / "worst").exists()


def test_judging_keeps_a_verdict_and_a_rejected_version_is_promoted_only_by_force(models, registry, labelled):
    judged = models("judge", "2", "--data", labelled)
    refused = models("promote", "2")
    forced = models("promote", "2", "--force", "--why", "a trial on one street")

    assert 1 == judged.status
    assert "2 rejected against 1" in judged.out
    assert "no rise" in judged.out
    assert "rejected when compared with 1" in refused.err
    assert "rejected" in models("list").out
    assert 0 == forced.status
    assert "a trial on one street" == registry.steps()[-1].why


def test_the_version_in_force_is_not_judged_against_itself(models, labelled):
    assert "cannot be compared" in models("judge", "1", "--data", labelled).err


def test_a_folder_without_labels_is_said_to_be_one(models, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "street.jpg").write_bytes(encoded(street(64, 64)))

    assert "names: [pothole" in models("evaluate", "1", "--data", tmp_path / "photos").err
    assert "is not a folder" in models("evaluate", "1", "--data", tmp_path / "nowhere").err


def test_help_lists_what_can_be_done(models):
    assert "rollback" in models("--help").out
