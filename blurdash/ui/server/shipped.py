"""The portrait's sweeps at hand: shipped, or computed on this machine with another recogniser."""

from __future__ import annotations

import contextlib
import functools
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blurdash.errors import TableError
from blurdash.measures import MEASURES
from blurdash.sweep_file import read_settings, read_sweep, settings_of, write_sweep

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "PORTRAIT_FACES",
    "SHIPPED",
    "SHIPPED_EMBEDDER",
    "Which",
    "angle_name",
    "keep_sweep",
    "kept_sweeps",
    "look_again",
    "read_shipped",
    "shipped_curve",
    "stamp_of",
    "sweep_at_hand",
    "sweeps_at_hand",
    "values_by_degree",
]

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "sweeps"
SHIPPED_EMBEDDER = "dlib"
PORTRAIT_FACES = "Portrait"


class Which(NamedTuple):
    """What tells one sweep at hand from another; names of recogniser and kernel, angle in words."""

    faces: str
    recogniser: str
    kernel: str
    angle: str


def sweeps_at_hand() -> dict[Which, Path]:
    """Returns the tables that are shipped, or were computed and kept here; of several the first."""
    found: dict[Which, Path] = {}
    for one in _all_at_hand():
        found.setdefault(one.which, one.path)
    return found


def sweep_at_hand(which: Which, weights: str) -> Path | None:
    """Returns the table of a recogniser with just these weights; None where there is none.

    Args:
        which: What it is of.
        weights: SHA-256 of the recogniser's weights; empty where they are not known yet.
    """
    alike = [one for one in _all_at_hand() if one.which == which]
    same = [one.path for one in alike if not weights or one.weights == weights]
    return next(iter(same), None)


class AtHand(NamedTuple):
    """A table at hand, what it is of, and by which weights."""

    which: Which
    weights: str
    path: Path


@functools.cache
def _all_at_hand() -> tuple[AtHand, ...]:
    found = []
    for path in [*sorted(SHIPPED.glob("*.parquet")), *_kept_files()]:
        with contextlib.suppress(TableError):  # a damaged file in the cache is computed anew
            settings = read_settings(path)
            identity = settings.get("identity", {})
            recogniser = settings.get("recogniser", {})
            which = Which(
                PORTRAIT_FACES,
                str(recogniser.get("name")),
                str(identity.get("kernel")),
                angle_name(identity.get("angle")),
            )
            found.append(AtHand(which, str(recogniser.get("weights_sha256")), path))
    return tuple(found)


def look_again() -> None:
    """Forgets which tables are at hand: there are others now."""
    _all_at_hand.cache_clear()


def _kept_files() -> list[Path]:
    try:
        return sorted(kept_sweeps().glob("*.parquet"))
    except (OSError, RuntimeError):  # a user without a home, or whose home nobody may read
        return []


def kept_sweeps() -> Path:
    """Returns the folder for the portrait's sweeps that this machine has computed.

    The portrait is in the public domain; nothing of a visitor's photo is ever kept.

    Raises:
        RuntimeError: The user has no home, and no variable names another place.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "blurdash" / "sweeps"


def keep_sweep(table: pa.Table) -> None:
    """Keeps a sweep of the portrait for every later visit.

    Raises:
        TableError: It cannot be written.
    """
    settings = settings_of(table)
    identity = settings["identity"]
    recogniser = settings["recogniser"]
    who = f"{recogniser['name'].replace(':', '-')}_{recogniser['weights_sha256'][:8]}"
    name = f"astronaut_{who}_{identity['kernel']}_{identity['angle']}"
    try:
        folder = kept_sweeps()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "there is no home directory"
        raise TableError(
            f"the sweep cannot be kept ({reason})", hint="download it as Parquet"
        ) from error
    write_sweep(folder / f"{name}.parquet", [table], lambda: settings)
    look_again()


def angle_name(angle: object) -> str:
    """Returns what a sweep's angle is called on the page.

    Example:
        >>> angle_name(45.0)
        'fixed angle 45°'
    """
    if angle in ("random", "all"):
        return {"random": "random angle", "all": "degree × angle map"}[str(angle)]
    return f"fixed angle {angle:g}°" if isinstance(angle, int | float) else "angle unknown"


def read_shipped(path: Path) -> pa.Table:
    """Returns a table at hand; it belongs to nobody, so every visitor shares it."""
    return _read(path, stamp_of(path))


@functools.lru_cache(maxsize=16)
def _read(path: Path, _stamp: tuple[int, int]) -> pa.Table:
    return read_sweep(path)


def stamp_of(path: Path) -> tuple[int, int]:
    """Returns what is another once a file was replaced; zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def shipped_curve(kernel: str, angle: float) -> tuple[str, dict[int, dict[str, float]]] | None:
    """Returns the portrait's shipped curve, to be shown before a recogniser is loaded.

    Args:
        kernel: Key of ``KERNELS``.
        angle: Degrees.

    Returns:
        The recogniser's label, and for each degree every measure; None if none is shipped for
        this kernel and angle.
    """
    which = Which(PORTRAIT_FACES, SHIPPED_EMBEDDER, kernel, angle_name(angle))
    path = sweeps_at_hand().get(which)
    if path is None:
        return None
    label = read_settings(path).get("recogniser", {}).get("label", "a recogniser")
    return str(label), values_by_degree(read_shipped(path))


def values_by_degree(table: pa.Table) -> dict[int, dict[str, float]]:
    """Returns a table of one face as every measure by degree; NaN where a row has none."""
    rows = table.select(["degree", *MEASURES]).to_pylist()
    return {
        row["degree"]: {name: math.nan if row[name] is None else row[name] for name in MEASURES}
        for row in rows
    }
