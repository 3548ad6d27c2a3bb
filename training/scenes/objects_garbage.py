"""Rubbish: bags, cartons, bottles, paper and scraps, heaped so that nothing floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import bpy
import numpy as np
from numpy.typing import NDArray

from . import materials
from .shapes import Mesh, crumple, icosphere, place, pose
from .stage import Stage

_BAG_COLOURS = (
    ((0.012, 0.012, 0.014), 0.34),
    ((0.62, 0.62, 0.6), 0.26),
    ((0.55, 0.05, 0.04), 0.13),
    ((0.03, 0.12, 0.4), 0.07),
    ((0.6, 0.42, 0.06), 0.06),
    ((0.05, 0.25, 0.08), 0.05),
    ((0.6, 0.25, 0.32), 0.05),
    ((0.3, 0.3, 0.29), 0.04),
)
_SCRAP_COLOURS = (
    (0.65, 0.64, 0.6),
    (0.65, 0.64, 0.6),
    (0.6, 0.08, 0.05),
    (0.6, 0.42, 0.05),
    (0.05, 0.16, 0.45),
    (0.06, 0.28, 0.08),
    (0.2, 0.12, 0.06),
    (0.1, 0.07, 0.04),
    (0.3, 0.22, 0.12),
    (0.02, 0.02, 0.02),
    (0.55, 0.3, 0.1),
    (0.5, 0.5, 0.52),
)


@dataclass(slots=True)
class Relief:
    """The height of a growing heap on a grid round its middle, so that the next piece lies on the last."""

    x: float
    y: float
    ground: Callable[[float], float]  #: y -> height of the ground
    half_m: float = 2.6
    cell_m: float = 0.06
    height: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        n = int(2 * self.half_m / self.cell_m)
        ys = self.y - self.half_m + (np.arange(n) + 0.5) * self.cell_m
        self.height = np.repeat(np.array([[self.ground(y)] for y in ys]), n, axis=1)

    def _cells(self, x: float, y: float, radius: float) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
        """Squared relative distance (<= 1 inside) for the cells under a round footprint, and where they lie."""
        n = self.height.shape[0]
        i, j = ((y - self.y + self.half_m) / self.cell_m, (x - self.x + self.half_m) / self.cell_m)
        reach = radius / self.cell_m + 1
        rows = slice(*np.clip([int(i - reach), int(i + reach) + 1], 0, n))
        columns = slice(*np.clip([int(j - reach), int(j + reach) + 1], 0, n))
        a = np.arange(rows.start, rows.stop)[:, None] + 0.5 - i
        b = np.arange(columns.start, columns.stop)[None] + 0.5 - j
        return (a**2 + b**2) * (self.cell_m / radius) ** 2, (rows, columns)

    def rest(self, x: float, y: float, radius: float) -> float:
        """Height at which a soft thing of that footprint comes to rest: it sinks in between what is below."""
        squared, where = self._cells(x, y, radius)
        under = self.height[where][squared <= 1]
        return float(np.quantile(under, 0.6)) if under.size else self.ground(y)

    def raise_by(self, x: float, y: float, radius: float, base: float, tall: float) -> None:
        """A domed thing now lies there."""
        squared, where = self._cells(x, y, radius)
        dome = base + tall * np.sqrt(np.clip(1 - squared, 0, 1))
        self.height[where] = np.where(squared <= 1, np.maximum(self.height[where], dome), self.height[where])


def bag_mesh(stage: Stage, kind: int) -> bpy.types.Mesh:
    """One of six tied bags, about a metre across, resting on z = 0; creased film, slumped, with a knotted neck."""

    def make() -> bpy.types.Mesh:
        rng = stage.rng
        ball, faces = icosphere(5)
        shape = ball * (1 + 0.13 * crumple(ball, rng, 2.1)[:, None] + 0.05 * crumple(ball, rng, 7.0)[:, None])
        shape *= [0.5 * rng.uniform(0.85, 1.15), 0.5 * rng.uniform(0.85, 1.15), rng.uniform(0.34, 0.46)]
        # Folds that run together at the knot.
        azimuth = np.arctan2(ball[:, 1], ball[:, 0]) + 0.5 * crumple(ball, np.random.default_rng(kind), 3.0)
        gathered = np.clip((ball[:, 2] + 0.1) / 0.9, 0, 1) * np.abs(np.sin((4 + kind) * azimuth))
        shape[:, :2] *= 1 - 0.13 * gathered[:, None]
        slump = rng.normal(0, 0.12, 2)
        lifted = np.clip(ball[:, 2], 0, 1)
        shape[:, :2] += slump * lifted[:, None] ** 2
        neck = np.clip((ball[:, 2] - 0.86) / 0.14, 0, 1)
        shape[:, 2] += rng.uniform(0.08, 0.3) * neck**1.5
        pull = 1 - 0.55 * np.clip((ball[:, 2] - 0.7) / 0.3, 0, 1)[:, None]
        shape[:, :2] *= pull
        shape[:, 2] = np.maximum(shape[:, 2], -0.55 * 0.4) + 0.22
        film = stage.material(
            f"film {kind % 3}", lambda: materials.film("film", (0.2, 0.27, 0.36)[kind % 3], 0.25 + 0.15 * (kind % 3))
        )
        mesh = Mesh()
        mesh.add(shape, faces, film)
        return mesh.data("bag", smooth=True)

    return stage.mesh(f"bag {kind}", make)


def scrap_mesh(stage: Stage, kind: int) -> bpy.types.Mesh:
    """One of five crumpled small bags, papers or wrappers, about a metre across before scaling."""

    def make() -> bpy.types.Mesh:
        rng = stage.rng
        ball, faces = icosphere(3)
        flat = rng.uniform(0.15, 0.6)
        shape = (
            ball * (1 + 0.5 * crumple(ball, rng, 3.0, folds=5)[:, None]) * [0.5, 0.5 * rng.uniform(0.5, 1), 0.5 * flat]
        )
        stuff = stage.material(f"scrap {kind % 2}", lambda: materials.own_colour("scrap", 0.35 + 0.4 * (kind % 2), 0.5))
        mesh = Mesh()
        mesh.add(shape, faces, stuff)
        return mesh.data("scrap", smooth=kind % 2 == 0)

    return stage.mesh(f"scrap {kind}", make)


def carton_mesh(stage: Stage, kind: int) -> bpy.types.Mesh:
    """A cardboard box, a metre long, dented, with open flaps on some; stands on z = 0."""

    def make() -> bpy.types.Mesh:
        rng = stage.rng
        card = stage.material("card", lambda: materials.plain("card", (0.36, 0.24, 0.13), 0.9, dirt=0.35, cells=4))
        w, d, h = 0.5, rng.uniform(0.3, 0.45), rng.uniform(0.25, 0.45)
        dent = lambda: rng.normal(0, 0.02, 3)  # noqa: E731 - one line, used eight times
        low = [np.array([sx * w, sy * d, 0]) + dent() * [1, 1, 0] for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        top = [p * [1, 1, 0] + [0, 0, 2 * h] + dent() for p in low]
        mesh = Mesh()
        mesh.add([*low, *top], [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (0, 3, 2, 1)], card)
        for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):
            out = (top[a] + top[b]) / 2 - np.mean(top, axis=0)
            out = out / np.linalg.norm(out) * d * rng.uniform(0.6, 0.9)
            flap = rng.uniform(-0.3, 0.9) if kind else -1.0
            tip = out * (1 if flap > 0 else -1) * np.cos(flap) + [0, 0, d * np.sin(flap) * 0.8 if kind else 0.01]
            mesh.quad(*(tuple(p) for p in (top[a], top[b], top[b] + tip, top[a] + tip)), card)
        return mesh.data("carton")

    return stage.mesh(f"carton {kind}", make)


def bottle_mesh(stage: Stage, kind: int) -> bpy.types.Mesh:
    """A drink bottle or a paper cup lying along x, 1 m long before scaling."""

    def make() -> bpy.types.Mesh:
        mesh = Mesh()
        body = stage.material("bottle", lambda: materials.own_colour("bottle", 0.15, 0.25, coat=0.5))
        profile = [(0.15, 0.0), (0.16, 0.05), (0.15, 0.3), (0.16, 0.6), (0.06, 0.86), (0.06, 0.97), (0.0, 0.98)]
        if kind:
            profile = [(0.22, 0.0), (0.3, 0.75), (0.31, 0.76), (0.29, 0.75), (0.0, 0.72)]
        mesh.lathe([(r, h - 0.5) for r, h in profile], body, sides=14, axis="x")
        return mesh.data("bottle", smooth=True)

    return stage.mesh(f"bottle {kind}", make)


def bag_colour(stage: Stage) -> NDArray[np.float64]:
    """A bag's colour: black and white most often."""
    colours, weights = zip(*_BAG_COLOURS, strict=True)
    picked = stage.rng.choice(len(colours), p=np.array(weights) / sum(weights))
    return np.clip(np.array(colours[picked]) * stage.rng.uniform(0.7, 1.25), 0, 1)


