"""A visitor's faces: held for that session alone, in memory, released when it ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from blurdash.ui.server.known_face import end_long_work
from blurdash.ui.server.live import stop_filling, stop_looking
from blurdash.ui.server.memory import give_back_soon
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.visitor.arrivals import Arrivals
from blurdash.ui.visitor.shown_face import ShownFace, portrait
from blurdash.ui.visitor.visit_end import hang_bell

if TYPE_CHECKING:
    import pyarrow as pa

    from blurdash.circumstances import Circumstances
    from blurdash.face import Face
    from blurdash.reference import Reference
    from blurdash.ui.server.known_face import Curve, KnownFace
    from blurdash.ui.visitor.photo_job import PhotoJob

__all__ = [
    "FACES_KEPT",
    "FACES_OF_A_PHOTO",
    "Faces",
    "OwnReference",
    "Photo",
    "Run",
    "session_faces",
]

SETTINGS_KEPT = 4
REFERENCES_KEPT = 4
RUNS_KEPT = 16
# A canvas takes 3 MB, and as PNG, once it was shown, 1.5 MB more.
FACES_OF_A_PHOTO = 12
FACES_KEPT = 24
VISITOR_KEY = "bd_visitor"


@dataclass(frozen=True)
class Photo:
    """A photo that was taken in.

    Attributes:
        key: What the visitor's browser calls it: a random word.
        number: What a person reads: Photo 1, 2, ...
        faces: Ids of its faces that are kept, the largest first.
    """

    key: str
    number: int
    faces: tuple[str, ...]

    @property
    def label(self) -> str:
        """What a person reads; never a file name."""
        return f"Photo {self.number}"


class Run(NamedTuple):
    """What a sweep of a visitor's own faces is of; with it, what it found is kept.

    Attributes:
        faces: Ids of the faces.
        recogniser: Key of ``EMBEDDERS``.
        kernel: Key of ``KERNELS``.
        angle: ``random``, ``all``, or degrees.
    """

    faces: frozenset[str]
    recogniser: str
    kernel: str
    angle: str | float


class OwnReference(NamedTuple):
    """A reference of this visitor's.

    Attributes:
        reference: The reference; it lies in this session and nowhere else.
        faces: Ids of the faces that it was measured from; none of one that was loaded from a file.
    """

    reference: Reference
    faces: frozenset[str]


@dataclass
class Faces:
    """Everything a session knows of its visitor's photos."""

    photos: dict[str, Photo] = field(default_factory=dict)
    shown: dict[str, ShownFace] = field(default_factory=dict)
    known: dict[tuple[str, ...], KnownFace] = field(default_factory=dict)  # by face and setting
    job: PhotoJob | None = None
    stopped: PhotoJob | None = None  # it was cancelled, and can go on
    curve: Curve | None = None
    curve_under: Circumstances | None = None  # what that curve was measured under
    fill_curve: Callable[[], None] | None = None  # has the rest of it computed; None if complete
    own: list[OwnReference] = field(default_factory=list)
    runs: dict[Run, pa.Table] = field(default_factory=dict)  # the last one last
    drawn: dict[tuple[str, int, str], tuple[pa.Table, dict[str, Any]]] = field(
        default_factory=dict
    )  # what Sweeps makes of their tables
    choose: str = ""  # id of the face to show next
    forgotten: int = 0  # how often all was forgotten on purpose: the browser then forgets too
    visit: str = field(default_factory=lambda: secrets.token_hex(4))
    session: str = field(default_factory=current_session)
    arrivals: Arrivals = field(default_factory=Arrivals)

    def add_photo(self, key: str, faces: list[Face], number: int | None = None) -> list[ShownFace]:
        """Adds the faces of one photo, the largest first, as many as there is room for.

        Args:
            key: What the browser calls the photo; one that is there already stays as it is.
            faces: The faces found in it.
            number: The number that it had before the server forgot it; None for the next.
        """
        if key in self.photos:
            return []
        taken = {photo.number for photo in self.photos.values()}
        if number is None or number in taken:
            number = max(taken, default=0) + 1
        kept = faces[: min(FACES_OF_A_PHOTO, FACES_KEPT - len(self.shown))]
        if not kept:
            return []
        added = []
        for place, face in enumerate(kept, start=1):
            several = f", face {place}" if len(kept) > 1 else ""
            one = ShownFace(f"{key}-{place}", f"Photo {number}{several}", face)
            self.shown[one.id] = one
            added.append(one)
        self.photos[key] = Photo(key, number, tuple(one.id for one in added))
        return added

    def remove_photo(self, key: str) -> None:
        """Drops one photo and all that was computed from it."""
        photo = self.photos.pop(key, None)
        if photo is None:
            return
        self.arrivals.say_no_more(key)
        for place, job in (("job", self.job), ("stopped", self.stopped)):
            if job is not None and job.holds(photo.faces):
                job.drop()
                setattr(self, place, None)
        self.own = [one for one in self.own if one.faces.isdisjoint(photo.faces)]
        self.runs = {
            run: table for run, table in self.runs.items() if run.faces.isdisjoint(photo.faces)
        }
        self._forget_drawn()
        stop_filling(self.session)
        for name in photo.faces:
            del self.shown[name]
        for setting in [one for one in self.known if one[0] in photo.faces]:
            self.known.pop(setting).drop()
        give_back_soon()

    def _forget_drawn(self) -> None:
        """Lets go of what pages hold of the face that is shown."""
        self.curve = self.curve_under = self.fill_curve = None
        self.drawn.clear()

    def forget(self) -> None:
        """Drops every photo and all that was computed from it."""
        self.drop_jobs()
        self.own.clear()
        self.runs.clear()
        self._forget_drawn()
        self.arrivals.forget()
        self.forgotten += 1
        stop_filling(self.session)
        stop_looking(self.session)
        end_long_work(self.session)
        if self.shown:
            give_back_soon()
        self.shown.clear()
        for known in self.known.values():
            known.drop()
        self.known.clear()
        self.photos.clear()

    def references(self) -> list[Reference]:
        """Returns this visitor's own references, the newest first; takes over what was finished."""
        finished = getattr(self.job, "reference", None)
        if self.job is not None and finished is not None:
            self.add_reference(OwnReference(finished, self.job.faces))
            self.job = None
        return [one.reference for one in self.own]

    def take_run(self) -> str:
        """Takes over a sweep for this visitor that has ended; returns what is to be said of it.

        Of one that was cancelled there is what was measured.
        """
        run: Run | None = getattr(self.job, "run", None)
        for_all = getattr(self.job, "purpose", None) is not None
        if self.job is None or run is None or for_all or self.job.running:
            return ""
        table, said = getattr(self.job, "table", None), self.job.error
        if self.job.can_go_on:
            self.stopped = self.job
        self.job = None
        if table is not None:
            self.keep_run(run, table)
        return said

    def go_on(self) -> None:
        """Takes up the sweep that was stopped where it was left."""
        if self.stopped is not None:
            self.job, self.stopped = self.stopped, None
            self.job.go_on()

    def forget_stopped(self) -> None:
        """Drops the sweep that was stopped, with what it has measured."""
        run: Run | None = getattr(self.stopped, "run", None)
        if self.stopped is None or run is None:
            return
        table = getattr(self.stopped, "table", None)
        self.stopped.drop()
        self.stopped = None
        if table is not None and self.runs.get(run) is table:  # and not what another has finished
            del self.runs[run]
        self.drawn.clear()

    def drop_jobs(self) -> None:
        """Drops the work under way, and what was stopped cannot go on any more."""
        for job in (self.job, self.stopped):
            if job is not None:
                job.drop()
        self.job = self.stopped = None

    def keep_run(self, run: Run, table: pa.Table) -> None:
        """Keeps what a sweep found, in place of an earlier one of the same."""
        self.runs.pop(run, None)
        self.runs[run] = table
        while len(self.runs) > RUNS_KEPT:
            del self.runs[next(iter(self.runs))]

    def add_reference(self, own: OwnReference) -> None:
        """Adds a reference, in place of one that has its name."""
        others = [one for one in self.own if one.reference.name != own.reference.name]
        self.own = [own, *others][:REFERENCES_KEPT]

    def choices(self) -> list[ShownFace]:
        """The built-in portrait first, then the visitor's faces."""
        return [portrait(), *self.shown.values()]

    def shown_face(self, name: str) -> ShownFace:
        """Returns the face with this id, the portrait where there is none any more."""
        return self.shown.get(name) or self.choices()[0]

    def keep_known(self, key: tuple[str, ...], known: KnownFace) -> KnownFace:
        """Keeps what is known of a face, with the few settings that were used last."""
        self.known[key] = known
        while len(self.known) > SETTINGS_KEPT:
            self.known.pop(next(iter(self.known))).drop()
        return known


def session_faces() -> Faces:
    """Returns this session's faces; they are emptied when the tab is gone.

    They lie in the session's own state, where no other session reaches them.
    """
    if VISITOR_KEY not in st.session_state:
        st.session_state[VISITOR_KEY] = Faces()
    faces: Faces = st.session_state[VISITOR_KEY]
    hang_bell(faces.session, faces.forget)
    return faces
