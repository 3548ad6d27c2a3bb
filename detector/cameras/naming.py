"""What the things in a picture may be called: by the model, each thing once, and what it has no name for. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
import supervision as sv

from detector.cameras.zones import LEFT_THING
from detector.card import Card
from detector.rules import SAME_THING, Box

WITHIN = 0.5  # share of a thing that must lie in a zone, or in another thing that it is part of
UNNAMED = 0.5  # confidence of something new that has no name; a person is asked in any case

Named = tuple[dict[str, float], Box]  # name -> how sure that is, 0..1; and where


def named(found: sv.Detections, card: Card, vehicles: AbstractSet[str], wrongs: AbstractSet[str]) -> list[Named]:
    """Give each thing once, surest first, with all names that it may go by.

    A thing may be wrong in two ways, and which of them a zone asks for is the zone's affair. A surer name that is
    nothing wrong speaks against all others: a plain bin is no full one. A vehicle is what it is called most surely.

    Args:
        vehicles: classes of the model that are vehicles.
        wrongs: classes of the model that are something wrong, whether or not a zone asks for them.
    """
    if found.class_id is None or found.confidence is None:
        raise ValueError("detections need class_id and confidence to be watched")
    things: list[Named] = []
    for at in np.argsort(-found.confidence, kind="stable"):
        name, sure = card.classes[int(found.class_id[at])].name, float(found.confidence[at])
        x1, y1, x2, y2 = (float(value) for value in found.xyxy[at])
        over = [one for one in things if iou(one[1], (x1, y1, x2, y2)) > SAME_THING]
        if not over:
            things.append(({name: sure}, (x1, y1, x2, y2)))
        elif name not in vehicles and over[0][0].keys() <= wrongs - vehicles:
            over[0][0].setdefault(name, sure)
    return things


def with_left(things: list[Named], left: Sequence[Box]) -> list[Named]:
    """Put new things without a name to those that the model has named, each once."""
    told = [(dict(names), box) for names, box in things]
    for box in left:
        about = [names for names, other in told if _touch(box, other)]
        if about:
            about[0][LEFT_THING] = UNNAMED
        else:
            told.append(({LEFT_THING: UNNAMED}, box))
    return told


def iou(one: Box, other: Box) -> float:
    """Give how much two boxes overlap, 0..1."""
    return float(sv.box_iou_batch(np.array([one]), np.array([other]))[0, 0])


def _touch(one: Box, other: Box) -> bool:
    """Say whether two boxes tell of one thing: most of the smaller lies in the larger."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return min(across, down) > 0 and across * down >= WITHIN * smaller
