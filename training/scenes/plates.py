"""`python -m training.scenes.plates DIR`: one street seen from a pole, empty and with one thing in it at a time.

Every plate has the same camera, light and exposure, so that `clips.py` can lay them over each other: what a thing hides
comes from its own pixels, its shadow from what it does to the empty street. Seed 9900, which no training scene uses.

DIR gets `empty.png`, for each thing `NAME.png` (RGBA, cut out with its shadow; alpha is 255 where the thing itself is
and 0 where only its shadow or its light lies) and `plates.json` (where each one goes, and the thing's box).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import boxes, camera, facades, finish, furniture, objects_cars, objects_garbage, render, sky, street
from .objects_bins import row_of_bins
from .stage import Stage, Street

SEED = 9900
VIEW = camera.View(place=(-13.0, -14.2, 6.3), target=(3.2, -5.4, 0.3), lens_mm=27.0, roll_deg=0.4)
STREET = Street(walk_m=3.6, road_m=9.4, kerb_m=0.14, far_walk_m=3.0)
KERB_Y, LANE_Y = -STREET.walk_m - 1.2, -STREET.walk_m - 4.2
SEDAN, SUV, HATCH = 0, 2, 4
SHADOW = 8  # levels of 255; less is the renderer's noise

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


def carton_pile(stage: Stage) -> None:
    """Two or three boxes left on the pavement."""
    relief = objects_garbage.Relief(4.6, -2.5, stage.street.ground_z)
    index = stage.label("exposed_garbage")
    for x, y in ((4.3, -2.4), (4.9, -2.6), (4.6, -2.3)):
        objects_garbage.put_carton(stage, relief, x, y, index)


THINGS: dict[str, Maker] = {
    "bins_clean": lambda stage: row_of_bins(stage, -3.2, -0.7, 2, full=0.0),
    "bins_full": lambda stage: row_of_bins(stage, -3.2, -0.7, 2, full=1.0),
    "heap": lambda stage: objects_garbage.heap(stage, 0.4, -1.3, 1.5, 0.0),
    "heap_kerb": lambda stage: objects_garbage.heap(stage, -6.2, -2.6, 1.2),
    "cartons": carton_pile,
    "parked_0": car(-4.6, KERB_Y, SUV, 0),
    "parked_1": car(1.4, KERB_Y, SEDAN, 6),
    "parked_1_other": car(1.3, KERB_Y, SUV, 2, np.pi),
    "parked_2": car(7.4, KERB_Y, HATCH, 7),
    "parked_3": car(13.2, KERB_Y, SUV, 2),
    **{f"lane_{k}": car(x, LANE_Y, SEDAN, 4) for k, x in enumerate((-7.0, -2.5, 2.5, 7.5, 13.0, 19.0, 27.0))},
    **{f"white_{k}": car(x, LANE_Y, HATCH, 0) for k, x in enumerate((-6.0, 0.0, 6.0))},
}


def build() -> dict[str, list[bpy.types.Object]]:
    """Build the street and every thing; give the objects of each thing."""
    render.empty_scene()
    rng = np.random.default_rng([SEED, 1])
    stage = Stage(rng, STREET)
    facades.row(stage, 0.0, -1, (-6.0, 2.0))
    facades.row(stage, STREET.far_face_y, 1, None)
    street.lay(stage, [])
    for x in (10.5, 18.5):
        furniture.tree(stage, x, 0.7 - STREET.walk_m)
    furniture.pole(stage, -9.5, 0.4 - STREET.walk_m, 6.8, lamp=True)
    sky.light(sky.Weather(kind="hazy", sun_height_deg=52.0, sun_from_deg=235.0), rng)
    camera.put(VIEW)
    for thing in bpy.context.scene.objects:
        thing.pass_index = 0  # the street's own things are no truth of a clip
    made: dict[str, list[bpy.types.Object]] = {}
    for number, (name, maker) in enumerate(THINGS.items()):
        before = set(bpy.context.scene.objects)
        maker(Stage(np.random.default_rng([SEED, 2, number]), STREET))
        made[name] = [one for one in bpy.context.scene.objects if one not in before]
    return made


def main() -> None:
    """Render what is not there yet: NAME.png, NAME.mask.png and one line of boxes.json a thing."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes.plates", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="768x432", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    width, height = (int(part) for part in chosen.size.split("x"))
    made = build()
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
        light, indices = render.render(width, height, chosen.samples, SEED, chosen.threads)
        if gain is None:
            gain = np.median(finish.expose(light, np.random.default_rng(SEED)) / np.maximum(light, 1e-6))
        picture = (np.clip(finish.tone(light * gain, 1.02), 0, 1) * 255 + 0.5).astype(np.uint8)
        if empty is None:
            empty = picture
            Image.fromarray(picture).save(chosen.folder / "empty.png")
            continue
        cut, known[name] = cut_out(picture, empty, indices > 0)
        Image.fromarray(cut).save(chosen.folder / f"{name}.png")
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
