"""What the browser draws of a sweep: curves, the map over the angle, strangers; numbers alone.

The layout of the data is that of ``frontend/pages/sweeps.js``. Numbers are rounded to two digits
more than are shown; what is not finite is ``null``, but for a mean that is infinite: ``"inf"``.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blurdash.distance import DISTANCES
from blurdash.kernel import KERNELS, audit_kernel
from blurdash.measures import MEASURES
from blurdash.reference import SWEEPS
from blurdash.summary import (
    Curve,
    Map,
    curve_of,
    degree_angle_map,
    measured,
    past_threshold,
    recogniser_of,
    strangers,
    threshold_of,
)
from blurdash.sweep_file import settings_of
from blurdash.ui.components.rows import tile_id
from blurdash.ui.server.shipped import read_shipped, stamp_of
from blurdash.ui.visitor.session import session_faces

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.flips import RankFlips

__all__ = ["Swept", "line_data", "shift_data", "swept_data", "which_of"]

MOST_LINES = 60  # more are a grey mass, and megabytes
DRAWN_KEPT = 8  # tables of a visitor whose curves are kept
MORE_DIGITS = 2  # than are shown, so that what is read off between two points is right
LENGTH_STEP = 3  # degrees between two angles at which a kernel's length is told
FEWEST_STRANGERS = 20  # faces: of fewer, their spread is no unit


@dataclass(frozen=True)
class Swept:
    """Sweeps of the same faces by one recogniser.

    Attributes:
        tables: A sweep table for each key of ``SWEEPS`` that there is.
        faces: Whose faces they are.
        paths: The files of those tables that every visitor shares.
        flips: Counts of the same faces for shifts against blurs; None where there are none.
        own: Whether they are faces that Explore shows: the portrait, or the visitor's photos.
    """

    tables: Mapping[str, pa.Table]
    faces: str
    paths: Mapping[str, Path] = field(default_factory=dict)
    flips: RankFlips | None = None
    own: bool = False

    @property
    def any(self) -> pa.Table:
        """One of the tables: what all of them have in common is read off it."""
        there = self.tables
        return next(there[which] for which in ("fixed", "random", "map") if which in there)


def which_of(table: pa.Table) -> str:
    """Returns which of ``SWEEPS`` a table is: by its settings' angle."""
    angle = settings_of(table).get("identity", {}).get("angle")
    return {"random": "random", "all": "map"}.get(str(angle), "fixed")


def swept_data(swept: Swept, axis: str) -> dict[str, Any]:
    """Returns all that is drawn of one recogniser's sweeps.

    Args:
        swept: The sweeps.
        axis: A key of ``AXES``; the map stays over px where it is another.

    Raises:
        BlurdashError: A table has no rows, or no map.
    """
    table = swept.any
    threshold = threshold_of(table)
    return {
        "label": recogniser_of(table),
        "measures": [tile_id(name) for name in measured(table)],
        "threshold": None
        if threshold is None
        else {
            "measure": tile_id(threshold["measure"]),
            "label": MEASURES[threshold["measure"]].label,
            "higher": MEASURES[threshold["measure"]].higher_is_closer,
            "value": threshold["value"],
            "source": str(threshold.get("source", "")),
        },
        "curves": {
            which: _shared(_curves, swept, which, axis)
            for which in SWEEPS
            if which != "map" and which in swept.tables
        },
        "map": _shared(_map, swept, "map", "px") if "map" in swept.tables else None,
        "strangers": _strangers(table),
        "shift": None if swept.flips is None else shift_data(swept.flips),
    }


def _shared(of: Any, swept: Swept, which: str, axis: str) -> dict[str, Any]:
    """What is made of a table; that of a file that all visitors share is made once."""
    path = swept.paths.get(which)
    if path is not None:
        return _of_file(of, path, stamp_of(path), axis)
    if swept.own:
        return _of_visitor(of, swept.tables[which], axis)
    return dict(of(swept.tables[which], axis))


@functools.lru_cache(maxsize=32)
def _of_file(of: Any, path: Path, _stamp: tuple[int, int], axis: str) -> dict[str, Any]:
    return dict(of(read_shipped(path), axis))


def _of_visitor(of: Any, table: pa.Table, axis: str) -> dict[str, Any]:
    """The same of a table of the visitor's own, which is measured once and drawn at every run."""
    drawn = session_faces().drawn
    key = (of.__name__, id(table), axis)
    if key not in drawn:
        drawn[key] = (table, dict(of(table, axis)))  # with the table, so that no other has its id
        while len(drawn) > DRAWN_KEPT:
            del drawn[next(iter(drawn))]
    return drawn[key][1]


# --- curves ---------------------------------------------------------------------------------------


def _curves(table: pa.Table, axis: str) -> dict[str, Any]:
    """Every measure over the degree, with the single faces."""
    curves = {name: curve_of(table, name, x=axis) for name in measured(table)}
    one = next(iter(curves.values()))
    kept = one.told_apart(MOST_LINES)
    return {
        "angle": settings_of(table).get("identity", {}).get("angle"),
        "x": _rounded(one.x, 2),
        "count": len(one.faces),
        "names": [one.faces[i] for i in kept],
        "same": _same(table, curves) if axis == "px" else None,
        "of": {tile_id(name): _curve(curve, kept) for name, curve in curves.items()},
    }


