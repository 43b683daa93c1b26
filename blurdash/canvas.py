"""The canvas: a face upright on 1024 × 1024 pixels, framed as FFHQ frames it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from blurdash.errors import PictureError
from blurdash.pictures import Picture

__all__ = [
    "CANVAS_SIZE",
    "Box",
    "Frame",
    "Picture",
    "Points",
    "checked_canvas",
    "cut",
    "digest_of",
    "ffhq_frame",
    "is_whole",
    "onto_canvas",
    "resized",
]

Points = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # left, top, right, bottom; px

CANVAS_SIZE = 1024

# How far a square picture's own frame may be from the FFHQ frame of its face to be taken whole.
WHOLE_CENTRE = 0.03  # of the side
WHOLE_SCALE = (0.9, 1.15)  # the frame's side over the picture's
WHOLE_TILT = 10.0  # degrees
WHOLE_ASPECT = 0.01  # |width − height| of the longer side


@dataclass(frozen=True)
class Frame:
    """FFHQ's square about a face: centre, half of the side as a vector to the right."""

    centre: Points
    right: Points

    @property
    def side(self) -> float:
        """Length of a side, px of the photo."""
        return 2 * float(np.hypot(*self.right))

    @property
    def corners(self) -> Points:
        """Top left, top right, bottom left, as displayed."""
        down = np.array([-self.right[1], self.right[0]])
        return np.array(
            [
                self.centre - self.right - down,
                self.centre + self.right - down,
                self.centre - self.right + down,
            ]
        )


def checked_canvas(picture: Any) -> Picture:
    """Returns a canvas after checking that it is one.

    Args:
        picture: uint8 RGB ``(1024, 1024, 3)``.

    Raises:
        PictureError: It is anything else.
    """
    shape, kind = getattr(picture, "shape", None), getattr(picture, "dtype", None)
    if shape != (CANVAS_SIZE, CANVAS_SIZE, 3) or kind != np.uint8:
        raise PictureError(
            f"a canvas has shape {shape} and type {kind}, wanted uint8 (1024, 1024, 3)",
            hint="cut it with blurdash.face.find_face",
        )
    return np.asarray(picture)


def ffhq_frame(landmarks: Points) -> Frame:
    """The square that the FFHQ data set cuts about a face.

    References:
        Karras, Laine, Aila, "A style-based generator architecture for generative adversarial
        networks", 2019, appendix A: the square follows from the eyes and the mouth corners.
    """
    eyes = landmarks[:2].mean(axis=0)
    eye_to_eye = landmarks[1] - landmarks[0]
    eye_to_mouth = landmarks[3:].mean(axis=0) - eyes
    right = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    right /= max(float(np.hypot(*right)), 1e-9)
    right *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8, 1.0)
    return Frame(eyes + eye_to_mouth * 0.1, right)


def is_whole(frame: Frame, width: int, height: int) -> bool:
    """Whether a square picture's own frame is, nearly, the FFHQ frame of its face."""
    side = max(width, height)
    if abs(width - height) > WHOLE_ASPECT * side:
        return False
    away = float(np.abs(frame.centre - np.array([width, height]) / 2).max()) / side
    scale = frame.side / side
    tilt = abs(math.degrees(math.atan2(frame.right[1], frame.right[0])))
    low, high = WHOLE_SCALE
    return away <= WHOLE_CENTRE and low <= scale <= high and tilt <= WHOLE_TILT


def digest_of(picture: Picture) -> str:
    """The SHA-256 of a picture's pixels, row by row, as 64 hex digits."""
    return hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()


def resized(photo: Picture, side: int) -> Picture:
    """The whole photo as a ``side`` × ``side`` picture; a copy of one that already is."""
    if photo.shape[:2] == (side, side):
        return photo.copy()
    how = cv2.INTER_AREA if photo.shape[0] > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, (side, side), interpolation=how), np.uint8)


def cut(photo: Picture, frame: Frame) -> Picture:
    """The frame's content, turned upright, as a canvas; what is missing is mirrored."""
    photo, corners = _near(photo, frame.corners)
    # A warp reads single pixels: a much larger photo is first averaged down, or it would alias.
    shrink = frame.side / CANVAS_SIZE
    if shrink > 1.5:
        size = (max(1, round(photo.shape[1] / shrink)), max(1, round(photo.shape[0] / shrink)))
        corners = corners * np.array([size[0] / photo.shape[1], size[1] / photo.shape[0]])
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    # Corners are edges of pixels, OpenCV's coordinates are their centres.
    target = np.array([[0, 0], [CANVAS_SIZE, 0], [0, CANVAS_SIZE]]) - 0.5
    warp = cv2.getAffineTransform((corners - 0.5).astype(np.float32), target.astype(np.float32))
    canvas = cv2.warpAffine(
        photo,
        warp,
        (CANVAS_SIZE, CANVAS_SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(canvas, np.uint8)


def _near(photo: Picture, corners: Points) -> tuple[Picture, Points]:
    """The part of the photo about the frame: OpenCV warps no side beyond 32,767 px."""
    fourth = corners[1] + corners[2] - corners[0]
    low = np.floor(np.minimum(corners.min(axis=0), fourth)).astype(int) - 4
    high = np.ceil(np.maximum(corners.max(axis=0), fourth)).astype(int) + 4
    low = np.clip(low, 0, np.array(photo.shape[1::-1]) - 1)
    high = np.clip(high, low + 1, photo.shape[1::-1])
    return np.ascontiguousarray(photo[low[1] : high[1], low[0] : high[0]]), corners - low


def onto_canvas(points: Points, frame: Frame) -> Points:
    """Points of the photo, float64 ``(N, 2)``, in px of the canvas that ``frame`` cuts."""
    away = points - frame.centre
    unit = frame.right / np.hypot(*frame.right)
    down = np.array([-unit[1], unit[0]])
    scale = CANVAS_SIZE / frame.side
    return np.stack([away @ unit, away @ down], axis=1) * scale + CANVAS_SIZE / 2
