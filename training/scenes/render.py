"""Render the built scene with Cycles on the processor and read back light and object indices."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from numpy.typing import NDArray

from .boxes import Extent


def empty_scene() -> bpy.types.Scene:
    """Forget everything and start with an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def render(
    width: int, height: int, samples: int, seed: int, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Render: linear light (height, width, 3) and the index of what each pixel shows (height, width), top row first."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_adaptive_sampling, cycles.use_denoising, cycles.denoiser = False, True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"
    # The last bounce is taken from the sky and ambient occlusion: a third cheaper, and no difference was seen.
    cycles.use_fast_gi, cycles.fast_gi_method, cycles.ao_bounces_render = True, "REPLACE", 1
    cycles.use_light_tree = False
    scene.world.light_settings.distance = 6.0
    scene.world.cycles.sampling_method, scene.world.cycles.sample_map_resolution = "MANUAL", 256
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
    cycles.transparent_max_bounces, cycles.transmission_bounces = 6, 1
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    layer = bpy.context.view_layer
    layer.use_pass_object_index = True
    layer.pass_alpha_threshold = 0.15  # thin worn paint is still paint
    with tempfile.TemporaryDirectory() as folder:
        _write_passes(scene, folder)
        bpy.ops.render.render(write_still=False)
        light = _read(Path(folder), "light")[..., :3]
        indices = np.rint(_read(Path(folder), "index")[..., 0]).astype(np.int32)
    return np.ascontiguousarray(light), indices


def _write_passes(scene: bpy.types.Scene, folder: str) -> None:
    """Let the compositor write light and index as two float pictures."""
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers = tree.nodes.new("CompositorNodeRLayers")
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.base_path = folder
    output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
    output.format.exr_codec = "NONE"
    output.file_slots.clear()
    for name, socket in (("light", "Image"), ("index", "IndexOB")):
        output.file_slots.new(name)
        tree.links.new(layers.outputs[socket], output.inputs[name])


def _read(folder: Path, name: str) -> NDArray[np.float32]:
    """Read one of the written passes, (H, W, 4), top row first."""
    (path,) = folder.glob(f"{name}*.exr")
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    picture = pixels.reshape(height, width, image.channels)[::-1].copy()
    bpy.data.images.remove(image)
    return picture


def whole_extents(width: int, height: int) -> dict[int, Extent]:
    """The extent in pixels of each labelled index's whole geometry, hidden or out of frame or not: x1 y1 x2 y2."""
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found: dict[int, list[tuple[float, float]]] = {}
    for thing in scene.objects:
        if thing.pass_index == 0:
            continue
        evaluated = thing.evaluated_get(depsgraph)
        for corner in evaluated.bound_box:
            seen = world_to_camera_view(scene, camera, evaluated.matrix_world @ Vector(corner))
            if seen.z > 0.05:
                found.setdefault(thing.pass_index, []).append((seen.x * width, (1 - seen.y) * height))
    extents = {}
    for index, points in found.items():
        xs, ys = np.array(points).T
        extents[index] = (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
    return extents
