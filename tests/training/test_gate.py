"""A candidate takes the place of the model in force only if nothing good got worse and the whole got better."""

from datetime import UTC, datetime

import pytest

from detector.verdict import Decision
from training.gate import FRESH_ENOUGH, Fresh, Measured, judge
from training.places import TrainingError

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SET, OTHER_SET = "a" * 64, "b" * 64
BEFORE = {"pothole": 0.80, "graffiti": 0.70, "tangled_cable": 0.40}
GOOD = ("pothole", "graffiti")


def measured(version, figures, on=SET):
    return Measured(version=version, validation_sha256=on, map50=figures)


@pytest.fixture
def verdict():
    def make(after, good=GOOD, before=None):
        return judge(measured("2", after), measured("1", before or BEFORE), good, at=NOW)

    return make


def test_better_everywhere_is_accepted(verdict):
    found = verdict({"pothole": 0.82, "graffiti": 0.75, "tangled_cable": 0.5})

    assert Decision.accepted is found.decision
    assert ("1", SET, NOW) == (found.against, found.validation_sha256, found.judged_at)
    assert "rose from 0.6333 to 0.6900" in found.reasons[0]


def test_a_good_class_that_drops_too_far_rejects_with_its_name_before_and_after(verdict):
    found = verdict({"pothole": 0.90, "graffiti": 0.67, "tangled_cable": 0.9})

    assert Decision.rejected is found.decision
    assert ["graffiti fell from 0.700 to 0.670, by 0.030; 0.02 is let pass."] == found.reasons


def test_a_drop_of_exactly_what_is_let_pass_is_let_pass(verdict):
    assert 0.80 - 0.78 > 0.02, "as floating-point numbers have it"
    assert Decision.accepted is verdict({"pothole": 0.78, "graffiti": 0.75, "tangled_cable": 0.4}).decision


def test_a_class_that_was_not_good_may_drop(verdict):
    assert Decision.accepted is verdict({"pothole": 0.85, "graffiti": 0.75, "tangled_cable": 0.35}).decision


@pytest.mark.parametrize("change", [0.0, -0.001])
def test_a_mean_that_does_not_rise_rejects(verdict, change):
    found = verdict({name: value + change for name, value in BEFORE.items()})

    assert Decision.rejected is found.decision
    assert "no rise" in found.reasons[0]


def test_a_class_that_is_gone_rejects(verdict):
    found = verdict({"pothole": 0.99, "graffiti": 0.99})

    assert Decision.rejected is found.decision
    assert "tangled_cable was 0.400 and is not judged any more" in found.reasons[0]


def test_every_reason_is_given(verdict):
    assert 3 == len(verdict({"pothole": 0.1, "graffiti": 0.1, "tangled_cable": 0.4}).reasons)


def test_a_class_that_is_new_neither_helps_nor_harms(verdict):
    same_and_new = {**BEFORE, "manhole_damage": 1.0}

    assert Decision.rejected is verdict(same_and_new).decision
    assert [None] == [one.before for one in verdict(same_and_new).changes if one.name == "manhole_damage"]


def test_figures_from_different_sets_are_not_compared():
    with pytest.raises(TrainingError, match=r"Measure both on the same pictures and labels"):
        judge(measured("2", BEFORE, on=OTHER_SET), measured("1", BEFORE), GOOD, at=NOW)


def test_a_set_that_judges_nothing_decides_nothing():
    with pytest.raises(TrainingError, match="judges no class"):
        judge(measured("2", {}), measured("1", {}), GOOD, at=NOW)


def test_changes_list_each_class_before_and_after(verdict):
    changes = verdict({"pothole": 0.82, "graffiti": 0.75, "tangled_cable": 0.5}).changes

    assert [("graffiti", 0.70, 0.75), ("pothole", 0.80, 0.82), ("tangled_cable", 0.40, 0.5)] == [
        (one.name, one.before, one.after) for one in changes
    ]


@pytest.mark.parametrize(
    ("frozen", "fresh", "pictures", "decision"),
    [
        (0.000, +0.10, FRESH_ENOUGH, Decision.accepted),  # better where the office looks, and no worse elsewhere
        (-0.004, +0.10, FRESH_ENOUGH, Decision.accepted),
        (-0.010, +0.10, FRESH_ENOUGH, Decision.rejected),  # forgets too much
        (0.000, +0.10, FRESH_ENOUGH - 1, Decision.rejected),  # too few to count
        (+0.010, -0.03, FRESH_ENOUGH, Decision.rejected),  # better elsewhere, worse here
        (+0.010, -0.03, FRESH_ENOUGH - 1, Decision.accepted),
        (0.000, 0.000, FRESH_ENOUGH, Decision.rejected),
    ],
)
def test_fresh_pictures_of_the_office_have_a_say(frozen, fresh, pictures, decision):
    here = Fresh(
        pictures=pictures,
        candidate=measured("2", {"pothole": 0.5 + fresh}, OTHER_SET),
        current=measured("1", {"pothole": 0.5}, OTHER_SET),
    )
    after = {name: value + frozen for name, value in BEFORE.items()}

    found = judge(measured("2", after), measured("1", BEFORE), GOOD, at=NOW, fresh=here)

    assert decision is found.decision
    assert pictures == found.fresh_pictures
    assert [("pothole", 0.5)] == [(one.name, one.before) for one in found.fresh]
