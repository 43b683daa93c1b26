"""HSE FaceRes as an ``Embedder``: a MobileNet from another family than FaceNet and dlib's ResNet.

Conventions:
    The network is shown MTCNN's box on the clean canvas, 40 % larger (a fifth on each side, within
    the canvas), resized to 224 × 224, in BGR minus the mean of its training pictures.
    Both were chosen on 39 faces of nobody by how well it tells a jittered face (turned, scaled,
    moved by up to 2 %, lighter or darker, JPEG) from strangers; neither shift nor blur was looked
    at. d′ of that choice is 8.6; of RGB in 0..255, as human.js feeds it, 8.4; of other crops 7.8 to
    8.5; rank 1 is right every time in all of them. dlib's has 5.3. ``benchmarks/convention.py``
    prints the table.

References:
    Savchenko, "Efficient facial representations for age, gender and identity recognition in
    organizing photo albums using multi-output ConvNet", PeerJ Computer Science 2019.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from blurdash.canvas import Picture
from blurdash.embed.base import Embedder, Embeddings, LoadOptions
from blurdash.embed.crops import CropPlan, widened_crop, widened_plan
from blurdash.embed.exported import program_of
from blurdash.embed.faceres_weights import DESCRIPTION, TENSORS
from blurdash.embed.graph_model import ChainNetwork, read_graph_model
from blurdash.embed.program import Program, Shown
from blurdash.errors import WeightsError
from blurdash.face import Face
from blurdash.pictures import checked_stack
from blurdash.weights import WeightsFile, fetch, sha256
from blurdash.words import quoted

__all__ = ["FaceResEmbedder", "digest_of_files", "load"]

OUTPUT = "global_pooling/Mean"
DIM = 1024
SIDE = 224
WIDENED = 0.4
MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
BATCH = 32


class FaceResEmbedder(Embedder):
    """HSE FaceRes on MTCNN's box, 40 % larger.

    Args:
        network: As ``read_graph_model`` gives it.
        weights_sha256: Of both files; see ``digest_of_files``.
        device: The torch device that it runs on.
    """

    name: ClassVar[str] = "faceres"
    dim = DIM
    normalised = False

    def __init__(self, network: ChainNetwork, weights_sha256: str, device: str = "cpu") -> None:
        super().__init__("native", weights_sha256)
        self.device = device
        self._network = network.eval().to(device).to(memory_format=torch.channels_last)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns the 224 × 224 crop, uint8 RGB."""
        return widened_crop(canvas, face.box, WIDENED, SIDE)

    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops; see ``Embedder.embed_crops``."""
        crops = checked_stack(crops, SIDE)
        parts = [self._forward(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, DIM), np.float32)

    def crop_plan(self, face: Face) -> CropPlan:
        """Returns how the crop is cut; see ``Embedder.crop_plan``."""
        return widened_plan(face.box, WIDENED, SIDE)

    def program(self) -> Program:
        """Returns the network for a browser; see ``Embedder.program``."""
        blue, green, red = MEAN_BGR.tolist()
        return program_of(self._network, Shown(SIDE, bgr=True, minus=(blue, green, red)))

    def _forward(self, crops: Picture) -> Embeddings:
        shown = np.ascontiguousarray(crops[..., ::-1], np.float32) - MEAN_BGR
        with torch.inference_mode():
            # (N, H, W, C) seen as (N, C, H, W) already is channels-last: nothing is copied.
            x = torch.from_numpy(shown).permute(0, 3, 1, 2).to(self.device)
            return self._network(x).cpu().numpy()  # type: ignore[no-any-return]


def digest_of_files(*paths: Path) -> str:
    """Returns the SHA-256 of files one after another, as ``cat … | sha256sum`` gives it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(options: LoadOptions) -> FaceResEmbedder:
    """Loads HSE FaceRes; see ``blurdash.embed.load_embedder``."""
    description = _fetched(DESCRIPTION, options)
    tensors = _fetched(TENSORS, options)
    network = read_graph_model(description, tensors, OUTPUT)
    if (network.side, network.dim) != (SIDE, DIM):
        raise WeightsError(
            f"{quoted(description.name)} takes pictures of {network.side} px and gives "
            f"{network.dim} numbers, wanted {SIDE} px and {DIM}",
            hint="give the files of HSE FaceRes",
        )
    digest = digest_of_files(description, tensors)
    embedder = FaceResEmbedder(network, digest, options.torch_device())
    embedder.remark = DESCRIPTION.remark(sha256(description)) or TENSORS.remark(sha256(tensors))
    return embedder


def _fetched(row: WeightsFile, options: LoadOptions) -> Path:
    """One of both files; where one was given, the other lies beside it."""
    given = Path(options.weights) if options.weights else None
    if given is not None and given.suffix in (".json", ".bin"):
        given = given.with_suffix(Path(row.file_name).suffix)
    return fetch(
        row,
        path=given,
        progress=options.progress,
        check=_published(row),
        retry=options.retry,
    )


def _published(row: WeightsFile) -> Callable[[Path], None]:
    """Checks that a download is the published file."""

    def check(path: Path) -> None:
        if row.remark(sha256(path)):
            raise WeightsError(
                f"what was downloaded as {row.file_name} is not the published file of {row.name}",
                hint=f"download it by hand, or give {row.file_name} with --weights",
            )

    return check
