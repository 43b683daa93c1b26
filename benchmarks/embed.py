"""dlib's recogniser here against dlib itself, on the same chips in one run.

    python -m benchmarks.embed [--batch 36] [--rounds 5]

Prints the time per face of each, the ratio, and the largest difference between embeddings.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import dlib
import numpy as np
import torch

from blurdash.blur import Change, apply_change
from blurdash.embed import load_embedder
from blurdash.face import model_file
from blurdash.portrait import portrait_face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=36)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    embedder = load_embedder("dlib")
    chips = _chips(embedder, arguments.batch)
    theirs = dlib.face_recognition_model_v1(
        str(model_file("dlib_face_recognition_resnet_model_v1.dat"))
    )
    reference = np.array([theirs.compute_face_descriptor(chip) for chip in chips])
    difference = np.abs(embedder.embed_crops(chips) - reference).max()

    ways: dict[str, Callable[[], object]] = {
        "dlib, one by one": lambda: [theirs.compute_face_descriptor(chip) for chip in chips],
        "dlib, its own batch": lambda: theirs.compute_face_descriptor(list(chips)),
        "blurdash, one by one": lambda: [embedder.embed_crops(chip[None]) for chip in chips],
        "blurdash, one batch": lambda: embedder.embed_crops(chips),
    }
    # The ways take turns, so that a machine that slows down slows them all.
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - start) / len(chips))
    print(f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads, {len(chips)} faces")
    first = statistics.median(times["dlib, one by one"][1:])
    for name, taken in times.items():
        median = statistics.median(taken[1:])
        print(f"{name:<22}{1e3 * median:8.1f} ms a face   {first / median:6.1f} x")
    print(f"largest difference {difference:.1e}")


def _chips(embedder: object, count: int) -> np.ndarray:
    face = portrait_face()
    canvases = [
        apply_change(face.canvas, Change(degree=3 * i % 101, angle=10.0 * i)) for i in range(count)
    ]
    return np.stack([embedder.crop(canvas, face) for canvas in canvases])  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
