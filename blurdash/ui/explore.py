"""The Explore page: a face beside its blurred self, with every number live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from blurdash import defaults
from blurdash.embed import EMBEDDERS
from blurdash.errors import BlurdashError
from blurdash.figure import face_curve_figure
from blurdash.kernel import KERNELS
from blurdash.ui import recogniser, view
from blurdash.ui.clicks import clicked
from blurdash.ui.components import controls, curve_feed, pack_stage, stage
from blurdash.ui.live import (
    COARSE_FIRST,
    NOBODY,
    Curve,
    LiveFace,
    fill_curve,
    in_line,
    shared_live,
    somebody_waits,
)
from blurdash.ui.photos import (
    PORTRAIT_ID,
    ShownFace,
    current_session,
    session_faces,
)
from blurdash.ui.readouts import controls_data, curve_data
from blurdash.ui.shipped import SHIPPED_EMBEDDER, shipped_bands, shipped_curve
from blurdash.ui.toolbar import sentence, toolbar
from blurdash.ui.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blurdash.figure import Band
    from blurdash.ui.recogniser import Loading

__all__ = ["explore_page"]

CONTROLS_KEY = "bd_controls"
# How often a page looks for the recogniser, and its chart for new points of its curve; the chart
# less often the more visitors wait, for then there are fewer new points, and looking takes their
# time. It is drawn anew at a few numbers of points only: that costs the browser a moment.
LOOK_SECONDS = 1.0
WAITING_FOR_A_SECOND = 2
CHART_STEPS = (5, 21, 51, 101)
PARTS_OF_A_PLACE = 6  # degree, angle, shift x, shift y, mode, window height
# px: what lies above and below the chart, and the heights that still read well.
LOADING_NOTE = 75
ROOM_BESIDE_CHART, SMALLEST_CHART, LARGEST_CHART = 368, 380, 600


def explore_page() -> None:
    """Draws the page."""
    somebody_waits(current_session())
    chosen = view.start()
    face = toolbar(chosen)
    loading = recogniser.request(chosen.recogniser, chosen.protocol)
    pictures, chart = st.columns([58, 42], gap="medium")
    with pictures:
        _stage(face, chosen)
    with chart:
        _chart(face, chosen, loading)
    # What a fragment is given, Streamlit keeps: never a face or anything made from one.
    st.fragment(_draw_controls)(chosen, loading)


def _stage(face: ShownFace, chosen: View) -> None:
    # The position of the sliders is not in it: it reaches the stage through the browser, and data
    # that stays the same is not sent again.
    header = {
        "face": face.id,
        "name": face.label,
        "eye_distance": round(face.face.eye_distance, 2),
        "mode": chosen.mode,
    }
    stage(pack_stage(header, face.png()), key="bd_stage")


def _live_face(face: ShownFace, chosen: View, loading: Loading) -> LiveFace | None:
    """The face's readouts with the chosen setting; None while the recogniser is not there."""
    embedder = loading.embedder
    if embedder is None:
        return None
    key = (face.id, embedder.name, embedder.protocol, chosen.kernel, chosen.crop)

    def make(owner: str) -> LiveFace:
        return LiveFace(face.face, embedder, chosen.kernel, chosen.crop, owner=owner)

    if face.id == PORTRAIT_ID:
        return shared_live(key, lambda: make(NOBODY))
    faces = session_faces()
    return faces.live.get(key) or faces.keep_live(key, make(current_session()))


def _chart(face: ShownFace, chosen: View, loading: Loading) -> None:
    live = _live_face(face, chosen, loading)
    curve = live.curve(chosen.angle) if live else None
    session_faces().curve = curve  # the Sweeps page may draw it in
    waiting = not loading.done.is_set()
    if live is not None and curve is not None and not curve.complete:
        fill_curve(current_session(), live, curve, chosen.kernel)
    every = LOOK_SECONDS if waiting else None
    st.session_state["bd_chart"] = (chosen.angle, chosen.window_height)
    with st.container(key="bd-curve"):
        st.fragment(_draw_chart, run_every=every)(chosen, loading, face.label, polled=waiting)


def _draw_chart(chosen: View, loading: Loading, label: str, *, polled: bool) -> None:
    curve = session_faces().curve
    if curve is None:
        _draw_without_recogniser(chosen, loading, polled=polled)
        return
    known = dict(curve.values)
    steps = [step for step in CHART_STEPS if step <= len(known)]
    shown = {degree: known[degree] for degree in list(known)[: steps[-1] if steps else 0]}
    title = f"{label} · {chosen.kernel} kernel at {curve.angle:g}°"
    if not curve.complete:
        title += f" · {len(shown)} of 101 degrees"
    bands = _bands_for(chosen, loading, curve.angle)
    if bands:
        title += " · bands: 8 in 10 of 30 faces"
    # Looked for every second by all who wait for a curve, and dear to make.
    figure = curve.drawn(
        (len(shown), title), lambda: face_curve_figure(shown, title=title, bands=bands)
    )
    st.plotly_chart(
        figure,
        key="bd_curve_chart",
        config={"displayModeBar": False},
        height=_chart_height(chosen),
    )
    again = (
        None
        if len(shown) == len(COARSE_FIRST)
        else LOOK_SECONDS + in_line() // WAITING_FOR_A_SECOND
    )
    curve_feed(
        curve_data(curve, shown, view.settings_key(chosen), look_again=again), key="bd_curve_feed"
    )


def _bands_for(chosen: View, loading: Loading, angle: float) -> Mapping[str, Band]:
    """Where the reference faces lie, if they were measured as this face is."""
    embedder = loading.embedder
    alike = (
        embedder is not None
        and embedder.name == SHIPPED_EMBEDDER
        and embedder.protocol == defaults.PROTOCOL
        and chosen.crop == defaults.CROP
    )
    return shipped_bands(chosen.kernel, angle) if alike else {}


