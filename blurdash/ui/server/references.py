"""References for every visitor: shipped, named by the host, or measured on this machine."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import NamedTuple

from blurdash.errors import BlurdashError
from blurdash.reference import MANIFEST, Reference, folders_in, references_in
from blurdash.reference_run import kept_references

__all__ = ["SHIPPED", "AtHand", "references_at_hand"]

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "references"
HOST_VARIABLE = "BLURDASH_REFERENCE"


class AtHand(NamedTuple):
    """The references that there are, in the order in which they are preferred.

    Attributes:
        found: What the host named, what this machine measured, what is shipped.
        problems: Why others cannot be used, a sentence each.
    """

    found: tuple[Reference, ...]
    problems: tuple[str, ...]


def references_at_hand() -> AtHand:
    """Returns the references at hand; what was measured since is found without a restart."""
    places = [("host", Path(named)) for named in [os.environ.get(HOST_VARIABLE, "")] if named]
    with contextlib.suppress(BlurdashError):  # a user without a home
        places.append(("kept", kept_references()))
    places.append(("shipped", SHIPPED))
    return _at_hand(tuple((origin, str(place), _stamp(place)) for origin, place in places))


def _stamp(folder: Path) -> tuple[float, ...]:
    """What is another number once a reference was added, replaced or spoilt."""
    try:
        notes = [path / MANIFEST for path in folders_in(folder)]
        return tuple(path.stat().st_mtime for path in (folder, *notes))
    except OSError:
        return ()


@functools.lru_cache(maxsize=4)
def _at_hand(places: tuple[tuple[str, str, tuple[float, ...]], ...]) -> AtHand:
    found: list[Reference] = []
    problems: list[str] = []
    for origin, folder, stamp in places:
        some, wrong = references_in(Path(folder), origin)
        found += some
        problems += wrong
        if origin == "host" and not stamp:
            problems.append(f"the folder that {HOST_VARIABLE} names is not there")
    return AtHand(tuple(found), tuple(problems))
