"""Whether two sweeps may stand side by side: of the same faces, by two recognisers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from blurdash.errors import SettingError
from blurdash.provenance import first_of
from blurdash.sweep_file import settings_of

__all__ = ["check_alike"]

SAME = ("protocol", "crop", "kernel")


def check_alike(first: pa.Table, other: pa.Table) -> None:
    """Checks that two sweeps may stand side by side: that they differ in the recogniser alone.

    Raises:
        SettingError: They differ in more.
    """
    for name in SAME:
        if first_of(first, name) != first_of(other, name):
            raise SettingError(
                f"one sweep is of {name} {first_of(first, name)}, the other of "
                f"{first_of(other, name)}",
                hint="put sweeps beside each other that differ in the recogniser alone",
            )
    photos = _photos(first), _photos(other)
    same = _faces(first) == _faces(other) and _settings(first) == _settings(other)
    if not same or (all(photos) and photos[0] != photos[1]):
        raise SettingError(
            "the sweeps are of other faces, degrees or angles",
            hint="put sweeps of the same faces beside each other",
        )


def _faces(table: pa.Table) -> set[tuple[str, int]]:
    return set(zip(table["face"].to_pylist(), table["degree"].to_pylist(), strict=True))


def _photos(table: pa.Table) -> set[tuple[str, str]]:
    """Which photo each face is of; of a reference's tables some do not say."""
    both = zip(table["face"].to_pylist(), table["photo_id"].to_pylist(), strict=True)
    return {(face, photo) for face, photo in both if photo}


def _settings(table: pa.Table) -> dict[str, Any]:
    identity = settings_of(table).get("identity", {})
    return {name: identity.get(name) for name in ("angle", "seed", "grid")}
