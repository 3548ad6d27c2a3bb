"""One training set out of sources that label different things.

`python -m training.assemble` writes YOLO label files and links to the photographs under the work folder.
What a source does not label is filled with its teachers' boxes: sure ones become objects, doubtful ones
become "do not judge" boxes (see `training.classes.ignore_index`), so that nothing visible is taught as background.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from training.classes import CLASS_COUNT, CLASS_INDEX, CLASSES, ignore_index
from training.labels import Labels, cut_at_edges, no_labels, overlap, read_labels, to_xyxy, write_labels
from training.places import TrainingError, data_dir, rendered_dir, work_dir
from training.recipe import CONFIG, Filling, Half, SetRecipe, read_recipe
from training.sources import SEED, Picture, load_pictures, scene_of
from training.teach import read_boxes, read_picture

CABLE: Final = CLASS_INDEX["tangled_cable"]
QUILT_PX: Final = 640  # side of a picture pieced together from four
MIN_BOX_PX: Final = 5.0  # on the 640 px side: a smaller teacher's box is never an object


def fill(picture: Picture, fillings: Sequence[Filling]) -> Labels:
    """A picture's own labels plus what its teachers add for classes its source does not judge, (n, 5)."""
    objects = [picture.labels]
    doubts: list[Labels] = []
    for filling in fillings:
        wanted = [CLASS_INDEX[name] for name in filling.classes if name not in picture.judged]
        for place, size_px in enumerate(filling.sizes_px):
            boxes = read_boxes(filling.teacher, size_px, picture.key)
            boxes = boxes[np.isin(boxes[:, 5], wanted) & (boxes[:, 4] >= filling.doubtful)]
            boxes = boxes[~_repeats(_as_labels(boxes), np.vstack([picture.labels, picture.removed]))]
            labels = _as_labels(boxes)
            sure = (boxes[:, 4] >= filling.sure) & (labels[:, 3:5].min(axis=1, initial=1.0) * 640 >= MIN_BOX_PX)
            sure &= (place == 0) & (labels[:, 0] != CABLE)
            objects.append(labels[sure])
            doubts.append(labels[~sure])
    kept = np.vstack(objects)
    return np.vstack([kept, _doubts_beside(kept, np.vstack(doubts) if doubts else no_labels())])


def _as_labels(boxes: npt.NDArray[np.float64]) -> Labels:
    """Teacher's boxes (n, 6) as labels (n, 5)."""
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return np.column_stack([boxes[:, 5], centre, boxes[:, 2:4] - boxes[:, :2]])


def _repeats(labels: Labels, known: Labels) -> npt.NDArray[np.bool_]:
    """(n,) whether the place of each label is one of which people spoke already, for its class."""
    shared = overlap(to_xyxy(labels, 1, 1), to_xyxy(known, 1, 1)) > 0.6
    return (shared & (labels[:, None, 0] == known[None, :, 0])).any(axis=1)


def _doubts_beside(objects: Labels, doubts: Labels) -> Labels:
    """Doubtful labels that do not repeat an object of their class, turned into "do not judge" boxes."""
    if not len(doubts):
        return no_labels()
    kept = doubts[~_repeats(doubts, objects)].copy()
    kept[:, 0] = [ignore_index(int(index)) for index in kept[:, 0]]
    return cut_at_edges(kept)


