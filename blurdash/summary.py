"""What a sweep table says: the study's averages, medians, bands over faces, thresholds, maps."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blurdash import defaults
from blurdash.circumstances import measured_under
from blurdash.errors import SettingError, TableError
from blurdash.measures import MEASURES
from blurdash.provenance import NOT_WITH_FILE, first_of
from blurdash.sweep_file import settings_of
from blurdash.table import in_role, look_up

__all__ = [
    "AXES",
    "PANELS",
    "UNBOUNDED",
    "Band",
    "Curve",
    "Map",
    "Strangers",
    "averages",
    "curve_of",
    "degree_angle_map",
    "heading",
    "measured",
    "past_threshold",
    "recogniser_of",
    "strangers",
    "threshold_of",
]

Values = npt.NDArray[np.float64]
# Degrees, lower and upper end of where some faces lie.
Band = tuple[Values, Values, Values]

# What the x axis may count.
AXES = {
    "px": "degree, px of the canvas",
    "percent": "degree, % of the distance between the eyes",
}

# What is drawn of a sweep, in reading order: the study's three, then the pixel measures.
PANELS = in_role(MEASURES, "panel")
# Of identical pictures these are infinite, and a mean leaves them out.
UNBOUNDED = tuple(name for name in PANELS if math.isinf(MEASURES[name].identical))

DRAWS = 2000
CONFIDENCE = 0.95
WEIGHTS_AT_ONCE = 2_000_000  # bounds memory, whatever the number of faces
PERCENT_STEPS = 101
TOLD = 3  # degrees at which faces are identical, one by one


@dataclass(frozen=True)
class Curve:
    """One measure over the degree, for every face and for all together.

    Attributes:
        measure: Name of a row of ``MEASURES``.
        x: The degrees, px or % of the eye distance; float64 ``(D,)``.
        faces: Names, in the table's order.
        values: float64 ``(F, D)``, NaN where a row has a failure.
        n: Faces that a point is the average of, ``(D,)``.
        mean: The study's average, ``(D,)``, over the faces whose value is finite; infinite where
            none is.
        identical: Faces whose value is infinite, as PSNR is where nothing changed, ``(D,)``.
        median: ``(D,)``.
        seed: Of the bootstrap, so that the band is the same every time.
    """

    measure: str
    x: Values
    faces: tuple[str, ...]
    values: Values
    n: npt.NDArray[np.intp]
    mean: Values
    median: Values
    identical: npt.NDArray[np.intp]
    seed: int

    @property
    def low(self) -> Values:
        """Lower end of the 95 % bootstrap band of the mean over faces, ``(D,)``."""
        return self._ends[0]

    @property
    def high(self) -> Values:
        """Its upper end, ``(D,)``."""
        return self._ends[1]

    @functools.cached_property
    def _ends(self) -> tuple[Values, Values]:
        # When first asked for: 2000 draws, and of many a curve nobody asks.
        return _band(self.values, self.seed)

    def left_out(self) -> str:
        """Returns at which degrees faces are left out of the mean, in words; empty for none.

        Where nothing changed in any face, the mean is infinite and none is left out.
        """
        partly = np.flatnonzero((self.identical > 0) & (self.identical < self.n))
        if not len(partly):
            return ""
        told = [f"{self.identical[i]} of {self.n[i]} at {self.x[i]:g}" for i in partly[:TOLD]]
        more = f" and at {len(partly) - TOLD} more" if len(partly) > TOLD else ""
        return f"identical, and left out of the mean: {', '.join(told)}{more}"

    def spread(self, share: float = 0.8) -> tuple[Values, Values]:
        """Returns between what values the middle share of the faces lies, ``(D,)`` each.

        Values that are not finite are left out.
        """
        tail, finite = (1 - share) / 2, np.where(np.isfinite(self.values), self.values, np.nan)
        return _nan_quantile(finite, tail), _nan_quantile(finite, 1 - tail)

    def told_apart(self, most: int) -> list[int]:
        """Returns which faces to draw one by one: all, or of many some; always the extremes.

        Args:
            most: More than about so many are a grey mass.
        """
        step, ends = max(1, -(-len(self.faces) // most)), set(self.extremes())
        return [i for i, face in enumerate(self.faces) if i % step == 0 or face in ends]

    def extremes(self) -> tuple[str, str]:
        """Returns the faces that blur moves most and least: the worst and the best by average."""
        finite = np.where(np.isfinite(self.values), self.values, np.nan)
        level = _nan_mean(finite)
        closer_first = np.argsort(-level if MEASURES[self.measure].higher_is_closer else level)
        known = [i for i in closer_first if np.isfinite(level[i])]
        return (self.faces[known[-1]], self.faces[known[0]]) if known else ("", "")


@dataclass(frozen=True)
class Map:
    """One measure over degree and angle, averaged over faces.

    Attributes:
        measure: Name of a row of ``MEASURES``.
        degrees: px, ``(D,)``.
        angles: Degrees, ``(A,)``.
        mean: float64 ``(A, D)``.
        n: Number of faces.
    """

    measure: str
    degrees: Values
    angles: Values
    mean: Values
    n: int


def measured(table: pa.Table) -> list[str]:
    """Returns the measures that a table has numbers of and that are drawn.

    All of them where it has none, as of failing pictures alone.
    """
    return [name for name in PANELS if table[name].null_count < len(table)] or list(PANELS)


def heading(table: pa.Table) -> str:
    """Returns what a sweep's numbers belong to: recogniser, protocol, crop, kernel, angle."""
    settings = settings_of(table)
    angle = settings.get("identity", {}).get("angle")
    label = recogniser_of(table)
    protocol, crop, kernel = (first_of(table, name) for name in ("protocol", "crop", "kernel"))
    return measured_under(label, protocol, crop, kernel, angle) + _unless_with_file(settings)


