"""The Sweeps page: the study's graphs, shipped, of one's own file, or of one's own photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from blurdash import defaults
from blurdash.embed import EMBEDDERS, label_of
from blurdash.errors import BlurdashError
from blurdash.figure import heading
from blurdash.kernel import KERNELS
from blurdash.provenance import separated
from blurdash.reference_run import MAP_DEGREES
from blurdash.sentences_others import measure_it
from blurdash.sweep import Sweep
from blurdash.sweep_file import read_sweep, with_own_settings
from blurdash.ui.components.clicks import clicked
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.shipped import (
    PORTRAIT_FACES,
    Which,
    angle_name,
    keep_sweep,
    read_shipped,
    sweep_at_hand,
    sweeps_at_hand,
)
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.choices import (
    await_recogniser,
    drop_job,
    pick,
    picked_faces,
    plain_line,
    show_progress,
)
from blurdash.ui.sweeps.own_reference import own_reference
from blurdash.ui.sweeps.shown import Chosen, show
from blurdash.ui.visitor import view
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.sweep_job import SweepJob
from blurdash.words import sentence

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from blurdash.reference import Reference
    from blurdash.ui.server.recogniser import Loading

__all__ = ["sweeps_page"]

# Processor time of a row, by whether the recogniser is FaceNet (unit length) or dlib's.
SECONDS_A_ROW = {True: 0.07, False: 0.04}
SWEEP_ANGLES: dict[str, str | float] = {
    angle_name(angle): angle for angle in ("random", defaults.ANGLE, "all")
}
# What a reference calls them.
REFERENCE_SWEEPS = dict(zip(SWEEP_ANGLES, ("random", "fixed", "map"), strict=True))
AUTOMATIC = "automatic"


def sweeps_page() -> None:
    """Draws the page."""
    ways = {
        "Shipped": _at_hand,
        "A file of mine": _own_file,
        "My photos": _own_photos,
        "My reference": own_reference,
    }
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="bd-toolbar")
    with bar:
        choice = pick("Sweep of", list(ways), "sw_which", width=150)
    chosen = ways[choice](bar)
    if chosen is not None:
        show(chosen, bar)


def _at_hand(bar: DeltaGenerator) -> Chosen | None:
    groups = _groups()
    with bar:
        faces = pick("Faces", [*groups, PORTRAIT_FACES], "sw_faces", width=222)
        measured_by = _measured_by(faces, groups)
        _begin_with_recogniser_in_use()
        # The portrait can be swept with any recogniser, and a reference measured with any.
        names = sorted(EMBEDDERS, key=lambda name: name not in measured_by)
        name = pick("Recogniser", names, "sw_name", _label, width=180)
        kernel = pick("Kernel", list(KERNELS), "sw_kernel", lambda name: KERNELS[name].label)
        angle = pick("Angle", list(SWEEP_ANGLES), "sw_angle", width=170)
    if faces != PORTRAIT_FACES:
        everyone = [one for several in groups.values() for one in several]
        return _of_reference(groups[faces], everyone, name, kernel, angle)
    which = Which(faces, name, kernel, angle)
    path = sweep_at_hand(which, _weights_of(name))
    if path is None:
        computed = _computed(which)
        if computed is None:
            _offer(which)
        return computed
    return Chosen(read_shipped(path), "the built-in portrait", path)


def _groups() -> dict[str, list[Reference]]:
    """References by whose faces they are of; the visitor's own first."""
    found: dict[str, list[Reference]] = {}
    for one in (*session_faces().references(), *references_at_hand().found):
        found.setdefault(one.title, []).append(one)
    return found


def _begin_with_recogniser_in_use() -> None:
    """Until another is chosen, the page is about the recogniser that Explore shows."""
    chosen = view.start()
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    if "sw_name" not in st.session_state and loading.embedder is not None:
        st.session_state["sw_name"] = loading.embedder.name


def _label(name: str) -> str:
    return recogniser.label_now(name, defaults.PROTOCOL)


