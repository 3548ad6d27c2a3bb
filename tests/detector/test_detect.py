"""Asking a model: boxes come back in pixels of the original, upright picture, however it was decoded."""

import threading

import numpy as np
import pytest
import yaml

from detector import Detector, open_photo
from tests.detector.models import write_model
from tests.detector.pictures import encoded, exif, street
from tests.detector.test_photo_exif import stored


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Give a detector that sees a box at (22, 11)–(42, 21) of every input of 64 pixels."""
    return Detector.load(write_model(tmp_path_factory.mktemp("tiny") / "v1", model={"input_px": 64}))


def test_a_box_is_in_pixels_of_the_original(tiny):
    found = tiny.detect(open_photo(encoded(street(640, 320))))

    assert [pytest.approx([220, 110, 420, 210], abs=0.1)] == found.xyxy.tolist()
    assert ["pothole"] == found.data["class_name"].tolist()
    assert [1] == found.class_id.tolist()
    assert [pytest.approx(0.9)] == found.confidence.tolist()


def test_a_reduced_photo_gives_boxes_of_the_original_all_the_same(tiny):
    photo = open_photo(encoded(street(4001, 1999)), at_least_px=64)
    found = tiny.detect(photo)

    assert photo.pixels.shape[1] < 4001 / 7
    assert [pytest.approx([1375, 687, 2626, 1312], abs=4)] == found.xyxy.tolist()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_box_is_where_it_is_seen_however_the_camera_was_held(tiny, orientation):
    content = encoded(stored(orientation, 640, 320), exif=exif(orientation=orientation))

    assert [pytest.approx([220, 110, 420, 210], abs=1)] == tiny.detect(open_photo(content)).xyxy.tolist()


def test_what_is_under_the_confidence_asked_for_is_left_out(tiny):
    assert 0 == len(tiny.detect(open_photo(encoded()), min_confidence=0.95))


def test_nothing_found_gives_empty_detections_with_names(tiny):
    found = tiny.detect(open_photo(encoded()), min_confidence=1.0)

    assert (0, 4) == found.xyxy.shape
    assert 0 == len(found.data["class_name"])


@pytest.mark.parametrize(("review", "boxes"), [(0.3, 1), (0.95, 0)])
def test_by_default_all_that_could_matter_is_given(tmp_path, review, boxes):
    folder = write_model(tmp_path / "v1", model={"input_px": 64})
    card = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    for entry in card["classes"]:
        entry |= {"review": review, "automatic": 0.99}
    (folder / "card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")

    assert boxes == len(Detector.load(folder).detect(open_photo(encoded(street(640, 320)))))


def test_a_picture_of_one_pixel_can_be_asked_about(tiny, detector):
    photo = open_photo(encoded(street(1, 1)))

    assert len(tiny.detect(photo)) <= 1
    assert len(detector.detect(photo)) < 300


@pytest.mark.parametrize("size", [(3000, 40), (40, 3000), (640, 480), (33, 31)])
def test_the_shipped_model_takes_every_shape(detector, size):
    found = detector.detect(open_photo(encoded(street(*size))), min_confidence=0.001)

    assert (found.xyxy[:, 2] <= size[0]).all()
    assert (found.xyxy[:, 3] <= size[1]).all()
    assert (found.xyxy >= 0).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert (np.diff(found.confidence) <= 0).all()


def test_one_detector_may_be_asked_from_several_threads(detector):
    photo = open_photo(encoded(street(320, 240)))
    alone = detector.detect(photo, min_confidence=0.001)
    together = []
    threads = [
        threading.Thread(target=lambda: together.append(detector.detect(photo, min_confidence=0.001))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(together)
    assert all(np.allclose(alone.xyxy, one.xyxy, atol=0.1) for one in together)
