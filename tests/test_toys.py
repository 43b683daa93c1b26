"""A new measure, kernel or recogniser is one function and one row: everything else takes it up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from blurdash.face import Face
from tests.toys import KERNEL, MEASURE, RECOGNISER

# One worker: what the tests share, half a minute of everything, is made once.
pytestmark = [pytest.mark.xdist_group("toys"), pytest.mark.long]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory, portrait_face: Face) -> dict[str, Any]:
    """What every part of the project made of the toys."""
    folder = tmp_path_factory.mktemp("toys")
    (folder / "photos").mkdir()
    small = cv2.resize(portrait_face.canvas[..., ::-1], (512, 512), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "photos" / "a.png"), small)
    run = subprocess.run(
        [sys.executable, "-m", "tests.toy_uses", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(run.stdout.splitlines()[-1]))


def test_a_readout_has_them(came: dict[str, Any]) -> None:
    assert 0 < came["readout"][MEASURE.name] < 1
    receipt = came["readout"]["receipt"]
    assert (receipt["kernel"], receipt["embedder"]) == (KERNEL.name, RECOGNISER.name)


def test_a_sweep_has_them_in_its_table_and_its_figure(came: dict[str, Any]) -> None:
    clean, blurred = came["sweep"]
    assert clean[MEASURE.name] == 1
    assert 0 < blurred[MEASURE.name] < 1
    assert (blurred["kernel"], blurred["embedder"]) == (KERNEL.name, RECOGNISER.name)
    for label in (MEASURE.label, RECOGNISER.label, KERNEL.name):
        assert label in came["figure"]


def test_the_counts_have_them(came: dict[str, Any]) -> None:
    assert came["flips"]["recogniser"]["name"] == RECOGNISER.name
    assert {cell["measure"] for cell in came["flips"]["cells"]} >= {MEASURE.name}


@pytest.mark.parametrize("name", ["explore", "argument", "sweeps", "method"])
def test_a_page_shows_them_and_nothing_fails(name: str, came: dict[str, Any]) -> None:
    page = came["pages"][name]
    assert page["failed"] == []
    if name in ("explore", "argument"):
        assert {KERNEL.name, RECOGNISER.name} <= set(page["chosen"])
        assert KERNEL.name in " ".join(page["sent"])
    if name == "method":
        tables = " ".join(page["tables"])
        assert all(one in tables for one in (MEASURE.label, KERNEL.name, RECOGNISER.label))


def test_explore_has_their_numbers(came: dict[str, Any]) -> None:
    sent = [json.loads(text) for text in came["pages"]["explore"]["sent"]]
    told = next(one for one in sent if "receipt" in one)
    assert told["receipt"][MEASURE.name] == pytest.approx(told["values"][-1], abs=1e-4)
    assert told["recogniser"]["label"] == RECOGNISER.label
    assert told["audit"]["mass"] == pytest.approx(1)
