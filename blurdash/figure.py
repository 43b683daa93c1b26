"""Tables and curves as Plotly figures; the only module that imports Plotly."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
from plotly.subplots import make_subplots

from blurdash.circumstances import measured_under
from blurdash.distance import EMBEDDING
from blurdash.folder import left_out_in_words
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE, separated
from blurdash.summary import (
    AXES,
    Curve,
    curve_of,
    degree_angle_map,
    past_threshold,
    strangers,
    threshold_of,
)
from blurdash.sweep_file import settings_of, with_own_settings
from blurdash.table import in_role

__all__ = [
    "ACCENTS",
    "UNBOUNDED",
    "Accents",
    "curves_figure",
    "heading",
    "map_figure",
    "measured",
    "sweep_page",
]


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


def _drawable(value: float | None) -> float | None:
    """An infinite PSNR (nothing changed) has no place on the axis: the line starts after it."""
    return None if value is None or value in (float("inf"), float("-inf")) else value


# --- the study ------------------------------------------------------------------------------------

# What a sweep's figure shows, in reading order: the study's three, then the pixel measures.
PANELS = in_role(MEASURES, "panel")
COLUMNS = 3
# Of identical pictures these are infinite, and a mean leaves them out.
UNBOUNDED = tuple(name for name in PANELS if math.isinf(MEASURES[name].identical))
SHARE = "of faces past the threshold"
# More lines than that are a grey mass, and megabytes of page.
MOST_LINES = 60
FEW_LINES = 10
FAINT, FAINTER = 0.4, 0.2  # for a few lines, for many


def curves_figure(
    table: pa.Table,
    *,
    x: str = "px",
    current: Mapping[int, Mapping[str, float]] | None = None,
    called: str = "one more face",
    height: int = 560,
    theme: str = "light",
) -> go.Figure:
    """Returns the study's graphs: every measure over the degree, averaged over faces.

    Conventions:
        The thick line is the mean, with its 95 % bootstrap band; thin lines are single faces, named
        on hover; the grey band is where different clean faces lie; the dashed line is the
        recogniser's threshold. The number of faces stands in every title.

    Args:
        table: A sweep table.
        x: A key of ``AXES``.
        current: Curves of one more face, drawn into every plot: a value for every measure of each
            degree. Only over px.
        called: What that face is called, with the settings in which it differs.
        height: px.
        theme: A key of ``ACCENTS``.

    Raises:
        SettingError: There is no such axis.
        TableError: The table has no rows.
    """
    accents = ACCENTS[theme]
    share = past_threshold(table) if x == "px" else None
    panels = measured(table)
    titles = [MEASURES[name].label for name in panels] + ([f"Share {SHARE}"] if share else [])
    rows = max(2, math.ceil(len(titles) / COLUMNS))
    figure = make_subplots(
        rows=rows, cols=COLUMNS, subplot_titles=titles, vertical_spacing=0.32 / rows
    )
    places = [{"row": i // COLUMNS + 1, "col": i % COLUMNS + 1} for i in range(len(titles))]
    for i, name in enumerate(panels):
        place = places[i]
        curve = curve_of(table, name, x=x)
        drawn = current if x == "px" else None
        for trace in _panel(curve, accents.of(name), drawn, called, first=i == 0):
            figure.add_trace(trace, **place)
        _mark_references(figure, table, name, place)
        figure.update_yaxes(title_text=MEASURES[name].unit, range=_extent(curve), **place)
    if share:
        figure.add_trace(_share_trace(*share, accents.embedding), **places[-1])
        figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", **places[-1])
    _style_study(figure, table, x, height * rows // 2)
    return figure


def measured(table: pa.Table) -> list[str]:
    """Returns the measures that a table has numbers of and that are drawn.

    All of them where it has none, as of failing pictures alone.
    """
    return [name for name in PANELS if table[name].null_count < len(table)] or list(PANELS)


def map_figure(table: pa.Table, measure: str = EMBEDDING) -> go.Figure:
    """Returns a measure over degree and angle, averaged over faces, as a map.

    Args:
        table: A sweep table made with ``--angle all``.
        measure: Name of a row of ``MEASURES``.

    Raises:
        SettingError: The table has no grid of angles.
    """
    found = degree_angle_map(table, measure)
    row = MEASURES[measure]
    heat = go.Heatmap(
        x=found.degrees.tolist(),
        y=found.angles.tolist(),
        z=[[_drawable(value) for value in line] for line in found.mean.tolist()],
        colorscale="Cividis" if row.higher_is_closer else "Cividis_r",
        colorbar={"title": {"text": f"{row.label} {row.unit}".strip(), "side": "right"}},
        hovertemplate=(
            f"degree %{{x}} px, angle %{{y}}°: %{{z:.{row.decimals}f}} {row.unit}<extra></extra>"
        ),
    )
    figure = go.Figure(heat)
    figure.update_layout(
        title={"text": f"{heading(table)}, mean of {found.n} faces", "font": {"size": 13}},
        xaxis_title="Degree, canvas px",
        yaxis_title=f"Angle of the {_first(table, 'kernel')} kernel, degrees",
        height=420,
        margin={"l": 56, "r": 24, "t": 52, "b": 48},
    )
    return figure


def sweep_page(table: pa.Table, *, x: str = "px") -> str:
    """Returns a page with a sweep's figures and settings that needs nothing else to be shown.

    Args:
        table: A sweep table.
        x: A key of ``AXES``.

    Raises:
        SettingError: There is no such axis.
        TableError: The table has no rows.
    """
    sweeps = [with_own_settings(part) for part in separated(table)]
    several = len(sweeps) > 1
    parts = []
    for i, sweep in enumerate(sweeps):
        above = f"<h2>{html.escape(heading(sweep))}</h2>" if several else ""
        parts.append(f"{above}{_drawn(sweep, x, first=i == 0)}")
    title = f"{len(sweeps)} sweeps in one table" if several else heading(table)
    title = html.escape(f"blurdash: {title}")
    style = (
        "body{font:15px system-ui,sans-serif;margin:1.5rem auto;max-width:1280px;padding:0 1rem}"
        "h1{font-size:1.4rem}h2{font-size:1.1rem}"
        "th{text-align:left;font-weight:600;padding-right:1.5rem;vertical-align:top}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _drawn(table: pa.Table, x: str, *, first: bool) -> str:
    """One sweep's figures and facts; the first brings Plotly's script for all of them."""
    figures = [curves_figure(table, x=x, height=680)]
    if settings_of(table).get("identity", {}).get("angle") == "all":
        figures += [map_figure(table, name) for name in measured(table)]
    parts = [
        figure.to_html(
            full_html=False, include_plotlyjs=first and i == 0, config={"displaylogo": False}
        )
        for i, figure in enumerate(figures)
    ]
    rows = "".join(
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(str(value))}</td></tr>"
        for key, value in _facts(table).items()
    )
    return f"{''.join(parts)}<h2>How it was made</h2><table>{rows}</table>"


def _panel(
    curve: Curve,
    colour: str,
    current: Mapping[int, Mapping[str, float]] | None,
    called: str,
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
    traces = [_single_faces(curve, colour, hover, first), band, median, mean]
    if current:
        traces.append(_current_trace(current, called, curve.measure, hover, first))
    return traces


def _trace(x: Any, y: Any, name: str, first: bool, **style: Any) -> go.Scatter:
    values = [_drawable(value) for value in np.asarray(y, float).tolist()]
    return go.Scatter(
        x=np.asarray(x).tolist(), y=values, name=name, legendgroup=name, showlegend=first,
        mode="lines", **style,
    )  # fmt: skip


def _single_faces(curve: Curve, colour: str, hover: str, first: bool) -> go.Scatter:
    """Every face's thin line in one trace, with gaps between; worst and best are named."""
    step = max(1, -(-len(curve.faces) // MOST_LINES))
    worst, best = curve.extremes()
    marks = {worst: " (most affected)", best: " (least affected)"} if worst != best else {}
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str] = []
    for i, face in enumerate(curve.faces):
        if i % step and face not in marks:
            continue
        x += [*curve.x.tolist(), None]
        y += [*(_drawable(value) for value in curve.values[i].tolist()), None]
        names += [face + marks.get(face, "")] * (len(curve.x) + 1)
    opacity = FAINT if len(curve.faces) <= FEW_LINES else FAINTER
    return go.Scatter(
        x=x, y=y, text=names, mode="lines", name="single faces", legendgroup="faces",
        showlegend=first, line={"color": _faded(colour, opacity), "width": 1},
        hovertemplate=f"%{{text}}: {hover}<extra></extra>",
    )  # fmt: skip


def _current_trace(
    current: Mapping[int, Mapping[str, float]], called: str, measure: str, hover: str, first: bool
) -> go.Scatter:
    degrees = sorted(current)
    values = [current[degree].get(measure, np.nan) for degree in degrees]
    return _trace(
        degrees, values, called, first, line={"color": "#8a8a8a", "width": 2.2},
        hovertemplate=f"{called} {hover}<extra></extra>",
    )  # fmt: skip


def _share_trace(degrees: Any, share: Any, colour: str) -> go.Scatter:
    return go.Scatter(
        x=degrees.tolist(), y=share.tolist(), mode="lines", name=SHARE, showlegend=False,
        line={"color": colour, "width": 2.5},
        hovertemplate="%{y:.0%} of the faces<extra></extra>",
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


def _style_study(figure: Any, table: pa.Table, x: str, height: int) -> None:
    figure.update_xaxes(title_text=AXES[x], title_standoff=4, zeroline=False, row=2)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(zeroline=False, title_standoff=4)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=height,
        margin={"l": 48, "r": 16, "t": 96, "b": 48},
        title={
            "text": f"{heading(table)}, {_counted_faces(table)}",
            "font": {"size": 13},
            "x": 0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
        },
        legend={"orientation": "h", "y": 1.07, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        hovermode="closest",
    )


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def _first(table: pa.Table, column: str) -> str:
    return str(table[column][0].as_py()) if len(table) else ""


def _face_count(table: pa.Table) -> int:
    rows = table.filter(pc.is_valid(table[EMBEDDING]))
    return len(pc.unique(rows["face"]))


def _counted_faces(table: pa.Table) -> str:
    count = _face_count(table)
    return f"n = {count} face{'' if count == 1 else 's'}"


def heading(table: pa.Table) -> str:
    """Returns what a sweep's numbers belong to: recogniser, protocol, crop, kernel, angle."""
    settings = settings_of(table)
    angle = settings.get("identity", {}).get("angle")
    label = settings.get("recogniser", {}).get("label", _first(table, "embedder"))
    protocol, crop, kernel = (_first(table, name) for name in ("protocol", "crop", "kernel"))
    return measured_under(label, protocol, crop, kernel, angle) + _unless_with_file(settings)


def _unless_with_file(settings: Mapping[str, Any]) -> str:
    return "" if settings.get("with_file", True) else f" ({NOT_WITH_FILE})"


def _facts(table: pa.Table) -> dict[str, Any]:
    settings = settings_of(table)
    identity = settings.get("identity", {})
    versions = settings.get("versions", {})
    if not settings.get("with_file", True):
        said = ", ".join(f"{key} {value}" for key, value in identity.items() if key != "degrees")
        return {"Settings": f"{NOT_WITH_FILE}; its rows say: {said}", "Rows": len(table)}
    report = settings.get("report", {})
    measured = report.get("rows", len(table))
    here = "" if measured == len(table) else f"; {len(table)} of them are in this table"
    return {
        "Recogniser": settings.get("recogniser", {}).get("label", ""),
        "Weights, SHA-256": settings.get("recogniser", {}).get("weights_sha256", ""),
        "Blur": settings.get("blur", ""),
        "Settings": ", ".join(
            f"{key} {value}" for key, value in identity.items() if key not in ("degrees", "grid")
        ),
        "Rows": f"{measured}{here}",
        **{
            MEASURES[name].label: curve_of(table, name).left_out()
            or "finite, but where all are identical"
            for name in UNBOUNDED
        },
        "Rows with a failure": report.get("failed_rows", ""),
        "Left out": left_out_in_words(report.get("left_out", {})) or "nothing",
        "Made": settings.get("created", ""),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
