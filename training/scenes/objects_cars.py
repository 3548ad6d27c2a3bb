"""Cars: a body lofted through cross-sections, with windows, wheels in dark arches, lamps and a blank plate."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from . import materials
from .shapes import Mesh, bevel, place, pose
from .stage import Stage

_PAINTS = (
    (0.75, 0.75, 0.74),
    (0.75, 0.75, 0.74),
    (0.012, 0.012, 0.014),
    (0.012, 0.012, 0.014),
    (0.3, 0.31, 0.33),
    (0.1, 0.1, 0.11),
    (0.3, 0.012, 0.015),
    (0.02, 0.06, 0.2),
    (0.33, 0.27, 0.18),
    (0.05, 0.14, 0.12),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A car's side view: control points (x, z) in metres, front at x = 0, as roof line and waist line."""

    length: float
    width: float
    roof: tuple[tuple[float, float], ...]
    waist: tuple[tuple[float, float], ...]
    wheels: tuple[float, float]
    wheel_m: float
    glass: tuple[float, float, float, float]  #: x of windscreen foot, windscreen top, rear screen top, rear screen foot


_SEDAN = Shape(
    length=4.65,
    width=1.8,
    wheels=(0.86, 3.56),
    wheel_m=0.325,
    glass=(1.28, 2.05, 3.2, 4.0),
    roof=(
        (0, 0.52),
        (0.06, 0.66),
        (0.35, 0.78),
        (1.28, 0.98),
        (2.05, 1.42),
        (2.6, 1.47),
        (3.2, 1.42),
        (4.0, 1.1),
        (4.5, 1.04),
        (4.65, 0.85),
    ),
    waist=((0, 0.5), (0.06, 0.62), (0.35, 0.73), (1.28, 0.91), (2.6, 0.97), (4.0, 1.02), (4.5, 0.98), (4.65, 0.8)),
)
_SUV = Shape(
    length=4.5,
    width=1.86,
    wheels=(0.85, 3.52),
    wheel_m=0.36,
    glass=(1.2, 1.85, 3.75, 4.3),
    roof=(
        (0, 0.6),
        (0.05, 0.82),
        (0.3, 0.95),
        (1.2, 1.1),
        (1.85, 1.6),
        (2.6, 1.68),
        (3.75, 1.62),
        (4.3, 1.15),
        (4.45, 1.05),
        (4.5, 0.8),
    ),
    waist=((0, 0.58), (0.05, 0.78), (0.3, 0.9), (1.2, 1.03), (2.6, 1.08), (4.3, 1.1), (4.45, 1.0), (4.5, 0.75)),
)
_HATCH = Shape(
    length=3.95,
    width=1.7,
    wheels=(0.75, 3.2),
    wheel_m=0.305,
    glass=(1.05, 1.75, 3.3, 3.8),
    roof=(
        (0, 0.5),
        (0.05, 0.7),
        (0.3, 0.82),
        (1.05, 1.0),
        (1.75, 1.46),
        (2.4, 1.52),
        (3.3, 1.46),
        (3.8, 1.06),
        (3.92, 0.98),
        (3.95, 0.75),
    ),
    waist=((0, 0.48), (0.05, 0.66), (0.3, 0.77), (1.05, 0.92), (2.4, 0.98), (3.8, 1.0), (3.92, 0.93), (3.95, 0.7)),
)
_VAN = Shape(
    length=4.4,
    width=1.68,
    wheels=(0.75, 3.45),
    wheel_m=0.3,
    glass=(0.42, 1.15, 4.12, 4.36),
    roof=(
        (0, 0.55),
        (0.04, 0.85),
        (0.2, 1.0),
        (0.42, 1.1),
        (1.15, 1.76),
        (2.2, 1.86),
        (4.12, 1.82),
        (4.36, 1.2),
        (4.39, 1.1),
        (4.4, 0.7),
    ),
    waist=((0, 0.53), (0.04, 0.8), (0.2, 0.93), (0.42, 1.0), (2.2, 1.08), (4.36, 1.1), (4.39, 1.0), (4.4, 0.65)),
)
_SHAPES = (_SEDAN, _SEDAN, _SUV, _SUV, _HATCH, _VAN)


