"""Searches in the page find what the server's find, in the same words."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blurdash import search
from blurdash import twins as twins_module
from blurdash.distance import EMBEDDING
from blurdash.quality import METRICS
from blurdash.search import find_angle_flip, find_disagreement
from blurdash.twins import TWIN_TOLERANCE
from blurdash.ui.argument.searches import _show_flip, _show_pair, _show_twins
from blurdash.ui.argument.story import Story
from blurdash.ui.components.scripts import script
from tests.node import answer_of

CASES = 60
# What a made-up face's numbers are, the same in both languages to the last bit.
NUMBERS = """
const numbersOf = (face) => ({ degree, angle, shift_x: x, shift_y: y }, reference) => {
  const turned = ((angle % 180) + 180) % 180;
  const share = turned < 90 ? turned : 180 - turned;
  const bent = 1 + face.bend * share / 90 * (reference ? face.line : 1);
  const far = x * x + y * y;
  return {
    cosine_similarity: 1 - face.a * (degree * degree * bent) - face.b * far,
    psnr: 60 - face.c * degree * bent - face.d * far,
    ssim: 1 - face.e * degree * bent - face.f * far,
  };
};
"""


class MadeUpFace:
    """As much of a prepared face as searches ask."""

    kernel = "study"
    reference = None

    def __init__(self, face: dict[str, float]) -> None:
        self._face = face

    def shifted(self, x: float, y: float) -> tuple[float, ...]:
        return (0, 0.0, x, y, 0)

    def blurred(self, degree: int, angle: float) -> tuple[float, ...]:
        return (degree, angle, 0.0, 0.0, 0)

    def measure(self, line: tuple[float, ...], names: Any) -> dict[str, float]:
        return self.values(line, names)

    def values(self, change: tuple[float, ...], names: Any) -> dict[str, float]:
        degree, angle, x, y, line = change
        face = self._face
        turned = angle % 180
        bent = 1 + face["bend"] * (turned if turned < 90 else 180 - turned) / 90 * (
            face["line"] if line else 1
        )
        far = x * x + y * y
        known = {
            EMBEDDING: 1 - face["a"] * (degree * degree * bent) - face["b"] * far,
            "psnr": 60 - face["c"] * degree * bent - face["d"] * far,
            "ssim": 1 - face["e"] * degree * bent - face["f"] * far,
        }
        return {name: known[name] for name in names}


def made_up(rng: np.random.Generator) -> dict[str, float]:
    return {
        "a": float(rng.uniform(1e-5, 9e-5)),
        "b": float(rng.uniform(1e-6, 4e-4)),
        "c": float(rng.uniform(0.1, 0.4)),
        "d": float(rng.uniform(0.001, 0.08)),
        "e": float(rng.uniform(1e-3, 6e-3)),
        "f": float(rng.uniform(1e-5, 2e-3)),
        "bend": float(rng.uniform(-0.6, 0.9)),
        "line": float(rng.uniform(-1, 1)),
    }


def found_in_the_page(name: str, cases: list[dict[str, Any]]) -> Any:
    code = f"""import {{ {name} }} from "./widgets/own_search.js";
{NUMBERS}
const cases = {json.dumps(cases)};
const found = [];
for (const {{ face, where }} of cases) {{
  const numbers = numbersOf(face);
  const measure = async (view, reference) => numbers(view, reference);
  found.push(await {name}({{ measure }}, where));
}}
answer(found);
"""
    return answer_of(script("test.js", {"test.js": code}))


def test_the_largest_disagreement_is_the_servers():
    rng = np.random.default_rng(4)
    cases = []
    for _ in range(CASES):
        direction = [float(one) for one in rng.integers(-3, 4, 2)]
        direction = direction if any(direction) else [1.0, 0.0]
        where = {
            "kernel": "study",
            "angle": float(rng.integers(-90, 91)),
            "direction": direction,
            "limit": float(rng.choice([0.5, 3, 9, 15, 16, 40.5, 64])),
        }
        cases.append({"face": made_up(rng), "where": where})
    kinds = set()
    for case, found in zip(cases, found_in_the_page("findDisagreement", cases), strict=True):
        where = case["where"]
        wanted = find_disagreement(
            MadeUpFace(case["face"]),  # type: ignore[arg-type]
            where["limit"],
            angle=where["angle"],
            direction=tuple(where["direction"]),
        )
        story = Story("pixels", limit=where["limit"])
        _show_pair(story, wanted)
        assert found["degree"] == wanted.degree, case
        assert found["shift"] == pytest.approx([wanted.shift_x, wanted.shift_y], abs=1e-9)
        assert found["note"] == story.note
        kinds.add(wanted.found)
    assert kinds == {True, False}


def test_the_angle_flip_is_the_servers(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(5)
    cases = [{"face": made_up(rng), "where": {"kernel": "study"}} for _ in range(CASES)]
    monkeypatch.setattr(search, "line_kernel", lambda degree, angle: (degree, angle, 0.0, 0.0, 1))
    monkeypatch.setattr(search, "apply_kernel", lambda _picture, kernel: kernel)
    kinds = set()
    for case, found in zip(cases, found_in_the_page("findAngleFlip", cases), strict=True):
        wanted = find_angle_flip(MadeUpFace(case["face"]))  # type: ignore[arg-type]
        story = Story("angle")
        _show_flip(story, wanted)
        for side, other in ((found["longer"], wanted.longer), (found["shorter"], wanted.shorter)):
            assert (side["degree"], side["angle"]) == (other.degree, other.angle), case
            assert side["value"] == pytest.approx(other.value, abs=1e-12)
        assert found["note"] == story.note
        kinds.add((wanted.found, wanted.by_geometry))
    assert len(kinds) >= 2


class MadeUpTwins(twins_module._TwinMaker):
    """Makes amounts in place of pictures, and reads them off a made-up face."""

    def __init__(self, prepared: Any, metric: str, angle: float, shift_by: Any) -> None:
        far = math.hypot(*shift_by)
        self._prepared, self._metric, self._angle = prepared, METRICS[metric], angle
        self._direction = shift_by[0] / far, shift_by[1] / far
        self._tolerance = TWIN_TOLERANCE[metric]

    def _value(self, test: Any) -> float:
        return float(self._prepared.values(test, (self._metric.name,))[self._metric.name])

    def _blurred(self, length: float) -> Any:
        return self._prepared.blurred(length, self._angle)

    def _shifted(self, far: float) -> Any:
        return self._prepared.shifted(*self._place(far))

    def _told(self, readout: Any, change: Any, length: float) -> Any:
        return readout


class MadeUpPair(MadeUpFace):
    """A made-up face whose changed pictures can be read out."""

    @property
    def clean(self) -> Any:
        names = (EMBEDDING, "psnr", "ssim")
        return SimpleNamespace(
            readout=lambda test, _change: SimpleNamespace(values=self.values(test, names))
        )


def test_twins_are_the_servers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(twins_module, "_TwinMaker", MadeUpTwins)
    rng = np.random.default_rng(7)
    cases = []
    for number in range(3 * CASES):
        shift = [float(one) / 2 for one in rng.integers(-40, 41, 2)]
        where = {
            "metric": ("psnr", "ssim")[number % 2],
            "angle": float(rng.integers(-90, 91)),
            "shift": shift if any(shift) else [16.0, 0.0],
        }
        cases.append({"face": made_up(rng), "where": where})
    kinds = set()
    for case, found in zip(cases, found_in_the_page("findTwins", cases), strict=True):
        where = case["where"]
        wanted = twins_module.twins(
            MadeUpPair(case["face"]),  # type: ignore[arg-type]
            tuple(where["shift"]),
            metric=where["metric"],
            angle=where["angle"],
        )
        story = Story("pixels")
        _show_twins(story, wanted)
        assert found["found"] == wanted.found
        assert found["length"] == pytest.approx(wanted.length, abs=1e-9)
        assert found["shift"] == pytest.approx([wanted.shift_x, wanted.shift_y], abs=1e-8)
        assert found["note"] == story.note, case
        kinds.add((wanted.found, wanted.varied, where["metric"]))
    assert len(kinds) >= 4
