"""Clips of a street camera with known truth, laid together from plates: one frame a second, each a key frame.

Needs no Blender: numpy, Pillow and PyAV. The plates come from `plates.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A thing is in the picture for a while."""

    thing: str  #: name of a plate
    since_s: int
    until_s: int  #: exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What must be reported, once."""

    code: str
    zone: str
    since_s: float  #: it is there from here on
    until_s: float  #: and gone from here on; the clip's length if it stays
    due_s: float  #: the rule is broken from here on: `since_s` plus the zone's dwell


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A street for some minutes."""

    name: str
    seconds: int
    shown: list[Shown] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    night: bool = False  #: as an infrared camera sees it


def passing(cars: str, steps: int, since_s: int) -> list[Shown]:
    """A car drives through: one second at each of its places."""
    return [Shown(thing=f"{cars}_{k}", since_s=since_s + k, until_s=since_s + k + 1) for k in range(steps)]


class Plates:
    """The cut-out things of a folder, and the empty street."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.empty = np.asarray(Image.open(folder / "empty.png").convert("RGB"), dtype=np.float32)
        self.boxes: dict[str, list[float]] = {}
        self._at: dict[str, list[int]] = {}
        for name, entry in json.loads((folder / "plates.json").read_text()).items():
            self.boxes[name], self._at[name] = entry["box"], [int(value) for value in entry["at"]]
        self._cuts: dict[str, Pixels] = {}

    def together(self, things: list[str]) -> Pixels:
        """Give the street, (H, W, 3) float32 RGB, with the things in it, nearer ones in front of farther ones."""
        picture = self.empty.copy()
        for name in sorted(things, key=lambda one: self.boxes[one][3]):
            cut = self._cut(name)
            left, top = self._at[name]
            there = np.s_[top : top + cut.shape[0], left : left + cut.shape[1]]
            shade = np.clip(cut[..., :3] / np.maximum(self.empty[there], 4.0), 0.15, 1.25)
            picture[there] = np.where(cut[..., 3:] > 0, cut[..., :3], picture[there] * shade)
        return picture

    def _cut(self, name: str) -> Pixels:
        if name not in self._cuts:
            self._cuts[name] = np.asarray(Image.open(self._folder / f"{name}.png"), dtype=np.float32)
        return self._cuts[name]


def by_night(picture: Pixels) -> Pixels:
    """As an infrared camera sees it: grey, its own lamp bright in the middle and weak at the edges."""
    height, width = picture.shape[:2]
    grey = picture @ np.array([0.5, 0.3, 0.2], np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lamp = 0.28 + 0.42 * np.exp(-((x + 0.1) ** 2 / 0.9 + (y - 0.2) ** 2 / 0.8))
    return np.repeat((grey * lamp)[..., None], 3, axis=2).astype(np.float32)


def frame_of(clip: Clip, plates: Plates, second: int) -> NDArray[np.uint8]:
    """Give (H, W, 3) uint8 RGB of one second: light that drifts, and the sensor's noise."""
    rng = np.random.default_rng([len(clip.name), clip.seconds, second])
    picture = plates.together([one.thing for one in clip.shown if one.since_s <= second < one.until_s])
    picture *= 1 + 0.06 * np.sin(second / 37) + 0.01 * rng.normal()
    if clip.night:
        picture = by_night(picture)
    noise = rng.normal(0, 5.0 if clip.night else 2.2, picture.shape[:2])[..., None]
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def write(clip: Clip, plates: Plates, path: Path) -> Path:
    """Write the clip as H.264, one frame a second."""
    height, width = plates.empty.shape[:2]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "23", "x264-params": "keyint=1:log-level=none"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        for second in range(clip.seconds):
            frame = av.VideoFrame.from_ndarray(frame_of(clip, plates, second), format="rgb24")
            frame.pts, frame.time_base = second * 90_000, Fraction(1, 90_000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path
