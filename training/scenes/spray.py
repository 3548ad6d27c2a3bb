"""Sprayed scrawls, throw-ups and stuck-up adverts as pictures with alpha. Pure: numpy and Pillow.

Letters are our own skeletons (lines on a 4 x 6 grid), so no font is needed and every stroke can wobble.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Stroke = NDArray[np.float64]
Ink = tuple[int, int, int]

_SKELETONS = {
    "A": "00 26 40|12 32",
    "B": "00 06 36 44 33 03|33 42 30 00",
    "C": "45 26 04 02 20 41",
    "D": "00 06 26 44 42 20 00",
    "E": "46 06 00 40|03 33",
    "G": "45 26 04 02 20 41 43 23",
    "H": "00 06|03 43|46 40",
    "K": "06 00|46 03 40",
    "L": "06 00 40",
    "M": "00 06 23 46 40",
    "N": "00 06 40 46",
    "O": "20 02 04 26 44 42 20",
    "P": "00 06 36 44 33 03",
    "R": "00 06 36 44 33 03|23 40",
    "S": "45 26 05 13 33 41 20 01",
    "T": "06 46|26 20",
    "U": "06 02 20 42 46",
    "V": "06 20 46",
    "W": "06 10 24 30 46",
    "X": "00 46|06 40",
    "Y": "06 23 46|23 20",
    "Z": "06 46 00 40",
    "0": "20 02 04 26 44 42 20",
    "1": "14 26 20",
    "2": "05 26 44 00 40",
    "3": "05 26 44 23 42 20 01",
    "4": "30 36 02 42",
    "5": "46 06 03 33 42 20 01",
    "6": "36 13 02 20 41 32 03",
    "7": "06 46 20",
    "8": "23 04 26 44 23 02 20 42 23",
    "9": "42 20|44 26 04 13 33 44 42",
    "办": "14 34 32 20|26 24 00|03 12|43 42",
    "证": "06 15|04 14 10 21|16 46|36 30|33 43|24 20|10 40",
    "开": "05 45|02 42|15 12 00|35 30",
    "锁": "16 04|14 34|03 13|13 10 21|25 35|26 36|23 43|33 20|33 40",
    "!": "26 22|21 20",
}
_INKS: tuple[Ink, ...] = (
    (16, 16, 18),
    (16, 16, 18),
    (22, 22, 26),
    (20, 30, 120),
    (170, 16, 22),
    (190, 30, 30),
    (24, 110, 52),
    (232, 232, 228),
    (215, 60, 130),
    (90, 40, 130),
    (20, 120, 170),
    (225, 150, 20),
    (84, 86, 92),
)


def skeleton(letter: str) -> list[Stroke]:
    """Strokes of a letter, each (n, 2) with x 0..4 to the right and y 0..6 upwards."""
    return [np.array([[int(p[0]), int(p[1])] for p in part.split()], float) for part in _SKELETONS[letter].split("|")]


def smooth(points: Stroke, steps: int = 12, tension: float = 0.5) -> Stroke:
    """A Catmull-Rom curve through (n, 2) points; `tension` 0 keeps the corners."""
    if len(points) < 3:
        return np.linspace(points[0], points[-1], steps)
    padded = np.vstack([points[0], points, points[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        m0, m1 = (end - before) * tension, (after - start) * tension
        pieces.append(
            (2 * t**3 - 3 * t**2 + 1) * start
            + (t**3 - 2 * t**2 + t) * m0
            + (-2 * t**3 + 3 * t**2) * end
            + (t**3 - t**2) * m1
        )
    return np.vstack([*pieces, points[-1:]])


def lettering(words: str, rng: np.random.Generator, flow: float) -> list[Stroke]:
    """Strokes of a written word in letter-heights (y 0..1 upwards): slanted, uneven, `flow` 0..1 rounder."""
    slant, squeeze, x = rng.uniform(-0.1, 0.35), rng.uniform(0.75, 1.15), 0.0
    strokes = []
    for letter in words:
        size, lift = rng.normal(1, 0.09), rng.normal(0, 0.04)
        for stroke in skeleton(letter):
            points = (stroke + rng.normal(0, 0.22, stroke.shape)) / 6
            points = smooth(points * size, tension=0.25 + 0.45 * flow)
            strokes.append(np.c_[x + points[:, 0] * squeeze + points[:, 1] * slant, points[:, 1] + lift])
        x += (0.78 + rng.normal(0, 0.04)) * squeeze
    return strokes


def scribble(rng: np.random.Generator) -> list[Stroke]:
    """A meaningless flourish: loops, zigzags, a crossing out (letter-heights)."""
    turns = int(rng.integers(5, 14))
    steps = np.c_[np.linspace(0, rng.uniform(1, 2.4), turns), rng.uniform(0, 1, turns)]
    steps[:, 0] += rng.normal(0, 0.22, turns)
    return [smooth(steps, tension=rng.uniform(0.3, 0.9))]


class Canvas:
    """A picture with alpha onto which paint is sprayed; pixels, y down."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    def coat(self, cover: NDArray[np.float32], ink: Ink) -> None:
        """Lay ink over what is there, `cover` (H, W) 0..1."""
        cover = np.clip(cover, 0, 1)
        total = cover + self.alpha * (1 - cover)
        share = np.divide(cover, total, out=np.zeros_like(cover), where=total > 0)[..., None]
        self.rgb = self.rgb * (1 - share) + np.array(ink, np.float32) / 255 * share
        self.alpha = total

    def spray(
        self, strokes: Sequence[Stroke], width: float, ink: Ink, rng: np.random.Generator, soft: float = 0.3
    ) -> None:
        """Spray lines (pixels) `width` wide with a soft rim, overspray, uneven pressure and a few drips."""
        layer = Image.new("L", self.size)
        draw = ImageDraw.Draw(layer)
        for stroke in strokes:
            pressure = rng.uniform(0.8, 1.2)
            for start, end in pairwise(stroke):
                draw.line([tuple(start), tuple(end)], fill=255, width=max(1, round(width * pressure)))
                r = width * pressure / 2
                draw.ellipse([end[0] - r, end[1] - r, end[0] + r, end[1] + r], fill=255)
            if rng.random() < 0.22:
                x, y = stroke[rng.integers(len(stroke))]
                draw.line(
                    [(x, y), (x + rng.normal(0, 1), y + rng.uniform(2, 9) * width)],
                    fill=210,
                    width=max(1, int(width * 0.28)),
                )
        crisp = np.asarray(layer.filter(ImageFilter.GaussianBlur(max(0.6, width * soft * 0.35))), np.float32) / 255
        mist = np.asarray(layer.filter(ImageFilter.GaussianBlur(width * 0.9)), np.float32) / 255
        speck = rng.random(mist.shape, np.float32)
        self.coat(np.maximum(crisp * rng.uniform(0.86, 1.0), np.where(speck < mist * 0.35, mist * 0.55, 0)), ink)

    def fill(self, strokes: Sequence[Stroke], width: float, ink: Ink, rng: np.random.Generator) -> None:
        """Fat flat paint along lines: the body of bubble letters, not quite covering."""
        layer = Image.new("L", self.size)
        draw = ImageDraw.Draw(layer)
        for stroke in strokes:
            draw.line([tuple(p) for p in stroke], fill=255, width=round(width), joint="curve")
            for x, y in stroke[::3]:
                draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
        cover = np.asarray(layer.filter(ImageFilter.GaussianBlur(1.2)), np.float32) / 255
        self.coat(cover * (0.93 - 0.12 * rng.random(cover.shape, np.float32)), ink)

    def picture(self, fade: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """The picture, (H, W, 4) 0..1, worn off in blotches by `fade` 0..1."""
        coarse = Image.fromarray((rng.random((12, 24)) * 255).astype(np.uint8)).resize(
            self.size, Image.Resampling.BICUBIC
        )
        worn = 1 - fade * np.asarray(coarse, np.float32) / 255
        return np.dstack([self.rgb, self.alpha * worn]).astype(np.float32)


def _words(rng: np.random.Generator) -> str:
    if rng.random() < 0.35:
        # An advert's "certificates" with a number nobody can have: eight digits, the first a zero.
        return str(rng.choice(["办证", "开锁"])) + "0" + "".join(str(d) for d in rng.integers(0, 10, 7))
    letters = "ABCDEGHKLMNOPRSTUVWXYZ"
    return "".join(rng.choice(list(letters), int(rng.integers(3, 6)))) + str(rng.choice(["", "", "", "1", "!", "89"]))


def _fit(strokes: Sequence[Stroke], left: float, base: float, height: float) -> list[Stroke]:
    """Letter-heights to pixels: the word starts at `left`, stands on `base` (y down), letters `height` tall."""
    return [np.c_[left + s[:, 0] * height, base - s[:, 1] * height] for s in strokes]


def scrawl(rng: np.random.Generator, width: int = 900, height: int = 450) -> NDArray[np.float32]:
    """A cluster of sprayed writing, (height, width, 4) 0..1: tags, bubble letters, flourishes, phone numbers."""
    canvas = Canvas(width, height)
    if rng.random() < 0.45:
        _bubble(canvas, rng)
    for _ in range(int(rng.integers(1, 5))):
        strokes = lettering(_words(rng), rng, rng.random()) if rng.random() < 0.75 else scribble(rng)
        tall = height * rng.uniform(0.22, 0.5)
        span = max(float(s[:, 0].max()) for s in strokes) * tall
        tall *= min(1.0, width * 0.88 / max(span, 1))
        span = min(span, width * 0.88)
        left = rng.uniform(0.05 * width, max(0.06 * width, width * 0.95 - span))
        ink = _INKS[rng.integers(len(_INKS))]
        canvas.spray(_fit(strokes, left, rng.uniform(tall * 1.05, height * 0.9), tall), rng.uniform(5, 15), ink, rng)
    return canvas.picture(rng.uniform(0, 0.25), rng)


def _bubble(canvas: Canvas, rng: np.random.Generator) -> None:
    """A throw-up: fat rounded letters with an outline and a highlight."""
    width, height = canvas.size
    words = "".join(rng.choice(list("ABEGHKMORSUWZ"), int(rng.integers(3, 6))))
    tall = min(height * 0.6, width * 0.85 / (0.8 * len(words)))
    strokes = _fit(lettering(words, rng, 1.0), width * 0.07, height * 0.8, tall)
    inks = rng.permutation(len(_INKS))
    fat = tall * rng.uniform(0.2, 0.3)
    canvas.fill(strokes, fat * 1.5, _INKS[inks[0]], rng)
    canvas.fill(strokes, fat, _INKS[inks[1]], rng)
    canvas.spray(
        [s + np.array([-fat * 0.15, -fat * 0.2]) for s in strokes[::2]], max(2, fat * 0.07), (240, 240, 240), rng
    )


def advert(rng: np.random.Generator, width: int = 96, height: int = 136) -> NDArray[np.float32]:
    """A small stuck-up paper, (height, width, 4) 0..1: a headline and lines of unreadable print, torn corners."""
    papers = ((245, 243, 236), (248, 240, 200), (250, 215, 90), (235, 120, 120), (150, 205, 235), (250, 250, 250))
    sheet = Image.new("RGB", (width, height), papers[rng.integers(len(papers))])
    draw = ImageDraw.Draw(sheet)
    ink = ((190, 20, 20), (20, 20, 20), (20, 40, 140))[rng.integers(3)]
    draw.rectangle([width * 0.12, height * 0.08, width * 0.88, height * 0.2], fill=ink)
    for y in np.arange(0.28, 0.75, 0.07):
        draw.line([(width * 0.1, height * y), (width * rng.uniform(0.5, 0.9), height * y)], fill=(70, 70, 70), width=3)
    draw.rectangle([width * 0.1, height * 0.8, width * 0.9, height * 0.92], fill=ink)
    rgb = np.asarray(sheet, np.float32) / 255
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    torn = (x + y * rng.uniform(0.5, 2) < rng.uniform(0, 0.3)) | (2 - x - y < rng.uniform(0, 0.25))
    return np.dstack([rgb, np.where(torn, 0, 1)]).astype(np.float32)
