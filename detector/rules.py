"""What is wrong in one picture. Pure: no clock, no disk, no settings, no database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import supervision as sv

from detector.card import Card, Standing
from detector.taxonomy import Judged, Taxonomy, Thresholds, ViolationClass

Box = tuple[float, float, float, float]

SAME_THING = 0.8  # IoU above which two boxes of different classes are two names for one thing


class Certainty(StrEnum):
    """What may happen by itself."""

    automatic = "automatic"  # an issue opens
    review = "review"  # a person is asked first


class Reason(StrEnum):
    """Why a violation was named and with this certainty; the texts are in the catalogue under `reason.*`."""

    sure = "sure"  # at or above the automatic threshold
    doubtful = "doubtful"  # between the two thresholds
    unproven_class = "unproven_class"  # sure enough, but the class has not proved itself on real photographs
    taken_elsewhere = "taken_elsewhere"  # sure, but the photo says it was taken far from the point it was sent to
    reviewed = "reviewed"  # people drew it on a picture on which the model missed it
    vehicle_where_none_may_stand = "vehicle_where_none_may_stand"  # one photo shows no dwell
    stood_too_long = "stood_too_long"  # a camera has seen it stand there for longer than the zone allows
    still_there = "still_there"  # a camera goes on seeing it although its issue was closed; people had judged it before
    new_thing = "new_thing"  # a camera has seen something appear and stay, and cannot say what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known of the place that a picture shows."""

    no_parking: bool = False  #: nobody may park at this point
    elsewhere: bool = False  #: the picture claims to have been taken far from this point
    disabled: frozenset[str] = field(default_factory=frozenset)  #: class codes that are off here


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that is wrong, where in the picture, and how sure that is."""

    code: str  #: one of the taxonomy's classes
    box: Box  #: x1, y1, x2, y2 in pixels of the original picture
    confidence: float  #: 0..1, as the model gave it
    certainty: Certainty
    reason: Reason
    model: str  #: name/version of the model that saw it


def thresholds_of(entry: ViolationClass, model_class: str, card: Card) -> Thresholds:
    """Give the thresholds in force for a class: the taxonomy's own, else the card's for that model class."""
    if entry.thresholds is not None:
        return entry.thresholds
    known = card.classes[card.index(model_class)]
    return Thresholds(automatic=known.automatic, review=known.review)


def lowest_threshold(taxonomy: Taxonomy, card: Card) -> float:
    """Give the confidence under which no violation can follow, 0..1; 1 if none rests on what this model sees."""
    return min(
        (
            thresholds_of(entry, known.name, card).review
            for known in card.classes
            for entry in _resting_on(known.name, taxonomy)
        ),
        default=1.0,
    )


def judge(found: sv.Detections, scene: Scene, taxonomy: Taxonomy, card: Card) -> list[Violation]:
    """Name what is wrong in one picture, surest first, each thing once.

    Args:
        found: boxes in xyxy pixels of the original picture; class_id in the order of `card`.
    """
    if found.class_id is None or found.confidence is None:
        raise ValueError("detections need class_id and confidence to be judged")
    violations = [
        violation
        for box, confidence, class_id in zip(found.xyxy, found.confidence, found.class_id, strict=True)
        for entry in _resting_on(card.classes[int(class_id)].name, taxonomy)
        if entry.code not in scene.disabled
        and (violation := _judge_one(entry, box.tolist(), float(confidence), int(class_id), scene, card))
    ]
    ordered = sorted(violations, key=lambda one: (-one.confidence, one.code))
    return [ordered[at] for at in named_once([one.box for one in ordered])]


def named_once(boxes: Sequence[Box]) -> list[int]:
    """Give the places in `boxes`, surest first, of those that do not lie on a surer one: one thing has one name."""
    kept: list[int] = []
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    for at in range(len(corners)):
        if not kept or sv.box_iou_batch(corners[[at]], corners[kept]).max() <= SAME_THING:
            kept.append(at)
    return kept


def _resting_on(model_class: str, taxonomy: Taxonomy) -> list[ViolationClass]:
    return [
        entry
        for entry in taxonomy.classes.values()
        if entry.enabled and entry.seen is not None and model_class in entry.seen.model_classes
    ]


def _judge_one(
    entry: ViolationClass, box: list[float], confidence: float, class_id: int, scene: Scene, card: Card
) -> Violation | None:
    model_class = card.classes[class_id]
    limits = thresholds_of(entry, model_class.name, card)
    if confidence < limits.review:
        return None
    if entry.seen is not None and entry.seen.judged is Judged.parking:
        if not scene.no_parking:
            return None
        certainty, reason = Certainty.review, Reason.vehicle_where_none_may_stand
    elif confidence < limits.automatic:
        certainty, reason = Certainty.review, Reason.doubtful
    elif model_class.standing is not Standing.verified:
        certainty, reason = Certainty.review, Reason.unproven_class
    elif scene.elsewhere:
        certainty, reason = Certainty.review, Reason.taken_elsewhere
    else:
        certainty, reason = Certainty.automatic, Reason.sure
    x1, y1, x2, y2 = box
    return Violation(
        code=entry.code,
        box=(x1, y1, x2, y2),
        confidence=confidence,
        certainty=certainty,
        reason=reason,
        model=f"{card.name}/{card.version}",
    )
