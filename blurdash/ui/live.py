"""Readouts for the pages: computed in the shared pool, each number once, curves when idle.

A ``LiveFace`` remembers what was computed of one face with one setting. Those of the built-in
portrait are shared; those of a visitor's photo are held by that visitor's session alone.
"""

from __future__ import annotations

import collections
import logging
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from blurdash.blur import Change
from blurdash.errors import BlurdashError
from blurdash.ui.encoding import encoded
from blurdash.ui.pool import DroppedError, FairPool, Ticket, cores

if TYPE_CHECKING:
    from blurdash.clean import Readout
    from blurdash.embed import Embedder
    from blurdash.face import Face
    from blurdash.readout import PreparedFace

__all__ = [
    "COARSE_FIRST",
    "NOBODY",
    "Curve",
    "LiveFace",
    "begin_job",
    "end_job",
    "fill_curve",
    "in_line",
    "in_turn",
    "jobs_before",
    "keep_prepared",
    "later",
    "photos_place",
    "shared_live",
    "somebody_waits",
    "stop_filling",
    "stop_looking",
]

Result = TypeVar("Result")

NOBODY = ""  # whose the portrait is, and a readout that no session asked for
REMEMBERED = 512
REMEMBERED_OF_NOBODY = 4096
SETTINGS_KEPT = 8  # of the portrait
CURVES_KEPT = 8
# A prepared face takes 60 to 80 MB: of a session's settings only the last is, and of all together
# so many. Preparing one anew takes as long as three readouts.
PREPARED = 24
PREPARED_OF_NOBODY = 4


def _coarse_first() -> tuple[int, ...]:
    """0..100 so that any first part of it is spread over the whole range."""
    order: list[int] = []
    for step in (50, 25, 10, 5, 2, 1):
        order += [degree for degree in range(0, 101, step) if degree not in order]
    return tuple(order)


COARSE_FIRST = _coarse_first()

_pool = FairPool(cores())


class Curve:
    """Readout values over the degree, at one angle, filled bit by bit.

    Attributes:
        angle: The angle they belong to.
        values: For each degree known so far, every measure.
    """

    def __init__(self, angle: float) -> None:
        self.angle = angle
        self.values: dict[int, dict[str, float]] = {}

    @property
    def complete(self) -> bool:
        """Whether every degree is known."""
        return len(self.values) == len(COARSE_FIRST)


