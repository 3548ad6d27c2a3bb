"""Factories of model cards, of version folders and of what a model finds, for tests that need no trained model."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv
import yaml

from detector.card import Card, ClassMetrics, ModelClass, ModelFile, Standing

METRICS = ClassMetrics(source="street/val", pictures=100, boxes=200, map50=0.8, map50_95=0.5)

#: A network like a detector's that sees one box in every picture, of its second class and with confidence .9.
TWO_CLASSES = (Path(__file__).parent / "fixtures" / "two_classes.onnx").read_bytes()
NO_PICTURE = (Path(__file__).parent / "fixtures" / "no_picture.onnx").read_bytes()

CLASSES = ("exposed_garbage", "trash_bin", "overflowing_bin", "pothole", "graffiti", "tangled_cable")
CLASSES += ("person", "bicycle", "motorcycle", "car", "bus", "truck")


def model_class(
    name: str = "exposed_garbage",
    *,
    automatic: float = 0.6,
    review: float = 0.3,
    standing: Standing = Standing.verified,
    metrics: ClassMetrics | None = METRICS,
) -> ModelClass:
    return ModelClass(name=name, automatic=automatic, review=review, standing=standing, metrics=metrics)


def model_file(**changes: Any) -> ModelFile:
    return ModelFile(**({"sha256": "0" * 64, "bytes": 1, "architecture": "yolo11n", "input_px": 416} | changes))


def card(*, classes: list[ModelClass] | None = None, **changes: Any) -> Card:
    return Card(
        **(
            {
                "name": "street",
                "version": "test-1",
                "made_on": date(2026, 11, 23),
                "licence": "AGPL-3.0-only",
                "model": model_file(),
                "classes": classes or [model_class(name) for name in CLASSES],
                "training": "Made up for a test.",
            }
            | changes
        )
    )


def write_model(
    folder: Path,
    content: bytes = TWO_CLASSES,
    *,
    classes: tuple[str, ...] = ("exposed_garbage", "pothole"),
    model: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write a version folder: an artifact and a card that fits it, with what is asked changed in the card."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    said = card().model_dump(mode="json")
    said["classes"] = [model_class(name).model_dump(mode="json") for name in classes]
    said["model"] |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} | (model or {})
    (folder / "card.yaml").write_text(yaml.safe_dump(said | changes), encoding="utf-8")
    return folder


def found(*objects: tuple[str, float], of: Card | None = None, boxes: list[list[float]] | None = None) -> sv.Detections:
    """Give detections of (class, confidence), by default in boxes of 100×100 pixels side by side."""
    model = of or card()
    corners = boxes or [[100.0 * at, 10.0, 100.0 * at + 100.0, 110.0] for at in range(len(objects))]
    return sv.Detections(
        xyxy=np.array(corners, dtype=np.float32).reshape(-1, 4),
        confidence=np.array([confidence for _, confidence in objects], dtype=np.float32),
        class_id=np.array([model.index(name) for name, _ in objects], dtype=int),
        data={"class_name": np.array([name for name, _ in objects], dtype=str)},
    )
