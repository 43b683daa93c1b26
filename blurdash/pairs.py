"""Shares of pairs of faces, and how sure they are: the same few faces make all the pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from blurdash.errors import SettingError

__all__ = ["share_interval"]

RESAMPLES = 10_000
SEED = 0


def share_interval(holds: Sequence[bool], faces: int) -> tuple[float, float]:
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
    pairs = list(itertools.combinations(range(faces), 2))
    if not pairs or len(pairs) != len(holds):
        raise SettingError(
            f"{len(holds)} pairs of {faces} faces are given, wanted {len(pairs) or 'at least one'}",
            hint="give every pair once",
        )
    matrix = np.zeros((faces, faces))
    matrix[tuple(np.transpose(pairs))] = holds
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(faces, [1 / faces] * faces, size=RESAMPLES).astype(float)
    held = np.einsum("ri,ij,rj->r", drawn, matrix, drawn, optimize=True)
    count = (faces**2 - (drawn**2).sum(axis=1)) / 2
    shares = held[count > 0] / count[count > 0]
    low, high = np.quantile(shares, (0.025, 0.975)).tolist()
    return low, high
