"""Scrawls on walls and shutters: sprayed pictures a few millimetres before the front, stuck-up papers among them."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from . import materials, spray
from .shapes import place, pose
from .stage import Stage


def _decal(name: str, rgba: NDArray[np.float32], width: float, height: float) -> bpy.types.Mesh:
    """An upright rectangle facing -y, centred, that shows a picture."""
    data = bpy.data.meshes.new(name)
    w, h = width / 2, height / 2
    data.from_pydata([(-w, 0, -h), (w, 0, -h), (w, 0, h), (-w, 0, h)], [], [(0, 1, 2, 3)])
    layer = data.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
    data.materials.append(materials.painted(name, rgba))
    return data


def scrawls(stage: Stage, x: float, z: float, width_m: float, face_y: float = 0.0) -> int:
    """A cluster of sprayed writing centred at x, z on a front at `face_y`. Returns its label index."""
    rng = stage.rng
    index = stage.label("graffiti")
    height = width_m * rng.uniform(0.42, 0.62)
    low = stage.street.ground_z(face_y) + height / 2 + 0.1
    picture = spray.scrawl(rng, 900, int(900 * height / width_m))
    centre = max(low, z)
    place(_decal("scrawl", picture, width_m, height), pose((x, face_y - 0.004, centre)), index)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(2, 9))):
            at = (x + rng.uniform(-0.45, 0.45) * width_m, face_y - 0.006, centre + rng.uniform(-0.4, 0.4) * height)
            advert(stage, at, index)
    return index


def advert(stage: Stage, at: tuple[float, float, float], index: int) -> None:
    """One small stuck-up paper, slightly askew."""
    rng = stage.rng
    size = rng.uniform(0.09, 0.16)
    data = _decal("advert", spray.advert(rng), size, size * 1.42)
    place(data, pose(at, roll=rng.normal(0, 0.08)), index)
