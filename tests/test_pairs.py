"""Intervals of shares of pairs: against a plain bootstrap, and against what cannot be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from blurdash.errors import SettingError
from blurdash.pairs import share_interval


def by_hand(holds: dict[tuple[int, int], bool], faces: int) -> tuple[float, float]:
    """The same, drawn face by face and counted pair by pair."""
    rng, shares = np.random.default_rng(7), []
    for _ in range(4000):
        drawn = rng.integers(0, faces, faces)
        pairs = [tuple(sorted(pair)) for pair in itertools.combinations(drawn, 2)]
        known = [holds[pair] for pair in pairs if pair[0] != pair[1]]
        shares.append(np.mean(known))
    return float(np.quantile(shares, 0.025)), float(np.quantile(shares, 0.975))


def test_it_is_the_bootstrap_over_faces() -> None:
    faces, rng = 12, np.random.default_rng(3)
    pairs = list(itertools.combinations(range(faces), 2))
    holds = dict(zip(pairs, (rng.random(len(pairs)) < 0.2).tolist(), strict=True))
    low, high = share_interval(list(holds.values()), faces)
    assert (low, high) == pytest.approx(by_hand(holds, faces), abs=0.02)


def test_a_few_faces_that_look_alike_make_it_wide() -> None:
    pairs = list(itertools.combinations(range(30), 2))
    clique = [b < 6 for _, b in pairs]  # 15 pairs of 6 faces
    spread = [(a * 7 + b * 11) % 29 == 0 for a, b in pairs]  # about as many, all over
    assert sum(clique) == pytest.approx(sum(spread), abs=4)
    wide, narrow = (np.diff(share_interval(holds, 30))[0] for holds in (clique, spread))
    assert wide > 1.5 * narrow


@pytest.mark.parametrize(("holds", "faces"), [([], 1), ([True], 3), ([True] * 3, 2)])
def test_pairs_that_do_not_fit_are_refused(holds: list[bool], faces: int) -> None:
    with pytest.raises(SettingError, match="pairs of"):
        share_interval(holds, faces)
