"""`python -m training.scenes.demo DIR`: render the demo's pictures by DIR/scenes.csv, with EXIF by DIR/captures.csv.

scenes.csv names for each picture its recipe, seed and step, and the point near which its GPS position lies (empty: no
position). A picture that exists is left alone.
"""

from __future__ import annotations

import argparse
import csv
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from . import boxes, exif, finish

QUALITY = 88
_METRES_PER_DEGREE = 111_320.0  #: of latitude; good to half a percent everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One line of the demo's plan."""

    name: str  #: file name under photos/
    recipe: str
    seed: int
    step: int
    taken_at: datetime  #: with offset
    position: tuple[float, float] | None  #: longitude, latitude in WGS-84


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file with a header."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def beside(longitude: float, latitude: float, seed: int) -> tuple[float, float]:
    """Where someone near a point stood: 2 to 12 metres off, the same for the same seed."""
    rng = np.random.default_rng([seed, 5])
    away, turn = rng.uniform(2, 12), rng.uniform(0, 2 * np.pi)
    north, east = away * np.cos(turn) / _METRES_PER_DEGREE, away * np.sin(turn) / _METRES_PER_DEGREE
    return longitude + east / np.cos(np.radians(latitude)), latitude + north


def plan(folder: Path) -> list[Picture]:
    """Read the demo's pictures from its three tables.

    Raises KeyError where they name a point or picture that is not there.
    """
    points = {row["code"]: (float(row["longitude"]), float(row["latitude"])) for row in rows(folder / "points.csv")}
    taken = {row["photo"]: datetime.fromisoformat(row["taken_at"]) for row in rows(folder / "captures.csv")}
    return [
        Picture(
            name=row["photo"],
            recipe=row["recipe"],
            seed=int(row["seed"]),
            step=int(row["step"]),
            taken_at=taken[row["photo"]],
            position=beside(*points[row["gps_near"]], int(row["seed"]) + int(row["step"])) if row["gps_near"] else None,
        )
        for row in rows(folder / "scenes.csv")
    ]


def main() -> None:
    """Render what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes.demo", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1024x768", help="WIDTHxHEIGHT in pixels")
    parser.add_argument(
        "--enlarge", type=float, default=1.0, help="render smaller by this factor, then enlarge: a draft"
    )
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--labels", type=Path, help="folder that gets the true boxes, for looking at")
    chosen = parser.parse_args()
    from .shoot import shoot  # needs bpy; reading the plan does not

    full = tuple(int(part) for part in chosen.size.split("x"))
    width, height = (round(side / chosen.enlarge) for side in full)
    (chosen.folder / "photos").mkdir(exist_ok=True)
    for picture in plan(chosen.folder):
        target = chosen.folder / "photos" / picture.name
        if target.exists():
            continue
        shot = shoot(picture.recipe, picture.seed, picture.step, (width, height), chosen.samples, chosen.threads)
        data = finish.jpeg(
            shot.picture.resize(full, Image.Resampling.LANCZOS),
            QUALITY,
            exif.record(picture.taken_at, picture.position),
        )
        part = target.with_suffix(".part")
        part.write_bytes(data)
        part.rename(target)
        print(f"{picture.name} {len(data) // 1024} KiB {[box.label for box in shot.boxes]}", flush=True)
        if chosen.labels:
            chosen.labels.mkdir(parents=True, exist_ok=True)
            lines = [boxes.yolo_line(box, width, height) for box in shot.boxes]
            (chosen.labels / picture.name).with_suffix(".txt").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
