"""The pictures that people look at: smaller, faces and plates hidden, what is wrong marked."""

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from api.settings import Settings
from detector import Certainty, Mark, Violation, draw
from detector.drawing import AMBER, RED
from detector.privacy import Boxes, Veil
from detector.taxonomy import Taxonomy

SHOWN_PX = 1600  # long side of the pictures that people look at
JPEG_QUALITY = 85
VEHICLES = ("car", "bus", "truck", "motorcycle")
PEOPLE = ("person",)
VEHICLE_CONFIDENCE = (
    0.1  # low: a plate is looked for on whatever might be a vehicle, a face on whatever might be somebody
)

Pixels = npt.NDArray[np.uint8]


class Painter:
    """Makes the pictures that people look at."""

    def __init__(self, settings: Settings, taxonomy: Taxonomy) -> None:
        """Load what finds faces and plates, unless the settings switch it off.

        Raises:
            NetworkMissing: it is not installed.
        """
        self._language, self._taxonomy = settings.language, taxonomy
        self._veil = Veil() if settings.privacy == "blur" else None

    def shown(self, pixels: Pixels, seen: sv.Detections, *, width: int, long_side_px: int = SHOWN_PX) -> Pixels:
        """Give a picture smaller, and with faces and plates hidden if the settings say so.

        Args:
            pixels: (H, W, 3) uint8 BGR.
            seen: what the model found from `VEHICLE_CONFIDENCE` up, boxes in pixels of a picture `width` wide.
        """
        small = shrunk(pixels, long_side_px)
        if self._veil is None:
            return small
        return self._veil.hide(small, *veiled_boxes(seen, small.shape[1] / width)).pixels

    def marked(self, shown: Pixels, violations: list[Violation], *, width: int) -> Pixels:
        """Give such a picture with what is wrong drawn on it, boxes in pixels of a picture `width` wide."""
        marks = [
            Mark(
                box=one.box,
                text=f"{self._taxonomy.name_of(one.code, self._language)} {one.confidence:.0%}",
                colour=RED if one.certainty is Certainty.automatic else AMBER,
            )
            for one in reversed(violations)  # the surest is drawn last, on top
        ]
        return draw(shown, marks, original_width=width)


def veiled_boxes(seen: sv.Detections, scale: float) -> tuple[Boxes, Boxes]:
    """Give (n, 4) boxes of the vehicles and of the people that the model found, `scale` times as large."""
    names = seen.data["class_name"]
    vehicles, people = (seen.xyxy[np.isin(names, classes)] * scale for classes in (VEHICLES, PEOPLE))
    return vehicles.astype(np.float32), people.astype(np.float32)


def shrunk(pixels: Pixels, long_side_px: int) -> Pixels:
    """Give a picture with a long side of at most so many pixels."""
    ratio = long_side_px / max(pixels.shape[:2])
    if ratio >= 1:
        return pixels
    size = (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def jpeg(pixels: Pixels) -> bytes:
    """Give a picture as a fresh JPEG without metadata."""
    made, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not made:
        raise RuntimeError(f"OpenCV could not encode {pixels.shape} as JPEG")
    return encoded.tobytes()


def rounded(box: list[float]) -> list[float]:
    """Give a box as captures keep it."""
    return [round(edge, 1) for edge in box]


def plain(violation: Violation) -> dict[str, object]:
    """Give a violation as captures keep it."""
    return {
        "class_code": violation.code,
        "confidence": round(violation.confidence, 4),
        "box": rounded(list(violation.box)),
        "certainty": violation.certainty,
        "reason": violation.reason,
    }
