"""What may fail with one picture of many, and how that is said in a table or a report."""

from __future__ import annotations

import cv2

from blurdash.errors import BlurdashError

__all__ = ["FAILURES", "reason_of"]

# What a bad picture can raise. Anything else is a mistake in blurdash and ends the run.
FAILURES = (BlurdashError, cv2.error, RuntimeError, ValueError, OSError, MemoryError)
LONGEST = 300


def reason_of(error: BaseException) -> str:
    """Returns why something failed, in one line.

    Example:
        >>> reason_of(ValueError("no\\nsuch thing"))
        'ValueError: no such thing'
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, BlurdashError) else f"{type(error).__name__}: {text}"[:LONGEST]
