"""Whether two pictures are one, nearly one, or show the same scene. Pure: pixels in, numbers out; no learned network.

Three signals, from strict to loose: the bytes (SHA-256), a difference hash of 256 bits, and local features that
agree on one plane of the scene. The last finds a place again from another step of the walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

LOOKING_PX: Final = 480  # long side at which features are sought: finer ones are leaves and asphalt
FEATURES: Final = 400  # strongest kept
VOTING: Final = 64  # of these, strongest first, choose candidates
ALIKE: Final = 0.8  # cosine below which two features have nothing to say to each other
RATIO: Final = 0.8  # Lowe's ratio test. Source: Lowe 2004, section 7.1
PLANE_PX: Final = 6.0  # how far from the plane's prediction a match may lie, at LOOKING_PX
#: Hashes this close show the same view. Looser bars, such as the 60 bits by which scenes are joined, also meet where
#: both have black borders: of 207 train pairs of graffiti between 40 and 60 bits none shares a feature.
NEAR_DUPLICATE_BITS: Final = 30
#: Matches on one plane, and cells of a 10 × 10 grid that they lie in, from which two pictures count as one scene. Set
#: on train pictures only. Of 7,200 pairs of a garbage with a pothole or graffiti picture none has more than 7 matches.
#: Of twelve garbage pairs with 10 matches and more, file numbers over 25 apart, all looked at, four show different
#: places (the same sign on two bins, a camera's date) in 6 cells at most; of the eight true ones four lie in 7 and
#: more. The bar rather misses a scene than invents one: what is found is a lower bound.
SAME_SCENE: Final = (10, 7)
#: Enough for pictures whose file numbers lie close together: one walk takes a place twice.
#: Of eight such train pairs below the other bar, looked at, seven show one place, the eighth a web page's mark.
SAME_SCENE_NEIGHBOURS: Final = (8, 4)
GRID: Final = 10
#: A stock mark is printed at the same place of pictures that share nothing else: matches that hardly move, in
#: pictures whose hashes differ by more than this, are taken for one. Unrelated pictures differ by 90 and more.
MARK_BITS: Final = 75
MARK_PX: Final = 4.0  # a mark moves less than this between pictures scaled to LOOKING_PX

Bits = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is kept of a picture to compare it by."""

    bits: Bits  #: (256,) difference hash
    layout: Floats  #: (192,) colours of an 8 × 8 miniature in Lab, mean taken away, length 1
    points: Floats  #: (n, 2) x y of local features, pixels at LOOKING_PX, strongest first
    features: Floats  #: (n, 128) RootSIFT, each of length 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """What two pictures have in common on one plane of the scene."""

    agreeing: int  #: matches that the plane explains
    cells: int  #: of the GRID × GRID cells these lie in, in the picture where they are fewer

    def reaches(self, bar: tuple[int, int]) -> bool:
        """Whether it is as much as one of the bars above asks for."""
        return self.agreeing >= bar[0] and self.cells >= bar[1]


NOTHING: Final = Plane(agreeing=0, cells=0)


def look_at(pixels: npt.NDArray[np.uint8], *, features: bool = True) -> Look:
    """Take in a picture.

    Args:
        pixels: (H, W, 3) uint8 BGR.
        features: False leaves the local features out, which cost 20 to 90 ms.
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    points, described = _local(grey) if features else (np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    return Look(bits=difference_bits(grey), layout=_layout(pixels), points=points, features=described)


def difference_bits(grey: npt.NDArray[np.uint8]) -> Bits:
    """(256,) bool: whether each cell of a 17 × 16 miniature is brighter than its left neighbour."""
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits: Bits = (small[:, 1:] > small[:, :-1]).ravel()
    return bits


def _layout(pixels: npt.NDArray[np.uint8]) -> Floats:
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    cells = cv2.resize(cv2.cvtColor(small, cv2.COLOR_BGR2LAB), (8, 8), interpolation=cv2.INTER_AREA)
    centred = cells.reshape(-1, 3).astype(np.float32)
    centred -= centred.mean(axis=0)
    length = float(np.linalg.norm(centred))
    layout: Floats = (centred / length if length > 0 else centred).ravel()
    return layout


def _local(grey: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Points (n, 2) and RootSIFT (n, 128), strongest first. Source: Arandjelović and Zisserman 2012."""
    scale = LOOKING_PX / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    found, described = cv2.SIFT.create(FEATURES).detectAndCompute(grey, None)
    if described is None or not found:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    order = np.argsort([-one.response for one in found], kind="stable")[:FEATURES]
    points = np.array([one.pt for one in found], dtype=np.float32)[order]
    shares = described[order] / np.maximum(described[order].sum(axis=1, keepdims=True), 1.0)
    return points, np.sqrt(shares).astype(np.float32)


def shared_plane(one: Look, other: Look) -> Plane:
    """How much of two pictures matches and agrees on one plane of the scene.

    Symmetric best matches that pass the ratio test, counted where a homography found by RANSAC maps them. A mark
    printed on both pictures counts as nothing, and so do fewer matches than SAME_SCENE_NEIGHBOURS asks for.
    """
    fewest = SAME_SCENE_NEIGHBOURS[0]
    if min(len(one.features), len(other.features)) < fewest:
        return NOTHING
    alike = one.features @ other.features.T  # cosine; squared distance is 2 - 2 × cosine
    rows = np.arange(len(alike))
    best = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[best] == rows
    nearest = alike[rows, best]
    alike[rows, best] = -1.0
    second = alike.max(axis=1)
    kept = np.flatnonzero(mutual & (1 - nearest < RATIO**2 * (1 - second)))
    if len(kept) < fewest:
        return NOTHING
    here, there = one.points[kept], other.points[best[kept]]
    cv2.setRNGSeed(0)  # RANSAC draws at random; the same pair always gives the same count
    agreeing: Any
    _, agreeing = cv2.findHomography(here, there, cv2.RANSAC, PLANE_PX)
    if agreeing is None or not agreeing.any():
        return NOTHING
    here, there = here[agreeing.ravel() > 0], there[agreeing.ravel() > 0]
    moved = np.linalg.norm(here - there, axis=1)
    if np.median(moved) < MARK_PX and int((one.bits != other.bits).sum()) > MARK_BITS:
        return NOTHING
    return Plane(agreeing=len(here), cells=min(_cells(here), _cells(there)))


def _cells(points: Floats) -> int:
    """How many cells of the grid points (n, 2) lie in."""
    return len(np.unique((points * GRID / LOOKING_PX).astype(np.int64), axis=0))


def strongest(pictures: Sequence[Look]) -> Floats:
    """The VOTING strongest features of each picture, (n, VOTING, 128); missing ones are zero and like nothing."""
    stacked = np.zeros((len(pictures), VOTING, 128), dtype=np.float32)
    for index, one in enumerate(pictures):
        some = one.features[:VOTING]
        stacked[index, : len(some)] = some
    return stacked


def likeness(one: Look, features: Floats) -> Floats:
    """How well each of n pictures answers this one's strongest features, (n,); only good for ranking candidates.

    Args:
        one: the picture that asks.
        features: (n, VOTING, 128) as `strongest` gives them.
    """
    asked = one.features[:VOTING]
    alike = features.reshape(-1, 128) @ asked.T  # (n × VOTING, asked)
    best = alike.reshape(len(features), VOTING, len(asked)).max(axis=1)
    answered: Floats = np.clip(best - ALIKE, 0, None).sum(axis=1)
    return answered
