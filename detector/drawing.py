"""Draw boxes and labels on a picture, Chinese included. Pure but for the font, which comes with a package."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import files

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from detector.rules import Box

Colour = tuple[int, int, int]

RED: Colour = (200, 30, 45)  # opens an issue by itself; white text on it has contrast 5.9:1
AMBER: Colour = (168, 92, 0)  # a person is asked; 5.3:1
SLATE: Colour = (60, 80, 105)  # an object that is no violation; 8.3:1

_FONT_PACKAGE = "manimgx-fonts-cjk"  # Noto Sans CJK under the OFL, so that no system font is needed
_SIMPLIFIED_CHINESE = 2  # its face in the collection
_WEIGHT = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A box to draw with its label."""

    box: Box  #: x1, y1, x2, y2 in pixels of the original picture
    text: str
    colour: Colour = SLATE


@lru_cache(maxsize=8)
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Give the label font at a height in pixels."""
    collection = next(one for one in files(_FONT_PACKAGE) or () if one.name.endswith(".ttc"))
    face = ImageFont.truetype(str(collection.locate()), size_px, index=_SIMPLIFIED_CHINESE)
    face.set_variation_by_axes([_WEIGHT])
    return face


def draw(pixels: npt.NDArray[np.uint8], marks: list[Mark], *, original_width: int) -> npt.NDArray[np.uint8]:
    """Give a copy of the picture with the marks on it, the last mark on top.

    Args:
        pixels: (H, W, 3) uint8 BGR, perhaps smaller than the original.
        original_width: in whose pixels the marks' boxes are.

    Returns:
        (H, W, 3) uint8 BGR of the same size.
    """
    height, width = pixels.shape[:2]
    ratio = width / original_width
    stroke = max(2, round(max(height, width) / 400))
    face = font(max(12, round(max(height, width) / 45)))
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    pen = ImageDraw.Draw(image)
    for mark in marks:
        x1, y1, x2, y2 = (value * ratio for value in mark.box)
        pen.rectangle((x1, y1, x2, y2), outline=mark.colour, width=stroke)
        _label(pen, mark, (x1, y1), (width, height), face)
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def _label(
    pen: ImageDraw.ImageDraw,
    mark: Mark,
    at: tuple[float, float],
    size: tuple[int, int],
    face: ImageFont.FreeTypeFont,
) -> None:
    """Write the label above the box, or inside it where there is no room; never beyond the picture's edge."""
    if not mark.text:
        return
    x1, y1 = at
    width, height = size
    pad = max(2, face.size // 5)
    _, _, text_width, text_height = face.getbbox(mark.text)
    tall, wide = text_height + 2 * pad, text_width + 2 * pad
    left = max(0.0, min(x1, width - wide))
    top = y1 - tall if y1 >= tall else min(max(y1, 0.0), height - tall)
    pen.rectangle((left, top, left + wide, top + tall), fill=mark.colour)
    pen.text((left + pad, top + pad), mark.text, font=face, fill=(255, 255, 255))
