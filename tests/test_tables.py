"""The contract of the tables: every row says what it is, and what it says is true."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from blurdash.blur import apply_kernel
from blurdash.distance import DISTANCES
from blurdash.embed import DEFAULT_EMBEDDER, EMBEDDERS, FALLBACK_EMBEDDER, PROTOCOLS, Embedder
from blurdash.errors import SettingError
from blurdash.face import Face
from blurdash.kernel import KERNELS, audit_kernel, line_kernel
from blurdash.measures import MEASURES as ALL_MEASURES
from blurdash.quality import METRICS
from blurdash.table import in_role, look_up

TABLES: dict[str, Mapping[str, Any]] = {
    "distance": DISTANCES,
    "metric": METRICS,
    "kernel": KERNELS,
    "recogniser": EMBEDDERS,
}
ROWS = [
    pytest.param(key, row, id=f"{what}-{key}") for what, table in TABLES.items()
    for key, row in table.items()
]  # fmt: skip
MEASURES = [
    pytest.param(row, id=row.name) for table in (DISTANCES, METRICS) for row in table.values()
]


def random_pair(table: Mapping[str, Any], rng: np.random.Generator) -> tuple[Any, Any]:
    if table is DISTANCES:
        return rng.normal(size=128), rng.normal(size=128)
    a, b = rng.integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    return a, b


@pytest.fixture(scope="module")
def pairs(portrait_face: Face, dlib_embedder: Embedder) -> dict[str, tuple[Any, Any, Any]]:
    """Returns the portrait, slightly changed and strongly changed, as each table takes it."""
    canvas = portrait_face.canvas
    three = [canvas, *(apply_kernel(canvas, line_kernel(d, 30)) for d in (12, 90))]
    embedded = dlib_embedder.embed(three, portrait_face)
    small = [picture[256:768, 256:768] for picture in three]
    return {"distance": tuple(embedded), "metric": tuple(small)}


# --- every row -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "row"), ROWS)
def test_the_key_is_the_name_and_fits_a_command_line(key: str, row: Any) -> None:
    assert row.name == key
    assert re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", key)


@pytest.mark.parametrize(("key", "row"), ROWS)
def test_a_row_has_something_to_read_in_every_text(key: str, row: Any) -> None:
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if isinstance(value, str) and field.name != "unit":
            assert value.strip(), f"{field.name} is empty"
            assert value == value.strip()
            assert "\n" not in value
    assert len(row.label) <= 30, "a label fits on an axis"


@pytest.mark.parametrize(("key", "row"), ROWS)
def test_a_row_is_frozen(key: str, row: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.name = "other"


@pytest.mark.parametrize("what", TABLES)
def test_labels_tell_rows_apart(what: str) -> None:
    labels = [row.label for row in TABLES[what].values()]
    assert len(set(labels)) == len(labels)


def test_no_two_measures_share_a_name() -> None:
    assert not DISTANCES.keys() & METRICS.keys()


# --- measures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", MEASURES)
def test_the_value_for_identical_input_is_as_declared(row: Any, rng: np.random.Generator) -> None:
    table = DISTANCES if row.name in DISTANCES else METRICS
    for _ in range(10):
        a, _ = random_pair(table, rng)
        assert row.compute(a, a.copy()) == pytest.approx(row.identical, abs=1e-12)
        assert row.against(a)(a.copy()) == pytest.approx(row.identical, abs=1e-12)


@pytest.mark.parametrize("row", MEASURES)
def test_the_bounds_hold(row: Any, rng: np.random.Generator) -> None:
    table = DISTANCES if row.name in DISTANCES else METRICS
    low, high = row.bounds
    assert low < high
    assert low <= row.identical <= high
    for _ in range(20):
        a, b = random_pair(table, rng)
        opposite = -a if table is DISTANCES else 255 - a
        for test in (a, b, opposite):
            value = row.compute(a, test)
            assert type(value) is float
            assert not math.isnan(value)
            assert low <= value <= high


@pytest.mark.parametrize("row", MEASURES)
def test_a_closest_value_is_at_the_declared_end(row: Any) -> None:
    assert row.identical == row.bounds[1 if row.higher_is_closer else 0]
    assert row.direction == ("higher" if row.higher_is_closer else "lower") + " is closer"


@pytest.mark.parametrize("row", MEASURES)
def test_the_direction_is_true_on_the_portrait(
    row: Any, pairs: dict[str, tuple[Any, Any, Any]]
) -> None:
    clean, slight, strong = pairs["distance" if row.name in DISTANCES else "metric"]
    near, far = row.compute(clean, slight), row.compute(clean, strong)
    assert near > far if row.higher_is_closer else near < far


@pytest.mark.parametrize("row", MEASURES)
def test_a_prepared_reference_changes_no_value(
    row: Any, pairs: dict[str, tuple[Any, Any, Any]]
) -> None:
    clean, *tests = pairs["distance" if row.name in DISTANCES else "metric"]
    against = row.against(clean)
    for test in tests:
        assert against(test) == pytest.approx(row.compute(clean, test), rel=1e-9)


@pytest.mark.parametrize("row", MEASURES)
def test_the_digits_shown_tell_a_slight_change_from_none(
    row: Any, pairs: dict[str, tuple[Any, Any, Any]]
) -> None:
    clean, slight, _ = pairs["distance" if row.name in DISTANCES else "metric"]
    assert 0 <= row.decimals <= 6
    assert f"{row.compute(clean, slight):.{row.decimals}f}" != f"{row.identical:.{row.decimals}f}"


# --- kernels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", KERNELS.values(), ids=KERNELS)
def test_a_kernel_row_makes_kernels(row: Any) -> None:
    for degree in (2, 9, 30, 100):
        for angle in (-77, 0, 45):
            kernel = row.make(degree, angle)
            assert kernel.ndim == 2
            assert kernel.dtype == np.float64
            assert 0 < audit_kernel(kernel).mass <= 1 + 1e-12
            assert audit_kernel(kernel).offset < 1
    assert row.make(0, 45).tolist() == [[1.0]], "degree 0 changes nothing"
    for degree, angle in ((101, 0), (-1, 0), (5, math.nan), ("x", 0)):
        with pytest.raises(SettingError):
            row.make(degree, angle)


@pytest.mark.parametrize("row", KERNELS.values(), ids=KERNELS)
def test_a_longer_degree_is_a_longer_kernel(row: Any) -> None:
    lengths = [audit_kernel(row.make(degree, 20)).length for degree in (5, 20, 50, 100)]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 4


# --- recognisers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", EMBEDDERS.values(), ids=EMBEDDERS)
def test_a_recogniser_row_is_complete(row: Any) -> None:
    assert row.protocols
    assert set(row.protocols) <= set(PROTOCOLS)
    assert "native" in row.protocols
    assert row.dim > 0
    assert row.download_mb >= 0
    if row.threshold is not None:
        assert row.threshold.measure in DISTANCES
        low, high = DISTANCES[row.threshold.measure].bounds
        assert low < row.threshold.value < high
        assert row.threshold.source
        with pytest.raises(dataclasses.FrozenInstanceError):
            row.threshold.value = 1.0


def test_the_recogniser_to_fall_back_on_needs_no_download() -> None:
    assert EMBEDDERS[DEFAULT_EMBEDDER].download_mb > 0
    assert EMBEDDERS[FALLBACK_EMBEDDER].download_mb == 0


def test_the_loaded_recogniser_is_what_its_row_says(
    dlib_embedder: Embedder, portrait_face: Face
) -> None:
    row = EMBEDDERS[dlib_embedder.name]
    embedding = dlib_embedder.embed(portrait_face.canvas, portrait_face)
    assert embedding.shape == (1, row.dim)
    assert embedding.dtype == np.float32
    assert (dlib_embedder.dim, dlib_embedder.normalised) == (row.dim, row.normalised)
    assert (abs(np.linalg.norm(embedding) - 1) < 1e-5) == row.normalised


# --- looking up ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TABLES)
def test_look_up_finds_every_row(what: str) -> None:
    for key, row in TABLES[what].items():
        assert look_up(TABLES[what], key, what) is row


@pytest.mark.parametrize(
    ("table", "name", "meant"),
    [
        (KERNELS, "studdy", "study"),
        (KERNELS, "lines", "line"),
        (METRICS, "pnsr", "psnr"),
        (DISTANCES, "cosine_similarty", "cosine_similarity"),
        (EMBEDDERS, "facenet-vggface", "facenet-vggface2"),
        (EMBEDDERS, "dlibb", "dlib"),
    ],
)
def test_look_up_suggests_the_nearest(table: Mapping[str, Any], name: str, meant: str) -> None:
    with pytest.raises(
        SettingError, match=f"^{name!r} is not a .*did you mean {meant!r}"
    ) as caught:
        look_up(table, name, "row")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", TABLES)
@pytest.mark.parametrize("name", ["", "?", None, 5, {}, "x" * 1000])
def test_look_up_lists_all_where_nothing_is_near(what: str, name: object) -> None:
    with pytest.raises(SettingError, match=f"is not a {what} that blurdash knows") as caught:
        look_up(TABLES[what], name, what)
    message = str(caught.value)
    assert all(key in message for key in TABLES[what])
    assert len(message) < 300


def test_tiles_stand_in_the_block_of_a_family():
    measures = [ALL_MEASURES[name] for name in in_role(ALL_MEASURES, "tile")]
    assert {row.family for row in measures} == {"embedding", "pixels"}
