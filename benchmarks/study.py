"""The study's procedure and blurdash's sweep on the same faces in one run, as ratios.

    python -m benchmarks.study [FOLDER] [--faces N] [--memory] [--profile]

FOLDER holds face photos; without it, variants of the built-in portrait are used. FaceNet has random
weights here: they are as quick as trained ones and tell nothing about faces. Every time is wall
clock on a machine that should do nothing else; each pair of numbers comes from the same minute.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from blurdash.blur import CanvasBlur, apply_kernel
from blurdash.embed import Embedder, load_embedder
from blurdash.embed.facenet import random_network
from blurdash.embed.facenet_embedder import FaceNetEmbedder
from blurdash.engine import default_workers
from blurdash.face import Face, find_face, model_file
from blurdash.kernel import study_kernel
from blurdash.photo import load_photo
from blurdash.sweep import Sweep, run_sweep
from blurdash.sweep_file import read_sweep

STUDY_DEGREES = (12, 37, 62, 87)  # the study's cost hardly depends on the degree
ROOT = Path(__file__).resolve().parents[1]


def seconds(work: Callable[[], Any], repeat: int = 1, clock: Any = time.perf_counter) -> float:
    """Returns the median time of ``work``."""
    times = []
    for _ in range(repeat):
        start = clock()
        work()
        times.append(clock() - start)
    return statistics.median(times)


@dataclasses.dataclass
class Cost:
    """Wall time and processor time of something, seconds."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], int]) -> Cost:
        """Per unit of what ``work`` says it did."""
        wall, cpu = time.perf_counter(), time.process_time()
        units = work()
        return cls((time.perf_counter() - wall) / units, (time.process_time() - cpu) / units)


# --- the study, written anew ----------------------------------------------------------------------


def study_sample(picture: np.ndarray[Any, Any], degree: int, path: Path) -> None:
    turn = cv2.getRotationMatrix2D((degree / 2, degree / 2), 45, 1)
    kernel = cv2.warpAffine(np.diag(np.ones(degree)), turn, (degree, degree)) / degree
    blurred = cv2.filter2D(np.array(picture), -1, kernel)
    cv2.normalize(blurred, blurred, 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(path), np.array(blurred, dtype=np.uint8))


def study_pair(
    embed: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    picture: np.ndarray[Any, Any],
    degree: int,
    folder: Path,
) -> float:
    """One (face, degree) as the study does it: write, read twice, embed twice, three numbers."""
    study_sample(picture, degree, folder / "fix_1.png")
    clean = embed(cv2.imread(str(folder / "fix_0.png")))
    blurred = embed(cv2.imread(str(folder / "fix_1.png")))
    np.sum(np.abs(clean - blurred))
    np.sqrt(np.sum(np.square(clean - blurred)))
    return float(np.dot(clean, blurred) / (np.linalg.norm(clean) * np.linalg.norm(blurred)))


def study_facenet(network: Any) -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """The study's forward: whole picture, BGR, 0..255, one at a time, with autograd on."""

    def embed(bgr: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        batch = torch.Tensor(bgr).permute(2, 0, 1).unsqueeze(0)
        return np.asarray(network(batch).squeeze(0).detach().numpy())

    return embed


def study_dlib(face: Face) -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """dlib itself in the study's loop; its landmarks are given, not found anew each time."""
    import dlib

    model = dlib.face_recognition_model_v1(
        str(model_file("dlib_face_recognition_resnet_model_v1.dat"))
    )
    points = [dlib.point(x, y) for x, y in face.chip_points]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), points)

    def embed(bgr: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        chip = dlib.get_face_chip(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), shape, 150, 0.25)
        return np.array(model.compute_face_descriptor(chip))

    return embed


def plain_facenet() -> Any:
    """The network as the study loads it: not folded, not channels-last; seeded random weights."""
    from facenet_pytorch import InceptionResnetV1

    from blurdash.embed.facenet import _random_state

    network = InceptionResnetV1(pretrained=None).eval()
    network.load_state_dict(_random_state(0), strict=False)
    return network


