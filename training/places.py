"""Where training finds its inputs and keeps its working files. Nothing here reads a picture."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


class TrainingError(Exception):
    """Training could not go on; the message says what was wrong, where, and what to do."""


def _beside() -> Path:
    return REPOSITORY.parent / "shared" / "data"


def data_dir() -> Path:
    """Folder of the street photographs: `POINTWATCH_DATA`, else `../shared/data` beside the repository.

    Raises:
        TrainingError: the folder is not there.
    """
    folder = Path(os.environ.get("POINTWATCH_DATA") or _beside())
    if not folder.is_dir():
        raise TrainingError(f"No street photographs at {folder}; set POINTWATCH_DATA to their folder.")
    return folder


def has_data() -> bool:
    """Whether the street photographs are here; an office that only learns from its own reviews has none.

    Raises:
        TrainingError: a folder is named that is not there.
    """
    return data_dir().is_dir() if os.environ.get("POINTWATCH_DATA") else _beside().is_dir()


def weights_dir() -> Path:
    """Folder of the two starting checkpoints, beside the data folder."""
    folder = data_dir().parent / "weights"
    if not folder.is_dir():
        raise TrainingError(f"No starting weights at {folder}; they belong beside the data folder.")
    return folder


def work_dir() -> Path:
    """Folder for what training writes and git ignores: `POINTWATCH_TRAIN_DIR`, else `var-train/`."""
    folder = Path(os.environ.get("POINTWATCH_TRAIN_DIR") or REPOSITORY / "var-train")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def rendered_dir(part: str = "train") -> Path:
    """Folder of rendered scenes (`images/`, `labels/`) of one part: under `POINTWATCH_SCENES`, else `var-scenes/`."""
    return Path(os.environ.get("POINTWATCH_SCENES") or REPOSITORY / "var-scenes") / part


def models_dir() -> Path:
    """Folder of the shipped model: versions and the `CURRENT` pointer."""
    return REPOSITORY / "models" / "street"
