"""What the Sweeps page shows of a table: its graphs, what they say, whence it is, downloads."""

from __future__ import annotations

import functools
import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from blurdash import defaults
from blurdash.circumstances import Circumstances, in_words
from blurdash.distance import EMBEDDING
from blurdash.embed import EMBEDDERS
from blurdash.errors import BlurdashError
from blurdash.figure import (
    UNBOUNDED,
    curves_figure,
    map_figure,
    measured,
    recogniser_of,
    sweep_page,
)
from blurdash.figure_beside import check_alike, column_figure, title_beside
from blurdash.folder import left_out_in_words
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE
from blurdash.summary import AXES, averages, curve_of, past_threshold, strangers
from blurdash.sweep_file import as_csv, settings_of
from blurdash.ui.components.style import theme
from blurdash.ui.server import recogniser
from blurdash.ui.server.shipped import read_shipped, stamp_of
from blurdash.ui.sweeps.choices import pick, plain_line
from blurdash.ui.visitor.session import session_faces
from blurdash.words import sentence

if TYPE_CHECKING:
    import pyarrow as pa
    from streamlit.delta_generator import DeltaGenerator

    from blurdash.reference import Reference
    from blurdash.summary import Strangers

__all__ = ["Chosen", "show"]


class Chosen(NamedTuple):
    """A table to show.

    Attributes:
        table: The table.
        faces: Whose faces they are.
        path: Its file, where it is at hand for every visitor.
        which: Which sweep of its reference it is, a key of ``SWEEPS``.
        beside: References of the same faces by other recognisers.
    """

    table: pa.Table
    faces: str
    path: Path | None = None
    which: str = ""
    beside: tuple[Reference, ...] = ()


def show(chosen: Chosen, bar: DeltaGenerator) -> None:
    """Draws a table.

    Args:
        chosen: The table.
        bar: Where its choices go.
    """
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
        other = _beside(chosen)
        if is_map:
            _maps(table, other, measure)
        else:
            drawn = _explored(table) if current and axis == "px" else None
            _curves(chosen, other, axis, drawn)
            if drawn is not None:
                st.caption(drawn.note)
            _facts(table, axis, named=other is not None)
            if other is not None:
                _facts(other, axis, named=True)
    except BlurdashError as error:
        st.error(f"{error}.", icon=":material/error:")
        return
    _origin(table, chosen.faces)
    if other is not None:
        _origin(other, chosen.faces)
    _downloads(table, axis, of=f"{recogniser_of(table)} alone. " if other is not None else "")


ALONE = "this recogniser alone"


def _beside(chosen: Chosen) -> pa.Table | None:
    """The same sweep by another recogniser, where one is wanted."""
    labels = Counter(one.label for one in chosen.beside)
    others = {
        one.label if labels[one.label] == 1 else f"{one.label}, {one.name}": one
        for one in chosen.beside
    }
    if not others:
        return None

    def called(name: str) -> str:
        return ALONE if name == ALONE else f"beside {name}"

    with st.container(horizontal=True, vertical_alignment="center", key="bd-sweeps-beside"):
        names = [ALONE, *others]
        picked = pick("Beside it", names, "sw_beside", called, width=280, labelled=False)
        if picked == ALONE:
            return None
        st.caption(
            "Each has axes of its own: numbers of two networks have no common scale. PSNR and SSIM "
            "are the same whichever looks."
        )
    other = others[picked].sweep(chosen.which)
    check_alike(chosen.table, other)
    return other


def _maps(table: pa.Table, other: pa.Table | None, measure: str) -> None:
    if other is None:
        st.plotly_chart(map_figure(table, measure), key="sw_map", config=_modebar())
        return
    for column, one, key in zip(st.columns(2), (table, other), ("sw_map", "sw_map_2"), strict=True):
        figure = map_figure(one, measure, title=title_beside(one))
        column.plotly_chart(figure, key=key, config=_modebar())


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
        label = recogniser.label_now(under.recogniser, defaults.PROTOCOL)
        return Explored(
            None,
            "",
            f"The face of Explore is left out: it was measured by {label}, protocol "
            f"{under.protocol}{_weights(different)}, whose distances have another scale.",
        )
    known = {degree: dict(row) for degree, row in curve.values.items() if row}
    fill = session_faces().fill_curve
    if fill is not None and not curve.complete:
        fill()  # a browser that reads out its face itself had no need of it until now
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


def _curves(chosen: Chosen, other: pa.Table | None, axis: str, drawn: Explored | None) -> None:
    if other is None:
        figure = _figure(chosen, axis, drawn)
        st.plotly_chart(figure, key="sw_curves", config=_modebar())
        return
    left, right = st.columns(2)  # one above the other where it is narrow
    curve, called = (drawn.curve, drawn.called) if drawn is not None else (None, "")
    figure = column_figure(chosen.table, x=axis, current=curve, called=called, theme=theme())
    left.plotly_chart(figure, key="sw_curves", config=_modebar())
    figure = column_figure(other, x=axis, theme=theme())
    right.plotly_chart(figure, key="sw_curves_2", config=_modebar())


def _figure(chosen: Chosen, axis: str, drawn: Explored | None) -> Any:
    """The figure of a table; that of a shipped one is made once for all visitors."""
    if drawn is None or drawn.curve is None:
        if chosen.path is not None:
            return _shipped_figure(chosen.path, stamp_of(chosen.path), axis, theme())
        return curves_figure(chosen.table, x=axis, theme=theme())
    return curves_figure(
        chosen.table, x=axis, current=drawn.curve, called=drawn.called, theme=theme()
    )


@functools.lru_cache(maxsize=32)
def _shipped_figure(path: Path, _stamp: tuple[int, int], axis: str, of: str) -> Any:
    return curves_figure(read_shipped(path), x=axis, theme=of)


def _modebar() -> dict[str, Any]:
    keep = {"toImageButtonOptions": {"format": "png", "filename": "blurdash_sweep", "scale": 2}}
    return {"displaylogo": False, **keep}


def _facts(table: pa.Table, axis: str, *, named: bool) -> None:
    curve = curve_of(table, EMBEDDING, x=axis)
    worst, best = curve.extremes()
    facts = [f"{plain_line(recogniser_of(table))}:"] if named else []
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


def _downloads(table: pa.Table, axis: str, *, of: str) -> None:
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
        st.caption(plain_line(f"{of}PNG: the camera above the graph"))


def _as_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
