"""Thresholds chosen from verdicts: shown first, put in force by somebody, used by the worker, kept in the log."""

from typing import Any

import pytest

from api.accounts.roles import Role
from api.learning import thresholds
from api.review.schemas import Why
from detector.taxonomy import Thresholds
from tests.api.client import Client, expect
from tests.api.learning.conftest import Judging
from tests.api.office import Office

PATH = "/api/v1/learning/thresholds"
CODE = "exposed_garbage"


def in_force(service: Client, code: str = CODE) -> dict[str, Any]:
    return next(one for one in expect(service.http.get(PATH)) if one["class_code"] == code)


@pytest.fixture(scope="module", autouse=True)
def verdicts(judging: Judging) -> None:
    """Forty boxes at .45 of which people confirmed five, and forty at .8 of which they confirmed all."""
    point = judging.ledger.point()
    for number in range(40):
        judging.judged(point, (CODE, 0.45), say=(CODE,) if number < 5 else ())
        judging.judged(point, (CODE, 0.8), say=(CODE,))


def test_what_is_proposed_comes_with_what_it_would_change(service: Client, office: Office) -> None:
    before = in_force(service)
    said = expect(service.http.get(f"{PATH}/proposal", params={"days": 10}))

    (effect,) = said["effects"]["effects"]
    assert ("card", CODE) == (before["origin"], effect["class_code"])
    assert 0.45 < effect["after"]["automatic"] <= 0.8
    assert (40, 40) == (effect["precision_after"]["count"], effect["precision_after"]["of"])
    assert 80 == said["effects"]["verdicts"]
    assert "few" == said["not_proposed"]["graffiti"]
    assert before == in_force(service), "looking changes nothing"


def test_the_effect_on_load_is_what_the_rules_say_on_past_captures(service: Client, judging: Judging) -> None:
    wanted = [{"class_code": CODE, "automatic": 0.95, "review": 0.5}]
    said = expect(service.http.post(f"{PATH}/effect", params={"days": 10}, json=wanted))

    (effect,) = said["effects"]
    assert (80, 80) == (said["captures"], said["counted_on"])
    assert 4.0 == effect["load_after"]["asked"], (
        "forty captures at .8 in ten days; those at .45 are no longer asked about"
    )
    assert 0.0 == effect["load_after"]["automatic"]
    assert (5, 45) == (effect["lost"]["count"], effect["lost"]["of"])


@pytest.fixture
def chosen(service: Client, judging: Judging) -> dict[str, Any]:
    choice = {
        "model": judging.model,
        "changes": [{"class_code": CODE, "automatic": 0.9, "review": 0.3}],
        "why": "too many",
    }
    expect(service.http.put(PATH, json=choice))
    return choice


def test_what_was_chosen_is_what_the_rules_judge_by_until_another_model_comes(
    service: Client, office: Office, chosen: dict[str, Any]
) -> None:
    context = office.context
    with context.database.read() as session:
        ours = thresholds.serving(session, context.taxonomy, context.card)
        other = context.card.model_copy(update={"version": "another"})
        theirs = thresholds.serving(session, context.taxonomy, other)

    assert ("chosen", 0.9, "too many") == tuple(in_force(service)[name] for name in ("origin", "automatic", "why"))
    assert Thresholds(automatic=0.9, review=0.3) == ours.classes[CODE].thresholds
    assert theirs.classes[CODE].thresholds is None
    assert context.taxonomy.classes[CODE].thresholds is None


def test_the_worker_judges_by_what_was_chosen(
    service: Client, office: Office, judging: Judging, photo_factory: Any
) -> None:
    service.add_point("T-NOW")
    choice = {
        "model": judging.model,
        "changes": [{"class_code": CODE, "automatic": 1.0, "review": 0.99}],
        "why": "quiet",
    }
    expect(service.http.put(PATH, json=choice))
    (capture,) = service.take(photo_factory(of=CODE), point="T-NOW")
    office.work()

    assert CODE not in {one["class_code"] for one in service.capture(capture["id"])["violations"]}


