"""Procedural materials: a base colour broken up by dirt, stains and grain. Colours are linear RGB 0..1."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

Colour = Sequence[float]


class Nodes:
    """A material's node tree with the few moves used here; sockets are passed about as values."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.output = self.tree.nodes["Material Output"]

    def node(self, kind: str, **settings: object) -> bpy.types.Node:
        """Add a node; keyword settings are its attributes."""
        made = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(made, key, value)
        return made

    def feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        """Connect another socket, or set a constant (a colour gets its alpha)."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, int | float):
            socket.default_value = value
        else:
            values = tuple(value)  # type: ignore[arg-type]
            socket.default_value = (*values, 1.0) if len(values) == 3 and socket.type == "RGBA" else values

    def coordinates(self, space: str = "Object", scale: Sequence[float] = (1, 1, 1)) -> bpy.types.NodeSocket:
        """Texture coordinates: `Object` (metres of the object) or `World` (metres of the scene)."""
        if space == "World":
            source = self.node("ShaderNodeNewGeometry").outputs["Position"]
        else:
            source = self.node("ShaderNodeTexCoord").outputs[space]
        mapping = self.node("ShaderNodeMapping")
        self.feed(mapping.inputs["Vector"], source)
        mapping.inputs["Scale"].default_value = tuple(scale)
        return mapping.outputs["Vector"]

    def noise(
        self,
        at: bpy.types.NodeSocket,
        scale: float,
        detail: float = 6,
        rough: float = 0.6,
        low: float = 0.35,
        high: float = 0.65,
    ) -> bpy.types.NodeSocket:
        """Fractal noise at `scale` cells a metre, stretched so that `low`..`high` becomes 0..1."""
        texture = self.node("ShaderNodeTexNoise")
        self.feed(texture.inputs["Vector"], at)
        texture.inputs["Scale"].default_value = scale
        texture.inputs["Detail"].default_value = min(detail, 4)  # finer is paid for at every bounce and not seen
        texture.inputs["Roughness"].default_value = rough
        return self.ramp(texture.outputs["Fac"], low, high)

    def ramp(
        self, value: bpy.types.NodeSocket, low: float, high: float, to_low: float = 0.0, to_high: float = 1.0
    ) -> bpy.types.NodeSocket:
        """Map low..high to to_low..to_high, clamped."""
        mapped = self.node("ShaderNodeMapRange", clamp=True)
        for name, number in (("From Min", low), ("From Max", high), ("To Min", to_low), ("To Max", to_high)):
            mapped.inputs[name].default_value = number
        self.feed(mapped.inputs["Value"], value)
        return mapped.outputs["Result"]

    def math(self, kind: str, a: object, b: object = 0.0) -> bpy.types.NodeSocket:
        """Arithmetic on two sockets or numbers, e.g. MULTIPLY."""
        made = self.node("ShaderNodeMath", operation=kind)
        self.feed(made.inputs[0], a)
        self.feed(made.inputs[1], b)
        return made.outputs[0]

    def mix(self, share: object, a: object, b: object, blend: str = "MIX") -> bpy.types.NodeSocket:
        """Blend colour a towards b by `share`."""
        made = self.node("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for socket, value in ((made.inputs[0], share), (made.inputs[6], a), (made.inputs[7], b)):
            self.feed(socket, value)
        return made.outputs[2]

    def bump(self, height: bpy.types.NodeSocket, distance: float, strength: float = 1.0) -> None:
        """Let `height` (0..1) roughen the surface by `distance` metres."""
        made = self.node("ShaderNodeBump")
        made.inputs["Distance"].default_value = distance
        made.inputs["Strength"].default_value = strength
        self.feed(made.inputs["Height"], height)
        self.feed(self.shader.inputs["Normal"], made.outputs["Normal"])

    def surface(self, colour: object, rough: object = 0.8, **others: object) -> bpy.types.Material:
        """Set the principled shader's inputs and give the material."""
        self.feed(self.shader.inputs["Base Color"], colour)
        self.feed(self.shader.inputs["Roughness"], rough)
        for name, value in others.items():
            self.feed(self.shader.inputs[name.replace("_", " ").title().replace("Ior", "IOR")], value)
        return self.material


def scaled(colour: Colour, factor: float) -> tuple[float, ...]:
    """A colour made darker or lighter, kept within 0..1."""
    return tuple(min(1.0, max(0.0, c * factor)) for c in colour[:3])


