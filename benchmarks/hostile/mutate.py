"""Damage to files: every kind of it, repeatable from one random generator."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

from benchmarks.hostile.parts import parts_of

__all__ = ["MUTATIONS", "mutated", "resealed"]

NUMBERS = (0, 1, 2, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 24, 2**31 - 1)
NUMBERS += (2**31, 2**32 - 1, 2**32 - 8, 2**63 - 1, 2**64 - 1, 100_000, 50_000_001)
STARTS = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    b"RIFF\xff\xff\0\0WEBPVP8L",
    b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    b"\0\0\0\x18ftypmsf1\0\0\0\0hevcmsf1",
    b"PAR1",
    b"PK\3\4",
    b"\x80\x02",
)
TAILS = (
    b"PK\x05\x06" + b"\0" * 18,
    b"<html><script>alert(1)</script></html>",
    b"%PDF-1.7\n%%EOF",
    b"\xff\xd9\xff\xd8\xff",
    b"\0" * 4096,
)

Mutation = Callable[[random.Random, bytes, str, Sequence[bytes]], bytes]


def _cut(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    edges = [edge for span in parts_of(kind, data) for edge in span]
    at = rng.choice((rng.choice(edges) + rng.randint(-9, 9), rng.randint(0, len(data))))
    return data[: max(0, at)]


def _bits(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    file = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if file:
            file[_place(rng, data, kind)] ^= 1 << rng.randrange(8)
    return bytes(file)


def _bytes(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    at = _place(rng, data, kind)
    size = rng.choice((1, 2, 4, 8, 64, 512))
    fill = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"")) * size
    return data[:at] + (fill or rng.randbytes(size)) + data[at + size :]


def _number(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    at, size = _place(rng, data, kind), rng.choice((1, 2, 2, 4, 4, 8))
    value = rng.choice((rng.choice(NUMBERS), len(data) + rng.randint(-9, 9)))
    order = "big" if rng.random() < 0.5 else "little"
    number = (value % 256**size).to_bytes(size, order)  # type: ignore[arg-type]
    return data[:at] + number + data[at + size :]


def _swap(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    spans = parts_of(kind, data)
    (a, b), (c, d) = sorted(rng.choices(spans, k=2))
    if b > c:  # one inside the other, or the same
        return data[:a] + data[b:]
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _repeat(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    start, end = rng.choice(parts_of(kind, data))
    times = rng.choice((1, 2, 10, 100, 2000))
    times = min(times, 500_000 // (end - start) + 1)
    return data[:end] + data[start:end] * times + data[end:]


def _drop(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    start, end = rng.choice(parts_of(kind, data))
    return data[:start] + data[end:]


def _insert(rng: random.Random, data: bytes, kind: str, _others: Sequence[bytes]) -> bytes:
    at = rng.choice((rng.choice(parts_of(kind, data))[0], rng.randint(0, len(data))))
    fill = rng.choice((b"\0", b"\xff", b"<", b"")) * rng.choice((1, 7, 500))
    return data[:at] + (fill or rng.randbytes(rng.choice((1, 7, 500)))) + data[at:]


def _splice(rng: random.Random, data: bytes, kind: str, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    at = rng.choice(parts_of(kind, data))[1]
    return data[:at] + other[min(at, rng.randint(0, len(other))) :]


def _start(rng: random.Random, data: bytes, _kind: str, _others: Sequence[bytes]) -> bytes:
    start = rng.choice(STARTS)
    return start + data[rng.choice((0, len(start), 4, 8)) :]


def _polyglot(rng: random.Random, data: bytes, kind: str, others: Sequence[bytes]) -> bytes:
    tail = rng.choice((*TAILS, rng.choice(others)))
    if kind == "JPEG" and len(tail) < 65_000:  # in a comment, so that it stays a whole JPEG
        return data[:2] + b"\xff\xfe" + struct.pack(">H", len(tail) + 2) + tail + data[2:]
    return tail + data if rng.random() < 0.2 else data + tail


def _stack(rng: random.Random, data: bytes, kind: str, others: Sequence[bytes]) -> bytes:
    for _ in range(rng.randint(2, 5)):
        name = rng.choice(("bits", "bytes", "number", "swap", "repeat", "drop", "insert", "cut"))
        data = MUTATIONS[name](rng, data[:2_000_000], kind, others) or b"\0"
    return data


def _place(rng: random.Random, data: bytes, kind: str) -> int:
    """A byte to hit: mostly in the first bytes of a part, where sizes and types stand."""
    start, end = rng.choice(parts_of(kind, data))
    first = rng.random()
    if first < 0.6:
        end = min(end, start + 24)
    elif first < 0.8:
        start, end = 0, len(data)
    return rng.randrange(start, max(start + 1, end)) if data else 0


def mutated(rng: random.Random, how: str, data: bytes, kind: str, others: Sequence[bytes]) -> bytes:
    """Returns a damaged copy.

    Args:
        rng: Decides where and by what.
        how: Key of ``MUTATIONS``.
        data: A whole file.
        kind: Its format, as for ``parts_of``.
        others: Files to take pieces from.
    """
    damaged = MUTATIONS[how](rng, data, kind, others)
    return resealed(damaged) if kind == "PNG" and rng.random() < 0.7 else damaged


def resealed(png: bytes) -> bytes:
    """Returns a PNG whose checksums are right, so that its decoder is reached behind them."""
    file = bytearray(png)
    for start, end in parts_of("PNG", png):
        if end - start >= 12:
            file[end - 4 : end] = struct.pack(">I", zlib.crc32(file[start + 4 : end - 4]))
    return bytes(file)


MUTATIONS: dict[str, Mutation] = {
    "cut": _cut,
    "bits": _bits,
    "bytes": _bytes,
    "number": _number,
    "swap": _swap,
    "repeat": _repeat,
    "drop": _drop,
    "insert": _insert,
    "splice": _splice,
    "start": _start,
    "polyglot": _polyglot,
    "stack": _stack,
}
