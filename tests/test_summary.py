"""Averages of a sweep: the study's formulas on tables small enough to check by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from blurdash.errors import SettingError, TableError
from blurdash.measures import MEASURES
from blurdash.summary import (
    averages,
    curve_of,
    degree_angle_map,
    past_threshold,
    strangers,
    threshold_of,
)
from blurdash.sweep_file import table_of, with_settings

THRESHOLD = {"measure": "l2", "value": 0.6, "source": "a test"}
BAND = {"low": 0.5, "median": 0.8, "high": 1.0}
SETTINGS = {
    "identity": {"angle": 45.0},
    "recogniser": {"threshold": THRESHOLD},
    "impostors": {"pairs": 3, "l2": BAND},
}


def row(face: str, degree: int, angle: float = 45.0, eye: float = 200.0, **values: Any) -> dict[str, Any]:  # fmt: skip # noqa: E501
    return {
        "face": face,
        "degree": degree,
        "angle": angle,
        "kernel": "study",
        "crop": "fixed",
        "protocol": "native",
        "embedder": "dlib",
        "eye_distance_px": eye,
        "degree_percent_of_eye_distance": 100 * degree / eye,
        **values,
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    return with_settings(table_of(rows), SETTINGS)


TWO_FACES = table(
    row("a", 0, cosine_similarity=1.0, cosine_distance=0.0, l1=0.0, l2=0.0, psnr=np.inf, ssim=1.0),
    row("a", 10, cosine_similarity=0.9, cosine_distance=0.1, l1=2.0, l2=0.4, psnr=30.0, ssim=0.8),
    row("b", 0, cosine_similarity=1.0, cosine_distance=0.0, l1=0.0, l2=0.0, psnr=np.inf, ssim=1.0),
    row("b", 10, cosine_similarity=0.7, cosine_distance=0.3, l1=4.0, l2=0.8, psnr=20.0, ssim=0.4),
)


def test_the_studys_three_formulas() -> None:
    """(1/n) Σ of L1, of L2 and of 1 − cosine, as its document writes them."""
    for name, wanted in (("l1", 3.0), ("l2", 0.6), ("cosine_distance", 0.2)):
        curve = curve_of(TWO_FACES, name)
        assert curve.x.tolist() == [0, 10]
        assert curve.mean[1] == pytest.approx(wanted)
        assert curve.n.tolist() == [2, 2]
    assert curve_of(TWO_FACES, "cosine_similarity").mean[1] == pytest.approx(0.8)


def test_the_study_accumulates_similarity_and_writes_distance_both_are_there() -> None:
    together = averages(TWO_FACES)
    similarity = together["cosine_similarity_mean"].to_numpy()
    assert np.allclose(similarity + together["cosine_distance_mean"].to_numpy(), 1)


def test_single_faces_and_extremes() -> None:
    curve = curve_of(TWO_FACES, "cosine_similarity")
    assert curve.faces == ("a", "b")
    assert curve.values.tolist() == [[1.0, 0.9], [1.0, 0.7]]
    assert curve.extremes() == ("b", "a")
    assert curve_of(TWO_FACES, "l2").extremes() == ("b", "a")
    assert curve_of(TWO_FACES, "psnr").extremes() == ("b", "a")


def test_a_face_that_is_identical_is_left_out_of_the_mean_and_said() -> None:
    several = {"a": np.inf, "b": 20.0, "c": 40.0}
    made = table(
        *(row(face, 0, psnr=np.inf) for face in several),
        *(row(face, 1, psnr=value) for face, value in several.items()),
    )
    curve = curve_of(made, "psnr")
    assert curve.identical.tolist() == [3, 1]
    assert (curve.mean[1], curve.median[1]) == (30.0, 40.0)
    assert 20 <= curve.low[1] < 30 < curve.high[1] <= 40
    assert curve.left_out() == "identical, and left out of the mean: 1 of 3 at 1"
    assert averages(made)["psnr_identical"].to_pylist() == [3, 1]
    assert curve_of(made.filter(pc.equal(made["degree"], 0)), "psnr").left_out() == ""


def test_an_infinite_psnr_stays_infinite_where_all_are() -> None:
    curve = curve_of(TWO_FACES, "psnr")
    assert [curve.mean[0], curve.median[0], curve.low[0], curve.high[0]] == [np.inf] * 4
    assert curve.mean[1] == 25


def test_a_failure_counts_in_no_average() -> None:
    failed = row("c", 10, failure="no face was found")
    curve = curve_of(pa.concat_tables([TWO_FACES, table(failed)]), "l1")
    assert curve.n.tolist() == [2, 2]
    assert curve.mean[1] == 3.0
    assert np.isnan(curve.values[2]).all()


def many_faces(count: int) -> pa.Table:
    rng = np.random.default_rng(1)
    return table(
        *(row(f"{i}", d, l1=float(rng.normal(d, 1))) for i in range(count) for d in (10, 20))
    )


def test_the_band_is_a_95_percent_interval_of_the_mean() -> None:
    curve = curve_of(many_faces(100), "l1")
    width = curve.high - curve.low
    assert np.all((curve.low < curve.mean) & (curve.mean < curve.high))
    assert np.allclose(width, 2 * 1.96 / 10, rtol=0.25)


def test_the_band_is_the_same_every_time_and_narrower_with_more_faces() -> None:
    curve, again = curve_of(many_faces(40), "l1"), curve_of(many_faces(40), "l1")
    assert curve.low.tolist() == again.low.tolist()
    wider = curve_of(many_faces(10), "l1")
    assert np.all(curve.high - curve.low < wider.high - wider.low)


def test_the_band_does_not_depend_on_how_many_draws_go_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = curve_of(many_faces(20), "l1")
    monkeypatch.setattr("blurdash.summary.WEIGHTS_AT_ONCE", 20 * 7)
    parts = curve_of(many_faces(20), "l1")
    assert np.allclose(parts.low, whole.low)


def test_percent_of_the_eye_distance_compares_faces_of_different_size() -> None:
    rows = [row("near", d, eye=400.0, l1=d / 4.0) for d in range(0, 101, 10)]
    rows += [row("far", d, eye=100.0, l1=float(d)) for d in range(0, 101, 10)]
    curve = curve_of(table(*rows), "l1", x="percent")
    assert curve.x[0] == 0
    assert curve.x[-1] == pytest.approx(25)  # what the larger face reaches
    assert np.allclose(curve.values[0], curve.values[1])


def test_the_share_past_the_threshold() -> None:
    degrees, share = past_threshold(TWO_FACES) or (None, None)
    assert degrees is not None
    assert share is not None
    assert share.tolist() == [0.0, 0.5]
    assert threshold_of(TWO_FACES) == THRESHOLD
    assert past_threshold(with_settings(TWO_FACES, {})) is None


def test_the_impostor_band() -> None:
    assert strangers(TWO_FACES, "l2") == (0.5, 0.8, 1.0, 3, 0, None, None, None)
    assert strangers(TWO_FACES, "psnr") is None


def test_a_map_over_degree_and_angle() -> None:
    grid = table(
        *(
            row(face, d, angle, l1=d + angle + shift)
            for face, shift in (("a", 0.0), ("b", 2.0))
            for angle in (0.0, 30.0)
            for d in (10, 20)
        ),
        row("a", 1, -71.0, l1=9.0),  # the study's own draw at degree 1
    )
    found = degree_angle_map(grid, "l1")
    assert found.degrees.tolist() == [10, 20]
    assert found.angles.tolist() == [0, 30]
    assert found.mean.tolist() == [[11, 21], [41, 51]]
    assert found.n == 2
    assert curve_of(grid, "l1").mean[-1] == 36  # of a face's angles the mean is taken first


def test_a_map_needs_several_angles() -> None:
    with pytest.raises(SettingError, match="--angle all"):
        degree_angle_map(TWO_FACES, "l1")


def test_mistakes_are_said() -> None:
    with pytest.raises(SettingError, match="measure"):
        curve_of(TWO_FACES, "l3")
    with pytest.raises(SettingError, match="axis"):
        curve_of(TWO_FACES, "l1", x="cm")
    with pytest.raises(TableError, match="no rows"):
        curve_of(table(), "l1")
    with pytest.raises(TableError, match="was measured"):
        curve_of(table(row("a", 0) | {"degree_percent_of_eye_distance": None}), "l1", x="percent")


def test_averages_hold_every_measure() -> None:
    together = averages(TWO_FACES)
    assert len(together) == 2
    assert {f"{name}_{part}" for name in MEASURES for part in ("mean", "median", "low", "high")} < set(together.schema.names)  # fmt: skip # noqa: E501
    assert together["share_past_threshold"].to_pylist() == [0.0, 0.5]