def test_choosing_stands_in_the_log_with_what_was_before_and_can_be_let_go(
    service: Client, office: Office, chosen: dict[str, Any]
) -> None:
    said = expect(service.http.delete(f"{PATH}/{CODE}"))
    log = service.all("/api/v1/audit", subject_kind="threshold")

    assert "card" == next(one for one in said if one["class_code"] == CODE)["origin"]
    assert ["let_go", "chosen"] == [one["action"] for one in log[:2]]
    assert {"automatic": 0.9, "review": 0.3} == log[0]["data"]["before"] == log[1]["data"]["after"]
    assert "too many" == log[1]["note"]
    assert 404 == service.http.delete(f"{PATH}/{CODE}").status_code


@pytest.mark.parametrize(
    ("changes", "model", "status"),
    [
        ([{"class_code": CODE, "automatic": 0.2, "review": 0.3}], None, 422),
        ([{"class_code": "no_such_class", "automatic": 0.9, "review": 0.3}], None, 422),
        ([{"class_code": "parking", "automatic": 0.9, "review": 0.3}], None, 422),
        ([{"class_code": CODE, "automatic": 0.9, "review": 0.3}] * 2, None, 422),
        ([{"class_code": CODE, "automatic": 1.9, "review": 0.3}], None, 422),
        ([{"class_code": CODE, "automatic": 0.9, "review": 0.3}], "street/other", 409),
        ([], None, 422),
    ],
)
def test_a_choice_that_makes_no_sense_changes_nothing(
    service: Client, judging: Judging, changes: list[dict[str, Any]], model: str | None, status: int
) -> None:
    before = expect(service.http.get(PATH))
    answer = service.http.put(PATH, json={"model": model or judging.model, "changes": changes, "why": "test"})

    assert status == answer.status_code
    assert before == expect(service.http.get(PATH))


def test_a_reviewer_may_look_but_not_choose(office: Office, chosen: dict[str, Any]) -> None:
    reviewer = office.client(Role.reviewer)

    assert 200 == reviewer.http.get(f"{PATH}/proposal").status_code
    assert 403 == reviewer.http.put(PATH, json=chosen).status_code
    assert 403 == reviewer.http.delete(f"{PATH}/{CODE}").status_code


def test_a_sample_speaks_for_what_was_not_drawn(service: Client, judging: Judging) -> None:
    """One sure capture in fifty is reviewed: ten wrong ones of these outweigh forty doubtful ones that were right."""
    point = judging.ledger.point()
    for _ in range(40):
        judging.judged(point, ("graffiti", 0.85), say=("graffiti",))
    for _ in range(10):
        judging.judged(point, ("graffiti", 0.85), why=Why.confident, share=0.02)
    for _ in range(30):
        judging.judged(point, ("graffiti", 0.85), say=("graffiti",), why=Why.asked)  # somebody picked these out

    said = expect(
        service.http.post(f"{PATH}/effect", json=[{"class_code": "graffiti", "automatic": 0.8, "review": 0.2}])
    )
    precision = said["effects"][0]["precision_after"]

    assert (40, 50) == (precision["count"], precision["of"])
    assert 40 / (40 + 10 * 50) == pytest.approx(precision["share"], abs=1e-4)
    assert precision["high"] - precision["low"] > 0.2, "eleven captures' worth, not fifty"


def test_where_no_confidence_is_sure_enough_nothing_is_proposed(service: Client, judging: Judging) -> None:
    point = judging.ledger.point()
    for number in range(80):
        judging.judged(point, ("pothole", 0.3 + number / 200), say=("pothole",) if number % 2 else ())

    assert "out_of_reach" == expect(service.http.get(f"{PATH}/proposal"))["not_proposed"]["broken_pavement"]
