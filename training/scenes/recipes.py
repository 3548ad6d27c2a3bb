"""Which things a scene is made of: a recipe puts its subject down and says where to look, `compose` adds the street."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from . import camera, facades, furniture, objects_cables, objects_cars, objects_garbage, objects_graffiti, sky, street
from .objects_bins import row_of_bins, wheelie_bin
from .objects_potholes import Pothole, random_pothole
from .stage import Stage, Street


@dataclass(slots=True)
class Plan:
    """What a recipe asks of the rest of the scene."""

    focus: tuple[float, float, float]  #: what the camera looks at, metres
    near_m: float = 3.5
    far_m: float = 7.0
    upwards: bool = False  #: the subject hangs overhead
    blank: tuple[float, float] | None = None  #: keep this stretch of the front plain (x from, to)
    potholes: list[Pothole] = field(default_factory=list)


def random_street(rng: np.random.Generator) -> Street:
    """An alley, a back street or a main road's edge."""
    if rng.random() < 0.25:
        return Street(walk_m=0.0, road_m=rng.uniform(5, 7.5), kerb_m=0.0, far_walk_m=0.4)
    return Street(
        walk_m=rng.uniform(2.2, 4.8),
        road_m=rng.uniform(6.5, 10),
        kerb_m=rng.uniform(0.1, 0.17),
        far_walk_m=rng.uniform(1.5, 3.5),
    )


def _garbage(stage: Stage) -> Plan:
    rng, size = stage.rng, stage.rng.uniform(0.8, 2.4)
    wall = rng.random() < 0.65 or stage.street.walk_m == 0
    y = -size * 0.3 - 0.15 if wall else -stage.street.walk_m + rng.uniform(-0.3, 0.6)
    objects_garbage.heap(stage, 0.0, y, size, 0.0)
    if rng.random() < 0.4:
        side = rng.choice([-1, 1])
        row_of_bins(stage, side * (size * 0.5 + 0.8), min(-0.5, y), int(rng.integers(1, 3)), full=0.4)
    return Plan((0.0, y, 0.4), 1.5 + size * 0.9, 4.5 + size * 1.1)


def _bins(stage: Stage, full: float = 0.0, bags: float = 0.0) -> Plan:
    rng, count = stage.rng, int(stage.rng.integers(1, 5))
    y = -0.5 - rng.uniform(0, 0.3) if rng.random() < 0.75 else -max(1.0, stage.street.walk_m) + 0.6
    row_of_bins(stage, 0.0, y, count, full)
    if rng.random() < bags:
        objects_garbage.heap(stage, rng.choice([-1, 1]) * (count * 0.36 + 0.55), y - 0.35, rng.uniform(0.6, 1.4), 0.0)
    return Plan((0.0, y, 0.55), 1.9 + 0.35 * count, 5.0 + 0.45 * count)


def _overflow(stage: Stage) -> Plan:
    return _bins(stage, full=0.85, bags=0.55)


def _clean_bins(stage: Stage) -> Plan:
    return _bins(stage)


def _pothole(stage: Stage) -> Plan:
    rng = stage.rng
    holes: list[Pothole] = []
    base = -stage.street.walk_m - rng.uniform(1.3, min(3.6, stage.street.road_m - 2.5))
    for k in range(int(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))):
        x = 0.0 if k == 0 else rng.choice([-1, 1]) * (1.7 + 1.9 * k + rng.uniform(0, 0.7))
        hole = random_pothole(stage, x, base + (0 if k == 0 else rng.uniform(-0.4, 0.6)), big=k == 0)
        if all(hole.patch()[0] > h.patch()[1] or hole.patch()[1] < h.patch()[0] for h in holes):
            holes.append(hole)
    return Plan((0.0, base, 0.1), 1.8, 4.6, potholes=holes)


def _graffiti(stage: Stage) -> Plan:
    rng = stage.rng
    width = rng.uniform(1.1, 3.2)
    objects_graffiti.scrawls(stage, 0.0, rng.uniform(0.9, 1.7), width)
    if rng.random() < 0.4:
        objects_graffiti.scrawls(
            stage, rng.choice([-1, 1]) * (width / 2 + 1.4), rng.uniform(0.8, 1.6), rng.uniform(0.8, 1.7)
        )
    return Plan((0.0, 0.0, 1.25), 1.4 + width * 0.6, 2.8 + width * 0.9, blank=(-width / 2 - 2.4, width / 2 + 2.4))


