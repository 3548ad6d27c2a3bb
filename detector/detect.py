"""From a photo to detections: the one way in which a model is asked, by the service, the command and the evaluation."""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import supervision as sv

from detector.card import Card, find_version, read_card, read_model_bytes
from detector.letterbox import lay_in, read_out
from detector.session import Session

OVERLAP = 0.6  # IoU above which two boxes of one class are one object; heaps and bins stand close together
MOST_BOXES = 300  # in one picture


class Picture(Protocol):
    """Whatever has pixels: a photo, or a frame of a camera."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Give (H, W, 3) uint8 BGR, perhaps smaller than the original."""

    @property
    def width(self) -> int:
        """Give the original's width, pixels."""

    @property
    def height(self) -> int:
        """Give the original's height, pixels."""


class Detector:
    """A model that finds objects in photos.

    Example:
        >>> from detector import Detector, open_photo, shipped
        >>> detector = Detector.load(shipped("models/street"))
        >>> found = detector.detect(open_photo(shipped("datasets/demo/photos/heap_1.jpg")))
        >>> found.xyxy.shape[1]
        4
    """

    def __init__(self, card: Card, session: Session) -> None:
        self.card = card
        self._session = session

    @classmethod
    def load(cls, folder: str | Path, *, threads: int | None = None) -> "Detector":
        """Load a version folder, or the version that `folder`/CURRENT names.

        Args:
            threads: processor threads one run may use; None leaves it to onnxruntime.

        Raises:
            ModelRefused: no card, a card that contradicts itself, an artifact that is not the card's.
        """
        version = find_version(Path(folder))
        card = read_card(version)
        return cls(card, Session(read_model_bytes(version, card), card, threads=threads))

    @property
    def version(self) -> str:
        """Give the name and version as shown beside what it finds, e.g. `street/2026.11.23-4`."""
        return f"{self.card.name}/{self.card.version}"

    def detect(self, photo: Picture, *, min_confidence: float | None = None) -> sv.Detections:
        """Find the model's classes in a photo or a frame.

        Args:
            min_confidence: 0..1; None asks for all that could matter, the lowest review threshold of the card.

        Returns:
            Boxes in xyxy pixels of the *original* picture (after orientation), confidence 0..1, class_id in the order
            of the card, and `data["class_name"]`; surest first.
        """
        lowest = min(one.review for one in self.card.classes) if min_confidence is None else min_confidence
        blob, laid = lay_in(photo.pixels, self.card.model.input_px, self.card.model.stride)
        xyxy, confidence, class_id = read_out(
            self._session.run(blob), laid, min_confidence=lowest, overlap=OVERLAP, most=MOST_BOXES
        )
        return sv.Detections(
            xyxy=_to_original(xyxy, photo),
            confidence=confidence,
            class_id=class_id,
            data={"class_name": np.array([self.card.classes[index].name for index in class_id], dtype=str)},
        )


def _to_original(xyxy: npt.NDArray[np.float32], photo: Picture) -> npt.NDArray[np.float32]:
    """Scale boxes from the decoded pixels to the original picture; each axis apart, since decoders round up."""
    height, width = photo.pixels.shape[:2]
    across, down = photo.width / width, photo.height / height
    scaled = xyxy * np.array([across, down, across, down], dtype=np.float32)
    return np.clip(scaled, 0, [photo.width, photo.height, photo.width, photo.height]).astype(np.float32)
