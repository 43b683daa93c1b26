"""Every error that a user of blurdash can cause.

Each is one sentence: what came, what was wanted, and (the hint) what to do.
The command line prints it and exits with 2; a page shows it where the user looks.
"""

from __future__ import annotations

__all__ = [
    "BlurdashError",
    "EmbeddingError",
    "NoFaceError",
    "PhotoError",
    "PictureError",
    "ReceiptError",
    "SettingError",
    "StoppedError",
    "TableError",
    "WeightsError",
]


class BlurdashError(ValueError):
    """Base of all blurdash errors.

    Args:
        message: What came and what was wanted, without a closing full stop.
        hint: What to do about it, without a closing full stop; may be empty.

    Example:
        >>> str(BlurdashError("degree is 101, wanted 0 to 100", hint="choose a smaller degree"))
        'degree is 101, wanted 0 to 100; choose a smaller degree'
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class PhotoError(BlurdashError):
    """A file or byte string is not a photo that blurdash reads."""


class NoFaceError(BlurdashError):
    """No face was found where one was needed."""


class PictureError(BlurdashError):
    """An array is not a picture of the wanted shape or type."""


class SettingError(BlurdashError):
    """A setting (degree, angle, name, ...) is outside what is allowed."""


class EmbeddingError(BlurdashError):
    """An embedding cannot be compared: wrong shape, all zero, or not finite."""


class WeightsError(BlurdashError):
    """The weights of a recogniser are missing, damaged or of another network."""


class TableError(BlurdashError):
    """A file is not a sweep table, or is damaged."""


class ReceiptError(BlurdashError):
    """A file is not a readout's receipt, or lacks what is needed to compute it again."""


class StoppedError(BlurdashError):
    """Work was stopped on request before its end."""
