"""Argument's scenes of numbers that the page finds itself: part for part what the server makes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest

from blurdash.distance import EMBEDDING
from blurdash.kernel import KERNELS
from blurdash.measures import ARGUMENT_MEASURES, QUICK
from blurdash.ui.argument.scenes import SCENE_PARTS
from blurdash.ui.argument.story import Story
from blurdash.ui.argument.told import Told
from blurdash.ui.components.rows import CURVE_DEGREES, CURVES, TILES
from blurdash.ui.components.scripts import script
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS
from blurdash.ui.vote.ballot_box import BallotBox
from blurdash.values import for_json
from tests.marks import long_but
from tests.node import answer_of

OWN = ("two-pictures", "pixels", "embedding", "angle", "take-home")
CASES_OF_A_SCENE = 400


class ToldWithCurve(Told):
    """What is known, with a curve that is given."""

    known_curve: Mapping[int, dict[str, float]]

    def curve(self) -> dict[int, dict[str, float]]:
        return dict(self.known_curve)


def random_values(rng: np.random.Generator, other: Mapping[str, float] | None) -> dict[str, float]:
    """Numbers of a picture, some of them such as another has, or nearly."""
    values = {
        "cosine_similarity": float(rng.choice([1, 0.99995, rng.uniform(-0.2, 1)])),
        "l2": float(rng.uniform(0, 1.5)),
        "psnr": float(rng.choice([math.inf, rng.uniform(8, 50)])),
        "ssim": float(rng.uniform(0, 1)),
        "sharpness_ratio": float(rng.uniform(0, 3)),
    }
    if other is not None:
        for name in values:
            if rng.random() < 0.25:
                values[name] = other[name] + float(rng.choice([0, 1e-6, -2e-3]))
    return values


def random_story(rng: np.random.Generator, scene: str) -> Story:
    """A place of the sliders: often where one of them does nothing."""
    story = Story(scene, swapped=bool(rng.integers(2)), revealed=True)
    for name, row in ARGUMENT_SLIDERS.items():
        if rng.random() < 0.6:
            continue
        steps = round((row.high - row.low) / row.step)
        story.values[name] = round(row.low + row.step * int(rng.integers(steps + 1)), 3)
    for name in ("x", "y", "degree"):
        if rng.random() < 0.3:
            story.values[name] = 0
    for name in ("degree_a", "degree_b"):
        if rng.random() < 0.2:
            story.values[name] = int(rng.integers(2))
    return story


def random_curve(rng: np.random.Generator) -> dict[int, dict[str, float]]:
    steps = np.cumsum(rng.exponential(0.04, len(CURVE_DEGREES)))
    steps += rng.normal(0, 0.02, len(steps)) * (rng.random() < 0.5)
    curve = {}
    for degree, away in zip(CURVE_DEGREES, steps.tolist(), strict=True):
        curve[degree] = {
            name: 45 - 30 * away if name == "psnr" else 1.5 * away if name == "l2" else 1 - away
            for name in CURVES
        }
    return curve


def told_of(story: Story, kernel: str, values: Any, curve: Any) -> Told:
    told = ToldWithCurve(
        story=story,
        kernel=kernel,
        crop="fixed",
        box=BallotBox(),
        at_rest=False,
        face=cast(Any, object()),
        values=values,
    )
    told.known_curve = curve
    return told


def told_in_the_page(cases: list[dict[str, Any]]) -> Any:
    code = """import { ownScene } from "./pages/argument_own.js";
const cases = %s;
const numbers = (values) => Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, value === "inf" ? Infinity : value]));
answer(cases.map(({ data, own }) => ownScene(data, { ...own, values: own.values.map(numbers) })));
"""
    return answer_of(script("test.js", {"test.js": code % json.dumps(cases)}))


def as_curve(curve: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    values = [[at.get(name) for name in TILES] for at in curve.values()]
    return {"degrees": list(curve), "values": values}


def take_ties(found: list[dict[str, Any]], panels: list[dict[str, Any]]) -> None:
    """A mass in the middle between two texts: sums in another order take either of them."""
    for one, other in zip(found, panels, strict=False):
        if one["kind"] != "table" or other["kind"] != "table":
            continue
        mine, servers = one["rows"][0]["cells"], other["rows"][0]["cells"]
        for i in (1, 2):
            if abs(float(mine[i]) - float(servers[i])) < 0.0101:
                servers[i] = mine[i]


@pytest.mark.parametrize("scene", long_but({"pixels"}, OWN))
def test_scenes_are_the_servers_part_for_part(scene: str):
    rng = np.random.default_rng(OWN.index(scene))
    cases, wanted = [], []
    for _ in range(CASES_OF_A_SCENE):
        story, kernel = random_story(rng, scene), str(rng.choice(list(KERNELS)))
        first = random_values(rng, None)
        pair = (first, random_values(rng, first))
        curve = random_curve(rng)
        before = SCENE_PARTS[scene](told_of(story, kernel, pair[::-1], {}))
        wanted.append(SCENE_PARTS[scene](told_of(story, kernel, pair, curve)))
        data = {
            "scene": scene,
            "kernel": kernel,
            "pictures": story.pictures(),
            "swapped": story.hung() != story.pictures(),
            "hidden": False,
            "panels": before.panels,
        }
        values = [{name: for_json(one[name]) for name in QUICK} for one in pair]
        own = {
            "values": values,
            "sliders": story.values,
            "curve": as_curve(curve),
            "fresh": False,
        }
        cases.append({"data": data, "own": own})
    seen = set()
    for case, found, parts in zip(cases, told_in_the_page(cases), wanted, strict=True):
        assert found["see"] == parts.see, case
        panels = json.loads(json.dumps(parts.panels))
        take_ties(found["panels"], panels)
        assert found["panels"] == panels, case
        seen.add(parts.see[:12])
    assert len(seen) > 3


def test_what_a_search_found_stays_until_the_sliders_leave_it():
    rng = np.random.default_rng(9)
    story = random_story(rng, "embedding")
    story.note = "Found: a pair."
    pair = (random_values(rng, None), random_values(rng, None))
    parts = SCENE_PARTS["embedding"](told_of(story, "study", pair, {}))
    data = {
        "scene": "embedding",
        "kernel": "study",
        "pictures": story.pictures(),
        "hidden": False,
        "panels": parts.panels,
    }
    values = [{name: for_json(one[name]) for name in QUICK} for one in pair]
    own = {"values": values, "sliders": story.values, "curve": as_curve(random_curve(rng))}
    here, left = told_in_the_page(
        [{"data": data, "own": {**own, "fresh": fresh}} for fresh in (True, False)]
    )
    about = [[panel.get("about") for panel in one["panels"]] for one in (here, left)]
    assert "found" in about[0]
    assert "fails" not in about[0]
    assert "found" not in about[1]
    assert "fails" in about[1]


def test_before_the_vote_ends_nothing_is_said_of_numbers():
    data = {"scene": "two-pictures", "hidden": True, "pictures": ["sharp", "blurred"]}
    data |= {"see": "Which?", "panels": [{"kind": "vote"}], "kernel": "study"}
    numbers = dict.fromkeys(QUICK, 0.5)
    own = {"values": [numbers, numbers], "sliders": Story().values, "curve": None, "fresh": False}
    (found,) = told_in_the_page([{"data": data, "own": own}])
    assert (found["see"], found["panels"]) == ("Which?", [{"kind": "vote"}])


def test_the_page_measures_all_that_argument_shows():
    assert set(CURVES) <= set(TILES)
    assert EMBEDDING in QUICK
    assert all(name in ARGUMENT_MEASURES for name in QUICK)
