"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.places import TrainingError


@contextmanager
def all_or_nothing(wanted: Path) -> Iterator[Path]:
    """Give an unfinished folder beside `wanted` that takes its name when the block ends well, and vanishes if not.

    Raises:
        TrainingError: something already stands at `wanted`; nothing of it is touched.
    """
    if wanted.is_symlink() or wanted.exists():
        raise TrainingError(f"{wanted} is already there; name a new folder, or remove that one first.")
    wanted.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{wanted.name}.", suffix=".part", dir=wanted.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp's own 0700 would lock colleagues out
        unfinished.rename(wanted)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # gone already if it was renamed
