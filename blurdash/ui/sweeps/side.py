"""Beside the Sweeps page's graphs: what they are of, downloads, how to read them."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from blurdash.distance import DISTANCES, EMBEDDING
from blurdash.embed import EMBEDDERS
from blurdash.figure import sweep_page
from blurdash.folder import left_out_in_words
from blurdash.kernel import KERNELS
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE
from blurdash.summary import (
    UNBOUNDED,
    averages,
    curve_of,
    past_threshold,
    strangers,
    threshold_of,
)
from blurdash.sweep_file import as_csv, settings_of
from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.rows import tile_id
from blurdash.ui.sweeps.board import Swept
from blurdash.ui.sweeps.choices import pick
from blurdash.ui.visitor.session import session_faces
from blurdash.words import counted, sentence

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.summary import Strangers
    from blurdash.ui.sweeps.sources import Found

__all__ = ["downloads", "how_to_read", "what_this_is"]

CALLED = {"fixed": "fixed angle", "random": "random angle", "map": "degree × angle"}


def what_this_is(swept: Swept) -> None:
    """Draws what the numbers are of: faces, recogniser, settings, whence and when."""
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd title='{html.escape(value, quote=True)}'>"
        f"{html.escape(value)}</dd>"
        for name, value in _facts(swept)
    )
    st.html(f"<h2>What this is</h2><dl>{rows}</dl>")


def _facts(swept: Swept) -> list[tuple[str, str]]:
    table = swept.any
    settings = settings_of(table)
    identity = settings.get("identity", {})
    weights = str(identity.get("weights_sha256") or "")
    kernel = str(table["kernel"][0])
    facts = [
        ("Faces", _plain(swept.faces)),
        ("Recogniser", _plain(settings.get("recogniser", {}).get("label") or _label(table))),
        ("Weights", f"{weights[:8]}…{weights[-4:]}" if weights else "not said"),
        ("Protocol, crop", f"{_plain(table['protocol'][0])}, {_plain(table['crop'][0])}"),
        ("Kernel", KERNELS[kernel].label if kernel in KERNELS else _plain(kernel)),
        ("Degrees", _degrees(table)),
    ]
    if "random" in swept.tables:
        seed = settings_of(swept.tables["random"]).get("identity", {}).get("seed")
        facts.append(("Random angle", f"−180° to 180°, seed {seed}"))
    band = strangers(table, EMBEDDING)
    facts.append(("Strangers", f"{band.pairs:,} pairs of {band.faces}" if band else "none"))
    facts.append(("Made", _made(settings)))
    left_out = left_out_in_words(settings.get("report", {}).get("left_out", {}))
    return [*facts, ("Left out", _plain(left_out))] if left_out else facts


def _plain(text: object) -> str:
    """One line of what can be seen of a text: marks that turn the direction of others go."""
    seen = "".join(sign for sign in " ".join(str(text).split()) if sign.isprintable())
    return seen[:200].strip()


def _label(table: pa.Table) -> str:
    name = str(table["embedder"][0])
    return EMBEDDERS[name].label if name in EMBEDDERS else name


def _degrees(table: pa.Table) -> str:
    degrees = sorted(set(table["degree"].to_pylist()))
    if len(degrees) < 2:
        return f"{degrees[0]:g}"
    step = degrees[1] - degrees[0]
    even = degrees == list(range(degrees[0], degrees[-1] + 1, step)) if step else False
    return f"{degrees[0]:g} to {degrees[-1]:g}" + (f", step {step:g}" if even else "")


def _made(settings: dict[str, Any]) -> str:
    if not settings.get("with_file", True):
        return sentence(NOT_WITH_FILE).rstrip(".")
    version = settings.get("versions", {}).get("blurdash")
    made = str(settings.get("created", ""))[:10] or "not said"
    return f"{made}, v{version}" if version else made


# --- downloads ------------------------------------------------------------------------------------


def downloads(found: Found, axis: str) -> None:
    """Draws the downloads of one of the sweeps, and of a reference of the visitor's.

    Args:
        found: What is shown.
        axis: A key of ``AXES``, for the page.
    """
    if found.swept is None:
        return
    tables = found.swept.tables
    st.html("<h2>Download</h2>")
    there = [which for which in CALLED if which in tables]
    which = there[0]
    if len(there) > 1:
        which = pick("Sweep", there, "sw_save", CALLED.__getitem__, width=258)
    table = tables[which]
    with st.container(horizontal=True, key="bd-sweeps-files", gap="small"):
        for label, name, kind, make in _files(table, which, axis):
            st.download_button(label, data=make, file_name=name, mime=kind, on_click="ignore")
    if found.reference is not None and found.reference.origin == "session":
        _own_reference(found)


def _files(
    table: pa.Table, which: str, axis: str
) -> list[tuple[str, str, str, Callable[[], bytes]]]:
    parquet = "application/vnd.apache.parquet"
    return [
        ("CSV, rows", f"blurdash_{which}.csv", "text/csv", lambda: as_csv(table)),
        ("CSV, averages", f"blurdash_{which}_averages.csv", "text/csv",
         lambda: as_csv(averages(table))),
        ("Parquet", f"blurdash_{which}.parquet", parquet, lambda: _as_parquet(table)),
        ("Page (HTML)", f"blurdash_{which}.html", "text/html",
         lambda: sweep_page(table, x=axis).encode()),
    ]  # fmt: skip


def _as_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _own_reference(found: Found) -> None:
    """All of a reference as one file, and the way to be rid of it."""
    reference = found.reference
    if reference is None:
        return
    with st.container(horizontal=True, key="bd-sweeps-own", gap="small"):
        st.download_button(
            "Reference (ZIP)",
            data=reference.packed,
            file_name=f"{reference.name}.zip",
            mime="application/zip",
            key="sw_ref_save",
            on_click="ignore",
        )
        if clicked("Remove", key="sw_ref_drop"):
            faces = session_faces()
            faces.own = [own for own in faces.own if own.reference is not reference]
            st.rerun()


# --- how to read it -------------------------------------------------------------------------------

READ = {
    "one": (
        "Thick line: the mean. Band: its 95 % interval, by drawing faces again; it says how sure "
        "the mean is. Thin lines are single faces: they say how much faces differ."
    ),
    "all": "One cursor for all of them. Press a name to open it with the map over the angle.",
    "beside": (
        "σ is the spread of pairs of different people, for each recogniser its own. So two "
        "networks stand on one axis: 0 is a stranger, up is oneself."
    ),
}
HINTS = {
    "all": "Left of “|” random angle, right of it the fixed one.",
    "beside": "It needs strangers that this recogniser has measured, of at least 20 faces.",
    "pixels": "Pixel metrics know no person: there is no threshold and no band of strangers.",
    "other": "No threshold is published for this measure of this recogniser, so none is drawn.",
    "threshold": (
        "The threshold is for two sharp photos. Beyond it a face no longer counts as itself."
    ),
}


def how_to_read(swept: Swept, problems: Iterable[str] = ()) -> None:
    """Draws how to read the graphs, for what is chosen in the browser, and what they say.

    Args:
        swept: What is shown.
        problems: Sentences of what is not shown.
    """
    threshold = threshold_of(swept.any)
    lines = [_line(READ["one"], [tile_id(name) for name in MEASURES])]
    lines += [_line(READ[name], [name]) for name in ("all", "beside")]
    lines += [_line(HINTS[name], [name], hint=True) for name in ("all", "beside")]
    for name, row in MEASURES.items():
        hint = "other" if row.family == "embedding" else "pixels"
        if threshold is not None and threshold["measure"] == name:
            hint = "threshold"
        lines.append(_line(HINTS[hint], [tile_id(name)], hint=True))
    lines.append(f"<p>{_says(swept)}</p>")
    lines += [f'<p class="sw-hint">{html.escape(problem)}</p>' for problem in problems]
    # It may scroll: keys get there, too.
    box = '<div class="sw-reading" tabindex="0" role="region" aria-label="How to read it">'
    st.html(f"{box}<h2>How to read it</h2>{''.join(lines)}</div>")


def _line(text: str, shown_for: list[str], *, hint: bool = False) -> str:
    names = " ".join(f"sw-for-{name}" for name in shown_for)
    return f'<p class="sw-read {names}{" sw-hint" if hint else ""}">{html.escape(text)}</p>'


def _says(swept: Swept) -> str:
    """What the numbers say, as HTML: whom blur moves most, strangers, who passes at the end."""
    table = swept.tables.get("fixed") or swept.any
    curve = curve_of(table, EMBEDDING)
    worst, best = curve.extremes()
    facts = []
    if len(curve.faces) > 1 and worst:
        facts.append(f"Blur moves {_bold(worst)} most and {_bold(best)} least.")
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
        if left_out := curve_of(table, name).left_out():
            facts.append(f"{MEASURES[name].label} of faces that the blur left as they were is "
                         f"infinite: {left_out}.")  # fmt: skip
    return " ".join(facts)


def _strangers_fact(band: Strangers) -> str:
    """Where different people lie, of how many pairs, and how many of these pass for one person."""
    of = f" ({band.pairs:,} pairs of {counted(band.faces, 'face')})" if band.pairs else ""
    fact = (
        f"Different people, both clean{of}: {DISTANCES[EMBEDDING].label.lower()} {band.low:.3f} to "
        f"{band.high:.3f}, median {band.median:.3f}"
    )
    if band.same is None:
        return f"{fact}."
    sure = ""
    if band.same_low is not None and band.same_high is not None:
        sure = f" (95 % interval over faces {band.same_low:.1%} to {band.same_high:.1%})"
    return f"{fact}; the recogniser takes {band.same:.1%} of the pairs for one person{sure}."


def _bold(name: str) -> str:
    """A face's name in bold: a foreign file's must not become markup."""
    return f"<b>{html.escape(_plain(name)[:60].strip() or 'a face without a name')}</b>"
