"""Trainings that the service runs: asked for once, refused with what to install, ended with words, in the log."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from api.learning import service as trainings
from api.learning.schemas import Because, TrainingState
from api.learning.trainer import Trainer
from tests.api.client import Client, expect
from tests.api.learning.conftest import Judging
from tests.api.ledger import Ledger
from tests.api.office import Office

PATH = "/api/v1/learning/trainings"
PATIENCE_S = 240.0
TORCH = find_spec("torch") is not None


def test_without_an_environment_it_says_what_to_install(service: Client) -> None:
    answer = service.http.post(PATH)

    assert 409 == answer.status_code
    assert "POINTWATCH_TRAIN_PYTHON" in answer.text
    assert [] == service.all(PATH)


@pytest.fixture
def trained(fresh_office: Office) -> Office:
    """Give a service that trains with this very interpreter, which has no torch."""
    changed = fresh_office.context.settings.model_copy(update={"train_python": Path(sys.executable), "train_after": 3})
    object.__setattr__(fresh_office.context, "settings", changed)
    return fresh_office


def test_two_are_never_asked_for_at_once(trained: Office) -> None:
    client = trained.client()

    assert ["queued"] == [expect(client.http.post(PATH))["state"]]
    assert 409 == client.http.post(PATH).status_code
    assert 1 == len(client.all(PATH))
    assert ["asked"] == [one["action"] for one in client.all("/api/v1/audit", subject_kind="training")]


@pytest.mark.skipif(TORCH, reason="the training extra is installed")
def test_a_training_that_cannot_run_fails_with_words_and_lets_the_next_one_be_asked_for(trained: Office) -> None:
    client, trainer = trained.client(), Trainer(trained.context)
    asked = expect(client.http.post(PATH))

    until = time.monotonic() + PATIENCE_S
    while (row := expect(client.http.get(f"{PATH}/{asked['id']}")))["ended_at"] is None:
        trainer.work_once()
        assert time.monotonic() < until, row
        time.sleep(0.2)

    assert "failed" == row["state"]
    assert "torch" in row["error"]
    assert row["started_at"] is not None
    assert 202 == client.http.post(PATH).status_code


def test_a_worker_that_ends_leaves_its_training_to_the_next_one(trained: Office) -> None:
    client, first = trained.client(), Trainer(trained.context)
    asked = expect(client.http.post(PATH))
    first.work_once()
    assert "running" == expect(client.http.get(f"{PATH}/{asked['id']}"))["state"]

    first._leave()
    first.stop()

    row = expect(client.http.get(f"{PATH}/{asked['id']}"))
    assert row["state"] in ("queued", "running")  # running: it was through before it could be ended
    with trained.context.database.write() as session:
        assert trainings.claim(session, "elsewhere") is not None or row["state"] == "running"


def test_so_many_verdicts_start_one_and_a_failed_one_is_not_repeated_at_once(trained: Office) -> None:
    judging = Judging(Ledger(trained))
    settings, database = trained.context.settings, trained.context.database
    point = judging.ledger.point()
    for number in range(3):
        with database.read() as session:
            assert not trainings.due(session, settings), number
        judging.judged(point, ("graffiti", 0.5), say=("graffiti",))

    with database.read() as session:
        assert trainings.due(session, settings)
    with database.write() as session:
        row = trainings.ask(session, settings, Because.schedule)
        assert 3 == row.verdicts
        trainings.end(session, row, TrainingState.failed, "no")
    with database.read() as session:
        assert not trainings.due(session, settings)


def test_a_stranger_cannot_start_one_in_label_studios_name(office: Office) -> None:
    answer = office.http().post("/label-studio/webhook", json={"action": "START_TRAINING"})

    assert 401 == answer.status_code, "only the connected Label Studio may ask"