def plain(
    name: str, colour: Colour, rough: float = 0.6, metallic: float = 0.0, dirt: float = 0.25, cells: float = 3.0
) -> bpy.types.Material:
    """A paint, plastic or metal with some uneven dirt (0: spotless, 1: filthy)."""
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    stain = nodes.noise(at, cells, low=0.42, high=0.75)
    fine = nodes.noise(at, cells * 9, low=0.3, high=0.7)
    share = nodes.math("MULTIPLY", nodes.math("ADD", stain, nodes.math("MULTIPLY", fine, 0.35)), dirt)
    colour_out = nodes.mix(share, colour, (0.09, 0.075, 0.06))
    roughness = nodes.ramp(stain, 0, 1, rough, min(1.0, rough + 0.3 * dirt))
    return nodes.surface(colour_out, roughness, metallic=metallic)


def wall(name: str, colour: Colour, finish: str, rng: np.random.Generator) -> bpy.types.Material:
    """A façade: `plaster`, `tiles` (small ceramic) or `brick`, with grime near the ground and rain streaks."""
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    base: object = colour
    if finish in ("tiles", "brick"):
        flat = nodes.node("ShaderNodeSeparateXYZ")
        nodes.feed(flat.inputs[0], at)
        both = nodes.node("ShaderNodeCombineXYZ")
        nodes.feed(both.inputs[0], nodes.math("ADD", flat.outputs[0], flat.outputs[1]))
        nodes.feed(both.inputs[1], flat.outputs[2])
        bricks = nodes.node("ShaderNodeTexBrick")
        nodes.feed(bricks.inputs["Vector"], both.outputs[0])
        width, row = ((0.2, 0.1), (0.1, 0.1), (0.22, 0.07))[0 if finish == "tiles" else 2]
        if finish == "tiles" and rng.random() < 0.5:
            width, row = 0.1, 0.05
        bricks.offset = 0.5 if finish == "brick" else 0.0
        values = (("Scale", 1.0), ("Brick Width", width), ("Row Height", row), ("Mortar Size", 0.006))
        for key, value in values:
            bricks.inputs[key].default_value = value
        nodes.feed(bricks.inputs["Color1"], scaled(colour, 0.85))
        nodes.feed(bricks.inputs["Color2"], scaled(colour, 1.1))
        nodes.feed(bricks.inputs["Mortar"], scaled((0.3, 0.29, 0.27), rng.uniform(0.5, 1.2)))
        base = bricks.outputs["Color"]
    blotch = nodes.noise(at, 0.55, low=0.4, high=0.7)
    streak = nodes.noise(nodes.coordinates("World", scale=(2.6, 2.6, 0.16)), 1.6, low=0.47, high=0.78)
    grain = nodes.noise(at, 26, low=0.3, high=0.7)
    low = nodes.node("ShaderNodeSeparateXYZ")
    nodes.feed(low.inputs[0], at)
    foot = nodes.math(
        "MULTIPLY", nodes.ramp(low.outputs[2], 0.0, 1.1, 1.0, 0.0), nodes.noise(at, 1.7, low=0.3, high=0.6)
    )
    tinted = nodes.mix(nodes.math("MULTIPLY", blotch, rng.uniform(0.12, 0.45)), base, scaled(colour, 0.55))
    tinted = nodes.mix(nodes.math("MULTIPLY", streak, rng.uniform(0.1, 0.55)), tinted, (0.07, 0.065, 0.06))
    tinted = nodes.mix(nodes.math("MULTIPLY", foot, rng.uniform(0.25, 0.75)), tinted, (0.06, 0.055, 0.045))
    tinted = nodes.mix(nodes.math("MULTIPLY", grain, 0.12), tinted, (0, 0, 0))
    nodes.bump(nodes.noise(at, 60 if finish == "plaster" else 15, low=0.2, high=0.8), 0.004, 0.5)
    return nodes.surface(tinted, 0.35 if finish == "tiles" else 0.88)


