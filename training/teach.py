"""What trained networks see in pictures whose source does not label it; kept on disk, made once.

`python -m training.teach` runs the two starting networks over all training pictures. Teachers never see a
validation picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from ultralytics.utils.nms import non_max_suppression

from training.classes import CLASS_INDEX, CLASSES, COCO_TEACHER_ROWS, STREET_TEACHER_CLASSES
from training.networks import coco_teacher, load_street_network, street_teacher, use_threads
from training.places import TrainingError, data_dir, work_dir
from training.sources import Picture, load_pictures

PAD: Final = 114
MIN_CONFIDENCE: Final = 0.05
NMS_OVERLAP: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A network, the sizes it looks at and what its outputs are called here."""

    name: str  #: folder of its cached boxes
    model: nn.Module
    sizes_px: tuple[int, ...]  #: long sides; one pass each, results kept apart by size
    rows: dict[int, int]  #: its output row -> our class number


def letterbox(image: npt.NDArray[np.uint8], long_side_px: int) -> tuple[npt.NDArray[np.uint8], float, int, int]:
    """Scale a (H, W, 3) picture to `long_side_px`, pad to multiples of 32 with grey 114, centred.

    Returns:
        The padded picture, the scale, and the pixels of padding left and top.
    """
    height, width = image.shape[:2]
    scale = long_side_px / max(height, width)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    if (inner_w, inner_h) != (width, height):
        image = cv2.resize(image, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    outer_w, outer_h = -(-inner_w // 32) * 32, -(-inner_h // 32) * 32
    left, top = (outer_w - inner_w) // 2, (outer_h - inner_h) // 2
    canvas = np.full((outer_h, outer_w, 3), PAD, dtype=np.uint8)
    canvas[top : top + inner_h, left : left + inner_w] = image
    return canvas, scale, left, top


def to_tensor(canvas: npt.NDArray[np.uint8]) -> torch.Tensor:
    """(H, W, 3) uint8 BGR to (1, 3, H, W) float32 RGB, 0..1."""
    planes = np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1))
    return torch.from_numpy(planes)[None].float() / 255


@torch.inference_mode()
def find_boxes(
    model: nn.Module, image: npt.NDArray[np.uint8], long_side_px: int, min_confidence: float = MIN_CONFIDENCE
) -> npt.NDArray[np.float64]:
    """Boxes of a torch network on one picture, (n, 6): x1 y1 x2 y2 in the picture's pixels, confidence, row."""
    canvas, scale, left, top = letterbox(image, long_side_px)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(to_tensor(canvas).to(memory_format=torch.channels_last))
    raw = (output[0] if isinstance(output, tuple) else output).float()
    found = non_max_suppression(raw, min_confidence, NMS_OVERLAP, multi_label=True, max_det=300, max_time_img=5.0)
    boxes = found[0].double().numpy()
    boxes[:, [0, 2]] = ((boxes[:, [0, 2]] - left) / scale).clip(0, image.shape[1])
    boxes[:, [1, 3]] = ((boxes[:, [1, 3]] - top) / scale).clip(0, image.shape[0])
    return boxes


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Pixels of a photograph, (H, W, 3) uint8 BGR.

    Raises:
        TrainingError: the file is not a picture.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise TrainingError(f"{path}: not a picture that can be read; restore the file or leave it out.")
    return image  # type: ignore[return-value]


def cache_path(teacher: str, size_px: int, key: str) -> Path:
    """File of one picture's cached boxes by one teacher at one size."""
    return work_dir() / "teachers" / teacher / str(size_px) / f"{key}.npy"


def read_boxes(teacher: str, size_px: int, key: str) -> npt.NDArray[np.float64]:
    """Cached boxes (n, 6): x1 y1 x2 y2 as shares of the picture, confidence, our class number.

    Raises:
        TrainingError: this teacher has not seen this picture.
    """
    path = cache_path(teacher, size_px, key)
    if not path.is_file():
        raise TrainingError(f"Teacher {teacher} has no boxes for {key} at {size_px} px; run python -m training.teach.")
    boxes: npt.NDArray[np.float64] = np.load(path)
    return boxes


def teach(teacher: Teacher, pictures: Sequence[Picture]) -> Iterator[int]:
    """Cache what a teacher sees in pictures not yet cached; yields how many are done."""
    model = teacher.model.to(memory_format=torch.channels_last)
    for done, picture in enumerate(pictures, start=1):
        if picture.part == "val":
            raise TrainingError(f"{picture.path} is a validation picture; teachers may not see it.")
        image: npt.NDArray[np.uint8] | None = None
        for size_px in teacher.sizes_px:
            path = cache_path(teacher.name, size_px, picture.key)
            if path.is_file():
                continue
            image = read_picture(picture.path) if image is None else image
            boxes = find_boxes(model, image, size_px)
            boxes = boxes[np.isin(boxes[:, 5], list(teacher.rows))]
            boxes[:, 5] = [teacher.rows[int(row)] for row in boxes[:, 5]]
            boxes[:, :4] /= np.array([image.shape[1], image.shape[0]] * 2)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_suffix(".part").open("wb") as file:
                np.save(file, boxes)
            path.with_suffix(".part").rename(path)
        yield done


def starting_teachers() -> list[Teacher]:
    """The two networks that the data folder brings along."""
    return [
        Teacher(
            name="coco",
            model=coco_teacher(),
            sizes_px=(640, 896),
            rows={row: CLASS_INDEX[name] for row, name in COCO_TEACHER_ROWS.items()},
        ),
        Teacher(
            name="street5",
            model=street_teacher(),
            sizes_px=(416,),
            rows={row: CLASS_INDEX[name] for row, name in enumerate(STREET_TEACHER_CLASSES)},
        ),
    ]


def own_teacher(weights: Path, name: str, size_px: int) -> Teacher:
    """One of our own checkpoints as a teacher of a later stage."""
    rows = {index: index for index in range(len(CLASSES))}
    return Teacher(name=name, model=load_street_network(weights), sizes_px=(size_px,), rows=rows)


def main() -> None:
    """Cache the boxes of the starting teachers, or of one of our own checkpoints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--weights", type=Path, help="one of our own state dicts, as an extra teacher")
    options.add_argument("--name", default="stage", help="name under which its boxes are kept")
    options.add_argument("--size", type=int, default=640, help="long side it looks at, pixels")
    chosen = options.parse_args()
    use_threads()
    pictures = load_pictures(data_dir(), ("train", "dev"))
    teachers = [own_teacher(chosen.weights, chosen.name, chosen.size)] if chosen.weights else starting_teachers()
    for teacher in teachers:
        for done in teach(teacher, pictures):
            if done % 100 == 0 or done == len(pictures):
                print(f"{teacher.name}: {done} of {len(pictures)} pictures", flush=True)


if __name__ == "__main__":
    main()