# --- measurements ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Line:
    """A line of the result table."""

    what: str
    study: Cost
    ours: Cost
    wanted: float

    def __str__(self) -> str:
        ratio = self.study.wall / self.ours.wall
        verdict = "ok" if ratio >= self.wanted else "SHORT"
        return (
            f"{self.what:<52}{1e3 * self.study.wall:>10.1f}{1e3 * self.ours.wall:>10.1f} ms       "
            f"{ratio:>8.1f}{self.wanted:>8g}  {verdict}   "
            f"(processor time {self.study.cpu / self.ours.cpu:.1f})"
        )


def study_cost(
    make: Callable[[Face], Callable[..., Any]], canvases: list[Face], degrees: tuple[int, ...]
) -> Cost:
    """Cost of a (face, degree) by the study's procedure."""

    def work() -> int:
        for embed, bgr, degree in prepared:
            study_pair(embed, bgr, degree, folder)
        return len(prepared)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = [
            (embed, cv2.cvtColor(face.canvas, cv2.COLOR_RGB2BGR), degree)
            for face in canvases
            for embed in [make(face)]
            for degree in degrees
        ]
        cv2.imwrite(str(folder / "fix_0.png"), prepared[0][1])
        return Cost.of(work)


def sweep_cost(photos: Path, embedder: Embedder, sweep: Sweep) -> Cost:
    """Cost of a (face, degree) by a whole sweep, table included."""
    with tempfile.TemporaryDirectory() as out:
        return Cost.of(
            lambda: run_sweep(photos, Path(out) / "t.parquet", sweep, embedder=embedder).rows
        )


def whole_canvas(photos: Path, faces: list[Face], network: Any) -> tuple[Line, float]:
    """The study's own protocol, and how far our cosines are from the study's."""
    degrees = (15, 30, 45, 60, 75, 90)
    sweep = Sweep(degrees=degrees, limit=2, blur="exact", protocol="study")
    embedder = FaceNetEmbedder(random_network(), "study", "0" * 64)
    embed, wanted = study_facenet(network), []
    with tempfile.TemporaryDirectory() as name:
        out, folder = Path(name) / "t.parquet", Path(name)
        bgr = cv2.cvtColor(faces[0].canvas, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "fix_0.png"), cv2.normalize(bgr, None, 0, 255, cv2.NORM_MINMAX))

        def study() -> int:
            wanted.extend(study_pair(embed, bgr, degree, folder) for degree in degrees[::5])
            return len(wanted)

        cost = Cost.of(study)
        ours = Cost.of(lambda: run_sweep(photos, out, sweep, embedder=embedder).rows)
        found = read_sweep(out)["cosine_similarity"].to_numpy()[: len(degrees)][::5]
    line = Line("sweep, FaceNet whole canvas (study)", cost, ours, 4)
    return line, float(np.abs(found - np.array(wanted)).max())


def blur_lines(face: Face) -> Iterator[Line]:
    """One thread: cv2.filter2D against the kept transform."""
    cv2.setNumThreads(1)
    blur = CanvasBlur(face.canvas)
    ratios = []
    for degree, angle in itertools.product((12, 16, 24, 33, 50, 75, 100), (-70, 0, 20, 45)):
        taps = study_kernel(degree, angle)
        far = cv2.absdiff(blur.apply(taps), apply_kernel(face.canvas, taps)).max()
        if far > 1:
            raise SystemExit(f"blur is {far} levels off at {degree}, {angle}")
        # Processor time: a neighbour's work then counts less.
        clock = time.thread_time
        exact = seconds(lambda k=taps: apply_kernel(face.canvas, k), 5, clock)  # type: ignore[misc]
        fast = seconds(lambda k=taps: blur.apply(k), 5, clock)  # type: ignore[misc]
        ratios.append((exact / fast, degree, angle, exact, fast))
    cv2.setNumThreads(-1)
    for name, (_, degree, angle, exact, fast) in (
        ("least gain", min(ratios)),
        ("median", sorted(ratios)[len(ratios) // 2]),
    ):
        what = f"blur, {name} of 28 kernels: d {degree}, {angle}°"
        yield Line(what, Cost(exact, exact), Cost(fast, fast), 2.5)


def forward_share(
    embedder: Embedder, crop: np.ndarray[Any, Any], network: Any
) -> tuple[float, float]:
    """GFLOP/s of the forward in a sweep, and of matrix products run the same way."""
    from torch.utils.flop_counter import FlopCounterMode

    size = crop.shape[0]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, size, size))
    flops = counter.get_total_flops()
    crops = np.stack([crop] * 32)
    workers = default_workers()
    torch.set_num_threads(1)
    a = torch.rand(2048, 2048)
    with ThreadPoolExecutor(workers) as pool, torch.inference_mode():

        def rate(work: Callable[[Any], Any], each: float) -> float:
            list(pool.map(work, range(workers)))
            time_of = seconds(lambda: list(pool.map(work, range(4 * workers))), 3)
            return 4 * workers * each / time_of / 1e9

        forward = rate(lambda _: embedder.embed_crops(crops), 32 * flops)
        product = rate(lambda _: a @ a, 2 * 2048**3)
    torch.set_num_threads(workers)
    return forward, product


