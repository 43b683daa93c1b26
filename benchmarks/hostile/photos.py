"""Photos that want to do harm: whole files of every format, damaged ones, and named attacks."""

from __future__ import annotations

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms

from benchmarks.hostile import heic
from benchmarks.hostile.mutate import MUTATIONS, mutated, resealed

__all__ = ["ATTACKS", "HOSTILE_NAMES", "Attack", "Photo", "photo", "seeds"]

HOSTILE_NAMES = (
    "<img src=x onerror=alert(1)>.png",
    "![x](http%3A%2F%2Fevil.example).jpg",
    "[click](javascript:alert(1)).webp",
    "**bold** `code` $x^2$.heic",
    "|a|b|.tiff",
    "a\x1b[31mred\x07\r\n\t.png",
    "line one\nline two.jpg",
    "photo\u202egnp.exe",
    "\u2066\u200f\u200bhidden\ufeff.gif",
    "x" * 251 + ".bmp",
    "ä" * 120 + ".png",
    ":material/home: :red[x].jpg",
    "&lt;b&gt;.png",
    "-rf.png",
    " .png",
    "face.pdf",
    "face.exe",
    "face",
    "\udcff\udcfe.png",
)


class Photo(NamedTuple):
    """One input.

    Attributes:
        kind: The format it was made from.
        how: What was done to it.
        data: The file.
        name: Its name if it is to be given as a path; empty: as bytes.
    """

    kind: str
    how: str
    data: bytes
    name: str = ""


class Attack(NamedTuple):
    """A file made for one purpose.

    Attributes:
        kind: Its format.
        outcome: ``read`` or ``refused``.
        make: Makes it.
        heavy: A picture of full size: seconds and a gigabyte.
    """

    kind: str
    outcome: str
    make: Callable[[], bytes]
    heavy: bool = False


def photo(seed: int, index: int) -> Photo:
    """Returns the input of this number; the same every time."""
    rng = random.Random(f"photo {seed} {index}")
    label = rng.choice(list(seeds()))
    kind, data = label.split()[0], seeds()[label]
    how = rng.choice((*MUTATIONS, "size", "inside", "metadata", "none"))
    if how in MUTATIONS:
        data = mutated(rng, how, data, kind, list(seeds().values()))
    elif how != "none":
        own = {"size": _resized, "inside": _changed_inside, "metadata": _with_metadata}
        data = own[how](rng, data, kind)
    name = rng.choice(HOSTILE_NAMES) if rng.random() < 0.08 else ""
    return Photo(kind, how, data, name)


# --- whole files ----------------------------------------------------------------------------------


