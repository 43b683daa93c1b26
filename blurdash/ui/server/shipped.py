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
    "read_shipped",
    "shipped_curve",
    "sweeps_at_hand",
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


@functools.cache
def sweeps_at_hand() -> dict[Which, Path]:
    """Returns the tables that are shipped, or were computed and kept here."""
    found: dict[Which, Path] = {}
    for path in [*sorted(SHIPPED.glob("*.parquet")), *_kept_files()]:
        with contextlib.suppress(TableError):  # a damaged file in the cache is computed anew
            settings = read_settings(path)
            identity = settings.get("identity", {})
            which = Which(
                PORTRAIT_FACES,
                str(settings.get("recogniser", {}).get("name")),
                str(identity.get("kernel")),
                angle_name(identity.get("angle")),
            )
            found.setdefault(which, path)
    return found


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
    name = f"astronaut_{settings['recogniser']['name']}_{identity['kernel']}_{identity['angle']}"
    try:
        folder = kept_sweeps()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "there is no home directory"
        raise TableError(
            f"the sweep cannot be kept ({reason})", hint="download it as Parquet"
        ) from error
    write_sweep(folder / f"{name}.parquet", [table], lambda: settings)
    sweeps_at_hand.cache_clear()


def angle_name(angle: object) -> str:
    """Returns what a sweep's angle is called on the page.

    Example:
        >>> angle_name(45.0)
        'fixed angle 45°'
    """
    if angle in ("random", "all"):
        return {"random": "random angle", "all": "degree × angle map"}[str(angle)]
    return f"fixed angle {angle:g}°" if isinstance(angle, int | float) else "angle unknown"


@functools.lru_cache(maxsize=16)
def read_shipped(path: Path) -> pa.Table:
    """Returns a shipped table; it belongs to nobody, so every visitor shares it."""
    return read_sweep(path)


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
    rows = read_shipped(path).select(["degree", *MEASURES]).to_pylist()
    return str(label), {
        row["degree"]: {name: math.nan if row[name] is None else row[name] for name in MEASURES}
        for row in rows
    }
