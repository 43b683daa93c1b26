"""Run on my photos: a sweep at one angle, or all three as a reference; how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from blurdash import defaults
from blurdash.embed import label_of
from blurdash.kernel import KERNELS
from blurdash.portrait import portrait_face
from blurdash.reference import plain_name
from blurdash.reference_run import ReferenceSettings, seconds_of_a_row
from blurdash.sweep import Sweep
from blurdash.ui.components.clicks import clicked
from blurdash.ui.server import recogniser
from blurdash.ui.server.live import in_turn
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.choices import (
    await_recogniser,
    drop_job,
    pick,
    picked_faces,
    plain_line,
    show_progress,
)
from blurdash.ui.sweeps.own_face import stop_measuring
from blurdash.ui.sweeps.sources import MY_PHOTOS
from blurdash.ui.visitor import view
from blurdash.ui.visitor.intake import photo_intake
from blurdash.ui.visitor.reference_job import ReferenceJob
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.sweep_job import SweepJob
from blurdash.words import counted, duration, sentence

if TYPE_CHECKING:
    from blurdash.embed import Embedder

__all__ = ["SHOW_KEY", "run_panel"]

FEWEST_FACES = 3  # of a reference: fewer have hardly any strangers
REFERENCE = "all three"
ANGLES = ["45", "random", "0", "90", REFERENCE]
SHOW_KEY = "sw_show"  # what is to be shown from the next drawing on
# Seconds of a picture, as they were measured on the portrait, by recogniser and settings.
_measured: dict[tuple[str, ...], float] = {}


def run_panel(name: str, kernel: str, said: str) -> None:
    """Draws the run that is under way, or what one would take and a button that begins it.

    Args:
        name: Key of the recogniser that is chosen.
        kernel: Key of ``KERNELS``.
        said: What is to be said of a run that has ended; empty for nothing.
    """
    faces = session_faces()
    st.html("<h2>Run on my photos</h2>")
    if faces.job is not None and faces.job.running:
        show_progress()
        return
    if isinstance(faces.job, ReferenceJob):
        said, faces.job = faces.job.error, None
    if said and (faces.stopped is None or said != faces.stopped.error):
        st.warning(said)
    if faces.stopped is not None:
        _stopped(faces.stopped.error)
    with st.container(horizontal=True, gap="small", key="bd-sweeps-begin"):
        with st.popover("Choose and run", key="sw_run"):
            _form(name, kernel)
        photo_intake(faces)
    st.caption("Photos stay in memory only, and are gone when you leave.")


def _stopped(said: str) -> None:
    """What is said of a run that was stopped, with a way to go on and one to be rid of it."""
    faces = session_faces()
    st.warning(f"{said} The rest can follow.")
    with st.container(horizontal=True, gap="small", key="bd-sweeps-stopped"):
        if clicked("Go on", key="sw_go_on", type="primary"):
            stop_measuring()
            faces.go_on()
            st.rerun()
        if clicked("Forget it", key="sw_forget"):
            faces.forget_stopped()
            st.rerun()


def _form(name: str, kernel: str) -> None:
    """Faces, an angle and steps, what it takes, and the button."""
    choices = session_faces().choices()
    picked = picked_faces({one.id: one.label for one in choices})
    st.session_state.setdefault("sw_own_angle", "45")
    with st.container(horizontal=True, gap="small"):
        angle = pick(
            "Angle",
            ["45", "random", "0", "90", REFERENCE],
            "sw_own_angle",
            _angle_called,
            width=190,
        )
        step = 1
        if angle != REFERENCE:
            st.session_state.setdefault("sw_own_step", "2")
            steps = ["1", "2", "5", "10"]
            step = int(pick("Every", steps, "sw_own_step", "{} px".format, width=100))
    chosen = view.start()
    protocol = chosen.protocol if angle == REFERENCE else defaults.PROTOCOL
    loading = recogniser.request(name, protocol)
    for one in choices:
        if one.id in picked and one.face.doubt:
            st.caption(f"{one.label} is doubtful: {one.face.doubt}.")
    if not loading.done.is_set():
        await_recogniser(loading)
    elif loading.embedder is None:
        st.error(sentence(plain_line(loading.error)), icon=":material/error:")
    elif angle == REFERENCE:
        _reference(picked, kernel, chosen.crop, loading.embedder)
    else:
        _sweep(
            picked, kernel, "random" if angle == "random" else float(angle), step, loading.embedder
        )


def _angle_called(angle: str) -> str:
    if angle == REFERENCE:
        return "all three, as a reference"
    return "random" if angle == "random" else f"fixed {angle}°"


# --- a sweep --------------------------------------------------------------------------------------


def _sweep(
    picked: list[str], kernel: str, angle: str | float, step: int, embedder: Embedder
) -> None:
    settings = Sweep(angle=angle, degrees=tuple(range(0, 101, step)), kernel=kernel, limit=None)
    rows = len(picked) * settings.total(1)
    seconds = rows * _seconds(ReferenceSettings(kernel=kernel, limit=None), embedder)
    st.caption(
        f"{rows:,} readouts of {counted(len(picked), 'face')} with {label_of(embedder)}, kernel "
        f"{KERNELS[kernel].label}: about {duration(max(1, seconds))} on an idle core. For a folder "
        f"or a data set use python -m blurdash sweep FOLDER --embedder {embedder.name} and load "
        "the table under *My file*."
    )
    if clicked("Sweep", type="primary", key="sw_sweep", disabled=not picked):
        drop_job()
        stop_measuring()
        faces = session_faces()
        some = [one for one in faces.choices() if one.id in picked]
        faces.job = SweepJob(some, settings, embedder, session=current_session())
        st.session_state[SHOW_KEY] = MY_PHOTOS
        st.rerun()


# --- a reference ----------------------------------------------------------------------------------


def _reference(picked: list[str], kernel: str, crop: str, embedder: Embedder) -> None:
    st.caption(
        "A reference is what the pages know of other faces: bands, strangers, *How often*. It "
        "holds numbers only and stays in this tab, unless you download it. Choose one photo a "
        "person: two of one person would count as strangers."
    )
    settings = ReferenceSettings(kernel=kernel, crop=crop, protocol=embedder.protocol, limit=None)
    under = f"{label_of(embedder)}, protocol {embedder.protocol}, crop {crop}"
    if len(picked) < FEWEST_FACES:
        st.info(
            f"Under {under}: choose at least {FEWEST_FACES} faces; {counted(len(picked), 'face')} "
            f"{'is' if len(picked) == 1 else 'are'} chosen."
        )
        return
    rows = len(picked) * settings.rows
    seconds = rows * _seconds(settings, embedder)
    st.info(
        f"Under {under}: {rows:,} pictures of {counted(len(picked), 'face')}, about "
        f"{duration(max(1, seconds))} on an idle core."
    )
    if clicked("Measure", type="primary", key="sw_ref_measure"):
        drop_job()
        stop_measuring()
        faces = session_faces()
        some = [one for one in faces.choices() if one.id in picked]
        name = plain_name(f"my-photos-{embedder.name}-{kernel}")
        faces.job = ReferenceJob(some, settings, embedder, name=name, session=current_session())
        st.rerun()


def _seconds(settings: ReferenceSettings, embedder: Embedder) -> float:
    """What a picture takes here; measured once, on the portrait."""
    key = (
        embedder.name,
        embedder.protocol,
        embedder.weights_sha256,
        settings.crop,
        settings.kernel,
    )
    if key not in _measured:
        _measured[key] = in_turn(
            lambda: seconds_of_a_row(portrait_face(), settings, embedder),
            session=current_session(),
            still_wanted=view.still_wanted,
        )
    return _measured[key]
