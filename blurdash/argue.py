"""Rank flips over a folder of photos, several faces at once, here or on a cluster."""

from __future__ import annotations

import base64
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.embed import Embedder, LoadOptions, load_with
from blurdash.engine import check_workers
from blurdash.errors import NoFaceError, StoppedError
from blurdash.face import find_face
from blurdash.failures import FAILURES, reason_of
from blurdash.flips import FlipSettings, RankFlips, count_flips, preferences
from blurdash.folder import read_folder, try_until_enough, with_limit
from blurdash.photo import load_photo
from blurdash.readout import PreparedFace
from blurdash.receipt import Recogniser, versions
from blurdash.sweep import LOST, RunOptions, Source
from blurdash.sweep_file import Journal, table_of

__all__ = ["Examined", "argue", "examine", "flips_of", "prepared_for"]

Grid = npt.NDArray[np.float64]
Embedding = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Examined:
    """What is known of the face on one photo.

    Attributes:
        name: Of the photo.
        grids: What every measure prefers, see ``preferences``; empty where there is a failure.
        embedding: Of the clean picture; None where there is a failure.
        failure: Why there is nothing; empty where there is.
    """

    name: str
    grids: Mapping[str, Grid] = dataclasses.field(default_factory=dict)
    embedding: Embedding | None = None
    failure: str = ""

    def as_note(self) -> dict[str, Any]:
        """Returns it as a journal keeps it."""
        if self.embedding is None:
            return {"failure": self.failure}
        return {
            "grids": {name: grid.tolist() for name, grid in self.grids.items()},
            "embedding": base64.b64encode(self.embedding.tobytes()).decode(),
        }

    @classmethod
    def from_note(cls, name: str, note: Mapping[str, Any]) -> Examined:
        """Returns what ``as_note`` gave."""
        if "failure" in note:
            return cls(name, failure=note["failure"])
        grids = {measure: np.array(grid, np.float64) for measure, grid in note["grids"].items()}
        raw = base64.b64decode(note["embedding"])
        return cls(name, grids, np.frombuffer(raw, np.float32))


