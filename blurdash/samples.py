"""The study's samples on disk: a folder per picture with ``random_{d}.png`` or ``fix_{d}.png``."""

from __future__ import annotations

import dataclasses
import functools
import json
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from blurdash import __version__, defaults
from blurdash.blur import Picture, study_blur
from blurdash.engine import check_workers, run_local
from blurdash.errors import BlurdashError, PhotoError, SettingError
from blurdash.folder import PhotoFile, check_limit, read_folder, try_until_enough, with_limit
from blurdash.kernel import KERNELS, check_angle, check_seed
from blurdash.outputs import whole_file
from blurdash.photo import load_photo
from blurdash.words import as_text, quoted

__all__ = [
    "MODES",
    "NOTE_NAME",
    "SAMPLES_KERNEL",
    "Estimate",
    "SamplePlan",
    "SampleReport",
    "check_space",
    "drawn_angle",
    "estimate",
    "generate",
    "plan_samples",
    "read_note",
    "sample_folders",
    "sample_random",
]

MODES = {"random": "an angle drawn for each degree", "fix": "one angle for all degrees"}
NOTE_NAME = "samples.json"
SAMPLES_KERNEL = "study"  # what study_blur makes

# A task is a picture and so many of its degrees: decoding it again costs little, and a folder
# with fewer pictures than processors still uses them all.
DEGREES_AT_ONCE = 26
PROBED_DEGREES = (0, 20, 80)
PROBED_PHOTOS = 3

Progress = Callable[[int, int], None]


def sample_folders(folder: str | Path, clean: str) -> list[PhotoFile]:
    """Returns the folders below a folder that hold a file called ``clean``, by name.

    Raises:
        SettingError: There is no such folder.
    """
    root = Path(folder)
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise SettingError(
            f"{quoted(folder)} is not a folder that can be read", hint="give a folder of samples"
        ) from error
    found = sorted(path.parent for path in root.rglob(clean) if path.parent != root)
    return [PhotoFile(as_text(path.relative_to(root).as_posix()), path) for path in found]


def sample_random(seed: int, face: str, degree: int) -> random.Random:
    """Returns the generator that one sample's random numbers come from.

    It depends on these three alone, so neither order nor interruption changes a sample.
    """
    return random.Random(f"{seed}/{face}/{degree}")  # noqa: S311


def drawn_angle(seed: int, face: str, degree: int, angle: float | None, *, kernel: str) -> float:
    """Returns the angle of a sample, by the study's rules.

    Conventions:
        No angle: a whole one drawn from −180..180. Degree 1 of the study's kernel draws from
        −88..88 even when an angle is given: once for each face, whatever was asked.

    Args:
        seed: Whole number.
        face: The picture's name.
        degree: 0..100, px.
        angle: Degrees, or None to draw one.
        kernel: Name of a row of ``KERNELS``.

    Example:
        >>> drawn_angle(0, "face", 30, None, kernel="study")
        124.0
        >>> drawn_angle(0, "face", 30, 45, kernel="study")
        45.0
    """
    # The same draw as study_blur makes it, whose angle of degree 1 is drawn in any case.
    rng = sample_random(seed, face, degree)
    drawn = KERNELS[kernel].drawn_angle(degree, rng)
    if drawn is not None:
        return drawn
    return float(rng.randint(-180, 180) if angle is None else angle)


@dataclass(frozen=True)
class SamplePlan:
    """Which samples are to be made, and where.

    Attributes:
        photos: The pictures.
        out: The folder that gets a folder per picture.
        modes: Keys of ``MODES``.
        angle: Angle of the mode ``fix``, degrees.
        seed: What random angles are drawn from.
        degrees: 0..100, px.
        limit: The number of pictures that is enough; None for all.
        spare: Pictures over the limit, which come in where others cannot be read.
        left_out: Why other files are not taken, and how many of each kind.
    """

    photos: tuple[PhotoFile, ...]
    out: Path
    modes: tuple[str, ...]
    angle: float = defaults.ANGLE
    seed: int = defaults.SEED
    degrees: tuple[int, ...] = tuple(defaults.DEGREES)
    limit: int | None = None
    spare: tuple[PhotoFile, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)

    def path(self, photo: PhotoFile, mode: str, degree: int) -> Path:
        """Returns the file of a sample."""
        return self.out / photo.name / f"{mode}_{degree}.png"

    def missing(self, photo: PhotoFile, mode: str) -> list[int]:
        """Returns the degrees that are not there yet."""
        return [d for d in self.degrees if not self.path(photo, mode, d).exists()]

    @property
    def total(self) -> int:
        """Number of samples in all."""
        return len(self.photos) * len(self.modes) * len(self.degrees)


