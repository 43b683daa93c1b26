"""What the Sweeps page's scripts read off: by other means, in Node."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from blurdash.reference import SWEEPS, load_reference
from blurdash.sweep_file import settings_of, with_settings
from blurdash.ui.components.scripts import script
from blurdash.ui.server.references import SHIPPED
from blurdash.ui.sweeps.board import Swept, swept_data
from tests.node import answer_of

NAMES = {"cosine": "cosine_similarity", "l2": "l2", "l1": "l1"}


def ran(code: str) -> Any:
    return answer_of(script("test.js", {"test.js": code}))


@pytest.fixture(scope="module")
def swept() -> dict[str, Any]:
    reference = load_reference(SHIPPED / "faces-dlib-study")
    tables = {which: reference.sweep(which) for which in SWEEPS}
    return swept_data(Swept(tables, "x", flips=reference.flips()), "px")


@pytest.mark.parametrize("measure", NAMES)
def test_standard_deviations_of_strangers_are_those_of_their_pairs(
    swept: dict[str, Any], measure: str
) -> None:
    """Against the table of all pairs, read by another program."""
    pairs = pq.read_table(SHIPPED / "faces-dlib-study" / "pairs.parquet").to_pandas()
    values = pairs[NAMES[measure]].to_numpy()
    low, median, high = np.quantile(values, (0.025, 0.5, 0.975))
    sign = 1 if measure == "cosine" else -1
    table = pq.read_table(SHIPPED / "faces-dlib-study" / "fixed.parquet").to_pandas()
    at = table[table["degree"] == 50][NAMES[measure]].to_numpy()
    wanted = sign * (at.mean() - median) / ((high - low) / 3.92)
    closer = int((at > high).sum()) if sign > 0 else int((at < low).sum())
    code = f"""import {{ closerThanStrangers, readOff, sigmaOf }} from "./pages/sweeps_numbers.js";
const swept = {json.dumps(swept)};
const sigma = sigmaOf(swept, "{measure}");
const found = readOff(swept.curves.fixed, "{measure}", 50);
const closer = closerThanStrangers(swept.curves.fixed, "{measure}", found.i, sigma);
answer([sigma.of(found.mean), closer.closer, closer.n, sigma.of(sigma.far), found.half, found.n]);
"""
    sigma, counted, n, _, half, faces = ran(code)
    assert sigma == pytest.approx(wanted, abs=0.02)
    assert (counted, n, faces) == (closer, 30, 30)
    # The interval of the mean, by its standard error: a bootstrap comes near to it.
    assert half == pytest.approx(1.96 * at.std(ddof=1) / np.sqrt(30), rel=0.15)


def test_fewer_than_20_strangers_are_no_unit(swept: dict[str, Any]) -> None:
    few = {**swept, "strangers": {**swept["strangers"], "faces": 19, "unit": False}}
    code = f"""import {{ sigmaOf }} from "./pages/sweeps_numbers.js";
answer(sigmaOf({json.dumps(few)}, "cosine"));
"""
    assert ran(code) is None


def test_the_first_face_among_strangers_is_the_tables(swept: dict[str, Any]) -> None:
    pairs = pq.read_table(SHIPPED / "faces-dlib-study" / "pairs.parquet").to_pandas()
    low = np.quantile(pairs["l2"].to_numpy(), 0.025)
    table = pq.read_table(SHIPPED / "faces-dlib-study" / "fixed.parquet").to_pandas()
    wanted = table[table["l2"] >= low]["degree"].min()
    code = f"""import {{ firstAmongStrangers, sigmaOf }} from "./pages/sweeps_numbers.js";
const swept = {json.dumps(swept)};
answer(firstAmongStrangers(swept.curves.fixed, "l2", sigmaOf(swept, "l2")));
"""
    assert ran(code) == wanted


def test_a_threshold_by_a_distance_without_a_graph_is_told() -> None:
    """An own recogniser may judge by the cosine distance, which no graph shows."""
    table = load_reference(SHIPPED / "faces-dlib-study").sweep("fixed")
    known = settings_of(table)
    threshold = {"measure": "cosine_distance", "value": 0.02, "source": "mine"}
    other = {**known, "recogniser": {**known["recogniser"], "threshold": threshold}}
    drawn = swept_data(Swept({"fixed": with_settings(table, other)}, "x"), "px")
    assert "cosine_distance" not in drawn["measures"]
    assert (drawn["threshold"]["label"], drawn["threshold"]["higher"]) == ("Cosine distance", False)
    rows = table.select(["degree", "cosine_distance"]).to_pylist()
    at_50 = [row["cosine_distance"] for row in rows if row["degree"] == 50]
    same = drawn["curves"]["fixed"]["same"]
    assert same["same"][50] == sum(value <= 0.02 for value in at_50)
    assert 0 < same["same"][50] < same["n"][50] == 30


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("measure=psnr&at=12&each=0", {"measure": "psnr", "at": 12, "each": 0}),
        ("measure=all&angles=random&unit=own&kind=random&shift=4",
         {"measure": "all", "angles": "random", "unit": "own", "kind": "random", "shift": 4}),
        ("measure=<b>&at=NaN&each=2&unit=x&kind=all&angles=&shift=-1", {}),
        ("at=1e9&mine=&strangers=true", {}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_an_address_is_not_said(query: str, wanted: dict[str, Any]) -> None:
    code = f"""import {{ stateIn }} from "./pages/sweeps.js";
answer(stateIn(new URLSearchParams({json.dumps(query)})));
"""
    assert ran(code) == wanted


@pytest.mark.parametrize(
    ("low", "high", "most"), [(0, 1, 6), (0.7464, 1, 7), (-2.9, 8.8, 7), (17, 52, 5), (0, 0.031, 4)]
)
def test_ticks_are_round_and_few(low: float, high: float, most: int) -> None:
    code = f"""import {{ roundTicks }} from "./widgets/frame.js";
answer(roundTicks({low}, {high}, {most}));
"""
    found = ran(code)
    ticks = found["ticks"]
    assert 2 <= len(ticks) <= most
    assert all(low - 1e-9 <= one <= high + 1e-9 for one in ticks)
    written = [f"{one:.{found['digits']}f}" for one in ticks]
    assert [float(one) for one in written] == pytest.approx(ticks, abs=1e-9), "labels tell all"
    assert len(set(written)) == len(ticks)
