"""What a reference costs, by recogniser: wall time on this machine, and memory over faces.

    python -m benchmarks.reference [FOLDER] [--faces N] [--weights DIR] [--memory]

FOLDER holds face photos; without it, variants of the built-in portrait are used. FaceNet has
random weights here, which are as quick as trained ones; HSE FaceRes' are taken from DIR, else
random too. A reference is three sweeps (random, fixed 45°, degree × angle), the rank flips and the
strangers. With ``--memory`` the peak of a process over N and over 4 N faces stands beside, at a few
degrees only.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from blurdash.embed import Embedder, LoadOptions, load_embedder
from blurdash.embed.facenet import random_network
from blurdash.embed.facenet_embedder import FaceNetVggface2
from blurdash.embed.faceres import load as load_faceres
from blurdash.engine import default_workers
from blurdash.portrait import portrait_photo
from blurdash.reference_run import ReferenceSettings, measure_reference
from tests.graph_models import faceres_like

ROOT = Path(__file__).resolve().parents[1]
STUDY_FACES = 30
FEW = ReferenceSettings(degrees=(0, 50), map_degrees=(0, 50), limit=None)


def photos_in(folder: str | None, faces: int, place: Path) -> Path:
    """Returns a folder of just so many photos."""
    chosen = place / "photos"
    chosen.mkdir()
    if folder:
        endings = (".png", ".jpg", ".jpeg", ".webp")
        found = [path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in endings]
        for i in range(faces):
            source = found[i % len(found)]
            # A copy of another is left out of a reference: a byte behind the end makes it another.
            content = source.read_bytes() + bytes(i // len(found))
            (chosen / f"{i:04d}{source.suffix}").write_bytes(content)
        return chosen
    portrait = portrait_photo()[..., ::-1]
    for i in range(faces):
        lit = np.clip(portrait * (0.7 + 0.5 * i / max(1, faces)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(chosen / f"{i:04d}.png"), lit)
    return chosen


def recognisers(weights: str | None, place: Path) -> dict[str, Embedder]:
    """Returns dlib's, HSE FaceRes and FaceNet."""
    made = weights
    if made is None:
        (place / "weights").mkdir()
        made = str(faceres_like().write(place / "weights").parent)
    return {
        "dlib": load_embedder("dlib"),
        "HSE FaceRes": load_faceres(LoadOptions(weights=made)),
        "FaceNet (random weights)": FaceNetVggface2(random_network(), "native", "0" * 64),
    }


def peak_megabytes(folder: str | None, faces: int) -> float:
    """Peak memory of a process that measures so many faces, of little each."""
    code = (
        "import sys; from benchmarks.reference import measure_few; "
        "measure_few(sys.argv[1] or None, int(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder or "", str(faces)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def measure_few(folder: str | None, faces: int) -> None:
    """Measures little of so many faces, and prints this process' peak memory in MB."""
    with tempfile.TemporaryDirectory() as name:
        photos = photos_in(folder, faces, Path(name))
        measure_reference(photos, Path(name) / "few", FEW, load_embedder("dlib"), who="faces")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--faces", type=int, default=4)
    parser.add_argument("--weights", help="folder with HSE FaceRes' files")
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    settings = ReferenceSettings(limit=None)
    say(f"{settings.rows} pictures a face, {arguments.faces} faces, {default_workers()} cores")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        photos = photos_in(arguments.folder, arguments.faces, place)
        for who, embedder in recognisers(arguments.weights, place).items():
            begun = time.perf_counter()
            out = place / f"of-{embedder.name}"
            measure_reference(photos, out, settings, embedder, who="faces")
            each = (time.perf_counter() - begun) / arguments.faces
            say(
                f"{who:<28}{each:>7.1f} s a face, {STUDY_FACES * each / 60:>6.1f} min for "
                f"{STUDY_FACES} faces"
            )
    if arguments.memory:
        few, many = (peak_megabytes(arguments.folder, n * arguments.faces) for n in (1, 4))
        say(
            f"peak memory: {few:.0f} MB of {arguments.faces} faces, {many:.0f} MB of "
            f"{4 * arguments.faces}"
        )


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
