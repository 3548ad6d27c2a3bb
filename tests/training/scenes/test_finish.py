"""From linear light to a picture, and what is sprayed on walls. No Blender."""

import io

import numpy as np
import pytest
from PIL import Image

from training.scenes import finish, spray


def light(mean=0.2, seed=0):
    return np.random.default_rng(seed).gamma(2.0, mean / 2, (48, 64, 3)).astype(np.float32)


@pytest.mark.parametrize("mean", [0.002, 0.2, 30.0])
def test_the_meter_evens_out_dark_and_bright_streets(mean):
    picture = np.asarray(finish.develop(light(mean), np.random.default_rng(3)))

    assert (48, 64, 3) == picture.shape
    assert 60 < picture.mean() < 190


def test_the_same_seed_gives_the_same_picture():
    first, second = (finish.develop(light(), np.random.default_rng(7)) for _ in range(2))

    assert first.tobytes() == second.tobytes()


def test_brighter_light_never_comes_out_darker():
    ramp = np.repeat(np.linspace(0, 8, 200, dtype=np.float32)[None, :, None], 3, axis=2)

    assert (np.diff(finish.tone(ramp, 1.0)[0, :, 0]) >= -1e-6).all()


def test_a_picture_is_written_as_jpeg():
    data = finish.jpeg(Image.new("RGB", (32, 24), (90, 90, 90)), 85)

    with Image.open(io.BytesIO(data)) as image:
        assert ("JPEG", (32, 24)) == (image.format, image.size)


@pytest.mark.parametrize("seed", range(6))
def test_a_scrawl_leaves_paint_and_bare_wall(seed):
    picture = spray.scrawl(np.random.default_rng(seed), 300, 150)

    assert (150, 300, 4) == picture.shape
    assert 0.005 < (picture[..., 3] > 0.3).mean() < 0.9
    assert 0 <= picture.min()
    assert 1 >= picture.max()


def test_every_letter_of_the_alphabet_can_be_sprayed():
    for letter in "ABCDEGHKLMNOPRSTUVWXYZ0123456789!办证开锁":
        for stroke in spray.skeleton(letter):
            assert len(stroke) >= 2
            assert (stroke >= 0).all()
            assert (stroke <= [5, 6]).all()


def test_an_advert_is_paper_with_torn_corners():
    sheet = spray.advert(np.random.default_rng(2))

    assert 0.5 < sheet[..., 3].mean() <= 1
