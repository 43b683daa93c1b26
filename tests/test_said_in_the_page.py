"""What the page says of its own numbers, without the server: word for word what Python says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from blurdash.argument import BlurEquivalent, blur_equivalent
from blurdash.measures import ARGUMENT_MEASURES, CLAIM, MEASURES
from blurdash.sentences_explore import Seen, explore_sentence
from blurdash.ui.components.rows import TILES
from blurdash.ui.components.scripts import script
from tests.node import answer_of

IMPORTS = """import { ROWS } from "./rows.js";
import { equivalentOf, equivalentsOf } from "./widgets/equivalents.js";
import { exploreSentence, facelessSentence } from "./widgets/explore_sentence.js";
"""


def run(code: str, **known: Any) -> Any:
    given = f"const {{ {', '.join(known)} }} = {json.dumps(known)};\n"
    return answer_of(script("test.js", {"test.js": f"{IMPORTS}{given}{code}"}))


def as_sent(value: float) -> float | str:
    return "inf" if math.isinf(value) else "none" if math.isnan(value) else value


def curves(seed: int, count: int) -> list[tuple[str, dict[int, float], float]]:
    """Measures with curves that go up and down, and a value that may be on them."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(count):
        name = TILES[number % len(TILES)]
        row = MEASURES[name]
        degrees = sorted(rng.choice(101, rng.integers(2, 40), replace=False).tolist())
        walk = np.cumsum(rng.normal(0.3, 1, len(degrees)))
        levels = walk - walk.min() if number % 3 else np.round(walk - walk.min())
        if math.isinf(row.identical):
            values = 45 - 2 * levels
        else:
            values = row.identical + (-1 if row.higher_is_closer else 1) * 0.03 * levels
        curve = dict(zip(degrees, values.tolist(), strict=True))
        if degrees[0] == 0:
            curve[0] = row.identical
        value = curve[int(rng.choice(degrees))] if number % 4 == 0 else float(rng.choice(values))
        cases.append((name, curve, value + (number % 2) * float(rng.normal(0, 0.3))))
    return cases


def test_blurs_are_read_off_a_curve_as_python_reads_them():
    cases = curves(1, 600)
    cases.append(("psnr", {0: math.inf, 40: 20.0}, math.inf))
    cases.append(("ssim", {0: 1.0, 2: 0.9, 4: 0.95, 30: 0.5, 31: 0.49}, 0.92))
    found = run(
        """answer(cases.map(([measure, value, curve]) =>
             equivalentOf(value, curve, ROWS.tiles.find((tile) => tile.measure === measure))));""",
        cases=[
            (name, as_sent(value), [(d, as_sent(v)) for d, v in curve.items()])
            for name, curve, value in cases
        ],
    )
    for (name, curve, value), one in zip(cases, found, strict=True):
        if sum(degree != 1 for degree in curve) < 2:
            assert one is None
            continue
        wanted = blur_equivalent(value, curve, name)
        assert (one["text"], one["side"]) == (wanted.short, wanted.side), (name, curve, value)
        assert np.allclose(np.ravel(one["ranges"]), np.ravel(wanted.ranges), atol=1e-9)
        assert (one["first"], one["last"]) == (wanted.first, wanted.last)


def test_nothing_is_read_without_a_curve_or_a_value():
    found = run(
        """const tile = ROWS.tiles[0];
        answer([equivalentOf(0.5, [[0, 1], [1, 0.4]], tile),
          equivalentOf("none", [[0, 1], [9, 0]], tile),
          equivalentsOf({ degree: 9, shift_x: 4, shift_y: 0 }, [0.5], null),
          equivalentsOf({ degree: 9, shift_x: 0, shift_y: 0 }, ["none", 0.5], null)]);"""
    )
    itself = {"text": "9 px", "ranges": [[9, 9]], "side": ""}
    assert found == [None, None, [], [None, itself]]


def random_seen(rng: np.random.Generator) -> Seen:
    shape = rng.integers(4)
    degree = 0 if shape == 0 else int(rng.choice([0, 1, 5, 14, 30, 60, 97, 100]))
    right, down = (float(one) / 2 for one in rng.integers(-6, 7, 2))
    if shape == 1:
        right = down = 0.0
    if shape == 2:
        down = 0.0
    readings = {name: random_reading(rng, name, degree) for name in CLAIM}
    same = [None, True, False][rng.integers(3)]
    drawn = degree == 1 and bool(rng.integers(2))
    source = [None, None, 96.5][rng.integers(3)]
    return Seen(
        degree,
        right,
        down,
        readings if right or down else {},
        same_person=same,
        drawn_angle=drawn,
        source=source,
    )


