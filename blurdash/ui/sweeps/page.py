"""The Sweeps page: the study's graphs, shipped, of one's own file, or of one's own photos."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from blurdash import defaults
from blurdash.circumstances import Circumstances, in_words
from blurdash.distance import EMBEDDING
from blurdash.embed import EMBEDDERS, label_of
from blurdash.errors import BlurdashError
from blurdash.figure import UNBOUNDED, curves_figure, heading, map_figure, measured, sweep_page
from blurdash.folder import left_out_in_words
from blurdash.kernel import KERNELS
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE, separated
from blurdash.reference_run import MAP_DEGREES
from blurdash.sentences_others import measure_it
from blurdash.summary import AXES, averages, curve_of, past_threshold, strangers
from blurdash.sweep import Sweep
from blurdash.sweep_file import as_csv, read_sweep, settings_of, with_own_settings
from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.style import theme
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.shipped import (
    PORTRAIT_FACES,
    Which,
    angle_name,
    keep_sweep,
    read_shipped,
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
from blurdash.ui.visitor import view
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.sweep_job import SweepJob
from blurdash.words import sentence

if TYPE_CHECKING:
    import pyarrow as pa
    from streamlit.delta_generator import DeltaGenerator

    from blurdash.reference import Reference
    from blurdash.summary import Strangers
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


class Chosen(NamedTuple):
    """The table to show, what its faces are, and its path if it is a shipped one."""

    table: pa.Table
    faces: str
    path: Path | None = None


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
        _show(chosen, bar)


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
        return _of_reference(groups[faces], name, kernel, angle)
    which = Which(faces, name, kernel, angle)
    path = sweeps_at_hand().get(which)
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


def _of_reference(several: list[Reference], name: str, kernel: str, angle: str) -> Chosen | None:
    """A reference's sweep; where there is none, how it is measured."""
    alike = [one for one in several if one.under.recogniser == name and one.under.kernel == kernel]
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
    return Chosen(table, source, kept or None)


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


def _show(chosen: Chosen, bar: DeltaGenerator) -> None:
    table = chosen.table
    is_map = settings_of(table).get("identity", {}).get("angle") == "all"
    current = False
    with bar:
        if is_map:
            measure = pick(
                "Measure", measured(table), "sw_measure", lambda name: MEASURES[name].label
            )
            axis = "px"
        else:
            axis = pick(
                "Degree in", list(AXES), "sw_axis", lambda name: AXES[name].removeprefix("degree, ")
            )
            measure = EMBEDDING
            current = st.checkbox("Draw in the face of Explore", key="sw_current")
    try:
        if is_map:
            st.plotly_chart(map_figure(table, measure), key="sw_map", config=_modebar())
        else:
            drawn = _explored(table) if current and axis == "px" else None
            figure = _figure(chosen, axis, drawn)
            st.plotly_chart(figure, key="sw_curves", config=_modebar())
            if drawn is not None:
                st.caption(drawn.note)
            _facts(table, axis)
    except BlurdashError as error:
        st.error(f"{error}.", icon=":material/error:")
        return
    _origin(table, chosen.faces)
    _downloads(table, axis)


class Explored(NamedTuple):
    """The face of Explore beside a sweep: its curve or None, its name, and what is to be said."""

    curve: dict[int, dict[str, float]] | None
    called: str
    note: str


def _explored(table: pa.Table) -> Explored:
    """What of the face of Explore may stand in a sweep's graphs, and in what it differs."""
    curve, under = session_faces().curve, session_faces().curve_under
    if curve is not None and under is None:
        return Explored(None, "", "Explore has no recogniser for its face yet.")
    if curve is None or under is None or not any(curve.values.values()):
        return Explored(None, "", "Explore has no numbers of its face yet: open it once.")
    shown = _under(table)
    different = under.other_than(shown)
    if not under.comparable(shown):
        label = _label(under.recogniser)
        return Explored(
            None,
            "",
            f"The face of Explore is left out: it was measured by {label}, protocol "
            f"{under.protocol}{_weights(different)}, whose distances have another scale.",
        )
    known = {degree: dict(row) for degree, row in curve.values.items() if row}
    if not different:
        return Explored(known, "face of Explore", "Grey: the face of Explore, measured alike.")
    words = in_words(different)
    note = f"Grey: the face of Explore, which was measured otherwise: {words}."
    return Explored(known, f"face of Explore, {words}", note)


def _weights(different: Mapping[str, str]) -> str:
    return f", {different['weights']}" if "weights" in different else ""


def _under(table: pa.Table) -> Circumstances:
    """What a table's numbers were measured under."""
    same = {name: str(table[name][0]) for name in ("protocol", "crop", "kernel")}
    noted = settings_of(table).get("identity", {})
    angle, weights = noted.get("angle"), noted.get("weights_sha256")
    known = angle if isinstance(angle, (int, float, str)) else None
    return Circumstances(str(table["embedder"][0]), **same, angle=known, weights=str(weights or ""))