def _line(points: tuple[tuple[float, float], ...], x: np.ndarray) -> np.ndarray:
    """A side-view line at stations x, slightly rounded at its control points."""
    px, pz = np.array(points).T
    fine = np.linspace(px[0], px[-1], 800)
    z = np.interp(fine, px, pz)
    kernel = np.hanning(61)
    z = np.convolve(np.pad(z, 30, mode="edge"), kernel / kernel.sum(), mode="valid")
    return np.interp(x, fine, z)


def _sections(shape: Shape, x: np.ndarray) -> np.ndarray:
    """Half cross-sections, (stations, 10, 3): from the sill up over shoulder, window and roof to the middle line."""
    roof, waist = _line(shape.roof, x), _line(shape.waist, x)
    t = x / shape.length
    plan = (
        1
        - 0.20 * np.abs(2 * t - 1) ** 5
        - 0.10 * np.clip(1 - t * 9, 0, 1) ** 2
        - 0.05 * np.clip((t - 0.9) * 10, 0, 1) ** 2
    )
    half = shape.width / 2 * plan
    cabin = np.clip((roof - waist) / 0.42, 0, 1)
    sill = 0.2 + 0.12 * np.clip(1 - t * 12, 0, 1) + 0.16 * np.clip((t - 0.92) * 12, 0, 1)
    lean = half * (1 - 0.21 * cabin)
    rows = [
        (half * 0.86, sill),
        (half * 0.97, sill + 0.06),
        (half, sill + (waist - sill) * 0.45),
        (half * 1.0, sill + (waist - sill) * 0.72),
        (half * 0.975, waist - 0.015),
        (half * 0.955 - 0.02 * cabin, waist + 0.02 * cabin),
        (lean, waist + (roof - waist) * 0.86),
        (lean * 0.93, waist + (roof - waist) * 0.955),
        (lean * 0.55, roof - 0.003),
        (lean * 0.0, roof + 0.012),
    ]
    return np.stack([np.stack([x, y, z], -1) for y, z in rows], 1)


def _body(stage: Stage, shape: Shape) -> Mesh:
    """Body and windows: both halves of the loft, faces sorted by what they are."""
    paint = stage.material("car paint", lambda: materials.own_colour("car paint", 0.28, 0.12, coat=1.0))
    pane = stage.material("car glass", lambda: materials.glass("car glass", (0.012, 0.014, 0.015)))
    trim = stage.material("car trim", lambda: materials.plain("car trim", (0.012, 0.012, 0.012), 0.5, dirt=0.4))
    foot, top, rear_top, rear_foot = shape.glass
    pillars = [np.interp(p, [0, 1], [top, rear_top]) for p in ((0.5,) if shape.length < 4.4 else (0.42, 0.97))]
    marks = [
        0,
        foot - 0.02,
        foot + 0.1,
        top - 0.03,
        top + 0.1,
        rear_top - 0.05,
        rear_top + 0.06,
        rear_foot - 0.06,
        rear_foot + 0.02,
    ]
    marks += [p + d for p in pillars for d in (-0.045, 0.045)]
    x = np.unique(np.r_[np.linspace(0, shape.length, 46), np.linspace(0, 0.12, 5), marks])
    x = x[(x >= 0) & (x <= shape.length)]
    rings = _sections(shape, x)
    mesh = Mesh()
    for side in (1, -1):
        points = (rings * [1, side, 1]).reshape(-1, 3)
        kinds: dict[str, list[tuple[int, ...]]] = {"paint": [], "pane": [], "trim": []}
        for i in range(len(x) - 1):
            middle = (x[i] + x[i + 1]) / 2
            for j in range(9):
                quad = (i * 10 + j, i * 10 + j + 1, (i + 1) * 10 + j + 1, (i + 1) * 10 + j)
                kinds[_kind(shape, middle, j, pillars)].append(quad if side > 0 else tuple(reversed(quad)))
        for name, material in (("paint", paint), ("pane", pane), ("trim", trim)):
            start = len(mesh.vertices)
            if name == "paint":
                mesh.add(points, kinds[name], material)
                first = start
            else:
                slot = mesh.slot(material)
                mesh.faces.extend(tuple(first + k for k in face) for face in kinds[name])
                mesh.slots.extend([slot] * len(kinds[name]))
        for end in (0, len(x) - 1):
            mesh.faces.append(tuple(first + end * 10 + j for j in range(10)))
            mesh.slots.append(mesh.slot(paint))
    return mesh


