"""Values of the command line; what is no number is left for the check that names the setting."""

from __future__ import annotations

from typing import Any

from blurdash.errors import SettingError
from blurdash.words import quoted

__all__ = ["face_of", "limit_of", "real", "whole", "workers_of"]


def whole(text: str) -> Any:
    """Returns the whole number in a text, or the text.

    Example:
        >>> whole("3"), whole("3.5")
        (3, '3.5')
    """
    try:
        return int(text)
    except ValueError:
        return text


def real(text: str) -> Any:
    """Returns the number in a text, or the text."""
    try:
        return float(text)
    except ValueError:
        return text


def limit_of(text: str) -> Any:
    """Returns a limit; None for ``all``."""
    return None if text == "all" else whole(text)


def workers_of(text: str | None) -> Any:
    """Returns a number of workers; None where none is given."""
    return None if text is None else whole(text)


def face_of(photo: Any, number: str) -> Any:
    """Returns the face of a photo that was asked for.

    Args:
        photo: uint8 RGB ``(H, W, 3)``.
        number: As it was typed; 1 is the largest.

    Raises:
        SettingError: There is no such face.
        NoFaceError: There is none at all.
    """
    from blurdash.face import find_faces

    faces = find_faces(photo)
    choice = whole(number)
    if not isinstance(choice, int) or not 1 <= choice <= len(faces):
        raise SettingError(
            f"face is {quoted(number)}, this photo has {len(faces)}",
            hint=f"choose a number from 1 to {len(faces)}, the largest face is 1",
        )
    return faces[choice - 1]
