"""Taking in a visitor's photos: over the page's own connection, in memory, kept nowhere else.

Streamlit's uploader is not used: what it holds is served to anyone who knows its address and can
outlive the tab. The browser sends a photo in pieces (see ``arrivals``), through a component that
every page has and that runs in a fragment of its own, so that a piece costs no run of the page.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import streamlit as st

from blurdash.errors import BlurdashError
from blurdash.photo import ENDINGS, FORMAT_NAMES, MAX_BYTES
from blurdash.ui.components.browser import carrier, intake
from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.fragments import fragment
from blurdash.ui.components.sent import Sent
from blurdash.ui.server.live import later, photos_place
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.visitor.address import NOTE_KEY
from blurdash.ui.visitor.arrivals import MOST_PHOTOS, PIECE_BYTES, look_at
from blurdash.ui.visitor.session import FACES_KEPT, FACES_OF_A_PHOTO, session_faces

if TYPE_CHECKING:
    from blurdash.ui.visitor.arrivals import Looked
    from blurdash.ui.visitor.session import Faces
    from blurdash.ui.visitor.shown_face import ShownFace

__all__ = ["CARRIER_KEY", "photo_carrier", "photo_intake"]

CARRIER_KEY = "bd_carrier"


def photo_carrier() -> None:
    """Draws what brings photos from the browser, on every page; takes in what has come."""
    fragment(_carry)()


def photo_intake(faces: Faces) -> None:
    """Draws the button that opens upload and camera, and what can be removed again.

    Args:
        faces: Where this session's faces are held.
    """
    with st.popover("Add photo", icon=":material/add_a_photo:", key="bd_add"):
        st.caption(
            f"{FORMAT_NAMES}, up to {MAX_BYTES // 1024**2} MB each, "
            f"{MOST_PHOTOS} photos. Each is measured as it is, not a pixel is changed. Your photos "
            "stay in the memory of this tab's session, are written nowhere, and are gone from it "
            "within 15 seconds after you close the tab."
        )
        intake(ENDINGS, key="bd_intake")
        _removals(faces)


def _removals(faces: Faces) -> None:
    if not faces.photos:
        return
    with st.container(horizontal=True, gap="small", key="bd-removals"):
        for photo in list(faces.photos.values()):
            if clicked(
                f"Remove {photo.label}", key=f"bd_remove_{photo.key}", icon=":material/close:"
            ):
                faces.remove_photo(photo.key)
                st.rerun()
        if clicked("Forget my photos", key="bd_forget", icon=":material/delete:"):
            faces.forget()
            st.rerun()


def _carry() -> None:
    faces = session_faces()
    _hear()
    _collect(faces)
    _look_at_the_next(faces)
    arrivals = faces.arrivals
    data = {
        "visit": faces.visit,
        "forgotten": faces.forgotten,
        "ack": st.session_state.get("bd_carrier_ack", 0),
        "want": arrivals.wanted(),
        "busy": arrivals.busy,
        "progress": arrivals.progress(),
        "photos": [{"key": one.key, "number": one.number} for one in faces.photos.values()],
        "problems": arrivals.problems,
        "faceless": arrivals.faceless,
        "left_out": arrivals.left_out,
        "most": MOST_PHOTOS,
        "most_bytes": MAX_BYTES,
        "piece": PIECE_BYTES,
        "link": st.session_state.get(NOTE_KEY, ""),
    }
    carrier(data, key=CARRIER_KEY, on_said=_hear)
    if arrivals.news and not arrivals.busy:
        arrivals.news = False
        st.rerun()  # once for a choice of photos, however many they are


def _hear() -> None:
    """Takes what the browser says, once; also as a callback, before a run may be ended."""
    said = Sent.by(CARRIER_KEY).inner("said")
    number = said.whole("number")
    if number is None or number == st.session_state.get("bd_carrier_ack"):
        return
    faces = session_faces()
    st.session_state["bd_carrier_ack"] = number  # first: the lines after it look at no state
    offered = said.piece("offer")
    if offered is not None:
        faces.arrivals.offer(offered, held=faces.photos, shown=said.text("shown") or "")
    faces.arrivals.take(said.piece("piece"))
    faces.arrivals.give_up(said.text("lost"))


def _look_at_the_next(faces: Faces) -> None:
    """Has a photo that is whole looked at when it is this visitor's turn: it takes a while."""
    look = functools.partial(look_at, most=FACES_OF_A_PHOTO + 1)
    work = faces.arrivals.next_to_look_at(look)
    if work is None:
        return
    try:
        later(work, session=photos_place(current_session()))
    except BlurdashError:  # too many wait; the browser asks again in a moment
        faces.arrivals.put_back()


def _collect(faces: Faces) -> None:
    for looked in faces.arrivals.collect():
        if looked.problem:
            continue
        added = faces.add_photo(looked.key, looked.faces, looked.number)
        if len(added) < len(looked.faces):
            faces.arrivals.say(looked.key, _not_all(added, looked))
        _choose(faces, added)


def _not_all(added: list[ShownFace], looked: Looked) -> str:
    if not added:
        return (
            f"It was not taken in: {FACES_KEPT} faces are the most that are kept; remove a photo "
            "first."
        )
    if len(added) == FACES_OF_A_PHOTO:
        return (
            f"More than {FACES_OF_A_PHOTO} faces are in it, the {FACES_OF_A_PHOTO} largest are "
            "offered; cut the photo to choose from the others."
        )
    only = "only the largest is" if len(added) == 1 else f"only the {len(added)} largest are"
    return (
        f"Of its {len(looked.faces)} faces {only} offered: {FACES_KEPT} faces are the most that "
        "are kept; remove a photo to make room."
    )


def _choose(faces: Faces, added: list[ShownFace]) -> None:
    """The first new face is shown next; of photos that are sent again, the one shown before."""
    before = faces.arrivals.shown
    if before:
        faces.choose = next((one.id for one in added if one.id == before), faces.choose)
    elif added and not faces.arrivals.chosen:
        faces.choose, faces.arrivals.chosen = added[0].id, True
