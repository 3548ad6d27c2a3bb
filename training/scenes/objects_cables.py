"""Overhead wires. A tangle (many sagging lines, loops, coils) is a violation; a few straight lines are not.

What is labelled `tangled_cable`: the dense mass at a pole or along a front, not the lines that lead away from a pole,
unless so many sag together that they are the mess themselves.
"""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from . import materials
from .shapes import Mesh, place, pose, tubes
from .stage import Stage

Line = NDArray[np.float64]


def catenary(start: Line, end: Line, sag_m: float, points: int = 36) -> Line:
    """A hanging line from start to end, (points, 3); a parabola, which a catenary of small sag is."""
    t = np.linspace(0, 1, points)[:, None]
    line = start + (end - start) * t
    line[:, 2] -= 4 * sag_m * (t * (1 - t))[:, 0]
    return line


def coil(centre: Line, radius: float, turns: int, rng: np.random.Generator, facing: float = 0.0) -> Line:
    """A hank of spare cable hung up: `turns` uneven rings in an upright plane turned by `facing` about z."""
    t = np.linspace(0, 2 * np.pi * turns, 26 * turns)
    wobble = radius * (1 + 0.1 * np.sin(t * 0.31 + rng.uniform(0, 6)) + 0.07 * np.sin(t * 1.07 + rng.uniform(0, 6)))
    across = wobble * np.cos(t) * rng.uniform(0.75, 1.0)
    deep = 0.12 * radius * np.sin(t * 0.23 + rng.uniform(0, 6)) + rng.normal(0, 0.004, t.size)
    up = wobble * np.sin(t) - 0.15 * radius * np.cos(2 * t)
    return (
        centre
        + np.c_[across * np.cos(facing) - deep * np.sin(facing), across * np.sin(facing) + deep * np.cos(facing), up]
    )


def loop(start: Line, end: Line, drop: float, rng: np.random.Generator) -> Line:
    """Slack between two points that hangs down `drop` metres and curls."""
    t = np.linspace(0, 1, 30)
    line = start + (end - start) * t[:, None]
    line[:, 2] -= drop * np.sin(np.pi * t) ** rng.uniform(0.7, 1.4)
    line[:, 0] += 0.25 * drop * np.sin(2 * np.pi * t) * rng.normal(0, 0.7)
    line[:, 1] += 0.15 * drop * np.sin(2 * np.pi * t + 1) * rng.normal(0, 0.7)
    return line


def _rubber(stage: Stage) -> bpy.types.Material:
    return stage.material("cable", lambda: materials.plain("cable", (0.018, 0.018, 0.02), 0.5, dirt=0.4, cells=2))


def _string(stage: Stage, lines: list[Line], index: int, thin: float = 0.006, thick: float = 0.013) -> None:
    """Put lines up as cables: most black, a few white or grey."""
    rng = stage.rng
    pale = stage.material("pale cable", lambda: materials.plain("pale cable", (0.4, 0.39, 0.36), 0.6, dirt=0.5))
    kinds = rng.choice(2, len(lines), p=[0.88, 0.12])
    for kind, material in ((0, _rubber(stage)), (1, pale)):
        chosen = [line for line, k in zip(lines, kinds, strict=True) if k == kind]
        if chosen:
            radii = rng.uniform(thin, thick, len(chosen)) * (1 if kind == 0 else 0.7)
            place(tubes("cables", chosen, 1.0, material, list(radii)), index=index)


def _closure(stage: Stage, at: Line, index: int, along: float = 0.0) -> None:
    """A splice closure or a small distribution box hung among the cables."""
    rng, mesh = stage.rng, Mesh()
    if rng.random() < 0.5:
        mesh.lathe([(0.03, -0.28), (0.08, -0.24), (0.085, 0.24), (0.03, 0.28)], _rubber(stage), axis="x")
    else:
        grey = stage.material("box", lambda: materials.plain("box", (0.36, 0.36, 0.33), 0.55, dirt=0.5))
        mesh.box((-0.16, -0.07, -0.2), (0.16, 0.07, 0.2), grey)
    place(mesh.data("closure"), pose(at, along + rng.normal(0, 0.15), roll=rng.normal(0, 0.2)), index)


def mess_at_pole(stage: Stage, x: float, y: float, level: float, dense: float = 1.0) -> int:
    """A pole smothered in wires at `level` metres: lines all ways, loops, hanks, boxes. Returns the label index."""
    rng, street = stage.rng, stage.street
    index = stage.label("tangled_cable")
    core, leads = [], []
    middle = np.array([x, y, level])
    swallow = rng.random() < 0.6  # the sagging lines along the street are so many that they belong to the mess
    for _ in range(int(rng.integers(26, 60) * dense)):
        end = _far_end(rng, street.reach_m * 0.55, middle, y)
        start = middle + rng.normal(0, 1, 3) * [0.11, 0.11, 0.38]
        line = catenary(start, end, rng.uniform(0.05, 1.3), 60)
        near = np.linalg.norm(line[:, :2] - middle[:2], axis=1) < (3.2 if swallow else 1.3)
        split = int(near.sum())
        core.append(line[: max(2, split + 1)])
        leads.append(line[max(0, split - 1) :])
    for _ in range(int(rng.integers(28, 75) * dense)):
        a, b = middle + rng.normal(0, 1, (2, 3)) * [0.28, 0.22, 0.42]
        core.append(loop(a, b, rng.exponential(0.35) + 0.05, rng))
    for _ in range(int(rng.integers(1, 5))):
        at = middle + rng.normal(0, 1, 3) * [0.3, 0.2, 0.4] + [0, 0, -0.2]
        core.append(coil(at, rng.uniform(0.16, 0.34), int(rng.integers(6, 22)), rng, rng.uniform(0, 3.1)))
    for _ in range(int(rng.integers(2, 7))):
        _closure(stage, middle + rng.normal(0, 1, 3) * [0.5, 0.2, 0.4], index)
    for _ in range(int(rng.integers(4, 16))):
        # Lines that run down the pole.
        top = middle + rng.normal(0, 0.1, 3)
        foot = top + np.array([rng.normal(0, 0.08), rng.normal(0, 0.08), -rng.uniform(0.6, 1.8)])
        core.append(catenary(top, foot, rng.normal(0, 0.06), 10))
    _string(stage, core, index, 0.006, 0.016)
    _string(stage, [line for line in leads if len(line) > 2], 0, 0.005, 0.012)
    return index


