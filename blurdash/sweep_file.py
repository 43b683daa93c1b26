"""Sweep tables as files: Parquet with its settings inside, and the journal of a sweep under way.

A table has one row per (face, degree, angle). Nothing in it can run code: no pickle is read. A
file of unknown origin is looked through before its rows are unpacked, for thirty kilobytes can
hold gigabytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blurdash.distance import DISTANCES, EMBEDDING
from blurdash.errors import SettingError, TableError
from blurdash.outputs import whole_file
from blurdash.provenance import fits, rows_say
from blurdash.quality import METRICS
from blurdash.values import is_real

__all__ = [
    "MEASURED",
    "SCHEMA",
    "Journal",
    "as_csv",
    "other_settings",
    "read_settings",
    "read_sweep",
    "settings_of",
    "sweep_bytes",
    "table_of",
    "with_own_settings",
    "with_settings",
    "write_sweep",
]

METADATA_KEY = b"blurdash"
# Where pandas keeps what belongs to a whole table (DataFrame.attrs), which it writes again.
PANDAS_KEY = b"PANDAS_ATTRS"
FORMAT = 1
# More than any table that a page can show; a small file that unpacks to more is refused unread.
MAX_ROWS = 50_000_000
# Of the note with the settings, which has some kilobytes.
MAX_NOTE_BYTES = 1024 * 1024
# Parts are gathered to row groups of at least this many rows, which bounds memory and file size.
ROWS_AT_ONCE = 8192

MEASURED = (*DISTANCES, *METRICS)
SCHEMA = pa.schema(
    [
        pa.field("face", pa.string(), nullable=False),
        pa.field("degree", pa.int16(), nullable=False),
        pa.field("angle", pa.float64()),  # null: unknown, as in samples made elsewhere
        pa.field("kernel", pa.string(), nullable=False),
        *(pa.field(name, pa.float64()) for name in MEASURED),
        pa.field("eye_distance_px", pa.float64()),
        pa.field("degree_percent_of_eye_distance", pa.float64()),
        pa.field("crop", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("embedder", pa.string(), nullable=False),
        pa.field("failure", pa.string()),  # null: the row was measured
        pa.field("face_confidence", pa.float64()),  # of the detector, 0..1
        pa.field("face_second_score", pa.float64()),  # of dlib's detector; below 0.4: doubtful
        pa.field("face_source_px", pa.float64()),  # of the square around the face
        pa.field("photo_id", pa.string()),  # first 16 hex digits of the file's SHA-256
    ]
)

# A table without them is read with nulls in their place: they came later, or may.
LATER = frozenset(
    (*MEASURED, "face_confidence", "face_second_score", "face_source_px", "photo_id")
) - {EMBEDDING}


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Returns rows as a table of ``SCHEMA``; what a row lacks is null."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)


def settings_of(table: pa.Table) -> dict[str, Any]:
    """Returns the settings that a table carries, ``{}`` if it carries none."""
    found = (table.schema.metadata or {}).get(METADATA_KEY)
    return dict(json.loads(found)) if found else {}


def with_settings(table: pa.Table, settings: Mapping[str, Any]) -> pa.Table:
    """Returns the table with settings attached, as a file of it carries them."""
    return table.replace_schema_metadata(_notes(settings))


def with_own_settings(table: pa.Table) -> pa.Table:
    """Returns the table with the settings that it carries, or where they do not fit with its own.

    Args:
        table: Rows of one sweep, at least one, such as a part of several.
    """
    settings = settings_of(table)
    fitting = not len(table) or (settings.get("with_file", True) and fits(settings, table))
    return table if fitting else with_settings(table, rows_say(table))


def _notes(settings: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Settings as this project, pyarrow and pandas find them."""
    note = _note(settings)
    return {METADATA_KEY: note, PANDAS_KEY: b'{"blurdash": ' + note + b"}"}


def _note(settings: Mapping[str, Any]) -> bytes:
    return json.dumps({"format": FORMAT, **settings}, ensure_ascii=False).encode()