def print_profile(canvas: np.ndarray[Any, Any]) -> None:
    """Where a forward of the whole canvas spends its time, and what bf16 would do to cosines.

    One thread, as a sweep runs it. The best rate of any layer bounds what single precision can
    give. bf16 is judged by a trained network, dlib's: the cosines of random ones hardly move.
    """
    from blurdash.embed import facenet_folded
    from blurdash.embed.convolution import convolve

    spent: dict[str, list[float]] = {}

    def timed(x: Any, weight: Any, bias: Any, stride: Any, *rest: Any, **how: Any) -> Any:
        start = time.perf_counter()
        result = convolve(x, weight, bias, stride, *rest, **how)
        name = f"{weight.shape[2]}×{weight.shape[3]}, {weight.shape[1]} to {weight.shape[0]}"
        row = spent.setdefault(f"{name}, from {x.shape[2]}×{x.shape[3]}", [0.0, 0.0, 0.0])
        row[0] += time.perf_counter() - start
        row[1] += 2e-9 * weight.numel() * result.shape[2] * result.shape[3]
        row[2] += 1
        return result

    torch.set_num_threads(1)
    network = random_network()
    network.embed_study(canvas[None])
    facenet_folded.convolve = timed
    whole = seconds(lambda: network.embed_study(canvas[None]))
    facenet_folded.convolve = convolve
    work = sum(row[1] for row in spent.values())
    print(f"FaceNet, whole canvas, one thread: {whole:.3f} s, {work / whole:.0f} GFLOP/s")
    for name, (took, gflop, times) in sorted(spent.items(), key=lambda one: -one[1][0])[:12]:
        print(f"  {times:>3.0f} × {name:<34}{1e3 * took:>8.1f} ms{gflop / took:>6.0f} GFLOP/s")
    best = max(row[1] / row[0] for row in spent.values())
    print(f"  all of it as quick as the quickest layer: {work / best:.3f} s")
    print(f"  bf16 in place of single precision moves dlib's cosines by up to {bf16_error():.1e}")


def bf16_error() -> float:
    """By how much dlib's cosines between a clean and a blurred face move in bf16."""
    import copy

    from blurdash.portrait import portrait_face

    face, dlib = portrait_face(), load_embedder("dlib")
    network: Any = dlib._network  # type: ignore[attr-defined]
    pictures = [apply_kernel(face.canvas, study_kernel(degree, 45)) for degree in (10, 30, 60, 90)]
    crops = np.stack([dlib.crop(one, face) for one in (face.canvas, *pictures)])
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float()

    def cosines(work: Any) -> Any:
        with torch.inference_mode():
            unit = torch.nn.functional.normalize(work().float())
            return unit[1:] @ unit[0]

    half = copy.deepcopy(network).bfloat16()
    gap = cosines(lambda: network(x)) - cosines(lambda: half(x.bfloat16()))
    return float(gap.abs().max())


