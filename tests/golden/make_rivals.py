"""Makes the golden numbers of the rivals in this folder, by piq.

Run it from the root of the repository, after ``pip install -r requirements-long.txt``:
``python tests/golden/make_rivals.py``. See README.md.

The pictures are those of make.py; piq gets their luma as OpenCV makes it, in whole grey levels.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import platform
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.data import astronaut

__all__ = ["main", "rivals"]

HERE = Path(__file__).resolve().parent
LIBRARIES = ("numpy", "opencv-python-headless", "torch", "facenet-pytorch", "piq")


def rivals() -> dict[str, Any]:
    """The rivals' numbers of the portrait's canvas against its blurred and its shifted self."""
    import piq
    import torch
    from make import ANGLES, DEGREES, SHIFT, Picture, moved, stretched, study

    from blurdash.face import find_face

    def grey(picture: Picture) -> torch.Tensor:
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return torch.from_numpy(luma.astype(np.float64))[None, None]

    canvas = np.array(find_face(astronaut()).canvas)
    reference = stretched(canvas)
    changes = [(degree, angle, 0) for degree in DEGREES for angle in ANGLES] + [(0, 45, SHIFT)]
    pairs = []
    for degree, angle, right in changes:
        pair = grey(reference), grey(moved(study(reference, degree, angle), right))
        values = {
            "ms_ssim": float(piq.multi_scale_ssim(*pair, data_range=255)),
            "gmsd": float(piq.gmsd(*pair, data_range=255)),
        }
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
        "about": "skimage.data.astronaut(), its canvas; piq on its luma; see README.md",
        "canvas_sha256": hashlib.sha256(canvas.tobytes()).hexdigest(),
        "pairs": pairs,
    }


def main() -> None:
    """Writes the file."""
    from make import one_row_a_line

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    versions = {"python": platform.python_version(), **found}
    path = parser.parse_args().out / "rivals.json"
    path.write_text(one_row_a_line({**rivals(), "versions": versions}), "utf-8")
    print(path)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))  # blurdash, where it is not installed
    main()