def read_sweep(source: str | os.PathLike[str] | bytes) -> pa.Table:
    """Returns a sweep table with its settings; see ``settings_of``.

    Args:
        source: Path of a Parquet file that ``blurdash sweep`` wrote, or its bytes; also one that
            pandas, polars or pyarrow wrote again. What comes as bytes may unpack to 256 MB (a
            million rows), a file to 8 GB.

    Returns:
        The table, with the columns of ``SCHEMA``, at least one row, and settings of the shape
        that ``blurdash sweep`` gives them; where it has none or its rows contradict them, what
        the rows say themselves, with ``with_file`` false. Of several sweeps put together see
        ``blurdash.provenance.separated``.

    Raises:
        TableError: There is no such file, or it is damaged, not a sweep table, or too large.
    """
    name = _name(source)
    limits = _HANDED_OVER if isinstance(source, bytes) else _OF_A_FILE
    try:
        with _opened(source, name) as opened, _parquet(opened, limits) as file:
            _check_columns(file, name)
            try:
                _check_pages(file, opened, name, limits)
            except (AttributeError, TypeError) as error:  # a list where a number should be
                raise ValueError("a description of another shape") from error
            table = _in_schema(_unpacked(file, opened, name, limits), name)
            settings = _noted(file)
        _check_rows(table, name)
        return with_settings(table, settings if fits(settings, table) else rows_say(table))
    except _UNREADABLE as error:
        if isinstance(error, TableError):
            raise
        raise TableError(
            f"{name} is damaged or not a Parquet file, wanted a table of blurdash sweep",
            hint="copy the file again, or make it anew with python -m blurdash sweep",
        ) from error


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the settings of a sweep file without reading its rows.

    Raises:
        TableError: As ``read_sweep``.
    """
    name = _name(path)
    try:
        with _opened(path, name) as opened, _parquet(opened, _OF_A_FILE) as file:
            return _settings((file.metadata.metadata or {})[METADATA_KEY])
    except _UNREADABLE as error:
        raise TableError(
            f"{name} is not a table of blurdash sweep", hint="choose another file"
        ) from error


def as_csv(table: pa.Table) -> bytes:
    """Returns a table as CSV that a spreadsheet takes for text and numbers, and for nothing else.

    Conventions:
        A text that begins like a formula (``=``, ``+``, ``-``, ``@``, a tab or a return) gets an
        apostrophe in front, as OWASP advises ("CSV Injection").

    Example:
        >>> print(as_csv(pa.table({"face": ["=1+1", "a.png"], "l2": [0.5, -1.0]})).decode())
        "face","l2"
        "'=1+1",0.5
        "a.png",-1
        <BLANKLINE>
    """
    from pyarrow import csv

    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            texts = pc.replace_substring_regex(
                table[column.name], pattern=r"^([=+\-@\t\r])", replacement=r"'\1"
            )
            table = table.set_column(place, column, texts)
    buffer = pa.BufferOutputStream()
    csv.write_csv(table, buffer)
    return bytes(buffer.getvalue())


def write_sweep(
    path: Path, parts: Iterable[pa.Table], settings: Callable[[], Mapping[str, Any]]
) -> None:
    """Writes a sweep table; the file appears whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        parts: Tables of ``SCHEMA``, in order; never all in memory.
        settings: Called after the last part; what it returns goes into the file's metadata.

    Raises:
        TableError: The file cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            _write_parts(unfinished, parts, settings)
            _flush(unfinished)
    except OSError as error:
        raise _unwritable(path, error) from error


def sweep_bytes(parts: Iterable[pa.Table], settings: Mapping[str, Any]) -> bytes:
    """Returns the file that ``write_sweep`` writes, for what belongs on no disk."""
    sink = pa.BufferOutputStream()
    _write_parts(sink, parts, lambda: settings)
    return bytes(sink.getvalue())


def _write_parts(
    sink: Any, parts: Iterable[pa.Table], settings: Callable[[], Mapping[str, Any]]
) -> None:
    # Without Arrow's own copy of the schema, which would hide the settings from pyarrow.
    how: Any = {"compression": "zstd", "store_schema": False}
    with pq.ParquetWriter(sink, SCHEMA, **how) as writer:
        for group in _gathered(parts):
            writer.write_table(group, row_group_size=len(group))
        writer.add_key_value_metadata(_notes(settings()))


