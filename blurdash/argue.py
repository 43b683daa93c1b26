"""Rank flips over a folder of photos, several faces at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from blurdash.embed import Embedder, LoadOptions, load_with
from blurdash.engine import check_workers, run_local
from blurdash.errors import NoFaceError, StoppedError
from blurdash.face import find_face
from blurdash.failures import FAILURES, reason_of
from blurdash.flips import FlipSettings, RankFlips, count_flips, preferences
from blurdash.folder import PhotoFile, read_folder, try_until_enough, with_limit
from blurdash.photo import load_photo
from blurdash.readout import PreparedFace
from blurdash.receipt import Recogniser

__all__ = ["argue"]

Grid = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]


def argue(
    folder: str | Path,
    settings: FlipSettings,
    *,
    embedder: Embedder | None = None,
    load: LoadOptions | None = None,
    name: str | None = None,
    workers: int | None = None,
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
        embedder: A loaded recogniser; None to load one by ``name`` and ``load``.
        load: How it is loaded.
        name: A key of ``EMBEDDERS``; None for the usual rule.
        workers: Faces in work at once; None for one a processor.
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
    there = read_folder(folder)
    count = check_workers(workers)
    loaded = embedder or load_with(name, load or LoadOptions())
    worker = _Worker(settings, loaded, progress, stop)
    results: dict[str, dict[str, Grid] | str] = {}

    def attempt(some: Sequence[PhotoFile]) -> int:
        worker.expect(len(some))
        now = {photo.name: found for photo, found in run_local(lambda: worker, some, workers=count)}
        results.update(now)
        return sum(isinstance(found, str) for found in now.values())

    photos = try_until_enough(there.photos, settings.limit, attempt)
    known, failures = {}, {}
    for photo in photos:
        found = results[photo.name]
        if isinstance(found, str):
            failures[photo.name] = found
        else:
            known[photo.name] = found
    if not known:
        first = next(iter(failures.items()))
        raise NoFaceError(
            f"none of the {len(photos)} pictures has a usable face ({first[0][:40]}: {first[1]})",
            hint="give a folder with photos of faces",
        )
    cells = count_flips(settings, list(known.values()))
    left_out = with_limit(there.left_out, len(there.photos) - len(photos), settings.limit)
    who = {**Recogniser.of(loaded).for_table(), "protocol": loaded.protocol}
    return RankFlips(settings, tuple(known), failures, cells, who, left_out=left_out)


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

    def abort(self) -> None:
        """Makes every face in work end soon."""
        self._aborted.set()

    def __call__(self, photo: PhotoFile) -> tuple[PhotoFile, dict[str, Grid] | str]:
        """Returns what every measure prefers for a photo's face, or why it cannot be said."""
        done = 0

        def tick() -> None:
            nonlocal done
            self._check_stop()
            done += 1
            self._add(1)

        try:
            self._check_stop()
            face = find_face(load_photo(photo.path), every_turn=False)
            prepared = PreparedFace(
                face,
                self._embedder,
                kernel=self._settings.kernel,
                crop=self._settings.crop,
                exact=False,
            )
            return photo, preferences(prepared, self._settings, tick)
        except StoppedError:
            raise
        except FAILURES as error:
            self._add(self._settings.pictures - done)
            return photo, reason_of(error)

    def _add(self, pictures: int) -> None:
        with self._lock:
            self._done += pictures
            if self._progress:
                self._progress(self._done, self._total)

    def _check_stop(self) -> None:
        if self._aborted.is_set() or (self._stop is not None and self._stop.is_set()):
            raise StoppedError("the run was stopped", "start it again")
