"""FaceNet as an ``Embedder``: the crop for each protocol, and how it is loaded."""

from __future__ import annotations

from typing import ClassVar

from blurdash.canvas import Picture
from blurdash.embed.base import Embedder, Embeddings, LoadOptions
from blurdash.embed.crops import CropPlan, native_crop, native_plan
from blurdash.embed.facenet import FaceNetNetwork, load_network
from blurdash.embed.facenet_weights import CASIA_WEBFACE, VGGFACE2
from blurdash.embed.program import Program
from blurdash.face import Face
from blurdash.weights import WeightsFile

__all__ = [
    "FaceNetCasiaWebface",
    "FaceNetEmbedder",
    "FaceNetVggface2",
    "load",
    "load_casia_webface",
    "load_vggface2",
]


class FaceNetEmbedder(Embedder):
    """facenet-pytorch's InceptionResnetV1 on MTCNN's crop, or on the whole canvas (study)."""

    name: ClassVar[str] = "facenet"
    dim = 512
    normalised = True

    def __init__(self, network: FaceNetNetwork, protocol: str, weights_sha256: str) -> None:
        super().__init__(protocol, weights_sha256)
        self._network = network
        self.uses_mtcnn_box = protocol != "study"
        self.device = str(network.device)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns the 160 × 160 face crop, or the canvas itself where the protocol is study."""
        return canvas if self.protocol == "study" else native_crop(canvas, face.mtcnn_box)

    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops; see ``Embedder.embed_crops``."""
        if self.protocol == "study":
            return self._network.embed_study(crops)
        return self._network.embed_chips(crops)

    def crop_plan(self, face: Face) -> CropPlan | None:
        """Returns how the face crop is cut; see ``Embedder.crop_plan``."""
        return None if self.protocol == "study" else native_plan(face.mtcnn_box)

    def program(self) -> Program | None:
        """Returns the network for a browser; see ``Embedder.program``."""
        return None if self.protocol == "study" else self._network.program()


class FaceNetVggface2(FaceNetEmbedder):
    """FaceNet trained on VGGFace2."""

    name = "facenet-vggface2"


class FaceNetCasiaWebface(FaceNetEmbedder):
    """FaceNet trained on CASIA-WebFace."""

    name = "facenet-casia-webface"


def load(
    kind: type[FaceNetEmbedder], weights: WeightsFile, options: LoadOptions
) -> FaceNetEmbedder:
    """Loads FaceNet with these weights; see ``blurdash.embed.load_embedder``."""
    network, digest = load_network(
        weights,
        weights=options.weights,
        device=options.torch_device(),
        progress=options.progress,
        retry=options.retry,
    )
    embedder = kind(network, options.protocol, digest)
    embedder.remark = weights.remark(digest)
    return embedder


def load_vggface2(options: LoadOptions) -> FaceNetEmbedder:
    """Loads FaceNet trained on VGGFace2."""
    return load(FaceNetVggface2, VGGFACE2, options)


def load_casia_webface(options: LoadOptions) -> FaceNetEmbedder:
    """Loads FaceNet trained on CASIA-WebFace."""
    return load(FaceNetCasiaWebface, CASIA_WEBFACE, options)