def argue(
    folder: str | Path,
    settings: FlipSettings,
    *,
    embedder: Embedder | None = None,
    how: RunOptions | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> RankFlips:
    """Returns the rank flips over a folder's faces.

    Conventions:
        A picture that is broken or has no face is a failure with its reason; the rest is counted.
        A failure does not count towards the limit. Blurs are fast, within 1 grey level.

    Args:
        folder: Photos; folders in it are searched too.
        settings: What to compare.
        embedder: A loaded recogniser; None to load one by ``name``. Not for other engines than
            local.
        how: Where and how it runs, and how the recogniser is loaded.
        name: A key of ``EMBEDDERS``; None for the usual rule.
        progress: Called with the pictures done and those in all, from worker threads.
        stop: When set, ends soon with ``StoppedError``.

    Returns:
        The counts.

    Raises:
        SettingError: There is no such folder or no picture in it.
        NoFaceError: No picture of the folder has a usable face.
        WeightsError: The recogniser cannot be loaded.
        StoppedError: ``stop`` was set.
    """
    how = how or RunOptions()
    loaded = embedder or load_with(name, how.load)
    there = read_folder(folder)
    sources = [Source(photo.name, photo.path) for photo in there.photos]
    tried = examine(sources, settings, loaded, how=how, progress=progress, stop=stop)
    left_out = with_limit(there.left_out, len(sources) - len(tried), settings.limit)
    return flips_of(tried, settings, loaded, left_out)


def flips_of(
    tried: Sequence[Examined],
    settings: FlipSettings,
    embedder: Embedder,
    left_out: dict[str, int],
) -> RankFlips:
    """Returns the counts over faces that were examined.

    Args:
        tried: All that were, also those that failed.
        settings: What was compared.
        embedder: The recogniser.
        left_out: Why other files are not among them, and how many of each kind.

    Raises:
        NoFaceError: Not one of them was measured.
    """
    failures = {one.name: one.failure for one in tried if one.failure}
    known = [one for one in tried if not one.failure]
    if not known:
        first = next(iter(failures.items()))
        raise NoFaceError(
            f"none of the {len(tried)} pictures has a usable face ({first[0][:40]}: {first[1]})",
            hint="give a folder with photos of faces",
        )
    cells = count_flips(settings, [one.grids for one in known])
    who = {**Recogniser.of(embedder).for_table(), "protocol": embedder.protocol}
    names = tuple(one.name for one in known)
    libraries = dict(versions(embedder))
    return RankFlips(settings, names, failures, cells, who, left_out=left_out, libraries=libraries)


def examine(
    sources: Sequence[Source],
    settings: FlipSettings,
    embedder: Embedder,
    *,
    how: RunOptions | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[Examined]:
    """Examines photos until as many as the limit have a face, and returns those tried.

    Args:
        sources: Photos, in order; different names.
        settings: What to compare.
        embedder: A loaded recogniser.
        how: Where and how it runs; workers elsewhere load the recogniser themselves.
        journal: Where finished faces are kept, and those of a run before are found.
        progress: As for ``argue``.
        stop: As for ``argue``.

    Raises:
        SettingError: There is no such engine or number of workers.
        StoppedError: ``stop`` was set.
    """
    how = how or RunOptions()
    check_workers(how.workers)
    run = _Run(settings, embedder, how, journal, progress, stop)
    tried = try_until_enough(sources, settings.limit, run.attempt)
    return [run.results[source.name] for source in tried]


def prepared_for(source: Source, settings: FlipSettings, embedder: Embedder) -> PreparedFace:
    """Returns a photo's face, ready for its flips.

    Raises:
        PhotoError: The photo cannot be read.
        NoFaceError: There is no face in it.
    """
    face = find_face(load_photo(source.photo), every_turn=False)
    return PreparedFace(face, embedder, kernel=settings.kernel, crop=settings.crop, exact=False)


class _Run:
    """Faces under examination: what is known of each, and what was known before."""

    def __init__(
        self,
        settings: FlipSettings,
        embedder: Embedder,
        how: RunOptions,
        journal: Journal | None,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self._settings, self._embedder, self._how, self._journal = settings, embedder, how, journal
        self._worker = _Worker(settings, embedder, progress, stop)
        self.results: dict[str, Examined] = {}

    def attempt(self, some: Sequence[Source]) -> int:
        """Examines some photos; returns how many failed."""
        self._worker.expect(len(some))
        todo = [source for source in some if not self._was_kept(source)]
        self._worker.pass_over(len(some) - len(todo))
        stamps = {source.name: source.stamp() for source in todo}
        for found in self._examined(todo):
            self.results[found.name] = found
            if self._journal is not None:
                note = {"stamp": stamps[found.name], **found.as_note()}
                self._journal.write(found.name, table_of([]), note)
        return sum(bool(self.results[source.name].failure) for source in some)

    def _was_kept(self, source: Source) -> bool:
        kept = self._journal.read(source.name) if self._journal is not None else None
        if kept is None or kept[1].get("stamp") != source.stamp():
            return False
        self.results[source.name] = Examined.from_note(source.name, kept[1])
        return True

    def _examined(self, todo: Sequence[Source]) -> Iterator[Examined]:
        how = self._how
        load = how.load_elsewhere(self._embedder)
        make_elsewhere = functools.partial(_make_worker, self._settings, self._embedder.name, load)
        for found in how.run(
            self._worker,
            make_elsewhere,
            todo,
            lost=lambda source: Examined(source.name, failure=LOST),
        ):
            if not how.is_local:  # here the worker counts itself
                self._worker.pass_over(1)
            yield found


def _make_worker(settings: FlipSettings, name: str, load: LoadOptions) -> _Worker:
    return _Worker(settings, load_with(name, load), None, None)


class _Worker:
    """Measures faces; shared by the threads of a process."""

    def __init__(
        self,
        settings: FlipSettings,
        embedder: Embedder,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self._settings, self._embedder, self._progress = settings, embedder, progress
        self._total = self._done = 0
        self._stop, self._aborted, self._lock = stop, threading.Event(), threading.Lock()

    def expect(self, photos: int) -> None:
        """Counts so many more photos into what is to be done."""
        self._total += photos * self._settings.pictures

    def pass_over(self, photos: int) -> None:
        """Counts so many photos as done that are not examined here."""
        self._add(photos * self._settings.pictures)

    def abort(self) -> None:
        """Makes every face in work end soon."""
        self._aborted.set()

    def __call__(self, source: Source) -> Examined:
        """Returns what every measure prefers for a photo's face, or why it cannot be said."""
        done = 0

        def tick() -> None:
            nonlocal done
            self._check_stop()
            done += 1
            self._add(1)

        try:
            self._check_stop()
            prepared = prepared_for(source, self._settings, self._embedder)
            grids = preferences(prepared, self._settings, tick)
            return Examined(source.name, grids, prepared.clean.embedding)
        except StoppedError:
            raise
        except FAILURES as error:
            self._add(self._settings.pictures - done)
            return Examined(source.name, failure=reason_of(error))

    def _add(self, pictures: int) -> None:
        with self._lock:
            self._done += pictures
            if self._progress:
                self._progress(self._done, self._total)

    def _check_stop(self) -> None:
        if self._aborted.is_set() or (self._stop is not None and self._stop.is_set()):
            raise StoppedError("the run was stopped", "start it again")
