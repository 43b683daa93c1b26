"""What pages know of one face with one setting: readouts, curves, and what takes seconds.

Those of the built-in portrait are shared; those of a visitor's photo are held by that visitor's
session alone.
"""

from __future__ import annotations

import collections
import concurrent.futures
import logging
import threading
import traceback
import weakref
from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from blurdash.blur import Change
from blurdash.errors import BlurdashError, SettingError, StoppedError
from blurdash.measures import QUICK
from blurdash.ui.server.encoding import encoded
from blurdash.ui.server.live import NOBODY, in_turn, pictures_place, somebody_waits, when_idle
from blurdash.ui.server.long_work import LongWork
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.clean import Readout
    from blurdash.disturb import Disturbance
    from blurdash.embed import Embedder
    from blurdash.face import Face
    from blurdash.readout import PreparedFace

__all__ = ["COARSE_FIRST", "Answer", "Curve", "KnownFace", "end_long_work", "shared_face"]

Key = TypeVar("Key")
Value = TypeVar("Value")

ANSWERS_KEPT = 48
PICTURES_KEPT = 4
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

# For what takes seconds: they work only while a thread of the shared pool stands still for them.
_background = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="long")


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


class _Asked(NamedTuple):
    """What an owner has asked for of a kind, and of which face and setting."""

    of: weakref.ref[KnownFace]
    key: Hashable
    future: concurrent.futures.Future[None]
    work: LongWork

    def drop(self) -> None:
        """Ends it, wherever it is."""
        self.future.cancel()
        self.work.drop()


# By owner and kind, for all faces and settings: who looks at another has left the one before.
_asked: dict[tuple[str, str], _Asked] = {}
_asked_lock = threading.Lock()


def _end_asked(over: Callable[[tuple[str, str], _Asked], bool]) -> None:
    """Ends what was asked for, where nobody wants it any more."""
    with _asked_lock:
        for place in [place for place, asked in _asked.items() if over(place, asked)]:
            _asked.pop(place).drop()


