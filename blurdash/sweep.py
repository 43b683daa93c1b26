"""The study: every number for many faces over many degrees, as one table.

A face is read, found and embedded once; its blurred pictures live only in memory. What is done is
kept face by face, so that a sweep that is killed goes on from there to the same table.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import functools
import hashlib
import itertools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from blurdash import __version__, defaults
from blurdash.blur import CanvasBlur, Picture, blur_picture
from blurdash.clean import CROPS, verdict_of
from blurdash.distance import DISTANCES
from blurdash.embed import EMBEDDERS, Embedder, LoadOptions, is_own, load_with, row_of
from blurdash.engine import ENGINES, check_workers, run_local
from blurdash.errors import (
    BlurdashError,
    EmbeddingError,
    PhotoError,
    SettingError,
    StoppedError,
    TableError,
)
from blurdash.face import Face, find_face, locate_face
from blurdash.failures import FAILURES, reason_of
from blurdash.finished import FinishedTable, settings_of_finished
from blurdash.folder import check_limit, read_folder, try_until_enough, with_limit
from blurdash.kernel import KERNELS, check_angle, check_degree, check_seed
from blurdash.pairs import share_interval
from blurdash.photo import load_photo
from blurdash.quality import METRICS
from blurdash.receipt import Recogniser, versions
from blurdash.samples import SAMPLES_KERNEL, drawn_angle, read_note, sample_folders
from blurdash.sweep_file import Journal, table_of, with_settings, write_sweep
from blurdash.table import look_up
from blurdash.words import as_text, quoted

__all__ = [
    "BLURS",
    "GRID",
    "LOST",
    "FaceRows",
    "FoundIn",
    "PhotoSweep",
    "RunOptions",
    "Source",
    "Sweep",
    "SweepReport",
    "find_sources",
    "run_sweep",
    "sweep_photos",
]

# Angles of a degree × angle grid: a straight blur has period 180.
GRID = tuple(float(angle) for angle in range(0, 180, 15))

BATCH = 32
STEP_BATCH = 4  # where somebody waits for the step to end
BATCH_BYTES = 16 << 20  # a whole canvas has 3 MB: then fewer go at once
IMPOSTOR_FACES = 64  # 2,016 pairs tell where strangers lie, however many faces there are
SHOWN_FAILURES = 20
LOST = "its worker died every time it was measured"
ID_DIGITS = 16
POINT = ("degree", "angle")

# How pictures are blurred, as a table's settings say it.
BLURS = {"exact": "filter2d", "fast": "fft, within 1 grey level"}

Point = tuple[int, float | None]  # degree, angle
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sweep:
    """The settings of a sweep: the same settings and photos give the same table.

    Attributes:
        angle: Degrees; ``"random"``: drawn for each face and degree; ``"all"``: each of ``grid``.
        degrees: Blur lengths, whole canvas px, 0..100.
        grid: The angles of ``"all"``, degrees.
        limit: At most so many faces that can be measured; None for all. It does not change what
            a face's rows are: a finished sweep goes on under a larger one.
        seed: What random angles are drawn from, together with the face's name and the degree.
        kernel: Name of a row of ``KERNELS``.
        crop: A key of ``CROPS``.
        blur: A key of ``BLURS``: bit-exact, or several times faster within 1 grey level.
        embedder: A key of ``EMBEDDERS``, or ``onnx:`` and a file, which becomes its key; None for
            the usual rule.
        protocol: A key of ``PROTOCOLS``.
        samples: Whether the folder holds samples that ``generate`` made, not photos.

    Raises:
        SettingError: One of them is not allowed.

    Example:
        >>> Sweep(degrees=(0, 50), angle="random").total(30)
        60
    """

    angle: str | float = defaults.ANGLE
    degrees: tuple[int, ...] = tuple(defaults.DEGREES)
    grid: tuple[float, ...] = GRID
    limit: int | None = defaults.FACES
    seed: int = defaults.SEED
    kernel: str = defaults.KERNEL
    crop: str = defaults.CROP
    blur: str = "fast"
    embedder: str | None = None
    protocol: str = defaults.PROTOCOL
    samples: bool = False

    def __post_init__(self) -> None:
        """Checks every field, so that a sweep that exists is a sweep that can be run."""
        if self.angle not in ("random", "all"):
            check_angle(self.angle)
        _check_several(self.degrees, check_degree, "degree")
        _check_several(self.grid, check_angle, "angle")
        check_limit(self.limit)
        check_seed(self.seed)
        look_up(KERNELS, self.kernel, "kernel")
        look_up(CROPS, self.crop, "crop")
        look_up(BLURS, self.blur, "blur")
        if self.embedder is not None and is_own(self.embedder):  # a table tells no path
            object.__setattr__(self, "embedder", row_of(self.embedder).name)
        if self.samples and (self.angle == "all" or self.kernel != SAMPLES_KERNEL):
            raise SettingError(
                f"samples on disk have one angle a degree and the kernel {SAMPLES_KERNEL}",
                hint="sweep the photos themselves for other kernels and for angle all",
            )

    @property
    def mode(self) -> str:
        """The kind of samples that it corresponds to, a key of ``MODES``."""
        return "random" if self.angle == "random" else "fix"

    def points(self, face: str) -> list[Point]:
        """Returns every (degree, angle) of a face, in the order of its rows."""
        angles: Iterable[float | None] = [None]
        if self.angle == "all":
            angles = self.grid
        elif self.angle != "random":
            angles = [float(self.angle)]
        # Each once: in a grid the study's degree 1 draws the same angle for every one asked for.
        return list(
            dict.fromkeys(
                (degree, drawn_angle(self.seed, face, degree, angle, kernel=self.kernel))
                for angle in angles
                for degree in self.degrees
            )
        )

    def total(self, faces: int) -> int:
        """Returns the number of rows for so many faces."""
        return faces * len(self.points(""))


def _check_several(values: Sequence[Any], check: Callable[[object], Any], what: str) -> None:
    for value in values:
        check(value)
    if not values or len(set(values)) != len(values):
        raise SettingError(
            f"{'no' if not values else 'the same'} {what} is given"
            f"{' twice' if values else ''}, wanted different ones",
            hint=f"give every {what} once",
        )


@dataclass(frozen=True)
class RunOptions:
    """What does not change a sweep's table: where and how it runs.

    Attributes:
        workers: How many faces are in work at once; None for one a processor.
        engine: A key of ``ENGINES``.
        address: Of a Ray cluster; None for Ray on this machine.
        load: How the recogniser is loaded; its protocol is the sweep's.
    """

    workers: int | None = None
    engine: str = "local"
    address: str | None = None
    load: LoadOptions = dataclasses.field(default_factory=LoadOptions)

    @property
    def is_local(self) -> bool:
        """Whether it runs in this process.

        Raises:
            SettingError: There is no such engine.
        """
        return look_up(ENGINES, self.engine, "engine") is run_local

    def load_elsewhere(self, embedder: Embedder) -> LoadOptions:
        """Returns how workers elsewhere load a recogniser: they know no file, and no callback."""
        row = EMBEDDERS.get(embedder.name)
        weights = self.load.weights or (row.file if row else None)
        return dataclasses.replace(
            self.load, progress=None, protocol=embedder.protocol, weights=weights
        )

    def run(
        self,
        worker: Callable[[Any], Any],
        make_elsewhere: Callable[[], Callable[[Any], Any]],
        tasks: Sequence[Any],
        *,
        lost: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """Yields the results of tasks as they are done, from this process or from others.

        Args:
            worker: Does a task in this process.
            make_elsewhere: Makes what does one in another; must be picklable.
            tasks: The tasks; picklable where they go elsewhere.
            lost: Makes the result of a task whose worker died every time.

        Raises:
            SettingError: There is no such engine, or number of workers.
        """
        workers = check_workers(self.workers)
        if self.is_local:
            return run_local(lambda: worker, tasks, workers=workers)
        engine: Any = ENGINES[self.engine]
        elsewhere: Iterator[Any] = iter(())
        if tasks:
            elsewhere = engine(
                make_elsewhere, tasks, workers=workers, address=self.address, lost=lost
            )
        return elsewhere


class FoundIn(NamedTuple):
    """How surely a face was found in its photo, and how large: a row's columns of that name."""

    face_confidence: float
    face_second_score: float | None
    face_source_px: float

    @classmethod
    def of(cls, face: Face) -> FoundIn:
        """Returns what is known of a face."""
        return cls(face.confidence, face.second_score, face.source)