def other_settings(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Returns the names of the settings that differ, as a list in a sentence; empty for none.

    Args:
        wanted: What makes a sweep what it is.
        found: The same of another one, as JSON gives it back.
    """
    known = json.loads(json.dumps(wanted))
    return ", ".join(key for key in known if known[key] != found.get(key))


class Journal:
    """The finished faces of a sweep under way, a file each in a folder beside the output.

    A part appears whole or not at all, so a sweep that is killed at any moment loses at most the
    faces in work. The folder holds for one sweep only, whose identity is written in it.

    Args:
        out: The sweep's output file.
        identity: What makes two sweeps the same: settings, recogniser, version.

    Raises:
        SettingError: The folder belongs to another sweep.
        TableError: It cannot be written.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any]) -> None:
        self._out = out
        self.directory = out.with_name(f"{out.name}.parts")
        self._claim(out, identity)

    def _claim(self, out: Path, identity: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps(identity))
        note = self.directory / "sweep.json"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if not note.exists():
                _write_whole(note, json.dumps(wanted, indent=1).encode())
            found = json.loads(note.read_bytes())
        except OSError as error:
            raise _unwritable(out, error) from error
        except ValueError:
            found = {}
        if differs := other_settings(wanted, found):
            raise SettingError(
                f"{_shown(self.directory)} holds an unfinished sweep with another {differs}",
                hint="finish that one, delete the folder, or give another --out",
            )

    def path(self, face: str) -> Path:
        """Returns where a face's part lies, written or not."""
        return self.directory / f"{hashlib.sha256(face.encode()).hexdigest()[:24]}.parquet"

    def write(self, face: str, rows: pa.Table, note: Mapping[str, Any]) -> None:
        """Keeps a face's rows and a note about it.

        Raises:
            TableError: The part cannot be written.
        """
        marked = rows.replace_schema_metadata({METADATA_KEY: json.dumps(note)})
        sink = pa.BufferOutputStream()
        pq.write_table(marked, sink)
        try:
            _write_whole(self.path(face), sink.getvalue().to_pybytes())
        except OSError as error:
            raise _unwritable(self.directory, error) from error

    def read(self, face: str) -> tuple[pa.Table, dict[str, Any]] | None:
        """Returns a face's rows and note; None if there are none, or damaged ones."""
        path = self.path(face)
        if not path.exists():
            return None
        try:
            table = pq.read_table(path, schema=SCHEMA)
            return table, json.loads(pq.read_schema(path).metadata[METADATA_KEY])
        except (pa.ArrowException, OSError, ValueError, KeyError):
            return None  # as after a power cut: the face is measured again

    def forget(self, face: str) -> None:
        """Drops what is kept of a face."""
        self.path(face).unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other processes from the same sweep; a process that dies lets go of it.

        Raises:
            SettingError: One is at it.
        """
        lock = filelock.FileLock(self.directory / "running.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise SettingError(
                f"another process is writing {_shown(self._out)}",
                hint="wait until it has ended, or give another --out",
            ) from error
        except OSError as error:
            raise _unwritable(self.directory, error) from error
        try:
            yield
        finally:
            lock.release()

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _gathered(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part.replace_schema_metadata(None))
        if sum(map(len, waiting)) >= ROWS_AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _write_whole(path: Path, content: bytes) -> None:
    with whole_file(path, alone=True) as unfinished:
        unfinished.write_bytes(content)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> TableError:
    reason = error.strerror or type(error).__name__
    return TableError(
        f"{_shown(path)} cannot be written ({reason})", hint="check the folder and the free space"
    )


def _name(source: object) -> str:
    """How an error calls the file: its name in quotes, or "the file"."""
    return repr(_shown(source)) if isinstance(source, (str, os.PathLike)) else "the file"


def _shown(path: str | os.PathLike[str]) -> str:
    """A file's name without what a page could take for markup."""
    name = Path(path).name
    return "".join(sign for sign in name if sign.isprintable() and sign not in _MARKUP)[:60]


_MARKUP = "<>[]`$|\\"


# --- files of unknown origin ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Limits:
    """What a file may take, in bytes: its rows in memory, and the description at its end."""

    unpacked: int
    footer: int
    advice: str = "split the sweep"


_HANDED_OVER = _Limits(  # by a visitor, of whom there are many
    256 * 1024**2, 2 * 1024**2, "read the file with python -m blurdash figure, or split the sweep"
)
_OF_A_FILE = _Limits(8 * 1024**3, 32 * 1024**2)
_MAX_DICTIONARY_BYTES = 8 * 1024**2  # pyarrow writes up to 1 MB of different values
_MOST_PAGES = 200_000
_MOST_IN_A_LIST = 20_000  # columns or row groups: pyarrow spends microseconds and more on each
_MOST_LEVELS = 16  # a description has eight
_ROWS_UNPACKED_AT_ONCE = 65_536
_WRITERS = (b"parquet-cpp", b"Polars")
_NUMBERS = ("BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE")
_TEXTS = [field.name for field in SCHEMA if pa.types.is_string(field.type)]
# What pyarrow writes: plain values and dictionaries. The others can make much of little.
_ENCODINGS = frozenset((0, 2, 8))

