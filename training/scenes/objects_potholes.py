"""Potholes: a hollow really pressed into the road, with a broken rim, a net of cracks, rubble and sometimes water."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from . import materials
from .shapes import Mesh, crumple, icosphere, place, pose
from .stage import Stage

_GRID = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Pothole:
    """Where a pothole lies and how it looks."""

    x: float  #: centre, metres
    y: float
    radius_m: float
    depth_m: float
    stretch: float  #: length along x over width along y
    seed: int
    water: float  #: 0 dry .. 1 filled to the rim

    def patch(self) -> tuple[float, float, float, float]:
        """The rectangle x0, x1, y0, y1 of road that it replaces."""
        wide, deep = self.radius_m * self.stretch * 2.1, self.radius_m * 2.1
        return self.x - wide, self.x + wide, self.y - deep, self.y + deep

    def distance(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance from the centre, 1 at the irregular rim."""
        rng = np.random.default_rng(self.seed)
        dx, dy = (x - self.x) / self.stretch, y - self.y
        angle = np.arctan2(dy, dx)
        rim = np.full_like(angle, self.radius_m)
        for k in range(2, 24):
            rim = rim * (1 + rng.normal(0, 0.32 / k) * np.cos(k * angle + rng.uniform(0, 6.3)))
        points = np.c_[x.ravel(), y.ravel(), np.zeros(x.size)] / self.radius_m
        return np.hypot(dx, dy) / rim + 0.10 * crumple(points, rng, 2.2).reshape(x.shape)


def random_pothole(stage: Stage, x: float, y: float, big: bool = True) -> Pothole:
    """A pothole of likely size at a place on the road."""
    rng = stage.rng
    radius = rng.uniform(0.35, 0.8) if big else rng.uniform(0.14, 0.3)
    water = rng.uniform(0.25, 0.8) if rng.random() < 0.3 else 0.0
    return Pothole(
        x=x,
        y=y,
        radius_m=radius,
        depth_m=rng.uniform(0.09, 0.19) * (1 if big else 0.6),
        stretch=rng.uniform(0.85, 1.5),
        seed=int(rng.integers(1 << 30)),
        water=water,
    )


def hollow(stage: Stage, pothole: Pothole, road: bpy.types.Material) -> None:
    """Put the patch of road around a pothole: the hollow itself carries the label, the cracked road around it none."""
    index = stage.label("pothole")
    x0, x1, y0, y1 = pothole.patch()
    ys, xs = np.meshgrid(np.linspace(y0, y1, _GRID), np.linspace(x0, x1, _GRID), indexing="ij")
    away = pothole.distance(xs, ys)
    rng = np.random.default_rng(pothole.seed + 1)
    points = np.c_[xs.ravel(), ys.ravel(), np.zeros(xs.size)]
    rough = crumple(points * 3.0, rng, 2.0).reshape(xs.shape)
    rough += 0.6 * crumple(points * 14.0, rng, 2.0, folds=3).reshape(xs.shape)
    inside = np.clip((1.0 - away) / 0.14, 0, 1)
    inside = inside * inside * (3 - 2 * inside)
    bowl = 0.62 + 0.38 * np.clip(1 - away**2, 0, 1)
    border = np.minimum.reduce([xs - x0, x1 - xs, ys - y0, y1 - ys]) / (0.15 * (y1 - y0))
    settled = -0.012 * np.clip(1.7 - away, 0, 0.7) / 0.7 + 0.004 * rough * np.clip(1.9 - away, 0, 1)
    z = (-pothole.depth_m * inside * (bowl + 0.24 * rough) + settled) * np.clip(border, 0, 1)
    attributes = {"hole": inside, "broken": np.clip(1.75 - away, 0, 0.75) / 0.75 * (1 - inside)}
    _patch(xs, ys, z, away < 1.0, road, index, attributes)
    _rubble(stage, pothole, index, rng)
    if pothole.water > 0:
        _water(stage, pothole, index)
    stage.take(pothole.x, pothole.y, pothole.radius_m * max(1.0, pothole.stretch))


def _patch(
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    z: NDArray[np.float64],
    inner: NDArray[np.bool_],
    road: bpy.types.Material,
    index: int,
    attributes: dict[str, NDArray[np.float64]],
) -> None:
    """Two meshes over one grid: the faces inside the rim under `index`, the rest unlabelled."""
    n = xs.shape[0]
    numbers = np.arange(n * n).reshape(n, n)
    quads = np.stack([numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1]], -1).reshape(-1, 4)
    within = inner.ravel()[quads].mean(axis=1) > 0.5
    points = np.c_[xs.ravel(), ys.ravel(), z.ravel()]
    for faces, number in ((quads[within], index), (quads[~within], 0)):
        used, renumbered = np.unique(faces, return_inverse=True)
        data = bpy.data.meshes.new("hollow" if number else "road around")
        data.from_pydata(points[used].tolist(), [], renumbered.reshape(-1, 4).tolist())
        data.materials.append(road)
        data.polygons.foreach_set("use_smooth", np.full(len(faces), True))
        for name, values in attributes.items():
            data.attributes.new(name, "FLOAT", "POINT").data.foreach_set(
                "value", values.ravel()[used].astype(np.float32)
            )
        place(data, index=number)


def _rubble(stage: Stage, pothole: Pothole, index: int, rng: np.random.Generator) -> None:
    """Loose stones and crumbs of asphalt, most inside, some thrown out."""
    stone = stage.material("stone", lambda: materials.concrete("stone", 0.17))
    ball, faces = icosphere(2)
    pieces = Mesh()
    for _ in range(int(rng.integers(60, 190))):
        spread = rng.uniform(0.1, 0.95) if rng.random() < 0.6 else rng.uniform(0.9, 1.7)
        angle = rng.uniform(0, 6.3)
        x = pothole.x + pothole.radius_m * pothole.stretch * spread * np.cos(angle)
        y = pothole.y + pothole.radius_m * spread * np.sin(angle)
        away = float(pothole.distance(np.array([[x]]), np.array([[y]]))[0, 0])
        if away > 1.25:
            continue  # further stones would stretch the box over unbroken road
        depth = pothole.depth_m * np.clip((1 - away) / 0.14, 0, 1) * (0.62 + 0.38 * max(0.0, 1 - away**2))
        size = rng.uniform(0.005, 0.028) * (1.0 if away < 1 else 0.6)
        shape = ball * (1 + 0.3 * crumple(ball, rng, 1.5, folds=2)[:, None]) * size * rng.uniform(0.6, 1.2, 3)
        pieces.add(shape + np.array([x, y, -depth + size * 0.3]), faces, stone)
    place(pieces.data("rubble"), index=index)


def _water(stage: Stage, pothole: Pothole, index: int) -> None:
    """A still puddle that mirrors the sky: it fills the hollow up to a share of its depth."""
    mirror = stage.material("water", lambda: materials.plain("water", (0.035, 0.03, 0.022), 0.03, dirt=0.15))
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    far = 1.15 * pothole.radius_m
    pool = Mesh()
    pool.add(
        np.c_[np.cos(angles) * far * pothole.stretch, np.sin(angles) * far, np.zeros(64)], [tuple(range(64))], mirror
    )
    level = -pothole.depth_m * (1 - pothole.water) - 0.014
    place(pool.data("puddle"), pose((pothole.x, pothole.y, level)), index=index)
