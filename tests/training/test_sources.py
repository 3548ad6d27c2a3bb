"""Which picture belongs where: the split is the ground under every figure."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.classes import CLASS_INDEX
from training.places import TrainingError, data_dir
from training.sources import SOURCES, choose_dev, group_scenes, load_source, scene_of


def _noise(path: Path, seed: int) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    cv2.imwrite(str(path), cv2.resize(pixels, (96, 96), interpolation=cv2.INTER_CUBIC))
    return path


@pytest.fixture
def pictures(tmp_path):
    return [_noise(tmp_path / f"{number:06d}.jpg", number) for number in range(0, 2000, 10)]


@pytest.fixture
def garbage_folder(tmp_path):
    """A data folder in miniature: four garbage pictures with cable rows of every part."""
    for part in ("train", "val"):
        (tmp_path / "garbage" / "images" / part).mkdir(parents=True)
        (tmp_path / "garbage" / "labels" / part).mkdir(parents=True)
    (tmp_path / "cables").mkdir()
    for name in ("train/000100", "train/000200", "val/000300", "val/000400"):
        _noise(tmp_path / "garbage" / "images" / f"{name}.jpg", int(name[-6:]))
        (tmp_path / "garbage" / "labels" / f"{name}.txt").write_text("2 0.5 0.5 0.2 0.2\n", encoding="utf-8")
    (tmp_path / "cables" / "garbage_boxes.csv").write_text(
        "garbage_image,cx,cy,w,h,scene,part\n"
        "train/000100.jpg,.5,.2,.4,.1,A,train\ntrain/000200.jpg,.5,.2,.4,.1,B,skip\n"
        "val/000300.jpg,.5,.2,.4,.1,C,val\nval/000400.jpg,.5,.2,.4,.1,B,skip\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def garbage():
    return next(source for source in SOURCES if source.name == "garbage")


def test_neighbouring_numbers_and_one_hour_are_one_scene():
    assert scene_of("000101") == scene_of("000120")
    assert scene_of("000101") != scene_of("000140")
    assert scene_of("IMG_20180714_103124") == scene_of("IMG_20180714_105959")
    assert scene_of("IMG_20180714_103124") != scene_of("IMG_20180714_113124")


def test_dev_is_a_tenth_in_whole_scenes_and_always_the_same(pictures):
    scenes = group_scenes(pictures)
    dev = choose_dev(scenes)

    assert dev == choose_dev(group_scenes(list(reversed(pictures))))
    assert 0.07 * len(pictures) <= len(dev) <= 0.10 * len(pictures)
    assert not {scenes[path] for path in dev} & {scenes[path] for path in pictures if path not in dev}


def test_pictures_that_look_alike_share_a_scene_whatever_their_names(tmp_path):
    one, two = _noise(tmp_path / "000001.jpg", 5), _noise(tmp_path / "009000.jpg", 5)
    three = _noise(tmp_path / "005000.jpg", 6)
    scenes = group_scenes([one, two, three])

    assert scenes[one] == scenes[two] != scenes[three]


def test_a_train_picture_whose_cables_may_not_be_learned_is_left_out(garbage_folder, garbage):
    names = {picture.path.stem for picture in load_source(garbage, garbage_folder) if picture.part != "val"}

    assert {"000100"} == names


def test_a_cable_row_is_judged_only_in_its_own_part(garbage_folder, garbage):
    judged = {picture.path.stem: picture for picture in load_source(garbage, garbage_folder)}

    assert "tangled_cable" in judged["000100"].judged
    assert "tangled_cable" in judged["000300"].judged
    assert "tangled_cable" not in judged["000400"].judged
    assert CLASS_INDEX["tangled_cable"] in judged["000300"].labels[:, 0]


def test_an_unknown_class_number_is_refused_with_its_file(garbage_folder, garbage):
    label = garbage_folder / "garbage" / "labels" / "val" / "000300.txt"
    label.write_text("7 0.5 0.5 0.2 0.2\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=r"000300\.txt.*class 7"):
        load_source(garbage, garbage_folder)


def test_every_source_names_its_licence_and_holds_only_known_classes():
    for source in SOURCES:
        assert source.licence
        assert source.attribution
        assert set(source.classes) <= set(CLASS_INDEX)


def test_no_real_scene_stands_in_both_train_and_dev():
    try:
        data = data_dir()
    except TrainingError as absent:
        pytest.skip(str(absent))
    cables = next(source for source in SOURCES if source.name == "cables")
    loaded = load_source(cables, data)
    scenes = {part: {p.scene for p in loaded if p.part == part} for part in ("train", "dev")}

    assert not scenes["train"] & scenes["dev"]
    assert {"train", "dev", "val"} == set(Counter(picture.part for picture in loaded))