def _measured_by(faces: str, groups: dict[str, list[Reference]]) -> set[str]:
    """The recognisers that there are numbers of."""
    if faces in groups:
        return {one.under.recogniser for one in groups[faces]}
    return {which.recogniser for which in sweeps_at_hand()}


def _weights_of(name: str) -> str:
    """SHA-256 of a recogniser's weights; empty where that is not known yet."""
    embedder = recogniser.loaded(name, defaults.PROTOCOL)
    known = embedder.weights_sha256 if embedder else EMBEDDERS[name].weights_sha256
    return known or ""


def _of_reference(
    several: list[Reference], everyone: list[Reference], name: str, kernel: str, angle: str
) -> Chosen | None:
    """A reference's sweep; where there is none, how it is measured."""
    weights = _weights_of(name)
    alike = [
        one
        for one in several
        if (one.under.recogniser, one.under.kernel) == (name, kernel)
        and (not weights or one.under.weights == weights)
    ]
    which = REFERENCE_SWEEPS[angle]
    if not alike:
        st.info(
            f"Other faces were not measured with {_label(name)} and the kernel "
            f"{KERNELS[kernel].label} yet. "
            + measure_it(name, defaults.PROTOCOL, defaults.CROP, kernel)
        )
        return None
    reference = alike[0]
    try:
        table = reference.sweep(which)
    except BlurdashError as error:
        st.error(sentence(plain_line(str(error))), icon=":material/error:")
        return None
    source = ", ".join(text for text in (reference.who, reference.manifest["source"]) if text)
    kept = isinstance(reference.where, Path) and reference.where / f"{which}.parquet"
    return Chosen(table, source, kept or None, which, _by_others(reference, everyone))


def _by_others(reference: Reference, everyone: list[Reference]) -> tuple[Reference, ...]:
    """References of the same faces that differ from one in the recogniser alone."""

    def same(one: Reference) -> tuple[object, ...]:
        keys = ("faces", "protocol", "crop", "kernel", "angle", "seed")
        return tuple(one.manifest[key] for key in keys)

    return tuple(
        one
        for one in everyone
        if {"recogniser", "weights"} & set(one.under.other_than(reference.under))
        and same(one) == same(reference)
    )


def _offer(which: Which) -> None:
    """Offers to compute a sweep of the portrait that is not at hand."""
    faces = session_faces()
    if isinstance(faces.job, SweepJob) and faces.job.purpose == which:
        if faces.job.running:
            show_progress()
            return
        st.warning(faces.job.error)
        faces.job = None
    loading = recogniser.request(which.recogniser, defaults.PROTOCOL)
    if not loading.done.is_set():
        await_recogniser(loading)
        return
    if loading.embedder is None:
        st.error(plain_line(f"{loading.error}."), icon=":material/error:")
        return
    angle = SWEEP_ANGLES[which.angle]
    degrees = MAP_DEGREES if angle == "all" else tuple(defaults.DEGREES)
    sweep = Sweep(angle=angle, degrees=degrees, kernel=which.kernel, limit=None)
    rows = sweep.total(1)
    seconds = max(1, round(rows * SECONDS_A_ROW[loading.embedder.normalised]))
    st.info(
        f"This sweep of the portrait has not been computed on this machine yet: {rows} readouts, "
        f"about {seconds} s on an idle core. It is kept for later visits."
    )
    if clicked("Compute it", type="primary", key="sw_compute"):
        drop_job()
        portrait = faces.choices()[:1]
        faces.job = SweepJob(
            portrait, sweep, loading.embedder, session=current_session(), purpose=which
        )
        st.rerun()