def _figure(chosen: Chosen, axis: str, drawn: Explored | None) -> Any:
    """The figure of a table; that of a shipped one is made once for all visitors."""
    if drawn is None or drawn.curve is None:
        if chosen.path is not None:
            return _shipped_figure(chosen.path, axis, theme())
        return curves_figure(chosen.table, x=axis, theme=theme())
    return curves_figure(
        chosen.table, x=axis, current=drawn.curve, called=drawn.called, theme=theme()
    )


@functools.lru_cache(maxsize=32)
def _shipped_figure(path: Path, axis: str, of: str) -> Any:
    return curves_figure(read_shipped(path), x=axis, theme=of)


def _modebar() -> dict[str, Any]:
    keep = {"toImageButtonOptions": {"format": "png", "filename": "blurdash_sweep", "scale": 2}}
    return {"displaylogo": False, **keep}


def _facts(table: pa.Table, axis: str) -> None:
    curve = curve_of(table, EMBEDDING, x=axis)
    worst, best = curve.extremes()
    facts = []
    if len(curve.faces) > 1 and worst:
        facts.append(f"Blur moves **{_plain(worst)}** most and **{_plain(best)}** least.")
    band = strangers(table, EMBEDDING)
    if band:
        facts.append(_strangers_fact(band))
    share = past_threshold(table)
    if share is not None and np.isfinite(share[1][-1]) and len(curve.faces) > 1:
        facts.append(
            f"At degree {share[0][-1]:g} the recogniser no longer takes "
            f"{share[1][-1]:.0%} of the faces for themselves."
        )
    for name in UNBOUNDED:
        if left_out := curve_of(table, name, x=axis).left_out():
            label = MEASURES[name].label
            facts.append(
                f"{label} of faces that the blur left as they were is infinite: {left_out}."
            )
    st.markdown(" ".join(facts))


def _strangers_fact(band: Strangers) -> str:
    """Where different people lie, of how many pairs, and how many of these pass for one person."""
    of = f" ({band.pairs} pairs of {band.faces} faces)" if band.pairs and band.faces else ""
    fact = (
        f"Different people, both clean{of}: cosine similarity {band.low:.3f} to {band.high:.3f}, "
        f"median {band.median:.3f} (grey band)"
    )
    if band.same is None:
        return f"{fact}."
    sure = ""
    if band.same_low is not None and band.same_high is not None:
        sure = f" (95 % interval over faces {band.same_low:.1%} to {band.same_high:.1%})"
    return f"{fact}; the recogniser takes {band.same:.1%} of the pairs for one person{sure}."


def _plain(name: str) -> str:
    """A face's name as text between bold marks: a foreign file's must not become markup."""
    kept = "".join(sign if sign.isalnum() or sign in " _-,." else " " for sign in name)
    short = " ".join(kept.split())[:60].strip()  # a space beside a mark would end being bold
    return short.replace("_", "\\_") or "a face without a name"


def _origin(table: pa.Table, source: str) -> None:
    settings = settings_of(table)
    label = settings.get("recogniser", {}).get("label") or _recogniser_label(table)
    made = f"Made {settings['created'][:10]}." if settings.get("created") else ""
    if not settings.get("with_file", True):
        made = sentence(NOT_WITH_FILE)
    left_out = left_out_in_words(settings.get("report", {}).get("left_out", {}))
    left_out = f" {sentence(left_out)}" if left_out else ""
    st.caption(
        plain_line(
            f"Faces: {source}. Recogniser {label}, protocol {table['protocol'][0]}, "
            f"crop {table['crop'][0]}, kernel {table['kernel'][0]}. {made}{left_out}"
        )
    )


def _recogniser_label(table: pa.Table) -> str:
    name = str(table["embedder"][0])
    return EMBEDDERS[name].label if name in EMBEDDERS else name


def _downloads(table: pa.Table, axis: str) -> None:
    with st.container(horizontal=True):
        for label, name, kind, make in (
            ("CSV, every row", "blurdash_sweep.csv", "text/csv", lambda: as_csv(table)),
            (
                "CSV, averages",
                "blurdash_averages.csv",
                "text/csv",
                lambda: as_csv(averages(table)),
            ),
            (
                "Parquet",
                "blurdash_sweep.parquet",
                "application/vnd.apache.parquet",
                lambda: _as_parquet(table),
            ),
            (
                "Page (HTML)",
                "blurdash_sweep.html",
                "text/html",
                lambda: sweep_page(table, x=axis).encode(),
            ),
        ):
            st.download_button(label, data=make, file_name=name, mime=kind, on_click="ignore")
        st.caption("PNG: the camera above the graph")


def _as_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
