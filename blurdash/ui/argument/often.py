"""The Argument page's last scene: how often it is so, over the faces of a reference."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from blurdash.distance import EMBEDDING
from blurdash.errors import TableError
from blurdash.figure_argument import FLIP_PANELS
from blurdash.flips import HUMAN, preferences
from blurdash.measures import CLAIM
from blurdash.sentences import word
from blurdash.sentences_others import measure_it
from blurdash.ui.argument.told import Counted, Parts, Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blurdash.flips import FlipCell, RankFlips
    from blurdash.reference import Reference
    from blurdash.ui.argument.story import Story

__all__ = [
    "counts_of",
    "counts_of_others",
    "flip_preferences",
    "how_often",
    "often_sentences",
]


def counts_of(
    reference: Reference | None, measures: tuple[str, ...] = FLIP_PANELS
) -> Counted | None:
    """Returns the counts of a reference; None where there is none, or it is damaged.

    Args:
        reference: The faces.
        measures: What of the counts is shown.
    """
    try:
        return Counted(reference.flips(), reference.who, measures) if reference else None
    except TableError:
        return None


def counts_of_others(
    references: Iterable[Reference], in_use: str, kernel: str, crop: str
) -> list[Counted]:
    """Returns the counts under other recognisers than the one in use, one of each.

    Args:
        references: Where they may be, in the order in which they are preferred.
        in_use: A key of ``EMBEDDERS``; empty for none.
        kernel: A key of ``KERNELS``.
        crop: A key of ``CROPS``.
    """
    seen, others = {in_use}, []
    for one in references:
        under = one.under
        alike = (under.kernel, under.crop) == (kernel, crop)
        if alike and under.recogniser not in seen and (found := counts_of(one)):
            seen.add(under.recogniser)
            others.append(found)
    return others


def how_often(told: Told) -> Parts:
    """The counts nearest to where the sliders are."""
    counted = told.counted
    if counted is None:
        return _nobody_knows(told)
    see, lines = often_sentences(told, counted, _nearest(told.story, counted.flips))
    lines[0] = f"{lines[0]} {_legend()}"
    flip_preferences(told)
    return Parts(see, [{"kind": "notes", "lines": lines}], told.waits, told.message)


def often_sentences(
    told: Told, counted: Counted, place: tuple[float, int]
) -> tuple[str, list[str]]:
    """Returns what is said of one cell of the map: the sentence, and how sure it is.

    Args:
        told: What else is known.
        counted: The counts.
        place: Shift and degree of the cell, px.
    """
    flips = counted.flips
    cells = [flips.cell(name, *place) for name in CLAIM if name in counted.measures]
    first, *rest = (f"{one.prefer_sharp} by {word(one.measure)}" for one in cells)
    first = first.replace(" by", f" of {len(flips.faces)} faces by")
    shift, degree = place
    see = f"Sharp but {shift:g} px off beats a blur of {degree} px on {', '.join([first, *rest])}."
    lines = [_how_sure(counted, cells)]
    if told.others:
        lines.append(_other_networks(told.others, place))
    return see, lines


def _legend() -> str:
    """Returns how the map is to be read."""
    return (
        "Blue: most faces prefer the sharp picture; orange: the blurred one, as the embedding does "
        "at the smallest blurs. Dots and rings: this face. "
        f"Dashed: {HUMAN.shift_at_256:g} px at 256, which {100 * HUMAN.share:.0f} % of "
        f"{HUMAN.answers} answers called the same ({HUMAN.source})."
    )


def _nobody_knows(told: Told) -> Parts:
    """Where no other faces were measured under this recogniser: what to do about it."""
    if told.face is None:
        return Parts("How often is that so?", [], told.waits, told.message)
    embedder = told.face.embedder
    see = f"How often is that so by {told.recogniser}? No other faces were measured with it yet."
    command = measure_it(embedder.name, embedder.protocol, told.crop, told.kernel)
    lines = [f"{command} So does My reference on Sweeps, with photos of yours."]
    return Parts(see, [{"kind": "notes", "lines": lines}], told.waits, told.message)


def _how_sure(counted: Counted, cells: list[FlipCell]) -> str:
    """The intervals, and what they are of."""
    flips = counted.flips
    intervals = ", ".join(
        f"{word(one.measure)} {100 * one.low:.0f} to {100 * one.high:.0f} %" for one in cells
    )
    network = f", {flips.recogniser['label']}" if EMBEDDING in counted.measures else ""
    return (
        f"Wilson 95 % intervals: {intervals}. {counted.who[:1].upper()}{counted.who[1:]}{network}, "
        f"{flips.settings.kernel} kernel at {flips.settings.angle:g}°, crop {flips.settings.crop}."
    )


def _other_networks(others: Any, place: tuple[float, int]) -> str:
    """What other recognisers say of the same: whoever says that the network was picked."""
    told = []
    for other in others:
        cell = other.flips.cell(EMBEDDING, *place)
        told.append(
            f"{other.flips.recogniser['label']} {cell.prefer_sharp} of {cell.n} "
            f"({100 * cell.low:.0f} to {100 * cell.high:.0f} %, {other.who})"
        )
    return f"By the embeddings of other networks: {'; '.join(told)}."


def _nearest(story: Story, flips: RankFlips) -> tuple[float, int]:
    """The cell of the map that the sliders are nearest to."""
    far = math.hypot(story.values["x"], story.values["y"])
    shift = min(flips.settings.shifts, key=lambda one: abs(one - far))
    return shift, min(flips.settings.degrees, key=lambda one: abs(one - story.values["degree"]))


def flip_preferences(told: Told) -> Any:
    """Returns what every measure prefers for this face; None until it is known."""
    if told.face is None or told.counted is None:
        return None
    face = told.face
    settings = dataclasses.replace(
        told.counted.flips.settings, measures=FLIP_PANELS, crop=told.crop
    )
    answer = told.ask("flips", (), lambda: preferences(face.prepared, settings))
    return answer.value if answer else None
