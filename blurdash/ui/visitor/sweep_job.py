"""A sweep over a visitor's own faces, or the portrait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blurdash.sweep import PhotoSweep, Sweep
from blurdash.ui.visitor.photo_job import PhotoJob, sources_of
from blurdash.ui.visitor.session import Run

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.embed import Embedder
    from blurdash.ui.server.shipped import Which
    from blurdash.ui.visitor.shown_face import ShownFace

__all__ = ["SweepJob"]


class SweepJob(PhotoJob):
    """One sweep under way.

    Args:
        faces: The faces to sweep.
        sweep: The settings.
        embedder: A loaded recogniser.
        session: Whose it is; a session has one.
        purpose: What the result is for, if not for the visitor alone; only for the portrait.

    Attributes:
        run: What it is of.
        table: The result, once it is there; what there is of it where it was cancelled.
    """

    called = "sweep"

    def __init__(
        self,
        faces: Sequence[ShownFace],
        sweep: Sweep,
        embedder: Embedder,
        *,
        session: str,
        purpose: Which | None = None,
    ) -> None:
        super().__init__(faces, sweep.total(len(faces)), session=session)
        self.purpose = purpose
        self.run = Run(self.faces, embedder.name, sweep.kernel, sweep.angle)
        self.table: pa.Table | None = None
        self._sweep: PhotoSweep | None = PhotoSweep(
            sources_of(faces), sweep, embedder, progress=self.show
        )
        self.begin()

    def work(self) -> bool:
        """Does a short piece of work; returns whether there is more."""
        return self._sweep is not None and self._sweep.step()

    def finish(self) -> None:
        """Takes over the table."""
        self.table = None if self._sweep is None else self._sweep.table()

    def keep_part(self) -> str:
        """Keeps the faces that are done, or the degrees of the first one, and a way to go on."""
        self.finish()
        self.can_go_on = self.purpose is None
        done = 0 if self.table is None else len(set(self.table["face"].to_pylist()))
        return f"The sweep was cancelled: {self._kept(done)}."

    def let_go(self) -> None:
        """Lets go of the photos, unless it can go on; of a sweep that was dropped, of all of it."""
        if self._dropped:
            self.table = None
        if self._dropped or not self.can_go_on:
            self._sweep = None

    def _kept(self, faces: int) -> str:
        if not faces:
            return "nothing was measured yet"
        of_one = self.total // len(self.faces)
        if self.done < of_one:
            which = "" if len(self.faces) == 1 else " of the first face"
            return f"{self.done} of {of_one} readouts{which} are kept"
        return f"{faces} of {len(self.faces)} faces {'is' if faces == 1 else 'are'} kept"
