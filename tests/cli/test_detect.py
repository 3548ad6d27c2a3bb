"""`pointwatch detect`, run on files: what it prints, what it writes, and how it ends."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.pipeline import find_photos
from detector import shipped
from tests.detector.models import write_model
from tests.detector.pictures import encoded, exif, gps, png_header, street
from tests.detector.test_photo_exif import stored


def lines(done):
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def colour_at(path, x, y):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)[y, x]


# --- JSON lines


def test_a_line_says_all_of_one_photo_and_nothing_else(process, photo):
    path = photo()
    done = process("detect", path, "--format", "jsonl")

    assert (0, b"") == (done.returncode, done.stderr)
    assert [
        {
            "image": str(path),
            "width": 640,
            "height": 320,
            "model": "street/test-1",
            "detections": [{"class": "pothole", "confidence": 0.9, "box": [220.0, 110.0, 420.0, 210.0]}],
            "violations": [
                {
                    "class": "broken_pavement",
                    "confidence": 0.9,
                    "box": [220.0, 110.0, 420.0, 210.0],
                    "certainty": "automatic",
                    "reason": "sure",
                }
            ],
        }
    ] == lines(done)


def test_boxes_are_in_pixels_of_the_upright_original(pointwatch, photo):
    path = photo(content=encoded(stored(6, 4000, 2000), exif=exif(orientation=6)))
    (line,) = lines(pointwatch("detect", path, "--format", "jsonl"))

    assert (4000, 2000) == (line["width"], line["height"])
    assert pytest.approx([1375, 687.5, 2625, 1312.5], abs=4) == line["detections"][0]["box"]


def test_min_confidence_is_about_objects_not_about_violations(pointwatch, photo):
    (line,) = lines(pointwatch("detect", photo(), "--format", "jsonl", "--min-confidence", "0.95"))

    assert [] == line["detections"]
    assert ["broken_pavement"] == [one["class"] for one in line["violations"]]


def test_a_name_in_chinese_stays_one(process, photo):
    path = photo("东门 垃圾堆.jpg")
    done = process("detect", path, "--format", "jsonl", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert str(path).encode() in done.stdout
    assert 0 == done.returncode


def test_a_name_that_is_no_text_is_told_as_far_as_it_goes(pointwatch, photo, tmp_path):
    photo().rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m.jpg"))
    (line,) = lines(pointwatch("detect", tmp_path, "--format", "jsonl"))

    assert line["image"].endswith("/\ufffd\ufffd[31m.jpg")


def test_a_reader_that_has_seen_enough_is_no_error_worth_telling(photo, tmp_path, pothole_model):
    for number in range(30):
        photo(f"{number}.jpg")
    command = f"{sys.executable} -m cli detect {tmp_path} --format jsonl --model {pothole_model} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=120, check=False)

    assert 1 == len(lines(done))
    assert b"" == done.stderr


# --- the table


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["路面破损 ×1 (自动立案)", "1 张照片，违规 1 处（自动立案 1，待审核 0），0 项无法读取"]),
        ("en", ["Broken pavement ×1 (automatic)", "1 photos, 1 violations (1 automatic, 0 for review), 0 unreadable"]),
    ],
)
def test_the_table_names_violations_and_counts_them(pointwatch, photo, language, words):
    done = pointwatch("detect", photo(), "--language", language)
    table = done.stdout.decode()

    assert (0, b"") == (done.returncode, done.stderr)
    assert all(word in table for word in [*words, "heap.jpg", "street/test-1"])


def test_objects_that_are_no_violation_stand_apart(pointwatch, photo, pothole_model, tmp_path):
    bins = write_model(tmp_path / "bins", classes=("exposed_garbage", "trash_bin"), model={"input_px": 64})
    table = pointwatch("detect", photo(), "--model", bins, "--language", "en").stdout.decode()

    assert "Bin ×1" in table
    assert "0 violations" in table


def test_a_name_with_markup_is_shown_as_it_is(pointwatch, photo):
    assert b"[red]heap[/red]" in pointwatch("detect", photo("[red]heap[/red].jpg")).stdout


def test_where_nobody_may_park_a_vehicle_is_for_review(pointwatch, photo, tmp_path):
    cars = write_model(tmp_path / "cars", classes=("exposed_garbage", "car"), model={"input_px": 64})
    (free,) = lines(pointwatch("detect", photo(), "--model", cars, "--format", "jsonl"))
    (forbidden,) = lines(pointwatch("detect", photo(), "--model", cars, "--format", "jsonl", "--no-parking"))

    assert [] == free["violations"]
    assert [("illegal_parking", "review")] == [(one["class"], one["certainty"]) for one in forbidden["violations"]]


# --- which files


def test_folders_are_searched_all_the_way_down_in_order(pointwatch, photo, tmp_path):
    for name in ("b.jpg", "a.PNG", "south/deep/c.jpeg", "notes.txt", ".hidden.jpg", ".cache/d.jpg"):
        photo(name)
    done = pointwatch("detect", tmp_path, "--format", "jsonl")

    assert ["a.PNG", "b.jpg", "south/deep/c.jpeg"] == [
        str(Path(line["image"]).relative_to(tmp_path)) for line in lines(done)
    ]


def test_a_photo_named_twice_is_looked_at_once(photo, tmp_path):
    path = photo()
    (tmp_path / "link.jpg").symlink_to(path)
    files, errors = find_photos([path, tmp_path, tmp_path / "." / "heap.jpg"])

    assert ([path], []) == ([one.path for one in files], errors)


def test_a_pipe_in_a_folder_does_not_stop_the_search(photo, tmp_path):
    photo()
    os.mkfifo(tmp_path / "pipe.jpg")

    assert ["heap.jpg"] == [one.path.name for one in find_photos([tmp_path])[0]]


def test_a_folder_without_pictures_is_said_plainly(pointwatch, photo, tmp_path):
    photo("notes.txt", b"no picture")
    done = pointwatch("detect", tmp_path)

    assert (1, b"") == (done.returncode, done.stdout)
    assert b"holds no pictures" in done.stderr


def test_a_path_that_does_not_exist_is_said_and_the_rest_is_looked_at(pointwatch, photo, tmp_path):
    done = pointwatch("detect", tmp_path / "gone.jpg", photo(), "--format", "jsonl")

    assert 1 == done.returncode
    assert f"pointwatch: {tmp_path}/gone.jpg does not exist. Check the spelling of the path.\n" == done.stderr.decode()
    assert 1 == len(lines(done))


def test_a_bad_file_is_reported_and_the_next_one_looked_at(process, photo, tmp_path):
    good = encoded(street(640, 320))
    photo("1-empty.jpg", b"")
    photo("2-text.jpg", b"The heap stands at the corner.")
    photo("3-cut.jpg", good[: len(good) // 2])
    photo("4-huge.png", png_header(50_000, 50_000))
    photo("5-good.jpg", good)
    done = process("detect", tmp_path, "--format", "jsonl")
    told = done.stderr.decode().splitlines()

    assert 1 == done.returncode
    assert ["5-good.jpg"] == [Path(line["image"]).name for line in lines(done)]
    assert 4 == len(told)
    for message, reason in zip(told, ["is empty", "is not a picture", "is damaged or cut off", "50000"], strict=True):
        assert message.startswith(f"pointwatch: {tmp_path}/")
        assert reason in message


def test_without_one_good_photo_the_table_is_empty_and_the_status_1(pointwatch, photo):
    done = pointwatch("detect", photo(content=b""), "--language", "en")

    assert 1 == done.returncode
    assert b"0 photos, 0 violations (0 automatic, 0 for review), 1 unreadable" in done.stdout


# --- pictures with boxes


def test_pictures_with_boxes_are_saved_without_exif(pointwatch, photo, tmp_path):
    tags = exif(orientation=6, taken="2026:11:23 08:15:30", gps=gps())
    path = photo(content=encoded(stored(6, 640, 320), exif=tags))
    done = pointwatch("detect", path, "--save-dir", tmp_path / "out")
    saved = tmp_path / "out" / "heap.jpg"

    assert 0 == done.returncode
    with Image.open(saved) as picture:
        assert (640, 320) == picture.size
        assert not picture.getexif()
    assert np.abs(colour_at(saved, 320, 110) - (200, 30, 45)).max() < 60
    assert b"2026:11:23" not in saved.read_bytes()


@pytest.mark.parametrize(
    ("classes", "colour"),
    [
        (("exposed_garbage", "pothole"), (200, 30, 45)),
        (("exposed_garbage", "trash_bin"), (60, 80, 105)),
        (("exposed_garbage", "car"), (168, 92, 0)),
    ],
    ids=["automatic red", "plain object slate", "review amber"],
)
def test_colours_say_what_may_happen_by_itself(pointwatch, photo, tmp_path, classes, colour):
    model = write_model(tmp_path / "model", classes=classes, model={"input_px": 64})
    path = photo(content=encoded(Image.new("RGB", (640, 320), (128, 128, 128))))
    pointwatch("detect", path, "--save-dir", tmp_path / "out", "--model", model, "--no-parking")

    assert np.abs(colour_at(tmp_path / "out" / "heap.jpg", 300, 110) - colour).max() < 30


def test_a_saved_picture_is_large_enough_to_read(pointwatch, photo, tmp_path):
    path = photo(content=encoded(street(4000, 2000)))
    pointwatch("detect", path, "--save-dir", tmp_path / "out")

    with Image.open(tmp_path / "out" / "heap.jpg") as picture:
        assert (2000, 1000) == picture.size


def test_same_names_from_different_folders_do_not_collide(pointwatch, photo, tmp_path):
    for name in ("north/heap.jpg", "south/heap.jpg", "south/deep/heap.jpg", "south/heap.png"):
        photo(name)
    pointwatch("detect", tmp_path / "north", tmp_path / "south", "--save-dir", tmp_path / "out")

    assert ["deep/heap.jpg", "heap-2.jpg", "heap-3.jpg", "heap.jpg"] == names(tmp_path / "out")


def test_no_input_is_ever_overwritten(pointwatch, photo, tmp_path):
    before = {path: path.read_bytes() for path in (photo("in/heap.jpg"), photo("in/heap-2.jpg"))}
    first = pointwatch("detect", tmp_path / "in" / "heap.jpg", "--save-dir", tmp_path / "in")
    second = pointwatch("detect", tmp_path / "in", "--save-dir", tmp_path / "in")

    assert (0, 0) == (first.returncode, second.returncode)
    assert before == {path: path.read_bytes() for path in before}


def test_links_are_no_way_around_that(pointwatch, photo, tmp_path):
    path = photo("in/heap.jpg")
    before = path.read_bytes()
    out = tmp_path / "out"
    out.mkdir()
    (out / "heap.jpg").hardlink_to(path)
    (out / "heap-2.jpg").symlink_to(path)
    pointwatch("detect", path, "--save-dir", out)

    assert before == path.read_bytes()
    assert before == (out / "heap.jpg").read_bytes()
    assert ["heap-2.jpg", "heap-3.jpg", "heap.jpg"] == names(out)


def test_a_file_that_is_not_ours_is_never_replaced(pointwatch, photo, tmp_path):
    precious = photo("out/heap.jpg", b"somebody's own")
    pointwatch("detect", photo(), "--save-dir", tmp_path / "out")

    assert b"somebody's own" == precious.read_bytes()
    assert ["heap-2.jpg", "heap.jpg"] == names(tmp_path / "out")


def test_running_twice_gives_the_same_files(pointwatch, photo, tmp_path):
    photo("in/heap.jpg")
    for _ in range(2):
        pointwatch("detect", tmp_path / "in", "--save-dir", tmp_path / "in" / "out")

    assert ["heap.jpg"] == names(tmp_path / "in" / "out")


def test_a_place_that_cannot_be_written_is_a_plain_failure(pointwatch, photo, tmp_path):
    photo("in/file", b"")
    done = pointwatch("detect", photo(), "--save-dir", tmp_path / "in" / "file" / "out")

    assert 1 == done.returncode
    assert b"Traceback" not in done.stderr
    assert 1 == done.stderr.count(b"\n")


# --- models


def test_a_model_that_is_not_there_is_a_plain_failure(pointwatch, photo, tmp_path):
    done = pointwatch("detect", photo(), "--model", tmp_path / "gone")

    assert (1, b"") == (done.returncode, done.stdout)
    assert (
        f"pointwatch: No model at {tmp_path}/gone: expected card.yaml or a CURRENT file there.\n"
        == done.stderr.decode()
    )


def test_a_catalogue_of_ones_own_is_used(pointwatch, photo, tmp_path):
    own = tmp_path / "own.yaml"
    text = shipped("datasets/taxonomy.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("zh: 路面破损", "zh: 马路牙子坏了"), encoding="utf-8")

    assert "马路牙子坏了 ×1" in pointwatch("detect", photo(), "--taxonomy", own).stdout.decode()


def test_the_number_of_threads_changes_nothing_that_is_found(pointwatch, photo):
    path = photo()
    one, two = (lines(pointwatch("detect", path, "--format", "jsonl", "--threads", n)) for n in (1, 2))

    assert one == two


def test_the_shipped_model_finds_the_heap_on_the_shipped_pictures(process, model_folder):
    photos = shipped("datasets/demo/photos")
    done = process("detect", photos, "--format", "jsonl", "--model", model_folder)
    told = {Path(line["image"]).name: line for line in lines(done)}

    assert (0, b"") == (done.returncode, done.stderr)
    assert names(photos) == sorted(told)
    assert "exposed_garbage" in [one["class"] for one in told["heap_1.jpg"]["violations"]]
    assert [] == told["clean_street.jpg"]["violations"]


# --- the bar


def test_a_terminal_on_stderr_gets_a_bar_and_stdout_stays_clean(photo, tmp_path, pothole_model):
    for number in range(3):
        photo(f"{number}.jpg")
    photo("bad.jpg", b"")
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "cli", "detect", tmp_path, "--format", "jsonl", "--model", pothole_model]
    wide = {**os.environ, "COLUMNS": "500"}  # however long the folder's name, the line is not folded
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=its, timeout=120, check=False, env=wide)
    os.close(its)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)

    assert 3 == len(lines(done))
    assert "检测中".encode() in shown
    assert b"bad.jpg is empty" in shown


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""
