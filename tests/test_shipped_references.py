"""The references that come with blurdash: whole, numbers only, and the claim held against them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from blurdash.embed import EMBEDDERS
from blurdash.kernel import KERNELS
from blurdash.measures import MEASURES
from blurdash.reference import MANIFEST, SWEEPS, Reference, load_reference
from blurdash.summary import degree_angle_map, strangers
from blurdash.sweep import GRID
from blurdash.sweep_file import read_sweep, settings_of
from blurdash.ui.server.references import SHIPPED, references_at_hand

FOLDERS = sorted(path.parent for path in SHIPPED.glob(f"*/{MANIFEST}"))


@pytest.fixture(params=FOLDERS, ids=[path.name for path in FOLDERS])
def shipped(request: pytest.FixtureRequest) -> Reference:
    return load_reference(request.param, "shipped")


def test_every_reference_of_the_plan_is_there() -> None:
    wanted = {f"faces-{name}-{kernel}" for name in ("dlib", "faceres") for kernel in KERNELS}
    assert {path.name for path in FOLDERS} == wanted
    at_hand = references_at_hand()
    assert [one.name for one in at_hand.found] == [path.name for path in FOLDERS]
    assert at_hand.problems == ()


def test_it_is_whole_and_says_what_it_is(shipped: Reference) -> None:
    shipped.check()
    assert shipped.faces == 30
    assert shipped.who == "30 generated faces of nobody"
    under = shipped.under
    assert shipped.name == f"faces-{under.recogniser}-{under.kernel}"
    assert under.recogniser in EMBEDDERS
    assert (under.protocol, under.crop) == ("native", "fixed")
    assert shipped.manifest["blur"] == "exact"
    assert shipped.manifest["failures"] == {}


def test_no_file_and_no_place_is_named(shipped: Reference) -> None:
    assert isinstance(shipped.where, Path)
    said = (shipped.where / MANIFEST).read_text(encoding="utf-8")
    said += "".join(json.dumps(settings_of(shipped.sweep(which))) for which in SWEEPS)
    assert not re.search(r'"/[a-z]', said), "an absolute path"
    assert ".png" not in said


def test_its_sweeps_have_every_degree_and_angle(shipped: Reference) -> None:
    wanted = {f"face_{i:02d}" for i in range(1, 31)}
    for which in SWEEPS:
        table = shipped.sweep(which)
        assert set(table["face"].to_pylist()) == wanted
        assert table["failure"].null_count == len(table)
        assert set(table["embedder"].to_pylist()) == {shipped.under.recogniser}
        assert set(table["kernel"].to_pylist()) == {shipped.under.kernel}
        if which != "map":
            assert sorted(set(table["degree"].to_pylist())) == list(range(101))
    found = degree_angle_map(shipped.sweep("map"), "ssim")
    assert (found.degrees.tolist(), found.angles.tolist()) == (list(range(0, 101, 20)), list(GRID))


def test_its_pairs_are_the_strangers_of_its_sweeps(shipped: Reference) -> None:
    for name in ("l2", "cosine_similarity"):
        told = strangers(shipped.sweep("fixed"), name)
        assert told is not None
        found = shipped.pairs().band(name)
        assert found == pytest.approx((told.low, told.median, told.high), rel=1e-6)


def test_its_bands_hold_the_middle_of_the_faces(shipped: Reference) -> None:
    table = shipped.sweep("fixed")
    degrees, low, high = shipped.bands(45.0)["cosine_similarity"]
    at: dict[int, list[float]] = {}
    for row in table.select(["degree", "cosine_similarity"]).to_pylist():
        at.setdefault(row["degree"], []).append(row["cosine_similarity"])
    for i, degree in enumerate(degrees):
        expected = np.quantile(at[int(degree)], [0.1, 0.9])
        assert [low[i], high[i]] == pytest.approx(expected, abs=1e-9)
    assert shipped.bands(33.0) == {}


def test_what_is_drawn_reaches_every_face(shipped: Reference) -> None:
    for name, span in shipped.spans().items():
        for which in ("fixed", "random"):
            values = shipped.sweep(which)[name].to_numpy()
            assert span.low <= values.min()
            assert values.max() <= span.high
        assert 2 <= len(span.ticks) <= 4
        assert span.low <= min(span.ticks) <= max(span.ticks) <= span.high
        assert MEASURES[name].identical in (span.low, span.high)


def test_the_claim_holds_and_where_it_fails_is_in_it(shipped: Reference) -> None:
    flips = shipped.flips()
    assert len(flips.faces) == 30
    for degree in (30, 50, 75, 100):
        assert flips.cell("cosine_similarity", 16.0, degree).share >= 0.95
        assert flips.cell("psnr", 16.0, degree).share <= 0.15
        assert flips.cell("ssim", 16.0, degree).share <= 0.15
    assert flips.cell("cosine_similarity", 16.0, 5).share < 0.5


def test_measures_that_need_no_recogniser_are_the_same_under_every_one() -> None:
    by_kernel: dict[str, list[Reference]] = {}
    for path in FOLDERS:
        reference = load_reference(path)
        by_kernel.setdefault(reference.under.kernel, []).append(reference)
    for several in by_kernel.values():
        first = read_sweep(several[0].where / "fixed.parquet")  # type: ignore[operator]
        for other in several[1:]:
            for name in ("psnr", "ssim"):
                np.testing.assert_allclose(
                    other.sweep("fixed")[name].to_numpy(), first[name].to_numpy(), atol=1e-6
                )
