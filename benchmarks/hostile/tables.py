"""Sweep tables that want to do harm: damaged Parquet files, and named attacks."""

from __future__ import annotations

import base64
import copy
import functools
import io
import json
import random
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile.mutate import MUTATIONS, mutated
from benchmarks.hostile.payload import payload
from blurdash.sweep_file import METADATA_KEY, SCHEMA

__all__ = ["ATTACKS", "Attack", "Table", "seeds", "table"]

TEXTS = [field.name for field in SCHEMA if pa.types.is_string(field.type)]
GOOD: dict[str, Any] = {
    "format": 1,
    "identity": {
        "angle": 45.0,
        "degrees": list(range(40)),
        **dict.fromkeys(("kernel", "crop", "protocol", "embedder"), "some"),
    },
    "recogniser": {
        "name": "dlib",
        "label": "dlib ResNet-29",
        "threshold": {"measure": "l2", "value": 0.6, "source": "its author"},
    },
    "impostors": {"pairs": 3, "l2": {"low": 0.5, "median": 0.8, "high": 1.1}},
    "report": {"rows": 9, "failed_rows": 0},
    "versions": {"numpy": "2"},
    "created": "2026-01-01T00:00:00+00:00",
}


class Table(NamedTuple):
    """One input: what it was made from, what was done to it, and the file."""

    kind: str
    how: str
    data: bytes


class Attack(NamedTuple):
    """A file made for one purpose, and what comes of it: ``read`` or ``refused``."""

    outcome: str
    make: Callable[[], bytes]


def table(seed: int, index: int) -> Table:
    """Returns the input of this number; the same every time."""
    rng = random.Random(f"table {seed} {index}")
    label = rng.choice(list(seeds()))
    how = rng.choice((*MUTATIONS, "number", "bits", "footer", "settings", "columns", "none"))
    own = {"footer": _footer, "settings": _settings, "columns": _columns}
    if how in MUTATIONS:
        data = mutated(rng, how, seeds()[label], "Parquet", list(seeds().values()))
    else:
        data = own[how](rng, seeds()[label]) if how != "none" else seeds()[label]
    return Table(f"Parquet {label}", how, data)


# --- whole files ----------------------------------------------------------------------------------


@functools.cache
def seeds() -> dict[str, bytes]:
    """Returns a small valid file of each way that pyarrow has to write one."""
    rows = {"few": _rows(2, 3), "many": _rows(4, 40)}
    return {
        "zstd": written(rows["many"], compression="zstd"),
        "snappy": written(rows["many"]),
        "gzip": written(rows["few"], compression="gzip"),
        "brotli": written(rows["few"], compression="brotli"),
        "lz4": written(rows["few"], compression="lz4"),
        "unpacked": written(rows["few"], compression="none"),
        "plain": written(rows["many"], use_dictionary=False, compression="none"),
        "version 2": written(rows["many"], data_page_version="2.0", compression="zstd"),
        "old": written(rows["few"], version="1.0"),
        "groups": written(rows["many"], row_group_size=40),
        "pages": written(rows["many"], data_page_size=64, write_batch_size=8),
        "indexed": written(rows["many"], write_page_index=True, write_page_checksum=True),
    }


def _rows(faces: int, degrees: int) -> pa.Table:
    count = faces * degrees
    numbers = np.random.default_rng(3).random(count)
    columns = {}
    for field in SCHEMA:
        if field.name == "face":
            values: Any = [f"face {i // degrees}.png" for i in range(count)]
        elif field.name == "degree":
            values = [i % degrees for i in range(count)]
        elif field.name == "angle":
            values = [45.0] * count
        elif field.name == "failure":
            values = ["too dark" if i == 1 else None for i in range(count)]
        else:
            values = ["some"] * count if field.name in TEXTS else numbers
        columns[field.name] = pa.array(values, field.type)
    return pa.table(columns)


def written(table: pa.Table, settings: Any = GOOD, **options: Any) -> bytes:
    """Returns a table as a file, with settings (text, or what becomes JSON) unless None."""
    if settings is not None:
        note = settings if isinstance(settings, bytes) else json.dumps(settings).encode()
        table = table.replace_schema_metadata({METADATA_KEY: note})
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


# --- damage that knows the format -----------------------------------------------------------------


