"""Tables and curves as Plotly figures; the only module that imports Plotly."""

from __future__ import annotations

import html
import math
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
from plotly.subplots import make_subplots

from blurdash.distance import EMBEDDING
from blurdash.figure_panel import ACCENTS, draw_panel, drawable
from blurdash.folder import left_out_in_words
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE, first_of, separated
from blurdash.summary import (
    AXES,
    UNBOUNDED,
    curve_of,
    degree_angle_map,
    heading,
    measured,
    past_threshold,
)
from blurdash.sweep_file import settings_of, with_own_settings

__all__ = [
    "curves_figure",
    "map_figure",
    "sweep_page",
]


# --- the study ------------------------------------------------------------------------------------

COLUMNS = 3
TOP = 100  # px for title, legend and the panels' first line
SHARE = "of faces past the threshold"


def curves_figure(
    table: pa.Table,
    *,
    x: str = "px",
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
        height: px.
        theme: A key of ``ACCENTS``.

    Raises:
        SettingError: There is no such axis.
        TableError: The table has no rows.
    """
    share = past_threshold(table) if x == "px" else None
    panels = measured(table)
    titles = [MEASURES[name].label for name in panels] + ([f"Share {SHARE}"] if share else [])
    rows = max(2, math.ceil(len(titles) / COLUMNS))
    figure = make_subplots(
        rows=rows, cols=COLUMNS, subplot_titles=titles, vertical_spacing=0.32 / rows
    )
    places = [{"row": i // COLUMNS + 1, "col": i % COLUMNS + 1} for i in range(len(titles))]
    for i, name in enumerate(panels):
        draw_panel(figure, table, name, places[i], x=x, theme=theme, first=i == 0)
    if share:
        figure.add_trace(_share_trace(*share, ACCENTS[theme].embedding), **places[-1])
        figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", **places[-1])
    title = f"{heading(table)}, {_counted_faces(table)}"
    _style_sweep(figure, x, title, height * rows // 2, row=2)
    return figure


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
        z=[[drawable(value) for value in line] for line in found.mean.tolist()],
        colorscale="Cividis" if row.higher_is_closer else "Cividis_r",
        colorbar={"title": {"text": f"{row.label} {row.unit}".strip(), "side": "right"}},
        hovertemplate=(
            f"degree %{{x}} px, angle %{{y}}°: %{{z:.{row.decimals}f}} {row.unit}<extra></extra>"
        ),
    )
    figure = go.Figure(heat)
    figure.update_layout(
        title={
            "text": f"{heading(table)}, mean of {found.n} faces",
            "font": {"size": 13},
        },
        xaxis_title="Degree, canvas px",
        yaxis_title=f"Angle of the {first_of(table, 'kernel')} kernel, degrees",
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


def _share_trace(degrees: Any, share: Any, colour: str) -> go.Scatter:
    return go.Scatter(
        x=degrees.tolist(), y=share.tolist(), mode="lines", name=SHARE, showlegend=False,
        line={"color": colour, "width": 2.5},
        hovertemplate="%{y:.0%} of the faces<extra></extra>",
    )  # fmt: skip


def _style_sweep(figure: Any, x: str, title: str, height: int, *, row: int) -> None:
    """Gives a sweep's figure its axes, its title and its legend.

    Args:
        figure: The figure.
        x: A key of ``AXES``.
        title: What stands above it.
        height: px.
        row: Under which row of panels the axis is named.
    """
    figure.update_xaxes(title_text=AXES[x], title_standoff=4, zeroline=False, row=row)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(zeroline=False, title_standoff=4)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=height,
        margin={"l": 48, "r": 16, "t": TOP, "b": 48},
        title={
            "text": title,
            "font": {"size": 13},
            "x": 0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
        },
        # Where it is narrow the legend takes several lines: they grow down, not into the title.
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 1 - 30 / height,
            "yanchor": "top",
            "x": 0,
            "font": {"size": 12},
        },
        hovermode="closest",
    )


def _face_count(table: pa.Table) -> int:
    rows = table.filter(pc.is_valid(table[EMBEDDING]))
    return len(pc.unique(rows["face"]))


def _counted_faces(table: pa.Table) -> str:
    """Returns how many faces were measured, such as "n = 30 faces"."""
    count = _face_count(table)
    return f"n = {count} face{'' if count == 1 else 's'}"


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
