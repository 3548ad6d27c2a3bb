"""What tests of every room share: the shipped model and catalogue, read once."""

import os
from pathlib import Path

import pytest

from detector import Detector, Taxonomy, read_taxonomy, shipped


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Give the shipped model's folder; `POINTWATCH_MODEL_DIR` names another one."""
    return Path(os.environ.get("POINTWATCH_MODEL_DIR") or shipped("models/street"))


@pytest.fixture(scope="session")
def detector(model_folder: Path) -> Detector:
    return Detector.load(model_folder, threads=2)


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return read_taxonomy(shipped("datasets/taxonomy.yaml"))