def _cables(stage: Stage) -> Plan:
    rng, kind = stage.rng, stage.rng.random()
    y = -max(0.5, stage.street.walk_m - 0.5)
    if kind < 0.45:
        level = rng.uniform(4.0, 5.6)
        furniture.pole(stage, 0.0, y, level + rng.uniform(0.8, 2.6))
        objects_cables.mess_at_pole(stage, 0.0, y, level, rng.uniform(0.6, 1.5))
        return Plan((0.0, y, level - rng.uniform(0, 1.2)), 3.6, 8.5, upwards=True)
    if kind < 0.85:
        level = rng.uniform(2.7, 4.3)
        half = rng.uniform(2.5, 8.0)
        objects_cables.mess_on_front(stage, 0.0, level, half, rng.uniform(0.6, 1.5))
        return Plan((0.0, 0.0, level - rng.uniform(0, 1.3)), 3.4, 7.5, upwards=True)
    level = rng.uniform(4.2, 5.6)
    objects_cables.mess_across(stage, 0.0, level)
    # Seen along the street from some way off.
    return Plan((0.0, stage.street.far_face_y * 0.45, level - rng.uniform(0.6, 1.6)), 6.0, 9.0, upwards=True)


def _parking(stage: Stage) -> Plan:
    rng = stage.rng
    y = -stage.street.walk_m * 0.5 if stage.street.walk_m > 2.6 else -1.25
    objects_cars.car(stage, 0.0, y, rng.choice([0, np.pi]) + rng.normal(0, 0.06))
    return Plan((0.0, y, 0.7), 4.6, 7.5)


def _tidy(stage: Stage) -> Plan:
    rng = stage.rng
    if rng.random() < 0.6:
        wheelie_bin(stage, 0.0, -0.55, rng.normal(0, 0.1), full=False)
    return Plan((0.0, -0.3, rng.uniform(0.8, 2.8)), 4.5, 9.0, upwards=rng.random() < 0.4)


SUBJECTS: dict[str, Callable[[Stage], Plan]] = {
    "garbage": _garbage,
    "overflow": _overflow,
    "bins": _clean_bins,
    "pothole": _pothole,
    "graffiti": _graffiti,
    "cables": _cables,
    "parking": _parking,
    "tidy": _tidy,
}
RECIPES = ("mixed", *SUBJECTS)
_MIX = {
    "garbage": 0.14,
    "overflow": 0.14,
    "bins": 0.08,
    "pothole": 0.12,
    "graffiti": 0.12,
    "cables": 0.28,
    "parking": 0.04,
    "tidy": 0.08,
}


def subject_of(recipe: str, rng: np.random.Generator) -> str:
    """The subject a recipe stands for; `mixed` draws one."""
    drawn = str(rng.choice(list(_MIX), p=np.array(list(_MIX.values())) / sum(_MIX.values())))
    return drawn if recipe == "mixed" else recipe


def compose(recipe: str, seed: int, step: int = 0) -> tuple[Stage, camera.View, dict[str, str]]:
    """Build a whole scene in Blender from a seed; `step` 1, 2 … takes the same scene from half a metre away.

    Gives the stage (with its label indices), the view and a few words about the scene.
    """
    rng = np.random.default_rng([seed, 4])
    subject, weather = subject_of(recipe, rng), sky.random_weather(rng)
    stage = Stage(rng, random_street(rng))
    plan = SUBJECTS[subject](stage)
    view = camera.look(stage.street, plan.focus, plan.near_m, plan.far_m, rng, plan.upwards)
    stage.take(view.place[0], view.place[1], 1.0)
    if recipe == "mixed":
        _extras(stage, subject, plan)
    _clutter(stage, view, plan, cars=subject not in ("tidy", "pothole"))
    facades.row(stage, 0.0, -1, plan.blank)
    facades.row(stage, stage.street.far_face_y, 1, None)
    street.lay(stage, plan.potholes)
    sky.light(weather, rng)
    camera.put(camera.stepped(view, step))
    return stage, view, {"subject": subject, "weather": weather.kind}


