"""YOLO label text to arrays and back. Boxes are (class, cx, cy, w, h), the last four as shares of the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.places import TrainingError

Labels = npt.NDArray[np.float64]  # (n, 5): class, cx, cy, w, h; shares of width and height, 0..1


def no_labels() -> Labels:
    """An empty label array, (0, 5)."""
    return np.zeros((0, 5), dtype=np.float64)


def read_labels(path: Path) -> Labels:
    """Labels of one picture, (n, 5); an empty file is a picture with nothing to find.

    Raises:
        TrainingError: a line does not hold five numbers, or a box lies outside the picture.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = [float(word) for word in line.split()]
        except ValueError as error:
            raise TrainingError(f"{path}:{number}: not a number in {line!r}; expected 'class cx cy w h'.") from error
        if len(row) != 5 or not all(-0.001 <= value <= 1.001 for value in row[1:]):
            raise TrainingError(f"{path}:{number}: {line!r} is not 'class cx cy w h' with shares 0..1.")
        rows.append(row)
    return np.array(rows, dtype=np.float64) if rows else no_labels()


def write_labels(path: Path, labels: Labels) -> None:
    """Write labels (n, 5) as YOLO text, boxes cut at the picture's edge."""
    lines = [f"{int(row[0])} {row[1]:.6f} {row[2]:.6f} {row[3]:.6f} {row[4]:.6f}" for row in cut_at_edges(labels)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def cut_at_edges(labels: Labels) -> Labels:
    """The same labels with every box cut at the picture's edge and empty ones dropped."""
    if not len(labels):
        return labels
    low = np.clip(labels[:, 1:3] - labels[:, 3:5] / 2, 0, 1)
    high = np.clip(labels[:, 1:3] + labels[:, 3:5] / 2, 0, 1)
    cut = np.column_stack([labels[:, :1], (low + high) / 2, high - low])
    return cut[(cut[:, 3] > 0.001) & (cut[:, 4] > 0.001)]


def to_xyxy(labels: Labels, width: int, height: int) -> npt.NDArray[np.float64]:
    """Corner boxes (n, 4) x1 y1 x2 y2 in pixels of a `width` × `height` picture."""
    half = labels[:, 3:5] / 2
    size = np.array([width, height], dtype=np.float64)
    return np.hstack([(labels[:, 1:3] - half) * size, (labels[:, 1:3] + half) * size])


def from_xyxy(class_index: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64], width: int, height: int) -> Labels:
    """Labels (n, 5) from class numbers (n,) and corner boxes (n, 4) in pixels."""
    size = np.array([width, height, width, height], dtype=np.float64)
    share = boxes / size
    return np.column_stack([class_index, (share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]]).astype(
        np.float64
    )


def overlap(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of every pair of corner boxes: (n, 4) and (m, 4) give (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    area = (first[:, 2:] - first[:, :2]).prod(axis=1)[:, None] + (second[:, 2:] - second[:, :2]).prod(axis=1)[None]
    union = area - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)
