"""Pauses between the pieces of long work: whoever runs it may put something else in between."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

__all__ = ["pause", "pausing"]

_by: contextvars.ContextVar[Callable[[], None] | None] = contextvars.ContextVar("by", default=None)


def pause() -> None:
    """Stands between two pieces of work that each take up to some 0.1 s; does nothing by itself."""
    by = _by.get()
    if by is not None:
        by()


@contextlib.contextmanager
def pausing(by: Callable[[], None]) -> Iterator[None]:
    """Says what happens at the pauses of the work that this thread does inside of it.

    Args:
        by: Called at each; what it raises ends the work.

    Example:
        >>> times = []
        >>> with pausing(lambda: times.append("pause")):
        ...     pause()
        >>> pause()
        >>> times
        ['pause']
    """
    token = _by.set(by)
    try:
        yield
    finally:
        _by.reset(token)
