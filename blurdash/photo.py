"""Reading a photo: from a path, from bytes or from an open file to an RGB array.

Whatever is wrong with a user's file comes out as one `PhotoError`; limits are checked
on the header, before any pixel is unpacked. A decoder gets only the parts of a file that hold
the picture, and only as many of them as it can work through in seconds.
"""

from __future__ import annotations

import io
import os
import re
import stat
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, TypeAlias

import numpy as np
from PIL import Image, ImageCms

from blurdash.errors import PhotoError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = [
    "ENDINGS",
    "FORMATS",
    "FORMAT_NAMES",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "Format",
    "load_photo",
]


class Format(NamedTuple):
    """A kind of picture file that is read.

    Attributes:
        name: What people call it.
        endings: How its files' names end, lower case; what a file holds decides, not its name.
    """

    name: str
    endings: tuple[str, ...]


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    Format("PNG", (".png",)),
    Format("WebP", (".webp",)),
    Format("HEIC", (".heic", ".heif", ".hif")),
    Format("AVIF", (".avif",)),
    Format("TIFF", (".tif", ".tiff")),
    Format("BMP", (".bmp",)),
    Format("GIF", (".gif",)),
)
"""What `load_photo` reads: pages and command line take this list and no other."""

ENDINGS = tuple(ending for one in FORMATS for ending in one.endings)
"""How the names of such files end, lower case."""

_NAMES = [one.name for one in FORMATS]
FORMAT_NAMES = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"
"""The kinds of files in words."""

MAX_BYTES = 25 * 1024 * 1024
"""Largest file that is read, in bytes (25 MB)."""

MAX_PIXELS = 50_000_000
"""Largest picture that is unpacked, in pixels: what phones deliver today fits."""

MIN_SIDE = 64
"""Smallest width and height, in pixels."""

_MAX_PROFILE_BYTES = 4 * 1024 * 1024  # printers' CMYK profiles reach 3 MB; nothing honest is larger
# Chunks, segments, blocks, strips: a photo of 25 MB has some ten thousand at most. Python or Pillow
# spends microseconds on each, and a file can hold millions.
_MOST_PARTS = 100_000
# Each scan of a JPEG touches every pixel, in 20 to 80 ms for ten million, and takes 75 bytes in a
# file made for that. Progressive photos have about ten.
_MOST_SCANNED = 30 * MAX_PIXELS
# A HEIC's picture may be put together from tiles, each in the file once or named a thousand times.
# Grid, tiles, and both again for its opacity, are four times the picture.
_MOST_TILED = 5 * MAX_PIXELS
_MAX_RLE_BYTES = 8 * 1024 * 1024  # Pillow unpacks a BMP's runs in Python, 0.3 µs a byte
_MOST_BRANDS_BYTES = 256
_NAME_LENGTH = 60
_MARKUP = "<>[]`$|\\"  # a name in an error must not become a link or a picture on a page

# What a file starts with, and Pillow's name for the format. Knowing the format first lets an
# error tell "damaged" from "not a picture", and opens one decoder instead of trying all.
_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)

# EXIF orientation -> what makes the stored picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# One photo is decoded at a time. It bounds memory when several people upload at once, and
# warnings.catch_warnings, which is process-wide, must not interleave with itself.
_decoding = threading.Lock()

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"


