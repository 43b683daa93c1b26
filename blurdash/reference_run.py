"""Measures a reference from a folder of photos; goes on where a killed run stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blurdash import __version__, defaults
from blurdash.argue import Examined, examine, flips_of
from blurdash.blur import Change
from blurdash.embed import Embedder
from blurdash.errors import NoFaceError, SettingError, TableError
from blurdash.face import Face, find_face
from blurdash.failures import FAILURES
from blurdash.finished import FinishedTable
from blurdash.flips import FlipSettings
from blurdash.folder import read_folder, with_limit
from blurdash.kernel import KERNELS
from blurdash.outputs import whole_file
from blurdash.photo import load_photo
from blurdash.readout import PreparedFace
from blurdash.receipt import Recogniser, versions
from blurdash.reference import (
    FILES,
    FLIPS,
    FORMAT,
    MANIFEST,
    PAIRS,
    SWEEPS,
    Reference,
    check_name,
    load_reference,
)
from blurdash.strangers import FACES_AT_MOST, StrangerPairs, pairs_of
from blurdash.sweep import RunOptions, Source, Sweep, run_sweep
from blurdash.sweep_file import Journal, read_settings, write_sweep
from blurdash.words import quoted

__all__ = [
    "MAP_DEGREES",
    "Cost",
    "Measured",
    "ReferenceSettings",
    "called",
    "check_free",
    "estimate",
    "kept_references",
    "manifest_of",
    "measure_reference",
    "numbers_of",
    "seconds_of_a_row",
    "small_files",
    "without_names",
    "write_reference",
]

MAP_DEGREES = tuple(range(0, 101, 20))
BYTES_OF_A_ROW = 80  # of a sweep's file; twice while it is measured
Progress = Callable[[int, int], None]


def kept_references() -> Path:
    """Returns the folder for references that were measured on this machine.

    Raises:
        SettingError: The user has no home, and no variable names another place.
    """
    try:
        data = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    except RuntimeError as error:
        raise SettingError(
            "there is no home directory to keep references in",
            hint="set XDG_DATA_HOME",
        ) from error
    return Path(data) / "blurdash" / "references"


@dataclass(frozen=True)
class ReferenceSettings:
    """What is measured of every face.

    Attributes:
        kernel: A key of ``KERNELS``.
        crop: A key of ``CROPS``.
        protocol: A key of ``PROTOCOLS``.
        limit: At most so many faces; None for all.
        seed: What random angles are drawn from.
        blur: A key of ``sweep.BLURS``.
        degrees: Of the sweeps over the degree, px.
        map_degrees: Of the sweep over degree and angle, px.

    Example:
        >>> ReferenceSettings().rows
        285
    """

    kernel: str = defaults.KERNEL
    crop: str = defaults.CROP
    protocol: str = defaults.PROTOCOL
    limit: int | None = defaults.FACES
    seed: int = defaults.SEED
    blur: str = "fast"
    degrees: tuple[int, ...] = tuple(defaults.DEGREES)
    map_degrees: tuple[int, ...] = MAP_DEGREES

    def __post_init__(self) -> None:
        """Checks every field."""
        _ = self.sweeps

    @property
    def sweeps(self) -> dict[str, Sweep]:
        """The sweeps, by their keys in ``SWEEPS``."""
        plain = Sweep(
            kernel=self.kernel,
            crop=self.crop,
            protocol=self.protocol,
            limit=self.limit,
            seed=self.seed,
            blur=self.blur,
            degrees=self.degrees,
        )
        return {
            "random": dataclasses.replace(plain, angle="random"),
            "fixed": dataclasses.replace(plain, angle=defaults.ANGLE),
            "map": dataclasses.replace(plain, angle="all", degrees=self.map_degrees),
        }

    @property
    def flips(self) -> FlipSettings:
        """What is compared for the rank flips, drawn as the study's kernel draws 45."""
        like = KERNELS[self.kernel].angle_like(KERNELS[defaults.KERNEL], defaults.ANGLE)
        return FlipSettings(angle=like, kernel=self.kernel, crop=self.crop, limit=self.limit)

    @property
    def rows(self) -> int:
        """How many changed pictures a face needs."""
        return sum(sweep.total(1) for sweep in self.sweeps.values()) + self.flips.pictures


