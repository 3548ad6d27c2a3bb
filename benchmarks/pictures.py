"""The photos that are timed: the same scenes at 640 pixels and at 12 megapixels, as a phone would write them."""

from pathlib import Path

import numpy as np
from PIL import Image

from detector.photo import SUFFIXES

SMALL_PX = 640  # long side
LARGE_PIXELS = 12_000_000
LARGE_QUALITY, SMALL_QUALITY = 93, 90
GRAIN = 5.0  # standard deviation of the noise added when enlarging; gives files of 4 to 7 MB, as phones write


def find_scenes(folder: Path, count: int) -> list[Path]:
    """Give `count` pictures of a folder, spread evenly over its names.

    Raises:
        SystemExit: there are none.
    """
    every = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not every:
        raise SystemExit(f"No pictures in {folder}. Name another folder with --photos.")
    step = max(1.0, len(every) / count)
    return [every[int(at * step)] for at in range(min(count, len(every)))]


def make_sets(scenes: list[Path], folder: Path) -> dict[str, Path]:
    """Write both sets below `folder`; give their folders by name."""
    sets = {"640 px": folder / "small", "12 megapixels": folder / "large"}
    for place in sets.values():
        place.mkdir(parents=True)
    random = np.random.default_rng(20261123)
    for number, scene in enumerate(scenes):
        with Image.open(scene) as opened:
            picture = opened.convert("RGB")
        name = f"{number:03}.jpg"
        _scaled(picture, SMALL_PX / max(picture.size)).save(sets["640 px"] / name, quality=SMALL_QUALITY)
        large = _scaled(picture, (LARGE_PIXELS / (picture.width * picture.height)) ** 0.5)
        grainy = np.asarray(large) + random.normal(0, GRAIN, (large.height, large.width, 1))
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(sets["12 megapixels"] / name, quality=LARGE_QUALITY)
    return sets


def _scaled(picture: Image.Image, ratio: float) -> Image.Image:
    size = (round(picture.width * ratio), round(picture.height * ratio))
    return picture.resize(size, Image.Resampling.LANCZOS)


def describe(folder: Path) -> str:
    """Say how many files of what size lie in a folder."""
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return f"{len(sizes)} files, {sum(sizes) / len(sizes) / 1e6:.2f} MB each"
