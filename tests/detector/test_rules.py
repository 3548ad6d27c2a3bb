"""From what a model found to what is wrong: thresholds, unproven classes, parking."""

import numpy as np
import pytest
import supervision as sv

from detector import Certainty, Reason, Scene, Standing, judge, read_taxonomy, shipped
from detector.rules import lowest_threshold, thresholds_of
from detector.taxonomy import Taxonomy
from tests.detector.models import CLASSES, card, found, model_class

TAXONOMY = read_taxonomy(shipped("datasets/taxonomy.yaml"))
SURE, DOUBTFUL, NOTHING = 0.8, 0.4, 0.2  # against the factories' thresholds of .6 and .3


def codes(violations):
    return [one.code for one in violations]


def judged(*objects, scene=None, model=None, taxonomy=TAXONOMY, boxes=None):
    model = model or card()
    return judge(found(*objects, of=model, boxes=boxes), scene or Scene(), taxonomy, model)


def with_class(code, **changes):
    """Give the shipped catalogue with one class changed."""
    data = TAXONOMY.model_dump()
    (entry,) = (entry for kind in data["kinds"] for entry in kind["classes"] if entry["code"] == code)
    entry.update(changes)
    return Taxonomy.model_validate(data)


def test_what_is_sure_opens_an_issue_by_itself():
    (one,) = judged(("exposed_garbage", SURE))

    assert ("exposed_garbage", Certainty.automatic, Reason.sure) == (one.code, one.certainty, one.reason)


def test_what_is_doubtful_is_for_a_person():
    (one,) = judged(("exposed_garbage", DOUBTFUL))

    assert (Certainty.review, Reason.doubtful) == (one.certainty, one.reason)


def test_below_the_lower_threshold_nothing_happens():
    assert [] == judged(("exposed_garbage", NOTHING))


@pytest.mark.parametrize(
    ("confidence", "certainty"), [(0.75, Certainty.automatic), (0.74, Certainty.review), (0.5, Certainty.review)]
)
def test_a_threshold_belongs_to_the_side_above_it(confidence, certainty):
    model = card(classes=[model_class("graffiti", automatic=0.75, review=0.5)])

    assert [certainty] == [one.certainty for one in judged(("graffiti", confidence), model=model)]


@pytest.mark.parametrize("standing", [Standing.experimental, Standing.unverified])
def test_a_class_that_has_not_proved_itself_only_ever_asks(standing):
    model = card(classes=[model_class("tangled_cable", standing=standing)])
    (one,) = judged(("tangled_cable", 1.0), model=model)

    assert ("tangled_cable", Certainty.review, Reason.unproven_class) == (one.code, one.certainty, one.reason)


def test_an_unproven_class_that_is_doubtful_is_called_doubtful():
    model = card(classes=[model_class("tangled_cable", standing=Standing.experimental)])

    assert [Reason.doubtful] == [one.reason for one in judged(("tangled_cable", DOUBTFUL), model=model)]


def test_a_bin_is_no_violation():
    assert [] == judged(("trash_bin", 1.0), ("person", 1.0), ("bicycle", 1.0), ("motorcycle", 1.0))


def test_a_pothole_is_broken_pavement():
    assert ["broken_pavement"] == codes(judged(("pothole", SURE)))


@pytest.mark.parametrize("vehicle", ["car", "bus", "truck"])
def test_a_vehicle_where_nobody_may_park_is_for_a_person_however_sure(vehicle):
    (one,) = judged((vehicle, 1.0), scene=Scene(no_parking=True))

    assert "illegal_parking" == one.code
    assert (Certainty.review, Reason.vehicle_where_none_may_stand) == (one.certainty, one.reason)


def test_a_vehicle_elsewhere_is_nothing():
    assert [] == judged(("car", 1.0), ("bus", 1.0), ("truck", 1.0))


def test_a_doubtful_vehicle_needs_the_lower_threshold_too():
    assert [] == judged(("car", NOTHING), scene=Scene(no_parking=True))


def test_a_motorcycle_where_nobody_may_park_is_not_asked_about():
    assert [] == judged(("motorcycle", 1.0), scene=Scene(no_parking=True))


def test_a_class_that_is_off_at_this_place_is_passed_over():
    scene = Scene(disabled=frozenset({"graffiti"}))

    assert ["exposed_garbage"] == codes(judged(("graffiti", SURE), ("exposed_garbage", SURE), scene=scene))


