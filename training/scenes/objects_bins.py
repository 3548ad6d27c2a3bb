"""Wheelie bins as Chinese streets have them: 240 l, four colours, lid down and clean, or full to bursting."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

from . import materials
from .objects_garbage import Relief, bag_colour, bag_mesh, scrap_mesh
from .shapes import Mesh, bevel, place, pose
from .stage import Stage

_COLOURS = {
    "green": (0.015, 0.16, 0.05),
    "dark green": (0.012, 0.075, 0.035),
    "blue": (0.012, 0.10, 0.36),
    "grey": (0.055, 0.06, 0.065),
    "red": (0.42, 0.02, 0.02),
    "yellow": (0.6, 0.38, 0.01),
    "brown": (0.14, 0.06, 0.03),
}
_WEIGHTS = (0.32, 0.2, 0.14, 0.16, 0.07, 0.07, 0.04)
_WORDS = {
    "green": "厨余垃圾",
    "dark green": "厨余垃圾",
    "blue": "可回收物",
    "grey": "其他垃圾",
    "red": "有害垃圾",
    "yellow": "垃圾分类",
    "brown": "易腐垃圾",
}
_HIGH = 0.93  #: rim above ground, metres, of a 240 l bin
_RIM_Y = 0.36


def _ring(
    width: float, depth: float, z: float, y: float = 0.0, corner: float = 0.07
) -> list[tuple[float, float, float]]:
    """A rounded rectangle of 16 points at height z."""
    points = []
    for sx, sy, start in ((1, -1, -90), (1, 1, 0), (-1, 1, 90), (-1, -1, 180)):
        middle_x, middle_y = sx * (width / 2 - corner), y + sy * (depth / 2 - corner)
        turns = np.radians(start + np.array([0, 30, 60, 90]))
        points += [(middle_x + corner * np.cos(t), middle_y + corner * np.sin(t), z) for t in turns]
    return points


def _skin(mesh: Mesh, rings: list[list[tuple[float, float, float]]], material: bpy.types.Material, cap: bool) -> None:
    """Join rings of equal length into a wall; `cap` closes the first."""
    n = len(rings[0])
    faces: list[tuple[int, ...]] = [
        (k * n + i, k * n + (i + 1) % n, (k + 1) * n + (i + 1) % n, (k + 1) * n + i)
        for k in range(len(rings) - 1)
        for i in range(n)
    ]
    mesh.add([p for ring in rings for p in ring], [*faces, tuple(reversed(range(n)))] if cap else faces, material)


def _plastic(stage: Stage, colour: str) -> bpy.types.Material:
    rng = stage.rng
    faded = np.clip(np.array(_COLOURS[colour]) * rng.uniform(0.75, 1.4) + rng.uniform(0, 0.02), 0, 1)
    return stage.material(
        f"bin {colour}", lambda: materials.plain("bin", faded, 0.42, dirt=rng.uniform(0.12, 0.55), cells=4)
    )


def _body(stage: Stage, colour: str, wide: float) -> bpy.types.Mesh:
    """Body with rim, inner wall, ribs, wheels; the front looks to -y, the handle and hinge lie at +y."""
    rubber = stage.material("rubber", lambda: materials.plain("rubber", (0.015, 0.015, 0.015), 0.8, dirt=0.5))
    plastic, mesh = _plastic(stage, colour), Mesh()
    rings = [
        _ring(0.46 * wide, 0.5, 0.05, 0.02),
        _ring(0.49 * wide, 0.56, 0.3, 0.01),
        _ring(0.545 * wide, 0.68, 0.84, 0),
        _ring(0.55 * wide, 0.69, 0.85, 0),
        _ring(0.585 * wide, 0.73, 0.86, 0),
        _ring(0.585 * wide, 0.73, _HIGH, 0),
        _ring(0.54 * wide, 0.68, _HIGH, 0),
        _ring(0.5 * wide, 0.62, 0.6, 0),
    ]
    _skin(mesh, rings, plastic, cap=True)
    floor = rings[-1]
    mesh.add(floor, [tuple(range(len(floor)))], rubber)
    for x in (-0.17, 0.17):
        mesh.box((x * wide - 0.012, -0.345, 0.3), (x * wide + 0.012, -0.27, 0.83), plastic)
    for side in (-1, 1):
        mesh.lathe(
            [(0.1, -0.025), (0.11, -0.015), (0.11, 0.015), (0.1, 0.025)],
            rubber,
            (side * 0.24 * wide, 0.27, 0.11),
            18,
            "x",
        )
        mesh.box((side * 0.2 * wide - 0.03, -0.22, 0.0), (side * 0.2 * wide + 0.03, -0.1, 0.07), plastic)
    mesh.box((-0.23 * wide, 0.38, _HIGH - 0.05), (0.23 * wide, 0.41, _HIGH - 0.02), plastic)
    for x in (-0.2, 0.2):
        mesh.box((x * wide - 0.02, 0.3, _HIGH - 0.06), (x * wide + 0.02, 0.41, _HIGH - 0.01), plastic)
    return mesh.data("bin", smooth=False)


def _lid(stage: Stage, colour: str, wide: float) -> bpy.types.Mesh:
    """The lid, lying shut; its hinge is the local origin at the back."""
    plastic, mesh = _plastic(stage, colour), Mesh()
    back = -0.36
    rings = [
        _ring(0.6 * wide, 0.76, -0.035, back),
        _ring(0.605 * wide, 0.765, 0.015, back),
        _ring(0.56 * wide, 0.7, 0.04, back),
        _ring(0.42 * wide, 0.5, 0.075, back),
        _ring(0.3 * wide, 0.36, 0.08, back),
    ]
    _skin(mesh, rings, plastic, cap=False)
    mesh.add(rings[-1], [tuple(range(16))], plastic)
    mesh.add([(x, y, z + 0.02) for x, y, z in rings[0]], [tuple(reversed(range(16)))], plastic)
    return mesh.data("lid")


def _emblem(stage: Stage, colour: str, matrix: Matrix, index: int) -> None:
    """White print on the front: three chasing bars in a triangle, and a word."""
    rng = stage.rng
    tint = (0.7, 0.7, 0.68) if colour != "yellow" else (0.03, 0.03, 0.03)
    ink = stage.material(f"print {colour}", lambda: materials.plain("print", tint, 0.6, dirt=0.35, cells=12))
    tilt = np.radians(90 + 6.5)
    mesh = Mesh()
    for turn in np.radians([90, 210, 330]):
        a, b = np.array([np.cos(turn), np.sin(turn)]), np.array([np.cos(turn + 2.09), np.sin(turn + 2.09)])
        c, d = a * 0.62 + b * 0.1, b * 0.62 + a * 0.1
        mesh.quad((*(a * 0.075), 0), (*(c * 0.075), 0), (*(d * 0.055), 0), (*(b * 0.075), 0), ink)
    front = matrix @ pose((0, -0.345, 0.62), pitch=tilt)
    place(mesh.data("emblem"), front, index)
    if rng.random() < 0.85:
        place(materials.text(_WORDS[colour], 0.085, ink), matrix @ pose((0, -0.333, 0.46), pitch=tilt), index)


def wheelie_bin(
    stage: Stage,
    x: float,
    y: float,
    yaw: float,
    full: bool,
    colour: str | None = None,
    wide: float = 1.0,
    scale: float = 1.0,
) -> int:
    """A bin, its front turned to -y + `yaw`; full means bags above the rim. Returns its label index."""
    rng = stage.rng
    names = list(_COLOURS)
    colour = colour or str(rng.choice(names, p=np.array(_WEIGHTS) / sum(_WEIGHTS)))
    index = stage.label("overflowing_bin" if full else "trash_bin")
    matrix = pose((x, y, stage.street.ground_z(y)), yaw, scale=scale)
    bevel(place(stage.mesh(f"body {colour} {wide:.2f}", lambda: _body(stage, colour, wide)), matrix, index), 0.008)
    if full:
        opened = rng.choice([rng.uniform(28, 60), rng.uniform(75, 110), rng.uniform(190, 255)], p=[0.3, 0.4, 0.3])
    else:
        opened = 0.0 if rng.random() < 0.93 else rng.uniform(3, 8)
    hinge = matrix @ pose((0, _RIM_Y, _HIGH + 0.035), pitch=-np.radians(opened))
    bevel(place(stage.mesh(f"lid {colour} {wide:.2f}", lambda: _lid(stage, colour, wide)), hinge, index), 0.008)
    _emblem(stage, colour, matrix, index)
    if full:
        _fill(stage, matrix, wide, index, crowd=opened > 70)
    stage.take(x, y, 0.42 * max(1.0, wide) * scale)
    return index


def _fill(stage: Stage, matrix: Matrix, wide: float, index: int, crowd: bool) -> None:
    """Bags and scraps wedged into the opening and heaped over the rim."""
    rng = stage.rng
    relief = Relief(0.0, 0.0, lambda _: _HIGH - 0.16, half_m=0.8)
    for _ in range(int((rng.integers(5, 12) if crowd else rng.integers(4, 7)) * wide)):
        size = rng.uniform(0.24, 0.46)
        x, y = rng.uniform(-0.2, 0.2) * wide, rng.uniform(-0.25, 0.18 if crowd else 0.05)
        z = relief.rest(x, y, size * 0.38)
        turn = pose((x, y, z), rng.uniform(0, 6.3), *rng.normal(0, 0.45, 2), size)
        place(bag_mesh(stage, int(rng.integers(6))), matrix @ turn, index, bag_colour(stage))
        relief.raise_by(x, y, size * 0.42, z, size * 0.42)
    for _ in range(int(rng.integers(6, 26) * wide)):
        size = rng.uniform(0.06, 0.2)
        x, y = rng.uniform(-0.24, 0.24) * wide, rng.uniform(-0.31, 0.25)
        z = relief.rest(x, y, size * 0.4)
        colour = np.clip(
            rng.choice([[0.6, 0.6, 0.57], [0.55, 0.08, 0.05], [0.55, 0.4, 0.06], [0.3, 0.2, 0.1], [0.05, 0.2, 0.4]]),
            0,
            1,
        )
        turn = pose((x, y, z + size * 0.1), rng.uniform(0, 6.3), rng.normal(0, 0.4), rng.normal(0, 0.4), size)
        place(scrap_mesh(stage, int(rng.integers(5))), matrix @ turn, index, colour)
        relief.raise_by(x, y, size * 0.4, z, size * 0.3)


def row_of_bins(stage: Stage, x: float, y: float, count: int, full: float, gap_m: float = 0.0) -> list[int]:
    """Bins side by side along x, most of one colour or two, each full with probability `full`."""
    rng = stage.rng
    names = list(_COLOURS)
    pair = [str(c) for c in rng.choice(names, 2, p=np.array(_WEIGHTS) / sum(_WEIGHTS))]
    step = 0.66 + gap_m + rng.uniform(0, 0.12)
    turn = rng.normal(0, 0.08)
    return [
        wheelie_bin(
            stage,
            x + (k - (count - 1) / 2) * step,
            y + rng.normal(0, 0.05),
            turn + rng.normal(0, 0.09),
            bool(rng.random() < full),
            str(rng.choice(pair)),
            scale=rng.uniform(0.95, 1.06),
        )
        for k in range(count)
    ]
