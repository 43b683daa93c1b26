"""blurdash against golden numbers that other implementations made; see golden/README.md."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import itertools
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from blurdash.blur import Change, apply_change
from blurdash.embed import Embedder
from blurdash.face import Face
from blurdash.kernel import KERNELS
from blurdash.measures import MEASURES
from blurdash.readout import PreparedFace
from blurdash.sceptic import SCEPTIC_METRICS

Picture = npt.NDArray[np.uint8]

GOLDEN = Path(__file__).resolve().parent / "golden"
MEASURED = json.loads((GOLDEN / "measures.json").read_text(encoding="utf-8"))
RIVALS = json.loads((GOLDEN / "rivals.json").read_text(encoding="utf-8"))
BLURRED = json.loads((GOLDEN / "blur.json").read_text(encoding="utf-8"))

# On the very canvas: what two implementations in single and double precision may differ by.
STRICT = {"psnr": 1e-6, "ssim": 1e-5, "cosine_similarity": 1e-6}
STRICT_OTHERS = 2e-4
# On a canvas that another version of a library cut a little elsewhere.
LOOSE = {"psnr": 5e-3, "ssim": 1e-3, "cosine_similarity": 1e-3}
LOOSE_OTHERS = 3e-2


def change_of(row: dict[str, Any]) -> Change:
    dx, dy = row.get("shift", (0, 0))
    return Change(
        degree=row["degree"], angle=row["angle"], kernel=row["kernel"], shift_x=dx, shift_y=dy
    )


def name_of(row: dict[str, Any]) -> str:
    moved = f"-shift{row['shift'][0]}" if any(row.get("shift", ())) else ""
    return f"{row['kernel']}-{row['degree']}-{row['angle']}{moved}"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    return loaded("make")


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"golden_{name}", GOLDEN / f"{name}.py")
    if spec is None or spec.loader is None:
        pytest.fail(f"{name}.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prepared(portrait_face: Face, dlib_embedder: Embedder) -> PreparedFace:
    return PreparedFace(portrait_face, dlib_embedder)


def tolerance(name: str, canvas_sha256: str) -> float:
    if canvas_sha256 == MEASURED["canvas_sha256"]:
        return STRICT.get(name, STRICT_OTHERS)
    return LOOSE.get(name, LOOSE_OTHERS)


@pytest.mark.parametrize("row", MEASURED["pairs"], ids=name_of)
def test_a_readout_has_the_golden_numbers(row: dict[str, Any], prepared: PreparedFace) -> None:
    canvas_sha256 = hashlib.sha256(prepared.face.canvas.tobytes()).hexdigest()
    found = prepared.readout(change_of(row)).values
    for name, golden in row["values"].items():
        within = tolerance(name, canvas_sha256)
        assert found[name] == pytest.approx(golden, rel=within), name


@pytest.mark.parametrize("row", RIVALS["pairs"], ids=name_of)
def test_a_rival_has_the_golden_number(row: dict[str, Any], prepared: PreparedFace) -> None:
    canvas_sha256 = hashlib.sha256(prepared.face.canvas.tobytes()).hexdigest()
    within = 2e-6 if canvas_sha256 == RIVALS["canvas_sha256"] else 5e-3
    test = prepared.changed(change_of(row))
    for name, golden in row["values"].items():
        found = SCEPTIC_METRICS[name].compute(prepared.reference, test)
        assert found == pytest.approx(golden, abs=within), name


@pytest.mark.long
def test_the_rivals_golden_numbers_are_what_their_recipe_makes(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("piq", reason="needs requirements-long.txt")
    monkeypatch.setitem(sys.modules, "make", make)
    for row, golden in zip(loaded("make_rivals").rivals()["pairs"], RIVALS["pairs"], strict=True):
        assert change_of(row) == change_of(golden)
        assert row["values"] == pytest.approx(golden["values"], abs=5e-3)


@pytest.mark.parametrize("row", BLURRED["pictures"], ids=name_of)
def test_a_blurred_portrait_has_the_golden_blocks(
    row: dict[str, Any], portrait: Picture, make: ModuleType
) -> None:
    found = np.array(make.block_means(apply_change(portrait, change_of(row))))
    golden = np.array(row["means"])
    # A drawn line and a line of taps differ at their ends and sides.
    assert np.abs(found - golden).max() < (0.1 if row["kernel"] == "study" else 0.6)
    untouched = np.array(make.block_means(portrait))
    assert np.abs(untouched - golden).max() > 1, "the blur shows in the blocks"


def test_every_measure_has_a_golden_number() -> None:
    for row in MEASURED["pairs"]:
        missing = set(MEASURES) - set(row["values"])
        assert not missing, f"{sorted(missing)} without a golden number: see golden/README.md"
        assert all(math.isfinite(value) for value in row["values"].values())


def test_every_kernel_has_a_golden_picture() -> None:
    missing = set(KERNELS) - {row["kernel"] for row in BLURRED["pictures"]}
    assert not missing, f"{sorted(missing)} without a golden picture: see golden/README.md"


@pytest.mark.long
def test_the_golden_numbers_are_what_their_recipe_makes(make: ModuleType) -> None:
    again = make.measures()
    for row, golden in zip(again["pairs"], MEASURED["pairs"], strict=True):
        assert change_of(row) == change_of(golden)
        for name, value in golden["values"].items():
            within = tolerance(name, again["canvas_sha256"])
            assert row["values"][name] == pytest.approx(value, rel=within), name


def test_the_golden_pictures_are_what_their_recipe_makes(make: ModuleType) -> None:
    for row, golden in zip(make.blurs()["pictures"], BLURRED["pictures"], strict=True):
        assert name_of(row) == name_of(golden)
        assert np.abs(np.array(row["means"]) - np.array(golden["means"])).max() < 0.1


def test_the_recipe_uses_none_of_blurdashs_measuring_code() -> None:
    used = set()
    recipes = [path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.py")]
    for node in itertools.chain.from_iterable(ast.walk(ast.parse(text)) for text in recipes):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("blurdash"):
            used.add(node.module)
        elif isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names if alias.name.startswith("blurdash")}
    assert used == {"blurdash.face"}


def test_the_golden_files_say_how_they_were_made() -> None:
    readme = (GOLDEN / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in GOLDEN.iterdir() if path.is_file())
    known = ["README.md", "blur.json", "graph_model.mjs", "graph_models.json", "make.py"]
    known += ["make_rivals.py", "measures.json", "polars.parquet", "rivals.json"]
    assert files == known, "and no pictures"
    for name in files[1:]:
        assert name in readme
    assert "python tests/golden/make.py" in readme
    for file in (MEASURED, BLURRED):
        assert {"numpy", "scikit-image", "dlib-bin", "opencv-python-headless"} <= set(
            file["versions"]
        )
