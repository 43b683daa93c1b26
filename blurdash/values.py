"""Numbers that somebody gave, checked: what came, what was wanted, what to do."""

from __future__ import annotations

import math
import numbers
from types import SimpleNamespace
from typing import TypeGuard

from blurdash.errors import SettingError

__all__ = ["for_json", "is_real", "is_whole", "real_number", "whole_number"]

SHOWN = 40  # characters of what came
PLAIN = SimpleNamespace(kind="i")


def for_json(value: float) -> float | str | None:
    """Returns a number as JSON can hold it: an infinite one as text, one that there is not as None.

    Example:
        >>> for_json(2.5), for_json(math.inf), for_json(math.nan)
        (2.5, 'inf', None)
    """
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def is_whole(value: object) -> TypeGuard[int]:
    """Returns whether this is a whole number; True is 1 to Python, but nobody means it so.

    Example:
        >>> is_whole(3), is_whole(3.0), is_whole(True)
        (True, False, False)
    """
    return isinstance(value, numbers.Integral) and _counts(value)


def is_real(value: object) -> TypeGuard[float]:
    """Returns whether this is a number, and a finite one that a float can hold; True is none.

    Example:
        >>> is_real(3), is_real(float("nan")), is_real(10**400), is_real("3")
        (True, False, False, False)
    """
    if not isinstance(value, numbers.Real) or not _counts(value):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:  # a whole number of hundreds of digits
        return False


def whole_number(
    value: object,
    name: str,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    wanted: str = "",
    hint: str,
) -> int:
    """Returns a whole number after checking it.

    Args:
        value: What came.
        name: What it is, as a sentence begins.
        least: The smallest that is allowed.
        most: The largest.
        wanted: What to say of it, where the range does not say it all.
        hint: What to do about anything else.

    Raises:
        SettingError: It is anything else.

    Example:
        >>> whole_number(3.5, "grid", 2, 32, hint="say how many")
        Traceback (most recent call last):
            ...
        blurdash.errors.SettingError: grid is 3.5, wanted a whole number from 2 to 32; say \
how many
    """
    if is_whole(value) and least <= int(value) <= most:
        return int(value)
    raise _refused(value, name, wanted or f"a whole number from {least} to {most}", hint)


def real_number(
    value: object,
    name: str,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    wanted: str = "",
    hint: str,
) -> float:
    """Returns a finite number as a float after checking it; the arguments are as above.

    Raises:
        SettingError: It is anything else.

    Example:
        >>> real_number(8, "dx", -32, 32, hint="give a smaller shift")
        8.0
    """
    if is_real(value) and least <= float(value) <= most:
        return float(value)
    raise _refused(value, name, wanted or f"a number from {least:g} to {most:g}", hint)


def _counts(value: object) -> bool:
    """Whether a number to Python is meant as one: NumPy's spans of time are whole numbers."""
    return not isinstance(value, bool) and getattr(value, "dtype", PLAIN).kind in "iuf"


def _refused(value: object, name: str, wanted: str, hint: str) -> SettingError:
    try:
        shown = repr(value)[:SHOWN]
    except ValueError:  # Python writes no number of thousands of digits
        shown = "a number of thousands of digits"
    return SettingError(f"{name} is {shown}, wanted {wanted}", hint=hint)
