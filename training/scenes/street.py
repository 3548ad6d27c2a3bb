"""The ground: road with its potholes' hollows, kerb, pavement, markings, covers, fallen leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import materials
from .objects_potholes import Pothole, hollow
from .shapes import Mesh, bevel, place, pose
from .stage import Stage

_PAVINGS = (
    ((0.30, 0.28, 0.25), (0.25, 0.235, 0.21), 0.4, 0.2, 0.5),
    ((0.34, 0.17, 0.12), (0.27, 0.13, 0.1), 0.2, 0.1, 0.5),
    ((0.33, 0.31, 0.27), (0.29, 0.27, 0.24), 0.6, 0.6, 0.0),
    ((0.28, 0.28, 0.27), (0.34, 0.33, 0.31), 0.3, 0.3, 0.0),
    ((0.36, 0.27, 0.17), (0.3, 0.29, 0.27), 0.25, 0.25, 0.5),
)


def road_material(stage: Stage) -> object:
    """The road's surface, one for a scene: asphalt, or old concrete, which cracks less."""
    rng = stage.rng
    return stage.material("road", lambda: materials.asphalt("road", rng.uniform(0.07, 0.2), rng.uniform(0.0, 0.7)))


def lay(stage: Stage, potholes: Sequence[Pothole]) -> None:
    """Lay the whole ground; the road is cut open where a pothole lies and its hollow put in."""
    street, rng = stage.street, stage.rng
    road, reach = road_material(stage), street.reach_m
    near, far = -street.walk_m, -(street.walk_m + street.road_m)
    ground = Mesh()
    cuts = sorted(potholes, key=lambda p: p.x)
    edge = -reach
    for pothole in cuts:
        x0, x1, y0, y1 = pothole.patch()
        ground.quad((edge, far, 0), (x0, far, 0), (x0, near, 0), (edge, near, 0), road)
        ground.quad((x0, far, 0), (x1, far, 0), (x1, y0, 0), (x0, y0, 0), road)
        ground.quad((x0, y1, 0), (x1, y1, 0), (x1, near, 0), (x0, near, 0), road)
        hollow(stage, pothole, road)
        edge = x1
    ground.quad((edge, far, 0), (reach, far, 0), (reach, near, 0), (edge, near, 0), road)
    ground.quad((-400, -400, -0.4), (400, -400, -0.4), (400, 400, -0.4), (-400, 400, -0.4), road)
    place(ground.data("road"))
    if street.walk_m > 0:
        _pavement(stage, near, 0.0, near)
    _pavement(stage, far - street.far_walk_m, far, far)
    if not potholes and rng.random() < 0.6:  # paint would bridge a hollow
        _markings(stage, near, far)
    if rng.random() < 0.6:
        _cover(stage, rng.uniform(-6, 6), rng.uniform(far * 0.6, near - 0.8))
    _leaves(stage, int(rng.integers(10, 160)))


def _pavement(stage: Stage, low_y: float, high_y: float, kerb_y: float) -> None:
    """A paved strip between two y, with kerb stones along `kerb_y`."""
    street, rng = stage.street, stage.rng
    slabs = stage.material("paving", lambda: materials.paving("paving", *_PAVINGS[rng.integers(len(_PAVINGS))]))
    kerb = stage.material("kerb", lambda: materials.concrete("kerb", rng.uniform(0.22, 0.42)))
    top, reach = street.kerb_m, street.reach_m
    strip = Mesh()
    strip.box((-reach, low_y, -0.3), (reach, high_y, top), slabs)
    place(strip.data("pavement"))
    stone = Mesh()
    stone.box((0, 0, 0), (0.985, 0.13, top + 0.3), kerb)
    data = stone.data("kerbstone")
    for x in np.arange(-24, 24, 1.0):
        lift = rng.normal(0, 0.006)
        at = (x, kerb_y - 0.065 + rng.normal(0, 0.004), -0.3 + lift + 0.008)
        bevel(place(data, pose(at, yaw=rng.normal(0, 0.004))), 0.018)


def _markings(stage: Stage, near: float, far: float) -> None:
    """Worn road paint: a line along the kerb, sometimes parking bays."""
    rng = stage.rng
    colour = (0.62, 0.6, 0.55) if rng.random() < 0.6 else (0.55, 0.36, 0.05)
    paint = stage.material("marking", lambda: _worn_paint(colour))
    lines = Mesh()
    y = near - rng.uniform(2.1, 2.5)
    if y - 0.15 > far:
        gap = rng.random() < 0.5
        for x in np.arange(-30, 30, 4.0 if gap else 1.0):
            lines.quad(
                (x, y, 0.004),
                (x + (2.0 if gap else 1.0), y, 0.004),
                (x + (2.0 if gap else 1.0), y + 0.12, 0.004),
                (x, y + 0.12, 0.004),
                paint,
            )
        if rng.random() < 0.5:
            for x in np.arange(-27, 27, 5.8):
                lines.quad(
                    (x, y, 0.004), (x + 0.12, y, 0.004), (x + 0.12, near - 0.1, 0.004), (x, near - 0.1, 0.004), paint
                )
        place(lines.data("marking"))


def _worn_paint(colour: Sequence[float]) -> object:
    nodes = materials.Nodes("worn paint")
    at = nodes.coordinates("World")
    worn = nodes.noise(at, 3.5, detail=12, rough=0.75, low=0.38, high=0.6)
    material = nodes.surface(colour, 0.75)
    nodes.feed(nodes.shader.inputs["Alpha"], nodes.ramp(worn, 0.0, 1.0, 0.92, 0.25))
    return material


def _cover(stage: Stage, x: float, y: float) -> None:
    """A manhole cover, whole and level: no violation, no label."""
    iron = stage.material("iron", lambda: materials.plain("iron", (0.07, 0.065, 0.06), 0.55, 0.6, dirt=0.5, cells=5))
    cover = Mesh()
    z = stage.street.ground_z(y)
    cover.lathe([(0.36, 0.0), (0.36, 0.008)], iron, (x, y, z), sides=32)
    cover.lathe([(0.31, 0.008), (0.31, 0.014)], iron, (x, y, z), sides=32)
    for ring in (-0.2, -0.1, 0.0, 0.1, 0.2):
        cover.box((x - 0.22, y + ring - 0.02, z), (x + 0.22, y + ring + 0.02, z + 0.018), iron)
    if stage.free(x, y, 0.4):
        place(cover.data("cover"))


def _leaves(stage: Stage, count: int) -> None:
    """A few fallen leaves and specks of paper along the kerb: every street has them, they are no heap."""
    rng, street = stage.rng, stage.street
    dry = stage.material("dry leaf", lambda: materials.plain("dry leaf", (0.2, 0.12, 0.04), 0.8))
    leaves = Mesh()
    for _ in range(count):
        x, y = rng.uniform(-12, 12), -street.walk_m + rng.choice([-1, 1]) * rng.exponential(0.5)
        z, size, turn = street.ground_z(y) + 0.006, rng.uniform(0.015, 0.04), rng.uniform(0, 6.3)
        across = (np.cos(turn) * size, np.sin(turn) * size)
        leaves.quad(
            (x - across[0], y - across[1], z),
            (x + across[1] * 0.6, y - across[0] * 0.6, z + 0.01),
            (x + across[0], y + across[1], z),
            (x - across[1] * 0.6, y + across[0] * 0.6, z + 0.012),
            dry,
        )
    place(leaves.data("leaves"))