def load_photo(source: Source) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """The photo as it is meant to be seen: upright, sRGB, 8 bits, without metadata.

    Conventions:
        - Red, green, blue in that order; 0 is black and 255 is white.
        - EXIF orientation is applied. In HEIC and AVIF the file's rotation and mirror boxes count
          and EXIF does not, as their standard says.
        - Transparency is laid on white; of an animation the first frame is taken, of a HEIC
          with several pictures the primary one.
        - 16-bit grey becomes `round(value / 257)`; of 16-bit colour Pillow keeps the upper byte.
          Both give 65535 -> 255 and bring an 8-bit picture widened by 257 back exactly.
          Grey held in 32 bits is read on the 16-bit scale and refused outside 0..65535.
        - An embedded colour profile (Display P3, CMYK, grey) is converted to sRGB, relative
          colorimetric with black point compensation. A profile that moves no colour by more than
          one level is sRGB and changes nothing; one that is broken, over 4 MB or of another colour
          space than the picture is ignored.
        - A file object is read from where it stands, and is not closed.

    Args:
        source: A path (`str` or `PathLike`), the file's content (`bytes`, `bytearray`,
            `memoryview`) or a file object open for reading bytes. JPEG, PNG, WebP, HEIC/HEIF, AVIF,
            TIFF, BMP or GIF; at most `MAX_BYTES` (25 MB) and `MAX_PIXELS` (50 megapixels), and
            no side below `MIN_SIDE` (64 pixels).

    Returns:
        uint8 array of shape (H, W, 3), contiguous, writable and the caller's own.

    Raises:
        PhotoError: Whatever is wrong with the file, with what to do about it. It names at most
            the file's name (60 printable characters, none of ``<>[]`$|`` or a backslash), never
            its folder or content.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (80, 64), (200, 100, 0)).save(file, "PNG")
        >>> photo = load_photo(file.getvalue())
        >>> photo.shape, photo[0, 0].tolist()
        ((64, 80, 3), [200, 100, 0])
        >>> load_photo(b"hello")
        Traceback (most recent call last):
        blurdash.errors.PhotoError: the photo is not a picture that blurdash reads, \
wanted JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF; export it as JPEG or PNG

    Known limits:
        - An orientation that stands in XMP alone is not applied; browsers do not apply it either.
        - A JPEG of more scans than `30 * MAX_PIXELS / its pixels`, a HEIC put together from more
          than five times `MAX_PIXELS` and a file of more than 100,000 parts are refused: they are
          made to keep a decoder busy.
        - Damage inside a JPEG's pixel data that its decoder steps over is not noticed.
        - A HEIC's colours are converted by its ICC profile only, not by an nclx box.
        - A camera's raw file that is a TIFF (CR2, DNG) gives the preview stored first in it.
        - libtiff itself writes a line to standard error about some damaged TIFFs.
        - While a photo is decoded, Python warnings are off in the whole process.
    """
    name = _name(source)
    data = _read(source, name)
    if not data:
        raise PhotoError(
            f"{name} is empty, wanted a picture", "choose another file, or rewind the open one"
        )
    with _decoding, warnings.catch_warnings():
        # Pillow warns about metadata that is dropped anyway, and about sizes that are refused here.
        warnings.simplefilter("ignore")
        return _decode(data, name)


def _name(source: object) -> str:
    """How an error calls the photo: the file's name in quotes, or "the photo"."""
    if not isinstance(source, (str, os.PathLike)):
        return "the photo"
    with _only_photo_errors("the photo's path cannot be used, wanted text", "check the path"):
        # of any system: a path may come from another one
        last = PureWindowsPath(os.fsdecode(source)).name
    # Not printable are also the marks that reverse the direction of text.
    name = "".join(c for c in last if c.isprintable() and c not in _MARKUP)
    if len(name) > _NAME_LENGTH:
        name = name[: _NAME_LENGTH - 1] + "…"
    return f"'{name}'" if name else "the photo"


@contextmanager
def _only_photo_errors(message: str, hint: str) -> Iterator[None]:
    """Turns whatever goes wrong inside into a `PhotoError` with this message and hint."""
    try:
        yield
    except PhotoError:
        raise
    except MemoryError as error:
        raise PhotoError(
            "the photo needs more memory than there is, wanted a smaller one",
            "scale it down and try again",
        ) from error
    except Exception as error:
        # Deliberately broad: on damaged files Pillow, its plugins, pillow_heif and foreign file
        # objects raise OSError, SyntaxError, struct.error, zlib.error, OverflowError and more,
        # and the set grows with every release. The cause stays chained.
        raise PhotoError(message, hint) from error