class LiveFace:
    """One face with one recogniser, kernel and crop.

    Args:
        face: The face.
        embedder: A loaded recogniser; None for the numbers that need none.
        kernel: Name of a row of ``KERNELS``.
        crop: Name of a row of ``CROPS``.
        owner: The session whose face it is; ``NOBODY`` for the portrait.
    """

    def __init__(
        self, face: Face, embedder: Embedder | None, kernel: str, crop: str, *, owner: str = NOBODY
    ) -> None:
        self.owner = owner
        self._make: Callable[[], PreparedFace] = lambda: _prepared(face, embedder, kernel, crop)
        self._prepared: PreparedFace | None = None
        self._preparing = threading.Lock()
        self._lock = threading.Lock()
        self._remembered: collections.OrderedDict[Change, Readout | BlurdashError] = (
            collections.OrderedDict()
        )
        self._most = REMEMBERED_OF_NOBODY if owner == NOBODY else REMEMBERED
        self._curves: collections.OrderedDict[float, Curve] = collections.OrderedDict()

    def readout(
        self,
        change: Change,
        *,
        session: str = NOBODY,
        still_wanted: Callable[[], object] = lambda: None,
    ) -> Readout:
        """Returns every number for a change, computed in the shared pool or remembered.

        Args:
            change: What is done to the face.
            session: Who asks; a newer request of the same session takes the place of an older.
            still_wanted: Called while it waits; raises where nobody wants the number any more.

        Raises:
            BlurdashError: The change cannot be read out, such as no face found any more.
        """
        known = self._recall(change)
        if known is None:
            known = in_turn(self._work(change), session=session, still_wanted=still_wanted)
        else:
            somebody_waits()
        if isinstance(known, BlurdashError):
            raise known
        return known

    def picture(self, change: Change, *, session: str, still_wanted: Callable[[], object]) -> bytes:
        """Returns a changed canvas as PNG, for a kernel that the browser does not draw.

        Args:
            change: What is done to the face.
            session: Who asks; a newer request of the same session takes the place of an older.
            still_wanted: Called while it waits; raises where nobody wants it any more.
        """
        return in_turn(
            lambda: encoded(self._ready().changed(change)),
            session=pictures_place(session),
            still_wanted=still_wanted,
        )

    def known(self, change: Change) -> Readout | None:
        """Returns the numbers for a change if they were computed before."""
        found = self._recall(change)
        return None if isinstance(found, BlurdashError) else found

    def curve(self, angle: float) -> Curve:
        """Returns the curve at an angle, as far as it is known."""
        with self._lock:
            if angle not in self._curves:
                self._curves[angle] = Curve(angle)
                while len(self._curves) > CURVES_KEPT:
                    self._curves.popitem(last=False)
            self._curves.move_to_end(angle)
            return self._curves[angle]

    def fill_one(self, curve: Curve, kernel: str) -> bool:
        """Computes the next missing point of a curve; False if there is none."""
        degree = next((d for d in COARSE_FIRST if d not in curve.values), None)
        if degree is None:
            return False
        known = self._compute(Change(degree=degree, angle=curve.angle, kernel=kernel))
        curve.values[degree] = {} if isinstance(known, BlurdashError) else dict(known.values)
        return True

    def release(self) -> None:
        """Lets go of the prepared face; what was computed stays."""
        self._prepared = None

    def _work(self, change: Change) -> Callable[[], Readout | BlurdashError]:
        def work() -> Readout | BlurdashError:
            try:
                return self._compute(change)
            except Exception as error:  # noqa: BLE001 - the page must outlive a recogniser's fault
                return _failure(error)  # not remembered: the next try may go well

        return work

    def _recall(self, change: Change) -> Readout | BlurdashError | None:
        with self._lock:
            known = self._remembered.get(change)
            if known is not None:
                self._remembered.move_to_end(change)
            return known

    def _compute(self, change: Change) -> Readout | BlurdashError:
        known = self._recall(change)  # another visitor may have waited for the same
        if known is not None:
            return known
        try:
            result: Readout | BlurdashError = self._ready().readout(change)
        except BlurdashError as error:
            result = error
        with self._lock:
            self._remembered[change] = result
            while len(self._remembered) > self._most:
                self._remembered.popitem(last=False)
        return result

    def _ready(self) -> PreparedFace:
        with self._preparing:
            prepared = self._prepared
            if prepared is None:
                prepared = self._prepared = self._make()
        _shelf.take_out(self)
        return prepared


def _failure(error: Exception) -> BlurdashError:
    """What a visitor is told of a fault; the log gets its kind and place, no text of it."""
    name = type(error).__name__
    place = traceback.extract_tb(error.__traceback__)[-1]
    logging.getLogger("blurdash").warning(
        "a readout failed: %s in %s, line %s", name, place.name, place.lineno
    )
    return BlurdashError(
        f"the numbers could not be computed ({name})", hint="move a slider to try again"
    )


def _prepared(face: Face, embedder: Embedder | None, kernel: str, crop: str) -> PreparedFace:
    from blurdash.readout import PreparedFace

    return PreparedFace(face, embedder, kernel=kernel, crop=crop, exact=False)


class Prepared(Protocol):
    """What holds a prepared face.

    Attributes:
        owner: The session whose face it is, or ``NOBODY``.
    """

    owner: str

    def release(self) -> None:
        """Lets go of it; it is prepared anew when it is needed again."""


class _Shelf:
    """Knows which faces are prepared, the last used last, and lets go of all but a few.

    It keeps none alive: a face that was forgotten is gone at once.
    """

    def __init__(self) -> None:
        self._used: list[weakref.ref[Prepared]] = []
        self._lock = threading.Lock()

    def take_out(self, live: Prepared) -> None:
        """Notes that a face is used now."""
        with self._lock:
            others = [one for one in (ref() for ref in self._used) if one and one is not live]
            kept, released = self._sorted_out(live, others)
            self._used = [weakref.ref(one) for one in [*reversed(kept), live]]
        for one in released:
            one.release()

    def _sorted_out(
        self, live: Prepared, others: list[Prepared]
    ) -> tuple[list[Prepared], list[Prepared]]:
        """Those that stay prepared, the last used first, and those that do not."""
        kept: list[Prepared] = []
        released: list[Prepared] = []
        room = collections.Counter({live.owner: 1})
        for one in reversed(others):
            room[one.owner] += 1
            most = PREPARED_OF_NOBODY if one.owner == NOBODY else 1
            fits = room[one.owner] <= most and len(kept) + 1 < PREPARED
            (kept if fits else released).append(one)
        return kept, released


