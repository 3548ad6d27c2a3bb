"""`python -m training.scenes --out DIR --count N --seed S`: render labelled street scenes; what exists is skipped."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

from . import boxes, finish, recipes
from .shoot import shoot


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets images/, labels/ and scenes.jsonl")
    parser.add_argument("--count", type=int, default=1, help="how many scenes (seeds S, S+1, ...)")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--size", default="640x480", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--samples", type=int, default=12, help="light samples a pixel, denoised")
    parser.add_argument("--recipe", choices=recipes.RECIPES, default="mixed")
    parser.add_argument("--step", type=int, default=0, help="1, 2 ...: the same scenes seen from half a metre away")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(arguments)


def make(chosen: argparse.Namespace, seed: int) -> dict[str, object]:
    """Render and write one scene; give its record. The picture is written last: it says that all is there."""
    width, height = (int(part) for part in chosen.size.split("x"))
    name = f"scene_{seed}" + (f"_step{chosen.step}" if chosen.step else "")
    shot = shoot(chosen.recipe, seed, chosen.step, (width, height), chosen.samples, chosen.threads)
    lines = [boxes.yolo_line(box, width, height) for box in shot.boxes]
    (chosen.out / "labels" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    target = chosen.out / "images" / f"{name}.jpg"
    part = target.with_suffix(".part")
    part.write_bytes(finish.jpeg(shot.picture, 85 + seed * 7 % 8))
    part.rename(target)
    return {**shot.record, "classes": dict(Counter(box.label for box in shot.boxes))}


def main() -> int:
    """Render what is not there yet, one line of progress a scene."""
    chosen = options()
    for folder in ("images", "labels"):
        (chosen.out / folder).mkdir(parents=True, exist_ok=True)
    suffix = f"_step{chosen.step}" if chosen.step else ""
    seeds = [
        s
        for s in range(chosen.seed, chosen.seed + chosen.count)
        if not (chosen.out / "images" / f"scene_{s}{suffix}.jpg").exists()
    ]
    begun = time.monotonic()
    for done, seed in enumerate(seeds, 1):
        record = make(chosen, seed)
        with (chosen.out / "scenes.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
        each = (time.monotonic() - begun) / done
        left_min = each * (len(seeds) - done) / 60
        what = f"{done}/{len(seeds)} scene {seed} {record['subject']} {record['classes']}"
        print(f"{what} {each:.1f} s each, {left_min:.1f} min left", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
