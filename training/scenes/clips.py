"""Clips of a street camera with known truth, laid together from plates: one frame every two seconds, each a key frame.

Needs no Blender: numpy, Pillow, OpenCV and PyAV. The plates come from `plates.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]


class Light(StrEnum):
    """By what light the camera sees."""

    day = "day"
    dusk = "dusk"
    lamps = "lamps"  # night in colour: street lamps, headlights of what moves
    infrared = "infrared"  # night as most cameras see it: grey, by their own lamp


EVERY_S = 2
NOISE_LEVELS = {Light.day: 2.2, Light.dusk: 3.0, Light.lamps: 5.0, Light.infrared: 5.0}  # standard deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A thing is in the picture for a while."""

    thing: str  #: name of a plate
    since_s: int
    until_s: int  #: exclusive
    aside_px: tuple[int, int] = (0, 0)  #: right and down from where the plate has it: stopped a little further on
    moving: bool = False  #: its headlights are on


class Trouble(StrEnum):
    """What may befall a camera."""

    turned = "turned"  # it looks elsewhere
    nudged = "nudged"  # a little aside: a twelfth of the picture
    covered = "covered"  # a hand or a bag before the lens

    @property
    def told_as(self) -> str:
        """What a watch should say of it."""
        return "covered" if self is Trouble.covered else "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Befalls:
    """Something is the matter with the camera for a while."""

    trouble: Trouble
    since_s: int
    until_s: int  #: exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What must be reported, once."""

    code: str
    zone: str
    also: tuple[str, ...] = ()  #: other names that are right: what has no learned name is new clutter
    since_s: float  #: it is there from here on
    until_s: float  #: and gone from here on; the clip's length if it stays
    due_s: float  #: the rule is broken from here on: `since_s` plus the zone's dwell

    @property
    def codes(self) -> tuple[str, ...]:
        """All names that are right."""
        return (self.code, *self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A street for some minutes."""

    name: str
    seconds: int
    shown: list[Shown] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    light: Light = Light.day
    rain: bool = False
    shake_px: float = 0.0  #: standard deviation of how far the wind moves the picture
    befalls: Befalls | None = None


def passing(cars: str, steps: int, since_s: int) -> list[Shown]:
    """A car drives through: one second at each of its places."""
    return [Shown(thing=f"{cars}_{k}", since_s=since_s + k, until_s=since_s + k + 1, moving=True) for k in range(steps)]


class Plates:
    """The cut-out things of a folder, and the empty street."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.empty = np.asarray(Image.open(folder / "empty.webp").convert("RGB"), dtype=np.float32)
        self.boxes: dict[str, list[float]] = {}
        self._at: dict[str, list[int]] = {}
        for name, entry in json.loads((folder / "plates.json").read_text()).items():
            self.boxes[name], self._at[name] = entry["box"], [int(value) for value in entry["at"]]
        self._cuts: dict[str, Pixels] = {}

    def together(self, things: list[Shown]) -> Pixels:
        """Give the street, (H, W, 3) float32 RGB, with the things in it, nearer ones in front of farther ones."""
        picture = self.empty.copy()
        height, width = picture.shape[:2]
        for one in sorted(things, key=lambda one: self.box_of(one)[3]):
            cut = self._cut(one.thing)
            left, top = (at + by for at, by in zip(self._at[one.thing], one.aside_px, strict=True))
            rows = slice(max(top, 0), min(top + cut.shape[0], height))
            columns = slice(max(left, 0), min(left + cut.shape[1], width))
            cut = cut[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            before = self.empty[rows, columns]
            shade = np.clip(cut[..., :3] / np.maximum(before, 4.0), 0.15, 1.25)
            picture[rows, columns] = np.where(cut[..., 3:] > 0, cut[..., :3], picture[rows, columns] * shade)
        return picture

    def box_of(self, one: Shown) -> list[float]:
        """Give where a thing is, x1, y1, x2, y2 in pixels."""
        return [value + one.aside_px[at % 2] for at, value in enumerate(self.boxes[one.thing])]

    def _cut(self, name: str) -> Pixels:
        if name not in self._cuts:
            self._cuts[name] = np.asarray(Image.open(self._folder / f"{name}.webp"), dtype=np.float32)
        return self._cuts[name]


def by_infrared(picture: Pixels) -> Pixels:
    """As an infrared camera sees it: grey, its own lamp bright in the middle and weak at the edges."""
    grey = picture @ np.array([0.5, 0.3, 0.2], np.float32)
    lamp = 0.28 + 0.42 * _pool(picture, 0.45, 0.6, 0.47, 0.45)
    return np.repeat((grey * lamp)[..., None], 3, axis=2).astype(np.float32)


def by_lamps(picture: Pixels, headlights: list[list[float]]) -> Pixels:
    """A street at night in colour: pools of warm light, and beams before what moves, whose boxes are given."""
    height, width = picture.shape[:2]
    lamps = 0.12 + 0.5 * _pool(picture, 0.3, 0.5, 0.22, 0.3) + 0.4 * _pool(picture, 0.7, 0.4, 0.2, 0.28)
    warm = picture * lamps[..., None] * np.array([1.0, 0.8, 0.52], np.float32)
    for x1, y1, x2, y2 in headlights:
        beam = _pool(picture, (x1 + x2) / 2 / width, (y2 + (y2 - y1) * 0.4) / height, (x2 - x1) / width * 0.7, 0.07)
        warm = warm + picture * 0.5 * beam[..., None]
        lens = _pool(picture, (x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width * 0.2, 0.03)
        warm = warm + 160.0 * lens[..., None]
    return warm.astype(np.float32)


def by_dusk(picture: Pixels) -> Pixels:
    """The last light: blue, and dim."""
    return (picture * np.array([0.36, 0.4, 0.52], np.float32)).astype(np.float32)


def in_rain(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Streaks that are elsewhere in each picture, and a veil."""
    height, width = picture.shape[:2]
    streaks = np.zeros((height, width), np.float32)
    for x, y, length in zip(
        rng.integers(0, width, 160), rng.integers(0, height, 160), rng.integers(8, 26, 160), strict=True
    ):
        cv2.line(streaks, (int(x), int(y)), (int(x + length * 0.15), int(y + length)), float(rng.uniform(10, 45)), 1)
    veil = float(picture.mean())
    return (0.8 * picture + 0.2 * veil + streaks[..., None]).astype(np.float32)


def _pool(picture: Pixels, x: float, y: float, wide: float, tall: float) -> NDArray[np.float32]:
    """Light that falls off from a point, (H, W) 0..1; all measures are shares of the picture's."""
    height, width = picture.shape[:2]
    across = np.exp(-(((np.linspace(0, 1, width) - x) / wide) ** 2))
    down = np.exp(-(((np.linspace(0, 1, height) - y) / tall) ** 2))
    return np.outer(down, across).astype(np.float32)


def frame_of(clip: Clip, plates: Plates, second: int) -> NDArray[np.uint8]:
    """Give (H, W, 3) uint8 RGB of one second: light that drifts, the sensor's noise, and what befalls the camera."""
    rng = np.random.default_rng([*clip.name.encode(), clip.seconds, second])
    there = [one for one in clip.shown if one.since_s <= second < one.until_s]
    picture = plates.together(there)
    picture *= 1 + 0.06 * np.sin(second / 37) + 0.01 * rng.normal()
    if clip.light is Light.infrared:
        picture = by_infrared(picture)
    elif clip.light is Light.lamps:
        picture = by_lamps(picture, [plates.box_of(one) for one in there if one.moving])
    elif clip.light is Light.dusk:
        picture = by_dusk(picture)
    if clip.rain:
        picture = in_rain(picture, rng)
    picture = _held(picture, clip, second, rng)
    noise = NOISE_LEVELS[clip.light] * rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None]
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _held(picture: Pixels, clip: Clip, second: int, rng: np.random.Generator) -> Pixels:
    """Give the picture as the camera is held at that second."""
    height, width = picture.shape[:2]
    now = clip.befalls if clip.befalls and clip.befalls.since_s <= second < clip.befalls.until_s else None
    if now is not None and now.trouble is Trouble.covered:
        blur = cv2.resize(cv2.resize(picture, (8, 5), interpolation=cv2.INTER_AREA), (width, height))
        return np.asarray(0.06 * blur + 14.0, dtype=np.float32)
    right, down = rng.normal(0, clip.shake_px, 2) if clip.shake_px else (0.0, 0.0)
    zoom = 1.0
    if now is not None and now.trouble is Trouble.nudged:
        right, down = right + width / 12, down + height / 20
    if now is not None and now.trouble is Trouble.turned:
        right, down, zoom = right - width * 0.55, down - height * 0.1, 1.25
    if (right, down, zoom) == (0.0, 0.0, 1.0):
        return picture
    matrix = np.array([[zoom, 0, right], [0, zoom, down]], dtype=np.float64)
    return np.asarray(
        cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
        dtype=np.float32,
    )


def write(clip: Clip, plates: Plates, path: Path, *, width_px: int | None = None, crf: int = 23) -> Path:
    """Write the clip as H.264, one frame every EVERY_S seconds.

    Args:
        width_px: of the clip; the plates' own if not said.
        crf: x264's quality, 0 to 51; higher is smaller and worse.
    """
    height, width = plates.empty.shape[:2]
    if width_px is not None:
        width, height = width_px, round(width_px * height / width / 2) * 2
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=Fraction(1, EVERY_S))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": str(crf), "x264-params": "keyint=1:log-level=none"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        for second in range(0, clip.seconds, EVERY_S):
            picture = frame_of(clip, plates, second)
            if width_px is not None:
                picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = second * 90_000, Fraction(1, 90_000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path