@dataclass(frozen=True)
class Source:
    """Where a face comes from: told from others by its content, and by a quick stamp.

    Attributes:
        name: What the table calls it.
        photo: Path or bytes of a photo, or the folder with its samples.
        found: How it was found, where ``photo`` is a canvas that was cut from another photo.
    """

    name: str
    photo: Path | bytes
    found: FoundIn | None = None

    def stamp(self) -> str:
        """Returns what stays while nobody touches the photo; where it is another, look inside.

        Two files may have one size and one time, and swap their names: so it says which file.
        """
        if isinstance(self.photo, bytes):
            return hashlib.sha256(self.photo).hexdigest()
        try:
            if self.photo.is_dir():
                files = sorted(self.photo.iterdir(), key=lambda path: path.name)
                text = "\n".join(f"{as_text(path.name)}\t{_file_stamp(path)}" for path in files)
                return hashlib.sha256(text.encode()).hexdigest()
            return _file_stamp(self.photo)
        except OSError:
            return "unreadable"

    def photo_id(self) -> str | None:
        """Returns the first 16 hex digits of the photo's SHA-256; None where it cannot be read.

        Of a folder with samples: of its files' names, sizes and times.
        """
        if isinstance(self.photo, bytes):
            return hashlib.sha256(self.photo).hexdigest()[:ID_DIGITS]
        try:
            if self.photo.is_dir():
                files = sorted((path.name, path.stat()) for path in self.photo.iterdir())
                text = str([(name, status.st_size, status.st_mtime_ns) for name, status in files])
                return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]
            with self.photo.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()[:ID_DIGITS]
        except OSError:
            return None