def _footer(rng: random.Random, data: bytes) -> bytes:
    """Damage to the description at the end, of a right or a wrong length."""
    (size,) = struct.unpack_from("<I", data, len(data) - 8)
    start = len(data) - 8 - size
    how = rng.choice(("bits", "bytes", "drop", "insert", "repeat", "cut"))
    footer = mutated(rng, how, data[start:-8], "", [data])[:200_000]
    length = len(footer) if rng.random() < 0.8 else rng.choice((0, 1, len(data), 2**31, 2**32 - 1))
    return data[:start] + footer + struct.pack("<I", length) + rng.choice((b"PAR1", b"PARE"))


STRANGE = (None, True, 0, -1, 1e999, 10**30, "", "<b>x</b>", "x" * 10_000, [], [[]], {}, {"": {}})


def _settings(rng: random.Random, _data: bytes) -> bytes:
    """Settings with something else in one or several places."""
    settings = json.loads(json.dumps(GOOD))
    for _ in range(rng.randint(1, 3)):
        place: Any = settings
        while True:
            key = rng.choice([*place, "format"])
            inner = place.get(key)
            if not isinstance(inner, dict) or not inner or rng.random() < 0.4:
                break
            place = inner
        place[key] = copy.deepcopy(rng.choice(STRANGE))  # or the next input finds it changed
    note = json.dumps(settings).encode()
    if rng.random() < 0.3:
        note = mutated(rng, rng.choice(("cut", "bytes", "bits", "repeat")), note, "", [b"{}"])
    return written(_rows(2, 3), note)


def _columns(rng: random.Random, _data: bytes) -> bytes:
    """A column of another type, missing, twice, nested, or with values out of place."""
    rows = _rows(2, 3)
    name = rng.choice(SCHEMA.names)
    at, count = SCHEMA.get_field_index(name), len(rows)
    values = rng.choice(_COLUMNS)(count)
    what = rng.random()
    if what < 0.15:
        changed = rows.remove_column(at)
    elif what < 0.3:
        changed = rows.append_column(name, values)
    elif what < 0.45:
        changed = rows.append_column("more", values)
    else:
        changed = rows.set_column(at, name, values)
    return written(changed)


_COLUMNS: tuple[Callable[[int], pa.Array], ...] = (
    lambda n: pa.nulls(n),
    lambda n: pa.nulls(n, pa.string()),
    lambda n: pa.array([None, *range(n - 1)], pa.int64()),
    lambda n: pa.array([2**62] * n),
    lambda n: pa.array([-(2**40)] * n),
    lambda n: pa.array([float("nan"), float("inf"), -float("inf"), 1e308][:n] * n)[:n],
    lambda n: pa.array([0.5] * n, pa.float32()),
    lambda n: pa.array([np.float16(0.5)] * n, pa.float16()),
    lambda n: pa.array(["7"] * n),
    lambda n: pa.array(["<script>"] * n, pa.large_string()),
    lambda n: pa.array([b"\xff\xfe"] * n, pa.binary()),
    lambda n: pa.array([b"\xff\xfe"] * n, pa.binary(2)),
    lambda n: pa.array([True] * n),
    lambda n: pa.array([[1, 2]] * n),
    lambda n: pa.array([[[["a"]]]] * n),
    lambda n: pa.array([{"a": {"b": 1}}] * n),
    lambda n: pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())),
    lambda n: pa.array([10**20] * n, pa.decimal128(38)),
    lambda n: pa.array([0] * n, pa.timestamp("ns")),
    lambda n: pa.array([0] * n, pa.time64("us")),
    lambda n: pa.array(["a"] * n).dictionary_encode(),
    lambda n: pa.array([f"{i}" * 1000 for i in range(n)]),
)


# --- attacks --------------------------------------------------------------------------------------


def _same(count: int, **texts: str) -> pa.Table:
    """Many rows that are all alike: next to nothing in a file."""
    columns = {}
    for field in SCHEMA:
        if field.name in TEXTS:
            places = pa.array(np.zeros(count, np.int32))
            text = pa.array([texts.get(field.name, "x")])
            columns[field.name] = pa.DictionaryArray.from_arrays(places, text)
        elif field.name == "degree":
            columns[field.name] = pa.array(np.zeros(count, np.int16))
        else:
            columns[field.name] = pa.array(np.zeros(count))
    return pa.table(columns)