def quilt(tiles: Sequence[tuple[Path, Labels]], jitter: random.Random) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Four pictures side by side in one 640 px square, split at a random point: things look far away.

    Args:
        tiles: four pictures with labels, in reading order.
        jitter: chooses the split point, 35 to 65 % along each side.

    Returns:
        (640, 640, 3) uint8 BGR and its labels (n, 5).
    """
    split_x, split_y = (round(QUILT_PX * jitter.uniform(0.35, 0.65)) for _ in range(2))
    canvas = np.full((QUILT_PX, QUILT_PX, 3), 114, dtype=np.uint8)
    corners = [
        (0, 0, split_x, split_y),
        (split_x, 0, QUILT_PX, split_y),
        (0, split_y, split_x, QUILT_PX),
        (split_x, split_y, QUILT_PX, QUILT_PX),
    ]
    pieces = []
    for (path, labels), (x1, y1, x2, y2) in zip(tiles, corners, strict=True):
        image = read_picture(path)
        scale = min((x2 - x1) / image.shape[1], (y2 - y1) / image.shape[0])
        width, height = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
        canvas[y1 : y1 + height, x1 : x1 + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        moved = labels.copy()
        moved[:, [1, 3]] *= width / QUILT_PX
        moved[:, [2, 4]] *= height / QUILT_PX
        moved[:, 1] += x1 / QUILT_PX
        moved[:, 2] += y1 / QUILT_PX
        pieces.append(moved)
    return canvas, np.vstack(pieces)


def _link(folder: Path, name: str, photograph: Path, labels: Labels) -> Path:
    image = folder / "images" / f"{name}.jpg"
    image.unlink(missing_ok=True)
    image.symlink_to(photograph.resolve())
    write_labels(folder / "labels" / f"{name}.txt", labels)
    return image


def _add_quilts(
    folder: Path, positives: Sequence[tuple[Path, Labels]], others: Sequence[tuple[Path, Labels]], count: int
) -> list[Path]:
    chance = random.Random(SEED)
    made = []
    for number in range(count):
        tiles = [positives[number % len(positives)], *chance.sample(list(others), 3)]
        chance.shuffle(tiles)
        image, labels = quilt(tiles, chance)
        path = folder / "images" / f"quilt__{number:03d}.jpg"
        cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        write_labels(folder / "labels" / f"{path.stem}.txt", labels)
        made.append(path)
    return made


def rendered_pictures(folder: Path) -> list[Path]:
    """Rendered scenes of a folder whose label file is there too, by name.

    Raises:
        TrainingError: there are none.
    """
    images = sorted(path for path in (folder / "images").glob("*") if path.suffix in {".jpg", ".png"})
    ready = [path for path in images if (folder / "labels" / f"{path.stem}.txt").is_file()]
    if not ready:
        raise TrainingError(f"No rendered scenes under {folder}; run `make scenes` or leave them out.")
    return ready


def choose_pictures(pictures: Sequence[Picture], recipe: SetRecipe) -> list[Picture]:
    """The train pictures that a set is to hold: the wanted half of a source's walks, then as many as are wanted."""
    chosen = []
    for source in dict.fromkeys(one.source for one in pictures):
        own = [one for one in pictures if one.source == source]
        if source in recipe.halves:
            walks = half_of({scene_of(one.path.stem) for one in own}, recipe.halves[source])
            own = [one for one in own if scene_of(one.path.stem) in walks]
        most = recipe.most.get(source, len(own))
        if most < len(own):
            kept = set(random.Random(SEED).sample(range(len(own)), most))
            own = [one for place, one in enumerate(own) if place in kept]
        chosen += own
    if recipe.real_cables:
        return chosen
    return [one for one in chosen if one.source != "cables" and not (one.labels[:, 0] == CABLE).any()]


def half_of(walks: Collection[str], half: Half) -> set[str]:
    """Every other walk in seeded order: the same ones on every machine."""
    order = sorted(walks)
    random.Random(SEED).shuffle(order)
    return set(order[::2] if half is Half.first else order[1::2])


