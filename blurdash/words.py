"""Words put together as people read them, and text from elsewhere made fit to be read."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["as_text", "counted", "duration", "listed", "one_line", "quoted", "sentence"]

SHOWN = 60


def counted(number: int, one: str) -> str:
    """Returns a number of things, in the plural where it takes it.

    Example:
        >>> counted(1, "face"), counted(1200, "face")
        ('1 face', '1,200 faces')
    """
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Returns a time in words.

    Example:
        >>> duration(12), duration(600), duration(9000)
        ('12 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


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


def as_text(name: str | bytes) -> str:
    r"""Returns a file's name as text that every encoding of Unicode can hold.

    A name on disk may be any bytes. Those that are no UTF-8 become ``\xe9`` and the like.

    Example:
        >>> as_text(b"Andr\xe9.png")
        'Andr\\xe9.png'
    """
    if isinstance(name, bytes):
        return name.decode("utf-8", "backslashreplace")
    try:
        raw = name.encode("utf-8", "surrogateescape")  # as Python holds such a name
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "backslashreplace")
    return as_text(raw)


def one_line(text: str) -> str:
    r"""Returns a text on one line, what cannot be printed as an escape.

    Example:
        >>> one_line("two\nlines\x1b[31m")
        'two lines\\x1b[31m'
    """
    return "".join(_printable(sign) for sign in " ".join(as_text(text).split()))


def _printable(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def quoted(value: object, most: int = SHOWN) -> str:
    r"""Returns what a user gave between quotation marks, as it came but on one line and not long.

    Args:
        value: A text, a path or anything else; of a long one the end is shown, of a path's the part
            that tells it from others.
        most: So many characters.

    Example:
        >>> print(quoted("C:\\Users\\me"))
        'C:\Users\me'
        >>> quoted("two\nlines")
        "'two lines'"
        >>> quoted(10**5000)
        "'int, too long to be shown'"
    """
    try:
        text = as_text(os.fspath(value)) if isinstance(value, (str, os.PathLike)) else str(value)
    except (ValueError, RecursionError):  # thousands of digits, or of tables in each other
        text = f"{type(value).__name__}, too long to be shown"
    line = one_line(text)
    return f"'{line if len(line) <= most else '…' + line[1 - most :]}'"
