"""The sentences that stand above numbers: each is read off the rows beneath it, as they are shown.

A row shows two numbers in so many digits. Where these are equal it prefers neither, whatever the
digits behind them say; and no sentence here knows more than its rows. What was done to the
pictures is given too, so that a cause is named only where it is in play.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blurdash.argument import LEAST_SAID, BlurEquivalent, Corners, ScepticRow
from blurdash.clean import REDETECT
from blurdash.distance import EMBEDDING
from blurdash.disturb import Disturbance
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.table import INFINITE
from blurdash.words import listed, sentence

__all__ = [
    "PIXEL_CLAIM",
    "Blur",
    "ShownRow",
    "angle_sentence",
    "crop_place",
    "done_to_blurred",
    "done_to_sharp",
    "embedding_sentence",
    "fails_below",
    "pixels_sentence",
    "preferences_sentence",
    "sceptic_notes",
    "sceptic_sentence",
    "shown_row",
    "shown_rows",
    "vote_sentences",
    "word",
]

PIXEL_CLAIM = tuple(name for name in CLAIM if name != EMBEDDING)
SHARP, BLURRED = 0, 1


@dataclass(frozen=True)
class ShownRow:
    """What a measure says of two pictures, as a person reads it.

    Attributes:
        measure: A key of ``ARGUMENT_MEASURES``.
        texts: Both values as they are shown.
        side: Which one it prefers: 0, 1, or None for neither or where a value is missing.
        known: Whether both have a value.
        alike: Whether the pictures were made alike to this measure, as twins are.
    """

    measure: str
    texts: tuple[str, str]
    side: int | None
    known: bool = True
    alike: bool = False

    @property
    def ties(self) -> bool:
        """Whether both have a value and none is preferred."""
        return self.known and self.side is None


def shown_row(name: str, first: float, second: float, *, alike: bool = False) -> ShownRow:
    """Returns a row as it is shown.

    Args:
        name: A key of ``ARGUMENT_MEASURES``.
        first: Value of the one picture; NaN where it has none.
        second: Of the other.
        alike: Whether the pictures are twins to this measure, equal within what the search allows.

    Example:
        >>> shown_row("psnr", 30.001, 30.004).side is None, shown_row("psnr", 30.0, 31.0).side
        (True, 1)
    """
    row = ARGUMENT_MEASURES[name]
    texts = row.shown(first), row.shown(second)
    known = not (math.isnan(first) or math.isnan(second))
    if not known or alike or texts[0] == texts[1]:
        return ShownRow(name, texts, None, known, alike)
    return ShownRow(name, texts, 0 if row.prefers(first, second) else 1)


def shown_rows(
    first: Mapping[str, float],
    second: Mapping[str, float],
    names: Iterable[str] = CLAIM,
    *,
    alike: str = "",
) -> dict[str, ShownRow]:
    """Returns the rows of two pictures by measure; those that one of them lacks are left out.

    Args:
        first: Values of the one picture by measure.
        second: Of the other.
        names: Which measures, in which order.
        alike: The measure whose twins they are; empty for none.
    """
    return {
        name: shown_row(name, first[name], second[name], alike=name == alike)
        for name in names
        if name in first and name in second
    }


def word(name: str) -> str:
    """Returns what a measure is called in a sentence."""
    return "the embedding" if name == EMBEDDING else ARGUMENT_MEASURES[name].label


def preferences_sentence(rows: Mapping[str, ShownRow], pictures: Sequence[str]) -> str:
    """Returns who prefers which of two pictures, those who prefer neither included.

    Args:
        rows: By measure; the pictures in the order of ``pictures``.
        pictures: What the pictures are called.

    Example:
        >>> rows = shown_rows({"psnr": 20.0, "ssim": 0.5}, {"psnr": 30.0, "ssim": 0.5})
        >>> preferences_sentence(rows, ("the sharp picture", "the blurred one"))
        'PSNR prefers the blurred one; to SSIM both are alike.'
    """
    parts = []
    for side in (1, 0):
        names = [word(name) for name, row in rows.items() if row.side == side]
        if names:
            parts.append(f"{listed(names)} {_prefer(names)} {pictures[side]}")
    ties = [word(name) for name, row in rows.items() if row.ties]
    if ties and not parts:
        return f"To {listed(ties)} both are alike."
    if ties:
        parts.append(f"to {listed(ties)} both are alike")
    missing = [word(name) for name, row in rows.items() if not row.known]
    if missing:
        parts.append(f"{listed(missing)} {'has' if len(missing) == 1 else 'have'} no value")
    return sentence("; ".join(parts)) if parts else "Nothing is measured yet."


def _prefer(names: Sequence[str]) -> str:
    return "prefer" if len(names) > 1 else "prefers"


# ---- what was done ------------------------------------------------------------------------------


def _moved_words(sharp: Disturbance) -> list[str]:
    """What was done to the geometry of a picture."""
    far = math.hypot(sharp.x, sharp.y)
    return [
        text
        for text, is_so in (
            (f"moved by {far:.3g} px", far > 0),
            (f"turned by {abs(sharp.rotation):.3g}°", sharp.rotation != 0),
            (f"scaled to {100 * sharp.scale:.4g} %", sharp.scale != 1),
        )
        if is_so
    ]


def _light_words(sharp: Disturbance) -> list[str]:
    """What was done to the values of a picture."""
    light = f"{'brightened' if sharp.gain > 1 else 'darkened'} to {100 * sharp.gain:.4g} %"
    grain = f"with noise of {sharp.noise:.3g} grey levels"
    return [text for text, is_so in ((light, sharp.gain != 1), (grain, sharp.noise != 0)) if is_so]


def done_to_sharp(sharp: Disturbance) -> str:
    """Returns all that was done to the sharp picture.

    Example:
        >>> done_to_sharp(Disturbance(x=4, noise=40, rotation=5))
        'the photo, not blurred, but moved by 4 px, turned by 5° and with noise of 40 grey levels'
        >>> done_to_sharp(Disturbance(x=3, y=4)), done_to_sharp(Disturbance())
        ('the photo itself, moved by 5 px of 1024', 'the photo itself, unchanged')
    """
    words = [*_moved_words(sharp), *_light_words(sharp)]
    if not words:
        return "the photo itself, unchanged"
    if sharp.moves_only and len(words) == 1 and not sharp.rotation and sharp.scale == 1:
        return f"the photo itself, {words[0]} of 1024"
    return f"the photo, not blurred, but {listed(words)}"


def done_to_blurred(degree: float) -> str:
    """Returns what was done to the blurred picture."""
    return f"blurred over {degree:g} px" if degree else "the photo itself, unchanged"


def _nouns(sharp: Disturbance) -> list[str]:
    """What was done to the sharp picture, as things."""
    pairs = (
        ("shift", bool(sharp.x or sharp.y)),
        ("turn", sharp.rotation != 0),
        ("change of size", sharp.scale != 1),
        ("change of brightness", sharp.gain != 1),
        ("noise", sharp.noise != 0),
    )
    return [text for text, is_so in pairs if is_so]


def _causes(sharp: Disturbance) -> str:
    """Why a pixel measure calls a sharp picture worse, of what is in play."""
    causes = []
    if _moved_words(sharp):
        causes.append("an edge that moved counts as an edge that is wrong")
    if sharp.gain != 1:
        causes.append("another brightness counts at every pixel")
    if sharp.noise:
        causes.append("every grain of noise counts as an error")
    return listed(causes)


def _advice(sharp: Disturbance) -> str:
    """What makes the pixel measures change their minds."""
    more = "move it further" if sharp.x or sharp.y else f"give it more {_nouns(sharp)[0]}"
    return f"{more}, or blur less"


# ---- the scenes ---------------------------------------------------------------------------------


def _special(rows: Mapping[str, ShownRow], sharp: Disturbance, degree: float) -> str:
    """Where a picture is the clean one itself, there is nothing to argue about."""
    changed = bool(_nouns(sharp))
    if not changed and not degree:
        return f"Both pictures are the clean one. {preferences_sentence(rows, ('', ''))}"
    names = ("the sharp one", "the blurred one")
    if not degree:
        start = "The picture that is to be blurred is not: it is the clean one."
        return f"{start} {preferences_sentence(rows, names)}"
    if not changed:
        start = "The sharp picture is the clean one, unchanged."
        return f"{start} {preferences_sentence(rows, names)}"
    return ""


def pixels_sentence(rows: Mapping[str, ShownRow], sharp: Disturbance, degree: float) -> str:
    """Returns what PSNR and SSIM make of a sharp, disturbed picture against a blurred one.

    Args:
        rows: By measure, the sharp picture first; others than PSNR and SSIM are left aside.
        sharp: What was done to the sharp picture.
        degree: Length of the blur of the other, px; 0 for none.

    Example:
        >>> rows = shown_rows({"psnr": 20.0}, {"psnr": 30.0})
        >>> pixels_sentence(rows, Disturbance(noise=8), 30)
        'PSNR prefers the blurred picture: every grain of noise counts as an error.'
    """
    rows = {name: rows[name] for name in PIXEL_CLAIM if name in rows}
    if special := _special(rows, sharp, degree):
        return special
    fooled = [word(name) for name, row in rows.items() if row.side == BLURRED]
    kept = [word(name) for name, row in rows.items() if row.side == SHARP]
    ties = [word(name) for name, row in rows.items() if row.ties]
    if not fooled:
        return _not_fooled(kept, ties, sharp)
    rest = ""
    if kept or ties:
        rest = f"; {listed(kept)} does not" if kept else f"; to {listed(ties)} both are alike"
    return f"{listed(fooled)} {_prefer(fooled)} the blurred picture: {_causes(sharp)}{rest}."


def _not_fooled(kept: Sequence[str], ties: Sequence[str], sharp: Disturbance) -> str:
    if not kept:
        return f"To {listed(ties)} both pictures are alike." if ties else "Nothing is measured yet."
    alike = f"; to {listed(ties)} both are alike" if ties else ""
    return f"Here {listed(kept)} {_prefer(kept)} the sharp picture{alike}: {_advice(sharp)}."


def embedding_sentence(row: ShownRow, sharp: Disturbance, degree: float) -> str:
    """Returns what the recogniser makes of a sharp, disturbed picture against a blurred one.

    Args:
        row: Of the cosine similarity, the sharp picture first.
        sharp: What was done to the sharp picture.
        degree: Length of the blur of the other, px; 0 for none.

    Example:
        >>> row = shown_row("cosine_similarity", 0.95, 0.9)
        >>> embedding_sentence(row, Disturbance(x=8), 30)
        'To the recogniser the sharp picture is the closer one: 0.9500 against 0.9000.'
    """
    if not row.known:
        return "In one of the two pictures no face is found: the recogniser has no number for it."
    if special := _special({row.measure: row}, sharp, degree):
        return special
    first, second = row.texts
    if row.side is None:
        return f"To the recogniser both pictures are equally close: {first} and {second}."
    if row.side == SHARP:
        return f"To the recogniser the sharp picture is the closer one: {first} against {second}."
    nouns = _nouns(sharp)
    what = f"this {nouns[0]} does" if len(nouns) == 1 else f"{listed(nouns)} do"
    return (
        f"Here the recogniser prefers the blurred picture, {second} against {first}: this blur "
        f"changes the embedding less than {what}."
    )


def vote_sentences(
    rows: Mapping[str, ShownRow], sharp: Disturbance, degree: float, pictures: Sequence[str]
) -> list[str]:
    """Returns what is told after a blind vote: what each picture is, and by how much it is off.

    Args:
        rows: By measure, the sharp picture first.
        sharp: What was done to the sharp picture.
        degree: Length of the blur of the other, px.
        pictures: ``sharp`` and ``blurred`` in the order in which they hang, A first.
    """
    done = {"sharp": done_to_sharp(sharp), "blurred": done_to_blurred(degree)}
    first, second = (done[which] for which in pictures)
    lines = [f"A is {first}. B is {second}."]
    pixel = [rows[name] for name in PIXEL_CLAIM if name in rows]
    if degree and _nouns(sharp) and pixel and all(row.side == BLURRED for row in pixel):
        marks = listed([f"{word(row.measure)} by {_difference(row)}" for row in pixel])
        lines.append(f"The blurred one gets the better mark, from {marks}.")
    return lines


def _difference(row: ShownRow) -> str:
    """By how much the numbers that are shown differ."""
    measure = ARGUMENT_MEASURES[row.measure]
    one, other = (math.inf if text == INFINITE else float(text) for text in row.texts)
    return measure.shown(abs(one - other), with_unit=True)


class Blur(NamedTuple):
    """One of two blurs: degree, px; angle, degrees; true length as it is shown, px."""

    degree: int
    angle: float
    length: str


def angle_sentence(row: ShownRow | None, blurs: tuple[Blur, Blur]) -> str:
    """Returns what two blurs of other angles cost, by their true lengths.

    Args:
        row: Of the cosine similarity; None while it is computed.
        blurs: In the row's order.

    Example:
        >>> row = shown_row("cosine_similarity", 0.95, 0.9)
        >>> said = angle_sentence(row, (Blur(80, 30, "82.4"), Blur(60, 0, "84.8")))
        >>> said.partition(":")[0]
        'The larger degree is truly the shorter blur, and leaves more of the face'
    """
    if row is None:
        return "Does the same length of blur cost as much of the face at every angle?"
    if not row.known:
        return "In one of the two pictures no face is found: the recogniser has no number for it."
    if row.side is None:
        return f"To the recogniser both blurs leave as much of the face: {row.texts[0]}."
    kept, lost = blurs[row.side], blurs[1 - row.side]
    more, less = row.texts[row.side], row.texts[1 - row.side]
    longer = float(kept.length) - float(lost.length)
    if not longer:
        head = "Two blurs of one length, and one leaves more of the face"
    elif longer < 0 and kept.degree > lost.degree:
        head = "The larger degree is truly the shorter blur, and leaves more of the face"
    else:
        head = f"The {'longer' if longer > 0 else 'shorter'} blur leaves more of the face"
    return f"{head}: {_kept(kept, more)}; {_kept(lost, less)}."


def _kept(blur: Blur, value: str) -> str:
    # Of an exact line the degree is the length.
    truly = "" if float(blur.length) == blur.degree else f", truly {blur.length} px long"
    angle = f"{blur.angle:g}".replace("-", "−")
    return f"{blur.degree} px at {angle}°{truly}, keeps {value}"


def sceptic_sentence(rows: Sequence[ScepticRow]) -> str:
    """Returns in how many ways to ask each measure prefers the blurred picture.

    Args:
        rows: The sceptic's table, at least one row.
    """
    counts = listed([f"{word(name)} in {_count(rows, name, BLURRED)}" for name in CLAIM])
    return f"Of {len(rows)} ways to ask, the blurred picture is preferred by {counts}."


def crop_place(crop: str, corners: Corners | None, clean: Corners | None) -> str:
    """Returns what is said of the place in a picture that a recogniser is shown.

    Args:
        crop: A key of ``CROPS``.
        corners: Where it is, px; None where no face was found.
        clean: Where it is in the clean picture.

    Example:
        >>> clean = ((0, 0), (9, 0), (9, 9), (0, 9))
        >>> crop_place("redetect", tuple((x + 8, y) for x, y in clean), clean)
        'crop, detected again: 8 px away'
    """
    if corners is None or clean is None:
        return "no face is found here"
    # Of a box that is turned, too, the middle lies between two opposite corners.
    far = round(math.dist(_between(corners[0], corners[2]), _between(clean[0], clean[2])))
    if crop == REDETECT:
        return f"crop, detected again: {far} px away" if far else "crop, detected again"
    return f"crop of the clean face, moved along by {far} px" if far else "crop of the clean face"


def _between(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def sceptic_notes(rows: Sequence[ScepticRow]) -> list[str]:
    """Returns where the claim weakens, said rather than hidden.

    Args:
        rows: The sceptic's table.
    """
    told = _registered_note([row for row in rows if row.registration != "none"])
    lines = [told] if told else []
    if _count(rows, EMBEDDING, BLURRED):
        lines.append("In some of these ways the embedding prefers the blurred picture too.")
    notes = dict.fromkeys(row.note for row in rows if row.note)
    return [*lines, *map(sentence, notes)]


def _registered_note(rows: Sequence[ScepticRow]) -> str:
    """Which pixel measures change their minds in every registered row; empty where none does."""

    def all_prefer_sharp(name: str) -> bool:
        return _count(rows, name, SHARP) == len(rows)

    names = [word(name) for name in PIXEL_CLAIM if all_prefer_sharp(name)]
    if not rows or not names:
        return ""
    agree = f"{'agree' if len(names) > 1 else 'agrees'} with the embedding"
    does = agree if all_prefer_sharp(EMBEDDING) else f"{_prefer(names)} the sharp picture"
    rest = (
        ": the argument is about pictures that nobody has registered, which is how most papers "
        "compute them"
    )
    return f"Registered first, {listed(names)} {does}{rest if len(names) > 1 else ''}."


def _count(rows: Sequence[ScepticRow], name: str, side: int) -> int:
    """How many rows show that a measure prefers a side."""
    return sum(shown_row(name, row.sharp[name], row.blurred[name]).side == side for row in rows)


def fails_below(found: BlurEquivalent) -> str:
    """Returns against which blurs the embedding takes the blurred picture for the closer one.

    Args:
        found: The blur that it takes the sharp, disturbed picture for.
    """
    if found.extent is None:
        return (
            f"For no blur of this face up to {found.last:g} px does the embedding prefer the sharp "
            "picture here."
            if found.side == "beyond"
            else "Against every blur of this face the embedding prefers the sharp picture here."
        )
    low, high = (f"{max(end, LEAST_SAID):.0f}" for end in found.extent)
    beside = "" if low == high else f", and now and then up to {high} px"
    return (
        f"With a blur below {low} px the embedding, too, prefers the blurred picture{beside}. "
        "Move Degree and see."
    )
