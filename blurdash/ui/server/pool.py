"""The work that visitors wait for: a few threads for all, in turn, and only what is still wanted.

A session has at most one piece of work in line. A newer one takes its place, so what a dragged
slider has left behind is never computed; and as each session stands in line once, they are served
in turn however many requests one of them sends. Work that nobody waits for (the points of curves)
is done while no visitor waits, and is given a small share when that never happens. Sweeps are jobs:
steps that go on beside a hand, one at a time and only in a thread that no visitor waits for.
"""

from __future__ import annotations

import atexit
import collections
import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from blurdash.errors import BlurdashError, StoppedError

__all__ = ["DroppedError", "FairPool", "Ticket", "cores"]

Result = TypeVar("Result")
# One short piece of work; whether there is more.
Step = Callable[[], bool]
_Work = collections.OrderedDict[str, Step]

IDLE_SECONDS = 0.25
# While somebody always waits, every so many pieces of work one is done for the curves: a visitor
# who rests still sees a chart, and the others do not feel it.
PIECES_FOR_A_STEP = 20
MOST_WAITING = 256
# Each holds a face ready, 60 to 80 MB; the others wait for their turn.
JOBS_IN_WORK = 2
LOOK_UP_SECONDS = 0.25
END_SECONDS = 10


class DroppedError(Exception):
    """The work was not done: a newer request took its place, or nobody wants it any more."""


