"""An import brings in all that is sound and says what is not, or leaves no trace; an export can be taken in again."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.training.data.conftest import picture, scene
from training.classes import CLASSES
from training.data.check import check_set
from training.data.export import Format as ExportFormat
from training.data.export import hand_out, labels_in_our_numbers
from training.data.folders import all_or_nothing
from training.data.intake import Format, Wish, take_in
from training.data.mapping import read_class_map
from training.data.sets import open_set
from training.labels import to_xyxy
from training.places import TrainingError


@pytest.fixture
def source(tmp_path):
    """A YOLO folder of 30 pictures, three of each hundred file numbers."""
    root = tmp_path / "source"
    for number in range(30):
        name = f"{number * 40:06d}"
        picture(root / "images" / f"{name}.jpg", number)
        label = root / "labels" / f"{name}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(f"{number % 3} 0.5 0.5 0.2 0.{number + 10}\n", encoding="utf-8")
    (root / "classes.txt").write_text("tag\nhole\ndog\n", encoding="utf-8")
    return root


@pytest.fixture
def wish(source, mapping, tmp_path):
    """Give a factory of wishes; every default is legal."""

    def make(**changed):
        return Wish(
            **(
                {
                    "source": source,
                    "format": Format.yolo,
                    "name": "new",
                    "licence": "CC0-1.0",
                    "attribution": "a test",
                    "classes": changed.get("classes") or mapping(),
                    "out": tmp_path / "out",
                }
                | changed
            )
        )

    return make


def test_what_is_taken_in_passes_the_check(wish, tmp_path):
    take_in(wish())
    data_set = open_set(str(tmp_path / "out"), tmp_path)

    assert [] == check_set(data_set, scenes=False).findings
    assert ("CC0-1.0", "a test") == (data_set.licence, data_set.attribution)


def test_a_tenth_is_held_back_as_dev_where_nothing_is_told(wish):
    taken = take_in(wish())

    assert {"train": 27, "dev": 3} == +taken.pictures


def test_class_numbers_follow_the_models_order_and_null_is_left_out(wish, tmp_path):
    take_in(wish())
    data_set = open_set(str(tmp_path / "out"), tmp_path)
    labels = (tmp_path / "out/labels").rglob("000000.txt")

    assert ("pothole", "graffiti") == data_set.classes
    assert next(labels).read_text().startswith("1 ")
    assert "" == next((tmp_path / "out/labels").rglob("000080.txt")).read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"licence": "  "}, "--licence"),
        ({"attribution": ""}, "--attribution"),
        ({"attribution": "a\x1b[31m"}, "--attribution"),
        ({"name": "../x"}, "--name"),
        ({"source": Path("nowhere")}, "nowhere"),
        ({"classes": Path("nowhere.yaml")}, "nowhere.yaml"),
    ],
)
def test_an_import_without_terms_writes_nothing(wish, tmp_path, changed, said):
    with pytest.raises(TrainingError, match=said):
        take_in(wish(**changed))

    assert not {path.name for path in tmp_path.iterdir()} - {"source", "classes.yaml"}


def test_a_class_that_the_mapping_is_silent_about_stops_the_import(wish, mapping, tmp_path):
    with pytest.raises(TrainingError, match="'dog"):
        take_in(wish(classes=mapping("classes: {tag: graffiti, hole: pothole}\n")))

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text",
    [
        "classes: {hole: crater}\n",
        "classes: []\n",
        "hole: pothole\n",
        "classes: {hole: pothole}\nlabelled_everywhere: [graffiti]\n",
        "classes: {hole: pothole}\nlabelled_everywhere: pothole\n",
        "{",
        "",
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_with_its_file(mapping, text):
    with pytest.raises(TrainingError, match=r"classes\.yaml"):
        read_class_map(mapping(text))


def test_a_folder_that_is_there_is_never_touched(wish, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(TrainingError, match="already there"):
        take_in(wish())
    assert ["mine.txt"] == [path.name for path in (tmp_path / "out").iterdir()]


def test_a_failure_halfway_leaves_nothing(tmp_path):
    def fail():
        with all_or_nothing(tmp_path / "out") as folder:
            (folder / "half").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [] == list(tmp_path.iterdir())


def test_pictures_that_cannot_be_taken_are_listed_with_the_reason(wish, source, tmp_path):
    (source / "images/000000.jpg").write_bytes(b"no picture")
    (source / "images/000040.jpg").write_bytes(b"")
    (source / "images/000120.jpg").write_bytes((source / "images/000160.jpg").read_bytes())
    take_in(wish())
    with (tmp_path / "out/left-out.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["what"]: row["why"] for row in csv.DictReader(file)}

    assert {"000000.jpg", "000040.jpg", "000160.jpg"} == set(rows)
    assert "the same bytes as 000120.jpg" in rows["000160.jpg"]


def test_nothing_sound_is_an_error_and_no_folder(wish, source, tmp_path):
    for path in (source / "images").iterdir():
        path.write_bytes(b"no picture")

    with pytest.raises(TrainingError, match="30 left out"):
        take_in(wish())
    assert not (tmp_path / "out").exists()


def test_boxes_are_cut_at_the_edge_and_empty_ones_left_out(wish, source, tmp_path):
    (source / "labels/000040.txt").write_text(
        "1 0.95 0.5 0.3 0.2\n1 0.5 0.5 0 0.2\n1 3 3 0.1 0.1\n1 0.3 0.3 0.1 0.1\n1 0.3 0.3 0.1 0.1\n", encoding="utf-8"
    )
    taken = take_in(wish())
    text = next((tmp_path / "out/labels").rglob("000040.txt")).read_text()

    assert ["0 0.900000 0.500000 0.200000 0.200000", "0 0.300000 0.300000 0.100000 0.100000"] == text.splitlines()
    assert 3 == len(taken.batch.left_out)


def test_a_turned_photograph_is_turned_upright_and_loses_its_exif(wish, source, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(scene(90)[:48]).save(source / "images/000040.jpg", exif=exif)
    take_in(wish())
    with Image.open(next((tmp_path / "out/images").rglob("000040.jpg"))) as upright:
        assert (48, 96) == upright.size
        assert not upright.getexif()


def test_upright_jpegs_keep_their_bytes_and_may_be_linked(wish, source, tmp_path):
    take_in(wish(out=tmp_path / "copied"))
    take_in(wish(out=tmp_path / "linked", link=True))
    original = (source / "images/000040.jpg").read_bytes()
    copied, linked = (next((tmp_path / way / "images").rglob("000040.jpg")) for way in ("copied", "linked"))

    assert original == copied.read_bytes() == linked.read_bytes()
    assert (False, True) == (copied.is_symlink(), linked.is_symlink())


def test_names_of_strangers_are_made_plain_and_stay_apart(wish, source, tmp_path):
    for name, seed in (("=cmd|x", 91), ("路口 1", 92), ("a b", 93), ("a_b", 94)):
        picture(source / "images/new.jpg", seed).rename(source / f"images/{name}.jpg")
        (source / f"labels/{name}.txt").write_text("", encoding="utf-8")
    take_in(wish())
    names = {path.name for path in (tmp_path / "out/images").rglob("*.jpg")}

    assert {"cmd_x.jpg", "路口_1.jpg", "a_b.jpg", "a_b-2.jpg"} <= names


def test_a_picture_labelled_in_another_shape_is_left_out(wish, tmp_path):
    picture(tmp_path / "coco/a.jpg", 1)
    picture(tmp_path / "coco/b.jpg", 2)
    content = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 96, "height": 54},
            {"id": 2, "file_name": "b.jpg", "width": 192, "height": 192},
        ],
        "annotations": [{"id": 1, "image_id": 2, "category_id": 1, "bbox": [48, 48, 96, 96]}],
        "categories": [{"id": 1, "name": "hole"}],
    }
    (tmp_path / "coco/labels.json").write_text(json.dumps(content), encoding="utf-8")
    taken = take_in(wish(source=tmp_path / "coco", format=Format.coco))
    labels = (tmp_path / "out/labels/train/b.txt").read_text()

    assert "labelled as 96 × 54 px" in taken.batch.left_out[0].why
    assert "0 0.500000 0.500000 0.500000 0.500000\n" == labels


def _boxes_px(data_set):
    """Class and corners in pixels of every box, by picture."""
    found = {}
    for file in data_set.files:
        labels = labels_in_our_numbers(data_set, file)
        found[Path(file.name).stem] = (file.part, labels[:, 0].tolist(), to_xyxy(labels, 96, 96))
    return found


@pytest.mark.parametrize("form", ["yolo", "coco"])
def test_what_is_handed_out_comes_back_within_half_a_pixel(wish, mapping, tmp_path, form):
    take_in(wish())
    first = open_set(str(tmp_path / "out"), tmp_path)
    hand_out(first, ExportFormat(form), tmp_path / "handed")
    own = mapping(yaml.safe_dump({"classes": {name: name for name in CLASSES}}))
    take_in(wish(source=tmp_path / "handed", format=Format(form), classes=own, out=tmp_path / "again"))
    before, after = _boxes_px(first), _boxes_px(open_set(str(tmp_path / "again"), tmp_path))

    assert before.keys() == after.keys()
    for name, (part, classes, corners) in before.items():
        assert (part, classes) == after[name][:2]
        assert corners.shape == after[name][2].shape
        assert np.abs(corners - after[name][2]).max(initial=0) < 0.5


def test_an_export_says_on_which_terms(wish, tmp_path):
    take_in(wish())
    hand_out(open_set(str(tmp_path / "out"), tmp_path), ExportFormat.coco, tmp_path / "handed")

    assert "CC0-1.0" in (tmp_path / "handed/TERMS.txt").read_text()
    content = json.loads((tmp_path / "handed/annotations/instances_train.json").read_text())
    assert ["CC0-1.0"] == [one["name"] for one in content["licenses"]]


def test_an_export_of_an_incomplete_set_leaves_nothing(wish, tmp_path):
    take_in(wish())
    data_set = open_set(str(tmp_path / "out"), tmp_path)
    next((tmp_path / "out/images").rglob("*.jpg")).unlink()

    with pytest.raises(TrainingError, match="not complete"):
        hand_out(data_set, ExportFormat.yolo, tmp_path / "handed")
    assert not (tmp_path / "handed").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"files": "train images/../../x.jpg " + "0" * 64 + " -\n"},
        {"files": "train /etc/x.jpg " + "0" * 64 + " -\n"},
        {"files": "train images/a.jpg 00 -\n"},
        {"files": "learn images/a.jpg " + "0" * 64 + " -\n"},
        {"files": 7},
        {"classes_in_file_order": ["crater"]},
        {"split": None},
    ],
)
def test_a_manifest_that_is_not_sound_is_refused_with_its_file(folder, change):
    folder.add()
    folder.open()
    path = folder.root / "manifest.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")

    with pytest.raises(TrainingError, match=r"manifest\.yaml"):
        open_set(str(folder.root), folder.root)