# All that pyarrow has been seen to raise on damaged files, and what the walk over them can.
_UNREADABLE = (
    pa.ArrowException,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    RecursionError,
    MemoryError,
)


def _opened(source: str | os.PathLike[str] | bytes, name: str) -> Any:
    if isinstance(source, bytes):
        return pa.BufferReader(source)
    if not Path(source).is_file():
        raise TableError(f"there is no file {name}", hint="check the path of the sweep table")
    return pa.OSFile(os.fspath(source))


def _parquet(opened: Any, limits: _Limits) -> pq.ParquetFile:
    """The file with its description read."""
    _footer(opened, limits)
    return pq.ParquetFile(
        opened,
        thrift_string_size_limit=limits.footer,
        thrift_container_size_limit=_MOST_IN_A_LIST,
    )


def _footer(opened: Any, limits: _Limits) -> bytes:
    """The description at the end of the file, behind which its length and a mark stand."""
    size = opened.size()
    end = opened.read_at(8, size - 8) if size >= 8 else b""
    length = int.from_bytes(end[:4], "little")
    if end[4:] != b"PAR1" or length > min(limits.footer, size - 8):
        raise ValueError(f"a description of {length} bytes")
    return bytes(opened.read_at(length, size - 8 - length))


def _check_columns(file: pq.ParquetFile, name: str) -> None:
    there = file.schema_arrow.names
    missing = [column for column in SCHEMA.names if column not in there and column not in LATER]
    if missing:
        raise TableError(
            f"{name} is not a table of blurdash sweep: it has no column {missing[0]}",
            hint="make one with python -m blurdash sweep",
        )
    settings = _noted(file)
    if settings and settings.get("format") != FORMAT:
        raise TableError(
            f"{name} was written by another version of blurdash",
            hint="update blurdash, or make the table anew",
        )
    if not _is_shaped(settings):
        raise TableError(
            f"{name} carries settings that are not those of blurdash sweep",
            hint="make the table anew with python -m blurdash sweep",
        )
    rows = file.metadata.num_rows
    if not 0 < rows <= MAX_ROWS:
        raise TableError(
            f"{name} has {rows} rows, wanted 1 to {MAX_ROWS}",
            hint="split the sweep" if rows else "make it anew with python -m blurdash sweep",
        )
    for column in SCHEMA:
        if column.name in there:
            _check_type(file, column)


def _check_type(file: pq.ParquetFile, wanted: pa.Field) -> None:
    """Refuses a column that is nested, or of a type that no table of numbers and names needs."""
    (leaf,) = [leaf for leaf in file.schema if leaf.path.split(".")[0] == wanted.name]
    kind = file.schema_arrow.field(wanted.name).type
    if pa.types.is_string(wanted.type):
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        text = pa.types.is_string(inner) or pa.types.is_large_string(inner)
        fitting = leaf.physical_type == "BYTE_ARRAY" and text
        # An empty column of texts has no type of its own: see _in_schema.
        fitting = fitting or (wanted.nullable and leaf.physical_type in _NUMBERS)
    else:
        plain = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        fitting = leaf.physical_type in _NUMBERS and plain
    if leaf.path != wanted.name or leaf.max_repetition_level or not fitting:
        raise ValueError(f"column {wanted.name} is {kind}")


def _noted(file: pq.ParquetFile) -> dict[str, Any]:
    """The settings that a file carries, also where only pandas kept them; ``{}`` for none."""
    notes = file.metadata.metadata or {}
    if METADATA_KEY in notes:
        settings = _settings(notes[METADATA_KEY])
        if not settings:
            raise ValueError("settings that say nothing")
        return settings
    kept = _settings(notes.get(PANDAS_KEY, b"{}")).get("blurdash", {})
    return kept if isinstance(kept, dict) else {}


def _settings(note: bytes) -> dict[str, Any]:
    """The settings in a file's note; any file may say anything there."""
    if len(note) > MAX_NOTE_BYTES:
        raise ValueError(f"settings of {len(note)} bytes")
    settings = json.loads(note)
    return settings if isinstance(settings, dict) else {}


