"""One measure of one sweep as Plotly traces: mean, band, single faces, strangers, threshold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from blurdash.measures import MEASURES
from blurdash.summary import Curve, curve_of, strangers, threshold_of

__all__ = ["ACCENTS", "Accents", "draw_panel", "drawable"]

# More lines than that are a grey mass, and megabytes of page.
MOST_LINES = 60
FEW_LINES = 10
FAINT, FAINTER = 0.4, 0.2  # for a few lines, for many


class Accents(NamedTuple):
    """One colour for what the recogniser says, one for what the pixels say.

    Attributes:
        embedding: Of cosine similarity, L1 and L2.
        pixels: Of PSNR and SSIM.
    """

    embedding: str
    pixels: str

    def of(self, measure: str) -> str:
        """Returns the colour of a row of ``MEASURES``."""
        return self.embedding if MEASURES[measure].family == "embedding" else self.pixels


# By the theme of what is behind, as in `tokens.css` of the pages: the pair is told apart by
# everyone, and text in it can be read.
ACCENTS = {"light": Accents("#0b57a8", "#994700"), "dark": Accents("#79b5fb", "#eea157")}


def drawable(value: float | None) -> float | None:
    """An infinite PSNR (nothing changed) has no place on the axis: the line starts after it."""
    return None if value is None or value in (float("inf"), float("-inf")) else value


def draw_panel(
    figure: Any,
    table: pa.Table,
    measure: str,
    place: dict[str, int],
    *,
    x: str,
    theme: str,
    first: bool,
) -> None:
    """Draws one measure of a sweep into a place of a figure.

    Args:
        figure: The figure.
        table: A sweep table.
        measure: Name of a row of ``MEASURES``.
        place: Its ``row`` and ``col``.
        x: A key of ``AXES``.
        theme: A key of ``ACCENTS``.
        first: Whether the legend is that of this panel.

    Raises:
        SettingError: There is no such axis.
        TableError: The table has no rows.
    """
    curve = curve_of(table, measure, x=x)
    for trace in _traces(curve, ACCENTS[theme].of(measure), first=first):
        figure.add_trace(trace, **place)
    _mark_references(figure, table, measure, place)
    figure.update_yaxes(title_text=MEASURES[measure].unit, range=_extent(curve), **place)


def _traces(
    curve: Curve,
    colour: str,
    *,
    first: bool,
) -> list[go.Scatter]:
    """The traces of one measure, from back to front; the legend is that of the first."""
    row = MEASURES[curve.measure]
    hover = f"%{{y:.{row.decimals}f}} {row.unit}".strip()
    band = _trace(
        np.concatenate([curve.x, curve.x[::-1]]),
        np.concatenate([curve.high, curve.low[::-1]]),
        "95 % band of the mean",
        first,
        fill="toself",
        fillcolor=_faded(colour, 0.25),
        line={"width": 0},
        hoverinfo="skip",
    )
    mean = _trace(
        curve.x, curve.mean, "mean", first, line={"color": colour, "width": 2.5},
        text=[
            f", {count} of {n} identical and left out" if 0 < count < n else ""
            for count, n in zip(curve.identical.tolist(), curve.n.tolist(), strict=True)
        ],
        hovertemplate=f"mean {hover}%{{text}}<extra></extra>",
    )  # fmt: skip
    median = _trace(
        curve.x, curve.median, "median", first, line={"color": colour, "width": 1.2, "dash": "dot"},
        hovertemplate=f"median {hover}<extra></extra>",
    )  # fmt: skip
    return [_single_faces(curve, colour, hover, first), band, median, mean]


def _trace(x: Any, y: Any, name: str, first: bool, **style: Any) -> go.Scatter:
    values = [drawable(value) for value in np.asarray(y, float).tolist()]
    return go.Scatter(
        x=np.asarray(x).tolist(), y=values, name=name, legendgroup=name, showlegend=first,
        mode="lines", **style,
    )  # fmt: skip


def _single_faces(curve: Curve, colour: str, hover: str, first: bool) -> go.Scatter:
    """Every face's thin line in one trace, with gaps between; worst and best are named."""
    worst, best = curve.extremes()
    marks = {worst: " (most affected)", best: " (least affected)"} if worst != best else {}
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str] = []
    for i in curve.told_apart(MOST_LINES):
        face = curve.faces[i]
        x += [*curve.x.tolist(), None]
        y += [*(drawable(value) for value in curve.values[i].tolist()), None]
        names += [face + marks.get(face, "")] * (len(curve.x) + 1)
    opacity = FAINT if len(curve.faces) <= FEW_LINES else FAINTER
    return go.Scatter(
        x=x, y=y, text=names, mode="lines", name="single faces", legendgroup="faces",
        showlegend=first, line={"color": _faded(colour, opacity), "width": 1},
        hovertemplate=f"%{{text}}: {hover}<extra></extra>",
    )  # fmt: skip


def _mark_references(figure: Any, table: pa.Table, name: str, place: dict[str, int]) -> None:
    """The impostor band and the threshold, where the measure has them."""
    band = strangers(table, name)
    if band:
        text = f"different people, {band.pairs} pairs" if band.pairs else "different people"
        figure.add_hrect(
            y0=band.low, y1=band.high, fillcolor="rgba(128,128,128,0.16)", line_width=0,
            layer="below", annotation_text=text, annotation_font_size=10,
            annotation_position="bottom left", **place,
        )  # fmt: skip
    threshold = threshold_of(table)
    if threshold and threshold["measure"] == name:
        figure.add_hline(
            y=threshold["value"], line={"color": "#8a8a8a", "dash": "dash", "width": 1},
            annotation_text=f"threshold {threshold['value']}", annotation_font_size=10, **place,
        )  # fmt: skip


def _extent(curve: Curve) -> list[float]:
    """Range of the y axis: what the faces reach, and a little air."""
    finite = curve.values[np.isfinite(curve.values)]
    if not finite.size:
        return [0.0, 1.0]
    low, high = float(finite.min()), float(finite.max())
    air = 0.04 * (high - low) or 0.01
    return [low - air, high + air]


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
