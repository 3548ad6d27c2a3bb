"""From what a model said to thresholds and to the words of its card."""

from pathlib import Path

import numpy as np
import pytest

from detector.card import Card
from training.card import as_markdown
from training.classes import CLASS_INDEX, CLASSES
from training.evaluate import CAUTIOUS, Judged, choose_thresholds, judge_cables, rankings
from training.scoring import Ranking
from training.sources import Picture

CABLE = CLASS_INDEX["tangled_cable"]


def _ranking(right: list[bool], truths: int) -> Ranking:
    count = len(right)
    return Ranking(
        confidence=np.linspace(0.99, 0.99 - 0.01 * (count - 1), count),
        right=np.repeat(np.array(right)[:, None], 10, axis=1),
        truths=truths,
        pictures=count,
    )


@pytest.fixture
def judged():
    def make(confidence=(), truth=(), judges=("tangled_cable",), source="cables"):
        box = np.array([[0.0, 0.0, 10.0, 10.0]])
        return Judged(
            picture=Picture(
                source=source,
                part="dev",
                path=Path("any.jpg"),
                scene="any",
                labels=np.zeros((0, 5)),
                judged=frozenset(judges),
            ),
            boxes=np.repeat(box, len(confidence), axis=0),
            confidence=np.array(confidence, dtype=float),
            class_index=np.full(len(confidence), CABLE),
            side_px=10.0,
            truth=np.array([[index, 0, 0, 10, 10] for index in truth], dtype=float).reshape(-1, 5),
        )

    return make


def test_automatic_ends_where_more_than_one_box_in_ten_is_wrong():
    automatic, _ = choose_thresholds(_ranking([True] * 40 + [False] * 40, truths=50))

    assert pytest.approx(0.99 - 0.01 * 43) == automatic  # 40 right and 4 wrong


def test_half_of_what_a_reviewer_is_asked_is_right():
    _, review = choose_thresholds(_ranking([True] * 30 + [False] * 3 + [False, True] * 10 + [False] * 30, truths=50))

    assert pytest.approx(0.99 - 0.01 * 52) == review  # the ten pairs, not the 30 false alarms after them


def test_a_reviewer_is_asked_cautiously_where_dev_shows_only_noise_below_automatic():
    _, review = choose_thresholds(_ranking([True] * 40 + [False] * 40, truths=50))

    assert CAUTIOUS[1] == review


def test_a_class_that_is_never_sure_opens_no_issue_by_itself():
    automatic, review = choose_thresholds(_ranking([False, True] * 50, truths=60))

    assert automatic >= 0.9
    assert review <= automatic


def test_few_labelled_boxes_give_cautious_thresholds():
    assert CAUTIOUS == choose_thresholds(_ranking([True] * 20, truths=20))


def test_a_class_is_judged_only_on_pictures_whose_source_labels_it(judged):
    answers = [judged([0.9], [CABLE]), judged([0.9], judges=("graffiti",), source="graffiti")]
    source, ranking = rankings(answers)["tangled_cable"]

    assert "cables/dev" == source
    assert (1, 1) == (ranking.pictures, len(ranking.confidence))


def test_a_class_nobody_labels_is_left_out(judged):
    assert {} == rankings([judged([0.9])])


def test_cables_by_picture_when_every_picture_is_told_apart(judged):
    figures = judge_cables([judged([0.8], [CABLE]), judged([0.6], [CABLE]), judged([0.1]), judged()])

    assert (1.0, 1.0) == (figures["auroc"], figures["picture_recall_at_precision_90"])
    assert 1.0 == figures["box_recall_iou30_at_25"]


def test_a_model_blind_to_cables_recalls_none_of_the_pictures(judged):
    figures = judge_cables([judged([], [CABLE]), judged()])

    assert (0.5, 0.0) == (figures["auroc"], figures["picture_recall_at_precision_90"])


def test_the_readable_card_shows_every_class_with_its_ground():
    metrics = {"source": "potholes/val", "pictures": 133, "boxes": 300, "map50": 0.7, "map50_95": 0.4}
    card = Card.model_validate(
        {
            "name": "street",
            "version": "1",
            "made_on": "2026-11-23",
            "licence": "AGPL-3.0-only",
            "model": {"sha256": "0" * 64, "bytes": 1, "architecture": "YOLO11n", "input_px": 640},
            "classes": [
                {"name": name, "automatic": 0.5, "review": 0.25, "standing": "unverified"}
                | ({"standing": "verified", "metrics": metrics} if name == "pothole" else {})
                for name in CLASSES
            ],
            "training": "By hand.",
            "limits": ["Never saw snow."],
        }
    )
    text = as_markdown(card)

    assert "| pothole | verified | potholes/val | 133 | 300 | 0.700 | 0.400 | – / – | 0.5 | 0.25 |" in text
    assert "| truck | unverified | – | – | – | – | – | – | 0.5 | 0.25 |" in text
    assert "- Never saw snow." in text