_shelf = _Shelf()


# The portrait belongs to nobody, so its readouts serve every visitor; one entry for each setting
# that is looked at.
_shared: collections.OrderedDict[tuple[str, ...], LiveFace] = collections.OrderedDict()
_shared_lock = threading.Lock()


def shared_live(key: tuple[str, ...], make: Callable[[], LiveFace]) -> LiveFace:
    """Returns the portrait's readouts with a setting, the same ones for every session.

    Args:
        key: The setting.
        make: Makes them the first time.
    """
    with _shared_lock:
        live = _shared.get(key)
        if live is None:
            live = _shared[key] = make()
        _shared.move_to_end(key)
        while len(_shared) > SETTINGS_KEPT:
            _shared.popitem(last=False)
        return live


def keep_prepared(one: Prepared) -> None:
    """Notes that a prepared face is used now; those that were not for longest are let go of."""
    _shelf.take_out(one)


def in_turn(
    work: Callable[[], Result],
    *,
    session: str = NOBODY,
    still_wanted: Callable[[], object] = lambda: None,
) -> Result:
    """Returns what some work gives, done in the shared pool when it is this session's turn.

    Args:
        work: Short: what a visitor waits for under a slider.
        session: Who asks; a newer request of the same session takes the place of an older.
        still_wanted: Called while it waits; raises where nobody wants the result any more.

    Raises:
        BlurdashError: Too many wait already, or the server is being stopped.
        Exception: Whatever the work raises.
    """
    somebody_waits()
    place = session or f"thread {threading.get_ident()}"
    while True:
        ticket = _pool.ask(place, work)
        try:
            return ticket.wait(still_wanted)
        except DroppedError:
            # A newer run of this page has asked. This one ends here, unless it is the newer.
            still_wanted()
        finally:
            _pool.leave(place, ticket)


def later(work: Callable[[], Result], *, session: str) -> Ticket[Result]:
    """Has some work done in the shared pool when it is a session's turn, without waiting for it.

    Args:
        work: Takes a second or two, no more.
        session: Who asks; a newer request under the same name takes the place of an older.

    Raises:
        BlurdashError: Too many wait already, or the server is being stopped.
    """
    somebody_waits()
    return _pool.ask(session, work)


def somebody_waits(session: str = NOBODY) -> None:
    """Notes that a visitor waits for something now: curves are filled later.

    Args:
        session: Whose page is drawn anew: a number that its last run waited for may be of another
            face or setting, and is not computed any more.
    """
    _pool.somebody_waits(session)


def in_line() -> int:
    """Returns how many visitors wait for a number."""
    return _pool.in_line()


def fill_curve(session: str, live: LiveFace, curve: Curve, kernel: str) -> None:
    """Asks for a curve to be filled in idle time; drops what this session asked for before."""
    # Only a weak hold: a face that its session has forgotten is not computed any more.
    reference = weakref.ref(live)

    def step() -> bool:
        face = reference()
        return face is not None and face.fill_one(curve, kernel)

    _pool.do_when_idle(session, step)


def begin_job(session: str, step: Callable[[], bool]) -> None:
    """Has a session's long work done step by step, beside those who drag; see ``FairPool``.

    Args:
        session: Who it is for; its job before is dropped.
        step: One short piece of work; whether there is more.
    """
    _pool.do_job(session, step)


def jobs_before(session: str) -> int:
    """Returns how many jobs of others must end before a session's is in work."""
    return _pool.jobs_before(session)


def end_job(session: str, step: Callable[[], bool]) -> None:
    """Drops a session's job, where it still is this one; the step under way is finished."""
    _pool.drop_job(session, step)


def stop_filling(session: str) -> None:
    """Drops all that this session asked for: its curve, a number and a picture it waits for."""
    _pool.abandon(session)
    _pool.abandon(pictures_place(session))


def stop_looking(session: str) -> None:
    """Drops the photo of this session that waits to be looked at."""
    _pool.abandon(photos_place(session))


def pictures_place(session: str) -> str:
    """Returns under which name a session's pictures stand in line, beside its numbers."""
    return f"{session} picture"


def photos_place(session: str) -> str:
    """Returns under which name a session's photos stand in line, beside its numbers."""
    return f"{session} photos"
