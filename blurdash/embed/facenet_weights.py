"""Where FaceNet's two sets of weights come from; imports no torch, so that pages can name them."""

from __future__ import annotations

from blurdash.weights import WeightsFile

__all__ = ["CASIA_WEBFACE", "VGGFACE2"]

_RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"
# The network alone has 94 MB; the classes it was trained on (logits) add 18 and 22 MB.
_MIN_BYTES, _MAX_BYTES = 90_000_000, 125_000_000
_LICENCE = "MIT (facenet-pytorch and facenet); the training pictures have terms of their own"

VGGFACE2 = WeightsFile(
    name="FaceNet VGGFace2",
    file_name="20180402-114759-vggface2.pt",
    url=f"{_RELEASE}/20180402-114759-vggface2.pt",
    whose="FaceNet's",
    min_bytes=_MIN_BYTES,
    max_bytes=_MAX_BYTES,
    licence=_LICENCE,
    origin="David Sandberg's facenet, trained on VGGFace2; converted by Tim Esler",
    # Stated alike by at least seven independent repositories, for a file of 111,898,327 bytes.
    published_sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
)
CASIA_WEBFACE = WeightsFile(
    name="FaceNet CASIA-WebFace",
    file_name="20180408-102900-casia-webface.pt",
    url=f"{_RELEASE}/20180408-102900-casia-webface.pt",
    whose="FaceNet's",
    min_bytes=_MIN_BYTES,
    max_bytes=_MAX_BYTES,
    licence=_LICENCE,
    origin="David Sandberg's facenet, trained on CASIA-WebFace; converted by Tim Esler",
)
