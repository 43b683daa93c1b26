"""Figures of a sweep, and the page that holds them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from blurdash.alike import check_alike
from blurdash.cli import main
from blurdash.errors import SettingError, TableError
from blurdash.figure import curves_figure, map_figure, sweep_page
from blurdash.figure_panel import ACCENTS
from blurdash.measures import MEASURES
from blurdash.sweep_file import settings_of, table_of, with_settings
from blurdash.ui.components.scripts import FRONTEND

ROOT = Path(__file__).resolve().parents[1]
BAND = {"low": 0.2, "median": 0.3, "high": 0.4}
SETTINGS = {
    "format": 1,
    "identity": {"angle": "random", "degrees": [0], "kernel": "line"},
    "recogniser": {
        "label": "dlib <ResNet>",
        "threshold": {"measure": "l2", "value": 0.6, "source": "a test"},
    },
    "impostors": {"pairs": 1, "l1": BAND, "l2": BAND},
    "versions": {"numpy": "1"},
}


def made(faces: int = 3, angles: tuple[float, ...] = (45.0,), **identity: Any) -> pa.Table:
    rng = np.random.default_rng(0)
    rows = [
        {
            "face": f"face <{i}>", "degree": d, "angle": angle, "kernel": "line", "crop": "fixed",
            "protocol": "native", "embedder": "dlib", "eye_distance_px": 200.0,
            "degree_percent_of_eye_distance": d / 2,
            **{name: float(rng.random()) for name in MEASURES},
            "psnr": math.inf if d == 0 else 40 - d / 5,
        }
        for i in range(faces) for angle in angles for d in range(0, 101, 20)
    ]  # fmt: skip
    return with_settings(table_of(rows), {**SETTINGS, "identity": SETTINGS["identity"] | identity})  # type: ignore[operator]


def test_every_measure_has_a_mean_a_median_a_band_and_its_faces() -> None:
    figure = curves_figure(made())
    titles = {annotation.text for annotation in figure.layout.annotations}
    for name in ("cosine_similarity", "l1", "l2", "psnr", "ssim"):
        assert MEASURES[name].label in titles
    for name in ("mean", "median", "95 % band of the mean", "single faces"):
        assert sum(trace.name == name for trace in figure.data) == 5


def test_accents_are_those_of_the_theme() -> None:
    for theme, accents in ACCENTS.items():
        means = [one for one in curves_figure(made(), theme=theme).data if one.name == "mean"]
        drawn = [one.line.color for one in means]
        assert drawn == [accents.embedding] * 3 + [accents.pixels] * 2
    tokens = (FRONTEND / "pages" / "tokens.css").read_text("utf-8")
    for row in zip(*ACCENTS.values(), strict=True):
        assert f"light-dark({', '.join(row)})" in tokens


def test_the_title_says_what_the_numbers_belong_to() -> None:
    title = curves_figure(made()).layout.title.text
    for part in ("dlib", "native", "fixed", "line", "random angles", "n = 3 faces"):
        assert part in title


def test_threshold_and_strangers_are_drawn_where_they_are_known() -> None:
    shapes = curves_figure(made()).layout.shapes
    assert sum(shape.type == "rect" for shape in shapes) == 2  # L1 and L2
    assert [shape.y0 for shape in shapes if shape.type == "line"] == [0.6]


def test_worst_and_best_face_are_named() -> None:
    figure = curves_figure(made(30))
    lines = next(trace for trace in figure.data if trace.name == "single faces")
    assert sum("(most affected)" in name for name in set(lines.text)) == 1
    assert sum("(least affected)" in name for name in set(lines.text)) == 1


def by(label: str, faces: int = 3, **identity: Any) -> pa.Table:
    table = made(faces, **identity)
    recogniser = {"label": label, "threshold": None}
    return with_settings(table, {**settings_of(table), "recogniser": recogniser})


def test_the_same_sweep_by_another_recogniser_may_stand_beside() -> None:
    check_alike(by("One"), by("Another"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (by("Another", 4), "of other faces, degrees or angles; put sweeps of the same faces"),
        (by("Another", angle=45.0), "of other faces, degrees or angles"),
        (by("Another", seed=99), "of other faces, degrees or angles"),
        (by("Another").slice(0, 5), "of other faces, degrees or angles"),
    ],
)
def test_sweeps_of_something_else_are_not_put_beside(other: pa.Table, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        check_alike(by("One"), other)


def test_a_sweep_of_another_kernel_is_not_put_beside() -> None:
    other = by("Another")
    place = other.column_names.index("kernel")
    column = pa.array(["study"] * len(other), other.schema.field("kernel").type)
    other = other.set_column(place, other.schema.field("kernel"), column)
    with pytest.raises(SettingError, match="one sweep is of kernel line, the other of study"):
        check_alike(by("One"), other)


def test_many_faces_stay_a_small_page() -> None:
    figure = curves_figure(made(500))
    lines = next(trace for trace in figure.data if trace.name == "single faces")
    assert len(set(lines.text)) <= 62


def test_infinite_psnr_has_no_place_on_the_axis() -> None:
    figure = curves_figure(made())
    assert "Infinity" not in figure.to_json()
    assert json.loads(figure.to_json())


def test_percent_is_an_axis_of_its_own() -> None:
    figure = curves_figure(made(), x="percent")
    assert max(next(t for t in figure.data if t.name == "mean").x) == 50
    with pytest.raises(SettingError, match="axis"):
        curves_figure(made(), x="inch")


def test_a_map_over_degree_and_angle() -> None:
    grid = made(angles=(0.0, 45.0, 90.0), angle="all")
    heat = map_figure(grid, "ssim").data[0]
    assert list(heat.y) == [0, 45, 90]
    assert len(heat.z) == 3
    with pytest.raises(SettingError, match="--angle all"):
        map_figure(made())


def test_an_empty_table_is_said() -> None:
    with pytest.raises(TableError, match="no rows"):
        curves_figure(with_settings(table_of([]), SETTINGS))


@pytest.mark.parametrize("grid", [False, True])
def test_the_page_needs_nothing_else(grid: bool) -> None:
    page = sweep_page(made(angles=(0.0, 45.0), angle="all") if grid else made())
    assert page.count("Plotly.newPlot(") == (6 if grid else 1)
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert "dlib <ResNet>" not in page.split("</script>")[-1]
    assert "dlib &lt;ResNet&gt;" in page


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pq.write_table(made(), tmp_path / "t.parquet")
    out = tmp_path / "t.html"
    assert main(["figure", str(tmp_path / "t.parquet"), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "t.html" in capsys.readouterr().out


def test_the_command_replaces_nothing_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(made(), tmp_path / "t.parquet")
    thesis = tmp_path / "thesis.html"
    thesis.write_text("my thesis")
    words = ["figure", str(tmp_path / "t.parquet"), "--out", str(thesis)]
    assert main(words) == 2
    assert "'thesis.html' is there already" in capsys.readouterr().err
    assert thesis.read_text() == "my thesis"
    assert main([*words, "--overwrite"]) == 0
    assert thesis.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("none.parquet", ["--out", "t.html"], "there is no file"),
        ("t.parquet", ["--out", "t.pdf"], "wanted an .html file"),
        ("t.parquet", ["--out", "t.html", "--x", "mm"], "axis"),
        ("t.parquet", ["--out", "no/t.html"], "cannot be written"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    name: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(made(), "t.parquet")
    assert main(["figure", name, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
