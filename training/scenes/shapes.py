"""Meshes and curves from numbers, put into Blender's scene. Metres; x along the street, y away from it, z up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

Point = tuple[float, float, float]


@dataclass(slots=True)
class Mesh:
    """A mesh being put together: several materials, faces by vertex number."""

    vertices: list[Point] = field(default_factory=list)
    faces: list[tuple[int, ...]] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    materials: list[bpy.types.Material] = field(default_factory=list)

    def slot(self, material: bpy.types.Material) -> int:
        """Number of a material in this mesh, added when new."""
        if material not in self.materials:
            self.materials.append(material)
        return self.materials.index(material)

    def add(
        self, points: Iterable[Sequence[float]], faces: Iterable[Sequence[int]], material: bpy.types.Material
    ) -> None:
        """Append vertices and the faces among them (numbered from 0)."""
        start, slot = len(self.vertices), self.slot(material)
        self.vertices.extend(tuple(float(c) for c in p) for p in points)  # type: ignore[misc]
        for face in faces:
            self.faces.append(tuple(start + i for i in face))
            self.slots.append(slot)

    def quad(self, a: Point, b: Point, c: Point, d: Point, material: bpy.types.Material) -> None:
        """Append one four-sided face."""
        self.add([a, b, c, d], [(0, 1, 2, 3)], material)

    def box(self, low: Sequence[float], high: Sequence[float], material: bpy.types.Material) -> None:
        """Append an axis-aligned box between two corners."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        points = [(x, y, z) for z in (z0, z1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        faces = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
        self.add(points, faces, material)

    def lathe(
        self,
        profile: Sequence[tuple[float, float]],
        material: bpy.types.Material,
        origin: Point = (0, 0, 0),
        sides: int = 16,
        axis: str = "z",
    ) -> None:
        """Append a surface of revolution: `profile` holds (radius, height) from bottom to top, closed by caps."""
        angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        ring = [(r * np.cos(a), r * np.sin(a), h) for r, h in profile for a in angles]
        if axis == "y":
            ring = [(x, z, y) for x, y, z in ring]
        if axis == "x":
            ring = [(z, x, y) for x, y, z in ring]
        points = [(p[0] + origin[0], p[1] + origin[1], p[2] + origin[2]) for p in ring]
        faces: list[tuple[int, ...]] = []
        for level in range(len(profile) - 1):
            for i in range(sides):
                j = (i + 1) % sides
                low, high = level * sides, (level + 1) * sides
                faces.append((low + i, low + j, high + j, high + i))
        faces.append(tuple(reversed(range(sides))))
        faces.append(tuple(range((len(profile) - 1) * sides, len(profile) * sides)))
        self.add(points, faces, material)

    def data(self, name: str, smooth: bool = False) -> bpy.types.Mesh:
        """Make Blender's mesh of it, shaded smooth or flat."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.vertices, [], self.faces)
        for material in self.materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", np.array(self.slots, np.int32))
        mesh.polygons.foreach_set("use_smooth", np.full(len(self.faces), smooth))
        mesh.update()
        return mesh


def place(
    data: bpy.types.ID, matrix: Matrix | None = None, index: int = 0, colour: Sequence[float] | None = None
) -> bpy.types.Object:
    """Put a mesh or curve into the scene with its label index (0: unlabelled) and its own colour (linear RGB)."""
    thing = bpy.data.objects.new(data.name, data)
    bpy.context.scene.collection.objects.link(thing)
    if matrix is not None:
        thing.matrix_world = matrix
    thing.pass_index = index
    if colour is not None:
        thing.color = (*colour[:3], 1.0)
    return thing


def bevel(thing: bpy.types.Object, width: float, segments: int = 2) -> bpy.types.Object:
    """Round an object's edges by `width` metres and shade them so."""
    modifier = thing.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments, modifier.limit_method = width, segments, "ANGLE"
    return thing


def pose(
    location: Sequence[float],
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    scale: float | Sequence[float] = 1.0,
) -> Matrix:
    """Give the matrix that scales, then turns about x (pitch), y (roll), z (yaw; radians), then moves."""
    factors = (scale, scale, scale) if isinstance(scale, int | float) else scale
    turn = Matrix.Rotation(yaw, 4, "Z") @ Matrix.Rotation(roll, 4, "Y") @ Matrix.Rotation(pitch, 4, "X")
    return Matrix.Translation(Vector(location)) @ turn @ Matrix.Diagonal((*factors, 1.0))


def tubes(
    name: str,
    lines: Iterable[NDArray[np.float64]],
    radius: float,
    material: bpy.types.Material,
    radii: Sequence[float] | None = None,
) -> bpy.types.Curve:
    """Make round tubes along lines of points, each (n, 3) in metres; `radii` gives each line its own factor."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", radius, 1
    curve.resolution_u = 1
    for number, line in enumerate(lines):
        spline = curve.splines.new("POLY")
        spline.points.add(len(line) - 1)
        spline.points.foreach_set("co", np.c_[line, np.ones(len(line))].astype(np.float32).ravel())
        if radii is not None:
            spline.points.foreach_set("radius", np.full(len(line), radii[number], np.float32))
    curve.materials.append(material)
    return curve


def crumple(
    points: NDArray[np.float64], rng: np.random.Generator, size: float, folds: int = 7, sharp: float = 1.0
) -> NDArray[np.float64]:
    """Give each of (n, 3) unit-ish points a height in about -1..1 that looks like creased film.

    A sum of folded waves |sin| in random directions of growing frequency; `size` scales the lowest frequency.
    """
    height = np.zeros(len(points))
    total = 0.0
    for octave in range(folds):
        direction = rng.normal(size=3)
        direction *= size * 1.45**octave / np.linalg.norm(direction)
        bend = 0.6 * np.sin(points @ rng.normal(0, size, 3) + rng.uniform(0, 6))
        wave = np.sin(points @ direction + rng.uniform(0, 6) + bend)
        weight = 0.74**octave
        height += weight * ((1 - sharp) * wave + sharp * (1 - 2 * np.abs(wave)))
        total += weight
    return height / total


def icosphere(level: int) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    """Give the vertices (n, 3) on the unit sphere and the triangles of an icosphere."""
    import bmesh

    shape = bmesh.new()
    bmesh.ops.create_icosphere(shape, subdivisions=level, radius=1.0)
    points = np.array([v.co[:] for v in shape.verts])
    faces = [tuple(v.index for v in f.verts) for f in shape.faces]
    shape.free()
    return points, faces
