"""Work over a visitor's own faces: steps in the shared pool, with progress and an end."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from blurdash.errors import BlurdashError
from blurdash.sweep import FoundIn, Source
from blurdash.ui.server.encoding import encoded
from blurdash.ui.server.live import begin_job, end_job, jobs_before
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.ui.visitor.shown_face import ShownFace

__all__ = ["PhotoJob", "sources_of"]


def sources_of(faces: Sequence[ShownFace]) -> list[Source]:
    """Returns faces as a sweep takes them.

    A canvas is such a crop itself, so it is taken whole: the face of Explore.
    """
    return [Source(one.label, encoded(one.face.canvas), FoundIn.of(one.face)) for one in faces]


class PhotoJob(ABC):
    """One piece of work under way; a session has one.

    Args:
        faces: The faces it is about.
        total: Pictures to measure.
        session: Whose it is.

    Attributes:
        done: Pictures measured so far.
        total: Pictures in all.
        error: What went wrong, or that it was cancelled, as one sentence; empty while it runs.
        faces: Ids of the faces it is about.
        can_go_on: Whether it was cancelled and can be taken up where it was left.
    """

    # As it begins a sentence, and in one.
    called = "work"

    def __init__(self, faces: Sequence[ShownFace], total: int, *, session: str) -> None:
        self._session = session
        self.faces = frozenset(one.id for one in faces)
        self.done, self.total = 0, total
        self.error = ""
        self.running = True
        self.can_go_on = False
        self._lock = threading.Lock()  # a step, or an end
        self._dropped = False
        self._worked = 0.0  # s

    def begin(self) -> None:
        """Puts it into line."""
        begin_job(self._session, self._step)

    def holds(self, faces: Collection[str]) -> bool:
        """Whether it is about any of these faces, by id."""
        return not self.faces.isdisjoint(faces)

    @property
    def waits_for(self) -> int:
        """How many jobs of others must end before this one is in work."""
        return jobs_before(self._session)

    def seconds_left(self) -> float | None:
        """Returns the time left, from the rate so far; None before there is one."""
        return self._worked / self.done * (self.total - self.done) if self.done else None

    def cancel(self) -> None:
        """Ends it and keeps what is worth keeping."""
        with self._lock:
            if self.running:
                self._end(self.keep_part())

    def go_on(self) -> None:
        """Takes up cancelled work where it was left; what cannot be taken up stays as it is."""
        with self._lock:
            if not self.can_go_on or self._dropped:
                return
            self.can_go_on, self.running, self.error = False, True, ""
        self.begin()

    def drop(self) -> None:
        """Ends it and keeps nothing: its photos are forgotten. Waits for no step under way."""
        self._dropped = True
        end_job(self._session, self._step)
        if self._lock.acquire(blocking=False):  # else the step lets go of them when it ends
            self._end(self._dropped_says)
            self._lock.release()

    @abstractmethod
    def work(self) -> bool:
        """Does a short piece of work; returns whether there is more."""

    @abstractmethod
    def finish(self) -> None:
        """Takes over the result of finished work."""

    @abstractmethod
    def keep_part(self) -> str:
        """Takes over what there is of cancelled work; says what that is."""

    @abstractmethod
    def let_go(self) -> None:
        """Lets go of the photos."""

    @property
    def _dropped_says(self) -> str:
        return f"The photos of this {self.called} were removed."

    def _step(self) -> bool:
        """Does a short piece of work, in a thread of the pool; whether there is more."""
        with self._lock:
            if not self.running:
                return False
            more = self._worked_on()
            if self._dropped:
                self._end(self._dropped_says)
            return more and not self._dropped

    def _worked_on(self) -> bool:
        begun = time.monotonic()
        try:
            if self.work():
                self._worked += time.monotonic() - begun
                return True
            self.finish()
            self._end("")
        except BlurdashError as error:
            self._end(sentence(str(error)))
        except Exception as error:  # noqa: BLE001 - a silent end would leave the page waiting
            kind = type(error).__name__
            self._end(f"The {self.called} failed ({kind}); try again with fewer faces.")
        return False

    def _end(self, error: str) -> None:
        self.error, self.running = error, False
        self.let_go()
        end_job(self._session, self._step)

    def show(self, done: int, _total: int) -> None:
        """Takes over how far it is."""
        self.done = done
