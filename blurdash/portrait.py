"""The built-in portrait, with its face already found, so that it can be shown at once.

The picture is scikit-image's astronaut (Eileen Collins, NASA, public domain). Its detection is
written down here: finding it anew would load torch first, which takes seconds. A test compares
these numbers with what the detector finds.
"""

from __future__ import annotations

import functools

import numpy as np

from blurdash.canvas import Picture, cut, digest_of, ffhq_frame
from blurdash.face import Face

__all__ = ["PORTRAIT_NAME", "portrait_face", "portrait_photo"]

PORTRAIT_NAME = "Portrait"

PHOTO_LANDMARKS = (
    (205.01091003, 101.72744751),
    (246.76257324, 103.71408081),
    (224.6713562, 128.96499634),
    (201.71611023, 139.24617004),
    (245.26548767, 141.85700989),
)
PHOTO_BOX = (181.05140686, 62.15613174, 267.74731445, 172.05015564)
CANVAS_LANDMARKS = (
    (378.89190674, 483.49676514),
    (640.60314941, 485.72390747),
    (514.69335938, 650.93701172),
    (378.61315918, 721.1114502),
    (644.35864258, 720.43548584),
)
CANVAS_BOX = (251.59802246, 245.31033325, 765.38818359, 925.60076904)
CONFIDENCE = 0.9999977350234985
SECOND_SCORE = 1.2618916668428297


def portrait_photo() -> Picture:
    """Returns the built-in photo, uint8 RGB ``(512, 512, 3)``."""
    from skimage.data import astronaut

    return np.asarray(astronaut(), np.uint8)


@functools.cache
def portrait_face() -> Face:
    """Returns the face of the built-in photo; the same object every time.

    Example:
        >>> round(portrait_face().eye_distance)
        262
    """
    frame = ffhq_frame(np.array(PHOTO_LANDMARKS))
    canvas = cut(portrait_photo(), frame)
    canvas.setflags(write=False)  # shared by every session
    landmarks = np.array(CANVAS_LANDMARKS)
    return Face(
        canvas,
        landmarks,
        CANVAS_BOX,
        CONFIDENCE,
        False,
        PHOTO_BOX,
        frame,
        second_score=SECOND_SCORE,
        source=frame.side,
        among=1,
        photo_sha256=digest_of(portrait_photo()),
        photo_size=(512, 512),
    )
