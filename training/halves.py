"""The other half of a source as somebody's new pictures: `python -m training.halves graffiti second --to FOLDER`.

For the experiment of RUNS.md in which one half of a class arrives later; the folder is what `pointwatch train --add`
takes. The photographs are linked to, not copied.
"""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

from training.assemble import half_of
from training.data.folders import all_or_nothing
from training.labels import write_labels
from training.places import data_dir
from training.recipe import Half
from training.sources import SEED, SOURCES, load_source, scene_of


def write_half(name: str, half: Half, most: int, folder: Path) -> int:
    """Write one half of a source's walks as a YOLO folder, at most so many pictures; give their number."""
    (source,) = (one for one in SOURCES if one.name == name)
    pictures = [one for one in load_source(source, data_dir()) if one.part == "train"]
    walks = half_of({scene_of(one.path.stem) for one in pictures}, half)
    chosen = [one for one in pictures if scene_of(one.path.stem) in walks]
    if len(chosen) > most:
        chosen = random.Random(SEED).sample(chosen, most)
    with all_or_nothing(folder) as made:
        for part in ("images", "labels"):
            (made / part).mkdir()
        for one in chosen:
            shutil.copyfile(one.path, made / "images" / one.path.name)
            labels = one.labels.copy()
            labels[:, 0] = 0
            write_labels(made / "labels" / f"{one.path.stem}.txt", labels)
        (made / "data.yaml").write_text(f"names: [{source.classes[0]}]\n", encoding="utf-8")
    return len(chosen)


def main() -> None:
    """Write a half."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("source", choices=[one.name for one in SOURCES if len(one.classes) == 1])
    options.add_argument("half", type=Half, choices=list(Half))
    options.add_argument("--most", type=int, default=1_000_000)
    options.add_argument("--to", type=Path, required=True)
    chosen = options.parse_args()
    print(write_half(chosen.source, chosen.half, chosen.most, chosen.to), "pictures in", chosen.to)


if __name__ == "__main__":
    main()
