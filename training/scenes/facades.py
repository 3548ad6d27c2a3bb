"""House fronts of a southern Chinese street: shops below, barred windows, air conditioners and pipes above."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from . import materials
from .shapes import Mesh, Point, place, pose
from .stage import Stage

_COLOURS = (
    (0.55, 0.50, 0.42),
    (0.62, 0.58, 0.5),
    (0.42, 0.4, 0.37),
    (0.5, 0.36, 0.26),
    (0.35, 0.16, 0.11),
    (0.6, 0.6, 0.58),
    (0.5, 0.45, 0.3),
    (0.38, 0.42, 0.42),
    (0.55, 0.42, 0.38),
    (0.68, 0.66, 0.62),
    (0.3, 0.3, 0.3),
)
_SIGNS = (
    "便民超市",
    "五金建材",
    "湘味小厨",
    "水果店",
    "快递驿站",
    "药房",
    "理发店",
    "桂林米粉",
    "烟酒茶行",
    "房产中介",
    "图文打印",
    "洗衣店",
    "早餐",
    "潮汕牛肉",
    "手机维修",
    "社区服务站",
    "文具店",
    "沙县小吃",
)
_SIGN_COLOURS = (
    (0.5, 0.02, 0.02),
    (0.02, 0.12, 0.4),
    (0.02, 0.25, 0.08),
    (0.7, 0.66, 0.6),
    (0.6, 0.25, 0.02),
    (0.04, 0.04, 0.05),
)
_DOORS = ((0.16, 0.15, 0.14), (0.12, 0.05, 0.03), (0.05, 0.13, 0.09), (0.3, 0.29, 0.27), (0.05, 0.08, 0.14))
_STOREY_M = 3.1


@dataclass(slots=True)
class Front:
    """One house front being built: u runs along it, v up, d out towards the street."""

    stage: Stage
    x0: float
    width: float
    face_y: float
    towards: int  #: -1 looks to -y (our side), +1 to +y (the far side)
    base_z: float
    mesh: Mesh
    wall: bpy.types.Material

    def at(self, u: float, v: float, d: float) -> Point:
        """Front coordinates to metres of the scene."""
        return (self.x0 + u, self.face_y + self.towards * d, self.base_z + v)

    def rect(self, u0: float, u1: float, v0: float, v1: float, d: float, material: bpy.types.Material) -> None:
        """An upright rectangle at depth d."""
        self.mesh.quad(self.at(u0, v0, d), self.at(u1, v0, d), self.at(u1, v1, d), self.at(u0, v1, d), material)

    def block(
        self, u0: float, u1: float, v0: float, v1: float, d0: float, d1: float, material: bpy.types.Material
    ) -> None:
        """A box between two depths."""
        a, b = self.at(u0, v0, d0), self.at(u1, v1, d1)
        self.mesh.box(np.minimum(a, b), np.maximum(a, b), material)

    def recess(self, u0: float, u1: float, v0: float, v1: float, deep: float) -> None:
        """The four cheeks of an opening cut `deep` metres into the wall."""
        for a, b in (((u0, v0), (u1, v0)), ((u1, v0), (u1, v1)), ((u1, v1), (u0, v1)), ((u0, v1), (u0, v0))):
            self.mesh.quad(self.at(*a, 0), self.at(*b, 0), self.at(*b, -deep), self.at(*a, -deep), self.wall)

    def around(self, cell: tuple[float, float, float, float], hole: tuple[float, float, float, float]) -> None:
        """The wall of a cell (u0 u1 v0 v1) round its opening."""
        (c0, c1, b0, b1), (u0, u1, v0, v1) = cell, hole
        for part in ((c0, u0, b0, b1), (u1, c1, b0, b1), (u0, u1, b0, v0), (u0, u1, v1, b1)):
            if part[1] - part[0] > 1e-3 and part[3] - part[2] > 1e-3:
                self.rect(*part, 0, self.wall)


def row(stage: Stage, face_y: float, towards: int, blank: tuple[float, float] | None, lanes: float = 0.25) -> None:
    """A row of houses along the street; within `blank` (x from, to) the ground floor is plain wall or shutter."""
    rng, x = stage.rng, -stage.street.reach_m + stage.rng.uniform(0, 6)
    _yard(stage, face_y, towards)
    while x < stage.street.reach_m:
        width = rng.uniform(9, 20)
        storeys = int(rng.integers(1, 8)) if rng.random() < 0.85 else 1
        house(stage, x, width, storeys, face_y, towards, blank)
        x += width + (rng.uniform(1.2, 3.5) if rng.random() < lanes else 0.02)


def _yard(stage: Stage, face_y: float, towards: int) -> None:
    """What shows in the gaps between houses: a concrete lane and a wall at its end."""
    rng, reach = stage.rng, stage.street.reach_m
    z = stage.street.ground_z(0 if towards < 0 else face_y)
    floor = stage.material("yard", lambda: materials.concrete("yard", 0.2))
    brick = stage.material("yard wall", lambda: materials.wall("yard wall", (0.34, 0.3, 0.26), "brick", rng))
    back = face_y - towards * 8.5
    mesh = Mesh()
    mesh.quad((-reach, face_y, z), (reach, face_y, z), (reach, back, z), (-reach, back, z), floor)
    mesh.quad((-reach, back, z), (reach, back, z), (reach, back, z + 7), (-reach, back, z + 7), brick)
    place(mesh.data("yard"))


def house(
    stage: Stage, x0: float, width: float, storeys: int, face_y: float, towards: int, blank: tuple[float, float] | None
) -> None:
    """One house: front in detail, the rest a box."""
    rng = stage.rng
    colour = np.clip(np.array(_COLOURS[rng.integers(len(_COLOURS))]) * rng.uniform(0.75, 1.15), 0, 0.8)
    finish = str(rng.choice(["plaster", "tiles", "brick"], p=[0.45, 0.42, 0.13]))
    front = Front(
        stage,
        x0,
        width,
        face_y,
        towards,
        stage.street.ground_z(0 if towards < 0 else face_y),
        Mesh(),
        materials.wall(f"wall {x0:.2f} {towards}", colour, finish, rng),
    )
    ground = rng.uniform(3.3, 4.0)
    bays = max(2, round(width / rng.uniform(3.0, 3.9)))
    step = width / bays
    kinds = rng.choice(["shutter", "shop", "window", "door", "wall"], bays, p=[0.36, 0.22, 0.16, 0.12, 0.14])
    for bay in range(bays):
        cell = (bay * step, (bay + 1) * step, 0.0, ground)
        inside = blank is not None and x0 + cell[1] > blank[0] and x0 + cell[0] < blank[1]
        _ground_floor(front, cell, str(rng.choice(["wall", "wall", "shutter"])) if inside else str(kinds[bay]))
    style = _window_style(rng)
    for storey in range(storeys - 1):
        low = ground + storey * _STOREY_M
        for bay in range(bays):
            _upper_window(front, (bay * step, (bay + 1) * step, low, low + _STOREY_M), style)
    top = ground + (storeys - 1) * _STOREY_M
    front.block(-0.02, width + 0.02, top, top + rng.uniform(0.4, 1.1), -0.3, 0.08, front.wall)
    back = face_y - towards * 9
    for u in (0.0, width):
        front.mesh.quad(
            front.at(u, 0, 0),
            (x0 + u, back, front.base_z),
            (x0 + u, back, front.base_z + top),
            front.at(u, top, 0),
            front.wall,
        )
    front.mesh.quad(
        front.at(0, top, 0),
        front.at(width, top, 0),
        (x0 + width, back, front.base_z + top),
        (x0, back, front.base_z + top),
        front.wall,
    )
    _pipes(front, top)
    place(front.mesh.data("house"))


def _ground_floor(front: Front, cell: tuple[float, float, float, float], kind: str) -> None:
    """One bay of the ground floor."""
    stage, rng = front.stage, front.stage.rng
    u0, u1, _, top = cell
    if kind == "wall":
        front.rect(*cell, 0, front.wall)
        return
    if kind == "window":
        hole = (u0 + 0.7, u1 - 0.7, 1.1, 2.5)
        front.around(cell, hole)
        _glazing(front, hole, bars=rng.random() < 0.8, cage=0.04)
        return
    margin, high = (0.22, min(top - 0.75, rng.uniform(2.5, 3.0))) if kind != "door" else ((u1 - u0 - 1.25) / 2, 2.25)
    hole = (u0 + margin, u1 - margin, 0.0, high)
    front.around(cell, hole)
    if kind == "shop":
        _shopfront(front, hole)
    elif kind == "door":
        front.recess(*hole, 0.15)
        steel = stage.material(
            "door", lambda: materials.plain("door", _DOORS[rng.integers(len(_DOORS))], 0.45, 0.2, dirt=0.35)
        )
        front.rect(*hole, -0.15, steel)
        for v in (0.3, 1.2):
            front.block(hole[0] + 0.15, hole[1] - 0.15, v, v + 0.75, -0.15, -0.12, steel)
    else:
        _shutter(front, hole)
    if kind in ("shop", "shutter") and rng.random() < 0.8:
        _sign(front, u0, u1, high + 0.05, top - 0.05)
    if kind in ("shop", "shutter") and rng.random() < 0.22:
        _awning(front, u0, u1, high + 0.1)


def _shutter(front: Front, hole: tuple[float, float, float, float]) -> None:
    """A roller shutter of real slats."""
    stage, rng = front.stage, front.stage.rng
    tone = rng.uniform(0.25, 0.6)
    colour = rng.choice([0, 1, 2], p=[0.7, 0.15, 0.15])
    tint = ((tone, tone, tone * 1.02), (0.1, 0.2, 0.38), (0.4, 0.36, 0.27))[int(colour)]
    slat = materials.plain("shutter", tint, 0.42, 0.35, dirt=rng.uniform(0.2, 0.6))
    front.recess(*hole, 0.1)
    pitch = 0.075
    for v in np.arange(hole[2], hole[3] - pitch / 2, pitch):
        middle, end = v + pitch * 0.75, min(v + pitch, hole[3])
        for low, high, d0, d1 in ((v, middle, -0.085, -0.068), (middle, end, -0.068, -0.085)):
            front.mesh.quad(
                front.at(hole[0], low, d0),
                front.at(hole[1], low, d0),
                front.at(hole[1], high, d1),
                front.at(hole[0], high, d1),
                slat,
            )
    front.block(hole[0], hole[1], 0.0, 0.09, -0.09, -0.05, slat)
    del stage


def _shopfront(front: Front, hole: tuple[float, float, float, float]) -> None:
    """Glass with a frame, a dim room of shelves behind."""
    stage, rng = front.stage, front.stage.rng
    front.recess(*hole, 0.6)
    goods = stage.material("goods", _shelves)
    frame = stage.material("frame", lambda: materials.plain("frame", (0.5, 0.5, 0.5), 0.4, 0.7))
    front.rect(*hole, -0.6, goods)
    for u in np.linspace(hole[0], hole[1] - 0.06, int(rng.integers(3, 5))):
        front.block(u, u + 0.06, hole[2], hole[3], -0.12, -0.06, frame)
    for v in (0.0, 2.05, hole[3] - 0.06):
        front.block(hole[0], hole[1], v, v + 0.06, -0.12, -0.06, frame)


def _shelves() -> bpy.types.Material:
    """What shows through a shop window: rows of goods, dim and dull behind a reflecting pane."""
    nodes = materials.Nodes("goods")
    cells = nodes.node("ShaderNodeTexVoronoi", distance="CHEBYCHEV")
    nodes.feed(cells.inputs["Vector"], nodes.coordinates("World", scale=(9, 9, 4)))
    cells.inputs["Scale"].default_value = 1.0
    depth = nodes.noise(nodes.coordinates("World"), 0.9, low=0.3, high=0.7)
    dull = nodes.mix(0.88, cells.outputs["Color"], (0.12, 0.1, 0.08))
    shade = nodes.ramp(depth, 0, 1, 0.82, 0.97)
    return nodes.surface(nodes.mix(shade, dull, (0.012, 0.011, 0.01)), 0.08, specular_ior_level=0.8)


def _sign(front: Front, u0: float, u1: float, v0: float, v1: float) -> None:
    """A shop sign with its name."""
    rng = front.stage.rng
    colour = _SIGN_COLOURS[rng.integers(len(_SIGN_COLOURS))]
    board = materials.plain("sign", colour, 0.4, dirt=0.3)
    front.block(u0 + 0.05, u1 - 0.05, v0, v1, 0.0, rng.uniform(0.06, 0.22), board)
    words = str(rng.choice(_SIGNS))
    bright = (0.85, 0.8, 0.7) if sum(colour) < 1.2 else (0.5, 0.02, 0.02)
    ink = materials.plain("sign ink", bright, 0.5, dirt=0.1)
    size = min((v1 - v0) * 0.75, (u1 - u0) * 0.85 / len(words))
    turn = 0.0 if front.towards < 0 else np.pi
    place(
        materials.text(words, size, ink), pose(front.at((u0 + u1) / 2, (v0 + v1) / 2, 0.235), yaw=turn, pitch=np.pi / 2)
    )


def _awning(front: Front, u0: float, u1: float, v: float) -> None:
    """A sloping canopy of cloth or tin."""
    rng = front.stage.rng
    cloth = materials.plain(
        "awning", rng.choice([[0.05, 0.2, 0.4], [0.35, 0.05, 0.04], [0.1, 0.3, 0.15], [0.4, 0.4, 0.38]]), 0.8, dirt=0.5
    )
    out, drop = rng.uniform(0.7, 1.5), rng.uniform(0.25, 0.5)
    front.mesh.quad(
        front.at(u0, v, 0.02), front.at(u1, v, 0.02), front.at(u1, v - drop, out), front.at(u0, v - drop, out), cloth
    )
    front.mesh.quad(
        front.at(u0, v - drop, out),
        front.at(u1, v - drop, out),
        front.at(u1, v - drop - 0.15, out),
        front.at(u0, v - drop - 0.15, out),
        cloth,
    )


def _window_style(rng: np.random.Generator) -> dict[str, float]:
    """One house's windows are alike: width share, sill, height, caged, air-conditioned."""
    return {
        "share": rng.uniform(0.4, 0.72),
        "sill": rng.uniform(0.75, 1.0),
        "high": rng.uniform(1.3, 1.7),
        "cage": float(rng.random() < 0.55),
        "cooler": rng.uniform(0.2, 0.8),
    }