def assemble(name: str, recipe: SetRecipe) -> Path:
    """Write a training set under the work folder and give its YAML description.

    Train lists hold every train picture once, copies and quilts of cable pictures, and rendered scenes if asked.
    Dev labels hold real labels only, plus the COCO teacher's sure boxes to watch that people and vehicles stay.
    """
    folder = work_dir() / "sets" / name
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    train: list[Path] = []
    dev: list[Path] = []
    positives: list[tuple[Path, Labels]] = []
    others: list[tuple[Path, Labels]] = []
    pictures = load_pictures(data_dir(), ("train", "dev"))
    for picture in (one for one in pictures if one.part == "dev"):
        labels = fill(picture, recipe.fillings)
        dev.append(_link(folder, picture.key, picture.path, labels[labels[:, 0] < CLASS_COUNT]))
    for picture in choose_pictures([one for one in pictures if one.part == "train"], recipe):
        labels = fill(picture, recipe.fillings)
        train.append(_link(folder, picture.key, picture.path, labels))
        has_cable = bool((picture.labels[:, 0] == CABLE).any())
        (positives if has_cable else others).append((picture.path, labels))
        train += [
            _link(folder, f"{picture.key}__copy{copy}", picture.path, labels)
            for copy in range(recipe.cable_copies - 1 if has_cable else 0)
        ]
    for path in rendered_pictures(rendered_dir()) if recipe.rendered else []:
        labels = read_labels(rendered_dir() / "labels" / f"{path.stem}.txt")
        if not recipe.real_cables and (labels[:, 0] == CABLE).any():
            positives.append((path, labels))  # else quilts are made of photographs
        train += [
            _link(folder, f"rendered__{path.stem}__copy{copy}", path, labels) for copy in range(recipe.rendered_copies)
        ]
    train += _add_quilts(folder, positives, others, recipe.cable_quilts)
    return _describe(folder, train, dev)


def write_set(
    folder: Path, train: Sequence[tuple[Picture, int]], dev: Sequence[Picture], fillings: Sequence[Filling]
) -> Path:
    """Write a set of chosen pictures, each as often as said, and give its YAML description."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    paths = []
    for picture, copies in train:
        labels = fill(picture, fillings)
        names = [picture.key, *(f"{picture.key}__copy{copy}" for copy in range(copies - 1))]
        paths += [_link(folder, name, picture.path, labels) for name in names]
    watched = []
    for picture in dev:
        labels = fill(picture, fillings)
        watched.append(_link(folder, picture.key, picture.path, labels[labels[:, 0] < CLASS_COUNT]))
    return _describe(folder, paths, watched)


def _describe(folder: Path, train: Sequence[Path], dev: Sequence[Path]) -> Path:
    for part, paths in (("train", train), ("dev", dev)):
        (folder / f"{part}.txt").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    names = dict(enumerate(CLASSES))
    names |= {ignore_index(index): f"{name}_not_judged" for index, name in enumerate(CLASSES)}
    description = {"path": str(folder), "train": "train.txt", "val": "dev.txt", "names": names}
    path = folder / "set.yaml"
    path.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return path


def count_labels(folder: Path, part: str) -> dict[str, int]:
    """Objects and "do not judge" boxes per class in one list of an assembled set."""
    counts: dict[str, int] = {}
    for line in (folder / f"{part}.txt").read_text(encoding="utf-8").splitlines():
        for row in read_labels(folder / "labels" / f"{Path(line).stem}.txt"):
            index = int(row[0])
            name = CLASSES[index % CLASS_COUNT] + ("" if index < CLASS_COUNT else " (not judged)")
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def main() -> None:
    """Assemble a set and print what it holds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("name", help="a set of the recipe, and its folder under the work folder")
    options.add_argument("--recipe", type=Path, default=CONFIG, help="its file; training/street.yaml by default")
    chosen = options.parse_args()
    sets = read_recipe(chosen.recipe).sets
    if chosen.name not in sets:
        raise TrainingError(f"{chosen.recipe} has no set {chosen.name!r}; it has {', '.join(sets) or 'none'}.")
    path = assemble(chosen.name, sets[chosen.name])
    for part in ("train", "dev"):
        lines = (path.parent / f"{part}.txt").read_text(encoding="utf-8").count("\n")
        print(f"{part}: {lines} pictures, {count_labels(path.parent, part)}")
    print(path)


if __name__ == "__main__":
    main()
