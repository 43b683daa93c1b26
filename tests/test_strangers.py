"""How close strangers are: counts, their intervals, and when a threshold can be told."""

from __future__ import annotations

import numpy as np
import pytest

from blurdash.distance import DISTANCES
from blurdash.errors import SettingError, TableError
from blurdash.pairs import share_interval, wilson
from blurdash.strangers import StrangerPairs, faces_for, pairs_of


def known(faces: int, seed: int = 0) -> StrangerPairs:
    rng = np.random.default_rng(seed)
    return pairs_of(rng.normal(size=(faces, 16)).astype(np.float32))


@pytest.mark.parametrize("measure", DISTANCES)
def test_closer_counts_the_pairs_that_are_as_close(measure: str) -> None:
    pairs = known(12)
    values = pairs.values[measure]
    for value in (values[0], values[20], values.min() - 1, values.max() + 1):
        if DISTANCES[measure].higher_is_closer:
            wanted = int((values >= value).sum())
        else:
            wanted = int((values <= value).sum())
        found = pairs.closer(measure, float(value))
        assert (found.close, found.pairs, found.faces) == (wanted, 66, 12)


def test_the_interval_draws_faces_again() -> None:
    pairs = known(10)
    value = float(np.sort(pairs.values["l2"])[4])
    holds = (pairs.values["l2"] <= value).tolist()
    assert pairs.closer("l2", value)[3:] == share_interval(holds, 10)


@pytest.mark.parametrize("faces", [2, 3, 9, 30])
def test_of_none_the_bound_is_that_of_pairs_that_share_no_face(faces: int) -> None:
    pairs = known(faces)
    none = pairs.closer("l2", 0.0)
    assert (none.close, none.low, none.high) == (0, *wilson(0, faces // 2))
    every = pairs.closer("l2", 1e9)
    assert (every.low, every.high) == wilson(faces // 2, faces // 2)


def test_thirty_faces_leave_a_fifth_open() -> None:
    assert known(30).closer("cosine_similarity", 1.0).high == pytest.approx(0.204, abs=5e-4)


@pytest.mark.parametrize("measure", ["l2", "cosine_similarity"])
def test_a_threshold_lets_through_what_it_says(measure: str) -> None:
    pairs = known(80)
    assert pairs.threshold(measure) is None, "80 faces are too few for 1 in 100"
    found = pairs.threshold(measure, 0.1)
    assert found is not None
    row, values = DISTANCES[measure], pairs.values[measure]
    closer = values > found.value if row.higher_is_closer else values < found.value
    assert closer.mean() <= 0.1
    assert closer.mean() > 0.1 - 2 / pairs.pairs


def test_how_many_faces_a_threshold_takes() -> None:
    for rate in (0.2, 0.1, 0.01):
        pairs = faces_for(rate) // 2
        assert wilson(0, pairs)[1] <= rate < wilson(0, pairs - 1)[1]


def test_the_nearest_two_are_named() -> None:
    embeddings = np.eye(5, dtype=np.float32)
    embeddings[3] += 0.5 * embeddings[1]
    assert pairs_of(embeddings).nearest() == (1, 3)
    assert pairs_of(embeddings[:1]).nearest() is None


def test_one_face_has_no_strangers() -> None:
    with pytest.raises(SettingError, match="no strangers"):
        known(1).closer("l2", 0.0)


def test_it_comes_back_from_its_table() -> None:
    pairs = known(7)
    again = StrangerPairs.from_table(pairs.as_table(), 7)
    for name in DISTANCES:
        np.testing.assert_allclose(again.values[name], pairs.values[name], rtol=1e-6)
    assert pairs.band("l2")[1] == pytest.approx(np.median(pairs.values["l2"]))


@pytest.mark.parametrize("faces", [6, 8])
def test_a_table_of_another_number_of_faces_is_refused(faces: int) -> None:
    with pytest.raises(TableError, match="wanted"):
        StrangerPairs.from_table(known(7).as_table(), faces)