@functools.cache
def seeds() -> dict[str, bytes]:
    """Returns a small valid file of each kind; the label begins with its format."""
    image = Image.fromarray(_pixels())
    grey, wide = image.convert("L"), np.asarray(image.convert("L")).astype(np.uint16) * 257
    clear = image.convert("RGBA")
    clear.putalpha(grey)
    frames = [image.rotate(angle) for angle in (90, 180)]
    rich = {"exif": exif(6), "icc_profile": profile()}
    several = {"save_all": True, "append_images": frames}
    return {
        "JPEG plain": _saved(image, "JPEG"),
        "JPEG rich": _saved(image, "JPEG", **rich),
        "JPEG progressive": _saved(image, "JPEG", progressive=True, optimize=True),
        "JPEG grey": _saved(grey, "JPEG"),
        "JPEG CMYK": _saved(image.convert("CMYK"), "JPEG"),
        "JPEG restarts": _saved(image, "JPEG", restart_marker_blocks=4),
        "JPEG MPO": _saved(image, "MPO", **several),
        "PNG plain": _saved(image, "PNG"),
        "PNG rich": _saved(image, "PNG", **rich),
        "PNG palette": _saved(image.quantize(16), "PNG", transparency=3),
        "PNG alpha": _saved(clear, "PNG"),
        "PNG grey alpha": _saved(clear.convert("LA"), "PNG"),
        "PNG 16 bits": _saved(Image.fromarray(wide), "PNG"),
        "PNG 16 bits colour": _png(image.size, 16, 2, _rows(np.stack([wide] * 3, axis=2))),
        "PNG 1 bit": _saved(grey.convert("1"), "PNG"),
        "PNG animated": _saved(image, "PNG", **several),
        "WebP plain": _saved(image, "WEBP"),
        "WebP lossless": _saved(clear, "WEBP", lossless=True),
        "WebP rich": _saved(image, "WEBP", **rich),
        "WebP animated": _saved(image, "WEBP", **several),
        "HEIC plain": _heic(image),
        "HEIC alpha": _heic(clear),
        "HEIC 16 bits": _heic(Image.fromarray(wide)),
        "HEIC several": _heic(image, *frames),
        "HEIC tiles": _tiled(2, 2, 128),
        "AVIF plain": _saved(image, "AVIF"),
        "AVIF alpha": _saved(clear, "AVIF"),
        "AVIF rich": _saved(image, "AVIF", **rich),
        "AVIF several": _saved(image, "AVIF", **several),
        "TIFF plain": _saved(image, "TIFF"),
        "TIFF rich": _saved(image, "TIFF", **rich),
        "TIFF 16 bits": _saved(Image.fromarray(wide), "TIFF"),
        "TIFF big-endian": _saved(Image.fromarray(wide.astype(">u2")), "TIFF"),
        "TIFF BigTIFF": _saved(image, "TIFF", big_tiff=True),
        "TIFF deflate": _saved(image, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF LZW": _saved(clear, "TIFF", compression="tiff_lzw"),
        "TIFF packbits": _saved(grey, "TIFF", compression="packbits"),
        "TIFF JPEG": _saved(image, "TIFF", compression="jpeg"),
        "TIFF fax": _saved(grey.convert("1"), "TIFF", compression="group4"),
        "TIFF CMYK": _saved(image.convert("CMYK"), "TIFF"),
        "TIFF several": _saved(image, "TIFF", **several),
        "TIFF tile": _one_tile(),
        "GIF plain": _saved(image.quantize(64), "GIF"),
        "GIF animated": _saved(image, "GIF", **several),
        "BMP plain": _saved(image, "BMP"),
        "BMP palette": _saved(image.quantize(64), "BMP"),
        "BMP runs": bmp_runs(80, 72, b"\x50\7\0\0" * 72 + b"\0\1"),
    }


def _pixels() -> npt.NDArray[np.uint8]:
    """80 × 72 pixels, smooth with some noise: no format stores them in next to nothing."""
    y, x = np.mgrid[:72, :80]
    ramp = np.stack([3 * x, 3 * y, 255 - x - y], axis=2)
    noise = np.random.default_rng(7).integers(0, 24, ramp.shape)
    return (ramp + noise).clip(0, 255).astype(np.uint8)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # Copies: a JPEG's encoder leaves its settings in the image, where TIFF's stumbles over them.
    if "append_images" in options:
        options["append_images"] = [frame.copy() for frame in options["append_images"]]
    image.copy().save(file, kind, **options)
    return file.getvalue()


def _heic(image: Image.Image, *others: Image.Image) -> bytes:
    file, heif = io.BytesIO(), pillow_heif.from_pillow(image)
    for other in others:
        heif.add_from_pillow(other)
    heif.save(file, quality=60)
    return file.getvalue()


def _chunk(name: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _png(size: tuple[int, int], depth: int, colour: int, packed: bytes, *extra: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    parts = [header, *extra, _chunk(b"IDAT", packed), _chunk(b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _rows(values: npt.NDArray[np.uint16]) -> bytes:
    return zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))


def tiff(entries: Sequence[tuple[int, int, int, int]], tail: bytes = b"", after: int = 0) -> bytes:
    """Returns a TIFF: (tag, type, count, value) of each entry, and what lies behind them.

    A value of −1 stands for the place of ``tail``.
    """
    place = 8 + 2 + 12 * len(entries) + 4
    ifd = b"".join(
        struct.pack("<HHII", tag, kind, count, place if value < 0 else value)
        for tag, kind, count, value in sorted(entries)
    )
    directory = struct.pack("<H", len(entries)) + ifd + struct.pack("<I", after)
    return b"II*\0" + struct.pack("<I", 8) + directory + tail


def _strip_entries(width: int, height: int, size: int, packing: int = 1) -> list[tuple[int, ...]]:
    entries = {256: width, 257: height, 258: 8, 259: packing, 262: 1, 273: -1, 277: 1}
    entries |= {278: height, 279: size}
    return [(tag, 4, 1, value) for tag, value in entries.items()]


def _one_tile() -> bytes:
    packed = zlib.compress(bytes(96 * 96))
    return tiff(_tile_entries(80, 72, 96, 96, len(packed)), packed)


def _tile_entries(
    width: int, height: int, across: int, down: int, size: int
) -> list[tuple[int, ...]]:
    entries = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 277: 1}
    entries |= {322: across, 323: down, 324: -1, 325: size}
    return [(tag, 4, 1, value) for tag, value in entries.items()]


def bmp_runs(width: int, height: int, runs: bytes) -> bytes:
    """Returns a BMP of 256 colours in run-length coding."""
    start = 14 + 40 + 1024
    head = struct.pack("<IHHI", start + len(runs), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + head + info + bytes(range(256)) * 4 + runs


def exif(orientation: int) -> bytes:
    """Returns an EXIF block with this orientation and a text."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = "somewhere private"
    return block.tobytes()


def profile(tags: dict[bytes, bytes] | None = None) -> bytes:
    """Returns an ICC profile of wide primaries, with more or other tags."""
    curve = struct.pack(">4sIIH", b"curv", 0, 1, 461)
    primaries = ((0.515, 0.241, -0.001), (0.292, 0.692, 0.042), (0.157, 0.067, 0.784))
    contents = {b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        contents |= {letter + b"XYZ": _xyz(*primary), letter + b"TRC": curve}
    contents |= tags or {}
    table, body, at = struct.pack(">I", len(contents)), b"", 132 + 12 * len(contents)
    bodies = []
    for tag, content in contents.items():
        table += tag + struct.pack(">II", at, len(content))
        bodies.append(content + b"\0" * (-len(content) % 4))
        at += len(bodies[-1])
    body = b"".join(bodies)
    head = struct.pack(">I4sI4s4s4s", at, b"", 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + _xyz(0.9642, 1.0, 0.8249)[8:]
    return head.ljust(128, b"\0") + table + body


def _xyz(*values: float) -> bytes:
    numbers = b"".join(struct.pack(">i", round(value * 65536)) for value in values)
    return b"XYZ \0\0\0\0" + numbers


# --- damage that knows the format -----------------------------------------------------------------


def _resized(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Another width and height in the header, with right checksums."""
    sides = (0, 1, 63, 64, 65, 81, 1000, 7071, 7072, 16383, 65535, 2**24, 2**31 - 1, 2**32 - 1)
    width, height = rng.choice(sides), rng.choice(sides)
    file = bytearray(data)
    if kind == "PNG":
        file[16:24] = struct.pack(">II", width, height)
        return resealed(bytes(file))
    marks = {
        "JPEG": (b"\xff\xc0", b"\xff\xc2"),
        "HEIC": (b"ispe",),
        "AVIF": (b"ispe",),
        "WebP": (b"VP8",),
    }
    for mark in marks.get(kind, ()):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            if kind == "JPEG":
                file[at + 5 : at + 9] = struct.pack(">HH", height & 65535, width & 65535)
            elif kind in ("HEIC", "AVIF"):
                file[at + 8 : at + 16] = struct.pack(">II", width, height)
            elif data[at + 3 : at + 4] == b"X":
                file[at + 12 : at + 18] = _uint24(width) + _uint24(height)
            elif data[at + 3 : at + 4] == b"L":
                packed = (width & 16383) | (height & 16383) << 14
                file[at + 9 : at + 13] = struct.pack("<I", packed)
            else:
                file[at + 14 : at + 18] = struct.pack("<HH", width & 65535, height & 65535)
    if kind == "GIF":
        at = rng.choice((6, data.find(b",") + 5))
        file[at : at + 4] = struct.pack("<HH", width & 65535, height & 65535)
    elif kind == "BMP":
        file[18:26] = struct.pack("<II", width, height)
    elif kind == "TIFF":
        _resize_tiff(file, rng.choice(((256, 257), (322, 323), (278, 279))), (width, height))
    return bytes(file)


def _uint24(value: int) -> bytes:
    return (value & 0xFFFFFF).to_bytes(3, "little")


def _resize_tiff(file: bytearray, tags: tuple[int, int], values: tuple[int, int]) -> None:
    order = "<" if file[:2] == b"II" else ">"
    for tag, value in zip(tags, values, strict=True):
        for kind in (3, 4):
            at = file.find(struct.pack(f"{order}HHI", tag, kind, 1))
            if at >= 0:
                file[at : at + 12] = struct.pack(f"{order}HHII", tag, 4, 1, value)


def _changed_inside(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Damage to what is packed, in a container that stays whole."""
    if kind != "PNG":
        start = rng.randrange(len(data) // 3, len(data) - 8)
        size = rng.choice((1, 2, 8, 64))
        return data[:start] + rng.randbytes(size) + data[start + size :]
    at = data.index(b"IDAT")
    (size,) = struct.unpack_from(">I", data, at - 4)
    rows = bytearray(zlib.decompress(data[at + 4 : at + 4 + size]))
    for _ in range(rng.choice((1, 20, 500))):
        rows[rng.randrange(len(rows))] = rng.randrange(256)  # filters of rows are among them
    rows = rows[: rng.choice((len(rows), len(rows) // 2, 3))] * rng.choice((1, 1, 2, 50))
    packed = zlib.compress(bytes(rows))
    return data[: at - 4] + _chunk(b"IDAT", packed) + data[at + 8 + size :]


def _with_metadata(rng: random.Random, _data: bytes, kind: str) -> bytes:
    """A whole picture with damaged EXIF and a damaged profile."""
    kinds = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "TIFF": "TIFF", "AVIF": "AVIF"}
    damaged_exif = mutated(rng, rng.choice(list(MUTATIONS)), exif(8)[6:], "TIFF", [exif(3)])
    damaged = mutated(rng, rng.choice(list(MUTATIONS)), profile(), "", [_srgb()])
    mode = rng.choice(("RGB", "L", "CMYK") if kind in ("JPEG", "TIFF") else ("RGB", "L"))
    image = Image.fromarray(_pixels()).convert(mode)
    options = {"exif": b"Exif\0\0" + damaged_exif[:60_000], "icc_profile": damaged}
    if kind == "HEIC":
        image.info["icc_profile"] = damaged
        return _heic(image)
    if kind in ("TIFF", "AVIF"):  # Pillow looks into it when it writes these
        del options["exif"]
    return _saved(image, kinds.get(kind, "PNG"), **options)


@functools.cache
def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# --- attacks --------------------------------------------------------------------------------------

FULL = 7071  # side of the largest square
BOMB = 300 << 20  # bytes in a few hundred kilobytes


def _flat(mode: str, size: tuple[int, int]) -> Image.Image:
    return Image.new(mode, size, 77 if mode in ("L", "P") else (9, 99, 200, 60)[: len(mode)])


@functools.cache
def _zeros(count: int) -> bytes:
    """``count`` zero bytes in zlib's packing, without ever having them in memory."""
    packing, block = zlib.compressobj(9), bytes(1 << 20)
    parts = [packing.compress(block) for _ in range(count >> 20)]
    return b"".join(parts) + packing.compress(bytes(count & 0xFFFFF)) + packing.flush()


def _blank_png(width: int, height: int, depth: int, colour: int) -> bytes:
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    return _png((width, height), depth, colour, _zeros(height * (1 + width * samples * depth // 8)))


def _claim(kind: str, side: int) -> bytes:
    """A small file that claims a huge square."""
    label = {"PNG": "PNG plain", "WebP": "WebP lossless", "GIF": "GIF plain", "BMP": "BMP plain"}
    data = bytearray(seeds()[label.get(kind, f"{kind} plain")])
    if kind == "PNG":
        data[16:24] = struct.pack(">II", side, side)
        return resealed(bytes(data))
    if kind == "TIFF":
        return tiff(_strip_entries(side, side, 100, 8), _zeros(1 << 20))
    if kind == "WebP":
        data[21:25] = struct.pack("<I", (side - 1) | (side - 1) << 14)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", side, side)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif kind in ("HEIC", "AVIF"):
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", side, side)
    return bytes(data)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def _many_in_boxes(kind: str, what: str) -> bytes:
    """A file whose boxes each hold what one may hold, and of which there are many."""
    if what == "associations":
        one = _box(b"ipma", bytes(4) + struct.pack(">I", 50_000) + b"\0\1\0" * 50_000)
        inner = _box(b"iprp", one * 40)
    elif what == "properties":
        inner = _box(b"iprp", _box(b"ipco", _box(b"ispe", bytes(12)) * 50_000) * 20)
    else:
        one = _box(b"dimg", b"\0\1" + struct.pack(">H", 50_000) + b"\0\2" * 50_000)
        inner = _box(b"iref", bytes(4) + one * 40)
    brand = {"HEIC": b"heic", "AVIF": b"avif"}[kind]
    return _box(b"ftyp", brand + bytes(4)) + _box(b"meta", bytes(4) + inner)


def _in_jpeg(*segments: bytes, times: int = 1) -> bytes:
    base = seeds()["JPEG plain"]
    return base[:2] + b"".join(segments) * times + base[2:]


def _app1(block: bytes) -> bytes:
    pieces = (block[i : i + 65_000] for i in range(0, len(block), 65_000))
    heads = (b"\xff\xe1" + struct.pack(">H", len(p) + 8) + b"Exif\0\0" + p for p in pieces)
    return b"".join(heads)


def _exif_loop() -> bytes:
    """A directory that is its own EXIF, GPS and next directory, with orientation 6."""
    entries = [(0x0112, 3, 1, 6), (0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)]
    return tiff(entries, after=8)


def _exif_bomb() -> bytes:
    """Four thousand entries that are the same twenty megabytes."""
    entries = [(0x9000 + i, 7, 20_000_000, 60_000) for i in range(4000)]
    return tiff(entries).ljust(20_060_000, b"x")


def _png_with(*extra: bytes) -> bytes:
    base = seeds()["PNG plain"]
    return base[:33] + b"".join(extra) + base[33:]


def _webp_with_exif(block: bytes) -> bytes:
    return _saved(_flat("RGB", (80, 72)), "WEBP", lossless=True, exif=block)


def _scans(side: int, times: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = _saved(_flat("L", (side, side)), "JPEG", progressive=True)
    start, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    return whole[:end] + whole[start:end] * times + whole[end:]


def _many_frames(kind: str, count: int) -> bytes:
    frames = [_flat("RGB", (64, 64)).point(lambda v, i=i: (v + i) % 256) for i in range(count)]
    options = {"lossless": True, "method": 0} if kind == "WEBP" else {}
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def _tiff_frames(count: int) -> bytes:
    """Directories in a row, all of the same strip."""
    size = 2 + 12 * 9 + 4
    strip = 8 + count * size
    file = [b"II*\0" + struct.pack("<I", 8)]
    for i in range(count):
        entries = [
            (tag, kind, n, strip if tag == 273 else value)
            for tag, kind, n, value in _strip_entries(64, 64, 4096)
        ]
        directory = tiff(entries, after=8 + (i + 1) * size if i + 1 < count else 0)
        file.append(directory[8:])
    return b"".join(file) + bytes(4096)


def _deep_profile(count: int) -> bytes:
    """A profile whose transform is a list of matrices, all the same one."""
    matrix = struct.pack(">4sIHH12f", b"matf", 0, 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    head = struct.pack(">4sIHHI", b"mpet", 0, 3, 3, count)
    place = struct.pack(">II", len(head) + 8 * count, len(matrix))
    return profile({b"D2B1": head + place * count + matrix})


def _many_tags(count: int) -> bytes:
    white = _xyz(0.9642, 1.0, 0.8249)
    return profile({struct.pack(">I", 0x61616161 + i): white for i in range(count)})


def _profiled(block: bytes, kind: str = "TIFF") -> bytes:
    return _saved(_flat("RGB", (300, 300)), kind, icc_profile=block)


def _tiled(rows: int, columns: int, side: int, tile: int = 64, opacity: bool = False) -> bytes:
    configuration, content = heic.coded(tile)
    picture = heic.Item(b"grid", heic.grid(rows, columns, side, side), (3,), [1] * rows * columns)
    items = [heic.Item(b"hvc1", content, (0x81, 2)), picture]
    if opacity:
        items.append(picture._replace(properties=(3, 4), belongs_to=2))
    boxes = [configuration, heic.ispe(tile, tile), heic.ispe(side, side), heic.alpha()]
    return heic.heic(items, boxes, 2)


def _nested(levels: int) -> bytes:
    """Grids of four grids of four grids …"""
    configuration, content = heic.coded(64)
    items = [heic.Item(b"hvc1", content, (0x81, 2))]
    for level in range(1, levels + 1):
        items.append(heic.Item(b"grid", heic.grid(2, 2, 64, 64), (2,), [level] * 4))
    return heic.heic(items, [configuration, heic.ispe(64, 64)], len(items))


def _self_made(kind: bytes) -> bytes:
    """An item that is made of itself."""
    configuration, _ = heic.coded(64)
    item = heic.Item(kind, heic.grid(1, 1, 100, 100), (2,), [1])
    return heic.heic([item], [configuration, heic.ispe(100, 100)], 1)


def _chained(count: int) -> bytes:
    """Items that are each the one before."""
    configuration, content = heic.coded(64)
    items = [heic.Item(b"hvc1", content, (0x81, 2))]
    items += [heic.Item(b"iden", b"", (2,), [number]) for number in range(1, count)]
    return heic.heic(items, [configuration, heic.ispe(64, 64)], count)


def _understated() -> bytes:
    """A coded picture of 2048 × 2048 pixels that says it has 64 × 64."""
    configuration, content = heic.coded(2048)
    item = heic.Item(b"hvc1", content, (0x81, 2))
    return heic.heic([item], [configuration, heic.ispe(64, 64)], 1)


def _gif_with(extra: bytes) -> bytes:
    base = seeds()["GIF plain"]
    start = 13 + (6 << (base[10] & 7))
    return base[:start] + extra + base[start:]


ATTACKS: dict[str, Attack] = {
    "0 bytes": Attack("none", "refused", bytes),
    "25 MB of zeros": Attack("none", "refused", lambda: bytes(25 << 20)),
    "over 25 MB": Attack("PNG", "refused", lambda: seeds()["PNG plain"] + bytes(25 << 20)),
    # decompression bombs
    **{
        f"{kind} of {side}² pixels in little": Attack(
            kind, "refused", functools.partial(_claim, kind, side)
        )
        for kind, side in (
            ("PNG", 60_000),
            ("PNG", 2**31 - 1),
            ("JPEG", 65_500),
            ("WebP", 16_383),
            ("HEIC", 60_000),
            ("AVIF", 60_000),
            ("TIFF", 60_000),
            ("GIF", 65_535),
            ("BMP", 60_000),
        )
    },
    "PNG bomb of 20000² pixels": Attack("PNG", "refused", lambda: _blank_png(20_000, 20_000, 1, 0)),
    "PNG, 300 MB behind a small picture": Attack(
        "PNG", "read", lambda: _png((64, 64), 8, 2, _zeros(BOMB))
    ),
    "PNG, profile of 300 MB": Attack(
        "PNG", "read", lambda: _png_with(_chunk(b"iCCP", b"x\0\0" + _zeros(BOMB)))
    ),
    "PNG, 9000 profiles of 1 MB": Attack(
        "PNG", "read", lambda: _png_with(_chunk(b"iCCP", b"x\0\0" + _zeros(1 << 20)) * 9000)
    ),
    "PNG, 9000 texts of 1 MB": Attack(
        "PNG", "read", lambda: _png_with(_chunk(b"zTXt", b"x\0\0" + _zeros(1 << 20)) * 9000)
    ),
    "TIFF tile of 1.8 billion pixels": Attack(
        "TIFF",
        "refused",
        lambda: tiff(_tile_entries(64, 64, 60_000, 30_000, 1 << 20), _zeros(BOMB)),
    ),
    "TIFF strip of 300 MB": Attack(
        "TIFF", "read", lambda: tiff(_strip_entries(64, 64, 1 << 24, 8), _zeros(BOMB))
    ),
    **{
        f"{kind}, 40 lists of 50,000 {what}": Attack(
            kind, "refused", functools.partial(_many_in_boxes, kind, what)
        )
        for kind in ("HEIC", "AVIF")
        for what in ("associations", "properties", "references")
    },
    "HEIC that understates its size": Attack("HEIC", "refused", _understated),
    # the largest that is read, for the memory it takes
    "PNG of 50 megapixels": Attack(
        "PNG", "read", lambda: _blank_png(FULL, FULL, 16, 6), heavy=True
    ),
    "WebP of 50 megapixels": Attack(
        "WebP",
        "read",
        lambda: _saved(_flat("RGB", (FULL, FULL)), "WEBP", lossless=True, method=0),
        heavy=True,
    ),
    "JPEG of 50 megapixels": Attack(
        "JPEG",
        "read",
        lambda: _saved(_flat("RGB", (FULL, FULL)), "JPEG", progressive=True, exif=exif(6)),
        heavy=True,
    ),
    "HEIC of 50 megapixels": Attack("HEIC", "read", lambda: _tiled(14, 14, 7000, 512), heavy=True),
    "JPEG of 50 megapixels, 24 scans": Attack("JPEG", "read", lambda: _scans(FULL, 18), heavy=True),
    "TIFF of 50 megapixels, 12-level curves": Attack(
        "TIFF",
        "read",
        lambda: _saved(
            _flat("RGB", (7000, 7000)), "TIFF", compression="tiff_lzw", icc_profile=profile()
        ),
        heavy=True,
    ),
    # strips
    "1 × 100000 pixels": Attack("PNG", "refused", lambda: _blank_png(1, 100_000, 8, 2)),
    "100000 × 1 pixels": Attack("PNG", "refused", lambda: _blank_png(100_000, 1, 8, 2)),
    "PNG of 100000 × 64": Attack("PNG", "read", lambda: _blank_png(100_000, 64, 8, 2)),
    "BMP of 64 × 100000": Attack("BMP", "read", lambda: _saved(_flat("L", (64, 100_000)), "BMP")),
    "JPEG of 65000 × 64": Attack(
        "JPEG", "read", lambda: _saved(_flat("RGB", (65_000, 64)), "JPEG")
    ),
    "TIFF of 100000 strips": Attack(
        "TIFF",
        "read",
        lambda: tiff(
            [
                (256, 4, 1, 64),
                (257, 4, 1, 100_000),
                (258, 3, 1, 8),
                (259, 3, 1, 1),
                (262, 3, 1, 1),
                (273, 4, 100_000, -1),
                (277, 3, 1, 1),
                (278, 4, 1, 1),
                (279, 4, 100_000, 122),
            ],
            struct.pack("<I", 8) * 100_000,
        ),
    ),
    "TIFF of 6 million strips": Attack(
        "TIFF",
        "refused",
        lambda: tiff(
            [
                *_strip_entries(64, 64, 64)[:5],
                (273, 4, 6_000_000, -1),
                *_strip_entries(64, 1, 64)[6:],
            ],
            bytes(24_000_000),
        ),
    ),
    # EXIF and directories
    "JPEG, EXIF loop": Attack("JPEG", "read", lambda: _in_jpeg(_app1(_exif_loop()))),
    "PNG, EXIF loop": Attack("PNG", "read", lambda: _png_with(_chunk(b"eXIf", _exif_loop()))),
    "WebP, EXIF loop": Attack("WebP", "read", lambda: _webp_with_exif(_exif_loop())),
    "TIFF, directory loop": Attack(
        "TIFF",
        "read",
        lambda: tiff([*_strip_entries(64, 64, 4096), (330, 4, 1, 8)], bytes(4096), after=8),
    ),
    "TIFF, EXIF and GPS loop": Attack(
        "TIFF",
        "read",
        lambda: tiff(
            [*_strip_entries(64, 64, 4096), (0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], bytes(4096)
        ),
    ),
    "JPEG, EXIF bomb": Attack("JPEG", "read", lambda: _in_jpeg(_app1(_exif_bomb()))),
    "PNG, EXIF bomb": Attack("PNG", "read", lambda: _png_with(_chunk(b"eXIf", _exif_bomb()))),
    "WebP, EXIF bomb": Attack("WebP", "read", lambda: _webp_with_exif(_exif_bomb())),
    "TIFF, 3 million fractions": Attack(
        "TIFF",
        "read",
        lambda: tiff([*_strip_entries(64, 64, 4096), (282, 5, 3_000_000, -1)], bytes(24_000_000)),
    ),
    # segments, chunks, blocks
    "JPEG, 2 million EXIF segments": Attack(
        "JPEG", "refused", lambda: _in_jpeg(b"\xff\xe1\0\x09Exif\0\0x", times=2_000_000)
    ),
    "JPEG, 6 million segments": Attack(
        "JPEG", "refused", lambda: _in_jpeg(b"\xff\xe0\0\2", times=6_000_000)
    ),
    "JPEG, 24 MB of padding": Attack("JPEG", "read", lambda: _in_jpeg(b"\xff", times=24_000_000)),
    "JPEG, 380000 quantisation tables": Attack(
        "JPEG",
        "read",
        lambda: _in_jpeg(b"\xff\xdb\xfd\xea" + (b"\0" + b"\1" * 64) * 1000, times=380),
    ),
    "JPEG, 2000 scans": Attack("JPEG", "refused", lambda: _scans(2000, 2000)),
    "PNG, 2 million chunks": Attack(
        "PNG", "refused", lambda: _png_with(_chunk(b"abCd") * 2_000_000)
    ),
    "PNG, 2 million pieces of picture": Attack(
        "PNG", "refused", lambda: _png_with(_chunk(b"IDAT") * 2_000_000)
    ),
    "GIF, 5 million comments": Attack(
        "GIF", "refused", lambda: _gif_with(b"!\xfe\1a\0" * 5_000_000)
    ),
    "GIF, comment of 24 MB": Attack(
        "GIF", "read", lambda: _gif_with(b"!\xfe" + (b"\xff" + b"a" * 255) * 95_000 + b"\0")
    ),
    "GIF, 8 million empty extensions": Attack(
        "GIF", "refused", lambda: _gif_with(b"!\1\0" * 8_000_000)
    ),
    "BMP, 12 million runs": Attack(
        "BMP", "refused", lambda: bmp_runs(3500, 3500, b"\1\0" * 12_250_000)
    ),
    # profiles
    "profile of 100000 steps": Attack("TIFF", "read", lambda: _profiled(_deep_profile(100_000))),
    "profile of 400000 steps": Attack(
        "PNG", "read", lambda: _profiled(_deep_profile(400_000), "PNG")
    ),
    "profile of 50000 tags": Attack("TIFF", "read", lambda: _profiled(_many_tags(50_000))),
    "profile of 20 MB": Attack("TIFF", "read", lambda: _profiled(profile() + bytes(20 << 20))),
    "profile of 5 MB in a JPEG": Attack(
        "JPEG", "read", lambda: _profiled(profile() + bytes(5 << 20), "JPEG")
    ),
    # animations
    "GIF of 2000 frames": Attack("GIF", "read", lambda: _many_frames("GIF", 2000)),
    "PNG of 2000 frames": Attack("PNG", "read", lambda: _many_frames("PNG", 2000)),
    "WebP of 2000 frames": Attack("WebP", "read", lambda: _many_frames("WEBP", 2000)),
    "TIFF of 50000 frames": Attack("TIFF", "read", lambda: _tiff_frames(50_000)),
    "HEIC of 100 pictures": Attack("HEIC", "read", lambda: _heic(*[_flat("RGB", (64, 64))] * 100)),
    # HEIC put together
    "HEIC of 100 tiles": Attack("HEIC", "read", lambda: _tiled(10, 10, 640)),
    "HEIC of 256 oversized tiles": Attack("HEIC", "refused", lambda: _tiled(16, 16, 7000, 2048)),
    "HEIC of oversized tiles, and their opacity": Attack(
        "HEIC", "refused", lambda: _tiled(6, 6, 7000, 2048, opacity=True)
    ),
    "HEIC of 65000 tiles": Attack("HEIC", "refused", lambda: _tiled(255, 255, 7000, 64)),
    "HEIC of nested grids": Attack("HEIC", "refused", lambda: _nested(12)),
    "HEIC made of itself": Attack("HEIC", "refused", lambda: _self_made(b"grid")),
    "HEIC that is itself": Attack("HEIC", "refused", lambda: _self_made(b"iden")),
    "HEIC through 5000 items": Attack("HEIC", "refused", lambda: _chained(5000)),
    # two formats at once
    "JPEG and ZIP": Attack("JPEG", "read", lambda: seeds()["JPEG rich"] + b"PK\5\6" + bytes(18)),
    "PNG and HTML": Attack(
        "PNG",
        "read",
        lambda: _png_with(_chunk(b"tEXt", b"a\0<script>alert(1)</script>")) + b"<html></html>",
    ),
    "HTML in front of a PNG": Attack(
        "none", "refused", lambda: b"<!doctype html><!--" + seeds()["PNG plain"] + b"-->"
    ),
    "JPEG that starts as GIF": Attack(
        "GIF", "refused", lambda: b"GIF89a/*" + seeds()["JPEG plain"] + b"*/=1;alert(1)"
    ),
    "SVG": Attack("none", "refused", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
}
"""Label of each attack and what comes of it."""
