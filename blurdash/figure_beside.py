"""Sweeps of the same faces by several recognisers, side by side: each with axes of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
from plotly.subplots import make_subplots

from blurdash.distance import DISTANCES
from blurdash.errors import SettingError
from blurdash.figure import counted_faces, first_of, measured, recogniser_of, style_sweep
from blurdash.figure_panel import draw_panel
from blurdash.measures import MEASURES
from blurdash.sweep_file import settings_of

__all__ = ["check_alike", "column_figure", "title_beside"]

SAME = ("protocol", "crop", "kernel")
ROW_HEIGHT = 250  # px


def column_figure(
    table: pa.Table,
    *,
    x: str = "px",
    current: Mapping[int, Mapping[str, float]] | None = None,
    called: str = "one more face",
    theme: str = "light",
) -> go.Figure:
    """Returns one recogniser's distances over the degree, one beneath the other.

    Conventions:
        Every panel has its own axis: the numbers of two networks have no common scale. What can be
        compared is the shape, and where the grey band of different people lies.

    Args:
        table: A sweep table.
        x: A key of ``AXES``.
        current: As for ``curves_figure``.
        called: What that face is called.
        theme: A key of ``ACCENTS``.

    Raises:
        SettingError: There is no such axis.
        TableError: The table has no rows.
    """
    names = [name for name in measured(table) if name in DISTANCES]
    titles = [MEASURES[name].label for name in names]
    figure = make_subplots(
        rows=len(names), cols=1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.08
    )
    for row, name in enumerate(names, 1):
        draw_panel(
            figure, table, name, {"row": row, "col": 1},
            x=x, theme=theme, current=current, called=called, first=row == 1,
        )  # fmt: skip
    style_sweep(figure, x, title_beside(table), ROW_HEIGHT * len(names), row=len(names))
    return figure


def title_beside(table: pa.Table) -> str:
    """Returns what tells a figure from the one beside it: recogniser and number of faces."""
    return f"{recogniser_of(table)}, {counted_faces(table)}"


def check_alike(first: pa.Table, other: pa.Table) -> None:
    """Checks that two sweeps may stand side by side: that they differ in the recogniser alone.

    Raises:
        SettingError: They differ in more.
    """
    for name in SAME:
        if first_of(first, name) != first_of(other, name):
            raise SettingError(
                f"one sweep is of {name} {first_of(first, name)}, the other of "
                f"{first_of(other, name)}",
                hint="put sweeps beside each other that differ in the recogniser alone",
            )
    photos = _photos(first), _photos(other)
    same = _faces(first) == _faces(other) and _settings(first) == _settings(other)
    if not same or (all(photos) and photos[0] != photos[1]):
        raise SettingError(
            "the sweeps are of other faces, degrees or angles",
            hint="put sweeps of the same faces beside each other",
        )


def _faces(table: pa.Table) -> set[tuple[str, int]]:
    return set(zip(table["face"].to_pylist(), table["degree"].to_pylist(), strict=True))


def _photos(table: pa.Table) -> set[tuple[str, str]]:
    """Which photo each face is of; of a reference's tables some do not say."""
    both = zip(table["face"].to_pylist(), table["photo_id"].to_pylist(), strict=True)
    return {(face, photo) for face, photo in both if photo}


def _settings(table: pa.Table) -> dict[str, Any]:
    identity = settings_of(table).get("identity", {})
    return {name: identity.get(name) for name in ("angle", "seed", "grid")}
