"""`pointwatch data` as people run it: one line for what is wrong, statuses that scripts can trust."""

import json

import pytest

from tests.training.data.conftest import Folder, picture


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "small")
    made.add("000001", "train")
    made.add("000900", "val")
    made.open()
    return made


@pytest.fixture
def arguments(tmp_path):
    """Give a factory of the arguments of an import of one picture; every default is legal."""
    picture(tmp_path / "yolo/images/a.jpg", 1)
    (tmp_path / "yolo/labels").mkdir()
    (tmp_path / "yolo/labels/a.txt").write_text("0 0.5 0.5 0.2 0.2\n", encoding="utf-8")
    (tmp_path / "classes.yaml").write_text("classes: {0: pothole}\n", encoding="utf-8")

    def make(**changed):
        options = {
            "format": "yolo",
            "name": "new",
            "licence": "CC0-1.0",
            "attribution": "a test",
            "classes": tmp_path / "classes.yaml",
            "out": tmp_path / "out",
        } | changed
        said = [text for key, value in options.items() if value is not None for text in (f"--{key}", value)]
        return ["data", "import", tmp_path / "yolo", *said]

    return make


def test_a_sound_set_passes(pointwatch, folder):
    done = pointwatch("data", "check", folder.root)

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"Nothing is at fault" in done.stdout


def test_a_fault_fails_and_is_told(pointwatch, folder):
    (folder.root / "images/train/000001.jpg").unlink()
    done = pointwatch("data", "check", folder.root)

    assert 1 == done.returncode
    assert b"fault file_missing small/images/train/000001.jpg" in done.stdout


def test_a_leak_is_told_and_passes(pointwatch, folder):
    folder.add("000950", "val", seed=0, pixels=None)
    (folder.root / "images/val/000950.jpg").write_bytes((folder.root / "images/train/000001.jpg").read_bytes() + b" ")
    folder.lines.pop()
    folder.pictures["val"] -= 1
    folder.boxes["val"]["pothole"] -= 1
    folder.open()
    done = pointwatch("data", "check", folder.root, "--json")

    assert 0 == done.returncode
    assert ["file_not_listed"] == [one["kind"] for one in json.loads(done.stdout)["findings"]]


def test_scenes_are_listed_on_demand(pointwatch, folder):
    folder.add("000950", "val", seed=0)
    lines = folder.lines[-1].split(" ")
    path = folder.root / "images/val/000950.jpg"
    path.write_bytes(path.read_bytes() + b" ")  # other bytes, the same picture
    from tests.training.data.conftest import sha

    folder.lines[-1] = " ".join([*lines[:2], sha(path), lines[3]])
    folder.open()
    done = pointwatch("data", "check", folder.root, "--write-scenes")

    assert 0 == done.returncode
    assert "images/val/000950.jpg" in (folder.root / "val-scenes-in-train.txt").read_text()


@pytest.mark.parametrize("name", ["nowhere", "../garbage", ""])
def test_a_set_that_is_not_there_is_one_line(pointwatch, name, tmp_path, monkeypatch):
    monkeypatch.setenv("POINTWATCH_DATA", str(tmp_path))
    done = pointwatch("data", "check", name)

    assert (1, b"") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count(b"\n")


def test_a_data_folder_that_is_not_there_is_one_line(pointwatch, monkeypatch):
    monkeypatch.setenv("POINTWATCH_DATA", "/nowhere")
    done = pointwatch("data", "check")

    assert 1 == done.returncode
    assert b"POINTWATCH_DATA" in done.stderr


def test_an_import_an_export_and_a_check_follow_each_other(pointwatch, arguments, tmp_path):
    statuses = [
        pointwatch(*arguments()).returncode,
        pointwatch("data", "check", tmp_path / "out").returncode,
        pointwatch("data", "export", tmp_path / "out", "--format", "coco", "--out", tmp_path / "coco").returncode,
    ]

    assert [0, 0, 0] == statuses
    assert (tmp_path / "coco/annotations/instances_train.json").is_file()


def test_an_import_says_how_much_came_in(pointwatch, arguments, tmp_path):
    picture(tmp_path / "yolo/images/b.jpg", 2)
    done = pointwatch(*arguments())

    assert b"1 pictures taken in" in done.stdout
    assert b"left out images/b.jpg" in done.stdout


@pytest.mark.parametrize("missing", ["licence", "attribution", "classes", "out", "name", "format"])
def test_an_import_that_does_not_say_all_is_misuse(pointwatch, arguments, missing):
    done = pointwatch(*arguments(**{missing: None}))

    assert (2, b"") == (done.returncode, done.stdout)


def test_an_empty_licence_is_refused(pointwatch, arguments, tmp_path):
    done = pointwatch(*arguments(licence=""))

    assert 1 == done.returncode
    assert b"--licence" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_datasheet_is_printed(pointwatch):
    done = pointwatch("data", "datasheet")

    assert 0 == done.returncode
    assert done.stdout.startswith(b"# Datasheet")


def test_a_file_name_cannot_move_the_terminal(pointwatch, folder):
    picture(folder.root / "images/train/\x1b[2Jx.jpg", 5)
    done = pointwatch("data", "check", folder.root)

    assert b"\x1b[2J" not in done.stdout


def test_no_torch_comes_with_the_data(process):
    import subprocess
    import sys

    script = "import sys, training.data.check, training.data.intake, training.data.export, training.data.datasheet\n"
    script += "print([name for name in ('torch', 'ultralytics') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)

    assert "[]\n" == done.stdout, done.stderr
