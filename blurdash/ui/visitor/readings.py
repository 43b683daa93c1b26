"""The blur that a measure takes a value for, read off a face's own curve, for the pages."""

from __future__ import annotations

from collections.abc import Mapping

from blurdash.argument import BlurEquivalent, blur_equivalent
from blurdash.errors import SettingError

__all__ = ["blur_text", "equivalent_of"]


def blur_text(value: float, curve: Mapping[int, Mapping[str, float]], name: str) -> str:
    """Returns the blur that a measure takes a value for, short; empty where it cannot be said.

    Args:
        value: Of a changed picture.
        curve: For each known degree the face's own values.
        name: A key of ``ARGUMENT_MEASURES``.

    Example:
        >>> blur_text(0.6, {0: {"ssim": 1.0}, 50: {"ssim": 0.7}, 100: {"ssim": 0.5}}, "ssim")
        '75 px'
    """
    found = equivalent_of(value, curve, name)
    return found.short if found else ""


def equivalent_of(
    value: float, curve: Mapping[int, Mapping[str, float]], name: str
) -> BlurEquivalent | None:
    """Returns the blur that a measure takes a value for; None where it cannot be said.

    Args:
        value: Of a changed picture.
        curve: For each known degree the face's own values.
        name: A key of ``ARGUMENT_MEASURES``.
    """
    points = {degree: values[name] for degree, values in curve.items() if name in values}
    try:
        return blur_equivalent(value, points, name)
    except SettingError:  # there is no value, or too little of the curve
        return None
