"""The pool that all sessions share, as pages use it: numbers in turn, curves when idle, jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from blurdash.ui.server.pool import DroppedError, FairPool, Ticket, cores

__all__ = [
    "NOBODY",
    "begin_job",
    "end_job",
    "in_line",
    "in_turn",
    "jobs_before",
    "later",
    "photos_place",
    "pictures_place",
    "somebody_waits",
    "stop_filling",
    "stop_growing",
    "stop_looking",
    "when_idle",
]

Result = TypeVar("Result")

NOBODY = ""  # whose the portrait is, and a readout that no session asked for
_pool = FairPool(cores())


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


def when_idle(session: str, step: Callable[[], bool]) -> None:
    """Has work done step by step in idle time; drops what this session asked for before.

    Args:
        session: Who it is for.
        step: One short piece of work; whether there is more.
    """
    _pool.do_when_idle(session, step)


def stop_growing(session: str) -> None:
    """Drops what a session asked for in idle time, its curve; numbers it waits for still come."""
    _pool.do_when_idle(session, lambda: False)


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
