"""Pictures as arrays, checked: uint8 RGB ``(height, width, 3)`` everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.errors import PictureError

__all__ = [
    "Picture",
    "check_side",
    "checked_levels",
    "checked_pair",
    "checked_picture",
    "checked_stack",
]

Picture = npt.NDArray[np.uint8]


def checked_picture(
    picture: Any, name: str = "picture", *, hint: str = "convert it to 8-bit RGB first"
) -> Picture:
    """Returns a picture after checking that it is one.

    Args:
        picture: uint8 RGB ``(H, W, 3)``.
        name: Which picture it is.
        hint: What to do about anything else.

    Raises:
        PictureError: It is anything else, or has no pixels.

    Example:
        >>> checked_picture(np.zeros((2, 3)), "test picture")
        Traceback (most recent call last):
            ...
        blurdash.errors.PictureError: the test picture has shape (2, 3) and type float64, wanted \
uint8 (height, width, 3); convert it to 8-bit RGB first
    """
    array = np.asarray(picture)
    fits = array.ndim == 3 and array.shape[2] == 3
    return _checked(array, fits, name, "uint8 (height, width, 3)", hint)


def checked_levels(picture: Any) -> Picture:
    """Returns a picture of any number of channels, or of none, after checking that it is one.

    Raises:
        PictureError: It is not uint8 ``(H, W)`` or ``(H, W, C)``, or has no pixels.
    """
    array = np.asarray(picture)
    wanted = "uint8 (height, width) or (height, width, channels)"
    hint = "convert it to 8 bits per channel first"
    return _checked(array, array.ndim in (2, 3), "picture", wanted, hint)


def _checked(array: npt.NDArray[Any], fits: bool, name: str, wanted: str, hint: str) -> Picture:
    if array.dtype != np.uint8 or not fits or not array.size:
        raise PictureError(
            f"the {name} has shape {array.shape} and type {array.dtype}, wanted {wanted}"
            f"{'' if array.size else ' with pixels'}",
            hint=hint,
        )
    return np.ascontiguousarray(array)


def checked_pair(reference: Any, test: Any) -> tuple[Picture, Picture]:
    """Returns two pictures after checking that they are such and of one shape.

    Args:
        reference: uint8 RGB ``(H, W, 3)``.
        test: The same.

    Raises:
        PictureError: One is anything else, or they have different shapes.
    """
    pair = checked_picture(reference, "reference picture"), checked_picture(test, "test picture")
    if pair[0].shape != pair[1].shape:
        raise PictureError(
            f"the pictures have shapes {pair[0].shape} and {pair[1].shape}, wanted the same",
            hint="resize or crop one of them",
        )
    return pair


def check_side(picture: Picture, label: str, smallest: int) -> None:
    """Checks that a picture is large enough.

    Args:
        picture: ``(H, W, 3)``.
        label: For what.
        smallest: The least number of pixels a side.

    Raises:
        PictureError: A side is shorter.
    """
    if min(picture.shape[:2]) < smallest:
        raise PictureError(
            f"the pictures have {picture.shape[1]} × {picture.shape[0]} pixels, "
            f"{label} needs at least {smallest} a side",
            hint="compare larger pictures",
        )


def checked_stack(pictures: Any, side: int | None = None, *, smallest: int = 1) -> Picture:
    """Returns several pictures in one array after checking that they are such.

    Args:
        pictures: uint8 RGB ``(N, H, W, 3)``.
        side: What height and width must be; None for any.
        smallest: The least that they must be.

    Raises:
        PictureError: It is anything else.
    """
    wanted = f"uint8 RGB of shape (N, {side or 'H'}, {side or 'W'}, 3)"
    if not isinstance(pictures, np.ndarray):
        raise PictureError(f"a {type(pictures).__name__} came, wanted an array, {wanted}")
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3:
        raise PictureError(f"{pictures.dtype} of shape {pictures.shape} came, wanted {wanted}")
    height, width = pictures.shape[1:3]
    if side is not None and (height, width) != (side, side):
        raise PictureError(f"pictures of {width}×{height} came, wanted {side}×{side}")
    if min(height, width) < smallest:
        raise PictureError(
            f"pictures of {width}×{height} came, wanted at least {smallest}×{smallest}"
        )
    return pictures
