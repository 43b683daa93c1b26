"""Rows of the tables as the browser's scripts read them: handed over once, with the scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from blurdash.blur import Change
from blurdash.distance import EMBEDDING
from blurdash.kernel import ANGLE_RANGE, DEGREE_RANGE, KERNELS
from blurdash.measures import ARGUMENT_MEASURES, CLAIM, MEASURES, QUICK
from blurdash.search import RIVALS
from blurdash.sentences import word
from blurdash.table import INFINITE, Measure, Span, in_role
from blurdash.twins import TWIN_KERNEL
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS, EXPLORE_SLIDERS, Slider

__all__ = [
    "CURVES",
    "CURVE_DEGREES",
    "FIRST_LIMIT",
    "LIMIT_RANGE",
    "POINTS_OF_A_CURVE",
    "TILES",
    "VOTE",
    "rows_for_browser",
    "tile_id",
]

TILES = in_role(MEASURES, "tile")
POINTS_OF_A_CURVE = 11  # fewer are too coarse to read a blur off

# On Argument: what stands beside the vote, and what is said as a blur, which takes the face's own
# curve at these degrees.
VOTE = in_role(ARGUMENT_MEASURES, "vote")
CURVES = in_role(ARGUMENT_MEASURES, "curve")
# px: the largest shift that counts as slight, until somebody says another; and what may be said.
FIRST_LIMIT = 16.0
LIMIT_RANGE = (1.0, 64.0)
CURVE_DEGREES = (0, 2, 4, 6, 8, *range(10, 101, 5))


def rows_for_browser() -> dict[str, Any]:
    """Returns all that the scripts know of kernels, measures, sliders and limits, as JSON has it.

    Of a kernel that draws its own angle at degree 1, ``own_angle`` is the one that it draws.

    Example:
        >>> rows_for_browser()["kernels"]["line"]["label"]
        'exact line'
    """
    return {
        "kernels": {
            name: {
                "label": row.label,
                "says": row.says,
                "stretched": row.stretched,
                "fractional": row.fractional,
                "own_angle": None if row.own_angle is None else Change(1, kernel=name).used_angle,
                "drawn_here": row.drawn_in_browser,
            }
            for name, row in KERNELS.items()
        },
        "tiles": [_tile(MEASURES[name]) for name in TILES],
        "claim": [
            {"measure": name, "word": word(name), "family": MEASURES[name].family} for name in CLAIM
        ],
        "argument": {
            "measures": [_tile(ARGUMENT_MEASURES[name]) for name in QUICK],
            "vote": VOTE,
            "curve": CURVES,
            "degrees": CURVE_DEGREES,
            "rivals": RIVALS,
            "twin_kernel": TWIN_KERNEL,
            "limit": FIRST_LIMIT,
            "limits": LIMIT_RANGE,
        },
        "embedding": EMBEDDING,
        "points_of_a_curve": POINTS_OF_A_CURVE,
        "sliders": {"explore": _sliders(EXPLORE_SLIDERS), "argument": _sliders(ARGUMENT_SLIDERS)},
        "degrees": DEGREE_RANGE,
        "angles": ANGLE_RANGE,
    }


def _tile(row: Measure) -> dict[str, Any]:
    return {
        "id": row.test_id or row.name,
        "measure": row.name,
        "label": row.label,
        "short": row.short_label,
        "word": word(row.name),
        "unit": row.unit,
        "decimals": row.decimals,
        "direction": row.direction,
        "identical": _identical(row),
        "identical_at": None if math.isinf(row.identical) else row.identical,
        "higher": row.higher_is_closer,
        "source": row.source,
        "family": row.family,
        "span": None if row.span is None else _span(row.span),
        "first_lane": "lane" in row.roles,
        "axis": row.roles.get("axis"),
        "twin_tolerance": row.twin_tolerance,
    }


def tile_id(name: str) -> str:
    """Returns what scripts call a measure."""
    return MEASURES[name].test_id or name


def _span(span: Span) -> dict[str, Any]:
    return span._asdict()


def _identical(row: Measure) -> str:
    """What the value is for equal pictures, where that needs saying: a distance's is 0."""
    if not row.higher_is_closer:
        return ""
    return f"{INFINITE if math.isinf(row.identical) else f'{row.identical:g}'} is identical"


def _sliders(sliders: Mapping[str, Slider]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": one.label,
            "unit": one.unit,
            "min": one.low,
            "max": one.high,
            "step": one.step,
            "page": one.page,
            "hint": one.hint,
            "entry": one.entry,
        }
        for name, one in sliders.items()
    ]