def _far_end(rng: np.random.Generator, reach: float, middle: Line, y: float) -> Line:
    """Where a line from a pole leads: along the street to the next pole, to a front, or across the road."""
    way = rng.random()
    side = rng.choice([-1.0, 1.0])
    if way < 0.7:
        return np.array([side * reach, y + rng.normal(0, 0.25), middle[2] + rng.normal(0, 0.5)])
    if way < 0.9:
        return np.array([middle[0] + rng.normal(0, 5), -0.05, rng.uniform(3.0, 6.5)])
    return np.array([middle[0] + rng.normal(0, 6), y - 14, rng.uniform(5, 8)])


def mess_on_front(stage: Stage, x: float, level: float, half_m: float, dense: float = 1.0) -> int:
    """A bundle sagging untidily along a front from x - half_m to x + half_m at `level`. Returns the label index."""
    rng = stage.rng
    index = stage.label("tangled_cable")
    nails = np.sort(x + np.r_[-half_m, half_m, rng.uniform(-half_m, half_m, int(half_m * rng.uniform(0.6, 1.3)))])
    heights = level + rng.normal(0, 0.12, len(nails))
    lines: list[Line] = []
    for _ in range(int(rng.integers(16, 44) * dense)):
        out, lift = rng.uniform(0.04, 0.28), rng.normal(0, 0.09)
        slack = rng.exponential(0.16)
        pieces = []
        for a, b, low, high in zip(nails, nails[1:], heights, heights[1:], strict=False):
            start, end = np.array([a, -out, low + lift]), np.array([b, -out, high + lift])
            pieces.append(catenary(start, end, (slack + rng.exponential(0.05)) * min(1.5, (b - a) / 2), 18))
        lines.append(np.vstack(pieces))
    for _ in range(int(rng.integers(8, 34) * dense)):
        at = rng.uniform(-half_m, half_m)
        a = np.array([x + at, -rng.uniform(0.05, 0.3), level + rng.normal(0, 0.15)])
        b = a + np.array([rng.normal(0, 0.6), 0, rng.normal(0, 0.2)])
        lines.append(loop(a, b, rng.exponential(0.4) + 0.05, rng))
    for _ in range(int(rng.integers(1, 5))):
        at = np.array([x + rng.uniform(-0.8, 0.8) * half_m, -rng.uniform(0.1, 0.3), level - rng.uniform(0.0, 0.4)])
        lines.append(coil(at, rng.uniform(0.14, 0.32), int(rng.integers(6, 20)), rng))
    for _ in range(int(rng.integers(2, 8))):
        at = np.array([x + rng.uniform(-0.9, 0.9) * half_m, -0.12, level])
        end = at + np.array([rng.normal(0, 0.3), 0.08, rng.choice([-1, 1]) * rng.uniform(0.5, 2.0)])
        lines.append(catenary(at, end, rng.normal(0, 0.2), 14))
    for _ in range(int(rng.integers(1, 4))):
        _closure(stage, np.array([x + rng.uniform(-0.8, 0.8) * half_m, -0.14, level + rng.normal(0, 0.1)]), index)
    _string(stage, lines, index, 0.005, 0.013)
    return index


def mess_across(stage: Stage, x: float, level: float) -> int:
    """Two dozen and more lines sagging across the street, criss-cross. Returns the label index."""
    rng, street = stage.rng, stage.street
    index = stage.label("tangled_cable")
    lines: list[Line] = []
    spans = int(rng.integers(26, 56))
    for _ in range(spans):
        a = np.array([x + rng.normal(0, 1.2), -0.05, level + rng.normal(0, 0.4)])
        b = np.array([x + rng.normal(0, 2.2), street.far_face_y + 0.05, level + rng.normal(0, 0.5)])
        lines.append(catenary(a, b, rng.uniform(0.2, 1.5), 50))
    for _ in range(int(rng.integers(14, 40))):
        first, second = rng.integers(0, spans, 2)
        spot, other = lines[first][rng.integers(5, 45)], lines[second][rng.integers(5, 45)]
        if np.linalg.norm(spot - other) < 2.5:
            lines.append(loop(spot, other, rng.exponential(0.3), rng))
    for _ in range(int(rng.integers(1, 4))):
        spot = lines[int(rng.integers(20))][rng.integers(8, 42)]
        lines.append(coil(spot, rng.uniform(0.18, 0.34), int(rng.integers(6, 20)), rng, rng.uniform(0, 3)))
    _string(stage, lines, index)
    return index


def tidy_lines(stage: Stage, y: float, level: float) -> None:
    """One to five tight parallel lines along the street: in order, so without a label."""
    rng, reach = stage.rng, stage.street.reach_m
    levels = [level - 0.28 * k for k in range(int(rng.integers(1, 6)))]
    lines = [
        catenary(np.array([x, y, z]), np.array([x + 22.0, y, z]), rng.uniform(0.1, 0.3), 40)
        for z in levels
        for x in np.arange(-reach, reach, 22.0)
    ]
    _string(stage, lines, 0, 0.008, 0.012)
