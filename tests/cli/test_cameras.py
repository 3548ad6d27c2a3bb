"""Cameras from the command line: added, tried, drawn on, watched and removed; and whose address is not taken."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli import run
from detector.privacy import Veil
from tests.api.running import ROOT
from tests.api.workbooks import csv_file, row
from tests.detector.cameras.conftest import clip, gstreamer, serve

__all__ = ["clip", "gstreamer", "serve"]

Command = Callable[..., tuple[int, str, str]]
SECRET = "gue$$ me/4"
ZONES = """\
zones:
- name: 路边
  kind: no_parking
  polygon:
  - [0.1, 0.5]
  - [0.6, 0.4]
  - [0.7, 0.6]
  dwell: 120.0
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def cameras(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data_dir: Path
) -> Command:
    """Give a function that runs `pointwatch cameras` in an office with the point A1."""
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(data_dir))
    monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(model_folder.absolute()))
    data_dir.mkdir()
    (data_dir / "points.csv").write_bytes(csv_file(row("A1")))
    assert 0 == run(["points", "import", str(data_dir / "points.csv")])

    def run_here(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run(["cameras", *(str(one) for one in arguments)])
        return status, *capfd.readouterr()

    return run_here


def put_stills(data_dir: Path, name: str, *pictures: np.ndarray) -> None:
    """Put pictures into a folder of stills."""
    folder = data_dir / "stills" / name
    folder.mkdir(parents=True)
    for number, pixels in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number:02}.png"), pixels)


def noise(seed: int = 1) -> np.ndarray:
    """Give a picture with something to see everywhere, (360, 640, 3) uint8 BGR."""
    coarse = np.random.default_rng(seed).integers(60, 190, (9, 16, 3), dtype=np.uint8)
    return coarse.repeat(40, 0).repeat(40, 1)


