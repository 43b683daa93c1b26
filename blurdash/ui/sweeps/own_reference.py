"""A reference of the visitor's own: measured from photos, downloaded, and loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from blurdash.embed import label_of
from blurdash.errors import BlurdashError
from blurdash.kernel import KERNELS
from blurdash.portrait import portrait_face
from blurdash.reference import plain_name, unpacked
from blurdash.reference_run import ReferenceSettings, seconds_of_a_row
from blurdash.ui.components.clicks import clicked
from blurdash.ui.server.live import in_turn
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.choices import (
    await_recogniser,
    drop_job,
    pick,
    picked_faces,
    plain_line,
    show_progress,
)
from blurdash.ui.visitor import view
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use
from blurdash.ui.visitor.reference_job import ReferenceJob
from blurdash.ui.visitor.session import OwnReference, session_faces
from blurdash.words import counted, duration, sentence

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from blurdash.embed import Embedder
    from blurdash.ui.visitor.view import View

__all__ = ["own_reference"]

FEWEST_FACES = 3
# Seconds of a picture, as they were measured on the portrait, by recogniser and settings.
_measured: dict[tuple[str, ...], float] = {}


def own_reference(bar: DeltaGenerator) -> None:
    """Draws what there is of a visitor's own references, and ways to get one."""
    chosen = view.start()
    faces = session_faces()
    with bar:
        picked = picked_faces({one.id: one.label for one in faces.choices()})
        kernel = pick(
            "Kernel", list(KERNELS), "sw_ref_kernel", lambda name: KERNELS[name].label, width=170
        )
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    st.caption(
        "A reference is what the pages know of other faces: bands, strangers, *How often*. It is "
        "of one recogniser, that of Explore, and holds numbers only. It stays in this tab, unless "
        "you download it. Choose one photo a person: two of one person would count as strangers."
    )
    if not loading.done.is_set():
        await_recogniser(loading)
    elif loading.embedder is None:
        st.error(sentence(plain_line(loading.error)), icon=":material/error:")
    else:
        _measure(chosen, kernel, picked, loading.embedder)
    _own_ones()
    _load()
    for problem in references_at_hand().problems:
        st.caption(plain_line(sentence(problem)))


def _measure(chosen: View, kernel: str, picked: list[str], embedder: Embedder) -> None:
    """The job that is under way, or what one would take and a button that begins it."""
    faces = session_faces()
    faces.references()  # takes over what was finished
    job = faces.job
    if isinstance(job, ReferenceJob):
        if job.running:
            show_progress()
            return
        st.warning(job.error)
        faces.job = None
    settings = ReferenceSettings(
        kernel=kernel, crop=chosen.crop, protocol=embedder.protocol, limit=None
    )
    under = f"{label_of(embedder)}, protocol {embedder.protocol}, crop {chosen.crop}"
    if len(picked) < FEWEST_FACES:
        st.info(
            f"Under {under}: choose at least {FEWEST_FACES} faces; {counted(len(picked), 'face')} "
            f"{'is' if len(picked) == 1 else 'are'} chosen. Photos are added on the Explore page."
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


def _own_ones() -> None:
    """The references of this tab, each with a download and a way to be rid of it."""
    faces = session_faces()
    for place, one in enumerate(faces.references()):
        under = one.under
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                plain_line(
                    f"{one.name}: {counted(one.faces, 'face')}, {one.label}, protocol "
                    f"{under.protocol}, crop {under.crop}, kernel {under.kernel}"
                )
            )
            st.download_button(
                "Download",
                data=one.packed,
                file_name=f"{one.name}.zip",
                mime="application/zip",
                key=f"sw_ref_save_{place}",
                on_click="ignore",
            )
            if clicked("Remove", key=f"sw_ref_drop_{place}"):
                faces.own = [own for own in faces.own if own.reference is not one]
                st.rerun()


def _load() -> None:
    """A reference that was downloaded before."""
    file = st.file_uploader(
        "Load a reference that you downloaded",
        type=["zip"],
        key="sw_ref_file",
        help="It is read in memory, for this tab only",
    )
    if file is None or file.file_id == st.session_state.get("sw_ref_loaded"):
        return
    st.session_state["sw_ref_loaded"] = file.file_id
    try:
        loaded = unpacked(file.getvalue())
    except BlurdashError as error:
        st.error(sentence(plain_line(str(error))), icon=":material/error:")
        return
    session_faces().add_reference(OwnReference(loaded, frozenset()))
    st.rerun()