def plan_samples(
    folder: str | Path,
    *,
    out: str | Path | None = None,
    angle: str | float = defaults.ANGLE,
    limit: int | None = defaults.FACES,
    seed: int = defaults.SEED,
) -> SamplePlan:
    """Returns the plan of the study's samples of a folder.

    Args:
        folder: The pictures.
        out: Where to; None for the folder itself, as the study does.
        angle: Degrees; ``"random"``; or ``"both"`` for random and the default angle.
        limit: At most so many pictures.
        seed: What random angles are drawn from.

    Raises:
        SettingError: One of them is not allowed, or there are no pictures.
    """
    modes = {"random": ("random",), "both": ("random", "fix")}.get(str(angle), ("fix",))
    fixed = check_angle(angle) if modes == ("fix",) else defaults.ANGLE
    limit = check_limit(limit)
    found = read_folder(folder)
    return SamplePlan(
        found.photos[:limit],
        Path(folder if out is None else out),
        modes,
        fixed,
        check_seed(seed),
        limit=limit,
        spare=() if limit is None else found.photos[limit:],
        left_out=found.left_out,
    )


@dataclass(frozen=True)
class Estimate:
    """What making the samples will take.

    Attributes:
        samples: How many are still to be made.
        there: How many are there already.
        megabytes: Disk space for those to be made.
        seconds: Time for them.
    """

    samples: int
    there: int
    megabytes: float
    seconds: float


