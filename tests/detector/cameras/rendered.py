"""Rendered street clips for tests, seen by a watch at its own border: real pictures, and boxes as the truth has them.

`python -m tests.detector.cameras.rendered` writes the small clip beside this file anew.
"""

from pathlib import Path

from benchmarks.streets import TUNING, shown, traffic
from detector.cameras.events import Happening
from detector.cameras.frame import Frame
from detector.cameras.watch import Watch
from detector.cameras.zones import parse_zones
from tests.detector.models import card, found
from training.scenes.clips import EVERY_S, Clip, frame_of, write

SMALL = Path(__file__).with_name("street.mp4")
ZONES = """\
zones:
  - {name: kerb, kind: no_parking, dwell: 20, polygon: [[.02, .74], [.34, .42], [.61, .43], [.44, .62], [.06, .9]]}
  - {name: lane, kind: no_parking, dwell: 20, polygon: [[.2, .95], [.44, .63], [.74, .36], [.79, .36], [.5, 1]]}
  - {name: bins, kind: bins, dwell: 12, classes: [overflowing_bin], polygon: [[.1, .4], [.22, .4], [.22, .6], [.1, .6]]}
  - {name: pavement, kind: keep_clear, dwell: 12, polygon: [[.23, .44], [.46, .38], [.48, .46], [.36, .54], [.24, .6]]}
"""
STREET = Clip(
    name="street",
    seconds=100,
    shown=[
        shown("bins_clean", 0, 100),
        shown("parked_3", 0, 100),  # in no zone
        shown("parked_1", 10, 46),
        shown("parked_1_other", 49, 80),  # another in its place
        shown("parked_0", 30, 42),  # shorter than the zone allows
        *traffic(TUNING, 2, 98, 8),
    ],
)


def watched(clip, taxonomy, *, named=None, overlooks=(), every_s=EVERY_S, zones=ZONES):
    """Watch a clip; give what was told: [(what, code, zone, seconds)].

    Args:
        named: thing -> [(class, confidence)] as a model would say it; others are cars, and bags have no name.
        overlooks: seconds at which the model finds nothing at all.
    """
    watch, told = Watch(parse_zones(zones), taxonomy, card()), []
    for second in range(0, clip.seconds, every_s):
        pixels = frame_of(clip, TUNING.plates, second)[:, :, ::-1].copy()
        frame = Frame(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0], at_s=float(second))
        away = clip.befalls is not None and clip.befalls.since_s <= second < clip.befalls.until_s
        if watch.wants(frame):
            names, boxes = [], []
            for one in clip.shown if second not in overlooks and not away else ():
                if one.since_s <= second < one.until_s:
                    said = (named or {}).get(one.thing, _said(one.thing))
                    names += said
                    boxes += [TUNING.plates.box_of(one)] * len(said)
            told += watch.see(frame, found(*names, boxes=boxes))
        else:
            told += watch.pass_by(frame)
    return [
        (one.what.value, one.stay.code, one.stay.zone, one.at_s) if one.stay else (one.what.value, one.at_s)
        for one in told
    ]


def began(told):
    """Give code and zone of what began."""
    return [one[1:3] for one in told if one[0] == Happening.began]


def _said(thing):
    if thing.startswith(("parked", "lane", "white")):
        return [("car", 0.8)]
    return {"bins_clean": [("trash_bin", 0.9)], "heap": [("exposed_garbage", 0.8)]}.get(thing, [])


if __name__ == "__main__":
    write(STREET, TUNING.plates, SMALL, width_px=512, crf=33)
