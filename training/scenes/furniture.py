"""What stands about in a street and is no violation: utility poles, street lamps, trees, hedges, bollards."""

from __future__ import annotations

import bpy
import numpy as np

from . import materials
from .shapes import Mesh, place, pose, tubes
from .stage import Stage


def pole(stage: Stage, x: float, y: float, height: float, lamp: bool = False) -> None:
    """A concrete utility pole (or a steel lamp post) with hoops, sometimes a yellow and black foot."""
    rng, z = stage.rng, stage.street.ground_z(y)
    if lamp:
        body = stage.material("steel", lambda: materials.plain("steel", (0.22, 0.23, 0.23), 0.45, 0.7, dirt=0.3))
    else:
        body = stage.material("pole", lambda: materials.concrete("pole", rng.uniform(0.22, 0.36)))
    mesh = Mesh()
    thick = 0.08 if lamp else rng.uniform(0.13, 0.18)
    mesh.lathe([(thick, -0.1), (thick * 0.62, height)], body, (x, y, z), sides=20)
    if not lamp and rng.random() < 0.5:
        for number, tint in enumerate([(0.02, 0.02, 0.02), (0.62, 0.42, 0.02)] * 3):
            paint = stage.material(f"band {number % 2}", lambda tint=tint: materials.plain("band", tint, 0.6, dirt=0.4))
            low = 0.25 + number * 0.2
            mesh.lathe([(thick * 1.02, low), (thick * 1.01, low + 0.2)], paint, (x, y, z), sides=20)
    place(mesh.data("pole", smooth=True))
    if lamp:
        arm = np.c_[np.full(12, x), np.linspace(y, y - 2.2, 12), z + height + 0.5 * np.sin(np.linspace(0, 1.4, 12))]
        place(tubes("arm", [arm], 0.04, body))
        head = Mesh()
        head.box((x - 0.14, y - 2.8, z + height + 0.44), (x + 0.14, y - 2.1, z + height + 0.54), body)
        place(head.data("lamp"))
    elif rng.random() < 0.5:
        iron = stage.material("crossarm", lambda: materials.plain("crossarm", (0.12, 0.11, 0.1), 0.6, 0.5, dirt=0.6))
        arms = Mesh()
        for drop in (0.3, 0.9):
            level = z + height - drop
            arms.box((x - 0.05, y - 0.75, level), (x + 0.05, y + 0.75, level + 0.08), iron)
            for dy in (-0.65, -0.3, 0.3, 0.65):
                white = stage.material("insulator", lambda: materials.plain("insulator", (0.35, 0.2, 0.14), 0.2))
                arms.lathe(
                    [(0.04, 0.08), (0.055, 0.13), (0.03, 0.17), (0.05, 0.22)], white, (x, y + dy, level), sides=10
                )
        place(arms.data("crossarms"))
    stage.take(x, y, 0.3)


def _leaf_tuft(stage: Stage) -> bpy.types.Mesh:
    """A ball of about 260 leaves, a metre wide."""
    rng = stage.rng
    colour = np.array([0.045, 0.12, 0.022]) * rng.uniform(0.7, 1.4) + [rng.uniform(0, 0.03), 0, 0]
    nodes = materials.Nodes("leaf")
    own = nodes.node("ShaderNodeNewGeometry").outputs["Random Per Island"]
    tint = nodes.mix(own, materials.scaled(colour, 0.5), materials.scaled(colour, 1.7))
    leaf = nodes.surface(tint, 0.45, transmission_weight=0.0)
    tuft = Mesh()
    for _ in range(260):
        middle = rng.normal(size=3)
        middle *= 0.5 * rng.random() ** 0.4 / np.linalg.norm(middle)
        along, across = rng.normal(size=(2, 3))
        along *= 0.075 / np.linalg.norm(along)
        across *= 0.034 / np.linalg.norm(across)
        tuft.quad(tuple(middle - along), tuple(middle + across), tuple(middle + along), tuple(middle - across), leaf)
    return tuft.data("leaves")


def foliage(stage: Stage, low: np.ndarray, high: np.ndarray, count: int, size: float, round_off: bool = True) -> None:
    """Fill a box (corners low, high) with tufts of leaves, as an ellipsoid where `round_off`."""
    rng = stage.rng
    tuft = stage.mesh("tuft", lambda: _leaf_tuft(stage))
    for _ in range(count):
        if round_off:
            spot = rng.normal(size=3)
            spot *= rng.random() ** 0.33 / np.linalg.norm(spot)
            spot = (spot + 1) / 2
        else:
            spot = rng.random(3)
        at = low + spot * (high - low)
        place(tuft, pose(at, rng.uniform(0, 6.3), rng.uniform(0, 6.3), 0, size * rng.uniform(0.8, 1.3)))


def tree(stage: Stage, x: float, y: float) -> None:
    """A street tree: bent trunk, some boughs, a crown."""
    rng, z = stage.rng, stage.street.ground_z(y)
    bark = stage.material("bark", lambda: materials.concrete("bark", 0.11))
    height = rng.uniform(2.6, 4.2)
    up = np.linspace(0, 1, 12)
    bend = rng.normal(0, 0.25, 2)
    trunk = np.c_[x + bend[0] * up**2, y + bend[1] * up**2, z + up * height]
    lines, radii = [trunk], [1.0]
    for _ in range(5):
        way = np.array([rng.normal(0, 1), rng.normal(0, 1), rng.uniform(0.6, 1.4)])
        lines.append(trunk[-2] + up[:, None] * way * rng.uniform(0.7, 1.3))
        radii.append(0.4)
    place(tubes("trunk", lines, rng.uniform(0.1, 0.17), bark, radii))
    centre = trunk[-1] + [0, 0, rng.uniform(0.8, 1.3)]
    spread = np.array([rng.uniform(1.5, 2.3)] * 2 + [rng.uniform(1.2, 1.8)])
    foliage(stage, centre - spread, centre + spread, 80, 1.1)
    stage.take(x, y, 0.35)


def hedge(stage: Stage, x0: float, x1: float, y: float) -> None:
    """A clipped hedge in a concrete bed."""
    z = stage.street.ground_z(y)
    bed = stage.material("kerb", lambda: materials.concrete("kerb", 0.3))
    mesh = Mesh()
    mesh.box((x0, y - 0.45, z), (x1, y + 0.45, z + 0.22), bed)
    place(mesh.data("bed"))
    foliage(
        stage,
        np.array([x0 + 0.2, y - 0.3, z + 0.3]),
        np.array([x1 - 0.2, y + 0.3, z + 0.9]),
        int((x1 - x0) * 11),
        0.55,
        False,
    )
    for x in np.arange(x0 + 0.3, x1, 0.5):
        stage.take(x, y, 0.5)


def bollards(stage: Stage, x0: float, x1: float, y: float) -> None:
    """A row of steel or yellow bollards along the kerb."""
    rng = stage.rng
    tint = (0.55, 0.35, 0.03) if rng.random() < 0.5 else (0.35, 0.35, 0.36)
    paint = stage.material("bollard", lambda: materials.plain("bollard", tint, 0.4, 0.3, dirt=0.4))
    mesh = Mesh()
    mesh.lathe([(0.055, 0.0), (0.055, 0.8), (0.035, 0.86), (0.01, 0.88)], paint, sides=14)
    data = mesh.data("bollard", smooth=True)
    for x in np.arange(x0, x1, 1.5):
        if stage.free(x, y, 0.1):
            place(data, pose((x, y, stage.street.ground_z(y)), roll=rng.normal(0, 0.02)))
