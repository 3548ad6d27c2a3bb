"""`python -m training.scenes.plates DIR --street NAME`: a street seen from a pole, empty and with one thing at a time.

Every plate of a street has the same camera, light and exposure, so that `clips.py` can lay them over each other: what a
thing hides comes from its own pixels, its shadow from what it does to the empty street. Seeds 9900 and 9901, which no
training scene uses. There are two streets, so that what is tuned on one can be judged on the other.

DIR gets `empty.webp`, for each thing `NAME.webp` (RGBA, cut out with its shadow; alpha is 255 where the thing itself is
and 0 where only its shadow or its light lies) and `plates.json` (where each one goes, and the thing's box).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import boxes, camera, facades, finish, furniture, objects_cars, objects_garbage, render, sky, street
from .objects_bins import row_of_bins
from .stage import Stage, Street

SEDAN, SUV, HATCH, VAN = 0, 2, 4, 5
SHADOW = 8  # levels of 255; less is the renderer's noise
EMPTY_QUALITY, CUT_QUALITY = 92, 90  # of WebP; a cut's alpha is kept exactly

Maker = Callable[[Stage], object]


def car(x: float, y: float, shape: int, paint: int, yaw: float = 0.0) -> Maker:
    """A maker of one car of a given shape and colour."""

    def make(stage: Stage) -> None:
        shapes, paints = objects_cars._SHAPES, objects_cars._PAINTS  # noqa: SLF001 - which car is the point here
        try:
            objects_cars._SHAPES, objects_cars._PAINTS = (shapes[shape],), (paints[paint],)  # noqa: SLF001
            objects_cars.car(stage, x, y, yaw)
        finally:
            objects_cars._SHAPES, objects_cars._PAINTS = shapes, paints  # noqa: SLF001

    return make


def cartons(*places: tuple[float, float]) -> Maker:
    """A maker of boxes left at some places on the pavement."""

    def make(stage: Stage) -> None:
        relief = objects_garbage.Relief(*np.mean(places, axis=0), stage.street.ground_z)
        index = stage.label("exposed_garbage")
        for x, y in places:
            objects_garbage.put_carton(stage, relief, x, y, index)

    return make


def bag(x: float, y: float, size_m: float) -> Maker:
    """A maker of one tied bag on the pavement."""

    def make(stage: Stage) -> None:
        relief = objects_garbage.Relief(x, y, stage.street.ground_z)
        objects_garbage.put_bag(stage, relief, x, y, size_m, stage.label("exposed_garbage"))

    return make


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A street to be built, and the things that may be in it."""

    seed: int
    street: Street
    view: camera.View
    blank: tuple[float, float]  #: x from and to, where the ground floor is a plain wall
    trees: tuple[float, ...]
    pole: tuple[float, float]  #: x, y
    weather: sky.Weather
    things: dict[str, Maker]


KERB_Y, LANE_Y = -4.8, -7.8
TUNING = Plan(
    seed=9900,
    street=Street(walk_m=3.6, road_m=9.4, kerb_m=0.14, far_walk_m=3.0),
    view=camera.View(place=(-13.0, -14.2, 6.3), target=(3.2, -5.4, 0.3), lens_mm=27.0, roll_deg=0.4),
    blank=(-6.0, 2.0),
    trees=(10.5, 18.5),
    pole=(-9.5, -3.2),
    weather=sky.Weather(kind="hazy", sun_height_deg=52.0, sun_from_deg=235.0),
    things={
        "bins_clean": lambda stage: row_of_bins(stage, -3.2, -0.7, 2, full=0.0),
        "bins_full": lambda stage: row_of_bins(stage, -3.2, -0.7, 2, full=1.0),
        "heap": lambda stage: objects_garbage.heap(stage, 0.4, -1.3, 1.5, 0.0),
        "heap_kerb": lambda stage: objects_garbage.heap(stage, -6.2, -2.6, 1.2),
        "cartons": cartons((4.3, -2.4), (4.9, -2.6), (4.6, -2.3)),
        "parked_0": car(-4.6, KERB_Y, SUV, 0),
        "parked_1": car(1.4, KERB_Y, SEDAN, 6),
        "parked_1_other": car(1.3, KERB_Y, SUV, 2, np.pi),
        "parked_2": car(7.4, KERB_Y, HATCH, 7),
        "parked_3": car(13.2, KERB_Y, SUV, 2),
        **{f"lane_{k}": car(x, LANE_Y, SEDAN, 4) for k, x in enumerate((-7.0, -2.5, 2.5, 7.5, 13.0, 19.0, 27.0))},
        **{f"white_{k}": car(x, LANE_Y, HATCH, 0) for k, x in enumerate((-6.0, 0.0, 6.0))},
        "bag": bag(2.6, -2.7, 0.7),
    },
)
NEAR_Y, FAR_Y = -5.6, -9.0
JUDGING = Plan(
    seed=9901,
    street=Street(walk_m=4.4, road_m=8.6, kerb_m=0.15, far_walk_m=2.6),
    view=camera.View(place=(14.0, -15.2, 5.6), target=(-1.5, -5.0, 0.4), lens_mm=25.0, roll_deg=-0.7),
    blank=(-4.0, 5.0),
    trees=(-12.0,),
    pole=(9.0, -4.0),
    weather=sky.Weather(kind="sunny", sun_height_deg=47.0, sun_from_deg=300.0),
    things={
        "bins_clean": lambda stage: row_of_bins(stage, 5.2, -0.8, 2, full=0.0),
        "bins_full": lambda stage: row_of_bins(stage, 5.2, -0.8, 2, full=1.0),
        "heap": lambda stage: objects_garbage.heap(stage, 1.6, -1.4, 1.3, 0.0),
        "cartons": cartons((-1.2, -3.0), (-0.7, -3.2), (-1.0, -2.8)),
        "bag": bag(3.4, -3.3, 0.65),
        "parked_0": car(5.2, NEAR_Y, SEDAN, 3),
        "parked_1": car(-0.6, NEAR_Y, HATCH, 0, np.pi),
        "parked_1_other": car(-0.4, NEAR_Y, SUV, 5),
        "parked_2": car(-6.6, NEAR_Y, VAN, 0),
        "parked_3": car(-12.4, NEAR_Y, SEDAN, 6, np.pi),  # in none of the zones
        **{f"lane_{k}": car(x, FAR_Y, SUV, 7, np.pi) for k, x in enumerate((8.0, 3.4, -1.6, -6.6, -12.0, -19.0))},
        **{f"white_{k}": car(x, FAR_Y, VAN, 0, np.pi) for k, x in enumerate((6.4, 1.0, -5.0))},
    },
)
STREETS = {"tuning": TUNING, "judging": JUDGING}


