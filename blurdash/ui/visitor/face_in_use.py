"""The face that is shown, with the settings that are chosen, and pictures of it for the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

__all__ = ["SCENE_KEY", "face_in_use", "serve_picture"]

SCENE_KEY = "bd_scene"  # of the component that says what the browser draws


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


def serve_picture(chosen: View, face: KnownFace, change: Change, *, key: str) -> None:
    """Hands the browser a changed picture, where it cannot draw it itself.

    It cannot where it does not know the kernel, or where it has said that it draws none.

    Where it cannot be drawn now, the page goes on saying that it is not blurred yet, and the next
    move asks again.

    Args:
        chosen: What is looked at.
        face: Whose picture it is.
        change: What is done to it.
        key: The component's key.
    """
    drawn = KERNELS[change.kernel].drawn_in_browser or not change.degree
    if drawn and Sent.by(SCENE_KEY).text("drawn") != "server":
        return
    try:
        picture = face.picture(change, session=current_session(), still_wanted=view.still_wanted)
    except BlurdashError:
        return
    served(view.settings_key(chosen), change, picture, key=key)
