"""From our weights to an ONNX candidate that the detector can load, checked against torch on photographs.

`python -m training.export --weights STATE --input-px 640 --to FOLDER` writes model.onnx and a provisional
card, then compares both networks on non-square pictures and fails if they disagree.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import onnxslim
import torch
import yaml
from torch import nn
from ultralytics.utils.nms import non_max_suppression

from detector.durable import write_whole
from detector.letterbox import lay_in
from training.classes import CLASSES
from training.labels import overlap
from training.networks import load_street_network, use_threads
from training.places import TrainingError, data_dir
from training.sources import load_pictures
from training.teach import NMS_OVERLAP, read_picture

OPSET: Final = 17
MAX_BYTES: Final = 12_000_000
MAX_PIXELS_APART: Final = 2.0
MAX_CONFIDENCE_APART: Final = 0.02
CHECKED_CONFIDENCE: Final = 0.10  # boxes surer than this must have a twin


def write_onnx(model: nn.Module, path: Path) -> None:
    """Write a network as ONNX: input (batch, 3, h, w) float32 RGB 0..1, output (batch, 4 + 12, anchors), no NMS.

    Height, width (multiples of 32) and batch are free; batch norms are folded into the convolutions.

    Raises:
        TrainingError: the file is larger than a model may be.
    """
    model = model.eval().fuse(verbose=False).float()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    head = model.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    free = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that the check below proves right
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, 416, 640),),
            str(path),
            input_names=["images"],
            output_names=["output0"],
            opset_version=OPSET,
            dynamic_axes=free,
            do_constant_folding=True,
            dynamo=False,
        )
    head.export, head.dynamic, head.format = False, False, None
    slim = onnxslim.slim(onnx.load(path))
    slim.metadata_props.clear()
    onnx.checker.check_model(slim)
    onnx.save(slim, path)
    if path.stat().st_size > MAX_BYTES:
        raise TrainingError(f"{path} has {path.stat().st_size} bytes; a model may have {MAX_BYTES}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far torch and ONNX lie apart over all compared pictures."""

    pictures: int
    boxes: int
    pixels: float  #: largest distance of a corner coordinate, picture pixels at the model's input
    confidence: float  #: largest difference of a confidence
    unmatched: int  #: boxes of one without a twin in the other


def _boxes(raw: torch.Tensor) -> npt.NDArray[np.float64]:
    found = non_max_suppression(raw, CHECKED_CONFIDENCE, NMS_OVERLAP, max_det=300, max_time_img=5.0)[0]
    return found.double().numpy()


@torch.inference_mode()
def compare(
    model: nn.Module, session: onnxruntime.InferenceSession, pictures: list[npt.NDArray[np.uint8]], input_px: int
) -> Agreement:
    """Compare the boxes of both networks on pictures (H, W, 3) uint8 BGR, laid in as the detector does.

    A box right at the lowest confidence may fall out of one list by rounding; it is not counted as unmatched.
    """
    boxes, pixels, apart, lost = 0, 0.0, 0.0, 0
    for picture in pictures:
        blob, _ = lay_in(picture, input_px, 32)
        output = model(torch.from_numpy(blob))
        one = _boxes(output[0] if isinstance(output, tuple) else output)
        two = _boxes(torch.from_numpy(session.run(None, {"images": blob})[0]))
        boxes += len(one)
        for first, second in ((one, two), (two, one)):
            for box in first:
                same = second[second[:, 5] == box[5]]
                if len(same):
                    twin = same[overlap(box[None, :4], same[:, :4])[0].argmax()]
                    distance = float(np.abs(twin[:4] - box[:4]).max())
                    if distance < 20:
                        pixels, apart = max(pixels, distance), max(apart, float(abs(twin[4] - box[4])))
                        continue
                lost += bool(box[4] > CHECKED_CONFIDENCE + MAX_CONFIDENCE_APART)
    return Agreement(pictures=len(pictures), boxes=boxes, pixels=pixels, confidence=apart, unmatched=lost)


def check_agreement(agreement: Agreement) -> None:
    """Refuse a candidate whose ONNX does not say what torch says.

    Raises:
        TrainingError: boxes more than 2 px or confidences more than .02 apart, or a box without a twin.
    """
    if agreement.pixels > MAX_PIXELS_APART or agreement.confidence > MAX_CONFIDENCE_APART or agreement.unmatched:
        raise TrainingError(f"ONNX and torch disagree: {agreement}; do not ship this file.")


def provisional_card(path: Path, version: str, input_px: int) -> dict[str, object]:
    """A card that lets the detector load a candidate: no figures, cautious thresholds, everything unverified."""
    content = path.read_bytes()
    return {
        "name": "street",
        "version": version,
        "made_on": datetime.now(UTC).date(),
        "licence": "AGPL-3.0-only",
        "model": {
            "file": path.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "architecture": "YOLO11n",
            "input_px": input_px,
            "stride": 32,
        },
        "classes": [{"name": name, "automatic": 0.5, "review": 0.25, "standing": "unverified"} for name in CLASSES],
        "training": "Candidate, not judged yet.",
    }


def odd_shapes(paths: Sequence[Path], count: int = 24) -> list[npt.NDArray[np.uint8]]:
    """Some of the photographs, cut and squeezed to several aspect ratios, (H, W, 3) uint8 BGR."""
    pictures = []
    for number, path in enumerate(paths[:: max(1, len(paths) // count)][:count]):
        image = read_picture(path)
        height, width = image.shape[:2]
        if number % 3 == 0:
            image = image[: max(1, int(height * 0.6))]
        elif number % 3 == 1:
            image = image[:, : max(1, int(width * 0.55))]
        else:
            image = cv2.resize(image, (1280, 577))  # type: ignore[assignment]
        pictures.append(image)
    return pictures


def export_candidate(weights: Path, input_px: int, folder: Path, photographs: Sequence[Path]) -> Agreement:
    """Write `model.onnx` and a provisional card, checked against torch on photographs; the card comes last.

    Raises:
        TrainingError: ONNX does not say what torch says, or the file is too large.
    """
    path = folder / "model.onnx"
    write_onnx(load_street_network(weights), path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    agreement = compare(load_street_network(weights), session, odd_shapes(photographs), input_px)
    check_agreement(agreement)
    card = provisional_card(path, "candidate", input_px)
    write_whole(folder / "card.yaml", yaml.safe_dump(card, sort_keys=False))
    return agreement


def main() -> None:
    """Export a state dict as a candidate and check it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--weights", type=Path, required=True, help="one of our own state dicts")
    options.add_argument("--input-px", type=int, default=640, help="long side at serving, pixels")
    options.add_argument("--to", type=Path, required=True, help="folder of the candidate")
    chosen = options.parse_args()
    use_threads()
    photographs = [picture.path for picture in load_pictures(data_dir(), ("dev",))]
    agreement = export_candidate(chosen.weights, chosen.input_px, chosen.to, photographs)
    print(f"{chosen.to / 'model.onnx'}; torch and ONNX: {agreement}")


if __name__ == "__main__":
    main()
