"""How the rows of a sweep table came about: what they say themselves, and whether a note fits them.

Kernel, crop, protocol and recogniser stand in every row, angles and degrees too. So a table whose
settings another program dropped can be drawn, and one that was put together from several sweeps can
be taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from blurdash.errors import TableError

__all__ = ["NOT_WITH_FILE", "SAME_IN_A_SWEEP", "first_of", "fits", "rows_say", "separated"]

NOT_WITH_FILE = "settings not with the file"
# One value each for all rows of a sweep.
MOST_SWEEPS = 24
SAME_IN_A_SWEEP = ("embedder", "protocol", "crop", "kernel")


def first_of(table: pa.Table, column: str) -> str:
    """Returns what stands in a column's first row; empty where there is none."""
    return str(table[column][0].as_py()) if len(table) else ""


def rows_say(table: pa.Table) -> dict[str, Any]:
    """Returns the settings that a table's rows show, in the shape of those that a file carries.

    Conventions:
        ``angle`` is a number where all rows have it, ``"all"`` where every face and degree has the
        same several, ``"random"`` where they differ otherwise, None where there is none. Rows of
        degree 1, whose angle the study draws, do not count.

    Args:
        table: Rows of one sweep, at least one.

    Example:
        >>> rows = {"face": ["a", "a"], "degree": [0, 20], "angle": [45.0, 45.0]}
        >>> same = {name: ["x", "x"] for name in SAME_IN_A_SWEEP}
        >>> rows_say(pa.table({**rows, **same}))["identity"]["angle"]
        45.0
    """
    same = {name: table[name][0].as_py() for name in SAME_IN_A_SWEEP}
    degrees = sorted(pc.unique(table["degree"]).to_pylist())
    angle, grid = _angles(table)
    identity = {**same, "angle": angle, "degrees": degrees}
    if grid:
        identity["grid"] = grid
    return {"identity": identity, "with_file": False}


def fits(settings: Mapping[str, Any], table: pa.Table) -> bool:
    """Whether settings can be those of a table: no row contradicts them.

    Args:
        settings: As a file carries them.
        table: Rows, at least one.
    """
    noted = settings.get("identity", {})
    if any(len(pc.unique(table[name])) > 1 for name in SAME_IN_A_SWEEP):
        return False
    shown = rows_say(table)["identity"]
    if any(noted.get(name) != shown[name] for name in SAME_IN_A_SWEEP):
        return False
    degrees, angle = noted.get("degrees", []), noted.get("angle")
    known = {one for one in degrees if isinstance(one, int)} if isinstance(degrees, list) else set()
    if not known.issuperset(shown["degrees"]):
        return False
    if isinstance(angle, (int, float)):
        return bool(shown["angle"] in (angle, None))
    if angle == "all":  # also where rows of it are missing
        drawn = table["angle"].filter(pc.not_equal(table["degree"], 1))
        there, grid = set(pc.unique(drawn).to_pylist()), noted.get("grid")
        angles = grid if isinstance(grid, list) else []
        return len(there) > 1 and there <= {one for one in angles if isinstance(one, (int, float))}
    return bool(angle == "random")  # a few rows of which may look like anything


def separated(table: pa.Table) -> list[pa.Table]:
    """Returns the sweeps that a table's rows are of, a table each, in the order of their rows.

    Args:
        table: Rows of one sweep or of several that were put together.

    Raises:
        TableError: They are too many to be drawn.
    """
    kinds = table.select(SAME_IN_A_SWEEP).group_by(list(SAME_IN_A_SWEEP)).aggregate([]).to_pylist()
    if len(kinds) <= 1:
        return [table]
    if len(kinds) > MOST_SWEEPS:
        raise TableError(
            f"the table holds {len(kinds)} sweeps, wanted at most {MOST_SWEEPS}",
            hint="split it",
        )
    masks = []
    for kind in kinds:
        mask: Any = True
        for name, value in kind.items():
            mask = pc.and_(pc.equal(table[name], value), mask)
        masks.append(mask)
    first = {i: pc.index(mask, True).as_py() for i, mask in enumerate(masks)}
    return [table.filter(masks[i]) for i in sorted(first, key=first.__getitem__)]


def _angles(table: pa.Table) -> tuple[float | str | None, list[float]]:
    """The angle, or its kind, and the angles of a grid."""
    drawn = table.filter(pc.not_equal(table["degree"], 1))
    rows = drawn if len(drawn) else table
    different = sorted(pc.unique(rows["angle"].drop_null()).to_pylist())
    if len(different) <= 1:
        return (different[0] if different else None), []
    faces, degrees = (pc.count_distinct(rows[name]).as_py() for name in ("face", "degree"))
    if len(rows) == faces * degrees * len(different):
        return "all", different
    return "random", []
