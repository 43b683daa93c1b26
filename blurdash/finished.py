"""A sweep's table that is there already: what may not be lost of it, and what can be kept.

The same command on a folder that has grown measures what is new. A face is kept where its photo is
still the one that was measured, told by its content; what would be lost unasked is refused.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blurdash.errors import SettingError, TableError
from blurdash.outputs import REPLACE_HINT
from blurdash.sweep_file import MEASURED, SCHEMA, other_settings, read_settings
from blurdash.words import quoted

__all__ = ["FinishedTable", "settings_of_finished"]

GROUPS_KEPT = 2  # a face's rows lie in one row group or two


class FinishedTable:
    """The faces of a finished sweep's table, read as they are asked for.

    Args:
        path: The file.
        identity: What makes the wanted sweep what it is.

    Raises:
        TableError: The file is no sweep table.
        SettingError: It is one with other settings.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.settings = settings_of_finished(path)
        try:
            self._file = pq.ParquetFile(path)
            self._places = _places(self._file)
        except _UNREADABLE as error:
            raise _no_table(path) from error
        self.whole = set(MEASURED) <= set(self._file.schema_arrow.names)  # has every measure
        metadata = self._file.metadata
        sizes = (metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        self._starts = list(itertools.accumulate(sizes, initial=0))  # of the row groups, and an end
        self.count: int = metadata.num_rows
        report = self.settings.get("report", {})
        failed = report.get("failed_count", 0) if isinstance(report, dict) else 0
        self.failed = failed if isinstance(failed, int) else 0  # faces without a number
        if differs := other_settings(identity, self.settings["identity"]):
            raise SettingError(
                f"{quoted(path.name)} is a finished sweep of other settings ({differs})",
                hint=REPLACE_HINT,
            )

    def check_kept(self, taken: Set[str], offered: Set[str], limit: int | None) -> None:
        """Raises where finished rows would be lost though their photos are still there.

        Args:
            taken: Names of the faces that are wanted now.
            offered: Names of all faces of the folder.
            limit: The number of faces that are wanted at most.

        Raises:
            SettingError: A limit leaves measured faces out, or the folder has none of them.
        """
        here = set(self._places)
        if here and not here & offered:
            raise SettingError(
                f"{quoted(self.path.name)} is a finished sweep of other photos",
                hint=REPLACE_HINT,
            )
        if lost := (here & offered) - taken:
            raise SettingError(
                f"{quoted(self.path.name)} has {len(here)} faces, a limit of {limit} would drop "
                f"{len(lost)} of them",
                hint="give --limit all, another --out, or --overwrite to drop them",
            )

    def photo_id(self, face: str) -> str | None:
        """Returns what tells a face's photo from others; None where it is not known.

        Nor is it of a table that lacks a measure: its faces are to be measured anew.
        """
        return self._places[face][2] if self.whole and face in self._places else None

    def rows(self, face: str) -> pa.Table:
        """Returns the rows of a face that has them."""
        start, count, _ = self._places[face]
        parts, end = [], start + count
        for number in range(bisect.bisect_right(self._starts, start) - 1, len(self._starts) - 1):
            first = self._starts[number]
            if first >= end:
                break
            low = max(start, first)
            parts.append(self._group(number).slice(low - first, end - low))
        return pa.concat_tables(parts)

    @functools.cached_property
    def _group(self) -> Any:
        def read(number: int) -> pa.Table:
            try:
                group = self._file.read_row_group(number)
                columns = [
                    group[field.name].cast(field.type)
                    if field.name in group.column_names
                    else pa.nulls(len(group), field.type)
                    for field in SCHEMA
                ]
                return pa.table(columns, schema=SCHEMA)
            except _UNREADABLE as error:
                raise TableError(
                    f"{quoted(self.path.name)} is there already, and is damaged", REPLACE_HINT
                ) from error

        return functools.lru_cache(GROUPS_KEPT)(read)


# What a file that was edited, cut or put together elsewhere can raise when it is read.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, TypeError, LookupError)


def settings_of_finished(path: Path) -> dict[str, Any]:
    """Returns the settings of a file that is there already.

    Raises:
        TableError: It is no sweep table.
    """
    try:
        settings = read_settings(path)
        return settings | {"identity": dict(settings["identity"])}
    except (TableError, *_UNREADABLE) as error:
        raise _no_table(path) from error


def _no_table(path: Path) -> TableError:
    return TableError(
        f"{quoted(path.name)} is there already, and is no sweep table", hint=REPLACE_HINT
    )


def _places(file: pq.ParquetFile) -> dict[str, tuple[int, int, str | None]]:
    """Where each face's rows are: first row, how many, and the photo's identity.

    A face whose rows are in several places, or of several photos, has none: it is measured anew.
    """
    there = [name for name in ("face", "photo_id") if name in file.schema_arrow.names]
    table = file.read(columns=there)
    faces = table["face"].combine_chunks()
    ids = table["photo_id"].combine_chunks() if "photo_id" in there else None
    starts = [0, *_changes(faces), len(faces)] if len(faces) else []
    places: dict[str, tuple[int, int, str | None]] = {}
    for start, end in itertools.pairwise(starts):
        name = faces[start].as_py()
        known = pc.unique(ids[start:end]).to_pylist() if ids is not None else [None]
        alone = name not in places and len(known) == 1
        places[name] = (start, end - start, known[0] if alone else None)
    return places


def _changes(values: pa.Array) -> Sequence[int]:
    """The places where a value is another than the one before."""
    other = pc.not_equal(values[1:], values[:-1])
    return [int(place) + 1 for place in pc.indices_nonzero(other).to_pylist()]
