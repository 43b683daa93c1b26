"""Sweep tables that other programs wrote again, cut down or put together."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from blurdash.cli import main
from blurdash.errors import SettingError, TableError
from blurdash.figure import map_figure, sweep_page
from blurdash.provenance import SAME_IN_A_SWEEP, fits, rows_say, separated
from blurdash.summary import heading
from blurdash.sweep_file import (
    SCHEMA,
    read_sweep,
    settings_of,
    table_of,
    with_own_settings,
    with_settings,
    write_sweep,
)

GOLDEN = Path(__file__).parent / "golden"


def rows(kernel: str = "study", angles: tuple[float, ...] = (45.0,)) -> list[dict[str, Any]]:
    return [
        {
            "face": face,
            "degree": degree,
            "angle": angle,
            "kernel": kernel,
            "cosine_similarity": 1 - degree / 100,
            "cosine_distance": degree / 100,
            "l1": 0.1 * degree,
            "l2": 0.01 * degree,
            "psnr": float("inf") if degree == 0 else 30.0,
            "ssim": 0.9,
            "eye_distance_px": 250.0,
            "crop": "fixed",
            "protocol": "native",
            "embedder": "dlib",
        }
        for face in ("a", "b")
        for angle in angles
        for degree in (0, 20, 50)
    ]


def identity(kernel: str = "study", angle: object = 45.0) -> dict[str, Any]:
    same = {"kernel": kernel, "crop": "fixed", "protocol": "native", "embedder": "dlib"}
    return {**same, "angle": angle, "degrees": [0, 20, 50]}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a table as ``sweep`` writes it."""
    path = tmp_path_factory.mktemp("sweep") / "sweep.parquet"
    settings = {"identity": identity(), "recogniser": {"label": "dlib ResNet"}, "created": "now"}
    write_sweep(path, [table_of(rows())], lambda: settings)
    return path


def test_pyarrow_and_pandas_show_the_settings(written: Path) -> None:
    assert json.loads(pq.read_table(written).schema.metadata[b"blurdash"])["created"] == "now"
    assert pd.read_parquet(written).attrs["blurdash"]["identity"]["kernel"] == "study"


def by_pandas(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path, Path], None]:
    return lambda source, to: change(pd.read_parquet(source)).to_parquet(to)


def by_arrow(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path, Path], None]:
    return lambda source, to: pq.write_table(change(pq.read_table(source)), to)


def wide(table: pa.Table) -> pa.Table:
    kinds = [pa.large_string() if pa.types.is_string(f.type) else f.type for f in table.schema]
    named = [pa.field(f.name, kind) for f, kind in zip(table.schema, kinds, strict=True)]
    return table.cast(pa.schema(named, metadata=table.schema.metadata))


KEPT = {
    "pandas": by_pandas(lambda frame: frame),
    "pandas, rows dropped": by_pandas(lambda frame: frame[frame.degree < 50]),
    "pandas, a column more": by_pandas(lambda frame: frame.assign(note="mine")),
    "pandas, float degrees": by_pandas(lambda frame: frame.astype({"degree": "float64"})),
    "pandas, categories": by_pandas(lambda frame: frame.astype({"kernel": "category"})),
    "pandas, sorted": by_pandas(lambda frame: frame.sort_values("degree")),
    "pyarrow": by_arrow(lambda table: table),
    "pyarrow, large strings": by_arrow(wide),
    "pyarrow, shuffled": by_arrow(lambda table: table.take([5, 0, 3, 1, 4, 2])),
}


@pytest.mark.parametrize("way", KEPT)
def test_round_trips_keep_the_settings(way: str, written: Path, tmp_path: Path) -> None:
    KEPT[way](written, tmp_path / "t.parquet")
    table = read_sweep(tmp_path / "t.parquet")
    assert table.schema.remove_metadata().equals(SCHEMA)
    assert settings_of(table)["created"] == "now"
    assert "settings not with the file" not in sweep_page(table)


LOST = {
    "pandas, through CSV": by_pandas(lambda frame: pd.read_csv(io.StringIO(frame.to_csv()))),
    "pandas, an empty column": by_pandas(
        lambda f: pd.DataFrame(dict(f.items())).assign(failure=None)
    ),
    "pyarrow, without metadata": by_arrow(lambda table: table.replace_schema_metadata(None)),
    "pandas, without attributes": by_pandas(lambda frame: pd.DataFrame(dict(frame.items()))),
    "pandas, another kernel in it": by_pandas(lambda frame: frame.assign(kernel="line")),
    "pandas, another angle in it": by_pandas(lambda frame: frame.assign(angle=90.0)),
    "pandas, another degree in it": by_pandas(lambda frame: frame.assign(degree=7)),
}


@pytest.mark.parametrize("way", LOST)
def test_a_table_without_settings_that_fit_is_drawn_by_its_rows(
    way: str, written: Path, tmp_path: Path
) -> None:
    LOST[way](written, tmp_path / "t.parquet")
    table = read_sweep(tmp_path / "t.parquet")
    assert settings_of(table)["with_file"] is False
    first = table.to_pylist()[0]
    assert f"kernel {first['kernel']}, angle {first['angle']:g}°" in heading(table)
    assert "settings not with the file" in heading(table)
    assert main(["figure", str(tmp_path / "t.parquet"), "--out", str(tmp_path / "t.html")]) == 0


