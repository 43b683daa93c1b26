"""How the input and the crop of HSE FaceRes were chosen: by jitter and strangers, nothing else.

    python -m benchmarks.convention FACES --weights DIR

FACES holds one photo a person, DIR both files of HSE FaceRes. Each face is jittered six times
(turned by up to 3°, scaled by up to 4 %, moved by up to 2 %, lighter or darker by up to 15 %, saved
as JPEG of quality 60), cut by the clean picture's geometry and embedded. The better a convention
tells a jittered face from strangers (d′), the better it is; neither shift nor blur is looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from blurdash.embed.crops import area_resized, dlib_chip, widened_crop
from blurdash.embed.faceres import MEAN_BGR, OUTPUT, SIDE
from blurdash.embed.graph_model import ChainNetwork, read_graph_model
from blurdash.face import Face, find_face
from blurdash.folder import read_folder
from blurdash.photo import load_photo

Picture = npt.NDArray[np.uint8]
JITTERS = 6
BATCH = 32

INPUTS: dict[str, Callable[[Picture], Any]] = {
    "BGR minus the training mean": lambda crops: crops[..., ::-1].astype(np.float32) - MEAN_BGR,
    "RGB 0..255": lambda crops: crops.astype(np.float32),
}


def box_of(wider: float) -> Callable[[Picture, Face], Picture]:
    """Returns the crop of MTCNN's box, made larger by such a share."""
    return lambda canvas, face: widened_crop(canvas, face.box, wider, SIDE)


CROPS: dict[str, Callable[[Picture, Face], Picture]] = {
    "whole canvas": lambda canvas, _face: area_resized(canvas, SIDE),
    "MTCNN's box": box_of(0.0),
    "MTCNN's box, 20 % larger": box_of(0.2),
    "MTCNN's box, 40 % larger": box_of(0.4),
    "dlib's chip": lambda canvas, face: dlib_chip(canvas, face.chip_points, SIDE),
}


def jittered(canvas: Picture, rng: np.random.Generator) -> Picture:
    """Returns a canvas as another photo of the same face might have it."""
    size = canvas.shape[0]
    turn = cv2.getRotationMatrix2D(
        (size / 2, size / 2), rng.uniform(-3, 3), rng.uniform(0.96, 1.04)
    )
    turn[:, 2] += rng.uniform(-0.02, 0.02, 2) * size
    moved = cv2.warpAffine(
        canvas, turn, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    lit = np.clip(moved * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8)
    file = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def embedded(network: ChainNetwork, shown: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns embeddings of unit length."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(shown), BATCH):
            part = np.ascontiguousarray(shown[start : start + BATCH])
            parts.append(network(torch.from_numpy(part).permute(0, 3, 1, 2)).numpy())
    found = np.concatenate(parts)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def separation(clean: Any, jitter: Any) -> tuple[float, float]:
    """Returns d′ of the same face against strangers, and how often the own face is the nearest."""
    same = (clean[:, None] * jitter).sum(-1)
    others = (clean @ clean.T)[np.triu_indices(len(clean), 1)]
    spread = np.sqrt((same.var() + others.var()) / 2)
    nearest = np.einsum("fjd,gd->fjg", jitter, clean).argmax(-1)
    right = nearest == np.arange(len(clean))[:, None]
    return float((same.mean() - others.mean()) / spread), float(right.mean())


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("faces")
    parser.add_argument("--weights", required=True)
    arguments = parser.parse_args()
    folder = Path(arguments.weights)
    network = read_graph_model(folder / "faceres.json", folder / "faceres.bin", OUTPUT).eval()
    faces = [find_face(load_photo(one.path)) for one in read_folder(arguments.faces).photos]
    rng = np.random.default_rng(0)
    others = [[jittered(face.canvas, rng) for _ in range(JITTERS)] for face in faces]
    print(f"{len(faces)} faces, {JITTERS} jitters each: d′, rank 1")
    for crop, cut in CROPS.items():
        clean = np.stack([cut(face.canvas, face) for face in faces])
        moved = np.stack(
            [cut(one, face) for face, ones in zip(faces, others, strict=True) for one in ones]
        )
        for shown, prepare in INPUTS.items():
            known = embedded(network, prepare(clean))
            jitter = embedded(network, prepare(moved)).reshape(len(faces), JITTERS, -1)
            found, first = separation(known, jitter)
            print(f"{crop:<28}{shown:<30}{found:>6.2f}{first:>8.3f}")


if __name__ == "__main__":
    main()
