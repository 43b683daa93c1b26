"""The Sweeps page: the study's graphs, shipped, of one's own photos, or of one's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash import defaults
from blurdash.embed import EMBEDDERS
from blurdash.errors import BlurdashError
from blurdash.kernel import KERNELS
from blurdash.provenance import separated
from blurdash.reference import unpacked
from blurdash.summary import AXES, heading
from blurdash.sweep_file import read_sweep, with_own_settings
from blurdash.ui.components.browser import scripts, sweeps
from blurdash.ui.components.sent import Sent, is_number
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.sweeps.board import swept_data
from blurdash.ui.sweeps.choices import pick, plain_line
from blurdash.ui.sweeps.own_face import angle_of, go_on_measuring, measure_own_face, own_face
from blurdash.ui.sweeps.portrait_sweeps import keep_computed, offer_portrait
from blurdash.ui.sweeps.run_panel import SHOW_KEY, run_panel
from blurdash.ui.sweeps.side import downloads, how_to_read, what_this_is
from blurdash.ui.sweeps.sources import (
    MY_FILE,
    MY_PHOTOS,
    PORTRAIT,
    Found,
    groups,
    label_of_name,
    measured_by,
    of_own_photos,
    of_parts,
    of_portrait,
    of_reference,
)
from blurdash.ui.visitor import view
from blurdash.ui.visitor.address import Reader, note, query_of
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use
from blurdash.ui.visitor.session import OwnReference, session_faces
from blurdash.words import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from blurdash.reference import Reference
    from blurdash.ui.sweeps.board import Swept

__all__ = ["sweeps_page"]

BOARD_KEY = "bd_sweeps"
PANELS = ("what", "save", "run", "read")
ALONE = ""
ADDRESSED = {"shipped": "", "portrait": PORTRAIT}  # what of faces stands in an address


def sweeps_page(to_explore: Callable[[], None] | None = None) -> None:
    """Draws the page.

    Args:
        to_explore: Goes to the page that shows a single face; without it none can be opened.
    """
    scripts(key="bd_scripts")
    said = session_faces().take_run()
    there = groups()
    _begin(there)
    opened = _obey()
    faces, name, kernel, beside = _choices(there)
    with st.container(key="bd-sweeps"):
        left = st.container(key="bd-sweeps-left")
        side = st.container(key="bd-sweeps-side")
    with side:
        panel = {
            key: st.container(key=f"bd-sweeps-{key}") for key in ("what", "save", "run", "read")
        }
    with panel["run"]:
        found = _found(faces, there, name, kernel, beside)
        if faces != MY_FILE:
            run_panel(name, kernel, said)
    with left:
        if found.swept is None:
            _nothing(found, faces, name, kernel)
            return
        if to_explore is not None and opened is not None and _show_face(found, opened):
            to_explore()
        try:
            data = _data(found, faces, beside)
            data |= {"opens": bool(to_explore), "open": _openable(found) if to_explore else {}}
        except BlurdashError as error:
            st.error(sentence(plain_line(str(error))), icon=":material/error:")
            return
        sweeps(data, key=BOARD_KEY)
        if faces == PORTRAIT and found.missing:
            offer_portrait(name, kernel, found)
    with panel["what"]:
        what_this_is(found.swept)
    with panel["save"]:
        downloads(found, _axis())
    with panel["read"]:
        how_to_read(found.swept, [sentence(one) for one in references_at_hand().problems])


# --- what is chosen -------------------------------------------------------------------------------


def _begin(there: dict[str, list[Reference]]) -> None:
    """Takes over what an address says, once a visit; shows what has just been measured."""
    wanted = st.session_state.pop(SHOW_KEY, None)
    if wanted is not None:
        st.session_state["sw_faces"] = wanted
    _show_newest()
    chosen = view.start()
    if "sw_begun" not in st.session_state:
        st.session_state["sw_begun"] = True
        _read_address(there)
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    if "sw_name" not in st.session_state and loading.embedder is not None:
        st.session_state["sw_name"] = loading.embedder.name  # until another is chosen


def _show_newest() -> None:
    """Shows a reference of the visitor's once, as soon as it is there."""
    newest = next((one.reference for one in session_faces().own), None)
    which = newest and (newest.name, newest.manifest["created"])
    if newest is None or st.session_state.get("sw_newest") == which:
        return
    st.session_state["sw_newest"] = which
    st.session_state["sw_faces"] = newest.title
    st.session_state["sw_name"] = newest.under.recogniser
    st.session_state["sw_kernel"] = newest.under.kernel


