"""The sentence on top of Explore: what was done to the picture, and what each measure makes of it.

It is read off the numbers that stand beneath it: the blur that each measure takes the picture for,
as it is shown there. It begins with the truth.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blurdash.argument import LEAST_SAID, BlurEquivalent
from blurdash.distance import EMBEDDING
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.sentences import word
from blurdash.words import listed, sentence

__all__ = ["RECOGNISER_STATES", "Said", "Seen", "explore_sentence"]

# Of the recogniser: it has spoken; it is on its way; there is none; it found no face.
RECOGNISER_STATES = {
    "ok": "",
    "loading": " The embedding has not spoken yet.",
    "missing": " The embedding is missing.",
    "gone": " No face is found in it any more: the embedding is silent.",
}
# A reading is right within so many px, or such a share; a shift fools where it reads as so much.
NEAR_PX, NEAR_SHARE, FOOLED_PX, NEAR_THE_END = 3.0, 0.1, 20.0, 97


@dataclass(frozen=True)
class Seen:
    """What is on the screen of Explore.

    Attributes:
        degree: Real length of the blur, px.
        shift_x: To the right, px.
        shift_y: Down, px.
        readings: The blur that each measure of ``CLAIM`` takes the picture for; those that are
            not known yet are left out.
        recogniser: A key of ``RECOGNISER_STATES``.
        same_person: Whether the recogniser takes both for one person; None where it is not asked.
        drawn_angle: Whether the kernel draws its own angle at this degree.
        source: Width of the face in its photo where that is too small to say much, px.
    """

    degree: int
    shift_x: float
    shift_y: float
    readings: Mapping[str, BlurEquivalent]
    recogniser: str = "ok"
    same_person: bool | None = None
    drawn_angle: bool = False
    source: float | None = None

    @property
    def moved(self) -> bool:
        """Whether the picture was shifted."""
        return bool(self.shift_x or self.shift_y)


class Said(NamedTuple):
    """A sentence.

    Attributes:
        case: Which one it is; another only where something else is to be said.
        kind: ``none``, ``blur``, ``shift`` or ``both``.
        truth: What was done.
        rest: What each measure makes of it; may be empty.
    """

    case: str
    kind: str
    truth: str
    rest: str

    def parts(self) -> list[list[str]]:
        """Returns the rest as text and the family that a word belongs to, empty for none.

        Example:
            >>> Said("", "", "", "PSNR reads 30 px.").parts()
            [['PSNR', 'pixels'], [' reads 30 px.', '']]
        """
        names = {word(name).lower(): ARGUMENT_MEASURES[name].family for name in CLAIM}
        pieces = re.split(f"({'|'.join(map(re.escape, names))})", self.rest, flags=re.IGNORECASE)
        return [[piece, names.get(piece.lower(), "")] for piece in pieces if piece]


def explore_sentence(seen: Seen) -> Said:
    """Returns what is to be said of what is on the screen.

    Example:
        >>> from blurdash.argument import blur_equivalent
        >>> line = {degree: 1 - degree / 200 for degree in range(0, 101, 10)}
        >>> readings = {"ssim": blur_equivalent(0.8, line, "ssim")}
        >>> said = explore_sentence(Seen(0, 8, 0, readings, recogniser="missing"))
        >>> said.truth, said.rest
        ('Not blurred at all, only moved by 8 px.', 'SSIM takes it for a blur of 40 px. The embedding is missing.')
    """  # noqa: E501 - one sentence
    kind, truth = _truth(seen)
    if seen.moved and not seen.readings:
        case, rest = "unmeasured", ""
    else:
        case, rest = _CASES[kind](seen)
    small = (
        f" Cut from {seen.source:.0f} px of its photo: blurred before we began."
        if seen.source
        else ""
    )
    return Said(case, kind, truth, f"{rest}{RECOGNISER_STATES[seen.recogniser]}{small}".strip())


def _truth(seen: Seen) -> tuple[str, str]:
    """Of which kind the change is, and what was really done."""
    right, down = seen.shift_x, seen.shift_y
    across = f"{abs(right):g} px"
    along = f"{abs(down):g} px {'down' if down > 0 else 'up'}"
    moved = across if not down else along
    if right and down:
        moved = f"{across} {'right' if right > 0 else 'left'} and {along}"
    if not seen.degree and not seen.moved:
        return "none", "Twice the same picture."
    if not seen.moved:
        return "blur", f"Blurred by {seen.degree} px, not moved."
    if not seen.degree:
        return "shift", f"Not blurred at all, only moved by {moved}."
    return "both", f"Blurred by {seen.degree} px and moved by {moved}."


# ---- one function for each kind -----------------------------------------------------------------


def _none(seen: Seen) -> tuple[str, str]:
    who = "Every measure says" if seen.recogniser == "ok" else "PSNR and SSIM say"
    return "none", f"{who} so."


def _blur(seen: Seen) -> tuple[str, str]:
    if seen.drawn_angle:
        return "one", "The study draws its angle by lot."
    if seen.recogniser == "ok" and seen.same_person is False:
        return "stranger", "So blurred that the recogniser no longer takes it for the same person."
    who = "all measures" if seen.recogniser == "ok" else "PSNR and SSIM"
    return "ruler", f"Here {who} read {seen.degree} px, by definition: this is their ruler."


def _shift(seen: Seen) -> tuple[str, str]:
    told = _Told(seen)
    if told.all(told.is_below):
        return "tiny", "Hardly anyone minds: every measure reads below 10 px."
    if told.all(told.is_over):
        return "allover", "To every measure that is a blur of over 100 px: all are wrong."
    if told.agree():
        return "agree", f"All take it for a blur of {told.about()}: they agree, and are wrong."
    if told.embedding_is_first():
        own = told.text(EMBEDDING)
        return "worst", f"This time the embedding is the worst: {own}. {told.readings('reads')}"
    if EMBEDDING in told.order and told.ends(EMBEDDING)[0] >= FOOLED_PX:
        own = told.text(EMBEDDING)
        return "fooled", f"{told.readings('takes it for')} The embedding is fooled too: {own}."
    return "split", told.readings("takes it for", told.order)


def _both(seen: Seen) -> tuple[str, str]:
    told = _Told(seen)
    if told.all(told.is_below):
        return "tiny2", "Too little for the ruler: every measure reads below 10 px."
    over = [name for name in told.order if told.is_over(name)]
    if seen.degree >= NEAR_THE_END and over:
        names = listed([word(name) for name in over])
        return "end", f"The ruler ends at 100 px: {names} can only say “over”."
    if told.all(told.is_near):
        return "right", "All read the blur about right: the move hardly counts."
    if told.all(told.is_over):
        return "allover2", "Every measure is off its scale: over 100 px."
    if EMBEDDING in told.order:
        own = told.text(EMBEDDING)
        if told.is_near(EMBEDDING):
            start = f"The embedding reads {own}, about right."
            return "embright", f"{start} {told.readings('takes it for')}"
        if told.ends(EMBEDDING)[1] < seen.degree:
            start = f"The embedding reads less than there is: {own}."
            return "embless", f"{start} {told.readings('reads')}"
        if told.embedding_is_first():
            return "worst2", f"The embedding exaggerates most: {own}. {told.readings('reads')}"
    return "split2", told.readings("takes it for", told.order)


_CASES: dict[str, Callable[[Seen], tuple[str, str]]] = {
    "none": _none,
    "blur": _blur,
    "shift": _shift,
    "both": _both,
}


class _Told:
    """What each measure reads, the largest error first."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._found = seen, seen.readings
        names = [name for name in CLAIM if name in seen.readings]
        self.order = sorted(names, key=lambda name: seen.degree - self.degree(name))

    def all(self, holds: Callable[[str], bool]) -> bool:
        """Whether something holds of every measure."""
        return all(map(holds, self.order))

    def text(self, name: str) -> str:
        """The blur as it is shown."""
        return self._found[name].short

    def ends(self, name: str) -> tuple[float, float]:
        """The smallest and the largest blur that a measure reads."""
        found = self._found[name]
        outside = found.last + 1.0 if found.side == "beyond" else 0.0
        return found.extent or (outside, outside)

    def degree(self, name: str) -> float:
        """The blur as a number: of several the nearest to the real one."""
        nearest = self._found[name].nearest(self._seen.degree)
        return self.ends(name)[0] if nearest is None else nearest

    def is_below(self, name: str) -> bool:
        """Whether it is shown as too small to be told."""
        return self.ends(name)[1] < LEAST_SAID

    def is_over(self, name: str) -> bool:
        """Whether it is off the scale."""
        return self._found[name].side == "beyond"

    def is_near(self, name: str) -> bool:
        """Whether it is about the real blur."""
        off = abs(self.degree(name) - self._seen.degree)
        return not self.is_over(name) and off <= max(NEAR_PX, NEAR_SHARE * self._seen.degree)

    def agree(self) -> bool:
        """Whether all of them read about the same, each one blur."""
        if len(self.order) < len(CLAIM) or any(len(self._found[n].ranges) != 1 for n in self.order):
            return False
        degrees = [self.degree(name) for name in self.order]
        return degrees[0] - degrees[-1] <= max(NEAR_PX, NEAR_SHARE * degrees[0])

    def about(self) -> str:
        """What they agree on."""
        degrees = [self.degree(name) for name in self.order]
        middle = degrees[len(degrees) // 2]
        return f"about {middle:.0f} px" if middle >= LEAST_SAID else f"about {LEAST_SAID} px"

    def embedding_is_first(self) -> bool:
        """Whether the embedding reads more than any other, also as it is shown."""
        if EMBEDDING not in self.order:
            return False
        others = [self.ends(name)[1] for name in self.order if name != EMBEDDING]
        return self.ends(EMBEDDING)[0] > max(others, default=math.inf) and all(
            self.text(name) != self.text(EMBEDDING) for name in self.order if name != EMBEDDING
        )

    def readings(self, verb: str, names: Sequence[str] | None = None) -> str:
        """What measures read, equal readings together; without names the pixel measures."""
        names = [name for name in self.order if name != EMBEDDING] if names is None else names
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(self.text(name), []).append(word(name))
        parts: list[str] = []
        for text, words in groups.items():
            said = text if text.startswith("below") else f"of {text}"
            many = len(words) > 1
            if parts:
                parts.append(f"{listed(words)} {said}")
            else:
                does = verb.replace("reads", "read").replace("takes", "take") if many else verb
                parts.append(f"{listed(words)} {does} a blur {said}")
        return sentence((" and " if len(parts) < 3 else ", ").join(parts))
