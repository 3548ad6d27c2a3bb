"""The model card: nothing is loaded that is not what its card says."""

import re

import pytest
import yaml

from detector import Detector, ModelRefused, Standing, read_card
from detector.card import MAX_CARD_BYTES, find_version
from tests.detector.models import NO_PICTURE, TWO_CLASSES, card, model_class, write_model


@pytest.fixture
def artifact(tmp_path):
    """Give a factory of version folders: a file's bytes and a card that fits them, changed as asked."""

    def make(content, folder="v1", **changes):
        return write_model(tmp_path / folder, content, **changes)

    return make


@pytest.fixture
def tiny():
    return TWO_CLASSES


def test_a_version_folder_is_loaded(artifact, tiny):
    assert "street/test-1" == Detector.load(artifact(tiny)).version


def test_the_version_that_current_names_is_loaded(artifact, tiny):
    folder = artifact(tiny).parent
    (folder / "CURRENT").write_text("v1\n")

    assert "street/test-1" == Detector.load(folder).version


def test_a_damaged_artifact_is_refused(artifact, tiny):
    folder = artifact(tiny)
    (folder / "model.onnx").write_bytes(tiny[:-1] + bytes([tiny[-1] ^ 1]))

    with pytest.raises(ModelRefused, match=r"model\.onnx has SHA-256 [0-9a-f]{64}, its card says"):
        Detector.load(folder)


def test_an_artifact_of_another_length_is_refused(artifact, tiny):
    folder = artifact(tiny)
    (folder / "model.onnx").write_bytes(tiny + b"\0")

    with pytest.raises(ModelRefused, match=rf"has {len(tiny) + 1} bytes, its card says {len(tiny)}"):
        Detector.load(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"garbage",
        b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        b"\0" * 99,
    ],
    ids=["garbage", "pickle", "zeros"],
)
def test_a_file_that_is_not_onnx_is_refused_unexecuted(artifact, content):
    with pytest.raises(ModelRefused, match="ONNX"):
        Detector.load(artifact(content))


def test_a_model_cut_off_is_refused(artifact, tiny):
    with pytest.raises(ModelRefused, match="not a usable ONNX model"):
        Detector.load(artifact(tiny[: len(tiny) // 2]))


def test_a_card_with_other_classes_than_the_model_is_refused(artifact, tiny):
    with pytest.raises(ModelRefused, match="gives 6 rows for each box, but its card names 3 classes, which needs 7"):
        Detector.load(artifact(tiny, classes=("exposed_garbage", "pothole", "graffiti")))


def test_a_model_that_takes_no_picture_is_refused(artifact):
    with pytest.raises(ModelRefused, match="does not take one float picture"):
        Detector.load(artifact(NO_PICTURE))


def test_a_missing_artifact_is_refused(artifact, tiny):
    folder = artifact(tiny)
    (folder / "model.onnx").unlink()

    with pytest.raises(ModelRefused, match=r"model\.onnx cannot be read: No such file"):
        Detector.load(folder)


# --- which version


@pytest.mark.parametrize("pointer", ["", "../v1", "/etc", "..", ".hidden", "a/b", "\n\n"])
def test_a_pointer_to_somewhere_else_is_refused(tmp_path, pointer):
    (tmp_path / "CURRENT").write_text(pointer)

    with pytest.raises(ModelRefused, match="is not the name of a version beside it"):
        find_version(tmp_path)


def test_a_pointer_to_a_version_that_is_gone_is_refused(tmp_path):
    (tmp_path / "CURRENT").write_text("v9")

    with pytest.raises(ModelRefused, match=r"names version 'v9', but .*card\.yaml does not exist"):
        find_version(tmp_path)


def test_a_pointer_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "CURRENT").write_bytes(b"\xff\xfe\0")

    with pytest.raises(ModelRefused, match="CURRENT cannot be read"):
        find_version(tmp_path)


@pytest.mark.parametrize("folder", [".", "gone"])
def test_a_folder_without_a_model_is_refused(tmp_path, folder):
    with pytest.raises(ModelRefused, match="No model at"):
        Detector.load(tmp_path / folder)


# --- what a card may say


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"automatc": 1}, "automatc: Extra inputs are not permitted"),
        ({"made_on": "yesterday"}, "made_on: Input should be a valid date"),
        ({"classes": ()}, "classes: List should have at least 1 item"),
        ({"name": "../../etc"}, "name: String should match pattern"),
        ({"version": "a/b"}, "version: String should match pattern"),
        ({"model": {"file": "../other.onnx"}}, r"model.file: String should match pattern"),
        ({"model": {"file": "model.pkl"}}, r"model.file: String should match pattern"),
        ({"model": {"input_px": 415}}, r"model.input_px: Input should be a multiple of 32"),
        ({"model": {"sha256": "abc"}}, r"model.sha256: String should match pattern"),
    ],
)
def test_a_card_that_says_what_cannot_be_is_refused(artifact, tiny, changes, reason):
    with pytest.raises(ModelRefused, match=re.escape(reason)):
        read_card(artifact(tiny, **changes))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"automatic": 0.3, "review": 0.5}, "review threshold 0.5 lies above automatic 0.3"),
        ({"automatic": 1.5}, "classes.0.automatic: Input should be less than or equal to 1"),
        ({"metrics": None}, "is called verified but has no metrics"),
        ({"treshold": 0.5}, "classes.0.treshold: Extra inputs"),
    ],
)
def test_a_class_that_cannot_be_is_refused(artifact, tiny, entry, reason):
    folder = artifact(tiny)
    said = yaml.safe_load((folder / "card.yaml").read_text())
    said["classes"][0] |= entry
    (folder / "card.yaml").write_text(yaml.safe_dump(said))

    with pytest.raises(ModelRefused, match=re.escape(reason)):
        read_card(folder)


def test_a_class_named_twice_is_refused(artifact, tiny):
    with pytest.raises(ModelRefused, match="classes named twice: pothole"):
        read_card(artifact(tiny, classes=("pothole", "pothole")))


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"a: [", b"[" * 3000, b"made_on: 2026-02-31", b"a" * (MAX_CARD_BYTES + 1), b"", b"just words"],
    ids=["UTF-16", "open", "deep", "31 February", "long", "empty", "words"],
)
def test_what_is_no_card_is_refused(tmp_path, content):
    (tmp_path / "card.yaml").write_bytes(content)

    with pytest.raises(ModelRefused, match=r"card\.yaml"):
        read_card(tmp_path)


def test_an_unverified_class_needs_no_metrics():
    assert model_class(standing=Standing.unverified, metrics=None).metrics is None


def test_a_class_is_found_by_its_name():
    assert 3 == card().index("pothole")
    with pytest.raises(KeyError):
        card().index("moon_dust")