def asphalt(name: str, grey: float, cracked: float) -> bpy.types.Material:
    """A road surface: aggregate grain, patches, oil stains; `cracked` 0..1 draws a net of cracks.

    Reads two vertex attributes where present: `hole` (1 inside a pothole) and `broken` (1 at its rim, 0 beyond).
    """
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    grain = nodes.noise(at, 95, detail=3, low=0.36, high=0.66)
    patch = nodes.noise(at, 0.5, low=0.42, high=0.62)
    stain = nodes.noise(at, 2.1, detail=9, low=0.52, high=0.72)
    tint = (grey * 1.04, grey, grey * 0.94)
    colour = nodes.mix(grain, scaled(tint, 0.5), scaled(tint, 1.75))
    gravel = nodes.noise(at, 21, low=0.35, high=0.65)
    colour = nodes.mix(nodes.math("MULTIPLY", gravel, 0.45), colour, scaled(tint, 0.45))
    colour = nodes.mix(nodes.math("MULTIPLY", patch, 0.25), colour, scaled(tint, 1.6))
    colour = nodes.mix(nodes.math("MULTIPLY", stain, 0.35), colour, scaled(tint, 0.35))
    hole = nodes.node("ShaderNodeAttribute", attribute_name="hole").outputs["Fac"]
    broken = nodes.node("ShaderNodeAttribute", attribute_name="broken").outputs["Fac"]
    warp = nodes.mix(0.16, at, nodes.node("ShaderNodeTexNoise").outputs["Color"], "ADD")
    net = nodes.node("ShaderNodeTexVoronoi", feature="DISTANCE_TO_EDGE")
    nodes.feed(net.inputs["Vector"], warp)
    net.inputs["Scale"].default_value = 3.3
    where = nodes.math("MAXIMUM", nodes.math("MULTIPLY", nodes.noise(at, 0.35, low=0.5, high=0.6), cracked), broken)
    width = nodes.math("MULTIPLY", where, 0.035)
    crack = nodes.math("LESS_THAN", net.outputs["Distance"], width)
    colour = nodes.mix(nodes.math("MULTIPLY", crack, 0.8), colour, (0.012, 0.011, 0.01))
    stones = nodes.node("ShaderNodeTexVoronoi")
    nodes.feed(stones.inputs["Vector"], at)
    stones.inputs["Scale"].default_value = 34
    earth = nodes.mix(stones.outputs["Distance"], (0.24, 0.2, 0.155), (0.05, 0.042, 0.034))
    earth = nodes.mix(nodes.math("MULTIPLY", nodes.noise(at, 5), 0.55), earth, (0.045, 0.038, 0.03))
    colour = nodes.mix(hole, colour, earth)
    # The torn edge of the asphalt layer: dark, where the hollow's side falls.
    edge = nodes.math("MULTIPLY", nodes.math("MULTIPLY", hole, nodes.math("SUBTRACT", 1.0, hole)), 3.4)
    colour = nodes.mix(edge, colour, (0.022, 0.02, 0.018))
    nodes.bump(
        nodes.math("ADD", grain, nodes.math("MULTIPLY", nodes.math("MULTIPLY", stones.outputs["Distance"], hole), 3)),
        0.006,
        0.8,
    )
    return nodes.surface(colour, nodes.ramp(stain, 0, 1, 0.9, 0.6))


def concrete(name: str, grey: float) -> bpy.types.Material:
    """Old cast concrete: kerbs, yards, poles."""
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    colour = nodes.mix(
        nodes.noise(at, 1.1, detail=9), (grey, grey * 0.97, grey * 0.9), scaled((grey, grey, grey), 0.55)
    )
    colour = nodes.mix(nodes.math("MULTIPLY", nodes.noise(at, 55, low=0.5, high=0.7), 0.35), colour, (0.04, 0.04, 0.04))
    nodes.bump(nodes.noise(at, 70), 0.003, 0.6)
    return nodes.surface(colour, 0.9)


def paving(name: str, first: Colour, second: Colour, width: float, row: float, offset: float) -> bpy.types.Material:
    """Pavement of slabs `width` x `row` metres, uneven in colour, with dark joints and stains."""
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    slabs = nodes.node("ShaderNodeTexBrick", offset=offset)
    nodes.feed(slabs.inputs["Vector"], at)
    values = (("Scale", 1.0), ("Brick Width", width), ("Row Height", row), ("Mortar Size", 0.008), ("Bias", -0.1))
    for key, value in values:
        slabs.inputs[key].default_value = value
    nodes.feed(slabs.inputs["Color1"], first)
    nodes.feed(slabs.inputs["Color2"], second)
    nodes.feed(slabs.inputs["Mortar"], (0.05, 0.045, 0.04))
    stain = nodes.noise(at, 1.3, detail=10, low=0.45, high=0.75)
    spots = nodes.noise(at, 7, low=0.62, high=0.72)
    colour = nodes.mix(nodes.math("MULTIPLY", stain, 0.6), slabs.outputs["Color"], (0.06, 0.052, 0.045))
    colour = nodes.mix(nodes.math("MULTIPLY", spots, 0.5), colour, (0.03, 0.027, 0.025))
    colour = nodes.mix(nodes.math("MULTIPLY", nodes.noise(at, 80), 0.25), colour, (0.02, 0.02, 0.02))
    nodes.bump(nodes.math("SUBTRACT", 1.0, slabs.outputs["Fac"]), 0.006, 0.7)
    return nodes.surface(colour, nodes.ramp(stain, 0, 1, 0.82, 0.5))


