"""What the makers of a scene share: its random numbers, materials made once, label indices, the street's measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import bpy
import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A street along x. Its façades stand at y = 0 and look towards -y, where pavement, kerb and road follow."""

    walk_m: float  #: pavement from y = 0 to -walk_m; 0 in an alley
    road_m: float  #: carriageway from there on
    kerb_m: float  #: how far the pavement lies above the road (z = 0)
    far_walk_m: float  #: pavement across the road, before the façades there
    reach_m: float = 46.0  #: the street goes from -reach_m to reach_m along x

    @property
    def far_face_y(self) -> float:
        """Where the façades across the road stand."""
        return -(self.walk_m + self.road_m + self.far_walk_m)

    def ground_z(self, y: float) -> float:
        """Height of the ground at y: the pavement's, or the road's 0."""
        return self.kerb_m if y > -self.walk_m or y < -(self.walk_m + self.road_m) else 0.0


@dataclass(slots=True)
class Stage:
    """A scene being built."""

    rng: np.random.Generator
    street: Street
    labels: dict[int, str] = field(default_factory=dict)  #: label index -> model class
    materials: dict[str, bpy.types.Material] = field(default_factory=dict)
    meshes: dict[str, bpy.types.Mesh] = field(default_factory=dict)
    taken: list[tuple[float, float, float]] = field(default_factory=list)  #: x, y, radius that nothing else may cover

    def label(self, name: str) -> int:
        """Give a new label index for one object of a model class."""
        index = len(self.labels) + 1
        self.labels[index] = name
        return index

    def material(self, key: str, make: Callable[[], bpy.types.Material]) -> bpy.types.Material:
        """A material made once a scene."""
        if key not in self.materials:
            self.materials[key] = make()
        return self.materials[key]

    def mesh(self, key: str, make: Callable[[], bpy.types.Mesh]) -> bpy.types.Mesh:
        """A mesh made once a scene and used by many objects."""
        if key not in self.meshes:
            self.meshes[key] = make()
        return self.meshes[key]

    def free(self, x: float, y: float, radius: float) -> bool:
        """Whether a round spot is clear of all that was put down."""
        return all(np.hypot(x - a, y - b) > radius + r for a, b, r in self.taken)

    def take(self, x: float, y: float, radius: float) -> None:
        """Keep a round spot for something."""
        self.taken.append((x, y, radius))