def random_reading(rng: np.random.Generator, name: str, degree: int) -> BlurEquivalent:
    around = float(rng.choice([3, 7, 15, 25, degree + 1, degree + 0.5, 60, 80.5]))
    kind = rng.integers(8)
    if kind == 0:
        return BlurEquivalent(ARGUMENT_MEASURES[name], (), "beyond", 0, 100)
    if kind == 1:
        return BlurEquivalent(ARGUMENT_MEASURES[name], (), "below", 0, 100)
    ranges = [(around, around)]
    if kind == 2:
        ranges.append((around + 20, around + 22.4))
    if kind == 3:
        ranges = [(around, around + 1.5)]
    return BlurEquivalent(ARGUMENT_MEASURES[name], tuple(ranges), "", 0, 100)


def for_browser(readings: Mapping[str, BlurEquivalent]) -> dict[str, Any]:
    return {
        name: {
            "text": one.short,
            "ranges": one.ranges,
            "side": one.side,
            "first": one.first,
            "last": one.last,
        }
        for name, one in readings.items()
    }


def test_sentences_are_pythons_word_for_word():
    rng = np.random.default_rng(2)
    seen = [random_seen(rng) for _ in range(3000)]
    found = run(
        "answer(cases.map(exploreSentence));",
        cases=[
            {
                "view": {"degree": one.degree, "shift_x": one.shift_x, "shift_y": one.shift_y},
                "readings": for_browser(one.readings),
                "same": one.same_person,
                "drawn": one.drawn_angle,
                "source": one.source,
            }
            for one in seen
        ],
    )
    cases = set()
    for one, said in zip(seen, found, strict=True):
        wanted = explore_sentence(one)
        assert said["truth"] == wanted.truth
        assert (said["case"], said["kind"]) == (wanted.case, wanted.kind), one
        assert said["parts"] == wanted.parts(), one
        cases.add(said["case"])
    assert len(cases) >= 17  # hardly one that was not met


def test_a_photo_without_a_face_is_said_by_its_name():
    said = run("answer(['me.png', ''].map(facelessSentence));")
    assert [one["truth"] for one in said] == [
        "No face was found in me.png.",
        "No face was found in the camera's picture.",
    ]
    assert said[0]["parts"] == [["You still see the last face, and its numbers.", ""]]


def test_without_all_readings_nothing_is_said_of_them():
    view = {"degree": 0, "shift_x": 8, "shift_y": 0}
    one = random_reading(np.random.default_rng(0), "psnr", 0)
    (said,) = run(
        "answer(cases.map(exploreSentence));",
        cases=[{"view": view, "readings": for_browser({"psnr": one}), "same": None}],
    )
    assert (said["case"], said["parts"]) == ("unmeasured", [])
    assert said["truth"] == explore_sentence(Seen(0, 8, 0, {})).truth


@pytest.mark.parametrize("name", TILES)
def test_every_tile_says_which_way_is_closer(name: str):
    tile = run("answer(ROWS.tiles[place]);", place=TILES.index(name))
    row = MEASURES[name]
    assert tile["higher"] == row.higher_is_closer
    assert tile["identical_at"] == (None if math.isinf(row.identical) else row.identical)


def test_numbers_are_rounded_as_python_rounds_them():
    rng = np.random.default_rng(6)
    middles = [16.25, 3.125, 0.5, 1.5, 2.5, 5.625, 16.15, 0.125, 1e-9, 0.0, 100.0, 40.5, 12.5]
    values = [*middles, *(-one for one in middles if one), *rng.uniform(-300, 300, 300).tolist()]
    values += (rng.integers(-(2**12), 2**12, 300) / 2**5).tolist()
    found = run(
        """import { fixed, significant } from "./widgets/texts.js";
        answer(values.map((one) => [0, 1, 2, 3, 4].map((d) => fixed(one, d))
          .concat([3, 4, 6].map((d) => significant(one, d)))));""",
        values=values,
    )
    for value, texts in zip(values, found, strict=True):
        wanted = [f"{value:.{digits}f}" for digits in range(5)]
        assert texts[:5] == wanted, value
        assert [float(text) for text in texts[5:]] == [
            float(f"{value:.{digits}g}") for digits in (3, 4, 6)
        ], value