def test_a_camera_is_added_drawn_on_listed_and_removed(
    cameras: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POINTWATCH_CAMERA_PASSWORD", SECRET)
    (tmp_path / "zones.yaml").write_text(ZONES, encoding="utf-8")
    address = "rtsp://192.0.2.7:554/stream1"
    added = cameras("add", "CAM-1", address, "--point", "A1", "--name", "东口", "--user", "viewer", "--every", "3")
    drawn = cameras("zones", "import", "CAM-1", tmp_path / "zones.yaml")
    printed = cameras("zones", "export", "CAM-1")
    written = cameras("zones", "export", "CAM-1", "--out", tmp_path / "out.yaml")
    again = cameras("zones", "import", "CAM-1", tmp_path / "out.yaml")
    listed = cameras("list")
    removed = cameras("remove", "CAM-1")

    assert (0, "") == (added[0], added[2])
    assert added[1].startswith("CAM-1  rtsp://***@192.0.2.7:554/stream1  at A1\n")
    assert (0, "CAM-1: 1 zones, version 1\n", "") == drawn
    assert (0, 0) == (printed[0], written[0])
    assert printed[1] == (tmp_path / "out.yaml").read_text(encoding="utf-8")
    assert (0, "CAM-1: 1 zones, version 2\n", "") == again
    (line,) = listed[1].splitlines()
    assert ["CAM-1", "waiting"] == line.split()[:2]
    assert "1 zones, 0 lasting" in line
    assert line.endswith("A1  rtsp://***@192.0.2.7:554/stream1  东口")
    assert (0, "CAM-1 is removed\n", "") == removed
    assert (0, "", "") == cameras("list")
    assert not any(SECRET in text for done in (added, listed) for text in done[1:])


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "concat:rtsp://192.0.2.7/a|/etc/passwd",
        "exec:id",
        "pipe:0",
        "-i",
        "/etc/passwd",
        "rtsp://192.0.2.7/a b",
        "rtsp://",
        "stills:../../etc",
        "stills:/etc",
        "stills:",
    ],
)
def test_an_address_that_may_lead_elsewhere_is_refused_in_a_line(cameras: Command, address: str) -> None:
    status, out, said = cameras("add", "--point", "A1", "--", "CAM-1", address)

    assert (1, "") == (status, out)
    assert 1 == len(said.splitlines())
    assert "address" in said
    assert (0, "", "") == cameras("list")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("add", "CAM 1", "rtsp://192.0.2.7/a", "--point", "A1"), "code"),
        (("add", "CAM-1", "rtsp://192.0.2.7/a", "--point", "NONE"), "NONE"),
        (("add", "CAM-1", "rtsp://192.0.2.7/a", "--point", "A1", "--snapshots"), "kind"),
        (("add", "CAM-1", "rtsp://192.0.2.7/a", "--point", "A1", "--every", "0"), "every_s"),
        (("test", "NONE"), "NONE"),
        (("remove", "NONE"), "NONE"),
        (("zones", "export", "NONE"), "NONE"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(cameras: Command, arguments: tuple[str, ...], word: str) -> None:
    status, out, said = cameras(*arguments)

    assert (1, "", 1) == (status, out, len(said.splitlines()))
    assert word in said


def test_a_look_at_a_real_camera_says_what_it_sends_and_leaves_a_still(
    cameras: Command, serve, clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTWATCH_CAMERA_PASSWORD", SECRET)
    url = serve({"/walk": {"file": clip, "user": "viewer", "password": SECRET}}).url("/walk")
    cameras("add", "CAM-1", url, "--point", "A1", "--user", "viewer")
    works = cameras("test", "CAM-1", "--still", tmp_path / "still.jpg", "--language", "en")
    monkeypatch.setenv("POINTWATCH_CAMERA_PASSWORD", "wrong")
    cameras("add", "CAM-2", url, "--point", "A1", "--user", "viewer")
    locked = cameras("test", "CAM-2", "--language", "en")

    assert 0 == works[0], works
    assert "It works: 320×240, h264." in works[1]
    assert "key frames every 0.5 s" in works[1]
    assert (240, 320, 3) == cv2.imread(str(tmp_path / "still.jpg")).shape
    assert 1 == locked[0]
    assert "User name or password is wrong" in locked[1]
    assert not any(word in text for done in (works, locked) for text in done[1:] for word in (SECRET, "wrong@"))


def test_a_face_is_hidden_in_the_still(cameras: Command, data_dir: Path, tmp_path: Path) -> None:
    portrait = next(one for one in files("scikit-image") or () if one.name == "astronaut.png")
    street = cv2.resize(noise(), (1280, 720), interpolation=cv2.INTER_NEAREST)
    street[150:662, 400:912] = cv2.imread(str(portrait.locate()))
    put_stills(data_dir, "faces", street)
    cameras("add", "CAM-1", "stills:faces", "--point", "A1")
    done = cameras("test", "CAM-1", "--still", tmp_path / "still.jpg")
    shown = cv2.imread(str(tmp_path / "still.jpg"))
    face = np.array([400 + 225, 150 + 115])

    def found(pixels: np.ndarray) -> bool:
        return any((box[:2] < face).all() and (face < box[2:]).all() for box in Veil().find_faces(pixels, 1280))

    assert 0 == done[0], done
    assert street.shape == shown.shape
    assert (True, False) == (found(street), found(shown))


def test_a_folder_of_stills_is_watched_as_a_camera_is_and_the_watch_ends_when_asked(
    cameras: Command, data_dir: Path
) -> None:
    put_stills(data_dir, "street", noise(1), noise(1), noise(2))
    cameras("add", "CAM-1", "stills:street", "--point", "A1", "--every", "0.5")
    cameras("add", "CAM-2", "stills:nothing", "--point", "A1", "--every", "0.5")
    watch = subprocess.Popen(
        [sys.executable, "-m", "cli", "cameras", "watch"],
        cwd=ROOT, env=os.environ | {"POINTWATCH_CAMERA_OFFLINE_S": "2"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        until = time.monotonic() + 90
        states: dict[str, str] = {}
        while states != {"CAM-1": "online", "CAM-2": "offline"} and time.monotonic() < until:
            time.sleep(0.5)
            states = dict(line.split()[:2] for line in cameras("list")[1].splitlines() if not line.startswith(" "))
    finally:
        watch.send_signal(signal.SIGTERM)
        said = watch.communicate(timeout=60)[0].decode()

    assert {"CAM-1": "online", "CAM-2": "offline"} == states, said
    assert 0 == watch.returncode, said
    assert "Traceback" not in said