def _one_long_text(dictionary: bool) -> bytes:
    column = SCHEMA.get_field_index("crop")
    rows = _same(1).set_column(column, "crop", pa.array(["a" * (300 << 20)]))
    return written(rows, compression="zstd", use_dictionary=dictionary, write_statistics=False)


def _not_text() -> bytes:
    """A column of names that are not UTF-8, in a file that says they are."""
    return written(_same(40, face="abcdefgh"), compression="none", write_statistics=False).replace(
        b"abcdefgh", b"\xff\xfe\xfd\xfcefgh"
    )


def _wrong_histogram() -> bytes:
    """A column that may be null, with a count of its nulls, described as one that may not.

    Asking pyarrow 26 for this column's metadata ends the process.
    """
    whole = seeds()["zstd"]
    kind, optional, name = b"\x15\x0a", b"\x25\x02", b"\x18\x05angle"
    return whole.replace(kind + optional + name, kind + b"\x25\x00" + name)


def _delta() -> bytes:
    """Names that each repeat the one before: what pyarrow reads but never writes by itself."""
    names = ["a" * 100_000 + f"{i:04}" for i in range(3000)]
    rows = _same(3000).set_column(0, "face", pa.array(names))
    encoding = {"column_encoding": {"face": "DELTA_BYTE_ARRAY"}}
    return written(rows, compression="zstd", use_dictionary=False, **encoding)


def _too_many_pairs() -> bytes:
    """Every row a face and a degree of its own: averages would need 30000² numbers."""
    count = 30_000
    rows = _same(count).set_column(0, "face", pa.array([f"{i}" for i in range(count)]))
    degrees = pa.array(np.arange(count), pa.int16())
    return written(rows.set_column(1, "degree", degrees), compression="zstd")


def _foreign_type(name: str) -> bytes:
    """Names in a type of another program, which comes with a pickle of how to make it."""
    metadata = {"ARROW:extension:name": name, "ARROW:extension:metadata": payload()}
    rows = _rows(2, 3)
    field = pa.field("face", pa.string(), metadata=metadata)
    schema = rows.schema.set(0, field)
    return written(pa.table(rows.columns, schema=schema))


def _pickles_in_notes() -> bytes:
    notes = {b"pandas": payload(), b"pickle": payload()}
    rows = _rows(2, 3).replace_schema_metadata(
        {
            METADATA_KEY: json.dumps({**GOOD, "pickle": base64.b64encode(payload()).decode()}),
            **notes,
        }
    )
    return written(rows, None)