def _is_shaped(settings: Mapping[str, Any]) -> bool:
    """Whether settings are built as pages and figures will read them."""
    kinds: dict[str, type] = dict.fromkeys(
        ("identity", "recogniser", "impostors", "report", "versions"), dict
    ) | dict.fromkeys(("blur", "created", "photos"), str)
    if not all(isinstance(settings.get(key, kind()), kind) for key, kind in kinds.items()):
        return False
    recogniser = settings.get("recogniser", {})
    threshold = recogniser.get("threshold")
    left_out = settings.get("report", {}).get("left_out", {})
    if not isinstance(left_out, dict) or not all(map(_is_number, left_out.values())):
        return False
    impostors = dict(settings.get("impostors", {}))
    counts = [impostors.pop(key, 0) for key in _COUNTED]
    bands = list(impostors.values())
    return (
        isinstance(recogniser.get("label", ""), str)
        and (threshold is None or _is_threshold(threshold))
        and all(map(_is_number, counts))
        and all(_has_numbers(band, "low", "median", "high") for band in bands)
    )


def _has_numbers(value: object, *keys: str) -> bool:
    return isinstance(value, dict) and all(_is_number(value.get(key)) for key in keys)


# What settings say of the pairs of different faces, beside a band for each measure.
_COUNTED = ("pairs", "faces", "taken_for_the_same", "taken_low", "taken_high")


def _is_threshold(value: object) -> bool:
    return _has_numbers(value, "value") and isinstance(value["measure"], str)  # type: ignore[index]


def _is_number(value: object) -> bool:
    return is_real(value) and abs(value) < 1e18


def _check_pages(file: pq.ParquetFile, opened: Any, name: str, limits: _Limits) -> None:
    """Refuses columns that unpack to more than the limits, from the heads of their pages.

    What the description says about its file's size, nobody holds it to. It is read here and not
    by pyarrow: where a column's part of it is damaged, asking pyarrow ends the whole process.
    """
    described, _ = _fields(_footer(opened, limits))
    groups = described[_GROUPS]
    # Only of these is it certain where pyarrow looks for pages.
    if not described[_CREATED_BY].startswith(_WRITERS):
        raise ValueError(f"written by {described[_CREATED_BY]!r}")
    if len(groups) > 100 + described[_ROWS] // 1000:
        raise ValueError(f"{len(groups)} row groups")
    total = pages = 0
    paths = [leaf.path for leaf in file.schema]
    for group in groups:
        for path, chunk in zip(paths, group[_COLUMNS], strict=True):
            column = chunk[_CHUNK]
            if b".".join(column[_PATH]).decode() != path:
                raise ValueError(f"a column {path} under another name")  # pyarrow goes by place
            if path in SCHEMA.names:
                for unpacked in _pages(column, opened):
                    total, pages = total + unpacked, pages + 1
                    if total > limits.unpacked or pages > _MOST_PAGES:
                        raise _too_large(name, limits)


# Numbers of fields in parquet.thrift: of the file, a row group, a column chunk and its metadata,
# a page, and the heads that a page has one of.
_ROWS, _GROUPS, _CREATED_BY = 3, 4, 6
_COLUMNS, _CHUNK = 1, 3
_PATH, _PACKED_SIZE, _DATA_PAGE, _DICTIONARY_PAGE = 3, 7, 9, 11
_PAGE_TYPE, _PAGE_UNPACKED, _PAGE_PACKED = 1, 2, 3
_DICTIONARY_TYPE = 2
_DATA, _DICTIONARY, _DATA_2 = 5, 7, 8
_ENCODING = {_DATA: 2, _DICTIONARY: 2, _DATA_2: 4}


def _pages(column: Mapping[int, Any], opened: Any) -> Iterator[int]:
    """The unpacked size of each page of a column, in bytes."""
    at = column[_DATA_PAGE]
    if 0 < column.get(_DICTIONARY_PAGE, 0) < at:
        at = column[_DICTIONARY_PAGE]
    end = at + column[_PACKED_SIZE]
    while at < end:
        page, size = _fields(opened.read_at(min(16_384, end - at), at))
        packed, unpacked = page[_PAGE_PACKED], page[_PAGE_UNPACKED]
        if packed < 0 or unpacked < 0:
            raise ValueError(f"a page of {packed} bytes, unpacked {unpacked}")
        encodings = {page[kind][_ENCODING[kind]] for kind in _ENCODING if kind in page}
        if not encodings or not encodings <= _ENCODINGS:
            raise ValueError(f"a page in the encodings {encodings}")
        if page[_PAGE_TYPE] == _DICTIONARY_TYPE and unpacked > _MAX_DICTIONARY_BYTES:
            raise ValueError(f"a dictionary of {unpacked} bytes")
        yield unpacked
        at += size + packed


