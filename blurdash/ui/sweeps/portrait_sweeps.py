"""The portrait's sweeps that are not at hand: offered, computed here, kept for every visitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from blurdash import defaults
from blurdash.errors import BlurdashError
from blurdash.reference_run import MAP_DEGREES
from blurdash.sweep import Sweep
from blurdash.ui.components.clicks import clicked
from blurdash.ui.server import recogniser
from blurdash.ui.server.shipped import PORTRAIT_FACES, Which, angle_name, keep_sweep
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.choices import await_recogniser, drop_job, plain_line
from blurdash.ui.sweeps.sources import SWEEP_ANGLES, Found
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.sweep_job import SweepJob
from blurdash.words import duration, listed, sentence

if TYPE_CHECKING:
    from blurdash.embed import Embedder

__all__ = ["keep_computed", "offer_portrait"]

# Processor time of a row, by whether the recogniser is FaceNet (unit length) or dlib's.
SECONDS_A_ROW = {True: 0.07, False: 0.04}
WANTED_KEY = "sw_portrait_wanted"  # recogniser and kernel of which all is to be computed


def keep_computed() -> None:
    """Keeps a sweep of the portrait that was just computed: for every visitor, else for this one.

    Where it cannot be kept, that is said, and tried again at the next drawing.
    """
    faces = session_faces()
    job = faces.job
    if not isinstance(job, SweepJob) or job.purpose is None or job.running or job.table is None:
        return
    if job.error:
        return  # of one that was cancelled there is only a part
    faces.keep_run(job.run, job.table)
    try:
        keep_sweep(job.table)
    except BlurdashError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        return
    del faces.runs[job.run]
    faces.job = None


def offer_portrait(name: str, kernel: str, found: Found) -> None:
    """Offers to compute the sweeps of the portrait that are not at hand, one after the other.

    Args:
        name: Key of the recogniser.
        kernel: Key of ``KERNELS``.
        found: What is at hand.
    """
    lacking = [which for which in SWEEP_ANGLES if which in found.missing]
    faces = session_faces()
    if not lacking or (faces.job is not None and faces.job.running):
        return  # how far that is stands beside
    if isinstance(faces.job, SweepJob) and faces.job.purpose is not None and faces.job.error:
        st.session_state.pop(WANTED_KEY, None)
        st.warning(faces.job.error)
        faces.job = None
    loading = recogniser.request(name, defaults.PROTOCOL)
    if not loading.done.is_set():
        await_recogniser(loading)
    elif loading.embedder is None:
        st.error(plain_line(f"{loading.error}."), icon=":material/error:")
    elif st.session_state.get(WANTED_KEY) == (name, kernel):
        _begin(lacking[0], kernel, loading.embedder)
        st.rerun()
    else:
        _ask(lacking, kernel, loading.embedder)


def _ask(lacking: list[str], kernel: str, embedder: Embedder) -> None:
    names = listed([angle_name(SWEEP_ANGLES[which]) for which in lacking])
    rows = sum(_sweep(which, kernel).total(1) for which in lacking)
    seconds = max(1, round(rows * SECONDS_A_ROW[embedder.normalised]))
    st.info(
        f"Of the portrait not computed on this machine yet: {names}. That is {rows} readouts, "
        f"about {duration(seconds)} on an idle core; they are kept for later visits."
    )
    if clicked("Compute it", type="primary", key="sw_compute"):
        st.session_state[WANTED_KEY] = (embedder.name, kernel)
        drop_job()
        _begin(lacking[0], kernel, embedder)
        st.rerun()


def _sweep(which: str, kernel: str) -> Sweep:
    angle = SWEEP_ANGLES[which]
    degrees = MAP_DEGREES if angle == "all" else tuple(defaults.DEGREES)
    return Sweep(angle=angle, degrees=degrees, kernel=kernel, limit=None)


def _begin(which: str, kernel: str, embedder: Embedder) -> None:
    faces = session_faces()
    of = Which(PORTRAIT_FACES, embedder.name, kernel, angle_name(SWEEP_ANGLES[which]))
    faces.job = SweepJob(
        faces.choices()[:1],
        _sweep(which, kernel),
        embedder,
        session=current_session(),
        purpose=of,
    )
