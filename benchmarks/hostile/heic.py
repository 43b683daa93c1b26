"""HEIC files put together by hand: pictures made of tiles, and items that name each other."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Sequence
from typing import NamedTuple

import pillow_heif
from PIL import Image

__all__ = ["Item", "alpha", "coded", "grid", "heic", "ispe"]


class Item(NamedTuple):
    """An item of the file.

    Attributes:
        kind: hvc1 (coded), grid, iovl or iden.
        content: Its bytes.
        properties: Numbers of its properties, from 1.
        made_of: Numbers of the items that it is derived from, from 1.
        belongs_to: Number of the item that it is the opacity of; 0: none.
    """

    kind: bytes
    content: bytes
    properties: Sequence[int]
    made_of: Sequence[int] = ()
    belongs_to: int = 0


def heic(items: Sequence[Item], properties: Sequence[bytes], primary: int) -> bytes:
    """Returns the file.

    Args:
        items: Numbered from 1.
        properties: Whole boxes, numbered from 1.
        primary: Number of the item that is the picture.
    """
    numbers = range(1, len(items) + 1)
    ftyp = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    hdlr = _full(b"hdlr", b"\0" * 4 + b"pict" + b"\0" * 13)
    infe = (
        _full(b"infe", struct.pack(">HH", number, 0) + item.kind + b"\0", version=2)
        for number, item in zip(numbers, items, strict=True)
    )
    iinf = _full(b"iinf", struct.pack(">H", len(items)), *infe)
    used = (
        struct.pack(">HB", number, len(item.properties)) + bytes(item.properties)
        for number, item in zip(numbers, items, strict=True)
    )
    ipma = _full(b"ipma", struct.pack(">I", len(items)), *used)
    iprp = _box(b"iprp", _box(b"ipco", *properties), ipma)
    head = [hdlr, _full(b"pitm", struct.pack(">H", primary)), iinf, _references(items), iprp]
    coded_items = b"".join(item.content for item in items if item.kind == b"hvc1")
    derived = b"".join(item.content for item in items if item.kind != b"hvc1")

    def meta(start: int) -> bytes:
        return _full(b"meta", *head, _places(items, start), _box(b"idat", derived))

    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + _box(b"mdat", coded_items)


@functools.cache
def coded(side: int) -> tuple[bytes, bytes]:
    """Returns the decoder's configuration (a property) and the content of a coded square."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (side, side), (200, 60, 4))).save(file, quality=10)
    whole = file.getvalue()
    boxes = []
    for name in (b"hvcC", b"mdat"):
        at = whole.index(name) - 4
        (size,) = struct.unpack_from(">I", whole, at)
        boxes.append(whole[at : at + size])
    return boxes[0], boxes[1][8:]


def ispe(width: int, height: int) -> bytes:
    """Returns the property that says an item's size."""
    return _full(b"ispe", struct.pack(">II", width, height))


def alpha() -> bytes:
    """Returns the property that says that an item is another's opacity."""
    return _full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """Returns the content of an item that is made of tiles."""
    return struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def _full(name: bytes, *content: bytes, version: int = 0) -> bytes:
    return _box(name, bytes([version, 0, 0, 0]), *content)


def _references(items: Sequence[Item]) -> bytes:
    boxes = []
    for number, item in enumerate(items, start=1):
        for name, others in ((b"dimg", item.made_of), (b"auxl", [item.belongs_to])):
            if any(others):
                ids = struct.pack(f">{len(others)}H", *others)
                boxes.append(_box(name, struct.pack(">HH", number, len(others)), ids))
    return _full(b"iref", *boxes) if boxes else b""


def _places(items: Sequence[Item], start: int) -> bytes:
    """Where each item's content lies: coded ones from ``start``, the others in the idat box."""
    at, derived, entries = start, 0, []
    for number, item in enumerate(items, start=1):
        size, method = len(item.content), item.kind != b"hvc1"
        entries.append(
            struct.pack(">HHHHII", number, method, 0, 1, derived if method else at, size)
        )
        at, derived = at + size * (not method), derived + size * method
    return _full(b"iloc", b"\x44\0" + struct.pack(">H", len(items)), *entries, version=1)
