"""Files of the published FaceNet's name, structure and size, whose numbers are random."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch

from blurdash.embed.facenet import _random_state
from blurdash.embed.facenet_weights import VGGFACE2

__all__ = ["random_weights", "write_random_weights"]


def random_weights(seed: int) -> OrderedDict[str, torch.Tensor]:
    """Returns weights of the real structure, with the classes of VGGFace2."""
    logits = {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
    return OrderedDict(_random_state(seed) | logits)


def write_random_weights(folder: Path, seed: int) -> Path:
    """Writes such a file, 112 MB; returns its path."""
    path = folder / VGGFACE2.file_name
    torch.save(random_weights(seed), path)
    return path