@dataclass(frozen=True)
class Cost:
    """What a reference will take.

    Attributes:
        faces: How many are measured at most.
        seconds: Wall time.
        megabytes: Of the finished reference.
    """

    faces: int
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Measured:
    """What a run did.

    Attributes:
        reference: The finished reference.
        failures: Name and reason of every photo that was not measured.
        twice: Names of photos that are another's copy.
        nearest: Names of the two faces that are closest to each other.
    """

    reference: Reference
    failures: Mapping[str, str]
    twice: Sequence[str]
    nearest: tuple[str, str] | None


def estimate(
    sources: Sequence[Source], settings: ReferenceSettings, embedder: Embedder, workers: int
) -> Cost:
    """Returns what measuring photos will take, from one blurred picture of the first face.

    Args:
        sources: Photos, in order.
        settings: What is measured.
        embedder: A loaded recogniser.
        workers: Faces in work at once.
    """
    faces = len(sources[: settings.limit])
    seconds = seconds_of_a_row(_first_face(sources), settings, embedder)
    rows = faces * settings.rows
    return Cost(faces, rows * seconds / max(1, min(workers, faces)), rows * BYTES_OF_A_ROW / 1e6)


def _first_face(sources: Sequence[Source]) -> Face:
    for source in sources:
        with contextlib.suppress(*FAILURES):
            return find_face(load_photo(source.photo), every_turn=False)
    raise NoFaceError(
        f"none of the {len(sources)} pictures has a usable face",
        hint="give a folder with photos of faces",
    )


def seconds_of_a_row(face: Face, settings: ReferenceSettings, embedder: Embedder) -> float:
    """Returns what one changed picture takes here, as it was just measured on a face."""
    exact = settings.blur == "exact"
    known = PreparedFace(face, embedder, kernel=settings.kernel, crop=settings.crop, exact=exact)
    known.readout(Change(20, 0.0, settings.kernel))  # what the first picture takes longer
    begun = time.perf_counter()
    known.readout(Change(50, 0.0, settings.kernel))
    return time.perf_counter() - begun


def measure_reference(
    folder: str | Path,
    out: Path,
    settings: ReferenceSettings,
    embedder: Embedder,
    *,
    who: str,
    source: str = "",
    how: RunOptions | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    overwrite: bool = False,
    command: str = "",
) -> Measured:
    """Measures a folder's faces and writes the reference; appears whole or not at all.

    Conventions:
        One face a person: two photos of one person would count as strangers. A file that is a
        copy of another is left out. What is finished lies in ``out`` with ``.work`` behind it
        until all is, and is not measured again.

    Args:
        folder: Photos; folders in it are searched too.
        out: The reference's folder, whose name is its own.
        settings: What is measured.
        embedder: A loaded recogniser; workers elsewhere load it themselves.
        who: Whose faces they are, as it follows their number.
        source: Where the photos come from.
        how: Where and how it runs.
        progress: Called with the pictures done and those in all, from worker threads.
        stop: When set, ends soon with ``StoppedError``; the same command goes on.
        overwrite: Whether a reference that is there may be replaced.
        command: What it was made by, for the manifest.

    Raises:
        SettingError: There is no such folder, or a reference that may not be replaced.
        NoFaceError: No picture has a usable face.
        TableError: It cannot be written.
        StoppedError: ``stop`` was set.
    """
    check_free(out, overwrite=overwrite)
    how, work = how or RunOptions(), out.with_name(f"{out.name}.work")
    there = read_folder(folder)
    sources = [Source(photo.name, photo.path) for photo in there.photos]
    steps = _Steps(settings, len(sources[: settings.limit]), progress)
    try:
        _begin(work, _all_of(settings, embedder), overwrite=overwrite)
    except OSError as error:
        raise _unwritable(out, error) from error
    for which, sweep in settings.sweeps.items():
        run_sweep(
            folder, work / f"{which}.parquet", sweep,
            how=how, embedder=embedder, progress=steps.begin(), stop=stop,
        )  # fmt: skip
    journal = Journal(work / FLIPS, _identity(settings, embedder))
    with journal.held():
        tried = examine(
            sources, settings.flips, embedder,
            how=how, journal=journal, progress=steps.begin(), stop=stop,
        )  # fmt: skip
    left_out = with_limit(there.left_out, len(sources) - len(tried), settings.limit)
    told = {"who": who, "source": source, "command": command}
    measured = _assembled(work, out, settings, embedder, tried, told, left_out)
    shutil.rmtree(work, ignore_errors=True)
    return measured