def test_a_table_that_polars_wrote_is_drawn() -> None:
    table = read_sweep(GOLDEN / "polars.parquet")
    assert table.equals(table_of(rows()))
    assert "settings not with the file" in heading(table)


def test_several_sweeps_in_one_table_are_drawn_one_by_one(written: Path, tmp_path: Path) -> None:
    frames = [pd.read_parquet(written), pd.DataFrame(rows("line", (0.0, 90.0)))]
    pd.concat(frames).sample(frac=1, random_state=0).to_parquet(tmp_path / "t.parquet")
    parts = [with_own_settings(part) for part in separated(read_sweep(tmp_path / "t.parquet"))]
    assert sorted(len(part) for part in parts) == [6, 12]
    shown = {heading(part).split("kernel ")[1] for part in parts}
    assert shown == {
        "study, angle 45° (settings not with the file)",
        "line, all angles (settings not with the file)",
    }
    page = sweep_page(read_sweep(tmp_path / "t.parquet"))
    assert "2 sweeps in one table" in page
    assert page.count("How it was made") == 2


@pytest.mark.parametrize(
    ("angles", "found"),
    [
        ([45.0] * 6, 45.0),
        ([None] * 6, None),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "random"),
        ([45.0, 45.0, 45.0, 45.0, 45.0, 0.0], "random"),
    ],
)
def test_the_angle_is_told_from_the_rows(angles: list[float | None], found: object) -> None:
    told = [row | {"angle": angle} for row, angle in zip(rows(), angles, strict=True)]
    assert rows_say(table_of(told))["identity"]["angle"] == found


def test_a_grid_of_which_rows_are_missing_is_still_one() -> None:
    grid = table_of(rows("line", (0.0, 30.0, 60.0)))
    noted = identity("line", "all") | {"grid": [0.0, 30.0, 60.0]}
    assert fits({"identity": noted}, grid)
    assert fits({"identity": noted}, grid.slice(1))
    assert not fits({"identity": noted | {"grid": [0.0, 30.0]}}, grid)
    assert not fits({"identity": noted}, grid.filter(pc.equal(grid["angle"], 0)))


def test_degree_1_which_draws_its_angle_does_not_count() -> None:
    told = [*rows(), {**rows()[0], "degree": 1, "angle": -3.0}]
    assert rows_say(table_of(told))["identity"]["angle"] == 45.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"degrees": None},
        {"degrees": [[0], [20], [50]]},
        {"degrees": {"0": 0}},
        {"angle": [45.0]},
        {"angle": "sideways"},
        {"kernel": ["study"]},
        *({name: "other"} for name in SAME_IN_A_SWEEP),
    ],
    ids=str,
)
def test_settings_of_any_shape_that_do_not_fit_are_left(wrong: dict[str, Any]) -> None:
    assert fits({"identity": identity()}, table_of(rows()))
    assert not fits({"identity": identity() | wrong}, table_of(rows()))


def test_a_table_of_too_many_sweeps_is_said() -> None:
    many = [row | {"kernel": f"k{i}"} for i, row in enumerate(rows() * 10)]
    with pytest.raises(TableError, match="60 sweeps, wanted at most 24"):
        separated(table_of(many))


def test_a_table_of_too_many_angles_is_no_map() -> None:
    many = [{**rows()[0], "degree": 1, "angle": float(i)} for i in range(3000)]
    many += [{**rows()[0], "degree": d, "angle": a} for d in range(2, 60) for a in (0.0, 1.0)]
    with pytest.raises(SettingError, match="no map"):
        map_figure(table_of(many))


SHAPES = [
    {"impostors": {"pairs": float("nan")}},
    {"impostors": {"pairs": {"low": 1, "median": 1, "high": 1}}},
    {"impostors": {"taken_low": 10**400}},
    {"recogniser": {"threshold": {"measure": ["l2"], "value": 1}}},
    {"recogniser": {"threshold": {"measure": "l2", "value": 10**400}}},
    {"report": {"left_out": {"hidden": "many"}}},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_settings_that_pages_cannot_read_are_refused(shape: Any, tmp_path: Path) -> None:
    out = tmp_path / "t.parquet"
    write_sweep(out, [table_of(rows())], lambda: {"identity": identity(), **shape})
    with pytest.raises(TableError, match="not those of blurdash sweep"):
        read_sweep(out)


def test_a_column_under_two_names_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "t.parquet"
    pq.write_table(table_of(rows()), out, store_schema=False)
    content = bytearray(out.read_bytes())
    content[content.rindex(b"failure") + 1] = ord("b")  # in the description of its pages alone
    with pytest.raises(TableError):
        read_sweep(bytes(content))


def test_rows_that_are_missing_are_said() -> None:
    settings = {"identity": identity(), "report": {"rows": 6, "left_out": {"hidden": 2}}}
    page = sweep_page(with_settings(table_of(rows()[:4]), settings))
    assert "6; 4 of them are in this table" in page
    assert "2 left out: 2 hidden" in page


def test_degrees_that_are_not_whole_are_said(written: Path, tmp_path: Path) -> None:
    by_pandas(lambda frame: frame.assign(degree=frame.degree + 0.5))(
        written, tmp_path / "t.parquet"
    )
    assert main(["figure", str(tmp_path / "t.parquet"), "--out", str(tmp_path / "t.html")]) == 2
