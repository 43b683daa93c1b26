"""Distances: the study's formulas, in NumPy and torch alike, and strict about what they take."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blurdash.distance import (
    DISTANCES,
    cosine_distance,
    cosine_similarity,
    l1_distance,
    l2_distance,
)
from blurdash.errors import EmbeddingError

Vector = npt.NDArray[np.float64]
Distance = Callable[[object, object], float]

EVERY = [cosine_similarity, cosine_distance, l1_distance, l2_distance]
LENGTHS = [1, 2, 128, 512]

numbers = st.floats(-1e6, 1e6).map(lambda value: value if abs(value) > 1e-6 else 0.0)
pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*[hnp.arrays(np.float64, n, elements=numbers)] * 2)
)


def random_pair(length: int, seed: int = 0) -> tuple[Vector, Vector]:
    rng = np.random.default_rng([length, seed])
    return rng.normal(size=length), rng.normal(0.3, 1, size=length)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_studys_numpy_formulas(length: int) -> None:
    for seed in range(20):
        a, b = random_pair(length, seed)
        cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
        assert l1_distance(a, b) == pytest.approx(np.sum(np.abs(a - b)), rel=1e-12)
        assert l2_distance(a, b) == pytest.approx(np.sqrt(np.sum(np.square(a - b))), rel=1e-12)
        assert cosine_similarity(a, b) == pytest.approx(cosine, abs=1e-12)
        assert cosine_distance(a, b) == pytest.approx(1 - cosine, abs=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_studys_torch_formulas(length: int) -> None:
    for seed in range(20):
        a, b = (torch.from_numpy(v).float() for v in random_pair(length, seed))
        one = a.unsqueeze(0), b.unsqueeze(0)
        l1 = torch.linalg.vector_norm(one[0] - one[1], ord=1, dim=1).item()
        l2 = torch.linalg.vector_norm(one[0] - one[1], ord=2, dim=1).item()
        assert l1_distance(a, b) == pytest.approx(l1, rel=1e-5)
        assert l2_distance(a, b) == pytest.approx(l2, rel=1e-5)
        assert cosine_similarity(a, b) == pytest.approx(
            F.cosine_similarity(*one, 1).item(), abs=1e-6
        )


@pytest.mark.parametrize("distance", EVERY)
@pytest.mark.parametrize("length", LENGTHS)
def test_numpy_and_torch_agree(distance: Distance, length: int) -> None:
    for seed in range(20):
        a, b = (v.astype(np.float32) for v in random_pair(length, seed))
        expected = distance(a, b)
        tensors = torch.from_numpy(a), torch.from_numpy(b)
        assert distance(*tensors) == pytest.approx(expected, abs=1e-6)
        assert distance(tensors[0], b) == pytest.approx(expected, abs=1e-6)
        assert type(distance(*tensors)) is type(distance(a, b)) is float


@pytest.mark.parametrize("distance", EVERY)
def test_a_tensor_that_wants_a_gradient_or_has_few_bits_is_taken(distance: Distance) -> None:
    a, b = (torch.from_numpy(v) for v in random_pair(128))
    expected = distance(a, b)
    assert distance(a.clone().requires_grad_(), b) == expected
    half = a.bfloat16(), b.bfloat16()
    assert distance(*half) == distance(half[0].double().numpy(), half[1].double().numpy())


@pytest.mark.parametrize("distance", EVERY)
def test_whole_numbers_and_other_memory_layouts_are_taken(distance: Distance) -> None:
    a, b = np.array([3, 0, 4]), np.array([0, 5, 12])
    assert distance(a, b) == distance(a.astype(float), b.astype(float))
    both = np.stack([a, b]).astype(float)
    turned = np.asfortranarray(both)
    assert distance(turned[0], turned[1]) == distance(both[0], both[1])
    assert distance(a[::-1], b[::-1]) == pytest.approx(distance(a, b))


def test_values_known_by_hand() -> None:
    a, b = np.array([3.0, 0, 4]), np.array([0.0, 0, 10])
    assert cosine_similarity(a, b) == pytest.approx(0.8)
    assert cosine_distance(a, b) == pytest.approx(0.2)
    assert l1_distance(a, b) == 9
    assert l2_distance(a, b) == pytest.approx(math.sqrt(45))
    assert cosine_similarity(a, -a) == pytest.approx(-1)
    assert cosine_distance(a, -a) == pytest.approx(2)


def test_convention_similarity_is_higher_for_the_closer_and_distance_lower() -> None:
    a = np.array([1.0, 0.2, 0.1])
    near, far = np.array([1.0, 0.3, 0.1]), np.array([0.2, 1.0, 0.4])
    assert cosine_similarity(a, near) > cosine_similarity(a, far)
    for distance in (cosine_distance, l1_distance, l2_distance):
        assert distance(a, near) < distance(a, far)


@pytest.mark.parametrize("length", LENGTHS)
def test_convention_l2_of_unit_vectors_is_the_cosine_in_another_unit(length: int) -> None:
    a, b = (v / np.linalg.norm(v) for v in random_pair(length))
    assert l2_distance(a, b) == pytest.approx(math.sqrt(2 * cosine_distance(a, b)), abs=1e-7)


@given(pairs)
def test_symmetry(pair: tuple[Vector, Vector]) -> None:
    a, b = pair
    assert l1_distance(a, b) == l1_distance(b, a)
    assert l2_distance(a, b) == l2_distance(b, a)
    assume(a.any() and b.any())
    assert cosine_similarity(a, b) == pytest.approx(cosine_similarity(b, a), abs=1e-12)


@given(pairs)
def test_bounds(pair: tuple[Vector, Vector]) -> None:
    a, b = pair
    l1, l2 = l1_distance(a, b), l2_distance(a, b)
    assert l2 >= 0
    # The norms of R^D: ‖x‖₂ ≤ ‖x‖₁ ≤ √D ‖x‖₂.
    assert l2 * (1 - 1e-12) <= l1 <= math.sqrt(a.size) * l2 * (1 + 1e-12)
    assume(a.any() and b.any())
    assert -1 <= cosine_similarity(a, b) <= 1
    assert 0 <= cosine_distance(a, b) <= 2


@given(pairs)
def test_identical_embeddings(pair: tuple[Vector, Vector]) -> None:
    a, _ = pair
    assert l1_distance(a, a) == 0
    assert l2_distance(a, a.copy()) == 0
    assume(a.any())
    assert cosine_similarity(a, a) == pytest.approx(1, abs=1e-12)
    assert cosine_distance(a, a) == pytest.approx(0, abs=1e-12)


@given(pairs, st.floats(0.01, 100))
def test_cosine_does_not_see_length_and_the_others_scale_with_it(
    pair: tuple[Vector, Vector], factor: float
) -> None:
    a, b = pair
    assert l1_distance(a * factor, b * factor) == pytest.approx(
        factor * l1_distance(a, b), rel=1e-9
    )
    assert l2_distance(a * factor, b * factor) == pytest.approx(
        factor * l2_distance(a, b), rel=1e-9
    )
    assume(a.any() and b.any())
    assert cosine_similarity(a * factor, b) == pytest.approx(cosine_similarity(a, b), abs=1e-12)


@given(pairs)
def test_triangle_inequality(pair: tuple[Vector, Vector]) -> None:
    a, b = pair
    middle = np.roll(a, 1)
    for distance in (l1_distance, l2_distance):
        assert distance(a, b) <= (distance(a, middle) + distance(middle, b)) * (1 + 1e-12)


@pytest.mark.parametrize("distance", EVERY)
def test_embeddings_are_not_changed(distance: Distance) -> None:
    a, b = random_pair(64)
    before = a.copy(), b.copy()
    distance(a, b)
    assert np.array_equal(a, before[0])
    assert np.array_equal(b, before[1])


# --- what is refused -----------------------------------------------------------------------------


def refused(distance: Distance, a: object, b: object) -> str:
    with pytest.raises(EmbeddingError) as caught:
        distance(a, b)
    message = str(caught.value)
    assert "\n" not in message
    assert "; " in message, "it says what to do"
    return message


@pytest.mark.parametrize("distance", [cosine_similarity, cosine_distance])
@pytest.mark.parametrize("zero", [np.zeros(3), torch.zeros(3), np.zeros(3, int)])
def test_a_zero_vector_has_no_cosine(distance: Distance, zero: object) -> None:
    assert "all zero" in refused(distance, zero, np.ones(3))
    assert "all zero" in refused(distance, np.ones(3), zero)
    assert "all zero" in refused(distance, zero, zero)


def test_a_zero_vector_has_a_distance() -> None:
    assert l1_distance(np.zeros(3), np.ones(3)) == 3
    assert l2_distance(np.zeros(4), np.ones(4)) == 2


@pytest.mark.parametrize("distance", EVERY)
@pytest.mark.parametrize(
    "wrong",
    [
        np.ones((1, 3)),
        torch.ones(1, 3),
        np.ones((3, 1)),
        np.float64(1),
        np.ones(0),
        np.array(["a", "b", "c"]),
        np.ones(3, complex),
        np.ones(3, bool),
        "abc",
        None,
    ],
    ids=[
        "row",
        "tensor row",
        "column",
        "scalar",
        "empty",
        "text",
        "complex",
        "bool",
        "str",
        "none",
    ],
)
def test_what_is_no_vector_is_refused_and_named(distance: Distance, wrong: object) -> None:
    assert "the reference embedding has shape" in refused(distance, wrong, np.ones(3))
    assert "the test embedding has shape" in refused(distance, np.ones(3), wrong)


@pytest.mark.parametrize("distance", EVERY)
def test_vectors_of_two_lengths_are_refused(distance: Distance) -> None:
    message = refused(distance, np.ones(128), np.ones(512))
    assert "128" in message
    assert "512" in message
    refused(distance, np.ones(1), np.ones(3))  # never broadcast


@pytest.mark.parametrize("distance", EVERY)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused_and_named(distance: Distance, value: float) -> None:
    wrong = np.array([1, value, 2])
    assert "the reference embedding has values" in refused(distance, wrong, np.ones(3))
    assert "the test embedding has values" in refused(distance, np.ones(3), torch.tensor(wrong))


def test_the_table_computes_by_these_functions() -> None:
    a, b = random_pair(128)
    assert {name: row.compute(a, b) for name, row in DISTANCES.items()} == {
        "cosine_similarity": cosine_similarity(a, b),
        "cosine_distance": cosine_distance(a, b),
        "l1": l1_distance(a, b),
        "l2": l2_distance(a, b),
    }


@pytest.mark.parametrize("length", LENGTHS)
def test_equal_embeddings_have_cosine_exactly_1(length: int) -> None:
    for seed in range(50):
        a, _ = random_pair(length, seed)
        for scale in (1e-200, 1.0, 1e200):
            assert cosine_similarity(a * scale, (a * scale).copy()) == 1.0
