"""No sentence says what a row beneath it denies, whatever the settings and the numbers."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurdash.argument import BlurEquivalent, ScepticRow
from blurdash.disturb import Disturbance
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.sentences import (
    CLAIM,
    EMBEDDING,
    Blur,
    ShownRow,
    angle_sentence,
    done_to_sharp,
    embedding_sentence,
    fails_below,
    pixels_sentence,
    preferences_sentence,
    sceptic_notes,
    sceptic_sentence,
    shown_row,
    shown_rows,
    vote_sentences,
)

SIDES = ("the sharp one", "the blurred one")
# What may be said only where it was done.
CAUSES = {
    r"\bedge that moved": lambda s: s.x or s.y or s.rotation or s.scale != 1,
    r"\bshift|\bfurther|\bmoved by": lambda s: s.x or s.y,
    r"\bturn(ed)?\b": lambda s: s.rotation,
    r"\bsize\b|\bscaled": lambda s: s.scale != 1,
    r"\bbright|\bdark": lambda s: s.gain != 1,
    r"\bnoise|\bgrain": lambda s: s.noise,
    r"\bunchanged": lambda s: s == Disturbance(),
}
WORDS = {"PSNR": "psnr", "SSIM": "ssim", "embedding": EMBEDDING, "recogniser": EMBEDDING}

numbers = {
    "psnr": st.one_of(st.just(math.inf), st.floats(10, 50)),
    "ssim": st.floats(0, 1),
    EMBEDDING: st.one_of(st.just(math.nan), st.floats(-1, 1)),
}


@st.composite
def nearly_equal(draw: st.DrawFn, name: str) -> tuple[float, float]:
    """Two values of a measure, often equal in the digits that are shown or altogether."""
    first = draw(numbers[name])
    nudge = 10.0 ** -(ARGUMENT_MEASURES[name].decimals + 1)
    near = st.sampled_from([first, first + nudge, first - nudge])
    return first, draw(st.one_of(near, numbers[name]))


pairs = st.fixed_dictionaries({name: nearly_equal(name) for name in CLAIM})
disturbances = st.builds(
    Disturbance,
    x=st.sampled_from([0, 0, 8.5, -16]),
    y=st.sampled_from([0, 0, 3]),
    rotation=st.sampled_from([0, 0, -5]),
    scale=st.sampled_from([1, 1, 1.05]),
    gain=st.sampled_from([1, 1, 0.7, 1.3]),
    noise=st.sampled_from([0, 0, 20]),
)
degrees = st.sampled_from([0, 1, 5, 30, 100])


def rows_of(pair: dict[str, tuple[float, float]], alike: str = "") -> dict[str, ShownRow]:
    first, second = ({name: values[i] for name, values in pair.items()} for i in (0, 1))
    return shown_rows(first, second, alike=alike)


def measures_in(text: str) -> list[str]:
    return [name for word, name in WORDS.items() if re.search(rf"\b{word}\b", text)]


def denied(said: str, rows: dict[str, ShownRow]) -> list[str]:
    """What of a sentence its rows deny."""
    came = []
    for clause in re.split(r"[;:.] ", said):
        found = re.search(r"^(.*?)\bprefers? .*?\b(sharp|blurred)\b", clause)
        if found:
            side = ("sharp", "blurred").index(found[2])
            came += [name for name in measures_in(found[1]) if rows[name].side != side]
        if re.search(r"\b(alike|equally close)\b", clause):
            came += [name for name in measures_in(clause) if not rows[name].ties]
        if "is the closer one" in clause and rows[EMBEDDING].side != 0:
            came.append(EMBEDDING)
    return came


def named_without_cause(said: str, sharp: Disturbance) -> list[str]:
    return [
        word for word, in_play in CAUSES.items() if re.search(word, said) and not in_play(sharp)
    ]


@given(pairs, disturbances, degrees, st.sampled_from(["", "psnr", "ssim"]))
def test_no_sentence_says_what_a_row_denies(pair, sharp, degree, alike) -> None:
    rows = rows_of(pair, alike)
    said = [
        pixels_sentence(rows, sharp, degree),
        embedding_sentence(rows[EMBEDDING], sharp, degree),
        preferences_sentence(rows, SIDES),
        *vote_sentences(rows, sharp, degree, ("blurred", "sharp")),
    ]
    for sentence in said:
        assert denied(sentence, rows) == [], sentence
        assert sentence[:1].isupper(), sentence
        assert sentence.endswith("."), sentence
        assert not re.search(r"\bnan\b|  |\(\)", sentence), sentence
    for sentence in said[:2]:
        assert named_without_cause(sentence, sharp) == [] or degree == 0, sentence


@given(pairs, disturbances, degrees)
def test_everything_that_was_done_is_told_after_the_vote(pair, sharp, degree) -> None:
    said = vote_sentences(rows_of(pair), sharp, degree, ("sharp", "blurred"))
    of_a, _, of_b = said[0].partition(" B is ")
    assert named_without_cause(of_a, sharp) == []
    for word, in_play in CAUSES.items():
        if in_play(sharp) and "edge" not in word:
            assert re.search(word, of_a), word
    assert (f"{degree} px" in of_b) == bool(degree)
    if len(said) > 1:
        for text in re.findall(r"[\d.]+(?= dB)", said[1]):
            first, second = (float(one) for one in rows_of(pair)["psnr"].texts)
            assert float(text) == pytest.approx(abs(first - second), abs=0.006)


@given(nearly_equal(EMBEDDING), st.lists(st.floats(0, 140), min_size=2, max_size=2))
def test_the_longer_blur_is_the_one_of_the_larger_true_length(values, lengths) -> None:
    row = shown_row(EMBEDDING, *values)
    blurs = tuple(
        Blur(degree, angle, f"{length:.1f}")
        for (degree, angle), length in zip(((80, 30), (60, 0)), lengths, strict=True)
    )
    said = angle_sentence(row, blurs)
    if row.side is None:
        assert "leaves more" not in said
        return
    kept, lost = (float(blurs[side].length) for side in (row.side, 1 - row.side))
    assert ("longer blur leaves" in said) == (kept > lost)
    assert ("shorter blur" in said) == (kept < lost)
    assert ("larger degree" in said) == (kept < lost and row.side == 0)
    assert said.index(f"{blurs[row.side].degree} px") < said.index(
        f"{blurs[1 - row.side].degree} px"
    )


@given(st.lists(pairs, min_size=1, max_size=6))
def test_the_sceptics_counts_are_those_of_the_cells(several) -> None:
    rows = [
        ScepticRow(
            "study", 45, "fixed", ("none", "phase")[i % 2],
            *({name: values[side] for name, values in pair.items()} for side in (0, 1)),
            note="",
        )
        for i, pair in enumerate(several)
    ]  # fmt: skip
    counts = [sum(rows_of(pair)[name].side == 1 for pair in several) for name in CLAIM]
    assert [int(text) for text in re.findall(r"in (\d+)", sceptic_sentence(rows))] == counts
    registered = [rows_of(pair) for pair in several[1::2]]
    for note in sceptic_notes(rows):
        if note.startswith("Registered first"):
            named = measures_in(note.partition(":")[0].replace("the embedding", ""))
            named += [EMBEDDING] if "with the embedding" in note else []
            assert registered
            assert all(one[name].side == 0 for one in registered for name in named)
        else:
            assert counts[-1]


def test_what_is_said_reads_well() -> None:
    both = rows_of({"psnr": (22.0, 30.0), "ssim": (0.5, 0.8), EMBEDDING: (0.99, 0.9)})
    assert pixels_sentence(both, Disturbance(x=16), 50) == (
        "PSNR and SSIM prefer the blurred picture: an edge that moved counts as an edge that is "
        "wrong."
    )
    light = pixels_sentence(both, Disturbance(gain=0.7, noise=20), 30)
    assert light.endswith(
        ": another brightness counts at every pixel and every grain of noise counts as an error."
    )
    one = rows_of({"psnr": (22.0, 30.0), "ssim": (0.9, 0.8), EMBEDDING: (0.9, 0.99)})
    assert pixels_sentence(one, Disturbance(x=16), 50).endswith("; SSIM does not.")
    twins = pixels_sentence(rows_of({"psnr": (22, 22), "ssim": (0.5, 0.8)}), Disturbance(x=4), 60)
    assert twins.endswith("; to PSNR both are alike.")
    assert embedding_sentence(one[EMBEDDING], Disturbance(x=3, noise=20), 5) == (
        "Here the recogniser prefers the blurred picture, 0.9900 against 0.9000: this blur changes "
        "the embedding less than shift and noise do."
    )
    kept = rows_of({"psnr": (40.0, 30.0), "ssim": (0.9, 0.8)})
    assert pixels_sentence(kept, Disturbance(noise=3), 50) == (
        "Here PSNR and SSIM prefer the sharp picture: give it more noise, or blur less."
    )
    same = rows_of({"psnr": (math.inf, math.inf), "ssim": (1.0, 1.0), EMBEDDING: (1.0, 1.0)})
    assert pixels_sentence(same, Disturbance(), 0) == (
        "Both pictures are the clean one. To PSNR and SSIM both are alike."
    )
    assert preferences_sentence({}, SIDES) == "Nothing is measured yet."
    assert done_to_sharp(Disturbance(x=3, y=4)) == "the photo itself, moved by 5 px of 1024"


def test_where_the_embedding_fails_is_said_of_every_kind_of_curve() -> None:
    row = ARGUMENT_MEASURES[EMBEDDING]
    one = fails_below(BlurEquivalent(row, ((33.2, 33.2),), "", 0, 100))
    assert one.startswith(
        "With a blur below 33 px the embedding, too, prefers the blurred picture."
    )
    several = fails_below(BlurEquivalent(row, ((4, 6), (20, 22)), "", 0, 100))
    assert "below 10 px" in several
    assert "now and then up to 22 px" in several
    assert "For no blur" in fails_below(BlurEquivalent(row, (), "beyond", 0, 100))
    assert "Against every blur" in fails_below(BlurEquivalent(row, (), "below", 0, 100))
