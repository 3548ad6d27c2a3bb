"""How many faces and plates a closer look still finds in pictures whose faces and plates were hidden.

`python -m benchmarks.privacy FOLDER...` takes folders of photographs. The reference is the same networks, looking
closer than the service does (faces at 1920 px, vehicles at 640 px) and believing only what is plain (confidence .5): it
knows of small faces that the service's size misses, not of faces that the network cannot see at all.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from api.worker import SHOWN_PX, VEHICLE_CONFIDENCE, VEHICLES
from detector import Detector, open_photo
from detector.installation import shipped
from detector.privacy import Boxes, Pixels, Veil

CLOSE_FACE_PX = 1920
CLOSE_VEHICLE_PX = 640
PLAIN = 0.5
COVERED = 0.6  # of a reference box must lie under what was hidden


def shown(path: Path, detector: Detector) -> tuple[Pixels, Boxes]:
    """Give a photo as the service shows it, and its vehicles."""
    photo = open_photo(path.read_bytes(), name=path.name, at_least_px=SHOWN_PX)
    seen = detector.detect(photo, min_confidence=VEHICLE_CONFIDENCE)
    pixels, ratio = photo.pixels, SHOWN_PX / max(photo.pixels.shape[:2])
    if ratio < 1:
        pixels = cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    vehicles = seen.xyxy[np.isin(seen.data["class_name"], VEHICLES)] * (pixels.shape[1] / photo.width)
    return pixels, vehicles.astype(np.float32)


def left_over(wanted: Boxes, hidden: Boxes, shape: tuple[int, ...]) -> int:
    """Count the boxes of which less than `COVERED` was hidden."""
    mask = np.zeros(shape[:2], np.uint8)
    for x1, y1, x2, y2 in hidden.astype(int):
        mask[y1:y2, x1:x2] = 1
    return sum(
        float(mask[y1:y2, x1:x2].mean()) < COVERED for x1, y1, x2, y2 in wanted.astype(int) if x2 > x1 and y2 > y1
    )


def main() -> None:
    """Print a line for each folder."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folders", type=Path, nargs="+")
    folders = options.parse_args().folders
    detector, veil = Detector.load(shipped("models/street")), Veil()
    print(f"{'folder':40} pictures  plain faces  left  plain writing on vehicles  left")
    for folder in folders:
        faces = faces_left = plates = plates_left = 0
        pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for path in track(pictures, description=folder.name):
            pixels, vehicles = shown(path, detector)
            hidden = veil.hide(pixels, vehicles)
            large = pixels
            if max(pixels.shape[:2]) < CLOSE_FACE_PX:
                scale = CLOSE_FACE_PX / max(pixels.shape[:2])
                large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
            wanted = veil.find_faces(large, CLOSE_FACE_PX, least=PLAIN, margin=0.0) * (pixels.shape[1] / large.shape[1])
            faces += len(wanted)
            faces_left += left_over(wanted, hidden.faces, pixels.shape)
            writing = veil.find_plates(pixels, vehicles, CLOSE_VEHICLE_PX, least=PLAIN, margin=0.0)
            plates += len(writing)
            plates_left += left_over(writing, hidden.plates, pixels.shape)
        print(
            f"{str(folder)[-40:]:40} {len(pictures):8} {faces:12} {faces_left:5} {plates:26} {plates_left:5}",
            flush=True,
        )


if __name__ == "__main__":
    main()
