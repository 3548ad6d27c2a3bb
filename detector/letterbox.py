"""From a picture to the model's input and from its output back to boxes on the picture. Pure: no files, no session."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PAD_GREY = 114  # the grey YOLO models are trained to see beyond the picture's edge
#: Shrinking further than this, pixels are averaged: linear interpolation looks at four of them and takes grain for
#: texture. Measured on 60 photos enlarged to 12 megapixels with sensor noise: confidence moved by .017, not by .083.
AREA_BELOW = 0.5
MAX_CANDIDATES = 30_000  # before suppression, surest first; the same bound as Ultralytics' `max_nms`


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """How a picture of `width`×`height` was laid into the model's input."""

    width: int  #: of the picture laid in, pixels
    height: int  #: of the picture laid in, pixels
    across: float  #: input pixels per picture pixel, along the width
    down: float  #: input pixels per picture pixel, along the height; whole pixels make the two differ a little
    left: int  #: grey columns before the picture
    top: int  #: grey rows before the picture


def lay_in(pixels: npt.NDArray[np.uint8], input_px: int, stride: int) -> tuple[Floats, Letterbox]:
    """Scale the long side to `input_px`, centre on grey, pad each side up to a multiple of `stride`.

    Args:
        pixels: (H, W, 3) uint8 BGR.

    Returns:
        blob: (1, 3, h, w) float32 RGB in 0..1, h and w multiples of `stride` and at most `input_px` rounded up.
        box: how to come back.
    """
    height, width = pixels.shape[:2]
    ratio = input_px / max(height, width)
    new_width, new_height = max(1, round(width * ratio)), max(1, round(height * ratio))
    if (new_width, new_height) != (width, height):
        how = cv2.INTER_AREA if ratio < AREA_BELOW else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (new_width, new_height), interpolation=how)  # type: ignore[assignment]
    full_width, full_height = -(-new_width // stride) * stride, -(-new_height // stride) * stride
    left, top = (full_width - new_width) // 2, (full_height - new_height) // 2
    canvas = np.full((full_height, full_width, 3), PAD_GREY, dtype=np.uint8)
    canvas[top : top + new_height, left : left + new_width] = pixels
    blob = cv2.dnn.blobFromImage(canvas, scalefactor=1 / 255, swapRB=True)
    across, down = new_width / width, new_height / height
    laid = Letterbox(width=width, height=height, across=across, down=down, left=left, top=top)
    return blob.astype(np.float32, copy=False), laid


def read_out(
    output: Floats, laid: Letterbox, *, min_confidence: float, overlap: float, most: int
) -> tuple[Floats, Floats, npt.NDArray[np.int_]]:
    """Turn the model's raw output into boxes on the picture that was laid in, surest first.

    A place may be given under several classes, each with its confidence: a bin that is .5 overflowing and .6 plain is
    worth a look, which keeping only the likelier name would hide. `rules.judge` names each place once.

    Args:
        output: (4 + classes, candidates) float32: centre x, centre y, width, height in input pixels, then scores 0..1.
        min_confidence: candidates under it are dropped.
        overlap: of two boxes of one class with a larger IoU, the less sure one is dropped.
        most: no more boxes than this are given.

    Returns:
        xyxy (N, 4) float32 pixels inside the picture, confidence (N,) float32, class_id (N,) int.
    """
    scores = output[4:]
    class_id, candidate = np.nonzero(scores >= min_confidence)
    confidence = scores[class_id, candidate]
    if len(candidate) > MAX_CANDIDATES:
        surest = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
        class_id, candidate, confidence = class_id[surest], candidate[surest], confidence[surest]
    centre_x, centre_y, width, height = output[:4, candidate]
    corners = np.stack(
        [centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2], axis=1
    )
    chosen = _suppress(corners, confidence, class_id, overlap)[:most]
    xyxy = (corners[chosen] - [laid.left, laid.top] * 2) / ([laid.across, laid.down] * 2)
    np.clip(xyxy, 0, [laid.width, laid.height, laid.width, laid.height], out=xyxy)
    return xyxy.astype(np.float32), confidence[chosen].astype(np.float32), class_id[chosen].astype(int)


def _suppress(xyxy: Floats, confidence: Floats, class_id: npt.NDArray[np.int_], overlap: float) -> npt.NDArray[np.int_]:
    """Give the indices of the boxes that survive non-maximum suppression within each class, surest first."""
    if not len(xyxy):
        return np.empty(0, dtype=int)
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    survivors = np.asarray(
        cv2.dnn.NMSBoxesBatched(xywh.tolist(), confidence.tolist(), class_id.tolist(), 0.0, overlap), dtype=int
    ).ravel()
    return survivors[np.argsort(-confidence[survivors], kind="stable")]
