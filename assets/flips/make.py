"""Makes the shipped counts of rank flips over 30 faces of nobody: numbers only, faces numbered.

    python -m assets.flips.make FACES

FACES is the folder that the shipped sweeps were made of; see ``assets/sweeps/make.py``. Takes two
minutes on two cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from blurdash.argue import argue
from blurdash.embed import load_embedder
from blurdash.flips import FlipSettings

HERE = Path(__file__).resolve().parent
# The line kernel is drawn in the direction in which the study's kernel draws 45.
ANGLES = {"study": 45.0, "line": 0.0}


def main() -> None:
    """Makes a file for each kernel."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("faces")
    folder = parser.parse_args().faces
    embedder = load_embedder("dlib")
    for kernel, angle in ANGLES.items():
        flips = argue(folder, FlipSettings(kernel=kernel, angle=angle), embedder=embedder)
        names = tuple(f"face_{i:02d}" for i in range(1, len(flips.faces) + 1))
        flips = dataclasses.replace(flips, faces=names)
        text = json.dumps(flips.as_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        out = HERE / f"faces_dlib_{kernel}.json"
        out.write_text(text + "\n", encoding="utf-8")
        print(f"{out.name}: {len(flips.faces)} faces, {len(flips.failures)} failures")  # noqa: T201


if __name__ == "__main__":
    main()
