"""Whether two pictures are one, nearly one, or show the same scene. Pure: pixels in, numbers out; no learned network.

Three signals, from strict to loose: the bytes (SHA-256), a difference hash of 256 bits, and local features that
agree on one plane of the scene. The last finds a place again from another step of the walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

LOOKING_PX: Final = 480  # long side at which features are sought: finer ones are leaves and asphalt
FEATURES: Final = 400  # strongest kept
VOTING: Final = 64  # of these, strongest first, vote for candidates
RATIO: Final = 0.8  # Lowe's ratio test. Source: Lowe 2004, section 7.1
PLANE_PX: Final = 6.0  # how far from the plane's prediction a match may lie, at LOOKING_PX
#: Matches on one plane from which two pictures count as one scene. Set on train pictures only: of 7,200 pairs of
#: garbage with pothole or graffiti pictures none has more than 7, of 261 pairs of garbage pictures with file
#: numbers over 200 apart none more than 6.
SAME_SCENE: Final = 10
#: Enough for pictures whose file numbers lie close together: one walk takes a place twice.
SAME_SCENE_NEIGHBOURS: Final = 8

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


def shared_plane(one: Look, other: Look) -> int:
    """How many local features of two pictures match and agree on one plane of the scene; 0 below SAME_SCENE_NEIGHBOURS.

    Symmetric best matches that pass the ratio test, counted where a homography found by RANSAC maps them. A mark
    printed on both pictures counts as nothing.
    """
    if min(len(one.features), len(other.features)) < SAME_SCENE_NEIGHBOURS:
        return 0
    alike = one.features @ other.features.T  # cosine; squared distance is 2 - 2 × cosine
    rows = np.arange(len(alike))
    best = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[best] == rows
    nearest = alike[rows, best]
    alike[rows, best] = -1.0
    second = alike.max(axis=1)
    kept = np.flatnonzero(mutual & (1 - nearest < RATIO**2 * (1 - second)))
    if len(kept) < SAME_SCENE_NEIGHBOURS:
        return 0
    cv2.setRNGSeed(0)  # RANSAC draws at random; the same pair always gives the same count
    _, agreeing = cv2.findHomography(one.points[kept], other.points[best[kept]], cv2.RANSAC, PLANE_PX)
    if agreeing is None:
        return 0
    agreed = agreeing.ravel() > 0
    moved = np.linalg.norm(one.points[kept] - other.points[best[kept]], axis=1)[agreed]
    if len(moved) and np.median(moved) < MARK_PX and int((one.bits != other.bits).sum()) > MARK_BITS:
        return 0
    return int(agreed.sum())


def votes(one: Look, features: Floats, owners: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """For each of `count` pictures, how many of this one's strongest features it answers among the ten best, (count,).

    Args:
        one: the picture that asks.
        features: (m, 128) the strongest features of all pictures, one after the other.
        owners: (m,) which picture each belongs to, 0..count-1.
        count: number of pictures.
    """
    result = np.zeros(count, dtype=np.int64)
    if not len(one.features) or len(features) <= 10:
        return result
    alike = one.features[:VOTING] @ features.T
    for best in np.argpartition(-alike, 10, axis=1)[:, :10]:
        result[np.unique(owners[best])] += 1
    return result