def _begin(work: Path, identity: Mapping[str, Any], *, overwrite: bool) -> None:
    """Makes the folder for what is finished; of other settings it goes on only if that is dropped.

    Raises:
        SettingError: What is there is of other settings, and may not be replaced.
        OSError: It cannot be written.
    """
    told, begun = json.dumps(identity, sort_keys=True, default=str), work / BEGUN
    if begun.exists() and begun.read_text(encoding="utf-8") != told:
        if not overwrite:
            raise SettingError(
                f"the reference {quoted(work.stem)} was begun with other settings or another "
                "recogniser",
                hint="give another --name, or --overwrite to begin it anew",
            )
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    begun.write_text(told, encoding="utf-8")


BEGUN = "begun.json"


def check_free(out: Path, *, overwrite: bool) -> None:
    """Checks that a reference may be written to a folder.

    Raises:
        SettingError: One is there that may not be replaced.
        TableError: It has no name for a reference.
    """
    check_name(out.name)
    if out.exists() and not overwrite:
        raise SettingError(
            f"the reference {quoted(out.name)} is there already",
            hint="give another --name, or --overwrite to replace it",
        )


class _Steps:
    """Adds up the progress of several parts; each begins where the one before ended."""

    def __init__(self, settings: ReferenceSettings, faces: int, progress: Progress | None) -> None:
        sizes = [sweep.total(faces) for sweep in settings.sweeps.values()]
        self._sizes = [*sizes, faces * settings.flips.pictures]
        self._place, self._progress = -1, progress

    def begin(self) -> Progress:
        self._place += 1
        place = self._place

        def show(done: int, total: int) -> None:
            self._sizes[place] = total  # more than expected, where pictures fail
            if self._progress:
                self._progress(sum(self._sizes[:place]) + done, sum(self._sizes))

        return show


def _identity(settings: ReferenceSettings, embedder: Embedder) -> dict[str, Any]:
    known = dataclasses.asdict(settings.flips)
    del known["limit"]  # a larger one goes on
    return {**known, "weights_sha256": embedder.weights_sha256, "blurdash": __version__}


def _all_of(settings: ReferenceSettings, embedder: Embedder) -> dict[str, Any]:
    """All that an unfinished reference depends on."""
    known = dataclasses.asdict(settings)
    del known["limit"]
    return {**known, **_identity(settings, embedder)}


def _assembled(
    work: Path,
    out: Path,
    settings: ReferenceSettings,
    embedder: Embedder,
    tried: Sequence[Examined],
    told: Mapping[str, str],
    left_out: dict[str, int],
) -> Measured:
    """The finished reference, from what was measured face by face."""
    tables = {
        which: FinishedTable(path, read_settings(path)["identity"])
        for which in SWEEPS
        for path in [work / f"{which}.parquet"]
    }
    good, twice = _one_of_each([one for one in tried if not one.failure], tables["fixed"])
    if not good:
        flips_of(tried, settings.flips, embedder, {})  # raises, and says why
    failures = {one.name: one.failure for one in tried if one.failure}
    numbered = numbers_of([one.name for one in good])
    flips = flips_of(good, settings.flips, embedder, left_out)
    flips = dataclasses.replace(flips, faces=tuple(numbered.values()))
    ids = [tables["fixed"].photo_id(one.name) or "" for one in good]
    pairs = pairs_of([one.embedding for one in good[:FACES_AT_MOST] if one.embedding is not None])
    if twice:
        left_out = left_out | {"there twice": len(twice)}
    content = {
        **told,
        "faces": ids,
        "left_out": left_out,
        "failures": dict(Counter(failures.values())),
    }
    reference = write_reference(
        out,
        {which: (_rows_of(table, numbered), table.settings) for which, table in tables.items()},
        flips.as_dict(),
        pairs,
        manifest_of(out.name, settings, embedder, content),
    )
    return Measured(reference, failures, twice, _nearest(pairs, [one.name for one in good]))