def _extras(stage: Stage, subject: str, plan: Plan) -> None:
    """Now and then a second violation beside the first."""
    rng = stage.rng
    side = rng.choice([-1, 1])
    if subject != "cables" and rng.random() < 0.13:
        objects_cables.mess_on_front(stage, rng.uniform(-2, 2), rng.uniform(2.7, 3.8), rng.uniform(2, 4.5))
    if subject != "graffiti" and rng.random() < 0.16:
        x = side * rng.uniform(1.2, 3.5)
        plan.blank = (x - 2.5, x + 2.5)
        objects_graffiti.scrawls(stage, x, rng.uniform(1.0, 1.8), rng.uniform(0.9, 2.0))
    x = -side * rng.uniform(2.0, 4.0)
    if subject in ("graffiti", "cables", "pothole", "tidy") and rng.random() < 0.3 and stage.free(x, -0.8, 0.9):
        if rng.random() < 0.5:
            row_of_bins(stage, x, -0.6, int(rng.integers(1, 4)), full=0.4)
        else:
            objects_garbage.heap(stage, x, -0.7, rng.uniform(0.6, 1.4), 0.0)


def _clutter(stage: Stage, view: camera.View, plan: Plan, cars: bool) -> None:
    """Parked cars, trees, poles, lamps, hedges and tidy lines where they do not hide the subject."""
    _parked(stage, view, plan, cars)
    _greenery(stage, view, plan)
    _poles(stage, view, plan)
    street_, rng = stage.street, stage.rng
    if street_.walk_m > 2 and rng.random() < 0.2:
        furniture.bollards(stage, -9, 9, 0.3 - street_.walk_m)
    if street_.far_walk_m > 1.4:
        y = street_.far_face_y + street_.far_walk_m - 0.6
        for x in np.arange(-24, 24, 8.0) + rng.uniform(-3, 3):
            if rng.random() < 0.6 and _clear(stage, view, plan, x, y, 0.8):
                furniture.tree(stage, x, y)


def _parked(stage: Stage, view: camera.View, plan: Plan, near_side: bool) -> None:
    """Rows of parked cars along the kerbs, with gaps."""
    rng, street_ = stage.rng, stage.street
    if near_side and street_.road_m > 6 and rng.random() < 0.55:
        y = -street_.walk_m - 1.15
        for x in np.arange(-18, 18, 5.6) + rng.uniform(-1, 1):
            if rng.random() < 0.5 and _clear(stage, view, plan, x, y, 2.6):
                objects_cars.car(stage, x, y, rng.choice([0, np.pi]) + rng.normal(0, 0.02))
    if rng.random() < 0.45:
        far = -(street_.walk_m + street_.road_m) + 1.15
        for x in np.arange(-20, 20, 5.9) + rng.uniform(-1, 1):
            if rng.random() < 0.5 and _clear(stage, view, plan, x, far, 2.6) and view.place[1] > far + 1.2:
                objects_cars.car(stage, x, far, rng.choice([0, np.pi]))


def _greenery(stage: Stage, view: camera.View, plan: Plan) -> None:
    """A row of trees on a wide pavement, a hedge at the houses."""
    rng, walk_m = stage.rng, stage.street.walk_m
    if walk_m > 2.8 and rng.random() < 0.6:
        for x in np.arange(-20, 20, rng.uniform(6, 9)) + rng.uniform(-3, 3):
            if _clear(stage, view, plan, x, 0.7 - walk_m, 0.7):
                furniture.tree(stage, x, 0.7 - walk_m)
    if walk_m > 3.2 and rng.random() < 0.25:
        x = rng.choice([-1, 1]) * rng.uniform(5, 8)
        if _clear(stage, view, plan, x, -0.6, 2.5):
            furniture.hedge(stage, x - 2, x + 2, -0.6)


def _poles(stage: Stage, view: camera.View, plan: Plan) -> None:
    """Lamps or utility poles in a row, the latter mostly with taut lines."""
    rng, walk_m = stage.rng, stage.street.walk_m
    if rng.random() < 0.6:
        y = 0.4 - walk_m if walk_m else -0.4
        lamp = bool(rng.random() < 0.4)
        for x in np.arange(-26, 26, 13.0) + rng.uniform(-5, 5):
            if _clear(stage, view, plan, x, y, 0.35):
                furniture.pole(stage, x, y, rng.uniform(6.2, 7.5), lamp)
        if not lamp and rng.random() < 0.8:
            objects_cables.tidy_lines(stage, y, rng.uniform(5.4, 6.1))


def _clear(stage: Stage, view: camera.View, plan: Plan, x: float, y: float, radius: float) -> bool:
    """Whether a thing at x, y stands free and out of the line from the camera to the subject."""
    start, end, spot = np.array(view.place[:2]), np.array(plan.focus[:2]), np.array([x, y])
    along = end - start
    t = np.clip((spot - start) @ along / max(1e-6, along @ along), 0, 1.0)
    gap = float(np.linalg.norm(start + along * t - spot))
    return stage.free(x, y, radius) and gap > radius + 0.5 + 0.6 * float(t)
