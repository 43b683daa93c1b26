"""What is known when a scene of the Argument page is drawn, and what a scene is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from blurdash.disturb import Disturbance
from blurdash.measures import CLAIM
from blurdash.sentences import ShownRow, shown_rows
from blurdash.ui.components.rows import CURVE_DEGREES, CURVES

if TYPE_CHECKING:
    from blurdash.flips import RankFlips
    from blurdash.ui.argument.story import Story
    from blurdash.ui.server.known_face import Answer, KnownFace
    from blurdash.ui.vote.ballot_box import BallotBox

__all__ = ["Counted", "Parts", "Told"]


class Parts(NamedTuple):
    """What a scene is made of.

    Attributes:
        see: The one sentence of what to see.
        panels: What stands beside the pictures, or beneath the sentence where there are none.
        pending: Whether more will come by itself.
        message: Beneath everything; empty for none.
    """

    see: str
    panels: list[dict[str, Any]]
    pending: bool
    message: str = ""


class Counted(NamedTuple):
    """How often it is so over other faces.

    Attributes:
        flips: The counts.
        who: Whose faces, with their number.
        measures: What of the counts is shown: without a recogniser what needs none.
    """

    flips: RankFlips
    who: str
    measures: tuple[str, ...]


@dataclass
class Told:
    """What is known when a scene is drawn.

    Attributes:
        story: Where we are.
        kernel: A key of ``KERNELS``.
        crop: A key of ``CROPS``.
        box: The vote.
        at_rest: Whether the hand rests where the sliders are.
        own_curve: Whether the browser finds the face's curve itself.
        face: The face with its recogniser; None while that is loaded, or where it is missing.
        pixels: The same without a recogniser, where that is missing: what needs none stays.
        values: Numbers of both pictures, the sharp one first; None while they are computed.
        reader: What the browser reads the pictures out with; None where it cannot, or not yet.
        recogniser: Its label.
        recognisers: Labels of the one in use and of the one that a sceptic asks besides.
        counted: How often over other faces, under this very recogniser; None where nobody knows.
        others: The same under other recognisers.
        circumstances: Recogniser, protocol, crop, kernel and face: name and value.
        problem: What went wrong, in a sentence.
        doubt: Why the face says little, in a sentence; empty where it does not.
        owner: Who asks for longer computations: the session.
        asked: What was asked for, and whether it is still under way.
    """

    story: Story
    kernel: str
    crop: str
    box: BallotBox
    at_rest: bool
    own_curve: bool = False
    face: KnownFace | None = None
    pixels: KnownFace | None = None
    values: tuple[Mapping[str, float], ...] | None = None
    reader: Mapping[str, Any] | None = None
    recogniser: str = ""
    recognisers: tuple[str, str] = ("the one in use", "the other one")
    counted: Counted | None = None
    others: Sequence[Counted] = ()
    circumstances: Sequence[tuple[str, str]] = ()
    problem: str = ""
    doubt: str = ""
    owner: str = ""
    asked: dict[str, bool] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether something is under way that changes what is shown."""
        return (
            (self.face is None and not self.problem)
            or bool(self.story.finding)
            or any(self.asked.values())
        )

    @property
    def known(self) -> KnownFace | None:
        """The face, with its recogniser or without; None while nothing of it is known."""
        return self.face or self.pixels

    @property
    def message(self) -> str:
        """What to say beneath everything."""
        if self.problem:
            return self.problem
        return "The recogniser is being loaded …" if self.known is None else self.doubt

    def ask(self, kind: str, key: Any, compute: Callable[[], Any]) -> Answer | None:
        """Asks for a longer computation at rest; None where there is no face to ask about."""
        known = self.known
        if known is None:
            return None
        answer = known.ask(self.owner, kind, key, compute)
        self.asked[kind] = not answer.done
        return answer

    def curve(self) -> dict[int, dict[str, float]]:
        """The face's numbers over degrees at the angle set; empty until known, or if not asked."""
        angle = self.story.values["angle"]

        def compute(face: KnownFace) -> dict[int, dict[str, float]]:
            known = face.prepared
            return {d: known.values(known.blurred(d, angle), CURVES) for d in CURVE_DEGREES}

        face = self.known
        if face is None or not self.at_rest or self.own_curve:
            return {}
        answer = self.ask("curve", angle, lambda: compute(face))
        return (answer.value if answer else None) or {}

    def sharp_and_blurred(self) -> tuple[Mapping[str, float], Mapping[str, float]] | None:
        """Numbers of the sharp and of the blurred picture, wherever they stand."""
        if self.story.twin is not None:
            twin: dict[str, Any] = self.story.twin
            return twin["sharp"], twin["blurred"]
        if self.values is None:
            return None
        first, second = self.values
        return first, second

    def done(self) -> tuple[Disturbance, float]:
        """What was done to the sharp picture, and the length of the blur of the other, px."""
        if self.story.twin is not None:
            twin: dict[str, Any] = self.story.twin
            return Disturbance(twin["x"], twin["y"]), twin["length"]
        return self.story.sharp(), self.story.values["degree"]

    def rows(self, names: Sequence[str] = CLAIM) -> dict[str, ShownRow]:
        """The rows of the sharp and the blurred picture as they are shown; none until known.

        Args:
            names: Which measures; those that are not measured are left out.
        """
        pair = self.sharp_and_blurred()
        if pair is None:
            return {}
        return shown_rows(*pair, names, alike=self.alike)

    @property
    def alike(self) -> str:
        """The measure whose twins the pictures are; empty where they are none."""
        return str(self.story.twin["metric"]) if self.story.twin else ""
