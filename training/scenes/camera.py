"""Where the picture is taken from: an inspector's phone held at eye height, or a street camera on a pole."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .stage import Street


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera's place and what it looks at, metres; `lens_mm` on a 36 mm wide sensor."""

    place: tuple[float, float, float]
    target: tuple[float, float, float]
    lens_mm: float
    roll_deg: float

    def record(self) -> dict[str, object]:
        """Plain values for the scene's line of JSON."""
        return {key: np.round(value, 3).tolist() for key, value in asdict(self).items()}


def look(
    street: Street,
    subject: tuple[float, float, float],
    near_m: float,
    far_m: float,
    rng: np.random.Generator,
    upwards: bool = False,
) -> View:
    """Choose a view of a subject from `near_m` to `far_m` away, from the street's side, subject off the middle."""
    high = rng.random() < 0.2 and not upwards
    height = rng.uniform(2.7, 4.0) if high else rng.uniform(1.35, 1.75)
    away = rng.uniform(near_m, far_m) * (1.25 if high else 1.0)
    lowest = street.far_face_y + 0.7
    for _ in range(60):
        turn = rng.normal(0, 0.62)  # 0: straight at the façade; +-1.57: along the street
        x, y = subject[0] + away * np.sin(turn), subject[1] - away * np.cos(turn)
        if lowest < y < -0.7 and abs(turn) < 1.35:
            break
    else:
        x, y = subject[0] + away * 0.6, max(lowest, subject[1] - away * 0.8)
    aside = away * rng.normal(0, 0.1)
    lift = rng.uniform(-0.3, 1.0) * away * 0.12
    target = (subject[0] + aside * np.cos(turn), subject[1] + aside * np.sin(turn), subject[2] + lift)
    return View(
        place=(x, y, height + street.ground_z(y)),
        target=target,
        lens_mm=float(rng.uniform(24, 34)),
        roll_deg=float(rng.normal(0, 1.1)),
    )


def stepped(view: View, number: int) -> View:
    """The same picture taken again after a small step (view `number` 1, 2 …): half a metre and a slight turn."""
    if number == 0:
        return view
    rng = np.random.default_rng([number, 77])
    place = np.array(view.place) + rng.uniform(0.35, 0.7, 3) * rng.choice([-1, 1], 3) * [1.2, 0.6, 0.2]
    target = np.array(view.target) + rng.normal(0, 0.25, 3) * [1, 0.3, 0.5]
    return View(
        place=tuple(place), target=tuple(target), lens_mm=view.lens_mm, roll_deg=view.roll_deg + rng.normal(0, 0.8)
    )


def put(view: View) -> bpy.types.Object:
    """Make it the scene's camera."""
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.clip_start = view.lens_mm, 36.0, 0.05
    thing = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(thing)
    towards = Vector(view.target) - Vector(view.place)
    turn = towards.to_track_quat("-Z", "Y").to_matrix().to_4x4()
    thing.matrix_world = Matrix.Translation(view.place) @ turn @ Matrix.Rotation(np.radians(view.roll_deg), 4, "Z")
    bpy.context.scene.camera = thing
    return thing