def _curve(curve: Curve, kept: Sequence[int]) -> dict[str, Any]:
    digits = MEASURES[curve.measure].decimals + MORE_DIGITS
    return {
        "mean": _rounded(curve.mean, digits),
        "low": _rounded(curve.low, digits),
        "high": _rounded(curve.high, digits),
        "n": curve.n.tolist(),
        "identical": curve.identical.tolist(),
        "faces": [_rounded(curve.values[i], digits) for i in kept],
    }


def _same(table: pa.Table, curves: Mapping[str, Curve]) -> dict[str, list[int | None]] | None:
    """How many faces the recogniser still takes for themselves, of how many, by degree."""
    share = past_threshold(table)
    threshold = threshold_of(table)
    if share is None or threshold is None:
        return None
    name = threshold["measure"]
    n = (curves.get(name) or curve_of(table, name)).n.tolist()
    same = [
        None if math.isnan(past) else round((1 - past) * of)
        for past, of in zip(share[1].tolist(), n, strict=True)
    ]
    return {"same": same, "n": n}


def line_data(values: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    """Returns one face's curves over px.

    Args:
        values: For each degree every measure; a curve may still have gaps.
    """
    degrees = sorted(values)
    return {
        "x": degrees,
        "of": {
            tile_id(name): _rounded(
                [values[degree].get(name, math.nan) for degree in degrees],
                row.decimals + MORE_DIGITS,
            )
            for name, row in MEASURES.items()
        },
    }


# --- over the angle -------------------------------------------------------------------------------


def _map(table: pa.Table, _axis: str) -> dict[str, Any]:
    """Every measure over degree and angle, and how long the kernel really is."""
    maps: dict[str, Map] = {}
    for name in measured(table):
        maps[name] = _moving(degree_angle_map(table, name))
    one = next(iter(maps.values()))
    kernel = str(table["kernel"][0])
    return {
        "degrees": one.degrees.tolist(),
        "angles": one.angles.tolist(),
        "n": one.n,
        "of": {
            tile_id(name): [
                _rounded(row, MEASURES[name].decimals + MORE_DIGITS) for row in found.mean
            ]
            for name, found in maps.items()
        },
        "kernel": KERNELS[kernel].label if kernel in KERNELS else kernel,
        "lengths": _lengths(kernel, tuple(one.degrees.tolist())) if kernel in KERNELS else None,
    }


def _moving(found: Map) -> Map:
    """A map without the degree at which nothing is blurred and nothing depends on the angle."""
    kept = found.degrees > 0
    return dataclasses.replace(found, degrees=found.degrees[kept], mean=found.mean[:, kept])


@functools.cache
def _lengths(kernel: str, degrees: tuple[float, ...]) -> dict[str, Any]:
    """How long a kernel is by audit, for each degree over the angle."""
    angles = list(range(0, 181, LENGTH_STEP))
    make = KERNELS[kernel].make
    return {
        "angles": angles,
        "of": [
            [round(audit_kernel(make(int(degree), float(angle))).length, 2) for angle in angles]
            for degree in degrees
        ],
    }


# --- strangers and shifts -------------------------------------------------------------------------


def _strangers(table: pa.Table) -> dict[str, Any] | None:
    """Where different people lie, by distance; ``unit`` says whether their spread may be one."""
    found = {name: strangers(table, name) for name in DISTANCES}
    known = {name: band for name, band in found.items() if band is not None}
    if not known:
        return None
    one = next(iter(known.values()))
    return {
        "pairs": one.pairs,
        "faces": one.faces,
        "unit": one.faces >= FEWEST_STRANGERS,
        "of": {tile_id(name): [band.low, band.median, band.high] for name, band in known.items()},
    }


def shift_data(flips: RankFlips) -> dict[str, Any]:
    """Returns as what blur a shift reads for half of the faces, by measure.

    Conventions:
        For a face a shift reads as the blur from which on its measure prefers the shifted picture.
        So the share of faces that prefer it against a blur of d is the share for which it reads as
        less than d, and the median lies where that share is a half; between the counted blurs it
        is read off a straight line. ``null`` means above the largest of them.
    """
    shifts, degrees = flips.settings.shifts, flips.settings.degrees
    of = {}
    for name in flips.settings.measures:
        if name not in MEASURES:
            continue
        shares = np.asarray(flips.shares(name))
        of[tile_id(name)] = [_median_blur(row.tolist(), degrees) for row in shares]
    return {
        "shifts": [0.0, *shifts],
        "degrees": list(degrees),
        "faces": len(flips.faces),
        "angle": flips.settings.angle,
        "of": {name: [0.0, *values] for name, values in of.items()},
    }


def _median_blur(shares: Sequence[float], degrees: Sequence[int]) -> float | None:
    """Where the share of faces that prefer the shifted picture, by degree, reaches a half."""
    before, at = 0.0, 0.0
    for share, degree in zip(shares, degrees, strict=True):
        if math.isnan(share):
            continue
        if share >= 0.5:
            return round(at + (degree - at) * (0.5 - before) / (share - before), 1)
        before, at = share, float(degree)
    return None


def _rounded(values: Any, digits: int) -> list[float | str | None]:
    return [_said(value, digits) for value in np.asarray(values, np.float64).tolist()]


def _said(value: float, digits: int) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else round(value, digits)
