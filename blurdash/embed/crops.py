"""What recognisers are shown of a canvas: each crop as whoever published it cuts it."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from blurdash.canvas import Box, Picture

__all__ = [
    "CROP_KINDS",
    "CropPlan",
    "arcface_crop",
    "area_resized",
    "chip_plan",
    "crop_corners",
    "dlib_chip",
    "native_crop",
    "native_plan",
    "widened_crop",
    "widened_plan",
]

# Where ArcFace's training pictures have eyes, nose tip and mouth corners, px of 112 × 112.
ARCFACE_POINTS = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
ARCFACE_SIDE = 112


# Where dlib's chip has the five landmarks, as shares of a face without padding.
CHIP_POINTS = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)


CROP_KINDS = ("chip", "bilinear", "bilinear down first", "area")  # in the order of wasm/crops.c


class CropPlan(NamedTuple):
    """How a crop is cut from any canvas of one face: what ``crop`` does, as numbers alone.

    A browser can follow it (``wasm/crops.c`` in the repository) and gets the same crop to the last
    bit.

    Attributes:
        kind: One of ``CROP_KINDS``: dlib's, Pillow's or OpenCV's way to make smaller; ``bilinear
            down first`` where Pillow takes columns before rows.
        box: Left, top, width, height of what is cut out; whole px.
        side: Of the crop, px.
        levels: How often a chip's box is halved before it is sampled.
        grid: Where a chip's first sample lies in what was halved, the step from one to the next
            across, and down; x and y each.
    """

    kind: str
    box: tuple[int, int, int, int]
    side: int
    levels: int = 0
    grid: tuple[float, ...] = ()


def crop_corners(plan: CropPlan) -> tuple[tuple[float, float], ...]:
    """Returns where a crop's corners lie on the canvas, px: from its left upper one on, clockwise.

    Args:
        plan: How it is cut.

    Example:
        >>> crop_corners(CropPlan("bilinear", (10, 20, 30, 40), 160))
        ((10, 20), (40, 20), (40, 60), (10, 60))
    """
    left, top, width, height = plan.box
    right, bottom = left + width, top + height
    if not plan.grid:
        return (left, top), (right, top), (right, bottom), (left, bottom)
    x, y, *steps = plan.grid
    (ax, ay), (dx, dy) = ((plan.side * one, plan.side * two) for one, two in (steps[:2], steps[2:]))
    corners = ((x, y), (x + ax, y + ay), (x + ax + dx, y + ay + dy), (x + dx, y + dy))
    halved = 2**plan.levels
    return tuple((left + one * halved, top + two * halved) for one, two in corners)


def native_crop(canvas: Picture, box: Box, side: int = 160) -> Picture:
    """Returns the crop that facenet-pytorch's MTCNN makes of this box, resized.

    Conventions:
        As it cuts a Pillow picture: edges are cut to whole px, and Pillow's bilinear filter
        averages. An array it would resize otherwise, at a cosine of 0.964 from this.

    Args:
        canvas: uint8 RGB ``(H, W, 3)``.
        box: Left, top, right, bottom; px.
        side: Of the crop, px.

    Returns:
        uint8 RGB ``(side, side, 3)``.

    Example:
        >>> native_crop(np.zeros((300, 300, 3), np.uint8), (50.0, 60.0, 150.0, 190.0)).shape
        (160, 160, 3)

    References:
        facenet-pytorch ``extract_face`` with ``image_size=160, margin=0``, the default of its
        ``MTCNN``; its path for Pillow pictures.
    """
    part = Image.fromarray(_cut(canvas, _native_cut(box, canvas.shape[:2])))
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR), np.uint8)


def native_plan(box: Box, side: int = 160, size: tuple[int, int] = (1024, 1024)) -> CropPlan:
    """Returns how ``native_crop`` cuts a canvas.

    Args:
        box: As for ``native_crop``.
        side: As for ``native_crop``.
        size: Height and width of the canvas, px.

    Example:
        >>> native_plan((50.9, 60.0, 150.2, 190.0)).box
        (50, 60, 100, 130)
    """
    cut = _native_cut(box, size)
    kind = "bilinear down first" if _goes_down_first(cut[2], cut[3], side) else "bilinear"
    return CropPlan(kind, cut, side)


def _native_cut(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    height, width = size
    x, y = int(max(left, 0)), int(max(top, 0))
    return x, y, int(min(right, width)) - x, int(min(bottom, height)) - y


@functools.lru_cache(maxsize=256)
def _goes_down_first(width: int, height: int, side: int) -> bool:
    """Whether this release of Pillow takes columns before rows: it rounds in between."""
    if width < 1 or height < 1:
        return False
    noise = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    picture, way = Image.fromarray(noise), Image.Resampling.BILINEAR
    both = np.asarray(picture.resize((side, side), way))
    down_first = picture.resize((width, side), way).resize((side, side), way)
    return bool(np.array_equal(both, np.asarray(down_first)))


def _cut(canvas: Picture, box: tuple[int, int, int, int]) -> Picture:
    x, y, width, height = box
    return np.ascontiguousarray(canvas[y : y + height, x : x + width])


def widened_crop(canvas: Picture, box: Box, wider: float, side: int) -> Picture:
    """Returns what a box shows that is made larger around its middle, resized.

    Args:
        canvas: uint8 RGB ``(H, W, 3)``.
        box: Left, top, right, bottom; px. What lies outside of the canvas is left out.
        wider: By what share of its own size it is made larger.
        side: Of the crop, px.

    Returns:
        uint8 RGB ``(side, side, 3)``.

    Example:
        >>> canvas = np.zeros((300, 300, 3), np.uint8)
        >>> widened_crop(canvas, (50.0, 60.0, 150.0, 190.0), 0.4, 224).shape
        (224, 224, 3)
    """
    return area_resized(_cut(canvas, widened_plan(box, wider, side, canvas.shape[:2]).box), side)


def widened_plan(
    box: Box, wider: float, side: int, size: tuple[int, int] = (1024, 1024)
) -> CropPlan:
    """Returns how ``widened_crop`` cuts a canvas.

    Args:
        box: As for ``widened_crop``.
        wider: As for ``widened_crop``.
        side: As for ``widened_crop``.
        size: Height and width of the canvas, px.

    Example:
        >>> widened_plan((50.0, 60.0, 150.0, 190.0), 0.4, 224).box
        (30, 34, 140, 182)
    """
    left, top, right, bottom = box
    aside, above = wider * (right - left) / 2, wider * (bottom - top) / 2
    height, width = size
    x, y = max(round(left - aside), 0), max(round(top - above), 0)
    cut = (x, y, min(round(right + aside), width) - x, min(round(bottom + above), height) - y)
    return CropPlan("area", cut, side)


def area_resized(picture: Picture, side: int) -> Picture:
    """Returns a picture resized to a square, each pixel the mean of what it stands for."""
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def dlib_chip(
    canvas: Picture, points: Sequence[tuple[int, int]], side: int = 150, padding: float = 0.25
) -> Picture:
    """Returns ``dlib.get_face_chip``.

    Args:
        canvas: uint8 RGB ``(H, W, 3)``.
        points: dlib's five landmarks, px.
        side: Of the chip, px.
        padding: What is shown around the face, as a share of it.

    Returns:
        uint8 RGB ``(side, side, 3)``.
    """
    import dlib

    shape = dlib.full_object_detection(
        dlib.rectangle(0, 0, 1, 1), [dlib.point(x, y) for x, y in points]
    )
    chip: Any = dlib.get_face_chip(np.ascontiguousarray(canvas), shape, size=side, padding=padding)
    return np.asarray(chip, np.uint8)


def chip_plan(
    points: Sequence[tuple[int, int]], side: int = 150, padding: float = 0.25, size: int = 1024
) -> CropPlan:
    """Returns how ``dlib_chip`` cuts a canvas.

    Args:
        points: As for ``dlib_chip``.
        side: As for ``dlib_chip``.
        padding: As for ``dlib_chip``.
        size: Side of the canvas, px.

    References:
        dlib ``get_face_chip_details`` and ``extract_image_chips``: the similarity with the least
        squared distance between landmarks; the box around it halved as long as it stays larger
        than the chip, with what five taps need around it.
    """
    onto = (padding + CHIP_POINTS) / (2 * padding + 1) * side
    linear = _similarity(onto, np.asarray(points, np.float64))
    middle = linear @ (side / 2, side / 2, 1)
    turn = math.atan2(linear[1, 0], linear[0, 0])
    reach = (side * math.hypot(linear[0, 0], linear[1, 0]) - 1) / 2
    upright = _Edges(*(middle - reach), *(middle + reach))
    rim = 2
    level = upright.halved()
    while level.area > side * side:
        level, rim = level.halved(), 2 * rim + 2
    corners = upright.corners(turn, (middle[0], middle[1]))
    low, high = corners.min(0) - rim, corners.max(0) + rim
    ends = np.floor(np.clip([low, high], 0, size - 1) + 0.5).astype(int)
    (x, y), (right, bottom) = ends.tolist()
    inside = _Edges(upright.left - x, upright.top - y, upright.right - x, upright.bottom - y)
    levels = 0
    while inside.halved().area > side * side:
        inside, levels = inside.halved(), levels + 1
    first, across, down, _ = inside.corners(turn, inside.middle)
    steps = np.concatenate([first, (across - first) / (side - 1), (down - first) / (side - 1)])
    box = (x, y, right - x + 1, bottom - y + 1)
    return CropPlan("chip", box, side, levels, tuple(steps.tolist()))


class _Edges(NamedTuple):
    """A rectangle of whole pixels, as dlib counts them: its last is inside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def halved(self) -> _Edges:
        """Where it lies in a picture that dlib's pyramid has made half as large."""
        return _Edges(
            self.left / 2 - 1.25, self.top / 2 - 0.75, self.right / 2 - 1.25, self.bottom / 2 - 0.75
        )

    def corners(self, turn: float, around: tuple[float, float]) -> npt.NDArray[np.float64]:
        """Its corners turned, ``(4, 2)``: first row left and right, then the last."""
        edges = np.array(
            [
                (self.left, self.top),
                (self.right, self.top),
                (self.left, self.bottom),
                (self.right, self.bottom),
            ]
        )
        sine, cosine = math.sin(turn), math.cos(turn)
        away = edges - around
        turned = np.column_stack(
            (away[:, 0] * cosine - away[:, 1] * sine, away[:, 0] * sine + away[:, 1] * cosine)
        )
        return turned + around


