"""The face that is shown, with the settings that are chosen, and pictures of it for the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from blurdash.errors import BlurdashError
from blurdash.kernel import KERNELS
from blurdash.ui.components.browser import served
from blurdash.ui.components.sent import Sent
from blurdash.ui.server.known_face import KnownFace, shared_face
from blurdash.ui.server.live import NOBODY
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.visitor import view
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.shown_face import PORTRAIT_ID

if TYPE_CHECKING:
    from blurdash.blur import Change
    from blurdash.embed import Embedder
    from blurdash.ui.visitor.view import View

__all__ = ["SCENE_KEY", "face_in_use", "packed_taps", "serve_change"]

SCENE_KEY = "bd_scene"  # of the component that says what the browser draws
# Of a kernel that a browser is handed: what its core takes, and a fifth of a second of that.
MOST_TAPS, FARTHEST_TAP, HEAVIEST = 1024, 64, 16.0


def face_in_use(chosen: View, embedder: Embedder | None) -> KnownFace:
    """Returns what is known of the shown face; every page gets the same.

    Args:
        chosen: Which face, kernel and crop.
        embedder: A loaded recogniser; None for what needs none.
    """
    faces = session_faces()
    shown = faces.shown_face(chosen.face)
    # Its remarks too: a receipt says why this one was chosen, and with which weights.
    who: tuple[str, ...] = ()
    if embedder is not None:
        who = (embedder.name, embedder.protocol, embedder.weights_sha256, embedder.said)
    key = (shown.id, *who, chosen.kernel, chosen.crop)

    def make(owner: str) -> KnownFace:
        return KnownFace(shown.face, embedder, chosen.kernel, chosen.crop, owner=owner)

    if shown.id == PORTRAIT_ID:
        return shared_face(key, lambda: make(NOBODY))
    known = faces.known.pop(key) if key in faces.known else make(current_session())
    return faces.keep_known(key, known)


def serve_change(chosen: View, face: KnownFace, change: Change, *, key: str, at_rest: bool) -> None:
    """Hands the browser what it needs to show a change that it cannot make itself.

    It cannot where it does not know the kernel: then it gets the taps, wherever the hand is, or
    where they are too many for it the picture, once the hand rests. It gets the picture, too, where
    it has said that it draws none.

    Where it cannot be drawn now, the page goes on saying that it is not blurred yet, and the next
    move asks again.

    Args:
        chosen: What is looked at.
        face: Whose picture it is.
        change: What is done to it.
        key: The component's key.
        at_rest: Whether the hand rests there.
    """
    drawn = KERNELS[change.kernel].drawn_in_browser or not change.degree
    draws_none = Sent.by(SCENE_KEY).text("drawn") == "server"
    if drawn and not draws_none:
        return
    taps = change.taps()
    packed = None if draws_none else packed_taps(taps)
    if packed is not None:
        served(view.settings_key(chosen), change, packed, key=key, places=taps.size)
    elif at_rest:
        _serve_picture(chosen, face, change, key)


def _serve_picture(chosen: View, face: KnownFace, change: Change, key: str) -> None:
    try:
        picture = face.picture(change, session=current_session(), still_wanted=view.still_wanted)
    except BlurdashError:
        return
    served(view.settings_key(chosen), change, picture, key=key)


def packed_taps(kernel: npt.NDArray[np.float64]) -> bytes | None:
    """Returns a kernel as the page's core takes it; None where the server is to do it.

    Args:
        kernel: float64 2-D.

    Returns:
        Right, down and weight of every tap, float64 little-endian.

    Example:
        >>> len(packed_taps(np.ones((3, 3)) / 9)), packed_taps(np.ones((99, 99)))
        (216, None)
    """
    rows, columns = np.nonzero(kernel)
    middle = kernel.shape[0] // 2, kernel.shape[1] // 2
    taps = np.stack([columns - middle[1], rows - middle[0], kernel[rows, columns]], axis=1)
    if not 0 < len(taps) <= MOST_TAPS or np.abs(taps[:, :2]).max() > FARTHEST_TAP:
        return None
    if np.abs(taps[:, 2]).sum() > HEAVIEST:
        return None
    return taps.astype("<f8").tobytes()