def estimate(plan: SamplePlan, workers: int | None = None) -> Estimate:
    """Returns what a plan will take, from a few samples made in memory.

    Args:
        plan: The plan.
        workers: Number of threads; None for one a processor.
    """
    todo = sum(len(plan.missing(photo, mode)) for photo in plan.photos for mode in plan.modes)
    if not todo:
        return Estimate(0, plan.total, 0.0, 0.0)
    step = max(1, len(plan.photos) // PROBED_PHOTOS)
    probes = [probe for photo in plan.photos[::step][:PROBED_PHOTOS] for probe in _probe(photo)]
    if not probes:
        return Estimate(todo, plan.total - todo, 0.0, 0.0)  # generate() will say what is wrong
    size = statistics.mean(size for size, _ in probes)
    seconds = statistics.mean(seconds for _, seconds in probes)
    return Estimate(
        todo, plan.total - todo, todo * size / 1e6, todo * seconds / check_workers(workers)
    )


def _probe(photo: PhotoFile) -> Iterator[tuple[int, float]]:
    """Bytes and seconds of a few samples of a picture; nothing where it cannot be read."""
    try:
        picture = load_photo(photo.path)
    except PhotoError:
        return
    for degree in PROBED_DEGREES:
        start = time.perf_counter()
        blurred, _ = study_blur(picture, degree, defaults.ANGLE)
        yield len(_png(blurred)), time.perf_counter() - start


@dataclass
class SampleReport:
    """What ``generate`` did.

    Attributes:
        written: Samples made.
        there: Samples that were there already.
        failures: For each picture that gave none: its name and why.
        pictures: How many were tried.
        read_otherwise: Names of those of which the study would have had other pixels.
        left_out: Why other files were not taken, and how many of each kind.
    """

    written: int = 0
    there: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    pictures: int = 0
    read_otherwise: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def ready(self) -> int:
        """Samples that are there now."""
        return self.written + self.there


def generate(
    plan: SamplePlan, *, workers: int | None = None, progress: Progress | None = None
) -> SampleReport:
    """Makes the samples of a plan that are not there yet.

    Conventions:
        A sample is the study's own function of the whole picture, bit for bit; a file appears
        whole or not at all; a picture that cannot be read does not end the work, nor does it count
        towards the limit. Pictures are read as people see them: upright, in sRGB, on white. The
        study reads with OpenCV alone, which ignores colour profiles and opacity; the report names
        the new pictures for which that makes a difference.

    Args:
        plan: The plan.
        workers: Number of threads; None for one a processor.
        progress: Called with the samples that are there and those in all.

    Returns:
        What was done.

    Raises:
        SettingError: The folder holds samples of other settings, or lacks the space.
        BlurdashError: A file cannot be written.
    """
    workers = check_workers(workers)
    _claim(plan)
    report = SampleReport()
    total = 0

    def attempt(some: Sequence[PhotoFile]) -> int:
        nonlocal total
        part = dataclasses.replace(plan, photos=tuple(some))
        total += part.total
        _make(part, report, workers, lambda: progress and progress(report.ready, total))
        return sum(photo.name in report.failures for photo in some)

    tried = try_until_enough(plan.photos + plan.spare, plan.limit, attempt)
    report.pictures = len(tried)
    over = len(plan.photos) + len(plan.spare) - len(tried)
    report.left_out = with_limit(plan.left_out, over, plan.limit)
    return report


def _make(plan: SamplePlan, report: SampleReport, workers: int, tick: Callable[[], object]) -> None:
    """Makes the samples of a plan that are not there, and adds to the report."""
    pairs = [(photo, mode) for photo in plan.photos for mode in plan.modes]
    chunks = [chunk for pair in pairs for chunk in _chunks(plan, *pair)]
    report.there += plan.total - sum(len(chunk.degrees) for chunk in chunks)
    make = functools.partial(_write_chunk, plan)
    for done in run_local(lambda: make, chunks, workers=workers):
        if done.failure:
            report.failures[done.photo.name] = done.failure
        else:
            report.written += done.samples
        if done.otherwise:
            report.read_otherwise.add(done.photo.name)
        tick()


@dataclass(frozen=True)
class _Chunk:
    photo: PhotoFile
    mode: str
    degrees: tuple[int, ...]


def _chunks(plan: SamplePlan, photo: PhotoFile, mode: str) -> Iterator[_Chunk]:
    missing = plan.missing(photo, mode)
    for start in range(0, len(missing), DEGREES_AT_ONCE):
        yield _Chunk(photo, mode, tuple(missing[start : start + DEGREES_AT_ONCE]))


@dataclass(frozen=True)
class _Done:
    photo: PhotoFile
    samples: int = 0
    failure: str = ""
    otherwise: bool = False  # than the study reads it


def _write_chunk(plan: SamplePlan, chunk: _Chunk) -> _Done:
    try:
        picture = load_photo(chunk.photo.path)
    except PhotoError as error:
        return _Done(chunk.photo, failure=str(error))
    for degree in chunk.degrees:
        rng = sample_random(plan.seed, chunk.photo.name, degree)
        # Degree 1 draws its own angle; with one given that is its only draw, alike in both modes.
        angle = plan.angle if chunk.mode == "fix" or degree == 1 else None
        blurred, _ = study_blur(picture, degree, angle, rng=rng)
        _write_whole(plan.path(chunk.photo, chunk.mode, degree), _png(blurred))
    otherwise = 0 in chunk.degrees and _is_read_otherwise(chunk.photo.path, picture)
    return _Done(chunk.photo, len(chunk.degrees), otherwise=otherwise)


def _is_read_otherwise(path: Path, picture: Picture) -> bool:
    """Whether the study, which reads with OpenCV alone, would have had other pixels."""
    content = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        studied = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:
        return True
    return studied is None or not np.array_equal(studied[..., ::-1], picture)


def _png(picture: Picture) -> bytes:
    done, buffer = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise PhotoError(f"a sample of {picture.shape} cannot be written as PNG", "scale it down")
    return np.asarray(buffer).tobytes()


def _write_whole(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, alone=True) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BlurdashError(
            f"the sample {path.name} cannot be written ({reason})",
            hint="make room or give another --out; the same command then goes on",
        ) from error


def _claim(plan: SamplePlan) -> None:
    """Notes in the folder what its samples are, and refuses to mix them with others."""
    note = plan.out / NOTE_NAME
    known = read_note(plan.out)
    for mode in plan.modes:
        wanted: dict[str, Any] = {"seed": plan.seed, "angle": plan.angle if mode == "fix" else None}
        found = known.get(mode)
        if found is not None and {key: found.get(key) for key in wanted} != wanted:
            raise SettingError(
                f"the folder holds {mode} samples of seed {found.get('seed')} and angle "
                f"{found.get('angle')}, wanted seed {plan.seed} and angle {wanted['angle']}",
                hint="delete them or give another --out",
            )
        known[mode] = {**wanted, "blurdash": __version__}
    _write_whole(note, json.dumps(known, indent=1).encode())


def read_note(folder: Path) -> dict[str, Any]:
    """Returns what ``generate`` noted about a folder's samples; ``{}`` if nothing."""
    try:
        known = json.loads((folder / NOTE_NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def check_space(plan: SamplePlan, wanted: Estimate) -> None:
    """Raises unless the disk has room for the samples.

    Raises:
        SettingError: It has not.
    """
    place = plan.out.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e6
    if wanted.megabytes > free:
        raise SettingError(
            f"the samples need about {wanted.megabytes:,.0f} MB, the disk has {free:,.0f} MB free",
            hint="lower --limit, give another --out, or use sweep, which needs no samples",
        )