class _Thrift:
    """Just enough of Thrift's compact protocol to write a file's description by hand."""

    I32, I64, TEXT, LIST, STRUCT = 5, 6, 8, 9, 12

    @staticmethod
    def varint(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    @classmethod
    def struct(cls, *fields: tuple[int, int, bytes]) -> bytes:
        """A structure of (number, type, content) with rising numbers less than 16 apart."""
        out, before = b"", 0
        for number, kind, content in fields:
            out += bytes([(number - before) << 4 | kind]) + content
            before = number
        return out + b"\0"

    @classmethod
    def text(cls, value: bytes) -> bytes:
        return cls.varint(len(value)) + value

    @classmethod
    def many(cls, item: bytes, count: int) -> bytes:
        return bytes([0xF0 | cls.STRUCT]) + cls.varint(count) + item * count


def _described(schema: bytes, groups: bytes, notes: bytes | None = None) -> bytes:
    """A file of nothing but a description."""
    t = _Thrift
    key = t.struct(
        (1, t.TEXT, t.text(METADATA_KEY)), (2, t.TEXT, t.text(json.dumps(GOOD).encode()))
    )
    meta = t.struct(
        (1, t.I32, t.varint(4)),
        (2, t.LIST, schema),
        (3, t.I64, t.varint(2)),
        (4, t.LIST, groups),
        (5, t.LIST, notes or t.many(key, 1)),
    )
    return b"PAR1" + meta + struct.pack("<I", len(meta)) + b"PAR1"


def _element(name: bytes, children: int = 0) -> bytes:
    t = _Thrift
    kind = [] if children else [(1, t.I32, t.varint(2))]
    count = [(5, t.I32, t.varint(2 * children))] if children else []
    return t.struct(*kind, (3, t.I32, t.varint(0)), (4, t.TEXT, t.text(name)), *count)


def _deep_schema(levels: int) -> bytes:
    t = _Thrift
    elements = _element(b"a", 1) * levels + _element(b"b")
    return _described(bytes([0xF0 | t.STRUCT]) + t.varint(levels + 1) + elements, t.many(b"", 0))


def _wide_schema(columns: int) -> bytes:
    t = _Thrift
    elements = _element(b"s", columns) + _element(b"c") * columns
    return _described(bytes([0xF0 | t.STRUCT]) + t.varint(columns + 1) + elements, t.many(b"", 0))


def _many_groups(groups: int, columns: int) -> bytes:
    t = _Thrift
    chunk = t.struct((2, t.I64, t.varint(0)))
    group = t.struct(
        (1, t.LIST, t.many(chunk, columns)), (2, t.I64, t.varint(0)), (3, t.I64, t.varint(0))
    )
    return _described(t.many(_element(b"s", 1), 1), t.many(group, groups))


def _with_note(note: bytes) -> bytes:
    return written(_rows(2, 3), note)


ATTACKS: dict[str, Attack] = {
    "0 bytes": Attack("refused", bytes),
    "PAR1 alone": Attack("refused", lambda: b"PAR1PAR1"),
    "3 million equal rows": Attack(
        "refused", lambda: written(_same(3_000_000), compression="zstd")
    ),
    "a million equal rows": Attack("read", lambda: written(_same(1_000_000), compression="zstd")),
    "200000 rows of a long name": Attack(
        "refused", lambda: written(_same(200_000, face="a" * 10_000), compression="zstd")
    ),
    "2000 rows of a name of 5 MB": Attack(
        "refused", lambda: written(_same(2000, face="a" * 5_000_000), compression="zstd")
    ),
    "a text of 300 MB": Attack("refused", lambda: _one_long_text(False)),
    "a dictionary of 300 MB": Attack("refused", lambda: _one_long_text(True)),
    "texts by their difference": Attack("refused", _delta),
    "no rows": Attack("refused", lambda: written(_rows(2, 3).slice(0, 0))),
    "3000 groups of one row": Attack("refused", lambda: written(_same(3000), row_group_size=1)),
    "a histogram that does not fit": Attack("refused", _wrong_histogram),
    "a column of each row's own": Attack("refused", _too_many_pairs),
    "names that are not UTF-8": Attack("refused", _not_text),
    "schema of 50000 levels": Attack("refused", lambda: _deep_schema(50_000)),
    "schema of 900000 levels": Attack("refused", lambda: _deep_schema(900_000)),
    "schema of 15000 columns": Attack("refused", lambda: _wide_schema(15_000)),
    "schema of 900000 columns": Attack("refused", lambda: _wide_schema(900_000)),
    "900000 row groups": Attack("refused", lambda: _many_groups(900_000, 1)),
    "5 × 900000 columns in row groups": Attack("refused", lambda: _many_groups(5, 900_000)),
    "lists in settings, 100000 deep": Attack(
        "refused",
        lambda: _with_note(b'{"format": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ),
    "objects in settings, 100000 deep": Attack(
        "refused", lambda: _with_note(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    ),
    "settings with a number of 900000 digits": Attack(
        "refused", lambda: _with_note(b'{"format": 1, "x": ' + b"9" * 900_000 + b"}")
    ),
    "settings of 20 MB": Attack(
        "refused", lambda: _with_note(b'{"format": 1, "x": "' + b"a" * 20_000_000 + b'"}')
    ),
    "settings that are a list": Attack("refused", lambda: _with_note(b"[1]")),
    "recogniser is a number": Attack("refused", lambda: _with_note(b'{"format":1,"recogniser":7}')),
    "threshold is a text": Attack(
        "refused",
        lambda: _with_note(b'{"format":1,"recogniser":{"threshold":{"measure":"l2","value":"x"}}}'),
    ),
    "a pickle as a type": Attack("read", lambda: _foreign_type("arrow.py_extension_type")),
    "pickles in notes": Attack("read", _pickles_in_notes),
    "a pickle": Attack("refused", payload),
    "a pickle between PAR1": Attack("refused", lambda: b"PAR1" + payload() + b"PAR1"),
    "HTML": Attack("refused", lambda: b"<html><script>alert(1)</script></html>"),
    "a table and a ZIP": Attack("refused", lambda: seeds()["zstd"] + b"PK\5\6" + bytes(18)),
}
"""Label of each attack and what comes of it."""
