"""A face that can be chosen on a page: the built-in portrait, or one of a visitor's own."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blurdash.portrait import PORTRAIT_NAME, portrait_face
from blurdash.ui.server.encoding import encoded

if TYPE_CHECKING:
    from blurdash.face import Face

__all__ = ["PORTRAIT_ID", "ShownFace", "portrait"]

PORTRAIT_ID = "portrait"


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

    _png: bytes | None = None


@functools.cache
def portrait() -> ShownFace:
    """Returns the built-in portrait; it belongs to nobody, so every session shows the same one."""
    return ShownFace(PORTRAIT_ID, PORTRAIT_NAME, portrait_face())
