"""A face that can be chosen on a page: the built-in portrait, or one of a visitor's own."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from blurdash.portrait import PORTRAIT_NAME, portrait_face
from blurdash.ui.server.encoding import encoded

if TYPE_CHECKING:
    from blurdash.face import Face

__all__ = ["PORTRAIT_ID", "ShownFace", "portrait"]

PORTRAIT_ID = "portrait"
THUMBNAIL = 68  # px: twice as many as are shown


@dataclass
class ShownFace:
    """A face that can be chosen on the page.

    Attributes:
        id: ``portrait``, or what the browser calls the photo, with the number of the face in it.
        label: What a person reads; never a file name.
        face: The face.
    """

    id: str
    label: str
    face: Face

    def png(self) -> bytes:
        """The clean canvas as PNG, made once."""
        if self._png is None:
            self._png = encoded(self.face.canvas)
        return self._png

    def thumbnail(self) -> str:
        """The clean canvas as a small JPEG in base64, made once."""
        if self._thumbnail is None:
            small = cv2.resize(self.face.canvas, (THUMBNAIL,) * 2, interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
            self._thumbnail = base64.b64encode(jpeg.tobytes()).decode()
        return self._thumbnail

    _png: bytes | None = None
    _thumbnail: str | None = None


@functools.cache
def portrait() -> ShownFace:
    """Returns the built-in portrait; it belongs to nobody, so every session shows the same one."""
    return ShownFace(PORTRAIT_ID, PORTRAIT_NAME, portrait_face())
