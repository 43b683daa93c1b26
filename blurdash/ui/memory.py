"""Memory given back to the system: what was freed is also gone, and a crowd leaves no mark.

glibc keeps freed blocks for later, with whatever lay in them, in an arena for each thread. A photo
that nobody holds any more would still be there to be read for as long as the server runs. One arena
that is trimmed after a visit leaves nothing (measured: trimming alone leaves three copies).
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["give_back_soon", "use_one_arena"]

M_ARENA_MAX = -8  # of glibc's malloc.h
# More than once: a run that was under way, or a computation, lets go of a face a little later.
AFTER_SECONDS = (0.2, 1.0, 2.0, 3.5, 8.0, 20.0)
# A crowd that leaves asks often, and each time everybody waits for a tenth of a second.
REST_SECONDS = 0.5


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """The C library where it is glibc; elsewhere freed memory is the system's own affair."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def use_one_arena() -> None:
    """Has all threads take memory from one place; called before there are any."""
    library = _glibc()
    if library is not None:
        library.mallopt(M_ARENA_MAX, 1)


_giving = threading.Lock()
_last = -REST_SECONDS


def give_back() -> None:
    """Lets go of what only refers to itself, and gives freed memory back to the system."""
    global _last
    with _giving:
        if time.monotonic() - _last < REST_SECONDS:
            return
        _last = time.monotonic()
    gc.collect()
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def give_back_soon() -> None:
    """Gives memory back a little later, a few times: an idle server does so never."""
    for wait in AFTER_SECONDS:
        _later(wait, give_back)


def _later(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