def _file_stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}/{status.st_mtime_ns}/{status.st_ctime_ns}/{status.st_ino}"


class Sources(NamedTuple):
    """The faces of a folder.

    Attributes:
        found: All of them, in the order in which they are taken.
        left_out: Why other files are not among them, and how many of each kind.
    """

    found: list[Source]
    left_out: dict[str, int]


@dataclass
class SweepReport:
    """What a sweep did.

    Attributes:
        rows: Rows in the table.
        faces: Faces in it.
        failed_rows: Rows with a failure instead of numbers.
        failed_faces: Faces without a single number: name and why, the first few.
        failed_count: How many such faces there are.
        resumed: Faces that were measured before this run.
        left_out: Why files of the folder are not in the table, and how many of each kind.
    """

    rows: int = 0
    faces: int = 0
    failed_rows: int = 0
    failed_faces: dict[str, str] = dataclasses.field(default_factory=dict)
    failed_count: int = 0
    resumed: int = 0
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class FaceRows:
    """A face's share of the table.

    Attributes:
        face: Its name.
        rows: Table of ``SCHEMA``.
        note: The photo's stamp, and the clean embedding or why there is none.
    """

    face: str
    rows: pa.Table
    note: dict[str, Any]


def find_sources(folder: str | Path, sweep: Sweep) -> Sources:
    """Returns the faces of a folder and of those in it: its photos, or its folders of samples.

    Raises:
        SettingError: There is no such folder, or nothing in it.
    """
    if not sweep.samples:
        found = read_folder(folder)
        return Sources([Source(one.name, one.path) for one in found.photos], found.left_out)
    clean = f"{sweep.mode}_0.png"
    found_samples = [Source(one.name, one.path) for one in sample_folders(folder, clean)]
    if not found_samples:
        raise SettingError(
            f"no folder in {quoted(folder)} has a {clean}",
            hint="make samples with python -m blurdash generate, or leave out --from-samples",
        )
    return Sources(found_samples, {})


def run_sweep(
    folder: str | Path,
    out: str | Path,
    sweep: Sweep,
    *,
    how: RunOptions | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    overwrite: bool = False,
) -> SweepReport:
    """Measures every face of a folder and writes the table; goes on where a killed run stopped.

    Conventions:
        A picture that cannot be measured gives rows with a ``failure``; it does not end the sweep,
        nor does it count towards the limit.
        The table does not depend on the number of workers, the engine, or interruptions.
        Of a folder that has grown since its sweep was finished, what is new is measured; rows of
        photos that are gone or others now are dropped.

    Args:
        folder: Photos, or folders of samples.
        out: The Parquet file.
        sweep: The settings.
        how: Where and how it runs.
        embedder: A loaded recogniser; None to load the sweep's. Not for other engines than local.
        progress: Called with the rows done and those in all, from worker threads, one at a time.
        stop: When set, the sweep ends soon with ``StoppedError``; it can be gone on with later.
        overwrite: Whether a file that is something else may be replaced: another's, or a finished
            sweep with other settings.

    Returns:
        What was done.

    Raises:
        SettingError: There is no such folder, an unfinished sweep with other settings, or a
            finished one that may not be replaced; or another process is at this one.
        WeightsError: The recogniser cannot be loaded.
        TableError: The table cannot be written, or something else is there.
        StoppedError: ``stop`` was set.
    """
    how, out = how or RunOptions(), Path(out)
    check_workers(how.workers)
    look_up(ENGINES, how.engine, "engine")
    sources = find_sources(folder, sweep)
    _check_out(out)
    if out.exists() and not overwrite:
        settings_of_finished(out)  # may be refused: before a recogniser is fetched
    embedder = embedder or _load(sweep, how)
    sweep = dataclasses.replace(sweep, embedder=embedder.name, protocol=embedder.protocol)
    identity = _identity(sweep, embedder)
    old = _old(out, identity, overwrite)
    report = None if old is None else _finished(old, sources.found, sweep.limit)
    if old is not None and report is None and not overwrite:
        names = [source.name for source in sources.found]
        tried = sweep.limit and sweep.limit + old.failed  # failures do not use up the limit
        old.check_kept(set(names[:tried]), set(names), sweep.limit)

    def left_out(tried: int) -> dict[str, int]:
        return with_limit(sources.left_out, len(sources.found) - tried, sweep.limit)

    journal = Journal(out, identity)
    with journal.held():
        if report is None:
            run = _Run(sweep, embedder, how, journal, old, progress, stop)
            taken = run.measure(sources.found)
            report = SweepReport(resumed=run.known)
            report.left_out = left_out(len(taken))
            photos = _fingerprint((one.name, run.stamps[one.name]) for one in taken)
            _write_table(out, run.parts(taken), sweep, embedder, photos, report)
        else:
            report.left_out = left_out(report.faces)
    journal.remove()
    return report