class KnownFace:
    """What is known of one face with one recogniser, kernel and crop, for every page.

    All is computed in the shared pool, what takes seconds piece by piece; and all of it once.

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
        self.face = face
        self._embedder = embedder
        self._make: Callable[[], PreparedFace] = lambda: _prepared(face, embedder, kernel, crop)
        self._prepared: PreparedFace | None = None
        self._preparing = threading.Lock()
        self._lock = threading.Lock()
        self._remembered: collections.OrderedDict[Change, Readout | BlurdashError] = (
            collections.OrderedDict()
        )
        self._most = REMEMBERED_OF_NOBODY if owner == NOBODY else REMEMBERED
        self._curves: collections.OrderedDict[float, Curve] = collections.OrderedDict()
        self._pictures: collections.OrderedDict[Change, bytes] = collections.OrderedDict()
        self._answers: collections.OrderedDict[tuple[str, Hashable], Answer] = (
            collections.OrderedDict()
        )
        self._one_by_one = threading.Lock()  # what another has asked for too is there by then

    @property
    def embedder(self) -> Embedder:
        """The recogniser.

        Raises:
            SettingError: There is none.
        """
        if self._embedder is None:
            raise SettingError("there is no recogniser", hint="choose one that is at hand")
        return self._embedder

    @property
    def prepared(self) -> PreparedFace:
        """The face, prepared when first asked for."""
        with self._preparing:
            prepared = self._prepared
            if prepared is None:
                prepared = self._prepared = self._make()
        _shelf.take_out(self)
        return prepared

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

        Raises:
            BlurdashError: It cannot be drawn now.
        """
        known: bytes | BlurdashError | None = self._pictures.get(change)
        if known is None:
            known = in_turn(
                self._drawing(change), session=pictures_place(session), still_wanted=still_wanted
            )
        if isinstance(known, BlurdashError):
            raise known
        return known

    def _drawing(self, change: Change) -> Callable[[], bytes | BlurdashError]:
        def work() -> bytes | BlurdashError:
            try:
                picture = encoded(self.prepared.changed(change))
            except Exception as error:  # noqa: BLE001 - the page must outlive it
                return _failure(error)
            with self._lock:
                _keep_last(self._pictures, change, picture, PICTURES_KEPT)
            return picture

        return work

    def known(self, change: Change) -> Readout | None:
        """Returns the numbers for a change if they were computed before."""
        found = self._recall(change)
        return None if isinstance(found, BlurdashError) else found

    def curve(self, angle: float) -> Curve:
        """Returns the curve at an angle, as far as it is known."""
        with self._lock:
            if angle not in self._curves:
                _keep_last(self._curves, angle, Curve(angle), CURVES_KEPT)
            self._curves.move_to_end(angle)
            return self._curves[angle]

    def known_of_curve(self, angle: float) -> dict[int, dict[str, float]]:
        """Returns what is known of the curve at an angle that a hand may only pass."""
        curve = self._curves.get(angle)
        return dict(curve.values) if curve else {}

    def fill(self, curve: Curve, kernel: str, *, session: str) -> None:
        """Asks for a curve to be filled in idle time; drops what a session asked for before."""
        # Only a weak hold: a face that its session has forgotten is not computed any more.
        reference = weakref.ref(self)

        def step() -> bool:
            face = reference()
            return face is not None and face.fill_one(curve, kernel)

        when_idle(session, step)

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
            result: Readout | BlurdashError = self.prepared.readout(change)
        except BlurdashError as error:
            result = error
        with self._lock:
            _keep_last(self._remembered, change, result, self._most)
        return result

    def quick(self, change: Change | Disturbance) -> dict[str, float]:
        """Returns the numbers of a changed picture that are quick to compute, in this thread.

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
            known = self._answers.get((kind, key))
            if known is not None:
                self._answers.move_to_end((kind, key))
                return known
        with _asked_lock:
            before = _asked.get((owner, kind))
            if before is not None:
                if before.of() is self and before.key == key and not before.future.done():
                    return Answer()
                before.drop()
            work = LongWork()
            future = _background.submit(self._run, kind, key, compute, work)
            _asked[owner, kind] = _Asked(weakref.ref(self), key, future, work)
        return Answer()

    def keep_only(self, owner: str, kinds: Collection[str]) -> None:
        """Ends what an owner has asked for of other kinds, or of another face or setting."""
        _end_asked(
            lambda place, asked: (
                place[0] == owner
                and (asked.future.done() or asked.of() is not self or place[1] not in kinds)
            )
        )

    def drop(self) -> None:
        """Ends what is under way and forgets what is known: the face is to be gone."""
        _end_asked(lambda _place, asked: asked.of() is self)
        with self._lock:
            self._answers.clear()
            self._remembered.clear()
            self._curves.clear()
            self._pictures.clear()
        self.release()

    def _run(self, kind: str, key: Hashable, compute: Callable[[], Any], work: LongWork) -> None:
        with self._one_by_one:
            with self._lock:
                if (kind, key) in self._answers:
                    return  # another owner asked for the same
            try:
                answer = _answered(kind, lambda: work.do(compute))
            except StoppedError:
                return  # whoever wants it asks again
            with self._lock:
                if not work.dropped.is_set():
                    _keep_last(self._answers, (kind, key), answer, ANSWERS_KEPT)


def _keep_last(
    kept: collections.OrderedDict[Key, Value], key: Key, value: Value, most: int
) -> None:
    """Keeps a value, and of all only the last few."""
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)


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


def _answered(kind: str, compute: Callable[[], Any]) -> Answer:
    try:
        return Answer(compute())
    except StoppedError:
        raise
    except BlurdashError as error:
        return Answer(problem=sentence(str(error)))
    except Exception as error:  # noqa: BLE001 - said on the page; the thread serves others too
        # Only the kind of error: its text might hold what belongs to a visitor.
        logging.getLogger("blurdash").warning("%s failed: %s", kind, type(error).__name__)
        return Answer(problem="This could not be computed. Move a slider to try again.")


def _prepared(face: Face, embedder: Embedder | None, kernel: str, crop: str) -> PreparedFace:
    from blurdash.readout import PreparedFace

    return PreparedFace(face, embedder, kernel=kernel, crop=crop, exact=False)


class _Shelf:
    """Knows which faces are prepared, the last used last, and lets go of all but a few.

    It keeps none alive: a face that was forgotten is gone at once.
    """

    def __init__(self) -> None:
        self._used: list[weakref.ref[KnownFace]] = []
        self._lock = threading.Lock()

    def take_out(self, face: KnownFace) -> None:
        """Notes that a face is used now."""
        with self._lock:
            others = [one for one in (ref() for ref in self._used) if one and one is not face]
            kept, released = self._sorted_out(face, others)
            self._used = [weakref.ref(one) for one in [*reversed(kept), face]]
        for one in released:
            one.release()

    def _sorted_out(
        self, face: KnownFace, others: list[KnownFace]
    ) -> tuple[list[KnownFace], list[KnownFace]]:
        """Those that stay prepared, the last used first, and those that do not."""
        kept: list[KnownFace] = []
        released: list[KnownFace] = []
        room = collections.Counter({face.owner: 1})
        for one in reversed(others):
            room[one.owner] += 1
            most = PREPARED_OF_NOBODY if one.owner == NOBODY else 1
            fits = room[one.owner] <= most and len(kept) + 1 < PREPARED
            (kept if fits else released).append(one)
        return kept, released


_shelf = _Shelf()


# The portrait belongs to nobody, so what is known of it serves every visitor; one entry for each
# setting that is looked at.
_shared: collections.OrderedDict[tuple[str, ...], KnownFace] = collections.OrderedDict()
_shared_lock = threading.Lock()


def end_long_work(owner: str) -> None:
    """Ends all that an owner has asked for: another page is looked at, or the visit is over."""
    _end_asked(lambda place, _asked: place[0] == owner)


def shared_face(key: tuple[str, ...], make: Callable[[], KnownFace]) -> KnownFace:
    """Returns what is known of the portrait with a setting, the same for every session.

    Args:
        key: The setting.
        make: Makes it the first time.
    """
    with _shared_lock:
        face = _shared.pop(key, None) or make()
        _keep_last(_shared, key, face, SETTINGS_KEPT)
        return face
