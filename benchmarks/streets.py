"""Two rendered streets with their zones, and clips of them with known truth: one to tune on, one to judge on.

What happens in a clip follows from its kind and its seed: when a car comes, how long it stays, how far aside of the one
before it stops. The judging street has other houses, cars, colours, light and another view, and seeds of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from detector.cameras.zones import Zones, parse_zones
from training.scenes.clips import Befalls, Clip, Light, Plates, Shown, Trouble, Truth, passing

FOLDER = Path(__file__).with_name("plates")
DWELL_S = {"kerb": 60, "lane": 60, "bins": 20, "pavement": 30}
ZONES = """
zones:
  - {{name: kerb, kind: no_parking, dwell: 60, polygon: {kerb}}}
  - {{name: lane, kind: no_parking, dwell: 60, polygon: {lane}}}
  - {{name: bins, kind: bins, dwell: 20, classes: [overflowing_bin], polygon: {bins}}}
  - {{name: pavement, kind: keep_clear, dwell: 30, polygon: {pavement}}}
"""


@dataclass(frozen=True, kw_only=True)
class Street:
    """A street, seen by one camera."""

    name: str  #: folder of its plates
    polygons: dict[str, list[list[float]]]
    lane_steps: int  #: places that a car drives through
    waits_at: int  #: which of them is before the light
    other_waits_at: int  #: and where the white car stands nearly in the same place
    seeds_from: int

    @cached_property
    def zones(self) -> Zones:
        return parse_zones(ZONES.format(**self.polygons))

    @cached_property
    def plates(self) -> Plates:
        return Plates(FOLDER / self.name)


TUNING = Street(
    name="tuning",
    polygons={
        "kerb": [[0.02, 0.74], [0.34, 0.42], [0.55, 0.37], [0.61, 0.43], [0.44, 0.62], [0.2, 0.9], [0.06, 0.9]],
        "lane": [[0.2, 0.95], [0.44, 0.63], [0.64, 0.44], [0.74, 0.36], [0.79, 0.36], [0.74, 0.52], [0.57, 0.85],
                 [0.5, 1], [0.2, 1]],
        "bins": [[0.1, 0.4], [0.22, 0.4], [0.22, 0.65], [0.1, 0.65]],
        "pavement": [[0.23, 0.44], [0.46, 0.38], [0.48, 0.46], [0.36, 0.54], [0.24, 0.6]],
    },
    lane_steps=7,
    waits_at=3,
    other_waits_at=2,
    seeds_from=100,
)  # fmt: skip
JUDGING = Street(
    name="judging",
    polygons={
        "kerb": [[0.37, 0.44], [0.45, 0.42], [0.56, 0.48], [0.79, 0.62], [0.82, 0.72], [0.72, 0.78], [0.55, 0.68],
                 [0.36, 0.5]],
        "lane": [[0.16, 0.34], [0.27, 0.36], [0.4, 0.52], [0.6, 0.7], [0.84, 0.96], [0.84, 1], [0.46, 1], [0.3, 0.74],
                 [0.2, 0.5]],
        "bins": [[0.76, 0.4], [0.87, 0.4], [0.87, 0.62], [0.76, 0.62]],
        "pavement": [[0.5, 0.44], [0.62, 0.44], [0.75, 0.5], [0.75, 0.6], [0.64, 0.57], [0.52, 0.49]],
    },
    lane_steps=6,
    waits_at=2,
    other_waits_at=1,
    seeds_from=500,
)  # fmt: skip
STREETS = {one.name: one for one in (TUNING, JUDGING)}

Kind = Callable[[Street, np.random.Generator], Clip]


def shown(thing: str, since_s: int, until_s: int, aside_px: tuple[int, int] = (0, 0)) -> Shown:
    return Shown(thing=thing, since_s=since_s, until_s=until_s, aside_px=aside_px)


def truth(code: str, zone: str, since_s: float, until_s: float) -> Truth:
    also = {"clutter": ("exposed_garbage",), "exposed_garbage": ("clutter",)}.get(code, ())
    return Truth(code=code, zone=zone, also=also, since_s=since_s, until_s=until_s, due_s=since_s + DWELL_S[zone])


def traffic(street: Street, since_s: int, until_s: int, every_s: int) -> list[Shown]:
    """The same car again and again: every so many seconds it drives through."""
    return [
        one
        for start in range(since_s, until_s - street.lane_steps, every_s)
        for one in passing("lane", street.lane_steps, start)
    ]


def parking(street: Street, rng: np.random.Generator) -> Clip:
    """One car parks for too long, one for less, one outside the zones; in the lane traffic passes evenly."""
    came, short = int(rng.integers(12, 30)), int(rng.integers(80, 105))
    return Clip(
        name="parking",
        seconds=220,
        shown=[
            shown("bins_clean", 0, 220),
            shown("parked_3", 0, 220),
            shown("parked_1", came, came + 140),
            shown("parked_0", short, short + 40),
            *traffic(street, 5, 195, int(rng.choice([8, 10, 12, 14]))),
        ],
        truth=[truth("illegal_parking", "kerb", came, came + 140)],
    )


def waiting(street: Street, rng: np.random.Generator) -> Clip:
    """At a light: a car waits, another takes its place at once, and again one like the first, a little aside."""
    things, at = [*passing("lane", street.waits_at, 10 - street.waits_at)], 10
    cars = [f"lane_{street.waits_at}", f"white_{street.other_waits_at}"] if rng.random() < 0.5 else []
    cars = cars or [f"lane_{street.waits_at}"]
    turn = 0
    while at < 170:
        waits, aside = int(rng.integers(30, 50)), rng.integers(-3, 4, 2) if turn else (0, 0)
        things.append(shown(cars[turn % len(cars)], at, at + waits, (int(aside[0]), int(aside[1]))))
        at, turn = at + waits + int(rng.integers(2, 5)), turn + 1
    return Clip(
        name="waiting",
        seconds=at + 20,
        shown=[shown("bins_clean", 0, at + 20), shown("parked_3", 0, at + 20), *things],
    )


def change(street: Street, rng: np.random.Generator) -> Clip:
    """One parked car leaves and another takes its place."""
    came, gone = int(rng.integers(5, 15)), int(rng.integers(95, 105))
    after = gone + int(rng.integers(2, 5))
    return Clip(
        name="change",
        seconds=220,
        shown=[
            shown("bins_clean", 0, 220),
            shown("parked_1", came, gone),
            shown("parked_1_other", after, 205),
            *passing("lane", street.lane_steps, 40),
        ],
        truth=[truth("illegal_parking", "kerb", came, gone), truth("illegal_parking", "kerb", after, 205)],
    )


def hidden(street: Street, rng: np.random.Generator) -> Clip:
    """Others stop in front of a parked car for a while, and pass."""
    came, first, second = (int(rng.integers(a, a + 12)) for a in (5, 44, 95))
    return Clip(
        name="hidden",
        seconds=200,
        shown=[
            shown("bins_clean", 0, 200),
            shown("parked_2", came, 180),
            shown(f"lane_{street.waits_at - 1}", first, first + 25),
            shown("white_1", second, second + 30),
            *passing("lane", street.lane_steps, 140),
        ],
        truth=[truth("illegal_parking", "kerb", came, 180)],
    )


def litter(street: Street, rng: np.random.Generator) -> Clip:
    """A heap is left and cleared, bins fill and are emptied, cars pass."""
    heap, full = int(rng.integers(35, 55)), int(rng.integers(55, 75))
    return Clip(
        name="litter",
        seconds=220,
        shown=[
            shown("bins_clean", 0, full),
            shown("bins_full", full, full + 95),
            shown("bins_clean", full + 95, 220),
            shown("heap", heap, heap + 105),
            *passing("lane", street.lane_steps, 80),
            *passing("lane", street.lane_steps, 120),
        ],
        truth=[
            truth("overflowing_bin", "bins", full, full + 95),
            truth("exposed_garbage", "pavement", heap, heap + 105),
        ],
    )


def cartons(street: Street, rng: np.random.Generator) -> Clip:
    """Boxes are left on the pavement and taken away."""
    return _left(street, rng, "cartons")


def bag(street: Street, rng: np.random.Generator) -> Clip:
    """A tied bag is left on the pavement and taken away."""
    return _left(street, rng, "bag")


def _left(street: Street, rng: np.random.Generator, thing: str) -> Clip:
    came, brief = int(rng.integers(50, 70)), int(rng.integers(8, 16))
    return Clip(
        name=thing,
        seconds=220,
        shown=[
            shown("bins_clean", 0, 220),
            shown(thing, 28, 28 + brief),  # put down and taken up again
            shown(thing, came, came + 100),
            *passing("lane", street.lane_steps, 32),
            *passing("lane", street.lane_steps, 90),
        ],
        truth=[truth("clutter", "pavement", came, came + 100)],
    )


def troubled(trouble: Trouble) -> Kind:
    """A car is parked; meanwhile something is the matter with the camera."""

    def make(street: Street, rng: np.random.Generator) -> Clip:
        since = int(rng.integers(88, 100))
        return replace(
            parking(street, rng),
            name=trouble.value,
            shown=[
                shown("bins_clean", 0, 220),
                shown("parked_1", 6, 205),
                *passing("lane", street.lane_steps, 60),
                *passing("lane", street.lane_steps, 175),
            ],
            truth=[truth("illegal_parking", "kerb", 6, 205)],
            befalls=Befalls(trouble=trouble, since_s=since, until_s=since + 60),
        )

    return make


KINDS: dict[str, Kind] = {
    "parking": parking,
    "waiting": waiting,
    "change": change,
    "hidden": hidden,
    "litter": litter,
    "cartons": cartons,
    "bag": bag,
    **{one.value: troubled(one) for one in Trouble},
}
AIR: dict[str, Callable[[Clip], Clip]] = {
    "day": lambda clip: clip,
    "dusk": lambda clip: replace(clip, light=Light.dusk),
    "lamps": lambda clip: replace(clip, light=Light.lamps),
    "infrared": lambda clip: replace(clip, light=Light.infrared),
    "rain": lambda clip: replace(clip, rain=True),
    "wind": lambda clip: replace(clip, shake_px=1.5),
}


CHOSEN = {  # the airs that each kind is played in; all of all would take an hour
    "parking": list(AIR),
    "waiting": list(AIR),
    "change": ["day", "infrared", "dusk"],
    "hidden": ["day", "lamps", "rain"],
    "litter": ["day", "dusk", "infrared", "rain"],
    "cartons": ["day", "lamps", "infrared", "wind"],
    "bag": ["day", "lamps", "infrared", "rain"],
    **{one.value: ["day", "infrared", "lamps"] for one in Trouble},
}


def clips_of(street: Street) -> list[Clip]:
    """Give one clip of each kind in each of the airs chosen for it; each has a seed of its own."""
    made: list[Clip] = []
    for kind, airs in CHOSEN.items():
        for air in airs:
            clip = AIR[air](KINDS[kind](street, np.random.default_rng([street.seeds_from, len(made)])))
            made.append(replace(clip, name=f"{clip.name} {air}"))
    return made