def recogniser_of(table: pa.Table) -> str:
    """Returns the label of a table's recogniser, its name where no label came with it."""
    known = settings_of(table).get("recogniser", {})
    return str(known.get("label", first_of(table, "embedder")))


def _unless_with_file(settings: Mapping[str, Any]) -> str:
    return "" if settings.get("with_file", True) else f" ({NOT_WITH_FILE})"


def curve_of(table: pa.Table, measure: str, *, x: str = "px", seed: int = defaults.SEED) -> Curve:
    """Returns a measure's curves.

    Conventions:
        The average of degree j is the study's: (1 / n) Σᵢ of the measure between face i and its
        picture blurred by j. ``cosine_similarity`` is what the study's code adds up,
        ``cosine_distance`` what its formula writes. A value that is infinite has no average: it is
        left out and counted, and the median, which needs no finite values, stands beside it. Of
        several angles a face's mean is taken first. Over % of the eye distance, each curve is
        interpolated to common points.

    Args:
        table: A sweep table.
        measure: Name of a row of ``MEASURES``.
        x: A key of ``AXES``.
        seed: Of the bootstrap, so that the band is the same every time.

    Raises:
        SettingError: There is no such measure or axis.
        TableError: The table has no rows.
    """
    look_up(MEASURES, measure, "measure")
    look_up(AXES, x, "axis")
    _check_rows(table)
    faces, degrees, values = _by_face(table, measure)
    places = degrees
    if x == "percent":
        places, values = _over_percent(table, values)
    return Curve(
        measure,
        places,
        faces,
        values,
        (~np.isnan(values)).sum(axis=0),
        _finite_mean(values),
        _nan_median(values),
        np.isinf(values).sum(axis=0),
        seed,
    )


def averages(table: pa.Table, *, seed: int = defaults.SEED) -> pa.Table:
    """Returns the averages as a table: per degree and measure the mean, median and band.

    Args:
        table: A sweep table.
        seed: Of the bootstrap.

    Returns:
        Columns ``degree``, ``faces``, for each measure ``_mean``, ``_median``, ``_low`` and
        ``_high``, for PSNR also ``_identical``: faces that are infinite and left out of the mean;
        and ``share_past_threshold`` where the recogniser has a threshold.
    """
    columns: dict[str, Any] = {}
    for name in MEASURES:
        curve = curve_of(table, name, seed=seed)
        columns.setdefault("degree", curve.x.astype(np.int16))
        columns.setdefault("faces", curve.n)
        for part in ("mean", "median", "low", "high"):
            columns[f"{name}_{part}"] = getattr(curve, part)
        if math.isinf(MEASURES[name].identical):
            columns[f"{name}_identical"] = curve.identical
    share = past_threshold(table)
    if share is not None:
        columns["share_past_threshold"] = share[1]
    return pa.table(columns)


