"""The Argument page's last scene: how often it is so, over the reference faces."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from blurdash.circumstances import Circumstances, in_words
from blurdash.distance import EMBEDDING
from blurdash.errors import BlurdashError
from blurdash.figure_argument import FLIP_PANELS
from blurdash.flips import HUMAN, preferences
from blurdash.measures import CLAIM
from blurdash.sentences import word
from blurdash.ui.argument.told import Parts, Told
from blurdash.ui.server.shipped import shipped_flips

if TYPE_CHECKING:
    from blurdash.flips import RankFlips
    from blurdash.ui.argument.story import Story

__all__ = ["flip_preferences", "how_often"]


def how_often(told: Told) -> Parts:
    """The counts over 30 faces nearest to where the sliders are."""
    try:
        flips = shipped_flips(told.kernel)
    except BlurdashError:
        return Parts("How often is that so?", [], told.waits, told.message)
    shift, degree = _nearest(told.story, flips)
    cells = [flips.cell(name, shift, degree) for name in CLAIM]
    whose = _whose(told, flips)
    first, *rest = (
        f"{one.prefer_sharp} by {whose.get(one.measure, word(one.measure))}" for one in cells
    )
    first = first.replace(" by", f" of {len(flips.faces)} faces by")
    see = f"Sharp but {shift:g} px off beats a blur of {degree} px on {', '.join([first, *rest])}."
    intervals = ", ".join(
        f"{word(one.measure)} {100 * one.low:.0f} to {100 * one.high:.0f} %" for one in cells
    )
    lines = [
        f"Wilson 95 % intervals: {intervals}. Faces of nobody, {flips.recogniser['label']}, "
        f"{flips.settings.kernel} kernel at {flips.settings.angle:g}°, crop {flips.settings.crop}. "
        "Blue: most faces prefer the sharp picture; orange: the blurred one, as the embedding does "
        f"at the smallest blurs. Dots and rings: this face{_own_settings(told, flips)}. "
        f"Dashed: {HUMAN.shift_at_256:g} px at 256, which {100 * HUMAN.share:.0f} % of "
        f"{HUMAN.answers} answers called the same ({HUMAN.source}).",
    ]
    flip_preferences(told, flips)
    return Parts(see, [{"kind": "notes", "lines": lines}], told.waits, told.message)


def _whose(told: Told, flips: RankFlips) -> dict[str, str]:
    """What the embedding is called where the counts are of another one than is in use."""
    if told.face is not None and told.face.embedder.name == flips.recogniser["name"]:
        return {}
    return {EMBEDDING: f"{word(EMBEDDING)} of {flips.recogniser['label']}"}


def _own_settings(told: Told, flips: RankFlips) -> str:
    """In what this face's dots were measured otherwise than the counts; empty where in nothing."""
    if told.face is None:
        return ""
    own, settings = told.face.embedder, flips.settings
    angle = settings.angle  # the dots are made at the angle and by the kernel of the counts
    counted = Circumstances(
        flips.recogniser["name"],
        flips.recogniser.get("protocol", "native"),
        settings.crop,
        settings.kernel,
        angle,
        str(flips.recogniser.get("weights_sha256") or ""),
    )
    here = Circumstances(own.name, own.protocol, told.crop, told.kernel, angle, own.weights_sha256)
    different = here.other_than(counted)
    if "recogniser" in different:
        different["recogniser"] = f"by {told.recogniser}"
    return f", {in_words(different)}" if different else ""


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
    answer = told.ask("flips", (), lambda: preferences(face.prepared, settings))
    return answer.value if answer else None
