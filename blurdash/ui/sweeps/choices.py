"""Choices, progress and plain lines, as the Sweeps page's parts share them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.fragments import fragment
from blurdash.ui.sweeps.own_face import stop_measuring
from blurdash.ui.visitor.reference_job import ReferenceJob
from blurdash.ui.visitor.session import session_faces

if TYPE_CHECKING:
    from blurdash.ui.server.recogniser import Loading
    from blurdash.ui.visitor.photo_job import PhotoJob

__all__ = ["await_recogniser", "drop_job", "pick", "picked_faces", "plain_line", "show_progress"]

POLL_SECONDS = 0.7


def pick(
    label: str,
    names: list[str],
    key: str,
    shown: Callable[[str], str] = str,
    *,
    width: int = 145,
    labelled: bool = True,
) -> str:
    """Draws a choice and returns it; one that is no longer there gives way to the first."""
    if st.session_state.get(key) not in names:
        st.session_state.pop(key, None)
    picked = st.selectbox(
        label,
        names,
        key=key,
        format_func=shown,
        width=width,
        persist_state="session",
        label_visibility="visible" if labelled else "collapsed",
    )
    return picked or names[0]


def picked_faces(labels: dict[str, str]) -> list[str]:
    """Returns which faces are wanted: all, also those that come later; kept between pages."""
    known = st.session_state.setdefault("sw_known_faces", set())
    before = st.session_state.get("sw_own_faces", [])
    new = [name for name in labels if name not in known]
    if new or not set(before) <= set(labels):
        kept = [name for name in before if name in labels]
        st.session_state["sw_own_faces"] = [*kept, *(name for name in new if name not in kept)]
        known |= set(new)
    return st.multiselect(
        "Faces",
        list(labels),
        key="sw_own_faces",
        format_func=labels.__getitem__,
        width=300,
        persist_state="session",
    )


def await_recogniser(loading: Loading) -> None:
    """Draws how far a recogniser is, and the page anew once it is there."""
    fragment(_await_recogniser, every=POLL_SECONDS)(loading)


def _await_recogniser(loading: Loading) -> None:
    if loading.done.is_set():
        st.rerun()
    if loading.fraction is None:
        st.info("The recogniser is being loaded.", icon=":material/hourglass_top:")
    else:
        st.progress(loading.fraction, "Fetching the recogniser's weights")


def show_progress() -> None:
    """Draws how far the session's job is, with a way to cancel it."""
    fragment(_progress, every=POLL_SECONDS)()


def _progress() -> None:
    job = session_faces().job
    if job is None or not job.running:
        st.rerun()
    left, before = job.seconds_left(), job.waits_for
    text = f"{job.done} of {job.total} readouts"
    if before:
        others = "one other sweep has" if before == 1 else f"{before} other sweeps have"
        text += f"; begins when {others} ended"
    elif left is not None:
        text += f", {math.ceil(left)} s left"
    st.progress(min(1.0, job.done / max(1, job.total)), text)
    if clicked(_stop(job), key="sw_cancel"):
        stop_measuring()  # else the next piece of it would begin
        job.cancel()
        st.rerun()


def _stop(job: PhotoJob) -> str:
    """What the button that ends a job says: what is kept by then."""
    if isinstance(job, ReferenceJob):
        return "Stop, keep nothing"
    whole = job.done * len(job.faces) // max(1, job.total)
    return f"Stop, keep the {whole}" if whole else "Stop"


def drop_job() -> None:
    """Ends the session's job, if there is one, and forgets how one that was stopped goes on."""
    session_faces().drop_jobs()


def plain_line(text: str) -> str:
    """Returns a text without what could be markup: it may be a foreign file's."""
    return "".join(sign for sign in text if sign not in "[]!<>`*_$\\")[:400]