def _kind(shape: Shape, x: float, row: int, pillars: list[float]) -> str:
    """What a face of the loft is: paint, pane or trim, by its station and its row in the section."""
    foot, top, rear_top, rear_foot = shape.glass
    if row == 0:
        return "trim"
    if row == 5 and foot + 0.25 < x < rear_foot - 0.2:
        return "trim" if any(abs(x - p) < 0.046 for p in pillars) else "pane"
    if row >= 7 and (foot + 0.1 < x < top - 0.03 or rear_top + 0.06 < x < rear_foot - 0.06):
        return "pane"
    return "paint"


def _wheels(stage: Stage, shape: Shape, mesh: Mesh) -> None:
    """Dark arches, tyres and spoked rims, added to a mesh in the car's own frame."""
    tyre = stage.material("tyre", lambda: materials.plain("tyre", (0.014, 0.014, 0.014), 0.85, dirt=0.5))
    rim = stage.material("rim", lambda: materials.plain("rim", (0.45, 0.45, 0.46), 0.3, 0.9, dirt=0.3))
    dark = stage.material("arch", lambda: materials.plain("arch", (0.004, 0.004, 0.004), 0.9, dirt=0.0))
    r, half = shape.wheel_m, shape.width / 2
    for x in shape.wheels:
        for side in (-1, 1):
            out = side * (half + 0.005)
            mesh.lathe(
                [(r + 0.065, out - side * 0.12), (r + 0.065, out - side * 0.004), (r + 0.05, out)],
                dark,
                (x, 0, r + 0.02),
                36,
                "y",
            )
            y = out + side * 0.012
            mesh.lathe(
                [
                    (r * 0.9, y - side * 0.2),
                    (r, y - side * 0.17),
                    (r, y - side * 0.03),
                    (r * 0.93, y),
                    (r * 0.7, y + side * 0.004),
                ],
                tyre,
                (x, 0, r),
                36,
                "y",
            )
            mesh.lathe([(r * 0.66, y + side * 0.004), (r * 0.66, y + side * 0.008)], dark, (x, 0, r), 30, "y")
            mesh.lathe([(r * 0.2, y), (r * 0.18, y + side * 0.03)], rim, (x, 0, r), 14, "y")
            for turn in np.linspace(0, 2 * np.pi, 5, endpoint=False) + stage.rng.uniform(0, 1):
                a = np.array([np.cos(turn), np.sin(turn)])
                b = np.array([-a[1], a[0]])
                corners = [
                    a * r * 0.1 + b * 0.035,
                    a * r * 0.66 + b * 0.055,
                    a * r * 0.66 - b * 0.055,
                    a * r * 0.1 - b * 0.035,
                ]
                mesh.quad(*((x + c[0], y + side * 0.02, r + c[1]) for c in corners), rim)
            ring = [
                (r * 0.7, y + side * 0.006),
                (r * 0.7, y + side * 0.024),
                (r * 0.64, y + side * 0.024),
                (r * 0.63, y + side * 0.01),
            ]
            angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
            points = [(x + q * np.cos(a), p, r + q * np.sin(a)) for q, p in ring for a in angles]
            faces = [
                (k * 36 + i, k * 36 + (i + 1) % 36, (k + 1) * 36 + (i + 1) % 36, (k + 1) * 36 + i)
                for k in range(3)
                for i in range(36)
            ]
            mesh.add(points, faces, rim)


