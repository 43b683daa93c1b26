"""Values of the command line; what is no number is left for the check that names the setting."""

from __future__ import annotations

from typing import Any

__all__ = ["limit_of", "real", "whole", "workers_of"]


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
