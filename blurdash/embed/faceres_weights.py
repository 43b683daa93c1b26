"""Where HSE FaceRes' two files come from; imports no torch, so that pages can name them."""

from __future__ import annotations

from blurdash.weights import WeightsFile

__all__ = ["DESCRIPTION", "LICENCE", "ORIGIN", "TENSORS"]

_PACKAGE = "https://cdn.jsdelivr.net/npm/@vladmandic/human@3.3.6/models"
# The package is MIT and holds no licence of the model: what counts is that of where it comes from.
LICENCE = "Apache-2.0 (HSE_FaceRec_tf); the training pictures have terms of their own"
ORIGIN = (
    "Andrey Savchenko's HSE_FaceRec_tf, a MobileNet trained on VGGFace2; converted by Vladimir "
    "Mandic for the npm package @vladmandic/human 3.3.6"
)

DESCRIPTION = WeightsFile(
    name="HSE FaceRes",
    file_name="faceres.json",
    url=f"{_PACKAGE}/faceres.json",
    min_bytes=1_000,
    max_bytes=1_000_000,
    licence=LICENCE,
    origin=ORIGIN,
    published_sha256="5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
    whose="HSE FaceRes'",
    pickled=False,
)
TENSORS = WeightsFile(
    name="HSE FaceRes",
    file_name="faceres.bin",
    url=f"{_PACKAGE}/faceres.bin",
    min_bytes=1_000,
    max_bytes=16_000_000,
    licence=LICENCE,
    origin=ORIGIN,
    published_sha256="2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
    whose="HSE FaceRes'",
    pickled=False,
)
