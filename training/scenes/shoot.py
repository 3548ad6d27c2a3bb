"""One scene from seed to finished picture with its boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from . import boxes, finish, recipes, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A finished picture, what is to be seen in it, and a record of how it was made."""

    picture: Image.Image
    boxes: list[boxes.Box]
    record: dict[str, object]


def shoot(recipe: str, seed: int, step: int, size: tuple[int, int], samples: int, threads: int) -> Shot:
    """Build, render, label and finish one scene; `size` is (width, height) in pixels.

    The same arguments give the same scene on any machine; the light's noise may differ in the last bit.
    """
    width, height = size
    render.empty_scene()
    stage, view, facts = recipes.compose(recipe, seed, step)
    light, indices = render.render(width, height, samples, seed, threads)
    found = boxes.find_boxes(indices, stage.labels, render.whole_extents(width, height))
    rng = np.random.default_rng([seed, step, 9])
    picture = finish.develop(light, rng, stops=-0.5 if facts["weather"] == "dusk" else 0.0)
    record = {"seed": seed, "step": step, "recipe": recipe, **facts, "camera": view.record()}
    return Shot(picture=picture, boxes=found, record=record)