def threshold_of(table: pa.Table) -> Mapping[str, Any] | None:
    """Returns the recogniser's threshold (measure, value, source) or None where it has none."""
    found = settings_of(table).get("recogniser", {}).get("threshold")
    return found if isinstance(found, dict) and found.get("measure") in MEASURES else None


def past_threshold(table: pa.Table) -> tuple[Values, Values] | None:
    """Returns, per degree, the share of faces that the recogniser no longer takes for themselves.

    Returns:
        The degrees and the shares, 0..1, NaN where no face has a number; None where none has one
        at all, or the recogniser has no threshold.
    """
    threshold = threshold_of(table)
    if threshold is None:
        return None
    _, degrees, values = _by_face(table, threshold["measure"])
    higher = MEASURES[threshold["measure"]].higher_is_closer
    past = values < threshold["value"] if higher else values > threshold["value"]
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    if not counts.any():
        return None
    shares = (past & known).sum(axis=0) / np.maximum(counts, 1)
    return degrees, np.where(counts > 0, shares, np.nan)


class Strangers(NamedTuple):
    """Where different people lie: pairs of the clean faces of a sweep.

    Attributes:
        low: 2.5 % of the pairs lie below, in the measure's unit.
        median: Of the pairs.
        high: 2.5 % lie above.
        pairs: How many.
        faces: Of how many faces.
        same: Share of them that the recogniser takes for one person; None without a threshold.
        same_low: Lower end of its 95 % interval over faces; None where it was not computed.
        same_high: Upper end.
    """

    low: float
    median: float
    high: float
    pairs: int
    faces: int
    same: float | None = None
    same_low: float | None = None
    same_high: float | None = None


def strangers(table: pa.Table, measure: str) -> Strangers | None:
    """Returns where different clean faces lie.

    Returns:
        None for PSNR and SSIM, and for a table of one face.
    """
    known = settings_of(table).get("impostors", {})
    band = known.get(measure)
    if not isinstance(band, dict):
        return None
    counts = int(known.get("pairs", 0)), int(known.get("faces", 0))
    share = (known.get(f"taken_{name}") for name in ("for_the_same", "low", "high"))
    return Strangers(band["low"], band["median"], band["high"], *counts, *share)


