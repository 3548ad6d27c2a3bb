"""Pixels to violations: open photos safely, ask the model, judge what it found, draw it. Usable alone.

No database, no HTTP, no torch. The names below are loaded when first used, so that importing the room costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detector.card import Card, Standing, read_card
    from detector.detect import Detector
    from detector.drawing import Mark, draw
    from detector.errors import DetectorError, ModelRefused, PhotoError, TaxonomyRefused
    from detector.installation import shipped
    from detector.photo import Photo, Position, open_photo
    from detector.rules import Certainty, Reason, Scene, Violation, judge
    from detector.taxonomy import Taxonomy, read_taxonomy

_HOME = {
    "card": ("Card", "Standing", "read_card"),
    "detect": ("Detector",),
    "drawing": ("Mark", "draw"),
    "errors": ("DetectorError", "ModelRefused", "PhotoError", "TaxonomyRefused"),
    "photo": ("Photo", "Position", "open_photo"),
    "rules": ("Certainty", "Reason", "Scene", "Violation", "judge"),
    "installation": ("shipped",),
    "taxonomy": ("Taxonomy", "read_taxonomy"),
}

__all__ = [
    "Card",
    "Certainty",
    "Detector",
    "DetectorError",
    "Mark",
    "ModelRefused",
    "Photo",
    "PhotoError",
    "Position",
    "Reason",
    "Scene",
    "Standing",
    "Taxonomy",
    "TaxonomyRefused",
    "Violation",
    "draw",
    "judge",
    "open_photo",
    "read_card",
    "read_taxonomy",
    "shipped",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"detector.{module}"), name)
    raise AttributeError(f"module 'detector' has no attribute {name!r}")
