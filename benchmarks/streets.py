"""One rendered street, its zones, and clips of it with known truth."""

from pathlib import Path

from detector.cameras.zones import Zones, parse_zones
from training.scenes.clips import Clip, Plates, Shown, Truth, passing

PLATES = Path(__file__).with_name("plates")

ZONES = """
zones:
  - name: kerb
    kind: no_parking
    dwell: 60
    polygon: [[.02, .74], [.34, .42], [.55, .37], [.61, .43], [.44, .62], [.2, .9], [.06, .9]]
  - name: lane
    kind: no_parking
    dwell: 60
    polygon: [[.2, .95], [.44, .63], [.64, .44], [.74, .36], [.79, .36], [.74, .52], [.57, .85], [.5, 1], [.2, 1]]
  - name: bins
    kind: bins
    dwell: 20
    classes: [overflowing_bin]
    polygon: [[.1, .4], [.22, .4], [.22, .65], [.1, .65]]
  - name: pavement
    kind: keep_clear
    dwell: 30
    polygon: [[.23, .44], [.46, .38], [.48, .46], [.36, .54], [.24, .6]]
"""


def zones() -> Zones:
    return parse_zones(ZONES)


def plates() -> Plates:
    return Plates(PLATES)


def shown(thing: str, since_s: int, until_s: int) -> Shown:
    return Shown(thing=thing, since_s=since_s, until_s=until_s)


def truth(code: str, zone: str, since_s: float, until_s: float) -> Truth:
    dwell_s = next(one.dwell_s for one in zones().zones if one.name == zone)
    return Truth(code=code, zone=zone, since_s=since_s, until_s=until_s, due_s=since_s + dwell_s)


TRAFFIC = [one for start in range(5, 235, 14) for one in passing("lane", 7, start)]

PARKING = Clip(
    name="parking",
    seconds=220,
    shown=[
        shown("bins_clean", 0, 220),
        shown("parked_3", 0, 220),  # outside the zone
        shown("parked_1", 20, 160),
        shown("parked_0", 100, 140),  # shorter than the zone allows
        *TRAFFIC[: 7 * 14],
    ],
    truth=[truth("illegal_parking", "kerb", 20, 160)],
)
WAITING = Clip(  # at a light: one car for 45 seconds, the next one in its place at once, and again
    name="waiting",
    seconds=200,
    shown=[
        shown("bins_clean", 0, 200),
        *passing("lane", 3, 7),
        shown("lane_3", 10, 55),
        shown("parked_3", 0, 200),
        *passing("white", 2, 57),
        shown("white_2", 60, 105),
        shown("lane_3", 107, 150),
        *passing("lane", 7, 160),
        *passing("lane", 7, 175),
    ],
)
CHANGE = Clip(  # one parked car leaves and another takes its place
    name="change",
    seconds=220,
    shown=[
        shown("bins_clean", 0, 220),
        shown("parked_1", 8, 100),
        shown("parked_1_other", 103, 205),
        *passing("lane", 7, 40),
    ],
    truth=[truth("illegal_parking", "kerb", 8, 100), truth("illegal_parking", "kerb", 103, 205)],
)
HIDDEN = Clip(  # a van stops in front of a parked car for a while, and others pass
    name="hidden",
    seconds=200,
    shown=[
        shown("bins_clean", 0, 200),
        shown("parked_2", 10, 180),
        shown("lane_2", 50, 75),
        shown("white_1", 100, 130),
        *passing("lane", 7, 140),
    ],
    truth=[truth("illegal_parking", "kerb", 10, 180)],
)
LITTER = Clip(
    name="litter",
    seconds=220,
    shown=[
        shown("bins_clean", 0, 60),
        shown("bins_full", 60, 160),
        shown("bins_clean", 160, 220),
        shown("heap", 40, 150),
        *passing("lane", 7, 80),
        *passing("lane", 7, 120),
    ],
    truth=[truth("overflowing_bin", "bins", 60, 160), truth("exposed_garbage", "pavement", 40, 150)],
)
THING = Clip(
    name="thing",
    seconds=200,
    shown=[shown("bins_clean", 0, 200), shown("cartons", 60, 160), *passing("lane", 7, 30), *passing("lane", 7, 90)],
    truth=[truth("clutter", "pavement", 60, 160)],
)


def night(clip: Clip) -> Clip:
    return Clip(name=f"{clip.name} by night", seconds=clip.seconds, shown=clip.shown, truth=clip.truth, night=True)


CLIPS = [PARKING, WAITING, CHANGE, HIDDEN, LITTER, THING, night(PARKING), night(WAITING)]
