"""What the Argument page computes of one face: numbers at once, longer things in the background."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

from blurdash.errors import BlurdashError
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.table import in_role
from blurdash.ui.live import NOBODY, keep_prepared
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.blur import Change
    from blurdash.disturb import Disturbance
    from blurdash.embed import Embedder
    from blurdash.face import Face
    from blurdash.readout import PreparedFace

__all__ = ["QUICK", "Answer", "ArgumentFace", "FacePictures"]

# What is measured while a hand moves.
QUICK = in_role(ARGUMENT_MEASURES, "quick")
KEPT = 48

# One thread for everything that takes seconds: numbers under a slider come first.
_background = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="argument")


class Answer(NamedTuple):
    """The state of a longer computation.

    Attributes:
        value: Its result; None while it is under way, or where it failed.
        problem: Why it failed, in a sentence; empty otherwise.
    """

    value: Any = None
    problem: str = ""

    @property
    def done(self) -> bool:
        """Whether it is over, one way or the other."""
        return self.value is not None or bool(self.problem)


class FacePictures:
    """One face with one kernel and crop, with a recogniser or without one.

    Args:
        face: The face.
        embedder: A loaded recogniser; None for what needs none.
        kernel: Name of a row of ``KERNELS``.
        crop: Name of a row of ``CROPS``.
        owner: The session whose face it is; ``NOBODY`` for the portrait.
    """

    def __init__(
        self, face: Face, embedder: Embedder | None, kernel: str, crop: str, owner: str = NOBODY
    ) -> None:
        self.owner = owner
        self.face = face
        self._make: Callable[[], PreparedFace] = lambda: _prepared(face, embedder, kernel, crop)
        self._prepared: PreparedFace | None = None
        self._making = threading.Lock()
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, Hashable], Answer] = OrderedDict()
        self._asked: dict[tuple[str, str], tuple[Hashable, concurrent.futures.Future[None]]] = {}

    @property
    def prepared(self) -> PreparedFace:
        """The face's numbers; prepared when first asked for."""
        with self._making:
            known = self._prepared = self._prepared or self._make()
        keep_prepared(self)
        return known

    def release(self) -> None:
        """Lets go of the prepared face; it takes a hundred megabytes."""
        self._prepared = None

    def values(self, change: Change | Disturbance) -> dict[str, float]:
        """Returns the numbers of a changed picture, those that are quick to compute.

        Raises:
            BlurdashError: They cannot be computed.
        """
        return self.prepared.values(change, QUICK)

    def ask(self, owner: str, kind: str, key: Hashable, compute: Callable[[], Any]) -> Answer:
        """Returns what is known of a longer computation, and starts it where nothing is.

        An owner has one computation of a kind at a time: another key takes the place of one that
        waits.

        Args:
            owner: Who asks: a session.
            kind: Such as ``maps``.
            key: What it depends on besides the face and its settings.
            compute: Returns the result, not None; called in the background.
        """
        with self._lock:
            known = self._known.get((kind, key))
            if known is not None:
                self._known.move_to_end((kind, key))
                return known
            waiting = self._asked.get((owner, kind))
            if waiting is not None:
                if waiting[0] == key and not waiting[1].done():
                    return Answer()
                waiting[1].cancel()
            future = _background.submit(self._run, kind, key, compute)
            self._asked[owner, kind] = (key, future)
        return Answer()

    def keep_only(self, owner: str, kinds: Collection[str]) -> None:
        """Cancels what an owner has waiting of other kinds: nobody looks at it any more."""
        with self._lock:
            for asked, (_, future) in list(self._asked.items()):
                if asked[0] == owner and (future.done() or asked[1] not in kinds):
                    future.cancel()
                    if future.done():
                        del self._asked[asked]

    def drop(self) -> None:
        """Cancels what waits and forgets what is known."""
        with self._lock:
            for _, future in self._asked.values():
                future.cancel()
            self._asked.clear()
            self._known.clear()
        self.release()

    def _run(self, kind: str, key: Hashable, compute: Callable[[], Any]) -> None:
        with self._lock:
            if (kind, key) in self._known:
                return  # another owner asked for the same
        answer = _answered(kind, compute)
        with self._lock:
            self._known[kind, key] = answer
            while len(self._known) > KEPT:
                self._known.popitem(last=False)


class ArgumentFace(FacePictures):
    """One face with one recogniser, kernel and crop; see ``FacePictures``."""

    def __init__(
        self, face: Face, embedder: Embedder, kernel: str, crop: str, owner: str = NOBODY
    ) -> None:
        super().__init__(face, embedder, kernel, crop, owner)
        self.embedder = embedder


def _answered(kind: str, compute: Callable[[], Any]) -> Answer:
    try:
        return Answer(compute())
    except BlurdashError as error:
        return Answer(problem=sentence(str(error)))
    except Exception as error:  # noqa: BLE001 - said on the page; the thread serves others too
        # Only the kind of error: its text might hold what belongs to a visitor.
        logging.getLogger("blurdash").warning("%s failed: %s", kind, type(error).__name__)
        return Answer(problem="This could not be computed. Move a slider to try again.")


def _prepared(face: Face, embedder: Embedder | None, kernel: str, crop: str) -> PreparedFace:
    from blurdash.readout import PreparedFace

    return PreparedFace(face, embedder, kernel=kernel, crop=crop, exact=False)
