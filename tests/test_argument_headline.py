"""Headlines of Argument: none says what the rows beneath it, or the room's count, deny."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from blurdash.ui.components.scripts import script
from tests.node import answer_of

WORDS = ("PSNR", "SSIM", "the embedding")
CASES = 600


def headlines(cases: list[dict[str, Any]]) -> list[str]:
    code = """import { headlineOf } from "./widgets/argument_headline.js";
answer(%s.map(headlineOf));
"""
    found: list[str] = answer_of(script("test.js", {"test.js": code % json.dumps(cases)}))
    return found


def random_case(rng: np.random.Generator, scene: str) -> dict[str, Any]:
    shown = {"two-pictures": 0, "pixels": rng.integers(1, 3), "angle": rng.choice([2, 3])}
    count = shown.get(scene, 3)
    rows = random_rows(rng, count)
    left = int(rng.integers(0, 31))
    counts = [[left, 30 - left], [0, 0], [9, 9]][rng.integers(3)]
    lengths = sorted(
        (float(round(one, 1)) for one in rng.uniform(1, 90, 2)), reverse=bool(left % 2)
    )
    return {
        "scene": scene,
        "step": int(rng.integers({"embedding": 3, "sceptic": 4, "take-home": 1}.get(scene, 2))),
        "room": {"counts": counts, "asked": bool(rng.integers(4))},
        "rows": rows,
        "before": random_rows(rng, count),
        "sharp": int(rng.integers(2)),
        "degree": int(rng.integers(1, 101)),
        "lengths": [lengths[0], lengths[0]] if rng.random() < 0.1 else lengths,
        "otherwise": "Something else.",
    }


def random_rows(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    rows = [
        {
            "word": word,
            "pixels": word != WORDS[-1],
            "side": [0, 1, None][rng.integers(3)],
            "known": True,
        }
        for word in WORDS[:count]
    ]
    for row in rows:
        if row["side"] is None:
            row["known"] = bool(rng.integers(2))
    return rows


def named(clause: str) -> list[str]:
    return [word for word in WORDS if word.lower() in clause.lower()]


def check_choices(said: str, case: dict[str, Any]) -> None:
    """Every row is spoken of once, and of each the truth."""
    rows = {row["word"]: row for row in case["rows"]}
    counts, asked = case["room"]["counts"], case["room"]["asked"]
    spoken: list[str] = []
    for clause in re.findall(r"[^.]+\.", said):
        words = list(rows) if "all three" in clause.lower() else named(clause)
        spoken += words
        if found := re.search(r"(\d+) of you chose ([AB])", clause):
            assert asked
            assert int(found[1]) == counts["AB".index(found[2])] > min(counts)
        elif "You are split" in clause:
            assert asked
            assert counts[0] == counts[1] > 0
        elif "So did" in clause:
            assert {rows[word]["side"] for word in words} == {int(counts[1] > counts[0])}
        elif found := re.search(r"chose ([AB])", clause):
            assert {rows[word]["side"] for word in words} == {"AB".index(found[1])}
        elif "both are alike" in clause:
            assert all(rows[word]["known"] and rows[word]["side"] is None for word in words)
        else:
            assert "no number" in clause, clause
            assert not any(rows[word]["known"] for word in words)
    assert sorted(spoken) == sorted(rows), said


@pytest.mark.parametrize(
    "scene",
    ["two-pictures", "pixels", "embedding", "angle", "sceptic", "take-home", "how-often"],
)
def test_no_headline_says_what_a_row_denies(scene: str):
    rng = np.random.default_rng(len(scene))
    cases = [random_case(rng, scene) for _ in range(CASES)]
    for case, said in zip(cases, headlines(cases), strict=True):
        assert not said[0].islower(), said
        assert said.endswith("."), said
        if scene == "how-often" or (scene == "two-pictures" and not case["step"]):
            assert said == "Something else."
        elif scene == "two-pictures":
            check_vote(said, case)
        elif scene == "sceptic":
            check_ways(said, case)
        elif scene == "take-home":
            check_home(said, case)
        elif scene == "angle":
            first, _, rest = said.partition(". ")
            one, other = case["lengths"]
            assert ("of one length" in first) == (one == other)
            if one != other:
                assert f"blur of {'AB'[other > one]} is truly" in first
                assert float(re.search(r"([\d.]+) px", first)[1]) == pytest.approx(  # type: ignore[index]
                    abs(one - other), abs=0.51
                )
            check_choices(rest, {**case, "room": {"counts": [0, 0], "asked": True}})
        elif scene == "embedding" and case["step"] == 2:
            check_fails(said, case)
        elif scene == "embedding" and case["step"] == 1:
            assert not re.search("chose|prefer", said)
        else:
            check_choices(said, case)


def check_vote(said: str, case: dict[str, Any]) -> None:
    counts, sharp = case["room"]["counts"], case["sharp"]
    if counts[0] == counts[1]:
        assert f"The sharp one is {'AB'[sharp]}." in said
        assert ("Nobody voted" in said) == (not counts[0])
    else:
        winner = int(counts[1] > counts[0])
        which = "sharp" if winner == sharp else "blurred"
        assert said == f"{counts[winner]} of {sum(counts)} chose {'AB'[winner]}, the {which} one."


def check_fails(said: str, case: dict[str, Any]) -> None:
    *pixels, own = case["rows"]
    assert f"a blur of {case['degree']} px" in said
    blurred = 1 - case["sharp"]
    assert ("chose the blurred one" in said) == (own["side"] == blurred)
    assert ("stays with the sharp one" in said) == (own["side"] == case["sharp"])
    assert ("no number" in said) == (not own["known"])
    if ", too," in said:
        assert any(row["side"] == blurred for row in pixels)


def check_ways(said: str, case: dict[str, Any]) -> None:
    """Whose mind has changed, against the pair as it is; and who chose which picture now."""
    nobody = {**case, "room": {"counts": [0, 0], "asked": True}}
    how, rest = said.split(": ", 1)
    assert how in ("As they are", "Registered first", "The face detected again", "Both")
    if not case["step"]:
        check_choices(rest, nobody)
        return
    first, now = rest.split(". ", 1)
    before = {row["word"]: row["side"] for row in case["before"]}
    changed = [row["word"] for row in case["rows"] if before[row["word"]] != row["side"]]
    assert named(first) == changed
    assert ("nobody changes sides" in first) == (not changed)
    check_choices(now, nobody)


def check_home(said: str, case: dict[str, Any]) -> None:
    counts, asked = case["room"]["counts"], case["room"]["asked"]
    if not asked or counts[0] == counts[1]:
        check_choices(said, {**case, "room": {"counts": [0, 0], "asked": True}})
        return
    winner = int(counts[1] > counts[0])
    first, _, rest = said.partition(". ")
    assert first.startswith(f"{counts[winner]} of 30 chose {'AB'[winner]}, the ")
    assert ("the sharp one" in first) == (winner == case["sharp"])
    sides = {row["word"]: row for row in case["rows"]}
    for clause in re.findall(r"[^.]+\.", rest):
        for word in named(clause):
            assert ("So did" in clause) == (sides[word]["side"] == winner)
            assert sides[word]["known"]


LINES = """import { homeLines } from "./pages/argument_home.js";
answer(%s.map(homeLines));
"""


def test_what_to_take_home_holds_of_the_rows():
    rng = np.random.default_rng(5)
    still = {"rotation": 0, "scale": 1, "gain": 1, "noise": 0}
    cases = [
        {
            "rows": random_rows(rng, 3),
            "sliders": {"x": float(rng.choice([0, 8])), "y": 0, "degree": 30, **still},
            "from": [None, 15.2][rng.integers(2)],
            "registered": [[], ["PSNR", "SSIM"]][rng.integers(2)],
        }
        for _ in range(CASES)
    ]
    found = answer_of(script("test.js", {"test.js": LINES % json.dumps(cases)}))
    for case, lines in zip(cases, found, strict=True):
        *pixels, own = case["rows"]
        fooled = [row["word"] for row in pixels if row["side"] == 1]
        first = lines[0]
        assert ("more than a blur of 30 px" in first) == bool(fooled)
        if fooled:
            assert named(first) == fooled
            assert ("a move of 8 px" in first) == (case["sliders"]["x"] == 8)
        said = " ".join(lines)
        assert ("it chose the blurred one" in said) == (own["side"] == 1)
        assert ("it sides with the sharp one" in said) == (own["side"] == 0)
        assert ("of about 15 px on" in said) == (own["side"] == 0 and case["from"] is not None)
        assert ("Register first" in said) == bool(case["registered"])
        assert lines[-1].startswith("So for faces: report the embedding beside PSNR")


def test_they_read_well():
    def rows(*sides: int) -> list[dict[str, Any]]:
        every = zip(WORDS, sides, strict=False)
        return [
            {"word": word, "pixels": word != WORDS[-1], "known": True, "side": side}
            for word, side in every
        ]

    base: dict[str, Any] = {"room": {"counts": [23, 7], "asked": True}, "sharp": 0, "degree": 10}
    base["lengths"] = [56.0, 68.0]
    told = [
        ("two-pictures", 1, rows(), "23 of 30 chose A, the sharp one."),
        ("pixels", 0, rows(1), "23 of you chose A. PSNR chose B."),
        ("pixels", 1, rows(1, 1), "23 of you chose A. PSNR and SSIM chose B."),
        (
            "embedding",
            0,
            rows(1, 1, 0),
            "23 of you chose A. So did the embedding. PSNR and SSIM chose B.",
        ),
        (
            "embedding",
            2,
            rows(1, 1, 1),
            "It fails here: against a blur of 10 px the embedding, too, chose the blurred one.",
        ),
        (
            "angle",
            1,
            rows(0, 0, 1),
            "The blur of B is truly 12 px longer. PSNR and SSIM chose A. The embedding chose B.",
        ),
    ]
    told += [
        (
            "sceptic",
            1,
            rows(0, 0, 0),
            "Registered first: PSNR and SSIM change their minds. All three chose A.",
        ),
        (
            "sceptic",
            2,
            rows(1, 1, 0),
            "The face detected again: nobody changes sides. PSNR and SSIM chose B. The embedding "
            "chose A.",
        ),
        (
            "take-home",
            0,
            rows(1, 1, 0),
            "23 of 30 chose A, the sharp one. So did the embedding. PSNR and SSIM did not.",
        ),
    ]
    base["before"] = rows(1, 1, 0)
    cases = [{**base, "scene": scene, "step": step, "rows": all_} for scene, step, all_, _ in told]
    nobody = {**base, "scene": "embedding", "step": 0, "rows": rows(0, 0, 0)}
    cases.append({**nobody, "room": {"counts": [0, 0]}})
    assert headlines(cases) == [*(said for *_, said in told), "All three chose A."]
