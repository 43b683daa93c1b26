"""A reference measured from a visitor's own faces: for that visitor, and on no disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blurdash.reference_photos import PhotoReference
from blurdash.ui.visitor.photo_job import PhotoJob, sources_of

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.reference import Reference
    from blurdash.reference_run import ReferenceSettings
    from blurdash.ui.visitor.shown_face import ShownFace

__all__ = ["ReferenceJob"]


class ReferenceJob(PhotoJob):
    """One reference under way.

    Args:
        faces: The faces to measure, one a person.
        settings: What is measured of each.
        embedder: A loaded recogniser.
        name: What it is called.
        session: Whose it is; a session has one job.

    Attributes:
        reference: The result, once it is there.
    """

    called = "reference"

    def __init__(
        self,
        faces: Sequence[ShownFace],
        settings: ReferenceSettings,
        embedder: Embedder,
        *,
        name: str,
        session: str,
    ) -> None:
        super().__init__(faces, len(faces) * settings.rows, session=session)
        self.reference: Reference | None = None
        self._run: PhotoReference | None = PhotoReference(
            sources_of(faces), settings, embedder, name=name, who="faces of yours",
            progress=self.show,
        )  # fmt: skip
        self.begin()

    def work(self) -> bool:
        """Does a short piece of work; returns whether there is more."""
        return self._run is not None and self._run.step()

    def finish(self) -> None:
        """Takes over the reference."""
        self.reference = None if self._run is None else self._run.reference

    def keep_part(self) -> str:
        """Keeps nothing: a part of a reference says nothing of other faces."""
        return "The reference was cancelled; nothing of it is kept."

    def let_go(self) -> None:
        """Lets go of the photos; of a reference that was dropped, of all of it."""
        self._run = None
        if self._dropped:
            self.reference = None