def _upper_window(front: Front, cell: tuple[float, float, float, float], style: dict[str, float]) -> None:
    """One bay of an upper storey: window, perhaps a cage, perhaps an air conditioner beside it."""
    rng = front.stage.rng
    u0, u1, v0, v1 = cell
    half = (u1 - u0) * style["share"] / 2
    middle = (u0 + u1) / 2
    hole = (middle - half, middle + half, v0 + style["sill"], v0 + style["sill"] + style["high"])
    front.around(cell, hole)
    caged = style["cage"] > 0.5 and rng.random() < 0.9
    _glazing(front, hole, bars=caged, cage=rng.choice([0.05, 0.45]) if caged else 0.0)
    if rng.random() < style["cooler"]:
        _cooler(front, hole[1] + 0.05 if rng.random() < 0.5 and u1 - hole[1] > 0.5 else middle - 0.4, hole[2] - 0.75)
    del v1


def _glazing(front: Front, hole: tuple[float, float, float, float], bars: bool, cage: float) -> None:
    """Panes with an aluminium frame, curtains behind some, bars in front of some."""
    stage, rng = front.stage, front.stage.rng
    u0, u1, v0, v1 = hole
    front.recess(*hole, 0.14)
    pane = stage.material("glass", lambda: materials.glass("glass"))
    light = stage.material("curtain", lambda: materials.glass("curtain", (0.14, 0.13, 0.11)))
    frame = stage.material("frame", lambda: materials.plain("frame", (0.5, 0.5, 0.5), 0.4, 0.7))
    front.rect(*hole, -0.14, light if rng.random() < 0.3 else pane)
    for u in (u0, (u0 + u1) / 2, u1 - 0.05):
        front.block(u, u + 0.05, v0, v1, -0.14, -0.1, frame)
    for v in (v0, v1 - 0.05):
        front.block(u0, u1, v, v + 0.05, -0.14, -0.1, frame)
    front.block(u0 - 0.06, u1 + 0.06, v0 - 0.07, v0, -0.1, 0.07, front.wall)
    if not bars:
        return
    steel = stage.material("bars", lambda: materials.plain("bars", (0.3, 0.29, 0.28), 0.45, 0.6, dirt=0.6))
    for u in np.arange(u0, u1 + 0.05, 0.14):
        front.block(u, u + 0.018, v0 - 0.05, v1 + 0.05, cage - 0.018, cage, steel)
    for v in (v0 - 0.05, (v0 + v1) / 2, v1 + 0.05):
        front.block(u0, u1, v, v + 0.025, cage - 0.02, cage, steel)
        if cage > 0.2:
            front.block(u0, u0 + 0.02, v, v + 0.02, 0, cage, steel)
            front.block(u1 - 0.02, u1, v, v + 0.02, 0, cage, steel)
    if cage > 0.2:
        front.block(u0, u1, v1 + 0.05, v1 + 0.07, 0, cage + 0.05, steel)