def put_bag(stage: Stage, relief: Relief, x: float, y: float, size: float, index: int) -> None:
    """Let a tied bag of `size` metres lie down at x, y."""
    rng = stage.rng
    z = relief.rest(x, y, size * 0.38)
    tilt = rng.normal(0, 0.3, 2)
    spread = size * np.array([1.0, 1.0, rng.uniform(0.8, 1.25)])
    colour = bag_colour(stage)
    mesh = bag_mesh(stage, int(rng.integers(6)))
    place(mesh, pose((x, y, z - size * 0.03), rng.uniform(0, 6.3), *tilt, spread), index, colour)
    relief.raise_by(x, y, size * 0.45, z, size * 0.52)


def put_small(stage: Stage, relief: Relief, x: float, y: float, index: int) -> None:
    """Let a scrap, bottle or paper lie down at x, y."""
    rng = stage.rng
    kind = rng.random()
    size = rng.uniform(0.05, 0.2)
    z = relief.rest(x, y, size * 0.4)
    colour = np.clip(np.array(_SCRAP_COLOURS[rng.integers(len(_SCRAP_COLOURS))]) * rng.uniform(0.6, 1.2), 0, 1)
    if kind < 0.16:
        mesh, size = bottle_mesh(stage, int(rng.integers(2))), rng.uniform(0.12, 0.28)
        lift = size * 0.16
    else:
        mesh, lift = scrap_mesh(stage, int(rng.integers(5))), size * 0.1
    place(
        mesh, pose((x, y, z + lift), rng.uniform(0, 6.3), rng.normal(0, 0.3), rng.normal(0, 0.3), size), index, colour
    )
    relief.raise_by(x, y, size * 0.4, z, size * 0.3)


