"""A reference measured from a few photos, in short steps and in memory only."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence

from blurdash.argue import Examined, flips_of, prepared_for
from blurdash.embed import Embedder
from blurdash.errors import NoFaceError
from blurdash.failures import FAILURES, reason_of
from blurdash.flips import changes_of, preferences
from blurdash.reference import FILES, Reference
from blurdash.reference_run import (
    ReferenceSettings,
    called,
    manifest_of,
    numbers_of,
    small_files,
    without_names,
)
from blurdash.strangers import pairs_of
from blurdash.sweep import PhotoSweep, Source
from blurdash.sweep_file import settings_of, sweep_bytes

__all__ = ["PhotoReference"]


class PhotoReference:
    """A reference under way, for whoever has other things to do between the steps.

    It gives the same numbers as ``measure_reference``, and nothing of it is ever on a disk.

    Args:
        sources: Photos; different names, one face a person.
        settings: What is measured of each.
        embedder: A loaded recogniser.
        name: What the reference is called.
        who: Whose faces they are, as it follows their number.
        progress: Called with the pictures done and those in all.

    Attributes:
        reference: The result, once it is there.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        settings: ReferenceSettings,
        embedder: Embedder,
        *,
        name: str,
        who: str,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self._sources, self._settings, self._embedder = list(sources), settings, embedder
        self._name, self._who, self._progress = name, who, progress
        self._total, self._done = len(sources) * settings.rows, 0
        self._examined: list[Examined] = []
        self._sweeps: dict[str, PhotoSweep] = {}
        self._steps = self._all()
        self.reference: Reference | None = None

    @property
    def total(self) -> int:
        """How many pictures there are to measure."""
        return self._total

    def step(self) -> bool:
        """Does the next short piece of work; returns whether there is more.

        Raises:
            NoFaceError: No photo has a usable face.
            EmbeddingError: The recogniser failed.
        """
        return next(self._steps, False)

    def _all(self) -> Iterator[bool]:
        for which, sweep in self._settings.sweeps.items():
            begun = self._done

            def show(done: int, _total: int, begun: int = begun) -> None:
                self._show(begun + done)

            # The faces of the limit, and no others, are given.
            whole = dataclasses.replace(sweep, limit=None)
            self._sweeps[which] = PhotoSweep(self._sources, whole, self._embedder, progress=show)
            while self._sweeps[which].step():
                yield True
            self._show(begun + whole.total(len(self._sources)))
        for source in self._sources:
            yield from self._examine(source)
        self.reference = self._finished()
        self._sweeps, self._sources = {}, []  # they hold the photos

    def _show(self, done: int) -> None:
        self._done = done
        self._progress(done, self._total)

    def _examine(self, source: Source) -> Iterator[bool]:
        """What every measure prefers for a face, a picture a step."""
        settings, begun = self._settings.flips, self._done
        try:
            known = prepared_for(source, settings, self._embedder)
            for change in itertools.chain(*changes_of(known, settings)):
                known.values(change, settings.measures)
                self._show(self._done + 1)
                yield True
            grids = preferences(known, settings)  # of what is known already
            self._examined.append(Examined(source.name, grids, known.clean.embedding))
        except FAILURES as error:
            self._examined.append(Examined(source.name, failure=reason_of(error)))
        self._show(begun + settings.pictures)

    def _finished(self) -> Reference:
        good = [one for one in self._examined if not one.failure]
        if not good:
            raise NoFaceError("none of the photos has a usable face", hint="choose other photos")
        numbered = numbers_of([one.name for one in good])
        files = {
            f"{which}.parquet": self._table_of(which, numbered) for which in self._settings.sweeps
        }
        flips = flips_of(good, self._settings.flips, self._embedder, {})
        flips = dataclasses.replace(flips, faces=tuple(numbered.values()))
        pairs = pairs_of([one.embedding for one in good if one.embedding is not None])
        files |= small_files(flips.as_dict(), pairs)
        ids = {one.name: one.photo_id() for one in self._sources}
        told = {
            "who": self._who,
            "source": "",
            "command": "",
            "faces": [ids[name] for name in numbered],
            "left_out": {},
            "failures": {"no usable face": len(self._examined) - len(good)},
        }
        manifest = manifest_of(self._name, self._settings, self._embedder, told)
        manifest["files"] = {name: hashlib.sha256(files[name]).hexdigest() for name in FILES}
        return Reference(manifest, files, "session")

    def _table_of(self, which: str, numbered: dict[str, str]) -> bytes:
        sweep = self._sweeps[which]
        rows = {one.face: one.rows for one in sweep.results}
        parts = [called(rows[name], number) for name, number in numbered.items()]
        table = sweep.table()
        settings = {} if table is None else settings_of(table)
        settings.pop("format", None)
        return sweep_bytes(parts, without_names(settings))
