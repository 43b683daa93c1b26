"""The argument's figures: the map of rank flips, and the page that holds it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from blurdash.circumstances import measured_under
from blurdash.distance import DISTANCES
from blurdash.flips import FLIP_PANELS, HUMAN, FlipCell, RankFlips
from blurdash.measures import ARGUMENT_MEASURES

__all__ = ["rank_flip_figure", "rank_flip_page"]

COLUMNS = 4
NEUTRAL = "#e8e8e8"
# Blue where faces prefer the sharp picture, orange where they prefer the blurred one: the accents,
# but so light that dark figures and marks can be read on them in either theme.
COLOURS = ((0.0, "#d9772b"), (0.5, NEUTRAL), (1.0, "#2f81c7"))


def rank_flip_figure(
    flips: RankFlips,
    *,
    measures: Sequence[str] = FLIP_PANELS,
    height: int = 560,
) -> go.Figure:
    """Returns the map of rank flips: shift × degree for every measure.

    Conventions:
        A cell's number is how many of the faces score the sharp, shifted picture better than the
        blurred one; blue: all, orange: none. Shifts below the dashed line are, on average, not
        seen as a change by most people (2 px at 256 px).

    Args:
        flips: The counts.
        measures: Keys of ``ARGUMENT_MEASURES``; those that were not counted are left out.
        height: px.
    """
    shown = [name for name in measures if name in flips.settings.measures]
    columns = min(COLUMNS, max(1, len(shown)))
    figure = make_subplots(
        rows=max(1, math.ceil(len(shown) / columns)),
        cols=columns,
        subplot_titles=[ARGUMENT_MEASURES[name].label for name in shown],
        horizontal_spacing=0.035,
        vertical_spacing=0.19,
    )
    for i, name in enumerate(shown):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        figure.add_trace(_map(flips, name, scale=i == 0), **place)
        _mark_human(figure, flips, place)
    _style(figure, flips, height)
    _title(figure, flips)
    return figure


def rank_flip_page(flips: RankFlips) -> str:
    """Returns a page with the map and its settings that needs nothing else to be shown.

    Args:
        flips: The counts.
    """
    figure = rank_flip_figure(flips, height=640)
    body = figure.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    title = html.escape(f"blurdash: rank flips, {_heading(flips)}")
    facts = "".join(_row(key, value, "th") for key, value in _facts(flips).items())
    failed = "".join(_row(name, reason, "td") for name, reason in flips.failures.items())
    failures = f"<h2>Pictures left out</h2><table>{failed}</table>" if failed else ""
    style = (
        "body{font:15px system-ui,sans-serif;margin:1.5rem auto;max-width:1280px;padding:0 1rem}"
        "h1{font-size:1.4rem}h2{font-size:1.1rem}"
        "th,td{text-align:left;padding-right:1.5rem;vertical-align:top}th{font-weight:600}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head><body><h1>{title}</h1><p>{html.escape(_sentence(flips))}"
        f"</p>{body}{failures}<h2>How it was made</h2><table>{facts}</table></body></html>\n"
    )


def _ordered(flips: RankFlips) -> tuple[list[float], list[int]]:
    return sorted(flips.settings.shifts), sorted(flips.settings.degrees)


def _cells(flips: RankFlips, name: str) -> list[list[FlipCell]]:
    shifts, degrees = _ordered(flips)
    return [[flips.cell(name, shift, degree) for degree in degrees] for shift in shifts]


def _map(flips: RankFlips, name: str, *, scale: bool) -> go.Heatmap:
    cells = _cells(flips, name)
    hover = [[_hover(cell) for cell in line] for line in cells]
    return go.Heatmap(
        z=[[None if not cell.n else cell.share for cell in line] for line in cells],
        text=[[str(cell.prefer_sharp) if cell.n else "–" for cell in line] for line in cells],
        texttemplate="%{text}",
        textfont={"color": "#1a1a1a", "size": 12},
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        zmin=0,
        zmax=1,
        colorscale=[list(step) for step in COLOURS],
        xgap=1,
        ygap=1,
        showscale=scale,
        colorbar={
            "title": {"text": "of the faces prefer sharp", "side": "right"},
            "tickformat": ".0%",
            "thickness": 12,
        },
    )


def _hover(cell: FlipCell) -> str:
    label = ARGUMENT_MEASURES[cell.measure].label
    if not cell.n:
        return f"{label}: no face has a value here"
    return (
        f"{label} prefers the sharp picture, shifted by {cell.shift:g} px,<br>to the blur of "
        f"{cell.degree} px on {cell.prefer_sharp} of {cell.n} faces<br>"
        f"{cell.share:.0%}, 95 % interval {cell.low:.0%} to {cell.high:.0%}"
    )


def _mark_human(figure: Any, flips: RankFlips, place: dict[str, int]) -> None:
    """The line between the shifts that most people call the same and the others."""
    shifts, _ = _ordered(flips)
    below = sum(shift <= HUMAN.shift_px for shift in shifts)
    figure.add_hline(y=below - 0.5, line={"color": "#1a1a1a", "dash": "dash", "width": 1}, **place)


def _style(figure: Any, flips: RankFlips, height: int) -> None:
    shifts, degrees = _ordered(flips)
    figure.update_xaxes(
        tickvals=list(range(len(degrees))), ticktext=[str(degree) for degree in degrees],
        showgrid=False, zeroline=False, title_standoff=4,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(shifts))), ticktext=[f"{shift:g}" for shift in shifts],
        showgrid=False, zeroline=False, title_standoff=4,
    )  # fmt: skip
    figure.update_yaxes(title_text="shift, px", col=1)
    figure.update_xaxes(title_text="blur, px", row=len(figure._grid_ref))
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=height,
        margin={"l": 52, "r": 16, "t": 26, "b": 40},
    )


def _title(figure: Any, flips: RankFlips) -> None:
    figure.update_layout(
        margin={"t": 92, "b": 48},
        title={
            "text": (
                f"Faces of {len(flips.faces)} for which the sharp, shifted picture scores better "
                f"than the blurred one; {html.escape(_heading(flips))}<br><sub>Dashed: "
                f"{HUMAN.shift_at_256:g} px at 256, where {HUMAN.share:.0%} of "
                f"{HUMAN.answers} people's answers were “the same” "
                f"({html.escape(HUMAN.source)})</sub>"
            ),
            "font": {"size": 13},
            "x": 0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
        },
    )


def _heading(flips: RankFlips) -> str:
    settings, recogniser = flips.settings, flips.recogniser
    label, protocol = recogniser["label"], recogniser["protocol"]
    return measured_under(label, protocol, settings.crop, settings.kernel, settings.angle)


def _sentence(flips: RankFlips) -> str:
    """Where the recogniser is right everywhere, and where it is wrong: both in words."""
    name = next((n for n in flips.settings.measures if n in DISTANCES), None)
    if name is None:
        return ""
    cells = [cell for cell in flips.cells if cell.measure == name and cell.n]
    right = sum(cell.prefer_sharp == cell.n for cell in cells)
    wrong = sum(cell.prefer_sharp == 0 for cell in cells)
    start = (
        f"{ARGUMENT_MEASURES[name].label} prefers the sharp picture on every face in {right} of "
        f"{len(cells)} pairs of a shift and a blur"
    )
    if not wrong:
        return f"{start}{'' if right == len(cells) else '; in each of the others on some'}."
    return (
        f"{start}, and on none in {wrong} of them: there a blur this small changes the embedding "
        "less than the shift does."
    )


def _facts(flips: RankFlips) -> dict[str, str]:
    settings = flips.settings
    return {
        "Faces": str(len(flips.faces)),
        "Recogniser": flips.recogniser["label"],
        "Note": flips.recogniser["note"],
        "Weights, SHA-256": flips.recogniser["weights_sha256"],
        "Shifts": f"{', '.join(f'{shift:g}' for shift in settings.shifts)} px to the right",
        "Degrees": f"{', '.join(map(str, settings.degrees))} px",
        "Interval": "Wilson, 95 %",
        "Made": flips.created,
        "Versions": ", ".join(f"{name} {version}" for name, version in flips.libraries.items()),
    }


def _row(key: str, value: str, tag: str) -> str:
    return f"<tr><{tag}>{html.escape(key)}</{tag}><td>{html.escape(value)}</td></tr>"