def test_a_class_that_is_off_in_the_catalogue_is_passed_over():
    assert [] == judged(("graffiti", SURE), taxonomy=with_class("graffiti", enabled=False))


def test_the_catalogues_own_thresholds_stand_above_the_cards():
    catalogue = with_class("graffiti", thresholds={"automatic": 0.95, "review": 0.1})

    assert [Certainty.review] == [one.certainty for one in judged(("graffiti", 0.9), taxonomy=catalogue)]
    assert [Certainty.review] == [one.certainty for one in judged(("graffiti", 0.1), taxonomy=catalogue)]
    assert pytest.approx(0.1) == lowest_threshold(catalogue, card())
    assert 0.95 == thresholds_of(catalogue.classes["graffiti"], "graffiti", card()).automatic


def test_the_lowest_threshold_looks_only_at_what_can_be_a_violation():
    model = card(classes=[model_class("graffiti", review=0.4), model_class("person", review=0.05)])

    assert 0.4 == lowest_threshold(TAXONOMY, model)
    assert 1.0 == lowest_threshold(TAXONOMY, card(classes=[model_class("person")]))


def test_the_surest_come_first():
    violations = judged(("graffiti", 0.5), ("pothole", 0.9), ("exposed_garbage", 0.7))

    assert ["broken_pavement", "exposed_garbage", "graffiti"] == codes(violations)


def test_equally_sure_ones_stand_in_the_order_of_their_codes():
    assert ["broken_pavement", "graffiti"] == codes(judged(("graffiti", 0.7), ("pothole", 0.7)))


def test_each_box_is_a_violation_of_its_own_with_its_place():
    boxes = [[10, 20, 110, 220], [300.5, 20, 400, 120]]
    violations = judged(("exposed_garbage", 0.9), ("exposed_garbage", 0.8), boxes=boxes)

    assert [tuple(box) for box in boxes] == [one.box for one in violations]


def test_a_violation_names_the_model_that_saw_it():
    assert ["street/test-1"] == [one.model for one in judged(("graffiti", SURE))]


def test_nothing_found_is_nothing_wrong():
    assert [] == judged()


def test_detections_without_confidence_are_a_callers_mistake():
    bare = sv.Detections(xyxy=np.array([[0, 0, 1, 1]], dtype=np.float32), class_id=np.array([0]))

    with pytest.raises(ValueError, match="need class_id and confidence"):
        judge(bare, Scene(), TAXONOMY, card())


def test_every_model_class_is_a_violation_or_a_known_object():
    objects = {entry.code for entry in TAXONOMY.objects}
    seen = {name for entry in TAXONOMY.classes.values() if entry.seen for name in entry.seen.model_classes}

    assert set(CLASSES) == objects | seen


HERE, NEARLY_HERE, BESIDE = (0, 0, 100, 100), (2, 2, 100, 100), (60, 0, 160, 100)


def test_one_thing_under_two_names_is_one_violation_the_surer_one():
    violations = judged(("exposed_garbage", SURE), ("overflowing_bin", DOUBTFUL), boxes=[HERE, NEARLY_HERE])

    assert ["exposed_garbage"] == codes(violations)


def test_a_van_that_could_be_a_truck_is_one_suspect():
    violations = judged(("car", SURE), ("truck", DOUBTFUL), boxes=[HERE, HERE], scene=Scene(no_parking=True))

    assert ["illegal_parking"] == codes(violations)


def test_things_side_by_side_are_each_named():
    violations = judged(("exposed_garbage", SURE), ("overflowing_bin", SURE), boxes=[HERE, BESIDE])

    assert 2 == len(violations)


def test_a_likely_plain_bin_does_not_hide_that_it_may_be_overflowing():
    violations = judged(("trash_bin", SURE), ("overflowing_bin", DOUBTFUL), boxes=[HERE, HERE])

    assert [("overflowing_bin", Certainty.review)] == [(one.code, one.certainty) for one in violations]


def test_a_photo_taken_elsewhere_asks_a_person_about_its_point():
    (one,) = judged(("exposed_garbage", SURE), scene=Scene(elsewhere=True))

    assert (Certainty.review, Reason.taken_elsewhere) == (one.certainty, one.reason)