def _fittings(stage: Stage, shape: Shape) -> Mesh:
    """Lamps, grille, plates (blank), mirrors, handles, bumper strips."""
    lamp = stage.material("lamp", lambda: materials.plain("lamp", (0.75, 0.75, 0.72), 0.08, 0.5, dirt=0.05))
    red = stage.material("tail", lambda: materials.plain("tail", (0.35, 0.01, 0.01), 0.12, dirt=0.05))
    trim = stage.material("car trim", lambda: materials.plain("car trim", (0.012, 0.012, 0.012), 0.5, dirt=0.4))
    plate = stage.material("plate", lambda: materials.plain("plate", (0.01, 0.06, 0.4), 0.4, dirt=0.1))
    chrome = stage.material("rim", lambda: materials.plain("rim", (0.45, 0.45, 0.46), 0.3, 0.9, dirt=0.3))
    half, end = shape.width / 2, shape.length
    nose = float(_line(shape.waist, np.array([0.2]))[0])
    tail = float(_line(shape.waist, np.array([end - 0.1]))[0])
    mesh = Mesh()
    for side in (-1, 1):
        mesh.box(
            (0.0, side * half * 0.5 - 0.16, nose - 0.13),
            (0.3, side * half * 0.5 + 0.21 if side > 0 else side * half * 0.5 + 0.16, nose + 0.0),
            lamp,
        )
        mesh.box(
            (end - 0.22, side * half * 0.66 - 0.15, tail - 0.2),
            (end + 0.005, side * half * 0.66 + 0.15, tail - 0.04),
            red,
        )
        waist = float(_line(shape.waist, np.array([shape.glass[0] + 0.45]))[0])
        mesh.box(
            (shape.glass[0] + 0.32, side * (half + 0.06) - 0.1, waist + 0.0),
            (shape.glass[0] + 0.5, side * (half + 0.06) + 0.1, waist + 0.15),
            trim,
        )
        for x in (shape.glass[1] + 0.45, shape.glass[1] + 1.4):
            mesh.box(
                (x, side * (half + 0.005) - 0.012, waist - 0.16),
                (x + 0.2, side * (half + 0.005) + 0.012, waist - 0.125),
                chrome,
            )
    mesh.box((-0.02, -half * 0.42, nose - 0.16), (0.15, half * 0.42, nose - 0.04), trim)
    mesh.box((-0.015, -half * 0.6, 0.3), (0.15, half * 0.6, 0.42), trim)
    mesh.box((-0.045, -0.22, nose - 0.3), (0.1, 0.22, nose - 0.16), plate)
    mesh.box((end - 0.1, -0.22, tail - 0.34), (end + 0.03, 0.22, tail - 0.2), plate)
    mesh.box((end - 0.1, -half * 0.75, 0.32), (end + 0.01, half * 0.75, 0.42), trim)
    return mesh


def car(stage: Stage, x: float, y: float, yaw: float) -> int:
    """A parked car centred at x, y, its front turned to -x before `yaw`. Returns its label index."""
    rng = stage.rng
    shape = _SHAPES[rng.integers(len(_SHAPES))]
    index = stage.label("car")
    colour = np.clip(np.array(_PAINTS[rng.integers(len(_PAINTS))]) * rng.uniform(0.85, 1.15), 0, 1)
    z = min(stage.street.ground_z(y - 0.7), stage.street.ground_z(y + 0.7))
    matrix = pose((x, y, z), yaw) @ Matrix.Translation((-shape.length / 2, 0, 0))
    _finish(place(_body(stage, shape).data("car", smooth=True), matrix, index, colour))
    wheels = Mesh()
    _wheels(stage, shape, wheels)
    place(wheels.data("wheels"), matrix, index)
    bevel(place(_fittings(stage, shape).data("fittings"), matrix, index), 0.02, 2)
    for along in (-1.4, 0.0, 1.4):
        stage.take(x + along * np.cos(yaw), y + along * np.sin(yaw), 1.05)
    return index


def _finish(body: bpy.types.Object) -> None:
    """Weld the halves and smooth all but the sharp edges."""
    weld = body.modifiers.new("weld", "WELD")
    weld.merge_threshold = 0.002