def _cooler(front: Front, u: float, v: float) -> None:
    """The outdoor half of an air conditioner on its bracket, with its drip stain below."""
    stage = front.stage
    case = stage.material("cooler", lambda: materials.plain("cooler", (0.58, 0.56, 0.5), 0.5, dirt=0.45))
    dark = stage.material("fan", lambda: materials.plain("fan", (0.03, 0.03, 0.03), 0.6))
    front.block(u, u + 0.82, v, v + 0.55, 0.08, 0.38, case)
    centre = front.at(u + 0.3, v + 0.28, 0.383)
    front.mesh.lathe([(0.21, 0.0), (0.21, 0.004 * front.towards)], dark, centre, sides=18, axis="y")
    for du in (0.1, 0.68):
        front.block(u + du, u + du + 0.04, v - 0.04, v, 0.0, 0.4, dark)


def _pipes(front: Front, top: float) -> None:
    """Rainwater pipes and a white conduit or two up the wall."""
    stage, rng = front.stage, front.stage.rng
    white = stage.material("pipe", lambda: materials.plain("pipe", (0.5, 0.48, 0.44), 0.6, dirt=0.5))
    for u in rng.uniform(0.1, front.width - 0.1, int(rng.integers(1, 4))):
        radius = rng.uniform(0.02, 0.055)
        x, y, z = front.at(u, 0, 0.07)
        front.mesh.lathe([(radius, 0.0), (radius, top)], white, (x, y, z), sides=8)
