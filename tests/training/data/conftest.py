"""Small sets of labelled pictures, legal by default; a test breaks what it is about."""

import hashlib
import json

import cv2
import numpy as np
import pytest

from training.data.sets import open_set

SIDE_PX = 96


def scene(seed, side=SIDE_PX):
    """Pixels (side, side, 3) of a street that no other seed gives."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def picture(path, seed=0, pixels=None):
    """Write a picture; give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), scene(seed) if pixels is None else pixels)
    return path


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Folder:
    """A set that an import could have made: `add` pictures, then `open` it."""

    def __init__(self, root):
        self.root = root
        self.lines = []
        self.pictures = {"train": 0, "dev": 0, "val": 0}
        self.boxes = {"train": {}, "dev": {}, "val": {}}

    def add(self, name="000001", part="train", seed=None, labels="0 0.5 0.5 0.2 0.2\n", pixels=None):
        path = self.root / "images" / part / f"{name}.jpg"
        picture(path, len(self.lines) if seed is None else seed, pixels)
        text = self.root / "labels" / part / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(labels, encoding="utf-8")
        self.lines.append(f"{part} images/{part}/{name}.jpg {sha(path)} {sha(text)}")
        self.pictures[part] += 1
        for line in labels.splitlines():
            kind = ("pothole", "graffiti")[int(line.split()[0])] if line.split()[0] in "01" else None
            if kind:
                self.boxes[part][kind] = self.boxes[part].get(kind, 0) + 1
        return path

    def open(self):
        content = {
            "name": "small",
            "licence": "CC0-1.0",
            "attribution": "made by a test",
            "note": "",
            "classes_in_file_order": ["pothole", "graffiti"],
            "labelled_everywhere": ["pothole"],
            "split": {"rule": "by the test"},
            "pictures": self.pictures,
            "boxes": self.boxes,
            "files": "".join(line + "\n" for line in self.lines),
        }
        # JSON is YAML too
        (self.root / "manifest.yaml").write_text(json.dumps(content), encoding="utf-8")
        return open_set(str(self.root), self.root)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "small")


@pytest.fixture
def mapping(tmp_path):
    """Give a factory of mapping files."""

    def write(text="classes: {hole: pothole, tag: graffiti, dog: null}\n"):
        path = tmp_path / "classes.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
