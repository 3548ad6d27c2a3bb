"""The figures of the model card come from here: each is checked against a case worked out by hand."""

import numpy as np
import pytest

from training.scoring import Seen, at_threshold, average_precision, match, picture_auroc, rank, score

BOX = [10.0, 10.0, 50.0, 50.0]
ELSEWHERE = [200.0, 200.0, 240.0, 240.0]


@pytest.fixture
def seen():
    def make(found=(), confidence=(), truth=()):
        return Seen(
            boxes=np.array(found, dtype=float).reshape(-1, 4),
            confidence=np.array(confidence, dtype=float),
            truth=np.array(truth, dtype=float).reshape(-1, 4),
        )

    return make


def test_a_perfect_model_scores_one(seen):
    result = score(rank([seen([BOX, ELSEWHERE], [0.9, 0.8], [BOX, ELSEWHERE])]))

    assert pytest.approx(1.0, abs=0.006) == result.map50
    assert pytest.approx(1.0, abs=0.006) == result.map50_95
    assert (1, 2) == (result.pictures, result.boxes)


def test_a_blind_model_scores_nothing(seen):
    assert 0.0 == score(rank([seen(truth=[BOX])])).map50


def test_a_class_without_labels_scores_nothing_rather_than_failing(seen):
    assert 0.0 == score(rank([seen([BOX], [0.9])])).map50


def test_a_sure_false_alarm_costs_more_than_an_unsure_one(seen):
    early = average_precision(rank([seen([ELSEWHERE, BOX], [0.9, 0.5], [BOX])]))
    late = average_precision(rank([seen([ELSEWHERE, BOX], [0.4, 0.5], [BOX])]))

    assert early < 0.6
    assert late > 0.98


def test_one_label_is_found_once_however_many_boxes_lie_on_it(seen):
    right = match(seen([BOX, BOX], [0.6, 0.9], [BOX]))

    assert [False, True] == right[:, 0].tolist()


def test_a_loose_box_is_right_at_half_overlap_only(seen):
    right = match(seen([[10.0, 10.0, 50.0, 36.0]], [0.9], [BOX]))  # IoU .65

    assert [True] * 4 + [False] * 6 == right[0].tolist()


def test_precision_and_recall_count_boxes_at_or_above_the_threshold(seen):
    ranking = rank([seen([BOX, ELSEWHERE], [0.9, 0.3], [BOX, [0.0, 0.0, 5.0, 5.0]])])

    assert (1.0, 0.5) == at_threshold(ranking, 0.9)
    assert (0.5, 0.5) == at_threshold(ranking, 0.3)
    assert (None, 0.0) == at_threshold(ranking, 0.95)


def test_pictures_are_told_apart_by_their_best_box():
    assert 1.0 == picture_auroc([0.9, 0.8], [0.1])
    assert 0.5 == picture_auroc([0.5], [0.5])
    assert picture_auroc([], [0.5]) is None


def test_the_same_area_as_ultralytics_gives(seen):
    metrics = pytest.importorskip("ultralytics.utils.metrics", reason="needs the training extra")
    chance = np.random.default_rng(7)
    truth = np.column_stack([low := chance.uniform(0, 400, (40, 2)), low + chance.uniform(20, 90, (40, 2))])
    found = np.vstack([truth + chance.normal(0, 6, truth.shape), truth[::-1] + 300])
    confidence = chance.uniform(0, 1, len(found))
    ranking = rank([seen(found, confidence, truth)])
    theirs = metrics.ap_per_class(
        ranking.right, ranking.confidence, np.zeros(len(found)), np.zeros(len(truth)), names={0: "thing"}
    )[5][0]

    assert pytest.approx(theirs[0], abs=0.005) == score(ranking).map50
    assert pytest.approx(theirs.mean(), abs=0.005) == score(ranking).map50_95