def peak_memory(photos: Path, faces: int) -> float:
    """Peak MB of a sweep over so many faces (the given ones over and over), its own process."""
    code = (
        "import resource, sys\n"
        "from blurdash.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "sys.exit(code)"
    )
    files = sorted(photos.iterdir())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "faces"
        folder.mkdir()
        for i in range(faces):
            source = files[i % len(files)].resolve()
            (folder / f"{i:05d}{source.suffix}").symlink_to(source)
        run = subprocess.run(
            [sys.executable, "-c", code, "sweep", str(folder), "--out", f"{name}/t.parquet",
             "--degrees", "50,100", "--limit", "all", "--embedder", "dlib"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(run.stdout.split("PEAK ")[1]) / 1024


def portrait_variants(folder: Path, count: int) -> Path:
    """Writes variants of the built-in portrait's canvas, for machines without face photos."""
    from blurdash.portrait import portrait_face

    for i in range(count):
        bgr = cv2.cvtColor(portrait_face().canvas, cv2.COLOR_RGB2BGR)
        varied = bgr[:, ::-1] if i % 2 else bgr
        cv2.imwrite(str(folder / f"{i:03d}.png"), cv2.convertScaleAbs(varied, alpha=1 - i / 100))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", help="face photos (default: the portrait, varied)")
    parser.add_argument("--faces", type=int, default=8, help="faces of a sweep (default 8)")
    parser.add_argument("--memory", action="store_true", help="also 1,000 faces against 30")
    parser.add_argument("--profile", action="store_true", help="also where FaceNet's time goes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        given = arguments.folder
        photos = Path(given) if given else portrait_variants(Path(name), arguments.faces)
        run(photos, arguments)


def run(photos: Path, arguments: argparse.Namespace) -> None:
    files = sorted(path for path in photos.iterdir() if path.suffix in (".png", ".jpg"))
    faces = [find_face(load_photo(path)) for path in files[:2]]
    torch.set_num_threads(default_workers())
    network = plain_facenet()
    facenet = FaceNetEmbedder(random_network(), "native", "0" * 64)
    dlib = load_embedder("dlib")
    sweep = Sweep(limit=arguments.faces)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, OpenCV {cv2.__version__}")
    print(
        f"{'per (face, degree)':<52}{'study':>10}{'ours':>10} {'unit':<9}{'ratio':>8}{'wanted':>8}"
    )
    study = study_cost(lambda _: study_facenet(network), faces[:1], STUDY_DEGREES[1:3])
    ours = sweep_cost(photos, facenet, sweep)
    print(Line("sweep, FaceNet native (random weights)", study, ours, 60))
    study = study_cost(study_dlib, faces, STUDY_DEGREES)
    ours = sweep_cost(photos, dlib, sweep)
    print(Line("sweep, dlib, against dlib-bin in the study's loop", study, ours, 8))
    line, far = whole_canvas(photos, faces, network)
    print(line)
    print(f"{'  its cosine is off by at most':<52}{far:>20.1e} {'':<9}{'':>8}{'1e-4':>8}  "
          f"{'ok' if far <= 1e-4 else 'SHORT'}")  # fmt: skip
    for line in blur_lines(faces[0]):
        print(line)
    crop = facenet.crop(faces[0].canvas, faces[0])
    forward, product = forward_share(facenet, crop, network)
    share = forward / product
    print(f"{'FaceNet forward / matrix product':<52}{forward:>10.0f}{product:>10.0f} {'GFLOP/s':<9}"
          f"{share:>8.2f}{0.8:>8}  {'ok' if share >= 0.8 else 'SHORT'}")  # fmt: skip
    if arguments.profile:
        print_profile(faces[0].canvas)
    if arguments.memory:
        few, many = peak_memory(photos, 30), peak_memory(photos, 1000)
        print(f"{'peak memory, 30 / 1,000 faces':<52}{few:>10.0f}{many:>10.0f} {'MB':<9}"
              f"{many / few:>8.2f}{1.2:>8}  {'ok' if many / few <= 1.2 else 'SHORT'}")  # fmt: skip


if __name__ == "__main__":
    main()