class Ticket(Generic[Result]):
    """A place in line.

    Args:
        work: What is to be done.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work: Callable[[], Result] | None = work
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()

    def wait(self, still_wanted: Callable[[], object] = lambda: None) -> Result:
        """Waits for the result.

        Args:
            still_wanted: Called now and then; what it raises ends the wait.

        Raises:
            DroppedError: The work was not done.
            Exception: Whatever the work raised.
        """
        while not self._done.wait(LOOK_UP_SECONDS):
            still_wanted()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it is there: the work is done

    @property
    def over(self) -> bool:
        """Whether the work is done, or dropped."""
        return self._done.is_set()

    def run(self) -> None:
        """Does the work, in a thread of the pool."""
        work = self._work
        try:
            if work is not None:
                self._result = work()
        except Exception as error:  # noqa: BLE001 - it belongs to the one who waits
            self._error = error
        self._end()

    def drop(self) -> None:
        """Tells the one who waits that the work will not be done."""
        self._error = DroppedError()
        self._end()

    def _end(self) -> None:
        self._work = None  # it holds a face
        self._done.set()


class FairPool:
    """Threads that do the work of all sessions, in turn.

    Args:
        threads: How many pieces of work run at once.
        clock: Seconds; for tests.
    """

    def __init__(self, threads: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock = threads, clock
        self._waiting: collections.OrderedDict[str, Ticket[Any]] = collections.OrderedDict()
        self._steps: _Work = collections.OrderedDict()
        self._jobs: _Work = collections.OrderedDict()
        self._working: set[str] = set()  # whose job is being done now
        self._stepping = False
        self._job_is_next = False
        self._last_job = ""
        self._since_step = 0
        self._last_wait = clock() - IDLE_SECONDS
        self._closed = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def ask(self, session: str, work: Callable[[], Result]) -> Ticket[Result]:
        """Puts work in line; what this session had there before is dropped, its place is kept.

        Raises:
            BlurdashError: Too many sessions wait already.
            StoppedError: The pool is closed.
        """
        ticket = Ticket(work)
        with self._changed:
            self._last_wait = self._clock()
            old = self._waiting.get(session)
            if old is None and len(self._waiting) >= MOST_WAITING:
                raise BlurdashError(
                    f"{MOST_WAITING} visitors wait for numbers already",
                    hint="try again in a moment",
                )
            if self._closed:
                raise StoppedError("the server is being stopped", hint="come back in a moment")
            self._waiting[session] = ticket
            self._start_threads()
            self._changed.notify_all()
        if old is not None:
            old.drop()
        return ticket

    def leave(self, session: str, ticket: Ticket[Any]) -> None:
        """Takes a ticket out of line that nobody waits for any more."""
        with self._changed:
            if self._waiting.get(session) is ticket:
                del self._waiting[session]
        ticket.drop()

    def in_line(self) -> int:
        """Returns how many sessions wait."""
        return len(self._waiting)

    def somebody_waits(self, session: str | None = None) -> None:
        """Notes that a visitor waits for something else now: steps are done later.

        Args:
            session: Who begins anew; what stood in line for it is of no use any more.
        """
        with self._changed:
            self._last_wait = self._clock()
            ticket = self._waiting.pop(session, None) if session else None
        if ticket is not None:
            ticket.drop()

    def do_when_idle(self, session: str, step: Step) -> None:
        """Has a step done again and again until it returns False, while no visitor waits.

        Args:
            session: Who it is for; what was to be done for it before is dropped.
            step: One short piece of work; whether there is more.
        """
        self._put(self._steps, session, step)

    def do_job(self, session: str, step: Step) -> None:
        """Has a step done again and again until it returns False, in threads nobody waits for.

        Only a few jobs are in work at a time, in the order in which they came; a session has one.

        Args:
            session: Who it is for; its job before is dropped.
            step: One short piece of work; whether there is more.
        """
        self._put(self._jobs, session, step)

    def jobs_before(self, session: str) -> int:
        """Returns how many jobs must end before a session's is in work; 0 where it is."""
        with self._changed:
            place = list(self._jobs).index(session) if session in self._jobs else 0
        return max(0, place - JOBS_IN_WORK + 1)

    def drop_job(self, session: str, step: Step) -> None:
        """Drops a session's job, where it still is this one; the step under way is finished."""
        with self._changed:
            if self._jobs.get(session) == step:
                del self._jobs[session]
            self._changed.notify_all()

    def abandon(self, session: str) -> None:
        """Drops all that a session waits for; what is under way is finished, and its job stays."""
        with self._changed:
            self._steps.pop(session, None)
            ticket = self._waiting.pop(session, None)
        if ticket is not None:
            ticket.drop()

    def close(self) -> None:
        """Drops all that is in line, ends the threads and waits for what is under way."""
        with self._changed:
            self._closed = True
            tickets = list(self._waiting.values())
            self._waiting.clear()
            self._steps.clear()
            self._jobs.clear()
            self._changed.notify_all()
        for ticket in tickets:
            ticket.drop()
        for thread in self._threads:
            thread.join(END_SECONDS)
        atexit.unregister(self.close)

    def _start_threads(self) -> None:
        if self._threads:
            return
        # A thread that is inside torch when the interpreter ends would abort the process.
        atexit.register(self.close)
        for number in range(self._count):
            thread = threading.Thread(target=self._run, name=f"pool-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            work()
            del work  # else an idle thread would hold on to a face

    def _next(self) -> Callable[[], None] | None:
        """Waits for something to do; None once the pool is closed."""
        with self._changed:
            while not self._closed:
                job = self._job_due()
                if job and self._since_step >= PIECES_FOR_A_STEP and self._job_is_next:
                    return self._begin_job(job)
                if self._step_is_due():
                    return self._begin_step()
                if job and self._since_step >= PIECES_FOR_A_STEP:
                    return self._begin_job(job)
                if self._waiting:
                    self._since_step += 1
                    return self._waiting.popitem(last=False)[1].run
                if job:
                    return self._begin_job(job)
                self._changed.wait(self._until_idle())
        return None

    def _begin_step(self) -> Callable[[], None]:
        self._stepping, self._since_step, self._job_is_next = True, 0, True
        session, step = self._steps.popitem(last=False)
        self._steps[session] = step  # the others come first next time
        return lambda: self._do_step(session, step)

    def _begin_job(self, session: str) -> Callable[[], None]:
        if self._since_step >= PIECES_FOR_A_STEP:  # its share beside hands, which curves have too
            self._since_step, self._job_is_next = 0, False
        self._working.add(session)
        self._last_job = session
        step = self._jobs[session]
        return lambda: self._do_job(session, step)

    def _job_due(self) -> str:
        """Whose job may be done now; empty for nobody's."""
        # Beside a hand one at a time: two would take the cores that it waits for.
        most = self._count if self._is_quiet() else 1
        if len(self._working) >= most:
            return ""
        first = itertools.islice(self._jobs, JOBS_IN_WORK)
        free = [session for session in first if session not in self._working]
        return min(free, key=lambda session: session == self._last_job, default="")

    def _is_quiet(self) -> bool:
        """Whether no visitor has waited for a while."""
        return not self._waiting and self._clock() >= self._last_wait + IDLE_SECONDS

    def _step_is_due(self) -> bool:
        if not self._steps or self._stepping:
            return False
        if self._since_step >= PIECES_FOR_A_STEP:
            return True
        return not self._waiting and self._until_idle() == 0

    def _until_idle(self) -> float | None:
        """Seconds until steps may be done; None where there is nothing to wait for."""
        if not self._steps or self._stepping:
            return None
        return max(0.0, self._last_wait + IDLE_SECONDS - self._clock())

    def _put(self, where: _Work, session: str, step: Step) -> None:
        with self._changed:
            where[session] = step
            if not self._closed:
                self._start_threads()
            self._changed.notify_all()

    def _do_step(self, session: str, step: Step) -> None:
        more = _is_more(step)
        with self._changed:
            self._stepping = False
            self._settle(self._steps, session, step, more=more)

    def _do_job(self, session: str, step: Step) -> None:
        more = _is_more(step)
        with self._changed:
            self._working.discard(session)
            self._settle(self._jobs, session, step, more=more)

    def _settle(self, where: _Work, session: str, step: Step, *, more: bool) -> None:
        """Drops what is done, where nothing else has taken its place meanwhile."""
        if not more and where.get(session) is step:
            del where[session]
        self._changed.notify_all()


def _is_more(step: Step) -> bool:
    try:
        return step()
    except Exception:  # noqa: BLE001 - one face's fault must not end everybody's; a job says its own
        return False


def cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a container may be given fewer than there are
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