def _computed(which: Which) -> Chosen | None:
    """The portrait's sweep that was just computed: kept for every visitor, else for this one."""
    job = session_faces().job
    if not isinstance(job, SweepJob) or job.purpose != which or job.table is None or job.error:
        return None  # of one that was cancelled there is only a part
    unkept = None
    try:
        keep_sweep(job.table)
    except BlurdashError as error:
        st.error(f"{error}.", icon=":material/error:")
        unkept = Chosen(job.table, "the built-in portrait")
    if unkept is None:
        session_faces().job = None
        st.rerun()
    return unkept


def _own_file(_bar: DeltaGenerator) -> Chosen | None:
    file = st.file_uploader(
        "A table of python -m blurdash sweep",
        type=["parquet"],
        key="sw_file",
        help="A Parquet file; it is read in memory and not kept",
    )
    if file is None:
        return None
    try:
        sweeps = [with_own_settings(part) for part in separated(read_sweep(file.getvalue()))]
    except BlurdashError as error:
        st.error(f"{error}.", icon=":material/error:")
        return None
    chosen = sweeps[0]
    if len(sweeps) > 1:
        names = [f"{i}: {plain_line(heading(one))}" for i, one in enumerate(sweeps, 1)]
        picked = pick(f"Which of the {len(sweeps)} sweeps in it", names, "sw_part", width=620)
        chosen = sweeps[names.index(picked)]
    return Chosen(chosen, "a file of yours")


def _own_photos(bar: DeltaGenerator) -> Chosen | None:
    choices = session_faces().choices()
    labels = {one.id: one.label for one in choices}
    if len(choices) == 1:
        st.caption(
            "Add photos on the Explore page to sweep them here; the portrait is always there."
        )
    with bar:
        picked = picked_faces(labels)
        kernel = pick(
            "Kernel", list(KERNELS), "sw_own_kernel", lambda name: KERNELS[name].label, width=170
        )
        st.session_state.setdefault("sw_own_angle", "45")
        angle = pick("Angle", ["random", "45", "0", "90"], "sw_own_angle", width=120)
        st.session_state.setdefault("sw_own_step", "2")
        step = int(pick("Every", ["1", "2", "5", "10"], "sw_own_step", "{} px".format, width=110))
        chosen = pick(
            "Recogniser",
            [AUTOMATIC, *EMBEDDERS],
            "sw_own_recogniser",
            lambda name: _label(name) if name in EMBEDDERS else "Automatic",
            width=190,
        )
        name = chosen if chosen in EMBEDDERS else None
        start = clicked("Sweep", type="primary", key="sw_sweep", disabled=not picked)
    loading = recogniser.request(name, defaults.PROTOCOL)
    if start and loading.done.wait(60) and loading.embedder is not None:
        sweep = Sweep(
            angle=angle if angle == "random" else float(angle),
            degrees=tuple(range(0, 101, step)),
            kernel=kernel,
            limit=None,
        )
        drop_job()
        faces = [one for one in choices if one.id in picked]
        session_faces().job = SweepJob(faces, sweep, loading.embedder, session=current_session())
    _expectation(len(picked), step, loading)
    for one in choices:
        if one.id in picked and one.face.doubt:
            st.caption(f"{one.label} is doubtful: {one.face.doubt}.")
    if loading.error:
        st.error(f"{loading.error}.", icon=":material/error:")
    job = session_faces().job
    if not isinstance(job, SweepJob) or job.purpose is not None:
        return None
    if job.running:
        show_progress()
        return None
    if job.error:
        st.warning(job.error)
    return Chosen(job.table, "your photos") if job.table is not None else None


def _expectation(faces: int, step: int, loading: Loading) -> None:
    """How long a sweep would take, before it is started."""
    if loading.embedder is None:
        return
    rows = faces * len(range(0, 101, step))
    seconds = rows * SECONDS_A_ROW[loading.embedder.normalised]
    st.caption(
        f"{rows} readouts with {label_of(loading.embedder)}: about "
        f"{max(1, round(seconds))} s on an idle core. For a folder or a data set use "
        f"python -m blurdash sweep FOLDER --embedder {loading.embedder.name} and load the table "
        "under *A file of mine*."
    )
