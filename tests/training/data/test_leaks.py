"""The list of val pictures whose scene was learned: written, read again, and away when there is nothing to list."""

from training.data.check import check_set
from training.data.findings import Kind
from training.data.leaks import Pair, read_scene_list, scene_list_path, write_scene_list
from training.data.sets import PictureFile
from training.sources import CableRow


def _file(name, part):
    return PictureFile(part=part, name=f"images/{name}.jpg", sha256=name[-1] * 64, labels_sha256="-", line=1)


def _pair(held_out, learned, kind=Kind.same_scene):
    return Pair(held_out=held_out, learned=learned, kind=kind, evidence="by the test")


def test_the_list_names_each_val_picture_once_with_its_surest_partner(tmp_path):
    val, dev = _file("val/1", "val"), _file("train/3", "dev")
    pairs = [
        _pair(val, _file("train/2", "train")),
        _pair(val, dev, Kind.near_duplicate),
        _pair(dev, _file("train/4", "train")),
    ]
    path = tmp_path / "list.txt"

    assert 1 == write_scene_list(path, "small", pairs)
    assert f"images/val/1.jpg {'1' * 64} dev images/train/3.jpg by the test\n" == path.read_text().splitlines(True)[-1]


def test_a_set_without_such_pictures_has_no_list(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("old", encoding="utf-8")

    assert 0 == write_scene_list(path, "small", [])
    assert not path.exists()


def test_a_source_without_a_list_has_an_empty_one():
    assert frozenset() == read_scene_list("no-such-source")


def test_a_scene_that_the_cable_table_names_is_believed(folder):
    folder.add("000001", "train")
    folder.add("000900", "val")
    data_set = folder.open()
    row = CableRow(part="skip", scene="C", label=(5.0, 0.5, 0.5, 0.2, 0.2))
    fields = {name: getattr(data_set, name) for name in data_set.__slots__}
    lettered = type(data_set)(**fields | {"cables": {"train/000001.jpg": [row], "val/000900.jpg": [row]}})
    report = check_set(lettered)

    assert ["scene C in the table of cable boxes"] == [pair.evidence for pair in report.pairs]
    assert 1 == report.held_out_scenes()


def test_an_imported_folder_keeps_its_own_list(folder):
    folder.add()

    assert folder.root / "val-scenes-in-train.txt" == scene_list_path(folder.open())