def _read_address(there: dict[str, list[Reference]]) -> None:
    reader = Reader(st.query_params)
    if not reader.names("faces", "recogniser", "kernel", "beside", "in"):
        return
    named = reader.text("faces")
    if named in ADDRESSED:
        if ADDRESSED[named]:
            st.session_state["sw_faces"] = ADDRESSED[named]
    elif named in there:
        st.session_state["sw_faces"] = named
    if reader.names("recogniser"):
        st.session_state["sw_name"] = reader.known("recogniser", EMBEDDERS, "") or None
        if st.session_state["sw_name"] is None:
            del st.session_state["sw_name"]
    st.session_state["sw_kernel"] = reader.known("kernel", KERNELS, defaults.KERNEL)
    st.session_state["sw_beside"] = reader.known("beside", EMBEDDERS, ALONE)
    st.session_state["sw_axis"] = reader.known("in", AXES, "px")
    note(reader, more=True)


def _choices(there: dict[str, list[Reference]]) -> tuple[str, str, str, str]:
    """Faces, recogniser, kernel and a second recogniser, in the page's head."""
    names = [*there, PORTRAIT, MY_PHOTOS, MY_FILE]
    with st.container(horizontal=True, key="bd-settings", vertical_alignment="center", gap="small"):
        faces = pick("Reference faces", names, "sw_faces", width=330)
        if faces == MY_FILE:
            return faces, "", "", ALONE
        # The portrait can be swept with any recogniser, and a reference measured with any.
        known = measured_by(faces, there)
        order = sorted(EMBEDDERS, key=lambda one: one not in known)
        name = pick("Recogniser", order, "sw_name", label_of_name, width=230)
        kernel = pick(
            "Kernel", list(KERNELS), "sw_kernel", lambda one: KERNELS[one].label, width=160
        )
        others = [ALONE, *(one for one in order if one != name)]
        beside = pick("beside", others, "sw_beside", _beside_called, width=190)
    return faces, name, kernel, beside


def _beside_called(name: str) -> str:
    return label_of_name(name) if name else "nothing"


def _obey() -> object | None:
    """Does what the browser asked for, once; returns which face is to be opened, if any."""
    act = Sent.by(BOARD_KEY).act("act")
    if act is None or act[2] == st.session_state.get("sw_obeyed"):
        return None
    st.session_state["sw_obeyed"] = act[2]
    if act[0] == "axis" and act[1] in AXES:
        st.session_state["sw_axis"] = act[1]
    elif act[0] == "mine":
        measure_own_face()
    return act[1] if act[0] == "open" else None


def _axis() -> str:
    """What the x axis counts."""
    return str(st.session_state.get("sw_axis", "px"))


# --- a face, opened in Explore --------------------------------------------------------------------


def _openable(found: Found) -> dict[str, str]:
    """Ids of the visitor's faces that single curves are of, by their name in the tables."""
    faces = session_faces()
    labels = {one.label: one.id for one in faces.choices()}
    if found.swept is not None and found.swept.own:
        return labels
    own = next((one.faces for one in faces.own if one.reference is found.reference), frozenset())
    return {label: name for label, name in labels.items() if name in own}


def _show_face(found: Found, about: object) -> bool:
    """Has Explore show a face as it was measured: what is asked for may be anything.

    Returns:
        Whether there is such a one.
    """
    if not isinstance(about, list) or len(about) != 3 or found.swept is None:
        return False
    name, degree, kind = about
    names = [one.id for one in session_faces().choices()]
    table = found.swept.tables.get(kind) if kind in ("random", "fixed") else None
    if name not in names or table is None or not is_number(degree):
        return False
    angle = angle_of(name, table, degree)
    if angle is None:
        return False
    chosen = view.start()
    chosen.face, session_faces().choose = name, ""  # not the photo that was added last
    view.choose_recogniser(chosen, str(table["embedder"][0]))
    view.choose_kernel(chosen, str(table["kernel"][0]))
    chosen.protocol, chosen.crop = str(table["protocol"][0]), str(table["crop"][0])
    view.jump(chosen, [degree, angle, 0.0, 0.0])
    return True


