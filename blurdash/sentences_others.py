"""What is said of other faces: how close strangers are, and what to do where nobody knows."""

from __future__ import annotations

from blurdash import defaults
from blurdash.distance import DISTANCES
from blurdash.embed import is_own
from blurdash.embed.base import Threshold
from blurdash.reference import Reference
from blurdash.strangers import Closer

__all__ = ["closer_says", "closer_short", "closer_text", "measure_it", "strangers_say"]


def closer_text(closer: Closer) -> str:
    """Returns how many pairs of strangers are as close as a pair, as a clause.

    Example:
        >>> closer_text(Closer(0, 435, 30, 0.0, 0.204))
        '0 of 435 pairs of strangers are this close'
    """
    verb = "is" if closer.close == 1 else "are"
    return f"{closer.close:,} of {closer.pairs:,} pairs of strangers {verb} this close"


def closer_short(closer: Closer) -> str:
    """Returns the same where there is little room.

    Example:
        >>> closer_short(Closer(3, 435, 30, 0.0, 0.02))
        'strangers: 3 of 435 pairs'
    """
    return f"strangers: {closer.close:,} of {closer.pairs:,} pairs"


def closer_says(closer: Closer, reference: Reference) -> str:
    """Returns what is sure of it, and who the strangers are, as sentences."""
    sure = f"{_percent(closer.low)} to {_percent(closer.high)}"
    if closer.close in (0, closer.pairs):
        why = f"{closer.faces} faces make {closer.faces // 2} pairs that share none"
    else:
        why = "faces are drawn again, not pairs"
    return (
        f"The strangers are {reference.who}, every pair of them, both clean. Of all strangers it "
        f"may be {sure} (95 %: {why})."
    )


def strangers_say(reference: Reference, threshold: Threshold) -> str:
    """Returns how many of a reference's strangers a published threshold takes for one person.

    Known limits:
        What it takes of others depends on who they are: generated faces resemble one another more
        than people on photos do.
    """
    row = DISTANCES[threshold.measure]
    taken = reference.pairs().closer(threshold.measure, threshold.value)
    said = (
        f"At {row.short_label} {threshold.value:g} {_percent(taken.close / taken.pairs)} of these "
        f"pairs pass for one person"
    )
    return f"{said}; {threshold.elsewhere}." if threshold.elsewhere else f"{said}."


def measure_it(recogniser: str, protocol: str, crop: str, kernel: str) -> str:
    """Returns how other faces are measured under a setting that nobody has measured yet.

    Example:
        >>> measure_it("dlib", "native", "redetect", "study")
        'python -m blurdash reference FOLDER --embedder dlib --crop redetect measures them.'
    """
    chosen = {
        "--protocol": (protocol, defaults.PROTOCOL),
        "--crop": (crop, defaults.CROP),
        "--kernel": (kernel, defaults.KERNEL),
    }
    more = "".join(f" {name} {one}" for name, (one, usual) in chosen.items() if one != usual)
    who = recogniser if not is_own(recogniser) else f"onnx:PATH/{recogniser.partition(':')[2]}.onnx"
    return f"python -m blurdash reference FOLDER --embedder {who}{more} measures them."


def _percent(share: float) -> str:
    """A share as a person reads it, in as many digits as it takes not to be nothing."""
    digits = 0 if share in (0, 1) or share >= 0.1 else 1 if share >= 0.001 else 2
    return f"{100 * share:.{digits}f} %"
