"""A sweep over a visitor's own faces, or the portrait: background steps in the shared pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from blurdash.errors import BlurdashError
from blurdash.sweep import FoundIn, PhotoSweep, Source, Sweep
from blurdash.ui.server.encoding import encoded
from blurdash.ui.server.live import begin_job, end_job, jobs_before
from blurdash.words import sentence

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.embed import Embedder
    from blurdash.ui.server.shipped import Which
    from blurdash.ui.visitor.shown_face import ShownFace

__all__ = ["SweepJob"]

DROPPED = "The photos of this sweep were removed."


class SweepJob:
    """One sweep under way.

    Args:
        faces: The faces to sweep.
        sweep: The settings.
        embedder: A loaded recogniser.
        session: Whose it is; a session has one.
        purpose: What the result is for, if not for the visitor alone; only for the portrait.

    Attributes:
        done: Rows measured so far.
        total: Rows in all.
        table: The result, once it is there; what there is of it where it was cancelled.
        error: What went wrong, or that it was cancelled, as one sentence; empty while it runs.
    """

    def __init__(
        self,
        faces: Sequence[ShownFace],
        sweep: Sweep,
        embedder: Embedder,
        *,
        session: str,
        purpose: Which | None = None,
    ) -> None:
        self.purpose, self._session = purpose, session
        self._faces = {one.id for one in faces}
        self._names = [one.label for one in faces]
        # A canvas is such a crop itself, so the sweep takes it whole: the face of Explore.
        sources = [
            Source(one.label, encoded(one.face.canvas), FoundIn.of(one.face)) for one in faces
        ]
        self.done, self.total = 0, sweep.total(len(sources))
        self.table: pa.Table | None = None
        self.error = ""
        self._sweep: PhotoSweep | None = PhotoSweep(
            sources, sweep, embedder, progress=self._progress
        )
        self._lock = threading.Lock()  # a step, or an end
        self._dropped = False
        self._worked = 0.0  # s
        begin_job(session, self._step)

    def holds(self, faces: Collection[str]) -> bool:
        """Whether any of these faces, by id, is swept."""
        return not self._faces.isdisjoint(faces)

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self._sweep is not None

    @property
    def waits_for(self) -> int:
        """How many sweeps of others must end before this one is in work."""
        return jobs_before(self._session)

    def seconds_left(self) -> float | None:
        """Returns the time left, from the rate so far; None before there is one."""
        return self._worked / self.done * (self.total - self.done) if self.done else None

    def cancel(self) -> None:
        """Ends it; the faces that are done, or the degrees of the first one, are kept."""
        with self._lock:
            if self._sweep is None:
                return
            table = self._sweep.table()
            done = 0 if table is None else len(set(table["face"].to_pylist()))
            self._end(table, f"The sweep was cancelled: {self._kept(done)}.")

    def drop(self) -> None:
        """Ends it and keeps nothing: its photos are forgotten. Waits for no step under way."""
        self._dropped = True
        end_job(self._session, self._step)
        if self._lock.acquire(blocking=False):  # else the step lets go of them when it ends
            self._end(None, DROPPED)
            self._lock.release()

    def _kept(self, faces: int) -> str:
        if not faces:
            return "nothing was measured yet"
        of_one = self.total // len(self._names)
        if self.done < of_one:
            which = "" if len(self._names) == 1 else " of the first face"
            return f"{self.done} of {of_one} readouts{which} are kept"
        return f"{faces} of {len(self._names)} faces {'is' if faces == 1 else 'are'} kept"

    def _step(self) -> bool:
        """Does a short piece of work, in a thread of the pool; whether there is more."""
        with self._lock:
            if self._sweep is None:
                return False
            more = self._worked_on(self._sweep)
            if self._dropped:
                self._end(None, DROPPED)
            return more and not self._dropped

    def _worked_on(self, sweep: PhotoSweep) -> bool:
        begun = time.monotonic()
        try:
            if sweep.step():
                self._worked += time.monotonic() - begun
                return True
            self._end(sweep.table(), "")
        except BlurdashError as error:
            self._end(None, sentence(str(error)))
        except Exception as error:  # noqa: BLE001 - a silent end would leave the page waiting
            kind = type(error).__name__
            self._end(None, f"The sweep failed ({kind}); try again with fewer faces.")
        return False

    def _end(self, table: pa.Table | None, error: str) -> None:
        self.table, self.error = table, error
        self._sweep = None  # it holds the photos
        end_job(self._session, self._step)

    def _progress(self, done: int, _total: int) -> None:
        self.done = done
