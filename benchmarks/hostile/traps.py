"""What a fuzz run must notice: one input for each way in which reading can go wrong."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.hostile.payload import payload
from blurdash.errors import PhotoError, TableError

__all__ = ["ATTACKS", "Attack", "seeds", "spring"]


class Attack(NamedTuple):
    """An input, and what is to come of it."""

    outcome: str
    make: Callable[[], bytes]


def _fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def _slow() -> None:
    end = time.process_time() + 1.3
    while time.process_time() < end:
        pass


def _out_of_memory() -> None:
    try:
        bytearray(1 << 50)
    except MemoryError as error:
        raise PhotoError("there is no room") from error


TRAPS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "refused": _fails(PhotoError("it is no picture", "take another")),
    "crash": os.abort,
    "exit": lambda: os._exit(0),
    "hang": lambda: time.sleep(600),
    "slow": _slow,
    "large": lambda: b"x" * (300 << 20),
    "out of memory": _out_of_memory,
    "wrong error": _fails(KeyError("x")),
    "error of another file": _fails(TableError("it is no table")),
    "two lines": _fails(PhotoError("a\nb")),
    "escape sequence": _fails(PhotoError("a\x1b[31m")),
    "markup": _fails(PhotoError("'![x](y)' is no picture")),
    "long text": _fails(PhotoError("a" * 1000)),
    "pickle": lambda: pickle.loads(payload()),
}
ATTACKS = {name: Attack("refused" if name == "refused" else "read", name.encode) for name in TRAPS}


def seeds() -> dict[str, bytes]:
    """Returns an input that does nothing."""
    return {"nothing": b"nothing"}


def spring(name: bytes) -> None:
    """Does what an input stands for."""
    TRAPS[name.decode()]()
