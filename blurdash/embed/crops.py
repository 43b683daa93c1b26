"""What recognisers are shown of a canvas: each crop as whoever published it cuts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from blurdash.canvas import Box, Picture

__all__ = ["arcface_crop", "area_resized", "dlib_chip", "native_crop", "widened_crop"]

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
    left, top, right, bottom = box
    height, width = canvas.shape[:2]
    rows = slice(int(max(top, 0)), int(min(bottom, height)))
    columns = slice(int(max(left, 0)), int(min(right, width)))
    part = Image.fromarray(np.ascontiguousarray(canvas[rows, columns]))
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR), np.uint8)


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
    left, top, right, bottom = box
    aside, above = wider * (right - left) / 2, wider * (bottom - top) / 2
    height, width = canvas.shape[:2]
    rows = slice(max(round(top - above), 0), min(round(bottom + above), height))
    columns = slice(max(round(left - aside), 0), min(round(right + aside), width))
    return area_resized(np.ascontiguousarray(canvas[rows, columns]), side)


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
