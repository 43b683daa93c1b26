"""Where a file's parts lie (chunks, segments, boxes, entries), so that damage hits something."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["parts_of"]

Span = tuple[int, int]

MOST = 400
_CONTAINERS = (b"meta", b"iprp", b"ipco", b"iref", b"iinf", b"dinf", b"moov", b"trak", b"mdia")


def parts_of(kind: str, data: bytes) -> list[Span]:
    """Start and end of each part, in order; the whole file where its structure is not known.

    Args:
        kind: JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP, Parquet, or anything else.
        data: A file, which may be damaged.
    """
    find = {
        "JPEG": _segments,
        "PNG": _chunks,
        "WebP": _riff,
        "HEIC": _boxes,
        "AVIF": _boxes,
        "TIFF": _entries,
        "GIF": _blocks,
        "BMP": _header,
        "Parquet": _pages,
    }.get(kind)
    found: list[Span] = []
    try:
        for start, end in find(data) if find else ():
            if 0 <= start < end <= len(data):
                found.append((start, end))
            if len(found) == MOST:
                break
    except (struct.error, IndexError):
        pass  # what was found up to the damage will do
    return found or [(0, len(data))]


def _segments(data: bytes) -> Iterator[Span]:
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        (size,) = struct.unpack_from(">H", data, at + 2)
        yield at, at + 2 + size
        at += 2 + size
    yield at, at + 14
    yield at + 14, len(data)


def _chunks(data: bytes) -> Iterator[Span]:
    at = 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield at, at + 12 + size
        at += 12 + size


def _riff(data: bytes) -> Iterator[Span]:
    yield 0, 12
    at = 12
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        yield at, at + 8 + size + size % 2
        at += 8 + size + size % 2


def _boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[Span]:
    end = len(data) if end is None else end
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        size = max(size, 8)
        yield at, min(at + size, end)
        if name in _CONTAINERS:
            head = 12 if name in (b"meta", b"iref") else 14 if name == b"iinf" else 8
            yield from _boxes(data, at + head, min(at + size, end))
        at += size


def _entries(data: bytes) -> Iterator[Span]:
    order = "<" if data[:2] == b"II" else ">"
    yield 0, 8
    big = 43 in data[2:4]
    (at,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, at)
    yield at, at + (8 if big else 2)
    at += 8 if big else 2
    size = 20 if big else 12
    for start in range(at, at + count * size, size):
        yield start, start + size


def _blocks(data: bytes) -> Iterator[Span]:
    yield 0, 13
    at = 13 + (6 << (data[10] & 7) if data[10] & 0x80 else 0)
    while data[at] != 0x3B:
        start = at
        if data[at] == 0x21:
            at += 2
        else:
            at += 11 + (6 << (data[at + 9] & 7) if data[at + 9] & 0x80 else 0)
        while data[at]:
            at += 1 + data[at]
        at += 1
        yield start, at


def _header(data: bytes) -> Iterator[Span]:
    for start in (0, 2, 10, 14, 18, 22, 26, 28, 30, 34, 46, 50, 54):
        yield start, start + 4
    yield 54, len(data)


def _pages(data: bytes) -> Iterator[Span]:
    """The description at the end in pieces, and what is before it."""
    (footer,) = struct.unpack_from("<I", data, len(data) - 8)
    start = len(data) - 8 - footer
    yield 0, 4
    for at in range(4, start, max(64, start // 40)):
        yield at, min(at + max(64, start // 40), start)
    for at in range(max(start, 0), len(data) - 8, 48):
        yield at, min(at + 48, len(data) - 8)
    yield len(data) - 8, len(data)
