"""How far apart two embeddings are: cosine, L1 and L2, for NumPy and torch alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.errors import EmbeddingError
from blurdash.table import Measure, Span

__all__ = [
    "DISTANCES",
    "EMBEDDING",
    "cosine_distance",
    "cosine_similarity",
    "l1_distance",
    "l2_distance",
    "spans_reached",
]


def cosine_similarity(reference: Any, test: Any) -> float:
    """Returns the cosine of the angle between two embeddings.

    Args:
        reference: NumPy array or torch tensor ``(D,)``.
        test: The same.

    Returns:
        In [−1, 1]; higher is closer; 1 for identical input.

    Raises:
        EmbeddingError: Not ``(D,)``, different lengths, not finite, or all zero.

    Example:
        >>> cosine_similarity(np.array([1.0, 0.0]), np.array([1.0, 1.0]))
        0.7071067811865475

    References:
        The study's ``cos_sim``.
    """
    a, b = (_scaled(vector) for vector in _pair(reference, test))
    # √(x·x) is exactly x, so equal embeddings give exactly 1 whatever the order of the sums.
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def cosine_distance(reference: Any, test: Any) -> float:
    """Returns 1 − cosine similarity, which is what the study's formula writes.

    Args:
        reference: NumPy array or torch tensor ``(D,)``.
        test: The same.

    Returns:
        In [0, 2]; lower is closer; 0 for identical input.

    Raises:
        EmbeddingError: As ``cosine_similarity``.

    Example:
        >>> cosine_distance(np.array([1.0, 0.0]), np.array([0.0, 2.0]))
        1.0
    """
    return 1.0 - cosine_similarity(reference, test)


def l1_distance(reference: Any, test: Any) -> float:
    """Returns the sum of absolute differences of two embeddings.

    Args:
        reference: NumPy array or torch tensor ``(D,)``.
        test: The same.

    Returns:
        In [0, ∞); lower is closer; 0 for identical input.

    Raises:
        EmbeddingError: Not ``(D,)``, different lengths, or not finite.

    Example:
        >>> l1_distance(np.array([1.0, 0.0]), np.array([0.0, 2.0]))
        3.0
    """
    a, b = _pair(reference, test)
    return float(np.abs(a - b).sum())


def l2_distance(reference: Any, test: Any) -> float:
    """Returns the Euclidean distance of two embeddings.

    For embeddings of unit length it is √(2 (1 − cosine)): the same readout in another unit.

    Args:
        reference: NumPy array or torch tensor ``(D,)``.
        test: The same.

    Returns:
        In [0, ∞); lower is closer; 0 for identical input.

    Raises:
        EmbeddingError: Not ``(D,)``, different lengths, or not finite.

    Example:
        >>> l2_distance(np.array([3.0, 0.0]), np.array([0.0, 4.0]))
        5.0
    """
    a, b = _pair(reference, test)
    return float(np.linalg.norm(a - b))


def spans_reached(values: Mapping[str, Iterable[float]]) -> dict[str, Span]:
    """Returns what is to be drawn of each distance, as far as some values reach.

    Args:
        values: By key of ``DISTANCES``; what is not finite is left out, and other names are.

    Example:
        >>> spans_reached({"l2": [0.0, 1.0, 1.2]})["l2"].ticks
        (0.0, 0.5, 1.0)
    """
    found = {}
    for name, row in DISTANCES.items():
        finite = [value for value in values.get(name, ()) if math.isfinite(value)]
        if finite:
            farthest = min(finite) if row.higher_is_closer else max(finite)
            found[name] = Span.around(row.identical, farthest)
    return found


def _pair(reference: Any, test: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    a, b = _vector(reference, "reference"), _vector(test, "test")
    if a.shape != b.shape:
        raise EmbeddingError(
            f"the embeddings have {a.size} and {b.size} numbers, wanted as many in both",
            hint="embed both with the same recogniser",
        )
    return a, b


def _scaled(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same direction with a largest value of 1: its squares neither overflow nor vanish."""
    largest = np.abs(vector).max()
    if not largest:
        raise EmbeddingError(
            "an embedding is all zero, so it has no direction", "embed a picture of a face"
        )
    return np.asarray(vector / largest, np.float64)


def _vector(embedding: Any, name: str) -> npt.NDArray[np.float64]:
    if hasattr(embedding, "detach"):  # a torch tensor; torch itself is not needed for that
        embedding = embedding.detach().cpu().double().numpy()
    vector = np.asarray(embedding)
    if vector.ndim != 1 or vector.size == 0 or vector.dtype.kind not in "iuf":
        raise EmbeddingError(
            f"the {name} embedding has shape {vector.shape} and type {vector.dtype}, "
            "wanted one row of numbers (D,)",
            hint="compare one embedding with one",
        )
    if not np.isfinite(vector).all():
        raise EmbeddingError(
            f"the {name} embedding has values that are not finite",
            hint="load the recogniser's weights again",
        )
    return vector.astype(np.float64)


# What the embedding is judged by where it is one among several measures.
EMBEDDING = "cosine_similarity"

DISTANCES = {
    "cosine_similarity": Measure(
        name="cosine_similarity",
        label="Cosine similarity",
        compute=cosine_similarity,
        unit="",
        higher_is_closer=True,
        bounds=(-1.0, 1.0),
        identical=1.0,
        decimals=4,
        source="the study's cos_sim",
        family="embedding",
        test_id="cosine",
        span=Span(0.86, 1, (0.9, 0.95, 1), 2),
        roles={
            "claim": 2,
            "tile": 0,
            "lane": 0,
            "axis": 0,
            "quick": 0,
            "vote": 0,
            "curve": 0,
            "sceptic": 0,
            "panel": 0,
            "flips": 0,
        },
        order_of_sums=1e-5,
        single_levels=3e-4,
    ),
    "cosine_distance": Measure(
        name="cosine_distance",
        label="Cosine distance",
        compute=cosine_distance,
        unit="",
        higher_is_closer=False,
        bounds=(0.0, 2.0),
        identical=0.0,
        decimals=4,
        source="the study's formula, 1 − cosine similarity",
        family="embedding",
        order_of_sums=1e-5,
        single_levels=3e-4,
    ),
    "l1": Measure(
        name="l1",
        label="L1 distance",
        compute=l1_distance,
        unit="",
        higher_is_closer=False,
        bounds=(0.0, float("inf")),
        identical=0.0,
        decimals=2,
        source="the study's L1_distance",
        family="embedding",
        span=Span(0, 8, (0, 4, 8), 0),
        roles={"tile": 2, "panel": 1},
        order_of_sums=1e-3,
        single_levels=3e-2,
    ),
    "l2": Measure(
        name="l2",
        label="L2 distance",
        compute=l2_distance,
        unit="",
        higher_is_closer=False,
        bounds=(0.0, float("inf")),
        identical=0.0,
        decimals=3,
        source="the study's L2_distance",
        family="embedding",
        span=Span(0, 0.8, (0, 0.4, 0.8), 1),
        roles={"tile": 1, "quick": 1, "curve": 1, "sceptic": 1, "panel": 2, "flips": 4},
        order_of_sums=1e-4,
        single_levels=3e-3,
    ),
}
