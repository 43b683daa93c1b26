"""The sentence on Explore says nothing that the blur equivalents beneath it deny."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurdash.argument import BlurEquivalent
from blurdash.distance import EMBEDDING
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.sentences_explore import RECOGNISER_STATES, Said, Seen, explore_sentence

NAMES = {"psnr": "PSNR", "ssim": "SSIM", EMBEDDING: "embedding"}


def reading(name: str, *degrees: float | str) -> BlurEquivalent:
    row = ARGUMENT_MEASURES[name]
    if degrees and isinstance(degrees[0], str):
        return BlurEquivalent(row, (), degrees[0], 0, 100)
    return BlurEquivalent(row, tuple((float(d), float(d)) for d in degrees), "", 0, 100)


def readings(psnr: object, ssim: object, cosine: object = None) -> dict[str, BlurEquivalent]:
    given_ = {"psnr": psnr, "ssim": ssim, EMBEDDING: cosine}
    found = {name: one if isinstance(one, tuple) else (one,) for name, one in given_.items()}
    return {name: reading(name, *one) for name, one in found.items() if one != (None,)}


@st.composite
def equivalents(draw: st.DrawFn, name: str) -> BlurEquivalent:
    outside = draw(st.sampled_from(["", "", "", "", "beyond", "below"]))
    if outside:
        return reading(name, outside)
    degrees = draw(st.lists(st.integers(0, 100), min_size=1, max_size=3, unique=True))
    return reading(name, *sorted(degrees))


seen = st.builds(
    Seen,
    degree=st.sampled_from([0, 0, 1, 5, 30, 60, 97, 100]),
    shift_x=st.sampled_from([0, 0, 8, -0.5, 32]),
    shift_y=st.sampled_from([0, 0, 4, -16]),
    readings=st.one_of(  # all of them, or none while the curve is not known
        st.builds(dict), st.fixed_dictionaries({name: equivalents(name) for name in CLAIM})
    ),
    recogniser=st.sampled_from(list(RECOGNISER_STATES)),
    same_person=st.sampled_from([None, True, False]),
    source=st.sampled_from([None, None, 34.0]),
)  # fmt: skip


def ends(found: BlurEquivalent) -> tuple[float, float]:
    outside = 101.0 if found.side == "beyond" else 0.0
    return found.extent or (outside, outside)


def denied(said: Said, state: Seen) -> list[str]:
    """What a sentence says that the numbers beneath it deny."""
    found, rest, came = state.readings, said.rest, []
    others = [ends(found[name]) for name in found if name != EMBEDDING]
    own = ends(found[EMBEDDING]) if EMBEDDING in found else None
    for clause in re.split(r"[.;:] |(?<=px), |(?<=px) and ", rest):
        for text in re.findall(r"(?:below [\d ]+|(?:of |over )?[\d–, or]+) px", clause):
            text = re.sub(r"^of ", "", text).strip()
            named = [name for name, word in NAMES.items() if re.search(rf"\b{word}\b", clause)]
            came += [name for name in named if name in found and text not in found[name].short]
    if re.search("every measure reads below|Hardly anyone", rest):
        came += [name for name in found if ends(found[name])[1] >= 10]
    if re.search("measure that is a blur of over 100|Every measure is off", rest):
        came += [name for name in found if found[name].side != "beyond"]
    if "All" in rest:
        came += ["missing"] if len(found) < 2 else []
        came += [name for name in found if found[name].side]
    if re.search("is the worst|exaggerates most", rest):
        came += [] if own and own[0] > max(high for _, high in others) else ["worst"]
    if "reads less than there is" in rest:
        came += [] if own and own[1] < state.degree else ["less"]
    if "fooled too" in rest:
        came += [] if own and own[0] >= 20 else ["fooled"]
    if "by definition" in rest or "ruler." in rest:
        came += ["ruler"] if state.moved else []
    if "same person" in rest:
        came += [] if state.same_person is False and state.recogniser == "ok" else ["person"]
    return came


@given(seen)
def test_no_sentence_of_explore_says_what_a_number_denies(state: Seen) -> None:
    if not state.moved:
        state.readings.clear()  # type: ignore[attr-defined] - its own degree, by definition
    if state.recogniser != "ok":
        state.readings.pop(EMBEDDING, None)  # type: ignore[attr-defined]
    said = explore_sentence(state)
    assert denied(said, state) == [], said
    whole = f"{said.truth} {said.rest}".strip()
    assert whole[:1].isupper(), whole
    assert whole.endswith("."), whole
    assert not re.search(r"  |\bof of\b|nan|\bof below\b|\bNone\b", whole), whole
    assert (f"Blurred by {state.degree} px" in whole) == bool(state.degree)
    for amount in (state.shift_x, state.shift_y):
        assert not amount or f"{abs(amount):g} px" in said.truth
    if not state.degree:
        assert "Blurred" not in said.truth
    assert "".join(text for text, _ in said.parts()) == said.rest
    assert {family for _, family in said.parts()} <= {"", "pixels", "embedding"}


CASES = [
    (Seen(0, 0, 0, {}), "none", "Twice the same picture. Every measure says so."),
    (Seen(1, 0, 0, {}, drawn_angle=True), "one", "Blurred by 1 px, not moved. The study draws"),
    (Seen(30, 0, 0, {}), "ruler", "Blurred by 30 px, not moved. Here all measures read 30 px, by"),
    (Seen(100, 0, 0, {}, same_person=False), "stranger", "no longer takes it for the same person"),
    (Seen(0, 0.5, 0, readings(3, 4, 2)), "tiny", "Hardly anyone minds: every measure reads below"),
    (Seen(0, 32, 32, readings("beyond", "beyond", "beyond")), "allover", "32 px right and 32 px d"),
    (Seen(0, 8, 0, readings(41, 42, 40)), "agree", "All take it for a blur of about 41 px"),
    (Seen(0, 2, 0, readings(20, 14, 60)), "worst", "is the worst: 60 px. PSNR reads a blur of 20"),
    (
        Seen(0, 32, 0, readings("beyond", "beyond", 22)),
        "fooled",
        "PSNR and SSIM take it for a blur of over 100 px. The embedding is fooled too: 22 px.",
    ),
    (
        Seen(0, 8, 0, readings(74, "beyond", 15)),
        "split",
        "Not blurred at all, only moved by 8 px. SSIM takes it for a blur of over 100 px, PSNR of "
        "74 px, the embedding of 15 px.",
    ),
    (Seen(0, 8, 0, readings((20, 50), 80, 4)), "split", "PSNR of 20 or 50 px, the embedding below"),
    (Seen(0, 0, -8, {}), "unmeasured", "Not blurred at all, only moved by 8 px up."),
    (Seen(1, 0.5, 0, readings(3, 4, 2)), "tiny2", "Too little for the ruler"),
    (Seen(100, 8, 0, readings("beyond", "beyond", 99)), "end", "PSNR and SSIM can only say “over”"),
    (Seen(50, 1, 0, readings(51, 49, 50)), "right", "All read the blur about right"),
    (Seen(60, 9, 9, readings("beyond", "beyond", "beyond")), "allover2", "off its scale: over 100"),
    (
        Seen(30, 8, 0, readings(59, 38, 32)),
        "embright",
        "The embedding reads 32 px, about right. PSNR takes it for a blur of 59 px and SSIM of 38",
    ),
    (Seen(75, 4, 0, readings(72, 62, 60)), "embless", "less than there is: 60 px. PSNR reads a b"),
    (Seen(30, 4, 0, readings(55, 44, 70)), "worst2", "exaggerates most: 70 px. PSNR reads a blur"),
    (Seen(10, 8, 0, readings(71, 85, 15)), "split2", "SSIM takes it for a blur of 85 px, PSNR of"),
    (
        Seen(0, 8, 0, readings(74, "beyond"), recogniser="loading"),
        "split",
        "SSIM takes it for a blur of over 100 px and PSNR of 74 px. The embedding has not spoken",
    ),
    (Seen(30, 0, 0, {}, recogniser="missing"), "ruler", "Here PSNR and SSIM read 30 px"),
    (Seen(60, 8, 0, readings(70, 80), recogniser="gone"), "split2", "the embedding is silent."),
    (
        Seen(30, 0, 0, {}, source=34.4),
        "ruler",
        "Cut from 34 px of its photo: blurred before we began.",
    ),
]


@pytest.mark.parametrize(("state", "case", "part"), CASES, ids=[case for _, case, _ in CASES])
def test_each_case_says_what_it_is_for(state: Seen, case: str, part: str) -> None:
    said = explore_sentence(state)
    assert said.case == case
    assert part in f"{said.truth} {said.rest}"