def build(plan: Plan) -> dict[str, list[bpy.types.Object]]:
    """Build the street and every thing; give the objects of each thing."""
    render.empty_scene()
    rng = np.random.default_rng([plan.seed, 1])
    stage = Stage(rng, plan.street)
    facades.row(stage, 0.0, -1, plan.blank)
    facades.row(stage, plan.street.far_face_y, 1, None)
    street.lay(stage, [])
    for x in plan.trees:
        furniture.tree(stage, x, 0.7 - plan.street.walk_m)
    furniture.pole(stage, *plan.pole, 6.8, lamp=True)
    sky.light(plan.weather, rng)
    camera.put(plan.view)
    for thing in bpy.context.scene.objects:
        thing.pass_index = 0  # the street's own things are no truth of a clip
    made: dict[str, list[bpy.types.Object]] = {}
    for number, (name, maker) in enumerate(plan.things.items()):
        before = set(bpy.context.scene.objects)
        maker(Stage(np.random.default_rng([plan.seed, 2, number]), plan.street))
        made[name] = [one for one in bpy.context.scene.objects if one not in before]
    return made


def main() -> None:
    """Render what is not there yet: NAME.webp and an entry of plates.json for each thing."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes.plates", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--street", choices=STREETS, default="tuning")
    parser.add_argument("--size", default="768x432", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    width, height = (int(part) for part in chosen.size.split("x"))
    plan = STREETS[chosen.street]
    made = build(plan)
    gain: NDArray[np.float32] | None = None
    empty: NDArray[np.uint8] | None = None
    table = chosen.folder / "plates.json"
    known: dict[str, dict[str, list[float]]] = json.loads(table.read_text()) if table.exists() else {}
    for name in ("empty", *made):
        if empty is not None and name in known:
            continue
        for thing, parts in made.items():
            for part in parts:
                part.hide_render = thing != name
        light, indices = render.render(width, height, chosen.samples, plan.seed, chosen.threads)
        if gain is None:
            gain = np.median(finish.expose(light, np.random.default_rng(plan.seed)) / np.maximum(light, 1e-6))
        picture = (np.clip(finish.tone(light * gain, 1.02), 0, 1) * 255 + 0.5).astype(np.uint8)
        if empty is None:
            empty = picture
            Image.fromarray(picture).save(chosen.folder / "empty.webp", quality=EMPTY_QUALITY, method=6)
            continue
        cut, known[name] = cut_out(picture, empty, indices > 0)
        Image.fromarray(cut).save(chosen.folder / f"{name}.webp", quality=CUT_QUALITY, exact=True, method=6)
        table.write_text(json.dumps(known, indent=1) + "\n")
        print(name, known[name], flush=True)


def cut_out(
    picture: NDArray[np.uint8], empty: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], dict[str, list[float]]]:
    """Cut a thing out with its shadow: RGBA, and where it goes.

    Args:
        picture, empty: (H, W, 3) uint8 RGB, with the thing and without.
        mask: (H, W), where the thing itself is seen.
    """
    box = boxes.visible_box(mask, 0.004)
    if box is None:
        raise ValueError("nothing of it is to be seen")
    reach = 0.6 * max(box[2] - box[0], box[3] - box[1])  # a shadow falls no further
    rows, columns = np.nonzero((np.abs(picture.astype(int) - empty).max(axis=2) > SHADOW) | mask)
    near = (rows > box[1] - reach) & (rows < box[3] + reach) & (columns > box[0] - reach) & (columns < box[2] + reach)
    top, bottom = rows[near].min(), rows[near].max() + 1
    left, right = columns[near].min(), columns[near].max() + 1
    alpha = (mask * 255).astype(np.uint8)[..., None]
    cut = np.concatenate([picture, alpha], axis=2)[top:bottom, left:right]
    return cut, {"at": [int(left), int(top)], "box": [round(value, 1) for value in box]}


if __name__ == "__main__":
    main()