def _draw_without_recogniser(chosen: View, loading: Loading, *, polled: bool) -> None:
    if not loading.done.is_set():
        _loading_note(loading)
        _draw_shipped(chosen)
    elif polled or not loading.error:
        st.rerun()  # the whole page learns that the recogniser is there, or why it is not
    else:
        _draw_failure(loading)


def _shipped_for(chosen: View) -> tuple[str, dict[int, dict[str, float]]] | None:
    """The portrait's shipped numbers, where they are of what was chosen."""
    row = EMBEDDERS[SHIPPED_EMBEDDER]
    if (
        chosen.face != PORTRAIT_ID
        or chosen.recogniser not in (None, row.name)
        or chosen.protocol not in row.protocols
        or chosen.crop != defaults.CROP
    ):
        return None
    return shipped_curve(chosen.kernel, chosen.angle)


def _draw_shipped(chosen: View) -> None:
    """The portrait's shipped numbers, until the recogniser is there."""
    found = _shipped_for(chosen)
    if found is None:
        return
    label, values = found
    curve_feed(
        curve_data(Curve(chosen.angle), values, view.settings_key(chosen)), key="bd_shipped_feed"
    )
    if not st.session_state.get("bd_stage_first"):
        # Plotly is large: while a browser unpacks it, the pictures would wait.
        st.session_state["bd_stage_first"] = True
        return
    st.plotly_chart(
        face_curve_figure(values, title=f"Portrait · {chosen.kernel} kernel · shipped, {label}"),
        key="bd_shipped_chart",
        config={"displayModeBar": False},
        height=_chart_height(chosen) - LOADING_NOTE,
    )


def _chart_height(chosen: View) -> int:
    """As tall as the pictures beside it."""
    return min(max(chosen.window_height - ROOM_BESIDE_CHART, SMALLEST_CHART), LARGEST_CHART)


def _draw_failure(loading: Loading) -> None:
    st.error(sentence(loading.error), icon=":material/error:")
    if clicked("Try again", key="bd_again"):
        recogniser.request(loading.name, loading.protocol, again=True)
        st.rerun()


def _loading_note(loading: Loading) -> None:
    if loading.fraction is not None:
        done, total = loading.downloaded or (0, 1)
        st.progress(
            loading.fraction,
            f"Fetching the recogniser's weights: {done / 1e6:.0f} of {(total or 0) / 1e6:.0f} MB",
        )
    else:
        st.info(
            "The recogniser is being loaded; the picture is live already.",
            icon=":material/hourglass_top:",
        )


def _draw_controls(chosen: View, loading: Loading) -> None:
    face = session_faces().shown_face(chosen.face)
    position, ack = _position(chosen)
    view.move(chosen, position)
    rested, stale = _at_rest(chosen)
    live = _live_face(face, chosen, loading)
    readout, message = None, ""
    if live is not None:
        try:
            readout = live.readout(
                chosen.change(), session=current_session(), still_wanted=view.still_wanted
            )
        except BlurdashError as error:
            message = sentence(str(error))
    data = controls_data(
        chosen,
        readout,
        ack=ack,
        rested=rested,
        key=view.settings_key(chosen),
        start=st.session_state.get("bd_start", 0),
        eye_distance=face.face.eye_distance,
        circumstances=_circumstances(chosen, loading),
        message=message or ("" if loading.done.is_set() else "The recogniser is being loaded …"),
        alert=bool(message),
        curve=dict(live.curve(chosen.angle).values) if live else None,
    )
    controls(data, key=CONTROLS_KEY, position=position)
    if stale:
        st.rerun()


def _at_rest(chosen: View) -> tuple[str, bool]:
    """Follows a hand that has come to rest: the address, and the chart's angle and height.

    Every message to the browser may end this run, because a newer request is waiting; so what has
    been seen to is noted after it was sent.

    Returns:
        The place that is seen to, as the browser wrote it; whether the chart is another now.
    """
    place = str((st.session_state.get(CONTROLS_KEY) or {}).get("rest") or "")
    parts = place.split(",")
    if len(parts) != PARTS_OF_A_PLACE:
        return "", False
    angle, mode, height = parts[1], parts[-2], parts[-1]
    if place != st.session_state.get("bd_rested"):
        if mode in view.MODES:
            chosen.mode = mode
        if height.isdecimal():
            chosen.window_height = min(int(height), view.LARGEST_WINDOW)
        view.write_address(chosen)
        st.session_state["bd_rested"] = place
    drawn = st.session_state.get("bd_chart")
    still = angle == f"{chosen.angle:g}"
    return place, still and drawn != (chosen.angle, chosen.window_height)


def _position(chosen: View) -> tuple[list[float], int]:
    """Where the sliders are, and the number of the request that said so."""
    state = st.session_state.get(CONTROLS_KEY) or {}
    pos = state.get("pos") if hasattr(state, "get") else None
    if not pos:
        return [chosen.degree, chosen.angle, chosen.shift_x, chosen.shift_y], 0
    return list(pos[:4]), int(pos[4])


def _circumstances(chosen: View, loading: Loading) -> str:
    """What stands beside every number: recogniser, protocol, crop, kernel."""
    if loading.embedder is not None:
        name = EMBEDDERS[loading.embedder.name].label
    elif not loading.done.is_set() and _shipped_for(chosen) is not None:
        name = f"Shipped numbers of {EMBEDDERS[SHIPPED_EMBEDDER].label}"
    else:
        name = "No recogniser"
    kernel = KERNELS[chosen.kernel].label
    return f"{name}, protocol {chosen.protocol}, crop {chosen.crop}, {kernel}"
