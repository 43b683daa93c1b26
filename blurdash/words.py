"""Words put together as people read them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed", "sentence"]


def sentence(text: str) -> str:
    """Returns a text, such as an error's, as a sentence.

    Example:
        >>> sentence("the photo is damaged; choose another")
        'The photo is damaged; choose another.'
    """
    return text[:1].upper() + text[1:] + "."


def listed(words: Sequence[str]) -> str:
    """Returns words as a list in a sentence.

    Example:
        >>> listed(["PSNR", "SSIM"])
        'PSNR and SSIM'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
