"""What the browser removes from a photo changes no pixel: ``load_photo`` reads the same array."""

from __future__ import annotations

import base64
import io
import itertools
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from playwright.sync_api import Browser

from blurdash.photo import load_photo
from blurdash.portrait import portrait_photo
from blurdash.ui.components.scripts import script

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SECRET = b"Jane Doe, 52.5163 N"
SIZE = (72, 64)


def picture(mode: str = "RGB") -> Image.Image:
    photo = Image.fromarray(portrait_photo()).resize(SIZE).convert("RGB")
    if mode.endswith("A"):
        photo.putalpha(Image.linear_gradient("L").resize(SIZE))
    return photo.convert(mode)


def profile() -> bytes:
    """A colour profile that moves colours: green and blue change places."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    green, blue = made.index(b"gXYZ"), made.index(b"bXYZ")
    made[green : green + 4], made[blue : blue + 4] = b"bXYZ", b"gXYZ"
    return bytes(made)


def exif(orientation: int) -> Image.Exif:
    told = Image.Exif()
    if orientation:
        told[0x0112] = orientation
    told[0x010E] = SECRET.decode()
    return told


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def jpegs() -> Iterator[tuple[str, bytes]]:
    profiles = {"": None, " profile": profile()}
    for orientation, progressive, subsampling, (said, icc) in itertools.product(
        range(9), (False, True), (0, 2), profiles.items()
    ):
        how = {"exif": exif(orientation), "progressive": progressive, "subsampling": subsampling}
        file = saved(picture(), "JPEG", quality=90, comment=SECRET, icc_profile=icc, **how)
        yield f"jpeg {orientation} {progressive} {subsampling}{said}", file
    plain = saved(picture(), "JPEG", exif=exif(6), comment=SECRET)
    yield "jpeg grey", saved(picture("L"), "JPEG", exif=exif(3))
    yield "jpeg CMYK", saved(picture("CMYK"), "JPEG", exif=exif(8))
    yield "jpeg restarts", saved(picture(), "JPEG", restart_marker_blocks=2, exif=exif(5))
    yield "jpeg with an end", plain + SECRET * 3
    yield (
        "jpeg two pictures",
        saved(picture(), "MPO", save_all=True, append_images=[picture().rotate(90)], exif=exif(6)),
    )
    yield "jpeg two orientations", plain[:2] + segment(exif(3).tobytes()) + plain[2:]
    yield "jpeg padded", plain[:2] + b"\xff\xff\xff" + plain[2:]
    yield "jpeg long orientation", plain[:2] + segment(long_orientation()) + plain[2:]
    yield "jpeg little end", plain[:2] + segment(long_orientation("<")) + plain[2:]
    yield "jpeg broken exif", plain[:2] + segment(b"Exif\0\0MM\0*\0\0\xff\xff") + plain[2:]


def segment(content: bytes) -> bytes:
    content = content if content.startswith(b"Exif") else b"Exif\0\0" + content
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def long_orientation(order: str = ">") -> bytes:
    start = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(f"{order}HHHII", 1, 0x0112, 4, 1, 6)
    return b"Exif\0\0" + start + struct.pack(f"{order}I", 8) + entry + bytes(4) + SECRET


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def pngs() -> Iterator[tuple[str, bytes]]:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", SECRET.decode())
    text.add_itxt("Place", SECRET.decode())
    for orientation in range(9):
        yield (
            f"png {orientation}",
            saved(picture(), "PNG", pnginfo=text, exif=exif(orientation)),
        )
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        for icc in (None, profile()):
            if icc and mode == "I;16":
                continue
            image = picture("I").convert("I;16") if mode == "I;16" else picture(mode)
            yield f"png {mode} {bool(icc)}", saved(image, "PNG", pnginfo=text, icc_profile=icc)
    yield "png transparent grey", saved(picture("L"), "PNG", transparency=90, pnginfo=text)
    yield "png transparent colour", saved(picture(), "PNG", transparency=(9, 9, 9), pnginfo=text)
    yield (
        "png palette",
        saved(picture().quantize(16), "PNG", transparency=bytes(range(16)), pnginfo=text),
    )
    plain = saved(picture(), "PNG", pnginfo=text)
    for name, content in {
        b"gAMA": struct.pack(">I", 100_000), b"cHRM": bytes(32), b"sRGB": b"\0",
        b"sBIT": b"\x08\x08\x08", b"cICP": b"\x01\x0d\0\1", b"tEXt": b"Title\0" + SECRET,
        b"tIME": bytes(7), b"prVt": SECRET, b"bKGD": bytes(6), b"pHYs": bytes(9),
    }.items():  # fmt: skip
        yield f"png {name.decode()}", plain[:33] + chunk(name, content) + plain[33:]
    end = plain[:-12]
    late = chunk(b"eXIf", exif(8).tobytes().removeprefix(b"Exif\0\0"))
    yield "png late orientation", end + late + plain[-12:]
    yield "png two orientations", plain[:33] + late + end[33:] + chunk(b"eXIf", b"") + plain[-12:]
    yield "png with an end", plain + SECRET
    named = chunk(b"eXIf", exif(6).tobytes())  # with the name that only JPEG has in front
    yield "png named orientation", plain[:33] + named + plain[33:]
    frames = [picture().rotate(turn) for turn in (90, 180)]
    yield "apng", saved(picture(), "PNG", save_all=True, append_images=frames, pnginfo=text)


def webps() -> Iterator[tuple[str, bytes]]:
    for orientation, lossless, mode in itertools.product(range(9), (False, True), ("RGB", "RGBA")):
        yield (
            f"webp {orientation} {lossless} {mode}",
            saved(picture(mode), "WEBP", lossless=lossless, exif=exif(orientation), xmp=SECRET),
        )
    for icc in (None, profile()):
        yield f"webp alone {bool(icc)}", saved(picture(), "WEBP", icc_profile=icc)
        yield (
            f"webp animated {bool(icc)}",
            saved(
                picture("RGBA"), "WEBP", save_all=True, append_images=[picture("RGBA")],
                icc_profile=icc, exif=exif(6), xmp=SECRET,
            ),
        )  # fmt: skip
    turned = saved(picture(), "WEBP", exif=exif(6))
    yield "webp with an end", turned + SECRET
    unannounced = bytearray(turned)
    unannounced[20] &= ~0x08
    yield "webp unannounced orientation", bytes(unannounced)
    upright = b"EXIF" + struct.pack("<I", 26) + long_orientation().removeprefix(b"Exif\0\0")[:18]
    upright += bytes(8)
    two = turned[:30] + upright.replace(b"\0\0\0\x06", b"\0\0\0\x01") + turned[30:]
    yield "webp two orientations", two[:4] + struct.pack("<I", len(two) - 8) + two[8:]


def others() -> Iterator[tuple[str, bytes]]:
    import pillow_heif

    heif = pillow_heif.from_pillow(picture())
    file = io.BytesIO()
    heif.save(file, quality=90)
    yield "heic", file.getvalue()
    for kind in ("TIFF", "BMP", "GIF", "AVIF"):
        yield kind.lower(), saved(picture(), kind)
    yield "cut webp", saved(picture(), "WEBP", exif=exif(6))[:-3]
    yield "cut jpeg", saved(picture(), "JPEG", exif=exif(6))[:700]
    for missing in (1, 2):
        whole = saved(picture(), "JPEG", exif=exif(6))
        yield f"jpeg without its last {missing}", whole[:-missing]


PUBLISHED = """
import { strippedPhoto } from "./widgets/strip.js";
Object.assign(window, { strippedPhoto });
"""
KEPT_WHOLE = ("heic", "tiff", "bmp", "gif", "avif")


def test_what_is_removed_changes_no_pixel(browser: Browser):
    files = dict(itertools.chain(jpegs(), pngs(), webps(), others()))
    assert len(files) >= 150
    page = browser.new_page()
    page.add_script_tag(content=script("test.js", {"test.js": PUBLISHED}))
    stripped = page.evaluate(
        """async (files) => {
          const out = {};
          for (const [name, data] of Object.entries(files)) {
            const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
            const blob = await strippedPhoto(new Blob([bytes]));
            const kept = new Uint8Array(await blob.arrayBuffer());
            out[name] = btoa(Array.from(kept, (byte) => String.fromCharCode(byte)).join(""));
          }
          return out;
        }""",
        {name: base64.b64encode(file).decode() for name, file in files.items()},
    )
    page.close()
    for name, file in files.items():
        kept = base64.b64decode(stripped[name])
        if name.startswith("cut"):
            continue  # what cannot be followed goes as it is, and the server says so
        assert np.array_equal(load_photo(kept), load_photo(file)), name
        if name in KEPT_WHOLE:
            assert kept == file, name
        else:
            assert len(kept) <= len(file), name
            assert SECRET not in kept, name
            assert SECRET.decode().encode("utf-16-be") not in kept, name