def _read(source: object, name: str) -> bytes:
    """The file's bytes, at most `MAX_BYTES` of them."""
    if isinstance(source, (str, os.PathLike)):
        return _read_path(os.fsdecode(source), name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        with _only_photo_errors(f"{name} cannot be read, wanted its bytes", "read it again"):
            _check_bytes(memoryview(source).nbytes, name)
            return bytes(source)
    if callable(getattr(source, "read", None)):
        with _only_photo_errors(
            f"{name} cannot be read from the file object, wanted one open for reading bytes",
            "open it again in mode 'rb'",
        ):
            return _read_all(source, name)  # type: ignore[arg-type]  # it has read()
    raise PhotoError(
        f"the photo came as {type(source).__name__}, wanted a path, bytes or a file object",
        "pass the file itself, not its decoded pixels",
    )


def _read_path(path: str, name: str) -> bytes:
    """The bytes of a regular file; anything else that a path can name is refused."""
    if not path:
        raise PhotoError("the photo's path is empty, wanted a picture file", "name a file")
    try:
        status = Path(path).stat()
        _check_regular(status.st_mode, name)
        _check_bytes(status.st_size, name)
        with Path(path).open("rb") as file:
            return _read_all(file, name)
    except PermissionError as error:
        raise PhotoError(
            f"{name} may not be read by this user, wanted a readable file",
            "change its permissions or copy it",
        ) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoError(
            f"{name} does not exist, wanted a picture file", "check the path"
        ) from error
    except PhotoError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the path
        raise PhotoError(
            f"{name} cannot be opened, wanted a picture file", "check the path"
        ) from error


def _check_regular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise PhotoError(f"{name} is a folder, wanted one picture file", "choose a file inside it")
    if not stat.S_ISREG(mode):  # a pipe would block, a device would never end
        raise PhotoError(
            f"{name} is a device or pipe, wanted a picture file", "save it to a file first"
        )


def _read_all(file: BinaryIO, name: str) -> bytes:
    """What is left in the file; `read` may give less than asked for, so it is asked again."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0:
        part = file.read(left)
        if not isinstance(part, bytes):
            raise PhotoError(
                f"{name} gives {type(part).__name__}, wanted a file object that gives bytes",
                "open it in mode 'rb'",
            )
        if not part:
            break
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    _check_bytes(len(data), name)
    return data


def _check_bytes(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise PhotoError(
            f"{name} is larger than {MAX_BYTES / 1024**2:g} MB, wanted at most that",
            "save it smaller or as JPEG",
        )


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise PhotoError(
            f"{name} has {width} × {height} pixels, wanted at most {MAX_PIXELS:,} in all",
            "scale it down",
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{name} has {width} × {height} pixels, wanted at least {MIN_SIDE} on each side",
            "choose a larger picture",
        )


def _check_work(plain: _Plain, size: tuple[int, int]) -> None:
    if plain.scans * size[0] * size[1] > _MOST_SCANNED:
        raise ValueError(f"{plain.scans} scans")
    if plain.tiled > _MOST_TILED:
        raise ValueError(f"{plain.tiled} pixels in tiles")


def _decode(data: bytes, name: str) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Header, limits, pixels, colour, orientation: in this order."""
    kind = _kind(data)
    if kind is None:
        raise PhotoError(
            f"{name} is not a picture that blurdash reads, wanted {FORMAT_NAMES}",
            "export it as JPEG or PNG",
        )
    with _only_photo_errors(
        f"{name} starts like {kind} but is damaged, cut short or of a rare variety, "
        f"wanted a whole {FORMAT_NAMES}",
        "copy it again, or export it as JPEG or PNG",
    ):
        return _array(_upright(kind, data, name))


def _upright(kind: str, data: bytes, name: str) -> Image.Image:
    """The picture in mode RGB; what it was unpacked to is given back when this returns."""
    plain = _PLAIN[kind](data) if kind in _PLAIN else _Plain(data)
    with _open(kind, plain.data, name) as image:
        _check_size(image.size, name)
        _check_work(plain, image.size)
        image.load()
        if not plain.has_end:
            _check_pixels_are_whole(kind, image, plain.data)
        _check_size(image.size, name)  # a HEIC may turn out other than its header said
        turn = _turn(kind, image, plain)
        rgb = _to_srgb(image, plain, name)
    return rgb if turn is None else rgb.transpose(turn)


def _check_pixels_are_whole(kind: str, image: ImageFile, data: bytes) -> None:
    """Refuses a JPEG without an end whose pixels end early, too.

    What a decoder lacks it makes up, silently. But then it takes up what stands between the last
    pixels and the end; where they are whole, it passes that over.
    """
    pixels = data.removesuffix(_JPEG_END)
    last = max(range(8), key=lambda number: pixels.rfind(_JPEG_RESTARTS[number]))
    after = _JPEG_RESTARTS[(last + 1) % 8 if _JPEG_RESTARTS[last] in pixels else 0]
    for fill in _JPEG_FILLS:
        filled = pixels + fill + after + fill + _JPEG_END
        with Image.open(io.BytesIO(filled), formats=(kind,)) as other:
            other.load()
            if other.tobytes() != image.tobytes():
                raise ValueError("pixels are missing")


def _array(rgb: Image.Image) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """The picture as an array; by strips, because Pillow makes a second copy of what it gives."""
    pixels = np.empty((rgb.height, rgb.width, 3), np.uint8)
    step = max(1, 2**20 // rgb.width)
    for top in range(0, rgb.height, step):
        bottom = min(top + step, rgb.height)
        pixels[top:bottom] = np.asarray(rgb.crop((0, top, rgb.width, bottom)))
    return pixels


def _kind(data: bytes) -> str | None:
    """Pillow's name of the format, by the first bytes; None if it is not one of ours."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in (*_AVIF_BRANDS, *_HEIF_BRANDS):
        # A file may name its family first and its format among those that it is compatible with.
        brands = data[8 : min(int.from_bytes(data[:4], "big"), _MOST_BRANDS_BYTES)]
        return "AVIF" if any(brand in brands for brand in _AVIF_BRANDS) else "HEIF"
    return None


def _open(kind: str, data: bytes, name: str) -> ImageFile:
    """Reads the header with the one decoder that `kind` names."""
    if kind == "HEIF":
        # The class itself, so that nothing is registered in Pillow for the whole process.
        # libheif's own security limits stay as pillow_heif sets them.
        from pillow_heif import HeifImageFile

        heif: ImageFile = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
        return heif
    try:
        return Image.open(io.BytesIO(data), formats=(kind,))
    except Image.DecompressionBombError as error:  # Pillow's own limit, far above ours
        raise PhotoError(
            f"{name} has too many pixels, wanted at most {MAX_PIXELS:,} in all", "scale it down"
        ) from error


# ---- what a decoder gets ----
#
# Pillow and the libraries below it spend time and memory on metadata that is not wanted here, and
# on some of it without bound: two million EXIF segments in a JPEG take minutes, as many strip
# offsets in a TIFF a gigabyte. So a file is walked first, and its decoder gets the picture alone.


class _Plain(NamedTuple):
    """A file's picture, and what was read beside it."""

    data: bytes
    exif: bytes = b""  # of a WebP and where there is none: empty
    profile: bytes | None = None  # of a PNG; Pillow reads it from the others
    scans: int = 0  # of a JPEG
    has_end: bool = True  # a JPEG may lack its last two bytes and nothing else
    tiled: int = 0  # of a HEIC: pixels of the picture, its tiles and its opacity


_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # of those that have a length, and EOI
_MOST_COMPONENTS = 4
_MOST_HEADS = 100
_JPEG_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_JPEG_END = b"\xff\xd9"
_JPEG_FILLS = (32 * b"\xff\0", 32 * b"\xa7")  # a decoder itself fills up with zeros
_JPEG_RESTARTS = [b"\xff%c" % number for number in range(0xD0, 0xD8)]
_JPEG_NEEDED = {0xE0: b"JFIF", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}


def _plain_jpeg(jpeg: bytes) -> _Plain:
    """The first picture without comments and other programs' segments."""
    kept, exif, scans, at = [jpeg[:2]], b"", 0, 2
    frame, heads = b"", list[bytes]()
    for _ in range(_MOST_PARTS):
        marker = _JPEG_MARKER.search(jpeg, at)
        start = marker.start() if marker else len(jpeg)
        if scans:
            kept.append(jpeg[at:start])  # pixels; before the first scan it is padding
        if jpeg[start : start + 2] in (b"", b"\xff\xd9"):
            if start == len(jpeg) and scans:  # all pixels may be there, and half of the end mark
                _check_scans_are_whole(frame, heads)
                whole = b"".join(kept).removesuffix(b"\xff")
                return _Plain(whole + _JPEG_END, exif, scans=scans, has_end=False)
            return _Plain(b"".join([*kept, jpeg[start : start + 2]]), exif, scans=scans)
        at = start + 2 + max(2, int.from_bytes(jpeg[start + 2 : start + 4], "big"))
        code, content = jpeg[start + 1], jpeg[start + 4 : at]
        scans += code == 0xDA
        if code in _JPEG_FRAMES:
            frame = frame or content
        elif code == 0xDA:
            heads.append(content[:12])
        if code == 0xE1 and content.startswith(b"Exif\0\0"):
            exif = exif or content
        if not (0xE0 <= code <= 0xEF or code == 0xFE) or (
            code in _JPEG_NEEDED and content.startswith(_JPEG_NEEDED[code])
        ):
            kept.append(jpeg[start:at])
    raise ValueError("too many segments")


def _check_scans_are_whole(frame: bytes, heads: list[bytes]) -> None:
    """Refuses a JPEG that lacks whole scans: each coefficient comes to its last bit in one."""
    if len(heads) > _MOST_HEADS:
        raise ValueError("too many scans")
    parts = frame[6 : 6 + 3 * frame[5] : 3][:_MOST_COMPONENTS]
    missing = {(part, number) for part in parts for number in range(64)}
    for head in heads:
        count = min(head[0], _MOST_COMPONENTS)
        first, last, bits = head[1 + 2 * count : 4 + 2 * count]
        if not bits & 15:  # else a later scan brings the bits below
            here = range(first, min(last, 63) + 1)
            missing -= {(part, number) for part in head[1 : 1 + 2 * count : 2] for number in here}
    if missing or not parts:
        raise ValueError("scans are missing")


def _plain_png(png: bytes) -> _Plain:
    """The still picture without texts, animation and whatever else is beside it."""
    kept, exif, profile, at = [png[:8]], b"", None, 8
    for _ in range(_MOST_PARTS):  # a chunk: length, name, content, checksum
        name, end = png[at + 4 : at + 8], at + 12 + int.from_bytes(png[at : at + 4], "big")
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(png[at:end])
        elif name == b"eXIf":
            exif = png[at + 8 : end - 4]
        elif name == b"iCCP" and profile is None:
            profile = _unpacked(png[at + 8 : end - 4])
        at = end
        if name == b"IEND" or at >= len(png):
            return _Plain(b"".join(kept), exif, profile)
    raise ValueError("too many chunks")


def _unpacked(content: bytes) -> bytes:
    """The profile in an iCCP chunk; empty if it is damaged or too large to be used."""
    _, _, packed = content.partition(b"\0")  # name, 0, method, the profile
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], _MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if unpacking.eof else b""


def _plain_gif(gif: bytes) -> _Plain:
    """The picture without comments; of what stands before it only its own control block."""
    at = palette_end = 13 + (6 << (gif[10] & 7) if gif[10] & 0x80 else 0)
    control, start, inside = b"", 0, False
    for _ in range(_MOST_PARTS):
        if inside:  # an extension: blocks with their lengths, up to one of length 0
            size = gif[at]
            at, inside = at + 1 + size, size > 0
            if not inside and gif[start + 1] == 0xF9:
                control = gif[start:at]
        elif gif[at] == 0x21:
            start, at, inside = at, at + 2, True
        elif gif[at] in b",;":
            return _Plain(gif[:palette_end] + control + gif[at:])
        else:
            at += 1
    raise ValueError("too many blocks")


_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
_TIFF_PROFILE = 34675  # in types 1 and 7 it is bytes, which cost nothing
# What describes pixels, how they are packed, which way is up, and the colour profile.
_TIFF_NEEDED = frozenset(
    (256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322)
) | {323, 324, 325, 332, 338, 339, 347, *range(512, 522), 529, 530, 531, 532, _TIFF_PROFILE}


def _plain_tiff(tiff: bytes) -> _Plain:
    """The file with a directory of the first picture's needed tags alone, behind all the rest."""
    order = _BYTE_ORDERS[tiff[:2]]
    # BigTIFF: positions and counts of 8 bytes instead of 4, and 8 in front of the entries
    word, front = (8, 8) if 43 in tiff[2:4] else (4, 2)
    at = int.from_bytes(tiff[word : 2 * word], order)
    count, at = int.from_bytes(tiff[at : at + front], order), at + front
    needed: dict[int, bytes] = {}
    size = 4 + 2 * word
    for start in range(at, min(at + min(count, _MOST_PARTS) * size, len(tiff)), size):
        entry = tiff[start : start + size]
        tag, kind = int.from_bytes(entry[:2], order), int.from_bytes(entry[2:4], order)
        values = int.from_bytes(entry[4 : 4 + word], order)
        if tag in _TIFF_NEEDED and tag not in needed:
            if values > _MOST_PARTS and not (tag == _TIFF_PROFILE and kind in (1, 7)):
                raise ValueError(f"{values} values of tag {tag}")
            needed[tag] = entry
    _check_tile(needed, order, word)
    ifd = len(needed).to_bytes(front, order) + b"".join(needed[tag] for tag in sorted(needed))
    place = (len(tiff) + len(tiff) % 2).to_bytes(word, order)
    rest = tiff[2 * word :] + b"\0" * (len(tiff) % 2)
    return _Plain(tiff[:word] + place + rest + ifd + b"\0" * word)


def _check_tile(entries: dict[int, bytes], order: Literal["little", "big"], word: int) -> None:
    """Refuses a tile larger than any picture may be: libtiff makes room for all of it."""
    area = 1
    for tag in (322, 323):  # width and height; a word of their entry holds 2 bytes or all
        entry = entries.get(tag, b"")
        size = 2 if int.from_bytes(entry[2:4], order) == 3 else word
        area *= int.from_bytes(entry[4 + word : 4 + word + size], order)
    if area > MAX_PIXELS:
        raise ValueError(f"a tile of {area} pixels")


def _checked_bmp(bmp: bytes) -> _Plain:
    if int.from_bytes(bmp[30:34], "little") in (1, 2) and len(bmp) > _MAX_RLE_BYTES:
        raise ValueError("too many runs")
    return _Plain(bmp)


class _Parts:
    """Counts the parts of one file, whatever boxes they are in."""

    def __init__(self) -> None:
        self._left = _MOST_PARTS

    def take(self, count: int = 1) -> None:
        """Counts so many more."""
        self._left -= count
        if self._left < 0:
            raise ValueError("too many parts")


def _counted_heif(heif: bytes) -> _Plain:
    """The file as it is, with the size of all that its picture is put together from."""
    left = _Parts()
    primaries: list[int] = []
    areas: dict[int, int] = {}  # item -> pixels
    parts: dict[int, list[int]] = {}  # item -> the items that it is made of, or that belong to it
    for box, at, until in _in_meta(heif, left):
        if box == b"pitm":
            primaries.append(_item(heif, at, at + 4))
        elif box == b"iprp":
            for item, area in _areas(heif, at, until, left):
                areas[item] = max(area, areas.get(item, 0))
        elif box == b"iref":
            for item, part in _references(heif, at, until, left):
                parts.setdefault(item, []).append(part)
    known: dict[int, int] = {}
    return _Plain(heif, tiled=sum(_pixels(item, areas, parts, known) for item in primaries))


def _counted_avif(avif: bytes) -> _Plain:
    """The file without its EXIF, and with the size of all that its picture is put together from.

    The orientation is in boxes of the file's own, and of a forged EXIF block Pillow copies
    gigabytes; under another name its decoder passes it over.
    """
    plain, left = bytearray(avif), _Parts()
    for box, at, until in _in_meta(avif, left):
        if box != b"iinf":
            continue
        entries = at + (6 if avif[at] == 0 else 8)
        for _, entry, _ in _boxes(avif, entries, until, left):
            name = entry + (8 if avif[entry] < 3 else 10)
            if avif[name : name + 4] == b"Exif":
                plain[name : name + 4] = b"none"
    return _counted_heif(bytes(plain))


def _item(heif: bytes, box: int, at: int) -> int:
    """The number of an item, in 2 bytes, or in 4 where the version of the box is not 0."""
    return int.from_bytes(heif[at : at + (2 if heif[box] == 0 else 4)], "big")


def _in_meta(heif: bytes, left: _Parts) -> Iterator[tuple[bytes, int, int]]:
    """What is in the boxes that say what a file's items are."""
    for box, start, end in _boxes(heif, 0, len(heif), left):
        if box == b"meta":
            yield from _boxes(heif, start + 4, end, left)


def _boxes(data: bytes, at: int, end: int, left: _Parts) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of what is in each box between two places of an ISO media file."""
    while True:
        left.take()
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:  # the last one
            size = end - at
        if at + head > end or size < head:
            return
        yield name, at + head, min(at + size, end)
        at += size


def _areas(heif: bytes, at: int, end: int, left: _Parts) -> Iterator[tuple[int, int]]:
    """Pairs of an item and its pixels, from its properties."""
    sizes = [0]  # properties count from 1
    for box, start, until in _boxes(heif, at, end, left):
        if box == b"ipco":
            for name, place, _ in _boxes(heif, start, until, left):
                sides = (heif[place + 4 : place + 8], heif[place + 8 : place + 12])
                width, height = (int.from_bytes(side, "big") for side in sides)
                sizes.append(width * height if name == b"ispe" else 0)
        elif box == b"ipma":
            for item, properties in _associations(heif, start, until, left):
                used = [sizes[index] for index in properties if index < len(sizes)]
                yield item, max(used, default=0)


def _associations(heif: bytes, at: int, end: int, left: _Parts) -> Iterator[tuple[int, list[int]]]:
    """Each item with the numbers of its properties."""
    box, count = at, int.from_bytes(heif[at + 4 : at + 8], "big")
    id_size, step, most = (4 if heif[at] else 2), *((2, 0x7FFF) if heif[at + 3] & 1 else (1, 0x7F))
    left.take(count)
    at += 8
    for _ in range(count):
        if at >= end:
            return
        first = at + id_size + 1
        after = first + step * heif[first - 1]
        left.take(heif[first - 1])
        numbers = (int.from_bytes(heif[i : i + step], "big") for i in range(first, after, step))
        yield _item(heif, box, at), [number & most for number in numbers]
        at = after


def _references(heif: bytes, at: int, end: int, left: _Parts) -> Iterator[tuple[int, int]]:
    """Pairs of an item and one that it is made of (a tile), or that goes with it (its opacity)."""
    id_size = 4 if heif[at] else 2
    for name, start, until in _boxes(heif, at + 4, end, left):
        if name not in (b"dimg", b"auxl"):
            continue
        first, start = _item(heif, at, start), start + id_size + 2
        left.take((until - start) // id_size)
        for place in range(start, until, id_size):
            other = _item(heif, at, place)
            yield (first, other) if name == b"dimg" else (other, first)


def _pixels(
    item: int, areas: dict[int, int], parts: dict[int, list[int]], known: dict[int, int]
) -> int:
    """The pixels that are unpacked for an item: its own and those of all its parts."""
    if item not in known:
        known[item] = _MOST_TILED + 1  # what it counts as inside itself: such a file is refused
        known[item] = areas.get(item, 0) + sum(
            _pixels(part, areas, parts, known) for part in parts.get(item, ())
        )
    return known[item]


_PLAIN: dict[str, Callable[[bytes], _Plain]] = {
    "JPEG": _plain_jpeg,
    "PNG": _plain_png,
    "GIF": _plain_gif,
    "TIFF": _plain_tiff,
    "BMP": _checked_bmp,
    "AVIF": _counted_avif,
    "HEIF": _counted_heif,
}


# ---- colour ----


def _turn(kind: str, image: ImageFile, plain: _Plain) -> Image.Transpose | None:
    """What makes the loaded picture upright; None if it is, or if its EXIF cannot be read."""
    if kind in ("HEIF", "TIFF"):  # their decoders have turned it already
        return None
    # Not Pillow's getexif: of a forged block it copies gigabytes.
    return _TURNS.get(_orientation(plain.exif or image.info.get("exif", b"")))


def _orientation(exif: bytes) -> int:
    """The orientation in an EXIF block's first directory; 1, upright, if there is none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    if tiff[:2] not in _BYTE_ORDERS:
        return 1
    order = _BYTE_ORDERS[tiff[:2]]
    at = int.from_bytes(tiff[4:8], order)
    for entry in range(at + 2, at + 2 + 12 * int.from_bytes(tiff[at : at + 2], order), 12):
        if int.from_bytes(tiff[entry : entry + 2], order) == 0x0112:
            size = 4 if int.from_bytes(tiff[entry + 2 : entry + 4], order) == 4 else 2
            return int.from_bytes(tiff[entry + 8 : entry + 8 + size], order)
    return 1


def _to_srgb(image: ImageFile, plain: _Plain, name: str) -> Image.Image:
    """The loaded picture in mode RGB, in sRGB, on white."""
    profile = plain.profile or image.info.get("icc_profile")
    base, alpha = _split(image, plain.data, name)
    rgb = _apply_profile(base, profile) if profile else _converted(base, "RGB")
    if alpha is None:
        return rgb
    page = Image.new("RGB", rgb.size, "white")
    page.paste(rgb, mask=alpha)
    return page


def _split(image: ImageFile, data: bytes, name: str) -> tuple[Image.Image, Image.Image | None]:
    """The picture in mode L, RGB or CMYK, and its opacity (mode L) if it has any."""
    if image.mode == "F":
        raise PhotoError(
            f"{name} holds floating-point values, wanted whole numbers of 8 or 16 bits",
            "export it as JPEG or PNG",
        )
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _narrow(image, name)
    if image.mode == "CMYK":
        return image, None
    grey = image.mode in ("1", "L", "LA", "La")
    if not image.has_transparency_data:
        return _converted(image, "L" if grey else "RGB"), None
    key = image.info.get("transparency")
    if image.format == "PNG" and isinstance(key, tuple) and data[24] == 16:  # bits per sample
        # The transparent colour has 16 bits too, while the pixels kept the upper byte.
        image.info["transparency"] = tuple(value >> 8 for value in key)
    rgba = image.convert("RGBA")
    return rgba.convert("L" if grey else "RGB"), rgba.getchannel("A")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """The picture in a mode; itself if it has it, for Pillow would make a copy."""
    return image if image.mode == mode else image.convert(mode)


def _narrow(image: ImageFile, name: str) -> tuple[Image.Image, Image.Image | None]:
    """Grey of more than 8 bits in 8 bits, and its opacity if one value is transparent."""
    values = np.asarray(image).astype(np.int32)
    tags = getattr(image, "tag_v2", {})  # TIFF only
    top = 4095 if tags.get(258) == (12,) else 65535  # bits per sample
    if values.min() < 0 or values.max() > top:
        raise PhotoError(
            f"{name} holds values outside 0..{top}, wanted 8 or 16 bits", "export it as 16-bit PNG"
        )
    if tags.get(262) == 0:  # photometric interpretation: 0 is white. Pillow turns only 8 bits
        values = top - values
    narrow = ((values * 255 + top // 2) // top).astype(np.uint8)
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return Image.fromarray(narrow), None
    opaque = np.where(values == key, np.uint8(0), np.uint8(255))
    return Image.fromarray(narrow), Image.fromarray(opaque)


def _apply_profile(base: Image.Image, profile: bytes) -> Image.Image:
    """The picture converted from its profile to sRGB; as it is if the profile is of no use."""
    if len(profile) > _MAX_PROFILE_BYTES:
        return _converted(base, "RGB")
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(_without_deep_tables(profile)))
        space = embedded.profile.xcolor_space.strip()
        if {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(space) != base.mode:
            return _converted(base, "RGB")
        transform = ImageCms.buildTransform(
            embedded,
            ImageCms.createProfile("sRGB"),
            base.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if base.mode != "CMYK" and _changes_nothing(transform, base.mode):
            return _converted(base, "RGB")
        changed = ImageCms.applyTransform(base, transform)
        return changed or _converted(base, "RGB")  # None only when in place
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return _converted(base, "RGB")


def _without_deep_tables(profile: bytes) -> bytes:
    """The profile without its transforms in floating point, so that it falls back to the others.

    Those are lists of any length: a megabyte of them takes minutes to apply.
    """
    end = 132 + 12 * int.from_bytes(profile[128:132], "big")
    return profile[:132] + profile[132:end].replace(b"D2B", b"___") + profile[end:]


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the transform moves no colour of a 9 × 9 × 9 lattice by more than one level."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    probe = Image.fromarray(lattice).convert(mode)
    moved = ImageCms.applyTransform(probe, transform)
    before = np.asarray(probe.convert("RGB"), dtype=np.int16)
    return bool(np.abs(before - np.asarray(moved, dtype=np.int16)).max() <= 1)