def glass(name: str, tint: Colour = (0.02, 0.025, 0.028)) -> bpy.types.Material:
    """Window glass seen from outside: a dark, sharp mirror, cheaper and truer here than real refraction."""
    nodes = Nodes(name)
    at = nodes.coordinates("World")
    return nodes.surface(
        nodes.mix(nodes.noise(at, 0.6), tint, scaled(tint, 3.5)), 0.06, metallic=0.0, specular_ior_level=0.9
    )


def film(name: str, rough: float, see_through: float) -> bpy.types.Material:
    """Plastic film of a rubbish bag in its object's own colour, creased, here and there translucent."""
    nodes = Nodes(name)
    own = nodes.node("ShaderNodeObjectInfo")
    at = nodes.coordinates("Object")
    # Long tight folds: noise squeezed across, so that highlights run in streaks as on real film.
    folds = nodes.noise(nodes.coordinates("Object", scale=(1.0, 1.0, 0.28)), 13, rough=0.55, low=0.25, high=0.75)
    creases = nodes.noise(at, 5.5, detail=3, rough=0.5, low=0.3, high=0.7)
    spots = nodes.noise(at, 2.5, low=0.55, high=0.75)
    colour = nodes.mix(nodes.math("MULTIPLY", spots, see_through), own.outputs["Color"], (0.10, 0.085, 0.06))
    colour = nodes.mix(nodes.math("MULTIPLY", creases, 0.14), colour, nodes.mix(0.4, colour, (1, 1, 1)))
    ridges = nodes.math("ABSOLUTE", nodes.math("SUBTRACT", folds, 0.5))
    nodes.bump(nodes.math("ADD", nodes.math("MULTIPLY", ridges, -1.3), creases), 0.05, 0.8)
    return nodes.surface(colour, rough, specular_ior_level=0.7)


def own_colour(
    name: str, rough: float = 0.6, dirt: float = 0.3, metallic: float = 0.0, coat: float = 0.0
) -> bpy.types.Material:
    """A material in its object's own colour with stains, for things of many colours."""
    nodes = Nodes(name)
    own = nodes.node("ShaderNodeObjectInfo").outputs["Color"]
    at = nodes.coordinates("Object")
    share = nodes.math("MULTIPLY", nodes.noise(at, 4, detail=9, low=0.42, high=0.7), dirt)
    return nodes.surface(nodes.mix(share, own, (0.07, 0.055, 0.04)), rough, metallic=metallic, coat_weight=coat)


def painted(name: str, rgba: NDArray[np.float32], rough: float = 0.55) -> bpy.types.Material:
    """A decal: a picture (H, W, 4), sRGB and alpha 0..1, top row first, seen through where alpha is 0."""
    height, width = rgba.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.alpha_mode = "CHANNEL_PACKED"
    image.pixels.foreach_set(np.ascontiguousarray(rgba[::-1], np.float32).ravel())
    image.pack()
    nodes = Nodes(name)
    texture = nodes.node("ShaderNodeTexImage", image=image, extension="CLIP")
    nodes.surface(texture.outputs["Color"], rough)
    nodes.feed(nodes.shader.inputs["Alpha"], texture.outputs["Alpha"])
    return nodes.material


def text(words: str, height: float, material: bpy.types.Material) -> bpy.types.Curve:
    """Words as a flat shape, centred, `height` metres high; Chinese works with the font Blender itself brings."""
    curve = bpy.data.curves.new(words, "FONT")
    curve.body, curve.size = words, height
    curve.align_x, curve.align_y = "CENTER", "CENTER"
    curve.resolution_u = 2
    curve.materials.append(material)
    return curve
