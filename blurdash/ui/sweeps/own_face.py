"""The face of Explore beside a sweep: its curves, where they were measured just as the sweep's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash import defaults
from blurdash.circumstances import Circumstances, in_words
from blurdash.sweep import Sweep
from blurdash.sweep_file import settings_of
from blurdash.ui.server import recogniser
from blurdash.ui.server.shipped import (
    PORTRAIT_FACES,
    Which,
    angle_name,
    read_shipped,
    sweep_at_hand,
    values_by_degree,
)
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.board import Swept, line_data
from blurdash.ui.visitor import view
from blurdash.ui.visitor.session import Run, session_faces
from blurdash.ui.visitor.shown_face import PORTRAIT_ID, ShownFace
from blurdash.ui.visitor.sweep_job import SweepJob

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["angle_of", "go_on_measuring", "measure_own_face", "own_face", "under_of"]

KINDS = ("random", "fixed")
WANTED_KEY = "sw_mine_wanted"
STEP = 4  # px between two degrees that are measured of one more face

Values = Mapping[int, Mapping[str, float]]


def own_face(swept: Swept) -> dict[str, Any]:
    """Returns the curves of the face that Explore shows, and what is to be said of them.

    Args:
        swept: The sweeps beside which they would stand.

    Returns:
        ``face``, its id; ``label``; ``curves`` by kind; ``notes`` by kind: why it is not drawn;
        and ``offer``: what a button says that has them measured, empty where there is none.
    """
    face = _face()
    curves, notes = {}, {}
    for kind in (one for one in KINDS if one in swept.tables):
        under = under_of(swept.tables[kind])
        values = _known(face, under)
        if values:
            curves[kind] = line_data(values)
        else:
            notes[kind] = _note(face, under)
    return {
        "face": face.id,
        "label": "the portrait" if face.id == PORTRAIT_ID else "my face",
        "curves": curves,
        "notes": notes,
        "offer": _offer(swept) if notes else "",
    }


def _face() -> ShownFace:
    return session_faces().shown_face(view.start().face)


def under_of(table: pa.Table) -> Circumstances:
    """Returns what a table's numbers were measured under."""
    same = {name: str(table[name][0]) for name in ("protocol", "crop", "kernel")}
    noted = settings_of(table).get("identity", {})
    angle, weights = noted.get("angle"), noted.get("weights_sha256")
    known = angle if isinstance(angle, (int, float, str)) else None
    return Circumstances(str(table["embedder"][0]), **same, angle=known, weights=str(weights or ""))


def _known(face: ShownFace, under: Circumstances) -> Values | None:
    """The face's numbers under just these circumstances, from whoever has them."""
    table = _swept(face, under)
    return _of_explore(under) if table is None else values_by_degree(table)


def angle_of(name: str, table: pa.Table, degree: float) -> float | None:
    """Returns the angle at which a face was blurred by a degree; None where that is not known.

    Args:
        name: The id of one of the visitor's faces.
        table: A sweep beside or in which the face is drawn.
        degree: px.
    """
    face, under = session_faces().shown_face(name), under_of(table)
    for rows in (_angles(table, face.label), _angles(_swept(face, under), None)):
        if round(degree) in rows:
            return rows[round(degree)]
    return float(under.angle) if isinstance(under.angle, (int, float)) else None


def _angles(table: pa.Table | None, face: str | None) -> dict[int, float]:
    """The angle at each degree of a face in a table; None for the one face that it is of."""
    if table is None:
        return {}
    rows = table.select(["face", "degree", "angle"]).to_pylist()
    return {row["degree"]: float(row["angle"]) for row in rows if face in (None, row["face"])}


def _swept(face: ShownFace, under: Circumstances) -> pa.Table | None:
    """The face's own sweep under just these circumstances."""
    run = Run(frozenset({face.id}), under.recogniser, under.kernel, under.angle or 0.0)
    table = session_faces().runs.get(run)
    if table is None and face.id == PORTRAIT_ID:
        which = Which(PORTRAIT_FACES, under.recogniser, under.kernel, angle_name(under.angle))
        path = sweep_at_hand(which, under.weights)
        table = None if path is None else read_shipped(path)
    return None if table is None or under_of(table).other_than(under) else table


def _of_explore(under: Circumstances) -> Values | None:
    faces = session_faces()
    if faces.curve is None or faces.curve_under is None or faces.curve_under.other_than(under):
        return None
    if faces.fill_curve is not None and not faces.curve.complete:
        faces.fill_curve()  # a browser that reads out its face itself had no need of it until now
    known = {degree: dict(row) for degree, row in faces.curve.values.items() if row}
    return known if len(known) > 1 else None


def _note(face: ShownFace, under: Circumstances) -> str:
    """Why a face is not drawn: in what Explore's settings differ from a sweep's."""
    who = "The portrait" if face.id == PORTRAIT_ID else "Your face"
    known = session_faces().curve_under
    different = {} if known is None else known.other_than(under)
    if not different:
        return f"{who} is not drawn. With these settings it was not measured yet."
    return f"{who} is not drawn. In Explore it has {in_words(different)}; this sweep has not."


# --- measuring it as here -------------------------------------------------------------------------


def _offer(swept: Swept) -> str:
    """What the button says; empty where it cannot be measured now."""
    faces, under = session_faces(), under_of(swept.any)
    if faces.job is not None and faces.job.running:
        return ""
    loading = recogniser.request(under.recogniser, under.protocol)
    if loading.embedder is None or loading.embedder.weights_sha256 != under.weights:
        return ""
    return "Measure it as here"


def measure_own_face() -> None:
    """Has the face of Explore measured as the sweep that is shown, from the next drawing on."""
    st.session_state[WANTED_KEY] = _face().id


def go_on_measuring(swept: Swept) -> None:
    """Begins what of the wanted face is not measured yet, one kind after the other."""
    faces, face = session_faces(), _face()
    if st.session_state.get(WANTED_KEY) != face.id or (faces.job and faces.job.running):
        return
    for kind in (one for one in KINDS if one in swept.tables):
        under = under_of(swept.tables[kind])
        if _known(face, under) is None and under.angle is not None:
            _begin(face, under, swept.tables[kind])
            return
    st.session_state.pop(WANTED_KEY, None)


def _begin(face: ShownFace, under: Circumstances, table: pa.Table) -> None:
    loading = recogniser.request(under.recogniser, under.protocol)
    if loading.embedder is None:
        st.session_state.pop(WANTED_KEY, None)
        return
    noted = settings_of(table).get("identity", {})
    last = int(max(table["degree"].to_pylist()))
    sweep = Sweep(
        angle=under.angle or 0.0,
        degrees=tuple(range(0, last + 1, STEP)),
        kernel=under.kernel,
        crop=under.crop,
        protocol=under.protocol,
        seed=int(noted.get("seed", defaults.SEED)),
        limit=None,
    )
    session_faces().job = SweepJob([face], sweep, loading.embedder, session=current_session())


def stop_measuring() -> None:
    """Wants no more of it."""
    st.session_state.pop(WANTED_KEY, None)
