"""An error's text as people read it."""

from __future__ import annotations

__all__ = ["sentence"]


def sentence(text: str) -> str:
    """Returns an error's text as a sentence.

    Example:
        >>> sentence("the photo is damaged; choose another")
        'The photo is damaged; choose another.'
    """
    return text[:1].upper() + text[1:] + "."
