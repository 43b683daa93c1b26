"""Searches of the Argument page: twins, the largest disagreement, the mildest blur, angle flips."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from blurdash.kernel import KERNELS
from blurdash.quality import METRICS
from blurdash.search import find_angle_flip, find_disagreement, find_mildest
from blurdash.twins import TWIN_KERNEL, TWIN_TOLERANCE, twins
from blurdash.ui.argument.panels import angle_note
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.search import AngleFlip, Disagreement
    from blurdash.twins import Twins
    from blurdash.ui.argument.story import Story
    from blurdash.ui.server.known_face import KnownFace

__all__ = [
    "SEARCH",
    "SEARCHES",
    "TWINS",
    "angle_of",
    "follow_search",
    "start_search",
    "wanted_kernel",
]

# The kind of computation that a search is.
SEARCH = "search"
TWINS = "twins-"  # and a measure
KERNEL_CHANGED = "Twins need a line of any length: the kernel of this page is the exact line now."
# What can be asked for, and what its button says.
SEARCHES = {
    **{TWINS + name: f"{METRICS[name].label} twins" for name in TWIN_TOLERANCE},
    "disagreement": "Largest disagreement",
    "mildest": "Mildest blur",
    "angle": "Find for this face",
}


def start_search(story: Story, name: str) -> None:
    """Starts a search, where there is one of that name; the last one's result goes."""
    if name in SEARCHES:
        story.finding, story.note = name, ""


def wanted_kernel(name: str, kernel: str) -> str:
    """Returns the kernel that a search is about; that of the page where any will do.

    Args:
        name: A key of ``SEARCHES``, or anything.
        kernel: A key of ``KERNELS``: the page's.
    """
    return TWIN_KERNEL if name.startswith(TWINS) and name in SEARCHES else kernel


def follow_search(story: Story, face: KnownFace, kernel: str, owner: str) -> None:
    """Moves the sliders to what the search under way has found, once it has."""
    if not story.finding:
        return
    key, compute = _search(story, face, kernel)
    answer = face.ask(owner, SEARCH, (story.finding, key), compute)
    if not answer.done:
        return
    found, story.finding = answer.value, ""
    if answer.problem:
        story.note, story.kernel_changed = answer.problem, False
        return
    _SHOW[type(found).__name__](story, found)


def angle_of(story: Story, kernel: str, other: str) -> float:
    """Returns the angle at which another kernel draws the direction that is set.

    Args:
        story: Where the sliders are.
        kernel: A key of ``KERNELS``: the page's.
        other: Another one.
    """
    return KERNELS[other].angle_like(KERNELS[kernel], story.values["angle"])


def _search(story: Story, face: KnownFace, kernel: str) -> tuple[Hashable, Callable[[], Any]]:
    """What a search depends on, and how it is done."""
    angle, limit = story.values["angle"], story.limit
    moved = (story.values["x"], story.values["y"])
    moved = moved if math.hypot(*moved) else (limit, 0.0)
    if story.finding == "angle":
        return (), lambda: find_angle_flip(face.prepared)
    if story.finding.startswith(TWINS):
        metric = story.finding.removeprefix(TWINS)
        turned = angle_of(story, kernel, TWIN_KERNEL)
        return (*moved, turned), lambda: twins(face.prepared, moved, metric=metric, angle=turned)
    find = find_mildest if story.finding == "mildest" else find_disagreement
    return (angle, limit, *moved), lambda: find(face.prepared, limit, angle=angle, direction=moved)


def _show_pair(story: Story, found: Disagreement) -> None:
    _back_to_shift(story)
    story.jump(degree=found.degree, x=found.shift_x, y=found.shift_y)
    far = math.hypot(found.shift_x, found.shift_y)
    pair = f"a shift of {far:.3g} px against a blur of {found.degree} px"
    # Who prefers which is said beside it, from the rows that are shown.
    story.note = (
        f"Found: {pair}."
        if found.found
        else f"No pair of this face disagrees with a shift up to {story.limit:g} px; nearest is "
        f"{pair}."
    )


def _show_twins(story: Story, found: Twins) -> None:
    _back_to_shift(story)
    story.jump(degree=round(found.length), x=found.shift_x, y=found.shift_y)
    row = METRICS[found.metric]
    digits = row.decimals + 1  # one more than is shown, as twins are closer than that
    alike = f"{row.label} {found.blurred.values[found.metric]:.{digits}f} {row.unit}".strip()
    said = [sentence(found.note)] if found.note else []
    if found.found:
        said.append(
            f"Twins, {alike} both (difference {abs(found.difference):.{digits + 1}f}, "
            f"at most {TWIN_TOLERANCE[found.metric]:g}): an exact line of {found.length:.2f} px "
            f"and a shift of {math.hypot(found.shift_x, found.shift_y):.3g} px; the embedding puts "
            f"them {found.apart():.4f} apart in cosine similarity."
        )
    said += [KERNEL_CHANGED] if story.kernel_changed else []
    story.note, story.kernel_changed = " ".join(said), False
    story.twin = {
        "metric": found.metric,
        "kernel": TWIN_KERNEL,
        "length": found.length,
        "angle": found.angle,
        "x": found.shift_x,
        "y": found.shift_y,
        "sharp": found.shifted.values,
        "blurred": found.blurred.values,
    }


def _show_flip(story: Story, found: AngleFlip) -> None:
    longer, shorter = found.longer, found.shorter
    story.jump(
        degree_a=longer.degree,
        angle_a=_upright(longer.angle),
        degree_b=shorter.degree,
        angle_b=_upright(shorter.angle),
    )
    story.note = " ".join(angle_note(found))


def _back_to_shift(story: Story) -> None:
    """Searches are about a shift alone."""
    story.jump(rotation=0.0, scale=1.0, gain=1.0, noise=0.0)


def _upright(angle: float) -> float:
    """The same direction within −180..180."""
    return angle - 360 if angle > 180 else angle


_SHOW: dict[str, Callable[[Story, Any], None]] = {
    "Disagreement": _show_pair,
    "Twins": _show_twins,
    "AngleFlip": _show_flip,
}
