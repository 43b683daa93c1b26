"""The portrait's curves that come with blurdash: whole, as their manifests say, reproducible."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from blurdash.embed import Embedder
from blurdash.summary import curve_of, degree_angle_map
from blurdash.sweep import GRID, Source, Sweep, sweep_photos
from blurdash.sweep_file import read_sweep, settings_of

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "sweeps"
TABLES = sorted(FOLDER.glob("*.parquet"))
CURVES = [path for path in TABLES if not path.stem.endswith("_map")]
MAPS = [path for path in TABLES if path.stem.endswith("_map")]


def named(path: Path) -> str:
    return path.stem


def test_every_sweep_of_the_plan_is_there() -> None:
    wanted = {
        f"astronaut_dlib_{kernel}_{kind}"
        for kernel in ("study", "line")
        for kind in ("fix45", "random", "map")
    }
    assert {path.stem for path in TABLES} == wanted


@pytest.mark.parametrize("path", TABLES, ids=named)
def test_a_table_is_what_its_manifest_says(path: Path) -> None:
    manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    table = read_sweep(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest["sha256"]
    assert len(table) == manifest["rows"]
    assert settings_of(table)["identity"] == manifest["settings"]
    assert manifest["blur"] == "filter2d"
    for key in ("command", "created", "source", "versions", "recogniser", "pixels_sha256"):
        assert manifest[key]
    assert len(manifest["pixels_sha256"]) == len(set(table["face"].to_pylist()))


@pytest.mark.parametrize("path", TABLES, ids=named)
def test_nothing_failed_and_no_file_is_named(path: Path) -> None:
    table = read_sweep(path)
    assert table["failure"].null_count == len(table)
    assert set(table["face"].to_pylist()) == {"astronaut"}
    manifest = path.with_suffix(".json").read_text(encoding="utf-8")
    said = manifest + json.dumps(settings_of(table))
    assert not re.search(r'"/[a-z]', said), "an absolute path"
    assert ".png" not in said


@pytest.mark.parametrize("path", CURVES, ids=named)
def test_curves_have_every_degree(path: Path) -> None:
    curve = curve_of(read_sweep(path), "cosine_similarity")
    assert curve.x.tolist() == list(range(101))
    assert curve.mean[0] == 1.0
    assert curve.mean[100] < curve.mean[50] < curve.mean[10]


@pytest.mark.parametrize("path", MAPS, ids=named)
def test_maps_have_every_angle(path: Path) -> None:
    found = degree_angle_map(read_sweep(path), "ssim")
    assert found.degrees.tolist() == list(range(0, 101, 20))
    assert found.angles.tolist() == list(GRID)


@pytest.mark.parametrize("kernel", ["study", "line"])
def test_a_sample_of_the_astronauts_is_recomputed(
    kernel: str, portrait: npt.NDArray[np.uint8], dlib_embedder: Embedder
) -> None:
    file = io.BytesIO()
    Image.fromarray(portrait).save(file, "PNG")
    degrees = (0, 10, 45, 90)
    sweep = Sweep(degrees=degrees, kernel=kernel, blur="exact")
    found = sweep_photos([Source("astronaut", file.getvalue())], sweep, dlib_embedder).to_pylist()
    shipped = {
        row["degree"]: row
        for row in read_sweep(FOLDER / f"astronaut_dlib_{kernel}_fix45.parquet").to_pylist()
    }
    for row in found:
        wanted = shipped[row["degree"]]
        for name, tolerance in (
            ("cosine_similarity", 1e-3), ("l1", 0.05), ("l2", 5e-3), ("psnr", 0.05),
            ("ssim", 1e-3), ("eye_distance_px", 0.5),
        ):  # fmt: skip
            assert row[name] == pytest.approx(wanted[name], abs=tolerance), (name, row["degree"])
