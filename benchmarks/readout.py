"""The work behind a readout at rest, part by part, on the built-in portrait with dlib.

    python -m benchmarks.readout [--degree 50] [--runs 15]

Prints the median of each part in milliseconds, with every core and with one, and the whole; the
page wants the whole under 150 ms on two cores. Each part is timed in turn within a round, so that a
machine that is busy for a while slows all of them alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import cv2
import torch

from blurdash.blur import CanvasBlur, Change, apply_change, reference_picture
from blurdash.distance import DISTANCES
from blurdash.embed import load_embedder
from blurdash.portrait import portrait_face
from blurdash.quality import METRICS
from blurdash.readout import PreparedFace

WANTED_MS = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--degree", type=int, default=50)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    change = Change(degree=arguments.degree, shift_x=2.5)
    for threads in sorted({1, os.cpu_count() or 1}, reverse=True):
        cv2.setNumThreads(threads)
        torch.set_num_threads(threads)
        print(f"\n{threads} thread{'s' if threads > 1 else ''} an operation, {change}")
        found = timed(parts(change), arguments.runs)
        for name, milliseconds in found.items():
            print(f"  {name:<34}{milliseconds:8.1f} ms")
        whole = found["the whole readout"]
        print(f"  wanted: under {WANTED_MS} ms, {'ok' if whole < WANTED_MS else 'SHORT'}")


def parts(change: Change) -> dict[str, Callable[[], object]]:
    """What a readout does, each as a function that can be called alone."""
    face, embedder = portrait_face(), load_embedder("dlib")
    reference = reference_picture(face.canvas, change.kernel)
    blur = CanvasBlur(face.canvas)
    test = apply_change(face.canvas, change, blur=blur)
    clean = embedder.embed(reference, face)[0]
    crop = embedder.crop(test, face)
    changed = embedder.embed_crops(crop[None])[0]
    prepared = PreparedFace(face, embedder, kernel=change.kernel, exact=False)
    against = {name: row.against(reference) for name, row in METRICS.items()}
    return {
        "blur and shift, bit-exact": lambda: apply_change(face.canvas, change),
        "blur and shift, as the page does": lambda: apply_change(face.canvas, change, blur=blur),
        "crop": lambda: embedder.crop(test, face),
        "network": lambda: embedder.embed_crops(crop[None]),
        "distances": lambda: [row.compute(clean, changed) for row in DISTANCES.values()],
        **{name.upper(): (lambda one=one: one(test)) for name, one in against.items()},
        "the whole readout": lambda: prepared.readout(change),
    }


def timed(work: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median milliseconds of each part; the parts take turns."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for run in range(runs + 2):
        for name, do in work.items():
            start = time.perf_counter()
            do()
            if run >= 2:  # the first rounds fill caches
                spent[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in spent.items()}


if __name__ == "__main__":
    main()
