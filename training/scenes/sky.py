"""Light: a Nishita sky with sun, an overcast sky, or dusk."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How the street is lit."""

    kind: str  #: sunny, hazy, overcast or dusk
    sun_height_deg: float
    sun_from_deg: float  #: where the sun stands, counted from +x over +y; the façades look towards 270


def random_weather(rng: np.random.Generator) -> Weather:
    """Weather as it comes in a southern city."""
    kind = str(rng.choice(["sunny", "hazy", "overcast", "dusk"], p=[0.36, 0.24, 0.31, 0.09]))
    height = rng.uniform(5, 12) if kind == "dusk" else rng.uniform(26, 72)
    # The side across the road more often than behind the façades, which would leave all in shade.
    turn = rng.uniform(195, 345) if rng.random() < 0.72 else rng.uniform(0, 360)
    return Weather(kind=kind, sun_height_deg=height, sun_from_deg=turn)


def light(weather: Weather, rng: np.random.Generator) -> None:
    """Put sky and sun into the scene."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    background = tree.nodes["Background"]
    if weather.kind == "overcast":
        _overcast(tree, background, rng)
        _sun(weather, 0.5 * rng.uniform(0.2, 1.2), 50.0, (1.0, 0.98, 0.95))
        return
    sky = tree.nodes.new("ShaderNodeTexSky")
    sky.sky_type, sky.sun_disc = "NISHITA", False
    sky.sun_elevation, sky.sun_rotation = np.radians(weather.sun_height_deg), np.radians(90 - weather.sun_from_deg)
    sky.dust_density = 5.0 if weather.kind == "hazy" else rng.uniform(0.8, 2.5)
    sky.air_density, sky.altitude = rng.uniform(0.8, 1.6), 30
    clouds = _clouds(tree, rng, 0.35 if weather.kind == "hazy" else 0.53)
    blend = tree.nodes.new("ShaderNodeMix")
    blend.data_type = "RGBA"
    tree.links.new(clouds, blend.inputs[0])
    tree.links.new(sky.outputs["Color"], blend.inputs[6])
    white = 4.5 if weather.kind != "dusk" else 1.6
    blend.inputs[7].default_value = (white, white * 0.98, white * (0.97 if weather.kind != "dusk" else 0.85), 1)
    tree.links.new(blend.outputs[2], background.inputs["Color"])
    background.inputs["Strength"].default_value = 0.25
    warm = {"sunny": (1.0, 0.93, 0.84), "hazy": (1.0, 0.92, 0.82), "dusk": (1.0, 0.6, 0.32)}[weather.kind]
    _sun(
        weather,
        {"sunny": 4.2, "hazy": 1.9, "dusk": 1.1}[weather.kind] * rng.uniform(0.8, 1.2),
        {"sunny": 0.6, "hazy": 4.0, "dusk": 1.5}[weather.kind],
        warm,
    )


def _clouds(tree: bpy.types.NodeTree, rng: np.random.Generator, start: float) -> bpy.types.NodeSocket:
    """Share of cloud by direction: fractal noise, stretched along the horizon."""
    where = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = (1, 1, 2.6)
    mapping.inputs["Location"].default_value = tuple(rng.uniform(-9, 9, 3))
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = rng.uniform(1.5, 3.0), 7
    ramp = tree.nodes.new("ShaderNodeMapRange")
    ramp.inputs["From Min"].default_value = start + rng.normal(0, 0.03)
    ramp.inputs["From Max"].default_value = start + 0.2
    ramp.inputs["To Max"].default_value = rng.uniform(0.5, 0.95)
    tree.links.new(where.outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    tree.links.new(noise.outputs["Fac"], ramp.inputs["Value"])
    return ramp.outputs["Result"]


def _overcast(tree: bpy.types.NodeTree, background: bpy.types.Node, rng: np.random.Generator) -> None:
    """A closed grey-white ceiling, a little brighter here and there."""
    blend = tree.nodes.new("ShaderNodeMix")
    blend.data_type = "RGBA"
    tree.links.new(_clouds(tree, rng, 0.4), blend.inputs[0])
    cast = 1 + rng.normal(0, 0.03)
    blend.inputs[6].default_value = (0.82, 0.88, 0.96 * cast, 1)
    blend.inputs[7].default_value = (1.1, 1.1, 1.1 * cast, 1)
    tree.links.new(blend.outputs[2], background.inputs["Color"])
    background.inputs["Strength"].default_value = 1.0


def _sun(weather: Weather, strength: float, disc_deg: float, colour: tuple[float, float, float]) -> None:
    """A sun lamp; `disc_deg` is its apparent size, large where haze scatters it."""
    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.angle, data.color = strength, np.radians(disc_deg), colour
    lamp = bpy.data.objects.new("sun", data)
    bpy.context.scene.collection.objects.link(lamp)
    height, turn = np.radians(weather.sun_height_deg), np.radians(weather.sun_from_deg)
    towards = Vector((np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)))
    lamp.rotation_euler = towards.to_track_quat("Z", "Y").to_euler()
