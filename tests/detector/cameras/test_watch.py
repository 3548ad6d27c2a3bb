"""Stays and zones, told by made-up detections on plain pictures: no model, no file."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detector.cameras.clock import WRAPS_S, StreamClock
from detector.cameras.events import Happening
from detector.cameras.frame import Frame
from detector.cameras.source import Backoff
from detector.cameras.watch import Watch
from detector.cameras.zones import parse_zones, write_zones
from detector.errors import ZonesRefused
from detector.rules import Certainty, Reason
from tests.detector.models import card, found

SIZE = (640, 360)
CAR, HEAP = [100.0, 100.0, 260.0, 200.0], [400.0, 200.0, 460.0, 240.0]
HALF = """
zones:
  - {name: left, kind: no_parking, dwell: 60, polygon: [[0, 0], [.5, 0], [.5, 1], [0, 1]]}
  - {name: right, kind: keep_clear, dwell: 20, classes: [exposed_garbage], polygon: [[.5, 0], [1, 0], [1, 1], [.5, 1]]}
"""
STREET = np.random.default_rng(1).integers(80, 170, (9, 16, 3)).repeat(40, 0).repeat(40, 1).astype(np.uint8)
BEGAN = datetime(2026, 11, 23, 7, 58, tzinfo=UTC)  # a Monday


def picture(*things):
    """Give the street with boxes of one colour on it: (box, colour)."""
    pixels = STREET.copy()
    for (x1, y1, x2, y2), colour in things:
        pixels[int(y1) : int(y2), int(x1) : int(x2)] = colour
        pixels[int(y1) : int(y1 + (y2 - y1) / 3), int(x1) : int(x2)] = 20
    return pixels


class Seen:
    """Runs a watch over made-up frames."""

    def __init__(self, taxonomy, zones=HALF, timed=False):
        self.watch = Watch(parse_zones(zones), taxonomy, card(), gated=False)
        self.timed = timed
        self.events = []

    def __call__(self, seconds, *things):
        """Show things for these seconds: (class, confidence, box, colour)."""
        boxes = [list(box) for _, _, box, _ in things]
        for at_s in seconds:
            frame = Frame(
                pixels=picture(*((box, colour) for _, _, box, colour in things)),
                width=SIZE[0],
                height=SIZE[1],
                at_s=float(at_s),
                taken_at=BEGAN + timedelta(seconds=at_s) if self.timed else None,
            )
            assert self.watch.wants(frame)
            told = found(*((name, sure) for name, sure, _, _ in things), boxes=boxes)
            self.events += self.watch.see(frame, told)
        return self

    def told(self, what=Happening.began):
        return [(one.stay.code, one.stay.zone, one.at_s) for one in self.events if one.what is what]


def car(box=CAR, colour=200, sure=0.9):
    return "car", sure, box, colour


def heap(sure=0.9):
    return "exposed_garbage", sure, HEAP, 60


def test_a_parked_car_is_one_event_from_beginning_to_end(taxonomy):
    seen = Seen(taxonomy)
    seen(range(0, 200, 2), car())
    seen(range(200, 240, 2))

    assert [("illegal_parking", "left", 60.0)] == seen.told()
    (ended,) = [one.stay for one in seen.events if one.what is Happening.ended]
    assert (0.0, 198.0) == (ended.since_s, ended.ended_s)
    assert (Certainty.automatic, Reason.stood_too_long) == (ended.certainty, ended.reason)


def test_a_car_that_waits_and_drives_on_is_nothing(taxonomy):
    seen = Seen(taxonomy)
    seen(range(0, 50, 2), car())
    for step in range(12):
        seen([50 + 2 * step], car([box + 12.0 * step for box in CAR]))

    assert [] == seen.events


def test_cars_that_follow_each_other_at_a_light_are_not_one_parked_car(taxonomy):
    seen = Seen(taxonomy)
    for number in range(5):
        seen(range(40 * number, 40 * number + 40, 2), car(colour=(200, 30)[number % 2]))

    assert [] == seen.events


def test_a_car_is_known_again_after_a_gap_and_behind_what_hides_it(taxonomy):
    seen = Seen(taxonomy)
    seen(range(0, 30, 2), car())
    truck = ("truck", 0.9, [60.0, 60.0, 300.0, 330.0], 120)
    seen(range(30, 40, 2), truck)
    seen(range(300, 400, 2), car())

    assert 1 == len([one for one in seen.told() if one[0] == "illegal_parking"])
    assert 0.0 == seen.events[0].stay.since_s


def test_litter_is_confirmed_by_several_looks_and_found_gone_by_several(taxonomy):
    seen = Seen(taxonomy)
    seen([0], heap())
    seen(range(5, 60, 5))
    assert [] == seen.events

    seen(range(60, 120, 5), heap())
    seen(range(120, 200, 5))

    assert [("exposed_garbage", "right", 80.0)] == seen.told()
    assert 1 == len(seen.told(Happening.ended))


def test_hours_begin_a_rule_and_end_it(taxonomy):
    hours = HALF.replace("dwell: 60", 'dwell: 60, hours: [{days: [mon], from: "08:00", to: "08:05"}]')
    seen = Seen(taxonomy, hours, timed=True)
    seen(range(0, 600, 10), car())  # from 07:58 on

    assert [("illegal_parking", "left", 180.0)] == seen.told()
    assert [420.0] == [one.at_s for one in seen.events if one.what is Happening.ended]


def test_a_zone_that_is_ignored_hides_what_lies_in_it(taxonomy):
    seen = Seen(taxonomy, HALF + "  - {name: private, kind: ignore, polygon: [[0, 0], [.5, 0], [.5, 1], [0, 1]]}\n")
    seen(range(0, 200, 5), car())

    assert [] == seen.events


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begin with `zones:`"),
        ("zones: [", "not YAML"),
        ("zones: [{name: a, kind: no_parking, polygon: [[0, 0], [2, 0], [1, 1]]}]", "less than or equal to 1"),
        ("zones: [{name: a, kind: no_parking, polygon: [[0, 0], [1, 1], [0, 0]]}]", "no area"),
        ("zones: [{name: a, kind: parking, polygon: [[0, 0], [1, 0], [1, 1]]}]", "no_parking"),
        ("zones: [{name: a, kind: bins, polygon: [[0, 0], [1, 0], [1, 1]], dwel: 5}]", "dwel"),
        ("zones: [{name: a, kind: bins, polygon: [[0, 0], [1, 0], [1, 1]], hours: [{days: [someday]}]}]", "someday"),
    ],
)
def test_zones_that_cannot_be_meant_are_refused_in_words(text, says):
    with pytest.raises(ZonesRefused, match=says):
        parse_zones(text)


def test_an_unknown_class_is_named(taxonomy):
    zones = parse_zones(HALF.replace("exposed_garbage", "dragon"))

    with pytest.raises(ZonesRefused, match="dragon"):
        Watch(zones, taxonomy, card())


def test_zones_come_back_as_they_were_written():
    zones = parse_zones(HALF.replace("dwell: 60", 'dwell: 60, hours: [{days: [workday], from: "22:00", to: "06:00"}]'))

    assert zones == parse_zones(write_zones(zones))


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 6.0, 7.0], [0.0, 1.0, 2.0]),
        ([5.0, 6.0, 4000.0, 4001.0], [0.0, 1.0, 2.0, 3.0]),
        ([5.0, 6.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]),
        ([5.0, None, 7.0], [0.0, 1.0, 2.0]),
        ([None, None, 100.0, 101.0], [0.0, 1.0, 1.0, 2.0]),
        ([WRAPS_S[0] - 1, 0.0, 1.0], [0.0, 1.0, 2.0]),
    ],
)
def test_the_clock_repairs_what_cannot_be(stamps, expected):
    clock = StreamClock()

    assert expected == [pytest.approx(clock.step(one, 1.0 if at else 0.0)) for at, one in enumerate(stamps)]


def test_waits_grow_and_are_never_alike():
    backoff = Backoff(first_s=1.0, most_s=60.0)

    assert [1.0, 2.0, 4.0, 60.0] == [backoff.wait_s(one, lambda: 0.0) for one in (0, 1, 2, 9)]
    assert 30.0 == backoff.wait_s(50, lambda: 1.0)
