"""load_photo: every format and mode, the limits, and that only PhotoError ever comes out."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, ImageOps

from blurdash import photo
from blurdash.errors import PhotoError
from blurdash.photo import MAX_BYTES, MAX_PIXELS, MIN_SIDE, load_photo

LOSSLESS = ["PNG", "TIFF", "BMP", "WEBP"]
ORIENTATION = 0x0112


# ---- files to read ----


@cache
def face() -> np.ndarray:
    """160 × 96 pixels round the astronaut's face: not square, and no two edges alike."""
    pixels = np.ascontiguousarray(skimage.data.astronaut()[60:220, 180:276])
    pixels.setflags(write=False)
    return pixels


@cache
def grey() -> np.ndarray:
    return np.asarray(Image.fromarray(face()).convert("L"))


def rgb_of(grey_values: np.ndarray) -> np.ndarray:
    return np.repeat(grey_values[..., None], 3, axis=2)


def save(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(file, **options)
    else:
        image.save(file, kind, **({"lossless": True} if kind == "WEBP" else {}), **options)
    return file.getvalue()


def png(size: tuple[int, int], depth: int, colour: int, body: bytes, *extra: bytes) -> bytes:
    """A PNG put together by hand: what Pillow cannot write, or should not have to."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    extras = b"".join(chunk(e[:4], e[4:]) for e in extra)
    data = chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + header + extras + data + chunk(b"IEND", b"")


def png16(values: np.ndarray, colour: int, *extra: bytes) -> bytes:
    height, width = values.shape[:2]
    rows = (b"\0" + row.astype(">u2").tobytes() for row in values)
    return png((width, height), 16, colour, b"".join(rows), *extra)


def tiff(side: int, depth: int, photometric: int, strip: bytes) -> bytes:
    """A square grey TIFF put together by hand."""
    entries = {256: side, 257: side, 258: depth, 259: 1, 262: photometric, 273: 122, 277: 1}
    entries |= {278: side, 279: len(strip)}
    ifd = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + ifd + b"\0" * 4 + strip


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(space: bytes, connection: bytes, contents: dict[bytes, bytes]) -> bytes:
    """An ICC profile of this colour space and these tags, put together by hand."""
    words = "test".encode("utf-16-be")
    text = struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(words), 28) + words
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50)} | contents
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    size = at + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x02400000, kind, space, connection)
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + fixed(*D50)
    return header.ljust(128, b"\0") + table + body


def icc(primaries: np.ndarray | tuple[tuple[float, float, float], ...]) -> bytes:
    """An RGB profile: these primaries (XYZ at D50) and sRGB's tone curve."""
    curve = struct.pack(">4sIHH", b"para", 0, 3, 0)
    curve += fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {}
    for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[letter + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*primary)
        tags[letter + b"TRC"] = curve
    return profile(b"RGB ", b"XYZ ", tags)


GAMMA = 461 / 256


def gamma_grey() -> bytes:
    """A grey profile whose light is the value to the power of 1.8, as printers once had it."""
    curve = struct.pack(">4sIIH", b"curv", 0, 1, round(GAMMA * 256))
    return profile(b"GRAY", b"XYZ ", {b"kTRC": curve})


def grey_inks() -> bytes:
    """A CMYK profile in which each full ink takes 25 off the lightness L*, and no ink has a hue."""
    straight = bytes(range(256))
    table = struct.pack(">4sIBBBB", b"mft1", 0, 4, 3, 2, 0) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    corners = (255 * (4 - bin(corner).count("1")) // 4 for corner in range(16))
    table += straight * 4 + b"".join(bytes([light, 128, 128]) for light in corners) + straight * 3
    return profile(b"CMYK", b"Lab ", {b"A2B0": table})


D50 = (0.9642, 1.0, 0.8249)
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def error_of(source: object) -> str:
    """The one line that a bad source gives."""
    with pytest.raises(PhotoError) as caught:
        load_photo(source)  # type: ignore[arg-type]
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.hint
    assert "wanted" in caught.value.message
    assert not line.endswith(".")
    return line


def assert_same(got: np.ndarray, wanted: np.ndarray, tolerance: int = 0) -> None:
    assert got.dtype == np.uint8
    assert got.shape == wanted.shape
    assert np.abs(got.astype(int) - wanted.astype(int)).max() <= tolerance


def assert_close(got: np.ndarray, wanted: np.ndarray, mean: float) -> None:
    assert got.shape == wanted.shape
    assert np.abs(got.astype(int) - wanted.astype(int)).mean() < mean


# ---- formats and modes ----


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_is_exact(kind: str) -> None:
    assert_same(load_photo(save(face(), kind)), face())


@pytest.mark.parametrize(
    ("kind", "mean"), [("JPEG", 3.0), ("HEIF", 4.0), ("MPO", 3.0)], ids=["JPEG", "HEIF", "MPO"]
)
def test_lossy_is_close(kind: str, mean: float) -> None:
    assert_close(load_photo(save(face(), kind, quality=95)), face(), mean)


def test_lossy_webp_is_close() -> None:
    file = io.BytesIO()
    Image.fromarray(face()).save(file, "WEBP", quality=95)
    assert_close(load_photo(file.getvalue()), face(), 5.0)


def test_jpeg_is_decoded_in_full_and_as_pillow_does() -> None:
    data = save(skimage.data.astronaut(), "JPEG", quality=90)
    assert_same(load_photo(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "JPEG"])
def test_grey(kind: str) -> None:
    got = load_photo(save(grey(), kind, **({"quality": 95} if kind == "JPEG" else {})))
    assert_same(got, rgb_of(grey()), 12 if kind == "JPEG" else 0)
    assert (got[..., 0] == got[..., 2]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_black_and_white(kind: str) -> None:
    image = Image.fromarray(grey() > 128)
    assert_same(load_photo(save(image, kind)), rgb_of(np.where(grey() > 128, 255, 0)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_palette(kind: str) -> None:
    image = Image.fromarray(face()).quantize(64)
    assert_same(load_photo(save(image, kind)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
@pytest.mark.parametrize("form", ["index", "bytes"])
def test_palette_with_transparency_is_on_white(kind: str, form: str) -> None:
    image = Image.fromarray(face()).quantize(64)
    indices, plain = np.asarray(image), np.asarray(image.convert("RGB"))
    if kind == "GIF" or form == "index":
        key: int | bytes = 5
    else:
        key = bytes([255] * 5 + [0] + [255] * 58)
    got = load_photo(save(image, kind, transparency=key))
    assert (indices == 5).any()
    assert_same(got, np.where((indices == 5)[..., None], 255, plain))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_on_white(kind: str) -> None:
    alpha = np.broadcast_to(np.linspace(0, 255, 96).round().astype(np.uint8), grey().shape)
    options = {"exact": True} if kind == "WEBP" else {}
    got = load_photo(save(np.dstack([face(), alpha]), kind, **options))
    share = alpha[..., None] / 255
    assert_same(got, (face() * share + 255 * (1 - share)).round(), 1)
    assert (got[:, 0] == 255).all()
    assert (got[:, -1] == face()[:, -1]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha_is_on_white(kind: str) -> None:
    alpha = np.where(np.arange(96) < 40, 0, 255).astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(grey()), Image.fromarray(np.tile(alpha, (160, 1)))])
    assert_same(load_photo(save(image, kind)), np.where(alpha[:, None] == 0, 255, rgb_of(grey())))


def test_heic_alpha_is_on_white() -> None:
    alpha = np.zeros_like(grey())
    got = load_photo(save(np.dstack([face(), alpha]), "HEIF", quality=-1))
    assert (got == 255).all()


def test_transparent_colour_of_grey_and_rgb_png() -> None:
    level, colour = int(grey()[20, 20]), tuple(int(v) for v in face()[20, 20])
    wanted = np.where((grey() == level)[..., None], 255, rgb_of(grey()))
    assert_same(load_photo(save(grey(), "PNG", transparency=level)), wanted)
    wanted = np.where((face() == colour).all(axis=2)[..., None], 255, face())
    assert_same(load_photo(save(face(), "PNG", transparency=colour)), wanted)


@pytest.mark.parametrize(("kind", "tolerance"), [("TIFF", 0), ("JPEG", 30)])
def test_cmyk(kind: str, tolerance: int) -> None:
    image = Image.fromarray(face()).convert("CMYK")
    data = save(image, kind, **({"quality": 98, "subsampling": 0} if kind == "JPEG" else {}))
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    got = load_photo(data)
    assert_same(got, face(), tolerance)
    assert_close(got, face(), 2.0)


def test_ycbcr_and_lab_tiff() -> None:
    ycbcr = Image.fromarray(face()).convert("YCbCr")
    assert_same(load_photo(save(ycbcr, "TIFF")), face(), 3)
    lab = ImageCms.profileToProfile(
        Image.fromarray(face()),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    assert_close(load_photo(save(lab, "TIFF")), face(), 4.0)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(compression: str) -> None:
    assert_same(load_photo(save(face(), "TIFF", compression=compression)), face())


@pytest.mark.parametrize("big", [True, False])
def test_bigtiff(big: bool) -> None:
    assert_same(load_photo(save(face(), "TIFF", big_tiff=big)), face())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_several(kind: str) -> None:
    first = Image.fromarray(grey())
    rest = [Image.new("L", first.size, shade) for shade in (0, 255)]
    data = save(first, kind, save_all=True, append_images=rest)
    assert getattr(Image.open(io.BytesIO(data)), "n_frames", 1) == 3
    assert_same(load_photo(data), rgb_of(grey()))


# ---- 16 bits ----


def levels16() -> np.ndarray:
    """Every 16-bit value once."""
    return np.arange(65536, dtype=np.uint16).reshape(256, 256)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "big-endian TIFF", "32-bit TIFF"])
def test_convention_16_bit_grey_is_rounded(kind: str) -> None:
    if kind == "PNG":
        data = png16(levels16(), 0)
    elif kind == "TIFF":
        data = save(levels16(), "TIFF")
    elif kind == "big-endian TIFF":
        data = save(levels16().astype(">u2"), "TIFF")
        assert data[:2] == b"MM"
    else:
        data = save(levels16().astype(np.int32), "TIFF")
        assert Image.open(io.BytesIO(data)).mode == "I"
    got = load_photo(data)
    assert_same(got, rgb_of((levels16() / 257).round()))
    assert got[0, 0, 0] == 0
    assert got[-1, -1, 0] == 255


def test_convention_16_bit_colour_keeps_the_upper_byte() -> None:
    values = np.dstack([levels16(), levels16()[::-1], levels16().T])
    assert_same(load_photo(png16(values, 2)), values >> 8)


@pytest.mark.parametrize("colour", [0, 2, 4, 6], ids=["grey", "RGB", "grey+alpha", "RGBA"])
def test_8_bits_widened_to_16_come_back_exactly(colour: int) -> None:
    eight = face() if colour in (2, 6) else grey()[..., None]
    wide = eight.astype(np.uint16) * 257
    if colour in (4, 6):
        wide = np.dstack([wide, np.full_like(grey(), 65535, dtype=np.uint16)])
    assert_same(load_photo(png16(wide, colour)), np.broadcast_to(eight, face().shape))


def test_transparent_colour_of_16_bit_png() -> None:
    wide = grey().astype(np.uint16) * 257
    key = int(wide[20, 20])
    got = load_photo(png16(wide, 0, b"tRNS" + struct.pack(">H", key)))
    assert_same(got, rgb_of(np.where(wide == key, 255, grey())))
    wide = face().astype(np.uint16) * 256 + 17  # a lower byte unlike the upper
    colour = wide[20, 20]
    got = load_photo(png16(wide, 2, b"tRNS" + colour.astype(">u2").tobytes()))
    assert_same(got, np.where((wide == colour).all(axis=2)[..., None], 255, face()))


def test_16_bit_tiff_where_0_is_white() -> None:
    data = save(levels16(), "TIFF", tiffinfo={262: 0})
    assert Image.open(io.BytesIO(data)).tag_v2[262] == 0
    assert_same(load_photo(data), rgb_of(((65535 - levels16().astype(int)) / 257).round()))


def test_12_bit_tiff_has_its_own_white() -> None:
    # Two values of 12 bits in three bytes, after Pillow's "I;12": written by hand.
    values = np.tile(np.linspace(0, 4095, 64).round().astype(int), (64, 1))
    low, high = values[:, ::2], values[:, 1::2]
    strip = np.stack([low >> 4, (low & 15) << 4 | high >> 8, high & 255], axis=-1)
    got = load_photo(tiff(64, 12, 1, strip.astype(np.uint8).tobytes()))
    assert_same(got, rgb_of((values * 255 / 4095).round()))


def test_16_bit_heic() -> None:
    image = Image.fromarray(grey().astype(np.uint16) * 257)
    assert_close(load_photo(save(image, "HEIF", quality=-1)), rgb_of(grey()), 2.0)


def test_float_and_out_of_range_tiff_are_refused() -> None:
    assert "floating-point" in error_of(save(grey().astype(np.float32), "TIFF"))
    assert "outside 0..65535" in error_of(save(levels16().astype(np.int32) + 1, "TIFF"))
    assert "outside 0..65535" in error_of(save(levels16().astype(np.int32) - 1, "TIFF"))


# ---- orientation and metadata ----


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


UPRIGHT = {  # what the stored picture becomes; written with numpy, apart from Pillow's names
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("value", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_orientation(kind: str, value: int) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    got = load_photo(save(face(), kind, exif=with_orientation(value), **options))
    wanted = UPRIGHT[value](face())
    if kind == "JPEG":
        assert_close(got, wanted, 3.0)
    else:
        assert_same(got, wanted)
    assert got.flags.c_contiguous
    assert got.flags.writeable


@pytest.mark.parametrize("value", UPRIGHT)
def test_orientation_of_heic_is_applied_once(value: int) -> None:
    # As bytes, pillow_heif turns the tag into the file's rotation and mirror boxes, as phones do.
    data = save(face(), "HEIF", quality=95, exif=with_orientation(value).tobytes())
    assert (b"irot" in data or b"imir" in data) == (value != 1)
    assert_close(load_photo(data), UPRIGHT[value](face()), 4.0)


def test_convention_heic_without_a_rotation_box_is_upright() -> None:
    data = save(face(), "HEIF", quality=95, exif=with_orientation(6))  # not bytes: EXIF only
    assert b"irot" not in data
    assert_close(load_photo(data), face(), 4.0)


@pytest.mark.parametrize("value", [0, 9, 60000])
def test_senseless_orientation_is_ignored(value: int) -> None:
    assert_same(load_photo(save(face(), "PNG", exif=with_orientation(value))), face())


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_broken_exif_is_ignored(kind: str, exif: bytes) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    assert_close(load_photo(save(face(), kind, exif=exif, **options)), face(), 3.0)


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    got = load_photo(save(face(), "PNG", exif=exif, dpi=(300, 300)))
    assert type(got) is np.ndarray
    assert got.base is None
    assert_same(got, face())


# ---- colour profiles ----


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("maker", ["lcms", "hand"])
def test_srgb_profile_changes_nothing(kind: str, maker: str) -> None:
    if maker == "lcms":
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    else:
        srgb = icc(SRGB)
    assert_same(load_photo(save(face(), kind, icc_profile=srgb)), face())


@cache
def face_from_p3() -> np.ndarray:
    """The face's numbers read as Display P3, in sRGB: by arithmetic, not by LittleCMS."""
    code = face() / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    linear = (linear @ np.array(P3) @ np.linalg.inv(np.array(SRGB))).clip(0, 1)
    code = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (code * 255).round().astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_display_p3_is_converted(kind: str) -> None:
    assert np.abs(face_from_p3().astype(int) - face()).max() > 10  # so that the test can fail
    got = load_photo(save(face(), kind, icc_profile=icc(P3)))
    assert_close(got, face_from_p3(), 0.6)
    assert_same(got, face_from_p3(), 4)


@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_display_p3_of_phones_is_converted(kind: str) -> None:
    image = Image.fromarray(face())
    image.info["icc_profile"] = icc(P3)
    options = {"icc_profile": icc(P3)} if kind == "JPEG" else {}
    plain = load_photo(save(face(), kind, quality=95))
    got = load_photo(save(image, kind, quality=95, **options))
    assert_close(got, face_from_p3(), 4.0)
    assert np.abs(got.astype(int) - plain).mean() > 2


def test_profile_keeps_alpha_on_white() -> None:
    alpha = np.where(np.arange(96) < 40, 0, 255).astype(np.uint8)
    picture = np.dstack([face(), np.tile(alpha, (160, 1))])
    got = load_photo(save(picture, "PNG", icc_profile=icc(P3)))
    assert (got[:, :40] == 255).all()
    assert_same(got[:, 40:], face_from_p3()[:, 40:], 4)


@pytest.mark.parametrize(
    "broken",
    [b"broken", b"\0" * 200, icc(P3)[:300], icc(P3).replace(b"RGB ", b"CMYK")],
    ids=["text", "zeros", "cut", "another colour space"],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_broken_profile_is_ignored(kind: str, broken: bytes) -> None:
    assert_same(load_photo(save(face(), kind, icc_profile=broken)), face())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_huge_profile_is_ignored(kind: str) -> None:
    huge = icc(P3) + b"\0" * (5 * 1024 * 1024)  # valid at its front: 5 MB alone must rule it out
    assert_same(load_photo(save(face(), kind, icc_profile=huge)), face())


def test_a_slight_profile_is_not_taken_for_srgb() -> None:
    near = 0.9 * np.array(SRGB) + 0.1 * np.array(P3)
    got = load_photo(save(face(), "PNG", icc_profile=icc(near)))
    assert 1 < np.abs(got.astype(int) - face()).max() < 25


@pytest.mark.parametrize("mode", ["L", "LA", "16 bits"])
def test_grey_profile_is_converted(mode: str) -> None:
    if mode == "16 bits":
        image = Image.fromarray(grey().astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey()).convert(mode)
    light = (grey() / 255) ** GAMMA
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    got = load_photo(save(image, "TIFF", icc_profile=gamma_grey()))
    assert_same(got, rgb_of((code * 255).round()), 2)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_profile_is_converted(kind: str) -> None:
    inks = np.zeros((64, 96, 4), np.uint8)
    inks[:, 32:64, 0] = 255  # cyan only, which the profile prints as L* 75
    inks[:, 64:] = 255
    image = Image.frombytes("CMYK", (96, 64), inks.tobytes())
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    row = load_photo(save(image, kind, icc_profile=grey_inks(), **options))[32]
    for column, level in ((10, 255), (48, 185), (86, 0)):
        assert np.abs(row[column].astype(int) - level).max() <= 4, row[column]


def test_rgb_profile_in_a_grey_picture_is_ignored() -> None:
    assert_same(load_photo(save(grey(), "PNG", icc_profile=icc(P3))), rgb_of(grey()))


# ---- sources ----


@pytest.fixture
def photo_path(tmp_path: Path) -> Path:
    path = tmp_path / "face.png"
    path.write_bytes(save(face(), "PNG"))
    return path


def test_all_sources_give_the_same(photo_path: Path) -> None:
    data = photo_path.read_bytes()
    with photo_path.open("rb") as file, photo_path.open("rb", buffering=0) as raw:
        sources = [str(photo_path), photo_path, data, bytearray(data), memoryview(data), file, raw]
        for source in [*sources, io.BytesIO(data), io.BufferedReader(io.BytesIO(data))]:
            assert_same(load_photo(source), face())  # type: ignore[arg-type]
        assert not file.closed


class Drip(io.RawIOBase):
    """A file object that gives a few bytes at a time, and counts them."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.given = data, step, 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "asked for everything"
        part = self.data[self.given : self.given + min(size, self.step)]
        self.given += len(part)
        return part


def test_short_reads_are_put_together() -> None:
    assert_same(load_photo(Drip(save(face(), "PNG"), 1000)), face())  # type: ignore[arg-type]


def test_file_object_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"header" + save(face(), "PNG"))
    file.seek(6)
    assert_same(load_photo(file), face())
    assert "empty" in error_of(file)
    assert "rewind" in error_of(file)


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(save(face(), "PNG"))
    assert_same(load_photo(tmp_path / "face.jpg"), face())


@pytest.mark.parametrize(
    "source", [None, 7, 1.5, object(), [1, 2], {}, face(), Image.new("RGB", (80, 80)), True]
)
def test_unsupported_type(source: object) -> None:
    assert f"came as {type(source).__name__}, wanted a path" in error_of(source)


def test_path_errors(tmp_path: Path, photo_path: Path) -> None:
    assert "'gone.jpg' does not exist" in error_of(tmp_path / "gone.jpg")
    assert "does not exist" in error_of(photo_path / "below.jpg")
    assert "is a folder" in error_of(tmp_path)
    assert "is a folder" in error_of(str(tmp_path) + "/")
    assert "path is empty" in error_of("")
    assert "cannot be opened" in error_of("a\0b.jpg")
    assert "cannot be opened" in error_of("x" * 5000)
    (tmp_path / "empty.jpg").touch()
    assert "'empty.jpg' is empty" in error_of(tmp_path / "empty.jpg")


@pytest.mark.skipif(os.name != "posix", reason="its path is no device's elsewhere")
def test_a_device_is_refused() -> None:
    assert "'null' is a device or pipe" in error_of(os.devnull)  # a pipe, unread, would hang here


def test_no_permission(photo_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Raised by hand: the superuser, whom containers often are, may read everything.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "'face.png' may not be read" in error_of(photo_path)


class BadPath:
    def __fspath__(self) -> str:
        raise RuntimeError("no")


def test_strange_sources() -> None:
    assert "path cannot be used" in error_of(BadPath())
    assert "gives str" in error_of(io.StringIO("text"))
    closed = io.BytesIO()
    closed.close()
    assert "cannot be read from the file object" in error_of(closed)
    view = memoryview(b"abc")
    view.release()
    assert "cannot be read" in error_of(view)

    class Broken:
        def read(self, size: int) -> bytes:
            raise zlib.error("inside a zip")

    class Waiting:
        def read(self, size: int) -> None:
            return None

    assert "cannot be read from the file object" in error_of(Broken())
    assert "gives NoneType" in error_of(Waiting())


def test_bytes_path(photo_path: Path) -> None:
    class BytesPath:
        def __fspath__(self) -> bytes:
            return os.fsencode(photo_path)

    assert_same(load_photo(BytesPath()), face())  # type: ignore[arg-type]


def test_errors_name_the_file_only(tmp_path: Path) -> None:
    folder = tmp_path / "private folder"
    folder.mkdir()
    secret = b"MY SECRET DIARY"
    name = "a\u202eb\x1b[31m\n" + "c" * 150 + ".jpg"
    (folder / name).write_bytes(secret)
    line = error_of(folder / name)
    assert line.startswith("'ab31mccc")
    assert "private folder" not in line
    assert "SECRET" not in line
    shown = line[1 : line.index("'", 1)]
    assert len(shown) == 60
    assert shown.isprintable()
    assert "\u202e" not in line
    assert error_of(secret).startswith("the photo is not a picture")


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


@pytest.mark.parametrize("brand", [b"heic", b"avif"])
@pytest.mark.parametrize("kind", ["associations", "properties", "references"])
def test_a_file_of_many_boxes_with_many_parts_is_refused_at_once(brand: bytes, kind: str) -> None:
    if kind == "associations":
        entries = b"\0\1\0" * 50_000
        inner = box(b"iprp", box(b"ipma", bytes(4) + (50_000).to_bytes(4, "big") + entries) * 40)
    elif kind == "properties":
        inner = box(b"iprp", box(b"ipco", box(b"ispe", bytes(12)) * 50_000) * 4)
    else:
        many = box(b"dimg", b"\0\1" + (20_000).to_bytes(2, "big") + b"\0\2" * 20_000)
        inner = box(b"iref", bytes(4) + many * 40)
    counted: list[int] = []
    left = photo._Parts.take

    def take(parts: object, count: int = 1) -> None:
        counted.append(count)
        left(parts, count)  # type: ignore[arg-type]

    data = box(b"ftyp", brand + bytes(4)) + box(b"meta", bytes(4) + inner)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(photo._Parts, "take", take)
        assert "damaged" in error_of(data)
    assert sum(counted) <= 2 * photo._MOST_PARTS


# ---- not pictures, damaged pictures ----


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0" * 1000,
        b"P6 80 80 255 " + b"\0" * 19200,  # Pillow reads PPM; we do not
        b"\0\0\0\x1cftypisom" + b"\0" * 100,
        b"RIFF\0\0\0\0WAVE",
    ],
)
def test_not_a_picture(data: bytes) -> None:
    assert "not a picture that blurdash reads, wanted JPEG, PNG, WebP, HEIC" in error_of(data)


def test_empty() -> None:
    assert "the photo is empty" in error_of(b"")


@cache
def samples() -> dict[str, bytes]:
    """One valid small file of every kind, with metadata where the kind has it."""
    image = Image.fromarray(face()[:80, :72])
    rich = {"exif": with_orientation(6), "icc_profile": icc(P3)}
    return {
        "JPEG": save(image, "JPEG", **rich),
        "progressive": save(image, "JPEG", progressive=True, optimize=True),
        "CMYK": save(image.convert("CMYK"), "JPEG"),
        "MPO": save(image, "MPO", save_all=True, append_images=[image]),
        "PNG": save(image, "PNG", **rich),
        "PNG P": save(image.quantize(16), "PNG", transparency=3),
        "PNG 16": png16(np.asarray(image.convert("L")).astype(np.uint16) * 257, 0),
        "APNG": save(image, "PNG", save_all=True, append_images=[image.convert("L")]),
        "GIF": save(image, "GIF", save_all=True, append_images=[image.convert("L")]),
        "WEBP": save(image, "WEBP", **rich),
        "BMP": save(image, "BMP"),
        "TIFF": save(image, "TIFF", **rich),
        "TIFF deflate": save(image, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF jpeg": save(image, "TIFF", compression="jpeg"),
        "TIFF 16": save(np.asarray(image.convert("L")).astype(np.uint16) * 257, "TIFF"),
        "HEIF": save(image, "HEIF"),
        "AVIF": save(image, "AVIF", exif=with_orientation(6)),
    }


@pytest.mark.parametrize("label", samples())
def test_samples_are_valid(label: str) -> None:
    assert load_photo(samples()[label]).shape in ((80, 72, 3), (72, 80, 3))


@pytest.mark.parametrize("label", samples())
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.8])
def test_truncated(label: str, share: float) -> None:
    data = samples()[label]
    if label in ("MPO", "APNG", "GIF") and share >= 0.5:
        data = data[: len(data) // 2]  # the first frame may be whole further on
        share = 0.6
    line = error_of(data[: int(len(data) * share)])
    assert "damaged" in line or "not a picture" in line


@pytest.mark.parametrize(
    "how", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}], ids=str
)
def test_a_jpeg_may_lack_its_end_mark_but_no_pixel(how: dict[str, object]) -> None:
    grain = np.random.default_rng(0).integers(0, 256, (96, 80, 3), np.uint8)
    whole = save(Image.fromarray(grain), "JPEG", **how)
    for missing in (1, 2):
        assert np.array_equal(load_photo(whole[:-missing]), load_photo(whole))
    for missing in (*range(3, 60), *range(60, len(whole) // 2, 97)):
        assert "damaged" in error_of(whole[:-missing]), missing


def test_a_progressive_jpeg_may_lack_no_scan() -> None:
    grain = np.random.default_rng(0).integers(0, 256, (96, 80, 3), np.uint8)
    whole = save(Image.fromarray(grain), "JPEG", progressive=True)
    scans = [i for i in range(len(whole)) if whole[i : i + 2] in (b"\xff\xda", b"\xff\xc4")]
    assert len(scans) > 10
    for cut in scans[1:]:
        for more in (0, 1, 2, 15):
            assert "damaged" in error_of(whole[: cut + more]), cut


def test_damage_says_the_format() -> None:
    assert "starts like PNG" in error_of(samples()["PNG"][:200])
    assert "starts like HEIF" in error_of(samples()["HEIF"][:200])


@pytest.mark.parametrize("rest", [b"\0" * 100, b"\0\0\0\0mif1heic" + bytes(range(256)) * 20])
def test_a_heic_that_is_none(rest: bytes) -> None:
    assert "starts like HEIF but is damaged" in error_of(b"\0\0\0\x1cftypheic" + rest)


def test_load_truncated_images_is_left_off() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@settings(derandomize=True, max_examples=200, deadline=None)
@given(data=st.data())
def test_only_photo_errors_come_out(data: st.DataObject) -> None:
    whole = samples()[data.draw(st.sampled_from(sorted(samples())))]
    file = bytearray(whole[: data.draw(st.just(len(whole)) | st.integers(0, len(whole)))])
    spot = st.integers(0, 400) | st.integers(0, max(len(file) - 1, 0))
    byte = st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)
    for at, value in data.draw(st.lists(st.tuples(spot, byte), max_size=6)):
        if at < len(file):
            file[at] = value
    try:
        got = load_photo(bytes(file))
    except PhotoError:
        return
    assert got.dtype == np.uint8
    assert got.ndim == 3
    assert got.shape[2] == 3
    assert min(got.shape[:2]) >= MIN_SIDE


# ---- what a decoder gets ----


@pytest.mark.parametrize("label", [label for label in samples() if not label.startswith("WEBP")])
def test_the_picture_is_whole_without_what_is_beside_it(label: str) -> None:
    """Pillow sees the same pixels in what is left of a file as in the file."""
    kind = {"progressive": "JPEG", "CMYK": "JPEG", "MPO": "JPEG", "APNG": "PNG"}.get(
        label, label.split()[0]
    )
    plain = photo._PLAIN[kind](samples()[label])
    if kind == "HEIF":
        assert plain == photo._Plain(samples()[label], tiled=80 * 72)
        return
    whole, left = (Image.open(io.BytesIO(data)) for data in (samples()[label], plain.data))
    assert left.mode == whole.mode
    assert np.array_equal(np.asarray(left.convert("RGBA")), np.asarray(whole.convert("RGBA")))


def test_no_metadata_reaches_a_decoder() -> None:
    image, secret = Image.fromarray(face()), Image.Exif()
    secret[0x010E] = "somewhere private"
    for kind in ("JPEG", "PNG", "TIFF"):
        data = save(image, kind, exif=secret)
        assert b"private" in data
        left = Image.open(io.BytesIO(photo._PLAIN[kind](data).data))
        assert 0x010E not in left.getexif()
    commented = save(image, "JPEG", comment=b"somewhere private")
    assert b"private" not in photo._PLAIN["JPEG"](commented).data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("before", [0, 5])
def test_orientation_is_read_as_pillow_reads_it(order: str, kind: int, before: int) -> None:
    """Pillow's own reading, which copies gigabytes for forged blocks, as a second opinion."""
    for value in range(10):
        entries = [(256 + i, 3, 1, b"\0\0\0\0") for i in range(before)]
        packed = struct.pack(order + ("H2x" if kind == 3 else "I"), value)
        entries.append((0x0112, kind, 1, packed))
        ifd = b"".join(struct.pack(f"{order}HHI4s", *entry) for entry in entries)
        start = b"II*\0\x08\0\0\0" if order == "<" else b"MM\0*\0\0\0\x08"
        block = start + struct.pack(f"{order}H", len(entries)) + ifd + b"\0" * 4
        theirs = Image.Exif()
        theirs.load(b"Exif\0\0" + block)
        assert photo._orientation(b"Exif\0\0" + block) == theirs[0x0112] == value
        assert photo._orientation(block) == value


@pytest.mark.parametrize(
    "block", [b"", b"II", b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_block_without_an_orientation_is_upright(block: bytes) -> None:
    assert photo._orientation(block) in (0, 1)
    assert photo._TURNS.get(photo._orientation(block)) is None


def test_a_large_profile_in_a_png_is_used() -> None:
    large = icc(P3) + b"\0" * (2 * 1024 * 1024)  # Pillow itself takes up to 1 MB from a PNG
    file = bytearray(save(face(), "PNG"))
    content = b"P3\0\0" + zlib.compress(large)
    check = struct.pack(">I", zlib.crc32(b"iCCP" + content))
    file[33:33] = struct.pack(">I", len(content)) + b"iCCP" + content + check
    assert_same(load_photo(bytes(file)), face_from_p3(), 4)


def test_the_deep_part_of_a_profile_is_left_out_and_the_rest_is_used() -> None:
    curve = struct.pack(">4sIHH", b"para", 0, 3, 0)
    curve += fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {b"D2B1": b"mpet" + b"\0" * 60}
    for letter, primary in zip((b"r", b"g", b"b"), P3, strict=True):
        tags |= {letter + b"XYZ": b"XYZ \0\0\0\0" + fixed(*primary), letter + b"TRC": curve}
    got = load_photo(save(face(), "PNG", icc_profile=profile(b"RGB ", b"XYZ ", tags)))
    assert_same(got, face_from_p3(), 4)


# ---- limits ----


class DecodedError(AssertionError):
    """Pixels were unpacked that should have been refused."""


@pytest.fixture
def no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in HUGE:
        tiny(kind)  # made now: it needs what is taken away below

    def refuse(*_: object) -> None:
        raise DecodedError

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    monkeypatch.setattr(Image.core, "new", refuse)
    monkeypatch.setattr(Image.core, "fill", refuse)


HUGE = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "HEIF"]


@cache
def tiny(kind: str) -> bytes:
    return save(Image.new("RGB", (64, 64)), kind)


def huge(kind: str, side: int) -> bytes:
    """A few hundred bytes that claim a side × side picture."""
    data = bytearray(tiny(kind))
    if kind == "PNG":
        return png((side, side), 8, 2, b"")
    if kind == "TIFF":
        return tiff(side, 8, 1, b"")
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", side, side)
    elif kind == "WEBP":  # lossless: two 14-bit sides, less one, after the signature byte
        data[21:25] = struct.pack("<I", (side - 1) | (side - 1) << 14)
    elif kind == "HEIF":
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", side, side)
    return bytes(data)


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("side", [7072, 10_000, 16_000])
@pytest.mark.usefixtures("no_pixels")
def test_too_many_pixels_before_decoding(kind: str, side: int) -> None:
    # 7072² is just over ours, 10000² where Pillow would warn, 16000² where it raises.
    assert "wanted at most 50,000,000 in all" in error_of(huge(kind, side))


@pytest.mark.usefixtures("no_pixels")
def test_the_tests_of_limits_can_fail() -> None:
    with pytest.raises(PhotoError) as caught:
        load_photo(huge("PNG", 7071))  # 7071² is within the limit, so its pixels are asked for
    assert isinstance(caught.value.__cause__, DecodedError)


def test_warnings_neither_escape_nor_stay_off() -> None:
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        error_of(huge("PNG", 10_000))
        load_photo(save(Image.fromarray(face()).quantize(8), "PNG", transparency=b"\xff\x80"))
    assert seen == []
    assert warnings.filters == before


@pytest.mark.parametrize("size", [(63, 200), (200, 63), (1, 1)])
@pytest.mark.usefixtures("no_pixels")
def test_too_small(size: tuple[int, int]) -> None:
    line = error_of(png(size, 8, 2, b""))
    assert f"has {size[0]} × {size[1]} pixels, wanted at least 64 on each side" in line


def test_smallest() -> None:
    assert load_photo(save(Image.new("RGB", (64, 64)), "PNG")).shape == (64, 64, 3)


def test_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PIXELS == 50_000_000
    monkeypatch.setattr(photo, "MAX_PIXELS", 160 * 96)
    assert_same(load_photo(save(face(), "PNG")), face())
    monkeypatch.setattr(photo, "MAX_PIXELS", 160 * 96 - 1)
    assert "at most 15,359" in error_of(save(face(), "PNG"))


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES == 25 * 1024 * 1024
    data = save(face(), "PNG")
    assert_same(load_photo(data.ljust(MAX_BYTES, b"\0")), face())
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole: takes no room on disk
    for source in (path, bytes(MAX_BYTES + 1), io.BytesIO(bytes(MAX_BYTES + 1))):
        assert "is larger than 25 MB" in error_of(source)
    endless = Drip(bytes(MAX_BYTES * 2), 1 << 22)
    assert "is larger than 25 MB" in error_of(endless)
    assert endless.given == MAX_BYTES + 1


def test_out_of_memory_is_a_photo_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert "more memory than there is" in error_of(save(face(), "PNG"))


# ---- the process around it ----


def test_import_is_light_and_pillow_stays_as_it_was() -> None:
    code = """if True:
        import sys
        from PIL import Image
        limit = Image.MAX_IMAGE_PIXELS
        from blurdash import photo
        assert "pillow_heif" not in sys.modules
        photo.load_photo(sys.stdin.buffer)
        assert "pillow_heif" in sys.modules
        assert "HEIF" not in Image.OPEN
        assert limit == Image.MAX_IMAGE_PIXELS
    """
    root = Path(photo.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        input=samples()["HEIF"],
        capture_output=True,
        cwd=root,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout + done.stderr == b""


def test_several_threads() -> None:
    before = list(warnings.filters)
    wrong: list[str] = []

    def work(label: str, wanted: np.ndarray) -> None:
        for _ in range(5):
            if not np.array_equal(load_photo(samples()[label]), wanted):
                wrong.append(label)

    threads = [
        threading.Thread(target=work, args=(label, load_photo(samples()[label])))
        for label in ("JPEG", "HEIF", "PNG", "WEBP")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert warnings.filters == before


def test_exif_transpose_agrees() -> None:
    """Pillow's own reading of the orientation, as a second opinion."""
    for value in range(1, 9):
        data = save(face(), "PNG", exif=with_orientation(value))
        wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        assert_same(load_photo(data), wanted)
