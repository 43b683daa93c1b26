"""Pictures as files for the browser."""

from __future__ import annotations

import cv2

from blurdash.canvas import Picture

__all__ = ["encoded"]


def encoded(picture: Picture) -> bytes:
    """Returns a picture as PNG, lossless; quick rather than small.

    Args:
        picture: uint8 RGB ``(H, W, 3)``.
    """
    _, data = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data.tobytes()
