"""Memory given back to the system: what was freed is also gone, and a crowd leaves no mark.

glibc keeps freed blocks for later, with whatever lay in them, in an arena for each thread. A photo
that nobody holds any more would still be there to be read for as long as the server runs: between
what is in use, and in blocks that were taken again and never filled, as MKL's for multiplying
matrices, which it keeps. So glibc overwrites every block as it is freed (but for those below a
kilobyte, which hold no picture); that takes about 6 % of a readout. The server makes no more arenas
than it has, and all of them are emptied after a visit.

``malloc_trim`` alone is not enough: of an arena that is not the first one it leaves the free end as
it is, and Streamlit has threads with such arenas before anything of ours runs. That end goes when a
large block is freed in the same arena while the threshold is low; so one small block is kept in
each arena, and made large and small again there.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["give_back", "give_back_soon", "prepare_memory"]

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_PERTURB, M_ARENA_MAX = -1, -2, -3, -6, -8
FREED = 0xFF  # what a freed block is filled with; one that is taken then begins as zeros
# Where glibc's own thresholds come to lie once the blocks of a canvas were freed, and its padding.
MMAP_BYTES, TRIM_BYTES, PAD_BYTES = 32 * 1024**2, 64 * 1024**2, 128 * 1024
# Arenas go round among threads; Streamlit has two or three besides the first.
HANDLES = 32
HANDLE_BYTES, LARGE_BYTES = 64, 256 * 1024
# More than once: a run that was under way, or a computation, lets go of a face a little later.
AFTER_SECONDS = (0.2, 1.0, 2.0, 3.2, 4.6, 8.0, 20.0)
# A crowd that leaves asks often, and each time everybody waits for a tenth of a second.
REST_SECONDS = 0.5


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """The C library where it is glibc; elsewhere freed memory is the system's own affair."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return None
    library.malloc.restype = library.realloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return library


class _Arenas:
    """A small block in each arena of this process; several in some."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._handles: list[int] = []
        # All at once: the arena of a thread that has ended is the next thread's.
        together = threading.Barrier(HANDLES)
        threads = [threading.Thread(target=self._take, args=(together,)) for _ in range(HANDLES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._set(pad=PAD_BYTES, trim=TRIM_BYTES)

    def _take(self, together: threading.Barrier) -> None:
        self._handles.append(self._library.malloc(HANDLE_BYTES))
        together.wait()

    def empty(self) -> None:
        """Gives back all whole pages that nothing lies in."""
        self._set(pad=0, trim=0)
        for size in (LARGE_BYTES, HANDLE_BYTES):
            resized = (self._library.realloc(handle, size) for handle in self._handles)
            self._handles = [new or old for new, old in zip(resized, self._handles, strict=True)]
        self._library.malloc_trim(0)
        self._set(pad=PAD_BYTES, trim=TRIM_BYTES)

    def _set(self, *, pad: int, trim: int) -> None:
        self._library.mallopt(M_TOP_PAD, pad)
        self._library.mallopt(M_TRIM_THRESHOLD, trim)


@functools.cache
def _arenas() -> _Arenas | None:
    library = _glibc()
    if library is None:
        return None
    library.mallopt(M_ARENA_MAX, 1)
    library.mallopt(M_PERTURB, FREED)
    # Once one threshold is set glibc moves none of them any more; so all are set.
    library.mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
    return _Arenas(library)


def prepare_memory() -> None:
    """Has freed memory overwritten, and all threads take it from the few places that there are.

    Called before threads of ours start.
    """
    _arenas()


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
        arenas = _arenas()
        if arenas is not None:
            arenas.empty()


def give_back_soon() -> None:
    """Gives memory back a little later, a few times: an idle server does so never."""
    for wait in AFTER_SECONDS:
        _later(wait, give_back)


def _later(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