def arcface_crop(
    canvas: Picture, landmarks: npt.NDArray[np.float64], side: int = ARCFACE_SIDE
) -> Picture:
    """Returns the crop of ArcFace and its kin: turned, scaled and moved onto five points.

    Conventions:
        The similarity with the least squared distance between the points, then bilinear samples,
        black outside: as insightface does it, which does not average where it makes smaller.

    Args:
        canvas: uint8 RGB ``(H, W, 3)``.
        landmarks: ``(5, 2)``, px (x, y): eyes, nose tip, mouth corners, left of the picture first.
        side: Of the crop, px.

    Returns:
        uint8 RGB ``(side, side, 3)``.

    References:
        insightface ``face_align.norm_crop``; Deng et al., ArcFace, CVPR 2019; Umeyama, TPAMI 1991.

    Example:
        >>> arcface_crop(np.zeros((300, 300, 3), np.uint8), 2 * ARCFACE_POINTS).shape
        (112, 112, 3)
    """
    warp = _similarity(np.asarray(landmarks, np.float64), ARCFACE_POINTS * (side / ARCFACE_SIDE))
    return np.asarray(cv2.warpAffine(np.ascontiguousarray(canvas), warp, (side, side)), np.uint8)


def _similarity(
    points: npt.NDArray[np.float64], onto: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The ``(2, 3)`` matrix that brings points nearest to others; a plane's needs no SVD."""
    middle, there = points.mean(0), onto.mean(0)
    before = (points - middle) @ (1, 1j)
    after = (onto - there) @ (1, 1j)
    factor = np.vdot(before, after) / np.vdot(before, before).real
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack((linear, there - linear @ middle))
