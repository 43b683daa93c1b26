"""Shares of faces and of pairs of faces, and how sure they are: few faces make many pairs."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from blurdash.errors import SettingError

__all__ = ["Z95", "mean_interval", "share_interval", "wilson"]

RESAMPLES = 10_000
RESAMPLES_OF_A_MEAN = 2_000
SEED = 0
Z95 = 1.959963984540054


def share_interval(
    holds: Sequence[bool] | npt.NDArray[np.bool_], faces: int
) -> tuple[float, float]:
    """Returns the 95 % interval of a share of pairs, by drawing faces again, not pairs.

    Conventions:
        Bootstrap over faces: each resample draws as many faces as there are, with replacement; a
        pair counts as often as both of its faces were drawn, a face with itself never. Pairs that
        share a face are not independent, so an interval from their number alone is too narrow.

    Args:
        holds: For each pair of different faces whether it does, in the order of
            ``itertools.combinations``.
        faces: How many faces there are, at least two.

    Returns:
        2.5 % and 97.5 % of the resampled shares, in [0, 1].

    Raises:
        SettingError: That many faces do not make that many pairs.

    Example:
        >>> share_interval([True, True, True], 3)
        (1.0, 1.0)
    """
    first, second = np.triu_indices(max(faces, 0), 1)  # in the order of itertools.combinations
    if not len(first) or len(first) != len(holds):
        raise SettingError(
            f"{len(holds)} pairs of {faces} faces are given, wanted {len(first) or 'at least one'}",
            hint="give every pair once",
        )
    told = np.asarray(holds, bool)
    drawn, count = _drawn_again(faces)
    held = _weight_of(first[told], second[told], drawn)
    shares = held[count > 0] / count[count > 0]
    low, high = np.quantile(shares, (0.025, 0.975)).tolist()
    return low, high


@functools.lru_cache(maxsize=2)
def _drawn_again(faces: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """How often each face was drawn in each resample, and how many pairs of two faces that makes.

    The same for every question about so many faces: of 800 it takes longer than the answer.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(faces, [1 / faces] * faces, size=RESAMPLES).T.astype(np.float32)
    count = (faces**2 - (drawn.astype(np.float64) ** 2).sum(axis=0)) / 2
    drawn = np.ascontiguousarray(drawn)
    drawn.flags.writeable = count.flags.writeable = False
    return drawn, count


def _weight_of(
    first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], drawn: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """How many pairs of each resample are among some: whole numbers, so single precision is exact.

    Args:
        first: One face of each of these pairs.
        second: The other.
        drawn: ``(faces, resamples)``.
    """
    faces = len(drawn)
    weight: npt.NDArray[np.float64]
    if len(first) < faces:  # few: what is asked while a hand moves
        weight = np.einsum("pr,pr->r", drawn[first], drawn[second], dtype=np.float64)
        return weight
    matrix = np.zeros((faces, faces), np.float32)
    matrix[first, second] = 1
    weight = np.einsum("fr,fr->r", drawn, matrix @ drawn, dtype=np.float64)
    return weight


def mean_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Returns the 95 % interval of a mean, by drawing the values again.

    Args:
        values: float64 ``(N,)``, finite.

    Returns:
        2.5 % and 97.5 % of the resampled means; NaN for no value.

    Example:
        >>> mean_interval(np.array([2.0, 2.0]))
        (2.0, 2.0)
    """
    if not len(values):
        return math.nan, math.nan
    rng = np.random.default_rng(SEED)
    # Not all at once: there may be as many pairs as a data set has pictures.
    means = [
        values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES_OF_A_MEAN)
    ]
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return low, high


def wilson(count: int, n: int) -> tuple[float, float]:
    """Returns the Wilson 95 % interval of a share.

    Args:
        count: Successes, 0..n.
        n: Trials.

    Returns:
        Lower and upper end, 0..1; NaN for no trials.

    Example:
        >>> [round(end, 3) for end in wilson(30, 30)]
        [0.886, 1.0]

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if n == 0:
        return math.nan, math.nan
    share, square = count / n, Z95**2
    centre = share + square / (2 * n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = ((centre + sign * spread) / (1 + square / n) for sign in (-1, 1))
    # Exact where rounding leaves 1e-17 or 1 − 1e-16.
    return (0.0 if count == 0 else low), (1.0 if count == n else high)
