"""The Argument page's last scene: how often it is so, over the faces of a reference."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from blurdash.distance import EMBEDDING
from blurdash.errors import TableError
from blurdash.flips import FLIP_PANELS, HUMAN, preferences
from blurdash.measures import ARGUMENT_MEASURES, CLAIM
from blurdash.sentences import word
from blurdash.sentences_others import measure_it
from blurdash.ui.argument.told import Counted, Parts, Told
from blurdash.values import for_json
from blurdash.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    import numpy.typing as npt

    from blurdash.flips import FlipCell, RankFlips
    from blurdash.reference import Reference
    from blurdash.ui.argument.story import Story

    Grid = npt.NDArray[np.float64]

__all__ = [
    "counts_of",
    "counts_of_others",
    "flip_preferences",
    "flips_panel",
    "how_often",
    "often_at",
    "often_sentence",
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
    place = _nearest(told.story, counted.flips)
    panel = flips_panel(counted, flip_preferences(told))
    return Parts(
        often_sentence(counted, place),
        [{**panel, **often_at(told, counted, place)}],
        told.waits,
        told.message,
    )


def flips_panel(counted: Counted, own: Mapping[str, Grid] | None) -> dict[str, Any]:
    """Returns the maps: for how many faces the blurred picture wins, by shift and degree.

    Args:
        counted: The counts.
        own: What one more face prefers, as ``preferences`` returns it; None while unknown.
    """
    flips = counted.flips
    settings = flips.settings
    names = [name for name in counted.measures if name in settings.measures]

    def grid(value: Callable[[FlipCell], int], name: str) -> list[list[int]]:
        return [
            [value(flips.cell(name, shift, degree)) for degree in settings.degrees]
            for shift in settings.shifts
        ]

    return {
        "kind": "flips",
        "shifts": list(settings.shifts),
        "degrees": list(settings.degrees),
        "faces": len(flips.faces),
        "who": counted.who,
        "maps": [
            {
                "name": ARGUMENT_MEASURES[name].short_label,
                "family": ARGUMENT_MEASURES[name].family,
                "claimed": name in CLAIM,
                "blurred": grid(lambda cell: cell.n - cell.prefer_sharp, name),
                "n": grid(lambda cell: cell.n, name),
                "own": _answers(own, name),
            }
            for name in names
        ],
    }


def _answers(own: Mapping[str, Grid] | None, name: str) -> list[list[Any]] | None:
    """1 where one more face prefers the sharp picture, 0 where the blurred one."""
    if own is None or name not in own:
        return None
    return [[for_json(one) for one in row] for row in own[name].tolist()]


def often_at(told: Told, counted: Counted, place: tuple[float, int]) -> dict[str, Any]:
    """Returns what is said of one cell: which it is, its intervals, and how to read all of it."""
    settings = counted.flips.settings
    shift, degree = place
    return {
        "place": [settings.shifts.index(shift), settings.degrees.index(degree)],
        "chances": [
            {
                "name": ARGUMENT_MEASURES[cell.measure].short_label,
                "family": ARGUMENT_MEASURES[cell.measure].family,
                "blurred": cell.n - cell.prefer_sharp,
                "n": cell.n,
                "low": for_json(1 - cell.high),
                "high": for_json(1 - cell.low),
            }
            for cell in _claimed(counted, place)
        ],
        "lines": _lines(told, counted, place),
    }


def often_sentence(counted: Counted, place: tuple[float, int]) -> str:
    """Returns on how many faces each measure chose the blurred picture, the most first.

    Args:
        counted: The counts.
        place: Shift and degree of the cell, px.
    """
    shift, degree = place
    by_count: dict[str, list[str]] = {}
    cells = sorted(_claimed(counted, place), key=lambda cell: cell.prefer_sharp - cell.n)
    for cell in cells:
        blurred = cell.n - cell.prefer_sharp
        on = "none" if not blurred else "all" if blurred == cell.n else f"{blurred}"
        by_count.setdefault(on, []).append(word(cell.measure))
    parts = [f"{listed(words)} on {on}" for on, words in by_count.items()]
    parts[0] = parts[0].replace(" on ", " chose the blurred one on ", 1)
    who = f"Of {len(counted.flips.faces)} other faces, with {shift:g} px against {degree} px"
    return f"{who}: {', '.join(parts)}."


def _claimed(counted: Counted, place: tuple[float, int]) -> list[FlipCell]:
    return [counted.flips.cell(name, *place) for name in CLAIM if name in counted.measures]


def _lines(told: Told, counted: Counted, place: tuple[float, int]) -> list[str]:
    """How the maps are to be read, where the embedding fails, and what others say."""
    flips = counted.flips
    settings = flips.settings
    network = f", {flips.recogniser['label']}" if EMBEDDING in counted.measures else ""
    lines = [
        f"Number in a cell: of {len(flips.faces)} faces, for how many the blurred one wins. "
        f"{counted.who[:1].upper()}{counted.who[1:]}{network}, {settings.kernel} kernel at "
        f"{settings.angle:g}°, crop {settings.crop}."
    ]
    if EMBEDDING in counted.measures:
        shares = flips.shares(EMBEDDING)
        fails = [
            (shift, degree)
            for i, shift in enumerate(settings.shifts)
            for j, degree in enumerate(settings.degrees)
            if shares[i, j] < 0.5
        ]
        if fails:
            least, most = min(d for _, d in fails), max(d for _, d in fails)
            span = f"{least} px" if least == most else f"{least} to {most} px"
            lines.append(f"The embedding fails too: on most faces at a blur of {span}.")
    lines.append(
        f"A shift of {HUMAN.shift_px:g} px is “the same” to {100 * HUMAN.share:.0f} % of people "
        f"({HUMAN.same} of {HUMAN.answers} answers, {HUMAN.source})."
    )
    if told.others:
        lines.append(_other_networks(told.others, place))
    return lines


def _nobody_knows(told: Told) -> Parts:
    """Where no other faces were measured under this recogniser: what to do about it."""
    if told.face is None:
        return Parts("How often is that so?", [], told.waits, told.message)
    embedder = told.face.embedder
    see = f"How often is that so by {told.recogniser}? No other faces were measured with it yet."
    command = measure_it(embedder.name, embedder.protocol, told.crop, told.kernel)
    lines = [f"{command} So does My reference on Sweeps, with photos of yours."]
    return Parts(see, [{"kind": "notes", "lines": lines}], told.waits, told.message)


def _other_networks(others: Any, place: tuple[float, int]) -> str:
    """What other recognisers say of the same: whoever says that the network was picked."""
    told = []
    for other in others:
        cell = other.flips.cell(EMBEDDING, *place)
        low, high = 100 * (1 - cell.high), 100 * (1 - cell.low)
        told.append(
            f"{other.flips.recogniser['label']} {cell.n - cell.prefer_sharp} of {cell.n} "
            f"({low:.0f} to {high:.0f} %, {other.who})"
        )
    return f"The blurred one by the embeddings of other networks: {'; '.join(told)}."


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
