"""What a closer look still finds in pictures whose faces and plates were hidden.

`python -m benchmarks.privacy FOLDER...` takes folders of photographs. Faces: the same network looks closer than the
service does (1920 px) and believes only what is plain (confidence .5); it knows of small faces that the service's size
misses, not of faces that the network cannot see at all. Plates: a closer look at each vehicle (640 px) finds lines in
the picture as it was and as it is shown, and PP-OCR reads them; what reads like a number plate counts.
"""

import argparse
import re
from importlib.metadata import files
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from rich.progress import track

from api.pictures import SHOWN_PX, VEHICLE_CONFIDENCE, veiled_boxes
from detector import Detector, open_photo
from detector.installation import shipped
from detector.privacy import Boxes, Pixels, Veil

CLOSE_FACE_PX = 1920
CLOSE_VEHICLE_PX = (640, 640)
PLAIN = 0.5
COVERED = 0.6  # of a reference face must lie under what was hidden
READER = "PP-OCRv6_rec_small.onnx"
READER_HIGH = 48
SURE = 0.7  # mean probability of the characters
PLATE = re.compile(r"(?=[A-Z0-9]*[0-9])[A-Z0-9]{5,}")


class Reader:
    """Reads lines of text, with the network that rapidocr carries."""

    def __init__(self) -> None:
        """Load the network and its characters."""
        path = next(one for one in files("rapidocr") or () if one.name == READER)
        self._session = ort.InferenceSession(str(path.locate()))
        known = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *known, " "]

    def read(self, line: Pixels) -> tuple[str, float]:
        """Give a line's text and how sure that is."""
        wide = max(READER_HIGH, round(line.shape[1] * READER_HIGH / line.shape[0]))
        fitted = cv2.resize(line, (wide, READER_HIGH), interpolation=cv2.INTER_CUBIC)
        blob = cv2.dnn.blobFromImage(fitted, 1 / 127.5, mean=(127.5, 127.5, 127.5))
        (steps,) = self._session.run(None, {"x": blob})[0]
        best = steps.argmax(axis=1)
        kept = [at for at, code in enumerate(best) if code and (at == 0 or code != best[at - 1])]
        text = "".join(self._characters[best[at]] for at in kept)
        return text, float(steps[kept, best[kept]].mean()) if kept else 0.0


def shown(path: Path, detector: Detector) -> tuple[Pixels, Boxes, Boxes]:
    """Give a photo as the service shows it, its vehicles and its people."""
    photo = open_photo(path.read_bytes(), name=path.name, at_least_px=SHOWN_PX)
    seen = detector.detect(photo, min_confidence=VEHICLE_CONFIDENCE)
    pixels, ratio = photo.pixels, SHOWN_PX / max(photo.pixels.shape[:2])
    if ratio < 1:
        pixels = cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return pixels, *veiled_boxes(seen, pixels.shape[1] / photo.width)


def plain_faces(pixels: Pixels, veil: Veil) -> Boxes:
    """Give the faces that a closer look is sure of."""
    scale = max(1.0, CLOSE_FACE_PX / max(pixels.shape[:2]))
    large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    found: Boxes = veil.find_faces(large, CLOSE_FACE_PX, least=PLAIN, margin=0.0) / scale  # type: ignore[arg-type]
    return found


def left_over(wanted: Boxes, hidden: Boxes, shape: tuple[int, ...]) -> int:
    """Count the boxes of which less than `COVERED` was hidden."""
    mask = np.zeros(shape[:2], np.uint8)
    for x1, y1, x2, y2 in hidden.astype(int):
        mask[y1:y2, x1:x2] = 1
    return sum(
        float(mask[y1:y2, x1:x2].mean()) < COVERED for x1, y1, x2, y2 in wanted.astype(int) if x2 > x1 and y2 > y1
    )


def readable_plates(pixels: Pixels, vehicles: Boxes, veil: Veil, reader: Reader) -> int:
    """Count the lines on vehicles that read like a number plate."""
    count = 0
    for x1, y1, x2, y2 in veil.find_plates(pixels, vehicles, CLOSE_VEHICLE_PX, least=PLAIN).astype(int):
        if y2 - y1 >= 4 and x2 - x1 >= 8:
            text, sure = reader.read(pixels[y1:y2, x1:x2])
            count += sure >= SURE and PLATE.search(re.sub(r"[\s·.\-]", "", text.upper())) is not None
    return count


def main() -> None:
    """Print a line for each folder."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folders", type=Path, nargs="+")
    folders = options.parse_args().folders
    detector, veil, reader = Detector.load(shipped("models/street")), Veil(), Reader()
    print(f"{'folder':40} pictures  plain faces  left  readable plates  left")
    for folder in folders:
        faces = faces_left = plates = plates_left = 0
        pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for path in track(pictures, description=str(folder)[-40:]):
            pixels, vehicles, people = shown(path, detector)
            hidden = veil.hide(pixels, vehicles, people)
            wanted = plain_faces(pixels, veil)
            faces += len(wanted)
            faces_left += left_over(wanted, hidden.faces, pixels.shape)
            plates += readable_plates(pixels, vehicles, veil, reader)
            plates_left += readable_plates(hidden.pixels, vehicles, veil, reader)
        print(
            f"{str(folder)[-40:]:40} {len(pictures):8} {faces:12} {faces_left:5} {plates:16} {plates_left:5}",
            flush=True,
        )


if __name__ == "__main__":
    main()