def put_carton(stage: Stage, relief: Relief, x: float, y: float, index: int) -> None:
    """Let a carton lie or stand at x, y."""
    rng = stage.rng
    size = rng.uniform(0.28, 0.62)
    z = relief.rest(x, y, size * 0.45)
    place(
        carton_mesh(stage, int(rng.integers(3))),
        pose((x, y, z), rng.uniform(0, 6.3), *rng.normal(0, 0.12, 2), size),
        index,
    )
    relief.raise_by(x, y, size * 0.5, z, size * 0.6)


def heap(
    stage: Stage, x: float, y: float, size_m: float, against_y: float | None = None, index: int | None = None
) -> int:
    """A heap about `size_m` across; `against_y` is a wall's y that nothing crosses. Returns its label index."""
    rng = stage.rng
    index = stage.label("exposed_garbage") if index is None else index
    relief = Relief(x, y, stage.street.ground_z)
    limit = (against_y if against_y is not None else 1e9) - 0.22
    style = str(rng.choice(["bags", "loose", "mixed"], p=[0.3, 0.25, 0.45]))
    bags = int({"bags": 12, "loose": 4, "mixed": 9}[style] * size_m**1.5 * rng.uniform(0.7, 1.3)) + 2
    small = int({"bags": 15, "loose": 130, "mixed": 60}[style] * size_m**1.5 * rng.uniform(0.7, 1.3)) + 6

    def spot(spread: float) -> tuple[float, float]:
        return x + rng.normal(0, 0.24 * size_m * spread), min(limit, y + rng.normal(0, 0.17 * size_m * spread))

    for _ in range(int(rng.integers(0, 3)) + int(size_m)):
        put_carton(stage, relief, *spot(1.1), index)
    for _ in range(bags):
        put_bag(stage, relief, *spot(1.0), rng.uniform(0.26, 0.62), index)
    for _ in range(small):
        put_small(stage, relief, *spot(1.3 if rng.random() < 0.75 else 1.9), index)
    stage.take(x, y, size_m * 0.6)
    return index