# --- what there is --------------------------------------------------------------------------------


def _found(
    faces: str, there: dict[str, list[Reference]], name: str, kernel: str, beside: str
) -> Found:
    if faces == MY_FILE:
        return _own_file()
    if faces == MY_PHOTOS:
        return of_own_photos(name, kernel, beside)
    if faces == PORTRAIT:
        keep_computed()
        return of_portrait(name, kernel, beside)
    return of_reference(there[faces], name, kernel, beside)


def _own_file() -> Found:
    """A table or a reference that the visitor hands over."""
    st.html("<h2>My file</h2>")
    file = st.file_uploader(
        "A table of python -m blurdash sweep, or a reference that you downloaded",
        type=["parquet", "zip"],
        key="sw_file",
        help="A Parquet file or a ZIP; it is read in memory and not kept",
    )
    if file is None:
        return Found(why="Choose a file under My file: a table, or a reference from this page.")
    try:
        if file.name.lower().endswith(".zip"):
            return _own_reference(file.file_id, file.getvalue())
        parts = [with_own_settings(part) for part in separated(read_sweep(file.getvalue()))]
    except BlurdashError as error:
        return Found(why=sentence(plain_line(str(error))))
    chosen = 0
    if len(parts) > 1:
        names = [f"{i}: {plain_line(heading(one))}" for i, one in enumerate(parts, 1)]
        picked = pick(f"Which of the {len(parts)} sweeps in it", names, "sw_part", width=258)
        chosen = names.index(picked)
    return of_parts(parts, chosen)


def _own_reference(file_id: str, content: bytes) -> Found:
    if file_id != st.session_state.get("sw_ref_loaded"):
        loaded = unpacked(content)
        st.session_state["sw_ref_loaded"] = file_id
        session_faces().add_reference(OwnReference(loaded, frozenset()))
        st.rerun()
    return Found(why="This reference was taken over: it is among the reference faces.")


def _nothing(found: Found, faces: str, name: str, kernel: str) -> None:
    with st.container(key="bd-sweeps-nothing"):
        if faces == PORTRAIT:
            offer_portrait(name, kernel, found)
        elif faces == MY_FILE and st.session_state.get("sw_file") is not None:
            st.error(found.why, icon=":material/error:")
        else:
            st.info(found.why)


def _data(found: Found, faces: str, beside: str) -> dict[str, Any]:
    """What the browser draws, with what of it stands in the address."""
    axis = _axis()
    swept = found.swept
    if swept is None:
        raise ValueError("there is nothing to draw")
    go_on_measuring(swept)
    table = swept.any
    addressed = {one: name for name, one in ADDRESSED.items() if one}.get(faces, "")
    if found.reference is not None:
        addressed = "shipped" if found.reference.origin == "shipped" else faces
    entries = {"faces": addressed} if addressed else {}
    if found.reference is not None and found.reference.origin == "session":
        entries = {}  # whose faces they are is in no address
    entries |= {"recogniser": str(table["embedder"][0]), "kernel": str(table["kernel"][0])}
    if beside:
        entries["beside"] = beside
    if axis != "px":
        entries["in"] = axis
    return {
        "query": query_of(entries),
        "axis": axis,
        "axes": {one: text.removeprefix("degree, ") for one, text in AXES.items()},
        "faces": swept.faces,
        "first": swept_data(swept, axis),
        "second": None if found.second is None else swept_data(found.second, axis),
        "beside": label_of_name(beside) if beside else "",
        "missing": dict(found.missing),
        "mine": None if _is_one_face(swept) else own_face(swept),
        "under": {one: str(table[one][0]) for one in ("protocol", "crop", "kernel")},
    }


def _is_one_face(swept: Swept) -> bool:
    """Whether it is of one face of the visitor's, or the portrait: it stands beside no other."""
    return swept.own and len(set(swept.any["face"].to_pylist())) == 1
