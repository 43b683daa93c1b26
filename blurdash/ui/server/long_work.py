"""Computations of seconds, done in pieces for which a thread of the shared pool stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from blurdash.errors import StoppedError
from blurdash.pauses import pausing
from blurdash.ui.server.live import later
from blurdash.ui.server.pool import LOOK_UP_SECONDS

__all__ = ["LongWork"]

Result = TypeVar("Result")


class LongWork:
    """One such computation: it goes on from pause to pause, whenever its turn comes in the pool.

    So it waits in line as visitors do, and as many threads compute as there are in the pool.

    Args:
        place: Under which name it stands in line.
    """

    def __init__(self, place: str) -> None:
        self._place = place
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
        go, over = threading.Event(), threading.Event()
        self._over = over

        def stand_still() -> None:
            go.set()
            over.wait()

        ticket = later(stand_still, session=self._place)
        while not go.wait(LOOK_UP_SECONDS):
            if self.dropped.is_set() or ticket.over:
                break
        if self.dropped.is_set() or not go.is_set():
            ticket.drop()  # a pool's thread that meets it finds nothing to do
            over.set()
            raise StoppedError("nobody waits for this any more", hint="ask again")