def degree_angle_map(table: pa.Table, measure: str) -> Map:
    """Returns a measure over degree and angle, averaged over faces.

    Conventions:
        Angles that not every degree has (the study's own draw at degree 1) are left out.

    Raises:
        SettingError: The table has fewer than two angles, or there is no such measure.
        TableError: The table has no rows.
    """
    look_up(MEASURES, measure, "measure")
    _check_rows(table)
    degree = _numbers(table, "degree")
    angle = _numbers(table, "angle")
    value = _numbers(table, measure)
    degrees, column = np.unique(degree, return_inverse=True)
    angles, row = np.unique(angle, return_inverse=True)
    known = ~np.isnan(value) & ~np.isnan(angle)
    if len(angles) * len(degrees) > 10_000 + 4 * len(table):
        raise SettingError(
            f"this table has {len(angles)} angles, of which degrees have different ones: no map",
            hint="draw it over the degree",
        )
    total, count = np.zeros((2, len(angles), len(degrees)))
    np.add.at(total, (row[known], column[known]), value[known])
    np.add.at(count, (row[known], column[known]), 1)
    common = (count > 0).sum(axis=1) >= max(2, len(degrees) // 2)
    if common.sum() < 2:
        raise SettingError(
            "this table has one angle for each degree, a map needs several",
            hint="make it with --angle all",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)[common]
    kept = np.isfinite(np.where(np.isinf(mean), 0, mean)).all(axis=0)
    faces = len(set(table["face"].to_pylist()))
    return Map(measure, degrees[kept], angles[common], mean[:, kept], faces)


def _check_rows(table: pa.Table) -> None:
    if not len(table):
        raise TableError("the sweep table has no rows", hint="make it anew")


def _numbers(table: pa.Table, column: str) -> Values:
    """A column as float64, NaN where it is null."""
    return np.asarray(table[column].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _by_face(table: pa.Table, column: str) -> tuple[tuple[str, ...], Values, Values]:
    """Names (F,), degrees (D,) and values (F, D); of several angles the mean."""
    codes = table["face"].combine_chunks().dictionary_encode()
    face = np.asarray(codes.indices)
    degrees, place = np.unique(_numbers(table, "degree"), return_inverse=True)
    value = _numbers(table, column)
    known = ~np.isnan(value)
    total, count = np.zeros((2, len(codes.dictionary), len(degrees)))
    np.add.at(total, (face[known], place[known]), value[known])
    np.add.at(count, (face[known], place[known]), 1)
    values = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return tuple(codes.dictionary.to_pylist()), degrees, values


def _over_percent(table: pa.Table, values: Values) -> tuple[Values, Values]:
    """The curves over % of the eye distance, at points that every face's curve reaches."""
    _, _, percent = _by_face(table, "degree_percent_of_eye_distance")
    whole = ~np.isnan(percent).any(axis=1)
    if not whole.any():
        raise TableError("no face of this table was measured", hint="use the axis px")
    places = np.linspace(0, percent[whole].max(axis=1).min(), PERCENT_STEPS)
    moved = np.full((len(values), len(places)), np.nan)
    for i in np.flatnonzero(whole):
        moved[i] = np.interp(places, percent[i], values[i])
    return places, moved


def _band(values: Values, seed: int) -> tuple[Values, Values]:
    """95 % bootstrap band of the mean over faces: faces are drawn with replacement."""
    rng = np.random.default_rng(seed)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    faces = len(values)
    means = np.concatenate(
        [
            _weighted_means(rng.multinomial(faces, [1 / faces] * faces, size), filled, known)
            for size in _sizes(DRAWS, max(1, WEIGHTS_AT_ONCE // faces))
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    ends = [_nan_quantile(means, share) for share in (tail, 1 - tail)]
    top = _finite_mean(values)
    endless = np.isinf(top)  # PSNR of equal pictures: the band is that point
    return np.where(endless, top, ends[0]), np.where(endless, top, ends[1])


def _sizes(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]


def _weighted_means(weights: npt.NDArray[np.int64], filled: Values, known: Any) -> Values:
    """Means of each column for each row of weights, over what is known."""
    share = weights.astype(np.float64)
    counts = share @ known
    nothing = np.full_like(counts, np.nan)
    return np.asarray(np.divide(share @ filled, counts, out=nothing, where=counts > 0))


def _finite_mean(values: Values) -> Values:
    """Mean of each column over what is finite; infinite where all that is known is."""
    finite = _nan_mean(np.where(np.isfinite(values), values, np.nan).T)
    endless = np.isnan(finite) & np.isinf(values).any(axis=0)
    return np.where(endless, _nan_mean(values.T), finite)


def _nan_mean(rows: Values) -> Values:
    """Mean of each row without its NaNs; NaN for a row of nothing else."""
    known = ~np.isnan(rows)
    counts = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    nothing = np.full(len(rows), np.nan)
    return np.asarray(np.divide(total, counts, out=nothing, where=counts > 0))


def _nan_median(values: Values) -> Values:
    return _per_column(values, lambda column: np.median(column))


def _nan_quantile(values: Values, share: float) -> Values:
    return _per_column(values, lambda column: np.quantile(column, share))


def _per_column(values: Values, of: Callable[[Values], Any]) -> Values:
    columns: Sequence[Values] = [column[~np.isnan(column)] for column in values.T]
    return np.array([of(column) if len(column) else np.nan for column in columns])