def _fields(data: bytes, at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A structure in Thrift's compact protocol: its fields by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if head & 15 in (1, 2):  # a truth is its own type
            fields[number] = head & 15 == 1
        else:
            fields[number], at = _value(head & 15, data, at, depth)
    return fields, at + 1


def _value(kind: int, data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """What stands in a field or a list, and where it ends."""
    if kind in (1, 2, 3):
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _integer(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        size, at = _varint(data, at)
        return data[at : at + size], at + size
    if kind == 9 and depth < _MOST_LEVELS:
        count, kind, at = data[at] >> 4, data[at] & 15, at + 1
        if count == 15:
            count, at = _varint(data, at)
        if count > _MOST_IN_A_LIST:
            raise ValueError(f"{count} in a list")
        values = []
        for _ in range(count):
            value, at = _value(kind, data, at, depth + 1)
            values.append(value)
        return values, at
    if kind == 12 and depth < _MOST_LEVELS:
        return _fields(data, at, depth + 1)
    raise ValueError(f"type {kind} at {at}, level {depth}")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ValueError("an endless number")


def _unpacked(file: pq.ParquetFile, opened: Any, name: str, limits: _Limits) -> pa.Table:
    """The rows, as long as they fit; texts are still dictionaries, which stay small."""
    batches, total, rows = [], 0, 0
    columns = [name for name in SCHEMA.names if name in file.schema_arrow.names]
    texts = [name for name in _TEXTS if name in columns]
    file = pq.ParquetFile(opened, metadata=file.metadata, read_dictionary=texts)
    for batch in file.iter_batches(_ROWS_UNPACKED_AT_ONCE, columns=columns):
        batch.validate(full=True)  # or a text that is not UTF-8 would come up in the page
        batch = batch.select(columns)
        total += sum(map(_plain_bytes, batch.columns))
        rows += len(batch)
        if total > limits.unpacked or rows > MAX_ROWS:
            raise _too_large(name, limits)
        batches.append(batch)
    if not 0 < rows == file.metadata.num_rows:
        raise ValueError(f"{rows} rows, announced {file.metadata.num_rows}")
    table = pa.Table.from_batches(batches)
    for place, column in enumerate(SCHEMA):
        if column.name not in columns:
            table = table.add_column(place, column, pa.nulls(len(table), column.type))
    return table


def _in_schema(table: pa.Table, name: str) -> pa.Table:
    """The table in the types of ``SCHEMA``: other programs make wider ones of them."""
    degrees = table["degree"]
    whole = pc.all(pc.equal(degrees, pc.round(degrees)), skip_nulls=False).as_py()
    if pa.types.is_floating(degrees.type) and not whole:
        raise TableError(
            f"{name} has degrees that are not whole, wanted whole px",
            hint="round them, or make it anew with python -m blurdash sweep",
        )
    for place, column in enumerate(SCHEMA):
        there = table[column.name]
        if pa.types.is_string(column.type) and _is_empty(there):
            table = table.set_column(place, column, pa.nulls(len(table), column.type))
    return table.cast(SCHEMA)


def _is_empty(column: pa.ChunkedArray) -> bool:
    """Whether a column of numbers holds none, as pandas leaves a column of texts without any."""
    if pa.types.is_null(column.type):
        return True
    if not pa.types.is_floating(column.type):
        return False
    return not pc.any(pc.is_finite(column)).as_py()


def _too_large(name: str, limits: _Limits) -> TableError:
    return TableError(
        f"{name} unpacks to more than {limits.unpacked // 1024**2} MB, wanted less",
        hint=limits.advice,
    )


def _plain_bytes(column: pa.Array) -> int:
    """The size of a column once every row has its own text."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0) + 4 * len(column)


def _check_rows(table: pa.Table, name: str) -> None:
    """Refuses a table whose faces and degrees would fill more than memory.

    Averages need a number for each face and degree, of which a sweep measures every pair.
    """
    pairs = pc.count_distinct(table["face"]).as_py() * pc.count_distinct(table["degree"]).as_py()
    if pairs > 10_000 + 4 * len(table):
        raise TableError(
            f"{name} does not have every degree of its faces, wanted one row per face and degree",
            hint="make it anew with python -m blurdash sweep",
        )