def _old(out: Path, identity: dict[str, Any], overwrite: bool) -> FinishedTable | None:
    """The finished table of this very sweep, where there is one.

    Raises:
        SettingError: There is another one, which may not be replaced.
        TableError: There is some other file, which may not be replaced.
    """
    if not out.exists():
        return None
    try:
        return FinishedTable(out, identity)
    except (SettingError, TableError):
        if overwrite:
            return None
        raise


class _Run:
    """A sweep of a folder under way: what it measures, and what it finds measured."""

    def __init__(
        self,
        sweep: Sweep,
        embedder: Embedder,
        how: RunOptions,
        journal: Journal,
        old: FinishedTable | None,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self._sweep, self._embedder, self._how = sweep, embedder, how
        self._journal, self._old = journal, old
        self._progress, self._stop = progress, stop
        self._failed: set[str] = set()
        self._to_embed: list[Source] = []
        self._carried: set[str] = set()  # faces whose rows are those of the finished table
        # The clean embeddings, which no table holds, of kept faces that others are compared with.
        self._embedded: dict[str, dict[str, Any]] = {}
        self.stamps: dict[str, str] = {}  # of the photos as they were when they were measured
        self.known = 0  # faces that were measured before

    def measure(self, found: Sequence[Source]) -> Sequence[Source]:
        """Measures faces until there are as many as the limit wants; returns those tried."""
        tried = 0

        def attempt(some: Sequence[Source]) -> int:
            nonlocal tried
            tried += len(some)
            new = [source for source in some if not self._is_known(source)]
            self.known += len(some) - len(new)
            for result in self._measured(new, tried):
                self.stamps[result.face] = result.note.get("stamp", self.stamps[result.face])
                if result.face in self._carried:
                    self._embedded[result.face] = result.note
                    continue
                self._journal.write(result.face, result.rows, result.note)
                if "failure" in result.note:
                    self._failed.add(result.face)
            return sum(source.name in self._failed for source in some)

        return try_until_enough(found, self._sweep.limit, attempt)

    def parts(self, taken: Sequence[Source]) -> Iterator[FaceRows]:
        """Yields the rows of the faces, in their order.

        Raises:
            TableError: A face's rows are gone.
        """
        for source in taken:
            kept = self._journal.read(source.name)
            if kept is not None:
                yield FaceRows(source.name, *kept)
            elif self._old is not None and source.name in self._carried:
                note = self._embedded.get(source.name, {})
                yield FaceRows(source.name, self._old.rows(source.name), note)
            else:
                raise TableError(
                    f"the part of {quoted(source.name)} is gone from the unfinished sweep",
                    hint="run the same command again",
                )

    def _is_known(self, source: Source) -> bool:
        """Whether a face was measured before, and its photo is still that one."""
        kept = self._journal.read(source.name)
        self.stamps[source.name] = source.stamp()
        if kept is not None and _is_of(source, self.stamps[source.name], *kept):
            if "failure" in kept[1]:
                self._failed.add(source.name)
            return True
        if self._old is None or not (known := self._old.photo_id(source.name)):
            return False
        rows = self._old.rows(source.name)
        points = [(row["degree"], row["angle"]) for row in rows.select(POINT).to_pylist()]
        # A failure may have been for want of memory, and an edited table may lack rows.
        if known != source.photo_id() or _is_failed(rows):
            return False
        if points != list(_points(source, self._sweep)):
            return False
        self._journal.forget(source.name)  # of another photo
        self._carried.add(source.name)
        self._to_embed += [source][: IMPOSTOR_FACES - len(self._embedded) - len(self._to_embed)]
        return True

    def _measured(self, todo: Sequence[Source], faces: int) -> Iterator[FaceRows]:
        workers = check_workers(self._how.workers)
        total = self._sweep.total
        ticker = _Ticker(self._progress, total(faces), total(faces - len(todo)))
        again, self._to_embed = self._to_embed, []
        measurer = _Measurer(self._sweep, self._embedder, ticker, self._stop, again)
        if self._how.is_local:
            return run_local(lambda: measurer, [*todo, *again], workers=workers)
        elsewhere: Iterable[FaceRows] = ()
        if todo:
            load = self._how.load_elsewhere(self._embedder)
            how = dataclasses.replace(self._how, load=load)
            elsewhere = _elsewhere(self._sweep, how, todo, workers, ticker)
        return itertools.chain(elsewhere, run_local(lambda: measurer, again, workers=workers))


def sweep_photos(
    sources: Sequence[Source],
    sweep: Sweep,
    embedder: Embedder,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> pa.Table:
    """Measures a few photos and returns the table, with its settings, without writing a file.

    Args:
        sources: Photos; different names.
        sweep: The settings.
        embedder: A loaded recogniser.
        workers: As in ``RunOptions``.
        progress: As for ``run_sweep``.
        stop: As for ``run_sweep``.

    Raises:
        StoppedError: ``stop`` was set.
    """
    sweep = dataclasses.replace(sweep, embedder=embedder.name, protocol=embedder.protocol)
    ticker = _Ticker(progress, sweep.total(len(sources)), 0)
    results = {
        result.face: result
        for result in run_local(
            lambda: _Measurer(sweep, embedder, ticker, stop),
            sources,
            workers=check_workers(workers),
        )
    }
    return _table_in_memory([results[one.name] for one in sources], sources, sweep, embedder)


class PhotoSweep:
    """A sweep of a few photos in short steps, for whoever has other things to do in between.

    It gives the same table as ``sweep_photos``, and the faces measured so far where it is ended
    early.

    Args:
        sources: Photos; different names.
        sweep: The settings.
        embedder: A loaded recogniser.
        progress: Called with the rows done and those in all.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_photo
        >>> import cv2
        >>> photo = cv2.imencode(".png", portrait_photo()[..., ::-1])[1].tobytes()
        >>> sweep = PhotoSweep(
        ...     [Source("a", photo)], Sweep(degrees=(0, 50)), load_embedder("dlib")
        ... )
        >>> while sweep.step():
        ...     pass
        >>> sweep.table()["degree"].to_pylist()
        [0, 50]
    """

    def __init__(
        self,
        sources: Sequence[Source],
        sweep: Sweep,
        embedder: Embedder,
        *,
        progress: Progress | None = None,
    ) -> None:
        self._sweep = dataclasses.replace(sweep, embedder=embedder.name, protocol=embedder.protocol)
        self._embedder, self._sources = embedder, list(sources)
        ticker = _Ticker(progress, sweep.total(len(sources)), 0)
        self._measurer = _Measurer(self._sweep, embedder, ticker, None)
        self._left = list(sources)
        self._steps: Generator[None, None, FaceRows] | None = None
        self._begun: tuple[str, list[dict[str, Any]]] = ("", [])  # the face in work, its rows
        self.results: list[FaceRows] = []

    def step(self) -> bool:
        """Does the next short piece of work; returns whether there is more.

        Raises:
            EmbeddingError: The recogniser failed.
        """
        if self._steps is None:
            if not self._left:
                return False
            source, rows = self._left.pop(0), list[dict[str, Any]]()
            self._begun = (source.name, rows)
            self._steps = self._measurer.steps(source, rows, STEP_BATCH)
        try:
            next(self._steps)
        except StopIteration as end:
            self.results.append(end.value)
            self._steps = None
            return bool(self._left)
        return True

    def table(self) -> pa.Table | None:
        """Returns what was measured so far: whole faces, or the first degrees of the first one.

        None where there is nothing yet.
        """
        results, (name, rows) = list(self.results), self._begun
        if not results and rows:
            results = [FaceRows(name, table_of(rows), {})]
        if not results:
            return None
        names = {result.face for result in results}
        measured = [source for source in self._sources if source.name in names]
        return _table_in_memory(results, measured, self._sweep, self._embedder)


def _table_in_memory(
    results: Sequence[FaceRows], sources: Sequence[Source], sweep: Sweep, embedder: Embedder
) -> pa.Table:
    tally = _Tally(SweepReport())
    tables = [tally.counted(result) for result in results]
    photos = _fingerprint((source.name, source.stamp()) for source in sources)
    return with_settings(pa.concat_tables(tables), _settings(sweep, embedder, photos, tally))


def _load(sweep: Sweep, how: RunOptions) -> Embedder:
    options = dataclasses.replace(how.load, protocol=sweep.protocol)
    return load_with(sweep.embedder, options)


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".parquet" or out.is_dir():
        raise TableError(f"the output is {quoted(out.name)}, wanted a .parquet file", "name one")
    if not out.absolute().parent.is_dir():
        raise TableError(f"there is no folder for {quoted(out.name)}", "make the folder first")


def _identity(sweep: Sweep, embedder: Embedder) -> dict[str, Any]:
    settings = dataclasses.asdict(sweep)
    del settings["limit"]  # a larger one goes on
    if sweep.angle != "all":
        del settings["grid"]
    return {**settings, "weights_sha256": embedder.weights_sha256, "blurdash": __version__}


def _fingerprint(stamps: Iterable[tuple[str, str]]) -> str:
    lines = "\n".join(f"{name}\t{stamp}" for name, stamp in stamps)
    return hashlib.sha256(lines.encode()).hexdigest()


def _finished(old: FinishedTable, found: Sequence[Source], limit: int | None) -> SweepReport | None:
    """The report of a finished table that has just the faces that are wanted."""
    try:
        report = SweepReport(**old.settings["report"])
        photos = old.settings["photos"]
        good, all_tried = report.faces - report.failed_count, report.faces == len(found)
    except (KeyError, TypeError):
        return None
    if report.rows != old.count or not old.whole:
        return None  # edited since, or made before a measure was added
    enough = all_tried if limit is None else good == limit or (good < limit and all_tried)
    stamps = ((source.name, source.stamp()) for source in found[: report.faces])
    if not enough or photos != _fingerprint(stamps):
        return None
    report.resumed = report.faces
    return report


def _elsewhere(
    sweep: Sweep, how: RunOptions, todo: Sequence[Source], workers: int, ticker: _Ticker
) -> Iterator[FaceRows]:
    make_worker = functools.partial(_make_measurer, sweep, how)
    engine: Any = look_up(ENGINES, how.engine, "engine")
    results = engine(
        make_worker,
        todo,
        workers=workers,
        address=how.address,
        lost=lambda source: _failed(source, sweep, LOST),
    )
    for result in results:
        ticker.add(len(result.rows))
        yield result


def _make_measurer(sweep: Sweep, how: RunOptions) -> _Measurer:
    return _Measurer(sweep, _load(sweep, how), _Ticker(None, 0, 0), None)


class _Ticker:
    """Counts rows from several threads and tells the caller, one at a time."""

    def __init__(self, progress: Progress | None, total: int, done: int) -> None:
        self._progress, self._total, self._done = progress, total, done
        self._lock = threading.Lock()
        self.add(0)

    def add(self, rows: int) -> None:
        with self._lock:
            self._done += rows
            if self._progress:
                self._progress(self._done, self._total)


class _Measurer:
    """Measures faces; shared by the threads of a process."""

    def __init__(
        self,
        sweep: Sweep,
        embedder: Embedder,
        ticker: _Ticker,
        stop: threading.Event | None,
        embed_only: Iterable[Source] = (),
    ) -> None:
        self._sweep, self._embedder, self._ticker = sweep, embedder, ticker
        self._embed_only = {source.name for source in embed_only}
        self._stop, self._aborted = stop, threading.Event()

    def abort(self) -> None:
        """Makes every face in work end soon."""
        self._aborted.set()

    def __call__(self, source: Source) -> FaceRows:
        """Returns a face's rows; whatever is wrong with its photo is said in them."""
        if source.name in self._embed_only:
            clean = _clean_side(source, self._sweep, self._embedder)
            return FaceRows(source.name, table_of([]), _note(clean))
        steps = self.steps(source, [])
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    def steps(
        self, source: Source, rows: list[dict[str, Any]], batch: int = BATCH
    ) -> Generator[None, None, FaceRows]:
        """Measures a face in short steps; returns its rows.

        Args:
            source: The face.
            rows: An empty list that the rows are added to as they are measured.
            batch: How many crops are embedded in one step.
        """
        self._check_stop()
        stamp = source.stamp()
        try:
            clean = _clean_side(source, self._sweep, self._embedder)
        except _RecogniserError:
            raise
        except FAILURES as error:
            result = _failed(source, self._sweep, reason_of(error))
            self._ticker.add(len(result.rows))
            return result
        yield
        yield from self._measured(clean, source, rows, batch)
        return FaceRows(source.name, table_of(rows), {"stamp": stamp, **_note(clean)})

    def _measured(
        self, clean: _Clean, source: Source, rows: list[dict[str, Any]], batch: int
    ) -> Iterator[None]:
        points = _points(source, self._sweep)
        size = max(1, min(batch, BATCH_BYTES // clean.crop.nbytes))
        for start in range(0, len(points), size):
            some = points[start : start + size]
            found = source.found or FoundIn.of(clean.face)
            known = {"eye_distance_px": clean.face.eye_distance, **found._asdict()}
            known["photo_id"] = clean.photo_id
            here = [_row(source.name, point, self._sweep) | known for point in some]
            crops = []
            for row in here:
                crops.append(self._crop_and_quality(clean, row))
                yield
            self._distances(clean, here, crops)
            rows += here
            self._ticker.add(len(here))
            yield

    def _crop_and_quality(self, clean: _Clean, row: dict[str, Any]) -> Picture | None:
        """Makes a row's picture, fills in its metrics, and returns its crop; None if it fails."""
        self._check_stop()
        row["degree_percent_of_eye_distance"] = 100 * row["degree"] / clean.face.eye_distance
        try:
            test = clean.changed(row["degree"], row["angle"])
            row |= {name: against(test) for name, against in clean.metrics.items()}
            face = locate_face(test) if self._sweep.crop == "redetect" else clean.face
            crop = self._embedder.crop(test, face)
        except FAILURES as error:
            row["failure"] = reason_of(error)
            return None
        return crop

    def _distances(
        self, clean: _Clean, rows: Sequence[dict[str, Any]], crops: Sequence[Picture | None]
    ) -> None:
        there = [(row, crop) for row, crop in zip(rows, crops, strict=True) if crop is not None]
        if not there:
            return
        embeddings = _embedded(self._embedder, np.stack([crop for _, crop in there]))
        for (row, crop), embedding in zip(there, embeddings, strict=True):
            # The same picture has the same embedding, wherever it stood in its batch.
            test = clean.embedding if np.array_equal(crop, clean.crop) else embedding
            try:
                row |= {
                    name: measure.compute(clean.embedding, test)
                    for name, measure in DISTANCES.items()
                }
            except BlurdashError as error:
                row |= dict.fromkeys((*DISTANCES, *METRICS)) | {"failure": reason_of(error)}

    def _check_stop(self) -> None:
        if self._aborted.is_set() or (self._stop is not None and self._stop.is_set()):
            raise StoppedError("the sweep was stopped", "the same command goes on from there")


class _RecogniserError(EmbeddingError):
    """The recogniser failed, which is no picture's fault: the sweep ends, and can be gone on with.

    Rows with a failure would be taken for measured by the next run.
    """


def _embedded(embedder: Embedder, crops: Picture) -> np.ndarray[Any, np.dtype[np.float32]]:
    try:
        return embedder.embed_crops(crops)
    except FAILURES as error:
        raise _RecogniserError(
            f"the recogniser {embedder.name} failed ({reason_of(error)})", hint="run it again"
        ) from error


def _failed(source: Source, sweep: Sweep, reason: str) -> FaceRows:
    """A face's rows where there is not a single number."""
    rows = [_row(source.name, point, sweep) for point in _points(source, sweep)]
    photo_id = source.photo_id()
    table = table_of({**row, "photo_id": photo_id, "failure": reason} for row in rows)
    return FaceRows(source.name, table, {"stamp": source.stamp(), "failure": reason})


def _is_of(source: Source, stamp: str, rows: pa.Table, note: Mapping[str, Any]) -> bool:
    """Whether rows were measured from this very photo, which may have been copied since."""
    if note.get("stamp") == stamp:
        return True
    known = rows["photo_id"][0].as_py() if len(rows) else None
    return known is not None and known == source.photo_id()


def _is_failed(rows: pa.Table) -> bool:
    """Whether a face has not a single number."""
    return int(rows["failure"].null_count) == 0


@dataclass
class _Clean:
    """The clean side of a face, computed once."""

    face: Face
    crop: Picture
    embedding: np.ndarray[Any, np.dtype[np.float32]]
    metrics: dict[str, Callable[[Picture], float]]
    changed: Callable[[int, float], Picture]
    photo_id: str | None


def _note(clean: _Clean) -> dict[str, Any]:
    """What is kept of a face until the table is written, for distances between faces."""
    return {"embedding": base64.b64encode(clean.embedding.tobytes()).decode()}


def _clean_side(source: Source, sweep: Sweep, embedder: Embedder) -> _Clean:
    photo_id = source.photo_id()
    if sweep.samples:
        face, reference, changed = _from_samples(source, sweep)
    else:
        face, reference, changed = _from_photo(source, sweep)
    if source.photo_id() != photo_id:
        raise PhotoError("the photo was changed while it was read", hint="run it again")
    crop = embedder.crop(reference, face)
    embedding = _embedded(embedder, crop[None])[0]
    metrics = {name: row.against(reference) for name, row in METRICS.items()}
    return _Clean(face, crop, embedding, metrics, changed, photo_id)


Changed = Callable[[int, float], Picture]


def _from_photo(source: Source, sweep: Sweep) -> tuple[Face, Picture, Changed]:
    face = find_face(load_photo(source.photo), every_turn=False)
    blur = CanvasBlur(face.canvas) if sweep.blur == "fast" else None

    def changed(degree: int, angle: float) -> Picture:
        return blur_picture(face.canvas, sweep.kernel, degree, angle, blur=blur)

    return face, changed(0, 0.0), changed


def _from_samples(source: Source, sweep: Sweep) -> tuple[Face, Picture, Changed]:
    folder = Path(str(source.photo))
    clean = load_photo(folder / f"{sweep.mode}_0.png")
    face = find_face(clean, every_turn=False)

    def changed(degree: int, _angle: float) -> Picture:
        sample = load_photo(folder / f"{sweep.mode}_{degree}.png")
        if sample.shape != clean.shape:
            raise SettingError(
                f"the sample of degree {degree} has another size than that of degree 0",
                hint="make the samples anew",
            )
        return face.canvas_of(sample)

    return face, face.canvas, changed


def _points(source: Source, sweep: Sweep) -> Sequence[Point]:
    """Every (degree, angle) of a face; samples say themselves what angles they were made with."""
    if not sweep.samples:
        return sweep.points(source.name)
    folder = Path(str(source.photo))
    levels = range(source.name.count("/") + 1)  # the note lies where the samples begin
    root = next((folder.parents[i] for i in levels if read_note(folder.parents[i])), folder.parent)
    name = as_text(folder.relative_to(root).as_posix())
    known = read_note(root).get(sweep.mode)
    if not isinstance(known, dict):
        angle = None if sweep.mode == "random" else float(sweep.angle)
        return [(degree, angle) for degree in sweep.degrees]
    return [
        (degree, drawn_angle(known["seed"], name, degree, known["angle"], kernel=SAMPLES_KERNEL))
        for degree in sweep.degrees
    ]


def _row(face: str, point: Point, sweep: Sweep) -> dict[str, Any]:
    return {
        "face": face,
        "degree": point[0],
        "angle": point[1],
        "kernel": sweep.kernel,
        "crop": sweep.crop,
        "protocol": sweep.protocol,
        "embedder": sweep.embedder,
    }


class _Tally:
    """Counts a table's faces and failures, and keeps a few clean embeddings, while it is read."""

    def __init__(self, report: SweepReport) -> None:
        self.report = report
        self._embeddings: list[np.ndarray[Any, np.dtype[np.float32]]] = []

    def counted(self, result: FaceRows) -> pa.Table:
        """Returns the face's rows after counting them."""
        report = self.report
        failed = len(result.rows) - result.rows["failure"].null_count
        report.faces += 1
        report.rows += len(result.rows)
        report.failed_rows += failed
        if failed == len(result.rows):
            report.failed_count += 1
            if len(report.failed_faces) < SHOWN_FAILURES:
                report.failed_faces[result.face] = result.rows["failure"][0].as_py()
        elif "embedding" in result.note and len(self._embeddings) < IMPOSTOR_FACES:
            raw = base64.b64decode(result.note["embedding"])
            self._embeddings.append(np.frombuffer(raw, np.float32))
        return result.rows

    def impostors(self, embedder: str) -> dict[str, Any]:
        """Returns how far apart different clean faces are; numbers only, no embedding."""
        pairs = list(itertools.combinations(self._embeddings, 2))
        if not pairs:
            return {"pairs": 0}
        found: dict[str, Any] = {"pairs": len(pairs), "faces": len(self._embeddings)}
        values = {
            name: np.array([row.compute(*pair) for pair in pairs])
            for name, row in DISTANCES.items()
        }
        for name, several in values.items():
            low, middle, high = np.quantile(several, (0.025, 0.5, 0.975)).tolist()
            found[name] = {"low": low, "median": middle, "high": high}
        verdicts = [
            verdict_of({name: several[i] for name, several in values.items()}, embedder)
            for i in range(len(pairs))
        ]
        same = [verdict.same_person for verdict in verdicts if verdict is not None]
        if not same:
            return found
        low, high = share_interval(same, len(self._embeddings))
        share = {"taken_for_the_same": float(np.mean(same)), "taken_low": low, "taken_high": high}
        return found | share


def _write_table(
    out: Path,
    parts: Iterable[FaceRows],
    sweep: Sweep,
    embedder: Embedder,
    photos: str,
    report: SweepReport,
) -> None:
    tally = _Tally(report)
    counted = (tally.counted(part) for part in parts)
    write_sweep(out, counted, lambda: _settings(sweep, embedder, photos, tally))


def _settings(sweep: Sweep, embedder: Embedder, photos: str, tally: _Tally) -> dict[str, Any]:
    row = EMBEDDERS.get(embedder.name)
    threshold = row.threshold if row else None
    return {
        "identity": _identity(sweep, embedder),
        "photos": photos,
        "blur": "of the samples" if sweep.samples else BLURS[sweep.blur],
        "recogniser": {
            **Recogniser.of(embedder).for_table(),
            "threshold": dataclasses.asdict(threshold) if threshold else None,
        },
        "impostors": tally.impostors(embedder.name),
        "report": {**dataclasses.asdict(tally.report), "resumed": 0},  # no matter for the table
        "versions": dict(versions(embedder)),
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
