"""Scenes are built and rendered. Needs Blender's module; run it in the renderer's own environment."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="bpy is not installed here: it lives in .venv-scenes (make scenes)")

from training.scenes import boxes, recipes, render  # noqa: E402 - after the skip
from training.scenes.shoot import shoot  # noqa: E402


def fingerprint(recipe, seed, step=0):
    render.empty_scene()
    recipes.compose(recipe, seed, step)
    things = [thing for thing in bpy.context.scene.objects if thing.type != "CAMERA"]
    return [(thing.name, thing.pass_index, np.round(np.array(thing.matrix_world), 5).tolist()) for thing in things]


@pytest.mark.parametrize("recipe", recipes.RECIPES)
def test_a_seed_builds_the_same_scene_again(recipe):
    assert fingerprint(recipe, 31) == fingerprint(recipe, 31)


def test_a_step_aside_moves_the_camera_only():
    assert fingerprint("garbage", 9003) == fingerprint("garbage", 9003, step=1)


@pytest.mark.parametrize(
    ("recipe", "label"),
    [("garbage", "exposed_garbage"), ("bins", "trash_bin"), ("pothole", "pothole"), ("parking", "car")],
)
def test_a_rendered_subject_gets_its_box_inside_the_picture(recipe, label):
    shot = shoot(recipe, 9000, 0, (160, 120), samples=1, threads=2)

    assert (160, 120) == shot.picture.size
    assert label in {box.label for box in shot.boxes}
    for box in shot.boxes:
        assert 0 <= box.xyxy[0] < box.xyxy[2] <= 160
        assert 0 <= box.xyxy[1] < box.xyxy[3] <= 120
        boxes.yolo_line(box, 160, 120)


def test_a_tidy_street_shows_no_violation():
    shot = shoot("tidy", 9042, 0, (160, 120), samples=1, threads=2)

    assert {box.label for box in shot.boxes} <= {"trash_bin", "car"}
