"""Computations of seconds, done in pieces for which a thread of the shared pool stands still."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TypeVar

from blurdash.errors import BlurdashError, StoppedError
from blurdash.pauses import pausing
from blurdash.ui.server.live import later
from blurdash.ui.server.pool import LOOK_UP_SECONDS

__all__ = ["LongWork"]

Result = TypeVar("Result")

_number = itertools.count()


class LongWork:
    """One such computation: it goes on from pause to pause, whenever its turn comes in the pool.

    So it waits in line as visitors do, and as many threads compute as there are in the pool.
    """

    def __init__(self) -> None:
        # Under a name of its own: another under the same one would throw it out of line.
        self._place = f"long work {next(_number)}"
        self._over = threading.Event()  # of the piece under way
        self.dropped = threading.Event()

    def do(self, compute: Callable[[], Result]) -> Result:
        """Returns what a computation gives, done in this thread.

        Raises:
            StoppedError: It was dropped, or the server is being stopped.
            Exception: Whatever it raises.
        """
        with pausing(self._pause):
            self._begin()
            try:
                return compute()
            finally:
                self._over.set()

    def drop(self) -> None:
        """Ends it at the next pause: nobody wants it any more."""
        self.dropped.set()

    def _pause(self) -> None:
        self._over.set()
        self._begin()

    def _begin(self) -> None:
        while not self._had_its_turn():
            self.dropped.wait(LOOK_UP_SECONDS)  # too many wait: it stands in line a little later

    def _had_its_turn(self) -> bool:
        """Waits in line until a thread stands still; False where there was no room in it."""
        if self.dropped.is_set():
            raise _unwanted()
        go, over = threading.Event(), threading.Event()
        self._over = over

        def stand_still() -> None:
            go.set()
            over.wait()

        try:
            ticket = later(stand_still, session=self._place)
        except StoppedError:
            raise
        except BlurdashError:
            return False
        while not go.wait(LOOK_UP_SECONDS):
            if self.dropped.is_set() or ticket.over:
                break
        if self.dropped.is_set() or not go.is_set():
            ticket.drop()  # a pool's thread that meets it finds nothing to do
            over.set()
            raise _unwanted()
        return True


def _unwanted() -> StoppedError:
    return StoppedError("nobody waits for this any more", hint="ask again")
