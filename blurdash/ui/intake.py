"""Taking in a visitor's photos: over the page's own connection, decoded in memory, kept nowhere.

Streamlit's uploader is not used: what it holds is served to anyone who knows its address and can
outlive the tab. The browser sends pixels; here they are decoded anew, with every limit in force.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash.errors import BlurdashError, PhotoError
from blurdash.photo import MAX_BYTES, load_photo
from blurdash.ui import view
from blurdash.ui.clicks import clicked
from blurdash.ui.components import intake
from blurdash.ui.live import in_turn
from blurdash.ui.photos import FACES_KEPT, current_session

if TYPE_CHECKING:
    from blurdash.canvas import Picture
    from blurdash.face import Face
    from blurdash.ui.photos import Faces

__all__ = ["INTAKE_KEY", "photo_intake", "photos_again"]

INTAKE_KEY = "bd_intake"
MOST_PHOTOS = 12
MANY_FACES = (
    f"more than {FACES_KEPT} faces are in the photo, the {FACES_KEPT} largest are offered; cut the "
    "photo to choose from the others"
)


def photo_intake(faces: Faces) -> None:
    """Draws the button that opens upload and camera, and takes in what comes.

    Args:
        faces: Where this session's faces are held.
    """
    with st.popover("Add photo", icon=":material/add_a_photo:", key="bd_add"):
        st.caption(
            "JPEG, PNG, WebP, HEIC, TIFF or BMP, up to 25 MB. Your photos stay in the memory of "
            "this tab's session, are written nowhere, and are gone when you close the tab."
        )
        sent = intake(faces.taken, key=INTAKE_KEY)
        for problem in st.session_state.get("bd_problems", []):
            st.error(problem, icon=":material/no_photography:")
        if faces.shown and clicked("Forget my photos", key="bd_forget", icon=":material/delete:"):
            _forget(faces)
    photos = _new_photos(sent, faces)
    if photos:
        _take_in(photos, faces, number=sent.get("number"))


def photos_again(sent: Any, faces: Faces) -> None:
    """Takes in what a browser sends again because the server has forgotten its visitor.

    Args:
        sent: What ``components.scene`` returned.
        faces: Where this session's faces are held.
    """
    photos = [] if faces.photos else _new_photos(sent, faces)
    if photos:
        _take_in(photos, faces, number=sent.get("number"), shown=sent.get("label"))


def _new_photos(sent: Any, faces: Faces) -> list[object]:
    """What a browser has sent and was not taken in yet; any client may send anything."""
    if not isinstance(sent, Mapping) or not isinstance(sent.get("photos"), list):
        return []
    if sent.get("number") == faces.taken:
        return []
    return list(sent["photos"])[:MOST_PHOTOS]


def _take_in(
    photos: Sequence[object], faces: Faces, *, number: object, shown: object = None
) -> None:
    problems: list[str] = []
    found: list[list[Face]] = []
    with st.spinner("Looking for faces …"):
        for place, photo in enumerate(photos, start=1):
            try:
                faces_in = _looked_at(photo)
                found.append(faces_in[:FACES_KEPT])
                said = MANY_FACES if len(faces_in) > FACES_KEPT else ""
            except BlurdashError as error:
                said = f"{error}"
            if said:
                which = f"Photo {place} of {len(photos)}: " if len(photos) > 1 else ""
                text = f"{which}{said}."
                problems.append(text[:1].upper() + text[1:])
    # A newer request may end this run wherever it turns to Streamlit: so not in between these.
    added = [one for each in found for one in faces.add_photo(each)]
    if added:
        kept = [one for one in added if one.id in faces.shown]  # of many, the oldest are gone
        faces.choose = next((one.id for one in kept if one.label == shown), kept[0].id)
    faces.taken = number
    st.session_state["bd_problems"] = problems
    st.rerun()


def _looked_at(photo: object) -> list[Face]:
    """The faces of a photo, looked for when it is this visitor's turn: it takes a while."""
    from blurdash.face import find_faces

    return in_turn(
        lambda: find_faces(_decoded(photo), most=FACES_KEPT + 1),
        session=current_session(),
        still_wanted=view.still_wanted,
    )


def _decoded(photo: object) -> Picture:
    """The photo that a browser sent as base64; any client may send anything."""
    if not isinstance(photo, str) or len(photo) > MAX_BYTES * 4 // 3 + 4 or photo == "too large":
        raise PhotoError("the photo is larger than 25 MB", hint="save it smaller")
    try:
        return load_photo(base64.b64decode(photo, validate=True))
    except binascii.Error as error:
        raise PhotoError("the photo did not arrive whole", hint="send it again") from error


def _forget(faces: Faces) -> None:
    faces.forget()
    st.session_state["bd_problems"] = []
    st.rerun()