def manifest_of(
    name: str, settings: ReferenceSettings, embedder: Embedder, content: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns a manifest without its files.

    Args:
        name: Of the reference.
        settings: What was measured.
        embedder: The recogniser.
        content: ``who``, ``source``, ``faces``, ``left_out``, ``failures``, ``command``.
    """
    return {
        "format": FORMAT,
        "name": name,
        **content,
        "recogniser": Recogniser.of(embedder).for_table(),
        "protocol": settings.protocol,
        "crop": settings.crop,
        "kernel": settings.kernel,
        "angle": defaults.ANGLE,
        "seed": settings.seed,
        "blur": settings.blur,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "versions": dict(versions(embedder)),
    }


def _one_of_each(
    good: Sequence[Examined], table: FinishedTable
) -> tuple[list[Examined], list[str]]:
    """Faces of different files, and the names of copies."""
    seen: set[str] = set()
    kept, twice = [], []
    for one in good:
        photo = table.photo_id(one.name)
        if photo is not None and photo in seen:
            twice.append(one.name)
            continue
        seen |= {photo} if photo is not None else set()
        kept.append(one)
    return kept, twice


def _rows_of(table: FinishedTable, numbered: Mapping[str, str]) -> Iterator[pa.Table]:
    for name, number in numbered.items():
        yield called(table.rows(name), number)


def numbers_of(names: Sequence[str]) -> dict[str, str]:
    """Returns what each face is called in a reference, by its name.

    Example:
        >>> numbers_of(["ada", "bea"])
        {'ada': 'face_1', 'bea': 'face_2'}
    """
    digits = len(str(len(names)))
    return {name: f"face_{i:0{digits}d}" for i, name in enumerate(names, 1)}


def called(rows: pa.Table, number: str) -> pa.Table:
    """Returns a face's rows under another name."""
    column = pa.array([number] * len(rows), pa.string())
    return rows.set_column(0, rows.schema.field("face"), column)


def _nearest(pairs: StrangerPairs, names: Sequence[str]) -> tuple[str, str] | None:
    place = pairs.nearest()
    return (names[place[0]], names[place[1]]) if place else None


# --- writing --------------------------------------------------------------------------------------

Rows = tuple[Iterator[pa.Table], Mapping[str, Any]]


def write_reference(
    out: Path,
    sweeps: Mapping[str, Rows],
    flips: Mapping[str, Any],
    pairs: StrangerPairs,
    manifest: Mapping[str, Any],
) -> Reference:
    """Writes a reference; its folder appears whole, in place of one that is there.

    Args:
        out: The folder.
        sweeps: Rows and settings, by key of ``SWEEPS``.
        flips: As ``RankFlips.as_dict`` gives them; names of photos that failed are left out.
        pairs: Distances of the clean faces.
        manifest: As ``manifest_of`` gives it.

    Raises:
        TableError: It cannot be written.
    """
    unfinished = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for which, (rows, settings) in sweeps.items():
            told = functools.partial(without_names, settings)
            write_sweep(unfinished / f"{which}.parquet", rows, told)
        for name, content in small_files(flips, pairs).items():
            (unfinished / name).write_bytes(content)
        files = {name: _digest(unfinished / name) for name in FILES}
        whole = json.dumps({**manifest, "files": files}, indent=1, ensure_ascii=False)
        with whole_file(unfinished / MANIFEST) as part:
            part.write_text(whole + "\n", encoding="utf-8")
        shutil.rmtree(out, ignore_errors=True)
        unfinished.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    reference = load_reference(out)
    reference.check()
    return reference


def small_files(flips: Mapping[str, Any], pairs: StrangerPairs) -> dict[str, bytes]:
    """Returns the flips and the pairs of a reference as its files hold them.

    Args:
        flips: As ``RankFlips.as_dict`` gives them; names of photos that failed are left out.
        pairs: Distances of the clean faces.
    """
    text = json.dumps({**flips, "failures": {}}, allow_nan=False, ensure_ascii=False)
    table = pa.BufferOutputStream()
    pq.write_table(pairs.as_table(), table, compression="zstd")
    return {FLIPS: f"{text}\n".encode(), PAIRS: bytes(table.getvalue())}


def without_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a sweep's settings without names of photos that failed, and without their stamps."""
    report = {**settings.get("report", {}), "failed_faces": {}}
    return {**settings, "report": report, "photos": ""}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unwritable(out: Path, error: OSError) -> TableError:
    return TableError(
        f"the reference {quoted(out.name)} cannot be written ({error.strerror})",
        hint="check the folder and the free space",
    )
