"""The row above a page: whose face, and with which settings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from blurdash.face import SMALLEST_SOURCE
from blurdash.ui.components.browser import face_pictures, scene
from blurdash.ui.components.sent import Sent
from blurdash.ui.visitor import view
from blurdash.ui.visitor.face_in_use import SCENE_KEY
from blurdash.ui.visitor.intake import photo_intake
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use, tell_of_better
from blurdash.ui.visitor.reference_in_use import references_for
from blurdash.ui.visitor.session import Faces, session_faces
from blurdash.ui.visitor.shown_face import PORTRAIT_ID, ShownFace
from blurdash.ui.visitor.view import View
from blurdash.words import sentence

__all__ = ["face_row", "settings_row", "toolbar"]

FACES_KEY = "bd_faces"


def toolbar(chosen: View) -> ShownFace:
    """Settings and faces, for pages that draw both in one go; returns the face to show."""
    settings_row(chosen)
    return _row(chosen, _face_choice, _recogniser_note)


def settings_row(chosen: View) -> None:
    """Recogniser, kernel, protocol and crop, at the right of the page's head."""
    with st.container(horizontal=True, key="bd-settings", vertical_alignment="center", gap="small"):
        if chosen.recogniser is None:
            tell_of_better(chosen.protocol)
        view.setting_choices(chosen)
        _reference_choice(chosen)


def _reference_choice(chosen: View) -> None:
    """Whose faces stand beside this one, where several were measured under what is chosen."""
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    if loading.embedder is None:
        return
    there = {one.name: one.title for one in references_for(chosen, loading.embedder)}
    if len(there) < 2:
        return
    names = list(there)
    key = "bd_choice_reference_" + "|".join(names)
    wanted = chosen.reference if chosen.reference in there else names[0]
    taken_over = view.follows("Other faces")
    if taken_over:
        st.session_state[key] = wanted
    picked = st.selectbox(
        "Other faces",
        names,
        index=0 if taken_over else names.index(wanted),
        format_func=lambda name: there.get(name, name),
        key=key,
        help="Whose faces the bands, the strangers and *How often* are of",
        width=190,
    )
    # The first stands there unasked: it is no choice that a link would have to carry.
    chosen.reference = "" if picked in (None, names[0]) else picked


def face_row(chosen: View) -> ShownFace:
    """The faces as pictures, and the way to add one; returns the face to show."""
    return _row(chosen, _face_pictures)


def _row(
    chosen: View,
    choice: Callable[[View], ShownFace],
    more: Callable[[View], None] | None = None,
) -> ShownFace:
    """A choice of faces, the way to add one, and what else belongs into the row."""
    with st.container(horizontal=True, key="bd-faces", vertical_alignment="center", gap="small"):
        face = choice(chosen)
        photo_intake(session_faces())
        if more:
            more(chosen)
    _tell_browser(face, chosen)
    return face


def _tell_browser(face: ShownFace, chosen: View) -> None:
    """What is shown now: numbers of anything else are stale from here on."""
    visit = session_faces().visit
    scene(view.settings_key(chosen), visit, shown=face.id, key=SCENE_KEY)


def _recogniser_note(chosen: View) -> None:
    """Why another recogniser than FaceNet is in use, and how to supply weights."""
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    if loading.embedder is None or not loading.embedder.note:
        return
    with st.popover("Why this recogniser?", icon=":material/info:", key="bd_why"):
        st.text(sentence(loading.embedder.note))
        st.caption(
            "Put the weights file into a folder and start with BLURDASH_WEIGHTS_DIR set to it, or "
            "let this machine reach the internet once."
        )


def _face_pictures(chosen: View) -> ShownFace:
    """The faces as small pictures; one photo's stand together, and each photo can be removed."""
    faces = session_faces()
    _obey(faces, chosen)
    choices = {one.id: one for one in faces.choices()}
    if faces.choose in choices:
        chosen.face, faces.choose = faces.choose, ""
    elif chosen.face not in choices:
        chosen.face = PORTRAIT_ID
    photo_of = {name: photo for photo in faces.photos.values() for name in photo.faces}
    pictures = []
    for one in choices.values():
        photo = photo_of.get(one.id)
        source = one.face.source
        pictures.append(
            {
                "id": one.id,
                "label": one.label,
                "picture": one.thumbnail(),
                "small": round(source) if source < SMALLEST_SOURCE else None,
                "photo": photo.key if photo else None,
                "of": photo.label if photo else None,
            }
        )
    face_pictures(pictures, shown=chosen.face, key=FACES_KEY)
    return choices[chosen.face]


def _obey(faces: Faces, chosen: View) -> None:
    """Does what was asked for in the row of faces, once."""
    act = Sent.by(FACES_KEY).act("act")
    if act is None or act[2] == st.session_state.get("bd_faces_obeyed"):
        return
    word, about, st.session_state["bd_faces_obeyed"] = act
    if word == "show" and isinstance(about, str):
        chosen.face = about
    if word == "remove" and isinstance(about, str):
        faces.remove_photo(about)


def _face_choice(chosen: View) -> ShownFace:
    faces = session_faces()
    choices = {one.id: one for one in faces.choices()}
    labels = {name: one.label for name, one in choices.items()}  # kept by Streamlit, so no faces
    if faces.choose in choices:
        st.session_state["bd_face"], faces.choose = faces.choose, ""
    elif st.session_state.get("bd_face") not in choices:
        st.session_state["bd_face"] = chosen.face if chosen.face in choices else PORTRAIT_ID
    picked = st.selectbox(
        "Face",
        list(labels),
        format_func=lambda name: labels.get(name, ""),
        key="bd_face",
        label_visibility="collapsed",
        width=170,
    )
    chosen.face = picked or PORTRAIT_ID
    return choices[chosen.face]
