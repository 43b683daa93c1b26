"""The Argument page's last scene: how often it is so, over the reference faces."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from blurdash.errors import BlurdashError
from blurdash.figure_argument import FLIP_PANELS
from blurdash.flips import HUMAN, preferences
from blurdash.sentences import CLAIM, word
from blurdash.ui.argument_told import Parts, Told
from blurdash.ui.shipped import shipped_flips

if TYPE_CHECKING:
    from blurdash.flips import RankFlips
    from blurdash.ui.story import Story

__all__ = ["flip_preferences", "how_often"]


def how_often(told: Told) -> Parts:
    """The counts over 30 faces nearest to where the sliders are."""
    try:
        flips = shipped_flips(told.kernel)
    except BlurdashError:
        return Parts("How often is that so?", [], told.waits, told.message)
    shift, degree = _nearest(told.story, flips)
    cells = [flips.cell(name, shift, degree) for name in CLAIM]
    first, *rest = (f"{one.prefer_sharp} by {word(one.measure)}" for one in cells)
    first = first.replace(" by", f" of {len(flips.faces)} faces by")
    see = f"Sharp but {shift:g} px off beats a blur of {degree} px on {', '.join([first, *rest])}."
    intervals = ", ".join(
        f"{word(one.measure)} {100 * one.low:.0f} to {100 * one.high:.0f} %" for one in cells
    )
    lines = [
        f"Wilson 95 % intervals: {intervals}. Faces of nobody, {flips.recogniser['label']}, "
        f"{flips.settings.kernel} kernel at {flips.settings.angle:g}°, crop {flips.settings.crop}. "
        "Blue: most faces prefer the sharp picture; orange: the blurred one, as the embedding does "
        f"at the smallest blurs. Dots and rings: this face{_own_recogniser(told, flips)}. "
        f"Dashed: {HUMAN.shift_at_256:g} px at 256, which {100 * HUMAN.share:.0f} % of "
        f"{HUMAN.answers} answers called the same ({HUMAN.source}).",
    ]
    flip_preferences(told, flips)
    return Parts(see, [{"kind": "notes", "lines": lines}], told.waits, told.message)


def _own_recogniser(told: Told, flips: RankFlips) -> str:
    if told.face is None or told.recogniser == flips.recogniser["label"]:
        return ""
    return f", by {told.recogniser}"


def _nearest(story: Story, flips: RankFlips) -> tuple[float, int]:
    """The cell of the map that the sliders are nearest to."""
    far = math.hypot(story.values["x"], story.values["y"])
    shift = min(flips.settings.shifts, key=lambda one: abs(one - far))
    return shift, min(flips.settings.degrees, key=lambda one: abs(one - story.values["degree"]))


def flip_preferences(told: Told, flips: RankFlips) -> Any:
    """Returns what every measure prefers for this face; None until it is known."""
    if told.face is None:
        return None
    face = told.face
    settings = dataclasses.replace(flips.settings, measures=FLIP_PANELS, crop=told.crop)
    answer = told.ask("flips", (), lambda: preferences(face.evidence, settings))
    return answer.value if answer else None
